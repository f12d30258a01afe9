/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Freeing an object, and then telling the gets that wait: one more object may be
 * allocated now.
 */
#ifndef _PCPOOL_RELEASE_H
#define _PCPOOL_RELEASE_H

#include <linux/atomic.h>

#include "types.h"

void pcpool_release(struct pcpool_core *core, void *obj);
void pcpool_drop(struct pcpool_core *core, void *obj, bool task, atomic_long_t *counter);
void pcpool_free_backlog(struct pcpool_core *core);

#endif /* _PCPOOL_RELEASE_H */
