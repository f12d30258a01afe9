/* SPDX-License-Identifier: GPL-2.0 */
/*
 * debugfs: /sys/kernel/debug/pcpool/.
 */
#ifndef _PCPOOL_DEBUGFS_H
#define _PCPOOL_DEBUGFS_H

#include "types.h"

void pcpool_debugfs_init(void);
void pcpool_debugfs_exit(void);
void pcpool_debugfs_add(struct pcpool_core *core);
void pcpool_debugfs_remove(struct pcpool_core *core);

#endif /* _PCPOOL_DEBUGFS_H */
