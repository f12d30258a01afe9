/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Counting the idle objects of a pool, wherever it keeps them. Takes no lock, and may be
 * called from any context. The numbers are exact while nothing moves; otherwise they are
 * of slightly different moments.
 */
#ifndef _PCPOOL_COUNT_H
#define _PCPOOL_COUNT_H

#include "types.h"

unsigned long pcpool_count_slots(const struct pcpool_core *core);
unsigned long pcpool_count_tier(struct pcpool_core *core, unsigned int tier);
unsigned long pcpool_count_evictable(struct pcpool_core *core);

#endif /* _PCPOOL_COUNT_H */
