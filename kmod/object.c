// SPDX-License-Identifier: GPL-2.0
/*
 * Allocating and freeing one object; see object.h. Callers are outside of all sections
 * that disable preemption, because ops->alloc and ops->free run in their context.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/printk.h>
#include <linux/string.h>

#include "callback.h"
#include "context.h"
#include "debug.h"
#include "defer.h"
#include "object.h"

/*
 * The part of a caller's gfp flags that ops->alloc gets: not what a hit would ignore, and
 * not whom to charge. While an object is idle, and while a task of another cgroup uses it,
 * it would stay charged to the cgroup that happened to need a new one.
 */
static gfp_t alloc_gfp(struct pcpool_core *core, gfp_t gfp)
{
	if (unlikely(gfp & __GFP_ACCOUNT) && !READ_ONCE(core->warned_account)) {
		WRITE_ONCE(core->warned_account, true);
		pr_warn("%s: __GFP_ACCOUNT is ignored, because all cgroups share the objects\n",
			core->name);
	}
	return gfp & ~(PCPOOL_GFP_REFUSED | __GFP_ACCOUNT);
}

/**
 * pcpool_object_alloc() - allocate an object that the limit already counts
 * @core: the pool
 * @gfp: how to allocate
 *
 * Return: The object, or ERR_PTR(-ENOMEM); the caller then releases its claim.
 */
void *pcpool_object_alloc(struct pcpool_core *core, gfp_t gfp)
{
	void *obj;

	gfp = alloc_gfp(core, gfp);
	if (!pcpool_defer_reserve(core, gfp))
		return ERR_PTR(-ENOMEM);
	obj = core->ops->alloc(gfp, core->ctx);
	if (IS_ERR_OR_NULL(obj)) {
		pcpool_defer_unreserve(core);
		return ERR_PTR(-ENOMEM);
	}
	if (unlikely(READ_ONCE(core->debug)))
		pcpool_debug_allocated(core, obj, gfp & PCPOOL_GFP);
	else
		atomic_long_inc(&core->objects);
	return obj;
}

/**
 * pcpool_object_alloc_limited() - allocate an object if the limit allows another one
 * @core: the pool
 * @gfp: how to allocate
 *
 * Return: The object, or ERR_PTR() of -EAGAIN (there may be no more) or -ENOMEM. After
 * -ENOMEM, waiters must be woken: for a moment, one object fewer could be allocated.
 */
void *pcpool_object_alloc_limited(struct pcpool_core *core, gfp_t gfp)
{
	void *obj;

	if (!core->wait)
		return pcpool_object_alloc(core, gfp);
	if (!pcpool_limit_claim(&core->wait->limit))
		return ERR_PTR(-EAGAIN);
	obj = pcpool_object_alloc(core, gfp);
	if (IS_ERR(obj))
		pcpool_limit_unclaim(&core->wait->limit);
	return obj;
}

/* Free an object, in the caller's context; see pcpool_may_free(). */
void pcpool_object_free(struct pcpool_core *core, void *obj)
{
	bool begun;

	if (unlikely(READ_ONCE(core->debug)))
		pcpool_debug_freed(core, obj);
	else
		atomic_long_dec(&core->objects);
	if (core->flags & PCPOOL_ZERO_ON_PUT)
		memzero_explicit(obj, core->object_bytes);
	begun = pcpool_free_begin();
	core->ops->free(obj, core->ctx);
	pcpool_free_end(begun);
	pcpool_defer_unreserve(core);
	if (core->wait)
		pcpool_limit_unclaim(&core->wait->limit);
}
