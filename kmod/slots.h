/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Private slots, what is inlined into pool.c: moving several objects at a time between
 * them and a ring. These two loops are most of what it costs to use a pool deeper than
 * there are private slots. For who may do what, see slots.c.
 */
#ifndef _PCPOOL_SLOTS_H
#define _PCPOOL_SLOTS_H

#include <linux/percpu.h>

#include "internal.h"

/*
 * Are this CPU's private slots empty, going by the hint and the slot below which there
 * should be nothing? That spares looking at all of them, and rarely errs; a get that
 * finds nothing elsewhere looks again.
 */
static inline bool pcpool_slots_seem_empty(struct pcpool_core *core)
{
	return this_cpu_read(core->slots->top) == (unsigned long)core->slots->slot &&
	       !this_cpu_read(core->slots->slot[1]);
}

/* The same of full ones. */
static inline bool pcpool_slots_seem_full(struct pcpool_core *core)
{
	void * __percpu *last = core->slots->slot + core->nr_slots;

	return this_cpu_read(core->slots->top) == (unsigned long)last && this_cpu_read(*last);
}

/*
 * Moving several objects at a time. Each exchange of a slot is an ordinary load and store
 * here, since nobody else can come between: interrupts are disabled, and where the
 * inlined paths of an NMI look, the slots are empty for a get and full for a put:
 * whoever calls these has let the hint point to pcpool_closed_slots. NMI's out-of-line
 * paths keep away as long as the producer mark is set. A get or put that was interrupted
 * in its middle makes its own exchange later, and that fails if the slot is not as
 * it was.
 */

/* Shut others out of @slots, this CPU's. */
static __always_inline void pcpool_slots_close(struct pcpool_core *core,
					       struct pcpool_slots *slots)
{
	WRITE_ONCE(slots->top, core->closed);
	barrier();
}

/* Let them in again, when the first @n slots are taken and the others are not. */
static __always_inline void pcpool_slots_open(struct pcpool_core *core,
					      struct pcpool_slots *slots,
					      unsigned long n)
{
	barrier();
	WRITE_ONCE(slots->top, (unsigned long)(core->slots->slot + n));
}

/* Eight slots are a cache line: the loops below have an inner one for each, unrolled. */
#define SLOTS_STEP	8
#ifdef CONFIG_CC_IS_CLANG
#define unrolled_step()	_Pragma("unroll")
#else
#define unrolled_step()	_Pragma("GCC unroll 8")
#endif

/* Is nothing in the @n slots from @slot on? */
static __always_inline bool pcpool_slots_free(void **slot, unsigned long n)
{
	unsigned long taken = 0;
	int i;

	for (; n >= SLOTS_STEP; n -= SLOTS_STEP, slot += SLOTS_STEP) {
		/* Else the compiler works out beforehand how often, which takes longer. */
		OPTIMIZER_HIDE_VAR(n);
		unrolled_step()
		for (i = 0; i < SLOTS_STEP; i++)
			taken |= (unsigned long)slot[i];
	}
	for (; n; n--, slot++)
		taken |= (unsigned long)*slot;
	return likely(!taken);
}

/* Give @n objects, the oldest first in @objs, to the slots from @slot on, which are free. */
static __always_inline void pcpool_slots_load(void **slot, void **objs,
					      unsigned long n)
{
	int i;

	for (; n >= SLOTS_STEP; n -= SLOTS_STEP, slot += SLOTS_STEP, objs += SLOTS_STEP) {
		OPTIMIZER_HIDE_VAR(n); /* as above */
		unrolled_step()
		for (i = 0; i < SLOTS_STEP; i++)
			WRITE_ONCE(slot[i], READ_ONCE(objs[i]));
	}
	for (; n; n--)
		WRITE_ONCE(*slot++, READ_ONCE(*objs++));
}

/*
 * Take what is in the @n slots from @slot on, the oldest first, to @objs, where there is
 * room for as many. Returns how many objects that are.
 */
static __always_inline unsigned long pcpool_slots_unload(void **slot, void **objs,
							 unsigned long n)
{
	void **to = objs, **end = slot + n, *obj;
	int i;

	/* A step at a time, as long as they are full. */
	for (; end - slot >= SLOTS_STEP; slot += SLOTS_STEP, to += SLOTS_STEP) {
		unrolled_step()
		for (i = 0; i < SLOTS_STEP; i++) {
			obj = slot[i];
			if (unlikely(!obj))
				goto one_by_one;
			WRITE_ONCE(to[i], obj);
		}
		unrolled_step()
		for (i = 0; i < SLOTS_STEP; i++)
			WRITE_ONCE(slot[i], NULL);
	}
one_by_one:
	for (; slot != end; slot++) {
		obj = *slot;
		WRITE_ONCE(*slot, NULL);
		WRITE_ONCE(*to, obj);
		to += !!obj;
	}
	return to - objs;
}

#endif /* _PCPOOL_SLOTS_H */
