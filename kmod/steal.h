/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Stealing: what a get does when its own CPU has no object left. It takes the oldest
 * object from another CPU's queue, so that the other CPU keeps what is warm in its cache.
 */
#ifndef _PCPOOL_STEAL_H
#define _PCPOOL_STEAL_H

#include "types.h"

/*
 * How many more objects to take from a CPU that only puts, to the stealing CPU's queue,
 * with interrupts disabled: 32 cache lines of pointers, which come from the other CPU.
 */
#define PCPOOL_STEAL_MORE	256u

/**
 * enum pcpool_reach - where a get may look for an idle object
 * @PCPOOL_REACH_LOCAL: only on its own CPU
 * @PCPOOL_REACH_ALL: wherever the pool's steal policy allows
 * @PCPOOL_REACH_ANYWHERE: everywhere, regardless of the policy
 *
 * Other CPUs are searched only if their bit in the hint mask is set, so that the cost does
 * not grow with the number of possible CPUs. A search that is made on behalf of a waiter
 * may miss an object, but is then repeated; (A) and (B) in handover.c.
 */
enum pcpool_reach {
	PCPOOL_REACH_LOCAL,
	PCPOOL_REACH_ALL,
	PCPOOL_REACH_ANYWHERE,
};

void *pcpool_steal_main(struct pcpool_core *core, unsigned int tier, enum pcpool_reach reach);
void *pcpool_steal_victim(struct pcpool_core *core, unsigned int tier, enum pcpool_reach reach);

#endif /* _PCPOOL_STEAL_H */
