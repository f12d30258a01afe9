/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Accesses to shared memory. Each is one __atomic builtin with the ordering of the kernel's
 * primitive, no stronger, so that ThreadSanitizer sees the ordering that the source asks for.
 * Before each is a point, where a test can delay or interrupt the thread; see shim.h.
 */
#ifndef _SHIM_COMPILER_H
#define _SHIM_COMPILER_H

#include "../shim.h"

#define __force
#define __must_check		__attribute__((__warn_unused_result__))
#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)
#define __rcu
#define __percpu
#ifndef __always_inline
#define __always_inline	inline __attribute__((__always_inline__))
#endif
#define noinline	__attribute__((__noinline__))
#define __packed	__attribute__((__packed__))
#define data_race(x)	(x)
#define fallthrough	__attribute__((__fallthrough__))
#define barrier()	__asm__ volatile("" : : : "memory")
#define OPTIMIZER_HIDE_VAR(var)	__asm__("" : "=r" (var) : "0" (var))

#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__) && \
	!defined(PCPOOL_TEST_NMI_UNSAFE)
#define SHIM_PERCPU_GS
#endif

#ifdef __x86_64__
#define cpu_relax()	__asm__ volatile("pause" : : : "memory")
#else
#define cpu_relax()	barrier()
#endif

#define READ_ONCE(x) ({						\
	shim_point();						\
	__atomic_load_n(&(x), __ATOMIC_RELAXED);		\
})
#define WRITE_ONCE(x, val) ({					\
	shim_point();						\
	__atomic_store_n(&(x), (val), __ATOMIC_RELAXED);	\
})
#define smp_load_acquire(p) ({					\
	shim_point();						\
	__atomic_load_n((p), __ATOMIC_ACQUIRE);			\
})
#define smp_store_release(p, val) ({				\
	shim_point();						\
	__atomic_store_n((p), (val), __ATOMIC_RELEASE);		\
})

/*
 * ThreadSanitizer does not understand fences, so it does not see any. It may then report a race
 * that a fence prevents, but does not miss one.
 */
#ifdef __SANITIZE_THREAD__
#define shim_fence(order)	__atomic_signal_fence(order)
#else
#define shim_fence(order)	__atomic_thread_fence(order)
#endif

#define smp_mb() do {						\
	shim_point();						\
	shim_fence(__ATOMIC_SEQ_CST);				\
} while (0)
/* On x86, a read-modify-write is a full barrier, also if it returns no value. */
#if defined(SHIM_NATIVE) && defined(__x86_64__)
#define smp_mb__after_atomic()	barrier()
#else
#define smp_mb__after_atomic()	smp_mb()
#endif
#define smp_rmb() do {						\
	shim_point();						\
	shim_fence(__ATOMIC_ACQUIRE);				\
} while (0)
#define smp_wmb() do {						\
	shim_point();						\
	shim_fence(__ATOMIC_RELEASE);				\
} while (0)

#endif
