// SPDX-License-Identifier: GPL-2.0
/*
 * The shared queue: a chain of rings; see queue.h. This file uses the kernel's atomics
 * and RCU, ring.c, and no other part of pcpool.
 *
 * Ordering between CPUs, besides (A) and (B) of ring.c:
 *
 *  (C) ring->newer and queue->tail: pcpool_queue_add_ring() stores them with release
 *      semantics. Consumers load them with acquire semantics, and so see an initialised
 *      ring. A consumer that has seen @newer of a ring also sees everything that was
 *      ever pushed to that ring, because the producer never returns to it. If it finds
 *      the ring empty afterwards, the ring stays empty and can be dropped.
 *  (D) queue->head: stored before an object that moves into the new ring leaves its
 *      former place. See (B) and (C) in age.c.
 */
#include <linux/atomic.h>
#include <linux/kernel.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>

#include "queue.h"
#include "testing.h"

/* How many of @n objects a push would take now. For the producer. */
unsigned int pcpool_queue_room(const struct pcpool_queue *q, unsigned int n)
{
	return q->head ? pcpool_ring_room(q->head, n) : 0;
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_queue_room);

/**
 * pcpool_queue_push() - push objects at the head, as far as there is room
 * @q: the queue; the caller is its producer
 * @objs: the objects, the oldest first
 * @n: how many
 *
 * Return: How many it took, starting with the first. If fewer than @n, the queue needs
 * another ring; see pcpool_queue_add_ring().
 */
unsigned int pcpool_queue_push(struct pcpool_queue *q, void **objs,
			       unsigned int n)
{
	return q->head ? pcpool_ring_push(q->head, objs, n) : 0;
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_queue_push);

/**
 * pcpool_queue_claim_head() - claim objects at the head, without reading them
 * @q: the queue; the caller is its producer
 * @n: how many at most; set to how many it claimed
 * @at: set to the index of the oldest of them; see pcpool_ring_claim_head()
 *
 * Claims from one ring only, so it may claim fewer than @n although the queue has more.
 *
 * Return: The ring they are in, or NULL if the queue is empty.
 */
struct pcpool_ring *pcpool_queue_claim_head(struct pcpool_queue *q,
					    unsigned int *n, u32 *at)
{
	struct pcpool_ring *ring;
	unsigned int got;

	/*
	 * A consumer may have dropped an older ring since @older was read. That ring is
	 * empty, and RCU keeps it in memory until this section ends.
	 */
	for (ring = q->head; ring; ring = READ_ONCE(ring->older)) {
		got = pcpool_ring_claim_head(ring, *n, at);
		if (got) {
			*n = got;
			return ring;
		}
	}
	return NULL;
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_queue_claim_head);

/**
 * pcpool_queue_pop_head() - pop objects at the head
 * @q: the queue; the caller is its producer
 * @objs: filled with the objects, the newest first
 * @n: how many at most
 *
 * Pops from one ring only, so it may return fewer than @n although the queue has more.
 *
 * Return: How many it popped; 0 only if the queue is empty.
 */
unsigned int pcpool_queue_pop_head(struct pcpool_queue *q, void **objs,
				   unsigned int n)
{
	struct pcpool_ring *ring;
	u32 at;

	ring = pcpool_queue_claim_head(q, &n, &at);
	if (!ring)
		return 0;
	pcpool_ring_read_head(ring, at, objs, n);
	return n;
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_queue_pop_head);

/* The size that the next ring of @q should have. For the queue's own CPU. */
unsigned int pcpool_queue_next_size(const struct pcpool_queue *q)
{
	const struct pcpool_ring *ring = READ_ONCE(q->head);

	return ring ? min(ring->size * 2, PCPOOL_RING_MAX) : PCPOOL_RING_MIN;
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_queue_next_size);

/**
 * pcpool_queue_add_ring() - make room
 * @q: the queue; the caller is its producer
 * @ring: an empty ring, which the queue owns from here on
 */
void pcpool_queue_add_ring(struct pcpool_queue *q, struct pcpool_ring *ring)
{
	struct pcpool_ring *head = q->head;

	ring->older = head;
	/* Pairs with the acquires in queue_claim_tail(), see (C). */
	if (head)
		smp_store_release(&head->newer, ring); /* (C) */
	else
		smp_store_release(&q->tail, ring); /* (C) */
	WRITE_ONCE(q->head, ring);
	/*
	 * (D): before objects move from elsewhere into the ring, and before the caller
	 * reads what decides whether they do. Pairs with the barriers of contexts that
	 * search for everything this CPU holds.
	 */
	smp_mb();
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_queue_add_ring);

/**
 * pcpool_queue_release() - free the rings of an empty queue
 * @q: the queue; the caller is its producer
 *
 * Does nothing if the queue holds an object.
 *
 * Return: Whether the queue has no rings now.
 */
bool pcpool_queue_release(struct pcpool_queue *q)
{
	struct pcpool_ring *ring, *newer;

	/* No push is in progress, so what is empty here stays empty. */
	if (pcpool_queue_count(q))
		return false;
	/*
	 * Each ring is freed by the context that moves @tail past it. A consumer that is
	 * about to move @tail finds it changed. No other pairing is needed: all that
	 * consumers can still do with these rings is to find them empty.
	 */
	ring = xchg(&q->tail, NULL);
	WRITE_ONCE(q->head, NULL);
	for (; ring; ring = newer) {
		newer = ring->newer;
		pcpool_ring_retire(ring);
	}
	return true;
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_queue_release);

/*
 * Claim up to @n objects at the tail of the oldest ring that has any. Returns how many;
 * 0 only if the queue was empty at some moment. They are in @from, from index @at on.
 */
static unsigned int queue_claim_tail(struct pcpool_queue *q, unsigned int n,
				     bool half, struct pcpool_ring **from, u32 *at)
{
	struct pcpool_ring *ring, *newer;
	unsigned int got;

	/* (C): pairs with the release in pcpool_queue_add_ring(). */
	ring = smp_load_acquire(&q->tail);
	while (ring) {
		/*
		 * (C): before the claim. A ring that is empty just now may be filled
		 * again, unless it had a newer one before it was found empty.
		 */
		newer = smp_load_acquire(&ring->newer);
		got = pcpool_ring_claim_tail(ring, n, half, at);
		if (got) {
			*from = ring;
			return got;
		}
		if (!newer) {
			/*
			 * Look again if there is a newer ring by now, as seen after this
			 * one was found empty. Pairs with the release in
			 * pcpool_queue_add_ring(), and with the order of the claim that
			 * emptied this ring.
			 */
			smp_rmb();
			if (!READ_ONCE(ring->newer))
				return 0;
			continue;
		}
		/*
		 * Empty for good: drop it, so that the next consumer need not look.
		 * Not in NMI, where call_rcu() must not be called.
		 */
		if (!in_nmi() && cmpxchg(&q->tail, ring, newer) == ring) {
			WRITE_ONCE(newer->older, NULL);
			pcpool_ring_retire(ring);
		}
		ring = newer;
	}
	return 0;
}

/**
 * pcpool_queue_pop_tail() - pop objects at the tail
 * @q: the queue
 * @objs: filled with the objects, the oldest first
 * @n: how many at most
 * @half: pop no more than half of what the oldest ring has
 *
 * Pops from one ring only, so it may return fewer than @n although the queue has more.
 *
 * Return: How many it popped; 0 only if the queue was empty at some moment.
 */
unsigned int pcpool_queue_pop_tail(struct pcpool_queue *q, void **objs,
				   unsigned int n, bool half)
{
	struct pcpool_ring *ring;
	u32 at;

	n = queue_claim_tail(q, n, half, &ring, &at);
	if (n)
		pcpool_ring_read_tail(ring, at, objs, n);
	return n;
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_queue_pop_tail);

/**
 * pcpool_queue_move() - pop objects at the tail, and push them to another queue
 * @q: the queue
 * @to: the queue to push to; the caller is its producer
 * @n: how many at most
 *
 * Moves no more than fit into consecutive slots of the newest ring of @to.
 *
 * Return: How many it moved.
 */
unsigned int pcpool_queue_move(struct pcpool_queue *q, struct pcpool_queue *to,
			       unsigned int n)
{
	struct pcpool_ring *ring, *head = to->head;
	void **objs;
	u32 at;

	if (!head)
		return 0;
	n = pcpool_ring_room(head, n);
	objs = pcpool_ring_run(head, pcpool_ring_head(head), &n);
	if (n)
		n = queue_claim_tail(q, n, false, &ring, &at);
	if (n) {
		pcpool_ring_read_tail(ring, at, objs, n);
		pcpool_ring_publish(head, n);
	}
	return n;
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_queue_move);

/* How many objects there are; exact while nothing pushes or pops. From any context. */
unsigned long pcpool_queue_count(const struct pcpool_queue *q)
{
	const struct pcpool_ring *ring;
	unsigned long n = 0;

	ring = smp_load_acquire(&q->tail); /* (C) */
	while (ring) {
		n += pcpool_ring_count(ring);
		ring = smp_load_acquire(&ring->newer); /* (C) */
	}
	return n;
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_queue_count);

/* How much memory the rings take. From any context. */
size_t pcpool_queue_bytes(const struct pcpool_queue *q)
{
	const struct pcpool_ring *ring;
	size_t bytes = 0;

	ring = smp_load_acquire(&q->tail); /* (C) */
	while (ring) {
		bytes += pcpool_ring_bytes(ring->size);
		ring = smp_load_acquire(&ring->newer); /* (C) */
	}
	return bytes;
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_queue_bytes);
