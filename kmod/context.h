/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the calling context may do: allocate memory, free objects, sleep. Each function
 * answers for every kernel configuration, PREEMPT_RT included. Knows no pool.
 */
#ifndef _PCPOOL_CONTEXT_H
#define _PCPOOL_CONTEXT_H

#include <linux/gfp.h>
#include <linux/irqflags.h>
#include <linux/kconfig.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/isolation.h>
#include <linux/types.h>

/*
 * The part of a caller's gfp flags that pcpool's own allocations use: those that say how
 * hard to try, not those that select a zone or a node.
 */
#define PCPOOL_GFP		(GFP_KERNEL | __GFP_HIGH | __GFP_NORETRY | \
				 __GFP_RETRY_MAYFAIL | __GFP_NOMEMALLOC)

/*
 * How a put lets a queue grow: without waiting, and without the memory reserves that
 * reclaim depends on, since reclaim may be what puts.
 */
#define PCPOOL_GFP_PUT		(GFP_NOWAIT | __GFP_NOMEMALLOC | __GFP_NOWARN)

/*
 * May pcpool allocate here, on every kernel? The test is whether a lock that sleeps on
 * PREEMPT_RT may be taken (lockdep checks this on other kernels too): so not under a raw
 * spinlock, nor with interrupts or preemption disabled, nor in hardirq context. A caller
 * that holds a spinlock, which only disables preemption on kernels other than RT, is
 * refused too, because there it looks the same as one that holds a raw spinlock. If
 * refused, the worker allocates instead.
 */
static inline bool pcpool_may_allocate(void)
{
	return !(preempt_count() & (PREEMPT_MASK | HARDIRQ_MASK | NMI_MASK)) &&
	       !irqs_disabled();
}

/*
 * May pcpool allocate here for a get with @gfp? Trust @gfp, except where PREEMPT_RT (or
 * PROVE_RAW_LOCK_NESTING) forbids allocation in this context.
 */
static inline bool pcpool_may_allocate_for(gfp_t gfp)
{
	if (!IS_ENABLED(CONFIG_PREEMPT_RT) &&
	    !IS_ENABLED(CONFIG_PROVE_RAW_LOCK_NESTING))
		return !in_nmi();
	return gfpflags_allow_blocking(gfp) || pcpool_may_allocate();
}

/*
 * May the caller sleep, as far as the kernel can tell? Kernels without CONFIG_PREEMPT_COUNT
 * cannot tell that a spinlock is held, so there the answer is always no; see
 * pcpool_put_task().
 */
static inline bool pcpool_may_sleep(void)
{
	return preemptible() && !in_softirq() && !rcu_preempt_depth();
}

/* May ops->free be called here? @atomic: the pool has PCPOOL_FREE_ATOMIC. */
static inline bool pcpool_may_free(bool atomic)
{
	if (!atomic)
		return pcpool_may_sleep();
	return !in_nmi() && !in_hardirq() &&
	       (!IS_ENABLED(CONFIG_PREEMPT_RT) || preemptible());
}

/* Should @cpu be spared work that another CPU can do? (isolcpus=, nohz_full=) */
static inline bool pcpool_spare_cpu(int cpu)
{
	return cpu_is_isolated(cpu);
}

#endif /* _PCPOOL_CONTEXT_H */
