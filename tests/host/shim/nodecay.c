// SPDX-License-Identifier: GPL-2.0
/*
 * Stands in for decay.c, which is not built here: the shim has no timers, so objects leave
 * a pool only by the passes that a test runs.
 */
#include "decay.h"

unsigned int pcpool_decay_ms;

void pcpool_decay_init(struct pcpool_core *core, unsigned int decay_ms)
{
	(void)decay_ms;
	core->decaying = true;
}
