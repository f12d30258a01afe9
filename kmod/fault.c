// SPDX-License-Identifier: GPL-2.0
/*
 * Fault injection, fail_pcpool; see fault.h. Empty without CONFIG_FAULT_INJECTION_DEBUG_FS.
 * The attributes are those of the kernel's fault injection, one set for all pools, in
 * /sys/kernel/debug/fail_pcpool/. Gets ask from any context.
 */
#include "context.h"
#include "fault.h"
#include "gate.h"
#include "testing.h"

#ifdef CONFIG_FAULT_INJECTION_DEBUG_FS
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/fault-inject.h>

struct fault_attr pcpool_fault_attr = FAULT_ATTR_INITIALIZER;
EXPORT_SYMBOL_IF_KUNIT(pcpool_fault_attr);

static struct dentry *dir;

/*
 * Must a get with @gfp fail now? Not where nothing may be allocated, because to roll the
 * dice may take a lock.
 */
bool pcpool_fault_strikes(const struct pcpool_core *core, gfp_t gfp)
{
	return !(gfp & __GFP_NOFAIL) && pcpool_may_allocate_for(gfp) &&
	       should_fail(&pcpool_fault_attr, core->object_bytes);
}

/* A get that is already on its way may not see this yet. */
void pcpool_fault_set(struct pcpool_core *core, bool on)
{
	pcpool_gate_set_failing(core, on);
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_fault_set);

void pcpool_fault_init(void)
{
	dir = fault_create_debugfs_attr("fail_pcpool", NULL, &pcpool_fault_attr);
	if (IS_ERR(dir))
		dir = NULL;
}

void pcpool_fault_exit(void)
{
	debugfs_remove(dir);
}
#endif
