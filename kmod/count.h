/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Counting the idle objects of a pool, wherever it keeps them. Takes no lock, and may be
 * called from any context. The numbers are exact while nothing moves; otherwise they are
 * of slightly different moments.
 */
#ifndef _PCPOOL_COUNT_H
#define _PCPOOL_COUNT_H

#include <linux/compiler.h>
#include <linux/cpumask.h>

#include "types.h"

/*
 * All CPUs that may have rings. The mask changes during the search: a CPU that gets its
 * first ring meanwhile may be missed. for_each_cpu() cannot be marked as a data race.
 */
#define pcpool_for_each_ring_cpu(cpu, core)					\
	for ((cpu) = -1;							\
	     (cpu) = data_race(cpumask_next((cpu), (core)->with_rings)),	\
	     (unsigned int)(cpu) < nr_cpu_ids;)

unsigned long pcpool_count_slots(const struct pcpool_core *core);
unsigned long pcpool_count_tier(struct pcpool_core *core, unsigned int tier);
unsigned long pcpool_count_evictable(struct pcpool_core *core);
size_t pcpool_count_empty_rings(struct pcpool_core *core);

#endif /* _PCPOOL_COUNT_H */
