/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Decay: freeing objects that stay idle, without memory pressure.
 */
#ifndef _PCPOOL_DECAY_H
#define _PCPOOL_DECAY_H

#include "types.h"

/* Default of decay_ms, the module parameter. 0: never. */
extern unsigned int pcpool_decay_ms;

void pcpool_decay_init(struct pcpool_core *core, unsigned int decay_ms);

#endif /* _PCPOOL_DECAY_H */
