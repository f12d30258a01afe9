/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_PREEMPT_H
#define _SHIM_PREEMPT_H

#include <linux/compiler.h>

static inline bool in_nmi(void)
{
	return shim_this.in_nmi;
}

#endif
