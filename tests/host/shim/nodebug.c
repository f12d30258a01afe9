// SPDX-License-Identifier: GPL-2.0
/*
 * Stubs for debug.c and buf.c of kmod/, which are not built here. Debug mode is always off, so
 * that the code without it is tested and timed.
 */
#include "buf.h"
#include "debug.h"

bool pcpool_debug_default;

void pcpool_debug_begin(struct pcpool_core *core)
{
	fail("%s: the shim has no debug mode", core->name);
}

int pcpool_debug_set(struct pcpool_core *core, bool on)
{
	(void)on;
	pcpool_debug_begin(core);
	return 0;
}

void pcpool_debug_destroy(struct pcpool_core *core)
{
	if (core->debug)
		pcpool_debug_begin(core);
}

void pcpool_debug_allocated(struct pcpool_core *core, void *obj, gfp_t gfp)
{
	(void)obj;
	(void)gfp;
	pcpool_debug_begin(core);
}

void pcpool_debug_gfp(struct pcpool_core *core, gfp_t gfp, unsigned long caller)
{
	(void)gfp;
	(void)caller;
	pcpool_debug_begin(core);
}

void pcpool_debug_got(struct pcpool_core *core, void *obj, unsigned long caller)
{
	(void)obj;
	(void)caller;
	pcpool_debug_begin(core);
}

bool pcpool_debug_put(struct pcpool_core *core, void *obj, unsigned long caller)
{
	(void)obj;
	(void)caller;
	pcpool_debug_begin(core);
	return true;
}

void pcpool_debug_idle(struct pcpool_core *core, void *obj)
{
	(void)obj;
	pcpool_debug_begin(core);
}

void pcpool_debug_freed(struct pcpool_core *core, void *obj)
{
	(void)obj;
	pcpool_debug_begin(core);
}

void pcpool_buf_exit(void)
{
}
