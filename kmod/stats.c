// SPDX-License-Identifier: GPL-2.0
/*
 * Statistics; see stats.h. Only reads, takes no lock, and delays no get or put. May be
 * called from any context.
 *
 * Some numbers are derived rather than counted. A put that ends in a private slot leaves
 * no trace but its object. Every object in a private slot came by a put, or was moved
 * there otherwise, and left by a hit, or was moved out otherwise. So
 *
 *   puts = hits of private slots + objects in them now + off_slots
 *
 * (see struct pcpool_cpu for the last). What is outstanding is what callers got minus
 * what they put. Every object was allocated for a miss or a prefill, and freed by a drop
 * or an eviction.
 */
#include <linux/cpumask.h>
#include <linux/export.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "count.h"
#include "stats.h"

/*
 * An object that moves during the count may be counted twice. If there is a bound, the
 * true number is known to be within it.
 */
static void clamp_idle(const struct pcpool_core *core, struct pcpool_pool_stats *stats)
{
	if (!core->max_idle)
		return;
	stats->idle_main = min_t(u64, stats->idle_main, core->max_idle);
	stats->idle_victim = min_t(u64, stats->idle_victim, core->max_idle - stats->idle_main);
}

/* Count the bytes that callers ask for, from now on; 0 or -ENOMEM. */
int pcpool_enable_byte_count(struct pcpool *pool)
{
	struct pcpool_core *core = pcpool_to_core(pool);

	core->requested = alloc_percpu(u64);
	return core->requested ? 0 : -ENOMEM;
}

/* What the pool is. */
static void collect_params(const struct pcpool_core *core, struct pcpool_pool_stats *stats)
{
	strscpy(stats->name, core->name, sizeof(stats->name));
	strscpy(stats->owner, core->owner, sizeof(stats->owner));
	stats->object_bytes = core->object_bytes;
	stats->private_slots = core->nr_slots;
	stats->steal = core->steal;
	stats->flags = core->flags;
	stats->state = (READ_ONCE(core->bypass) ? PCPOOL_STATE_BYPASSED : 0) |
		       (READ_ONCE(core->debug) ? PCPOOL_STATE_DEBUGGED : 0);
	stats->max_idle = core->max_idle;
	stats->max_object_bytes = core->max_object_bytes;
	if (core->wait) {
		stats->max_total = pcpool_limit_max(&core->wait->limit);
		stats->reserve = core->wait->reserve;
	}
}

/* The counters of all CPUs. Returns the sum of off_slots, which includes puts in NMI. */
static long collect_percpu(const struct pcpool_core *core, struct pcpool_pool_stats *stats)
{
	long off_slots = atomic_long_read(&core->nmi_puts);
	int cpu;

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
	return off_slots;
}

/* The counters of the whole pool. */
static void collect_pool(const struct pcpool_core *core, struct pcpool_pool_stats *stats)
{
	stats->alloc_fail = atomic_long_read(&core->alloc_fail);
	stats->drop_oversize = atomic_long_read(&core->drop_oversize);
	stats->drop_full = atomic_long_read(&core->drop_full);
	stats->drop_other = atomic_long_read(&core->drop_other);
	stats->evicted = atomic_long_read(&core->evicted);
	stats->ages = READ_ONCE(core->ages);
	stats->misuses = atomic_long_read(&core->misuses);
	stats->deferred = atomic_long_read(&core->nr_deferred);
	stats->grows = atomic_long_read(&core->grows);
	stats->allocs = stats->miss + atomic_long_read(&core->prefilled);
	stats->frees = stats->drop_full + stats->drop_oversize +
		       stats->drop_other + stats->evicted;
	if (core->wait) {
		stats->idle_reserve = READ_ONCE(core->wait->nr_reserved);
		stats->waiting = READ_ONCE(core->wait->nr_waiters);
		stats->waits = READ_ONCE(core->wait->waits);
	}
}

/* Fill in @stats, all of it. */
void pcpool_collect(struct pcpool_core *core, struct pcpool_pool_stats *stats)
{
	unsigned int tier = pcpool_main_tier(core);
	unsigned long in_slots;
	u64 got;

	memset(stats, 0, sizeof(*stats));
	collect_params(core, stats);
	stats->puts = collect_percpu(core, stats);
	collect_pool(core, stats);

	in_slots = pcpool_count_slots(core);
	stats->puts += stats->hit_private + in_slots;
	got = stats->hit_private + stats->hit_shared + stats->hit_steal +
	      stats->hit_victim + stats->miss;
	stats->gets = got + stats->alloc_fail;
	/* During gets and puts, a put may be counted before its get. */
	stats->outstanding = got > stats->puts ? got - stats->puts : 0;

	stats->idle_main = in_slots + pcpool_count_tier(core, tier) +
			   pcpool_deferred_count(&core->deferred_puts) +
			   stats->idle_reserve;
	stats->idle_victim = pcpool_count_tier(core, !tier);
	clamp_idle(core, stats);
	stats->idle_bytes = (stats->idle_main + stats->idle_victim) *
			    core->object_bytes;
}

/* See linux/pcpool.h. */
void pcpool_stats(struct pcpool *pool, struct pcpool_pool_stats *stats)
{
	pcpool_collect(pcpool_to_core(pool), stats);
}
EXPORT_SYMBOL_GPL(pcpool_stats);
