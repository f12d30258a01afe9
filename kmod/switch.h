/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Switching debug mode of pools that are in use.
 */
#ifndef _PCPOOL_SWITCH_H
#define _PCPOOL_SWITCH_H

#include <linux/kconfig.h>

#include "debug.h"
#include "types.h"

/*
 * Can debug mode of a pool in use be switched? It has to wait for tasks that are in the
 * middle of an inlined get or put.
 */
static inline bool pcpool_debug_can_switch(void)
{
	return !IS_ENABLED(CONFIG_PREEMPTION) || IS_ENABLED(CONFIG_TASKS_RCU);
}

void pcpool_wait_for_calls(void);

/* For tests. */
extern unsigned long pcpool_debug_waits;

int pcpool_debug_set(struct pcpool_core *core, bool on);
int pcpool_debug_set_all(bool on);
void pcpool_debug_follow_default(struct pcpool_core *core);

#endif /* _PCPOOL_SWITCH_H */
