/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Handing over objects to gets that wait, and keeping the reserve: what a put or a free
 * does for a pool with a quota (max_total) or a reserve. The other side, a get that waits,
 * is in wait.c.
 */
#ifndef _PCPOOL_HANDOVER_H
#define _PCPOOL_HANDOVER_H

#include <linux/compiler.h>
#include <linux/list.h>
#include <linux/sched.h>
#include <linux/timekeeping.h>

#include "types.h"

/**
 * struct pcpool_waiter - a get that waits; on its stack
 * @entry: in the wait queue, until something is handed over; in the order of @ticket
 * @ticket: its position
 * @task: the task
 * @obj: what was handed over; NULL: the right to allocate an object
 * @served: something was handed over, and it is no longer queued
 * @since: when it began to wait, on the clock of pcpool_may_pass()
 * @look: it was woken because there may be an object, and should look
 * @failed: it has failed to allocate an object; constant while it is queued
 * @retry: it should try again: another context has just allocated an object, or freed one
 */
struct pcpool_waiter {
	struct list_head entry;
	unsigned long ticket;
	struct task_struct *task;
	u64 since;
	void *obj;
	bool served;
	bool look;
	bool failed;
	bool retry;
};

int pcpool_wait_init(struct pcpool_core *core, unsigned long max_total,
		     unsigned long reserve);
void pcpool_wait_exit(struct pcpool_core *core);
void pcpool_wait_stop(struct pcpool_core *core);
void *pcpool_wait_empty(struct pcpool_core *core);

/* Under the lock. */
void pcpool_wait_enqueue(struct pcpool_wait *q, struct pcpool_waiter *w);
void pcpool_wait_dequeue(struct pcpool_wait *q, struct pcpool_waiter *w);
bool pcpool_wait_hand_to_first(struct pcpool_wait *q, void *obj, unsigned long before);
void pcpool_wait_wake_retry(struct pcpool_wait *q);
void *pcpool_wait_take_reserved(struct pcpool_wait *q);

bool pcpool_wait_offer(struct pcpool_core *core, void *obj);
bool pcpool_wait_give_way(struct pcpool_wait *q, void *obj);
void pcpool_wait_hand_over(struct pcpool_wait *q);
void pcpool_wait_notify(struct pcpool_wait *q);
void pcpool_wait_refill_reserved(struct pcpool_wait *q);
void pcpool_wait_tried(struct pcpool_core *core, bool allocated);
void pcpool_wait_freed(struct pcpool_core *core);

/* Are there, of all objects, fewer than the reserve needs? */
static inline bool pcpool_wait_reserve_short(const struct pcpool_wait *q)
{
	return pcpool_limit_count(&q->limit) < (long)READ_ONCE(q->reserve);
}

extern u64 pcpool_wait_pass_ns;

/*
 * May a running caller take an object although others wait? As long as the first waiter
 * has waited only briefly: to hand over each object would force a context switch at each
 * put. The idea is that of the kernel's rwsem.
 */
static inline bool pcpool_may_pass(const struct pcpool_wait *q)
{
	return ktime_get_mono_fast_ns() < READ_ONCE(q->pass_until);
}

/* Must a caller queue behind others? */
static inline bool pcpool_wait_must_queue(const struct pcpool_wait *q)
{
	return unlikely(READ_ONCE(q->nr_waiters)) && !pcpool_may_pass(q);
}

/*
 * A running caller has taken @obj without the lock: may it not keep it? Then it is the first
 * waiter's by now.
 */
static inline bool pcpool_wait_gave_way(struct pcpool_wait *q, void *obj)
{
	return pcpool_wait_must_queue(q) && pcpool_wait_give_way(q, obj);
}

/*
 * Call this after anything that a get may be waiting for: an object has become idle, one
 * that was in transit can be found again, or one was freed. Pairs with the barrier in
 * wait_in_queue(); (A) in handover.c.
 */
static inline void pcpool_wake_waiters(struct pcpool_wait *q)
{
	if (likely(!q))
		return;
	smp_mb(); /* (A) */
	if (READ_ONCE(q->nr_waiters) || READ_ONCE(q->nr_reserved) < READ_ONCE(q->reserve))
		pcpool_wait_notify(q);
}

/* Returns whether waiters must look again, which the caller then sees to. */
static inline bool pcpool_wait_recheck_due(struct pcpool_wait *q)
{
	/* (B): pairs with the release in pcpool_hint_clear(). */
	return unlikely(READ_ONCE(q->recheck)) && xchg(&q->recheck, 0);
}

/*
 * Call this after each search for an idle object, before anything that may take long: the
 * search may have hidden an object from a waiter for a moment; (B) in handover.c.
 */
static inline void pcpool_wait_recheck(struct pcpool_wait *q)
{
	if (unlikely(q) && pcpool_wait_recheck_due(q))
		pcpool_wake_waiters(q);
}

#endif /* _PCPOOL_HANDOVER_H */
