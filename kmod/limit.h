/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A limit: the counter behind max_total. An object is counted from before it is allocated
 * until after it is freed, so there are never more than the limit. Knows no pool.
 *
 * All functions may be called from any context, including NMI.
 */
#ifndef _PCPOOL_LIMIT_H
#define _PCPOOL_LIMIT_H

#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/types.h>

/**
 * struct pcpool_limit - a counter and its upper bound
 * @max: the bound; 0: none
 * @existing: how many things exist or are being created; never more than @max
 */
struct pcpool_limit {
	long max;
	atomic_long_t existing ____cacheline_aligned_in_smp;
};

/* @max: 0 means no bound. */
static inline void pcpool_limit_init(struct pcpool_limit *limit, unsigned long max)
{
	limit->max = max;
}

/* The bound as it was given: 0 if there is none. */
static inline unsigned long pcpool_limit_max(const struct pcpool_limit *limit)
{
	return limit->max;
}

/* Negative only if a client has put more objects than it got. */
static inline long pcpool_limit_count(const struct pcpool_limit *limit)
{
	return atomic_long_read(&limit->existing);
}

/**
 * pcpool_limit_claim() - claim the right to create one more thing
 * @limit: the limit
 *
 * Return: false if there are as many as there may be.
 */
static inline bool pcpool_limit_claim(struct pcpool_limit *limit)
{
	long existing = atomic_long_read(&limit->existing);

	do {
		if (limit->max && existing >= limit->max)
			return false;
	} while (!atomic_long_try_cmpxchg(&limit->existing, &existing, existing + 1));
	return true;
}

/* The thing is gone, or could not be created. */
static inline void pcpool_limit_unclaim(struct pcpool_limit *limit)
{
	atomic_long_dec(&limit->existing);
}

#endif /* _PCPOOL_LIMIT_H */
