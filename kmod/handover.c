// SPDX-License-Identifier: GPL-2.0
/*
 * Handing over objects to gets that wait, and keeping the reserve; see handover.h.
 *
 * A pool with a quota or a reserve has no private slots, so that its idle objects can be
 * found from every CPU. They are in the shared queues, or in the shared array if there may
 * be only few. The reserve is kept apart. It is only taken from when nothing else helps,
 * and is refilled before anything else becomes idle. The idea is mempool's.
 *
 * Waiters queue in FIFO order. A put hands its object over to the first waiter; a free
 * gives the first waiter the right to allocate an object. A waiter whose allocation failed
 * keeps its place, and then waits for an object only.
 *
 * Until the first waiter has waited for a millisecond (@pass_until), a put only wakes it,
 * and leaves the object where the first caller that looks finds it: the waiter itself when
 * it runs, or a caller that is running. So tasks that get and put in turn need no context
 * switch at each put. After that time callers queue behind the waiter, and the next object
 * is handed over to it. A caller may be preempted between its look at the wait queue and
 * the object that it takes. So it looks at the time again when it has the object, and
 * gives it to the first waiter if that must not be passed any more.
 *
 * Ordering between CPUs:
 *
 *  (A) A get enters the wait queue, then looks for an object once more. A put makes its
 *      object visible, then looks for waiters. There is a full barrier in between on both
 *      sides, so one sees the other: no get waits while an object is idle. The same
 *      holds for the claim of an object that is freed (pcpool_limit), and for the
 *      reserve being short.
 *  (B) The search of a waiter visits only CPUs whose bit in the hint mask is set. A put sets
 *      the bit (pcpool_hint_set()) before it looks for waiters, so (A) holds for the bit too.
 *      But a search that finds a queue empty clears the bit, looks at the queue again, and
 *      sets the bit again if an object has arrived. The put of that object may have found
 *      the bit set and no waiter, just before, and a waiter may find it clear. So after the
 *      bit is set again, @recheck is set, with a release. Each caller of pcpool_idle_take()
 *      reads it afterwards, and looks for waiters as after a put. If another context's
 *      read resets @recheck first, that context looks for waiters, and sees the bit. In NMI,
 *      the irq_work does. What the tiers' swap of roles hides is shown by the aging pass
 *      when it ends; age.c.
 *
 *  (C) A put makes its object visible, then reads @first_woken, and wakes the first waiter
 *      if that is clear. A look on behalf of the waiter clears @first_woken, then searches
 *      for an object. There is a full barrier in between on both sides. So the look sees
 *      the object, or the put sees that it must wake the waiter. If that waiter is served
 *      before it looks, the next one is woken to look in its place.
 *
 * The lock is a raw spinlock, held with interrupts disabled, because a put comes from
 * hardirq context too, also on PREEMPT_RT. Nothing that sleeps, or could take the lock
 * again, is called under it. In an NMI, pcpool_wait_offer() only tries the lock, and
 * pcpool_wait_hand_over() leaves its work to an irq_work.
 */
#include <linux/kconfig.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/time64.h>

#include "count.h"
#include "defer.h"
#include "handover.h"
#include "idle.h"
#include "testing.h"

/* How long the first waiter may be passed, in ns. */
u64 pcpool_wait_pass_ns = NSEC_PER_MSEC;
EXPORT_SYMBOL_IF_KUNIT(pcpool_wait_pass_ns);

/*
 * Memory may be available again: let the first waiter that failed to allocate try now,
 * without waiting for its next periodic attempt. Under the lock.
 */
void pcpool_wait_wake_retry(struct pcpool_wait *q)
{
	struct pcpool_waiter *w;

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

static struct pcpool_waiter *first(struct pcpool_wait *q)
{
	return list_first_entry(&q->waiters, struct pcpool_waiter, entry);
}

/* Let the first waiter look for an object; under the lock. */
static void wake_first(struct pcpool_wait *q)
{
	if (q->first_woken)
		return;
	WRITE_ONCE(q->first_woken, true);
	WRITE_ONCE(first(q)->look, true);
	wake_up_process(first(q)->task);
}

/*
 * There is another first waiter; under the lock. The one before it may have been woken for an
 * object, and have been served otherwise before it looked: then this one looks instead.
 */
static void first_changed(struct pcpool_wait *q)
{
	bool woken = q->first_woken;

	WRITE_ONCE(q->first_woken, false);
	if (!q->nr_waiters)
		return;
	WRITE_ONCE(q->pass_until, first(q)->since + READ_ONCE(pcpool_wait_pass_ns));
	if (woken)
		wake_first(q);
}

/* Enter the wait queue, in the order of the tickets; under the lock. */
void pcpool_wait_enqueue(struct pcpool_wait *q, struct pcpool_waiter *w)
{
	struct pcpool_waiter *before;

	/* Mostly at the end. */
	list_for_each_entry_reverse(before, &q->waiters, entry) {
		if (before->ticket < w->ticket)
			break;
	}
	list_add(&w->entry, &before->entry);
	w->served = false;
	WRITE_ONCE(q->nr_waiters, q->nr_waiters + 1);
	WRITE_ONCE(q->nr_failed, q->nr_failed + w->failed);
	if (first(q) == w)
		first_changed(q);
}

/* Leave the wait queue; under the lock. */
void pcpool_wait_dequeue(struct pcpool_wait *q, struct pcpool_waiter *w)
{
	bool was_first = first(q) == w;

	list_del(&w->entry);
	WRITE_ONCE(q->nr_waiters, q->nr_waiters - 1);
	WRITE_ONCE(q->nr_failed, q->nr_failed - w->failed);
	if (was_first)
		first_changed(q);
}

/* Give @w an object, or (NULL) the right to allocate one; under the lock. */
static void hand_to(struct pcpool_wait *q, struct pcpool_waiter *w, void *obj)
{
	pcpool_wait_dequeue(q, w);
	w->obj = obj;
	WRITE_ONCE(w->served, true);
	/* The task does not return, so @w remains valid, before it has taken the lock. */
	wake_up_process(w->task);
}

/*
 * Hand @obj over to the first waiter, if there is one with a ticket less than @before.
 * Returns whether it did. Under the lock.
 */
bool pcpool_wait_hand_to_first(struct pcpool_wait *q, void *obj, unsigned long before)
{
	if (!q->nr_waiters || first(q)->ticket >= before)
		return false;
	hand_to(q, first(q), obj);
	return true;
}

/**
 * pcpool_wait_give_way() - hand over to the first waiter what a running caller has taken
 * @q: the wait queue
 * @obj: the object, which counts as a hit already
 *
 * Not in an NMI, which is not preempted: what it found before it took the object still holds.
 *
 * Return: Whether there was a waiter that must not be passed any more.
 */
bool pcpool_wait_give_way(struct pcpool_wait *q, void *obj)
{
	unsigned long flags;
	bool handed;

	if (in_nmi())
		return false;
	raw_spin_lock_irqsave(&q->lock, flags);
	handed = pcpool_wait_must_queue(q);
	if (handed)
		hand_to(q, first(q), obj);
	raw_spin_unlock_irqrestore(&q->lock, flags);
	return handed;
}

/*
 * The first waiter that can allocate an object, if one more may exist, which is then
 * claimed for it; under the lock.
 */
static struct pcpool_waiter *claim_for_waiter(struct pcpool_wait *q)
{
	struct pcpool_waiter *w;

	if (!pcpool_limit_max(&q->limit))
		return NULL;
	list_for_each_entry(w, &q->waiters, entry) {
		if (!w->failed)
			return pcpool_limit_claim(&q->limit) ? w : NULL;
	}
	return NULL;
}

/* Take an object from the reserve, as a hit; under the lock. */
void *pcpool_wait_take_reserved(struct pcpool_wait *q)
{
	if (!q->nr_reserved)
		return NULL;
	this_cpu_inc(q->core->cpu->hit_shared);
	WRITE_ONCE(q->nr_reserved, q->nr_reserved - 1);
	return q->reserved[q->nr_reserved];
}

static void put_reserved(struct pcpool_wait *q, void *obj)
{
	q->reserved[q->nr_reserved] = obj;
	WRITE_ONCE(q->nr_reserved, q->nr_reserved + 1);
}

/* Hand something over to one waiter, if there is anything for it; under the lock. */
static bool hand_over_one(struct pcpool_wait *q)
{
	struct pcpool_core *core = q->core;
	bool bypass = READ_ONCE(core->bypass);
	struct pcpool_waiter *w = NULL;
	void *obj;

	/* In a bypassed pool, idle objects are used only if no more may be allocated. */
	if (bypass)
		w = claim_for_waiter(q);
	if (!w) {
		obj = pcpool_idle_take(core, PCPOOL_REACH_ANYWHERE, true);
		if (obj) {
			hand_to(q, first(q), obj);
			return true;
		}
	}
	if (!w && !bypass)
		w = claim_for_waiter(q);
	if (w) {
		hand_to(q, w, NULL);
		return true;
	}
	obj = pcpool_wait_take_reserved(q);
	if (obj)
		hand_to(q, first(q), obj);
	return obj;
}

/* Move idle objects to the reserve, as far as it is short; under the lock. */
void pcpool_wait_refill_reserved(struct pcpool_wait *q)
{
	void *obj;

	smp_mb(); /* (A), for the reserve */
	while (q->nr_reserved < q->reserve &&
	       (obj = pcpool_idle_take(q->core, PCPOOL_REACH_ANYWHERE, false)))
		put_reserved(q, obj);
}

/* Look on behalf of the first waiter: from now on a put must wake it again; under the lock. */
static void clear_woken(struct pcpool_wait *q)
{
	if (q->nr_waiters)
		WRITE_ONCE(first(q)->look, false);
	WRITE_ONCE(q->first_woken, false);
	smp_mb(); /* (C): pairs with the one in pcpool_wake_waiters() */
}

/* Hand over to waiters whatever there is for them; then refill the reserve. */
void pcpool_wait_hand_over(struct pcpool_wait *q)
{
	unsigned long flags;

	if (in_nmi()) {
		irq_work_queue(&q->irq_work);
		return;
	}
	do {
		raw_spin_lock_irqsave(&q->lock, flags);
		clear_woken(q);
		while (q->nr_waiters && hand_over_one(q))
			;
		pcpool_wait_refill_reserved(q);
		raw_spin_unlock_irqrestore(&q->lock, flags);
	} while (pcpool_wait_recheck_due(q)); /* (B) */
}

/*
 * There may be something for a waiter, or for the reserve, since the caller's full barrier:
 * hand it over, or, if the first waiter may still be passed, only wake that.
 */
void pcpool_wait_notify(struct pcpool_wait *q)
{
	unsigned long flags;

	if (in_nmi() || !READ_ONCE(q->nr_waiters) || !pcpool_may_pass(q)) {
		pcpool_wait_hand_over(q);
		return;
	}
	/* (C) */
	if (READ_ONCE(q->first_woken) && READ_ONCE(q->nr_reserved) >= READ_ONCE(q->reserve))
		return;
	raw_spin_lock_irqsave(&q->lock, flags);
	pcpool_wait_refill_reserved(q);
	if (q->nr_waiters)
		wake_first(q);
	raw_spin_unlock_irqrestore(&q->lock, flags);
}

static void hand_over_irq_work(struct irq_work *irq_work)
{
	pcpool_wait_hand_over(container_of(irq_work, struct pcpool_wait, irq_work));
}

/**
 * pcpool_wait_offer() - offer an object that is being put
 * @core: a pool with a quota or a reserve
 * @obj: the object
 *
 * Counts as a put, if the object is taken.
 *
 * Return: Whether the object was taken, for a waiter or for the reserve.
 */
bool pcpool_wait_offer(struct pcpool_core *core, void *obj)
{
	struct pcpool_wait *q = core->wait;
	unsigned long flags;
	bool taken = true, look = false;

	/* What this misses, pcpool_wake_waiters() will see. */
	if (!pcpool_wait_must_queue(q) && READ_ONCE(q->nr_reserved) >= q->reserve)
		return false;
	if (!in_nmi())
		raw_spin_lock_irqsave(&q->lock, flags);
	/* Without CONFIG_SMP there is nothing that a trylock could test. */
	else if (!IS_ENABLED(CONFIG_SMP) || !raw_spin_trylock_irqsave(&q->lock, flags))
		return false;
	if (pcpool_wait_must_queue(q) && !READ_ONCE(core->bypass) && !in_nmi()) {
		this_cpu_inc(core->cpu->hit_shared);
		hand_to(q, first(q), obj);
	} else if (q->nr_reserved < q->reserve) {
		put_reserved(q, obj);
		/* A waiter may take it from there. One that comes later looks by itself. */
		look = q->nr_waiters;
		if (look && !in_nmi() && pcpool_may_pass(q)) {
			wake_first(q);
			look = false;
		}
	} else {
		taken = false;
	}
	if (taken)
		pcpool_count_put(core);
	raw_spin_unlock_irqrestore(&q->lock, flags);
	if (look)
		pcpool_wake_waiters(q);
	return taken;
}

/**
 * pcpool_wait_tried() - a caller has tried to allocate an object for itself
 * @core: a pool with a quota or a reserve
 * @allocated: whether it succeeded
 *
 * If the reserve is short, schedules the worker to refill it. Success means that memory is
 * available again. On failure, a concurrent free may have counted this claim and not
 * scheduled the worker. A worker that is waiting for its next attempt, for want of memory,
 * is not scheduled again on failure. It will see what is missing: pcpool_wake_waiters()
 * has a barrier, (A), and so has the workqueue before it runs pending work.
 */
void pcpool_wait_tried(struct pcpool_core *core, bool allocated)
{
	struct pcpool_wait *q = core->wait;

	if (unlikely(pcpool_wait_reserve_short(q)) &&
	    (allocated || !delayed_work_pending(&q->refill)))
		pcpool_schedule_worker(core);
}

/* An object of a pool with a quota or a reserve was freed, and its claim with it. */
void pcpool_wait_freed(struct pcpool_core *core)
{
	struct pcpool_wait *q = core->wait;
	unsigned long flags;

	pcpool_wake_waiters(q);
	/* Its memory may be what an allocation lacked. */
	if (READ_ONCE(q->nr_failed)) {
		raw_spin_lock_irqsave(&q->lock, flags);
		pcpool_wait_wake_retry(q);
		raw_spin_unlock_irqrestore(&q->lock, flags);
	}
	/* The worker allocates another one. */
	if (unlikely(pcpool_wait_reserve_short(q)))
		pcpool_schedule_worker(core);
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
 * @reserve: how many objects to hold back
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
	pcpool_limit_init(&q->limit, max_total);
	q->reserve = reserve;
	raw_spin_lock_init(&q->lock);
	INIT_LIST_HEAD(&q->waiters);
	/* Hard: tasks are waiting for it. */
	q->irq_work = IRQ_WORK_INIT_HARD(hand_over_irq_work);
	INIT_DELAYED_WORK(&q->refill, refill_work);
	core->wait = q;
	return 0;
}

void pcpool_wait_exit(struct pcpool_core *core)
{
	kvfree(core->wait);
	core->wait = NULL;
}

/* The pool is no longer used: keep the reserve from being refilled. */
void pcpool_wait_stop(struct pcpool_core *core)
{
	struct pcpool_wait *q = core->wait;

	irq_work_sync(&q->irq_work);
	raw_spin_lock_irq(&q->lock);
	WRITE_ONCE(q->reserve, 0);
	raw_spin_unlock_irq(&q->lock);
}

/* Take an object from the reserve for good, after pcpool_wait_stop(); NULL: it is empty. */
void *pcpool_wait_empty(struct pcpool_core *core)
{
	struct pcpool_wait *q = core->wait;
	void *obj = NULL;

	raw_spin_lock_irq(&q->lock);
	if (q->nr_reserved) {
		WRITE_ONCE(q->nr_reserved, q->nr_reserved - 1);
		obj = q->reserved[q->nr_reserved];
	}
	raw_spin_unlock_irq(&q->lock);
	return obj;
}
