// SPDX-License-Identifier: GPL-2.0
/*
 * Keeping and taking an idle object; see idle.h. From any context, including NMI, unless
 * noted otherwise.
 */
#include <linux/minmax.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>

#include "context.h"
#include "count.h"
#include "defer.h"
#include "idle.h"
#include "percpu.h"
#include "testing.h"

/* --- Keeping -------------------------------------------------------------- */

/* Make @obj idle in a deferral slot; the worker moves it to a queue. */
static bool keep_deferred(struct pcpool_core *core, void *obj)
{
	if (core->has_credit && !pcpool_credit_take(&core->credit, 1))
		return false;
	pcpool_count_put(core);
	pcpool_defer_put(core, obj);
	return true;
}

/**
 * pcpool_idle_keep_percpu() - make an object idle on this CPU
 * @core: the pool
 * @obj: the object
 * @gfp: how to grow the queue, if it must grow and may do so here
 *
 * Counts as a put, if it keeps the object.
 *
 * Return: false if the pool is full, or the queue could not grow; the caller still owns the
 * object.
 */
bool pcpool_idle_keep_percpu(struct pcpool_core *core, void *obj, gfp_t gfp)
{
	bool partly = !pcpool_may_allocate();
	enum pcpool_kept kept;

	while ((kept = pcpool_percpu_keep(core, obj, partly)) != PCPOOL_KEPT) {
		if (kept == PCPOOL_NESTED ||
		    (kept == PCPOOL_NO_ROOM && !pcpool_may_allocate()))
			return keep_deferred(core, obj);
		if (partly || kept == PCPOOL_NO_CREDIT)
			return false;
		partly = !pcpool_percpu_grow(core, PCPOOL_MAIN_TIER,
					     max(core->nr_slots, 1u), gfp);
	}
	return true;
}

/* Push @obj to this CPU's queue of @tier, which may have to grow. In task context. */
bool pcpool_idle_enqueue(struct pcpool_core *core, void *obj, unsigned int tier)
{
	while (!pcpool_percpu_push(core, &obj, 1, tier)) {
		if (!pcpool_percpu_grow(core, tier, max(core->nr_slots, 1u), PCPOOL_GFP_PUT))
			return false;
	}
	return true;
}

static bool keep_in_array(struct pcpool_core *core, void *obj)
{
	bool kept;

	rcu_read_lock(); /* for pcpool_note_idle() */
	kept = pcpool_array_put(core->array, obj, pcpool_main_tier(core));
	if (kept) {
		pcpool_count_put(core);
		pcpool_note_idle(core);
	}
	rcu_read_unlock();
	return kept;
}

/**
 * pcpool_idle_keep() - make an object idle, within the bounds of the pool
 * @core: the pool
 * @obj: the object
 * @gfp: how to grow the queue, if it must grow and may do so here
 *
 * Counts as a put, if it keeps the object.
 *
 * Return: false if the pool is full, or the queue could not grow; the caller still owns
 * the object.
 */
bool pcpool_idle_keep(struct pcpool_core *core, void *obj, gfp_t gfp)
{
	return core->array ? keep_in_array(core, obj) : pcpool_idle_keep_percpu(core, obj, gfp);
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_idle_keep);

/* --- Taking --------------------------------------------------------------- */

/*
 * Search the CPUs for an idle object, in the order that linux/pcpool.h promises. From this
 * CPU take the newest object, from other CPUs the oldest, so that they keep what is warm
 * in their caches. Sets @hit to the counter of the hit.
 */
static __always_inline void *search(struct pcpool_core *core, enum pcpool_reach reach,
				    unsigned long __percpu **hit)
{
	unsigned int tier;
	void *obj;

	*hit = &core->slots->hits;
	obj = pcpool_percpu_take_private(core);
	if (obj)
		return obj;
	*hit = &core->cpu->hit_shared;
	obj = pcpool_percpu_take_shared(core);
	if (obj)
		return obj;
	tier = pcpool_main_tier(core);
	if (reach != PCPOOL_REACH_LOCAL) {
		*hit = &core->cpu->hit_steal;
		obj = pcpool_steal_main(core, tier, reach);
		if (obj)
			return obj;
	}
	*hit = &core->cpu->hit_victim;
	if (!pcpool_percpu_pop(core, !pcpool_own_main_tier(this_cpu_ptr(core->cpu)), &obj, 1) &&
	    reach != PCPOOL_REACH_LOCAL)
		obj = pcpool_steal_victim(core, !tier, reach);
	if (obj)
		return obj;
	*hit = &core->cpu->hit_shared;
	obj = pcpool_deferred_take(&core->deferred_puts);
	if (obj) {
		pcpool_return_credits(core, 1);
		return obj;
	}
	/* The private slots may only have seemed empty. */
	*hit = &core->slots->hits;
	return pcpool_percpu_take_hidden(core);
}

/**
 * pcpool_idle_take_percpu() - take an idle object from the CPUs' slots and queues
 * @core: the pool
 * @reach: where to look
 * @count: count it as a hit
 *
 * Return: An object, which the caller now owns, or NULL.
 */
noinline void *pcpool_idle_take_percpu(struct pcpool_core *core, enum pcpool_reach reach,
				       bool count)
{
	unsigned long __percpu *hit;
	void *obj;

	preempt_disable();
	obj = search(core, reach, &hit);
	if (obj && count)
		this_cpu_inc(*hit);
	preempt_enable();
	/* Here, where allocation may be allowed. By now this may be another CPU: no harm. */
	if (unlikely(this_cpu_read(core->cpu->queue_too_small)) &&
	    pcpool_may_allocate()) {
		this_cpu_write(core->cpu->queue_too_small, false);
		/* Only an optimisation: not worth waking kswapd. */
		pcpool_percpu_grow(core, PCPOOL_MAIN_TIER, PCPOOL_STEAL_MORE,
				   PCPOOL_GFP_PUT & ~__GFP_RECLAIM);
	}
	return obj;
}

static void *take_from_array(struct pcpool_core *core, bool count)
{
	unsigned int tier = pcpool_main_tier(core);
	void *obj;

	obj = pcpool_array_take(core->array, tier);
	if (obj) {
		if (count)
			this_cpu_inc(core->cpu->hit_shared);
		return obj;
	}
	obj = pcpool_array_take(core->array, !tier);
	if (obj && count)
		this_cpu_inc(core->cpu->hit_victim);
	return obj;
}

/**
 * pcpool_idle_take() - take an idle object, wherever this pool keeps them
 * @core: the pool
 * @reach: where to look
 * @count: count it as a hit
 *
 * Return: An object, which the caller now owns, or NULL.
 */
void *pcpool_idle_take(struct pcpool_core *core, enum pcpool_reach reach, bool count)
{
	return core->array ? take_from_array(core, count) :
			     pcpool_idle_take_percpu(core, reach, count);
}

/**
 * pcpool_idle_take_oldest() - take an object in order to free it
 * @core: a pool without a shared array
 *
 * Takes the oldest object of some queue, of the victim tier if possible, or else a deferred
 * put. The object's credit passes to the caller. Not in NMI.
 *
 * Return: An object, or NULL if all idle objects are in private slots.
 */
void *pcpool_idle_take_oldest(struct pcpool_core *core)
{
	unsigned int tier = pcpool_main_tier(core), i;
	void *obj = NULL;
	int cpu;

	rcu_read_lock();
	for (i = 0; i < 2 && !obj; i++) {
		tier = !tier;
		for (cpu = pcpool_next_ring_cpu(core, -1); cpu < nr_cpu_ids && !obj;
		     cpu = pcpool_next_ring_cpu(core, cpu))
			pcpool_queue_pop_tail(&per_cpu_ptr(core->cpu, cpu)->queue[tier],
					      &obj, 1, false);
	}
	rcu_read_unlock();
	return obj ?: pcpool_deferred_take(&core->deferred_puts);
}
