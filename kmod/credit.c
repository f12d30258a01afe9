// SPDX-License-Identifier: GPL-2.0
/*
 * Credits; see credit.h. A credit is in exactly one counter, or in the hands of whoever moves
 * it, so there are never more than at the beginning. All that is done to a counter are atomic
 * read-modify-writes, which need no other order: nothing else is concluded from a
 * credit than that it is there. (They are fully ordered all the same, so that what a thing's
 * end wrote is seen by who makes the next.)
 */
#include <linux/cpumask.h>
#include <linux/errno.h>
#include <linux/minmax.h>

#include "credit.h"
#include "testing.h"

/*
 * How many a CPU has at hand, at most twice: few enough that most are in the common rest, where
 * they are found at once.
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
EXPORT_SYMBOL_FOR_TESTS(pcpool_credit_init);

void pcpool_credit_exit(struct pcpool_credit *credit)
{
	free_percpu(credit->percpu);
}
EXPORT_SYMBOL_FOR_TESTS(pcpool_credit_exit);

/* None is at hand: from the rest, or from whoever has any. */
bool pcpool_credit_take_slowly(struct pcpool_credit *credit)
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
EXPORT_SYMBOL_FOR_TESTS(pcpool_credit_take_slowly);

/* Give back @n credits. */
void pcpool_credit_give(struct pcpool_credit *credit, unsigned long n)
{
	atomic_long_t *percpu = raw_cpu_ptr(credit->percpu);
	long there = atomic_long_add_return(n, percpu);

	if (unlikely(there > 2 * credit->batch)) {
		n = pcpool_credit_take_up_to(percpu, there - credit->batch);
		atomic_long_add(n, &credit->global);
	}
}
EXPORT_SYMBOL_FOR_TESTS(pcpool_credit_give);

/* How many there are; exact when nobody takes or gives. */
unsigned long pcpool_credit_count(const struct pcpool_credit *credit)
{
	unsigned long n = atomic_long_read(&credit->global);
	int cpu;

	for_each_possible_cpu(cpu)
		n += atomic_long_read(per_cpu_ptr(credit->percpu, cpu));
	return n;
}
EXPORT_SYMBOL_FOR_TESTS(pcpool_credit_count);
