/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Private slots of a pool, as far as they are inlined into clients. Internal: clients
 * include linux/pcpool.h.
 */
#ifndef _LINUX_PCPOOL_SLOTS_H
#define _LINUX_PCPOOL_SLOTS_H

#include <linux/compiler.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/types.h>

/*
 * Can an NMI not interrupt a this_cpu operation halfway? Some architectures only disable
 * interrupts around a read and a write. The option that tells is from Linux 6.2, so name
 * those that were safe before. User-mode Linux has no NMIs. Tests define
 * PCPOOL_TEST_NMI_UNSAFE, to test on any machine what other architectures need.
 */
#if (defined(CONFIG_ARCH_HAS_NMI_SAFE_THIS_CPU_OPS) || defined(CONFIG_X86_64) || \
	defined(CONFIG_ARM64) || defined(CONFIG_S390) || defined(CONFIG_UML)) && \
	!defined(PCPOOL_TEST_NMI_UNSAFE)
#define PCPOOL_NMI_SAFE	1
#else
#define PCPOOL_NMI_SAFE	0
#endif

/*
 * Is this an NMI that must not change per-CPU data, because it may have interrupted a
 * change? A compile-time constant where that cannot happen.
 */
static __always_inline bool __pcpool_in_unsafe_nmi(void)
{
	return !PCPOOL_NMI_SAFE && in_nmi();
}

/* Most private slots that a CPU can have in one pool. */
#define PCPOOL_PRIVATE_SLOTS_MAX	64u

/**
 * struct pcpool_slots - private slots of one CPU; internal
 * @top: Per-CPU pointer to the slot of the object that was put last, or to
 *	slot[0] if there is none. Because it is a per-CPU pointer and not an
 *	address, a task that migrates after reading it accesses the corresponding
 *	slot of its new CPU.
 * @hits: Number of gets that took an object from these slots.
 * @slot: slot[0] is always empty, and slot[number of slots + 1] is always full.
 *	Between them are the private slots. So neither a get at the bottom nor a
 *	put at the top has to compare @top with a limit.
 *
 * A slot alone decides whether there is an object in it. A get or put moves the
 * object with one per-CPU compare and exchange. @top is only a hint: an
 * interrupt or a migration between reading @top and moving the object can leave
 * it wrong. The out-of-line path then searches all slots and corrects it.
 * Therefore the inlined code neither disables preemption or interrupts, nor
 * handles nesting.
 *
 * While an out-of-line path moves several objects at once, @top points to slots
 * that are empty for a get and full for a put, which keeps the inlined paths
 * away.
 */
struct pcpool_slots {
	unsigned long top;
	unsigned long hits;
	void *slot[];
};

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
 * Take the object that was put last from this CPU's slots, or return %NULL.
 * This is the inlined part of every get. Any context, including NMI unless
 * __pcpool_in_unsafe_nmi().
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
	 * Stored, not decremented: the hint that was read was in range, so the new value is
	 * in range too, even if the task has migrated to another CPU.
	 */
	this_cpu_write(slots->top, (unsigned long)(top - 1));
	this_cpu_inc(slots->hits);
	return obj;
}

/*
 * Put an object into this CPU's slots; return false if there is no room. This
 * is the inlined part of every put. Any context, including NMI unless
 * __pcpool_in_unsafe_nmi(). A %NULL object needs no check: it replaces the %NULL
 * of an empty slot. That moves the hint, which the next get corrects.
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

#endif /* _LINUX_PCPOOL_SLOTS_H */
