/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_SCHED_MM_H
#define _SHIM_SCHED_MM_H

#include <linux/gfp.h>
#include <linux/sched.h>

/* Allocations do not reclaim. */
#define might_alloc(gfp)	do { (void)(gfp); might_sleep(); } while (0)

#endif
