/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Keeping and taking an idle object, wherever this pool keeps it: in the private slots
 * and queues of its CPUs, in the shared array, or in deferral slots. Not in the reserve,
 * which belongs to handover.h.
 */
#ifndef _PCPOOL_IDLE_H
#define _PCPOOL_IDLE_H

#include <linux/gfp.h>

#include "steal.h"
#include "types.h"

void *pcpool_idle_take(struct pcpool_core *core, enum pcpool_reach reach, bool count);
void *pcpool_idle_take_oldest(struct pcpool_core *core);
void *pcpool_idle_take_percpu(struct pcpool_core *core, enum pcpool_reach reach, bool count);

bool pcpool_idle_keep(struct pcpool_core *core, void *obj, gfp_t gfp);
bool pcpool_idle_keep_percpu(struct pcpool_core *core, void *obj, gfp_t gfp);
bool pcpool_idle_enqueue(struct pcpool_core *core, void *obj, unsigned int tier);

#endif /* _PCPOOL_IDLE_H */
