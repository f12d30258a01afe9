/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The structures, and a map of the sources by subject. tests/host/layers.list has the order
 * in which the files may call and include each other: downward only.
 *
 *   get.c, put.c, fastpath.h   what a get and a put do; the hot out-of-line paths
 *   wait.c, handover.c         no object left: waiters, the reserve, handing over objects
 *   idle.c, percpu.c, steal.c  where idle objects are; what happens when a CPU runs dry
 *   object.c, release.c        allocating, freeing and dropping one object
 *   age.c, shrinker.c          what is freed under memory pressure, and in which order
 *   decay.c                    what is freed without memory pressure
 *   hotplug.c, worker.c        CPUs that go offline; what other contexts left to a worker
 *   context.h                  what may be called from hardirq, NMI, under a spinlock
 *   callback.c                 what lockdep is told about ops->free
 *   gate.c, debug.c, switch.c, record.c    bypass and debug mode: closing the inlined paths
 *   fault.c                    making gets fail, to test clients
 *   stats.c, debugfs.c         what can be seen from outside
 *   create.c, params.c, module.c, buf.c    pools, the module, sets of buffer pools
 *   slots.c, queue.c, ring.c, deferred.c, array.c, credit.c, limit.h
 *                              the mechanisms, which know no pool
 *
 * Ownership: an idle object is owned by the one slot that holds its pointer: a private
 * slot, a ring slot, a deferral slot, an entry of the shared array, or the reserve. A
 * context takes ownership by atomically clearing that slot, by a successful exchange of
 * the ring's indices, or by locking the entry's bit; for the reserve, under its lock.
 *
 * Lock order, outermost first:
 *
 *   switch_lock          mutex, switch.c: switching debug mode. Held during grace periods,
 *                        so nothing else takes it
 *   core->debug_lock     mutex, one per pool: a step of switching debug mode
 *   pcpool_pools_lock    mutex: the list of pools, and which names are taken
 *   core->age_lock       mutex, one per pool: one aging pass or drain at a time, and the
 *                        worker; the shrinker only tries it
 *   gate_lock            mutex, gate.c: which slots the inlined paths use
 *   cpus_read_lock()
 *   core->wait->lock     raw spinlock, one per pool with max_total or a reserve: waiters
 *                        and reserve
 *   pcpool_records_lock  raw spinlock, record.c: the records of debug mode, and the
 *                        pools' lists of them
 *
 * A get or a put of an elastic or bounded pool takes none of them. With max_total or a
 * reserve it may take core->wait->lock, and in debug mode pcpool_records_lock.
 */
#ifndef _PCPOOL_TYPES_H
#define _PCPOOL_TYPES_H

#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/cpumask.h>
#include <linux/irq_work.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/pcpool.h>
#include <linux/percpu.h>
#include <linux/refcount.h>
#include <linux/shrinker.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "array.h"
#include "credit.h"
#include "deferred.h"
#include "limit.h"
#include "queue.h"

/* How many objects to move or free at a time; that many pointers are on the stack. */
#define PCPOOL_BATCH	32u

/* After this many spills without a refill, a CPU counts as one that only puts. */
#define PCPOOL_REFILLED		8u

/**
 * enum pcpool_debug_mode - the state of debug mode of a pool
 * @PCPOOL_DEBUG_OFF: off
 * @PCPOOL_DEBUG_BEGINNING: off, but objects are already counted for it
 * @PCPOOL_DEBUG_ON: every get and put is checked
 * @PCPOOL_DEBUG_ENDING: off, but gets still have to unpoison objects
 */
enum pcpool_debug_mode {
	PCPOOL_DEBUG_OFF,
	PCPOOL_DEBUG_BEGINNING,
	PCPOOL_DEBUG_ON,
	PCPOOL_DEBUG_ENDING,
};

/**
 * struct pcpool_cpu - one CPU's part of a pool, except its private slots
 * @queue: the shared queues; bit 0 of the epoch tells which of them is the main tier
 * @epoch: the pool's epoch as this CPU's private slots know it; see age.c
 * @pushing: the producer flag, set with interrupts disabled by the context of this CPU
 *	that pushes to or pops at the head of either queue, or moves several objects to
 *	or from private slots. So only an NMI can find it set, or a probe on one of
 *	pcpool's own functions.
 * @stealing: the CPU is moving stolen objects to its private slots and queue
 * @refilled: a countdown: set to PCPOOL_REFILLED when a get looks for objects in @queue, and
 *	decremented by each spill. 0 means that this CPU only puts, so other CPUs may
 *	steal more than half of its queue.
 * @queue_too_small: a steal by this CPU could take more, if its ring were larger
 * @hit_shared: as in struct pcpool_pool_stats, like the following unless noted otherwise
 * @hit_steal: -
 * @hit_victim: -
 * @miss: -
 * @lent: credits for what a flush of the private slots finds there; only during a flush
 * @off_slots: puts that did not end in a private slot, plus objects moved out of private
 *	slots other than by a get, minus objects moved into them other than by a put.
 *	From this, the slots' hits and their present contents follows the number of
 *	puts, so an inlined put need not be counted.
 *
 * The counters are changed by this_cpu operations, on whichever CPU the event happens;
 * only their sums over all CPUs are exact. What is counted rarely, or by few contexts at
 * a time, is in struct pcpool_core, because a pool should cost each CPU little memory.
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
	long lent;
	long off_slots;
};

/**
 * struct pcpool_wait - the quota and the reserve of a pool, and its waiters
 * @core: the pool
 * @reserve: how many objects are to be in @reserved
 * @limit: the counter behind max_total; counts objects without max_total too
 * @lock: protects @waiters, and writes to the fields after it
 * @waiters: gets that wait, in order of arrival
 * @nr_waiters: how many
 * @nr_failed: how many of them have failed to allocate an object
 * @nr_reserved: how many objects are in @reserved
 * @pass_until: until when a running caller may take an object before the first waiter; on
 *	the clock of pcpool_may_pass()
 * @first_woken: the first waiter has been woken, and is about to look for an object
 * @waits: how many gets have waited so far
 * @recheck: waiters must look for an object again, which a hint mask has hidden for a
 *	moment; not under @lock
 * @irq_work: hands over objects on behalf of NMIs, which cannot take @lock
 * @refill: schedules the pool's worker again, which refills the reserve
 * @reserved: the reserve
 */
struct pcpool_wait {
	struct pcpool_core *core;
	unsigned long reserve;
	struct pcpool_limit limit;
	raw_spinlock_t lock ____cacheline_aligned_in_smp;
	struct list_head waiters;
	unsigned long nr_waiters;
	unsigned long nr_failed;
	unsigned long nr_reserved;
	u64 pass_until;
	bool first_woken;
	unsigned long waits;
	unsigned int recheck;
	struct irq_work irq_work;
	struct delayed_work refill;
	void *reserved[];
};

/**
 * struct pcpool_core - a pool
 * @pool: what clients have a pointer to
 * @slots: the private slots
 * @plain_slots: @slots, or NULL if an object needs @credit to be kept outside of them; what
 *	the inlined paths use is compared with this
 * @cleaned_slots: @slots, if a put may store an object there itself after it has cleaned it
 *	(ops->reset, PCPOOL_ZERO_ON_PUT); else NULL
 * @cpu: the rest of each CPU's part
 * @closed: value of the slots' hint while several objects are being moved there
 * @nr_slots: private slots per CPU
 * @refill: how many objects a get usually moves from its own queue to the slots
 * @batch: how many objects a steal moves to the private slots, at most
 * @epoch: how often the tiers have swapped roles; bit 0 tells which queues are the main
 *	tier
 * @ages: number of aging passes (age_lock)
 * @ops: the client's callbacks
 * @ctx: their argument
 * @flags: the creation flags
 * @steal: enum pcpool_steal
 * @bypass: every get allocates, every put frees
 * @dead: destroyed, but kept because objects were outstanding
 * @ending: about to be destroyed: it is bypassed for good, and gets fail
 * @closed_for_debug: every get and put goes out of line, so that it can be checked
 * @failing: fault injection is on for the pool
 * @has_reset: @ops has a reset callback
 * @created_debugged: what pcpool_debug_default was at creation
 * @debug_fixed: debug mode cannot be switched any more, because the pool is being destroyed
 * @debug: the state of debug mode; see debug.c
 * @bounded: there is a bound, a quota or a reserve
 * @has_credit: @credit is in use
 * @defers_frees: @deferred_frees is in use: some objects must not become idle
 * @array: holds all idle objects, if there may be only few; else NULL
 * @wait: the quota, the reserve and the waiters; NULL if there is neither
 * @max_idle: as created
 * @max_object_bytes: as created
 * @nonempty: per tier (indexed as @pcpool_cpu.queue): the CPUs whose queue may hold an
 *	object. A clear bit of a queue that has been pushed to is about to be set.
 * @with_rings: the CPUs whose queues may have rings. A CPU sets its bit before it adds a
 *	ring, and clears it, with interrupts disabled, after it has freed its last one; for
 *	an offline CPU, the context that hands over or ages its objects does.
 * @deferred_puts: objects that @work is to make idle
 * @deferred_frees: objects that @free_work is to free; no get may take them
 * @credit: how many more objects may be idle, if that is limited and there is no @array.
 *	Each CPU has taken one for each of its private slots, from before it comes up until
 *	after it has gone down; so objects may enter and leave these freely. Elsewhere, one
 *	is taken before an object becomes idle, and returned after it no longer is.
 * @irq_work: schedules @work and @free_work, from any context
 * @work: completes deferred puts, and adds deferral slots ahead of need
 * @free_work: frees the objects in @deferred_frees
 * @nr_deferred: how often an object was left to the worker, mostly by a put
 * @grows: how many rings were added
 * @nmi_puts: puts in NMIs that must not change per-CPU data, as part of the sum of
 *	@pcpool_cpu.off_slots
 * @prefilled: objects allocated other than for a get
 * @alloc_fail: as in struct pcpool_pool_stats
 * @drop_full: as in struct pcpool_pool_stats
 * @drop_oversize: as in struct pcpool_pool_stats
 * @drop_other: as in struct pcpool_pool_stats
 * @evicted: as in struct pcpool_pool_stats
 * @requested: bytes that callers have asked for, of pools whose objects are buffers
 * @objects: how many objects exist
 * @untracked: how many of these debug mode has not seen yet
 * @misuses: how many misuses it has reported
 * @records: its list of records, with the cursors of their readers (pcpool_records_lock)
 * @switching: entry in the list of pools that are being switched together (switch_lock)
 * @debug_lock: held during a step of switching debug mode
 * @warned_account: a get with __GFP_ACCOUNT has been reported
 * @age_lock: serialises aging passes, drains and the worker
 * @flipped_at: when the tiers swapped roles last, in jiffies (age_lock)
 * @scans_refused: how many scans of the shrinker in a row came too soon after that
 *	(age_lock)
 * @decay: the next aging pass that comes without memory pressure
 * @decay_period: how long after the last one, in jiffies; 0: never
 * @decaying: @decay is pending or about to be; the pool may hold idle objects
 * @start_decay: the worker is to start @decay
 * @seeks: as created; 0: the default
 * @reclaim_gfp: as created
 * @shrinker: see shrinker.c
 * @hotplug: entry in the list of the hotplug state's instances
 * @object_bytes: as created
 * @object_pages: how much one object counts in the shrinker
 * @name: its name
 * @owner: name of the module that created it
 * @module: that module; NULL if it is built in
 * @dir: its debugfs directory
 * @list: entry in the list of pools
 * @refs: references to this structure: the pool's own, and those of a batch of pools that
 *	are being switched to or from debug mode
 * @rcu: frees this structure
 */
struct pcpool_core {
	struct pcpool pool;
	struct pcpool_slots __percpu *slots;
	struct pcpool_slots __percpu *plain_slots;
	struct pcpool_slots __percpu *cleaned_slots;
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
	bool ending;
	bool closed_for_debug;
	bool failing;
	bool has_reset;
	bool created_debugged;
	bool debug_fixed;
	enum pcpool_debug_mode debug;
	bool bounded;
	bool has_credit;
	bool defers_frees;
	bool decaying;
	bool start_decay;
	struct pcpool_array *array;
	struct pcpool_wait *wait;
	unsigned long max_idle;
	size_t max_object_bytes;
	/* Up to here, fields are mostly read. */
	cpumask_var_t nonempty[2] ____cacheline_aligned_in_smp;
	cpumask_var_t with_rings;
	struct pcpool_deferred deferred_puts ____cacheline_aligned_in_smp;
	struct pcpool_deferred deferred_frees;
	struct pcpool_credit credit;
	struct irq_work irq_work;
	struct work_struct work;
	struct work_struct free_work;
	atomic_long_t nr_deferred;
	atomic_long_t grows;
	atomic_long_t nmi_puts;
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
	struct list_head records;
	struct list_head switching;
	struct mutex debug_lock; /* a step of switching debug mode */
	bool warned_account;
	struct mutex age_lock; /* aging passes, drains, the worker */
	unsigned long flipped_at;
	unsigned int scans_refused;
	struct delayed_work decay;
	unsigned long decay_period;
	unsigned int seeks;
	gfp_t reclaim_gfp;
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
	struct module *module;
	struct dentry *dir;
	struct list_head list;
	refcount_t refs;
	struct rcu_head rcu;
};

static inline struct pcpool_core *pcpool_to_core(struct pcpool *pool)
{
	return container_of(pool, struct pcpool_core, pool);
}

/* The index of the queues that are the main tier: 0 or 1. */
static inline unsigned int pcpool_main_tier(const struct pcpool_core *core)
{
	return READ_ONCE(core->epoch) & 1;
}

#endif /* _PCPOOL_TYPES_H */
