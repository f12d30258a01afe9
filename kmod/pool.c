// SPDX-License-Identifier: GPL-2.0
/*
 * What a get and a put do when the inlined path (linux/pcpool.h) finds its private
 * slot empty or full. The order in which a get looks around, and where a put leaves an
 * object, is all here; how slots, queues and tiers do their part is in their own
 * files. Whatever calls a callback does so outside of all sections that disable
 * preemption.
 */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/topology.h>

#include "slots.h"

/* What of a caller's gfp flags is for pcpool's own allocations: how, not where. */
#define PCPOOL_GFP		(GFP_KERNEL | __GFP_HIGH | __GFP_NORETRY | \
				 __GFP_RETRY_MAYFAIL | __GFP_NOMEMALLOC)

/* Which paths a get may take when its CPU has nothing left. */
enum reach {
	REACH_LOCAL,
	REACH_ALL,
	REACH_ANYWHERE,		/* whatever the steal policy says, or a hint */
};

/* --- The producer mark ------------------------------------------------- */

/*
 * Become the producer of the queues of @c, this CPU's; interrupts are disabled. Fails if we are an
 * NMI that has interrupted the one who is; one that comes later leaves the mark as it
 * was, so reading and writing it need not be one. The barriers keep the compiler from
 * moving accesses of the queue out of the section; more is not needed, as the mark only
 * excludes contexts of one CPU. pcpool_queue_*() order accesses of different CPUs.
 */
static __always_inline bool producer_enter(struct pcpool_cpu *c)
{
	if (unlikely(READ_ONCE(c->pushing)))
		return false;
	WRITE_ONCE(c->pushing, 1);
	barrier();
	return true;
}

static __always_inline void producer_exit(struct pcpool_cpu *c)
{
	barrier();
	WRITE_ONCE(c->pushing, 0);
}

/* --- The hint which CPUs' queues are worth a look ---------------------- */

/* After finding @cpu's queue empty, which spares others to look for themselves. */
static noinline void hint_clear(struct pcpool_core *core, unsigned int tier, int cpu)
{
	/* Has somebody else been faster? */
	if (!cpumask_test_cpu(cpu, core->nonempty[tier]))
		return;
	cpumask_clear_cpu(cpu, core->nonempty[tier]);
	smp_mb__after_atomic(); /* pairs with the one in pcpool_hint_set() */
	if (pcpool_queue_count(&per_cpu_ptr(core->cpu, cpu)->queue[tier]))
		cpumask_set_cpu(cpu, core->nonempty[tier]);
}

/* --- Making and unmaking objects --------------------------------------- */

/* Start the worker, on this CPU. From any context. */
void pcpool_schedule_worker(struct pcpool_core *core)
{
	irq_work_queue(&core->irq_work);
}

/*
 * May pcpool allocate here for a get with @gfp? The caller thinks that ops->alloc may
 * allocate here, with @gfp. Where that can be wrong, or lockdep thinks so, look.
 */
bool pcpool_may_get_memory(gfp_t gfp)
{
	if (!IS_ENABLED(CONFIG_PREEMPT_RT) &&
	    !IS_ENABLED(CONFIG_PROVE_RAW_LOCK_NESTING))
		return !in_nmi();
	return gfpflags_allow_blocking(gfp) || pcpool_may_allocate();
}

/*
 * Secure the cell of @d that a deferred put of a new object may need. More cells are made
 * ahead of need: here if that is allowed here, else by the worker.
 */
static bool secure_cell(struct pcpool_core *core, struct pcpool_deferred *d, gfp_t gfp)
{
	if (unlikely(pcpool_deferred_needs_slots(d))) {
		if (pcpool_may_get_memory(gfp))
			pcpool_deferred_add_slots(d, gfp & PCPOOL_GFP);
		else
			pcpool_schedule_worker(core);
	}
	/* Others may have secured what there was, or have been faster to trim it. */
	while (!pcpool_deferred_reserve(d)) {
		if (!pcpool_may_get_memory(gfp) ||
		    !pcpool_deferred_add_slots(d, gfp & PCPOOL_GFP))
			return false;
	}
	return true;
}

/* Room for a put of a new object, wherever that will come from. */
static bool secure(struct pcpool_core *core, gfp_t gfp)
{
	if (!secure_cell(core, &core->deferred_puts, gfp))
		return false;
	if (!core->defers_frees || secure_cell(core, &core->deferred_frees, gfp))
		return true;
	pcpool_deferred_unreserve(&core->deferred_puts);
	return false;
}

static void unsecure(struct pcpool_core *core)
{
	pcpool_deferred_unreserve(&core->deferred_puts);
	if (core->defers_frees)
		pcpool_deferred_unreserve(&core->deferred_frees);
}

/* Make an object, within the quota by the caller's care. Returns ERR_PTR(-ENOMEM) if not. */
void *pcpool_object_alloc(struct pcpool_core *core, gfp_t gfp)
{
	void *obj;

	if (!secure(core, gfp))
		return ERR_PTR(-ENOMEM);
	obj = core->ops->alloc(gfp, core->ctx);
	if (IS_ERR_OR_NULL(obj)) {
		unsecure(core);
		return ERR_PTR(-ENOMEM);
	}
	if (unlikely(READ_ONCE(core->debug)))
		pcpool_debug_allocated(core, obj, gfp & PCPOOL_GFP);
	else
		atomic_long_inc(&core->objects);
	return obj;
}

/* The same. Returns ERR_PTR(-EAGAIN) if there may be no more. */
void *pcpool_object_alloc_limited(struct pcpool_core *core, gfp_t gfp)
{
	void *obj;

	if (!core->wait)
		return pcpool_object_alloc(core, gfp);
	if (!pcpool_limit_claim(core->wait))
		return ERR_PTR(-EAGAIN);
	obj = pcpool_object_alloc(core, gfp);
	if (IS_ERR(obj))
		pcpool_limit_unclaim(core->wait);
	return obj;
}

/*
 * The same, and the worker makes what the reserve lacks. If this succeeds there is memory
 * again; if it fails, who unmade another one meanwhile took ours for made.
 */
void *pcpool_wait_alloc(struct pcpool_core *core, gfp_t gfp)
{
	void *obj = pcpool_object_alloc_limited(core, gfp);

	if (core->wait)
		pcpool_wait_tried(core, !IS_ERR(obj));
	return obj;
}

/* Call ops->free, in whatever context this is; see may_unmake(). */
void pcpool_object_free(struct pcpool_core *core, void *obj)
{
	if (unlikely(READ_ONCE(core->debug)))
		pcpool_debug_freed(core, obj);
	else
		atomic_long_dec(&core->objects);
	if (core->flags & PCPOOL_ZERO_ON_PUT)
		memzero_explicit(obj, core->object_bytes);
	core->ops->free(obj, core->ctx);
	unsecure(core);
	if (!core->wait)
		return;
	pcpool_wait_freed(core->wait);
	/* The worker makes another. */
	if (unlikely(pcpool_wait_reserve_short(core->wait)))
		pcpool_schedule_worker(core);
}

/* Is this, as far as the kernel can tell, where one may sleep? */
bool pcpool_may_sleep(void)
{
	return preemptible() && !in_softirq() && !rcu_preempt_depth();
}

/* May ops->free be called here? Its kernel-doc makes the promise. */
static bool may_unmake(const struct pcpool_core *core)
{
	if (core->flags & PCPOOL_FREE_MAY_SLEEP)
		return pcpool_may_sleep();
	return !in_nmi() && !in_hardirq() &&
	       (!IS_ENABLED(CONFIG_PREEMPT_RT) || preemptible());
}

/* --- This CPU's queues -------------------------------------------------- */

/* The main tier in the view of @c, this CPU: 0 or 1. */
static __always_inline unsigned int own_main_tier(const struct pcpool_cpu *c)
{
	return READ_ONCE(c->epoch) & 1;
}

/* In the place of a tier: the one that own_main_tier() says when it matters. */
#define MAIN_TIER	2u

static struct pcpool_queue *own_queue(struct pcpool_cpu *c, unsigned int tier)
{
	return &c->queue[tier == MAIN_TIER ? own_main_tier(c) : tier];
}

/* Remember for some spills that this CPU has refilled from its own queue. */
static __always_inline void spilled(struct pcpool_cpu *c)
{
	if (c->refilled)
		WRITE_ONCE(c->refilled, c->refilled - 1);
}

/* --- Where a put leaves its object ------------------------------------- */

static void set_aside(struct pcpool_core *core, struct pcpool_deferred *d, void *obj)
{
	/*
	 * Fails if clients put more objects than they got. There is nothing that one may
	 * do with the object here, so it is lost; nothing else is.
	 */
	if (!pcpool_deferred_put(d, obj))
		WARN_ONCE(1, "pcpool: %s: more objects put than were made\n",
			  core->name);
}

/* Leave an object in a cell; whoever comes to take it from there is told otherwise. */
void pcpool_set_aside(struct pcpool_core *core, void *obj)
{
	set_aside(core, &core->deferred_puts, obj);
}

/* Leave an object to the worker, who makes it idle. Until then anyone may take it. */
void pcpool_defer(struct pcpool_core *core, void *obj)
{
	atomic_long_inc(&core->nr_deferred);
	pcpool_set_aside(core, obj);
	pcpool_schedule_worker(core);
}

/* Leave an object to the worker, who frees it. */
static void doom(struct pcpool_core *core, void *obj)
{
	atomic_long_inc(&core->nr_deferred);
	set_aside(core, core->defers_frees ? &core->deferred_frees : &core->deferred_puts, obj);
	pcpool_schedule_worker(core);
}

enum kept {
	KEPT,
	NO_ROOM,	/* the queue wants a ring */
	NESTED,		/* we interrupted the queue's producer */
};

/*
 * Move what is in the first @n private slots to @ring, which has room for it. Returns
 * how many objects that were; they are not published yet.
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
		taken += pcpool_slots_spill(core, 1 + done, run, to);
	}
	return taken;
}

/*
 * Keep @obj on this CPU: in a private slot, after moving what is in them to the
 * shared queue if they are full: all of it, since otherwise the slots would not be
 * in the order of their puts any more. @partly: be content with less.
 */
static enum kept keep_here(struct pcpool_core *core, void *obj, bool partly)
{
	unsigned int n = core->nr_slots, tier;
	enum kept ret = KEPT;
	struct pcpool_cpu *c;
	struct pcpool_queue *q;
	unsigned long flags;

	/* See tiers.c: an aging pass comes before this, or after. */
	local_irq_save(flags);
	c = this_cpu_ptr(core->cpu);
	if (!producer_enter(c)) {
		ret = NESTED;
		goto out;
	}
	if (n && !pcpool_slots_seem_full(core) && pcpool_slots_give(core, obj))
		goto out_producer;
	tier = own_main_tier(c);
	q = &c->queue[tier];
	if (n) {
		/* Nobody but us takes up room, so what there is now is there later. */
		n = pcpool_queue_room(q, n);
		if (!n || (n < core->nr_slots && !partly)) {
			ret = NO_ROOM;
			goto out_producer;
		}
		spilled(c);
		n = spill(core, q->head, n);
		pcpool_ring_publish(q->head, n);
	}
	/* Full again? Then by an NMI, which is done by now. Or there are no slots. */
	if (!pcpool_slots_give(core, obj)) {
		if (pcpool_queue_push(q, &obj, 1))
			this_cpu_inc(core->cpu->off_slots);
		else
			ret = NO_ROOM;
	}
	pcpool_hint_set(core, tier, smp_processor_id());
out_producer:
	producer_exit(c);
out:
	local_irq_restore(flags);
	return ret;
}

/*
 * Push objects, the oldest first, to this CPU's queue of @tier, past the private
 * slots. Returns how many it took; none if we interrupted the queue's producer.
 */
static unsigned int push_here(struct pcpool_core *core, void **objs,
			      unsigned int n, unsigned int tier)
{
	unsigned int pushed = 0;
	struct pcpool_cpu *c;
	unsigned long flags;

	local_irq_save(flags);
	c = this_cpu_ptr(core->cpu);
	if (producer_enter(c)) {
		if (tier == MAIN_TIER)
			tier = own_main_tier(c);
		pushed = pcpool_queue_push(&c->queue[tier], objs, n);
		producer_exit(c);
		if (pushed)
			pcpool_hint_set(core, tier, smp_processor_id());
	}
	local_irq_restore(flags);
	return pushed;
}

/*
 * Push objects, the oldest first, to this CPU's queue of the main tier, after what is in
 * the private slots, which is older. Returns how many it took: all or none.
 */
static unsigned int push_after_slots(struct pcpool_core *core, void **objs,
				     unsigned int n)
{
	unsigned int tier, pushed = 0;
	struct pcpool_queue *q;
	struct pcpool_cpu *c;
	unsigned long flags;

	local_irq_save(flags); /* as in keep_here() */
	c = this_cpu_ptr(core->cpu);
	if (producer_enter(c)) {
		tier = own_main_tier(c);
		q = &c->queue[tier];
		if (pcpool_queue_room(q, core->nr_slots + n) == core->nr_slots + n) {
			pushed = spill(core, q->head, core->nr_slots);
			if (pushed)
				pcpool_ring_publish(q->head, pushed);
			pushed = pcpool_queue_push(q, objs, n);
			this_cpu_add(core->cpu->off_slots, pushed);
			spilled(c);
		}
		producer_exit(c);
		if (pushed)
			pcpool_hint_set(core, tier, smp_processor_id());
	}
	local_irq_restore(flags);
	return pushed;
}

/*
 * Add a ring to this CPU's queue of @tier, or MAIN_TIER, unless there is room for @want
 * objects. Where memory is too fragmented for a ring of twice the size, a smaller one
 * does. Returns whether it is worth trying again.
 */
static bool grow(struct pcpool_core *core, unsigned int tier, unsigned int want,
		 gfp_t gfp)
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

	/* By now we may be on another CPU, and others may have been here. */
	local_irq_save(flags);
	c = this_cpu_ptr(core->cpu);
	if (producer_enter(c)) {
		q = own_queue(c, tier);
		if (pcpool_queue_room(q, want) < want) {
			pcpool_queue_add_ring(q, ring);
			ring = NULL;
		}
		producer_exit(c);
	}
	local_irq_restore(flags);
	if (ring)
		pcpool_ring_free(ring);
	else
		atomic_long_inc(&core->grows);
	return true;
}

/**
 * pcpool_keep() - make an object idle
 * @core: the pool
 * @obj: the object
 * @gfp: how to make a queue grow, should it have to and may it here
 *
 * Counts as a put.
 *
 * Return: false if the queue could not grow; the object is still the caller's.
 */
bool pcpool_keep(struct pcpool_core *core, void *obj, gfp_t gfp)
{
	bool partly = !pcpool_may_allocate();
	enum kept kept;

	while ((kept = keep_here(core, obj, partly)) != KEPT) {
		if (kept == NESTED || !pcpool_may_allocate()) {
			this_cpu_inc(core->cpu->off_slots);
			pcpool_defer(core, obj);
			break;
		}
		if (partly)
			return false;
		partly = !grow(core, MAIN_TIER, max(core->nr_slots, 1u), gfp);
	}
	return true;
}

/* As pcpool_keep(), but to the queue of @tier, and from task context only. */
bool pcpool_enqueue(struct pcpool_core *core, void *obj, unsigned int tier)
{
	while (!push_here(core, &obj, 1, tier)) {
		if (!grow(core, tier, max(core->nr_slots, 1u), PCPOOL_GFP_PUT))
			return false;
	}
	return true;
}

/*
 * Free an object that is not to be kept, here or by the worker. @gfp tells, if it
 * allows to sleep, that here is task context, which cannot be found out on
 * kernels that do not count preemption. Counts as a put.
 */
static void drop(struct pcpool_core *core, void *obj, gfp_t gfp,
		 atomic_long_t *counter)
{
	this_cpu_inc(core->cpu->off_slots);
	if (!gfpflags_allow_blocking(gfp) && !may_unmake(core)) {
		/* The worker counts it too, but for those that nobody may get. */
		if (core->defers_frees)
			atomic_long_inc(counter);
		doom(core, obj);
		return;
	}
	atomic_long_inc(counter);
	pcpool_object_free(core, obj);
}

/* So many objects are idle no more. */
void pcpool_not_idle(struct pcpool_core *core, unsigned long n)
{
	if (core->has_credit)
		pcpool_credit_give(&core->credit, n);
}

/* pcpool_keep() within the bounds of the pool. */
static bool keep_bounded(struct pcpool_core *core, void *obj, gfp_t gfp)
{
	if (core->array) {
		if (!pcpool_array_put(core->array, obj, pcpool_main_tier(core)))
			return false;
		this_cpu_inc(core->cpu->off_slots);
		return true;
	}
	if (!core->has_credit)
		return pcpool_keep(core, obj, gfp);
	if (!pcpool_credit_take(&core->credit))
		return false;
	if (pcpool_keep(core, obj, gfp))
		return true;
	pcpool_not_idle(core, 1);
	return false;
}

/* The second half of a put: everything about it but the callbacks at its start. */
static void put(struct pcpool_core *core, void *obj, gfp_t gfp)
{
	if (unlikely(core->wait) && pcpool_wait_offer(core, obj))
		return;
	else if (unlikely(READ_ONCE(core->bypass)))
		drop(core, obj, gfp, &core->drop_other);
	else if (unlikely(!keep_bounded(core, obj, gfp)))
		drop(core, obj, gfp, &core->drop_full);
	else
		pcpool_wake_waiters(core->wait);
}

/* The first half: true if there is a second one. */
static bool put_begin(struct pcpool_core *core, void *obj, unsigned long caller)
{
	if (WARN(core->dead,
		 "pcpool: %s: object %p put after the pool was destroyed\n",
		 core->name, obj))
		return false;
	if (unlikely(READ_ONCE(core->debug)) && !pcpool_debug_put(core, obj, caller))
		return false;
	if (core->ops->reset)
		core->ops->reset(obj, core->ctx);
	/* While it is still what it was. */
	if (core->max_object_bytes &&
	    core->ops->bytes(obj, core->ctx) > core->max_object_bytes) {
		drop(core, obj, PCPOOL_GFP_PUT, &core->drop_oversize);
		return false;
	}
	if (core->flags & PCPOOL_ZERO_ON_PUT)
		memzero_explicit(obj, core->object_bytes);
	if (unlikely(READ_ONCE(core->debug)))
		pcpool_debug_idle(core, obj);
	return true;
}

/*
 * What an out-of-line put nearly always does: the slots are full, and the queue has room
 * for all that is in them. It calls nothing, so that it is as fast as can be. Returns
 * false if something is out of the ordinary.
 */
static __always_inline bool spill_and_keep(struct pcpool_core *core, void *obj)
{
	struct pcpool_cpu __percpu *cpu = core->cpu;
	void * __percpu *floor = core->slots->slot;
	unsigned long n = core->nr_slots, flags;
	struct pcpool_slots *slots;
	struct pcpool_ring *ring;
	struct pcpool_cpu *c;
	unsigned int tier;
	bool kept = false;
	void **to;

	local_irq_save(flags); /* as in keep_here() */
	slots = this_cpu_ptr(core->slots);
	c = this_cpu_ptr(cpu);
	if (unlikely(slots->top != (unsigned long)(floor + n) || !slots->slot[n]) ||
	    !producer_enter(c))
		goto out;
	tier = own_main_tier(c);
	ring = c->queue[tier].head;
	if (unlikely(!ring || !pcpool_ring_space(ring, n, &to)))
		goto out_producer;

	spilled(c);
	pcpool_slots_close(core, slots);
	n = pcpool_slots_unload(slots->slot + 1, to, n);
	pcpool_ring_publish(ring, n);
	WRITE_ONCE(slots->slot[1], obj);
	pcpool_slots_open(core, slots, 1);
	this_cpu_add(cpu->off_slots, n);
	pcpool_hint_set(core, tier, smp_processor_id());
	kept = true;
out_producer:
	producer_exit(c);
out:
	local_irq_restore(flags);
	return kept;
}

/* The same, whatever is out of the ordinary; the pool is a plain one. */
static noinline void put_plainly(struct pcpool_core *core, void *obj)
{
	if (obj && !pcpool_keep(core, obj, PCPOOL_GFP_PUT))
		drop(core, obj, PCPOOL_GFP_PUT, &core->drop_full);
}

/* A put to a pool with something special about it, so that the inlined path left it to us. */
static noinline void put_specially(struct pcpool_core *core, void *obj, unsigned long caller)
{
	if (!obj)
		return;
	/* Nothing but a bound. */
	if (READ_ONCE(core->only_bounded) && pcpool_credit_take(&core->credit)) {
		if (likely(__pcpool_slots_push(core->slots, obj)))
			return;
		pcpool_not_idle(core, 1);
	}
	if (put_begin(core, obj, caller))
		put(core, obj, PCPOOL_GFP_PUT);
}

/* An object that nobody has got after all. Counts as a put. */
void pcpool_put_back(struct pcpool_core *core, void *obj)
{
	put(core, obj, PCPOOL_GFP_PUT);
}
EXPORT_SYMBOL_FOR_TESTS(pcpool_put_back);

void __pcpool_put(struct pcpool *pool, void *obj)
{
	struct pcpool_core *core = pcpool_to_core(pool);

	if (unlikely(READ_ONCE(pool->put_slots) != core->slots))
		put_specially(core, obj, _RET_IP_);
	else if (unlikely(!obj) || unlikely(!spill_and_keep(core, obj)))
		put_plainly(core, obj);
}
EXPORT_SYMBOL_GPL(__pcpool_put);

/**
 * pcpool_put_bulk() - give several objects back to their pool
 * @pool: the pool that the objects came from
 * @n: how many; 0: none, and @objs is not looked at
 * @objs: the objects; %NULLs among them are skipped. Not the caller's afterwards;
 *	the array is.
 *
 * As pcpool_put() of each, from the first on, but cheaper.
 *
 * Context: Any context, NMI too.
 */
void pcpool_put_bulk(struct pcpool *pool, unsigned int n, void **objs)
{
	struct pcpool_core *core = pcpool_to_core(pool);
	void *batch[PCPOOL_BATCH];
	unsigned int i, pushed;

	while (n) {
		unsigned int filled = 0;

		for (i = 0; i < n && filled < PCPOOL_BATCH; i++) {
			if (objs[i] && put_begin(core, objs[i], _RET_IP_))
				batch[filled++] = objs[i];
		}
		objs += i;
		n -= i;

		/*
		 * What is more than the private slots hold goes to the queue at
		 * once, after what they hold now, as it would end up there anyway.
		 */
		pushed = 0;
		if (filled > core->nr_slots && !READ_ONCE(core->bypass) && !core->bounded)
			pushed = push_after_slots(core, batch,
						  filled - core->nr_slots);
		for (i = pushed; i < filled; i++)
			put(core, batch[i], PCPOOL_GFP_PUT);
	}
}
EXPORT_SYMBOL_GPL(pcpool_put_bulk);

/* Of a deferred put: it has its place within the bounds of the pool already. */
static void put_again(struct pcpool_core *core, void *obj)
{
	gfp_t gfp = GFP_KERNEL | __GFP_NORETRY;

	/* Before anything that may have to wait for memory. */
	if (core->wait && pcpool_wait_offer(core, obj)) {
		pcpool_not_idle(core, 1);
	} else if (unlikely(READ_ONCE(core->bypass))) {
		pcpool_not_idle(core, 1);
		drop(core, obj, gfp, &core->drop_other);
	} else if (unlikely(!pcpool_keep(core, obj, gfp))) {
		pcpool_not_idle(core, 1);
		drop(core, obj, gfp, &core->drop_full);
	}
}

/*
 * Make cells ahead of need. Without trying hard: reclaim may be waiting for what the worker does
 * next. Who finds that there are too few starts it again.
 */
static void add_cells(struct pcpool_deferred *d)
{
	while (pcpool_deferred_needs_slots(d) &&
	       pcpool_deferred_add_slots(d, GFP_KERNEL | __GFP_NORETRY))
		;
}

/*
 * The worker for what is doomed: frees it. It waits for nothing but what ops->free does, and for
 * no other worker, also where there is memory for one only (hence its own workqueue): someone may
 * be waiting for the place of one of these in the quota, and others for him.
 */
void pcpool_free_work(struct work_struct *work)
{
	struct pcpool_core *core = container_of(work, struct pcpool_core, free_work);
	void *obj;

	while ((obj = pcpool_deferred_take(&core->deferred_frees))) {
		pcpool_object_free(core, obj);
		cond_resched();
	}
}

/* The worker for the rest: puts deferred puts again, and makes cells ahead of need. */
void pcpool_deferred_work(struct work_struct *work)
{
	struct pcpool_core *core = container_of(work, struct pcpool_core, work);
	unsigned int i;
	void *obj;

	add_cells(&core->deferred_puts);
	if (core->defers_frees)
		add_cells(&core->deferred_frees);
	if (core->wait)
		pcpool_wait_refill(core);
	/*
	 * The lock keeps aging passes out, which want to demote deferred puts. They
	 * may want to urgently, so do not hold it for long, nor try hard for memory.
	 */
	do {
		mutex_lock(&core->age_lock);
		for (i = 0; i < PCPOOL_BATCH; i++) {
			obj = pcpool_deferred_take(&core->deferred_puts);
			if (!obj)
				break;
			put_again(core, obj);
			/* That put has been counted before. */
			this_cpu_dec(core->cpu->off_slots);
		}
		mutex_unlock(&core->age_lock);
		/* For a moment they could not be seen. */
		pcpool_wake_waiters(core->wait);
		cond_resched();
	} while (i == PCPOOL_BATCH);
}

void pcpool_deferred_irq_work(struct irq_work *irq_work)
{
	struct pcpool_core *core = container_of(irq_work, struct pcpool_core,
						irq_work);

	/* On this very CPU, so that its queue is the one that grows. */
	queue_work_on(smp_processor_id(), pcpool_workqueue, &core->work);
	if (core->defers_frees)
		queue_work_on(smp_processor_id(), pcpool_free_workqueue, &core->free_work);
}

/* --- Where a get finds an object ---------------------------------------- */

/* Pop from this CPU's own queue of @tier. */
static unsigned int pop_own(struct pcpool_core *core, unsigned int tier,
			    void **objs, unsigned int n)
{
	struct pcpool_cpu *c = this_cpu_ptr(core->cpu);
	struct pcpool_queue *q = &c->queue[tier];
	unsigned long flags;

	if (!q->head)
		return 0;
	local_irq_save(flags);
	if (producer_enter(c)) {
		n = pcpool_queue_pop_head(q, objs, n);
		producer_exit(c);
	} else {
		/* We interrupted the producer. The tail is open to everybody. */
		n = pcpool_queue_pop_tail(q, objs, 1, false);
	}
	local_irq_restore(flags);
	return n;
}

/* May this CPU, of @node, steal from @cpu? */
static bool may_steal(const struct pcpool_core *core, int cpu, int node, enum reach reach)
{
	if (reach == REACH_ANYWHERE)
		return true;
	switch (core->steal) {
	case PCPOOL_STEAL_ALL:
		return true;
	case PCPOOL_STEAL_NODE:
		if (cpu_to_node(cpu) == node)
			return true;
		fallthrough;
	default:
		/* An offline CPU will not use them, and somebody should. */
		return !cpu_online(cpu);
	}
}

/*
 * Put what a get took beyond what it needs into the private slots, the oldest first;
 * interrupts are disabled. There is room, but for what an NMI has put, or for what
 * is in them although it did not seem so.
 */
static void stash(struct pcpool_core *core, void **objs, unsigned int n)
{
	struct pcpool_cpu *c = this_cpu_ptr(core->cpu);
	unsigned int i = 0;

	if (producer_enter(c)) {
		i = pcpool_slots_fill(core, objs, n);
		producer_exit(c);
	}
	for (; i < n; i++) {
		if (!push_here(core, &objs[i], 1, MAIN_TIER))
			pcpool_defer(core, objs[i]);
	}
}

/*
 * Refill the private slots from @ring of our own queue of @tier, with the @n objects from
 * @at on, which we have claimed as the queue's producer; returns the newest.
 */
static void *refill(struct pcpool_core *core, unsigned int tier,
		    struct pcpool_ring *ring, u32 at, unsigned int n)
{
	struct pcpool_queue *q = this_cpu_ptr(&core->cpu->queue[tier]);
	unsigned int run = 1, done, i;
	void *obj, *left, **from;

	obj = READ_ONCE(*pcpool_ring_run(ring, at + --n, &run));
	for (done = 0; done < n; done += run) {
		run = n - done;
		from = pcpool_ring_run(ring, at + done, &run);
		/* All, but for an NMI's put, or slots that only seemed empty. */
		for (i = pcpool_slots_fill(core, from, run); i < run; i++) {
			left = READ_ONCE(from[i]);
			if (pcpool_queue_push(q, &left, 1))
				pcpool_hint_set(core, tier, smp_processor_id());
			else
				pcpool_defer(core, left);
		}
	}
	return obj;
}

/*
 * Our own queue @q of @tier is empty. Tidy up: drop older rings, and, where others come
 * to steal, spare them the way.
 */
static void *found_empty(struct pcpool_core *core, unsigned int tier,
			 struct pcpool_queue *q)
{
	int self = smp_processor_id();
	void *obj = NULL;

	/* Consumers drop rings on their way; there is nothing that this could get. */
	if (READ_ONCE(q->head->older))
		pcpool_queue_pop_tail(q, &obj, 1, false);
	if (cpumask_test_cpu(self, core->nonempty[tier]) &&
	    pcpool_ring_drained_by_others(q->head))
		hint_clear(core, tier, self);
	return obj;
}

/*
 * Take from this CPU's own queue of the main tier, and refill the private slots: not quite
 * all, so that there is room for puts too; or all of them if puts are out of sight.
 */
static void *take_shared(struct pcpool_core *core)
{
	struct pcpool_ring *ring;
	struct pcpool_queue *q;
	struct pcpool_cpu *c;
	unsigned int n, tier;
	unsigned long flags;
	void *obj = NULL;
	u32 at;

	/* See tiers.c: an aging pass comes before this, or after. */
	local_irq_save(flags);
	c = this_cpu_ptr(core->cpu);
	tier = own_main_tier(c);
	q = &c->queue[tier];
	if (!q->head)
		goto out;
	if (producer_enter(c)) {
		n = 1 + (c->refilled == PCPOOL_REFILLED ? core->nr_slots : core->refill);
		WRITE_ONCE(c->refilled, PCPOOL_REFILLED);
		ring = pcpool_queue_claim_head(q, &n, &at);
		if (ring)
			obj = refill(core, tier, ring, at, n);
		else
			obj = found_empty(core, tier, q);
		producer_exit(c);
	} else {
		/* We interrupted the producer. The tail is open to everybody. */
		pcpool_queue_pop_tail(q, &obj, 1, false);
	}
out:
	local_irq_restore(flags);
	return obj;
}

/*
 * After a steal that may have left more behind, on a CPU that does not need it: move some
 * of that to our own queue, so that not every few gets have to go there again.
 */
static void steal_more(struct pcpool_core *core, struct pcpool_cpu *victim,
		       unsigned int tier)
{
	struct pcpool_cpu *c = this_cpu_ptr(core->cpu);
	unsigned int n;

	if (!producer_enter(c))
		return;
	if (pcpool_queue_room(&c->queue[tier], PCPOOL_STEAL_MORE) <
	    PCPOOL_STEAL_MORE)
		WRITE_ONCE(c->queue_too_small, true);
	n = pcpool_queue_move(&victim->queue[tier], &c->queue[tier],
			      PCPOOL_STEAL_MORE);
	if (n)
		pcpool_hint_set(core, tier, smp_processor_id());
	producer_exit(c);
}

/*
 * Take from @cpu's queue of the main tier, and refill the private slots: with a batch if
 * @cpu itself only puts, else with half of what is there at most.
 */
static void *steal_main(struct pcpool_core *core, int cpu)
{
	unsigned int tier, n, many = in_nmi() ? 1 : core->batch;
	struct pcpool_cpu *c = this_cpu_ptr(core->cpu);
	struct pcpool_cpu *victim = per_cpu_ptr(core->cpu, cpu);
	void *objs[PCPOOL_BATCH];
	unsigned long flags;
	unsigned int i;

	local_irq_save(flags);
	/* A probe can have got us here in the middle of the same. */
	if (READ_ONCE(c->stealing))
		many = 1;
	if (many > 1) {
		WRITE_ONCE(c->stealing, true);
		smp_mb(); /* pairs with the one in change_epoch(); tiers.c, (A) */
	}
	tier = pcpool_main_tier(core);
	n = pcpool_queue_pop_tail(&victim->queue[tier], objs, many,
				  READ_ONCE(victim->refilled));
	if (n > 1) {
		/* So that the oldest of them is the next to be taken. */
		for (i = 1; i < n - i; i++)
			swap(objs[i], objs[n - i]);
		stash(core, objs + 1, n - 1);
		/* Not where one may wait: on their way they could not be seen. */
		if (n == many && !READ_ONCE(victim->refilled) && !core->wait)
			steal_more(core, victim, tier);
	}
	if (!pcpool_queue_count(&victim->queue[tier]))
		hint_clear(core, tier, cpu);
	if (many > 1)
		/* Pairs with the acquire in holds_something(); tiers.c, (A). */
		smp_store_release(&c->stealing, false);
	local_irq_restore(flags);
	return n ? objs[0] : NULL;
}

/* Take from @cpu's queue of the victim tier: one, as more would get young again. */
static void *steal_victim(struct pcpool_core *core, int cpu)
{
	struct pcpool_cpu *victim = per_cpu_ptr(core->cpu, cpu);
	unsigned int tier = !pcpool_main_tier(core);
	void *obj;

	if (pcpool_queue_pop_tail(&victim->queue[tier], &obj, 1, false))
		return obj;
	hint_clear(core, tier, cpu);
	return NULL;
}

/* Take from other CPUs' queues of a tier, those of our NUMA node first. */
static void *steal(struct pcpool_core *core, const struct cpumask *nonempty, enum reach reach,
		   void *(*steal_from)(struct pcpool_core *core, int cpu))
{
	int self = smp_processor_id(), node = cpu_to_node(self), cpu;
	bool near = true, others = false, around;
	void *obj;

	/* A hint, which changes while we look. */
	if (data_race(cpumask_empty(nonempty)))
		return NULL;
again:
	/* From our neighbour on, so that not all rob the same one. */
	around = false;
	for (cpu = self;;) {
		/* As above; for_each_cpu_wrap(), a macro, could not be told. */
		cpu = data_race(cpumask_next(cpu, nonempty));
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

/* Which CPUs to rob. For one who waits a hint that is about to be mended is not good enough. */
static const struct cpumask *worth_a_look(const struct pcpool_core *core, unsigned int tier,
					  enum reach reach)
{
	return reach == REACH_ANYWHERE ? cpu_possible_mask : core->nonempty[tier];
}

/* Take from the private slots; not if we are an NMI in the middle of moves there. */
static void *take_private(struct pcpool_core *core)
{
	if (!core->nr_slots || this_cpu_read(core->cpu->pushing) ||
	    pcpool_slots_seem_empty(core))
		return NULL;
	return pcpool_slots_take(core);
}

/* The same, whatever the hint says. */
static void *take_hidden(struct pcpool_core *core)
{
	if (this_cpu_read(core->cpu->pushing) ||
	    /* A guess: an interrupt may put. */
	    data_race(pcpool_slots_free(this_cpu_ptr(core->slots)->slot + 1, core->nr_slots)))
		return NULL;
	return pcpool_slots_take(core);
}

/*
 * Take an idle object; a hit if @count. The oldest is taken from others, so that they keep what
 * is warm in their caches; the newest from ourselves.
 */
static noinline void *take(struct pcpool_core *core, enum reach reach, bool count)
{
	unsigned long __percpu *hit;
	unsigned int tier;
	void *obj;

	preempt_disable();
	hit = &core->slots->hits;
	obj = take_private(core);
	if (obj)
		goto out;
	hit = &core->cpu->hit_shared;
	obj = take_shared(core);
	if (obj)
		goto out;
	tier = pcpool_main_tier(core);
	if (reach != REACH_LOCAL) {
		hit = &core->cpu->hit_steal;
		obj = steal(core, worth_a_look(core, tier, reach), reach, steal_main);
		if (obj)
			goto out;
	}
	hit = &core->cpu->hit_victim;
	if (!pop_own(core, !own_main_tier(this_cpu_ptr(core->cpu)), &obj, 1) &&
	    reach != REACH_LOCAL)
		obj = steal(core, worth_a_look(core, !tier, reach), reach, steal_victim);
	if (obj)
		goto out;
	hit = &core->cpu->hit_shared;
	obj = pcpool_deferred_take(&core->deferred_puts);
	if (obj)
		goto out;
	/* They only seemed empty? */
	hit = &core->slots->hits;
	obj = take_hidden(core);
out:
	if (obj && count)
		this_cpu_inc(*hit);
	preempt_enable();
	/* Now, where it can be waited for; another CPU's mark is as good as ours. */
	if (unlikely(this_cpu_read(core->cpu->queue_too_small)) &&
	    pcpool_may_allocate()) {
		this_cpu_write(core->cpu->queue_too_small, false);
		/* It is only a convenience: nobody need be woken for it. */
		grow(core, MAIN_TIER, PCPOOL_STEAL_MORE,
		     PCPOOL_GFP_PUT & ~__GFP_RECLAIM);
	}
	return obj;
}

/* The same from the shelf. */
static void *take_from_shelf(struct pcpool_core *core, bool count)
{
	unsigned int tier = pcpool_main_tier(core);
	void *obj;

	obj = pcpool_array_take(core->array, tier);
	if (obj) {
		if (count)
			this_cpu_inc(core->cpu->hit_shared);
		return obj;
	}
	obj = pcpool_array_take(core->array, !tier);
	if (obj && count)
		this_cpu_inc(core->cpu->hit_victim);
	return obj;
}

/* The same from wherever this pool keeps its objects. */
static void *take_idle(struct pcpool_core *core, enum reach reach, bool count)
{
	void *obj = core->array ? take_from_shelf(core, count) : take(core, reach, count);

	if (obj)
		pcpool_not_idle(core, 1);
	return obj;
}

/* Take an idle object, and count the hit. */
void *pcpool_take(struct pcpool_core *core, bool local)
{
	return take_idle(core, local ? REACH_LOCAL : REACH_ALL, true);
}

/* The same, whatever the steal policy says. @count: is a hit. */
void *pcpool_take_anywhere(struct pcpool_core *core, bool count)
{
	return take_idle(core, REACH_ANYWHERE, count);
}

static bool is_dead(const struct pcpool_core *core)
{
	return WARN(core->dead, "pcpool: %s: asked for an object after it was destroyed\n",
		    core->name);
}

/* Make an object for a get. Returns an error if that fails. */
static void *get_new(struct pcpool_core *core, gfp_t gfp)
{
	return pcpool_count_miss(core, pcpool_wait_alloc(core, gfp));
}

/* What a get does that finds nothing quickly, from a plain pool. */
static void *get_plainly(struct pcpool_core *core, gfp_t gfp, enum reach reach,
			 unsigned long caller)
{
	void *obj = take(core, reach, true);

	if (likely(obj))
		return obj;
	obj = get_new(core, gfp);
	/* Debug mode may have been switched on, and waited for nobody who sleeps in ops->alloc. */
	if (unlikely(READ_ONCE(core->debug)) && !IS_ERR(obj))
		pcpool_debug_got(core, obj, caller);
	return obj;
}

/* What is out of line in a get from a pool with nothing special but a bound. */
static __always_inline void *get_bounded(struct pcpool_core *core)
{
	void *obj = NULL;

	if (READ_ONCE(core->only_bounded)) {
		obj = __pcpool_slots_pop(core->slots);
		if (likely(obj))
			pcpool_not_idle(core, 1);
	}
	return obj;
}

/* A get from a pool with something special about it; after get_bounded(). */
static noinline void *get_specially(struct pcpool_core *core, gfp_t gfp, enum reach reach,
				    unsigned int state, long timeout, unsigned long caller)
{
	void *obj = NULL;

	if (is_dead(core))
		return ERR_PTR(-ENODEV);
	if (core->wait) {
		obj = pcpool_wait_get(core, gfp, reach == REACH_LOCAL, state, timeout);
	} else {
		if (!READ_ONCE(core->bypass))
			obj = take_idle(core, reach, true);
		if (!obj)
			obj = get_new(core, gfp);
	}
	if (READ_ONCE(core->debug) && !IS_ERR(obj))
		pcpool_debug_got(core, obj, caller);
	return obj;
}

/*
 * What an out-of-line get of a CPU with objects of its own nearly always does: the slots
 * are empty, and the newest ring of its queue has enough to refill them. As
 * spill_and_keep(), it calls nothing, and returns NULL if something is out of the
 * ordinary.
 */
static __always_inline void *refill_and_take(struct pcpool_core *core)
{
	struct pcpool_cpu __percpu *cpu = core->cpu;
	void * __percpu *floor = core->slots->slot;
	struct pcpool_slots *slots;
	struct pcpool_ring *ring;
	struct pcpool_cpu *c;
	unsigned long n, flags;
	unsigned long loaded = 0;
	void *obj = NULL;
	void **from;

	local_irq_save(flags); /* as in take_shared() */
	slots = this_cpu_ptr(core->slots);
	c = this_cpu_ptr(cpu);
	if (unlikely(slots->top != (unsigned long)floor))
		goto out;
	ring = c->queue[own_main_tier(c)].head;
	if (unlikely(!ring) || !producer_enter(c))
		goto out;

	pcpool_slots_close(core, slots);
	n = c->refilled == PCPOOL_REFILLED ? core->nr_slots : core->refill;
	if (unlikely(!pcpool_slots_free(slots->slot + 1, n)))
		goto out_slots;
	n = pcpool_ring_try_claim(ring, n + 1, &from);
	if (likely(n)) {
		obj = READ_ONCE(from[--n]);
		pcpool_slots_load(slots->slot + 1, from, n);
		loaded = n;
		WRITE_ONCE(c->refilled, PCPOOL_REFILLED);
		this_cpu_sub(cpu->off_slots, n);
		this_cpu_inc(cpu->hit_shared);
	}
out_slots:
	pcpool_slots_open(core, slots, loaded);
	producer_exit(c);
out:
	local_irq_restore(flags);
	return obj;
}

/* Of a get that cannot say why it got nothing. */
static void *count_error(struct pcpool_core *core, void *obj)
{
	if (!IS_ERR(obj))
		return obj;
	atomic_long_inc(&core->alloc_fail);
	return NULL;
}

/* It is called last of all, so that its caller is that of pcpool; to hand that over costs more. */
static noinline void *get_plainly_or_null(struct pcpool_core *core, gfp_t gfp, enum reach reach)
{
	return count_error(core, get_plainly(core, gfp, reach, _RET_IP_));
}

static noinline void *get_specially_or_null(struct pcpool_core *core, gfp_t gfp,
					    enum reach reach, long timeout, unsigned long caller)
{
	void *obj = get_bounded(core);

	if (likely(obj))
		return obj;
	return count_error(core, get_specially(core, gfp, reach, TASK_UNINTERRUPTIBLE, timeout,
					       caller));
}

/* What is done often comes first, and ends in calls that need nothing of it any more. */
static __always_inline void *get(struct pcpool *pool, gfp_t gfp, enum reach reach, long timeout,
				 unsigned long caller)
{
	struct pcpool_core *core = pcpool_to_core(pool);
	void *obj;

	if (unlikely(READ_ONCE(pool->get_slots) != core->slots))
		return get_specially_or_null(core, gfp, reach, timeout, caller);
	obj = refill_and_take(core);
	return likely(obj) ? obj : get_plainly_or_null(core, gfp, reach);
}

void *__pcpool_get(struct pcpool *pool, gfp_t gfp)
{
	return get(pool, gfp, REACH_ALL, MAX_SCHEDULE_TIMEOUT, _RET_IP_);
}
EXPORT_SYMBOL_GPL(__pcpool_get);

void *__pcpool_get_local(struct pcpool *pool, gfp_t gfp)
{
	return get(pool, gfp, REACH_LOCAL, MAX_SCHEDULE_TIMEOUT, _RET_IP_);
}
EXPORT_SYMBOL_GPL(__pcpool_get_local);

static noinline void *try_get_specially(struct pcpool_core *core, unsigned long caller)
{
	void *obj = get_bounded(core);

	if (likely(obj))
		return obj;
	if (is_dead(core) || READ_ONCE(core->bypass))
		return NULL;
	/* First come, first served. */
	if (core->wait && READ_ONCE(core->wait->nr_waiters))
		return NULL;
	obj = take_idle(core, REACH_ALL, true);
	if (READ_ONCE(core->debug) && obj)
		pcpool_debug_got(core, obj, caller);
	return obj;
}

void *__pcpool_try_get(struct pcpool *pool)
{
	struct pcpool_core *core = pcpool_to_core(pool);
	void *obj;

	if (unlikely(READ_ONCE(pool->get_slots) != core->slots))
		return try_get_specially(core, _RET_IP_);
	obj = refill_and_take(core);
	return likely(obj) ? obj : take(core, REACH_ALL, true);
}
EXPORT_SYMBOL_GPL(__pcpool_try_get);

/**
 * pcpool_get_timeout() - take an object from a pool, or make one, and do not wait too long
 * @pool: the pool
 * @gfp: how to allocate, should that be needed; given to ops->alloc
 * @timeout: how long to wait for one at most, in jiffies; 0: not at all;
 *	%MAX_SCHEDULE_TIMEOUT or more: until there is one
 *
 * As pcpool_get(), but it says why there is none, and a fatal signal ends it. What @timeout
 * limits is the waiting for somebody to put an object, not what ops->alloc takes.
 *
 * Context: As pcpool_get(). It waits only if @gfp allows to, as %GFP_KERNEL does.
 * Return: An object, which the caller owns until it puts it, or ERR_PTR() of -ETIMEDOUT
 * (there was none in time), -EINTR (a fatal signal), -EAGAIN (as many objects as there may be
 * are out, and @gfp does not allow to wait), or -ENOMEM (none was idle, and none could be made).
 */
void *pcpool_get_timeout(struct pcpool *pool, gfp_t gfp, unsigned long timeout)
{
	struct pcpool_core *core = pcpool_to_core(pool);
	void *obj = __pcpool_get_private(pool);

	if (obj)
		return obj;
	if (READ_ONCE(pool->get_slots) == core->slots)
		obj = get_plainly(core, gfp, REACH_ALL, _RET_IP_);
	else
		obj = get_bounded(core) ?:
		      get_specially(core, gfp, REACH_ALL, TASK_KILLABLE,
				    min_t(unsigned long, timeout, MAX_SCHEDULE_TIMEOUT), _RET_IP_);
	if (IS_ERR(obj))
		atomic_long_inc(&core->alloc_fail);
	return obj;
}
EXPORT_SYMBOL_GPL(pcpool_get_timeout);

/**
 * pcpool_get_bulk() - take several objects from a pool, or make them
 * @pool: the pool
 * @gfp: how to allocate, should that be needed; given to ops->alloc
 * @n: how many; 0: none, and @objs is not looked at
 * @objs: where to put them
 *
 * As @n times pcpool_get(), but cheaper; ends at the first that fails. From a pool with a
 * quota or reserve it waits for the first object only: two callers that wait for
 * more while they hold some would wait for each other.
 *
 * Context: Any context in which ops->alloc may be called with @gfp. Not NMI.
 * Return: How many it got; they are the first of @objs.
 */
unsigned int pcpool_get_bulk(struct pcpool *pool, gfp_t gfp, unsigned int n,
			     void **objs)
{
	struct pcpool_core *core = pcpool_to_core(pool);
	unsigned int got = 0, popped;
	struct pcpool_cpu *c;
	void *obj;

	while (got < n && (obj = __pcpool_get_private(pool)))
		objs[got++] = obj;
	/* Straight from the queue, without the way through the slots. */
	while (got < n && READ_ONCE(pool->get_slots) == core->slots) {
		preempt_disable();
		/* Where the hint is wrong, there is more in the slots. */
		obj = take_hidden(core);
		if (obj) {
			objs[got] = obj;
			popped = 1;
			this_cpu_inc(core->slots->hits);
		} else {
			c = this_cpu_ptr(core->cpu);
			popped = pop_own(core, own_main_tier(c), objs + got,
					 min(n - got, PCPOOL_BATCH));
			if (popped)
				WRITE_ONCE(c->refilled, PCPOOL_REFILLED);
			this_cpu_add(core->cpu->hit_shared, popped);
		}
		preempt_enable();
		if (!popped)
			break;
		got += popped;
	}
	/* Who has some does not wait for more: two who did would wait for each other. */
	while (got < n && ((obj = __pcpool_get_private(pool)) ||
			   (obj = get(pool, gfp, REACH_ALL, got ? 0 : MAX_SCHEDULE_TIMEOUT,
				      _RET_IP_))))
		objs[got++] = obj;
	return got;
}
EXPORT_SYMBOL_GPL(pcpool_get_bulk);

/**
 * pcpool_prefill() - make objects ahead of need
 * @pool: the pool
 * @gfp: how to allocate them; given to ops->alloc
 * @n: how many; %ULONG_MAX: as many as there can be
 *
 * The objects are idle in this CPU's part of the pool, from where others steal them,
 * and age like all others; of a pool with a quota or a reserve, those that somebody waits for
 * or that the reserve lacks go there, as at a put. They count as made, but neither as gets nor
 * as puts. A bypassed pool is not filled.
 *
 * Context: Any context in which ops->alloc may be called with @gfp. Not NMI.
 * Return: How many it made and kept. Fewer than @n if ops->alloc or the growth of the queue
 * failed, the pool is full, or it is bypassed.
 */
unsigned long pcpool_prefill(struct pcpool *pool, gfp_t gfp, unsigned long n)
{
	struct pcpool_core *core = pcpool_to_core(pool);
	unsigned long done;
	void *obj;
	bool kept;

	for (done = 0; done < n; done++) {
		if (READ_ONCE(core->bypass) || core->dead)
			break;
		obj = pcpool_wait_alloc(core, gfp);
		if (IS_ERR(obj))
			break;
		atomic_long_inc(&core->prefilled);
		kept = (core->wait && pcpool_wait_offer(core, obj)) ||
		       keep_bounded(core, obj, gfp & PCPOOL_GFP);
		if (!kept)
			drop(core, obj, gfp, &core->drop_full);
		pcpool_wake_waiters(core->wait);
		/* That was no put. */
		this_cpu_dec(core->cpu->off_slots);
		if (!kept)
			break;
	}
	return done;
}
EXPORT_SYMBOL_GPL(pcpool_prefill);
