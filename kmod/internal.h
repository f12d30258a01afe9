/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the rooms of pcpool share: the pool as it really is, and who calls whom.
 *
 *   main.c      creating and destroying pools; the module
 *   pool.c      the out-of-line halves of get and put
 *   slots.c     private slots, as far as they are not inlined into the caller;
 *               slots.h has what is inlined into pool.c
 *   queue.c     the shared queue; knows nothing of pools
 *   deferred.c  puts left to a worker; knows nothing of pools
 *   array.c     the idle objects of a pool that may have only a few; knows nothing of pools
 *   credit.c    a strict bound without a shared counter; knows nothing of pools
 *   wait.c     quota, reserve, and gets that wait
 *   debug.c     who has which object, and what should not have happened to it
 *   tiers.c     aging, drain, shrinker, CPU hotplug
 *   stats.c     counters into the uapi record
 *   buf.c       sets of pools of buffers, by size
 *   debugfs.c   the record into files
 *
 * Who owns an idle object: the private slot, the ring slot or the cell that holds
 * its pointer, and nobody else. Who empties a private slot or a cell, by one atomic
 * exchange (or with all others shut out: slots.h), owns the object, and so does who
 * claims a ring slot, by one atomic exchange of the ring's ends.
 *
 * Locks, outermost first. None is taken by a get or a put.
 *
 *   pools_lock    mutex: the list of pools, and with it which names are taken
 *   switch_lock   mutex: debug mode on and off
 *   age_lock      mutex, one a pool: one aging pass or drain at a time; the
 *                 shrinker only tries it
 *   cpus_read_lock()
 *
 * and, raw, by a get or put of a pool with a quota or reserve only:
 *
 *   pcpool_quota.lock
 *
 * and in debug mode
 *
 *   records_lock
 */
#ifndef _PCPOOL_INTERNAL_H
#define _PCPOOL_INTERNAL_H

#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/irq_work.h>
#include <linux/list.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/pcpool.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/shrinker.h>
#include <linux/workqueue.h>

#include "credit.h"
#include "debug.h"
#include "deferred.h"
#include "queue.h"
#include "wait.h"
#include "array.h"
#include "testing.h"

/*
 * How many stolen objects, objects of bulk puts, and objects to be freed to have on the
 * stack at a time.
 */
#define PCPOOL_BATCH	32u

/* After so many spills and no refill a CPU is one that only puts. */
#define PCPOOL_REFILLED		8u

/*
 * How many more a thief takes from a CPU that only puts, to its own queue, with interrupts
 * disabled: 32 cache lines of pointers, which come from the other CPU.
 */
#define PCPOOL_STEAL_MORE	256u

/**
 * struct pcpool_cpu - one CPU's part of a pool, without its private slots
 * @queue: the shared queues; which of them is the main tier is bit 0 of the epoch
 * @epoch: the pool's epoch as far as this CPU's private slots are concerned; see
 *	tiers.c
 * @pushing: the producer mark: set by whoever, on this CPU and with interrupts disabled,
 *	pushes to or pops at the head of either queue, or moves several objects
 *	to or from private slots. So only an NMI can find it set, or a probe on
 *	one of pcpool's own functions.
 * @stealing: the CPU is moving stolen objects to its private slots and queue
 * @refilled: PCPOOL_REFILLED when a get looks for objects in @queue, and one less with
 *	each spill, to 0: unless it is that, this CPU needs what is there itself
 * @queue_too_small: a thief on this CPU might take more, had it a larger ring
 * @hit_shared: as in struct pcpool_pool_stats, like all below where not said
 * @hit_steal: -
 * @hit_victim: -
 * @miss: -
 * @off_slots: puts that have not ended in a private slot, and objects moved out of
 *	private slots other than by a get, less objects moved into them other than
 *	by a put. From this, the slots' hits and what is in them follows how many puts
 *	there were, so that an inlined put need not be counted.
 *
 * The counters are added to with this_cpu operations, by whichever CPU does the
 * thing; only their sums over all CPUs mean something exact. What is counted rarely, or
 * not by many at a time, is in struct pcpool_core: a pool is to cost a CPU little.
 */
struct pcpool_cpu {
	struct pcpool_queue queue[2];
	unsigned int epoch;
	u8 pushing;
	bool stealing;
	u8 refilled;
	bool queue_too_small;
	unsigned long hit_shared;
	unsigned long hit_steal;
	unsigned long hit_victim;
	unsigned long miss;
	long off_slots;
};

/**
 * struct pcpool_core - a pool
 * @pool: what clients have a pointer to
 * @slots: the private slots
 * @cpu: the rest of what each CPU has
 * @closed: what the hint of private slots is while several objects are moved there
 * @nr_slots: private slots per CPU
 * @refill: how many objects a get usually moves from its own queue to the slots
 * @batch: how many a thief takes for itself, at most
 * @epoch: how often the tiers have swapped roles; bit 0 tells which queues are the
 *	main tier
 * @ages: number of aging passes (age_lock)
 * @ops: the client's callbacks
 * @ctx: their argument
 * @flags: the creation flags
 * @steal: enum pcpool_steal
 * @bypass: every get allocates, every put frees
 * @closed_for_debug: each get and put is out of line, so that it can be looked at
 * @debug: is it looked at? See debug.c
 * @bounded: there is a bound, a quota or a reserve: each get and put is out of line
 * @only_bounded: private slots and @credit, and nothing else that is special about the pool
 * @has_credit: @credit is in use
 * @defers_frees: @doomed is in use: there is something that must not become idle
 * @dead: destroyed, but kept since objects of it were still out
 * @nonempty: per tier (indexed as @pcpool_cpu.queue): the CPUs whose queue may
 *	hold something. A bit that is clear though the queue has been pushed to is
 *	about to be set.
 * @shelf: where all that is idle is, if it may be only little; else NULL
 * @credit: how many more may be idle, if that is limited and there is no @shelf; one is taken
 *	before an object becomes idle, and given back after it has ceased to be
 * @max_idle: as created
 * @max_object_bytes: as created
 * @quota: the quota and the reserve; NULL if there is neither
 * @doomed: objects that @free_work is to free, and nobody is to get
 * @deferred: puts left to @work
 * @irq_work: starts @work and @free_work, from any context
 * @work: puts deferred puts again, and makes cells for them ahead of need
 * @free_work: frees what is in @doomed
 * @nr_deferred: how often an object was left to the worker, mostly by a put
 * @grows: how many rings were added
 * @prefilled: how many objects pcpool_prefill() made
 * @alloc_fail: as in struct pcpool_pool_stats
 * @drop_full: as in struct pcpool_pool_stats
 * @drop_oversize: as in struct pcpool_pool_stats
 * @drop_other: as in struct pcpool_pool_stats
 * @evicted: as in struct pcpool_pool_stats
 * @requested: bytes that callers have asked for, of pools whose objects are buffers
 * @objects: how many objects there are
 * @untracked: how many of these debug mode has not seen yet
 * @misuses: what it has reported
 * @age_lock: see above; also keeps the worker and aging passes apart
 * @shrinker: see tiers.c
 * @hotplug: entry in the list of the hotplug state's instances
 * @object_bytes: as created
 * @object_pages: how much one object counts in the shrinker
 * @name: its name
 * @owner: the module that made it
 * @dir: its debugfs directory
 * @list: entry in the list of pools
 */
struct pcpool_core {
	struct pcpool pool;
	struct pcpool_slots __percpu *slots;
	struct pcpool_cpu __percpu *cpu;
	unsigned long closed;
	unsigned int nr_slots;
	unsigned int refill;
	unsigned int batch;
	unsigned int epoch;
	unsigned long ages;
	const struct pcpool_ops *ops;
	void *ctx;
	unsigned int flags;
	enum pcpool_steal steal;
	bool bypass;
	bool dead;
	bool closed_for_debug;
	enum pcpool_debug_mode debug;
	bool bounded;
	bool only_bounded;
	bool has_credit;
	bool defers_frees;
	struct pcpool_array *array;
	struct pcpool_wait *wait;
	unsigned long max_idle;
	size_t max_object_bytes;
	/* Until here it is only read, mostly. */
	cpumask_var_t nonempty[2] ____cacheline_aligned_in_smp;
	struct pcpool_deferred deferred_puts ____cacheline_aligned_in_smp;
	struct pcpool_deferred deferred_frees;
	struct pcpool_credit credit;
	struct irq_work irq_work;
	struct work_struct work;
	struct work_struct free_work;
	atomic_long_t nr_deferred;
	atomic_long_t grows;
	atomic_long_t prefilled;
	atomic_long_t alloc_fail;
	atomic_long_t drop_full;
	atomic_long_t drop_oversize;
	atomic_long_t drop_other;
	atomic_long_t evicted;
	u64 __percpu *requested;
	atomic_long_t objects;
	atomic_long_t untracked;
	atomic_long_t misuses;
	struct mutex age_lock; /* aging passes, drains, the worker */
#ifdef PCPOOL_HAVE_SHRINKER_ALLOC
	struct shrinker *shrinker;
#else
	struct shrinker shrinker;
#endif
	struct hlist_node hotplug;
	size_t object_bytes;
	unsigned long object_pages;
	char name[PCPOOL_NAME_BYTES];
	char owner[PCPOOL_OWNER_BYTES];
	struct dentry *dir;
	struct list_head list;
};

static inline struct pcpool_core *pcpool_to_core(struct pcpool *pool)
{
	return container_of(pool, struct pcpool_core, pool);
}

static inline unsigned int pcpool_main_tier(const struct pcpool_core *core)
{
	return READ_ONCE(core->epoch) & 1;
}

/* @obj is made for a get; or an error, which is nothing to count here. Returns it. */
static inline void *pcpool_count_miss(struct pcpool_core *core, void *obj)
{
	if (!IS_ERR(obj))
		this_cpu_inc(core->cpu->miss);
	return obj;
}

/* The smallest ring that is of use: one that the private slots can spill into. */
static inline unsigned int pcpool_ring_min(const struct pcpool_core *core)
{
	return max_t(unsigned int, PCPOOL_RING_MIN,
		     roundup_pow_of_two(max(core->nr_slots, 1u)));
}

/*
 * May pcpool allocate here, on every kernel? What counts is whether a lock that
 * sleeps on PREEMPT_RT may be taken (lockdep checks that on other kernels too):
 * so not under a raw spinlock, nor with interrupts or preemption disabled, nor in
 * a hardirq. A caller with a spinlock held, which only disables preemption on kernels
 * other than RT, is refused too: on those kernels it cannot be told from one with a raw
 * spinlock. Refused means that the worker does it instead.
 */
static inline bool pcpool_may_allocate(void)
{
	return !(preempt_count() & (PREEMPT_MASK | HARDIRQ_MASK | NMI_MASK)) &&
	       !irqs_disabled();
}

/*
 * After a push to @cpu's queue. If the bit is set already, whoever clears it
 * looks at the queue again: the full barriers here, between push and test, and in
 * hint_clear(), between clear and look, make sure that one sees the other.
 */
static inline void pcpool_hint_set(struct pcpool_core *core, unsigned int tier,
				   int cpu)
{
	smp_mb__after_atomic(); /* pairs with the one in hint_clear() */
	if (unlikely(!cpumask_test_cpu(cpu, core->nonempty[tier])))
		cpumask_set_cpu(cpu, core->nonempty[tier]);
}

/* main.c */
extern struct list_head pcpool_pools;
extern struct mutex pcpool_pools_lock;
extern struct workqueue_struct *pcpool_workqueue, *pcpool_free_workqueue;
extern struct pcpool_slots __percpu *pcpool_closed_slots;
void pcpool_set_bypass(struct pcpool_core *core, bool on);
void pcpool_close(struct pcpool_core *core, bool closed);
u64 pcpool_end(struct pcpool *pool);

/*
 * How a put lets a queue grow: without waiting, and without the reserves that reclaim
 * lives on, should it be reclaim that puts.
 */
#define PCPOOL_GFP_PUT		(GFP_NOWAIT | __GFP_NOMEMALLOC | __GFP_NOWARN)

/* pool.c */
void *pcpool_object_alloc_limited(struct pcpool_core *core, gfp_t gfp);
void *pcpool_wait_alloc(struct pcpool_core *core, gfp_t gfp);
void *pcpool_object_alloc(struct pcpool_core *core, gfp_t gfp);
void *pcpool_take(struct pcpool_core *core, bool local);
void *pcpool_take_anywhere(struct pcpool_core *core, bool count);
bool pcpool_may_get_memory(gfp_t gfp);
void pcpool_put_back(struct pcpool_core *core, void *obj);
bool pcpool_may_sleep(void);
void pcpool_not_idle(struct pcpool_core *core, unsigned long n);
bool pcpool_keep(struct pcpool_core *core, void *obj, gfp_t gfp);
void pcpool_set_aside(struct pcpool_core *core, void *obj);
void pcpool_defer(struct pcpool_core *core, void *obj);
void pcpool_schedule_worker(struct pcpool_core *core);
void pcpool_object_free(struct pcpool_core *core, void *obj);
void pcpool_deferred_work(struct work_struct *work);
void pcpool_free_work(struct work_struct *work);
void pcpool_deferred_irq_work(struct irq_work *irq_work);
bool pcpool_enqueue(struct pcpool_core *core, void *obj, unsigned int tier);

/* slots.c */
int pcpool_slots_init(struct pcpool_core *core);
void pcpool_slots_exit(struct pcpool_core *core);
void *pcpool_slots_take(struct pcpool_core *core);
bool pcpool_slots_give(struct pcpool_core *core, void *obj);
unsigned int pcpool_slots_fill(struct pcpool_core *core, void **objs,
			       unsigned int n);
unsigned int pcpool_slots_spill(struct pcpool_core *core, unsigned int first,
				unsigned int n, void **objs);
unsigned int pcpool_slots_flush(struct pcpool_core *core, int cpu, void **objs);
unsigned int pcpool_slots_count(const struct pcpool_core *core, int cpu);

/* tiers.c */
int pcpool_tiers_init(struct pcpool_core *core);
void pcpool_tiers_exit(struct pcpool_core *core);
int pcpool_hotplug_init(void);
void pcpool_hotplug_exit(void);

/* stats.c */
int pcpool_count_bytes(struct pcpool *pool);
void pcpool_collect(struct pcpool_core *core, struct pcpool_pool_stats *stats);
unsigned long pcpool_count_evictable(struct pcpool_core *core);

/* debugfs.c */
void pcpool_debugfs_init(void);
void pcpool_debugfs_exit(void);
void pcpool_debugfs_add(struct pcpool_core *core);
void pcpool_debugfs_remove(struct pcpool_core *core);

#endif /* _PCPOOL_INTERNAL_H */
