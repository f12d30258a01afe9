/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Getting an object from a pool with a quota (max_total) or a reserve, which may mean
 * waiting for one; and allocating one in a way that respects both.
 */
#ifndef _PCPOOL_WAIT_H
#define _PCPOOL_WAIT_H

#include <linux/gfp.h>

#include "types.h"

/* How often to retry an allocation when no event suggests that it can succeed. As mempool. */
#define PCPOOL_WAIT_RETRY	(5 * HZ)
/* How long a waiter sleeps at a time. A waiter whose allocation failed retries after each. */
#define PCPOOL_WAIT_SLICE	PCPOOL_WAIT_RETRY

void *pcpool_wait_alloc(struct pcpool_core *core, gfp_t gfp);
int pcpool_wait_fill(struct pcpool_core *core, gfp_t gfp);
void *pcpool_wait_get(struct pcpool_core *core, gfp_t gfp, bool local,
		      unsigned int state, long timeout);

#endif /* _PCPOOL_WAIT_H */
