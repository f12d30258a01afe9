// SPDX-License-Identifier: GPL-2.0
/*
 * Deferred puts; see deferred.h for what they are for. This file uses the kernel's
 * atomics, RCU and allocator and nothing else of pcpool.
 *
 * A cell is NULL, an object, or SLOT_GONE in a chunk that is being trimmed; it changes
 * by compare-and-exchange only, so whoever makes the exchange owns what he got.
 * A chunk is found through an RCU-protected list: added at the front by anyone,
 * unlinked from behind the front by one trimmer at a time (the pool's age_lock).
 *
 * What orders what between CPUs:
 *
 *  (A) cells: the exchange that fills one and the exchange that empties it are
 *      both fully ordered; writes to the object before its put are visible after
 *      its get.
 *  (B) @needed and @cells: who makes an object adds to @needed, then reads @cells;
 *      the trimmer subtracts from @cells, then reads @needed. Value-returning
 *      atomics are fully ordered, so one of the two sees the other's
 *      change and gives way: @needed of those that go on never exceeds @cells.
 *  (C) @chunks: added with a full cmpxchg(), read with acquire semantics. @cells is
 *      added to afterwards, and read with acquire semantics too.
 *
 * What is counted as filled is counted before it is there, and until it is gone: so
 * whoever sees nothing counted overlooks nothing that was put before.
 */
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "deferred.h"
#include "testing.h"

/* A cell of a chunk that is being trimmed. Not NULL, and no object either. */
#define SLOT_GONE	((void *)&slot_gone)
static char slot_gone;

/*
 * How often to look through all cells for a free one. There is one at every moment, but
 * others can fill it, and free another, behind the back of the one who looks; each
 * time somebody has made progress. More often than this means that there are more
 * objects than were made: somebody puts objects that are not the pool's.
 */
#define PUT_ROUNDS	1000

/**
 * struct pcpool_deferred_chunk - some cells
 * @next: an older chunk
 * @size: how many cells
 * @filled: how many hold an object, or are just being filled or emptied
 * @put_at: where to look for a free cell first; a hint
 * @take_at: where to look for a filled one first; a hint
 * @rcu: frees the chunk
 * @cell: the cells
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

/* An empty pool has a few, so that objects can be made in any context. */
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
EXPORT_SYMBOL_FOR_TESTS(pcpool_deferred_init);

/* Nobody may be using it any more, and it must be empty. */
void pcpool_deferred_exit(struct pcpool_deferred *d)
{
	struct pcpool_deferred_chunk *chunk, *next;

	for (chunk = d->chunks; chunk; chunk = next) {
		next = chunk->next;
		kfree(chunk);
	}
	d->chunks = NULL;
}
EXPORT_SYMBOL_FOR_TESTS(pcpool_deferred_exit);

/**
 * pcpool_deferred_reserve() - secure a cell for an object that is about to be made
 * @d: the cells
 *
 * Return: false if there is none left; add cells, or do without the object.
 */
bool pcpool_deferred_reserve(struct pcpool_deferred *d)
{
	long needed = atomic_long_inc_return(&d->reserved); /* (B) */

	/* (C): who sees a cell counted will see its chunk. */
	if (likely(needed <= atomic_long_read_acquire(&d->slots)))
		return true;
	atomic_long_dec(&d->reserved);
	return false;
}
EXPORT_SYMBOL_FOR_TESTS(pcpool_deferred_reserve);

/* The object is unmade, or was not made after all. */
void pcpool_deferred_unreserve(struct pcpool_deferred *d)
{
	atomic_long_dec(&d->reserved);
}
EXPORT_SYMBOL_FOR_TESTS(pcpool_deferred_unreserve);

/* Are there so few spare cells that more should be made ahead of need? */
bool pcpool_deferred_needs_slots(const struct pcpool_deferred *d)
{
	return atomic_long_read(&d->slots) <
	       atomic_long_read(&d->reserved) + PCPOOL_DEFERRED_SPARE;
}
EXPORT_SYMBOL_FOR_TESTS(pcpool_deferred_needs_slots);

bool pcpool_deferred_add_slots(struct pcpool_deferred *d, gfp_t gfp)
{
	return add_chunk(d, MORE_SLOTS, gfp);
}
EXPORT_SYMBOL_FOR_TESTS(pcpool_deferred_add_slots);

static void chunk_free_rcu(struct rcu_head *rcu)
{
	kfree(container_of(rcu, struct pcpool_deferred_chunk, rcu));
}

/**
 * pcpool_deferred_trim() - give back the memory of cells that are not needed
 * @d: the cells
 *
 * The caller keeps other trimmers out.
 */
void pcpool_deferred_trim(struct pcpool_deferred *d)
{
	struct pcpool_deferred_chunk *chunk, *prev;
	unsigned int i;
	long keep;
	void *obj;

	/*
	 * The newest stays: taking it out would race with adding another. Pairs with
	 * the cmpxchg() in add_chunk(), see (C).
	 */
	prev = smp_load_acquire(&d->chunks);
	while ((chunk = prev->next)) {
		keep = atomic_long_read(&d->reserved) + PCPOOL_DEFERRED_SPARE;
		if (atomic_long_read(&d->slots) - chunk->size < keep)
			break;
		/* Look again now that it counts. */
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
EXPORT_SYMBOL_FOR_TESTS(pcpool_deferred_trim);

/* Fill a free cell of @chunk, if there is one. */
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

/* Empty a filled cell of @chunk, if there is one. */
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
 * pcpool_deferred_put() - leave an object for the worker
 * @d: the cells
 * @obj: the object, for which a cell was secured when it was made
 *
 * Context: Any context, NMI too.
 * Return: true; false only if objects were put that had never been made.
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
			 * Only the first round trusts the count: we may be interrupting
			 * the one who has to take his object off it.
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
EXPORT_SYMBOL_FOR_TESTS(pcpool_deferred_put);

/**
 * pcpool_deferred_take() - take out an object
 * @d: the cells
 *
 * May overlook an object whose put is just under way.
 *
 * Context: Any context, NMI too.
 * Return: The object, which is the caller's now, or NULL if there is none.
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
EXPORT_SYMBOL_FOR_TESTS(pcpool_deferred_take);

/* How many objects wait here; exact when nobody puts or takes. */
unsigned long pcpool_deferred_count(const struct pcpool_deferred *d)
{
	long n = atomic_long_read(&d->filled);

	return n > 0 ? n : 0;
}
EXPORT_SYMBOL_FOR_TESTS(pcpool_deferred_count);
