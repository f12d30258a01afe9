// SPDX-License-Identifier: GPL-2.0
/*
 * Private slots, the out-of-line part: all that looks at more than the one slot
 * that the hint points to. The rest is inlined into clients (linux/pcpool.h).
 *
 * An object moves in and out of a slot by one per-CPU compare-and-exchange on the
 * slot's CPU: by tasks, softirqs, hardirqs and NMIs of that CPU, each of which can
 * land between any two instructions of another. So nothing here concludes from what it
 * read a moment ago, but from the exchange alone; but for slots.h, which shuts the
 * others out. Only pcpool_slots_flush() may run elsewhere, for a CPU that is offline, and
 * pcpool_slots_count(), which only reads.
 *
 * Unless said otherwise the caller has disabled preemption, and is no NMI that came while
 * the producer mark was set.
 */
#include <linux/percpu.h>

#include "slots.h"

int pcpool_slots_init(struct pcpool_core *core)
{
	struct pcpool_slots *slots;
	int cpu;

	core->slots = __alloc_percpu(struct_size(slots, slot,
						 core->nr_slots + 2),
				     SMP_CACHE_BYTES);
	if (!core->slots)
		return -ENOMEM;
	for_each_possible_cpu(cpu) {
		slots = per_cpu_ptr(core->slots, cpu);
		slots->top = (unsigned long)core->slots->slot;
		/* Any address that is not NULL closes the top; never read. */
		slots->slot[core->nr_slots + 1] = core;
	}
	return 0;
}

void pcpool_slots_exit(struct pcpool_core *core)
{
	free_percpu(core->slots);
}

/* Take one object, the one put last if the hint is right; mends the hint. */
void *pcpool_slots_take(struct pcpool_core *core)
{
	void * __percpu *slot = core->slots->slot + core->nr_slots;
	void *obj;

	for (; slot != core->slots->slot; slot--) {
		obj = this_cpu_read(*slot);
		if (obj && __pcpool_try_cmpxchg(*slot, &obj, NULL))
			break;
		obj = NULL;
	}
	/* The floor, if there was none. */
	if (obj)
		slot--;
	this_cpu_write(core->slots->top, (unsigned long)slot);
	return obj;
}
EXPORT_SYMBOL_FOR_TESTS(pcpool_slots_take);

/* Give one object to the first free slot, if there is one; mends the hint. */
bool pcpool_slots_give(struct pcpool_core *core, void *obj)
{
	void * __percpu *slot = core->slots->slot + 1;
	unsigned int i;
	void *empty;

	for (i = 0; i < core->nr_slots; i++, slot++) {
		empty = NULL;
		if (!this_cpu_read(*slot) &&
		    __pcpool_try_cmpxchg(*slot, &empty, obj)) {
			this_cpu_write(core->slots->top, (unsigned long)slot);
			return true;
		}
	}
	return false;
}
EXPORT_SYMBOL_FOR_TESTS(pcpool_slots_give);

/*
 * Give objects that come from elsewhere, the oldest first in @objs, to the free slots,
 * from the bottom. Returns how many found one, from the first of @objs on. The caller
 * has the producer mark, and interrupts disabled.
 */
unsigned int pcpool_slots_fill(struct pcpool_core *core, void **objs,
			       unsigned int n)
{
	struct pcpool_slots *slots = this_cpu_ptr(core->slots);
	unsigned int i = 0;

	pcpool_slots_close(core, slots);
	if (n <= core->nr_slots && pcpool_slots_free(slots->slot + 1, n)) {
		pcpool_slots_load(slots->slot + 1, objs, n);
		i = n;
	}
	pcpool_slots_open(core, slots, i);
	/* Some were not as empty as they seemed? Then those that are. */
	while (unlikely(i < n) && pcpool_slots_give(core, READ_ONCE(objs[i])))
		i++;
	this_cpu_sub(core->cpu->off_slots, i);
	return i;
}
EXPORT_SYMBOL_FOR_TESTS(pcpool_slots_fill);

/*
 * Take what is in the @n slots from number @first on, the oldest first, to move it
 * elsewhere. Returns how many objects that are. The caller has the producer mark, and
 * interrupts disabled.
 */
unsigned int pcpool_slots_spill(struct pcpool_core *core, unsigned int first,
				unsigned int n, void **objs)
{
	struct pcpool_slots *slots = this_cpu_ptr(core->slots);

	pcpool_slots_close(core, slots);
	n = pcpool_slots_unload(slots->slot + first, objs, n);
	pcpool_slots_open(core, slots, 0);
	this_cpu_add(core->cpu->off_slots, n);
	return n;
}
EXPORT_SYMBOL_FOR_TESTS(pcpool_slots_spill);

/*
 * Take all that is in @cpu's slots, the oldest first, into an array of
 * PCPOOL_PRIVATE_SLOTS_MAX. For @cpu itself, with interrupts disabled, or for a CPU
 * that is offline and stays so. Locked exchanges serve for both: towards
 * what they may have interrupted on their own CPU any exchange is atomic.
 */
unsigned int pcpool_slots_flush(struct pcpool_core *core, int cpu, void **objs)
{
	struct pcpool_slots *slots = per_cpu_ptr(core->slots, cpu);
	unsigned int i, n = 0;
	void *obj;

	for (i = 1; i <= core->nr_slots; i++) {
		obj = xchg(&slots->slot[i], NULL);
		if (obj)
			objs[n++] = obj;
	}
	WRITE_ONCE(slots->top, (unsigned long)core->slots->slot);
	this_cpu_add(core->cpu->off_slots, n);
	return n;
}

/* How many objects are in @cpu's slots just now. For any CPU, from any. */
unsigned int pcpool_slots_count(const struct pcpool_core *core, int cpu)
{
	const struct pcpool_slots *slots = per_cpu_ptr(core->slots, cpu);
	unsigned int i, n = 0;

	for (i = 1; i <= core->nr_slots; i++)
		n += !!READ_ONCE(slots->slot[i]);
	return n;
}
EXPORT_SYMBOL_FOR_TESTS(pcpool_slots_count);
