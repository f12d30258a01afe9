/* SPDX-License-Identifier: GPL-2.0 */
/*
 * pcpool: per-CPU pools of objects that are dear to make
 *
 * A pool keeps idle objects, all alike, for whoever needs one next. Each CPU
 * has a few in private slots, which it takes from and gives to without a lock,
 * a locked instruction or a function call; what does not fit there is in the
 * CPU's shared queue, from which other CPUs steal when they have nothing; and
 * when memory gets short, objects that stayed idle for two aging passes are
 * freed.
 *
 * Use it for objects that cost much more to make than to hand over (well over
 * a microsecond: compression workspaces, crypto requests, large buffers, set-up
 * descriptors) and that anyone may have: an object comes back from the pool in
 * whatever state ops->reset or its last user left it. Do not use it for
 *
 *  - objects with an identity (connections, files): a pool hands out any one;
 *  - small plain memory: kmem_cache is as good and knows more;
 *  - objects of wildly different sizes in one pool.
 *
 * Contexts. "Any context" below means task, softirq and hardirq context, with
 * interrupts on or off, and with any locks held that the pool's callbacks
 * tolerate; but not from within RCU or the scheduler, where a probe can land.
 * "NMI too" needs an architecture whose this_cpu_cmpxchg() works in NMI (x86 and
 * arm64 are), and callbacks that do.
 *
 * The idea, the private slot, the stealing and the victim tier are those of
 * Go's sync.Pool (src/sync/pool.go, poolqueue.go). Moving each object by one
 * per-CPU compare-and-exchange is what this_cpu_cmpxchg() was made for in the
 * slab allocator.
 */
#ifndef _LINUX_PCPOOL_H
#define _LINUX_PCPOOL_H

#include <linux/compiler.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/gfp.h>
#include <linux/percpu.h>
#include <linux/types.h>

#include <uapi/linux/pcpool.h>

struct module;

/* The most private slots a CPU can have in one pool. */
#define PCPOOL_PRIVATE_SLOTS_MAX	64u

/**
 * struct pcpool_ops - how the objects of a pool are made, cleaned and unmade
 * @alloc: Make one object, or return %NULL; any ERR_PTR() counts as %NULL. Required.
 *	Called from the pcpool_get() that found nothing, in that caller's context and with
 *	its gfp flags, and from pcpool_prefill(). In a pool with a reserve, a get adds
 *	%__GFP_NORETRY, %__GFP_NOMEMALLOC and %__GFP_NOWARN, as mempool does: there,
 *	to fail is better than to try hard, and a worker makes up for reserve objects
 *	that have been dropped.
 * @free: Unmake one object. Required. Called from reclaim too, so it must not
 *	wait for memory, nor take a lock that is held around an allocation that
 *	may reclaim, or around pcpool_create() or pcpool_destroy(). Never called
 *	from hardirq or NMI context, and on PREEMPT_RT only from where a sleeping
 *	lock may be taken; otherwise it runs with preemption and interrupts as the
 *	caller of pcpool_put() had them. With
 *	%PCPOOL_FREE_MAY_SLEEP it is only called from task context and may sleep.
 * @reset: Clean an object at each put, before anyone else can get it.
 *	Optional. Called in the context of the put, so from NMI too if the
 *	client puts from NMI. A pool with @reset pays a function call a put.
 * @bytes: The object's footprint now, in bytes. Optional, but for pools with
 *	max_object_bytes, which call it at each put, after @reset and in its context.
 *
 * Each gets the ctx of struct pcpool_params. None may call pcpool_create(), pcpool_age(),
 * pcpool_drain() or pcpool_destroy(), of any pool.
 */
struct pcpool_ops {
	void *(*alloc)(gfp_t gfp, void *ctx);
	void (*free)(void *obj, void *ctx);
	void (*reset)(void *obj, void *ctx);
	size_t (*bytes)(const void *obj, void *ctx);
};

/**
 * struct pcpool_params - what a pool is to be like
 * @name: 1 to 31 characters of [A-Za-z0-9_.-], unique among live pools; not
 *	".", "..", "pools" or "snapshot", which debugfs needs. Copied.
 * @ops: The callbacks; must live as long as the pool.
 * @ctx: Handed to every callback.
 * @object_bytes: Usual footprint of one object, in bytes; at least 1. Decides
 *	how reclaim counts the objects, and how many private slots a CPU gets.
 * @max_object_bytes: An object whose ops->bytes is more than this is freed at its put;
 *	at least @object_bytes. 0: any size. Needs ops->bytes.
 * @private_slots: Private slots per CPU, at most %PCPOOL_PRIVATE_SLOTS_MAX. 0:
 *	as many as hold 64 KiB of objects, but at least 1 and at most 16. What is
 *	in a private slot is out of the reach of other CPUs; so pools with @max_total,
 *	@reserve, or a @max_idle of 4 a possible CPU or less have none, whatever
 *	this says.
 * @max_idle: Most idle objects at any moment, on all CPUs together; a put beyond that
 *	frees its object. 0: elastic, every object put is kept.
 * @max_total: Most objects in existence at any moment, idle or not. A get that would need one
 *	more waits, if its gfp flags allow it to, until one is put, and fails if they do
 *	not. 0: no quota.
 * @reserve: So many objects are made at creation, and held back: they are neither aged nor
 *	drained, and a get only takes one when ops->alloc fails; a put replaces
 *	it before all else. A get that finds even the reserve gone waits, if its gfp
 *	flags allow it to, until an object is put, or one can be made. At most
 *	@max_idle and @max_total, where these are set; they count the reserve too. Should
 *	objects of it be lost to it after all (ops->bytes said more than @max_object_bytes, or
 *	they were put from NMI into a full pool, in the middle of another put), it is filled up
 *	as soon as ops->alloc has memory.
 * @steal: From which CPUs to steal, enum pcpool_steal. A few bounded objects that are all
 *	on one shelf (see @private_slots) are there for all CPUs; and who would else have
 *	to wait or to do without takes from wherever there is one.
 * @flags: %PCPOOL_FREE_MAY_SLEEP, %PCPOOL_BYPASS, %PCPOOL_ZERO_ON_PUT, %PCPOOL_PLAIN, or 0.
 *
 * What a pool with @max_idle, @max_total or @reserve has to do more at each get and put is out
 * of line; others pay nothing for it.
 *
 * Clear the whole structure first: a field this version does not know is then 0,
 * which always means the default.
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
};

/**
 * struct pcpool_slots - one CPU's private slots; only pcpool itself touches it
 * @top: Where the object put last is; slot[0] if there is none. As a per-CPU pointer, so
 *	it is the same number on each CPU, and means its own slot there
 * @hits: Gets served from these slots
 * @slot: slot[0] is always empty and slot[number of slots + 1] never, so that
 *	neither a get at the bottom nor a put at the top has to compare @top with
 *	a limit; between them are the private slots
 *
 * A slot is the truth about the object in it, and a get or put moves it with one
 * per-CPU compare-and-exchange. @top is only a hint: an interrupt or a migration
 * between reading @top and moving the object can at worst leave it wrong, and
 * then the out-of-line path looks through all slots and mends it. So there is
 * nothing inlined that needs preemption or interrupts disabled, nor a nested case.
 * While the out-of-line paths move several objects at a time, @top points to slots
 * that are empty and full at once, so that they are left alone.
 */
struct pcpool_slots {
	unsigned long top;
	unsigned long hits;
	void *slot[];
};

/**
 * struct pcpool - a pool, as much of it as the inlined paths need
 * @get_slots: The slots that gets are inlined for
 * @put_slots: The slots that puts are inlined for
 *
 * Both are the pool's own slots, or, where the out-of-line path must see every
 * call (bypass, ops->reset, a destroyed pool), slots that are always empty and
 * full at once: what a pool does not use costs its hot path no instruction.
 */
struct pcpool {
	struct pcpool_slots __percpu *get_slots;
	struct pcpool_slots __percpu *put_slots;
};

struct pcpool *__pcpool_create(const struct pcpool_params *params,
			       struct module *owner);
void pcpool_destroy(struct pcpool *pool);

void *pcpool_get_timeout(struct pcpool *pool, gfp_t gfp, unsigned long timeout);
unsigned int pcpool_get_bulk(struct pcpool *pool, gfp_t gfp, unsigned int n,
			     void **objs);
void pcpool_put_bulk(struct pcpool *pool, unsigned int n, void **objs);

unsigned long pcpool_prefill(struct pcpool *pool, gfp_t gfp, unsigned long n);
unsigned long pcpool_age(struct pcpool *pool);
unsigned long pcpool_drain(struct pcpool *pool);
void pcpool_stats(struct pcpool *pool, struct pcpool_pool_stats *stats);

/* The out-of-line halves of what is inlined below. */
void *__pcpool_get(struct pcpool *pool, gfp_t gfp);
void *__pcpool_get_local(struct pcpool *pool, gfp_t gfp);
void *__pcpool_try_get(struct pcpool *pool);
void __pcpool_put(struct pcpool *pool, void *obj);

/**
 * pcpool_create() - make a pool
 * @params: what it is to be like; only read during the call
 *
 * Makes no object yet but the reserve: see pcpool_prefill(). The pool appears in debugfs under
 * its name, with the calling module as its owner, and gets a shrinker named
 * pcpool-NAME.
 *
 * Context: Task context, may sleep. Not from a CPU hotplug callback, nor with
 * cpus_read_lock() held.
 * Return: The pool, which the caller owns and gives to pcpool_destroy(); or
 * ERR_PTR() of -EINVAL (a parameter is wrong; the log says which), -EEXIST (a
 * live pool has that name) or -ENOMEM (also for the objects of the reserve).
 */
#define pcpool_create(params)	__pcpool_create(params, THIS_MODULE)

#ifdef this_cpu_try_cmpxchg
#define __pcpool_try_cmpxchg(slot, old, new)	\
	this_cpu_try_cmpxchg(slot, old, new)
#else /* before Linux 6.5 */
#define __pcpool_try_cmpxchg(slot, old, new)				\
({									\
	__auto_type __oldp = (old);					\
	__auto_type __old = *__oldp;					\
									\
	this_cpu_cmpxchg(slot, __old, new) == __old;			\
})
#endif

/*
 * Pop the object that was pushed last from this CPU's slots, or return %NULL. The
 * inlined half of every get. From any context.
 */
static __always_inline void *__pcpool_slots_pop(struct pcpool_slots __percpu *slots)
{
	void * __percpu *top = (void * __percpu *)this_cpu_read(slots->top);
	void *obj = this_cpu_read(*top);

	if (unlikely(!obj))
		return NULL;
	if (unlikely(!__pcpool_try_cmpxchg(*top, &obj, NULL)))
		return NULL;
	/*
	 * Stored, not decremented: @top was read from a hint that was in range, so the
	 * new value is in range too, on whichever CPU this runs by now.
	 */
	this_cpu_write(slots->top, (unsigned long)(top - 1));
	this_cpu_inc(slots->hits);
	return obj;
}

/*
 * Push an object to this CPU's slots; false if there is no room. The inlined half of
 * every put. From any context. A %NULL object needs no check: it replaces the %NULL of
 * the empty slot. That moves the hint, which the next get corrects.
 */
static __always_inline bool __pcpool_slots_push(struct pcpool_slots __percpu *slots, void *obj)
{
	void * __percpu *top = (void * __percpu *)this_cpu_read(slots->top);
	void *empty = NULL;

	if (unlikely(!__pcpool_try_cmpxchg(top[1], &empty, obj)))
		return false;
	this_cpu_write(slots->top, (unsigned long)(top + 1));
	return true;
}

/* What the private slots have, or %NULL. */
static __always_inline void *__pcpool_get_private(struct pcpool *pool)
{
	return __pcpool_slots_pop(READ_ONCE(pool->get_slots));
}

/* Keep @obj in a private slot; false if the out-of-line path must look at it. */
static __always_inline bool __pcpool_put_private(struct pcpool *pool, void *obj)
{
	return __pcpool_slots_push(READ_ONCE(pool->put_slots), obj);
}

/**
 * pcpool_get() - take an object from a pool, or make one
 * @pool: the pool
 * @gfp: how to allocate, should that be needed; given to ops->alloc
 *
 * Looks in the CPU's private slots, its shared queue, other CPUs' main tier,
 * its own victim tier, other CPUs' victim tiers, and then calls ops->alloc.
 *
 * Everything written to the object before it was put is visible here.
 *
 * Making an object also secures the room that a later put of it may need (see
 * pcpool_put()), for which pcpool allocates up to a page now and then, with
 * @gfp. Under PREEMPT_RT and CONFIG_PROVE_RAW_LOCK_NESTING it does not do so with
 * interrupts or preemption disabled, but relies on room made ahead of need, for
 * at least 32 objects, and a worker that makes more; gets that exhaust it before
 * the worker has run return %NULL. A get that steals may also allocate room for
 * stealing more, without waiting, where that is allowed.
 *
 * If a pool has as many objects as it may (max_total), or can make none and has a reserve, and
 * @gfp allows to wait (%GFP_KERNEL does, %GFP_ATOMIC and %GFP_NOWAIT do not), this waits for
 * somebody to put one, for as long as it takes; those who wait are served in the order in
 * which they came, and before all who come later, but for those who, where there is no
 * max_total, make one for themselves. See also pcpool_get_timeout().
 *
 * Context: Any context in which ops->alloc may be called with @gfp. Not NMI. Where @gfp
 * allows to wait, a pool with a quota or reserve may sleep.
 * Return: An object, which the caller owns until it puts it, or %NULL if there
 * was none and ops->alloc or said allocation failed, __GFP_NOFAIL or not, or the quota is
 * reached and @gfp does not allow to wait.
 */
static __always_inline void *pcpool_get(struct pcpool *pool, gfp_t gfp)
{
	void *obj = __pcpool_get_private(pool);

	return likely(obj) ? obj : __pcpool_get(pool, gfp);
}

/**
 * pcpool_get_local() - take an object from this CPU's part of a pool, or make one
 * @pool: the pool
 * @gfp: how to allocate, should that be needed; given to ops->alloc
 *
 * As pcpool_get(), but never looks at other CPUs: for objects that are as cheap
 * to make as to fetch from another CPU's cache.
 *
 * Context: Any context in which ops->alloc may be called with @gfp. Not NMI.
 * Return: An object, which the caller owns until it puts it, or %NULL.
 */
static __always_inline void *pcpool_get_local(struct pcpool *pool, gfp_t gfp)
{
	void *obj = __pcpool_get_private(pool);

	return likely(obj) ? obj : __pcpool_get_local(pool, gfp);
}

/**
 * pcpool_try_get() - take an idle object from a pool, if there is one
 * @pool: the pool
 *
 * As pcpool_get(), but never calls ops->alloc. A call that finds nothing counts
 * in no statistic. A bypassed pool gives nothing, whatever is idle in it, nor does one where
 * somebody waits, nor the reserve of one that has it.
 *
 * Context: Any context, NMI too.
 * Return: An object, which the caller owns until it puts it, or %NULL.
 */
static __always_inline void *pcpool_try_get(struct pcpool *pool)
{
	void *obj = __pcpool_get_private(pool);

	return likely(obj) ? obj : __pcpool_try_get(pool);
}

/**
 * pcpool_put() - give an object back to its pool
 * @pool: the pool that the object came from
 * @obj: the object; %NULL does nothing, but an ERR_PTR() is no object
 *
 * The caller must not touch @obj afterwards.
 *
 * The object is kept: in a private slot, in the shared queue, which grows for it,
 * or, where this context forbids to allocate, in room that was secured when the
 * object was made, from which a worker then moves it on. So a put cannot fail, and
 * a burst of puts from hardirq context is limited only by the number of objects.
 * Only if a queue cannot grow for lack of memory is the object freed instead, or if there are
 * max_idle idle objects already, which counts as drop_full; or if it is larger than
 * max_object_bytes, which counts as drop_oversize. That too is left to the worker where
 * ops->free may not be called (see struct pcpool_ops).
 *
 * Context: Any context, NMI too.
 */
static __always_inline void pcpool_put(struct pcpool *pool, void *obj)
{
	if (unlikely(!__pcpool_put_private(pool, obj)))
		__pcpool_put(pool, obj);
}

/**
 * DEFINE_PCPOOL_TYPE() - pools of objects of one type, without casts
 * @_name: begins the names of all that is defined
 * @_type: what an object is, such as struct workspace
 *
 * Defines struct @_name_pool, which is a pool that gives and takes @_type and nothing else, and
 * for it, each as the function of pcpool that it is named after:
 *
 *   @_name_pool_create(), @_name_pool_destroy(), @_name_get(), @_name_get_local(),
 *   @_name_try_get(), @_name_get_timeout(), @_name_put();
 *
 * @_name_pool_untyped(), for all else that there is for pools; and, where the kernel has
 * cleanup.h, the class @_name_scope of an object that is put at the end of its scope:
 *
 *	CLASS(workspace_scope, ws)(pool, GFP_KERNEL);
 *
 *	if (!ws.obj)
 *		return -ENOMEM;
 *	...
 *	if (to_be_kept)
 *		kept = workspace_scope_keep(&ws);
 *	return 0;
 *
 * @_name_scope_keep() takes the object out of it: it is the caller's then, to put some time.
 */
#define DEFINE_PCPOOL_TYPE(_name, _type)					\
struct _name##_pool;								\
										\
static inline struct pcpool *							\
_name##_pool_untyped(struct _name##_pool *pool)					\
{										\
	return (struct pcpool *)pool;						\
}										\
										\
static inline struct _name##_pool * __maybe_unused				\
_name##_pool_create(const struct pcpool_params *params)				\
{										\
	return (struct _name##_pool *)pcpool_create(params);			\
}										\
										\
static inline void __maybe_unused						\
_name##_pool_destroy(struct _name##_pool *pool)					\
{										\
	pcpool_destroy(_name##_pool_untyped(pool));				\
}										\
										\
static __always_inline typeof(_type) * __maybe_unused				\
_name##_get(struct _name##_pool *pool, gfp_t gfp)				\
{										\
	return pcpool_get(_name##_pool_untyped(pool), gfp);			\
}										\
										\
static __always_inline typeof(_type) * __maybe_unused				\
_name##_get_local(struct _name##_pool *pool, gfp_t gfp)				\
{										\
	return pcpool_get_local(_name##_pool_untyped(pool), gfp);		\
}										\
										\
static __always_inline typeof(_type) * __maybe_unused				\
_name##_try_get(struct _name##_pool *pool)					\
{										\
	return pcpool_try_get(_name##_pool_untyped(pool));			\
}										\
										\
static inline typeof(_type) * __maybe_unused					\
_name##_get_timeout(struct _name##_pool *pool, gfp_t gfp,			\
		    unsigned long timeout)					\
{										\
	return pcpool_get_timeout(_name##_pool_untyped(pool), gfp, timeout);	\
}										\
										\
static __always_inline void __maybe_unused					\
_name##_put(struct _name##_pool *pool, typeof(_type) *obj)			\
{										\
	pcpool_put(_name##_pool_untyped(pool), obj);				\
}										\
										\
__DEFINE_PCPOOL_SCOPE(_name)

/* Where the kernel has cleanup.h, linux/percpu.h includes it. */
#ifdef DEFINE_CLASS
#define __DEFINE_PCPOOL_SCOPE(_name)						\
struct _name##_scope {								\
	struct _name##_pool *pool;						\
	typeof(_name##_get(NULL, 0)) obj;					\
};										\
										\
static inline void _name##_scope_end(struct _name##_scope scope)		\
{										\
	if (scope.obj)								\
		_name##_put(scope.pool, scope.obj);				\
}										\
										\
DEFINE_CLASS(_name##_scope, struct _name##_scope, _name##_scope_end(_T),	\
	     ((struct _name##_scope){ pool, _name##_get(pool, gfp) }),		\
	     struct _name##_pool *pool, gfp_t gfp)				\
										\
static inline typeof(_name##_get(NULL, 0)) __maybe_unused			\
_name##_scope_keep(struct _name##_scope *scope)					\
{										\
	typeof(_name##_get(NULL, 0)) obj = scope->obj;				\
										\
	scope->obj = NULL;							\
	return obj;								\
}										\
										\
struct _name##_pool
#else
#define __DEFINE_PCPOOL_SCOPE(_name)	struct _name##_pool
#endif

/**
 * struct pcpool_static - a pool that is described where it is defined
 * @pool: the pool, from pcpool_static_create() on
 * @params: what it is to be like
 */
struct pcpool_static {
	struct pcpool *pool;
	struct pcpool_params params;
};

/**
 * DEFINE_PCPOOL() - describe a pool at file scope
 * @_name: the variable, and the pool's name
 * @...: fields of struct pcpool_params, as in .ops = &ops, .object_bytes = SZ_4K
 *
 * The module's init makes the pool with pcpool_static_create(), its exit ends it with
 * pcpool_static_destroy(); in between it is @_name.pool:
 *
 *	static DEFINE_PCPOOL(buffers, .ops = &buffer_ops, .object_bytes = SZ_256K);
 *	...
 *	err = pcpool_static_create(&buffers);
 *	...
 *	buffer = pcpool_get(buffers.pool, GFP_KERNEL);
 */
#define DEFINE_PCPOOL(_name, ...)						\
	struct pcpool_static _name = { .params = { .name = #_name, __VA_ARGS__ } }

/**
 * pcpool_static_create() - make a pool that DEFINE_PCPOOL() has described
 * @_static: a pointer to it
 *
 * One that is there already stays as it is: its name is taken.
 *
 * Context: As pcpool_create().
 * Return: 0, or the error of pcpool_create().
 */
#define pcpool_static_create(_static) ({					\
	struct pcpool_static *__static = (_static);				\
	struct pcpool *__pool = pcpool_create(&__static->params);		\
										\
	if (!IS_ERR(__pool))							\
		__static->pool = __pool;					\
	PTR_ERR_OR_ZERO(__pool);						\
})

/**
 * pcpool_static_destroy() - end it
 * @st: the pool; one that could not be made is fine
 *
 * Context: As pcpool_destroy().
 */
static inline void pcpool_static_destroy(struct pcpool_static *st)
{
	pcpool_destroy(st->pool);
	st->pool = NULL;
}

#endif /* _LINUX_PCPOOL_H */
