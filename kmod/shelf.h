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

struct pcpool_shelf;

struct pcpool_shelf *pcpool_shelf_alloc(unsigned int size);
void pcpool_shelf_free(struct pcpool_shelf *shelf);

bool pcpool_shelf_put(struct pcpool_shelf *shelf, void *obj, unsigned int tier);
void *pcpool_shelf_take(struct pcpool_shelf *shelf, unsigned int tier);
unsigned int pcpool_shelf_count(const struct pcpool_shelf *shelf,
				unsigned int tier);

#endif /* _PCPOOL_SHELF_H */
