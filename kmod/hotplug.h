/* SPDX-License-Identifier: GPL-2.0 */
/*
 * CPU hotplug: a CPU that goes offline hands over what it holds.
 */
#ifndef _PCPOOL_HOTPLUG_H
#define _PCPOOL_HOTPLUG_H

#include "types.h"

int pcpool_hotplug_init(void);
void pcpool_hotplug_exit(void);

int pcpool_hotplug_add(struct pcpool_core *core);
void pcpool_hotplug_remove(struct pcpool_core *core);

#endif /* _PCPOOL_HOTPLUG_H */
