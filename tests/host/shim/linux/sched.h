/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_SCHED_H
#define _SHIM_SCHED_H

#include <linux/kernel.h>

/* A quiescent state of RCU; in cpus.c. */
void cond_resched(void);

#endif
