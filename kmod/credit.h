/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Credits: a strict upper bound on a number of things, without a counter that all CPUs
 * share. There are as many credits as there may be things. A context that creates one
 * takes a credit first, and returns it when the thing is gone. Each CPU holds some
 * credits (the per-CPU count) and exchanges them in batches with the global count. When
 * that is empty, it takes credits that other CPUs hold. Knows no pool.
 *
 * All functions may be called from any context, including NMI, except init and exit.
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
 * @percpu: the credits that each CPU holds; changed by any CPU, but mostly by that one
 * @global: the credits that no CPU holds
 * @batch: how many credits to move between the two at a time
 */
struct pcpool_credit {
	atomic_long_t __percpu *percpu;
	atomic_long_t global ____cacheline_aligned_in_smp;
	long batch;
};

int pcpool_credit_init(struct pcpool_credit *credit, unsigned long bound);
void pcpool_credit_exit(struct pcpool_credit *credit);

bool pcpool_credit_take_slow(struct pcpool_credit *credit);
void pcpool_credit_give(struct pcpool_credit *credit, unsigned long n);
unsigned long pcpool_credit_count(const struct pcpool_credit *credit);

/* Take up to @n from the count @from; returns how many. */
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
 * Return: false if none was found. While other contexts move credits between CPUs, one may have
 * existed nevertheless.
 */
static inline bool pcpool_credit_take(struct pcpool_credit *credit)
{
	return likely(pcpool_credit_take_up_to(raw_cpu_ptr(credit->percpu), 1)) ||
	       pcpool_credit_take_slow(credit);
}

#endif /* _PCPOOL_CREDIT_H */
