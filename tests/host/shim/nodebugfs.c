// SPDX-License-Identifier: GPL-2.0
/*
 * What kmod/ calls in debugfs.c, which is not built here: there is no debugfs
 * to show anything in.
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
