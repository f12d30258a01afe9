/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The pool's shrinker: what is freed under memory pressure.
 */
#ifndef _PCPOOL_SHRINKER_H
#define _PCPOOL_SHRINKER_H

#include "types.h"

int pcpool_shrinker_init(struct pcpool_core *core);
void pcpool_shrinker_exit(struct pcpool_core *core);

#endif /* _PCPOOL_SHRINKER_H */
