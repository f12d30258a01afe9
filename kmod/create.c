// SPDX-License-Identifier: GPL-2.0
/*
 * Creating and destroying pools. In task context, may sleep.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/export.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "callback.h"
#include "create.h"
#include "debug.h"
#include "decay.h"
#include "debugfs.h"
#include "gate.h"
#include "handover.h"
#include "hotplug.h"
#include "params.h"
#include "registry.h"
#include "release.h"
#include "shrinker.h"
#include "slots.h"
#include "stats.h"
#include "switch.h"
#include "testing.h"
#include "wait.h"
#include "worker.h"

/*
 * If there may be at most this many idle objects per CPU, they are in a shared array: most
 * private slots would be empty, and the others where no other CPU looks. The array is
 * also limited by the time it takes to search it.
 */
#define ARRAY_PER_CPU		4u
#define ARRAY_MAX		1024u

/* How many credits a CPU holds at most: enough to go several times as deep as its slots. */
#define CPU_CREDITS_MAX		256ul

/*
 * The rest of a quarter of the credits: half of it is kept for aging passes, as far as they
 * can use it, and each CPU may hold a part of the other half.
 */
static int init_credit(struct pcpool_core *core, unsigned long bound, unsigned int present)
{
	unsigned long of_slots = (unsigned long)core->nr_slots * present;
	unsigned long rest = bound / 4 - of_slots;
	unsigned long kept = min(of_slots, rest);
	unsigned long local_max = min((rest - kept) / present, bound / 4 / num_possible_cpus());

	core->has_credit = true;
	return pcpool_credit_init(&core->credit, bound, min(local_max, CPU_CREDITS_MAX), kept);
}

/* Free everything except the core itself. */
static void free_parts(struct pcpool_core *core)
{
	if (core->has_credit)
		pcpool_credit_exit(&core->credit);
	pcpool_array_free(core->array);
	core->array = NULL;
	pcpool_wait_exit(core);
	pcpool_deferred_exit(&core->deferred_frees);
	pcpool_deferred_exit(&core->deferred_puts);
	free_cpumask_var(core->with_rings);
	free_cpumask_var(core->nonempty[1]);
	free_cpumask_var(core->nonempty[0]);
	free_percpu(core->requested);
	free_percpu(core->cpu);
	pcpool_slots_free(core->slots);
}

/* What a pool with bounds has in addition. Returns 0 or -ENOMEM. */
static int init_bounds(struct pcpool_core *core, const struct pcpool_params *p)
{
	/* How many objects may be idle, in addition to the reserve. */
	unsigned long bound = p->max_idle ? p->max_idle - p->reserve :
			      p->max_total ?: ULONG_MAX;
	/* Once: more may become present meanwhile. */
	unsigned int present = num_present_cpus();

	core->max_idle = p->max_idle;
	core->max_object_bytes = p->max_object_bytes;
	core->bounded = p->max_idle || p->max_total || p->reserve;
	if (!core->bounded && !p->max_object_bytes) {
		core->nr_slots = pcpool_params_slots(p, present);
		return 0;
	}
	core->defers_frees = true;
	if (pcpool_deferred_init(&core->deferred_frees))
		return -ENOMEM;
	if (bound <= min(ARRAY_PER_CPU * num_possible_cpus(), ARRAY_MAX)) {
		core->array = pcpool_array_alloc(bound);
		if (!core->array)
			return -ENOMEM;
	}
	if ((p->max_total || p->reserve) &&
	    pcpool_wait_init(core, p->max_total, p->reserve))
		return -ENOMEM;
	/* A get of a pool with a quota may have to wait for an object that is in a slot. */
	if (!core->array && !core->wait)
		core->nr_slots = pcpool_params_slots(p, present);
	return p->max_idle && !core->array ? init_credit(core, bound, present) : 0;
}

static void init_params(struct pcpool_core *core, const struct pcpool_params *p,
			struct module *owner)
{
	core->ops = p->ops;
	core->ctx = p->ctx;
	core->flags = p->flags;
	core->steal = p->steal;
	core->object_bytes = p->object_bytes;
	core->closed = (unsigned long)pcpool_closed_slots->slot;
	core->bypass = p->flags & PCPOOL_BYPASS;
	core->seeks = p->seeks;
	core->reclaim_gfp = p->reclaim_gfp;
	pcpool_decay_init(core, p->decay_ms);
	core->has_reset = p->ops->reset;
	core->module = owner;
	refcount_set(&core->refs, 1);
	pcpool_debug_init(core);
	strscpy(core->name, p->name, sizeof(core->name));
	strscpy(core->owner, owner ? module_name(owner) : "kernel",
		sizeof(core->owner));
}

static int init_parts(struct pcpool_core *core, const struct pcpool_params *p)
{
	if (init_bounds(core, p))
		return -ENOMEM;
	core->batch = clamp(core->nr_slots, 1u, PCPOOL_BATCH);
	core->refill = core->nr_slots - core->nr_slots / 4;
	core->cpu = alloc_percpu(struct pcpool_cpu);
	core->slots = pcpool_slots_alloc(core->nr_slots);
	core->plain_slots = core->has_credit ? NULL : core->slots;
	if (!core->cpu || !core->slots ||
	    !zalloc_cpumask_var(&core->nonempty[0], GFP_KERNEL) ||
	    !zalloc_cpumask_var(&core->nonempty[1], GFP_KERNEL) ||
	    !zalloc_cpumask_var(&core->with_rings, GFP_KERNEL) ||
	    pcpool_deferred_init(&core->deferred_puts))
		return -ENOMEM;
	return 0;
}

static struct pcpool_core *alloc_core(const struct pcpool_params *p,
				      struct module *owner)
{
	struct pcpool_core *core = kzalloc(sizeof(*core), GFP_KERNEL);

	if (!core)
		return NULL;
	init_params(core, p, owner);
	pcpool_worker_init(core);
	if (init_parts(core, p)) {
		free_parts(core);
		kfree(core);
		return NULL;
	}
	mutex_init(&core->age_lock);
	pcpool_gate_update(core);
	return core;
}

static void free_reserve(struct pcpool_core *core)
{
	void *obj;

	pcpool_wait_stop(core);
	while ((obj = pcpool_wait_empty(core))) {
		atomic_long_inc(&core->evicted);
		pcpool_release(core, obj);
	}
}

/* Free everything that is idle, when no context uses the pool any more. */
static void empty(struct pcpool_core *core)
{
	void *obj;

	if (core->wait)
		free_reserve(core);
	/* It may be allocating an object for the reserve. */
	pcpool_worker_stop(core);
	/* Takes what the worker would have taken; but may schedule it once more. */
	pcpool_drain(&core->pool);
	pcpool_worker_stop(core);
	/* What the worker did not get to. */
	while (core->defers_frees && (obj = pcpool_deferred_take(&core->deferred_frees)))
		pcpool_release(core, obj);
	pcpool_debug_destroy(core);
}

/* Let reclaim and CPU hotplug know the pool. */
static int attach(struct pcpool_core *core)
{
	int ret = pcpool_hotplug_add(core);

	if (ret)
		return ret;
	ret = pcpool_shrinker_init(core);
	if (ret)
		pcpool_hotplug_remove(core);
	return ret;
}

/* Until all slots are empty, those of a CPU that goes offline must be handed over. */
static void empty_and_detach(struct pcpool_core *core)
{
	empty(core);
	pcpool_hotplug_remove(core);
}

/* Add the pool to the list of pools and to debugfs. */
static int publish(struct pcpool_core *core)
{
	int ret;

	mutex_lock(&pcpool_pools_lock);
	ret = pcpool_registry_check_name(core->name);
	if (!ret)
		pcpool_registry_add(core);
	mutex_unlock(&pcpool_pools_lock);
	if (ret)
		return ret;
	pcpool_debug_follow_default(core);
	pcpool_debugfs_add(core);
	return 0;
}

static int fill_reserve(struct pcpool_core *core, const struct pcpool_params *p)
{
	int ret = core->wait ? pcpool_wait_fill(core, GFP_KERNEL) : 0;

	if (ret)
		pr_err("%s: reserve %lu: cannot allocate so many objects\n",
		       p->name, p->reserve);
	return ret;
}

/* See pcpool_create() in linux/pcpool.h. */
struct pcpool *__pcpool_create(const struct pcpool_params *params,
			       struct module *owner)
{
	struct pcpool_core *core;
	int ret;

	might_sleep();
	pcpool_might_free();
	ret = pcpool_check_params(params);
	if (ret)
		return ERR_PTR(ret);
	mutex_lock(&pcpool_pools_lock);
	ret = pcpool_registry_check_name(params->name);
	mutex_unlock(&pcpool_pools_lock);
	if (ret)
		return ERR_PTR(ret);

	/* Without the lock: ops->alloc may wait for a module to load that creates pools. */
	core = alloc_core(params, owner);
	if (!core)
		return ERR_PTR(-ENOMEM);
	ret = fill_reserve(core, params);
	if (ret)
		goto err_free;
	ret = attach(core);
	if (ret)
		goto err_free;
	ret = publish(core);
	if (ret)
		goto err_detach;
	return &core->pool;

err_detach:
	pcpool_shrinker_exit(core);
	empty_and_detach(core);
	free_parts(core);
	pcpool_core_put(core);
	return ERR_PTR(ret);
err_free:
	empty(core);
	free_parts(core);
	pcpool_core_put(core);
	return ERR_PTR(ret);
}
EXPORT_SYMBOL_GPL(__pcpool_create);

/* As pcpool_destroy(). Returns how many objects were outstanding. */
u64 pcpool_end(struct pcpool *pool)
{
	struct pcpool_pool_stats stats;
	struct pcpool_core *core;
	bool debugged;

	might_sleep();
	pcpool_might_free();
	if (IS_ERR_OR_NULL(pool))
		return 0;
	core = pcpool_to_core(pool);
	if (WARN(core->dead, "pcpool: %s: destroyed twice\n", core->name))
		return 0;

	/* Reclaim may be using the pool, and is waited for. */
	might_alloc(GFP_KERNEL);
	/* First: while it is in the list, no other pool can use the directory's name. */
	pcpool_debugfs_remove(core);
	pcpool_registry_remove(core);

	pcpool_shrinker_exit(core);
	pcpool_debug_fix(core);
	debugged = core->debug == PCPOOL_DEBUG_ON;
	empty_and_detach(core);
	/* Exact, because nothing moves any more. */
	pcpool_collect(core, &stats);
	pcpool_gate_set_dead(core);
	free_parts(core);
	if (!stats.outstanding) {
		pcpool_core_put(core);
		return 0;
	}
	WARN(1, "pcpool: %s: destroyed with %llu object%s outstanding%s\n",
	     core->name, stats.outstanding, stats.outstanding == 1 ? "" : "s",
	     debugged ? "" :
	     "; debug mode (module parameter debug=1) tells which callers got them");
	pcpool_registry_add_zombie(core);
	return stats.outstanding;
}

/* See linux/pcpool.h. */
void pcpool_destroy(struct pcpool *pool)
{
	pcpool_end(pool);
}
EXPORT_SYMBOL_GPL(pcpool_destroy);

/* How often pcpool_destroy_wait() looks, and how often it says that it still waits. */
#define END_POLL		(HZ / 10)
#define END_REPORT		(60 * HZ)

/*
 * See linux/pcpool.h. Each object has a deferral slot reserved until it has been freed. The
 * context that gives up the last one touches the pool once more, but does not sleep in
 * between, so pcpool_wait_for_calls() waits for it.
 */
int pcpool_destroy_wait(struct pcpool *pool)
{
	unsigned long began = jiffies, report = began + END_REPORT;
	struct pcpool_core *core;
	long left;

	might_sleep();
	if (IS_ERR_OR_NULL(pool))
		return 0;
	core = pcpool_to_core(pool);
	if (!pcpool_debug_can_switch()) {
		pr_err("%s: cannot wait for objects without CONFIG_TASKS_RCU\n", core->name);
		return -EOPNOTSUPP;
	}
	pcpool_gate_set_ending(core);
	pcpool_wait_for_calls();
	if (core->wait)
		free_reserve(core);
	for (;;) {
		pcpool_drain(pool);
		left = atomic_long_read(&core->deferred_puts.reserved);
		if (!left)
			break;
		if (time_after(jiffies, report)) {
			pr_warn("%s: waiting for %ld object%s to be put, for %u s\n", core->name,
				left, left == 1 ? "" : "s",
				jiffies_to_msecs(jiffies - began) / 1000);
			report = jiffies + END_REPORT;
		}
		schedule_timeout_idle(END_POLL);
	}
	pcpool_wait_for_calls();
	pcpool_end(pool);
	return 0;
}
EXPORT_SYMBOL_GPL(pcpool_destroy_wait);

/* --- Pools whose module is gone ------------------------------------------------ */

/* Instead of callbacks whose code or data is gone: what is idle is lost. */
static void *no_alloc(gfp_t gfp, void *ctx)
{
	return NULL;
}

static void no_free(void *obj, void *ctx)
{
}

static void no_reset(void *obj, void *ctx)
{
}

static size_t no_bytes(const void *obj, void *ctx)
{
	return 0;
}

static const struct pcpool_ops no_ops = {
	.alloc = no_alloc,
	.free = no_free,
	.reset = no_reset,
	.bytes = no_bytes,
};

/*
 * End a pool that its module has not destroyed, without calling its callbacks or touching
 * its objects: these may depend on what the module's exit function has torn down. Late
 * gets and puts find a dead pool.
 */
static void abandon(struct pcpool_core *core)
{
	struct pcpool_pool_stats stats;
	u64 idle;

	WRITE_ONCE(core->ops, &no_ops);
	core->flags &= ~PCPOOL_ZERO_ON_PUT;
	pcpool_gate_set_dead(core);
	pcpool_debugfs_remove(core);
	pcpool_registry_remove(core);
	pcpool_shrinker_exit(core);
	pcpool_debug_fix(core);
	/* First, so that it does not look at the content of idle objects. */
	pcpool_debug_destroy(core);
	pcpool_worker_stop(core);
	pcpool_collect(core, &stats);
	idle = stats.allocs - stats.frees - stats.outstanding;
	pr_err("%s: not destroyed by module %s, which is gone: %llu object%s outstanding, %llu idle object%s lost\n",
	       core->name, core->owner, stats.outstanding, stats.outstanding == 1 ? "" : "s",
	       idle, idle == 1 ? "" : "s");
	empty_and_detach(core);
	free_parts(core);
	pcpool_registry_add_zombie(core);
}

/* The first pool of @module, or of any if it is NULL. */
static struct pcpool_core *find_pool_of(const struct module *module)
{
	struct pcpool_core *core, *found = NULL;

	mutex_lock(&pcpool_pools_lock);
	list_for_each_entry(core, &pcpool_pools, list) {
		if (!module || core->module == module) {
			found = core;
			break;
		}
	}
	mutex_unlock(&pcpool_pools_lock);
	return found;
}

/* When @module is being unloaded, after its exit function. */
void pcpool_abandon_pools_of(const struct module *module)
{
	struct pcpool_core *core;

	while ((core = find_pool_of(module)))
		abandon(core);
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_abandon_pools_of);

/* When this module is unloaded. Its clients are gone, so there should be no pool left. */
void pcpool_abandon_all(void)
{
	pcpool_abandon_pools_of(NULL);
	pcpool_registry_free_zombies();
}
