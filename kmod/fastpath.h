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
 * their contents. Returns false, and changes nothing, if that is not so. In a pool with
 * @credits, this CPU must also hold enough of them.
 */
static __always_inline bool pcpool_spill_and_keep(struct pcpool_core *core,
						  struct pcpool_slots __percpu *base,
						  void *obj, const bool credits)
{
	struct pcpool_cpu __percpu *cpu = core->cpu;
	void * __percpu *floor = base->slot;
	unsigned long n = core->nr_slots, flags;
	struct pcpool_slots *slots;
	struct pcpool_ring *ring;
	struct pcpool_cpu *c;
	unsigned int tier;
	bool kept = false;
	void **to;

	local_irq_save(flags); /* as in pcpool_percpu_keep() */
	slots = this_cpu_ptr(base);
	c = this_cpu_ptr(cpu);
	if (unlikely(slots->top != (unsigned long)(floor + n) || !slots->slot[n]) ||
	    !pcpool_producer_enter(c))
		goto out;
	tier = pcpool_own_main_tier(c);
	ring = c->queue[tier].head;
	if (unlikely(!ring || !pcpool_ring_space(ring, n, &to)))
		goto out_producer;
	if (credits && unlikely(this_cpu_read(*core->credit.local) < (long)n))
		goto out_producer;

	pcpool_note_spill(c);
	pcpool_slots_close(slots, core->closed);
	n = pcpool_slots_unload(slots->slot + 1, to, n);
	if (credits)
		this_cpu_sub(*core->credit.local, n);
	pcpool_ring_publish(ring, n);
	WRITE_ONCE(slots->slot[1], obj);
	pcpool_slots_open(slots, base, 1);
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
 * enough to refill them. Returns NULL, and changes nothing, if that is not so. In a pool
 * with @credits, this CPU must also be able to hold those of the objects.
 */
static __always_inline void *pcpool_refill_and_take(struct pcpool_core *core,
						    struct pcpool_slots __percpu *base,
						    const bool credits)
{
	struct pcpool_cpu __percpu *cpu = core->cpu;
	void * __percpu *floor = base->slot;
	struct pcpool_slots *slots;
	struct pcpool_ring *ring;
	struct pcpool_cpu *c;
	unsigned long n, flags;
	unsigned long loaded = 0;
	void *obj = NULL;
	void **from;

	local_irq_save(flags); /* as in pcpool_percpu_take_shared() */
	slots = this_cpu_ptr(base);
	c = this_cpu_ptr(cpu);
	if (unlikely(slots->top != (unsigned long)floor))
		goto out;
	ring = c->queue[pcpool_own_main_tier(c)].head;
	if (unlikely(!ring) || !pcpool_producer_enter(c))
		goto out;
	if (credits && unlikely(this_cpu_read(*core->credit.local) + (long)core->nr_slots + 1 >
				core->credit.local_max))
		goto out_producer;

	pcpool_slots_close(slots, core->closed);
	n = c->refilled == PCPOOL_REFILLED ? core->nr_slots : core->refill;
	if (unlikely(!pcpool_slots_are_empty(slots->slot + 1, n)))
		goto out_slots;
	n = pcpool_ring_try_claim(ring, n + 1, &from);
	if (likely(n)) {
		if (credits)
			this_cpu_add(*core->credit.local, n);
		obj = READ_ONCE(from[--n]);
		pcpool_slots_load(slots->slot + 1, from, n);
		loaded = n;
		WRITE_ONCE(c->refilled, PCPOOL_REFILLED);
		this_cpu_sub(cpu->off_slots, n);
		this_cpu_inc(cpu->hit_shared);
	}
out_slots:
	pcpool_slots_open(slots, base, loaded);
out_producer:
	pcpool_producer_exit(c);
out:
	local_irq_restore(flags);
	return obj;
}

#endif /* _PCPOOL_FASTPATH_H */
