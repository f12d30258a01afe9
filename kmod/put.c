// SPDX-License-Identifier: GPL-2.0
/*
 * Puts: what happens when the inlined path (linux/pcpool.h) finds no room in the private
 * slots, or must not look there. A put checks and cleans the object, offers it to a
 * waiter or the reserve, and then makes it idle or drops it.
 *
 * Callbacks are called outside of all sections that disable preemption.
 */
#include <linux/bug.h>
#include <linux/export.h>
#include <linux/string.h>

#include "context.h"
#include "debug.h"
#include "fastpath.h"
#include "handover.h"
#include "idle.h"
#include "percpu.h"
#include "release.h"

/*
 * The first part of a put: checks and callbacks. Returns whether put_end() must follow.
 * @task: the caller says that it may sleep
 */
static bool put_begin(struct pcpool_core *core, void *obj, unsigned long caller, bool task)
{
	if (WARN(core->dead,
		 "pcpool: %s: object %p put after the pool was destroyed\n",
		 core->name, obj))
		return false;
	if (unlikely(READ_ONCE(core->debug)) && !pcpool_debug_put(core, obj, caller))
		return false;
	if (core->ops->reset)
		core->ops->reset(obj, core->ctx);
	/* Before the object is cleared. */
	if (core->max_object_bytes &&
	    core->ops->bytes(obj, core->ctx) > core->max_object_bytes) {
		pcpool_drop(core, obj, task, &core->drop_oversize);
		return false;
	}
	if (core->flags & PCPOOL_ZERO_ON_PUT)
		memzero_explicit(obj, core->object_bytes);
	if (unlikely(READ_ONCE(core->debug)))
		pcpool_debug_idle(core, obj);
	return true;
}

/* The second part: hand the object over, make it idle, or drop it. */
static void put_end(struct pcpool_core *core, void *obj, bool task)
{
	if (unlikely(core->wait) && pcpool_wait_offer(core, obj))
		return;
	if (unlikely(READ_ONCE(core->bypass)))
		pcpool_drop(core, obj, task, &core->drop_other);
	else if (unlikely(!pcpool_idle_keep(core, obj, PCPOOL_GFP_PUT)))
		pcpool_drop(core, obj, task, &core->drop_full);
	else
		pcpool_wake_waiters(core->wait);
}

/* A put to an elastic pool, after the fast path. */
static noinline void put_elastic(struct pcpool_core *core, void *obj)
{
	if (obj && !pcpool_idle_keep_percpu(core, obj, PCPOOL_GFP_PUT))
		pcpool_drop(core, obj, false, &core->drop_full);
}

/* A put to any other pool. */
static noinline void put_special(struct pcpool_core *core, void *obj, unsigned long caller)
{
	if (!obj)
		return;
	if (pcpool_keep_bounded(core, obj))
		return;
	if (put_begin(core, obj, caller, false))
		put_end(core, obj, false);
}

void __pcpool_put(struct pcpool *pool, void *obj)
{
	struct pcpool_core *core = pcpool_to_core(pool);

	if (unlikely(READ_ONCE(pool->put_slots) != core->slots))
		put_special(core, obj, _RET_IP_);
	else if (unlikely(!obj) || unlikely(!pcpool_spill_and_keep(core, obj)))
		put_elastic(core, obj);
}
EXPORT_SYMBOL_GPL(__pcpool_put);

/* As __pcpool_put(), with the word that the caller may sleep. */
void __pcpool_put_task(struct pcpool *pool, void *obj)
{
	struct pcpool_core *core = pcpool_to_core(pool);

	if (!obj)
		return;
	if (likely(READ_ONCE(pool->put_slots) == core->slots)) {
		if (!pcpool_spill_and_keep(core, obj) &&
		    !pcpool_idle_keep_percpu(core, obj, PCPOOL_GFP_PUT))
			pcpool_drop(core, obj, true, &core->drop_full);
	} else if (!pcpool_keep_bounded(core, obj) && put_begin(core, obj, _RET_IP_, true)) {
		put_end(core, obj, true);
	}
}
EXPORT_SYMBOL_GPL(__pcpool_put_task);

/* See linux/pcpool.h. */
void pcpool_put_bulk(struct pcpool *pool, unsigned int n, void **objs)
{
	struct pcpool_core *core = pcpool_to_core(pool);
	void *batch[PCPOOL_BATCH];
	unsigned int i, pushed;

	while (n) {
		unsigned int filled = 0;

		for (i = 0; i < n && filled < PCPOOL_BATCH; i++) {
			if (objs[i] && put_begin(core, objs[i], _RET_IP_, false))
				batch[filled++] = objs[i];
		}
		objs += i;
		n -= i;

		/*
		 * What exceeds the private slots goes to the queue at once, after their
		 * present contents. It would end up there anyway.
		 */
		pushed = 0;
		if (filled > core->nr_slots && !READ_ONCE(core->bypass) && !core->bounded)
			pushed = pcpool_percpu_push_after_slots(core, batch,
								filled - core->nr_slots);
		for (i = pushed; i < filled; i++)
			put_end(core, batch[i], false);
	}
}
EXPORT_SYMBOL_GPL(pcpool_put_bulk);
