// SPDX-License-Identifier: GPL-2.0
/*
 * The shared queue; see queue.h for who may do what. This file uses the kernel's
 * atomics, RCU and allocator and nothing else of pcpool, so that tests/host can
 * build it as it stands.
 *
 * What orders what between CPUs:
 *
 *  (A) ring->ends: pcpool_ring_publish() adds to it with release semantics after
 *      writing the slots; ring_claim_tail() claims, fully ordered,
 *      before reading them. What consumers, and the producer that pops, do to it in
 *      between are read-modify-writes, which continue the release sequence. This is
 *      what makes writes to an object before its put visible after its get.
 *  (B) ring->slot[]: a consumer reads a slot and then clears it; the producer writes
 *      it again only after it read it as NULL. All three are accesses of one
 *      word, so coherence alone orders them and no barrier is needed. What the producer
 *      itself pops needs no such thing.
 *  (C) ring->newer and queue->tail: pcpool_queue_add_ring() stores them with release
 *      semantics; consumers load them with acquire semantics, and so see an
 *      initialised ring. Who has seen a ring's @newer also sees all that was
 *      ever pushed to that ring, since the producer never goes back to it: if the
 *      ring is empty then, it stays so, and can be dropped.
 *  (D) queue->head: stored before what is moved into the ring is gone from where it
 *      was; see (B) and (C) in tiers.c.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "queue.h"
#include "testing.h"

static inline void **ring_slot(struct pcpool_ring *ring, u32 index)
{
	return &ring->slot[index & (ring->size - 1)];
}

/**
 * pcpool_ring_alloc() - make an empty ring
 * @size: number of slots, a power of two
 * @gfp: how to allocate; may be more than the page allocator has in one piece
 *	only if it allows to sleep
 * @node: NUMA node of the CPU that will push to it
 */
struct pcpool_ring *pcpool_ring_alloc(unsigned int size, gfp_t gfp, int node)
{
	struct pcpool_ring *ring;
	size_t bytes = struct_size(ring, slot, size);

	gfp |= __GFP_NOWARN;
	/* vmalloc() must not be tried where one cannot sleep, and is since 6.18. */
	if (gfpflags_allow_blocking(gfp))
		ring = kvzalloc_node(bytes, gfp, node);
	else
		ring = kzalloc_node(bytes, gfp, node);
	if (ring)
		ring->size = size;
	return ring;
}
EXPORT_SYMBOL_FOR_TESTS(pcpool_ring_alloc);

/* Free a ring that nobody else has seen, or can see any more. */
void pcpool_ring_free(struct pcpool_ring *ring)
{
	kvfree(ring);
}
EXPORT_SYMBOL_FOR_TESTS(pcpool_ring_free);

static void ring_free_rcu(struct rcu_head *rcu)
{
	pcpool_ring_free(container_of(rcu, struct pcpool_ring, rcu));
}

unsigned int pcpool_ring_count(const struct pcpool_ring *ring)
{
	s64 ends = atomic64_read(&ring->ends);

	return pcpool_ends_head(ends) - pcpool_ends_tail(ends);
}
EXPORT_SYMBOL_FOR_TESTS(pcpool_ring_count);

/* How many of @n objects the producer could push now; more only by and by. */
static unsigned int ring_room(struct pcpool_ring *ring, s64 ends,
			      unsigned int n)
{
	unsigned int room = ring->size - (pcpool_ends_head(ends) - ring->clean);

	/* If it has to look at all, then for some pushes in advance. */
	while (room < 4 * n && ring->clean != pcpool_ends_tail(ends)) {
		/* (B): not NULL: its consumer has claimed but not read it yet. */
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
 * Return: how many it took, from the first on.
 */
unsigned int pcpool_ring_push(struct pcpool_ring *ring, void **objs,
			      unsigned int n)
{
	s64 ends = atomic64_read(&ring->ends);
	unsigned int i;

	n = ring_room(ring, ends, n);
	if (!n)
		return 0;
	for (i = 0; i < n; i++)
		WRITE_ONCE(*ring_slot(ring, pcpool_ends_head(ends) + i), objs[i]);
	pcpool_ring_publish(ring, n);
	return n;
}
EXPORT_SYMBOL_FOR_TESTS(pcpool_ring_push);

/**
 * pcpool_ring_claim_head() - pop objects at the head, but leave them there
 * @ring: the ring; the caller is its producer
 * @n: how many at most
 * @at: set to where they are, the oldest first; see pcpool_ring_run()
 *
 * They are the caller's now, who must have read them before he pushes again.
 *
 * Return: how many it got.
 */
unsigned int pcpool_ring_claim_head(struct pcpool_ring *ring, unsigned int n,
				    u32 *at)
{
	s64 ends = atomic64_read(&ring->ends);

	/* Relaxed: the producer reads what it has itself written. */
	do {
		n = min(n, pcpool_ends_head(ends) - pcpool_ends_tail(ends));
		if (!n)
			return 0;
		*at = pcpool_ends_head(ends) - n;
	} while (!atomic64_try_cmpxchg_relaxed(&ring->ends, &ends,
					       ends - pcpool_ends_pack(n, 0)));
	return n;
}
EXPORT_SYMBOL_FOR_TESTS(pcpool_ring_claim_head);

/* Read claimed objects into an array, the newest first. */
static void ring_read(struct pcpool_ring *ring, u32 at, void **objs,
		      unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		objs[i] = READ_ONCE(*ring_slot(ring, at + n - 1 - i));
}

/**
 * pcpool_ring_pop_head() - pop objects at the head
 * @ring: the ring; the caller is its producer
 * @objs: where to put them, the newest first
 * @n: how many at most
 *
 * Return: how many it got.
 */
unsigned int pcpool_ring_pop_head(struct pcpool_ring *ring, void **objs,
				  unsigned int n)
{
	u32 at;

	n = pcpool_ring_claim_head(ring, n, &at);
	ring_read(ring, at, objs, n);
	return n;
}
EXPORT_SYMBOL_FOR_TESTS(pcpool_ring_pop_head);

/*
 * Claim up to @n objects at the tail, or half of what is there (rounded up) if @half.
 * Returns how many; they are from @at on.
 */
static unsigned int ring_claim_tail(struct pcpool_ring *ring, unsigned int n,
				    bool half, u32 *at)
{
	s64 ends = atomic64_read(&ring->ends);
	unsigned int take;
	u32 head;

	/*
	 * (A): pairs with the release in pcpool_ring_publish(). Fully ordered for (C): who finds
	 * the ring empty after this, and looks again, sees the newer ring that we have seen.
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

/* Read what was claimed at the tail, the oldest first. */
static void ring_read_tail(struct pcpool_ring *ring, u32 at, void **objs,
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
 * @objs: where to put them, the oldest first
 * @n: how many at most
 * @half: take no more than half of what is there (rounded up)
 *
 * Return: how many it got.
 */
unsigned int pcpool_ring_pop_tail(struct pcpool_ring *ring, void **objs,
				  unsigned int n, bool half)
{
	u32 at;

	n = ring_claim_tail(ring, n, half, &at);
	ring_read_tail(ring, at, objs, n);
	return n;
}
EXPORT_SYMBOL_FOR_TESTS(pcpool_ring_pop_tail);

/* How many of @n objects a push would take now. For the producer. */
unsigned int pcpool_queue_room(const struct pcpool_queue *q, unsigned int n)
{
	struct pcpool_ring *ring = q->head;

	return ring ? ring_room(ring, atomic64_read(&ring->ends), n) : 0;
}
EXPORT_SYMBOL_FOR_TESTS(pcpool_queue_room);

/**
 * pcpool_queue_push() - push objects at the head, as far as there is room
 * @q: the queue; the caller is its producer
 * @objs: the objects, the oldest first
 * @n: how many
 *
 * Return: how many it took, from the first on. If not all, the queue wants
 * another ring; see pcpool_queue_add_ring().
 */
unsigned int pcpool_queue_push(struct pcpool_queue *q, void **objs,
			       unsigned int n)
{
	return q->head ? pcpool_ring_push(q->head, objs, n) : 0;
}
EXPORT_SYMBOL_FOR_TESTS(pcpool_queue_push);

/**
 * pcpool_queue_claim_head() - pop objects at the head, but leave them there
 * @q: the queue; the caller is its producer
 * @n: how many at most; set to how many it got
 * @at: set to where they are; see pcpool_ring_claim_head()
 *
 * Takes from one ring only, so it can get less than @n though there is more.
 *
 * Return: the ring they are in, or NULL if the queue is empty.
 */
struct pcpool_ring *pcpool_queue_claim_head(struct pcpool_queue *q,
					    unsigned int *n, u32 *at)
{
	struct pcpool_ring *ring;
	unsigned int got;

	/*
	 * An older ring may have been dropped by a consumer since @older was
	 * read. It is empty then, and stays in memory for our RCU section.
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
EXPORT_SYMBOL_FOR_TESTS(pcpool_queue_claim_head);

/**
 * pcpool_queue_pop_head() - pop objects at the head
 * @q: the queue; the caller is its producer
 * @objs: where to put them, the newest first
 * @n: how many at most
 *
 * Takes from one ring only, so it can return less than @n though there is more.
 *
 * Return: how many it got; 0 only if the queue is empty.
 */
unsigned int pcpool_queue_pop_head(struct pcpool_queue *q, void **objs,
				   unsigned int n)
{
	struct pcpool_ring *ring;
	u32 at;

	ring = pcpool_queue_claim_head(q, &n, &at);
	if (!ring)
		return 0;
	ring_read(ring, at, objs, n);
	return n;
}
EXPORT_SYMBOL_FOR_TESTS(pcpool_queue_pop_head);

/* The size that the next ring of @q should have. For the queue's own CPU. */
unsigned int pcpool_queue_next_size(const struct pcpool_queue *q)
{
	const struct pcpool_ring *ring = READ_ONCE(q->head);

	return ring ? min(ring->size * 2, PCPOOL_RING_MAX) : PCPOOL_RING_MIN;
}
EXPORT_SYMBOL_FOR_TESTS(pcpool_queue_next_size);

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
	 * (D): before anything moves from elsewhere into the ring, and before the caller
	 * reads what decides whether it does; pairs with the barriers of those who
	 * look for all that this CPU holds.
	 */
	smp_mb();
}
EXPORT_SYMBOL_FOR_TESTS(pcpool_queue_add_ring);

/**
 * pcpool_queue_release() - give back the memory of an empty queue
 * @q: the queue; the caller is its producer
 *
 * Does nothing if the queue holds an object.
 *
 * Return: whether the queue has no rings now.
 */
bool pcpool_queue_release(struct pcpool_queue *q)
{
	struct pcpool_ring *ring, *newer;

	/* No push is under way, so what is empty here stays empty. */
	if (pcpool_queue_count(q))
		return false;
	/*
	 * Each ring is freed by the one who moves @tail past it. A consumer that is
	 * about to move it finds it gone; it pairs with nothing else, since all
	 * that consumers can still do with these rings is to find them empty.
	 */
	ring = xchg(&q->tail, NULL);
	WRITE_ONCE(q->head, NULL);
	for (; ring; ring = newer) {
		newer = ring->newer;
		call_rcu(&ring->rcu, ring_free_rcu);
	}
	return true;
}
EXPORT_SYMBOL_FOR_TESTS(pcpool_queue_release);

/*
 * Claim up to @n objects at the tail of the oldest ring that has any. Returns how many; 0
 * only if the queue was empty at some moment. They are in @from, from @at on.
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
		 * (C): before the pop. The ring may be empty just now and be
		 * filled again, unless it had a newer one before we looked.
		 */
		newer = smp_load_acquire(&ring->newer);
		got = ring_claim_tail(ring, n, half, at);
		if (got) {
			*from = ring;
			return got;
		}
		if (!newer) {
			/*
			 * Once more if there is a newer one by now, as seen after
			 * the ring was seen empty; pairs with the release in
			 * pcpool_queue_add_ring(), and the order of the claim of who
			 * emptied it.
			 */
			smp_rmb();
			if (!READ_ONCE(ring->newer))
				return 0;
			continue;
		}
		/*
		 * Empty for good: drop it, so that the next consumer need not look.
		 * call_rcu() must not be called from NMI; leave that to others.
		 */
		if (!in_nmi() && cmpxchg(&q->tail, ring, newer) == ring) {
			WRITE_ONCE(newer->older, NULL);
			call_rcu(&ring->rcu, ring_free_rcu);
		}
		ring = newer;
	}
	return 0;
}

/**
 * pcpool_queue_pop_tail() - pop objects at the tail
 * @q: the queue
 * @objs: where to put them, the oldest first
 * @n: how many at most
 * @half: take no more than half of what the oldest ring has
 *
 * Takes from one ring only, so it can return less than @n though there is more.
 *
 * Return: how many it got; 0 only if the queue was empty at some moment.
 */
unsigned int pcpool_queue_pop_tail(struct pcpool_queue *q, void **objs,
				   unsigned int n, bool half)
{
	struct pcpool_ring *ring;
	u32 at;

	n = queue_claim_tail(q, n, half, &ring, &at);
	if (n)
		ring_read_tail(ring, at, objs, n);
	return n;
}
EXPORT_SYMBOL_FOR_TESTS(pcpool_queue_pop_tail);

/**
 * pcpool_queue_move() - pop objects at the tail, and push them to another queue
 * @q: the queue
 * @to: the queue to push to; the caller is its producer
 * @n: how many at most
 *
 * Moves no more than there is room for, in one piece, in the newest ring of @to.
 *
 * Return: how many it moved.
 */
unsigned int pcpool_queue_move(struct pcpool_queue *q, struct pcpool_queue *to,
			       unsigned int n)
{
	struct pcpool_ring *ring, *head = to->head;
	void **objs;
	u32 at;

	if (!head)
		return 0;
	n = ring_room(head, atomic64_read(&head->ends), n);
	objs = pcpool_ring_run(head, pcpool_ring_head(head), &n);
	if (n)
		n = queue_claim_tail(q, n, false, &ring, &at);
	if (n) {
		ring_read_tail(ring, at, objs, n);
		pcpool_ring_publish(head, n);
	}
	return n;
}
EXPORT_SYMBOL_FOR_TESTS(pcpool_queue_move);

/* How many objects there are; exact when nobody pushes or pops. For anyone. */
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
EXPORT_SYMBOL_FOR_TESTS(pcpool_queue_count);
