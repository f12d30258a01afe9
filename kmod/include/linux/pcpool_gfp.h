/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the gfp flags of a get may ask for, and the checks that every get makes. Internal:
 * clients include linux/pcpool.h.
 */
#ifndef _LINUX_PCPOOL_GFP_H
#define _LINUX_PCPOOL_GFP_H

#include <linux/compiler.h>
#include <linux/gfp.h>
#include <linux/mmdebug.h>
#if defined(CONFIG_DEBUG_ATOMIC_SLEEP) || defined(CONFIG_LOCKDEP)
#include <linux/sched/mm.h>
#endif

/*
 * Flags that ask for a property of the memory: its content, where it is, what it can be
 * used for. An idle object has the properties that it was allocated with, so a pool cannot
 * honour them. ops->alloc does not get them either, so that a miss does not give what a
 * hit cannot give. An object that needs such a property gets it from ops->alloc.
 */
#define PCPOOL_GFP_REFUSED	(__GFP_ZERO | __GFP_DMA | __GFP_DMA32 | __GFP_HIGHMEM | \
				 __GFP_THISNODE | __GFP_MOVABLE | __GFP_RECLAIMABLE | \
				 __GFP_COMP)

/*
 * might_alloc(), for a get that allocates nothing too: with @gfp, the next one may. Only
 * on kernels that check something there. On other kernels it may still be a call, of
 * __cond_resched().
 */
#if defined(CONFIG_DEBUG_ATOMIC_SLEEP) || defined(CONFIG_LOCKDEP)
#define __pcpool_might_alloc(gfp)	might_alloc(gfp)
#else
#define __pcpool_might_alloc(gfp)	((void)(gfp))
#endif

/* Check the flags of a get. No code in a kernel without debugging options. */
static __always_inline void __pcpool_check_gfp(gfp_t gfp)
{
	VM_WARN_ON_ONCE(gfp & PCPOOL_GFP_REFUSED);
	__pcpool_might_alloc(gfp);
}

#endif /* _LINUX_PCPOOL_GFP_H */
