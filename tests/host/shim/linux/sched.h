/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_SCHED_H
#define TASK_COMM_LEN	16

#define _SHIM_SCHED_H

#include <linux/kernel.h>

/* A quiescent state of RCU; in cpus.c. */
void cond_resched(void);

/* The task that a CPU's thread stands for. It can sleep. */
struct task_struct {
	unsigned int state;
};

#define TASK_RUNNING		0u
#define TASK_UNINTERRUPTIBLE	2u
#define TASK_KILLABLE		(TASK_UNINTERRUPTIBLE | 0x100u)
#define TASK_FREEZABLE		0x2000u
#define MAX_SCHEDULE_TIMEOUT	LONG_MAX
#define HZ			1000

extern __thread struct task_struct shim_task;
#define current			(&shim_task)

#define __set_current_state(s)	__atomic_store_n(&current->state, s, __ATOMIC_RELAXED)
/* An exchange, as ThreadSanitizer does not understand barriers. */
#define set_current_state(s)	((void)__atomic_exchange_n(&current->state, s, __ATOMIC_SEQ_CST))
#define wake_up_process(task)	((void)__atomic_exchange_n(&(task)->state, TASK_RUNNING, \
							   __ATOMIC_SEQ_CST))
#define signal_pending_state(state, task)	((void)(task), (void)(state), false)

/* Sleeps until woken, for at most @timeout ms. Returns the time that is left. In cpus.c. */
long schedule_timeout(long timeout);
#define io_schedule_timeout(timeout)	schedule_timeout(timeout)

static inline long schedule_timeout_uninterruptible(long timeout)
{
	set_current_state(TASK_UNINTERRUPTIBLE);
	return schedule_timeout(timeout);
}

#endif
