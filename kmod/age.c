// SPDX-License-Identifier: GPL-2.0
/*
 * Aging: how idle objects leave. A pass frees what is left in the victim tier, then
 * increments the pool's epoch, which swaps the roles of each CPU's two queues at once,
 * and then moves the contents of private slots and of deferred puts to the tier that
 * their objects belong to, the victim tier. Gets and puts go on meanwhile.
 *
 * An idle object must not survive two passes. So nothing that was idle when the epoch
 * changed may return to the main tier without having been used:
 *
 *  - Each CPU has its own view of the epoch (pcpool_cpu.epoch). Private slots spill to the
 *    main tier of that view. The view changes in the same interrupt that empties the
 *    slots. So what spills before it goes to the victim tier, even if the pool's epoch
 *    has changed already.
 *  - A CPU that holds nothing is not interrupted; the pass changes its view directly. If
 *    the CPU has obtained something meanwhile, it is interrupted after all; see (C).
 *  - Objects move between private slots and queues with interrupts disabled, so the
 *    interrupt comes before or after. If the queue is the CPU's own, the interrupt does
 *    come, because a CPU with a ring counts as holding something. While a CPU moves
 *    stolen objects to its private slots, it sets @stealing; see (A). Objects that a
 *    steal moves to the CPU's own queue stay in the tier they were in.
 *  - From the victim tier, a get takes no more than it needs.
 *  - age_lock excludes the worker, which completes deferred puts.
 *
 * Ordering between CPUs:
 *
 *  (A) A pass stores the pool's epoch, then reads @stealing. A stealing CPU stores
 *      @stealing, then reads the epoch. There is a full barrier in between on both
 *      sides. So either the pass sees @stealing and interrupts the CPU, or the CPU sees
 *      the new epoch and steals from the main tier of that epoch. The end of the steal
 *      (release) is read (acquire) before the CPU's slots and queues are.
 *  (B) A ring is stored in queue->head before objects spill into it. A pass reads the slots
 *      first and queue->head second. So it sees the objects in the slots, or it sees the
 *      ring. The same holds for the hint: while a CPU moves several objects to or from
 *      private slots, these look closed, but then it has a ring, or sets @stealing.
 *  (C) A pass stores the CPU's view, then reads queue->head. The CPU stores queue->head,
 *      then reads its view and spills. There is a full barrier in between on both sides.
 *      So either the CPU spills by the new view, or the pass waits until it has.
 *
 * In the other direction, an object may be demoted one pass too early, if its put reads
 * the epoch just before it changes. That only makes the object appear a little older.
 *
 * The cost of a pass follows the CPUs that hold something. A CPU whose slots are closed is
 * not searched for objects: a flush leaves them closed, and whatever stores an object
 * there opens them. Queues are only searched on CPUs that have rings (@with_rings).
 *
 * An offline CPU holds nothing in private slots: they are handed over to its shared queue
 * after it has gone down (hotplug.c), from where any CPU may take them. Its view of the
 * epoch is brought up to date before it comes up again. The epoch does
 * not change while a CPU comes or goes. pcpool_age() waits for that to end. A shrinker
 * must not wait, because hotplug allocates memory; until then it frees only what is in
 * the victim tier.
 *
 * In a pool with credits, what a flush moves out of private slots needs credits. The pass
 * lends them to the CPUs. For most pools some are kept for this (pcpool_credit.kept). If
 * there are too few all the same, the pool is almost full, and the pass first frees some
 * objects of the main tier.
 *
 * Exception: a deferred put can survive one more pass. This happens if there is no memory
 * for a ring in the victim tier and the budget of the shrinker is used up. The put then
 * stays deferred, and the worker makes the object idle in the main tier.
 */
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/export.h>
#include <linux/jiffies.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/smp.h>

#include "age.h"
#include "callback.h"
#include "context.h"
#include "count.h"
#include "defer.h"
#include "handover.h"
#include "idle.h"
#include "percpu.h"
#include "release.h"
#include "slots.h"

/* Does @cpu hold anything that only it can release? */
static bool holds_something(struct pcpool_core *core, int cpu)
{
	struct pcpool_cpu *c = per_cpu_ptr(core->cpu, cpu);

	/* (A): pairs with the release in steal_main_from(). */
	if (smp_load_acquire(&c->stealing) ||
	    pcpool_slots_count(core->slots, core->nr_slots, cpu))
		return true;
	smp_rmb(); /* (B): pairs with the smp_mb() in pcpool_queue_add_ring() */
	return READ_ONCE(c->queue[0].head) || READ_ONCE(c->queue[1].head);
}

/* What change_epoch() tells each CPU. @how: PCPOOL_AGE_*. */
struct pass {
	struct pcpool_core *core;
	unsigned int how;
};

static void flush_ipi(void *info)
{
	const struct pass *pass = info;

	pcpool_percpu_flush(pass->core, smp_processor_id());
}

static bool needs_ipi(int cpu, void *info)
{
	const struct pass *pass = info;
	struct pcpool_core *core = pass->core;
	bool held = holds_something(core, cpu);

	if (!held) {
		WRITE_ONCE(per_cpu_ptr(core->cpu, cpu)->epoch, core->epoch);
		smp_mb(); /* (C): pairs with the one in pcpool_queue_add_ring() */
		held = holds_something(core, cpu) ||
		       (pass->how & PCPOOL_AGE_CLOSE && pcpool_slots_in_use(core->slots, cpu));
	}
	/* A CPU that is spared keeps its view, and with it its tiers, until a later pass. */
	return held && !(pass->how & PCPOOL_AGE_SPARE && pcpool_spare_cpu(cpu));
}

static void evict(struct pcpool_core *core, void *obj)
{
	atomic_long_inc(&core->evicted);
	pcpool_release(core, obj);
}

/* Free up to @budget objects of @tier from the shared array; returns how many. */
static unsigned long evict_from_array(struct pcpool_core *core, unsigned int tier,
				      unsigned long budget)
{
	unsigned long freed = 0;
	void *obj;

	while (freed < budget && (obj = pcpool_array_take(core->array, tier))) {
		evict(core, obj);
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
		return evict_from_array(core, tier, budget);
	for (cpu = pcpool_next_ring_cpu(core, -1); cpu < nr_cpu_ids;
	     cpu = pcpool_next_ring_cpu(core, cpu)) {
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
			pcpool_return_credits(core, n);
			for (i = 0; i < n; i++)
				evict(core, objs[i]);
			freed += n;
			cond_resched();
		}
	}
	return freed;
}

/*
 * Move deferred puts, which include what a flush could not push, to the victim tier. What
 * finds no room there even now is freed, as far as @budget allows.
 */
static unsigned long demote_deferred(struct pcpool_core *core,
				     unsigned long budget)
{
	/* New ones may arrive and be taken first: do not stop at the number that there were. */
	unsigned long n = 2 * atomic_long_read(&core->deferred_puts.slots);
	unsigned long freed = 0;
	void *obj;

	while (n--) {
		/* Not while holding an object, which no other context can find. */
		cond_resched();
		obj = pcpool_deferred_take(&core->deferred_puts);
		if (!obj)
			break;
		if (pcpool_idle_enqueue(core, obj, !pcpool_main_tier(core)))
			continue;
		if (freed == budget) {
			pcpool_defer_put(core, obj);
			break;
		}
		pcpool_return_credits(core, 1);
		evict(core, obj);
		freed++;
	}
	/* In transit, the objects could not be found. */
	pcpool_wake_waiters(core->wait);
	return freed;
}

/*
 * In a pool with credits, lend each CPU as many as a flush of its private slots may need,
 * one for each slot. @credits: how many the caller has for this. Returns 0, or how many are
 * lacking. The interrupts order this with the flushes.
 */
static long lend_credits(struct pcpool_core *core, long *credits)
{
	long lacking;
	int cpu;

	if (!core->has_credit)
		return 0;
	lacking = (long)core->nr_slots * num_online_cpus() - *credits;
	*credits += pcpool_credit_lend(&core->credit, lacking);
	lacking = (long)core->nr_slots * num_online_cpus() - *credits;
	if (lacking > 0)
		return lacking;
	for_each_online_cpu(cpu) {
		per_cpu_ptr(core->cpu, cpu)->lent = core->nr_slots;
		*credits -= core->nr_slots;
	}
	return 0;
}

/* Return what the flushes did not need. */
static void collect_credits(struct pcpool_core *core)
{
	unsigned long n = 0;
	int cpu;

	if (!core->has_credit)
		return;
	for_each_online_cpu(cpu) {
		n += per_cpu_ptr(core->cpu, cpu)->lent;
		per_cpu_ptr(core->cpu, cpu)->lent = 0;
	}
	pcpool_credit_give(&core->credit, n);
}

/*
 * Swap the roles of the tiers, and move the contents of all private slots to where
 * eviction finds them. Not while a CPU comes or goes, unless the caller may wait: then it
 * returns -EBUSY. Nor if the pool is too full: then it returns how many of the @credits that
 * it needs are lacking.
 */
static long change_epoch(struct pcpool_core *core, unsigned int how, long *credits)
{
	struct pass pass = { .core = core, .how = how };
	long lacking;
	int cpu;

	if (how & PCPOOL_AGE_MAY_WAIT)
		cpus_read_lock();
	else if (!cpus_read_trylock())
		return -EBUSY;
	lacking = lend_credits(core, credits);
	if (lacking) {
		cpus_read_unlock();
		return lacking;
	}
	WRITE_ONCE(core->epoch, core->epoch + 1);
	smp_mb(); /* (A): pairs with the one in steal_main_from() */
	on_each_cpu_cond_mask(needs_ipi, flush_ipi, &pass, true, cpu_online_mask);
	/* An offline CPU has nothing in private slots. Free the rings of empty queues. */
	for (cpu = pcpool_next_ring_cpu(core, -1); cpu < nr_cpu_ids;
	     cpu = pcpool_next_ring_cpu(core, cpu)) {
		if (!cpu_online(cpu))
			pcpool_percpu_flush(core, cpu);
	}
	collect_credits(core);
	cpus_read_unlock();
	core->flipped_at = jiffies;
	return 0;
}

/*
 * The pool is so full that the contents of the private slots may not be idle anywhere else:
 * free up to @n other objects, and add their credits to @credits. Returns how many.
 */
static unsigned long make_room(struct pcpool_core *core, unsigned long n, long *credits)
{
	unsigned long freed = 0;
	void *obj;

	while (freed < n && (obj = pcpool_idle_take_oldest(core))) {
		(*credits)++;
		evict(core, obj);
		freed++;
		cond_resched();
	}
	return freed;
}

/*
 * Swap the tiers, for which some objects may have to go first. Adds to @freed how many; at
 * most @budget in all. Returns whether it could.
 */
static bool swap_tiers(struct pcpool_core *core, unsigned long budget, unsigned int how,
		       unsigned long *freed)
{
	unsigned long room;
	long credits = 0, lacking;

	while ((lacking = change_epoch(core, how, &credits)) > 0) {
		room = make_room(core, min_t(unsigned long, lacking, budget - *freed), &credits);
		*freed += room;
		if (*freed == budget)
			break;
		if (room)
			continue;
		/* The rest is in transit. */
		if (!(how & PCPOOL_AGE_MAY_WAIT))
			break;
		schedule_timeout_uninterruptible(1);
	}
	pcpool_return_credits(core, credits);
	return !lacking;
}

/**
 * pcpool_age_pass() - run one aging pass, under age_lock
 * @core: the pool
 * @budget: free no more objects than this; if that is not enough for the victim tier, or
 *	to make room in a full pool with private slots, the pass ends there
 * @how: PCPOOL_AGE_* flags
 *
 * Return: How many objects it freed.
 */
unsigned long pcpool_age_pass(struct pcpool_core *core, unsigned long budget,
			      unsigned int how)
{
	unsigned long freed;

	lockdep_assert_held(&core->age_lock);

	/* Objects that the reserve lacks are not freed. */
	pcpool_wake_waiters(core->wait);
	freed = evict_tier(core, !pcpool_main_tier(core), budget);
	if (freed == budget || !swap_tiers(core, budget, how, &freed))
		return freed;
	WRITE_ONCE(core->ages, core->ages + !!(how & PCPOOL_AGE_COUNT));
	freed += demote_deferred(core, budget - freed);
	pcpool_deferred_trim(&core->deferred_puts);
	if (core->defers_frees) {
		pcpool_deferred_trim(&core->deferred_frees);
		/* The worker may have missed objects that were being moved. */
		if (pcpool_deferred_count(&core->deferred_frees))
			pcpool_schedule_worker(core);
	}
	pcpool_wake_waiters(core->wait);
	return freed;
}

/* See linux/pcpool.h. */
unsigned long pcpool_age(struct pcpool *pool)
{
	struct pcpool_core *core = pcpool_to_core(pool);
	unsigned long freed;

	might_sleep();
	pcpool_might_free();
	mutex_lock(&core->age_lock);
	freed = pcpool_age_pass(core, ULONG_MAX, PCPOOL_AGE_MAY_WAIT | PCPOOL_AGE_COUNT);
	mutex_unlock(&core->age_lock);
	return freed;
}
EXPORT_SYMBOL_GPL(pcpool_age);

/* See linux/pcpool.h. */
unsigned long pcpool_drain(struct pcpool *pool)
{
	struct pcpool_core *core = pcpool_to_core(pool);
	unsigned long freed;

	might_sleep();
	pcpool_might_free();
	mutex_lock(&core->age_lock);
	/* Two passes leave nothing. */
	freed = pcpool_age_pass(core, ULONG_MAX, PCPOOL_AGE_MAY_WAIT);
	freed += pcpool_age_pass(core, ULONG_MAX, PCPOOL_AGE_MAY_WAIT);
	mutex_unlock(&core->age_lock);
	return freed;
}
EXPORT_SYMBOL_GPL(pcpool_drain);
