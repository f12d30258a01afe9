/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A ring: a fixed number of object pointers, with one producer and any number of
 * consumers, all lock-free. Knows no pool, no CPU and no tier.
 *
 * Rules:
 *
 *  - The producer pushes and pops at the head. There is one producer at a time. For a
 *    CPU's queue that is the context that holds the CPU's producer flag (percpu.c).
 *  - Consumers pop at the tail, at any time and from any context, NMI included. A
 *    context that could not become the producer is a consumer.
 *  - Both are in an RCU read-side critical section for the whole call (disabled
 *    preemption counts as one), because rings are freed after a grace period.
 */
#ifndef _PCPOOL_RING_H
#define _PCPOOL_RING_H

#include <linux/atomic.h>
#include <linux/gfp.h>
#include <linux/minmax.h>
#include <linux/types.h>

/**
 * struct pcpool_ring - a ring of object pointers with one producer
 * @ends: head in the upper and tail in the lower 32 bits. Both only count up, and wrap.
 *	The objects in [tail, head) are in the ring.
 * @size: number of slots, a power of two
 * @clean: consumers have handed back all slots below this index; used by the producer only
 * @newer: the ring that was added after this one; set once, by the producer
 * @older: the ring that was added before this one, until that one is dropped
 * @rcu: frees the ring
 * @slot: the objects
 *
 * A pop claims its objects with one compare-and-exchange of @ends, and then reads the
 * slots. At the tail it clears each slot after reading it. Until then the slot still
 * belongs to that consumer, although it is outside of [tail, head): of the slots in
 * [clean, tail), those that are not NULL have not been handed back. A producer that
 * meets one treats the ring as full. So a consumer may stop at any instruction, and
 * nothing ever waits for it.
 */
struct pcpool_ring {
	atomic64_t ends;
	unsigned int size;
	u32 clean;
	struct pcpool_ring *newer;
	struct pcpool_ring *older;
	struct rcu_head rcu;
	void *slot[];
};

/* The two halves of @ends. */
static inline u32 pcpool_ends_head(s64 ends)
{
	return (u64)ends >> 32;
}

static inline u32 pcpool_ends_tail(s64 ends)
{
	return (u32)ends;
}

static inline s64 pcpool_ends_pack(u32 head, u32 tail)
{
	return (s64)((u64)head << 32 | tail);
}

/*
 * The address of the slot of index @at. The producer also moves objects directly between
 * a ring and the private slots: @n is reduced to the number of slots before the end of
 * the ring, which are consecutive in memory.
 */
static inline void **pcpool_ring_run(struct pcpool_ring *ring, u32 at,
				     unsigned int *n)
{
	u32 first = at & (ring->size - 1);

	*n = min(*n, ring->size - first);
	return &ring->slot[first];
}

/* The index of the next push. For the producer. */
static inline u32 pcpool_ring_head(const struct pcpool_ring *ring)
{
	return pcpool_ends_head(atomic64_read(&ring->ends));
}

/* Is the ring empty because consumers took from it lately? For the producer. */
static inline bool pcpool_ring_drained_by_others(const struct pcpool_ring *ring)
{
	s64 ends = atomic64_read(&ring->ends);

	return pcpool_ends_head(ends) == pcpool_ends_tail(ends) &&
	       pcpool_ends_tail(ends) != ring->clean;
}

/*
 * Is there room for @n objects, in consecutive slots, going by @clean alone? Sets @to to
 * the first slot. For the producer.
 */
static __always_inline bool pcpool_ring_space(struct pcpool_ring *ring,
					      unsigned int n, void ***to)
{
	u32 head = pcpool_ring_head(ring), at = head & (ring->size - 1);

	*to = &ring->slot[at];
	return head - ring->clean <= ring->size - n && at <= ring->size - n;
}

/* Publish the next @n objects, which the producer has stored in their slots. */
static inline void pcpool_ring_publish(struct pcpool_ring *ring, unsigned int n)
{
	/*
	 * Pairs with the exchange in pcpool_ring_claim_tail(); (A) in ring.c. An addition,
	 * because consumers move the tail concurrently; the carry out of the head is lost.
	 */
	atomic64_fetch_add_release(pcpool_ends_pack(n, 0), &ring->ends);
}

/*
 * Claim up to @n objects at the head, if they are in consecutive slots and no consumer
 * interferes. Returns how many; they are from @from on, the oldest first. For the
 * producer; see also pcpool_ring_claim_head().
 */
static __always_inline u32 pcpool_ring_try_claim(struct pcpool_ring *ring,
						 u32 n, void ***from)
{
	s64 ends = atomic64_read(&ring->ends);
	u32 head = pcpool_ends_head(ends), at;

	n = min(n, head - pcpool_ends_tail(ends));
	at = (head - n) & (ring->size - 1);
	*from = &ring->slot[at];
	/* Relaxed: the producer reads what it has written itself. */
	if (unlikely(!n || at > ring->size - n ||
		     !atomic64_try_cmpxchg_relaxed(&ring->ends, &ends,
						   ends - pcpool_ends_pack(n, 0))))
		return 0;
	return n;
}

size_t pcpool_ring_bytes(unsigned int size);
struct pcpool_ring *pcpool_ring_alloc(unsigned int size, gfp_t gfp, int node);
void pcpool_ring_free(struct pcpool_ring *ring);
void pcpool_ring_retire(struct pcpool_ring *ring);

/* For the producer. */
unsigned int pcpool_ring_room(struct pcpool_ring *ring, unsigned int n);
unsigned int pcpool_ring_push(struct pcpool_ring *ring, void **objs,
			      unsigned int n);
unsigned int pcpool_ring_claim_head(struct pcpool_ring *ring, unsigned int n,
				    u32 *at);
void pcpool_ring_read_head(struct pcpool_ring *ring, u32 at, void **objs,
			   unsigned int n);
unsigned int pcpool_ring_pop_head(struct pcpool_ring *ring, void **objs,
				  unsigned int n);

/* For any context. */
unsigned int pcpool_ring_claim_tail(struct pcpool_ring *ring, unsigned int n,
				    bool half, u32 *at);
void pcpool_ring_read_tail(struct pcpool_ring *ring, u32 at, void **objs,
			   unsigned int n);
unsigned int pcpool_ring_pop_tail(struct pcpool_ring *ring, void **objs,
				  unsigned int n, bool half);
unsigned int pcpool_ring_count(const struct pcpool_ring *ring);

#endif /* _PCPOOL_RING_H */
