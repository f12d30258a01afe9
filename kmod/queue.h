/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The shared queue: a lock-free chain of rings with one producer and any number
 * of consumers. Nothing here knows of pools, CPUs or tiers; the queue is tested,
 * and timed, by itself.
 *
 * Who may do what:
 *
 *  - The producer pushes and pops at the head. There is one producer at a time;
 *    for a CPU's queue that is whoever holds the CPU's producer mark.
 *  - Consumers, among them anyone who could not become the producer, pop at the
 *    tail, at any time and from any context.
 *  - Both are in an RCU read-side critical section (preemption disabled is one)
 *    for the whole of a call: rings are freed after a grace period.
 */
#ifndef _PCPOOL_QUEUE_H
#define _PCPOOL_QUEUE_H

#include <linux/atomic.h>
#include <linux/gfp.h>
#include <linux/minmax.h>
#include <linux/types.h>

/*
 * The first ring of a queue, in objects: room for two spills of full slots, and small enough
 * (304 bytes) that a CPU which only now and then overflows costs next to nothing.
 */
#define PCPOOL_RING_MIN		32u

/* The largest ring; a queue goes on growing by rings of this size. */
#define PCPOOL_RING_MAX		0x100000u

/**
 * struct pcpool_ring - a ring of object pointers with one producer
 * @ends: head in the upper and tail in the lower 32 bits. Both only ever count up,
 *	and wrap; the objects of [tail, head) are in the ring.
 * @size: number of slots, a power of two
 * @clean: below this index consumers have handed back their slots; the producer's own
 * @newer: the ring that was added after this one; set once, by the producer
 * @older: the ring that was added before this one, until that is dropped
 * @rcu: frees the ring
 * @slot: the objects
 *
 * A pop claims its objects with one compare-and-exchange of @ends, then reads the
 * slots. At the tail it then clears them: until then they are its own, although
 * they are outside of [tail, head). So of the slots of [clean, tail) those that are
 * not NULL still belong to a consumer, and the producer takes the ring for full when
 * it comes upon one. So a consumer may stop at any instruction, and nobody has to
 * wait for it.
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

/**
 * struct pcpool_queue - a chain of rings, each twice the one before if memory allows
 * @head: the newest ring, the only one that is pushed to; the producer's own
 * @tail: the oldest ring that may hold objects; moved on by consumers
 *
 * Both are NULL until the first ring is added.
 */
struct pcpool_queue {
	struct pcpool_ring *head;
	struct pcpool_ring *tail;
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
 * Objects are also moved straight between a ring and where they come from or go to,
 * by the producer. This is where @n objects from index @at on are, or as many of
 * them as come before the end of the ring: @n is set to that.
 */
static inline void **pcpool_ring_run(struct pcpool_ring *ring, u32 at,
				     unsigned int *n)
{
	u32 first = at & (ring->size - 1);

	*n = min(*n, ring->size - first);
	return &ring->slot[first];
}

/* Where the producer pushes. */
static inline u32 pcpool_ring_head(const struct pcpool_ring *ring)
{
	return pcpool_ends_head(atomic64_read(&ring->ends));
}

/*
 * Is the ring empty, and have consumers had something to do with that lately? For the
 * producer.
 */
static inline bool pcpool_ring_drained_by_others(const struct pcpool_ring *ring)
{
	s64 ends = atomic64_read(&ring->ends);

	return pcpool_ends_head(ends) == pcpool_ends_tail(ends) &&
	       pcpool_ends_tail(ends) != ring->clean;
}

/*
 * Can @n objects be pushed, without looking any closer, and all before the end of the
 * ring? Then @to says where. For the producer.
 */
static __always_inline bool pcpool_ring_space(struct pcpool_ring *ring,
					      unsigned int n, void ***to)
{
	u32 head = pcpool_ring_head(ring), at = head & (ring->size - 1);

	*to = &ring->slot[at];
	return head - ring->clean <= ring->size - n && at <= ring->size - n;
}

/* Let everybody have the next @n objects, which the producer has stored. */
static inline void pcpool_ring_publish(struct pcpool_ring *ring, unsigned int n)
{
	/*
	 * Pairs with the exchange in ring_claim_tail(); (A) in queue.c. An
	 * addition, since consumers move the tail meanwhile; the head's carry falls
	 * off.
	 */
	atomic64_fetch_add_release(pcpool_ends_pack(n, 0), &ring->ends);
}

/*
 * Pop up to @n objects at the head, but leave them there: if all are before the end of
 * the ring, and no consumer is in the way. @from then says where they are, the oldest
 * first. Returns how many. For the producer; see pcpool_ring_claim_head().
 */
static __always_inline u32 pcpool_ring_try_claim(struct pcpool_ring *ring,
						 u32 n, void ***from)
{
	s64 ends = atomic64_read(&ring->ends);
	u32 head = pcpool_ends_head(ends), at;

	n = min(n, head - pcpool_ends_tail(ends));
	at = (head - n) & (ring->size - 1);
	*from = &ring->slot[at];
	/* Relaxed: the producer reads what it has itself written. */
	if (unlikely(!n || at > ring->size - n ||
		     !atomic64_try_cmpxchg_relaxed(&ring->ends, &ends,
						   ends - pcpool_ends_pack(n, 0))))
		return 0;
	return n;
}

struct pcpool_ring *pcpool_ring_alloc(unsigned int size, gfp_t gfp, int node);
void pcpool_ring_free(struct pcpool_ring *ring);
unsigned int pcpool_ring_push(struct pcpool_ring *ring, void **objs,
			      unsigned int n);
unsigned int pcpool_ring_claim_head(struct pcpool_ring *ring, unsigned int n,
				    u32 *at);
unsigned int pcpool_ring_pop_head(struct pcpool_ring *ring, void **objs,
				  unsigned int n);
unsigned int pcpool_ring_pop_tail(struct pcpool_ring *ring, void **objs,
				  unsigned int n, bool half);
unsigned int pcpool_ring_count(const struct pcpool_ring *ring);

/* For the producer. */
unsigned int pcpool_queue_room(const struct pcpool_queue *q, unsigned int n);
unsigned int pcpool_queue_push(struct pcpool_queue *q, void **objs,
			       unsigned int n);
struct pcpool_ring *pcpool_queue_claim_head(struct pcpool_queue *q,
					    unsigned int *n, u32 *at);
unsigned int pcpool_queue_pop_head(struct pcpool_queue *q, void **objs,
				   unsigned int n);
void pcpool_queue_add_ring(struct pcpool_queue *q, struct pcpool_ring *ring);
bool pcpool_queue_release(struct pcpool_queue *q);

/* For anyone, as far as @q is concerned, and for the producer of @to. */
unsigned int pcpool_queue_move(struct pcpool_queue *q, struct pcpool_queue *to,
			       unsigned int n);

/* For anyone on the CPU that pushes to it. */
unsigned int pcpool_queue_next_size(const struct pcpool_queue *q);

/* For anyone. */
unsigned int pcpool_queue_pop_tail(struct pcpool_queue *q, void **objs,
				   unsigned int n, bool half);
unsigned long pcpool_queue_count(const struct pcpool_queue *q);

#endif /* _PCPOOL_QUEUE_H */
