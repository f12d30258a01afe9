// SPDX-License-Identifier: GPL-2.0
/*
 * Creating and destroying: pools, and the module itself. Checks what it is given, and
 * says in the log what is wrong with it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ctype.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "internal.h"

LIST_HEAD(pcpool_pools);
/* Protects the list of pools, and with it which names are taken. */
DEFINE_MUTEX(pcpool_pools_lock);

/*
 * Destroyed pools that objects were still out of. They are kept, so that a late put
 * meets a dead pool and not another one that got the same memory.
 */
static LIST_HEAD(graveyard);

/* Slots that are empty for a get and full for a put, on every CPU, for ever. */
struct pcpool_slots __percpu *pcpool_closed_slots;

/* Where deferred puts are put again. */
struct workqueue_struct *pcpool_workqueue, *pcpool_free_workqueue;

/* The private slots of a CPU are to hold no more than this, but one object. */
#define PRIVATE_BYTES		(64u << 10)
#define PRIVATE_SLOTS_AUTO	16u

#define FLAGS			(PCPOOL_FREE_MAY_SLEEP | PCPOOL_BYPASS | PCPOOL_ZERO_ON_PUT | \
				 PCPOOL_PLAIN)

/* What is more is no reserve but a leak. */
#define RESERVE_MAX		1000000ul

/*
 * If there may be fewer idle objects than so many a CPU, they are on a shelf: in private slots
 * most of them would be where no other CPU finds them. A shelf is also limited by the time it
 * takes to look it through.
 */
#define SHELF_PER_CPU		4u
#define SHELF_MAX		1024u

/* From 6.17 on a workqueue that is not unbound must say so. */
#ifdef PCPOOL_HAVE_WQ_PERCPU
#define WQ_FLAGS		(WQ_MEM_RECLAIM | WQ_PERCPU)
#else
#define WQ_FLAGS		WQ_MEM_RECLAIM
#endif

/* Which slots the inlined paths see; see struct pcpool. */
static void set_inlined(struct pcpool_core *core)
{
	bool switched = core->bypass || core->dead || core->closed_for_debug;
	bool closed = switched || core->bounded;
	bool touched = core->ops->reset || core->max_object_bytes ||
		       core->flags & PCPOOL_ZERO_ON_PUT;

	WRITE_ONCE(core->only_bounded, core->has_credit && core->nr_slots && !switched && !touched);
	WRITE_ONCE(core->pool.get_slots, closed ? pcpool_closed_slots : core->slots);
	WRITE_ONCE(core->pool.put_slots,
		   closed || touched ? pcpool_closed_slots : core->slots);
}

/* Keeps what decides about the slots and set_inlined() together. */
static DEFINE_MUTEX(inlined_lock);

/* What is idle stays so, and serves again when the bypass ends. */
void pcpool_set_bypass(struct pcpool_core *core, bool on)
{
	mutex_lock(&inlined_lock);
	WRITE_ONCE(core->bypass, on);
	set_inlined(core);
	mutex_unlock(&inlined_lock);
	/* What was out of reach is not any more. */
	pcpool_wake_waiters(core->wait);
}
EXPORT_SYMBOL_FOR_TESTS(pcpool_set_bypass);

/* For debug mode. */
void pcpool_close(struct pcpool_core *core, bool closed)
{
	mutex_lock(&inlined_lock);
	core->closed_for_debug = closed;
	set_inlined(core);
	mutex_unlock(&inlined_lock);
}

/* Of all pools, and those to come. */
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
MODULE_PARM_DESC(debug, "look for misuse of all pools; each has a switch of its own in debugfs");

static int closed_slots_init(void)
{
	struct pcpool_slots *slots;
	int cpu;

	pcpool_closed_slots = __alloc_percpu(struct_size(slots, slot, 2),
					     SMP_CACHE_BYTES);
	if (!pcpool_closed_slots)
		return -ENOMEM;
	for_each_possible_cpu(cpu) {
		slots = per_cpu_ptr(pcpool_closed_slots, cpu);
		slots->top = (unsigned long)pcpool_closed_slots->slot;
		slots->slot[1] = slots; /* any address; never read */
	}
	return 0;
}

static struct pcpool_core *find_pool(const char *name)
{
	struct pcpool_core *core;

	list_for_each_entry(core, &pcpool_pools, list) {
		if (!strcmp(core->name, name))
			return core;
	}
	return NULL;
}

static bool name_ok(const char *name)
{
	/* debugfs has files of these names where the pool's directory goes. */
	static const char * const taken[] = { ".", "..", "pools", "snapshot" };
	const char *c;

	for (c = name; *c; c++) {
		if (!isascii(*c) || (!isalnum(*c) && !strchr("_.-", *c)))
			return false;
	}
	return c > name && c - name < PCPOOL_NAME_BYTES &&
	       match_string(taken, ARRAY_SIZE(taken), name) < 0;
}

/* Complain about one field of the parameters. */
#define bad(name, fmt, ...) ({						\
	pr_err("%s: " fmt "\n", (name), ##__VA_ARGS__);			\
	-EINVAL;							\
})

static int check_params(const struct pcpool_params *p)
{
	const char *name;

	if (!p)
		return bad("pcpool_create", "params is NULL");
	name = p->name;
	if (!name)
		return bad("pcpool_create", "name is NULL");
	if (!name_ok(name)) {
		pr_err("pcpool_create: name \"%*pE\" is not 1 to %d characters of [A-Za-z0-9_.-], or is reserved\n",
		       (int)strnlen(name, 2 * PCPOOL_NAME_BYTES), name,
		       PCPOOL_NAME_BYTES - 1);
		return -EINVAL;
	}
	if (!p->ops)
		return bad(name, "ops is NULL");
	if (!p->ops->alloc)
		return bad(name, "ops->alloc is NULL");
	if (!p->ops->free)
		return bad(name, "ops->free is NULL");
	if (!p->object_bytes)
		return bad(name, "object_bytes is 0");
	if (p->object_bytes > LONG_MAX)
		return bad(name, "object_bytes %zu is absurd", p->object_bytes);
	if (p->private_slots > PCPOOL_PRIVATE_SLOTS_MAX)
		return bad(name, "private_slots %u is more than %u",
			   p->private_slots, PCPOOL_PRIVATE_SLOTS_MAX);
	if ((unsigned int)p->steal > PCPOOL_STEAL_NONE)
		return bad(name, "steal %u is unknown", p->steal);
	if (p->flags & ~FLAGS)
		return bad(name, "flags %#x has unknown bits", p->flags);
	if (p->max_object_bytes && !p->ops->bytes)
		return bad(name, "max_object_bytes is %zu, but ops->bytes is NULL",
			   p->max_object_bytes);
	if (p->max_object_bytes && p->max_object_bytes < p->object_bytes)
		return bad(name, "max_object_bytes %zu is less than object_bytes %zu",
			   p->max_object_bytes, p->object_bytes);
	if (p->max_idle > LONG_MAX)
		return bad(name, "max_idle %lu is absurd", p->max_idle);
	if (p->max_total > LONG_MAX)
		return bad(name, "max_total %lu is absurd", p->max_total);
	if (p->reserve > RESERVE_MAX)
		return bad(name, "reserve %lu is more than %lu", p->reserve, RESERVE_MAX);
	if (p->max_idle && p->reserve > p->max_idle)
		return bad(name, "reserve %lu is more than max_idle %lu", p->reserve, p->max_idle);
	if (p->max_total && p->reserve > p->max_total)
		return bad(name, "reserve %lu is more than max_total %lu", p->reserve,
			   p->max_total);
	return 0;
}

static unsigned int auto_slots(const struct pcpool_params *p)
{
	unsigned int n = clamp_t(size_t, PRIVATE_BYTES / p->object_bytes, 1,
				 PRIVATE_SLOTS_AUTO);

	/* No more than half of what may be idle is out of others' reach. */
	if (p->max_idle)
		n = clamp_t(unsigned long, p->max_idle / 2 / num_possible_cpus(), 1, n);
	return n;
}

/* All but the core itself. */
static void free_parts(struct pcpool_core *core)
{
	if (core->has_credit)
		pcpool_credit_exit(&core->credit);
	pcpool_array_free(core->array);
	core->array = NULL;
	pcpool_wait_exit(core);
	pcpool_deferred_exit(&core->deferred_frees);
	pcpool_deferred_exit(&core->deferred_puts);
	free_cpumask_var(core->nonempty[1]);
	free_cpumask_var(core->nonempty[0]);
	free_percpu(core->requested);
	free_percpu(core->cpu);
	pcpool_slots_exit(core);
}

/* What a pool with bounds has besides; -ENOMEM if there is no memory for it. */
static int init_bounds(struct pcpool_core *core, const struct pcpool_params *p)
{
	/* How many may be idle, besides the reserve. */
	unsigned long bound = p->max_idle ? p->max_idle - p->reserve :
			      p->max_total ?: ULONG_MAX;

	core->max_idle = p->max_idle;
	core->max_object_bytes = p->max_object_bytes;
	core->bounded = p->max_idle || p->max_total || p->reserve;
	if (!core->bounded && !p->max_object_bytes)
		return 0;
	core->defers_frees = true;
	if (pcpool_deferred_init(&core->deferred_frees))
		return -ENOMEM;
	if (bound <= min(SHELF_PER_CPU * num_possible_cpus(), SHELF_MAX)) {
		core->array = pcpool_array_alloc(bound);
		if (!core->array)
			return -ENOMEM;
	} else if (p->max_idle) {
		if (pcpool_credit_init(&core->credit, bound))
			return -ENOMEM;
		core->has_credit = true;
	}
	if (p->max_total || p->reserve)
		return pcpool_wait_init(core, p->max_total, p->reserve);
	return 0;
}

/* May a CPU have objects to itself? Not where others may have to wait for them. */
static unsigned int nr_slots(const struct pcpool_core *core, const struct pcpool_params *p)
{
	if (core->array || core->wait)
		return 0;
	return p->private_slots ?: auto_slots(p);
}

static struct pcpool_core *alloc_core(const struct pcpool_params *p,
				      struct module *owner)
{
	struct pcpool_core *core = kzalloc(sizeof(*core), GFP_KERNEL);

	if (!core)
		return NULL;
	core->ops = p->ops;
	core->ctx = p->ctx;
	core->flags = p->flags;
	core->steal = p->steal;
	core->object_bytes = p->object_bytes;
	core->closed = (unsigned long)pcpool_closed_slots->slot;
	core->bypass = p->flags & PCPOOL_BYPASS;
	if (pcpool_debug_default) {
		pcpool_debug_begin(core);
		core->closed_for_debug = true;
	}
	strscpy(core->name, p->name, sizeof(core->name));
	strscpy(core->owner, owner ? module_name(owner) : "kernel",
		sizeof(core->owner));
	/* Hard: PREEMPT_RT parks the thread for others while a CPU is offline. */
	core->irq_work = IRQ_WORK_INIT_HARD(pcpool_deferred_irq_work);
	INIT_WORK(&core->work, pcpool_deferred_work);
	INIT_WORK(&core->free_work, pcpool_free_work);

	if (init_bounds(core, p)) {
		free_parts(core);
		kfree(core);
		return NULL;
	}
	core->nr_slots = nr_slots(core, p);
	core->batch = clamp(core->nr_slots, 1u, PCPOOL_BATCH);
	core->refill = core->nr_slots - core->nr_slots / 4;
	core->cpu = alloc_percpu(struct pcpool_cpu);
	if (!core->cpu || pcpool_slots_init(core) ||
	    !zalloc_cpumask_var(&core->nonempty[0], GFP_KERNEL) ||
	    !zalloc_cpumask_var(&core->nonempty[1], GFP_KERNEL) ||
	    pcpool_deferred_init(&core->deferred_puts)) {
		free_parts(core);
		kfree(core);
		return NULL;
	}
	mutex_init(&core->age_lock);
	set_inlined(core);
	return core;
}

/* Both of them, and what would start them; if nobody else starts them any more, for ever. */
static void stop_worker(struct pcpool_core *core)
{
	unsigned int i;

	/* Twice, for the first time it may just have decided to start itself again. */
	for (i = 0; i < 2; i++) {
		irq_work_sync(&core->irq_work);
		cancel_work_sync(&core->work);
		cancel_work_sync(&core->free_work);
		if (core->wait)
			cancel_delayed_work_sync(&core->wait->refill);
	}
}

/* Free all that is idle, when nobody knows the pool any more. */
static void empty(struct pcpool_core *core)
{
	void *obj;

	if (core->wait)
		pcpool_wait_empty(core);
	/* It may be making an object for the reserve. */
	stop_worker(core);
	/* Takes what the worker would have; but may start it once more. */
	pcpool_drain(&core->pool);
	stop_worker(core);
	/* What it has not come to. */
	while (core->defers_frees && (obj = pcpool_deferred_take(&core->deferred_frees)))
		pcpool_object_free(core, obj);
	pcpool_debug_destroy(core);
}

/* Under pcpool_pools_lock. */
static int check_name_is_free(const char *name)
{
	if (!find_pool(name))
		return 0;
	pr_err("%s: name is taken by another pool\n", name);
	return -EEXIST;
}

/* Make it known. */
static int announce(struct pcpool_core *core)
{
	bool debugged;
	int ret;

	mutex_lock(&pcpool_pools_lock);
	ret = check_name_is_free(core->name);
	if (ret)
		goto out;
	/* As was said of all pools since it was made. */
	debugged = core->debug == PCPOOL_DEBUG_ON;
	if (debugged != pcpool_debug_default)
		pcpool_debug_set(core, pcpool_debug_default);
	list_add_tail(&core->list, &pcpool_pools);
out:
	mutex_unlock(&pcpool_pools_lock);
	if (!ret)
		pcpool_debugfs_add(core);
	return ret;
}

/* The function behind pcpool_create(); see there. */
struct pcpool *__pcpool_create(const struct pcpool_params *params,
			       struct module *owner)
{
	struct pcpool_core *core;
	int ret;

	might_sleep();
	ret = check_params(params);
	if (ret)
		return ERR_PTR(ret);
	mutex_lock(&pcpool_pools_lock);
	ret = check_name_is_free(params->name);
	mutex_unlock(&pcpool_pools_lock);
	if (ret)
		return ERR_PTR(ret);

	/* Without the lock: ops->alloc may wait for a module to be loaded, which makes pools. */
	core = alloc_core(params, owner);
	if (!core)
		return ERR_PTR(-ENOMEM);
	if (core->wait) {
		ret = pcpool_wait_fill(core, GFP_KERNEL);
		if (ret) {
			pr_err("%s: reserve %lu: cannot make so many objects\n",
			       params->name, params->reserve);
			goto err_free;
		}
	}
	ret = pcpool_tiers_init(core);
	if (ret)
		goto err_free;
	ret = announce(core);
	if (ret)
		goto err_tiers;
	return &core->pool;

err_tiers:
	pcpool_tiers_exit(core);
err_free:
	empty(core);
	free_parts(core);
	kfree(core);
	return ERR_PTR(ret);
}
EXPORT_SYMBOL_GPL(__pcpool_create);

/* As pcpool_destroy(). Returns how many objects were out. */
u64 pcpool_end(struct pcpool *pool)
{
	struct pcpool_pool_stats stats;
	struct pcpool_core *core;

	might_sleep();
	if (IS_ERR_OR_NULL(pool))
		return 0;
	core = pcpool_to_core(pool);
	if (WARN(core->dead, "pcpool: %s: destroyed twice\n", core->name))
		return 0;

	/* Reclaim may be busy with the pool, and is waited for. */
	might_alloc(GFP_KERNEL);
	/* First, for until it is off the list nobody else can have the directory's name. */
	pcpool_debugfs_remove(core);
	mutex_lock(&pcpool_pools_lock);
	list_del(&core->list);
	mutex_unlock(&pcpool_pools_lock);

	pcpool_tiers_exit(core);
	empty(core);
	/* Exact, as nothing moves any more. */
	pcpool_collect(core, &stats);
	core->dead = true;
	set_inlined(core);
	free_parts(core);
	if (!stats.outstanding) {
		kfree(core);
		return 0;
	}
	WARN(1, "pcpool: %s: destroyed with %lld objects outstanding\n",
	     core->name, (long long)stats.outstanding);
	mutex_lock(&pcpool_pools_lock);
	list_add(&core->list, &graveyard);
	mutex_unlock(&pcpool_pools_lock);
	return stats.outstanding;
}

/**
 * pcpool_destroy() - end a pool
 * @pool: the pool; %NULL, or the ERR_PTR() of a pcpool_create() that failed, does nothing
 *
 * Frees every idle object, and everything else that belongs to the pool.
 *
 * The caller owes that no other call on the pool is under way or comes later, and that
 * all objects have been put. Should some be out, they are leaked, and a warning says
 * how many; a small rest of the pool is then kept until pcpool is unloaded, so that
 * a late put of such an object can be told from one to a live pool: it warns, and
 * touches neither the object nor any pool. Whoever gets that warning still owns
 * the object.
 *
 * Context: Task context where an allocation with %GFP_KERNEL may be, as it waits for what
 * reclaim is doing with the pool. Not from a CPU hotplug callback, nor with
 * cpus_read_lock() held, nor from the pool's own callbacks.
 */
void pcpool_destroy(struct pcpool *pool)
{
	pcpool_end(pool);
}
EXPORT_SYMBOL_GPL(pcpool_destroy);

static int __init pcpool_init(void)
{
	int ret;

	ret = closed_slots_init();
	if (ret)
		return ret;
	ret = -ENOMEM;
	pcpool_workqueue = alloc_workqueue("pcpool", WQ_FLAGS, 0);
	if (!pcpool_workqueue)
		goto err_slots;
	pcpool_free_workqueue = alloc_workqueue("pcpool_free", WQ_FLAGS, 0);
	if (!pcpool_free_workqueue)
		goto err_workqueue;
	ret = pcpool_hotplug_init();
	if (ret)
		goto err_free_workqueue;
	pcpool_debugfs_init();
	return 0;

err_free_workqueue:
	destroy_workqueue(pcpool_free_workqueue);
err_workqueue:
	destroy_workqueue(pcpool_workqueue);
err_slots:
	free_percpu(pcpool_closed_slots);
	return ret;
}

static void __exit pcpool_exit(void)
{
	struct pcpool_core *core, *next;

	pcpool_debugfs_exit();
	/* Modules with pools keep this one loaded, unless they forgot them. */
	list_for_each_entry_safe(core, next, &pcpool_pools, list) {
		pr_err("%s: never destroyed by %s; its objects are lost\n",
		       core->name, core->owner);
		pcpool_tiers_exit(core);
		stop_worker(core);
		pcpool_debug_destroy(core);
		free_parts(core);
		kfree(core);
	}
	list_for_each_entry_safe(core, next, &graveyard, list)
		kfree(core);
	pcpool_hotplug_exit();
	destroy_workqueue(pcpool_free_workqueue);
	destroy_workqueue(pcpool_workqueue);
	/* Rings and cells are freed by callbacks of this module. */
	rcu_barrier();
	free_percpu(pcpool_closed_slots);
}

module_init(pcpool_init);
module_exit(pcpool_exit);
MODULE_DESCRIPTION("Per-CPU object pools");
MODULE_LICENSE("GPL");
