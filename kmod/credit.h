/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Credits: a strict bound on a number of things, without a counter that all CPUs share. There
 * are so many credits as there may be things; who wants to make one more needs a credit
 * first, and gives it back when the thing is gone. Each CPU has some at hand, and exchanges
 * them with the common rest in batches; when that is empty, it takes what others have at hand.
 * Knows nothing of pools.
 *
 * Everything may be called from any context, NMI too, but for init and exit.
 */
#ifndef _PCPOOL_CREDIT_H
#define _PCPOOL_CREDIT_H

#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/minmax.h>
#include <linux/percpu.h>
#include <linux/types.h>

/**
 * struct pcpool_credit - the credits for one bound
 * @percpu: what each CPU has; changed by all, but mostly by that CPU
 * @rest: what nobody has at hand
 * @batch: how many to move between the two
 */
struct pcpool_credit {
	atomic_long_t __percpu *percpu;
	atomic_long_t global ____cacheline_aligned_in_smp;
	long batch;
};

int pcpool_credit_init(struct pcpool_credit *credit, unsigned long bound);
void pcpool_credit_exit(struct pcpool_credit *credit);

bool pcpool_credit_take_slowly(struct pcpool_credit *credit);
void pcpool_credit_give(struct pcpool_credit *credit, unsigned long n);
unsigned long pcpool_credit_count(const struct pcpool_credit *credit);

/* Take @n from @from, or what is there if that is less; returns how many. */
static inline long pcpool_credit_take_up_to(atomic_long_t *from, long n)
{
	long there = atomic_long_read(from), take;

	do {
		take = min(there, n);
		if (take <= 0)
			return 0;
	} while (!atomic_long_try_cmpxchg(from, &there, there - take));
	return take;
}

/**
 * pcpool_credit_take() - take one credit
 * @credit: the credits
 *
 * Return: false if there was none. While others move credits between CPUs there may have been
 * one all the same.
 */
static inline bool pcpool_credit_take(struct pcpool_credit *credit)
{
	return likely(pcpool_credit_take_up_to(raw_cpu_ptr(credit->percpu), 1)) ||
	       pcpool_credit_take_slowly(credit);
}

#endif /* _PCPOOL_CREDIT_H */
