/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Allocating and freeing one object: the only calls of ops->alloc and ops->free, and all
 * the accounting that goes with them. Wakes no waiter; release.h does.
 */
#ifndef _PCPOOL_OBJECT_H
#define _PCPOOL_OBJECT_H

#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/percpu.h>

#include "types.h"

void *pcpool_object_alloc(struct pcpool_core *core, gfp_t gfp);
void *pcpool_object_alloc_limited(struct pcpool_core *core, gfp_t gfp);
void pcpool_object_free(struct pcpool_core *core, void *obj);

/* Count a miss, if @obj was allocated for a get and is not an error. Returns @obj. */
static inline void *pcpool_count_miss(struct pcpool_core *core, void *obj)
{
	if (!IS_ERR(obj))
		this_cpu_inc(core->cpu->miss);
	return obj;
}

#endif /* _PCPOOL_OBJECT_H */
