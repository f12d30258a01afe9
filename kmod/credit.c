// SPDX-License-Identifier: GPL-2.0
/*
 * Credits; see credit.h. A credit is in exactly one count, or held by the context that is
 * moving it, so there are never more than at the beginning.
 *
 * A credit says that a thing is gone. A CPU that takes it from the global count must see
 * that: the counter changes only by fully ordered atomic operations. A local count is
 * changed by one CPU only, with plain accesses; what that CPU did before is ordered
 * before what it does afterwards, for itself, and for other CPUs by the release with which
 * it makes the next thing visible.
 */
#include <linux/cpumask.h>
#include <linux/errno.h>

#include "credit.h"
#include "testing.h"

int pcpool_credit_init(struct pcpool_credit *credit, unsigned long bound, long local_max,
		       long kept)
{
	credit->local = alloc_percpu(long);
	if (!credit->local)
		return -ENOMEM;
	credit->local_max = local_max;
	credit->kept = kept;
	atomic_long_set(&credit->global, bound);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_credit_init);

void pcpool_credit_exit(struct pcpool_credit *credit)
{
	free_percpu(credit->local);
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_credit_exit);

/*
 * Take @n credits from the global count, and up to @more; all but @kept are available.
 * Returns how many; 0 if there are fewer than @n.
 */
static long take(struct pcpool_credit *credit, long n, long more, long kept)
{
	long there = atomic_long_read(&credit->global), taken;

	do {
		if (there - kept < n)
			return 0;
		taken = min(there - kept, n + more);
	} while (!atomic_long_try_cmpxchg(&credit->global, &there, there - taken));
	return taken;
}

/* Take @n credits from the global count. Returns false, and takes none, if there are fewer. */
bool pcpool_credit_take(struct pcpool_credit *credit, long n)
{
	return !n || take(credit, n, 0, credit->kept);
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_credit_take);

/* Take up to @n credits, including those that are kept for this. Returns how many. */
long pcpool_credit_lend(struct pcpool_credit *credit, long n)
{
	return n > 0 ? take(credit, 1, n - 1, 0) : 0;
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_credit_lend);

/* Return @n credits to the global count. */
void pcpool_credit_give(struct pcpool_credit *credit, unsigned long n)
{
	/* Fully ordered, unlike atomic_long_add(). */
	atomic_long_add_return(n, &credit->global);
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_credit_give);

/* This CPU is about to take @n credits, and has fewer: get the rest, and some more. */
bool pcpool_credit_refill_local(struct pcpool_credit *credit, long n)
{
	long lacking = n - this_cpu_read(*credit->local);
	long taken = take(credit, lacking, credit->local_max / 2, credit->kept);

	this_cpu_add(*credit->local, taken);
	return taken;
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_credit_refill_local);

/* This CPU holds more than it may: keep half of that. */
void pcpool_credit_trim_local(struct pcpool_credit *credit)
{
	long surplus = this_cpu_read(*credit->local) - credit->local_max / 2;

	this_cpu_sub(*credit->local, surplus);
	pcpool_credit_give(credit, surplus);
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_credit_trim_local);

/* @cpu is offline, and holds none any more. */
void pcpool_credit_empty_local(struct pcpool_credit *credit, int cpu)
{
	long *local = per_cpu_ptr(credit->local, cpu);

	pcpool_credit_give(credit, *local);
	*local = 0;
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_credit_empty_local);

/* How many there are; exact while none is taken or returned. */
unsigned long pcpool_credit_count(const struct pcpool_credit *credit)
{
	long n = atomic_long_read(&credit->global);
	int cpu;

	for_each_possible_cpu(cpu)
		n += data_race(*per_cpu_ptr(credit->local, cpu)); /* a recent value will do */
	return n;
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_credit_count);
