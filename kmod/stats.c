// SPDX-License-Identifier: GPL-2.0
/*
 * Statistics: the counters of all CPUs, added up into the public record. Only reads,
 * takes no lock, and never makes a get or a put wait.
 *
 * Some numbers are counted nowhere but follow from others. A put leaves no trace but its
 * object in a private slot, if it ends there. An object that was in one came by a put
 * or was moved there otherwise, and has left by a hit or was moved out; so
 *
 *   puts = hits of private slots + objects in them now + off_slots
 *
 * (see struct pcpool_cpu for the last), and what callers hold is what they have got less
 * what they have put. Every object was made for a miss or a prefill, and was unmade by a
 * drop or an eviction.
 */
#include <linux/cpumask.h>
#include <linux/string.h>

#include "internal.h"

/* Objects in the queues, or on the shelf, of @tier. */
static unsigned long count_tier(struct pcpool_core *core, unsigned int tier)
{
	unsigned long n = 0;
	int cpu;

	if (core->array)
		return pcpool_array_count(core->array, tier);
	rcu_read_lock();
	for_each_possible_cpu(cpu)
		n += pcpool_queue_count(&per_cpu_ptr(core->cpu, cpu)->queue[tier]);
	rcu_read_unlock();
	return n;
}

static unsigned long count_slots(const struct pcpool_core *core)
{
	unsigned long n = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		n += pcpool_slots_count(core, cpu);
	return n;
}

/* All idle objects, of both tiers, wherever they are; but not the reserve. */
unsigned long pcpool_count_evictable(struct pcpool_core *core)
{
	return count_slots(core) + count_tier(core, 0) + count_tier(core, 1) +
	       pcpool_deferred_count(&core->deferred_puts);
}

/*
 * An object that moves while others are counted may be counted twice. Where there is a bound,
 * it is known to be less than that.
 */
static void heed_bound(const struct pcpool_core *core, struct pcpool_pool_stats *stats)
{
	if (!core->max_idle)
		return;
	stats->idle_main = min_t(u64, stats->idle_main, core->max_idle);
	stats->idle_victim = min_t(u64, stats->idle_victim, core->max_idle - stats->idle_main);
}

/* Have the bytes counted that callers ask for; 0 or -ENOMEM. */
int pcpool_count_bytes(struct pcpool *pool)
{
	struct pcpool_core *core = pcpool_to_core(pool);

	core->requested = alloc_percpu(u64);
	return core->requested ? 0 : -ENOMEM;
}

/* Fill in @stats, all of it. */
void pcpool_collect(struct pcpool_core *core, struct pcpool_pool_stats *stats)
{
	unsigned int tier = pcpool_main_tier(core);
	unsigned long in_slots;
	long off_slots = 0;
	int cpu;

	memset(stats, 0, sizeof(*stats));
	strscpy(stats->name, core->name, sizeof(stats->name));
	strscpy(stats->owner, core->owner, sizeof(stats->owner));
	stats->object_bytes = core->object_bytes;
	stats->private_slots = core->nr_slots;
	stats->steal = core->steal;
	stats->flags = core->flags;
	stats->state = (READ_ONCE(core->bypass) ? PCPOOL_STATE_BYPASSED : 0) |
		       (READ_ONCE(core->debug) ? PCPOOL_STATE_DEBUGGED : 0);
	stats->misuses = atomic_long_read(&core->misuses);

	for_each_possible_cpu(cpu) {
		const struct pcpool_cpu *c = per_cpu_ptr(core->cpu, cpu);

		stats->hit_private +=
			READ_ONCE(per_cpu_ptr(core->slots, cpu)->hits);
		stats->hit_shared += READ_ONCE(c->hit_shared);
		stats->hit_steal += READ_ONCE(c->hit_steal);
		stats->hit_victim += READ_ONCE(c->hit_victim);
		stats->miss += READ_ONCE(c->miss);
		off_slots += READ_ONCE(c->off_slots);
		if (core->requested)
			stats->requested_bytes += READ_ONCE(*per_cpu_ptr(core->requested, cpu));
	}
	stats->alloc_fail = atomic_long_read(&core->alloc_fail);
	stats->drop_oversize = atomic_long_read(&core->drop_oversize);
	stats->drop_full = atomic_long_read(&core->drop_full);
	stats->drop_other = atomic_long_read(&core->drop_other);
	stats->evicted = atomic_long_read(&core->evicted);
	stats->allocs = stats->miss + atomic_long_read(&core->prefilled);
	stats->frees = stats->drop_full + stats->drop_oversize +
			stats->drop_other + stats->evicted;
	in_slots = count_slots(core);
	stats->gets = stats->hit_private + stats->hit_shared +
		      stats->hit_steal + stats->hit_victim + stats->miss +
		      stats->alloc_fail;
	stats->puts = stats->hit_private + in_slots + off_slots;
	/* Puts may be counted, and their gets not yet, while both go on. */
	stats->outstanding = stats->gets - stats->alloc_fail > stats->puts ?
			     stats->gets - stats->alloc_fail - stats->puts : 0;
	stats->ages = READ_ONCE(core->ages);
	stats->idle_main = in_slots + count_tier(core, tier) +
			   pcpool_deferred_count(&core->deferred_puts);
	stats->idle_victim = count_tier(core, !tier);
	if (core->wait) {
		stats->max_total = pcpool_wait_max_total(core->wait);
		stats->reserve = core->wait->reserve;
		stats->idle_reserve = READ_ONCE(core->wait->nr_reserved);
		stats->idle_main += stats->idle_reserve;
		stats->waiting = READ_ONCE(core->wait->nr_waiters);
		stats->waits = READ_ONCE(core->wait->waits);
	}
	stats->max_idle = core->max_idle;
	stats->max_object_bytes = core->max_object_bytes;
	heed_bound(core, stats);
	stats->idle_bytes = (stats->idle_main + stats->idle_victim) *
			    core->object_bytes;
	stats->deferred = atomic_long_read(&core->nr_deferred);
	stats->grows = atomic_long_read(&core->grows);
}

/**
 * pcpool_stats() - what a pool has done so far, and what is in it
 * @pool: the pool
 * @stats: where to put it; all of it is overwritten
 *
 * The numbers are exact, and agree with each other, if nobody gets, puts or ages meanwhile, and
 * the worker has nothing to do; else they are of slightly different moments.
 *
 * Context: Any context. Takes time in proportion to the number of possible CPUs.
 */
void pcpool_stats(struct pcpool *pool, struct pcpool_pool_stats *stats)
{
	pcpool_collect(pcpool_to_core(pool), stats);
}
EXPORT_SYMBOL_GPL(pcpool_stats);
