// SPDX-License-Identifier: GPL-2.0
/*
 * Freeing an object; see release.h.
 */
#include <linux/percpu.h>
#include <linux/sizes.h>

#include "context.h"
#include "count.h"
#include "defer.h"
#include "handover.h"
#include "object.h"
#include "release.h"

/*
 * How many bytes of objects may be left to the worker before gets help. The worker usually
 * runs within a tick, and frees this much in well under a millisecond. A smaller bound would
 * make gets pay for a worker that is not late.
 */
#define BACKLOG_BYTES		SZ_1M

/*
 * How many objects such a get frees: more than one, so that the backlog shrinks if each get
 * is followed by a put that adds to it; and few, so that no get pays for the whole backlog.
 */
#define BACKLOG_STEP		2

/* Free an object, in the caller's context; see pcpool_may_free(). */
void pcpool_release(struct pcpool_core *core, void *obj)
{
	pcpool_object_free(core, obj);
	if (core->wait)
		pcpool_wait_freed(core);
}

/**
 * pcpool_drop() - free an object that is put and not kept
 * @core: the pool
 * @obj: the object
 * @task: the caller is known to be in task context where it may sleep, which cannot be
 *	found out on kernels that do not count preemption
 * @counter: which drops to count it with
 *
 * Frees it here if this context allows, or leaves it to the worker. Counts as a put.
 */
void pcpool_drop(struct pcpool_core *core, void *obj, bool task, atomic_long_t *counter)
{
	pcpool_count_put(core);
	if (!task && !pcpool_may_free(core->flags & PCPOOL_FREE_ATOMIC)) {
		/* Without slots for deferred frees, the worker counts it, if it is freed. */
		if (core->defers_frees)
			atomic_long_inc(counter);
		pcpool_defer_free(core, obj);
		return;
	}
	atomic_long_inc(counter);
	pcpool_release(core, obj);
}

/**
 * pcpool_free_backlog() - help the worker, if it is late with freeing objects
 * @core: the pool
 *
 * The caller is about to allocate an object and may sleep. It may keep this CPU busy, so
 * that the worker does not run, and every object that it gets and puts is left to the
 * worker: so it is where pcpool_may_sleep() cannot tell, or with puts under a spinlock.
 */
void pcpool_free_backlog(struct pcpool_core *core)
{
	struct pcpool_deferred *d = &core->deferred_frees;
	unsigned int i;
	void *obj;

	if (!core->defers_frees) {
		/* These may be idle again, unless the pool is bypassed: any get takes them. */
		if (!READ_ONCE(core->bypass))
			return;
		d = &core->deferred_puts;
	}
	for (i = 0; i < BACKLOG_STEP; i++) {
		if (pcpool_deferred_count(d) <= BACKLOG_BYTES / core->object_bytes)
			return;
		obj = pcpool_deferred_take(d);
		if (!obj)
			return;
		/* The rest was counted when the object was left to the worker. */
		if (!core->defers_frees)
			atomic_long_inc(&core->drop_other);
		pcpool_release(core, obj);
	}
}
