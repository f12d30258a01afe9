// SPDX-License-Identifier: GPL-2.0
/*
 * The worker; see worker.h. Two work items per pool, scheduled by an irq_work
 * (pcpool_schedule_worker()): @work completes deferred puts, adds deferral slots ahead of
 * need, and refills the reserve; @free_work frees objects.
 */
#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/mutex.h>
#include <linux/timer.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/smp.h>

#include "context.h"
#include "defer.h"
#include "handover.h"
#include "idle.h"
#include "percpu.h"
#include "release.h"
#include "wait.h"
#include "worker.h"

/* Since 6.17, a workqueue that is not unbound must say so. */
#ifdef PCPOOL_HAVE_WQ_PERCPU
#define WQ_FLAGS		(WQ_MEM_RECLAIM | WQ_PERCPU)
#else
#define WQ_FLAGS		WQ_MEM_RECLAIM
#endif

struct workqueue_struct *pcpool_workqueue;
static struct workqueue_struct *free_workqueue;

/* Complete a deferred put. */
static void complete_put(struct pcpool_core *core, void *obj)
{
	/* It is not idle at the moment. */
	pcpool_return_credits(core, 1);
	/* Before anything that may have to wait for memory. */
	if (core->wait && pcpool_wait_offer(core, obj))
		;
	else if (unlikely(READ_ONCE(core->bypass)))
		pcpool_drop(core, obj, true, &core->drop_other);
	else if (unlikely(!pcpool_idle_keep_percpu(core, obj, GFP_KERNEL | __GFP_NORETRY)))
		pcpool_drop(core, obj, true, &core->drop_full);
	/* This put was counted when it was deferred. */
	this_cpu_dec(core->cpu->off_slots);
}

/*
 * Add slots ahead of need. Without trying hard, because reclaim may be waiting for what
 * the worker does next. A reservation that finds too few schedules the worker again.
 */
static void add_slots(struct pcpool_deferred *d)
{
	while (pcpool_deferred_needs_slots(d) &&
	       pcpool_deferred_add_slots(d, GFP_KERNEL | __GFP_NORETRY))
		;
}

/* Allocate what the reserve lacks, or try again later. */
static void refill_reserve(struct pcpool_core *core)
{
	if (pcpool_wait_fill(core, GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN))
		queue_delayed_work(pcpool_workqueue, &core->wait->refill, PCPOOL_WAIT_RETRY);
}

/* The next pass of the decay is one period from now. */
void pcpool_worker_start_decay(struct pcpool_core *core)
{
	queue_delayed_work(pcpool_workqueue, &core->decay,
			   round_jiffies_relative(core->decay_period));
}

static void put_work(struct work_struct *work)
{
	struct pcpool_core *core = container_of(work, struct pcpool_core, work);
	unsigned int i;
	void *obj;

	add_slots(&core->deferred_puts);
	if (core->defers_frees)
		add_slots(&core->deferred_frees);
	if (core->wait)
		refill_reserve(core);
	if (READ_ONCE(core->start_decay)) {
		WRITE_ONCE(core->start_decay, false);
		pcpool_worker_start_decay(core);
	}
	/*
	 * The lock excludes aging passes, which have to demote deferred puts. A pass may be
	 * urgent, so neither hold the lock for long nor try hard to get memory.
	 */
	do {
		mutex_lock(&core->age_lock);
		for (i = 0; i < PCPOOL_BATCH; i++) {
			obj = pcpool_deferred_take(&core->deferred_puts);
			if (!obj)
				break;
			complete_put(core, obj);
		}
		mutex_unlock(&core->age_lock);
		/* In transit, the objects could not be found. */
		pcpool_wake_waiters(core->wait);
		cond_resched();
	} while (i == PCPOOL_BATCH);
}

/*
 * This work needs its own workqueue. A get may wait for the quota that these objects hold,
 * and a work item of the other workqueue may wait for that get. If memory is too short for
 * a second worker thread, the two must not depend on each other.
 */
static void free_work(struct work_struct *work)
{
	struct pcpool_core *core = container_of(work, struct pcpool_core, free_work);
	void *obj;

	while ((obj = pcpool_deferred_take(&core->deferred_frees))) {
		pcpool_release(core, obj);
		cond_resched();
	}
}

/* A CPU for the worker: this one, or another one if this CPU is isolated. */
static int worker_cpu(void)
{
	int self = smp_processor_id(), cpu = self;

	if (likely(!pcpool_spare_cpu(self)))
		return self;
	do {
		cpu = cpumask_next(cpu, cpu_online_mask);
		if (cpu >= nr_cpu_ids)
			cpu = cpumask_first(cpu_online_mask);
	} while (cpu != self && pcpool_spare_cpu(cpu));
	return cpu;
}

static void schedule_irq_work(struct irq_work *irq_work)
{
	struct pcpool_core *core = container_of(irq_work, struct pcpool_core,
						irq_work);
	/* This CPU, so that its queue is the one that grows, unless it is to be spared. */
	int cpu = worker_cpu();

	queue_work_on(cpu, pcpool_workqueue, &core->work);
	if (core->defers_frees)
		queue_work_on(cpu, free_workqueue, &core->free_work);
}

void pcpool_worker_init(struct pcpool_core *core)
{
	/* Hard: on PREEMPT_RT, the irq_work thread of a CPU is parked while it goes offline. */
	core->irq_work = IRQ_WORK_INIT_HARD(schedule_irq_work);
	INIT_WORK(&core->work, put_work);
	INIT_WORK(&core->free_work, free_work);
}

/* Stop the worker for good, if nothing else schedules it any more. */
void pcpool_worker_stop(struct pcpool_core *core)
{
	unsigned int i;

	/* Twice: the first time, it may just have decided to schedule itself again. */
	for (i = 0; i < 2; i++) {
		irq_work_sync(&core->irq_work);
		cancel_work_sync(&core->work);
		cancel_work_sync(&core->free_work);
		cancel_delayed_work_sync(&core->decay);
		if (core->wait)
			cancel_delayed_work_sync(&core->wait->refill);
	}
}

int pcpool_workqueues_init(void)
{
	pcpool_workqueue = alloc_workqueue("pcpool", WQ_FLAGS, 0);
	if (!pcpool_workqueue)
		return -ENOMEM;
	free_workqueue = alloc_workqueue("pcpool_free", WQ_FLAGS, 0);
	if (!free_workqueue) {
		destroy_workqueue(pcpool_workqueue);
		return -ENOMEM;
	}
	return 0;
}

void pcpool_workqueues_exit(void)
{
	destroy_workqueue(free_workqueue);
	destroy_workqueue(pcpool_workqueue);
}
