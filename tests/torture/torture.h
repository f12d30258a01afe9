/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of the torture module share.
 *
 *   main.c      parameters, start, end, and the verdict
 *   pools.c     the pools that are tortured, their objects, and their books
 *   holders.c   who gets and puts: threads, timers, interrupts of other CPUs
 *   nmi.c       the same from NMIs
 *   chores.c    what goes on meanwhile: aging, hotplug, pressure, pools that come and go
 *
 * It is a client as any other: of pcpool it knows the public header.
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

/* Who has an object; anything above is the number of a holder. */
enum {
	OWNER_NONE,	/* before alloc has made it, after free has unmade it */
	OWNER_FRESH,	/* made; on its way to who asked for it, or prefilled */
	OWNER_IDLE,	/* put */
	OWNER_MAILED,	/* from one holder to another, in a mailbox */
	OWNER_FIRST,
};

/* Objects on their way from holder to holder, mostly to another CPU. */
#define MAILBOXES	16

/**
 * struct place - where a pool is, then another, and another
 * @ref: holders that work on the pool; dead while there is none
 * @unused: @ref has come to its end
 * @closing: whoever works on the pool is to let go of it
 * @pool: the pool
 * @ops: its callbacks
 * @params: what it was made with
 * @name: its name
 * @serial: number of this pool, of all that were made
 * @existing: objects between alloc and free
 * @allocs: how many alloc has made
 * @frees: how many free has unmade
 * @counts: gets that got an object, puts
 * @mail: objects in mailboxes
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
	CONTEXT_ATOMIC,		/* no sleep */
	CONTEXT_NMI,		/* nothing but pcpool_try_get() and pcpool_put() */
};

#define HELD_MAX	64

/**
 * struct holder - one that gets and puts; never in two contexts at once
 * @id: its stamp, from OWNER_FIRST on
 * @random: its random numbers
 * @place: the pool it works on; NULL: none at the moment
 * @steps_left: until it works on another one
 * @held: objects that it holds
 * @nr_held: how many
 * @depth: how many it holds at most, of this pool
 * @progress: what it has done
 * @busy_since: when it began what it is at, in jiffies, never 0; 0: it is not at anything
 * @waits: it may wait for as long as it takes until somebody puts an object
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

/* What the module has done; unsigned long: for NMIs, and on any machine. */
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
 * Who waits with empty hands has @stalled seconds. Who does not wait may be making many objects while
 * there is hardly any memory, or end a pool, which itself waits that long for its users, and again
 * for its books, before it says so.
 */
#define TORTURE_WORK_TIMES	5

/* Has what began then, in jiffies, not ended for so many times that long? 0: it has ended. */
static inline bool torture_has_stalled(unsigned long busy_since, unsigned int times)
{
	return busy_since && time_after(jiffies, busy_since + times * torture_stalled * HZ);
}

/* Each allocation of this task fails from now on, or no more (fault injection). */
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

/* May a get wait for somebody else's put? */
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
