// SPDX-License-Identifier: GPL-2.0
/*
 * Private slots, the out-of-line part: all that looks at more than the one slot
 * that the hint points to. The rest is inlined into clients (linux/pcpool.h).
 *
 * An object moves in and out of a slot by one per-CPU compare-and-exchange on the
 * slot's CPU: by tasks, softirqs, hardirqs and NMIs of that CPU, each of which can
 * land between any two instructions of another. So nothing here concludes from what it
 * read a moment ago, but from the exchange alone. Only pcpool_slots_flush() may
 * run elsewhere, for a CPU that is offline, and pcpool_slots_count(), which
 * only reads.
 *
 * Unless said otherwise the caller has disabled preemption.
 */
#include <linux/percpu.h>

#include "internal.h"

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
		slots->top = core->slots->slot;
		/* Any address that is not NULL closes the top; never read. */
		slots->slot[core->nr_slots + 1] = core;
	}
	return 0;
}

void pcpool_slots_exit(struct pcpool_core *core)
{
	free_percpu(core->slots);
}

/*
 * Are they empty, going by the hint and the slot below which there should be nothing?
 * That spares looking at all of them, and rarely errs; a get that finds nothing
 * elsewhere looks again.
 */
bool pcpool_slots_seem_empty(struct pcpool_core *core)
{
	return this_cpu_read(core->slots->top) == core->slots->slot &&
	       !this_cpu_read(core->slots->slot[1]);
}

/* The same of full ones. */
bool pcpool_slots_seem_full(struct pcpool_core *core)
{
	void * __percpu *last = core->slots->slot + core->nr_slots;

	return this_cpu_read(core->slots->top) == last && this_cpu_read(*last);
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
	this_cpu_write(core->slots->top,
		       obj ? slot - 1 : core->slots->slot);
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
			this_cpu_write(core->slots->top, slot);
			return true;
		}
	}
	return false;
}
EXPORT_SYMBOL_FOR_TESTS(pcpool_slots_give);

/*
 * Give objects that come from elsewhere, the oldest first in @objs, to the free slots,
 * from the bottom. Returns how many found one, from the first of @objs on.
 */
unsigned int pcpool_slots_fill(struct pcpool_core *core, void **objs,
			       unsigned int n)
{
	void * __percpu *slot = core->slots->slot + 1;
	void * __percpu *end = slot + core->nr_slots;
	unsigned int given = 0;
	void *empty;

	/* At the end the exchange always fails, so that there is no need to look. */
	while (given < n) {
		empty = NULL;
		if (likely(__pcpool_try_cmpxchg(*slot, &empty,
						READ_ONCE(objs[given]))))
			given++;
		else if (slot == end)
			break;
		slot++;
	}
	this_cpu_write(core->slots->top, slot - 1);
	this_cpu_sub(core->cpu->off_slots, given);
	return given;
}
EXPORT_SYMBOL_FOR_TESTS(pcpool_slots_fill);

/*
 * Take what is in @n slots from number @first on, the oldest first, to move it
 * elsewhere. Returns how many objects that are.
 */
unsigned int pcpool_slots_spill(struct pcpool_core *core, unsigned int first,
				unsigned int n, void **objs)
{
	void * __percpu *slot = core->slots->slot + first;
	void * __percpu *end = slot + n;
	unsigned int taken = 0;
	void *obj;

	for (; slot != end; slot++) {
		obj = this_cpu_xchg(*slot, NULL);
		if (likely(obj))
			WRITE_ONCE(objs[taken++], obj);
	}
	this_cpu_write(core->slots->top, core->slots->slot);
	this_cpu_add(core->cpu->off_slots, taken);
	return taken;
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
	WRITE_ONCE(slots->top, core->slots->slot);
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
