/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Deferred puts: where an object goes when its put comes from a context that
 * may neither grow a queue nor free the object. A worker takes it from here and
 * puts it again from task context.
 *
 * It is a bag of cells, pool-wide, and there are always at least as many cells as
 * there are objects: who is about to make an object secures a cell first, in a context
 * where that can be waited for or refused. So a deferred put always finds a free cell,
 * however many come before the worker runs; that is the point of it.
 *
 * Everything here is lock-free and may be called from NMI, but for making and trimming
 * cells.
 */
#ifndef _PCPOOL_DEFERRED_H
#define _PCPOOL_DEFERRED_H

#include <linux/atomic.h>
#include <linux/gfp.h>
#include <linux/types.h>

/*
 * How many cells to have beyond those that are needed, so that objects can be
 * made where no cell can. pcpool_get() promises it to callers.
 */
#define PCPOOL_DEFERRED_SPARE	32

struct pcpool_deferred_chunk;

/**
 * struct pcpool_deferred - the cells of one pool
 * @chunks: all cells, in chunks, the newest first
 * @cells: how many cells there are
 * @needed: how many are spoken for: the objects in existence, and those about to be
 * @filled: how many hold an object, or are just being filled or emptied
 */
struct pcpool_deferred {
	struct pcpool_deferred_chunk *chunks;
	atomic_long_t slots;
	atomic_long_t reserved;
	atomic_long_t filled;
};

int pcpool_deferred_init(struct pcpool_deferred *d);
void pcpool_deferred_exit(struct pcpool_deferred *d);

bool pcpool_deferred_reserve(struct pcpool_deferred *d);
void pcpool_deferred_unreserve(struct pcpool_deferred *d);
bool pcpool_deferred_needs_slots(const struct pcpool_deferred *d);
bool pcpool_deferred_add_slots(struct pcpool_deferred *d, gfp_t gfp);
void pcpool_deferred_trim(struct pcpool_deferred *d);

bool pcpool_deferred_put(struct pcpool_deferred *d, void *obj);
void *pcpool_deferred_take(struct pcpool_deferred *d);
unsigned long pcpool_deferred_count(const struct pcpool_deferred *d);

#endif /* _PCPOOL_DEFERRED_H */
