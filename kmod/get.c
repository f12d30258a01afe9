// SPDX-License-Identifier: GPL-2.0
/*
 * Gets: what happens when the inlined path (linux/pcpool.h) finds no object in the private
 * slots. A get looks for an idle object (idle.c, or wait.c for a pool with a quota or a
 * reserve), and then allocates one. The frequent cases come first, and end in calls
 * that need nothing of the caller's frame any more.
 *
 * Callbacks are called outside of all sections that disable preemption.
 */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/kmemleak.h>
#include <linux/minmax.h>
#include <linux/percpu.h>
#include <linux/sched.h>

#include "context.h"
#include "debug.h"
#include "fastpath.h"
#include "fault.h"
#include "handover.h"
#include "idle.h"
#include "object.h"
#include "wait.h"

static bool is_dead(const struct pcpool_core *core)
{
	return WARN(core->dead || READ_ONCE(core->ending),
		    "pcpool: %s: asked for an object after it was destroyed\n", core->name);
}

/* Allocate an object for a get. Returns an error if that fails. */
static void *get_new(struct pcpool_core *core, gfp_t gfp)
{
	return pcpool_count_miss(core, pcpool_wait_alloc(core, gfp));
}

/* A get from an elastic pool, after the fast path. */
static void *get_elastic(struct pcpool_core *core, gfp_t gfp, enum pcpool_reach reach,
			 unsigned long caller)
{
	void *obj = pcpool_idle_take_percpu(core, reach, true);

	if (likely(obj))
		return obj;
	obj = get_new(core, gfp);
	/* Debug mode may have been switched on, without waiting for sleepers in ops->alloc. */
	if (unlikely(READ_ONCE(core->debug)) && !IS_ERR(obj))
		pcpool_debug_got(core, obj, caller);
	return obj;
}

/* The fast path of a pool with a bound; NULL if that is not enough. */
static __always_inline void *take_with_credits(struct pcpool_core *core)
{
	struct pcpool_slots __percpu *slots = READ_ONCE(core->pool.get_slots);

	return slots == core->slots ? pcpool_refill_and_take(core, slots, true) : NULL;
}

/*
 * From now on, kmemleak shows this get, and not the allocation, if the object leaks. Only
 * gets that are out of line anyway can tell it: those of debug mode and of some bounded pools.
 */
static void *update_leak_trace(const struct pcpool_core *core, void *obj)
{
	bool plain = core->flags & (PCPOOL_PLAIN | PCPOOL_ZERO_ON_PUT);

	if (IS_ENABLED(CONFIG_DEBUG_KMEMLEAK) && plain && !IS_ERR_OR_NULL(obj) &&
	    pcpool_may_allocate_for(GFP_NOWAIT))
		kmemleak_update_trace(obj);
	return obj;
}

/* A get from any other pool, after take_with_credits(). */
static noinline void *get_special(struct pcpool_core *core, gfp_t gfp, enum pcpool_reach reach,
				  unsigned int state, long timeout, unsigned long caller)
{
	void *obj = NULL;

	if (is_dead(core))
		return ERR_PTR(-ENODEV);
	if (core->wait) {
		obj = pcpool_wait_get(core, gfp, reach == PCPOOL_REACH_LOCAL, state, timeout);
	} else if (pcpool_fault(core, gfp)) {
		obj = ERR_PTR(-ENOMEM);
	} else {
		if (!READ_ONCE(core->bypass))
			obj = pcpool_idle_take(core, reach, true);
		if (!obj)
			obj = get_new(core, gfp);
	}
	if (READ_ONCE(core->debug)) {
		pcpool_debug_gfp(core, gfp, caller);
		if (!IS_ERR(obj))
			pcpool_debug_got(core, obj, caller);
	}
	return update_leak_trace(core, obj);
}

/* For a get that returns NULL on failure. */
static void *count_error(struct pcpool_core *core, void *obj)
{
	if (!IS_ERR(obj))
		return obj;
	atomic_long_inc(&core->alloc_fail);
	return NULL;
}

/*
 * Called in tail position by __pcpool_get*(), so _RET_IP_ is the client's address; to pass
 * it would cost more. From pcpool_get_bulk() it is that function's own address.
 */
static noinline void *get_elastic_or_null(struct pcpool_core *core, gfp_t gfp,
					  enum pcpool_reach reach)
{
	return count_error(core, get_elastic(core, gfp, reach, _RET_IP_));
}

static noinline void *get_special_or_null(struct pcpool_core *core, gfp_t gfp,
					  enum pcpool_reach reach, long timeout,
					  unsigned long caller)
{
	void *obj = take_with_credits(core);

	if (likely(obj))
		return obj;
	return count_error(core, get_special(core, gfp, reach, TASK_UNINTERRUPTIBLE, timeout,
					     caller));
}

static __always_inline void *get(struct pcpool *pool, gfp_t gfp, enum pcpool_reach reach,
				 long timeout, unsigned long caller)
{
	struct pcpool_core *core = pcpool_to_core(pool);
	struct pcpool_slots __percpu *slots = READ_ONCE(pool->get_slots);
	void *obj;

	if (unlikely(slots != core->plain_slots))
		return get_special_or_null(core, gfp, reach, timeout, caller);
	obj = pcpool_refill_and_take(core, slots, false);
	return likely(obj) ? obj : get_elastic_or_null(core, gfp, reach);
}

void *__pcpool_get(struct pcpool *pool, gfp_t gfp)
{
	return get(pool, gfp, PCPOOL_REACH_ALL, MAX_SCHEDULE_TIMEOUT, _RET_IP_);
}
EXPORT_SYMBOL_GPL(__pcpool_get);

void *__pcpool_get_local(struct pcpool *pool, gfp_t gfp)
{
	return get(pool, gfp, PCPOOL_REACH_LOCAL, MAX_SCHEDULE_TIMEOUT, _RET_IP_);
}
EXPORT_SYMBOL_GPL(__pcpool_get_local);

static noinline void *try_get_special(struct pcpool_core *core, unsigned long caller)
{
	void *obj = take_with_credits(core);

	if (likely(obj))
		return obj;
	if (is_dead(core) || READ_ONCE(core->bypass) || pcpool_fault(core, GFP_NOWAIT))
		return NULL;
	/* First come, first served. */
	if (core->wait && pcpool_wait_must_queue(core->wait))
		return NULL;
	obj = pcpool_idle_take(core, PCPOOL_REACH_ALL, true);
	pcpool_wait_recheck(core->wait);
	if (obj && core->wait && pcpool_wait_gave_way(core->wait, obj))
		obj = NULL;
	if (READ_ONCE(core->debug) && obj)
		pcpool_debug_got(core, obj, caller);
	return update_leak_trace(core, obj);
}

void *__pcpool_try_get(struct pcpool *pool)
{
	struct pcpool_core *core = pcpool_to_core(pool);
	struct pcpool_slots __percpu *slots = READ_ONCE(pool->get_slots);
	void *obj;

	if (unlikely(slots != core->plain_slots))
		return try_get_special(core, _RET_IP_);
	obj = pcpool_refill_and_take(core, slots, false);
	return likely(obj) ? obj : pcpool_idle_take_percpu(core, PCPOOL_REACH_ALL, true);
}
EXPORT_SYMBOL_GPL(__pcpool_try_get);

/* See linux/pcpool.h. */
void *pcpool_get_timeout(struct pcpool *pool, gfp_t gfp, unsigned long timeout)
{
	struct pcpool_core *core = pcpool_to_core(pool);
	void *obj;

	__pcpool_check_gfp(gfp);
	obj = __pcpool_get_private(pool);
	if (obj)
		return obj;
	if (READ_ONCE(pool->get_slots) == core->plain_slots)
		obj = get_elastic(core, gfp, PCPOOL_REACH_ALL, _RET_IP_);
	else
		obj = take_with_credits(core) ?:
		      get_special(core, gfp, PCPOOL_REACH_ALL, TASK_KILLABLE,
				  min_t(unsigned long, timeout, MAX_SCHEDULE_TIMEOUT), _RET_IP_);
	if (IS_ERR(obj))
		atomic_long_inc(&core->alloc_fail);
	return obj;
}
EXPORT_SYMBOL_GPL(pcpool_get_timeout);

/*
 * Take up to @n objects directly from this CPU's queue, without moving them through the
 * private slots. Returns how many; 0 if there is none.
 */
static unsigned int take_batch(struct pcpool_core *core, unsigned int n, void **objs)
{
	struct pcpool_cpu *c;

	preempt_disable();
	/* If the hint is wrong, the private slots have more. */
	*objs = pcpool_percpu_take_hidden(core);
	if (*objs) {
		n = 1;
		this_cpu_inc(core->slots->hits);
	} else {
		c = this_cpu_ptr(core->cpu);
		n = pcpool_percpu_pop(core, pcpool_own_main_tier(c), objs, min(n, PCPOOL_BATCH));
		if (n)
			WRITE_ONCE(c->refilled, PCPOOL_REFILLED);
		this_cpu_add(core->cpu->hit_shared, n);
	}
	preempt_enable();
	return n;
}

/* See linux/pcpool.h. */
unsigned int pcpool_get_bulk(struct pcpool *pool, gfp_t gfp, unsigned int n,
			     void **objs)
{
	struct pcpool_core *core = pcpool_to_core(pool);
	unsigned int got = 0, taken;
	void *obj;

	__pcpool_check_gfp(gfp);
	while (got < n && (obj = __pcpool_get_private(pool)))
		objs[got++] = obj;
	while (got < n && READ_ONCE(pool->get_slots) == core->plain_slots) {
		taken = take_batch(core, n - got, objs + got);
		if (!taken)
			break;
		got += taken;
	}
	/* Wait for the first object only: two callers that hold some could deadlock. */
	while (got < n && ((obj = __pcpool_get_private(pool)) ||
			   (obj = get(pool, gfp, PCPOOL_REACH_ALL,
				      got ? 0 : MAX_SCHEDULE_TIMEOUT, _RET_IP_))))
		objs[got++] = obj;
	return got;
}
EXPORT_SYMBOL_GPL(pcpool_get_bulk);
