/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_TIMEKEEPING_H
#define _SHIM_TIMEKEEPING_H

#include <linux/types.h>
#include <time.h>

static inline u64 ktime_get_mono_fast_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000000000 + (u64)t.tv_nsec;
}

#endif
