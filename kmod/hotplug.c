// SPDX-License-Identifier: GPL-2.0
/*
 * CPU hotplug; see hotplug.h. The callback runs in task context on another CPU.
 */
#include <linux/cpuhotplug.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/topology.h>

#include "count.h"
#include "defer.h"
#include "hotplug.h"
#include "percpu.h"
#include "slots.h"

static enum cpuhp_state hotplug_state;

/*
 * @cpu is down, and stays down while this runs: move the contents of its private slots to
 * its queue, from where any CPU may take them. Hotplug keeps aging passes from changing
 * the epoch meanwhile.
 */
static int cpu_is_dead(unsigned int cpu, struct hlist_node *node)
{
	struct pcpool_core *core = container_of(node, struct pcpool_core,
						hotplug);
	struct pcpool_cpu *c = per_cpu_ptr(core->cpu, cpu);
	unsigned int tier = pcpool_main_tier(core);
	struct pcpool_ring *ring;

	if (pcpool_slots_count(core->slots, core->nr_slots, cpu) &&
	    pcpool_queue_room(&c->queue[tier], core->nr_slots) < core->nr_slots) {
		ring = pcpool_ring_alloc(pcpool_ring_min(core), GFP_KERNEL,
					 cpu_to_node(cpu));
		if (ring)
			pcpool_percpu_add_ring(core, cpu, tier, ring);
	}
	/* The credits of the slots pass on to what was in them. */
	if (core->has_credit)
		c->lent = core->nr_slots;
	/* Without memory for a ring, the worker has to find room for the objects. */
	if (pcpool_percpu_flush(core, cpu))
		pcpool_schedule_worker(core);
	if (core->has_credit) {
		pcpool_credit_give(&core->credit, c->lent);
		c->lent = 0;
		pcpool_credit_empty_local(&core->credit, cpu);
	}
	return 0;
}

/* Have one idle object freed, the oldest of its queue; returns its credit. */
static bool evict_one(struct pcpool_core *core)
{
	unsigned int tier = pcpool_main_tier(core), i;
	void *obj = NULL;
	int cpu;

	rcu_read_lock();
	for (i = 0; i < 2 && !obj; i++) {
		/* The victim tier first. */
		tier = !tier;
		for (cpu = pcpool_next_ring_cpu(core, -1); cpu < nr_cpu_ids && !obj;
		     cpu = pcpool_next_ring_cpu(core, cpu))
			pcpool_queue_pop_tail(&per_cpu_ptr(core->cpu, cpu)->queue[tier],
					      &obj, 1, false);
	}
	rcu_read_unlock();
	if (!obj)
		obj = pcpool_deferred_take(&core->deferred_puts);
	if (!obj)
		return false;
	atomic_long_inc(&core->evicted);
	pcpool_return_credits(core, 1);
	/* Not here: the client's callback must not depend on CPU hotplug. */
	pcpool_defer_free(core, obj);
	return true;
}

/*
 * Take the credits for the private slots of a CPU. There are enough of them, if not for idle
 * objects, then apart from what is in transit: see nr_slots() in create.c.
 */
static void take_credits_of_slots(struct pcpool_core *core)
{
	while (core->has_credit && !pcpool_credit_lend(&core->credit, core->nr_slots)) {
		if (!evict_one(core))
			schedule_timeout_uninterruptible(1);
	}
}

/*
 * @cpu is about to come up: let it know the pool's epoch, which passes do not tell to
 * offline CPUs. Hotplug keeps the epoch from changing meanwhile.
 */
static int cpu_comes_up(unsigned int cpu, struct hlist_node *node)
{
	struct pcpool_core *core = container_of(node, struct pcpool_core,
						hotplug);

	WRITE_ONCE(per_cpu_ptr(core->cpu, cpu)->epoch, READ_ONCE(core->epoch));
	take_credits_of_slots(core);
	return 0;
}

int pcpool_hotplug_init(void)
{
	int ret = cpuhp_setup_state_multi(CPUHP_BP_PREPARE_DYN, "pcpool:prepare",
					  cpu_comes_up, cpu_is_dead);

	if (ret < 0)
		return ret;
	hotplug_state = ret;
	return 0;
}

void pcpool_hotplug_exit(void)
{
	cpuhp_remove_multi_state(hotplug_state);
}

/* Calls cpu_comes_up() for all online CPUs. */
int pcpool_hotplug_add(struct pcpool_core *core)
{
	return cpuhp_state_add_instance(hotplug_state, &core->hotplug);
}

void pcpool_hotplug_remove(struct pcpool_core *core)
{
	cpuhp_state_remove_instance_nocalls(hotplug_state, &core->hotplug);
}
