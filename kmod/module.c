// SPDX-License-Identifier: GPL-2.0
/*
 * The module: its parameter, and what it sets up and tears down.
 */
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/rcupdate.h>

#include "buf.h"
#include "create.h"
#include "debug.h"
#include "debugfs.h"
#include "hotplug.h"
#include "registry.h"
#include "slots.h"
#include "worker.h"

/* Switches debug mode of all pools, and of those created from now on. */
static int debug_param_set(const char *val, const struct kernel_param *kp)
{
	struct pcpool_core *core;
	int ret = param_set_bool(val, kp);

	if (ret)
		return ret;
	mutex_lock(&pcpool_pools_lock);
	list_for_each_entry(core, &pcpool_pools, list) {
		ret = pcpool_debug_set(core, pcpool_debug_default);
		if (ret)
			break;
	}
	mutex_unlock(&pcpool_pools_lock);
	return ret;
}

static const struct kernel_param_ops debug_param_ops = {
	.set = debug_param_set,
	.get = param_get_bool,
};
module_param_cb(debug, &debug_param_ops, &pcpool_debug_default, 0600);
MODULE_PARM_DESC(debug, "check the use of all pools for errors; each also has a switch in debugfs");

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
	pcpool_debugfs_init();
	return 0;

err_workqueues:
	pcpool_workqueues_exit();
err_slots:
	pcpool_closed_slots_exit();
	return ret;
}

static void __exit pcpool_exit(void)
{
	pcpool_debugfs_exit();
	pcpool_abandon_all();
	pcpool_hotplug_exit();
	pcpool_workqueues_exit();
	/* Rings and deferral slots are freed by callbacks in this module. */
	rcu_barrier();
	pcpool_buf_exit();
	pcpool_closed_slots_exit();
}

module_init(pcpool_init);
module_exit(pcpool_exit);
MODULE_DESCRIPTION("Per-CPU object pools");
MODULE_LICENSE("GPL");
