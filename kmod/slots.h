/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Private slots: the objects that a CPU keeps to itself. Over struct pcpool_slots; knows
 * no pool. The push and pop of one object at the hint are inlined into clients
 * (__pcpool_slots_push() and __pcpool_slots_pop() in linux/pcpool_slots.h). slots.c has what
 * looks at more than that one slot, and the rules.
 *
 * The inline functions here move several objects at a time between private slots and a
 * ring. These loops are most of the cost of using a pool deeper than it has private slots.
 */
#ifndef _PCPOOL_SLOTS_H
#define _PCPOOL_SLOTS_H

#include <linux/compiler.h>
#include <linux/pcpool_slots.h>
#include <linux/percpu.h>

/*
 * Slots that are always empty for a pop and full for a push, on every CPU. A pool whose
 * every get or put must go out of line shows these to the inlined paths.
 */
extern struct pcpool_slots __percpu *pcpool_closed_slots;

int pcpool_closed_slots_init(void);
void pcpool_closed_slots_exit(void);

struct pcpool_slots __percpu *pcpool_slots_alloc(unsigned int nr);
void pcpool_slots_free(struct pcpool_slots __percpu *slots);

void *pcpool_slots_take(struct pcpool_slots __percpu *slots, unsigned int nr);
bool pcpool_slots_give(struct pcpool_slots __percpu *slots, unsigned int nr, void *obj);
unsigned int pcpool_slots_fill(struct pcpool_slots __percpu *slots, unsigned int nr,
			       void **objs, unsigned int n);
unsigned int pcpool_slots_spill(struct pcpool_slots __percpu *slots, unsigned int first,
				unsigned int n, void **objs);
unsigned int pcpool_slots_flush(struct pcpool_slots __percpu *slots, unsigned int nr,
				int cpu, void **objs);
unsigned int pcpool_slots_count(const struct pcpool_slots __percpu *slots, unsigned int nr,
				int cpu);

/*
 * Are this CPU's slots empty, going by the hint and the lowest slot? Rarely wrong, and
 * spares looking at all slots. A get that finds nothing elsewhere looks again.
 */
static inline bool pcpool_slots_seem_empty(struct pcpool_slots __percpu *slots)
{
	return this_cpu_read(slots->top) == (unsigned long)slots->slot &&
	       !this_cpu_read(slots->slot[1]);
}

/* Are this CPU's @nr slots full, going by the hint and the highest slot? */
static inline bool pcpool_slots_seem_full(struct pcpool_slots __percpu *slots,
					  unsigned int nr)
{
	void * __percpu *last = slots->slot + nr;

	return this_cpu_read(slots->top) == (unsigned long)last && this_cpu_read(*last);
}

/*
 * Can @cpu's slots hold an object? Not while they are closed, unless several objects are
 * just being moved there, or an inlined put has yet to store the hint. For any CPU, from
 * any context; what the answer means to another CPU, see holds_something() in age.c.
 */
static inline bool pcpool_slots_in_use(const struct pcpool_slots __percpu *slots, int cpu)
{
	return READ_ONCE(per_cpu_ptr(slots, cpu)->top) !=
	       (unsigned long)pcpool_closed_slots->slot;
}

/*
 * Moving several objects at a time uses plain loads and stores, because no other context
 * can interfere: interrupts are disabled; where the inlined paths of an NMI look, the
 * slots are empty for a pop and full for a push, because pcpool_slots_close() has pointed
 * the hint at pcpool_closed_slots; and an NMI's out-of-line paths stay away while the
 * producer flag is set. A pop or push that was interrupted in its middle does its own
 * exchange later, which fails if the slot has changed.
 */

/* Exclude other contexts from @slots, this CPU's. @closed: where the hint points. */
static __always_inline void pcpool_slots_close(struct pcpool_slots *slots,
					       unsigned long closed)
{
	WRITE_ONCE(slots->top, closed);
	barrier();
}

/* Let other contexts access the slots again, and set the hint to slot @n. */
static __always_inline void pcpool_slots_open(struct pcpool_slots *slots,
					      struct pcpool_slots __percpu *base,
					      unsigned long n)
{
	barrier();
	WRITE_ONCE(slots->top, (unsigned long)(base->slot + n));
}

/* Eight slots are a cache line: the loops below have an inner one for each, unrolled. */
#define SLOTS_STEP	8
#ifdef CONFIG_CC_IS_CLANG
#define unrolled_step()	_Pragma("unroll")
#else
#define unrolled_step()	_Pragma("GCC unroll 8")
#endif

/* Are the @n slots from @slot on all empty? */
static __always_inline bool pcpool_slots_are_empty(void **slot, unsigned long n)
{
	unsigned long taken = 0;
	int i;

	for (; n >= SLOTS_STEP; n -= SLOTS_STEP, slot += SLOTS_STEP) {
		/* Otherwise the compiler computes the number of rounds first, which is slower. */
		OPTIMIZER_HIDE_VAR(n);
		unrolled_step()
		for (i = 0; i < SLOTS_STEP; i++)
			taken |= (unsigned long)slot[i];
	}
	for (; n; n--, slot++)
		taken |= (unsigned long)*slot;
	return likely(!taken);
}

/* Store @n objects, the oldest first in @objs, in the slots from @slot on, which are empty. */
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
 * Take the objects in the @n slots from @slot on, the oldest first, to @objs, which has
 * room for @n. Returns how many there were.
 */
static __always_inline unsigned long pcpool_slots_unload(void **slot, void **objs,
							 unsigned long n)
{
	void **to = objs, **end = slot + n, *obj;
	int i;

	/* A step at a time, as long as all of its slots are full. */
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
