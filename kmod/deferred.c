// SPDX-License-Identifier: GPL-2.0
/*
 * Deferral slots; see deferred.h for their purpose. This file uses the kernel's atomics,
 * RCU and allocator and no other part of pcpool.
 *
 * A slot is NULL, an object, or SLOT_GONE in a chunk that is being trimmed. It changes by
 * compare-and-exchange or exchange only, so the context whose exchange succeeds owns what
 * was in the slot. Chunks are in an RCU-protected list: any context adds at the front, and
 * one trimmer at a time (serialised by the pool's age_lock) unlinks behind the front.
 *
 * Ordering between CPUs:
 *
 *  (A) slots: the exchange that fills a slot and the exchange that empties it are both
 *      fully ordered, so writes to the object before its put are visible after its get.
 *  (B) @reserved and @slots: a reservation adds to @reserved, then reads @slots. The
 *      trimmer subtracts from @slots, then reads @reserved. Value-returning atomics are
 *      fully ordered, so at least one of them sees the other's change and undoes its
 *      own: successful reservations never exceed @slots.
 *  (C) @chunks: added with a full cmpxchg(), read with acquire semantics. @slots is
 *      increased afterwards, and is read with acquire semantics too.
 *
 * An object is counted in @filled before it is in a slot, and until after it has left.
 * So a context that reads 0 there has missed no object that was parked before.
 */
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "deferred.h"
#include "testing.h"

/* A slot of a chunk that is being trimmed. Neither NULL nor an object. */
#define SLOT_GONE	((void *)&slot_gone)
static char slot_gone;

/*
 * How often to search all slots for a free one. There is always one, but other contexts
 * may fill it and empty another one behind the search; each time one of them makes
 * progress. Needing more rounds than this means that more objects were put than were
 * allocated: a caller puts objects that are not the pool's.
 */
#define PUT_ROUNDS	1000

/**
 * struct pcpool_deferred_chunk - an array of slots
 * @next: the next older chunk
 * @size: how many slots
 * @filled: how many hold an object, or are being filled or emptied
 * @put_at: where to look for a free slot first; a hint
 * @take_at: where to look for a filled slot first; a hint
 * @rcu: frees the chunk
 * @slot: the slots
 */
struct pcpool_deferred_chunk {
	struct pcpool_deferred_chunk *next;
	unsigned int size;
	atomic_t filled;
	unsigned int put_at;
	unsigned int take_at;
	struct rcu_head rcu;
	void *slot[];
};

/* An empty pool has a few, so that objects can be allocated in any context. */
#define FIRST_SLOTS	(2 * PCPOOL_DEFERRED_SPARE - \
			 sizeof(struct pcpool_deferred_chunk) / sizeof(void *))
/* Then a page at a time. */
#define MORE_SLOTS	((PAGE_SIZE - sizeof(struct pcpool_deferred_chunk)) / \
			 sizeof(void *))

static bool add_chunk(struct pcpool_deferred *d, unsigned int size, gfp_t gfp)
{
	struct pcpool_deferred_chunk *chunk, *next;

	chunk = kzalloc(struct_size(chunk, slot, size), gfp | __GFP_NOWARN);
	if (!chunk)
		return false;
	chunk->size = size;
	next = READ_ONCE(d->chunks);
	do {
		chunk->next = next;
	} while (!try_cmpxchg(&d->chunks, &next, chunk)); /* (C) */
	atomic_long_add(size, &d->slots);
	return true;
}

int pcpool_deferred_init(struct pcpool_deferred *d)
{
	return add_chunk(d, FIRST_SLOTS, GFP_KERNEL) ? 0 : -ENOMEM;
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_deferred_init);

/* The slots must be empty, and no other context may be using them. */
void pcpool_deferred_exit(struct pcpool_deferred *d)
{
	struct pcpool_deferred_chunk *chunk, *next;

	for (chunk = d->chunks; chunk; chunk = next) {
		next = chunk->next;
		kfree(chunk);
	}
	d->chunks = NULL;
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_deferred_exit);

/**
 * pcpool_deferred_reserve() - reserve a slot for an object that is about to be allocated
 * @d: the slots
 *
 * Return: false if none is left: add slots, or do not allocate the object.
 */
bool pcpool_deferred_reserve(struct pcpool_deferred *d)
{
	long reserved = atomic_long_inc_return(&d->reserved); /* (B) */

	/* (C): a context that sees a slot counted also sees its chunk. */
	if (likely(reserved <= atomic_long_read_acquire(&d->slots)))
		return true;
	atomic_long_dec(&d->reserved);
	return false;
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_deferred_reserve);

/* The object was freed, or could not be allocated. */
void pcpool_deferred_unreserve(struct pcpool_deferred *d)
{
	atomic_long_dec(&d->reserved);
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_deferred_unreserve);

/* Are there so few spare slots that more should be added ahead of need? */
bool pcpool_deferred_needs_slots(const struct pcpool_deferred *d)
{
	return atomic_long_read(&d->slots) <
	       atomic_long_read(&d->reserved) + PCPOOL_DEFERRED_SPARE;
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_deferred_needs_slots);

bool pcpool_deferred_add_slots(struct pcpool_deferred *d, gfp_t gfp)
{
	return add_chunk(d, MORE_SLOTS, gfp);
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_deferred_add_slots);

static void chunk_free_rcu(struct rcu_head *rcu)
{
	kfree(container_of(rcu, struct pcpool_deferred_chunk, rcu));
}

/**
 * pcpool_deferred_trim() - free slots that are not needed
 * @d: the slots
 *
 * The caller excludes other trimmers.
 */
void pcpool_deferred_trim(struct pcpool_deferred *d)
{
	struct pcpool_deferred_chunk *chunk, *prev;
	unsigned int i;
	long keep;
	void *obj;

	/*
	 * The newest chunk stays: unlinking it would race with adding another. Pairs
	 * with the cmpxchg() in add_chunk(), see (C).
	 */
	prev = smp_load_acquire(&d->chunks);
	while ((chunk = prev->next)) {
		keep = atomic_long_read(&d->reserved) + PCPOOL_DEFERRED_SPARE;
		if (atomic_long_read(&d->slots) - chunk->size < keep)
			break;
		/* Check again, now that the slots are no longer counted. */
		if (atomic_long_sub_return(chunk->size, &d->slots) <
		    atomic_long_read(&d->reserved)) { /* (B) */
			atomic_long_add(chunk->size, &d->slots);
			break;
		}
		for (i = 0; i < chunk->size; i++) {
			obj = xchg(&chunk->slot[i], SLOT_GONE);
			if (obj) {
				pcpool_deferred_put(d, obj);
				atomic_long_dec(&d->filled);
			}
		}
		WRITE_ONCE(prev->next, chunk->next);
		call_rcu(&chunk->rcu, chunk_free_rcu);
	}
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_deferred_trim);

/* Fill a free slot of @chunk, if there is one. */
static bool chunk_put(struct pcpool_deferred_chunk *chunk, void *obj)
{
	unsigned int i, at = READ_ONCE(chunk->put_at);

	atomic_inc(&chunk->filled);
	for (i = 0; i < chunk->size; i++, at++) {
		if (at >= chunk->size)
			at = 0;
		if (!READ_ONCE(chunk->slot[at]) &&
		    !cmpxchg(&chunk->slot[at], NULL, obj)) { /* (A) */
			WRITE_ONCE(chunk->put_at, at + 1);
			return true;
		}
	}
	atomic_dec(&chunk->filled);
	return false;
}

/* Empty a filled slot of @chunk, if there is one. */
static void *chunk_take(struct pcpool_deferred_chunk *chunk)
{
	unsigned int i, at = READ_ONCE(chunk->take_at);
	void *obj;

	for (i = 0; i < chunk->size; i++, at++) {
		if (at >= chunk->size)
			at = 0;
		obj = READ_ONCE(chunk->slot[at]);
		if (obj && obj != SLOT_GONE &&
		    cmpxchg(&chunk->slot[at], obj, NULL) == obj) { /* (A) */
			WRITE_ONCE(chunk->take_at, at + 1);
			atomic_dec(&chunk->filled);
			return obj;
		}
	}
	return NULL;
}

/**
 * pcpool_deferred_put() - park an object for the worker
 * @d: the slots
 * @obj: the object, for which a slot was reserved when it was allocated
 *
 * Context: Any context, including NMI.
 * Return: true; false only if more objects were put than were allocated.
 */
bool pcpool_deferred_put(struct pcpool_deferred *d, void *obj)
{
	struct pcpool_deferred_chunk *chunk;
	unsigned int round;
	bool done = false;

	atomic_long_inc(&d->filled);
	rcu_read_lock();
	for (round = 0; round < PUT_ROUNDS && !done; round++) {
		/* (C): pairs with the cmpxchg() in add_chunk(). */
		chunk = smp_load_acquire(&d->chunks);
		for (; chunk && !done; chunk = READ_ONCE(chunk->next)) {
			/*
			 * Only the first round trusts the count: this context may have
			 * interrupted the one that is about to decrease it.
			 */
			if (round || atomic_read(&chunk->filled) <
				     (int)chunk->size)
				done = chunk_put(chunk, obj);
		}
	}
	rcu_read_unlock();
	if (!done)
		atomic_long_dec(&d->filled);
	return done;
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_deferred_put);

/**
 * pcpool_deferred_take() - take a parked object
 * @d: the slots
 *
 * May miss an object that is just being parked.
 *
 * Context: Any context, including NMI.
 * Return: The object, which the caller now owns, or NULL if there is none.
 */
void *pcpool_deferred_take(struct pcpool_deferred *d)
{
	struct pcpool_deferred_chunk *chunk;
	void *obj = NULL;

	if (likely(atomic_long_read(&d->filled) <= 0))
		return NULL;
	rcu_read_lock();
	/* (C): pairs with the cmpxchg() in add_chunk(). */
	chunk = smp_load_acquire(&d->chunks);
	for (; chunk && !obj; chunk = READ_ONCE(chunk->next)) {
		if (atomic_read(&chunk->filled) > 0)
			obj = chunk_take(chunk);
	}
	rcu_read_unlock();
	if (obj)
		atomic_long_dec(&d->filled);
	return obj;
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_deferred_take);

/* How many objects are parked; exact while none is being parked or taken. */
unsigned long pcpool_deferred_count(const struct pcpool_deferred *d)
{
	long n = atomic_long_read(&d->filled);

	return n > 0 ? n : 0;
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_deferred_count);
