/* SPDX-License-Identifier: GPL-2.0 */
/* pcpool: per-CPU pools of objects that are expensive to set up */
#ifndef _LINUX_PCPOOL_H
#define _LINUX_PCPOOL_H

#include <linux/kconfig.h>

/* Counters must not wrap, and 64-bit atomics must not be spinlocks. */
#ifndef CONFIG_64BIT
#error pcpool needs a 64-bit kernel (CONFIG_64BIT)
#endif

#include <linux/compiler.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/kernel.h>
#include <linux/pcpool_gfp.h>
#include <linux/pcpool_params.h>
#include <linux/pcpool_slots.h>
#include <linux/types.h>

#include <uapi/linux/pcpool.h>

struct module;

/**
 * DOC: Overview
 *
 * A pool keeps idle objects of one kind for reuse. pcpool_get() takes an idle
 * object from the pool, and allocates one only if there is none. pcpool_put()
 * gives it back::
 *
 *	pool = pcpool_create(&params);
 *	...
 *	ws = pcpool_get(pool, GFP_KERNEL);
 *	if (!ws)
 *		return -ENOMEM;
 *	...
 *	pcpool_put(pool, ws);
 *	...
 *	pcpool_destroy(pool);
 *
 * Each CPU keeps a few objects in private slots. A get that finds an object
 * there, and a put that finds room there, take no lock, no locked instruction
 * and no function call. Further objects are in a shared queue, which each CPU
 * has. A CPU without objects steals from the shared queues of other CPUs. Under
 * memory pressure, objects that stayed idle for two aging passes are freed.
 *
 * Use a pool for objects that
 *
 * - are expensive to set up compared with the cost of handing one over, well
 *   over a microsecond: compression workspaces, crypto requests, large buffers,
 *   initialised descriptors;
 * - are interchangeable. A get returns any object of the pool, in the state in
 *   which ops->reset or its last user left it.
 *
 * Do not use a pool for
 *
 * - objects with an identity, such as connections or files;
 * - small, plain memory: a kmem_cache is as fast for it, and integrates with
 *   memory cgroups and allocator debugging;
 * - objects of very different sizes in one pool: see linux/pcpool_buf.h.
 *
 * Private slots, stealing and the victim tier come from Go's sync.Pool
 * (src/sync/pool.go and poolqueue.go). To move an object by one per-CPU compare
 * and exchange is what this_cpu_cmpxchg() was introduced for, in the slab
 * allocator.
 */

/**
 * DOC: Contexts
 *
 * "Any context" means task, softirq and hardirq context, with interrupts
 * enabled or disabled, and with any lock held that the callbacks of the pool
 * tolerate. Calls on one pool may nest at any instruction. NMI context is
 * included only where the description says so. It also requires callbacks that
 * work in NMI context.
 *
 * Without CONFIG_ARCH_HAS_NMI_SAFE_THIS_CPU_OPS (x86, arm64, s390 and LoongArch
 * have it), an NMI may interrupt a change of per-CPU data halfway. There
 * pcpool_try_get() returns %NULL in NMI, and a put leaves the object to a
 * worker.
 *
 * No function may be called from probes attached to RCU or scheduler internals.
 */

/**
 * DOC: Ownership and errors
 *
 * A get makes the caller the owner of the object, and a put makes the pool its
 * owner again. In between, pcpool does not access the object. The caller must
 * put each object exactly once, to the pool that it came from.
 *
 * Functions differ in how they report that there is no object:
 *
 * - pcpool_get(), pcpool_get_local() and pcpool_try_get() return %NULL;
 * - pcpool_get_timeout() returns an ERR_PTR(), which says why. Its timeout is
 *   in jiffies;
 * - pcpool_get_bulk() returns the number of objects, which may be less than
 *   requested;
 * - pcpool_create() returns an ERR_PTR().
 */

/**
 * struct pcpool - a pool: the part that the inlined paths need; internal
 * @get_slots: Slots that inlined gets use.
 * @put_slots: Slots that inlined puts use.
 *
 * Both are normally the slots of the pool. Where the out-of-line path must see
 * every call (bypass, debug mode, ops->reset, bounds, a destroyed pool), they
 * are slots that are always empty for a get and full for a put. So features
 * that a pool does not use cost its hot path no instruction.
 */
struct pcpool {
	struct pcpool_slots __percpu *get_slots;
	struct pcpool_slots __percpu *put_slots;
};

struct pcpool * __must_check
__pcpool_create(const struct pcpool_params *params, struct module *owner);

/**
 * pcpool_create() - create a pool
 * @params: the parameters; only read during the call
 *
 * Allocates the objects of the reserve, and no others; see pcpool_prefill().
 * The calling module is the owner of the pool in debugfs, where the pool has a
 * directory of its name. The pool has a shrinker named pcpool-NAME.
 *
 * Context: Task context; may sleep. Not in a CPU hotplug callback, nor with
 * cpus_read_lock() held, nor in a callback of any pool.
 * Return: The pool, which the caller owns and must pass to pcpool_destroy(), or
 * an ERR_PTR(): -EINVAL (a parameter is invalid, the log says which), -EEXIST
 * (a live pool has that name) or -ENOMEM (no memory for the pool or its
 * reserve).
 */
#define pcpool_create(params)	__pcpool_create(params, THIS_MODULE)

/**
 * pcpool_destroy() - destroy a pool
 * @pool: the pool; %NULL or the ERR_PTR() of a failed pcpool_create() does
 *	nothing
 *
 * Frees all idle objects and all other resources of the pool.
 *
 * The caller must ensure that all objects have been put, and that no other call
 * on the pool is in progress or follows. Outstanding objects are leaked, and a
 * warning tells how many there are. In that case a small part of the pool stays
 * allocated until pcpool is unloaded, so that a late put is recognised. Such a
 * put warns, accesses neither the object nor any pool, and leaves the object to
 * the caller.
 *
 * Context: Task context where a %GFP_KERNEL allocation is allowed; waits for
 * memory reclaim to leave the pool. Not in a CPU hotplug callback, nor with
 * cpus_read_lock() held, nor in a callback of any pool.
 */
void pcpool_destroy(struct pcpool *pool);

/**
 * pcpool_destroy_wait() - destroy a pool after its last object has been put
 * @pool: the pool; %NULL or the ERR_PTR() of a failed pcpool_create() is ignored
 *
 * For a client whose objects are still in use elsewhere, for example at module
 * unload: waits until all of them have been put, and then does what
 * pcpool_destroy() does. Meanwhile puts free their objects. Every minute a line
 * in the log says how many objects are missing, and for how long it has waited.
 *
 * The caller must ensure that no get is in progress or follows. Puts may be in
 * progress, and follow.
 *
 * Context: As pcpool_destroy(); sleeps for as long as it takes.
 * Return: 0, or -EOPNOTSUPP on a preemptible kernel without CONFIG_TASKS_RCU,
 * where it cannot wait for puts in progress; the pool is then unchanged.
 */
int __must_check pcpool_destroy_wait(struct pcpool *pool);

/**
 * pcpool_get_timeout() - take an object from a pool, with a limit on the wait
 * @pool: the pool
 * @gfp: flags for an allocation, should one be needed; passed to ops->alloc
 * @timeout: longest time to wait for an object, in jiffies; 0: do not wait;
 *	%MAX_SCHEDULE_TIMEOUT or more: no limit
 *
 * Like pcpool_get(), except that it reports why there is no object, and that a
 * fatal signal ends the wait. Only pools with max_total or a reserve have
 * something to wait for. @timeout limits the wait for another caller's put, not
 * the time that ops->alloc takes.
 *
 * Without a reserve, the wait is freezable: it does not hold up suspend, and no
 * lock may be held that a task needs which is not frozen. With a reserve it is
 * not, because a frozen task would keep the object that it is handed, and
 * writing out memory may need it.
 *
 * Context: As pcpool_get(); waits only if @gfp allows blocking, as %GFP_KERNEL
 * does.
 * Return: An object, which the caller owns until it puts it, or an ERR_PTR(),
 * and never %NULL: -ETIMEDOUT (no object within @timeout), -EINTR (a fatal
 * signal), -EAGAIN (max_total is reached and @gfp does not allow blocking) or
 * -ENOMEM (no object was idle and none could be allocated).
 */
void * __must_check pcpool_get_timeout(struct pcpool *pool, gfp_t gfp, unsigned long timeout);

/**
 * pcpool_get_bulk() - take several objects from a pool, or allocate them
 * @pool: the pool
 * @gfp: flags for allocations, should they be needed; passed to ops->alloc
 * @n: number of objects; 0 does nothing, and @objs may be %NULL
 * @objs: array of @n elements that receives the objects
 *
 * Has the effect of @n calls of pcpool_get() at less cost, and stops at the
 * first that fails. In a pool with max_total or a reserve it waits for the
 * first object only. Two callers that waited for more objects while they hold
 * some could wait for each other for ever.
 *
 * Context: As pcpool_get().
 * Return: The number of objects, which are in the first elements of @objs and
 * which the caller owns until it puts them. Less than @n if a get failed.
 */
unsigned int __must_check pcpool_get_bulk(struct pcpool *pool, gfp_t gfp, unsigned int n,
					  void **objs);

/**
 * pcpool_put_bulk() - give several objects back to their pool
 * @pool: the pool that the objects came from
 * @n: number of elements of @objs; 0 does nothing, and @objs may be %NULL
 * @objs: the objects; %NULL elements are skipped
 *
 * Has the effect of calling pcpool_put() for each object in order, at less
 * cost. The pool owns the objects afterwards; the array still belongs to the
 * caller.
 *
 * Context: Any context, including NMI.
 */
void pcpool_put_bulk(struct pcpool *pool, unsigned int n, void **objs);

/**
 * pcpool_prefill() - allocate objects ahead of need
 * @pool: the pool
 * @gfp: flags for the allocations; passed to ops->alloc
 * @n: number of objects; %ULONG_MAX: as many as the pool may hold
 *
 * The objects become idle on this CPU, where other CPUs can steal them, and age
 * like all others. In a pool with max_total or a reserve, waiters and a reserve
 * that falls short come first, as at a put. The objects count as allocs, but
 * neither as gets nor as puts. A bypassed pool is not filled.
 *
 * Context: Any context in which ops->alloc may be called with @gfp. Not NMI.
 * Return: The number of objects that the pool kept. Less than @n if ops->alloc
 * or the growth of the queue failed, or if the pool is full or bypassed.
 */
unsigned long pcpool_prefill(struct pcpool *pool, gfp_t gfp, unsigned long n);

/**
 * pcpool_age() - run one aging pass
 * @pool: the pool
 *
 * Frees the objects that have already been idle for one aging pass, and moves
 * all other idle objects, except the reserve, to the victim tier: the next pass
 * frees them unless they are used before. After two calls without a put in
 * between, the pool holds no idle object but the reserve, on any CPU. The pass
 * is complete on return.
 *
 * Context: Task context; may sleep. Not in a CPU hotplug callback, nor with
 * cpus_read_lock() held, nor in a callback of any pool.
 * Return: The number of objects freed.
 */
unsigned long pcpool_age(struct pcpool *pool);

/**
 * pcpool_drain() - free all idle objects
 * @pool: the pool
 *
 * Frees every object that was idle when the call began, except the reserve.
 * Objects that are put during the call may or may not be freed.
 *
 * Context: Task context; may sleep. Not in a CPU hotplug callback, nor with
 * cpus_read_lock() held, nor in a callback of any pool.
 * Return: The number of objects freed.
 */
unsigned long pcpool_drain(struct pcpool *pool);

/**
 * pcpool_stats() - read the statistics of a pool
 * @pool: the pool
 * @stats: receives the statistics; the whole structure is overwritten
 *
 * The numbers are exact and consistent with each other if no get, put, aging
 * pass or worker runs meanwhile. Otherwise they are from slightly different
 * moments; see &struct pcpool_pool_stats. The call takes time in proportion to
 * the number of possible CPUs.
 *
 * Context: Any context.
 */
void pcpool_stats(struct pcpool *pool, struct pcpool_pool_stats *stats);

/* Out-of-line parts of the inline functions below. */
void *__pcpool_get(struct pcpool *pool, gfp_t gfp);
void *__pcpool_get_local(struct pcpool *pool, gfp_t gfp);
void *__pcpool_try_get(struct pcpool *pool);
void __pcpool_put(struct pcpool *pool, void *obj);
void __pcpool_put_task(struct pcpool *pool, void *obj);

/* Take an object from a private slot; %NULL if the out-of-line path must search. */
static __always_inline void *__pcpool_get_private(struct pcpool *pool)
{
	return __pcpool_slots_pop(READ_ONCE(pool->get_slots));
}

/* Keep @obj in a private slot; false if the out-of-line path must handle it. */
static __always_inline bool __pcpool_put_private(struct pcpool *pool, void *obj)
{
	return likely(!__pcpool_in_unsafe_nmi()) &&
	       __pcpool_slots_push(READ_ONCE(pool->put_slots), obj);
}

/**
 * pcpool_get() - take an object from a pool, or allocate one
 * @pool: the pool
 * @gfp: flags for an allocation, should one be needed; passed to ops->alloc
 *
 * Searches the private slots and the shared queue of this CPU, the main tier of
 * other CPUs, the victim tier of this CPU and those of other CPUs, as far as
 * the steal policy allows, and then calls ops->alloc.
 *
 * Everything that was written to the object before its put is visible to the
 * caller.
 *
 * @gfp says how to allocate, and must be right for the context even if an idle
 * object is found. It must not ask for a property of the memory
 * (%__GFP_ZERO, a zone, %__GFP_THISNODE and others; see the guide).
 *
 * If max_total is reached, or if the reserve is empty and ops->alloc failed,
 * and @gfp allows blocking (%GFP_KERNEL does, %GFP_ATOMIC and %GFP_NOWAIT do
 * not), the call waits until an object is put or may be allocated, however long
 * that takes. Signals do not end the wait; see pcpool_get_timeout() for that.
 * The task runs every few seconds, so that the wait is not reported as a hung
 * task. With a reserve, it counts as waiting for I/O, as with mempool.
 * Waiters are served in FIFO order. A running caller may take an object before
 * the first waiter until that has waited for a millisecond; then the next object
 * is handed over to it. Without max_total, a new caller may still allocate an
 * object for itself.
 *
 * When it allocates an object, pcpool also reserves a deferral slot, which a
 * later put of the object may need (see pcpool_put()). Now and then this
 * allocates up to a page, with @gfp. On PREEMPT_RT, and with
 * CONFIG_PROVE_RAW_LOCK_NESTING, pcpool does not allocate with interrupts or
 * preemption disabled. There it relies on slots allocated ahead of need, for at
 * least 32 objects, while a worker adds more. A get fails if other gets have
 * used them up before the worker runs. A get that steals may also allocate room
 * for more stolen objects, where that is allowed, but does not wait for it.
 *
 * Context: Any context in which ops->alloc may be called with @gfp. Not NMI.
 * May sleep if @gfp allows blocking.
 * Return: An object, which the caller owns until it puts it, or %NULL, and
 * never an ERR_PTR(). %NULL means that no object was idle and that ops->alloc
 * or the allocation of a deferral slot failed, even with %__GFP_NOFAIL, or that
 * max_total is reached and @gfp does not allow blocking.
 */
static __always_inline void * __must_check pcpool_get(struct pcpool *pool, gfp_t gfp)
{
	void *obj;

	__pcpool_check_gfp(gfp);
	obj = __pcpool_get_private(pool);
	return likely(obj) ? obj : __pcpool_get(pool, gfp);
}

/**
 * pcpool_get_local() - take an object from this CPU's part of a pool
 * @pool: the pool
 * @gfp: flags for an allocation, should one be needed; passed to ops->alloc
 *
 * Like pcpool_get(), but does not look for idle objects on other CPUs, unless
 * it would otherwise wait or fail in a pool with max_total or a reserve. For
 * objects that take no longer to allocate than to fetch from another CPU's
 * cache.
 *
 * Context: As pcpool_get().
 * Return: As pcpool_get(): an object, which the caller owns until it puts it,
 * or %NULL.
 */
static __always_inline void * __must_check pcpool_get_local(struct pcpool *pool, gfp_t gfp)
{
	void *obj;

	__pcpool_check_gfp(gfp);
	obj = __pcpool_get_private(pool);
	return likely(obj) ? obj : __pcpool_get_local(pool, gfp);
}

/**
 * pcpool_try_get() - take an idle object from a pool, if there is one
 * @pool: the pool
 *
 * Like pcpool_get(), but never calls ops->alloc and never waits. A call that
 * finds no object appears in no statistic. It does not take objects from a
 * bypassed pool, from a pool whose first waiter has waited for a millisecond,
 * or from a reserve.
 *
 * Context: Any context, including NMI.
 * Return: An object, which the caller owns until it puts it, or %NULL. In NMI
 * always %NULL without CONFIG_ARCH_HAS_NMI_SAFE_THIS_CPU_OPS.
 */
static __always_inline void * __must_check pcpool_try_get(struct pcpool *pool)
{
	void *obj;

	if (unlikely(__pcpool_in_unsafe_nmi()))
		return NULL;
	obj = __pcpool_get_private(pool);
	return likely(obj) ? obj : __pcpool_try_get(pool);
}

/**
 * pcpool_put() - give an object back to its pool
 * @pool: the pool that the object came from
 * @obj: the object; %NULL is ignored, an ERR_PTR() is not allowed
 *
 * The pool owns @obj afterwards, and the caller must not access it any more.
 *
 * A put cannot fail. The object goes into a private slot or into the shared
 * queue, which grows as needed. Where memory cannot be allocated (in hardirq or
 * NMI context, or with interrupts or preemption disabled), the object is parked
 * in a deferral slot, which was reserved when the object was allocated, until a
 * worker has grown the queue. So the number of puts in such a context is
 * limited only by the number of objects. Without
 * CONFIG_ARCH_HAS_NMI_SAFE_THIS_CPU_OPS, this is what a put in NMI does even if
 * there is room, except in pools with few objects.
 *
 * The object is freed instead
 *
 * - if the queue cannot grow for lack of memory, or if max_idle objects are
 *   idle already (counted as drop_full);
 * - if it is larger than max_object_bytes (counted as drop_oversize);
 * - if the pool is bypassed (counted as drop_other).
 *
 * Where ops->free may not be called, a worker frees it; see pcpool_put_task().
 *
 * Context: Any context, including NMI.
 */
static __always_inline void pcpool_put(struct pcpool *pool, void *obj)
{
	if (unlikely(!__pcpool_put_private(pool, obj)))
		__pcpool_put(pool, obj);
}

/**
 * pcpool_put_task() - give an object back, where the caller may sleep
 * @pool: the pool that the object came from
 * @obj: the object; %NULL is ignored, an ERR_PTR() is not allowed
 *
 * Like pcpool_put(), but what is freed is freed here, never by a worker.
 *
 * Context: Task context; may sleep, as CONFIG_DEBUG_ATOMIC_SLEEP checks.
 */
static __always_inline void pcpool_put_task(struct pcpool *pool, void *obj)
{
	might_sleep_if(IS_ENABLED(CONFIG_DEBUG_ATOMIC_SLEEP));
	if (unlikely(!__pcpool_put_private(pool, obj)))
		__pcpool_put_task(pool, obj);
}

#include <linux/pcpool_define.h>
#endif /* _LINUX_PCPOOL_H */
