/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_ISOLATION_H
#define _SHIM_ISOLATION_H

#include <linux/types.h>

/* No CPU is isolated. */
static inline bool cpu_is_isolated(int cpu)
{
	(void)cpu;
	return false;
}

#endif
