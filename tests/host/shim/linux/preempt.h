/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_PREEMPT_H
#define _SHIM_PREEMPT_H

#include <linux/compiler.h>
#include <linux/irqflags.h>

/* Bits of preempt_count, as in the kernel. */
#define PREEMPT_MASK	0x0000ffu
#define SOFTIRQ_MASK	0x00ff00u
#define HARDIRQ_MASK	0x0f0000u
#define NMI_MASK	0xf00000u
#define HARDIRQ_OFFSET	0x010000u
#define NMI_OFFSET	0x100000u

static inline bool in_nmi(void)
{
	return shim_this.in_nmi;
}

static inline unsigned int preempt_count(void)
{
	return shim_this.preempt_count + (in_nmi() ? NMI_OFFSET : 0);
}

static inline bool in_hardirq(void)
{
	return preempt_count() & HARDIRQ_MASK;
}

static inline bool in_softirq(void)
{
	return preempt_count() & SOFTIRQ_MASK;
}

/* A thread is a CPU and does not migrate. The count has its cost, and can be checked. */
static inline void preempt_disable(void)
{
	shim_this.preempt_count++;
	barrier();
}

static inline void preempt_enable(void)
{
	barrier();
	shim_this.preempt_count--;
}

static inline bool preemptible(void)
{
	return !preempt_count() && !shim_this.irqs_off;
}

#endif
