// SPDX-License-Identifier: GPL-2.0
/*
 * The holders get and put objects. On each CPU these are some threads, a timer in hardirq
 * context, a timer in softirq context, and interrupts sent from a thread on another CPU. All do
 * the same, as far as their context allows: they work on one pool for a while, get objects, hold
 * them, put them or pass them to other holders; then they put everything and choose another pool.
 *
 * In a pool where a get may wait for a put, a thread waits without a timeout only if it holds no
 * object, and no object stays in a mailbox. So holders cannot deadlock: if a get does not return,
 * pcpool has missed a wake-up, and the watch thread reports it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/hrtimer.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/spinlock.h>

#include "torture.h"

/* Most steps in one pool, and in one interrupt; most objects held by an interrupt. */
#define STEPS_MAX		2000u
#define STEPS_IN_INTERRUPT_MAX	4u
#define HELD_IN_INTERRUPT_MAX	8u
/* Steps between the pauses of a thread, in which other threads run. */
#define BURST			200

struct thread {
	struct holder holder;
	struct task_struct *task;
	unsigned int cpu;
};

/**
 * struct interrupted - the interrupts of a CPU
 * @cpu: the CPU
 * @hard: holder of @hard_timer
 * @soft: holder of @soft_timer
 * @remote: holder of @csd
 * @hard_timer: timer that expires in hardirq context
 * @soft_timer: timer that expires in softirq context
 * @csd: for interrupts sent by another CPU
 */
struct interrupted {
	unsigned int cpu;
	struct holder hard;
	struct holder soft;
	struct holder remote;
	struct hrtimer hard_timer;
	struct hrtimer soft_timer;
	call_single_data_t csd;
};

static struct thread *threads;
static unsigned int nr_threads;
static DEFINE_PER_CPU(struct interrupted *, interrupted);
static struct task_struct *sender, *watch;

/*
 * Objects are freed by kfree(), which must not be called under a raw lock on PREEMPT_RT. There,
 * pcpool detects the context and leaves the objects to the worker. With PROVE_RAW_LOCK_NESTING on
 * another kernel, only lockdep objects, and pcpool cannot detect the lock; so this uses a
 * spinlock.
 */
#if defined(CONFIG_PROVE_RAW_LOCK_NESTING) && !defined(CONFIG_PREEMPT_RT)
static DEFINE_SPINLOCK(lock);
#define lock_or_not(flags)	spin_trylock_irqsave(&lock, flags)
#define unlock(flags)		spin_unlock_irqrestore(&lock, flags)
#else
static DEFINE_RAW_SPINLOCK(lock);
#define lock_or_not(flags)	raw_spin_trylock_irqsave(&lock, flags)
#define unlock(flags)		raw_spin_unlock_irqrestore(&lock, flags)
#endif

void torture_holder_init(struct holder *holder)
{
	static atomic_long_t next = ATOMIC_LONG_INIT(OWNER_FIRST);

	holder->id = atomic_long_fetch_inc(&next);
	torture_seed(&holder->random);
	/* Each holder has its own sequence, which the seed reproduces. */
	prandom_seed_state(&holder->random,
			   ((u64)holder->id << 32) ^ prandom_u32_state(&holder->random));
}

/* --- One step ------------------------------------------------------------------- */

static void hold(struct holder *holder, void *obj)
{
	if (!obj)
		return;
	/* After an error, leave the object to its other owner. */
	if (torture_take(holder, obj))
		holder->held[holder->nr_held++] = obj;
}

static void *take_any(struct holder *holder)
{
	unsigned int which = chance(&holder->random, holder->nr_held);
	void *obj = holder->held[which];

	holder->held[which] = holder->held[--holder->nr_held];
	return obj;
}

static void put_one(struct holder *holder)
{
	void *obj;

	if (!holder->nr_held) {
		pcpool_put(holder->place->pool, NULL);
		return;
	}
	obj = take_any(holder);
	if (!chance(&holder->random, 32))
		torture_grow(holder, obj);
	torture_give(holder, obj);
	pcpool_put(holder->place->pool, obj);
}

static void put_bulk(struct holder *holder)
{
	unsigned int i, n = chance(&holder->random, holder->nr_held + 1);
	void **objs;

	holder->nr_held -= n;
	objs = holder->held + holder->nr_held;
	for (i = 0; i < n; i++)
		torture_give(holder, objs[i]);
	pcpool_put_bulk(holder->place->pool, n, objs);
}

static void get_bulk(struct holder *holder, gfp_t gfp)
{
	unsigned int i, n = chance(&holder->random, holder->depth - holder->nr_held + 1);
	unsigned int base = holder->nr_held;
	void **objs = holder->held + base;
	unsigned int got = pcpool_get_bulk(holder->place->pool, gfp, n, objs);

	if (got > n)
		torture_error("%s: asked for %u, got %u", holder->place->name, n, got);
	for (i = 0; i < got; i++) {
		void *obj = objs[i];

		if (!obj)
			torture_error("%s: got NULL among objects", holder->place->name);
		hold(holder, obj);
	}
}

/* A get that may sleep, and may wait for a put. */
static void get_and_wait(struct holder *holder)
{
	struct pcpool *pool = holder->place->pool;
	void *obj;

	if (holder->nr_held || chance(&holder->random, 2)) {
		obj = pcpool_get_timeout(pool, GFP_KERNEL, chance(&holder->random, 5));
		if (IS_ERR(obj)) {
			if (PTR_ERR(obj) != -ETIMEDOUT && PTR_ERR(obj) != -ENOMEM)
				torture_error("%s: get failed: %pe", holder->place->name, obj);
			return;
		}
	} else {
		WRITE_ONCE(holder->waits, true);
		obj = pcpool_get(pool, GFP_KERNEL);
		WRITE_ONCE(holder->waits, false);
	}
	hold(holder, obj);
}

static void get_one(struct holder *holder, enum context context)
{
	struct pcpool *pool = holder->place->pool;
	gfp_t gfp = context == CONTEXT_TASK && !torture_may_wait(holder->place) ?
		    GFP_KERNEL : GFP_NOWAIT | __GFP_NOWARN;

	if (context == CONTEXT_NMI) {
		hold(holder, pcpool_try_get(pool));
		return;
	}
	switch (chance(&holder->random, 8)) {
	case 0:
		hold(holder, pcpool_try_get(pool));
		break;
	case 1:
		hold(holder, pcpool_get_local(pool, gfp));
		break;
	case 2:
		get_bulk(holder, gfp);
		break;
	case 3:
		if (context == CONTEXT_TASK) {
			get_and_wait(holder);
			break;
		}
		fallthrough;
	case 4:
		hold(holder, pcpool_get(pool, GFP_ATOMIC | __GFP_NOWARN));
		break;
	default:
		hold(holder, pcpool_get(pool, gfp));
	}
}

/* A get, a put, or an exchange with a mailbox. */
static void step_here(struct holder *holder, enum context context)
{
	struct rnd_state *random = &holder->random;
	void *obj;

	switch (chance(random, 16)) {
	case 0 ... 6:
		if (holder->nr_held < holder->depth)
			get_one(holder, context);
		break;
	case 7 ... 13:
		put_one(holder);
		break;
	case 14:
		if (context != CONTEXT_NMI)
			put_bulk(holder);
		break;
	default:
		if (torture_may_wait(holder->place) || holder->nr_held == holder->depth)
			break;
		obj = torture_mail(holder, holder->nr_held ? take_any(holder) : NULL);
		if (obj)
			holder->held[holder->nr_held++] = obj;
	}
}

void torture_holder_step(struct holder *holder, enum context context)
{
	WRITE_ONCE(holder->busy_since, jiffies | 1);
	step_here(holder, context);
	WRITE_ONCE(holder->busy_since, 0);
	WRITE_ONCE(holder->progress, holder->progress + 1);
	holder->steps_left--;
}

static void put_all(struct holder *holder, enum context context)
{
	if (context != CONTEXT_NMI && chance(&holder->random, 2)) {
		while (holder->nr_held)
			put_bulk(holder);
		return;
	}
	while (holder->nr_held) {
		void *obj = holder->held[--holder->nr_held];

		torture_give(holder, obj);
		pcpool_put(holder->place->pool, obj);
	}
}

/* Puts all objects that the holder has. */
void torture_holder_release(struct holder *holder, enum context context)
{
	WRITE_ONCE(holder->busy_since, jiffies | 1);
	put_all(holder, context);
	WRITE_ONCE(holder->busy_since, 0);
}

/* Lets the holder enter a pool, unless it is in one. Returns false if no pool is available. */
bool torture_holder_enter(struct holder *holder, unsigned int steps_max, unsigned int depth_max)
{
	if (holder->place)
		return true;
	if (READ_ONCE(torture_stopping))
		return false;
	holder->place = torture_place_enter(&holder->random);
	if (!holder->place)
		return false;
	holder->steps_left = 1 + chance(&holder->random, steps_max);
	holder->depth = 1 + chance(&holder->random, chance(&holder->random, 2) ? depth_max : 3);
	return true;
}

void torture_holder_leave(struct holder *holder, enum context context)
{
	if (!holder->place)
		return;
	torture_holder_release(holder, context);
	torture_place_leave(holder->place);
	holder->place = NULL;
}

/* Whether the holder should leave its pool. */
bool torture_holder_is_done(const struct holder *holder)
{
	return !holder->steps_left || READ_ONCE(holder->place->closing) ||
	       READ_ONCE(torture_stopping);
}

/* --- Threads ----------------------------------------------------------------------- */

static void step_in_some_context(struct holder *holder)
{
	unsigned long flags;

	switch (chance(&holder->random, 16)) {
	case 0:
		local_bh_disable();
		torture_holder_step(holder, CONTEXT_ATOMIC);
		local_bh_enable();
		break;
	case 1:
		preempt_disable();
		torture_holder_step(holder, CONTEXT_ATOMIC);
		preempt_enable();
		break;
	case 2:
		local_irq_save(flags);
		torture_holder_step(holder, CONTEXT_ATOMIC);
		local_irq_restore(flags);
		break;
	case 3:
		/* All threads share the lock. If it is taken, step without it. */
		if (lock_or_not(flags)) {
			torture_holder_step(holder, CONTEXT_ATOMIC);
			unlock(flags);
			break;
		}
		fallthrough;
	default:
		torture_inject_faults(torture_inject &&
				      chance(&holder->random, 1000) < torture_inject);
		torture_holder_step(holder, CONTEXT_TASK);
		torture_inject_faults(false);
	}
}

/* Pauses while holding objects. */
static void pause_somehow(struct holder *holder)
{
	switch (chance(&holder->random, 8)) {
	case 0:
		usleep_range(50, 2000);
		break;
	case 1:
		udelay(chance(&holder->random, 20));
		break;
	case 2:
		schedule();
		break;
	case 3:
		torture_refill(&holder->random);
		break;
	default:
		cond_resched();
	}
}

/* Moves the thread back to its CPU, if that went offline and is online again. */
static void go_home(struct thread *thread)
{
	/*
	 * With hotplug, this triggers a warning in PREEMPT_RT's scheduler; so there, threads stay
	 * away.
	 */
	if (IS_ENABLED(CONFIG_PREEMPT_RT) && torture_hotplug)
		return;
	if (raw_smp_processor_id() != thread->cpu && cpu_online(thread->cpu))
		set_cpus_allowed_ptr(current, cpumask_of(thread->cpu));
}

static int thread_fn(void *data)
{
	struct thread *thread = data;
	struct holder *holder = &thread->holder;

	while (!kthread_should_stop()) {
		go_home(thread);
		if (!torture_holder_enter(holder, STEPS_MAX, HELD_MAX)) {
			usleep_range(100, 1000);
			continue;
		}
		while (!torture_holder_is_done(holder)) {
			step_in_some_context(holder);
			if (!chance(&holder->random, 48))
				pause_somehow(holder);
			if (holder->progress % BURST == 0)
				usleep_range(20, 200);
		}
		torture_holder_leave(holder, CONTEXT_TASK);
	}
	return 0;
}

/*
 * Reports threads that make no progress. A thread that waits for an object while holding none has
 * missed its wake-up, or the object was lost. A thread that does not wait may be in an endless
 * loop.
 */
static void find_stalled_threads(void)
{
	unsigned int i;

	for (i = 0; i < nr_threads; i++) {
		const struct holder *holder = &threads[i].holder;
		unsigned long since = READ_ONCE(holder->busy_since);
		bool waits = READ_ONCE(holder->waits);

		if (torture_has_stalled(since, waits ? 1 : TORTURE_WORK_TIMES))
			torture_stalled_task(threads[i].task, waits ? "a get that waits" : "a step",
					     since);
	}
}

static int watch_fn(void *unused)
{
	while (!kthread_should_stop()) {
		find_stalled_threads();
		torture_chores_find_stalls();
		schedule_timeout_interruptible(HZ);
	}
	return 0;
}

/* The watch thread stops last, because a stalled thread does not stop either. */
static void stop_threads(void)
{
	unsigned int i;

	for (i = 0; i < nr_threads; i++) {
		if (threads[i].task)
			kthread_stop(threads[i].task);
	}
	if (!IS_ERR_OR_NULL(watch))
		kthread_stop(watch);
	watch = NULL;
	kvfree(threads);
	threads = NULL;
}

static int start_threads(void)
{
	unsigned int cpu, i, n = 0;

	nr_threads = torture_threads * num_possible_cpus();
	threads = kvcalloc(nr_threads, sizeof(*threads), GFP_KERNEL);
	if (!threads)
		return -ENOMEM;
	for_each_possible_cpu(cpu) {
		for (i = 0; i < torture_threads; i++) {
			struct thread *thread = &threads[n++];
			struct task_struct *task;

			torture_holder_init(&thread->holder);
			thread->cpu = cpu;
			task = kthread_run(thread_fn, thread, "torture/%u:%u", cpu, i);
			if (IS_ERR(task))
				return PTR_ERR(task);
			thread->task = task;
		}
	}
	watch = kthread_run(watch_fn, NULL, "torture_watch");
	return PTR_ERR_OR_ZERO(watch);
}

/* --- Interrupts --------------------------------------------------------------------- */

static void interrupt(struct holder *holder)
{
	unsigned int n = 1 + chance(&holder->random, STEPS_IN_INTERRUPT_MAX);

	if (in_hardirq())
		count(in_hardirq);
	if (!torture_holder_enter(holder, STEPS_MAX, HELD_IN_INTERRUPT_MAX))
		return;
	while (n-- && !torture_holder_is_done(holder))
		torture_holder_step(holder, CONTEXT_ATOMIC);
	if (torture_holder_is_done(holder))
		torture_holder_leave(holder, CONTEXT_ATOMIC);
}

/*
 * The pause depends on the time that the interrupt took, so that most of the time is left to the
 * interrupted code on a machine of any speed. When a CPU goes offline, its timers move to another
 * CPU. They stop there, so that they do not accumulate, and restart on their own CPU.
 */
static enum hrtimer_restart tick(struct interrupted *in, struct hrtimer *timer,
				 struct holder *holder)
{
	u64 start = ktime_get_ns(), pause;

	if (raw_smp_processor_id() != in->cpu) {
		torture_holder_leave(holder, CONTEXT_ATOMIC);
		return HRTIMER_NORESTART;
	}
	interrupt(holder);
	pause = chance(&holder->random, 2 * torture_interrupt_us) * NSEC_PER_USEC;

	pause += 4 * (ktime_get_ns() - start);
	hrtimer_forward_now(timer, ns_to_ktime(pause + NSEC_PER_USEC));
	return HRTIMER_RESTART;
}

static enum hrtimer_restart hard_fn(struct hrtimer *timer)
{
	struct interrupted *in = container_of(timer, struct interrupted, hard_timer);

	return tick(in, timer, &in->hard);
}

static enum hrtimer_restart soft_fn(struct hrtimer *timer)
{
	struct interrupted *in = container_of(timer, struct interrupted, soft_timer);

	return tick(in, timer, &in->soft);
}

static void start_timers(struct interrupted *in)
{
	if (!hrtimer_active(&in->hard_timer))
		hrtimer_start(&in->hard_timer, NSEC_PER_MSEC, HRTIMER_MODE_REL_PINNED_HARD);
	if (!hrtimer_active(&in->soft_timer))
		hrtimer_start(&in->soft_timer, NSEC_PER_MSEC, HRTIMER_MODE_REL_PINNED_SOFT);
}

static void remote_fn(void *data)
{
	struct interrupted *in = data;

	interrupt(&in->remote);
	start_timers(in);
}

/*
 * Interrupts another CPU, at any instruction. If the CPU is offline, its holder leaves its pool
 * instead, so that nothing waits for the objects it holds.
 */
static void send(unsigned int cpu)
{
	struct interrupted *in = per_cpu(interrupted, cpu);

	cpus_read_lock();
	if (cpu_online(cpu))
		/* Fails if the last one has not arrived yet. */
		(void)smp_call_function_single_async(cpu, &in->csd);
	else
		torture_holder_leave(&in->remote, CONTEXT_TASK);
	cpus_read_unlock();
}

static int sender_fn(void *unused)
{
	struct rnd_state random;
	unsigned int cpu;

	torture_seed(&random);
	while (!kthread_should_stop()) {
		cpu = chance(&random, nr_cpu_ids);
		if (cpu_possible(cpu))
			send(cpu);
		usleep_range(torture_interrupt_us / 4, torture_interrupt_us);
	}
	return 0;
}

static void setup_timer(struct hrtimer *timer, enum hrtimer_restart (*fn)(struct hrtimer *),
			enum hrtimer_mode mode)
{
#ifdef TORTURE_HAVE_HRTIMER_SETUP
	hrtimer_setup(timer, fn, CLOCK_MONOTONIC, mode);
#else /* before Linux 6.13 */
	hrtimer_init(timer, CLOCK_MONOTONIC, mode);
	timer->function = fn;
#endif
}

static void nothing(void *unused)
{
}

static void stop_interrupts(void)
{
	unsigned int cpu;

	if (!IS_ERR_OR_NULL(sender))
		kthread_stop(sender);
	sender = NULL;
	for_each_online_cpu(cpu)
		smp_call_function_single(cpu, nothing, NULL, true);
	for_each_possible_cpu(cpu) {
		struct interrupted *in = per_cpu(interrupted, cpu);

		if (!in)
			continue;
		hrtimer_cancel(&in->hard_timer);
		hrtimer_cancel(&in->soft_timer);
		torture_holder_leave(&in->hard, CONTEXT_TASK);
		torture_holder_leave(&in->soft, CONTEXT_TASK);
		torture_holder_leave(&in->remote, CONTEXT_TASK);
		kfree(in);
		per_cpu(interrupted, cpu) = NULL;
	}
}

static int start_interrupts(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		struct interrupted *in = kzalloc(sizeof(*in), GFP_KERNEL);

		if (!in)
			return -ENOMEM;
		in->cpu = cpu;
		torture_holder_init(&in->hard);
		torture_holder_init(&in->soft);
		torture_holder_init(&in->remote);
		setup_timer(&in->hard_timer, hard_fn, HRTIMER_MODE_REL_PINNED_HARD);
		setup_timer(&in->soft_timer, soft_fn, HRTIMER_MODE_REL_PINNED_SOFT);
		INIT_CSD(&in->csd, remote_fn, in);
		per_cpu(interrupted, cpu) = in;
	}
	sender = kthread_run(sender_fn, NULL, "torture_sender");
	return PTR_ERR_OR_ZERO(sender);
}

int torture_holders_start(void)
{
	int err = start_threads();

	if (!err && torture_interrupts)
		err = start_interrupts();
	return err;
}

/* When this returns, the holders hold no objects. */
void torture_holders_stop(void)
{
	/* Threads may wait for objects that interrupts hold, so stop the interrupts first. */
	stop_interrupts();
	stop_threads();
}
