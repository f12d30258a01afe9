/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the KUnit suites share: pools whose objects know who holds them, gangs of
 * threads, and ways to run code in a chosen context. Each suite is a room of
 * pcpool and a file here; they know the insides of the room they test.
 *
 * A test thread that wants to act on a CPU moves there itself (kt_on()), so that a
 * case reads from top to bottom, whatever CPUs it is about.
 */
#ifndef _PCPOOL_KUNIT_COMMON_H
#define _PCPOOL_KUNIT_COMMON_H

#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/hrtimer.h>
#include <linux/kmsg_dump.h>
#include <linux/prandom.h>
#include <linux/smp.h>

#include "internal.h"

/* --- Objects and pools -------------------------------------------------- */

/*
 * Who holds an object. Every change is a compare-and-exchange by the one who believes
 * to hold it, so a second owner is found out at once.
 */
enum {
	KT_UNMADE,	/* not made, or freed again */
	KT_FRESH,	/* made; on its way to who asked for it, or prefilled */
	KT_IDLE,	/* put */
	KT_MAILED,	/* between two holders */
	KT_ME,		/* the test thread */
	KT_HOLDERS,	/* from here on: threads, interrupts */
};

/**
 * struct kt_obj - what the pools under test hold
 * @owner: KT_* or the number of a holder
 * @mark: changes with every put
 * @check: ~@mark, unless somebody sees an object that is still being written
 * @resets: calls of ops->reset since the object was made
 */
struct kt_obj {
	atomic_t owner;
	unsigned int mark;
	unsigned int check;
	unsigned int resets;
};

/* What the holders have done, added up when all is quiet. */
struct kt_counts {
	unsigned long gets;
	unsigned long puts;
};

enum kt_callback { KT_ALLOC, KT_FREE, KT_RESET };

/**
 * struct kt_pool - a pool under test
 * @test: the case it belongs to
 * @pool: the pool; NULL when it has been destroyed
 * @core: its inside
 * @obj: all objects that it can make
 * @nr_obj: how many
 * @next: where to look for one that is not made
 * @counts: gets and puts of the test
 * @allocs: successful calls of ops->alloc
 * @failed_allocs: the others
 * @frees: calls of ops->free
 * @resets: calls of ops->reset
 * @alloc_fails: let ops->alloc fail
 * @gfp: what ops->alloc was called with last
 * @hook: called from each callback, if set
 * @arg: for @hook
 * @broken: how often a rule was broken
 * @rule: which one, the first time
 * @scan: the shrinker's scan function, which is kept from real reclaim
 * @worker_held: see kt_hold_worker()
 */
struct kt_pool {
	struct kunit *test;
	struct pcpool *pool;
	struct pcpool_core *core;
	struct kt_obj *obj;
	unsigned int nr_obj;
	atomic_t next;
	struct kt_counts __percpu *counts;
	atomic_t allocs;
	atomic_t failed_allocs;
	atomic_t frees;
	atomic_t resets;
	bool alloc_fails;
	gfp_t gfp;
	void (*hook)(struct kt_pool *kp, enum kt_callback callback,
		     struct kt_obj *obj);
	void *arg;
	atomic_t broken;
	const char *rule;
	unsigned long (*scan)(struct shrinker *shrinker,
			      struct shrink_control *sc);
	bool worker_held;
};

extern const struct pcpool_ops kt_ops;		/* alloc and free */
extern const struct pcpool_ops kt_ops_reset;	/* and reset */

/*
 * A pool that can make @objs objects, with these pcpool_params; name, ops, ctx and
 * object_bytes have defaults. It is checked and destroyed when the case ends.
 */
#define kt_new(test, objs, ...)						\
	kt_pool_new((test), (objs), &(struct pcpool_params){ __VA_ARGS__ })
struct kt_pool *kt_pool_new(struct kunit *test, unsigned int objs,
			    const struct pcpool_params *params);
/* Check and destroy it now. */
void kt_end(struct kt_pool *kp);

/* Something that must never happen has happened. In any context. */
void kt_broken(struct kt_pool *kp, const char *rule);

/*
 * Gets and puts that keep account. kt_got() takes over an object that a pcpool
 * function returned; kt_giving() goes before one that takes it. @who is a holder.
 */
void *kt_got(struct kt_pool *kp, void *obj, int who);
void kt_giving(struct kt_pool *kp, void *obj, int who);

static inline void *kt_get(struct kt_pool *kp, gfp_t gfp, int who)
{
	return kt_got(kp, pcpool_get(kp->pool, gfp), who);
}

static inline void *kt_try_get(struct kt_pool *kp, int who)
{
	return kt_got(kp, pcpool_try_get(kp->pool), who);
}

static inline void *kt_get_local(struct kt_pool *kp, gfp_t gfp, int who)
{
	return kt_got(kp, pcpool_get_local(kp->pool, gfp), who);
}

static inline void kt_put(struct kt_pool *kp, void *obj, int who)
{
	kt_giving(kp, obj, who);
	pcpool_put(kp->pool, obj);
}

unsigned int kt_get_bulk(struct kt_pool *kp, gfp_t gfp, unsigned int n,
			 void **objs, int who);
void kt_put_bulk(struct kt_pool *kp, unsigned int n, void **objs, int who);

/* For the test thread: get @n objects (or fail the case), put them. */
void **kt_get_many(struct kt_pool *kp, unsigned int n);
void kt_put_many(struct kt_pool *kp, unsigned int n, void **objs);
/* Make @n idle objects, put one by one on this CPU. */
void kt_make_idle(struct kt_pool *kp, unsigned int n);
/* Put these past the private slots, to this CPU's queue of the main tier. */
void kt_put_to_queue(struct kt_pool *kp, unsigned int n, void **objs);

/* Let the pool's worker finish. */
void kt_settle(struct kt_pool *kp);
struct pcpool_pool_stats kt_stats(struct kt_pool *kp);
/* All that must be true when nobody gets or puts. Settles first. */
void kt_expect_sound(struct kt_pool *kp);
/* After the pool has been destroyed: each object freed, and no rule broken. */
void kt_expect_freed(struct kt_pool *kp, unsigned int but);

/* One shrinker scan of at most @nr units. */
unsigned long kt_scan(struct kt_pool *kp, unsigned long nr);
unsigned long kt_count(struct kt_pool *kp);
struct shrinker *kt_shrinker(struct kt_pool *kp);

/* @cpu's queue of the main or the victim tier; how many objects it holds. */
unsigned long kt_in_main(struct kt_pool *kp, int cpu);
unsigned long kt_in_victim(struct kt_pool *kp, int cpu);

/* Keep @kp's worker from running (and let it) while objects are deferred. */
void kt_hold_worker(struct kt_pool *kp);
void kt_release_worker(struct kt_pool *kp);

/* --- The kernel's log ----------------------------------------------------- */

/* From here on, kt_logged() looks; one mark for one line. */
void kt_log_mark(struct kmsg_dump_iter *mark);
/* Has a line with @text come since? Without a log there is nothing to miss. */
bool kt_logged(struct kmsg_dump_iter *mark, const char *text);

/* --- CPUs and threads ---------------------------------------------------- */

/* The @nth CPU online; skips the case if there are not so many. */
int kt_cpu(struct kunit *test, unsigned int nth);
/* Move the test thread to @cpu, and keep it there. */
void kt_on(struct kunit *test, int cpu);

/* Loops of a heavy case, scaled by the module parameter. */
unsigned int kt_scaled(unsigned int loops);

/* A few more than 128, for what has one on each CPU. */
#define KT_GANG_MAX	136

/**
 * struct kt_worker - a thread of a gang
 * @gang: its gang
 * @task: the thread
 * @cpu: where it keeps itself, -1: anywhere
 * @who: its number as a holder; it may use the next KT_WORKER_HOLDERS - 1 too
 * @fn: what it does; returns when kt_goes_on() says so, or earlier
 * @arg: for @fn
 * @rnd: random numbers
 * @done: what it has done, for the test to look at
 * @over: @fn has returned
 */
struct kt_worker {
	struct kt_gang *gang;
	struct task_struct *task;
	int cpu;
	int who;
	void (*fn)(struct kt_worker *worker);
	void *arg;
	struct rnd_state rnd;
	unsigned long done;
	bool over;
};

#define KT_WORKER_HOLDERS	4

/**
 * struct kt_gang - threads that start together
 * @test: the case they belong to
 * @ready: how many have come up
 * @go: off they go
 * @stop: they are to return
 * @stop_at: they are to return then, if they have done their minimum
 * @nr: how many they are
 * @worker: the threads
 */
struct kt_gang {
	struct kunit *test;
	atomic_t ready;
	struct completion go;
	bool stop;
	unsigned long stop_at;
	unsigned int nr;
	struct kt_worker worker[KT_GANG_MAX];
};

/* What each worker must have done, for the case to have shown anything. */
#define KT_MINIMUM	10

/* The gang is stopped, at last, when the case ends: make it after what it works on. */
struct kt_gang *kt_gang_new(struct kunit *test);
struct kt_worker *kt_gang_add(struct kt_gang *gang, int cpu,
			      void (*fn)(struct kt_worker *worker), void *arg);
/* Let them run for @ms, and until each has done its minimum, however slow the machine. */
void kt_gang_start(struct kt_gang *gang, unsigned int ms);
/* Wait until all have returned, and expect that each has done its minimum. */
void kt_gang_join(struct kt_gang *gang);
/* Ask them to return, and wait for it. */
void kt_gang_stop(struct kt_gang *gang);
/* For the worker, now and then. May schedule. */
bool kt_goes_on(struct kt_worker *worker);
/* As that, but with what else has to reach the minimum. */
bool kt_goes_on_for(struct kt_worker *worker, unsigned long done);

/* For the worker: that were @n, or one. Others look. */
static inline void kt_did_many(struct kt_worker *worker, unsigned long n)
{
	WRITE_ONCE(worker->done, worker->done + n);
}

static inline void kt_did(struct kt_worker *worker)
{
	kt_did_many(worker, 1);
}

static inline u32 kt_random(struct kt_worker *worker, u32 below)
{
	return prandom_u32_state(&worker->rnd) % below;
}

/* --- Contexts -------------------------------------------------------------- */

enum kt_context {
	KT_TASK,
	KT_BH_OFF,
	KT_PREEMPT_OFF,
	KT_IRQS_OFF,
	KT_RAW_SPINLOCK,
	KT_SOFTIRQ,
	KT_HARDIRQ_WORK,
	KT_HARDIRQ_TIMER,
	KT_CONTEXTS
};

struct kt_context_param {
	enum kt_context context;
	char name[40];
};

extern const struct kt_context_param kt_contexts[KT_CONTEXTS];
void kt_context_desc(const struct kt_context_param *param, char *desc);

/* Run @fn in @context on this CPU, and wait for it. */
void kt_run_in(struct kunit *test, enum kt_context context,
	       void (*fn)(void *arg), void *arg);

static inline bool kt_is_hardirq(enum kt_context context)
{
	return context == KT_HARDIRQ_WORK || context == KT_HARDIRQ_TIMER;
}

/* Must what is put there be freed by the worker? */
static inline bool kt_frees_later(enum kt_context context)
{
	return kt_is_hardirq(context) ||
	       (IS_ENABLED(CONFIG_PREEMPT_RT) &&
		(context == KT_PREEMPT_OFF || context == KT_IRQS_OFF ||
		 context == KT_RAW_SPINLOCK));
}

/* Is this task context, in which one may sleep, as far as the kernel can tell? */
static inline bool kt_may_sleep(void)
{
	return in_task() && !irqs_disabled() &&
	       (!IS_ENABLED(CONFIG_PREEMPT_COUNT) || !preempt_count());
}

/**
 * struct kt_ticker - an interrupt that comes again and again on one CPU
 * @timer: -
 * @fn: what it does, in hardirq or softirq context
 * @arg: for @fn
 * @fired: how often it came
 */
struct kt_ticker {
	struct hrtimer timer;
	void (*fn)(void *arg);
	void *arg;
	unsigned long fired;
};

/* On the CPU of the caller, which stays there. */
void kt_ticker_start(struct kt_ticker *ticker, bool soft, void (*fn)(void *arg),
		     void *arg);
void kt_ticker_stop(struct kt_ticker *ticker);

/**
 * struct kt_storm - interrupts of one CPU, sent by a thread on another
 * @cpu: the one that is interrupted
 * @fn: what it does, in hardirq context
 * @arg: for @fn
 * @fired: how often it came
 * @victim: whom it interrupts
 * @csd: -
 *
 * They come at any instruction, as fast as he gets on between them.
 */
struct kt_storm {
	int cpu;
	void (*fn)(void *arg);
	void *arg;
	unsigned long fired;
	const struct kt_worker *victim;
	call_single_data_t csd;
};

/* Interrupt @worker, from a thread of the same gang. */
void kt_gang_add_storm(struct kt_gang *gang, struct kt_storm *storm,
		       struct kt_worker *worker, void (*fn)(void *arg),
		       void *arg);

#endif /* _PCPOOL_KUNIT_COMMON_H */
