// SPDX-License-Identifier: GPL-2.0
/*
 * Freeing an object; see release.h.
 */
#include <linux/percpu.h>

#include "context.h"
#include "defer.h"
#include "handover.h"
#include "object.h"
#include "release.h"

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
 * @gfp: if it allows sleeping, the caller is in task context, which cannot be found out
 *	on kernels that do not count preemption
 * @counter: which drops to count it with
 *
 * Frees it here if this context allows, or leaves it to the worker. Counts as a put.
 */
void pcpool_drop(struct pcpool_core *core, void *obj, gfp_t gfp, atomic_long_t *counter)
{
	this_cpu_inc(core->cpu->off_slots);
	if (!gfpflags_allow_blocking(gfp) &&
	    !pcpool_may_free(core->flags & PCPOOL_FREE_MAY_SLEEP)) {
		/* Without deferred frees, the worker counts it. */
		if (core->defers_frees)
			atomic_long_inc(counter);
		pcpool_defer_free(core, obj);
		return;
	}
	atomic_long_inc(counter);
	pcpool_release(core, obj);
}
