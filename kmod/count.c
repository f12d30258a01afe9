// SPDX-License-Identifier: GPL-2.0
/*
 * Counting the idle objects of a pool; see count.h.
 */
#include <linux/cpumask.h>
#include <linux/rcupdate.h>

#include "count.h"
#include "slots.h"

/* Objects in private slots, of all CPUs. */
unsigned long pcpool_count_slots(const struct pcpool_core *core)
{
	unsigned long n = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		n += pcpool_slots_count(core->slots, core->nr_slots, cpu);
	return n;
}

/* Objects of @tier in the queues, or in the shared array. */
unsigned long pcpool_count_tier(struct pcpool_core *core, unsigned int tier)
{
	unsigned long n = 0;
	int cpu;

	if (core->array)
		return pcpool_array_count(core->array, tier);
	rcu_read_lock();
	for (cpu = pcpool_next_ring_cpu(core, -1); cpu < nr_cpu_ids;
	     cpu = pcpool_next_ring_cpu(core, cpu))
		n += pcpool_queue_count(&per_cpu_ptr(core->cpu, cpu)->queue[tier]);
	rcu_read_unlock();
	return n;
}

/* All idle objects, of both tiers, except the reserve. */
unsigned long pcpool_count_evictable(struct pcpool_core *core)
{
	return pcpool_count_slots(core) + pcpool_count_tier(core, 0) +
	       pcpool_count_tier(core, 1) +
	       pcpool_deferred_count(&core->deferred_puts);
}

/* Bytes in the rings of queues that hold no object. */
size_t pcpool_count_empty_rings(struct pcpool_core *core)
{
	const struct pcpool_queue *q;
	size_t bytes = 0;
	int cpu, i;

	rcu_read_lock();
	for (cpu = pcpool_next_ring_cpu(core, -1); cpu < nr_cpu_ids;
	     cpu = pcpool_next_ring_cpu(core, cpu)) {
		q = per_cpu_ptr(core->cpu, cpu)->queue;
		for (i = 0; i < 2; i++) {
			if (!pcpool_queue_count(&q[i]))
				bytes += pcpool_queue_bytes(&q[i]);
		}
	}
	rcu_read_unlock();
	return bytes;
}
