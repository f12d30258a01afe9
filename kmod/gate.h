/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Whether the inlined paths of a pool are open or closed. A pool whose every get or put must be
 * seen (bypass, debug mode, fault injection, bounds, ops->reset, a destroyed pool) shows the
 * inlined paths slots that are always empty and full at once, so that they go out of line.
 */
#ifndef _PCPOOL_GATE_H
#define _PCPOOL_GATE_H

#include "types.h"

void pcpool_gate_update(struct pcpool_core *core);
void pcpool_gate_set_bypass(struct pcpool_core *core, bool on);
void pcpool_gate_set_failing(struct pcpool_core *core, bool on);
void pcpool_gate_set_debug(struct pcpool_core *core, bool on);
void pcpool_gate_set_ending(struct pcpool_core *core);
void pcpool_gate_set_dead(struct pcpool_core *core);

#endif /* _PCPOOL_GATE_H */
