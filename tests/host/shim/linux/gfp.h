/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_GFP_H
#define _SHIM_GFP_H

#include <linux/types.h>

#define GFP_KERNEL	1u
#define GFP_ATOMIC	2u
#define GFP_NOWAIT	4u
#define __GFP_NOWARN	8u

static inline bool gfpflags_allow_blocking(gfp_t gfp)
{
	return gfp & GFP_KERNEL;
}

#endif
