// SPDX-License-Identifier: GPL-2.0
/*
 * One CPU's private slots and shared queues; see percpu.h.
 *
 * Contexts: any, including NMI, unless noted otherwise. An NMI that interrupted the
 * queues' producer finds the producer flag set. It cannot push then, but it can pop at
 * the tail, which is open to every context.
 *
 * Objects move between private slots and queues with interrupts disabled, so that the
 * interrupt of an aging pass comes either before the move or after it; see age.c.
 */
#include <linux/cpumask.h>
#include <linux/rcupdate.h>
#include <linux/smp.h>
#include <linux/topology.h>

#include "defer.h"
#include "percpu.h"
#include "slots.h"
#include "testing.h"

/*
 * @cpu's queue was found empty: spare other CPUs the search, unless it is not empty any more.
 * In that case the bit was clear for a moment, in which a waiter may have missed the object
 * after its put had looked for waiters. So waiters must look again; (B) in handover.c.
 */
noinline void pcpool_hint_clear(struct pcpool_core *core, unsigned int tier, int cpu)
{
	/* Cleared by another context already? */
	if (!cpumask_test_cpu(cpu, core->nonempty[tier]))
		return;
	cpumask_clear_cpu(cpu, core->nonempty[tier]);
	smp_mb__after_atomic(); /* pairs with the one in pcpool_hint_set() */
	if (!pcpool_queue_count(&per_cpu_ptr(core->cpu, cpu)->queue[tier]))
		return;
	cpumask_set_cpu(cpu, core->nonempty[tier]);
	if (core->wait)
		/* After the bit. Pairs with the xchg() in pcpool_wait_recheck_due(). */
		smp_store_release(&core->wait->recheck, 1);
}

static struct pcpool_queue *own_queue(struct pcpool_cpu *c, unsigned int tier)
{
	return &c->queue[tier == PCPOOL_MAIN_TIER ? pcpool_own_main_tier(c) : tier];
}

/* --- Keeping objects ------------------------------------------------------ */

/* Take from @n private slots, from number @first on, what is to be moved elsewhere. */
static unsigned int take_from_slots(struct pcpool_core *core, unsigned int first,
				    unsigned int n, void **objs)
{
	n = pcpool_slots_spill(core->slots, first, n, objs);
	this_cpu_add(core->cpu->off_slots, n);
	return n;
}

/*
 * Move the objects in the first @n private slots to @ring, which has room for them.
 * Returns how many there were; they are not published yet.
 */
static unsigned int spill(struct pcpool_core *core, struct pcpool_ring *ring,
			  unsigned int n)
{
	u32 head = pcpool_ring_head(ring);
	unsigned int run, done, taken = 0;
	void **to;

	for (done = 0; done < n; done += run) {
		run = n - done;
		to = pcpool_ring_run(ring, head + taken, &run);
		taken += take_from_slots(core, 1 + done, run, to);
	}
	return taken;
}

/* Make @obj idle in @q, a queue of this CPU; the caller is the producer. */
static enum pcpool_kept push_one(struct pcpool_core *core, struct pcpool_queue *q, void *obj)
{
	if (!pcpool_percpu_take_credits(core, 1))
		return PCPOOL_NO_CREDIT;
	if (!pcpool_queue_push(q, &obj, 1)) {
		pcpool_percpu_give_credits(core, 1);
		return PCPOOL_NO_ROOM;
	}
	this_cpu_inc(core->cpu->off_slots);
	return PCPOOL_KEPT;
}

/**
 * pcpool_percpu_keep() - make an object idle on this CPU
 * @core: the pool
 * @obj: the object
 * @partly: it is enough to spill some of the private slots
 *
 * Keeps the object in a private slot. If all are full, it first moves their contents to
 * the shared queue: all of them, because otherwise the slots would no longer be in the
 * order of their puts. Counts as a put, if it keeps the object.
 *
 * Return: See enum pcpool_kept.
 */
enum pcpool_kept pcpool_percpu_keep(struct pcpool_core *core, void *obj, bool partly)
{
	unsigned int n = core->nr_slots, room, tier;
	enum pcpool_kept ret = PCPOOL_KEPT;
	struct pcpool_cpu *c;
	struct pcpool_queue *q;
	unsigned long flags;

	/* So that an aging pass comes before this, or after; see age.c. */
	local_irq_save(flags);
	c = this_cpu_ptr(core->cpu);
	if (!pcpool_producer_enter(c)) {
		ret = PCPOOL_NESTED;
		goto out;
	}
	if (n && !pcpool_slots_seem_full(core->slots, n) &&
	    pcpool_slots_give(core->slots, n, obj))
		goto out_producer;
	tier = pcpool_own_main_tier(c);
	q = &c->queue[tier];
	if (n) {
		/* Only the producer uses up room, so the room found here remains. */
		room = pcpool_queue_room(q, n);
		if (!room || (room < n && !partly)) {
			ret = PCPOOL_NO_ROOM;
			goto out_producer;
		}
		if (!pcpool_percpu_take_credits(core, room)) {
			ret = PCPOOL_NO_CREDIT;
			goto out_producer;
		}
		pcpool_note_spill(c);
		n = spill(core, q->head, room);
		pcpool_ring_publish(q->head, n);
		pcpool_percpu_give_credits(core, room - n);
	}
	/* Fails if an NMI has filled the slots again, or if there are none. */
	if (!pcpool_slots_give(core->slots, core->nr_slots, obj))
		ret = push_one(core, q, obj);
	pcpool_hint_set(core, tier, smp_processor_id());
out_producer:
	if (ret == PCPOOL_KEPT)
		pcpool_note_idle(core);
	pcpool_producer_exit(c);
out:
	local_irq_restore(flags);
	return ret;
}

/**
 * pcpool_percpu_push() - push objects to this CPU's queue, past the private slots
 * @core: the pool
 * @objs: the objects, the oldest first
 * @n: how many
 * @tier: the tier, or PCPOOL_MAIN_TIER
 *
 * Return: How many it pushed; 0 also if the caller interrupted the queue's producer.
 */
unsigned int pcpool_percpu_push(struct pcpool_core *core, void **objs,
				unsigned int n, unsigned int tier)
{
	unsigned int pushed = 0;
	struct pcpool_cpu *c;
	unsigned long flags;

	local_irq_save(flags);
	c = this_cpu_ptr(core->cpu);
	if (pcpool_producer_enter(c)) {
		if (tier == PCPOOL_MAIN_TIER)
			tier = pcpool_own_main_tier(c);
		pushed = pcpool_queue_push(&c->queue[tier], objs, n);
		pcpool_producer_exit(c);
		if (pushed)
			pcpool_hint_set(core, tier, smp_processor_id());
	}
	local_irq_restore(flags);
	return pushed;
}

/**
 * pcpool_percpu_push_after_slots() - push objects to this CPU's queue of the main tier
 * @core: the pool
 * @objs: the objects, the oldest first
 * @n: how many
 *
 * First spills the private slots, whose objects are older. Counts as puts.
 *
 * Return: How many it pushed: all or none.
 */
unsigned int pcpool_percpu_push_after_slots(struct pcpool_core *core, void **objs,
					    unsigned int n)
{
	unsigned int tier, pushed = 0;
	struct pcpool_queue *q;
	struct pcpool_cpu *c;
	unsigned long flags;

	local_irq_save(flags); /* as in pcpool_percpu_keep() */
	c = this_cpu_ptr(core->cpu);
	if (pcpool_producer_enter(c)) {
		tier = pcpool_own_main_tier(c);
		q = &c->queue[tier];
		if (pcpool_queue_room(q, core->nr_slots + n) == core->nr_slots + n) {
			pushed = spill(core, q->head, core->nr_slots);
			if (pushed)
				pcpool_ring_publish(q->head, pushed);
			pushed = pcpool_queue_push(q, objs, n);
			this_cpu_add(core->cpu->off_slots, pushed);
			pcpool_note_spill(c);
		}
		pcpool_producer_exit(c);
		if (pushed)
			pcpool_hint_set(core, tier, smp_processor_id());
	}
	local_irq_restore(flags);
	return pushed;
}

/*
 * Add a ring to @cpu's queue of @tier. On @cpu itself as the producer, or for a CPU that is
 * offline and stays offline.
 */
void pcpool_percpu_add_ring(struct pcpool_core *core, int cpu, unsigned int tier,
			    struct pcpool_ring *ring)
{
	/* Before the ring is visible, so that a search by this mask finds its objects. */
	if (!cpumask_test_cpu(cpu, core->with_rings))
		cpumask_set_cpu(cpu, core->with_rings);
	pcpool_queue_add_ring(&per_cpu_ptr(core->cpu, cpu)->queue[tier], ring);
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_percpu_add_ring);

/**
 * pcpool_percpu_grow() - add a ring to this CPU's queue, unless it has room
 * @core: the pool
 * @tier: the tier, or PCPOOL_MAIN_TIER
 * @want: for how many objects there should be room
 * @gfp: how to allocate the ring
 *
 * The ring is twice as large as the one before it, or smaller if memory is too
 * fragmented. Only where pcpool_may_allocate().
 *
 * Return: Whether it is worth trying to push again.
 */
bool pcpool_percpu_grow(struct pcpool_core *core, unsigned int tier,
			unsigned int want, gfp_t gfp)
{
	struct pcpool_ring *ring = NULL;
	struct pcpool_queue *q;
	struct pcpool_cpu *c;
	unsigned long flags;
	unsigned int size;

	preempt_disable();
	q = own_queue(this_cpu_ptr(core->cpu), tier);
	size = max3(pcpool_queue_next_size(q),
		    pcpool_ring_min(core),
		    (unsigned int)roundup_pow_of_two(want));
	preempt_enable();
	for (; !ring && size >= pcpool_ring_min(core); size /= 2)
		ring = pcpool_ring_alloc(size, gfp, numa_mem_id());
	if (!ring)
		return false;

	/* By now this may be another CPU, or another context may have added a ring. */
	local_irq_save(flags);
	c = this_cpu_ptr(core->cpu);
	if (pcpool_producer_enter(c)) {
		if (tier == PCPOOL_MAIN_TIER)
			tier = pcpool_own_main_tier(c);
		if (pcpool_queue_room(&c->queue[tier], want) < want) {
			pcpool_percpu_add_ring(core, smp_processor_id(), tier, ring);
			ring = NULL;
		}
		pcpool_producer_exit(c);
	}
	local_irq_restore(flags);
	if (ring)
		pcpool_ring_free(ring);
	else
		atomic_long_inc(&core->grows);
	return true;
}

/* --- Taking objects ------------------------------------------------------- */

/*
 * Store objects that come from elsewhere in this CPU's private slots, the oldest first.
 * Returns how many it stored. The caller is the producer, with interrupts disabled.
 */
unsigned int pcpool_percpu_fill(struct pcpool_core *core, void **objs, unsigned int n)
{
	n = pcpool_slots_fill(core->slots, core->nr_slots, objs, n);
	this_cpu_sub(core->cpu->off_slots, n);
	return n;
}

/*
 * Take from the private slots. Not in an NMI that interrupted a move of several objects.
 * Leaves closed slots closed: nothing is in them, and decay.c relies on it.
 * The caller has disabled preemption.
 */
void *pcpool_percpu_take_private(struct pcpool_core *core)
{
	if (!core->nr_slots || this_cpu_read(core->cpu->pushing) ||
	    this_cpu_read(core->slots->top) == core->closed ||
	    pcpool_slots_seem_empty(core->slots))
		return NULL;
	return pcpool_slots_take(core->slots, core->nr_slots);
}

/* Take from the private slots even if the hint says that they are empty. */
void *pcpool_percpu_take_hidden(struct pcpool_core *core)
{
	if (this_cpu_read(core->cpu->pushing) ||
	    /* Only a guess: an interrupt may put. */
	    data_race(pcpool_slots_are_empty(this_cpu_ptr(core->slots)->slot + 1,
					     core->nr_slots)))
		return NULL;
	return pcpool_slots_take(core->slots, core->nr_slots);
}

/*
 * Pop up to @n objects from this CPU's queue of @tier, the newest first; returns how many.
 * The caller has disabled preemption.
 */
unsigned int pcpool_percpu_pop(struct pcpool_core *core, unsigned int tier,
			       void **objs, unsigned int n)
{
	struct pcpool_cpu *c = this_cpu_ptr(core->cpu);
	struct pcpool_queue *q = &c->queue[tier];
	unsigned long flags;

	if (!q->head)
		return 0;
	local_irq_save(flags);
	if (pcpool_producer_enter(c)) {
		n = pcpool_queue_pop_head(q, objs, n);
		pcpool_percpu_give_credits(core, n);
		pcpool_producer_exit(c);
	} else {
		/* This NMI interrupted the producer. The tail is open to every context. */
		n = pcpool_queue_pop_tail(q, objs, 1, false);
		pcpool_return_credits(core, n);
	}
	local_irq_restore(flags);
	return n;
}

/*
 * Refill the private slots with the @n objects that the caller, the producer, has claimed
 * in @ring of this CPU's queue of @tier, from index @at on. Returns the newest of them.
 */
static void *refill(struct pcpool_core *core, unsigned int tier,
		    struct pcpool_ring *ring, u32 at, unsigned int n)
{
	struct pcpool_queue *q = this_cpu_ptr(&core->cpu->queue[tier]);
	unsigned int run = 1, done, i, free = n;
	void *obj, *left, **from;

	obj = READ_ONCE(*pcpool_ring_run(ring, at + --n, &run));
	for (done = 0; done < n; done += run) {
		run = n - done;
		from = pcpool_ring_run(ring, at + done, &run);
		/* Stores all, unless an NMI put, or the slots only seemed empty. */
		i = pcpool_percpu_fill(core, from, run);
		/* What is left keeps its credit. */
		for (free -= run - i; i < run; i++) {
			left = READ_ONCE(from[i]);
			if (pcpool_queue_push(q, &left, 1))
				pcpool_hint_set(core, tier, smp_processor_id());
			else
				pcpool_defer_put(core, left);
		}
	}
	pcpool_percpu_give_credits(core, free);
	return obj;
}

/*
 * This CPU's queue @q of @tier is empty: drop its older rings, and, if other CPUs have
 * been stealing from it, spare them the next search.
 */
static void *found_empty(struct pcpool_core *core, unsigned int tier,
			 struct pcpool_queue *q)
{
	int self = smp_processor_id();
	void *obj = NULL;

	/* A pop at the tail drops empty rings on its way. */
	if (READ_ONCE(q->head->older) && pcpool_queue_pop_tail(q, &obj, 1, false))
		pcpool_percpu_give_credits(core, 1);
	if (cpumask_test_cpu(self, core->nonempty[tier]) &&
	    pcpool_ring_drained_by_others(q->head))
		pcpool_hint_clear(core, tier, self);
	return obj;
}

/*
 * Take from this CPU's queue of the main tier, and refill the private slots: not quite
 * all of them, so that there is room for puts; all of them if this CPU only gets.
 */
void *pcpool_percpu_take_shared(struct pcpool_core *core)
{
	struct pcpool_ring *ring;
	struct pcpool_queue *q;
	struct pcpool_cpu *c;
	unsigned int n, tier;
	unsigned long flags;
	void *obj = NULL;
	u32 at;

	/* So that an aging pass comes before this, or after; see age.c. */
	local_irq_save(flags);
	c = this_cpu_ptr(core->cpu);
	tier = pcpool_own_main_tier(c);
	q = &c->queue[tier];
	if (!q->head)
		goto out;
	if (pcpool_producer_enter(c)) {
		n = 1 + (c->refilled == PCPOOL_REFILLED ? core->nr_slots : core->refill);
		WRITE_ONCE(c->refilled, PCPOOL_REFILLED);
		ring = pcpool_queue_claim_head(q, &n, &at);
		if (ring)
			obj = refill(core, tier, ring, at, n);
		else
			obj = found_empty(core, tier, q);
		pcpool_producer_exit(c);
	} else {
		/* This NMI interrupted the producer. The tail is open to every context. */
		pcpool_return_credits(core, pcpool_queue_pop_tail(q, &obj, 1, false));
	}
out:
	local_irq_restore(flags);
	return obj;
}

/* --- For aging passes and CPU hotplug ------------------------------------- */

/* The tier of what is in a CPU's private slots, when the pool's epoch is @epoch. */
static unsigned int flush_tier(const struct pcpool_cpu *c, unsigned int epoch)
{
	return (epoch & 1) ^ (READ_ONCE(c->epoch) != epoch);
}

/**
 * pcpool_percpu_flush() - move the contents of @cpu's private slots to its queue
 * @core: the pool
 * @cpu: the CPU
 *
 * Moves them to the tier they belong to, adopts the pool's epoch for this CPU, and frees
 * the rings of empty queues. In a pool with credits, uses those that have been lent to the
 * CPU, one for each slot. Runs on @cpu itself with interrupts disabled, or for a CPU that
 * is offline and stays offline.
 *
 * Return: How many objects found no room and were parked in deferral slots.
 */
unsigned int pcpool_percpu_flush(struct pcpool_core *core, int cpu)
{
	struct pcpool_cpu *c = per_cpu_ptr(core->cpu, cpu);
	unsigned int epoch = READ_ONCE(core->epoch);
	unsigned int tier = flush_tier(c, epoch);
	void *objs[PCPOOL_PRIVATE_SLOTS_MAX];
	unsigned int i, n = 0, pushed = 0;
	bool released;

	rcu_read_lock();
	/* With interrupts disabled no producer is active. Exclude NMIs too. */
	WRITE_ONCE(c->pushing, 1);
	barrier();
	/* While hotplug is stuck half-way, an offline CPU may have objects, but is lent nothing. */
	if (!core->has_credit || c->lent)
		n = pcpool_slots_flush(core->slots, core->nr_slots, cpu, objs);
	if (core->has_credit)
		c->lent -= n;
	this_cpu_add(core->cpu->off_slots, n);
	WRITE_ONCE(c->epoch, epoch);
	pushed = pcpool_queue_push(&c->queue[tier], objs, n);
	released = pcpool_queue_release(&c->queue[0]);
	released &= pcpool_queue_release(&c->queue[1]);
	if (released && cpumask_test_cpu(cpu, core->with_rings))
		cpumask_clear_cpu(cpu, core->with_rings);
	barrier();
	WRITE_ONCE(c->pushing, 0);
	if (pushed)
		pcpool_hint_set(core, tier, cpu);
	rcu_read_unlock();
	/* The caller sees to these. */
	for (i = pushed; i < n; i++)
		pcpool_defer_park(core, objs[i]);
	return n - pushed;
}
