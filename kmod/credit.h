/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Credits: a strict upper bound on a number of things, without a counter that all CPUs
 * share. There are as many credits as there may be things. A context that creates one
 * takes a credit first, and returns it when the thing is gone. Each CPU holds a few
 * credits (the local count), to which only it has access, and exchanges them in batches with
 * the global count. So a context may find no credit although other CPUs hold some. How
 * many these can be is decided at initialisation. Knows no pool.
 *
 * Some credits of the global count can be kept for a special purpose, the loan: only
 * pcpool_credit_lend() gets these.
 */
#ifndef _PCPOOL_CREDIT_H
#define _PCPOOL_CREDIT_H

#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/percpu.h>
#include <linux/types.h>

/**
 * struct pcpool_credit - the credits for one bound
 * @local: the credits that each CPU holds
 * @local_max: how many these are at most
 * @kept: how many credits of the global count are kept for the loan
 * @global: the credits that no CPU holds
 */
struct pcpool_credit {
	long __percpu *local;
	long local_max;
	long kept;
	atomic_long_t global ____cacheline_aligned_in_smp;
};

int pcpool_credit_init(struct pcpool_credit *credit, unsigned long bound, long local_max,
		       long kept);
void pcpool_credit_exit(struct pcpool_credit *credit);

/* From any context, including NMI. */
bool pcpool_credit_take(struct pcpool_credit *credit, long n);
void pcpool_credit_give(struct pcpool_credit *credit, unsigned long n);
long pcpool_credit_lend(struct pcpool_credit *credit, long n);
unsigned long pcpool_credit_count(const struct pcpool_credit *credit);

/*
 * With interrupts disabled. An NMI must not call these if it may have interrupted one of
 * them; or for a CPU that is offline and stays offline.
 */
bool pcpool_credit_refill_local(struct pcpool_credit *credit, long n);
void pcpool_credit_trim_local(struct pcpool_credit *credit);
void pcpool_credit_empty_local(struct pcpool_credit *credit, int cpu);

/**
 * pcpool_credit_take_local() - take @n credits, of this CPU if possible
 * @credit: the credits
 * @n: how many
 *
 * Return: false if there were fewer; it then takes none.
 */
static inline bool pcpool_credit_take_local(struct pcpool_credit *credit, long n)
{
	if (unlikely(this_cpu_read(*credit->local) < n) &&
	    !pcpool_credit_refill_local(credit, n))
		return false;
	this_cpu_sub(*credit->local, n);
	return true;
}

/* Return @n credits to this CPU. */
static inline void pcpool_credit_give_local(struct pcpool_credit *credit, long n)
{
	this_cpu_add(*credit->local, n);
	if (unlikely(this_cpu_read(*credit->local) > credit->local_max))
		pcpool_credit_trim_local(credit);
}

#endif /* _PCPOOL_CREDIT_H */
