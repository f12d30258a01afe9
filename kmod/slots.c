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
		slots->top = 1;
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
	struct pcpool_slots __percpu *slots = core->slots;
	unsigned int i;
	void *obj;

	for (i = core->nr_slots; i; i--) {
		obj = this_cpu_read(slots->slot[i]);
		if (obj && __pcpool_try_cmpxchg(slots->slot[i], &obj, NULL)) {
			this_cpu_write(slots->top, i);
			return obj;
		}
	}
	this_cpu_write(slots->top, 1);
	return NULL;
}
EXPORT_SYMBOL_FOR_TESTS(pcpool_slots_take);

/* Give one object to the first free slot, if there is one; mends the hint. */
bool pcpool_slots_give(struct pcpool_core *core, void *obj)
{
	return !pcpool_slots_fill(core, &obj, 1);
}
EXPORT_SYMBOL_FOR_TESTS(pcpool_slots_give);

/*
 * Give objects, the newest first in @objs, to free slots, so that the newest is
 * the next to be taken. Returns how many found none; they are the first of @objs.
 */
unsigned int pcpool_slots_fill(struct pcpool_core *core, void **objs,
			       unsigned int n)
{
	struct pcpool_slots __percpu *slots = core->slots;
	unsigned int i, given = 0;
	void *empty;

	for (i = 1; i <= core->nr_slots && given < n; i++) {
		empty = NULL;
		if (!this_cpu_read(slots->slot[i]) &&
		    __pcpool_try_cmpxchg(slots->slot[i], &empty,
					 objs[n - given - 1])) {
			this_cpu_write(slots->top, i + 1);
			given++;
		}
	}
	this_cpu_add(core->cpu->moved, given);
	return n - given;
}
EXPORT_SYMBOL_FOR_TESTS(pcpool_slots_fill);

/* Take up to @n objects, the oldest first, to move them elsewhere. */
unsigned int pcpool_slots_spill(struct pcpool_core *core, void **objs,
				unsigned int n)
{
	struct pcpool_slots __percpu *slots = core->slots;
	unsigned int i, taken = 0;
	void *obj;

	for (i = 1; i <= core->nr_slots && taken < n; i++) {
		obj = this_cpu_read(slots->slot[i]);
		if (obj && __pcpool_try_cmpxchg(slots->slot[i], &obj, NULL))
			objs[taken++] = obj;
	}
	this_cpu_write(slots->top, 1);
	this_cpu_sub(core->cpu->moved, taken);
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
	WRITE_ONCE(slots->top, 1);
	this_cpu_sub(core->cpu->moved, n);
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
