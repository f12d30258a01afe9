// SPDX-License-Identifier: GPL-2.0
/*
 * CPU hotplug; see hotplug.h. The callback runs in task context on another CPU.
 */
#include <linux/cpuhotplug.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/topology.h>

#include "defer.h"
#include "hotplug.h"
#include "idle.h"
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

/*
 * Take the credits for the private slots of a CPU. There are enough of them, if not at once,
 * then after all that is idle elsewhere has gone: see slots_within() in params.c. What is in
 * transit may have to be waited for.
 */
static void take_credits_of_slots(struct pcpool_core *core)
{
	long lacking = core->has_credit ? core->nr_slots : 0;
	void *obj;

	while ((lacking -= pcpool_credit_lend(&core->credit, lacking)) > 0) {
		obj = pcpool_idle_take_oldest(core);
		if (obj) {
			atomic_long_inc(&core->evicted);
			lacking--;
			/* Not here: the client's callback must not depend on CPU hotplug. */
			pcpool_defer_free(core, obj);
		} else {
			schedule_timeout_uninterruptible(1);
		}
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
