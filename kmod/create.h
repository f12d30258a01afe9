/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Creating and destroying pools.
 */
#ifndef _PCPOOL_CREATE_H
#define _PCPOOL_CREATE_H

#include "types.h"

struct module;

u64 pcpool_end(struct pcpool *pool);
void pcpool_abandon_pools_of(const struct module *module);
void pcpool_abandon_all(void);

#endif /* _PCPOOL_CREATE_H */
