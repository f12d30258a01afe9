// SPDX-License-Identifier: GPL-2.0
/*
 * Stubs for debugfs.c of kmod/, which is not built here, as a user program has no
 * debugfs.
 */
#include "debugfs.h"

void pcpool_debugfs_init(void)
{
}

void pcpool_debugfs_exit(void)
{
}

void pcpool_debugfs_add(struct pcpool_core *core)
{
	core->dir = NULL;
}

void pcpool_debugfs_remove(struct pcpool_core *core)
{
	core->dir = NULL;
}
