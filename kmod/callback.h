/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What lockdep is told about ops->free: it must not take a lock that is held around
 * pcpool_create(), pcpool_destroy(), pcpool_age() or pcpool_drain(). These may free objects,
 * or wait for a task that does, of any pool (reclaim). lockdep sees that without an object
 * being freed at the time, from one map for the callbacks of all pools. Knows no pool.
 *
 * The functions acquire the map for writing and release it at once, so that lockdep knows
 * what is held around them. ops->free is called with the map acquired for reading, and
 * recursively, because it may put the parts of an object to another pool, which frees them.
 *
 * Where the caller may not sleep, ops->free is called without the map. Otherwise lockdep
 * would take it for a lock that is used both in softirqs and with softirqs enabled.
 */
#ifndef _PCPOOL_CALLBACK_H
#define _PCPOOL_CALLBACK_H

#include <linux/lockdep.h>
#include <linux/types.h>

#include "context.h"

#ifdef CONFIG_LOCKDEP
extern struct lockdep_map pcpool_free_map;

/* Before ops->free is called. Returns what pcpool_free_end() needs. */
static inline bool pcpool_free_begin(void)
{
	bool sleepable = pcpool_may_sleep();

	if (sleepable)
		lock_map_acquire_read(&pcpool_free_map);
	return sleepable;
}

static inline void pcpool_free_end(bool begun)
{
	if (begun)
		lock_map_release(&pcpool_free_map);
}

/* In a function that may wait for ops->free of any pool. */
static inline void pcpool_might_free(void)
{
	lock_map_acquire(&pcpool_free_map);
	lock_map_release(&pcpool_free_map);
}
#else
static inline bool pcpool_free_begin(void)
{
	return false;
}

static inline void pcpool_free_end(bool begun)
{
}

static inline void pcpool_might_free(void)
{
}
#endif

#endif /* _PCPOOL_CALLBACK_H */
