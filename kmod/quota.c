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
 * one tells the first that he may make another. While somebody waits, those who come
 * later queue up behind him, even if there should be something for a moment; those who may
 * not wait get nothing.
 *
 * What orders what between CPUs:
 *
 *  (A) A get stands in line, then looks for an object once more; a put makes its object
 *      visible, then looks whether somebody waits; with a full barrier in between, both. So
 *      one sees the other: nobody waits while there is an idle object. The same holds for
 *      the place of an object that is unmade (@existing), and for the stash being short.
 *
 * The lock is raw, and held with interrupts disabled, since a put comes from hardirq context
 * too, on PREEMPT_RT as well; under it nothing is called that sleeps, or that could take it
 * again. An NMI leaves what needs it to an irq_work.
 */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "internal.h"

/* How often to try again to make an object when nothing tells that one can. As mempool does. */
#define RETRY	(5 * HZ)

/**
 * struct waiter - a get that waits; on its stack
 * @entry: in the line, until it is served
 * @task: who it is
 * @obj: what it got; NULL: the right to make one
 * @served: it is off the line
 */
struct waiter {
	struct list_head entry;
	struct task_struct *task;
	void *obj;
	bool served;
};

/**
 * pcpool_quota_claim() - ask for the right to make one more object
 * @q: the quota
 *
 * Return: false if there are as many as there may be.
 */
bool pcpool_quota_claim(struct pcpool_quota *q)
{
	long existing = atomic_long_read(&q->existing);

	do {
		if ((unsigned long)existing >= q->max_total)
			return false;
	} while (!atomic_long_try_cmpxchg(&q->existing, &existing, existing + 1));
	return true;
}

/* An object is unmade, or was not made after all. */
void pcpool_quota_unclaim(struct pcpool_quota *q)
{
	atomic_long_dec(&q->existing);
	pcpool_quota_wake(q);
}

/* Off the line; under the lock. */
static void leave(struct pcpool_quota *q, struct waiter *w)
{
	list_del(&w->entry);
	WRITE_ONCE(q->nr_waiters, q->nr_waiters - 1);
}

/* Give the first of the line @obj, or the right to make one; under the lock. */
static void serve(struct pcpool_quota *q, void *obj)
{
	struct waiter *w = list_first_entry(&q->waiters, struct waiter, entry);

	leave(q, w);
	w->obj = obj;
	WRITE_ONCE(w->served, true);
	/* He does not return, and @w is there, until he has got the lock. */
	wake_up_process(w->task);
}

/* Under the lock. */
static void *take_stashed(struct pcpool_quota *q)
{
	if (!q->nr_stash)
		return NULL;
	this_cpu_inc(q->core->cpu->hit_shared);
	WRITE_ONCE(q->nr_stash, q->nr_stash - 1);
	return q->stash[q->nr_stash];
}

static void stash(struct pcpool_quota *q, void *obj)
{
	q->stash[q->nr_stash] = obj;
	WRITE_ONCE(q->nr_stash, q->nr_stash + 1);
}

/* Serve those who wait, as far as there is something for them; then fill up the stash. */
void pcpool_quota_serve(struct pcpool_quota *q)
{
	struct pcpool_core *core = q->core;
	unsigned long flags;
	void *obj;

	if (in_nmi()) {
		irq_work_queue(&q->irq_work);
		return;
	}
	raw_spin_lock_irqsave(&q->lock, flags);
	while (q->nr_waiters) {
		obj = READ_ONCE(core->bypass) ? NULL : pcpool_take_anywhere(core, true);
		if (!obj && q->max_total != ULONG_MAX && pcpool_quota_claim(q)) {
			serve(q, NULL);
			continue;
		}
		if (!obj)
			obj = take_stashed(q);
		if (!obj)
			break;
		serve(q, obj);
	}
	while (q->nr_stash < q->reserve && (obj = pcpool_take_anywhere(core, false)))
		stash(q, obj);
	raw_spin_unlock_irqrestore(&q->lock, flags);
}

static void serve_irq_work(struct irq_work *irq_work)
{
	pcpool_quota_serve(container_of(irq_work, struct pcpool_quota, irq_work));
}

/**
 * pcpool_quota_offer() - where an object that is put is needed most
 * @core: a pool with a quota or reserve
 * @obj: the object
 *
 * Counts as a put, if it takes the object.
 *
 * Return: whether it took the object: for one who waits, or for the stash.
 */
bool pcpool_quota_offer(struct pcpool_core *core, void *obj)
{
	struct pcpool_quota *q = core->quota;
	unsigned long flags;
	bool taken = true;

	/* What is missed here, pcpool_quota_wake() will see. */
	if (in_nmi() || (!READ_ONCE(q->nr_waiters) && READ_ONCE(q->nr_stash) >= q->reserve))
		return false;
	raw_spin_lock_irqsave(&q->lock, flags);
	if (q->nr_waiters && !READ_ONCE(core->bypass)) {
		this_cpu_inc(core->cpu->hit_shared);
		serve(q, obj);
	} else if (q->nr_stash < q->reserve) {
		stash(q, obj);
	} else {
		taken = false;
	}
	if (taken)
		this_cpu_inc(core->cpu->off_slots);
	raw_spin_unlock_irqrestore(&q->lock, flags);
	/* Of a bypassed pool, the stash is all that one who waits can get. */
	if (taken)
		pcpool_quota_wake(q);
	return taken;
}

/* Without waiting. Returns an error if there is nothing: -EAGAIN is worth to wait for. */
static void *get_now(struct pcpool_core *core, gfp_t gfp, bool local)
{
	struct pcpool_quota *q = core->quota;
	unsigned long flags;
	void *obj, *err;

	/* First come, first served. */
	if (READ_ONCE(q->nr_waiters))
		return ERR_PTR(-EAGAIN);
	obj = READ_ONCE(core->bypass) ? NULL : pcpool_take(core, local);
	if (obj)
		return obj;
	obj = pcpool_make(core, gfp);
	if (!IS_ERR(obj)) {
		this_cpu_inc(core->cpu->miss);
		return obj;
	}
	err = obj;
	/* What is out of this get's reach otherwise: better than none. */
	obj = READ_ONCE(core->bypass) ? NULL : pcpool_take_anywhere(core, true);
	if (!obj && READ_ONCE(q->nr_stash)) {
		raw_spin_lock_irqsave(&q->lock, flags);
		if (!q->nr_waiters)
			obj = take_stashed(q);
		raw_spin_unlock_irqrestore(&q->lock, flags);
	}
	if (obj)
		return obj;
	return q->reserve ? ERR_PTR(-EAGAIN) : err;
}

/*
 * Make an object that we have the right to make. If that fails, the right goes to whom it
 * may help.
 */
static void *make_claimed(struct pcpool_core *core, gfp_t gfp)
{
	void *obj = pcpool_make_claimed(core, gfp);

	if (!IS_ERR(obj))
		this_cpu_inc(core->cpu->miss);
	else
		pcpool_quota_unclaim(core->quota);
	return obj;
}

/*
 * Wait for an object; of those who are sent away again, @first goes to the head of the
 * line. Returns NULL if it is the right to make one that we have got.
 */
static void *wait(struct pcpool_quota *q, gfp_t gfp, unsigned int state,
		  long *timeout, bool first)
{
	struct waiter w = { .task = current };
	void *obj = NULL, *err = NULL;
	long slice, left;

	raw_spin_lock_irq(&q->lock);
	if (first)
		list_add(&w.entry, &q->waiters);
	else
		list_add_tail(&w.entry, &q->waiters);
	WRITE_ONCE(q->nr_waiters, q->nr_waiters + 1);
	WRITE_ONCE(q->waits, q->waits + !first);
	raw_spin_unlock_irq(&q->lock);
	smp_mb(); /* (A): pairs with the one in pcpool_quota_wake() */
	pcpool_quota_serve(q);

	for (;;) {
		set_current_state(state);
		if (READ_ONCE(w.served))
			break;
		if (signal_pending_state(state, current))
			err = ERR_PTR(-EINTR);
		else if (!*timeout)
			err = ERR_PTR(-ETIMEDOUT);
		if (err)
			break;
		slice = q->reserve ? min_t(long, *timeout, RETRY) : *timeout;
		left = schedule_timeout(slice);
		if (*timeout != MAX_SCHEDULE_TIMEOUT)
			*timeout -= slice - left;
		if (left || !q->reserve)
			continue;
		/* Nobody tells when there is memory again. */
		__set_current_state(TASK_RUNNING);
		obj = pcpool_make(q->core, gfp);
		if (!IS_ERR(obj)) {
			this_cpu_inc(q->core->cpu->miss);
			break;
		}
		obj = NULL;
	}
	__set_current_state(TASK_RUNNING);

	raw_spin_lock_irq(&q->lock);
	if (!w.served)
		leave(q, &w);
	raw_spin_unlock_irq(&q->lock);
	if (!w.served)
		return obj ?: err;
	/* Served at the last moment? One object is enough. */
	if (obj && w.obj)
		pcpool_put_back(q->core, w.obj);
	else if (obj)
		pcpool_quota_unclaim(q);
	return obj ?: w.obj;
}

/**
 * pcpool_quota_get() - the whole of a get from a pool with a quota or reserve
 * @core: the pool
 * @gfp: how to make an object; whether to wait
 * @local: prefer what is on this CPU
 * @state: how to sleep, TASK_KILLABLE or TASK_UNINTERRUPTIBLE
 * @timeout: how long to wait, in jiffies; MAX_SCHEDULE_TIMEOUT: until there is one
 *
 * Return: an object, or ERR_PTR() of
 *  -ENOMEM: there is none, and none could be made;
 *  -EAGAIN: there is none, no more may be made, and @gfp does not allow to wait;
 *  -ETIMEDOUT: the same, and it is over;
 *  -EINTR: a fatal signal.
 */
void *pcpool_quota_get(struct pcpool_core *core, gfp_t gfp, bool local,
		       unsigned int state, long timeout)
{
	void *obj = get_now(core, gfp, local);
	bool again = false;

	if (obj != ERR_PTR(-EAGAIN) || !gfpflags_allow_blocking(gfp))
		return obj;
	might_sleep();
	for (;;) {
		obj = wait(core->quota, gfp, state, &timeout, again);
		if (obj)
			return obj;
		obj = make_claimed(core, gfp);
		if (!IS_ERR(obj) || !core->quota->reserve)
			return obj;
		again = true;
	}
}

/**
 * pcpool_quota_init() - give a pool a quota and a reserve
 * @core: the pool
 * @max_total: how many objects there may be; 0: any number
 * @reserve: how many to hold back
 *
 * Return: 0 or -ENOMEM.
 */
int pcpool_quota_init(struct pcpool_core *core, unsigned long max_total,
		      unsigned long reserve)
{
	struct pcpool_quota *q;

	q = kvzalloc(struct_size(q, stash, reserve), GFP_KERNEL);
	if (!q)
		return -ENOMEM;
	q->core = core;
	q->max_total = max_total ?: ULONG_MAX;
	q->reserve = reserve;
	raw_spin_lock_init(&q->lock);
	INIT_LIST_HEAD(&q->waiters);
	/* Hard: it is about tasks that wait. */
	q->irq_work = IRQ_WORK_INIT_HARD(serve_irq_work);
	core->quota = q;
	return 0;
}

void pcpool_quota_exit(struct pcpool_core *core)
{
	kvfree(core->quota);
	core->quota = NULL;
}

/* Make the reserve. May sleep. Returns 0 or -ENOMEM; what is made by then is in the stash. */
int pcpool_quota_fill(struct pcpool_core *core)
{
	struct pcpool_quota *q = core->quota;
	void *obj;

	while (q->nr_stash < q->reserve) {
		obj = pcpool_make(core, GFP_KERNEL);
		if (IS_ERR(obj))
			return PTR_ERR(obj);
		atomic_long_inc(&core->prefilled);
		stash(q, obj);
	}
	return 0;
}

/* Free the reserve, when nobody uses the pool any more. Returns how many objects that was. */
unsigned long pcpool_quota_empty(struct pcpool_core *core)
{
	struct pcpool_quota *q = core->quota;
	unsigned long n = q->nr_stash;

	irq_work_sync(&q->irq_work);
	/* So that nothing fills it again. */
	q->reserve = 0;
	while (q->nr_stash) {
		q->nr_stash--;
		atomic_long_inc(&core->evicted);
		pcpool_unmake(core, q->stash[q->nr_stash]);
	}
	return n;
}
