// SPDX-License-Identifier: GPL-2.0
/* Shared code of the KUnit suites; see common.h. Contains no suite. */
#include <linux/cpumask.h>
#include <linux/interrupt.h>
#include <linux/irq_work.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/umh.h>
#include <linux/vmalloc.h>

#include "common.h"

static unsigned int scale = 100;
module_param(scale, uint, 0444);
MODULE_PARM_DESC(scale, "length of the heavy cases, in percent");

/* How long to wait for an event before the case fails. The event is expected at once. */
#define TIMEOUT	(30 * HZ)

unsigned int kt_scaled(unsigned int loops)
{
	return max(1u, (unsigned int)((u64)loops * scale / 100));
}

/* --- Objects and pools -------------------------------------------------- */

void kt_violation(struct kt_pool *kp, const char *rule)
{
	if (atomic_inc_return(&kp->violations) == 1)
		WRITE_ONCE(kp->rule, rule);
}

/* Lock-free, so that it may be called where memory cannot be allocated. */
static void *kt_alloc(gfp_t gfp, void *ctx)
{
	struct kt_pool *kp = ctx;
	struct kt_obj *obj;
	unsigned int i;

	WRITE_ONCE(kp->gfp, gfp);
	for (i = 0; i < kp->nr_obj && !READ_ONCE(kp->alloc_fails); i++) {
		obj = &kp->obj[(unsigned int)atomic_inc_return(&kp->next) %
			       kp->nr_obj];
		if (atomic_cmpxchg(&obj->owner, KT_UNALLOCATED, KT_ALLOCATED) !=
		    KT_UNALLOCATED)
			continue;
		obj->resets = 0;
		obj->mark = 0;
		obj->check = ~0u;
		atomic_inc(&kp->allocs);
		if (kp->hook)
			kp->hook(kp, KT_ALLOC, obj);
		return obj;
	}
	atomic_inc(&kp->failed_allocs);
	return NULL;
}

static bool is_object(struct kt_pool *kp, struct kt_obj *obj)
{
	return obj >= kp->obj && obj < kp->obj + kp->nr_obj &&
	       !(((void *)obj - (void *)kp->obj) % sizeof(*obj));
}

static void kt_free(void *data, void *ctx)
{
	struct kt_pool *kp = ctx;
	struct kt_obj *obj = data;
	int owner;

	if (!is_object(kp, obj)) {
		kt_violation(kp, "freed a pointer that is not an object");
		return;
	}
	if (in_hardirq() || in_nmi())
		kt_violation(kp, "freed in hardirq context");
	if (!(kp->core->flags & PCPOOL_FREE_ATOMIC)) {
		if (!kt_may_sleep())
			kt_violation(kp, "freed in a context that must not sleep");
		might_sleep();
	}
	if (kp->hook)
		kp->hook(kp, KT_FREE, obj);
	owner = atomic_xchg(&obj->owner, KT_UNALLOCATED);
	if (owner == KT_UNALLOCATED)
		kt_violation(kp, "freed twice");
	else if (owner != KT_ALLOCATED && owner != KT_IDLE)
		kt_violation(kp, "freed an object that is in use");
	atomic_inc(&kp->frees);
}

static void kt_reset(void *data, void *ctx)
{
	struct kt_pool *kp = ctx;
	struct kt_obj *obj = data;

	if (!is_object(kp, obj)) {
		kt_violation(kp, "reset a pointer that is not an object");
		return;
	}
	if (atomic_read(&obj->owner) != KT_IDLE)
		kt_violation(kp, "reset an object that was not being put");
	if (kp->hook)
		kp->hook(kp, KT_RESET, obj);
	if (atomic_read(&obj->owner) != KT_IDLE)
		kt_violation(kp, "returned an object from a get while it was being reset");
	obj->resets++;
	atomic_inc(&kp->resets);
}

const struct pcpool_ops kt_ops = {
	.alloc = kt_alloc,
	.free = kt_free,
};

const struct pcpool_ops kt_ops_reset = {
	.alloc = kt_alloc,
	.free = kt_free,
	.reset = kt_reset,
};

struct shrinker *kt_shrinker(struct kt_pool *kp)
{
#ifdef PCPOOL_HAVE_SHRINKER_ALLOC
	return kp->core->shrinker;
#else
	return &kp->core->shrinker;
#endif
}

/* Memory pressure of the machine must not age the objects that a case counts. */
static unsigned long no_scan(struct shrinker *shrinker,
			     struct shrink_control *sc)
{
	return SHRINK_STOP;
}

unsigned long kt_scan_now(struct kt_pool *kp, unsigned long nr, gfp_t gfp)
{
	struct shrink_control sc = {
		.gfp_mask = gfp,
		.nr_to_scan = nr,
	};

	return kp->scan(kt_shrinker(kp), &sc);
}

unsigned long kt_scan(struct kt_pool *kp, unsigned long nr)
{
	kp->core->flipped_at = jiffies - HZ;
	return kt_scan_now(kp, nr, GFP_KERNEL);
}

unsigned long kt_count(struct kt_pool *kp)
{
	struct shrink_control sc = { .gfp_mask = GFP_KERNEL };

	return kt_shrinker(kp)->count_objects(kt_shrinker(kp), &sc);
}

static void free_kp(struct kt_pool *kp)
{
	free_percpu(kp->counts);
	vfree(kp->obj);
	kfree(kp);
}

/* Put objects back that a failed case still holds, so that the next case is not affected. */
static void put_outstanding(struct kt_pool *kp)
{
	unsigned int i;

	for (i = 0; i < kp->nr_obj; i++) {
		if (atomic_read(&kp->obj[i].owner) < KT_IN_TRANSIT)
			continue;
		atomic_set(&kp->obj[i].owner, KT_IDLE);
		this_cpu_inc(kp->counts->puts);
		pcpool_put(kp->pool, &kp->obj[i]);
	}
}

static void kt_pool_exit(void *data)
{
	struct kt_pool *kp = data;

	if (kp->pool) {
		kt_expect_consistent(kp);
		if (kt_stats(kp).outstanding) {
			KUNIT_FAIL(kp->test, "%s: objects are outstanding",
				   kp->core->name);
			put_outstanding(kp);
		}
		pcpool_destroy(kp->pool);
		kt_expect_freed(kp, 0);
	}
	free_kp(kp);
}

struct kt_pool *kt_pool_new(struct kunit *test, unsigned int objs,
			    const struct pcpool_params *params)
{
	static atomic_t pools;
	struct pcpool_params p = *params;
	struct kt_pool *kp;
	char name[PCPOOL_NAME_BYTES];

	kp = kzalloc_obj(*kp, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, kp);
	kp->test = test;
	kp->nr_obj = objs;
	kp->obj = vcalloc(objs, sizeof(*kp->obj));
	kp->counts = alloc_percpu(struct kt_counts);

	snprintf(name, sizeof(name), "kunit-%d", atomic_inc_return(&pools));
	p.name = p.name ?: name;
	p.ops = p.ops ?: &kt_ops;
	p.ctx = kp;
	p.object_bytes = p.object_bytes ?: sizeof(struct kt_obj);
	/* Unless a case is about decay, however long it takes. */
	p.decay_ms = p.decay_ms ?: PCPOOL_DECAY_NEVER;
	/* kt_free() is safe in any context, and most cases count what a put has freed. */
	if (!(p.flags & PCPOOL_FREE_MAY_SLEEP))
		p.flags |= PCPOOL_FREE_ATOMIC;
	if (kp->obj && kp->counts)
		kp->pool = pcpool_create(&p);
	if (IS_ERR_OR_NULL(kp->pool)) {
		free_kp(kp);
		KUNIT_FAIL_AND_ABORT(test, "cannot create a pool");
	}
	kp->core = pcpool_to_core(kp->pool);
	kp->scan = kt_shrinker(kp)->scan_objects;
	WRITE_ONCE(kt_shrinker(kp)->scan_objects, no_scan);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, kt_pool_exit, kp));
	return kp;
}

void kt_destroy(struct kt_pool *kp)
{
	kunit_release_action(kp->test, kt_pool_exit, kp);
}

void *kt_note_get(struct kt_pool *kp, void *data, int holder)
{
	struct kt_obj *obj = data;
	int owner;

	if (!obj)
		return NULL;
	if (!is_object(kp, obj)) {
		kt_violation(kp, "got a pointer that is not an object");
		return NULL;
	}
	owner = atomic_read(&obj->owner);
	if ((owner != KT_ALLOCATED && owner != KT_IDLE) ||
	    atomic_cmpxchg(&obj->owner, owner, holder) != owner)
		kt_violation(kp, owner == KT_UNALLOCATED ? "got a freed object" :
			     "got an object that is in use");
	if (obj->mark != ~obj->check)
		kt_violation(kp, "got an object before its writes were visible");
	this_cpu_inc(kp->counts->gets);
	return obj;
}

void kt_note_put(struct kt_pool *kp, void *data, int holder)
{
	struct kt_obj *obj = data;

	/* A broken pool may have returned fewer objects than the case expects. */
	if (!obj) {
		kt_violation(kp, "put NULL instead of an object");
		return;
	}
	obj->mark++;
	obj->check = ~obj->mark;
	if (atomic_cmpxchg(&obj->owner, holder, KT_IDLE) != holder)
		kt_violation(kp, "an object was taken from its holder");
	this_cpu_inc(kp->counts->puts);
}

unsigned int kt_get_bulk(struct kt_pool *kp, gfp_t gfp, unsigned int n,
			 void **objs, int holder)
{
	unsigned int i, got = pcpool_get_bulk(kp->pool, gfp, n, objs);

	if (got > n)
		kt_violation(kp, "got more than asked for");
	for (i = 0; i < got; i++) {
		if (!kt_note_get(kp, objs[i], holder))
			kt_violation(kp, "got NULL among objects");
	}
	return got;
}

void kt_put_bulk(struct kt_pool *kp, unsigned int n, void **objs, int holder)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (objs[i])
			kt_note_put(kp, objs[i], holder);
	}
	pcpool_put_bulk(kp->pool, n, objs);
}

void **kt_get_many(struct kt_pool *kp, unsigned int n)
{
	void **objs = kunit_kcalloc(kp->test, n, sizeof(*objs), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(kp->test, objs);
	for (i = 0; i < n; i++) {
		objs[i] = kt_get(kp, GFP_KERNEL, KT_ME);
		KUNIT_ASSERT_NOT_NULL(kp->test, objs[i]);
	}
	return objs;
}

void kt_put_many(struct kt_pool *kp, unsigned int n, void **objs)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		kt_put(kp, objs[i], KT_ME);
}

void kt_make_idle(struct kt_pool *kp, unsigned int n)
{
	void **objs = kt_get_many(kp, n);

	kt_put_many(kp, n, objs);
	kunit_kfree(kp->test, objs);
}

void kt_put_to_queue(struct kt_pool *kp, unsigned int n, void **objs)
{
	struct pcpool_core *core = kp->core;
	unsigned int i, tier, pushed;
	struct pcpool_ring *ring;

	ring = pcpool_ring_alloc(roundup_pow_of_two(max(n, PCPOOL_RING_MIN)),
				 GFP_KERNEL, NUMA_NO_NODE);
	KUNIT_ASSERT_NOT_NULL(kp->test, ring);
	for (i = 0; i < n; i++)
		kt_note_put(kp, objs[i], KT_ME);
	preempt_disable();
	tier = pcpool_main_tier(core);
	pcpool_percpu_add_ring(core, smp_processor_id(), tier, ring);
	pushed = pcpool_queue_push(this_cpu_ptr(&core->cpu->queue[tier]), objs, n);
	cpumask_set_cpu(smp_processor_id(), core->nonempty[tier]);
	this_cpu_add(core->cpu->off_slots, n);
	preempt_enable();
	KUNIT_ASSERT_EQ(kp->test, pushed, n);
}

void kt_hold_worker(struct kt_pool *kp)
{
	kp->worker_held = true;
	disable_work_sync(&kp->core->work);
	disable_work_sync(&kp->core->free_work);
}

void kt_release_worker(struct kt_pool *kp)
{
	kp->worker_held = false;
	enable_work(&kp->core->work);
	enable_work(&kp->core->free_work);
	irq_work_queue(&kp->core->irq_work);
}

void kt_settle(struct kt_pool *kp)
{
	unsigned long end = jiffies + TIMEOUT;

	if (kp->worker_held)
		kt_release_worker(kp);
	do {
		/* Not irq_work_sync(), which may wait for a grace period. */
		while (irq_work_is_busy(&kp->core->irq_work))
			schedule_timeout_uninterruptible(1);
		flush_work(&kp->core->work);
		flush_work(&kp->core->free_work);
		if (!pcpool_deferred_count(&kp->core->deferred_puts) &&
		    !pcpool_deferred_count(&kp->core->deferred_frees))
			return;
	} while (time_before(jiffies, end));
	KUNIT_FAIL(kp->test, "the worker does not process deferred objects");
}

struct pcpool_pool_stats kt_stats(struct kt_pool *kp)
{
	struct pcpool_pool_stats stats;

	pcpool_stats(kp->pool, &stats);
	return stats;
}

void kt_expect_consistent(struct kt_pool *kp)
{
	unsigned long gets = 0, puts = 0, out = 0, idle = 0;
	struct kunit *test = kp->test;
	struct pcpool_pool_stats s;
	unsigned int i;
	int cpu;

	kt_settle(kp);
	for_each_possible_cpu(cpu) {
		gets += per_cpu_ptr(kp->counts, cpu)->gets;
		puts += per_cpu_ptr(kp->counts, cpu)->puts;
	}
	for (i = 0; i < kp->nr_obj; i++) {
		int owner = atomic_read(&kp->obj[i].owner);

		out += owner >= KT_IN_TRANSIT;
		idle += owner == KT_ALLOCATED || owner == KT_IDLE;
	}
	s = kt_stats(kp);
	KUNIT_EXPECT_EQ(test, s.gets, s.hit_private + s.hit_shared +
			s.hit_steal + s.hit_victim + s.miss + s.alloc_fail);
	KUNIT_EXPECT_EQ(test, s.gets - s.alloc_fail, gets);
	KUNIT_EXPECT_EQ(test, s.puts, puts);
	KUNIT_EXPECT_EQ(test, s.allocs, atomic_read(&kp->allocs));
	KUNIT_EXPECT_EQ(test, s.frees, atomic_read(&kp->frees));
	KUNIT_EXPECT_EQ(test, s.frees, s.evicted + s.drop_full +
			s.drop_oversize + s.drop_other);
	KUNIT_EXPECT_EQ(test, s.outstanding, out);
	KUNIT_EXPECT_EQ(test, s.misuses, 0);
	KUNIT_EXPECT_EQ(test, s.idle_main + s.idle_victim, idle);
	KUNIT_EXPECT_EQ(test, s.allocs, s.frees + s.idle_main + s.idle_victim +
			s.outstanding);
	KUNIT_EXPECT_EQ(test, s.idle_bytes, idle * s.object_bytes);
	KUNIT_EXPECT_EQ_MSG(test, 0, atomic_read(&kp->violations), "%s: %s",
			    kp->core->name, READ_ONCE(kp->rule));
}

void kt_expect_freed(struct kt_pool *kp, unsigned int lost)
{
	struct kunit *test = kp->test;
	unsigned int i, left = 0;

	for (i = 0; i < kp->nr_obj; i++)
		left += atomic_read(&kp->obj[i].owner) != KT_UNALLOCATED;
	KUNIT_EXPECT_EQ(test, left, lost);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->allocs),
			atomic_read(&kp->frees) + lost);
	KUNIT_EXPECT_EQ_MSG(test, 0, atomic_read(&kp->violations), "%s",
			    READ_ONCE(kp->rule));
}

static unsigned long in_tier(struct kt_pool *kp, int cpu, unsigned int tier)
{
	unsigned long n;

	rcu_read_lock();
	n = pcpool_queue_count(&per_cpu_ptr(kp->core->cpu, cpu)->queue[tier]);
	rcu_read_unlock();
	return n;
}

unsigned int kt_in_slots(struct kt_pool *kp, int cpu)
{
	return pcpool_slots_count(kp->core->slots, kp->core->nr_slots, cpu);
}

unsigned long kt_in_main(struct kt_pool *kp, int cpu)
{
	return in_tier(kp, cpu, pcpool_main_tier(kp->core));
}

unsigned long kt_in_victim(struct kt_pool *kp, int cpu)
{
	return in_tier(kp, cpu, !pcpool_main_tier(kp->core));
}

/* --- The kernel's log ----------------------------------------------------- */

void kt_log_mark(struct kmsg_dump_iter *mark)
{
	char line[16];

	kmsg_dump_rewind(mark);
	while (kmsg_dump_get_line(mark, false, line, sizeof(line), NULL))
		;
}

bool kt_logged(struct kmsg_dump_iter *mark, const char *text)
{
	char line[256];
	size_t len;

	while (kmsg_dump_get_line(mark, false, line, sizeof(line) - 1, &len)) {
		line[len] = '\0';
		if (strstr(line, text))
			return true;
	}
	return !IS_ENABLED(CONFIG_PRINTK);
}

int kt_shell(const char *command)
{
	char *envp[2] = { "PATH=/usr/bin:/bin" };
	char *argv[4] = { "/bin/sh", "-c", (char *)command };
	int status = call_usermodehelper(argv[0], argv, envp, UMH_WAIT_PROC);

	return status > 0 ? status >> 8 ?: status : status;
}

/* --- CPUs and threads ---------------------------------------------------- */

int kt_cpu(struct kunit *test, unsigned int nth)
{
	unsigned int cpu = cpumask_nth(nth, cpu_online_mask);

	if (cpu >= nr_cpu_ids)
		kunit_skip(test, "needs %u CPUs online", nth + 1);
	return cpu;
}

void kt_move_to(struct kunit *test, int cpu)
{
	KUNIT_ASSERT_EQ(test, 0,
			set_cpus_allowed_ptr(current, cpumask_of(cpu)));
}

static int worker_fn(void *data)
{
	struct kt_worker *worker = data;

	if (worker->cpu >= 0)
		set_cpus_allowed_ptr(current, cpumask_of(worker->cpu));
	atomic_inc(&worker->gang->ready);
	wait_for_completion(&worker->gang->go);
	worker->fn(worker);
	WRITE_ONCE(worker->finished, true);
	return 0;
}

void kt_gang_join(struct kt_gang *gang)
{
	while (gang->nr) {
		struct kt_worker *worker = &gang->worker[--gang->nr];

		/*
		 * Waits until the thread returns. The thread does not check
		 * kthread_should_stop().
		 */
		kthread_stop(worker->task);
		put_task_struct(worker->task);
		if (!gang->stop)
			KUNIT_EXPECT_GE_MSG(gang->test, worker->done, KT_MINIMUM,
					    "thread %u", gang->nr);
	}
}

void kt_gang_stop(struct kt_gang *gang)
{
	WRITE_ONCE(gang->stop, true);
	complete_all(&gang->go);
	kt_gang_join(gang);
}

static void gang_exit(void *data)
{
	kt_gang_stop(data);
	kfree(data);
}

struct kt_gang *kt_gang_new(struct kunit *test)
{
	struct kt_gang *gang = kzalloc(sizeof(*gang), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, gang);
	gang->test = test;
	init_completion(&gang->go);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, gang_exit, gang));
	return gang;
}

struct kt_worker *kt_gang_add(struct kt_gang *gang, int cpu,
			      void (*fn)(struct kt_worker *worker), void *arg)
{
	struct kt_worker *worker = &gang->worker[gang->nr];
	struct task_struct *task;

	KUNIT_ASSERT_LT(gang->test, gang->nr, KT_GANG_MAX);
	worker->gang = gang;
	worker->cpu = cpu;
	worker->holder = KT_HOLDERS + gang->nr * KT_WORKER_HOLDERS;
	worker->fn = fn;
	worker->arg = arg;
	worker->done = 0;
	worker->finished = false;
	/* Use the same seed in every run, so that a failure is likely to repeat. */
	prandom_seed_state(&worker->rnd, gang->nr + 1);
	task = kthread_create(worker_fn, worker, "pcpool_kunit/%u", gang->nr);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(gang->test, task);
	worker->task = get_task_struct(task);
	gang->nr++;
	wake_up_process(task);
	return worker;
}

void kt_gang_start(struct kt_gang *gang, unsigned int ms)
{
	/* A kthread that is stopped before it has started never runs its function. */
	while (atomic_read(&gang->ready) < gang->nr)
		schedule_timeout_uninterruptible(1);
	gang->stop_at = jiffies + msecs_to_jiffies(kt_scaled(ms));
	complete_all(&gang->go);
}

bool kt_keep_running_for(struct kt_worker *worker, unsigned long done)
{
	unsigned long end = worker->gang->stop_at;

	cond_resched();
	if (READ_ONCE(worker->gang->stop))
		return false;
	return time_before(jiffies, done < KT_MINIMUM ? end + TIMEOUT : end);
}

bool kt_keep_running(struct kt_worker *worker)
{
	return kt_keep_running_for(worker, worker->done);
}

/* --- Contexts -------------------------------------------------------------- */

const struct kt_context_param kt_contexts[KT_CONTEXTS] = {
	{ KT_TASK, "task" },
	{ KT_BH_OFF, "task, softirqs off" },
	{ KT_PREEMPT_OFF, "task, preemption off" },
	{ KT_IRQS_OFF, "task, interrupts off" },
	{ KT_RAW_SPINLOCK, "task, raw spinlock held" },
	{ KT_SOFTIRQ, "softirq" },
	{ KT_HARDIRQ_WORK, "hardirq (irq_work)" },
	{ KT_HARDIRQ_TIMER, "hardirq (hrtimer)" },
};

void kt_context_desc(const struct kt_context_param *param, char *desc)
{
	strscpy(desc, param->name, KUNIT_PARAM_DESC_SIZE);
}

struct call {
	void (*fn)(void *arg);
	void *arg;
	bool right_context;
	struct completion done;
	struct tasklet_struct tasklet;
	struct irq_work irq_work;
	struct hrtimer timer;
};

static void call_tasklet(struct tasklet_struct *tasklet)
{
	struct call *call = container_of(tasklet, struct call, tasklet);

	call->right_context = in_serving_softirq() && !in_hardirq();
	call->fn(call->arg);
	complete(&call->done);
}

static void call_irq_work(struct irq_work *irq_work)
{
	struct call *call = container_of(irq_work, struct call, irq_work);

	call->right_context = in_hardirq();
	call->fn(call->arg);
	complete(&call->done);
}

static enum hrtimer_restart call_timer(struct hrtimer *timer)
{
	struct call *call = container_of(timer, struct call, timer);

	call->right_context = in_hardirq();
	call->fn(call->arg);
	complete(&call->done);
	return HRTIMER_NORESTART;
}

static struct call call;

void kt_run_in(struct kunit *test, enum kt_context context,
	       void (*fn)(void *arg), void *arg)
{
	static DEFINE_RAW_SPINLOCK(lock);
	unsigned long flags;

	call.fn = fn;
	call.arg = arg;
	call.right_context = true;
	init_completion(&call.done);

	switch (context) {
	case KT_TASK:
		fn(arg);
		break;
	case KT_BH_OFF:
		local_bh_disable();
		fn(arg);
		local_bh_enable();
		break;
	case KT_PREEMPT_OFF:
		preempt_disable();
		fn(arg);
		preempt_enable();
		break;
	case KT_IRQS_OFF:
		local_irq_save(flags);
		fn(arg);
		local_irq_restore(flags);
		break;
	case KT_RAW_SPINLOCK:
		raw_spin_lock(&lock);
		fn(arg);
		raw_spin_unlock(&lock);
		break;
	case KT_SOFTIRQ:
		tasklet_setup(&call.tasklet, call_tasklet);
		tasklet_schedule(&call.tasklet);
		wait_for_completion(&call.done);
		tasklet_kill(&call.tasklet);
		break;
	case KT_HARDIRQ_WORK:
		call.irq_work = IRQ_WORK_INIT_HARD(call_irq_work);
		irq_work_queue(&call.irq_work);
		irq_work_sync(&call.irq_work);
		break;
	case KT_HARDIRQ_TIMER:
		hrtimer_setup(&call.timer, call_timer, CLOCK_MONOTONIC,
			      HRTIMER_MODE_REL_PINNED_HARD);
		hrtimer_start(&call.timer, 10 * NSEC_PER_USEC,
			      HRTIMER_MODE_REL_PINNED_HARD);
		wait_for_completion(&call.done);
		hrtimer_cancel(&call.timer);
		break;
	default:
		call.right_context = false;
	}
	KUNIT_EXPECT_TRUE_MSG(test, call.right_context, "the function ran in a wrong context");
}

static enum hrtimer_restart tick(struct hrtimer *timer)
{
	struct kt_ticker *ticker = container_of(timer, struct kt_ticker, timer);
	u64 start = ktime_get_ns(), took;

	ticker->fn(ticker->arg);
	ticker->fired++;
	/* Leave most of the time to the interrupted code, at any speed of the machine. */
	took = ktime_get_ns() - start;
	hrtimer_forward_now(timer, ns_to_ktime(20 * NSEC_PER_USEC + 3 * took));
	return HRTIMER_RESTART;
}

void kt_ticker_start(struct kt_ticker *ticker, bool soft, void (*fn)(void *arg),
		     void *arg)
{
	enum hrtimer_mode mode = soft ? HRTIMER_MODE_REL_PINNED_SOFT :
					HRTIMER_MODE_REL_PINNED_HARD;

	ticker->fn = fn;
	ticker->arg = arg;
	ticker->fired = 0;
	hrtimer_setup(&ticker->timer, tick, CLOCK_MONOTONIC, mode);
	hrtimer_start(&ticker->timer, 20 * NSEC_PER_USEC, mode);
}

void kt_ticker_stop(struct kt_ticker *ticker)
{
	hrtimer_cancel(&ticker->timer);
}

static void storm_interrupt(void *data)
{
	struct kt_storm *storm = data;

	storm->fn(storm->arg);
	WRITE_ONCE(storm->fired, storm->fired + 1);
}

static void do_nothing(void *unused)
{
}

static void storm_worker(struct kt_worker *worker)
{
	struct kt_storm *storm = worker->arg;
	const struct kt_worker *target = storm->target;
	unsigned long progress = 0;
	unsigned int spin;

	/* Run as long as the target, which may need interrupts until it has done the minimum. */
	while (kt_keep_running_for(worker, READ_ONCE(target->finished) ?
				   READ_ONCE(storm->fired) : 0)) {
		if (!smp_call_function_single_async(storm->cpu, &storm->csd))
			kt_progress(worker);
		/* The target may itself wait for an interrupt, so do not wait for long. */
		for (spin = 0; READ_ONCE(target->done) == progress && spin < 1000; spin++)
			cpu_relax();
		progress = READ_ONCE(target->done);
	}
	/* The last interrupt is handled no later than the first of these. */
	smp_call_function_single(storm->cpu, do_nothing, NULL, true);
	smp_call_function_single(storm->cpu, do_nothing, NULL, true);
}

void kt_gang_add_storm(struct kt_gang *gang, struct kt_storm *storm,
		       struct kt_worker *worker, void (*fn)(void *arg),
		       void *arg)
{
	int nth = 0;

	while (kt_cpu(gang->test, nth) == worker->cpu)
		nth++;
	storm->cpu = worker->cpu;
	storm->target = worker;
	storm->fn = fn;
	storm->arg = arg;
	storm->fired = 0;
	INIT_CSD(&storm->csd, storm_interrupt, storm);
	kt_gang_add(gang, kt_cpu(gang->test, nth), storm_worker, storm);
}

MODULE_DESCRIPTION("KUnit tests of pcpool");
MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");
MODULE_LICENSE("GPL");
