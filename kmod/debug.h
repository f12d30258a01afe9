/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Debug mode: who has which object, and what should not have happened to it. See debug.c.
 */
#ifndef _PCPOOL_DEBUG_H
#define _PCPOOL_DEBUG_H

#include <linux/gfp.h>
#include <linux/kconfig.h>
#include <linux/types.h>

struct pcpool_core;
struct seq_file;

/**
 * enum pcpool_debug_mode - is a pool being debugged?
 * @PCPOOL_DEBUG_OFF: no
 * @PCPOOL_DEBUG_BEGINNING: no, but objects are counted for it
 * @PCPOOL_DEBUG_ON: all its gets and puts are looked at
 * @PCPOOL_DEBUG_ENDING: no, but gets still have to lift what was imposed on idle objects
 */
enum pcpool_debug_mode {
	PCPOOL_DEBUG_OFF,
	PCPOOL_DEBUG_BEGINNING,
	PCPOOL_DEBUG_ON,
	PCPOOL_DEBUG_ENDING,
};

extern bool pcpool_debug_default;

/* Of a pool in use: can one wait for those who are in the middle of an inlined get or put? */
static inline bool pcpool_debug_can_switch(void)
{
	return !IS_ENABLED(CONFIG_PREEMPTION) || IS_ENABLED(CONFIG_TASKS_RCU);
}

void pcpool_debug_begin(struct pcpool_core *core);
int pcpool_debug_set(struct pcpool_core *core, bool on);
void pcpool_debug_destroy(struct pcpool_core *core);

void pcpool_debug_allocated(struct pcpool_core *core, void *obj, gfp_t gfp);
void pcpool_debug_got(struct pcpool_core *core, void *obj, unsigned long caller);
bool pcpool_debug_put(struct pcpool_core *core, void *obj, unsigned long caller);
void pcpool_debug_idle(struct pcpool_core *core, void *obj);
void pcpool_debug_freed(struct pcpool_core *core, void *obj);

void pcpool_debug_show_outstanding(struct pcpool_core *core, struct seq_file *m);

#endif /* _PCPOOL_DEBUG_H */
