/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The list of pools, and with it which names are taken. Also keeps destroyed pools that
 * still had objects outstanding.
 */
#ifndef _PCPOOL_REGISTRY_H
#define _PCPOOL_REGISTRY_H

#include <linux/list.h>
#include <linux/mutex.h>

#include "types.h"

/* All pools, in order of creation. */
extern struct list_head pcpool_pools;
/* Protects the list of pools, and with it which names are taken. */
extern struct mutex pcpool_pools_lock;

int pcpool_registry_check_name(const char *name);
void pcpool_registry_add(struct pcpool_core *core);
void pcpool_registry_remove(struct pcpool_core *core);
void pcpool_registry_add_zombie(struct pcpool_core *core);
void pcpool_registry_free_zombies(void);

/* A pool's structure is freed with the last reference to it. */
void pcpool_core_get(struct pcpool_core *core);
void pcpool_core_put(struct pcpool_core *core);

#endif /* _PCPOOL_REGISTRY_H */
