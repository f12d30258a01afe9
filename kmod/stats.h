/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Statistics: a pool's counters, summed over all CPUs into the public record.
 */
#ifndef _PCPOOL_STATS_H
#define _PCPOOL_STATS_H

#include "types.h"

void pcpool_collect(struct pcpool_core *core, struct pcpool_pool_stats *stats);
int pcpool_enable_byte_count(struct pcpool *pool);

#endif /* _PCPOOL_STATS_H */
