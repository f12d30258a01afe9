/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Atomics with the ordering of Documentation/atomic_t.txt: a read-modify-write that returns a
 * value is fully ordered (here: sequentially consistent), one that returns no value is relaxed,
 * unless a suffix says otherwise. A failed compare-and-exchange orders nothing.
 */
#ifndef _SHIM_ATOMIC_H
#define _SHIM_ATOMIC_H

#include <linux/compiler.h>
#include <linux/types.h>

#define shim_xchg(p, val, order) ({				\
	shim_point();						\
	__atomic_exchange_n((p), (val), (order));		\
})
#define shim_try_cmpxchg(p, oldp, new, order) ({		\
	shim_point();						\
	__atomic_compare_exchange_n((p), (oldp), (new), false,	\
				    (order), __ATOMIC_RELAXED);	\
})
#define shim_cmpxchg(p, old, new, order) ({			\
	__typeof__(*(p)) __old = (old);				\
	shim_try_cmpxchg((p), &__old, (new), (order));		\
	__old;							\
})

#define xchg(p, val)			shim_xchg(p, val, __ATOMIC_SEQ_CST)
#define xchg_acquire(p, val)		shim_xchg(p, val, __ATOMIC_ACQUIRE)
#define xchg_release(p, val)		shim_xchg(p, val, __ATOMIC_RELEASE)
#define xchg_relaxed(p, val)		shim_xchg(p, val, __ATOMIC_RELAXED)
#define cmpxchg(p, old, new)		shim_cmpxchg(p, old, new, __ATOMIC_SEQ_CST)
#define cmpxchg_acquire(p, old, new)	shim_cmpxchg(p, old, new, __ATOMIC_ACQUIRE)
#define cmpxchg_release(p, old, new)	shim_cmpxchg(p, old, new, __ATOMIC_RELEASE)
#define cmpxchg_relaxed(p, old, new)	shim_cmpxchg(p, old, new, __ATOMIC_RELAXED)
#define try_cmpxchg(p, oldp, new)	shim_try_cmpxchg(p, oldp, new, __ATOMIC_SEQ_CST)
#define try_cmpxchg_acquire(p, oldp, new) shim_try_cmpxchg(p, oldp, new, __ATOMIC_ACQUIRE)
#define try_cmpxchg_release(p, oldp, new) shim_try_cmpxchg(p, oldp, new, __ATOMIC_RELEASE)
#define try_cmpxchg_relaxed(p, oldp, new) shim_try_cmpxchg(p, oldp, new, __ATOMIC_RELAXED)

typedef struct { int counter; } atomic_t;
typedef struct { s64 counter; } atomic64_t;
typedef struct { long counter; } atomic_long_t;

#define SHIM_ATOMIC(prefix, type, vtype)					\
static inline type prefix##_read(const vtype *v)				\
{										\
	return READ_ONCE(v->counter);						\
}										\
static inline type prefix##_read_acquire(const vtype *v)			\
{										\
	return smp_load_acquire(&v->counter);					\
}										\
static inline void prefix##_set(vtype *v, type i)				\
{										\
	WRITE_ONCE(v->counter, i);						\
}										\
static inline void prefix##_add(type i, vtype *v)				\
{										\
	shim_point();								\
	__atomic_fetch_add(&v->counter, i, __ATOMIC_RELAXED);			\
}										\
static inline void prefix##_sub(type i, vtype *v)				\
{										\
	prefix##_add(-i, v);							\
}										\
static inline void prefix##_inc(vtype *v)					\
{										\
	prefix##_add(1, v);							\
}										\
static inline void prefix##_dec(vtype *v)					\
{										\
	prefix##_add(-1, v);							\
}										\
SHIM_ATOMIC_ORDERED(prefix, type, vtype, , __ATOMIC_SEQ_CST)			\
SHIM_ATOMIC_ORDERED(prefix, type, vtype, _acquire, __ATOMIC_ACQUIRE)		\
SHIM_ATOMIC_ORDERED(prefix, type, vtype, _release, __ATOMIC_RELEASE)		\
SHIM_ATOMIC_ORDERED(prefix, type, vtype, _relaxed, __ATOMIC_RELAXED)

#define SHIM_ATOMIC_ORDERED(prefix, type, vtype, suffix, order)			\
static inline type prefix##_fetch_add##suffix(type i, vtype *v)			\
{										\
	shim_point();								\
	return __atomic_fetch_add(&v->counter, i, order);			\
}										\
static inline type prefix##_add_return##suffix(type i, vtype *v)		\
{										\
	shim_point();								\
	return __atomic_add_fetch(&v->counter, i, order);			\
}										\
static inline type prefix##_sub_return##suffix(type i, vtype *v)		\
{										\
	return prefix##_add_return##suffix(-i, v);				\
}										\
static inline type prefix##_inc_return##suffix(vtype *v)			\
{										\
	return prefix##_add_return##suffix(1, v);				\
}										\
static inline type prefix##_dec_return##suffix(vtype *v)			\
{										\
	return prefix##_add_return##suffix(-1, v);				\
}										\
static inline bool prefix##_try_cmpxchg##suffix(vtype *v, type *old, type new)	\
{										\
	return shim_try_cmpxchg(&v->counter, old, new, order);			\
}										\
static inline type prefix##_cmpxchg##suffix(vtype *v, type old, type new)	\
{										\
	return shim_cmpxchg(&v->counter, old, new, order);			\
}

SHIM_ATOMIC(atomic, int, atomic_t)
SHIM_ATOMIC(atomic64, s64, atomic64_t)
SHIM_ATOMIC(atomic_long, long, atomic_long_t)

#endif
