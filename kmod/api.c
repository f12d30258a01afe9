// SPDX-License-Identifier: GPL-2.0
/*
 * Entry points other than gets and puts: bypassing and prefilling a pool.
 */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/percpu.h>

#include "api.h"
#include "context.h"
#include "debug.h"
#include "gate.h"
#include "handover.h"
#include "idle.h"
#include "release.h"
#include "testing.h"
#include "wait.h"

/* Idle objects stay where they are, and are used again when the bypass ends. */
void pcpool_set_bypass(struct pcpool_core *core, bool on)
{
	pcpool_gate_set_bypass(core, on);
	/* Waiters may take idle objects again. */
	pcpool_wake_waiters(core->wait);
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_set_bypass);

/* See linux/pcpool.h. */
unsigned long pcpool_prefill(struct pcpool *pool, gfp_t gfp, unsigned long n)
{
	struct pcpool_core *core = pcpool_to_core(pool);
	unsigned long done;
	void *obj;
	bool kept;

	__pcpool_check_gfp(gfp);
	if (READ_ONCE(core->debug))
		pcpool_debug_gfp(core, gfp, _RET_IP_);
	for (done = 0; done < n; done++) {
		if (READ_ONCE(core->bypass) || core->dead)
			break;
		obj = pcpool_wait_alloc(core, gfp);
		if (IS_ERR(obj))
			break;
		atomic_long_inc(&core->prefilled);
		kept = (core->wait && pcpool_wait_offer(core, obj)) ||
		       pcpool_idle_keep(core, obj, gfp & PCPOOL_GFP);
		if (!kept)
			pcpool_drop(core, obj, gfpflags_allow_blocking(gfp),
				    &core->drop_full);
		pcpool_wake_waiters(core->wait);
		/* It was counted as a put, but is not one. */
		this_cpu_dec(core->cpu->off_slots);
		if (!kept)
			break;
	}
	return done;
}
EXPORT_SYMBOL_GPL(pcpool_prefill);
