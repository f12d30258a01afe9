// SPDX-License-Identifier: GPL-2.0
/*
 * The shelf; see array.h. This file uses the kernel's bit operations and nothing else of
 * pcpool.
 *
 * Each place is free, or holds an object of tier 0, or one of tier 1, or it is in
 * somebody's hands, who is just filling or emptying it. There is a bitmap for each of the first
 * three states, in which the place's bit is a lock: it is open, that is 0, if the place is
 * in this state; who locks it has the place in his hands; and he opens another when he is done.
 * So a place has at most one bit open, an object on the shelf has exactly one, and there are
 * never more objects than places. Whoever is interrupted in between holds up nobody, as others
 * pass over his place.
 *
 * What orders what between CPUs:
 *
 *  (A) Bits are locked with test_and_set_bit_lock() (acquire), and opened with
 *      clear_bit_unlock() (release). So who locks the bit of a full place sees the object,
 *      and all that was written to it before its put; and who locks that of a free one comes
 *      after the last who read the place.
 */
#include <linux/bitmap.h>
#include <linux/bitops.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/smp.h>

#include "array.h"
#include "testing.h"

/* CPUs begin to look at places this far apart, so that they seldom meet. */
#define PLACES_APART	8

/* The states of a place are the tiers, 0 and 1, and */
#define FREE	2
#define STATES	3

/**
 * struct pcpool_array - a shelf
 * @size: how many places
 * @locked: for each state, the places that are not in it
 * @obj: the places
 */
struct pcpool_array {
	unsigned int size;
	unsigned long *locked[STATES];
	void *obj[];
};

void pcpool_array_free(struct pcpool_array *shelf)
{
	unsigned int state;

	if (!shelf)
		return;
	for (state = 0; state < STATES; state++)
		bitmap_free(shelf->locked[state]);
	kfree(shelf);
}
EXPORT_SYMBOL_FOR_TESTS(pcpool_array_free);

/* A shelf of @size places, which may be 0. May sleep. */
struct pcpool_array *pcpool_array_alloc(unsigned int size)
{
	struct pcpool_array *shelf;
	unsigned int state;

	shelf = kzalloc(struct_size(shelf, obj, size), GFP_KERNEL);
	if (!shelf)
		return NULL;
	shelf->size = size;
	for (state = 0; state < STATES; state++) {
		/* Of no bits at all there would be no bitmap. */
		shelf->locked[state] = bitmap_zalloc(size + 1, GFP_KERNEL);
		if (!shelf->locked[state]) {
			pcpool_array_free(shelf);
			return NULL;
		}
		if (state != FREE)
			bitmap_fill(shelf->locked[state], size);
	}
	return shelf;
}
EXPORT_SYMBOL_FOR_TESTS(pcpool_array_alloc);

/* Lay hands on a place in @state, this CPU's favourite if possible. Returns which, or @size. */
static unsigned int lock_place(struct pcpool_array *shelf, unsigned int state)
{
	unsigned long *locked = shelf->locked[state];
	unsigned int first, i;

	if (!shelf->size)
		return 0;
	first = raw_smp_processor_id() * PLACES_APART % shelf->size;
	do {
		/* A guess: the bit is looked at again when it is set. */
		i = data_race(find_next_zero_bit(locked, shelf->size, first));
		if (i == shelf->size)
			/* As well. */
			i = data_race(find_next_zero_bit(locked, shelf->size, 0));
		if (i == shelf->size)
			break;
	} while (test_and_set_bit_lock(i, locked)); /* (A) */
	return i;
}

/**
 * pcpool_array_put() - leave an object
 * @shelf: the shelf
 * @obj: the object
 * @tier: the tier it belongs to, 0 or 1
 *
 * Return: false if all places are taken, or just being emptied.
 */
bool pcpool_array_put(struct pcpool_array *shelf, void *obj, unsigned int tier)
{
	unsigned int i = lock_place(shelf, FREE);

	if (i == shelf->size)
		return false;
	WRITE_ONCE(shelf->obj[i], obj);
	clear_bit_unlock(i, shelf->locked[tier]); /* (A) */
	return true;
}
EXPORT_SYMBOL_FOR_TESTS(pcpool_array_put);

/**
 * pcpool_array_take() - take an object
 * @shelf: the shelf
 * @tier: of which tier
 *
 * Return: The object, or NULL if there was none at some moment.
 */
void *pcpool_array_take(struct pcpool_array *shelf, unsigned int tier)
{
	unsigned int i = lock_place(shelf, tier);
	void *obj;

	if (i == shelf->size)
		return NULL;
	obj = READ_ONCE(shelf->obj[i]);
	clear_bit_unlock(i, shelf->locked[FREE]); /* (A) */
	return obj;
}
EXPORT_SYMBOL_FOR_TESTS(pcpool_array_take);

/* How many objects of @tier there are; exact when nobody puts or takes. */
unsigned int pcpool_array_count(const struct pcpool_array *shelf,
				unsigned int tier)
{
	/* Whoever wants it exact sees to it that nobody does. */
	return shelf->size - data_race(bitmap_weight(shelf->locked[tier], shelf->size));
}
EXPORT_SYMBOL_FOR_TESTS(pcpool_array_count);
