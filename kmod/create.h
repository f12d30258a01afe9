/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Creating and destroying pools.
 */
#ifndef _PCPOOL_CREATE_H
#define _PCPOOL_CREATE_H

#include "types.h"

u64 pcpool_end(struct pcpool *pool);
void pcpool_abandon_all(void);

#endif /* _PCPOOL_CREATE_H */
