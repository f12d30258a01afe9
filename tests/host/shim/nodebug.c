// SPDX-License-Identifier: GPL-2.0
/*
 * Stubs for debug.c, switch.c, record.c and buf.c of kmod/, which are not built here. Debug mode
 * is always off, so that the code without it is tested and timed.
 */
#include "buf.h"
#include "debug.h"
#include "record.h"
#include "switch.h"

bool pcpool_debug_default;

static void no_debug_mode(const struct pcpool_core *core)
{
	fail("%s: the shim has no debug mode", core->name);
}

void pcpool_records_exit(void)
{
}

void pcpool_debug_init(struct pcpool_core *core)
{
	if (pcpool_debug_default)
		no_debug_mode(core);
}

void pcpool_debug_follow_default(struct pcpool_core *core)
{
	pcpool_debug_init(core);
}

int pcpool_debug_set_all(bool on)
{
	(void)on;
	return 0;
}

void pcpool_debug_fix(struct pcpool_core *core)
{
	(void)core;
}

void pcpool_debug_destroy(struct pcpool_core *core)
{
	if (core->debug)
		no_debug_mode(core);
}

void pcpool_debug_allocated(struct pcpool_core *core, void *obj, gfp_t gfp)
{
	(void)obj;
	(void)gfp;
	no_debug_mode(core);
}

void pcpool_debug_gfp(struct pcpool_core *core, gfp_t gfp, unsigned long caller)
{
	(void)gfp;
	(void)caller;
	no_debug_mode(core);
}

void pcpool_debug_got(struct pcpool_core *core, void *obj, unsigned long caller)
{
	(void)obj;
	(void)caller;
	no_debug_mode(core);
}

bool pcpool_debug_put(struct pcpool_core *core, void *obj, unsigned long caller)
{
	(void)obj;
	(void)caller;
	no_debug_mode(core);
	return true;
}

void pcpool_debug_idle(struct pcpool_core *core, void *obj)
{
	(void)obj;
	no_debug_mode(core);
}

void pcpool_debug_freed(struct pcpool_core *core, void *obj)
{
	(void)obj;
	no_debug_mode(core);
}

void pcpool_buf_exit(void)
{
}

void pcpool_wait_for_calls(void)
{
}
