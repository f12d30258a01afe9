// SPDX-License-Identifier: GPL-2.0
/*
 * Private slots, the out-of-line part; see slots.h.
 *
 * An object enters and leaves a slot by one per-CPU compare-and-exchange on the slot's
 * CPU. Tasks, softirqs, hardirqs and NMIs of that CPU do this, and each can interrupt
 * another between any two instructions. So nothing here relies on what it read a moment
 * ago, only on the exchange itself; the exception are the functions that exclude other
 * contexts (slots.h). Only two functions may run on another CPU: pcpool_slots_flush(),
 * for a CPU that is offline, and pcpool_slots_count(), which only reads.
 *
 * Unless noted otherwise, the caller has disabled preemption, and is not an NMI that
 * arrived while the producer flag was set.
 */
#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/cpumask.h>
#include <linux/errno.h>
#include <linux/overflow.h>

#include "slots.h"
#include "testing.h"

struct pcpool_slots __percpu *pcpool_closed_slots;
EXPORT_SYMBOL_IF_KUNIT(pcpool_closed_slots);

/*
 * @nr slots for each CPU, empty, between an empty slot and one that is never empty. The
 * hint points at pcpool_closed_slots, or, if these are they, at the empty slot.
 */
struct pcpool_slots __percpu *pcpool_slots_alloc(unsigned int nr)
{
	struct pcpool_slots __percpu *slots;
	struct pcpool_slots *s;
	int cpu;

	slots = __alloc_percpu(struct_size(s, slot, nr + 2), SMP_CACHE_BYTES);
	if (!slots)
		return NULL;
	for_each_possible_cpu(cpu) {
		s = per_cpu_ptr(slots, cpu);
		s->top = (unsigned long)(pcpool_closed_slots ?: slots)->slot;
		/* Any address that is not NULL; never followed. */
		s->slot[nr + 1] = s;
	}
	return slots;
}

void pcpool_slots_free(struct pcpool_slots __percpu *slots)
{
	free_percpu(slots);
}

/* Without slots, the one that is never empty directly follows the empty one. */
int pcpool_closed_slots_init(void)
{
	pcpool_closed_slots = pcpool_slots_alloc(0);
	return pcpool_closed_slots ? 0 : -ENOMEM;
}

void pcpool_closed_slots_exit(void)
{
	pcpool_slots_free(pcpool_closed_slots);
	pcpool_closed_slots = NULL;
}

/* Take one object, the newest if the hint is right; corrects the hint. */
void *pcpool_slots_take(struct pcpool_slots __percpu *slots, unsigned int nr)
{
	void * __percpu *slot = slots->slot + nr;
	void *obj;

	for (; slot != slots->slot; slot--) {
		obj = this_cpu_read(*slot);
		if (obj && __pcpool_try_cmpxchg(*slot, &obj, NULL))
			break;
		obj = NULL;
	}
	/* If there was none, the hint points to the empty slot at the bottom. */
	if (obj)
		slot--;
	this_cpu_write(slots->top, (unsigned long)slot);
	return obj;
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_slots_take);

/* Store one object in the lowest empty slot, if there is one; corrects the hint. */
bool pcpool_slots_give(struct pcpool_slots __percpu *slots, unsigned int nr, void *obj)
{
	void * __percpu *slot = slots->slot + 1;
	unsigned int i;
	void *empty;

	for (i = 0; i < nr; i++, slot++) {
		empty = NULL;
		if (!this_cpu_read(*slot) &&
		    __pcpool_try_cmpxchg(*slot, &empty, obj)) {
			this_cpu_write(slots->top, (unsigned long)slot);
			return true;
		}
	}
	return false;
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_slots_give);

/**
 * pcpool_slots_fill() - store objects that come from elsewhere
 * @slots: the slots
 * @nr: how many slots there are
 * @objs: the objects, the oldest first
 * @n: how many objects
 *
 * Fills empty slots from the bottom. The caller holds the producer flag, with interrupts
 * disabled.
 *
 * Return: How many objects it stored, starting with the first.
 */
unsigned int pcpool_slots_fill(struct pcpool_slots __percpu *slots, unsigned int nr,
			       void **objs, unsigned int n)
{
	struct pcpool_slots *s = this_cpu_ptr(slots);
	unsigned int i = 0;

	pcpool_slots_close(s, (unsigned long)pcpool_closed_slots->slot);
	if (n <= nr && pcpool_slots_are_empty(s->slot + 1, n)) {
		pcpool_slots_load(s->slot + 1, objs, n);
		i = n;
	}
	pcpool_slots_open(s, slots, i);
	/* If some slots were not empty after all, use those that are. */
	while (unlikely(i < n) && pcpool_slots_give(slots, nr, READ_ONCE(objs[i])))
		i++;
	return i;
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_slots_fill);

/**
 * pcpool_slots_spill() - take objects that are to be moved elsewhere
 * @slots: the slots
 * @first: number of the first slot to take from
 * @n: how many slots to take from
 * @objs: filled with the objects, the oldest first; has room for @n
 *
 * The caller holds the producer flag, with interrupts disabled.
 *
 * Return: How many objects it took.
 */
unsigned int pcpool_slots_spill(struct pcpool_slots __percpu *slots, unsigned int first,
				unsigned int n, void **objs)
{
	struct pcpool_slots *s = this_cpu_ptr(slots);

	pcpool_slots_close(s, (unsigned long)pcpool_closed_slots->slot);
	n = pcpool_slots_unload(s->slot + first, objs, n);
	pcpool_slots_open(s, slots, 0);
	return n;
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_slots_spill);

/**
 * pcpool_slots_flush() - take all objects of one CPU
 * @slots: the slots
 * @nr: how many slots there are
 * @cpu: the CPU
 * @objs: filled with the objects, the oldest first; has room for
 *	PCPOOL_PRIVATE_SLOTS_MAX
 *
 * Runs on @cpu itself with interrupts disabled, or for a CPU that is offline and stays
 * offline. A locked exchange serves both cases: to a context that it may have interrupted
 * on its own CPU, any exchange is atomic.
 *
 * Leaves the slots closed, so that pcpool_slots_in_use() is false until they are used
 * again: by an out-of-line get or put, or by an inlined one that this interrupted, which
 * stores the hint when it ends.
 *
 * Return: How many objects it took.
 */
unsigned int pcpool_slots_flush(struct pcpool_slots __percpu *slots, unsigned int nr,
				int cpu, void **objs)
{
	struct pcpool_slots *s = per_cpu_ptr(slots, cpu);
	unsigned int i, n = 0;
	void *obj;

	for (i = 1; i <= nr; i++) {
		obj = xchg(&s->slot[i], NULL);
		if (obj)
			objs[n++] = obj;
	}
	pcpool_slots_close(s, (unsigned long)pcpool_closed_slots->slot);
	/* An NMI may have put an object before they were closed. */
	if (unlikely(!pcpool_slots_are_empty(s->slot + 1, nr)))
		pcpool_slots_open(s, slots, 0);
	return n;
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_slots_flush);

/*
 * How many objects are in @cpu's slots at this moment. From any context, for any CPU. While
 * the CPU moves several objects, the slots look closed, and the result may be 0.
 */
unsigned int pcpool_slots_count(const struct pcpool_slots __percpu *slots, unsigned int nr,
				int cpu)
{
	const struct pcpool_slots *s = per_cpu_ptr(slots, cpu);
	unsigned int i, n = 0;

	if (!pcpool_slots_in_use(slots, cpu))
		return 0;
	for (i = 1; i <= nr; i++)
		n += !!READ_ONCE(s->slot[i]);
	return n;
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_slots_count);
