/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Debug mode: finds objects that are misused, and reports by which callers.
 */
#ifndef _PCPOOL_DEBUG_H
#define _PCPOOL_DEBUG_H

#include <linux/gfp.h>
#include <linux/kconfig.h>
#include <linux/types.h>

#include "types.h"

struct seq_file;

/* Do new pools start in debug mode? The module parameter "debug". */
extern bool pcpool_debug_default;

/*
 * Can debug mode of a pool in use be switched? It has to wait for tasks that are in the
 * middle of an inlined get or put.
 */
static inline bool pcpool_debug_can_switch(void)
{
	return !IS_ENABLED(CONFIG_PREEMPTION) || IS_ENABLED(CONFIG_TASKS_RCU);
}

void pcpool_debug_begin(struct pcpool_core *core);
int pcpool_debug_set(struct pcpool_core *core, bool on);
void pcpool_debug_destroy(struct pcpool_core *core);

void pcpool_debug_allocated(struct pcpool_core *core, void *obj, gfp_t gfp);
void pcpool_debug_gfp(struct pcpool_core *core, gfp_t gfp, unsigned long caller);
void pcpool_debug_got(struct pcpool_core *core, void *obj, unsigned long caller);
bool pcpool_debug_put(struct pcpool_core *core, void *obj, unsigned long caller);
void pcpool_debug_idle(struct pcpool_core *core, void *obj);
void pcpool_debug_freed(struct pcpool_core *core, void *obj);

void pcpool_debug_show_outstanding(struct pcpool_core *core, struct seq_file *m);

#endif /* _PCPOOL_DEBUG_H */
