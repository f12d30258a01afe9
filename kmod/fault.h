/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Fault injection, fail_pcpool: makes gets fail, as failslab does with slab allocations. A
 * pool hides failslab from its clients, because most gets find an idle object. Pools for
 * which this is on have their inlined paths closed. Without CONFIG_FAULT_INJECTION_DEBUG_FS
 * there is nothing of this.
 */
#ifndef _PCPOOL_FAULT_H
#define _PCPOOL_FAULT_H

#include <linux/gfp.h>
#include <linux/types.h>

#include "types.h"

#ifdef CONFIG_FAULT_INJECTION_DEBUG_FS
struct fault_attr;

/* When to fail; for all pools for which fault injection is on. */
extern struct fault_attr pcpool_fault_attr;

void pcpool_fault_init(void);
void pcpool_fault_exit(void);
void pcpool_fault_set(struct pcpool_core *core, bool on);
bool pcpool_fault_strikes(const struct pcpool_core *core, gfp_t gfp);

/* Must a get, or an allocation for one, fail now? From any context. */
static inline bool pcpool_fault(const struct pcpool_core *core, gfp_t gfp)
{
	return unlikely(READ_ONCE(core->failing)) && pcpool_fault_strikes(core, gfp);
}
#else
static inline void pcpool_fault_init(void)
{
}

static inline void pcpool_fault_exit(void)
{
}

static inline bool pcpool_fault(const struct pcpool_core *core, gfp_t gfp)
{
	return false;
}
#endif

#endif /* _PCPOOL_FAULT_H */
