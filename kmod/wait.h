/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Quota, reserve, and waiting: what a pool has that may make only so many objects, or keeps some
 * for when no more can be made. See wait.c.
 */
#ifndef _PCPOOL_QUOTA_H
#define _PCPOOL_QUOTA_H

#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/irq_work.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>

struct pcpool_core;

/**
 * struct pcpool_wait - the quota and the reserve of a pool, and who waits
 * @core: the pool
 * @max_total: how many objects there may be; ULONG_MAX: any number
 * @reserve: how many are to be in @stash
 * @existing: how many there are, or are just being made; never more than @max_total
 * @lock: protects @waiters, and the writing of what follows it
 * @waiters: gets that wait, in the order in which they came
 * @nr_waiters: how many these are
 * @nr_failed: how many of them have tried to make an object in vain
 * @nr_reserved: how many objects are in @stash
 * @waits: how many gets have waited, ever
 * @irq_work: for NMIs, which cannot take @lock
 * @refill: starts the pool's worker, which fills up the reserve, once more
 * @stash: the reserve
 */
struct pcpool_wait {
	struct pcpool_core *core;
	unsigned long max_total;
	unsigned long reserve;
	atomic_long_t existing ____cacheline_aligned_in_smp;
	raw_spinlock_t lock ____cacheline_aligned_in_smp;
	struct list_head waiters;
	unsigned long nr_waiters;
	unsigned long nr_failed;
	unsigned long nr_reserved;
	unsigned long waits;
	struct irq_work irq_work;
	struct delayed_work refill;
	void *reserved[];
};

int pcpool_wait_init(struct pcpool_core *core, unsigned long max_total,
		      unsigned long reserve);
int pcpool_wait_fill(struct pcpool_core *core, gfp_t gfp);
void pcpool_wait_refill(struct pcpool_core *core);
unsigned long pcpool_wait_empty(struct pcpool_core *core);
void pcpool_wait_exit(struct pcpool_core *core);

bool pcpool_limit_claim(struct pcpool_wait *q);
void pcpool_limit_unclaim(struct pcpool_wait *q);
void pcpool_wait_tried(struct pcpool_core *core, bool made);
void pcpool_wait_freed(struct pcpool_wait *q);
bool pcpool_wait_reserve_short(const struct pcpool_wait *q);
void *pcpool_wait_get(struct pcpool_core *core, gfp_t gfp, bool local,
		       unsigned int state, long timeout);
bool pcpool_wait_offer(struct pcpool_core *core, void *obj);
void pcpool_wait_hand_over(struct pcpool_wait *q);

/* As it was asked for: 0 if there is none. */
static inline unsigned long pcpool_wait_max_total(const struct pcpool_wait *q)
{
	return q && q->max_total != ULONG_MAX ? q->max_total : 0;
}

/*
 * Call this after anything that a get may have been waiting for: an object has become idle, or
 * one that was idle but out of sight for a moment can be seen again, or one is unmade. Pairs
 * with the barrier in pcpool_wait_get(); (A) in wait.c.
 */
static inline void pcpool_wake_waiters(struct pcpool_wait *q)
{
	if (likely(!q))
		return;
	smp_mb(); /* (A) */
	if (READ_ONCE(q->nr_waiters) || READ_ONCE(q->nr_reserved) < READ_ONCE(q->reserve))
		pcpool_wait_hand_over(q);
}

#endif /* _PCPOOL_QUOTA_H */
