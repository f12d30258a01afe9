/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Leaving an object to a pool's worker (worker.c), where the calling context may neither
 * grow a queue nor free the object: a deferred put, or a deferred free. Room for both is
 * reserved when the object is allocated (deferred.h).
 */
#ifndef _PCPOOL_DEFER_H
#define _PCPOOL_DEFER_H

#include <linux/gfp.h>
#include <linux/irq_work.h>

#include "types.h"

/*
 * Schedule the pool's worker, on this CPU. From any context. The irq_work's handler was
 * set when the pool was created, so nothing here depends on the worker.
 */
static inline void pcpool_schedule_worker(struct pcpool_core *core)
{
	irq_work_queue(&core->irq_work);
}

/*
 * An object has become idle: start the decay, if it is not running. From any context, in
 * the RCU read-side critical section that stored the object; (A) in decay.c.
 */
static inline void pcpool_note_idle(struct pcpool_core *core)
{
	if (unlikely(!READ_ONCE(core->decaying))) {
		WRITE_ONCE(core->decaying, true);
		WRITE_ONCE(core->start_decay, true);
		pcpool_schedule_worker(core);
	}
}

bool pcpool_defer_reserve(struct pcpool_core *core, gfp_t gfp);
void pcpool_defer_unreserve(struct pcpool_core *core);

void pcpool_defer_park(struct pcpool_core *core, void *obj);
void pcpool_defer_put(struct pcpool_core *core, void *obj);
void pcpool_defer_free(struct pcpool_core *core, void *obj);

#endif /* _PCPOOL_DEFER_H */
