/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Defining pools: types of pools, so that nothing is cast; scopes, at whose end an object
 * is put; and pools whose parameters are given at file scope. Included by linux/pcpool.h.
 */
#ifndef _LINUX_PCPOOL_DEFINE_H
#define _LINUX_PCPOOL_DEFINE_H

#include <linux/err.h>
#include <linux/export.h>
#include <linux/pcpool.h>

/**
 * DEFINE_PCPOOL_TYPE() - define a type of pools for objects of one type
 * @_name: prefix of the names that are defined, NAME below
 * @_type: type of an object, such as struct workspace
 *
 * Defines struct NAME_pool, a pool of objects of @_type, and functions that
 * accept and return no other type, so that the compiler rejects an object put
 * to the wrong pool:
 *
 * - NAME_pool_create(), NAME_pool_destroy(), NAME_get(), NAME_get_local(),
 *   NAME_try_get(), NAME_get_timeout(), NAME_put() and NAME_put_task() are like
 *   the functions of pcpool after which they are named;
 * - NAME_pool_untyped() converts a typed pool to the struct pcpool that all
 *   other functions accept;
 * - NAME_pool_typed() is its inverse. The objects of the pool must be of
 *   @_type. It makes a pool of DEFINE_PCPOOL() a typed one::
 *
 *	DEFINE_PCPOOL_TYPE(workspace, struct workspace);
 *	static DEFINE_PCPOOL(workspaces, .ops = &workspace_ops,
 *			     .object_bytes = sizeof(struct workspace));
 *	...
 *	struct workspace *ws = workspace_get(workspace_pool_typed(workspaces.pool),
 *					     GFP_KERNEL);
 *
 * Both conversions return %NULL and an ERR_PTR() as they are.
 *
 * Where the kernel has linux/cleanup.h, it also defines classes whose object is
 * put at the end of the scope. NAME_scope takes the object as pcpool_get()
 * does, and has %NULL in its member obj on failure::
 *
 *	CLASS(workspace_scope, ws)(pool, GFP_KERNEL);
 *
 *	if (!ws.obj)
 *		return -ENOMEM;
 *
 * NAME_scope_timeout takes it as pcpool_get_timeout() does, with a timeout in
 * jiffies, and has an ERR_PTR() in obj on failure, which is not put::
 *
 *	CLASS(workspace_scope_timeout, ws)(pool, GFP_KERNEL, HZ);
 *
 *	if (IS_ERR(ws.obj))
 *		return PTR_ERR(ws.obj);
 *
 * NAME_scope_task is like NAME_scope, but puts the object as pcpool_put_task()
 * does. The scope must end where the caller may sleep: not under a spinlock that
 * is taken in the scope and still held at its end. The other classes do not
 * assume this, even if @gfp allows blocking, because a scope may end elsewhere
 * than it began::
 *
 *	CLASS(workspace_scope_task, ws)(pool, GFP_KERNEL);
 *
 * NAME_scope_keep() takes the object out of a scope of any of these, and sets
 * obj to %NULL. The caller owns the object then, and must put it::
 *
 *	kept = workspace_scope_keep(&ws);
 */
#define DEFINE_PCPOOL_TYPE(_name, _type)					\
	DEFINE_PCPOOL_TYPE_AS(_name, _name##_pool, _type)

/**
 * DEFINE_PCPOOL_TYPE_AS() - define a type of pools under a name of its own
 * @_name: prefix of the names of the gets, the put and the scopes
 * @_pool: name of the structure, and prefix of the functions that concern a
 *	whole pool
 * @_type: type of an object
 *
 * Like DEFINE_PCPOOL_TYPE(), with @_pool in place of NAME_pool: defines struct
 * @_pool and the functions POOL_create(), POOL_destroy(), POOL_untyped() and
 * POOL_typed(). Use it where the kernel already has something called NAME_pool.
 * For example, linux/dmapool.h declares dma_pool_create()::
 *
 *	DEFINE_PCPOOL_TYPE_AS(dma, dma_request_pool, struct dma_request);
 *
 *	struct dma_request_pool *pool = dma_request_pool_create(&params);
 *	struct dma_request *request = dma_get(pool, GFP_KERNEL);
 */
#define DEFINE_PCPOOL_TYPE_AS(_name, _pool, _type)				\
	__DEFINE_PCPOOL_TYPE(_name, _pool##_, struct _pool, _type)

/* The return type of the first function declares the structure. */
#define __DEFINE_PCPOOL_TYPE(_name, _prefix, _pool, _type)			\
static inline typeof(_pool) * __maybe_unused					\
_prefix##typed(struct pcpool *pool)						\
{										\
	return (typeof(_pool) *)pool;						\
}										\
										\
static inline struct pcpool * __maybe_unused					\
_prefix##untyped(typeof(_pool) *pool)						\
{										\
	return (struct pcpool *)pool;						\
}										\
										\
static inline typeof(_pool) * __must_check __maybe_unused			\
_prefix##create(const struct pcpool_params *params)				\
{										\
	return _prefix##typed(pcpool_create(params));				\
}										\
										\
static inline void __maybe_unused						\
_prefix##destroy(typeof(_pool) *pool)						\
{										\
	pcpool_destroy(_prefix##untyped(pool));					\
}										\
										\
static __always_inline typeof(_type) * __must_check __maybe_unused		\
_name##_get(typeof(_pool) *pool, gfp_t gfp)					\
{										\
	return pcpool_get(_prefix##untyped(pool), gfp);				\
}										\
										\
static __always_inline typeof(_type) * __must_check __maybe_unused		\
_name##_get_local(typeof(_pool) *pool, gfp_t gfp)				\
{										\
	return pcpool_get_local(_prefix##untyped(pool), gfp);			\
}										\
										\
static __always_inline typeof(_type) * __must_check __maybe_unused		\
_name##_try_get(typeof(_pool) *pool)						\
{										\
	return pcpool_try_get(_prefix##untyped(pool));				\
}										\
										\
static inline typeof(_type) * __must_check __maybe_unused			\
_name##_get_timeout(typeof(_pool) *pool, gfp_t gfp, unsigned long timeout)	\
{										\
	return pcpool_get_timeout(_prefix##untyped(pool), gfp, timeout);	\
}										\
										\
__DEFINE_PCPOOL_PUTS(_name, _prefix, typeof(_pool), _type)

#define __DEFINE_PCPOOL_PUTS(_name, _prefix, _pool, _type)			\
static __always_inline void __maybe_unused					\
_name##_put(typeof(_pool) *pool, typeof(_type) *obj)				\
{										\
	pcpool_put(_prefix##untyped(pool), obj);				\
}										\
										\
static __always_inline void __maybe_unused					\
_name##_put_task(typeof(_pool) *pool, typeof(_type) *obj)			\
{										\
	pcpool_put_task(_prefix##untyped(pool), obj);				\
}										\
										\
__DEFINE_PCPOOL_SCOPE(_name, typeof(_pool))

/* Where the kernel has linux/cleanup.h, linux/percpu.h includes it. */
#ifdef DEFINE_CLASS
#define __DEFINE_PCPOOL_SCOPE(_name, _pool)					\
struct _name##_scope {								\
	typeof(_pool) *pool;							\
	typeof(_name##_get(NULL, 0)) obj;					\
};										\
										\
static inline void _name##_scope_end(struct _name##_scope scope)		\
{										\
	if (scope.obj)								\
		_name##_put(scope.pool, scope.obj);				\
}										\
										\
static inline void _name##_scope_task_end(struct _name##_scope scope)		\
{										\
	if (scope.obj)								\
		_name##_put_task(scope.pool, scope.obj);			\
}										\
										\
static inline void _name##_scope_timeout_end(struct _name##_scope scope)	\
{										\
	if (!IS_ERR_OR_NULL(scope.obj))						\
		_name##_put(scope.pool, scope.obj);				\
}										\
										\
DEFINE_CLASS(_name##_scope, struct _name##_scope, _name##_scope_end(_T),	\
	     ((struct _name##_scope){ pool, _name##_get(pool, gfp) }),		\
	     typeof(_pool) *pool, gfp_t gfp)					\
										\
DEFINE_CLASS(_name##_scope_task, struct _name##_scope,				\
	     _name##_scope_task_end(_T),					\
	     ((struct _name##_scope){ pool, _name##_get(pool, gfp) }),		\
	     typeof(_pool) *pool, gfp_t gfp)					\
										\
DEFINE_CLASS(_name##_scope_timeout, struct _name##_scope,			\
	     _name##_scope_timeout_end(_T),					\
	     ((struct _name##_scope){						\
		pool, _name##_get_timeout(pool, gfp, timeout) }),		\
	     typeof(_pool) *pool, gfp_t gfp, unsigned long timeout)		\
										\
static inline typeof(_name##_get(NULL, 0)) __must_check __maybe_unused		\
_name##_scope_keep(struct _name##_scope *scope)					\
{										\
	typeof(_name##_get(NULL, 0)) obj = scope->obj;				\
										\
	scope->obj = NULL;							\
	return obj;								\
}										\
										\
struct pcpool
#else
#define __DEFINE_PCPOOL_SCOPE(...)	struct pcpool
#endif

/**
 * struct pcpool_static - a pool whose parameters are given at file scope
 * @pool: The pool, between pcpool_static_create() and pcpool_static_destroy();
 *	otherwise %NULL.
 * @params: The parameters.
 *
 * To be defined with DEFINE_PCPOOL().
 */
struct pcpool_static {
	struct pcpool *pool;
	struct pcpool_params params;
};

/**
 * DEFINE_PCPOOL() - define a pool at file scope
 * @_name: name of the variable and of the pool
 * @...: initialisers of struct pcpool_params, such as .ops = &ops,
 *	.object_bytes = SZ_4K
 *
 * Defines a variable of type struct pcpool_static. The init function of the
 * module creates the pool, and its exit function destroys it. In between, the
 * pool is NAME.pool::
 *
 *	static DEFINE_PCPOOL(buffers, .ops = &buffer_ops, .object_bytes = SZ_256K);
 *	...
 *	err = pcpool_static_create(&buffers);
 *	...
 *	buffer = pcpool_get(buffers.pool, GFP_KERNEL);
 *	...
 *	pcpool_static_destroy(&buffers);
 *
 * See DEFINE_PCPOOL_TYPE() for how to use it as a typed pool.
 */
#define DEFINE_PCPOOL(_name, ...)						\
	struct pcpool_static _name = { .params = { .name = #_name, __VA_ARGS__ } }

/**
 * pcpool_static_create() - create a pool that DEFINE_PCPOOL() has defined
 * @_static: pointer to the variable
 *
 * If the pool already exists, the call fails with -EEXIST and leaves it alone.
 *
 * Context: As pcpool_create().
 * Return: 0, or the error of pcpool_create(). The module must call
 * pcpool_static_destroy() if it was 0, and may if it was not.
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
 * pcpool_static_destroy() - destroy a pool that DEFINE_PCPOOL() has defined
 * @st: pointer to the variable; does nothing if there is no pool
 *
 * Context: As pcpool_destroy().
 */
static inline void pcpool_static_destroy(struct pcpool_static *st)
{
	pcpool_destroy(st->pool);
	st->pool = NULL;
}

#endif /* _LINUX_PCPOOL_DEFINE_H */
