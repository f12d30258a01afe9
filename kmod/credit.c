// SPDX-License-Identifier: GPL-2.0
/*
 * Credits; see credit.h. A credit is in exactly one count, or held by the context that is
 * moving it, so there are never more than at the beginning. Counts change only by atomic
 * read-modify-writes. They need no ordering for the bound itself, because a credit says
 * nothing but that it exists. They are fully ordered all the same, so that what was
 * written when one thing ended is visible to the context that creates the next.
 */
#include <linux/cpumask.h>
#include <linux/errno.h>
#include <linux/minmax.h>

#include "credit.h"
#include "testing.h"

/*
 * A CPU holds at most twice this many: few enough that most credits are in the global
 * count, where they are found at once.
 */
#define CREDIT_BATCH_MAX	32L
#define CREDIT_SHARES		8

int pcpool_credit_init(struct pcpool_credit *credit, unsigned long bound)
{
	credit->percpu = alloc_percpu(atomic_long_t);
	if (!credit->percpu)
		return -ENOMEM;
	atomic_long_set(&credit->global, bound);
	credit->batch = clamp_t(long, bound / CREDIT_SHARES / num_possible_cpus(),
				1, CREDIT_BATCH_MAX);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_credit_init);

void pcpool_credit_exit(struct pcpool_credit *credit)
{
	free_percpu(credit->percpu);
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_credit_exit);

/* This CPU holds none: take from the global count, or else from any CPU that has some. */
bool pcpool_credit_take_slow(struct pcpool_credit *credit)
{
	long n = pcpool_credit_take_up_to(&credit->global, credit->batch);
	int cpu;

	if (!n) {
		for_each_possible_cpu(cpu) {
			n = pcpool_credit_take_up_to(per_cpu_ptr(credit->percpu, cpu),
						     credit->batch);
			if (n)
				break;
		}
	}
	if (n > 1)
		atomic_long_add(n - 1, raw_cpu_ptr(credit->percpu));
	return n;
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_credit_take_slow);

/* Return @n credits. */
void pcpool_credit_give(struct pcpool_credit *credit, unsigned long n)
{
	atomic_long_t *percpu = raw_cpu_ptr(credit->percpu);
	long held = atomic_long_add_return(n, percpu);

	if (unlikely(held > 2 * credit->batch)) {
		n = pcpool_credit_take_up_to(percpu, held - credit->batch);
		atomic_long_add(n, &credit->global);
	}
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_credit_give);

/* How many there are; exact while none is taken or returned. */
unsigned long pcpool_credit_count(const struct pcpool_credit *credit)
{
	unsigned long n = atomic_long_read(&credit->global);
	int cpu;

	for_each_possible_cpu(cpu)
		n += atomic_long_read(per_cpu_ptr(credit->percpu, cpu));
	return n;
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_credit_count);
