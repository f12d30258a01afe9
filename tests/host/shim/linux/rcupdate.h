/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_RCUPDATE_H
#define _SHIM_RCUPDATE_H

#include <linux/atomic.h>
#include <linux/kernel.h>
#include <linux/preempt.h>
#include <linux/sched.h>

/* For timing, as in a kernel without preemption. Threads that are not CPUs need more. */
static inline void rcu_read_lock(void)
{
#ifdef SHIM_NATIVE
	barrier();
#else
	shim_rcu_enter();
#endif
}

static inline void rcu_read_unlock(void)
{
#ifdef SHIM_NATIVE
	barrier();
#else
	shim_rcu_exit();
#endif
}

static inline int rcu_preempt_depth(void)
{
	return 0;
}

void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head));
void rcu_barrier(void);

#endif
