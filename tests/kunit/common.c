// SPDX-License-Identifier: GPL-2.0
/*
 * What the KUnit suites share; see common.h. No suite is here.
 */
#include <linux/cpumask.h>
#include <linux/interrupt.h>
#include <linux/irq_work.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "common.h"

static unsigned int scale = 100;
module_param(scale, uint, 0444);
MODULE_PARM_DESC(scale, "length of the heavy cases, in percent");

/* How long to wait for what should happen at once, before calling it a failure. */
#define PATIENCE	(30 * HZ)

unsigned int kt_scaled(unsigned int loops)
{
	return max(1u, (unsigned int)((u64)loops * scale / 100));
}

/* --- Objects and pools -------------------------------------------------- */

void kt_broken(struct kt_pool *kp, const char *rule)
{
	if (atomic_inc_return(&kp->broken) == 1)
		WRITE_ONCE(kp->rule, rule);
}

/* Lock-free, so that it may be called where nothing can be allocated. */
static void *kt_alloc(gfp_t gfp, void *ctx)
{
	struct kt_pool *kp = ctx;
	struct kt_obj *obj;
	unsigned int i;

	WRITE_ONCE(kp->gfp, gfp);
	for (i = 0; i < kp->nr_obj && !READ_ONCE(kp->alloc_fails); i++) {
		obj = &kp->obj[(unsigned int)atomic_inc_return(&kp->next) %
			       kp->nr_obj];
		if (atomic_cmpxchg(&obj->owner, KT_UNMADE, KT_FRESH) !=
		    KT_UNMADE)
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
		kt_broken(kp, "freed what is no object");
		return;
	}
	if (in_hardirq() || in_nmi())
		kt_broken(kp, "freed in hardirq context");
	if (kp->core->flags & PCPOOL_FREE_MAY_SLEEP) {
		if (!kt_may_sleep())
			kt_broken(kp, "freed where one must not sleep");
		might_sleep();
	}
	if (kp->hook)
		kp->hook(kp, KT_FREE, obj);
	owner = atomic_xchg(&obj->owner, KT_UNMADE);
	if (owner == KT_UNMADE)
		kt_broken(kp, "freed twice");
	else if (owner != KT_FRESH && owner != KT_IDLE)
		kt_broken(kp, "freed while somebody had it");
	atomic_inc(&kp->frees);
}

static void kt_reset(void *data, void *ctx)
{
	struct kt_pool *kp = ctx;
	struct kt_obj *obj = data;

	if (!is_object(kp, obj)) {
		kt_broken(kp, "reset what is no object");
		return;
	}
	if (atomic_read(&obj->owner) != KT_IDLE)
		kt_broken(kp, "reset an object that was not being put");
	if (kp->hook)
		kp->hook(kp, KT_RESET, obj);
	if (atomic_read(&obj->owner) != KT_IDLE)
		kt_broken(kp, "handed out an object that was being reset");
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

/* Memory pressure in the machine must not age what a case counts. */
static unsigned long no_scan(struct shrinker *shrinker,
			     struct shrink_control *sc)
{
	return SHRINK_STOP;
}

unsigned long kt_scan(struct kt_pool *kp, unsigned long nr)
{
	struct shrink_control sc = {
		.gfp_mask = GFP_KERNEL,
		.nr_to_scan = nr,
	};

	return kp->scan(kt_shrinker(kp), &sc);
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

/* A case that failed half-way leaves objects out; the next case is not to suffer. */
static void put_back(struct kt_pool *kp)
{
	unsigned int i;

	for (i = 0; i < kp->nr_obj; i++) {
		if (atomic_read(&kp->obj[i].owner) < KT_MAILED)
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
		kt_expect_sound(kp);
		if (kt_stats(kp).outstanding) {
			KUNIT_FAIL(kp->test, "%s: objects are still out",
				   kp->core->name);
			put_back(kp);
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
	if (kp->obj && kp->counts)
		kp->pool = pcpool_create(&p);
	if (IS_ERR_OR_NULL(kp->pool)) {
		free_kp(kp);
		KUNIT_FAIL_AND_ABORT(test, "no pool");
	}
	kp->core = pcpool_to_core(kp->pool);
	kp->scan = kt_shrinker(kp)->scan_objects;
	WRITE_ONCE(kt_shrinker(kp)->scan_objects, no_scan);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, kt_pool_exit, kp));
	return kp;
}

void kt_end(struct kt_pool *kp)
{
	kunit_release_action(kp->test, kt_pool_exit, kp);
}

void *kt_got(struct kt_pool *kp, void *data, int who)
{
	struct kt_obj *obj = data;
	int owner;

	if (!obj)
		return NULL;
	if (!is_object(kp, obj)) {
		kt_broken(kp, "got what is no object");
		return NULL;
	}
	owner = atomic_read(&obj->owner);
	if ((owner != KT_FRESH && owner != KT_IDLE) ||
	    atomic_cmpxchg(&obj->owner, owner, who) != owner)
		kt_broken(kp, owner == KT_UNMADE ? "got a freed object" :
			  "got an object that somebody has");
	if (obj->mark != ~obj->check)
		kt_broken(kp, "got an object before it was written");
	this_cpu_inc(kp->counts->gets);
	return obj;
}

void kt_giving(struct kt_pool *kp, void *data, int who)
{
	struct kt_obj *obj = data;

	/* A case that got less than it thinks, as a broken pool gives it. */
	if (!obj) {
		kt_broken(kp, "an object is missing");
		return;
	}
	obj->mark++;
	obj->check = ~obj->mark;
	if (atomic_cmpxchg(&obj->owner, who, KT_IDLE) != who)
		kt_broken(kp, "somebody took an object from its holder");
	this_cpu_inc(kp->counts->puts);
}

unsigned int kt_get_bulk(struct kt_pool *kp, gfp_t gfp, unsigned int n,
			 void **objs, int who)
{
	unsigned int i, got = pcpool_get_bulk(kp->pool, gfp, n, objs);

	if (got > n)
		kt_broken(kp, "got more than asked for");
	for (i = 0; i < got; i++) {
		if (!kt_got(kp, objs[i], who))
			kt_broken(kp, "got NULL among objects");
	}
	return got;
}

void kt_put_bulk(struct kt_pool *kp, unsigned int n, void **objs, int who)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (objs[i])
			kt_giving(kp, objs[i], who);
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
	struct pcpool_queue *q;

	ring = pcpool_ring_alloc(roundup_pow_of_two(max(n, PCPOOL_RING_MIN)),
				 GFP_KERNEL, NUMA_NO_NODE);
	KUNIT_ASSERT_NOT_NULL(kp->test, ring);
	for (i = 0; i < n; i++)
		kt_giving(kp, objs[i], KT_ME);
	preempt_disable();
	tier = pcpool_main_tier(core);
	q = this_cpu_ptr(&core->cpu->queue[tier]);
	pcpool_queue_add_ring(q, ring);
	pushed = pcpool_queue_push(q, objs, n);
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
	unsigned long end = jiffies + PATIENCE;

	if (kp->worker_held)
		kt_release_worker(kp);
	do {
		/* Not irq_work_sync(), which can take a grace period. */
		while (irq_work_is_busy(&kp->core->irq_work))
			schedule_timeout_uninterruptible(1);
		flush_work(&kp->core->work);
		flush_work(&kp->core->free_work);
		if (!pcpool_deferred_count(&kp->core->deferred_puts) &&
		    !pcpool_deferred_count(&kp->core->deferred_frees))
			return;
	} while (time_before(jiffies, end));
	KUNIT_FAIL(kp->test, "the worker leaves deferred puts lying");
}

struct pcpool_pool_stats kt_stats(struct kt_pool *kp)
{
	struct pcpool_pool_stats stats;

	pcpool_stats(kp->pool, &stats);
	return stats;
}

void kt_expect_sound(struct kt_pool *kp)
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

		out += owner >= KT_MAILED;
		idle += owner == KT_FRESH || owner == KT_IDLE;
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
	KUNIT_EXPECT_EQ_MSG(test, 0, atomic_read(&kp->broken), "%s: %s",
			    kp->core->name, READ_ONCE(kp->rule));
}

void kt_expect_freed(struct kt_pool *kp, unsigned int but)
{
	struct kunit *test = kp->test;
	unsigned int i, left = 0;

	for (i = 0; i < kp->nr_obj; i++)
		left += atomic_read(&kp->obj[i].owner) != KT_UNMADE;
	KUNIT_EXPECT_EQ(test, left, but);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->allocs),
			atomic_read(&kp->frees) + but);
	KUNIT_EXPECT_EQ_MSG(test, 0, atomic_read(&kp->broken), "%s",
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

/* --- CPUs and threads ---------------------------------------------------- */

int kt_cpu(struct kunit *test, unsigned int nth)
{
	unsigned int cpu = cpumask_nth(nth, cpu_online_mask);

	if (cpu >= nr_cpu_ids)
		kunit_skip(test, "needs %u CPUs online", nth + 1);
	return cpu;
}

void kt_on(struct kunit *test, int cpu)
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
	WRITE_ONCE(worker->over, true);
	return 0;
}

void kt_gang_join(struct kt_gang *gang)
{
	while (gang->nr) {
		struct kt_worker *worker = &gang->worker[--gang->nr];

		/* Waits for it to return, and is not what makes it return. */
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
	worker->who = KT_HOLDERS + gang->nr * KT_WORKER_HOLDERS;
	worker->fn = fn;
	worker->arg = arg;
	worker->done = 0;
	worker->over = false;
	/* Always the same, so that a failure has a chance to come again. */
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
	/* A thread that is stopped before it has begun never begins. */
	while (atomic_read(&gang->ready) < gang->nr)
		schedule_timeout_uninterruptible(1);
	gang->stop_at = jiffies + msecs_to_jiffies(kt_scaled(ms));
	complete_all(&gang->go);
}

bool kt_goes_on_for(struct kt_worker *worker, unsigned long done)
{
	unsigned long end = worker->gang->stop_at;

	cond_resched();
	if (READ_ONCE(worker->gang->stop))
		return false;
	return time_before(jiffies, done < KT_MINIMUM ? end + PATIENCE : end);
}

bool kt_goes_on(struct kt_worker *worker)
{
	return kt_goes_on_for(worker, worker->done);
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
	bool right;
	struct completion done;
	struct tasklet_struct tasklet;
	struct irq_work irq_work;
	struct hrtimer timer;
};

static void call_tasklet(struct tasklet_struct *tasklet)
{
	struct call *call = container_of(tasklet, struct call, tasklet);

	call->right = in_serving_softirq() && !in_hardirq();
	call->fn(call->arg);
	complete(&call->done);
}

static void call_irq_work(struct irq_work *irq_work)
{
	struct call *call = container_of(irq_work, struct call, irq_work);

	call->right = in_hardirq();
	call->fn(call->arg);
	complete(&call->done);
}

static enum hrtimer_restart call_timer(struct hrtimer *timer)
{
	struct call *call = container_of(timer, struct call, timer);

	call->right = in_hardirq();
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
	call.right = true;
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
		call.right = false;
	}
	KUNIT_EXPECT_TRUE_MSG(test, call.right, "ran in another context");
}

static enum hrtimer_restart tick(struct hrtimer *timer)
{
	struct kt_ticker *ticker = container_of(timer, struct kt_ticker, timer);
	u64 start = ktime_get_ns(), took;

	ticker->fn(ticker->arg);
	ticker->fired++;
	/* Leave most of the time to what is interrupted, at any speed. */
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

static void no_more(void *unused)
{
}

static void storm_worker(struct kt_worker *worker)
{
	struct kt_storm *storm = worker->arg;
	const struct kt_worker *victim = storm->victim;
	unsigned long progress = 0;
	unsigned int spin;

	/* As long as he does, who may need them to have done his minimum. */
	while (kt_goes_on_for(worker, READ_ONCE(victim->over) ? READ_ONCE(storm->fired) : 0)) {
		if (!smp_call_function_single_async(storm->cpu, &storm->csd))
			kt_did(worker);
		/* But he may be waiting for an interrupt. */
		for (spin = 0; READ_ONCE(victim->done) == progress && spin < 1000; spin++)
			cpu_relax();
		progress = READ_ONCE(victim->done);
	}
	/* The last one is taken up no later than the first of these. */
	smp_call_function_single(storm->cpu, no_more, NULL, true);
	smp_call_function_single(storm->cpu, no_more, NULL, true);
}

void kt_gang_add_storm(struct kt_gang *gang, struct kt_storm *storm,
		       struct kt_worker *worker, void (*fn)(void *arg),
		       void *arg)
{
	int nth = 0;

	while (kt_cpu(gang->test, nth) == worker->cpu)
		nth++;
	storm->cpu = worker->cpu;
	storm->victim = worker;
	storm->fn = fn;
	storm->arg = arg;
	storm->fired = 0;
	INIT_CSD(&storm->csd, storm_interrupt, storm);
	kt_gang_add(gang, kt_cpu(gang->test, nth), storm_worker, storm);
}

MODULE_DESCRIPTION("KUnit tests of pcpool");
MODULE_LICENSE("GPL");
