/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Per-CPU data. On x86-64, as in the kernel: relative to %gs, by one instruction without a lock
 * prefix. On other machines, and under sanitizers, which do not understand that: relative to a
 * thread-local pointer, by one __atomic builtin.
 */
#ifndef _SHIM_PERCPU_H
#define _SHIM_PERCPU_H

#include <linux/compiler.h>
#include <linux/preempt.h>
#include <linux/types.h>

/*
 * A __percpu pointer points into the first of several areas, which must not be accessed. The
 * data of CPU n is n + 1 areas further on.
 */
#define SHIM_PERCPU_BYTES	(1UL << 20)

void *__alloc_percpu(size_t size, size_t align);
void free_percpu(void *p);

#define alloc_percpu(type) \
	((type *)__alloc_percpu(sizeof(type), __alignof__(type)))

extern unsigned long __per_cpu_offset[];

#define shim_shift(p, offset) ((__typeof__(*(p)) *)((char *)(p) + (offset)))
#define per_cpu_ptr(p, cpu)	shim_shift(p, __per_cpu_offset[cpu])
#define this_cpu_ptr(p)		shim_shift(p, shim_this.percpu_offset)
#define raw_cpu_ptr(p)		this_cpu_ptr(p)

#define raw_smp_processor_id()	((int)shim_this.cpu)
#define smp_processor_id()	raw_smp_processor_id()

#ifdef SHIM_PERCPU_GS

/* Like arch/x86/include/asm/percpu.h with a compiler that supports __seg_gs. */
#define shim_gs(pcp)		(*(__typeof__(pcp) __seg_gs *)(uintptr_t)&(pcp))
#define shim_gs_once(pcp)	(*(volatile __typeof__(pcp) __seg_gs *)(uintptr_t)&(pcp))

#define this_cpu_read(pcp) ({						\
	shim_point();							\
	(__typeof__(pcp))shim_gs_once(pcp);					\
})
#define this_cpu_write(pcp, val) do {					\
	shim_point();							\
	shim_gs_once(pcp) = (val);						\
} while (0)

#define shim_gs_op(op, pcp) do {					\
	shim_point();							\
	switch (sizeof(pcp)) {						\
	case 4:								\
		asm volatile(op "l %0" : "+m" (shim_gs(pcp)));		\
		break;							\
	case 8:								\
		asm volatile(op "q %0" : "+m" (shim_gs(pcp)));		\
		break;							\
	default:							\
		shim_bad_percpu_size();					\
	}								\
} while (0)
#define this_cpu_inc(pcp)	shim_gs_op("inc", pcp)
#define this_cpu_dec(pcp)	shim_gs_op("dec", pcp)

#define this_cpu_add(pcp, val) do {					\
	__typeof__(pcp) __val = (val);					\
									\
	shim_point();							\
	switch (sizeof(pcp)) {						\
	case 4:								\
		asm volatile("addl %1, %0" : "+m" (shim_gs(pcp)) : "ri" ((u32)__val)); \
		break;							\
	case 8:								\
		asm volatile("addq %1, %0" : "+m" (shim_gs(pcp)) : "re" ((u64)__val)); \
		break;							\
	default:							\
		shim_bad_percpu_size();					\
	}								\
} while (0)

#define this_cpu_try_cmpxchg(pcp, oldp, newval) ({			\
	__auto_type __oldp = (oldp);					\
	__typeof__(pcp) __old = *__oldp, __new = (newval);			\
	bool __done;							\
									\
	shim_point();							\
	asm volatile("cmpxchg %[val], %[var]"				\
		     : "=@ccz" (__done), [old] "+a" (__old),		\
		       [var] "+m" (shim_gs(pcp))			\
		     : [val] "r" (__new) : "memory");			\
	if (unlikely(!__done))						\
		*__oldp = __old;					\
	likely(__done);							\
})

/* Like the kernel's. An xchg instruction would be locked. */
#define this_cpu_xchg(pcp, newval) ({					\
	__typeof__(pcp) __was = this_cpu_read(pcp), __val = (newval);	\
									\
	while (!this_cpu_try_cmpxchg(pcp, &__was, __val))		\
		;							\
	__was;								\
})

/* Not defined: an unsupported size does not link. */
void shim_bad_percpu_size(void);

#else

/*
 * Before each change of per-CPU data. The variant nmi stands for architectures on which an NMI
 * can interrupt such a change halfway, so no NMI may attempt one, whether it does any harm
 * this time or not.
 */
static inline void shim_percpu_point(void)
{
	shim_point();
#ifdef PCPOOL_TEST_NMI_UNSAFE
	if (shim_this.in_nmi)
		fail("an NMI changes per-CPU data");
#endif
}

/*
 * Builtins that ThreadSanitizer understands, for any machine. Each is one atomic access, which
 * no interrupt can divide. They are relaxed, as per-CPU operations order nothing between CPUs.
 */
#define this_cpu_read(pcp)		READ_ONCE(*this_cpu_ptr(&(pcp)))
#define this_cpu_write(pcp, val) do {					\
	shim_percpu_point();						\
	__atomic_store_n(this_cpu_ptr(&(pcp)), (val), __ATOMIC_RELAXED); \
} while (0)
#define this_cpu_add(pcp, val) do {					\
	shim_percpu_point();							\
	__atomic_fetch_add(this_cpu_ptr(&(pcp)), (val), __ATOMIC_RELAXED); \
} while (0)
#define this_cpu_inc(pcp)		this_cpu_add(pcp, 1)
#define this_cpu_dec(pcp)		this_cpu_add(pcp, -1)
#define this_cpu_try_cmpxchg(pcp, oldp, new) ({				\
	shim_percpu_point();							\
	__atomic_compare_exchange_n(this_cpu_ptr(&(pcp)), (oldp), (new), false, \
				    __ATOMIC_RELAXED, __ATOMIC_RELAXED); \
})
#define this_cpu_xchg(pcp, newval) ({					\
	shim_percpu_point();							\
	__atomic_exchange_n(this_cpu_ptr(&(pcp)), (newval), __ATOMIC_RELAXED); \
})

#endif

#define this_cpu_sub(pcp, val)	this_cpu_add(pcp, -(__typeof__(pcp))(val))

#endif
