/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One CPU's private slots and shared queues: keeping an object there, taking one from
 * there, and moving objects between the two. Knows the pool's structures, and no other
 * place where its idle objects may be.
 */
#ifndef _PCPOOL_PERCPU_H
#define _PCPOOL_PERCPU_H

#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/percpu.h>

#include "types.h"

/* In place of a tier: the main tier as this CPU knows it when the function looks. */
#define PCPOOL_MAIN_TIER	2u

/**
 * enum pcpool_kept - what pcpool_percpu_keep() did
 * @PCPOOL_KEPT: the object is idle
 * @PCPOOL_NO_ROOM: the queue needs another ring
 * @PCPOOL_NO_CREDIT: no more objects may be idle
 * @PCPOOL_NESTED: the caller interrupted the queue's producer
 */
enum pcpool_kept {
	PCPOOL_KEPT,
	PCPOOL_NO_ROOM,
	PCPOOL_NO_CREDIT,
	PCPOOL_NESTED,
};

/* The smallest useful ring: private slots can spill into it. */
static inline unsigned int pcpool_ring_min(const struct pcpool_core *core)
{
	return max_t(unsigned int, PCPOOL_RING_MIN,
		     roundup_pow_of_two(max(core->nr_slots, 1u)));
}

/*
 * Become the producer of the queues of @c, which is this CPU's, with interrupts disabled.
 * Fails only in an NMI: in one that interrupted the producer, or in any that must not
 * change per-CPU data. NMIs restore the flag, so a non-atomic test and set is enough. The
 * barriers keep the compiler from moving accesses to the queue out of the section. The flag
 * excludes contexts of one CPU only, so nothing more is needed; pcpool_queue_*() order
 * accesses of different CPUs.
 */
static __always_inline bool pcpool_producer_enter(struct pcpool_cpu *c)
{
	if (unlikely(__pcpool_in_unsafe_nmi() || READ_ONCE(c->pushing)))
		return false;
	WRITE_ONCE(c->pushing, 1);
	barrier();
	return true;
}

static __always_inline void pcpool_producer_exit(struct pcpool_cpu *c)
{
	barrier();
	WRITE_ONCE(c->pushing, 0);
}

/* The main tier as @c, this CPU, knows it: 0 or 1. */
static __always_inline unsigned int pcpool_own_main_tier(const struct pcpool_cpu *c)
{
	return READ_ONCE(c->epoch) & 1;
}

/*
 * @n objects are about to become idle outside of private slots; false if so many may not.
 * The caller is the producer.
 */
static inline bool pcpool_percpu_take_credits(struct pcpool_core *core, unsigned int n)
{
	return !core->has_credit || pcpool_credit_take_local(&core->credit, n);
}

/* @n objects are no longer idle, or are in private slots now. The caller is the producer. */
static inline void pcpool_percpu_give_credits(struct pcpool_core *core, unsigned int n)
{
	if (core->has_credit)
		pcpool_credit_give_local(&core->credit, n);
}

/* As pcpool_credit_give(), if the pool has credits. From any context. */
static inline void pcpool_return_credits(struct pcpool_core *core, unsigned long n)
{
	if (core->has_credit)
		pcpool_credit_give(&core->credit, n);
}

/* Count a spill: decrement @refilled, which a refill sets again. */
static __always_inline void pcpool_note_spill(struct pcpool_cpu *c)
{
	if (c->refilled)
		WRITE_ONCE(c->refilled, c->refilled - 1);
}

/*
 * After a push to @cpu's queue: its bit in the hint mask must be set. If it is set
 * already, the context that clears it looks at the queue again. The full barriers here,
 * between push and test, and in pcpool_hint_clear(), between clear and look, ensure that
 * one of the two sees the other.
 */
static inline void pcpool_hint_set(struct pcpool_core *core, unsigned int tier,
				   int cpu)
{
	smp_mb__after_atomic(); /* pairs with the one in pcpool_hint_clear() */
	if (unlikely(!cpumask_test_cpu(cpu, core->nonempty[tier])))
		cpumask_set_cpu(cpu, core->nonempty[tier]);
}

void pcpool_hint_clear(struct pcpool_core *core, unsigned int tier, int cpu);

enum pcpool_kept pcpool_percpu_keep(struct pcpool_core *core, void *obj, bool partly);
unsigned int pcpool_percpu_push(struct pcpool_core *core, void **objs,
				unsigned int n, unsigned int tier);
unsigned int pcpool_percpu_push_after_slots(struct pcpool_core *core, void **objs,
					    unsigned int n);
bool pcpool_percpu_grow(struct pcpool_core *core, unsigned int tier,
			unsigned int want, gfp_t gfp);

void pcpool_percpu_add_ring(struct pcpool_core *core, int cpu, unsigned int tier,
			    struct pcpool_ring *ring);

void *pcpool_percpu_take_private(struct pcpool_core *core);
void *pcpool_percpu_take_hidden(struct pcpool_core *core);
void *pcpool_percpu_take_shared(struct pcpool_core *core);
unsigned int pcpool_percpu_pop(struct pcpool_core *core, unsigned int tier,
			       void **objs, unsigned int n);

unsigned int pcpool_percpu_fill(struct pcpool_core *core, void **objs, unsigned int n);
unsigned int pcpool_percpu_flush(struct pcpool_core *core, int cpu);

#endif /* _PCPOOL_PERCPU_H */
