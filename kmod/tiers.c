// SPDX-License-Identifier: GPL-2.0
/*
 * Tiers: how idle objects leave. An aging pass frees what is left in the victim
 * tier, then adds one to the pool's epoch, which swaps the roles of each CPU's two
 * queues at once, and then moves what is in private slots and in deferred puts to
 * the tier that its objects belong to, the victim tier. Gets and puts go on meanwhile.
 *
 * An idle object must not survive two passes, so nothing that was idle when the epoch
 * changed may get back into the main tier without having been used. This is how:
 *
 *  - Each CPU has its own view of the epoch (pcpool_cpu.epoch), and spills from its
 *    private slots to what is the main tier in that view. The view changes in the
 *    same interrupt that empties the slots, so what is spilled before goes to the
 *    victim tier, even if the pool's epoch is ahead already.
 *  - A CPU that holds nothing is not interrupted; its view is changed from afar. If it
 *    has got hold of something meanwhile, it is interrupted after all; see (C).
 *  - Objects move between private slots and queues with interrupts disabled, so that
 *    the interrupt comes before or after. Where the queue is the CPU's own, it
 *    comes for sure, since a CPU with a ring holds something. While a CPU moves
 *    stolen objects to its private slots, it says so (@stealing); see (A) below.
 *    What it moves to its own queue stays in the tier that it was in.
 *  - From the victim tier, gets take no more than they need.
 *  - The worker, which puts deferred puts again, is kept out by age_lock.
 *
 * What orders what between CPUs:
 *
 *  (A) A pass stores the pool's epoch, then reads @stealing; a thief stores @stealing, then
 *      reads the epoch; with a full barrier in between, both. So either the pass sees
 *      the thief and interrupts him, or he sees the new epoch and steals from what is the
 *      main tier by then. That a thief is done (release) is read (acquire) before his
 *      slots and queues are.
 *  (B) Objects spill from private slots to a ring, which is stored in queue->head first;
 *      a pass reads the slots first. So it sees one of the two.
 *  (C) A pass stores the CPU's view, then reads queue->head; the CPU stores queue->head,
 *      then reads its view, and spills; with a full barrier in between, both. So either
 *      it spills by the new view, or the pass waits until it has.
 *
 * The other way round, an object may be demoted a pass too early, if its put reads the
 * epoch just before it changes: that only makes it a little older than it should be.
 *
 * An offline CPU holds nothing in private slots: its last ones are handed over to
 * its shared queue when it has gone down (pcpool_offline()), from where anyone may
 * take them. The epoch does not change while a CPU comes or goes. pcpool_age() waits
 * for that to be over, but a shrinker must not, since hotplug allocates memory: until
 * then it only frees what is in the victim tier.
 *
 * One thing can keep an idle object for another pass: if there is no memory for a ring
 * to demote a deferred put to, and the shrinker may not free any more, it stays deferred,
 * and the worker makes it young.
 */
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/smp.h>

#include "internal.h"

static enum cpuhp_state hotplug_state;

/* Does @cpu hold anything that it alone can let go of? */
static bool holds_something(struct pcpool_core *core, int cpu)
{
	struct pcpool_cpu *c = per_cpu_ptr(core->cpu, cpu);

	/* (A): pairs with the release in steal_main(). */
	if (smp_load_acquire(&c->stealing) || pcpool_slots_count(core, cpu))
		return true;
	smp_rmb(); /* (B): pairs with the smp_mb() in pcpool_queue_add_ring() */
	return READ_ONCE(c->queue[0].head) || READ_ONCE(c->queue[1].head);
}

/* The tier that what is in a CPU's private slots belongs to, when the pool's epoch is @epoch. */
static unsigned int flush_tier(const struct pcpool_cpu *c, unsigned int epoch)
{
	return (epoch & 1) ^ (READ_ONCE(c->epoch) != epoch);
}

/*
 * Move what is in @cpu's private slots to its shared queue of the tier it belongs
 * to, take over the pool's epoch, and give back the rings of empty queues. On @cpu
 * itself with interrupts disabled, or for a CPU that is offline and stays so. Returns
 * how many objects it had to set aside.
 */
static unsigned int flush_cpu(struct pcpool_core *core, int cpu)
{
	struct pcpool_cpu *c = per_cpu_ptr(core->cpu, cpu);
	unsigned int epoch = READ_ONCE(core->epoch);
	unsigned int tier = flush_tier(c, epoch);
	void *objs[PCPOOL_PRIVATE_SLOTS_MAX];
	unsigned int i, n, pushed = 0;

	rcu_read_lock();
	/* The producer is not at work, with interrupts disabled; keep NMIs out too. */
	WRITE_ONCE(c->pushing, 1);
	barrier();
	n = pcpool_slots_flush(core, cpu, objs);
	WRITE_ONCE(c->epoch, epoch);
	pushed = pcpool_queue_push(&c->queue[tier], objs, n);
	pcpool_queue_release(&c->queue[0]);
	pcpool_queue_release(&c->queue[1]);
	barrier();
	WRITE_ONCE(c->pushing, 0);
	if (pushed)
		pcpool_hint_set(core, tier, cpu);
	rcu_read_unlock();
	/* The caller sees to these. */
	for (i = pushed; i < n; i++)
		pcpool_set_aside(core, objs[i]);
	return n - pushed;
}

static void flush_ipi(void *info)
{
	flush_cpu(info, smp_processor_id());
}

static bool needs_ipi(int cpu, void *info)
{
	struct pcpool_core *core = info;

	if (holds_something(core, cpu))
		return true;
	WRITE_ONCE(per_cpu_ptr(core->cpu, cpu)->epoch, core->epoch);
	smp_mb(); /* (C): pairs with the one in pcpool_queue_add_ring() */
	return holds_something(core, cpu);
}

/* Free up to @budget objects of @tier from the shelf; returns how many. */
static unsigned long evict_shelf(struct pcpool_core *core, unsigned int tier,
				 unsigned long budget)
{
	unsigned long freed = 0;
	void *obj;

	while (freed < budget && (obj = pcpool_array_take(core->array, tier))) {
		atomic_long_inc(&core->evicted);
		pcpool_object_free(core, obj);
		freed++;
		cond_resched();
	}
	return freed;
}

/* Free up to @budget objects of @tier; returns how many. */
static unsigned long evict_tier(struct pcpool_core *core, unsigned int tier,
				unsigned long budget)
{
	void *objs[PCPOOL_BATCH];
	unsigned long freed = 0;
	unsigned int i, n;
	int cpu;

	if (core->array)
		return evict_shelf(core, tier, budget);
	for_each_possible_cpu(cpu) {
		struct pcpool_cpu *c = per_cpu_ptr(core->cpu, cpu);

		while (freed < budget) {
			rcu_read_lock();
			n = pcpool_queue_pop_tail(&c->queue[tier], objs,
						  min_t(unsigned long,
							PCPOOL_BATCH,
							budget - freed),
						  false);
			rcu_read_unlock();
			if (!n)
				break;
			pcpool_not_idle(core, n);
			atomic_long_add(n, &core->evicted);
			for (i = 0; i < n; i++)
				pcpool_object_free(core, objs[i]);
			freed += n;
			cond_resched();
		}
	}
	return freed;
}

/*
 * Move deferred puts, which include what flush_cpu() could not push, to the victim
 * tier. What finds no room there even now is freed, as far as @budget allows.
 */
static unsigned long demote_deferred(struct pcpool_core *core,
				     unsigned long budget)
{
	/* More may come meanwhile, and be taken first: do not stop at so many as there were. */
	unsigned long n = 2 * atomic_long_read(&core->deferred_puts.slots);
	unsigned long freed = 0;
	void *obj;

	while (n--) {
		/* Not with an object in hand, which nobody sees. */
		cond_resched();
		obj = pcpool_deferred_take(&core->deferred_puts);
		if (!obj)
			break;
		if (pcpool_enqueue(core, obj, !pcpool_main_tier(core)))
			continue;
		if (freed == budget) {
			pcpool_defer(core, obj);
			break;
		}
		pcpool_not_idle(core, 1);
		atomic_long_inc(&core->evicted);
		pcpool_object_free(core, obj);
		freed++;
	}
	/* On their way they could not be seen. */
	pcpool_wake_waiters(core->wait);
	return freed;
}

/*
 * Swap the roles of the tiers, and move all that is in private slots, on every CPU, to
 * where eviction finds it. Not if a CPU is just coming or going, unless we may wait.
 */
static bool change_epoch(struct pcpool_core *core, bool may_wait)
{
	int cpu;

	if (may_wait)
		cpus_read_lock();
	else if (!cpus_read_trylock())
		return false;
	WRITE_ONCE(core->epoch, core->epoch + 1);
	smp_mb(); /* (A): pairs with the one in steal_main() */
	on_each_cpu_cond_mask(needs_ipi, flush_ipi, core, true, cpu_online_mask);
	for_each_possible_cpu(cpu) {
		if (!cpu_online(cpu))
			flush_cpu(core, cpu);
	}
	cpus_read_unlock();
	return true;
}

/*
 * One aging pass, or as much of its first half as @budget objects allow. Returns how
 * many it freed: no more than @budget. @may_wait: for CPU hotplug. @count: is a pass
 * in the statistics.
 */
static unsigned long age(struct pcpool_core *core, unsigned long budget,
			 bool may_wait, bool count)
{
	unsigned long freed;

	lockdep_assert_held(&core->age_lock);

	/* What is missing from the reserve is not freed. */
	pcpool_wake_waiters(core->wait);
	freed = evict_tier(core, !pcpool_main_tier(core), budget);
	if (freed == budget || !change_epoch(core, may_wait))
		return freed;
	WRITE_ONCE(core->ages, core->ages + count);
	freed += demote_deferred(core, budget - freed);
	pcpool_deferred_trim(&core->deferred_puts);
	if (core->defers_frees) {
		pcpool_deferred_trim(&core->deferred_frees);
		/* What it moved, the worker may have overlooked. */
		if (pcpool_deferred_count(&core->deferred_frees))
			pcpool_schedule_worker(core);
	}
	pcpool_wake_waiters(core->wait);
	return freed;
}

/**
 * pcpool_age() - run one aging pass
 * @pool: the pool
 *
 * Frees the objects that have been idle through one aging pass already, and marks all
 * other idle objects so that the next pass frees them unless they are used until
 * then. Two calls with no put in between leave the pool empty on every CPU. The
 * pass is complete on return.
 *
 * Context: Task context, may sleep. Not from a CPU hotplug callback, nor with
 * cpus_read_lock() held, nor from the pool's own callbacks.
 * Return: How many objects it freed.
 */
unsigned long pcpool_age(struct pcpool *pool)
{
	struct pcpool_core *core = pcpool_to_core(pool);
	unsigned long freed;

	might_sleep();
	mutex_lock(&core->age_lock);
	freed = age(core, ULONG_MAX, true, true);
	mutex_unlock(&core->age_lock);
	return freed;
}
EXPORT_SYMBOL_GPL(pcpool_age);

/**
 * pcpool_drain() - free every idle object
 * @pool: the pool
 *
 * Frees all objects that were idle when it was called, but the reserve. Those put
 * meanwhile may or may not be among them.
 *
 * Context: Task context, may sleep. Not from a CPU hotplug callback, nor with
 * cpus_read_lock() held, nor from the pool's own callbacks.
 * Return: How many objects it freed.
 */
unsigned long pcpool_drain(struct pcpool *pool)
{
	struct pcpool_core *core = pcpool_to_core(pool);
	unsigned long freed;

	might_sleep();
	mutex_lock(&core->age_lock);
	/* Two passes leave nothing. */
	freed = age(core, ULONG_MAX, true, false);
	freed += age(core, ULONG_MAX, true, false);
	mutex_unlock(&core->age_lock);
	return freed;
}
EXPORT_SYMBOL_GPL(pcpool_drain);

static struct pcpool_core *shrinker_to_core(struct shrinker *shrinker)
{
#ifdef PCPOOL_HAVE_SHRINKER_ALLOC
	return shrinker->private_data;
#else
	return container_of(shrinker, struct pcpool_core, shrinker);
#endif
}

static unsigned long shrinker_count(struct shrinker *shrinker,
				    struct shrink_control *sc)
{
	struct pcpool_core *core = shrinker_to_core(shrinker);

	return pcpool_count_evictable(core) * core->object_pages ?: SHRINK_EMPTY;
}

/*
 * One scan is at most one aging pass: what it demotes is left for the next one, and
 * stays reachable until then. It may find another pass under way, even one further up
 * its own stack (a pool's ops->free that allocates); it must not wait for that.
 */
static unsigned long shrinker_scan(struct shrinker *shrinker,
				   struct shrink_control *sc)
{
	struct pcpool_core *core = shrinker_to_core(shrinker);
	unsigned long freed;

	if (!mutex_trylock(&core->age_lock))
		return SHRINK_STOP;
	freed = age(core, sc->nr_to_scan / core->object_pages, false, true);
	mutex_unlock(&core->age_lock);
	return freed * core->object_pages;
}

static int shrinker_init(struct pcpool_core *core)
{
	/*
	 * Reclaim asks for a batch at a time, and only for less if that is all
	 * there is; with a batch that is less than one object, a big object could
	 * never be freed.
	 */
	long batch = max(128UL, core->object_pages);

#ifdef PCPOOL_HAVE_SHRINKER_ALLOC
	core->shrinker = shrinker_alloc(0, "pcpool-%s", core->name);
	if (!core->shrinker)
		return -ENOMEM;
	core->shrinker->count_objects = shrinker_count;
	core->shrinker->scan_objects = shrinker_scan;
	core->shrinker->seeks = DEFAULT_SEEKS;
	core->shrinker->batch = batch;
	core->shrinker->private_data = core;
	shrinker_register(core->shrinker);
	return 0;
#else
	core->shrinker.count_objects = shrinker_count;
	core->shrinker.scan_objects = shrinker_scan;
	core->shrinker.seeks = DEFAULT_SEEKS;
	core->shrinker.batch = batch;
	return register_shrinker(&core->shrinker, "pcpool-%s", core->name);
#endif
}

static void shrinker_exit(struct pcpool_core *core)
{
#ifdef PCPOOL_HAVE_SHRINKER_ALLOC
	shrinker_free(core->shrinker);
#else
	unregister_shrinker(&core->shrinker);
#endif
}

/*
 * @cpu is down, and stays so while this runs: hand over its private slots. Hotplug
 * keeps aging passes from changing the epoch meanwhile.
 */
static int pcpool_offline(unsigned int cpu, struct hlist_node *node)
{
	struct pcpool_core *core = container_of(node, struct pcpool_core,
						hotplug);
	struct pcpool_cpu *c = per_cpu_ptr(core->cpu, cpu);
	struct pcpool_queue *q = &c->queue[pcpool_main_tier(core)];
	struct pcpool_ring *ring;

	if (pcpool_slots_count(core, cpu) &&
	    pcpool_queue_room(q, core->nr_slots) < core->nr_slots) {
		ring = pcpool_ring_alloc(pcpool_ring_min(core), GFP_KERNEL,
					 cpu_to_node(cpu));
		if (ring)
			pcpool_queue_add_ring(q, ring);
	}
	/* Only without memory for a ring there is something for the worker to do. */
	if (flush_cpu(core, cpu))
		pcpool_schedule_worker(core);
	return 0;
}

int pcpool_hotplug_init(void)
{
	int ret = cpuhp_setup_state_multi(CPUHP_BP_PREPARE_DYN, "pcpool:offline",
					  NULL, pcpool_offline);

	if (ret < 0)
		return ret;
	hotplug_state = ret;
	return 0;
}

void pcpool_hotplug_exit(void)
{
	cpuhp_remove_multi_state(hotplug_state);
}

int pcpool_tiers_init(struct pcpool_core *core)
{
	int ret;

	core->object_pages = DIV_ROUND_UP(core->object_bytes, PAGE_SIZE);

	ret = cpuhp_state_add_instance_nocalls(hotplug_state, &core->hotplug);
	if (ret)
		return ret;
	ret = shrinker_init(core);
	if (ret)
		cpuhp_state_remove_instance_nocalls(hotplug_state,
						    &core->hotplug);
	return ret;
}

void pcpool_tiers_exit(struct pcpool_core *core)
{
	shrinker_exit(core);
	cpuhp_state_remove_instance_nocalls(hotplug_state, &core->hotplug);
}
