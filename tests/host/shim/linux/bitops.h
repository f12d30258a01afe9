/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_BITOPS_H
#define _SHIM_BITOPS_H

#include <linux/compiler.h>

#define BITS_PER_LONG	64

/* For timing, the instructions of arch/x86; otherwise builtins, which sanitizers understand. */
static inline bool test_bit(long nr, const unsigned long *addr)
{
#if defined(SHIM_NATIVE) && defined(__x86_64__)
	bool set;

	asm volatile("btq %2, %1" : "=@ccc" (set)
		     : "m" (*(const unsigned long *)addr), "Ir" (nr) : "memory");
	return set;
#else
	return READ_ONCE(addr[nr / BITS_PER_LONG]) >> nr % BITS_PER_LONG & 1;
#endif
}

static inline void set_bit(long nr, unsigned long *addr)
{
	shim_point();
#if defined(SHIM_NATIVE) && defined(__x86_64__)
	asm volatile("lock btsq %1, %0" : "+m" (*addr) : "Ir" (nr) : "memory");
#else
	__atomic_fetch_or(&addr[nr / BITS_PER_LONG], 1UL << nr % BITS_PER_LONG,
			  __ATOMIC_RELAXED);
#endif
}

static inline void clear_bit(long nr, unsigned long *addr)
{
	shim_point();
#if defined(SHIM_NATIVE) && defined(__x86_64__)
	asm volatile("lock btrq %1, %0" : "+m" (*addr) : "Ir" (nr) : "memory");
#else
	__atomic_fetch_and(&addr[nr / BITS_PER_LONG], ~(1UL << nr % BITS_PER_LONG),
			   __ATOMIC_RELAXED);
#endif
}

/* A bit used as a lock. Returns whether the bit was locked already. */
static inline bool test_and_set_bit_lock(long nr, unsigned long *addr)
{
	unsigned long mask = 1UL << nr % BITS_PER_LONG;

	shim_point();
	return __atomic_fetch_or(&addr[nr / BITS_PER_LONG], mask, __ATOMIC_ACQUIRE) & mask;
}

static inline void clear_bit_unlock(long nr, unsigned long *addr)
{
	shim_point();
	__atomic_fetch_and(&addr[nr / BITS_PER_LONG], ~(1UL << nr % BITS_PER_LONG),
			   __ATOMIC_RELEASE);
}

#endif
