// SPDX-License-Identifier: GPL-2.0
/*
 * Decay: an aging pass every decay_ms, so that an object which was idle for one to two
 * periods is freed, and a burst does not stay for ever. As in Go, whose garbage collector
 * runs at least every two minutes.
 *
 * Each pool has a delayed work of its own, because a pass calls the client's ops->free,
 * which must not delay other pools. It is pending only while the pool may hold an idle
 * object (@decaying): a pool that is idle and empty has no timer. The timer is not
 * deferrable, because on an idle machine, where memory is to come back, a deferrable timer
 * may not run for hours. A burst costs two or three wake-ups, rounded to whole seconds.
 *
 * When a pass leaves a pool empty, all private slots are closed and no CPU has a ring. So
 * whatever makes an object idle then goes out of line, through pcpool_note_idle(), and
 * has the worker start the decay again. One case is missed: a task that was preempted
 * within an inlined put, and resumes after the pass. Its object stays until the next
 * out-of-line put, or memory pressure.
 *
 * Ordering between CPUs:
 *
 *  (A) The end of a pass clears @decaying, waits for a grace period, then looks for idle
 *      objects. A put stores its object and reads @decaying in one RCU read-side critical
 *      section. So either the put sees @decaying clear and starts the decay again, or the
 *      pass sees the object and goes on. A put needs no barrier for it.
 */
#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/workqueue.h>

#include "age.h"
#include "count.h"
#include "decay.h"
#include "slots.h"
#include "worker.h"

unsigned int pcpool_decay_ms = 60000;

/* May the pool hold an idle object, or may a put be inlined on some CPU? */
static bool in_use(struct pcpool_core *core)
{
	int cpu;

	if (pcpool_count_evictable(core) || pcpool_next_ring_cpu(core, -1) < nr_cpu_ids)
		return true;
	for_each_online_cpu(cpu) {
		if (pcpool_slots_in_use(core->slots, cpu))
			return true;
	}
	return false;
}

static void decay_work(struct work_struct *work)
{
	struct pcpool_core *core = container_of(work, struct pcpool_core, decay.work);

	mutex_lock(&core->age_lock);
	pcpool_age_pass(core, ULONG_MAX, PCPOOL_AGE_MAY_WAIT | PCPOOL_AGE_COUNT |
					 PCPOOL_AGE_SPARE | PCPOOL_AGE_CLOSE);
	mutex_unlock(&core->age_lock);
	WRITE_ONCE(core->decaying, false);
	synchronize_rcu(); /* (A): pairs with the section around pcpool_note_idle() */
	if (in_use(core)) {
		WRITE_ONCE(core->decaying, true);
		pcpool_worker_start_decay(core);
	}
}

/* @decay_ms: as in struct pcpool_params. */
void pcpool_decay_init(struct pcpool_core *core, unsigned int decay_ms)
{
	INIT_DELAYED_WORK(&core->decay, decay_work);
	decay_ms = decay_ms ?: READ_ONCE(pcpool_decay_ms);
	if (decay_ms && decay_ms != PCPOOL_DECAY_NEVER)
		core->decay_period = max(msecs_to_jiffies(decay_ms), 1ul);
	/* Without a period, pretend that the decay has been started already. */
	core->decaying = !core->decay_period;
}
