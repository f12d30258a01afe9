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

/* A put to an elastic pool. */
static noinline void put_elastic(struct pcpool_core *core, void *obj)
{
	if (obj && !pcpool_idle_keep_percpu(core, obj, PCPOOL_GFP_PUT))
		pcpool_drop(core, obj, false, &core->drop_full);
}

static noinline void put_plain(struct pcpool_core *core, void *obj,
			       struct pcpool_slots __percpu *slots)
{
	/* NULL does no harm in a slot, and is not worth a test. */
	if (unlikely(!pcpool_spill_and_keep(core, slots, obj, false)))
		put_elastic(core, obj);
}

/* A put to a pool with a bound, whose slots are open to the inlined path. */
static noinline void put_bounded(struct pcpool_core *core, struct pcpool_slots __percpu *slots,
				 void *obj, bool task)
{
	if (!pcpool_spill_and_keep(core, slots, obj, true) &&
	    !pcpool_idle_keep_percpu(core, obj, PCPOOL_GFP_PUT))
		pcpool_drop(core, obj, task, &core->drop_full);
}

/* A put to a pool whose slots are not used, or whose objects vary in size. */
static noinline void put_checked(struct pcpool_core *core, void *obj, unsigned long caller,
				 bool task)
{
	if (put_begin(core, obj, caller, task))
		put_end(core, obj, task);
}

/* A put to a pool whose objects are cleaned at each put. */
static __always_inline void put_cleaned(struct pcpool_core *core,
					struct pcpool_slots __percpu *slots, void *obj, bool task)
{
	if (core->has_reset)
		core->ops->reset(obj, core->ctx);
	if (core->flags & PCPOOL_ZERO_ON_PUT)
		memzero_explicit(obj, core->object_bytes);
	if (unlikely(__pcpool_in_unsafe_nmi()) || unlikely(!__pcpool_slots_push(slots, obj)))
		put_end(core, obj, task);
}

/*
 * A put to any pool that is not elastic, or not at the moment.
 * @task: as in put_begin()
 */
static __always_inline void put_special(struct pcpool_core *core,
					struct pcpool_slots __percpu *slots, void *obj,
					unsigned long caller, bool task)
{
	struct pcpool_slots __percpu *cleaned = READ_ONCE(core->cleaned_slots);

	if (unlikely(!obj))
		return;
	if (cleaned)
		put_cleaned(core, cleaned, obj, task);
	else if (slots == core->slots)
		put_bounded(core, slots, obj, task);
	else
		put_checked(core, obj, caller, task);
}

static noinline void put_special_any(struct pcpool_core *core, void *obj,
				     struct pcpool_slots __percpu *slots, unsigned long caller)
{
	put_special(core, slots, obj, caller, false);
}

/* Short, so that no case has to save registers for another one. */
void __pcpool_put(struct pcpool *pool, void *obj)
{
	struct pcpool_core *core = pcpool_to_core(pool);
	struct pcpool_slots __percpu *slots = READ_ONCE(pool->put_slots);

	if (unlikely(slots != core->plain_slots))
		put_special_any(core, obj, slots, _RET_IP_);
	else
		put_plain(core, obj, slots);
}
EXPORT_SYMBOL_GPL(__pcpool_put);

/* As __pcpool_put(), with the word that the caller may sleep. */
void __pcpool_put_task(struct pcpool *pool, void *obj)
{
	struct pcpool_core *core = pcpool_to_core(pool);
	struct pcpool_slots __percpu *slots = READ_ONCE(pool->put_slots);

	if (!obj)
		return;
	if (likely(slots == core->plain_slots)) {
		if (!pcpool_spill_and_keep(core, slots, obj, false) &&
		    !pcpool_idle_keep_percpu(core, obj, PCPOOL_GFP_PUT))
			pcpool_drop(core, obj, true, &core->drop_full);
	} else {
		put_special(core, slots, obj, _RET_IP_, true);
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
