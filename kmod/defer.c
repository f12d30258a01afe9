// SPDX-License-Identifier: GPL-2.0
/*
 * Leaving an object to a pool's worker; see defer.h. The reservation runs where objects
 * are allocated; the rest may be called from any context, including NMI.
 */
#include "context.h"
#include "defer.h"

/*
 * Reserve a deferral slot of @d for a new object. More slots are added ahead of need:
 * here, if this context may allocate, or else by the worker.
 */
static bool reserve_slot(struct pcpool_core *core, struct pcpool_deferred *d, gfp_t gfp)
{
	if (unlikely(pcpool_deferred_needs_slots(d))) {
		if (pcpool_may_allocate_for(gfp))
			pcpool_deferred_add_slots(d, gfp & PCPOOL_GFP);
		else
			pcpool_schedule_worker(core);
	}
	/* Other contexts may have reserved the slots that there were, or trimmed them. */
	while (!pcpool_deferred_reserve(d)) {
		if (!pcpool_may_allocate_for(gfp) ||
		    !pcpool_deferred_add_slots(d, gfp & PCPOOL_GFP))
			return false;
	}
	return true;
}

/*
 * Reserve room for a later put of a new object, in whatever context that will be. @gfp is
 * how the object is allocated.
 */
bool pcpool_defer_reserve(struct pcpool_core *core, gfp_t gfp)
{
	if (!reserve_slot(core, &core->deferred_puts, gfp))
		return false;
	if (!core->defers_frees || reserve_slot(core, &core->deferred_frees, gfp))
		return true;
	pcpool_deferred_unreserve(&core->deferred_puts);
	return false;
}

void pcpool_defer_unreserve(struct pcpool_core *core)
{
	pcpool_deferred_unreserve(&core->deferred_puts);
	if (core->defers_frees)
		pcpool_deferred_unreserve(&core->deferred_frees);
}

static void park(struct pcpool_core *core, struct pcpool_deferred *d, void *obj)
{
	/*
	 * Fails if a client puts more objects than it got. This context has no way to
	 * dispose of the object, so it is leaked; nothing else is affected.
	 */
	if (!pcpool_deferred_put(d, obj))
		WARN_ONCE(1, "pcpool: %s: more objects put than were allocated\n",
			  core->name);
}

/* Park an idle object in a deferral slot; the caller sees to it that it is taken again. */
void pcpool_defer_park(struct pcpool_core *core, void *obj)
{
	park(core, &core->deferred_puts, obj);
}

/* Leave @obj to the worker, which makes it idle. Until then any get may take it. */
void pcpool_defer_put(struct pcpool_core *core, void *obj)
{
	atomic_long_inc(&core->nr_deferred);
	pcpool_defer_park(core, obj);
	pcpool_schedule_worker(core);
}

/*
 * Leave @obj to the worker, which frees it. A pool without bounds has no slots of its own
 * for this: there a get may still take the object, or else the worker keeps or drops it.
 */
void pcpool_defer_free(struct pcpool_core *core, void *obj)
{
	atomic_long_inc(&core->nr_deferred);
	park(core, core->defers_frees ? &core->deferred_frees : &core->deferred_puts, obj);
	pcpool_schedule_worker(core);
}
