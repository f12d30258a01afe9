// SPDX-License-Identifier: GPL-2.0
/*
 * A ring; ring.h has the rules. This file uses the kernel's atomics, RCU and allocator
 * and no other part of pcpool, so tests/host can build it unchanged.
 *
 * Ordering between CPUs:
 *
 *  (A) ring->ends: pcpool_ring_publish() adds to it with release semantics after writing
 *      the slots. pcpool_ring_claim_tail() claims with a fully ordered exchange before
 *      reading them. Claims in between, by consumers or by the producer, are
 *      read-modify-writes, which continue the release sequence. This is what makes
 *      writes to an object before its put visible after its get.
 *  (B) ring->slot[]: a consumer reads a slot and then clears it. The producer writes the
 *      slot again only after it has read NULL there. All three access one word, so
 *      coherence alone orders them and no barrier is needed. Slots that the producer
 *      pops itself need no such hand-back.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "ring.h"
#include "testing.h"

static inline void **ring_slot(struct pcpool_ring *ring, u32 index)
{
	return &ring->slot[index & (ring->size - 1)];
}

/* A ring from here on is made of whole pages: kmalloc() would round it up to twice that. */
#define EXACT_BYTES		(2 * PAGE_SIZE)

/* How much memory a ring of @size slots takes. */
size_t pcpool_ring_bytes(unsigned int size)
{
	const struct pcpool_ring *ring;
	size_t bytes = struct_size(ring, slot, size);

	return bytes < EXACT_BYTES ? bytes : PAGE_ALIGN(bytes);
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_ring_bytes);

/**
 * pcpool_ring_alloc() - allocate an empty ring
 * @size: number of slots, a power of two
 * @gfp: how to allocate
 * @node: NUMA node of the CPU that will push to the ring; a large ring is always allocated
 *	near the calling CPU
 *
 * The slots are not cleared, which would take longer than all else a put does. The
 * producer reads only slots below the tail, and it has written these before.
 *
 * Return: The ring, or NULL.
 */
struct pcpool_ring *pcpool_ring_alloc(unsigned int size, gfp_t gfp, int node)
{
	size_t bytes = pcpool_ring_bytes(size);
	struct pcpool_ring *ring;

	gfp |= __GFP_NOWARN;
	if (bytes < EXACT_BYTES) {
		ring = kmalloc_node(bytes, gfp, node);
	} else {
		/* A smaller ring will do: no reason to wake kswapd for a large block. */
		if (!gfpflags_allow_blocking(gfp))
			gfp &= ~__GFP_KSWAPD_RECLAIM;
		ring = alloc_pages_exact(bytes, gfp);
	}
	/* All but the slots. */
	if (ring)
		*ring = (struct pcpool_ring){ .size = size };
	return ring;
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_ring_alloc);

/* Free a ring that no other context can reach. */
void pcpool_ring_free(struct pcpool_ring *ring)
{
	size_t bytes = pcpool_ring_bytes(ring->size);

	if (bytes < EXACT_BYTES)
		kfree(ring);
	else
		free_pages_exact(ring, bytes);
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_ring_free);

static void ring_free_rcu(struct rcu_head *rcu)
{
	pcpool_ring_free(container_of(rcu, struct pcpool_ring, rcu));
}

/* Free a ring that other contexts may still be reading, after a grace period. Not from NMI. */
void pcpool_ring_retire(struct pcpool_ring *ring)
{
	call_rcu(&ring->rcu, ring_free_rcu);
}

unsigned int pcpool_ring_count(const struct pcpool_ring *ring)
{
	s64 ends = atomic64_read(&ring->ends);

	return pcpool_ends_head(ends) - pcpool_ends_tail(ends);
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_ring_count);

/*
 * How many of @n objects the producer can push now. May be fewer than there are free
 * slots, if consumers have handed back slots that were not looked at yet.
 */
unsigned int pcpool_ring_room(struct pcpool_ring *ring, unsigned int n)
{
	s64 ends = atomic64_read(&ring->ends);
	unsigned int room = ring->size - (pcpool_ends_head(ends) - ring->clean);

	/* Once looking, look far enough for the next pushes too. */
	while (room < 4 * n && ring->clean != pcpool_ends_tail(ends)) {
		/* (B): not NULL: a consumer has claimed this slot and not read it yet. */
		if (READ_ONCE(*ring_slot(ring, ring->clean)))
			break;
		ring->clean++;
		room++;
	}
	return min(n, room);
}

/**
 * pcpool_ring_push() - push objects at the head
 * @ring: the ring; the caller is its producer
 * @objs: the objects, the oldest first
 * @n: how many
 *
 * Return: How many it took, starting with the first.
 */
unsigned int pcpool_ring_push(struct pcpool_ring *ring, void **objs,
			      unsigned int n)
{
	u32 head = pcpool_ring_head(ring);
	unsigned int i;

	n = pcpool_ring_room(ring, n);
	if (!n)
		return 0;
	for (i = 0; i < n; i++)
		WRITE_ONCE(*ring_slot(ring, head + i), objs[i]);
	pcpool_ring_publish(ring, n);
	return n;
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_ring_push);

/**
 * pcpool_ring_claim_head() - claim objects at the head, without reading them
 * @ring: the ring; the caller is its producer
 * @n: how many at most
 * @at: set to the index of the oldest of them; see pcpool_ring_run()
 *
 * The caller owns the objects, and must read them before it pushes again.
 *
 * Return: How many it claimed.
 */
unsigned int pcpool_ring_claim_head(struct pcpool_ring *ring, unsigned int n,
				    u32 *at)
{
	s64 ends = atomic64_read(&ring->ends);

	/* Relaxed: the producer reads what it has written itself. */
	do {
		n = min(n, pcpool_ends_head(ends) - pcpool_ends_tail(ends));
		if (!n)
			return 0;
		*at = pcpool_ends_head(ends) - n;
	} while (!atomic64_try_cmpxchg_relaxed(&ring->ends, &ends,
					       ends - pcpool_ends_pack(n, 0)));
	return n;
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_ring_claim_head);

/* Read the @n objects claimed at the head, from index @at on, the newest first. */
void pcpool_ring_read_head(struct pcpool_ring *ring, u32 at, void **objs,
			   unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		objs[i] = READ_ONCE(*ring_slot(ring, at + n - 1 - i));
}

/**
 * pcpool_ring_pop_head() - pop objects at the head
 * @ring: the ring; the caller is its producer
 * @objs: filled with the objects, the newest first
 * @n: how many at most
 *
 * Return: How many it popped.
 */
unsigned int pcpool_ring_pop_head(struct pcpool_ring *ring, void **objs,
				  unsigned int n)
{
	u32 at;

	n = pcpool_ring_claim_head(ring, n, &at);
	pcpool_ring_read_head(ring, at, objs, n);
	return n;
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_ring_pop_head);

/**
 * pcpool_ring_claim_tail() - claim objects at the tail, without reading them
 * @ring: the ring
 * @n: how many at most
 * @half: claim no more than half of the objects in the ring (rounded up)
 * @at: set to the index of the oldest of them
 *
 * The caller owns the objects, and must read them with pcpool_ring_read_tail().
 *
 * Return: How many it claimed.
 */
unsigned int pcpool_ring_claim_tail(struct pcpool_ring *ring, unsigned int n,
				    bool half, u32 *at)
{
	s64 ends = atomic64_read(&ring->ends);
	unsigned int take;
	u32 head;

	/*
	 * (A): pairs with the release in pcpool_ring_publish(). Fully ordered for (C) in
	 * queue.c: a context that finds the ring empty after this claim, and looks again,
	 * also sees the newer ring that this context has seen.
	 */
	do {
		head = pcpool_ends_head(ends);
		*at = pcpool_ends_tail(ends);
		take = head - *at;
		if (!take)
			return 0;
		if (half)
			take -= take / 2;
		take = min(take, n);
	} while (!atomic64_try_cmpxchg(&ring->ends, &ends,
				       pcpool_ends_pack(head, *at + take)));
	return take;
}

/* Read the @n objects claimed at the tail, from index @at on, the oldest first. */
void pcpool_ring_read_tail(struct pcpool_ring *ring, u32 at, void **objs,
			   unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		void **slot = ring_slot(ring, at + i);

		WRITE_ONCE(objs[i], READ_ONCE(*slot));
		/* (B): hands the slot back to the producer. */
		WRITE_ONCE(*slot, NULL);
	}
}

/**
 * pcpool_ring_pop_tail() - pop objects at the tail
 * @ring: the ring
 * @objs: filled with the objects, the oldest first
 * @n: how many at most
 * @half: pop no more than half of the objects in the ring (rounded up)
 *
 * Return: How many it popped.
 */
unsigned int pcpool_ring_pop_tail(struct pcpool_ring *ring, void **objs,
				  unsigned int n, bool half)
{
	u32 at;

	n = pcpool_ring_claim_tail(ring, n, half, &at);
	pcpool_ring_read_tail(ring, at, objs, n);
	return n;
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_ring_pop_tail);
