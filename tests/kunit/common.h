/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Shared code of the KUnit suites: pools whose objects record their holder, groups of
 * threads, and functions that run code in a chosen context. Each suite tests one part
 * of pcpool, is one file here, and may look at the internals of that part.
 *
 * A test thread that has to act on a CPU moves there itself (kt_move_to()). So a case
 * reads from top to bottom, even if it involves several CPUs.
 */
#ifndef _PCPOOL_KUNIT_COMMON_H
#define _PCPOOL_KUNIT_COMMON_H

#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/hrtimer.h>
#include <linux/kmsg_dump.h>
#include <linux/prandom.h>
#include <linux/smp.h>

#include "api.h"
#include "debug.h"
#include "idle.h"
#include "percpu.h"
#include "slots.h"
#include "switch.h"
#include "types.h"

/* --- Objects and pools -------------------------------------------------- */

/*
 * The holder of an object. Every change is a compare-and-exchange by the presumed
 * holder, so a second owner is detected at once.
 */
enum {
	KT_UNALLOCATED,	/* not allocated, or freed again */
	KT_ALLOCATED,	/* allocated, and not yet returned to a caller; or prefilled */
	KT_IDLE,	/* put */
	KT_IN_TRANSIT,	/* passed from one holder to another */
	KT_ME,		/* the test thread */
	KT_HOLDERS,	/* the first number of threads and interrupts */
};

/**
 * struct kt_obj - an object of a pool under test
 * @owner: KT_* or the number of a holder
 * @mark: changes with every put
 * @check: ~@mark; differs if an object is read before its writes are visible
 * @resets: calls of ops->reset since the object was allocated
 */
struct kt_obj {
	atomic_t owner;
	unsigned int mark;
	unsigned int check;
	unsigned int resets;
};

/* Gets and puts of all holders. The sums are exact when no call is in progress. */
struct kt_counts {
	unsigned long gets;
	unsigned long puts;
};

enum kt_callback { KT_ALLOC, KT_FREE, KT_RESET };

/**
 * struct kt_pool - a pool under test
 * @test: the case it belongs to
 * @pool: the pool; NULL after it was destroyed
 * @core: its internal structure
 * @obj: all objects that it can allocate
 * @nr_obj: number of objects in @obj
 * @next: where the search for an unallocated object starts
 * @counts: gets and puts of the test
 * @allocs: successful calls of ops->alloc
 * @failed_allocs: failed calls of ops->alloc
 * @frees: calls of ops->free
 * @resets: calls of ops->reset
 * @alloc_fails: makes ops->alloc fail
 * @gfp: flags of the last call of ops->alloc
 * @hook: if set, called from each callback
 * @arg: for @hook
 * @violations: number of violated rules
 * @rule: the first violated rule
 * @scan: the shrinker's scan function; real reclaim does not call it
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
	atomic_t violations;
	const char *rule;
	unsigned long (*scan)(struct shrinker *shrinker,
			      struct shrink_control *sc);
	bool worker_held;
};

extern const struct pcpool_ops kt_ops;		/* alloc and free */
extern const struct pcpool_ops kt_ops_reset;	/* and reset */

/*
 * Create a pool that can allocate @objs objects, with these pcpool_params. name, ops, ctx
 * and object_bytes have defaults. The pool is checked and destroyed when the case ends.
 */
#define kt_new(test, objs, ...)						\
	kt_pool_new((test), (objs), &(struct pcpool_params){ __VA_ARGS__ })
struct kt_pool *kt_pool_new(struct kunit *test, unsigned int objs,
			    const struct pcpool_params *params);
/* Check and destroy the pool now. */
void kt_destroy(struct kt_pool *kp);

/* Record that a rule was violated. Works in any context. */
void kt_violation(struct kt_pool *kp, const char *rule);

/*
 * Gets and puts that keep account. kt_note_get() takes over an object that a pcpool
 * function returned; kt_note_put() precedes a call that returns one to the pool.
 * @holder is a holder's number.
 */
void *kt_note_get(struct kt_pool *kp, void *obj, int holder);
void kt_note_put(struct kt_pool *kp, void *obj, int holder);

static inline void *kt_get(struct kt_pool *kp, gfp_t gfp, int holder)
{
	return kt_note_get(kp, pcpool_get(kp->pool, gfp), holder);
}

static inline void *kt_try_get(struct kt_pool *kp, int holder)
{
	return kt_note_get(kp, pcpool_try_get(kp->pool), holder);
}

static inline void *kt_get_local(struct kt_pool *kp, gfp_t gfp, int holder)
{
	return kt_note_get(kp, pcpool_get_local(kp->pool, gfp), holder);
}

static inline void kt_put(struct kt_pool *kp, void *obj, int holder)
{
	kt_note_put(kp, obj, holder);
	pcpool_put(kp->pool, obj);
}

unsigned int kt_get_bulk(struct kt_pool *kp, gfp_t gfp, unsigned int n,
			 void **objs, int holder);
void kt_put_bulk(struct kt_pool *kp, unsigned int n, void **objs, int holder);

/* For the test thread: get @n objects (or fail the case), and put them. */
void **kt_get_many(struct kt_pool *kp, unsigned int n);
void kt_put_many(struct kt_pool *kp, unsigned int n, void **objs);
/* Get @n objects, and put them one by one on this CPU. */
void kt_make_idle(struct kt_pool *kp, unsigned int n);
/* Put these objects into this CPU's main-tier queue, bypassing the private slots. */
void kt_put_to_queue(struct kt_pool *kp, unsigned int n, void **objs);

/* Wait until the pool's worker has nothing left to do. */
void kt_settle(struct kt_pool *kp);
struct pcpool_pool_stats kt_stats(struct kt_pool *kp);
/* Check all that must hold while no call is in progress. Waits for the worker first. */
void kt_expect_consistent(struct kt_pool *kp);
/*
 * After the pool was destroyed: expect that all but @lost objects were freed, and that
 * no rule was violated.
 */
void kt_expect_freed(struct kt_pool *kp, unsigned int lost);

/* Run one shrinker scan of at most @nr units. */
unsigned long kt_scan(struct kt_pool *kp, unsigned long nr);
/* A scan at this moment, for an allocation with @gfp; it may come too soon after the last. */
unsigned long kt_scan_now(struct kt_pool *kp, unsigned long nr, gfp_t gfp);
unsigned long kt_count(struct kt_pool *kp);
struct shrinker *kt_shrinker(struct kt_pool *kp);

/* The number of objects in @cpu's private slots, in its queue of the main or victim tier. */
unsigned int kt_in_slots(struct kt_pool *kp, int cpu);
unsigned long kt_in_main(struct kt_pool *kp, int cpu);
unsigned long kt_in_victim(struct kt_pool *kp, int cpu);

/* Keep @kp's worker from running, so that deferred objects stay deferred; let it run. */
void kt_hold_worker(struct kt_pool *kp);
void kt_release_worker(struct kt_pool *kp);

/* --- The kernel's log ----------------------------------------------------- */

/* kt_logged() searches from this mark on. Each search consumes lines, so use one mark a line. */
void kt_log_mark(struct kmsg_dump_iter *mark);
/* Has a line with @text been logged since? Always true if the kernel keeps no log. */
bool kt_logged(struct kmsg_dump_iter *mark, const char *text);

/* Run a command of the guest's shell, as root. Returns its exit status, or an error. */
int kt_shell(const char *command);

/* --- CPUs and threads ---------------------------------------------------- */

/* Return the @nth online CPU. Skip the case if there are too few. */
int kt_cpu(struct kunit *test, unsigned int nth);
/* Move the test thread to @cpu and pin it there. */
void kt_move_to(struct kunit *test, int cpu);

/* Scale the number of loops of a heavy case by the module parameter. */
unsigned int kt_scaled(unsigned int loops);

/* A few more than 128: some cases add a thread for each CPU. */
#define KT_GANG_MAX	136

/**
 * struct kt_worker - a thread of a group
 * @gang: its group
 * @task: the thread
 * @cpu: the CPU it runs on; -1: any
 * @holder: its number as a holder; it may also use the next KT_WORKER_HOLDERS - 1
 * @fn: its function; returns when kt_keep_running() is false, or earlier
 * @arg: for @fn
 * @rnd: random numbers
 * @done: number of iterations done; other threads read it
 * @finished: @fn has returned
 */
struct kt_worker {
	struct kt_gang *gang;
	struct task_struct *task;
	int cpu;
	int holder;
	void (*fn)(struct kt_worker *worker);
	void *arg;
	struct rnd_state rnd;
	unsigned long done;
	bool finished;
};

#define KT_WORKER_HOLDERS	4

/**
 * struct kt_gang - a group of threads that start together
 * @test: the case they belong to
 * @ready: number of threads that wait for @go
 * @go: the threads start
 * @stop: asks the threads to return
 * @stop_at: when the threads return, if they have done the minimum
 * @nr: number of threads
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

/* The number of iterations each worker must do for the case to be meaningful. */
#define KT_MINIMUM	10

/*
 * The group is stopped when the case ends, at the latest. Create it after the objects
 * that its threads use.
 */
struct kt_gang *kt_gang_new(struct kunit *test);
struct kt_worker *kt_gang_add(struct kt_gang *gang, int cpu,
			      void (*fn)(struct kt_worker *worker), void *arg);
/* Let the threads run for @ms, and until each has done the minimum, even on a slow machine. */
void kt_gang_start(struct kt_gang *gang, unsigned int ms);
/* Wait until all threads have returned. Expect that each has done the minimum. */
void kt_gang_join(struct kt_gang *gang);
/* Ask the threads to return, and wait for them. */
void kt_gang_stop(struct kt_gang *gang);
/* Called by a worker regularly: false when it is to return. May schedule. */
bool kt_keep_running(struct kt_worker *worker);
/* As kt_keep_running(), with another count that has to reach the minimum. */
bool kt_keep_running_for(struct kt_worker *worker, unsigned long done);

/* For the worker: count @n iterations, or one. Other threads read the count. */
static inline void kt_progress_by(struct kt_worker *worker, unsigned long n)
{
	WRITE_ONCE(worker->done, worker->done + n);
}

static inline void kt_progress(struct kt_worker *worker)
{
	kt_progress_by(worker, 1);
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

/* Run @fn in @context on this CPU, and wait until it returns. */
void kt_run_in(struct kunit *test, enum kt_context context,
	       void (*fn)(void *arg), void *arg);

static inline bool kt_is_hardirq(enum kt_context context)
{
	return context == KT_HARDIRQ_WORK || context == KT_HARDIRQ_TIMER;
}

/* With PCPOOL_FREE_ATOMIC: is an object that is put in @context freed by the worker? */
static inline bool kt_defers_free(enum kt_context context)
{
	return kt_is_hardirq(context) ||
	       (IS_ENABLED(CONFIG_PREEMPT_RT) &&
		(context == KT_PREEMPT_OFF || context == KT_IRQS_OFF ||
		 context == KT_RAW_SPINLOCK));
}

/* Is this task context that may sleep, as far as the kernel can tell? */
static inline bool kt_may_sleep(void)
{
	return in_task() && !irqs_disabled() &&
	       (!IS_ENABLED(CONFIG_PREEMPT_COUNT) || !preempt_count());
}

/**
 * struct kt_ticker - a timer interrupt that repeats on one CPU
 * @timer: -
 * @fn: called from it, in hardirq or softirq context
 * @arg: for @fn
 * @fired: number of interrupts
 */
struct kt_ticker {
	struct hrtimer timer;
	void (*fn)(void *arg);
	void *arg;
	unsigned long fired;
};

/* Run the ticker on the caller's CPU. The caller must stay there. */
void kt_ticker_start(struct kt_ticker *ticker, bool soft, void (*fn)(void *arg),
		     void *arg);
void kt_ticker_stop(struct kt_ticker *ticker);

/**
 * struct kt_storm - interrupts of one CPU, sent by a thread on another CPU
 * @cpu: the CPU that is interrupted
 * @fn: called from each interrupt, in hardirq context
 * @arg: for @fn
 * @fired: number of interrupts
 * @target: the worker that is interrupted
 * @csd: -
 *
 * The interrupts arrive at any instruction. The next one is sent as soon as @target
 * has made progress.
 */
struct kt_storm {
	int cpu;
	void (*fn)(void *arg);
	void *arg;
	unsigned long fired;
	const struct kt_worker *target;
	call_single_data_t csd;
};

/* Interrupt @worker, from a thread of the same gang. */
void kt_gang_add_storm(struct kt_gang *gang, struct kt_storm *storm,
		       struct kt_worker *worker, void (*fn)(void *arg),
		       void *arg);

#endif /* _PCPOOL_KUNIT_COMMON_H */
