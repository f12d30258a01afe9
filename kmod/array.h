/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The shelf: where the idle objects of a pool are that may have only a few, for all
 * CPUs together. Knows nothing of pools.
 *
 * Spread over private slots and queues, a few objects would mostly be where nobody looks; here
 * everybody finds them, and there cannot be more of them than there are places.
 *
 * Everything may be called from any context, NMI too, but for making and freeing a shelf.
 */
#ifndef _PCPOOL_SHELF_H
#define _PCPOOL_SHELF_H

#include <linux/types.h>

struct pcpool_array;

struct pcpool_array *pcpool_array_alloc(unsigned int size);
void pcpool_array_free(struct pcpool_array *shelf);

bool pcpool_array_put(struct pcpool_array *shelf, void *obj, unsigned int tier);
void *pcpool_array_take(struct pcpool_array *shelf, unsigned int tier);
unsigned int pcpool_array_count(const struct pcpool_array *shelf,
				unsigned int tier);

#endif /* _PCPOOL_SHELF_H */
