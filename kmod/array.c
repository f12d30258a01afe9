// SPDX-License-Identifier: GPL-2.0
/*
 * The shared array; see array.h. This file uses the kernel's bit operations and nothing
 * else of pcpool.
 *
 * An entry is free, or holds an object of tier 0, or one of tier 1, or is owned by a
 * context that is just filling or emptying it. Each of the first three states has a
 * bitmap, in which the entry's bit is a lock: 0 (unlocked) if the entry is in that state.
 * A context that locks the bit owns the entry, and afterwards unlocks the bit of its new
 * state. So at most one of an entry's bits is unlocked, an object in the array has exactly
 * one, and there are never more objects than entries. A context that is interrupted in
 * between blocks no other: they skip its entry.
 *
 * Ordering between CPUs:
 *
 *  (A) Bits are locked with test_and_set_bit_lock() (acquire) and unlocked with
 *      clear_bit_unlock() (release). So a context that locks the bit of a full entry sees
 *      the object, and everything written to it before its put; and one that locks the
 *      bit of a free entry comes after the last context that read the entry.
 */
#include <linux/bitmap.h>
#include <linux/bitops.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/smp.h>

#include "array.h"
#include "testing.h"

/* CPUs start their search this many entries apart, so that they seldom collide. */
#define ENTRIES_APART	8

/* The states of an entry are the tiers, 0 and 1, and this one. */
#define FREE	2
#define STATES	3

/**
 * struct pcpool_array - a shared array
 * @size: how many entries
 * @locked: for each state, the entries that are not in it
 * @obj: the entries
 */
struct pcpool_array {
	unsigned int size;
	unsigned long *locked[STATES];
	void *obj[];
};

void pcpool_array_free(struct pcpool_array *array)
{
	unsigned int state;

	if (!array)
		return;
	for (state = 0; state < STATES; state++)
		bitmap_free(array->locked[state]);
	kfree(array);
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_array_free);

/* Allocate an array of @size entries, which may be 0. May sleep. */
struct pcpool_array *pcpool_array_alloc(unsigned int size)
{
	struct pcpool_array *array;
	unsigned int state;

	array = kzalloc(struct_size(array, obj, size), GFP_KERNEL);
	if (!array)
		return NULL;
	array->size = size;
	for (state = 0; state < STATES; state++) {
		/* One bit more, because a bitmap of 0 bits cannot be allocated. */
		array->locked[state] = bitmap_zalloc(size + 1, GFP_KERNEL);
		if (!array->locked[state]) {
			pcpool_array_free(array);
			return NULL;
		}
		if (state != FREE)
			bitmap_fill(array->locked[state], size);
	}
	return array;
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_array_alloc);

/*
 * Lock an entry in @state, starting the search at this CPU's index. Returns the index of
 * the entry, or @size if there is none.
 */
static unsigned int lock_entry(struct pcpool_array *array, unsigned int state)
{
	unsigned long *locked = array->locked[state];
	unsigned int first, i;

	if (!array->size)
		return 0;
	first = raw_smp_processor_id() * ENTRIES_APART % array->size;
	do {
		/* Only a guess: setting the bit checks it again. */
		i = data_race(find_next_zero_bit(locked, array->size, first));
		if (i == array->size)
			/* Wrap around. */
			i = data_race(find_next_zero_bit(locked, array->size, 0));
		if (i == array->size)
			break;
	} while (test_and_set_bit_lock(i, locked)); /* (A) */
	return i;
}

/**
 * pcpool_array_put() - store an object
 * @array: the array
 * @obj: the object
 * @tier: the tier it belongs to, 0 or 1
 *
 * Return: false if all entries are full, or just being emptied.
 */
bool pcpool_array_put(struct pcpool_array *array, void *obj, unsigned int tier)
{
	unsigned int i = lock_entry(array, FREE);

	if (i == array->size)
		return false;
	WRITE_ONCE(array->obj[i], obj);
	clear_bit_unlock(i, array->locked[tier]); /* (A) */
	return true;
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_array_put);

/**
 * pcpool_array_take() - take an object
 * @array: the array
 * @tier: the tier to take from
 *
 * Return: The object, or NULL if the tier had none at some moment.
 */
void *pcpool_array_take(struct pcpool_array *array, unsigned int tier)
{
	unsigned int i = lock_entry(array, tier);
	void *obj;

	if (i == array->size)
		return NULL;
	obj = READ_ONCE(array->obj[i]);
	clear_bit_unlock(i, array->locked[FREE]); /* (A) */
	return obj;
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_array_take);

/* How many objects of @tier there are; exact while none is stored or taken. */
unsigned int pcpool_array_count(const struct pcpool_array *array,
				unsigned int tier)
{
	/* A caller that needs an exact number excludes concurrent changes. */
	return array->size - data_race(bitmap_weight(array->locked[tier], array->size));
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_array_count);
