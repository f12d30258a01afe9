/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The hot out-of-line paths. A CPU that uses a pool deeper than it has private slots
 * spends its time here: every so many puts the slots are full and spill to the queue, and
 * every so many gets they are empty and are refilled from it. They are inlined into get.c
 * and put.c, and return NULL or false in every unusual case. Spilling and refilling call no
 * other function.
 */
#ifndef _PCPOOL_FASTPATH_H
#define _PCPOOL_FASTPATH_H

#include <linux/irqflags.h>
#include <linux/percpu.h>
#include <linux/smp.h>

#include "idle.h"
#include "percpu.h"
#include "slots.h"
#include "types.h"

/*
 * Keep @obj when the private slots are full and the newest ring of the queue has room for
 * their contents. Returns false, and changes nothing, if that is not so.
 */
static __always_inline bool pcpool_spill_and_keep(struct pcpool_core *core, void *obj)
{
	struct pcpool_cpu __percpu *cpu = core->cpu;
	void * __percpu *floor = core->slots->slot;
	unsigned long n = core->nr_slots, flags;
	struct pcpool_slots *slots;
	struct pcpool_ring *ring;
	struct pcpool_cpu *c;
	unsigned int tier;
	bool kept = false;
	void **to;

	local_irq_save(flags); /* as in pcpool_percpu_keep() */
	slots = this_cpu_ptr(core->slots);
	c = this_cpu_ptr(cpu);
	if (unlikely(slots->top != (unsigned long)(floor + n) || !slots->slot[n]) ||
	    !pcpool_producer_enter(c))
		goto out;
	tier = pcpool_own_main_tier(c);
	ring = c->queue[tier].head;
	if (unlikely(!ring || !pcpool_ring_space(ring, n, &to)))
		goto out_producer;

	pcpool_note_spill(c);
	pcpool_slots_close(slots, core->closed);
	n = pcpool_slots_unload(slots->slot + 1, to, n);
	pcpool_ring_publish(ring, n);
	WRITE_ONCE(slots->slot[1], obj);
	pcpool_slots_open(slots, core->slots, 1);
	this_cpu_add(cpu->off_slots, n);
	pcpool_hint_set(core, tier, smp_processor_id());
	kept = true;
out_producer:
	pcpool_producer_exit(c);
out:
	local_irq_restore(flags);
	return kept;
}

/*
 * Take an object when the private slots are empty and the newest ring of the queue has
 * enough to refill them. Returns NULL, and changes nothing, if that is not so.
 */
static __always_inline void *pcpool_refill_and_take(struct pcpool_core *core)
{
	struct pcpool_cpu __percpu *cpu = core->cpu;
	void * __percpu *floor = core->slots->slot;
	struct pcpool_slots *slots;
	struct pcpool_ring *ring;
	struct pcpool_cpu *c;
	unsigned long n, flags;
	unsigned long loaded = 0;
	void *obj = NULL;
	void **from;

	local_irq_save(flags); /* as in pcpool_percpu_take_shared() */
	slots = this_cpu_ptr(core->slots);
	c = this_cpu_ptr(cpu);
	if (unlikely(slots->top != (unsigned long)floor))
		goto out;
	ring = c->queue[pcpool_own_main_tier(c)].head;
	if (unlikely(!ring) || !pcpool_producer_enter(c))
		goto out;

	pcpool_slots_close(slots, core->closed);
	n = c->refilled == PCPOOL_REFILLED ? core->nr_slots : core->refill;
	if (unlikely(!pcpool_slots_are_empty(slots->slot + 1, n)))
		goto out_slots;
	n = pcpool_ring_try_claim(ring, n + 1, &from);
	if (likely(n)) {
		obj = READ_ONCE(from[--n]);
		pcpool_slots_load(slots->slot + 1, from, n);
		loaded = n;
		WRITE_ONCE(c->refilled, PCPOOL_REFILLED);
		this_cpu_sub(cpu->off_slots, n);
		this_cpu_inc(cpu->hit_shared);
	}
out_slots:
	pcpool_slots_open(slots, core->slots, loaded);
	pcpool_producer_exit(c);
out:
	local_irq_restore(flags);
	return obj;
}

/* Take from the private slots of a pool that only has a bound; NULL if that is not enough. */
static __always_inline void *pcpool_take_bounded(struct pcpool_core *core)
{
	void *obj = NULL;

	if (READ_ONCE(core->only_bounded)) {
		obj = __pcpool_slots_pop(core->slots);
		if (likely(obj))
			pcpool_return_credits(core, 1);
	}
	return obj;
}

/* Keep @obj in the private slots of a pool that only has a bound, if there is room. */
static __always_inline bool pcpool_keep_bounded(struct pcpool_core *core, void *obj)
{
	if (READ_ONCE(core->only_bounded) && !__pcpool_in_unsafe_nmi() &&
	    pcpool_credit_take(&core->credit)) {
		if (likely(__pcpool_slots_push(core->slots, obj)))
			return true;
		pcpool_return_credits(core, 1);
	}
	return false;
}

#endif /* _PCPOOL_FASTPATH_H */
