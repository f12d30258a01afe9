/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Internal declarations of the torture module.
 *
 *   main.c      parameters, start, end, and the verdict
 *   pools.c     the pools under test, their objects, and their counters
 *   holders.c   threads, timers and interrupts that get and put objects
 *   nmi.c       NMIs that get and put objects
 *   chores.c    background activity: aging, hotplug, memory pressure, replacing pools
 *
 * The module is an ordinary client: it uses only the public header of pcpool.
 */
#ifndef _PCPOOL_TORTURE_H
#define _PCPOOL_TORTURE_H

#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/jiffies.h>
#include <linux/percpu.h>
#include <linux/percpu-refcount.h>
#include <linux/prandom.h>
#include <linux/preempt.h>
#include <linux/types.h>

#include <linux/pcpool.h>

/* The owner of an object; values from OWNER_FIRST on are ids of holders. */
enum {
	OWNER_NONE,	/* before alloc and after free */
	OWNER_FRESH,	/* allocated, but not yet got; may be idle if prefilled */
	OWNER_IDLE,	/* put */
	OWNER_MAILED,	/* in a mailbox, on the way to another holder */
	OWNER_FIRST,
};

/* Number of mailboxes per pool, in which holders leave objects for others, mostly on other CPUs. */
#define MAILBOXES	16

/**
 * struct place - holds a pool, which is replaced by another one from time to time
 * @ref: counts holders that use the pool; dead while there is no pool
 * @unused: completed when @ref has dropped to 0
 * @closing: asks holders to leave the pool
 * @pool: the pool
 * @ops: its callbacks
 * @params: its parameters
 * @name: its name
 * @serial: its serial number; each pool has another one
 * @existing: number of objects that are allocated and not freed
 * @allocs: number of objects allocated
 * @frees: number of objects freed
 * @counts: successful gets, and puts
 * @mail: the mailboxes
 */
struct place {
	struct percpu_ref ref;
	struct completion unused;
	bool closing;
	struct pcpool *pool;
	struct pcpool_ops ops;
	struct pcpool_params params;
	char name[PCPOOL_NAME_BYTES];
	unsigned long serial;
	atomic_long_t existing;
	atomic_long_t allocs;
	atomic_long_t frees;
	struct counts __percpu *counts;
	void *mail[MAILBOXES];
};

struct counts {
	unsigned long gets;
	unsigned long puts;
};

enum context {
	CONTEXT_TASK,
	CONTEXT_ATOMIC,		/* must not sleep */
	CONTEXT_NMI,		/* may only call pcpool_try_get() and pcpool_put() */
};

#define HELD_MAX	64

/**
 * struct holder - gets and puts objects; never runs in two contexts at once
 * @id: identifies it as an owner; at least OWNER_FIRST
 * @random: its random numbers
 * @place: the place it has entered, or NULL
 * @steps_left: steps until it leaves the place
 * @held: objects that it holds
 * @nr_held: number of these
 * @depth: most objects that it holds from this pool
 * @progress: number of steps done
 * @busy_since: start of the current step, in jiffies; 0: none
 * @waits: it is in a get that may wait without a timeout
 */
struct holder {
	long id;
	struct rnd_state random;
	struct place *place;
	unsigned int steps_left;
	unsigned int nr_held;
	unsigned int depth;
	unsigned long progress;
	unsigned long busy_since;
	bool waits;
	void *held[HELD_MAX];
};

/*
 * What the module has done, per CPU. Unsigned longs, which this_cpu_inc() supports in NMIs
 * everywhere.
 */
struct totals {
	unsigned long gets;
	unsigned long puts;
	unsigned long in_hardirq;
	unsigned long in_nmi;
	unsigned long nmis;
	unsigned long alloc_fails;
	unsigned long ages;
	unsigned long drains;
	unsigned long pools;
	unsigned long creates_failed;
	unsigned long hotplugs;
	unsigned long pages;
	unsigned long looks;
};

DECLARE_PER_CPU(struct totals, torture_totals);
#define count(what)		this_cpu_inc(torture_totals.what)
#define count_many(what, n)	this_cpu_add(torture_totals.what, n)

/* main.c */
extern unsigned int torture_threads, torture_interrupts, torture_interrupt_us, torture_nmis;
extern unsigned int torture_aging, torture_churn, torture_hotplug, torture_pressure;
extern unsigned int torture_fail, torture_inject;
extern unsigned int torture_stalled;
extern bool torture_stopping;
void torture_seed(struct rnd_state *random);
__printf(1, 2) void torture_error(const char *fmt, ...);
void torture_stalled_task(struct task_struct *task, const char *what, unsigned long since);

static inline u32 chance(struct rnd_state *random, u32 below)
{
	return prandom_u32_state(random) % below;
}

/*
 * A get that waits may take torture_stalled seconds. Other operations may take this many times as
 * long: one may allocate many objects while memory is short. Closing a pool itself waits
 * torture_stalled seconds for its users, and again for its counters, before it reports an error.
 */
#define TORTURE_WORK_TIMES	5

/*
 * Whether an operation that began at @busy_since (0: none) takes longer than @times
 * torture_stalled.
 */
static inline bool torture_has_stalled(unsigned long busy_since, unsigned int times)
{
	return busy_since && time_after(jiffies, busy_since + times * torture_stalled * HZ);
}

/* Makes all allocations of the current task fail from now on, or stops that (fault injection). */
void torture_inject_faults(bool fail);

/* pools.c */
int torture_pools_init(void);
void torture_pools_exit(void);
struct place *torture_place_enter(struct rnd_state *random);
void torture_place_leave(struct place *place);
void torture_place_renew(struct rnd_state *random);
bool torture_take(struct holder *holder, void *obj);
void torture_give(struct holder *holder, void *obj);
void *torture_mail(struct holder *holder, void *obj);
void torture_grow(struct holder *holder, void *obj);
void torture_refill(struct rnd_state *random);

/* Whether a get may wait for a put. */
static inline bool torture_may_wait(const struct place *place)
{
	return place->params.max_total || place->params.reserve;
}

/* holders.c */
void torture_holder_init(struct holder *holder);
void torture_holder_step(struct holder *holder, enum context context);
void torture_holder_release(struct holder *holder, enum context context);
bool torture_holder_enter(struct holder *holder, unsigned int steps_max, unsigned int depth_max);
void torture_holder_leave(struct holder *holder, enum context context);
bool torture_holder_is_done(const struct holder *holder);
int torture_holders_start(void);
void torture_holders_stop(void);

/* nmi.c */
int torture_nmis_start(void);
void torture_nmis_stop(void);

/* chores.c */
int torture_chores_start(void);
void torture_chores_stop(void);
void torture_chores_find_stalls(void);

#endif /* _PCPOOL_TORTURE_H */
