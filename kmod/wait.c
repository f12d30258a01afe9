// SPDX-License-Identifier: GPL-2.0
/*
 * Quota, reserve, and waiting. A get that finds no idle object in a pool whose quota is
 * reached, or that cannot make one in a pool with a reserve, waits here until it is its turn.
 *
 * Such a pool has no private slots, so that what is idle can be found from everywhere. Its
 * objects are in the shared queues, or on the shelf if they may be only few; besides these the
 * reserve is in the stash, which is only touched when nothing else helps, and is filled up
 * first. So mempool does it, from which the idea of the reserve is.
 *
 * Waiters stand in a line. Whoever puts an object gives it to the first of them; whoever unmakes
 * one tells the first that he may make another. One who has tried and failed to make one keeps
 * his place, waits for an object only, and tries again by himself now and then; if that succeeds
 * the first of the line gets it. Those who come later queue up, even if there should be something
 * for a moment; if they may not wait they get nothing. Only where there is no quota they try to
 * make an object first, which takes nothing away from those who wait.
 *
 * What orders what between CPUs:
 *
 *  (A) A get stands in line, then looks for an object once more; a put makes its object
 *      visible, then looks whether somebody waits; with a full barrier in between, both. So
 *      one sees the other: nobody waits while there is an idle object. The same holds for
 *      the place of an object that is unmade (@existing), and for the stash being short.
 *      Who looks for an object for one who waits relies on no hint (REACH_ANYWHERE).
 *
 * The lock is raw, and held with interrupts disabled, since a put comes from hardirq context
 * too, on PREEMPT_RT as well; under it nothing is called that sleeps, or that could take it
 * again. An NMI leaves what needs it to an irq_work, if it does not get it at once.
 */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "internal.h"

/* How often to try again to make an object when nothing tells that one can. As mempool does. */
#define RETRY	(5 * HZ)

/**
 * struct waiter - a get that waits; on its stack
 * @entry: in the line, until it is served; in the order of @ticket
 * @ticket: its place
 * @task: who it is
 * @obj: what it got; NULL: the right to make one
 * @served: it is off the line
 * @failed: it has tried to make one in vain; does not change while it is in the line
 * @retry: it should try again: somebody else has just made one, or freed one
 */
struct waiter {
	struct list_head entry;
	unsigned long ticket;
	struct task_struct *task;
	void *obj;
	bool served;
	bool failed;
	bool retry;
};

/*
 * There is memory again: the first of those who have tried in vain need not wait for his time
 * to try again; under the lock.
 */
static void memory_is_back(struct pcpool_wait *q)
{
	struct waiter *w;

	if (!q->nr_failed)
		return;
	list_for_each_entry(w, &q->waiters, entry) {
		if (w->failed) {
			WRITE_ONCE(w->retry, true);
			wake_up_process(w->task);
			return;
		}
	}
}

/**
 * pcpool_limit_claim() - ask for the right to make one more object
 * @q: the quota
 *
 * Return: false if there are as many as there may be.
 */
bool pcpool_limit_claim(struct pcpool_wait *q)
{
	long existing = atomic_long_read(&q->existing);

	do {
		if ((unsigned long)existing >= q->max_total)
			return false;
	} while (!atomic_long_try_cmpxchg(&q->existing, &existing, existing + 1));
	return true;
}

/* An object is unmade, or was not made after all. */
void pcpool_limit_unclaim(struct pcpool_wait *q)
{
	atomic_long_dec(&q->existing);
	pcpool_wake_waiters(q);
}

/**
 * pcpool_wait_tried() - somebody has tried to make an object, for himself
 * @core: a pool with a quota or reserve
 * @allocs: whether he could
 *
 * Starts the worker if the reserve lacks some; but if that is just waiting to be started again, for
 * want of memory, not another time. It will see what is lacking: pcpool_limit_unclaim() has a
 * barrier, (A), and the workqueue has one before it runs what was pending.
 */
void pcpool_wait_tried(struct pcpool_core *core, bool made)
{
	struct pcpool_wait *q = core->wait;

	if (unlikely(pcpool_wait_reserve_short(q)) &&
	    (made || !delayed_work_pending(&q->refill)))
		pcpool_schedule_worker(core);
}

/* An object was freed, and its memory with it. */
void pcpool_wait_freed(struct pcpool_wait *q)
{
	unsigned long flags;

	pcpool_limit_unclaim(q);
	/* Who could make none before need not wait for his time to try again. */
	if (READ_ONCE(q->nr_failed)) {
		raw_spin_lock_irqsave(&q->lock, flags);
		memory_is_back(q);
		raw_spin_unlock_irqrestore(&q->lock, flags);
	}
}

/* Are there not even enough for the reserve? */
bool pcpool_wait_reserve_short(const struct pcpool_wait *q)
{
	return (unsigned long)atomic_long_read(&q->existing) < READ_ONCE(q->reserve);
}

/* In the line, in the order of the tickets; under the lock. */
static void line_up(struct pcpool_wait *q, struct waiter *w)
{
	struct waiter *before;

	/* Mostly at the end. */
	list_for_each_entry_reverse(before, &q->waiters, entry) {
		if (before->ticket < w->ticket)
			break;
	}
	list_add(&w->entry, &before->entry);
	w->served = false;
	WRITE_ONCE(q->nr_waiters, q->nr_waiters + 1);
	WRITE_ONCE(q->nr_failed, q->nr_failed + w->failed);
}

/* Off the line; under the lock. */
static void leave(struct pcpool_wait *q, struct waiter *w)
{
	list_del(&w->entry);
	WRITE_ONCE(q->nr_waiters, q->nr_waiters - 1);
	WRITE_ONCE(q->nr_failed, q->nr_failed - w->failed);
}

/* Give @w @obj, or the right to make one; under the lock. */
static void serve(struct pcpool_wait *q, struct waiter *w, void *obj)
{
	leave(q, w);
	w->obj = obj;
	WRITE_ONCE(w->served, true);
	/* He does not return, and @w is there, until he has got the lock. */
	wake_up_process(w->task);
}

static struct waiter *first(struct pcpool_wait *q)
{
	return list_first_entry(&q->waiters, struct waiter, entry);
}

/* Who would come first to make an object, if one may be made; under the lock. */
static struct waiter *first_maker(struct pcpool_wait *q)
{
	struct waiter *w;

	if (!pcpool_wait_max_total(q))
		return NULL;
	list_for_each_entry(w, &q->waiters, entry) {
		if (!w->failed)
			return pcpool_limit_claim(q) ? w : NULL;
	}
	return NULL;
}

/* Under the lock. */
static void *take_stashed(struct pcpool_wait *q)
{
	if (!q->nr_reserved)
		return NULL;
	this_cpu_inc(q->core->cpu->hit_shared);
	WRITE_ONCE(q->nr_reserved, q->nr_reserved - 1);
	return q->reserved[q->nr_reserved];
}

static void stash(struct pcpool_wait *q, void *obj)
{
	q->reserved[q->nr_reserved] = obj;
	WRITE_ONCE(q->nr_reserved, q->nr_reserved + 1);
}

/* Serve one of those who wait, if there is something for him; under the lock. */
static bool serve_one(struct pcpool_wait *q)
{
	struct pcpool_core *core = q->core;
	bool bypass = READ_ONCE(core->bypass);
	struct waiter *maker = NULL;
	void *obj;

	/* Of a bypassed pool what is idle serves only if no more may be made. */
	if (bypass)
		maker = first_maker(q);
	if (!maker) {
		obj = pcpool_take_anywhere(core, true);
		if (obj) {
			serve(q, first(q), obj);
			return true;
		}
	}
	if (!maker && !bypass)
		maker = first_maker(q);
	if (maker) {
		serve(q, maker, NULL);
		return true;
	}
	obj = take_stashed(q);
	if (obj)
		serve(q, first(q), obj);
	return obj;
}

/* Serve those who wait, as far as there is something for them; then fill up the stash. */
void pcpool_wait_hand_over(struct pcpool_wait *q)
{
	unsigned long flags;
	void *obj;

	if (in_nmi()) {
		irq_work_queue(&q->irq_work);
		return;
	}
	raw_spin_lock_irqsave(&q->lock, flags);
	while (q->nr_waiters && serve_one(q))
		;
	smp_mb(); /* (A), for the stash */
	while (q->nr_reserved < q->reserve && (obj = pcpool_take_anywhere(q->core, false)))
		stash(q, obj);
	raw_spin_unlock_irqrestore(&q->lock, flags);
}

static void serve_irq_work(struct irq_work *irq_work)
{
	pcpool_wait_hand_over(container_of(irq_work, struct pcpool_wait, irq_work));
}

/**
 * pcpool_wait_offer() - where an object that is put is needed most
 * @core: a pool with a quota or reserve
 * @obj: the object
 *
 * Counts as a put, if it takes the object.
 *
 * Return: whether it took the object: for one who waits, or for the stash.
 */
bool pcpool_wait_offer(struct pcpool_core *core, void *obj)
{
	struct pcpool_wait *q = core->wait;
	unsigned long flags;
	bool taken = true;

	/* What is missed here, pcpool_wake_waiters() will see. */
	if (!READ_ONCE(q->nr_waiters) && READ_ONCE(q->nr_reserved) >= q->reserve)
		return false;
	if (!in_nmi())
		raw_spin_lock_irqsave(&q->lock, flags);
	/* Without CONFIG_SMP there is nothing that a trylock could see. */
	else if (!IS_ENABLED(CONFIG_SMP) || !raw_spin_trylock_irqsave(&q->lock, flags))
		return false;
	if (q->nr_waiters && !READ_ONCE(core->bypass) && !in_nmi()) {
		this_cpu_inc(core->cpu->hit_shared);
		serve(q, first(q), obj);
	} else if (q->nr_reserved < q->reserve) {
		stash(q, obj);
	} else {
		taken = false;
	}
	if (taken)
		this_cpu_inc(core->cpu->off_slots);
	raw_spin_unlock_irqrestore(&q->lock, flags);
	/* What is in the stash now may be what somebody waits for. */
	if (taken)
		pcpool_wake_waiters(q);
	return taken;
}

/* As mempool does: not to fail is not the allocator's job here. */
static gfp_t modest(const struct pcpool_wait *q, gfp_t gfp)
{
	return q->reserve ? gfp | __GFP_NORETRY | __GFP_NOMEMALLOC | __GFP_NOWARN : gfp;
}

/*
 * Without waiting. Returns an error if there is nothing; @wait says whether something may turn
 * up, and @failed whether an object could not be made.
 */
static void *get_now(struct pcpool_core *core, gfp_t gfp, bool local, bool *wait, bool *failed)
{
	struct pcpool_wait *q = core->wait;
	void *obj = NULL, *err;
	unsigned long flags;
	bool others;

	*wait = true;
	*failed = false;
	/* First come, first served; but for what takes nothing away from those who were. */
	others = READ_ONCE(q->nr_waiters);
	if (others && pcpool_wait_max_total(q))
		return ERR_PTR(-EAGAIN);
	if (!others && !READ_ONCE(core->bypass))
		obj = pcpool_take(core, local);
	if (obj)
		return obj;
	obj = pcpool_count_miss(core, pcpool_wait_alloc(core, modest(q, gfp)));
	if (!IS_ERR(obj)) {
		if (others) {
			raw_spin_lock_irqsave(&q->lock, flags);
			memory_is_back(q);
			raw_spin_unlock_irqrestore(&q->lock, flags);
		}
		return obj;
	}
	err = obj;
	*failed = err == ERR_PTR(-ENOMEM);
	if (others)
		return err;
	/* What is out of this get's reach otherwise: better than none. */
	obj = pcpool_take_anywhere(core, true);
	if (!obj && READ_ONCE(q->nr_reserved)) {
		raw_spin_lock_irqsave(&q->lock, flags);
		if (!q->nr_waiters)
			obj = take_stashed(q);
		raw_spin_unlock_irqrestore(&q->lock, flags);
		/* Something may have become idle since, which should be in its place. */
		pcpool_wake_waiters(q);
	}
	if (obj)
		return obj;
	*wait = q->reserve || !*failed;
	return err;
}

/* @obj was made, but for nobody's get. */
static void keep_spare(struct pcpool_core *core, void *obj)
{
	atomic_long_inc(&core->prefilled);
	pcpool_put_back(core, obj);
	/* That was no put. */
	this_cpu_dec(core->cpu->off_slots);
}

/* One in the line tries by himself to make an object, which is for the first of the line. */
static void try_again(struct pcpool_wait *q, struct waiter *w, gfp_t gfp)
{
	struct pcpool_core *core = q->core;
	unsigned long flags;
	bool left = false;
	void *obj;

	WRITE_ONCE(w->retry, false);
	obj = pcpool_wait_alloc(core, modest(q, gfp));
	if (IS_ERR(obj))
		return;
	raw_spin_lock_irqsave(&q->lock, flags);
	if (q->nr_waiters)
		serve(q, first(q), pcpool_count_miss(core, obj));
	else
		left = true;
	memory_is_back(q);
	raw_spin_unlock_irqrestore(&q->lock, flags);
	/* All are served by now. */
	if (left)
		keep_spare(core, obj);
}

/* Sleep until we are served, or it is over; returns an error then. */
static void *sleep(struct pcpool_wait *q, struct waiter *w, gfp_t gfp, unsigned int state,
		   long *timeout)
{
	void *err = NULL;
	long slice, left;

	for (;;) {
		set_current_state(state);
		if (READ_ONCE(w->served))
			break;
		if (signal_pending_state(state, current))
			err = ERR_PTR(-EINTR);
		else if (!*timeout)
			err = ERR_PTR(-ETIMEDOUT);
		if (err)
			break;
		left = 0;
		if (!READ_ONCE(w->retry)) {
			slice = w->failed ? min_t(long, *timeout, RETRY) : *timeout;
			left = schedule_timeout(slice);
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

/* @w has made @obj. Who has waited for longer, but could make none before, is first: true then. */
static bool pass_on(struct pcpool_wait *q, const struct waiter *w, void *obj)
{
	bool passed;

	raw_spin_lock_irq(&q->lock);
	passed = q->nr_waiters && first(q)->ticket < w->ticket;
	if (passed)
		serve(q, first(q), obj);
	memory_is_back(q);
	raw_spin_unlock_irq(&q->lock);
	return passed;
}

/* Wait until there is an object, or until it is over. */
static void *wait(struct pcpool_core *core, gfp_t gfp, unsigned int state, long timeout,
		  bool failed)
{
	/* Who has failed tries again at once when he is in the line: nobody told him before. */
	struct waiter w = { .task = current, .failed = failed, .retry = failed };
	struct pcpool_wait *q = core->wait;
	void *obj, *err;

	raw_spin_lock_irq(&q->lock);
	WRITE_ONCE(q->waits, q->waits + 1);
	w.ticket = q->waits;
	for (;;) {
		line_up(q, &w);
		raw_spin_unlock_irq(&q->lock);
		smp_mb(); /* (A): pairs with the one in pcpool_wake_waiters() */
		pcpool_wait_hand_over(q);
		err = sleep(q, &w, gfp, state, &timeout);

		raw_spin_lock_irq(&q->lock);
		if (!w.served)
			leave(q, &w);
		/* It is for another one to try. */
		if (w.retry)
			memory_is_back(q);
		w.retry = false;
		raw_spin_unlock_irq(&q->lock);
		if (!w.served)
			return err;
		if (w.obj)
			return w.obj;
		/* The right to make one. */
		obj = pcpool_count_miss(core, pcpool_object_alloc(core, modest(q, gfp)));
		/* If it is not made, it may help somebody else. */
		if (IS_ERR(obj))
			pcpool_limit_unclaim(q);
		pcpool_wait_tried(core, !IS_ERR(obj));
		if (IS_ERR(obj)) {
			if (!q->reserve)
				/* What was put meanwhile did not wait for us. */
				return pcpool_take_anywhere(core, true) ?: obj;
			w.failed = true;
			w.retry = true;
		} else if (!pass_on(q, &w, obj)) {
			return obj;
		}
		raw_spin_lock_irq(&q->lock);
	}
}

/**
 * pcpool_wait_get() - the whole of a get from a pool with a quota or reserve
 * @core: the pool
 * @gfp: how to make an object; whether to wait
 * @local: prefer what is on this CPU
 * @state: how to sleep, TASK_KILLABLE or TASK_UNINTERRUPTIBLE
 * @timeout: how long to wait, in jiffies; MAX_SCHEDULE_TIMEOUT: until there is one
 *
 * Return: an object, or ERR_PTR() of
 *  -ENOMEM: there is none, and none could be made;
 *  -EAGAIN: there is none, no more may be made, and @gfp does not allow to wait;
 *  -ETIMEDOUT: there is none in time;
 *  -EINTR: a fatal signal.
 */
void *pcpool_wait_get(struct pcpool_core *core, gfp_t gfp, bool local,
		       unsigned int state, long timeout)
{
	bool may_come, failed;
	void *obj;

	obj = get_now(core, gfp, local, &may_come, &failed);
	if (!IS_ERR(obj) || !may_come || !gfpflags_allow_blocking(gfp))
		return obj;
	if (!timeout)
		return ERR_PTR(-ETIMEDOUT);
	might_sleep();
	return wait(core, gfp, state, timeout, failed);
}

static void refill_work(struct work_struct *work)
{
	struct pcpool_wait *q = container_of(work, struct pcpool_wait, refill.work);

	pcpool_schedule_worker(q->core);
}

/**
 * pcpool_wait_init() - give a pool a quota and a reserve
 * @core: the pool
 * @max_total: how many objects there may be; 0: any number
 * @reserve: how many to hold back
 *
 * Return: 0 or -ENOMEM.
 */
int pcpool_wait_init(struct pcpool_core *core, unsigned long max_total,
		      unsigned long reserve)
{
	struct pcpool_wait *q;

	q = kvzalloc(struct_size(q, reserved, reserve), GFP_KERNEL);
	if (!q)
		return -ENOMEM;
	q->core = core;
	q->max_total = max_total ?: ULONG_MAX;
	q->reserve = reserve;
	raw_spin_lock_init(&q->lock);
	INIT_LIST_HEAD(&q->waiters);
	/* Hard: it is about tasks that wait. */
	q->irq_work = IRQ_WORK_INIT_HARD(serve_irq_work);
	INIT_DELAYED_WORK(&q->refill, refill_work);
	core->wait = q;
	return 0;
}

void pcpool_wait_exit(struct pcpool_core *core)
{
	kvfree(core->wait);
	core->wait = NULL;
}

/*
 * Make as many objects as are to be in the reserve, should there be fewer in all. Returns 0 or
 * -ENOMEM. May sleep.
 */
int pcpool_wait_fill(struct pcpool_core *core, gfp_t gfp)
{
	struct pcpool_wait *q = core->wait;
	void *obj;

	while (pcpool_wait_reserve_short(q)) {
		/* pcpool_wait_alloc() would start the worker, to do just this. */
		obj = pcpool_object_alloc_limited(core, gfp);
		if (IS_ERR(obj))
			return -ENOMEM;
		keep_spare(core, obj);
	}
	return 0;
}

/* Make up for what has been dropped; and try again later what cannot be made now. */
void pcpool_wait_refill(struct pcpool_core *core)
{
	if (pcpool_wait_fill(core, GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN))
		queue_delayed_work(pcpool_workqueue, &core->wait->refill, RETRY);
}

/* Free the reserve, when nobody gets or puts any more. Returns how many objects that was. */
unsigned long pcpool_wait_empty(struct pcpool_core *core)
{
	struct pcpool_wait *q = core->wait;
	unsigned long n = 0;
	void *obj;

	irq_work_sync(&q->irq_work);
	raw_spin_lock_irq(&q->lock);
	/* So that nothing fills it again. */
	WRITE_ONCE(q->reserve, 0);
	while (q->nr_reserved) {
		WRITE_ONCE(q->nr_reserved, q->nr_reserved - 1);
		obj = q->reserved[q->nr_reserved];
		raw_spin_unlock_irq(&q->lock);
		atomic_long_inc(&core->evicted);
		pcpool_object_free(core, obj);
		n++;
		raw_spin_lock_irq(&q->lock);
	}
	raw_spin_unlock_irq(&q->lock);
	return n;
}
