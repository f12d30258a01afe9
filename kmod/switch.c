// SPDX-License-Identifier: GPL-2.0
/*
 * Switching debug mode; see switch.h. In task context.
 *
 * Pools are switched in batches: all pools of a batch go through one step, then one grace
 * period passes for all. Only switch_lock is held meanwhile, and nothing but switching
 * takes it. So pools can be created, listed and destroyed. The batch has a reference to
 * each of its pools. A pool that is being destroyed takes no further step, and stays in
 * whichever mode it has.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "gate.h"
#include "record.h"
#include "registry.h"
#include "switch.h"
#include "testing.h"

/* How many records to look at while their lock is held. */
#define BATCH		64u

/* Serialises switching, which waits for grace periods. */
static DEFINE_MUTEX(switch_lock);

/* For how many grace periods switching has waited so far. */
unsigned long pcpool_debug_waits;
EXPORT_SYMBOL_IF_KUNIT(pcpool_debug_waits);

static void unpoison_all(struct pcpool_core *core)
{
	struct pcpool_record_cursor cursor = { };
	struct pcpool_record *r;
	unsigned int n;

	pcpool_record_rewind(core, &cursor);
	do {
		/* Under the lock, so that the object is not freed meanwhile. */
		raw_spin_lock_irq(&pcpool_records_lock);
		for (n = 0; n < BATCH; n++) {
			r = pcpool_record_next(core, &cursor);
			if (!r)
				break;
			pcpool_record_unpoison(r);
		}
		raw_spin_unlock_irq(&pcpool_records_lock);
		cond_resched();
	} while (r);
	pcpool_record_cursor_remove(&cursor);
}

static void step_close(struct pcpool_core *core)
{
	pcpool_gate_set_debug(core, true);
	WRITE_ONCE(core->debug, PCPOOL_DEBUG_BEGINNING);
}

static void step_on(struct pcpool_core *core)
{
	raw_spin_lock_irq(&pcpool_records_lock);
	atomic_long_set(&core->untracked, atomic_long_read(&core->objects));
	WRITE_ONCE(core->debug, PCPOOL_DEBUG_ON);
	raw_spin_unlock_irq(&pcpool_records_lock);
}

static void step_ending(struct pcpool_core *core)
{
	WRITE_ONCE(core->debug, PCPOOL_DEBUG_ENDING);
}

static void step_off(struct pcpool_core *core)
{
	unpoison_all(core);
	WRITE_ONCE(core->debug, PCPOOL_DEBUG_OFF);
}

static void step_open(struct pcpool_core *core)
{
	pcpool_record_drop_all(core);
	pcpool_gate_set_debug(core, false);
}

static void step_all(struct list_head *batch, void (*step)(struct pcpool_core *core))
{
	struct pcpool_core *core;

	list_for_each_entry(core, batch, switching) {
		mutex_lock(&core->debug_lock);
		if (!core->debug_fixed)
			step(core);
		mutex_unlock(&core->debug_lock);
	}
}

/* Wait until each get, put, allocation and free that is in progress has ended. */
void pcpool_wait_for_calls(void)
{
	WRITE_ONCE(pcpool_debug_waits, pcpool_debug_waits + 1);
	synchronize_rcu_tasks();
}

static void switch_on(struct list_head *batch)
{
	step_all(batch, step_close);
	/* After this, every get, put, allocation and free is seen. */
	pcpool_wait_for_calls();
	step_all(batch, step_on);
}

static void switch_off(struct list_head *batch)
{
	step_all(batch, step_ending);
	/* After this, no put poisons an object any more. */
	pcpool_wait_for_calls();
	step_all(batch, step_off);
	/* After this, no record is added any more. */
	pcpool_wait_for_calls();
	step_all(batch, step_open);
}

/* Add @core to @batch unless it is in the wanted mode already. Under switch_lock. */
static void batch_add(struct list_head *batch, struct pcpool_core *core, bool on)
{
	if (on == (READ_ONCE(core->debug) == PCPOOL_DEBUG_ON))
		return;
	pcpool_core_get(core);
	list_add_tail(&core->switching, batch);
}

/* Switch the pools of @batch, and give up the references to them. Under switch_lock. */
static int switch_batch(struct list_head *batch, bool on)
{
	struct pcpool_core *core, *next;
	int ret = 0;

	if (list_empty(batch))
		return 0;
	if (!pcpool_debug_can_switch()) {
		pr_err("debug mode cannot be switched without CONFIG_TASKS_RCU\n");
		ret = -EOPNOTSUPP;
	} else if (!on) {
		switch_off(batch);
	} else {
		ret = pcpool_records_init();
		if (!ret)
			switch_on(batch);
	}
	list_for_each_entry_safe(core, next, batch, switching) {
		list_del(&core->switching);
		pcpool_core_put(core);
	}
	return ret;
}

/**
 * pcpool_debug_set() - switch debug mode of a pool
 * @core: the pool
 * @on: on or off
 *
 * May sleep for some time: until every task that is in the middle of an inlined get or
 * put has left it.
 *
 * Return: 0, -ENOMEM, -EINTR after a fatal signal, or -EOPNOTSUPP on a kernel on which that cannot
 * be waited for. There only pools that are created in debug mode have it.
 */
int pcpool_debug_set(struct pcpool_core *core, bool on)
{
	LIST_HEAD(batch);
	int ret;

	if (mutex_lock_killable(&switch_lock))
		return -EINTR;
	batch_add(&batch, core, on);
	ret = switch_batch(&batch, on);
	mutex_unlock(&switch_lock);
	return ret;
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_debug_set);

/* As pcpool_debug_set(), for all pools. A pool created meanwhile has pcpool_debug_default. */
int pcpool_debug_set_all(bool on)
{
	struct pcpool_core *core;
	LIST_HEAD(batch);
	int ret;

	if (mutex_lock_killable(&switch_lock))
		return -EINTR;
	mutex_lock(&pcpool_pools_lock);
	list_for_each_entry(core, &pcpool_pools, list)
		batch_add(&batch, core, on);
	mutex_unlock(&pcpool_pools_lock);
	ret = switch_batch(&batch, on);
	mutex_unlock(&switch_lock);
	return ret;
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_debug_set_all);

/*
 * The pool is in the list of pools now. If the default was switched after
 * pcpool_debug_init(), then perhaps before the pool could be found in the list.
 */
void pcpool_debug_follow_default(struct pcpool_core *core)
{
	bool on = READ_ONCE(pcpool_debug_default);

	if (on != core->created_debugged)
		pcpool_debug_set(core, on);
}
