/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a pool is created with: its callbacks and its parameters. Included by
 * linux/pcpool.h.
 */
#ifndef _LINUX_PCPOOL_PARAMS_H
#define _LINUX_PCPOOL_PARAMS_H

#include <linux/gfp.h>
#include <linux/types.h>

#include <uapi/linux/pcpool.h>

/**
 * struct pcpool_ops - callbacks of a pool
 * @alloc: Allocate and set up one object. Required. Returns the object, or
 *	%NULL if that failed; an ERR_PTR() counts as %NULL. Called by a get that
 *	finds no idle object and by pcpool_prefill(), in the context and with
 *	the gfp flags of that caller, without those that no pool can honour
 *	(%__GFP_ZERO and the like, and %__GFP_ACCOUNT; see the guide). In a pool
 *	with a reserve, a get calls it as mempool does: with %__GFP_NORETRY,
 *	%__GFP_NOMEMALLOC and %__GFP_NOWARN added, and while the reserve has
 *	objects, at first without %__GFP_DIRECT_RECLAIM and %__GFP_IO. There it
 *	must fail rather than sleep, and may be called twice by one get. For the
 *	reserve itself, it is called by pcpool_create() and by a worker.
 * @free: Free one object. Required. Memory reclaim calls it too, so it must not
 *	wait for memory. It must not take a lock that is held around an
 *	allocation that may reclaim, or around pcpool_create(),
 *	pcpool_destroy(), pcpool_age() or pcpool_drain() of any pool. Called in
 *	task context where it may sleep; a put elsewhere, or under a spinlock,
 *	leaves the free to a worker. With %PCPOOL_FREE_ATOMIC it is called there
 *	too, with preemption and interrupts as they are, but never in hardirq or
 *	NMI, and on PREEMPT_RT only where a sleeping lock may be taken.
 * @reset: Clean an object at each put, before another caller can get it.
 *	Optional. Called in the context of the put, which is NMI context if the
 *	client puts there. In a pool with @reset, every put takes a function
 *	call.
 * @bytes: Return the current size of the object in bytes. Required if
 *	max_object_bytes is set, otherwise unused. Called at each put, after
 *	@reset and in the same context.
 *
 * Each callback receives the ctx of &struct pcpool_params. No callback may call
 * pcpool_create(), pcpool_age(), pcpool_drain() or pcpool_destroy(), on any
 * pool.
 */
struct pcpool_ops {
	void *(*alloc)(gfp_t gfp, void *ctx);
	void (*free)(void *obj, void *ctx);
	void (*reset)(void *obj, void *ctx);
	size_t (*bytes)(const void *obj, void *ctx);
};

/* Value of decay_ms: never free an object without memory pressure. */
#define PCPOOL_DECAY_NEVER		(~0u)

/**
 * struct pcpool_params - parameters of a pool
 * @name: 1 to 31 characters of ``[A-Za-z0-9_.-]``, unique among the live pools.
 *	".", "..", "pools" and "snapshot" are reserved for debugfs. Copied.
 * @ops: The callbacks. Must remain valid as long as the pool.
 * @ctx: Passed to every callback.
 * @object_bytes: Usual size of one object in bytes, at least 1. Determines how
 *	memory reclaim counts the objects, and the default of @private_slots.
 * @max_object_bytes: A put frees an object for which ops->bytes returns more
 *	than this many bytes. At least @object_bytes. Requires ops->bytes. 0:
 *	any size.
 * @private_slots: Private slots per CPU, at most %PCPOOL_PRIVATE_SLOTS_MAX. 0:
 *	as many as hold 64 KiB of objects, but at least 1 and at most 16. Other
 *	CPUs cannot take objects from private slots. Therefore a pool with
 *	@max_total or @reserve has none, whatever this says, and neither has a
 *	pool with a @max_idle of at most 4 per possible CPU (and 1024 in all),
 *	which keeps its idle objects in one shared array.
 *	With a larger @max_idle, the slots of all CPUs that are present have at
 *	most a twelfth of it, or one slot each.
 * @max_idle: Most idle objects at any moment, on all CPUs together. A put
 *	beyond that frees its object. Except in a shared array, up to a quarter
 *	of this (not counting the reserve) can be set aside for the CPUs' own
 *	use. So a put may free its object when only three quarters are idle.
 *	0: elastic, the pool keeps every object.
 * @max_total: Most objects in existence at any moment, idle or outstanding. A
 *	get that would need one more waits for a put if its gfp flags allow
 *	that, and fails otherwise. 0: no quota.
 * @reserve: Number of objects to allocate at creation and to hold back, at most
 *	1000000. The reserve is neither aged nor drained. A get takes from it
 *	only if ops->alloc fails without reclaim, and a put refills it first. A
 *	get that finds even the reserve empty calls ops->alloc with all its
 *	flags, and if that fails too waits, if they allow that, until an
 *	object is put or can be allocated. The reserve is part of @max_idle and
 *	@max_total and must not exceed them. If the reserve falls short (an
 *	oversize drop, or a nested NMI put to a full pool), a worker refills it
 *	as soon as ops->alloc succeeds. 0: no reserve.
 * @steal: CPUs to steal from, see &enum pcpool_steal. Objects in a shared array
 *	(see @private_slots) are available to all CPUs regardless. In a pool
 *	with @max_total or @reserve, a get that would otherwise wait or fail
 *	searches all CPUs.
 * @decay_ms: Free an object that has been idle for one to two periods of this
 *	many milliseconds, without memory pressure. 0: the module parameter
 *	decay_ms, which is 60000 unless set otherwise; %PCPOOL_DECAY_NEVER: only
 *	under memory pressure. Isolated CPUs (isolcpus=, nohz_full=) are not
 *	interrupted for it, so what they keep stays longer.
 * @seeks: Cost of replacing an object, as in struct shrinker: the larger it is,
 *	the less reclaim takes from this pool compared with other caches. At most
 *	1000. 0: %DEFAULT_SEEKS.
 * @reclaim_gfp: Memory reclaim may call ops->free only on behalf of an
 *	allocation that has all of these flags: %__GFP_FS if ops->free enters a
 *	filesystem or takes locks held around %GFP_NOFS allocations, %__GFP_IO
 *	if it does block I/O. 0: any allocation.
 * @flags: Any of %PCPOOL_FREE_ATOMIC or %PCPOOL_FREE_MAY_SLEEP, %PCPOOL_BYPASS,
 *	%PCPOOL_ZERO_ON_PUT and %PCPOOL_PLAIN. 0: none.
 *
 * Gets and puts are out of line in pools with @max_total, @reserve or a shared
 * array, and puts where objects are cleaned (ops->reset, %PCPOOL_ZERO_ON_PUT) or
 * measured (@max_object_bytes). Other pools pay nothing for these features.
 *
 * Initialise the whole structure to zero first. Fields that a later version
 * adds are then 0, which always selects the default.
 */
struct pcpool_params {
	const char *name;
	const struct pcpool_ops *ops;
	void *ctx;
	size_t object_bytes;
	size_t max_object_bytes;
	unsigned int private_slots;
	unsigned long max_idle;
	unsigned long max_total;
	unsigned long reserve;
	enum pcpool_steal steal;
	unsigned int flags;
	unsigned int decay_ms;
	unsigned int seeks;
	gfp_t reclaim_gfp;
};

#endif /* _LINUX_PCPOOL_PARAMS_H */
