// SPDX-License-Identifier: GPL-2.0
/*
 * The module: its parameter, what it sets up and tears down, and what it does when another
 * module goes.
 */
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/notifier.h>
#include <linux/rcupdate.h>

#include "buf.h"
#include "create.h"
#include "debugfs.h"
#include "decay.h"
#include "hotplug.h"
#include "record.h"
#include "slots.h"
#include "switch.h"
#include "worker.h"

/* Switches debug mode of all pools, and of those created from now on. */
static int debug_param_set(const char *val, const struct kernel_param *kp)
{
	int ret = param_set_bool(val, kp);

	return ret ?: pcpool_debug_set_all(pcpool_debug_default);
}

static const struct kernel_param_ops debug_param_ops = {
	.set = debug_param_set,
	.get = param_get_bool,
};
module_param_cb(debug, &debug_param_ops, &pcpool_debug_default, 0600);
MODULE_PARM_DESC(debug, "check the use of all pools for errors; each also has a switch in debugfs");

module_param_named(decay_ms, pcpool_decay_ms, uint, 0400);
MODULE_PARM_DESC(decay_ms, "free objects of new pools that were idle for one to two periods of this many milliseconds (60000); 0: only under memory pressure");

/* A module is unloaded, or failed to load. Its exit function has returned. */
static int module_event(struct notifier_block *block, unsigned long event, void *module)
{
	if (event == MODULE_STATE_GOING)
		pcpool_abandon_pools_of(module);
	return NOTIFY_OK;
}

static struct notifier_block module_block = {
	.notifier_call = module_event,
};

static int __init pcpool_init(void)
{
	int ret;

	ret = pcpool_closed_slots_init();
	if (ret)
		return ret;
	ret = pcpool_workqueues_init();
	if (ret)
		goto err_slots;
	ret = pcpool_hotplug_init();
	if (ret)
		goto err_workqueues;
	ret = register_module_notifier(&module_block);
	if (ret)
		goto err_hotplug;
	pcpool_debugfs_init();
	return 0;

err_hotplug:
	pcpool_hotplug_exit();
err_workqueues:
	pcpool_workqueues_exit();
err_slots:
	pcpool_closed_slots_exit();
	return ret;
}

static void __exit pcpool_exit(void)
{
	pcpool_debugfs_exit();
	unregister_module_notifier(&module_block);
	pcpool_abandon_all();
	pcpool_hotplug_exit();
	pcpool_records_exit();
	pcpool_workqueues_exit();
	/* Pools, records, rings and deferral slots are freed by callbacks in this module. */
	rcu_barrier();
	pcpool_buf_exit();
	pcpool_closed_slots_exit();
}

module_init(pcpool_init);
module_exit(pcpool_exit);
MODULE_DESCRIPTION("Per-CPU object pools");
MODULE_LICENSE("GPL");
