/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_GFP_H
#define _SHIM_GFP_H

#include <linux/topology.h>
#include <linux/types.h>

#define GFP_KERNEL		0x01u
#define GFP_ATOMIC		0x02u
#define GFP_NOWAIT		0x04u
#define __GFP_NOWARN		0x08u
#define __GFP_HIGH		0x10u
#define __GFP_NORETRY		0x20u
#define __GFP_RETRY_MAYFAIL	0x40u
#define __GFP_NOMEMALLOC	0x80u
#define __GFP_ZERO		0x100u
#define __GFP_RECLAIM		0x200u
#define __GFP_KSWAPD_RECLAIM	__GFP_RECLAIM
#define __GFP_DMA		0x400u
#define __GFP_DMA32		0x800u
#define __GFP_HIGHMEM		0x1000u
#define __GFP_THISNODE		0x2000u
#define __GFP_MOVABLE		0x4000u
#define __GFP_RECLAIMABLE	0x8000u
#define __GFP_COMP		0x10000u
#define __GFP_ACCOUNT		0x20000u
#define __GFP_NOFAIL		0x40000u
#define __GFP_IO		0x80000u
/* The only flag of GFP_KERNEL that matters here. */
#define __GFP_DIRECT_RECLAIM	GFP_KERNEL
#define __GFP_FS		0x100000u

static inline bool gfpflags_allow_blocking(gfp_t gfp)
{
	return gfp & GFP_KERNEL;
}

#endif
