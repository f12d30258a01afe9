// SPDX-License-Identifier: GPL-2.0
/*
 * Getting an object from a pool with a quota or a reserve; see wait.h. handover.c has the
 * wait queue, its rules, and the other side: (A) is explained there.
 *
 * If other gets are waiting, and the first of them must not be passed any more, a new get
 * enqueues behind them, even if an object is available at that moment; if it may not wait,
 * it fails. Only without max_total it tries to allocate an object first, which takes
 * nothing away from the waiters.
 *
 * A waiter whose allocation failed keeps its place and retries every PCPOOL_WAIT_RETRY. An
 * object that it allocates goes to the first waiter in the queue.
 *
 * A wait may be long, and is no fault then: it is divided into slices, so that the
 * hung-task detector sees the task run. The wake-up does not depend on that.
 */
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "context.h"
#include "defer.h"
#include "fault.h"
#include "handover.h"
#include "idle.h"
#include "object.h"
#include "release.h"
#include "wait.h"

/**
 * pcpool_wait_alloc() - allocate an object, for the caller itself
 * @core: any pool
 * @gfp: how to allocate
 *
 * If the reserve is short, schedules the worker to refill it.
 *
 * Return: The object, or ERR_PTR() of -EAGAIN (there may be no more) or -ENOMEM.
 */
void *pcpool_wait_alloc(struct pcpool_core *core, gfp_t gfp)
{
	void *obj;

	if (gfpflags_allow_blocking(gfp))
		pcpool_free_backlog(core);
	obj = pcpool_object_alloc_limited(core, gfp);
	if (core->wait) {
		/* Its claim is free again. */
		if (obj == ERR_PTR(-ENOMEM) && pcpool_limit_max(&core->wait->limit))
			pcpool_wake_waiters(core->wait);
		pcpool_wait_tried(core, !IS_ERR(obj));
	}
	return obj;
}

/*
 * As mempool does: fail early, because there is a reserve to fall back on, and an object
 * to wait for.
 */
static gfp_t reserve_gfp(const struct pcpool_wait *q, gfp_t gfp)
{
	if (!q->reserve)
		return gfp;
	return (gfp & ~__GFP_NOFAIL) | __GFP_NORETRY | __GFP_NOMEMALLOC | __GFP_NOWARN;
}

/* Also as mempool does: while the reserve has objects, neither reclaim nor do I/O for one. */
static gfp_t quick_gfp(const struct pcpool_wait *q, gfp_t gfp)
{
	return READ_ONCE(q->nr_reserved) ? gfp & ~(__GFP_DIRECT_RECLAIM | __GFP_IO) : gfp;
}

/*
 * Make an object idle that was allocated for no get. If the pool has no room for it, the
 * worker frees it, because nothing is freed here.
 */
static void keep_spare(struct pcpool_core *core, void *obj)
{
	bool bypass = READ_ONCE(core->bypass);

	atomic_long_inc(&core->prefilled);
	if (pcpool_wait_offer(core, obj)) {
		/* It was counted as a put. */
		this_cpu_dec(core->cpu->off_slots);
	} else if (!bypass && pcpool_idle_keep(core, obj, PCPOOL_GFP_PUT)) {
		this_cpu_dec(core->cpu->off_slots);
		pcpool_wake_waiters(core->wait);
	} else {
		atomic_long_inc(bypass ? &core->drop_other : &core->drop_full);
		pcpool_defer_free(core, obj);
	}
}

/**
 * pcpool_wait_fill() - allocate what the reserve lacks
 * @core: a pool with a quota or a reserve
 * @gfp: how to allocate; allows sleeping
 *
 * Return: 0, or -ENOMEM if there are still fewer objects than the reserve needs.
 */
int pcpool_wait_fill(struct pcpool_core *core, gfp_t gfp)
{
	struct pcpool_wait *q = core->wait;
	void *obj;

	while (pcpool_wait_reserve_short(q)) {
		/* Not pcpool_wait_alloc(), which would schedule the worker to do this. */
		obj = pcpool_object_alloc_limited(core, gfp);
		if (IS_ERR(obj)) {
			pcpool_wake_waiters(q);
			return -ENOMEM;
		}
		keep_spare(core, obj);
	}
	return 0;
}

/* Take an idle object for the caller itself, unless a waiter comes first. */
static void *take_idle(struct pcpool_core *core, enum pcpool_reach reach)
{
	void *obj = pcpool_idle_take(core, reach, true);

	pcpool_wait_recheck(core->wait);
	return obj && pcpool_wait_gave_way(core->wait, obj) ? NULL : obj;
}

/*
 * Last resort: take an object from any CPU, regardless of the steal policy, or else from
 * the reserve.
 */
static void *take_last(struct pcpool_core *core)
{
	struct pcpool_wait *q = core->wait;
	unsigned long flags;
	void *obj;

	obj = take_idle(core, PCPOOL_REACH_ANYWHERE);
	if (!obj && READ_ONCE(q->reserve)) {
		raw_spin_lock_irqsave(&q->lock, flags);
		/* Again under the lock: an object may just have been on its way to the reserve. */
		if (!pcpool_wait_must_queue(q))
			obj = pcpool_wait_take_reserved(q) ?:
			      pcpool_idle_take(core, PCPOOL_REACH_ANYWHERE, true);
		/* An object that became idle since belongs in the reserve. */
		pcpool_wait_refill_reserved(q);
		raw_spin_unlock_irqrestore(&q->lock, flags);
		pcpool_wait_recheck(q);
	}
	return obj;
}

/*
 * The caller's own attempt to allocate an object. @endless: it may wait without limit. Fault
 * injection does not make such a get fail, but its allocations.
 */
static void *get_new(struct pcpool_core *core, gfp_t gfp, bool endless)
{
	struct pcpool_wait *q = core->wait;
	unsigned long flags;
	void *obj;

	if (endless && pcpool_fault(core, gfp))
		return ERR_PTR(-ENOMEM);
	obj = pcpool_count_miss(core, pcpool_wait_alloc(core, gfp));
	/* There is memory again. A waiter that this misses retries by itself. */
	if (unlikely(READ_ONCE(q->nr_failed)) && !IS_ERR(obj)) {
		raw_spin_lock_irqsave(&q->lock, flags);
		pcpool_wait_wake_retry(q);
		raw_spin_unlock_irqrestore(&q->lock, flags);
	}
	return obj;
}

/**
 * alloc_or_take_last() - allocate an object; if that fails, take what is left
 * @core: the pool
 * @gfp: how to allocate
 * @endless: as for get_new()
 *
 * In a pool with a reserve, the first attempt to allocate is a quick one, then the reserve
 * is used, and only then is it worth waiting for memory.
 *
 * Return: An object, or ERR_PTR() of -EAGAIN or -ENOMEM.
 */
static void *alloc_or_take_last(struct pcpool_core *core, gfp_t gfp, bool endless)
{
	gfp_t now = quick_gfp(core->wait, gfp);
	void *obj, *last;

	/* Before the quick attempt, which does not look like one that may sleep. */
	if (now != gfp && gfpflags_allow_blocking(gfp))
		pcpool_free_backlog(core);
	for (;; now = gfp) {
		obj = get_new(core, now, endless);
		if (!IS_ERR(obj))
			return obj;
		last = take_last(core);
		if (last)
			return last;
		if (now == gfp || obj != ERR_PTR(-ENOMEM))
			return obj;
	}
}

/**
 * get_now() - get an object without waiting
 * @core: the pool
 * @gfp: how to allocate
 * @local: prefer objects of this CPU
 * @endless: as for get_new()
 * @wait: set to whether waiting may help
 * @failed: set to whether an allocation failed
 *
 * Return: An object, or ERR_PTR() of -EAGAIN or -ENOMEM.
 */
static void *get_now(struct pcpool_core *core, gfp_t gfp, bool local, bool endless, bool *wait,
		     bool *failed)
{
	struct pcpool_wait *q = core->wait;
	void *obj = NULL;
	bool others;

	*wait = true;
	*failed = false;
	gfp = reserve_gfp(q, gfp);
	/* First come, first served, except for what takes nothing away from the waiters. */
	others = pcpool_wait_must_queue(q);
	if (others && pcpool_limit_max(&q->limit))
		return ERR_PTR(-EAGAIN);
	if (!others && !READ_ONCE(core->bypass))
		obj = take_idle(core, local ? PCPOOL_REACH_LOCAL : PCPOOL_REACH_ALL);
	if (obj)
		return obj;
	if (!others) {
		obj = alloc_or_take_last(core, gfp, endless);
		*failed = obj == ERR_PTR(-ENOMEM);
		*wait = q->reserve || !*failed;
		return obj;
	}
	obj = get_new(core, gfp, endless);
	*failed = obj == ERR_PTR(-ENOMEM);
	return obj;
}

/* A queued waiter retries its allocation; the object goes to the first waiter. */
static void try_again(struct pcpool_wait *q, struct pcpool_waiter *w, gfp_t gfp)
{
	struct pcpool_core *core = q->core;
	unsigned long flags;
	bool handed;
	void *obj;

	WRITE_ONCE(w->retry, false);
	obj = pcpool_wait_alloc(core, reserve_gfp(q, gfp));
	if (IS_ERR(obj))
		return;
	raw_spin_lock_irqsave(&q->lock, flags);
	handed = pcpool_wait_hand_to_first(q, obj, ULONG_MAX);
	if (handed)
		pcpool_count_miss(core, obj);
	pcpool_wait_wake_retry(q);
	raw_spin_unlock_irqrestore(&q->lock, flags);
	/* If the queue was empty, this waiter has been handed something too. */
	if (!handed)
		keep_spare(core, obj);
}

/*
 * Sleep for one slice. With a reserve, objects are typically in use for IO, and a waiter
 * counts as one that waits for IO, as with mempool.
 */
static long sleep_slice(const struct pcpool_wait *q, long slice)
{
	return q->reserve ? io_schedule_timeout(slice) : schedule_timeout(slice);
}

/* Sleep until something is handed over, or the wait is over, which returns an error. */
static void *sleep(struct pcpool_wait *q, struct pcpool_waiter *w, gfp_t gfp, unsigned int state,
		   long *timeout)
{
	void *err = NULL;
	long slice, left;

	for (;;) {
		set_current_state(state);
		if (READ_ONCE(w->served))
			break;
		/* There was an object for the first waiter. Another caller may have taken it. */
		if (READ_ONCE(w->look)) {
			__set_current_state(TASK_RUNNING);
			WRITE_ONCE(w->look, false);
			pcpool_wait_hand_over(q);
			continue;
		}
		if (signal_pending_state(state, current))
			err = ERR_PTR(-EINTR);
		else if (!*timeout)
			err = ERR_PTR(-ETIMEDOUT);
		if (err)
			break;
		left = 0;
		if (!READ_ONCE(w->retry)) {
			slice = min_t(long, *timeout, PCPOOL_WAIT_SLICE);
			left = sleep_slice(q, slice);
			if (*timeout != MAX_SCHEDULE_TIMEOUT)
				*timeout -= slice - left;
		}
		if (w->failed && (!left || READ_ONCE(w->retry)) && !READ_ONCE(w->served)) {
			__set_current_state(TASK_RUNNING);
			try_again(q, w, gfp);
		}
	}
	__set_current_state(TASK_RUNNING);
	return err;
}

/*
 * @w has allocated @obj. A waiter that has waited longer, but failed to allocate, comes
 * first. Returns whether there was one.
 */
static bool pass_on(struct pcpool_wait *q, const struct pcpool_waiter *w, void *obj)
{
	bool passed;

	raw_spin_lock_irq(&q->lock);
	passed = pcpool_wait_hand_to_first(q, obj, w->ticket);
	pcpool_wait_wake_retry(q);
	raw_spin_unlock_irq(&q->lock);
	return passed;
}

/* Wait in the queue, at the place of @w's ticket, until something is handed over. */
static void *wait_in_queue(struct pcpool_wait *q, struct pcpool_waiter *w, gfp_t gfp,
			   unsigned int state, long *timeout)
{
	bool left;
	void *err;

	raw_spin_lock_irq(&q->lock);
	if (!w->ticket) {
		WRITE_ONCE(q->waits, q->waits + 1);
		w->ticket = q->waits;
		w->since = ktime_get_mono_fast_ns();
	}
	pcpool_wait_enqueue(q, w);
	raw_spin_unlock_irq(&q->lock);
	smp_mb(); /* (A): pairs with the one in pcpool_wake_waiters() */
	pcpool_wait_hand_over(q);
	err = sleep(q, w, gfp, state, timeout);

	raw_spin_lock_irq(&q->lock);
	left = !w->served;
	if (left)
		pcpool_wait_dequeue(q, w);
	/* An attempt that this waiter was woken for is left to another one. */
	if (w->retry)
		pcpool_wait_wake_retry(q);
	w->retry = false;
	raw_spin_unlock_irq(&q->lock);
	/* What it was woken for is left to the next waiter. */
	if (left)
		pcpool_wake_waiters(q);
	return err;
}

/* Wait until there is an object, or the wait is over. */
static void *wait_for_object(struct pcpool_core *core, gfp_t gfp, unsigned int state,
			     long timeout, bool failed)
{
	/* A get that failed retries once it is queued: before that, it could not be woken. */
	struct pcpool_waiter w = { .task = current, .failed = failed, .retry = failed };
	struct pcpool_wait *q = core->wait;
	void *obj, *err;

	for (;;) {
		err = wait_in_queue(q, &w, gfp, state, &timeout);
		if (!w.served)
			return err;
		if (w.obj)
			return w.obj;
		/* It was handed the right to allocate one. */
		obj = pcpool_count_miss(core, pcpool_object_alloc(core, reserve_gfp(q, gfp)));
		if (IS_ERR(obj)) {
			/* Another waiter may use the right. */
			pcpool_limit_unclaim(&q->limit);
			pcpool_wake_waiters(q);
		}
		pcpool_wait_tried(core, !IS_ERR(obj));
		if (IS_ERR(obj)) {
			if (!q->reserve)
				/* An object put meanwhile was not handed over to this get. */
				return take_idle(core, PCPOOL_REACH_ANYWHERE) ?: obj;
			w.failed = true;
			w.retry = true;
		} else if (!pass_on(q, &w, obj)) {
			return obj;
		}
	}
}

/**
 * pcpool_wait_get() - get an object from a pool with a quota or a reserve
 * @core: the pool
 * @gfp: how to allocate; whether to wait
 * @local: prefer objects of this CPU
 * @state: how to sleep, TASK_KILLABLE or TASK_UNINTERRUPTIBLE
 * @timeout: how long to wait, in jiffies; MAX_SCHEDULE_TIMEOUT: as long as it takes
 *
 * Return: An object, or ERR_PTR() of
 *  -ENOMEM: no object is idle, and none could be allocated;
 *  -EAGAIN: no object is idle, there may be no more, and @gfp does not allow waiting;
 *  -ETIMEDOUT: no object within @timeout;
 *  -EINTR: a fatal signal.
 */
void *pcpool_wait_get(struct pcpool_core *core, gfp_t gfp, bool local,
		      unsigned int state, long timeout)
{
	bool endless = gfpflags_allow_blocking(gfp) && timeout == MAX_SCHEDULE_TIMEOUT;
	bool may_come, failed;
	void *obj;

	if (!endless && pcpool_fault(core, gfp))
		return ERR_PTR(-ENOMEM);
	obj = get_now(core, gfp, local, endless, &may_come, &failed);
	if (!IS_ERR(obj) || !may_come || !gfpflags_allow_blocking(gfp))
		return obj;
	if (!timeout)
		return ERR_PTR(-ETIMEDOUT);
	might_sleep();
	/* A frozen task keeps what it is handed. A reserve must not get stuck there. */
	if (state == TASK_KILLABLE && !core->wait->reserve)
		state |= TASK_FREEZABLE;
	return wait_for_object(core, gfp, state, timeout, failed);
}
