// SPDX-License-Identifier: GPL-2.0
/*
 * The list of pools; see registry.h. Called in task context.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/errno.h>
#include <linux/export.h>
#include <linux/lockdep.h>
#include <linux/printk.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "registry.h"
#include "testing.h"

LIST_HEAD(pcpool_pools);
DEFINE_MUTEX(pcpool_pools_lock); /* the list, and which names are taken */
EXPORT_SYMBOL_IF_KUNIT(pcpool_pools_lock);

/*
 * Destroyed pools of which objects were outstanding. They are kept so that a late put
 * meets a dead pool, and not another pool that was allocated in the same memory.
 */
static LIST_HEAD(zombie_pools);

static struct pcpool_core *find_pool(const char *name)
{
	struct pcpool_core *core;

	list_for_each_entry(core, &pcpool_pools, list) {
		if (!strcmp(core->name, name))
			return core;
	}
	return NULL;
}

/* Is @name free? Returns 0, or says that it is taken and returns -EEXIST. */
int pcpool_registry_check_name(const char *name)
{
	lockdep_assert_held(&pcpool_pools_lock);
	if (!find_pool(name))
		return 0;
	pr_err("%s: name is taken by another pool\n", name);
	return -EEXIST;
}

void pcpool_registry_add(struct pcpool_core *core)
{
	lockdep_assert_held(&pcpool_pools_lock);
	list_add_tail(&core->list, &pcpool_pools);
}

void pcpool_registry_remove(struct pcpool_core *core)
{
	mutex_lock(&pcpool_pools_lock);
	list_del(&core->list);
	mutex_unlock(&pcpool_pools_lock);
}

void pcpool_core_get(struct pcpool_core *core)
{
	refcount_inc(&core->refs);
}

static void core_free_rcu(struct rcu_head *rcu)
{
	kfree(container_of(rcu, struct pcpool_core, rcu));
}

/* Readers of debug mode's records look at the pool under RCU. */
void pcpool_core_put(struct pcpool_core *core)
{
	if (refcount_dec_and_test(&core->refs))
		call_rcu(&core->rcu, core_free_rcu);
}

/* Keep a destroyed pool until the module is unloaded. */
void pcpool_registry_add_zombie(struct pcpool_core *core)
{
	mutex_lock(&pcpool_pools_lock);
	list_add(&core->list, &zombie_pools);
	mutex_unlock(&pcpool_pools_lock);
}

/* When the module is unloaded. */
void pcpool_registry_free_zombies(void)
{
	struct pcpool_core *core, *next;

	list_for_each_entry_safe(core, next, &zombie_pools, list)
		pcpool_core_put(core);
}
