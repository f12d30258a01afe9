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

/* Is nothing in the @n slots from @slot on? */
static __always_inline bool pcpool_slots_free(void **slot, unsigned long n)
{
	unsigned long taken = 0;

	for (; n >= 8; n -= 8, slot += 8) {
		OPTIMIZER_HIDE_VAR(n); /* see below */
		taken |= (unsigned long)slot[0] |
				 (unsigned long)slot[1] |
				 (unsigned long)slot[2] |
				 (unsigned long)slot[3] |
				 (unsigned long)slot[4] |
				 (unsigned long)slot[5] |
				 (unsigned long)slot[6] |
				 (unsigned long)slot[7];
	}
	for (; n; n--, slot++)
		taken |= (unsigned long)*slot;
	return likely(!taken);
}

/* Give @n objects, the oldest first in @objs, to the slots from @slot on, which are free. */
static __always_inline void pcpool_slots_load(void **slot, void **objs,
					      unsigned long n)
{
	for (; n >= 8; n -= 8, slot += 8, objs += 8) {
		/* Else the compiler works out beforehand how often, which takes longer. */
		OPTIMIZER_HIDE_VAR(n);
		WRITE_ONCE(slot[0], READ_ONCE(objs[0]));
		WRITE_ONCE(slot[1], READ_ONCE(objs[1]));
		WRITE_ONCE(slot[2], READ_ONCE(objs[2]));
		WRITE_ONCE(slot[3], READ_ONCE(objs[3]));
		WRITE_ONCE(slot[4], READ_ONCE(objs[4]));
		WRITE_ONCE(slot[5], READ_ONCE(objs[5]));
		WRITE_ONCE(slot[6], READ_ONCE(objs[6]));
		WRITE_ONCE(slot[7], READ_ONCE(objs[7]));
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

	/* Eight at a time, as long as they are full. */
	for (; end - slot >= 8; slot += 8, to += 8) {
		obj = slot[0];
		if (unlikely(!obj))
			break;
		WRITE_ONCE(to[0], obj);
		obj = slot[1];
		if (unlikely(!obj))
			break;
		WRITE_ONCE(to[1], obj);
		obj = slot[2];
		if (unlikely(!obj))
			break;
		WRITE_ONCE(to[2], obj);
		obj = slot[3];
		if (unlikely(!obj))
			break;
		WRITE_ONCE(to[3], obj);
		obj = slot[4];
		if (unlikely(!obj))
			break;
		WRITE_ONCE(to[4], obj);
		obj = slot[5];
		if (unlikely(!obj))
			break;
		WRITE_ONCE(to[5], obj);
		obj = slot[6];
		if (unlikely(!obj))
			break;
		WRITE_ONCE(to[6], obj);
		obj = slot[7];
		if (unlikely(!obj))
			break;
		WRITE_ONCE(to[7], obj);
		WRITE_ONCE(slot[0], NULL);
		WRITE_ONCE(slot[1], NULL);
		WRITE_ONCE(slot[2], NULL);
		WRITE_ONCE(slot[3], NULL);
		WRITE_ONCE(slot[4], NULL);
		WRITE_ONCE(slot[5], NULL);
		WRITE_ONCE(slot[6], NULL);
		WRITE_ONCE(slot[7], NULL);
	}
	for (; slot != end; slot++) {
		obj = *slot;
		WRITE_ONCE(*slot, NULL);
		WRITE_ONCE(*to, obj);
		to += !!obj;
	}
	return to - objs;
}

#endif /* _PCPOOL_SLOTS_H */
