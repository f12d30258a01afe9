/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Entry points that compose what is below them, for the layers above.
 */
#ifndef _PCPOOL_API_H
#define _PCPOOL_API_H

#include "types.h"

void pcpool_set_bypass(struct pcpool_core *core, bool on);

#endif /* _PCPOOL_API_H */
