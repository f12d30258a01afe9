/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Deferral slots: where an object is parked for a worker, when the calling context may
 * neither grow a queue nor free the object. Knows no pool.
 *
 * The slots are a pool-wide unordered set, and there are always at least as many of them
 * as there are objects: a slot is reserved before an object is allocated, in a context
 * that can wait or fail. So parking an object always finds a free slot, however many
 * objects arrive before the worker runs.
 *
 * All functions are lock-free and may be called from NMI, except those that add, trim or
 * free slots.
 */
#ifndef _PCPOOL_DEFERRED_H
#define _PCPOOL_DEFERRED_H

#include <linux/atomic.h>
#include <linux/gfp.h>
#include <linux/types.h>

/*
 * How many slots to have in addition to those that are reserved, so that objects can be
 * allocated in contexts where slots cannot. pcpool_get() documents this number.
 */
#define PCPOOL_DEFERRED_SPARE	32

struct pcpool_deferred_chunk;

/**
 * struct pcpool_deferred - the deferral slots for one purpose of one pool
 * @chunks: all slots, in chunks, the newest first
 * @slots: how many slots there are
 * @reserved: how many are reserved: one for each object that exists or is being allocated
 * @filled: how many hold an object, or are being filled or emptied
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
