/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The shared array: a small, pool-wide array, indexed by bitmaps, that holds the idle
 * objects of a pool which may have only few of them. Knows no pool.
 *
 * Spread over private slots and queues, few objects would mostly be where no other CPU
 * looks. Here every CPU finds them, and there cannot be more of them than entries.
 *
 * All functions may be called from any context, including NMI, except those that allocate
 * and free the array.
 */
#ifndef _PCPOOL_ARRAY_H
#define _PCPOOL_ARRAY_H

#include <linux/types.h>

struct pcpool_array;

struct pcpool_array *pcpool_array_alloc(unsigned int size);
void pcpool_array_free(struct pcpool_array *array);

bool pcpool_array_put(struct pcpool_array *array, void *obj, unsigned int tier);
void *pcpool_array_take(struct pcpool_array *array, unsigned int tier);
unsigned int pcpool_array_count(const struct pcpool_array *array,
				unsigned int tier);

#endif /* _PCPOOL_ARRAY_H */
