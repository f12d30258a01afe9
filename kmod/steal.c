// SPDX-License-Identifier: GPL-2.0
/*
 * Stealing; see steal.h. Called with preemption disabled, from any context. While a CPU
 * moves stolen objects to its own private slots, it says so in @stealing, so that an
 * aging pass does not miss them; (A) in age.c.
 */
#include <linux/cpumask.h>
#include <linux/hardirq.h>
#include <linux/minmax.h>
#include <linux/smp.h>
#include <linux/topology.h>

#include "defer.h"
#include "percpu.h"
#include "steal.h"

/* May this CPU, of @node, steal from @cpu? */
static bool may_steal(const struct pcpool_core *core, int cpu, int node,
		      enum pcpool_reach reach)
{
	if (reach == PCPOOL_REACH_ANYWHERE)
		return true;
	switch (core->steal) {
	case PCPOOL_STEAL_ALL:
		return true;
	case PCPOOL_STEAL_NODE:
		if (cpu_to_node(cpu) == node)
			return true;
		fallthrough;
	default:
		/* An offline CPU cannot use its objects itself. */
		return !cpu_online(cpu);
	}
}

/*
 * Store the objects that a steal took in addition to the one it returns. They go to the
 * private slots, the newest first, so that the oldest is taken next. They fit, unless an
 * NMI has put objects, or the slots only seemed empty.
 */
static void keep_stolen(struct pcpool_core *core, void **objs, unsigned int n)
{
	struct pcpool_cpu *c = this_cpu_ptr(core->cpu);
	unsigned int i = 0;

	if (pcpool_producer_enter(c)) {
		i = pcpool_percpu_fill(core, objs, n);
		/* What is left keeps its credit. */
		pcpool_percpu_give_credits(core, i);
		pcpool_producer_exit(c);
	}
	for (; i < n; i++) {
		if (!pcpool_percpu_push(core, &objs[i], 1, PCPOOL_MAIN_TIER))
			pcpool_defer_put(core, objs[i]);
	}
}

/*
 * After a steal from a CPU that does not need its objects and has more of them: move some
 * of these to this CPU's queue, so that the next gets need not go there again.
 */
static void steal_more(struct pcpool_core *core, struct pcpool_cpu *victim,
		       unsigned int tier)
{
	struct pcpool_cpu *c = this_cpu_ptr(core->cpu);
	unsigned int n;

	if (!pcpool_producer_enter(c))
		return;
	if (pcpool_queue_room(&c->queue[tier], PCPOOL_STEAL_MORE) <
	    PCPOOL_STEAL_MORE)
		WRITE_ONCE(c->queue_too_small, true);
	n = pcpool_queue_move(&victim->queue[tier], &c->queue[tier],
			      PCPOOL_STEAL_MORE);
	if (n)
		pcpool_hint_set(core, tier, smp_processor_id());
	pcpool_producer_exit(c);
}

/*
 * Steal from @cpu's queue of the main tier, and refill the private slots: with a whole
 * batch if @cpu only puts, or else with half of what it has at most.
 */
static void *steal_main_from(struct pcpool_core *core, int cpu)
{
	unsigned int tier, n, many = in_nmi() ? 1 : core->batch;
	struct pcpool_cpu *c = this_cpu_ptr(core->cpu);
	struct pcpool_cpu *victim = per_cpu_ptr(core->cpu, cpu);
	void *objs[PCPOOL_BATCH];
	unsigned long flags;
	unsigned int i;

	local_irq_save(flags);
	/* A probe may have interrupted this same function on this CPU. */
	if (READ_ONCE(c->stealing))
		many = 1;
	if (many > 1) {
		WRITE_ONCE(c->stealing, true);
		smp_mb(); /* pairs with the one in change_epoch(); age.c, (A) */
	}
	tier = pcpool_main_tier(core);
	n = pcpool_queue_pop_tail(&victim->queue[tier], objs, many,
				  READ_ONCE(victim->refilled));
	if (n)
		pcpool_return_credits(core, 1);
	if (n > 1) {
		/* Reverse them, so that the oldest is the next to be taken. */
		for (i = 1; i < n - i; i++)
			swap(objs[i], objs[n - i]);
		keep_stolen(core, objs + 1, n - 1);
		/* Not if a get may be waiting, which cannot see objects in transit. */
		if (n == many && !READ_ONCE(victim->refilled) && !core->wait)
			steal_more(core, victim, tier);
	}
	if (!pcpool_queue_count(&victim->queue[tier]))
		pcpool_hint_clear(core, tier, cpu);
	if (many > 1)
		/* Pairs with the acquire in holds_something(); age.c, (A). */
		smp_store_release(&c->stealing, false);
	local_irq_restore(flags);
	return n ? objs[0] : NULL;
}

/*
 * Steal one object from @cpu's queue of the victim tier. Only one: the others would
 * return to the main tier without having been used.
 */
static void *steal_victim_from(struct pcpool_core *core, int cpu)
{
	struct pcpool_cpu *victim = per_cpu_ptr(core->cpu, cpu);
	unsigned int tier = !pcpool_main_tier(core);
	void *obj;

	if (pcpool_queue_pop_tail(&victim->queue[tier], &obj, 1, false)) {
		pcpool_return_credits(core, 1);
		return obj;
	}
	pcpool_hint_clear(core, tier, cpu);
	return NULL;
}

/* Steal from the CPUs in @cpus, those of this CPU's NUMA node first. */
static void *steal(struct pcpool_core *core, const struct cpumask *cpus,
		   enum pcpool_reach reach,
		   void *(*steal_from)(struct pcpool_core *core, int cpu))
{
	int self = smp_processor_id(), node = cpu_to_node(self), cpu;
	bool near = true, others = false, around;
	void *obj;

	/* A hint, which may change during the search. */
	if (data_race(cpumask_empty(cpus)))
		return NULL;
again:
	/* Start with the next CPU, so that CPUs do not all steal from the same one. */
	around = false;
	for (cpu = self;;) {
		/* As above. for_each_cpu_wrap() is a macro and cannot be marked as a data race. */
		cpu = data_race(cpumask_next(cpu, cpus));
		if (cpu >= nr_cpu_ids && !around) {
			around = true;
			cpu = -1;
			continue;
		}
		if (cpu >= nr_cpu_ids || (around && cpu >= self))
			break;
		if ((cpu_to_node(cpu) == node) != near) {
			others = true;
			continue;
		}
		if (!may_steal(core, cpu, node, reach))
			continue;
		obj = steal_from(core, cpu);
		if (obj)
			return obj;
	}
	if (near && others) {
		near = false;
		goto again;
	}
	return NULL;
}

/* Take an object from another CPU's queue of the main tier, @tier. Returns NULL if none has any. */
void *pcpool_steal_main(struct pcpool_core *core, unsigned int tier, enum pcpool_reach reach)
{
	return steal(core, core->nonempty[tier], reach, steal_main_from);
}

/* Take an object from another CPU's queue of the victim tier, @tier. */
void *pcpool_steal_victim(struct pcpool_core *core, unsigned int tier, enum pcpool_reach reach)
{
	return steal(core, core->nonempty[tier], reach, steal_victim_from);
}
