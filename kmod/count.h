/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Counting the idle objects of a pool, wherever it keeps them, and puts. Takes no lock, and
 * may be called from any context. The numbers are exact while nothing moves; otherwise they are
 * of slightly different moments.
 */
#ifndef _PCPOOL_COUNT_H
#define _PCPOOL_COUNT_H

#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/cpumask.h>
#include <linux/percpu.h>

#include "types.h"

/*
 * The next CPU after @cpu that may have rings, or at least nr_cpu_ids. -1 begins a search.
 * The mask changes during the search: a CPU that gets its first ring meanwhile may be missed.
 */
static inline unsigned int pcpool_next_ring_cpu(const struct pcpool_core *core, int cpu)
{
	/* As above. for_each_cpu() is a macro and cannot be marked as a data race. */
	return data_race(cpumask_next(cpu, core->with_rings));
}

/* Count a put that does not end in a private slot. From any context, including NMI. */
static inline void pcpool_count_put(struct pcpool_core *core)
{
	if (unlikely(__pcpool_in_unsafe_nmi()))
		atomic_long_inc(&core->nmi_puts);
	else
		this_cpu_inc(core->cpu->off_slots);
}

unsigned long pcpool_count_slots(const struct pcpool_core *core);
unsigned long pcpool_count_tier(struct pcpool_core *core, unsigned int tier);
unsigned long pcpool_count_evictable(struct pcpool_core *core);
size_t pcpool_count_empty_rings(struct pcpool_core *core);

#endif /* _PCPOOL_COUNT_H */
