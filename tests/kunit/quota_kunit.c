// SPDX-License-Identifier: GPL-2.0
/*
 * max_total, waiting for an object, and the reserve. Each waiter is a thread of its own
 * in a group; the test thread holds the objects and puts them.
 */
#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "common.h"
#include "handover.h"

/* Time limit for an event that must happen, and delay to show that one does not happen. */
#define EVENT_TIMEOUT	(30 * HZ)
#define DELAY_MS	50

static unsigned int idle(struct kt_pool *kp)
{
	struct pcpool_pool_stats s = kt_stats(kp);

	return s.idle_main + s.idle_victim;
}

/* --- The quota ------------------------------------------------------------ */

static const unsigned int quotas[] = { 1, 3, 10, 1000 };

static void quota_desc(const unsigned int *quota, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "max_total %u", *quota);
}

KUNIT_ARRAY_PARAM(quota, quotas, quota_desc);

static void objects_never_exceed_the_quota(struct kunit *test)
{
	unsigned int quota = *(const unsigned int *)test->param_value;
	struct kt_pool *kp = kt_new(test, quota + 10, .max_total = quota);
	void **objs = kt_get_many(kp, quota);

	KUNIT_EXPECT_NULL(test, kt_get(kp, GFP_NOWAIT, KT_ME));
	KUNIT_EXPECT_NULL(test, kt_get(kp, GFP_ATOMIC, KT_ME));
	KUNIT_EXPECT_NULL(test, kt_try_get(kp, KT_ME));
	KUNIT_EXPECT_EQ(test, pcpool_prefill(kp->pool, GFP_KERNEL, 1), 0);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).alloc_fail, 2);
	kt_put_many(kp, quota, objs);
	KUNIT_EXPECT_EQ(test, idle(kp), quota);
	KUNIT_EXPECT_EQ(test, pcpool_prefill(kp->pool, GFP_KERNEL, 1), 0);
	kt_expect_consistent(kp);
}

/* On every CPU, and with every steal policy. */
static void a_get_finds_idle_objects_of_all_cpus(struct kunit *test)
{
	unsigned int quota = *(const unsigned int *)test->param_value;
	struct kt_pool *kp = kt_new(test, quota + 10, .max_total = quota,
				    .steal = PCPOOL_STEAL_NONE);
	int here = kt_cpu(test, 0), there = kt_cpu(test, 1);

	kt_move_to(test, there);
	kt_put_many(kp, quota, kt_get_many(kp, quota));
	kt_move_to(test, here);
	kt_put_many(kp, quota, kt_get_many(kp, quota));
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->allocs), quota);
	kt_expect_consistent(kp);
}

static void freed_objects_make_room_in_the_quota(struct kunit *test)
{
	unsigned int quota = *(const unsigned int *)test->param_value;
	struct kt_pool *kp = kt_new(test, quota + 10, .max_total = quota);

	kt_put_many(kp, quota, kt_get_many(kp, quota));
	KUNIT_EXPECT_EQ(test, pcpool_drain(kp->pool), quota);
	kt_put_many(kp, quota, kt_get_many(kp, quota));
	kt_expect_consistent(kp);
}

static void a_failed_alloc_uses_no_quota(struct kunit *test)
{
	unsigned int quota = *(const unsigned int *)test->param_value;
	struct kt_pool *kp = kt_new(test, quota + 10, .max_total = quota);

	kp->alloc_fails = true;
	KUNIT_EXPECT_NULL(test, kt_get(kp, GFP_KERNEL, KT_ME));
	KUNIT_EXPECT_PTR_EQ(test, pcpool_get_timeout(kp->pool, GFP_KERNEL, HZ), ERR_PTR(-ENOMEM));
	kp->alloc_fails = false;
	kt_put_many(kp, quota, kt_get_many(kp, quota));
	kt_expect_consistent(kp);
}

static void a_bulk_get_returns_what_is_available(struct kunit *test)
{
	unsigned int quota = *(const unsigned int *)test->param_value;
	struct kt_pool *kp = kt_new(test, quota + 10, .max_total = quota);
	void **objs = kunit_kcalloc(test, quota + 10, sizeof(*objs), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, objs);
	/* A bulk get does not wait for more objects. */
	KUNIT_EXPECT_EQ(test, kt_get_bulk(kp, GFP_KERNEL, quota + 10, objs, KT_ME), quota);
	kt_put_bulk(kp, quota, objs, KT_ME);
	KUNIT_EXPECT_EQ(test, idle(kp), quota);
	kt_expect_consistent(kp);
}

/* --- Waiting --------------------------------------------------------------- */

/**
 * struct waiters - the threads that wait
 * @kp: the pool
 * @kill: SIGKILL may end the wait
 * @timeout: in jiffies; 0: use pcpool_get()
 * @returned: number of gets that have returned
 * @result: the result of each get, by position in the wait queue
 * @turn: when each get returned; 1: first
 */
struct waiters {
	struct kt_pool *kp;
	bool kill;
	unsigned long timeout;
	atomic_t returned;
	void *result[KT_GANG_MAX];
	int turn[KT_GANG_MAX];
};

static void wait_for_object(struct kt_worker *worker)
{
	struct waiters *waiters = worker->arg;
	unsigned int i = worker - worker->gang->worker;
	void *obj;

	if (waiters->kill)
		allow_signal(SIGKILL);
	if (waiters->timeout)
		obj = pcpool_get_timeout(waiters->kp->pool, GFP_KERNEL, waiters->timeout);
	else
		obj = pcpool_get(waiters->kp->pool, GFP_KERNEL);
	if (!IS_ERR(obj))
		kt_note_get(waiters->kp, obj, KT_ME);
	waiters->turn[i] = atomic_inc_return(&waiters->returned);
	smp_store_release(&waiters->result[i], obj); /* pairs with result() */
	/* kt_gang_join() expects the minimum. */
	worker->done = KT_MINIMUM;
}

static struct waiters *new_waiters(struct kunit *test, struct kt_pool *kp)
{
	struct waiters *waiters = kunit_kzalloc(test, sizeof(*waiters), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, waiters);
	waiters->kp = kp;
	return waiters;
}

static bool wait_until_waiting(struct kt_pool *kp, unsigned int waiting)
{
	unsigned long end = jiffies + EVENT_TIMEOUT;

	while (kt_stats(kp).waiting != waiting) {
		if (time_after(jiffies, end))
			return false;
		schedule_timeout_uninterruptible(1);
	}
	return true;
}

static void *result(struct waiters *waiters, unsigned int i)
{
	unsigned long end = jiffies + EVENT_TIMEOUT;
	void *obj;

	while (!(obj = smp_load_acquire(&waiters->result[i]))) { /* pairs with wait_for_object() */
		if (time_after(jiffies, end)) {
			KUNIT_FAIL(waiters->kp->test, "the get has not returned");
			return ERR_PTR(-ETIME);
		}
		schedule_timeout_uninterruptible(1);
	}
	return obj;
}

/* Add one more waiter. It is in the wait queue when this returns. */
static void add_waiter(struct kt_gang *gang, struct waiters *waiters)
{
	unsigned int waiting = kt_stats(waiters->kp).waiting;

	kt_gang_add(gang, -1, wait_for_object, waiters);
	if (gang->nr == 1)
		kt_gang_start(gang, 0);
	KUNIT_ASSERT_TRUE(gang->test, wait_until_waiting(waiters->kp, waiting + 1));
}

/* Pools with few and with many objects: in the shared array, and in queues. */
struct setting {
	const char *name;
	struct pcpool_params params;
};

static const struct setting settings[] = {
	{ "1 object", { .max_total = 1 } },
	{ "3 objects", { .max_total = 3 } },
	{ "1000 objects", { .max_total = 1000 } },
	{ "1000 objects, 1 in reserve", { .max_total = 1000, .reserve = 1 } },
	{ "1000 objects, at most 10 idle", { .max_total = 1000, .max_idle = 10 } },
	{ "3 objects, no stealing", { .max_total = 3, .steal = PCPOOL_STEAL_NONE } },
	{ "1000 objects, no stealing",
	  { .max_total = 1000, .steal = PCPOOL_STEAL_NONE } },
};

KUNIT_ARRAY_PARAM_DESC(setting, settings, name);

struct exhausted {
	struct kt_pool *kp;
	struct kt_gang *gang;
	struct waiters *waiters;
	unsigned int n;
	void **objs;
};

/* Create a pool all of whose objects the test holds, so that each new caller has to wait. */
static struct exhausted *new_exhausted_with(struct kunit *test, const struct pcpool_params *params)
{
	struct exhausted *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, w);
	w->n = params->max_total;
	w->kp = kt_pool_new(test, w->n + 10, params);
	w->objs = kt_get_many(w->kp, w->n);
	w->waiters = new_waiters(test, w->kp);
	w->gang = kt_gang_new(test);
	return w;
}

static struct exhausted *new_exhausted(struct kunit *test)
{
	const struct setting *setting = test->param_value;

	return new_exhausted_with(test, &setting->params);
}

static void put_next(struct exhausted *w)
{
	kt_put(w->kp, w->objs[--w->n], KT_ME);
}

static void end_exhausted(struct exhausted *w)
{
	while (w->n)
		put_next(w);
	kt_gang_join(w->gang);
	KUNIT_EXPECT_EQ(w->kp->test, kt_stats(w->kp).waiting, 0);
	kt_expect_consistent(w->kp);
}

static void a_put_wakes_the_first_waiter(struct kunit *test)
{
	struct exhausted *w = new_exhausted(test);
	void *obj;

	add_waiter(w->gang, w->waiters);
	msleep(DELAY_MS);
	KUNIT_EXPECT_EQ(test, atomic_read(&w->waiters->returned), 0);
	put_next(w);
	obj = result(w->waiters, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(obj));
	KUNIT_EXPECT_EQ(test, kt_stats(w->kp).waits, 1);
	kt_put(w->kp, obj, KT_ME);
	end_exhausted(w);
}

static void put_one(void *arg)
{
	put_next(arg);
}

static void a_put_from_any_context_wakes_a_waiter(struct kunit *test)
{
	static const struct pcpool_params few = { .max_total = 2 }, many = { .max_total = 500 };
	const struct kt_context_param *param = test->param_value;
	struct exhausted *w;
	void *obj;
	int i;

	for (i = 0; i < 2; i++) {
		w = new_exhausted_with(test, i ? &many : &few);
		add_waiter(w->gang, w->waiters);
		kt_run_in(test, param->context, put_one, w);
		obj = result(w->waiters, 0);
		KUNIT_ASSERT_FALSE(test, IS_ERR(obj));
		kt_put(w->kp, obj, KT_ME);
		end_exhausted(w);
		kt_destroy(w->kp);
	}
}

KUNIT_ARRAY_PARAM(context, kt_contexts, kt_context_desc);

static void a_put_on_another_cpu_wakes_a_waiter(struct kunit *test)
{
	struct exhausted *w = new_exhausted(test);
	int here = kt_cpu(test, 0), there = kt_cpu(test, 1);
	void *obj;

	kt_move_to(test, here);
	kt_gang_add(w->gang, there, wait_for_object, w->waiters);
	kt_gang_start(w->gang, 0);
	KUNIT_ASSERT_TRUE(test, wait_until_waiting(w->kp, 1));
	put_next(w);
	obj = result(w->waiters, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(obj));
	kt_put(w->kp, obj, KT_ME);
	end_exhausted(w);
}

static void a_bulk_put_wakes_waiters(struct kunit *test)
{
	static const struct pcpool_params params = { .max_total = 100 };
	struct exhausted *w = new_exhausted_with(test, &params);
	unsigned int i;
	void *obj;

	for (i = 0; i < 3; i++)
		add_waiter(w->gang, w->waiters);
	w->n -= 50;
	kt_put_bulk(w->kp, 50, w->objs + w->n, KT_ME);
	for (i = 0; i < 3; i++) {
		obj = result(w->waiters, i);
		KUNIT_ASSERT_FALSE(test, IS_ERR(obj));
		kt_put(w->kp, obj, KT_ME);
	}
	end_exhausted(w);
}

/* The waiter gets no object from this put, but may allocate one. */
static void a_dropped_put_wakes_a_waiter(struct kunit *test)
{
	struct exhausted *w = new_exhausted(test);
	void *obj;

	add_waiter(w->gang, w->waiters);
	pcpool_set_bypass(w->kp->core, true);
	/* The first put may refill the reserve. */
	put_next(w);
	obj = result(w->waiters, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(obj));
	kt_put(w->kp, obj, KT_ME);
	end_exhausted(w);
}

static void waiters_are_served_in_fifo_order(struct kunit *test)
{
	struct exhausted *w = new_exhausted(test);
	unsigned int i;
	void *obj;

	for (i = 0; i < 8; i++)
		add_waiter(w->gang, w->waiters);
	for (i = 0; i < 8; i++) {
		/* Put an object of the test, or the one that was handed over last. */
		put_next(w);
		obj = result(w->waiters, i);
		KUNIT_ASSERT_FALSE(test, IS_ERR(obj));
		KUNIT_EXPECT_EQ(test, w->waiters->turn[i], i + 1);
		KUNIT_EXPECT_EQ(test, kt_stats(w->kp).waiting, 7 - i);
		w->objs[w->n++] = obj;
	}
	end_exhausted(w);
}

static void a_later_caller_does_not_overtake_a_waiter(struct kunit *test)
{
	struct exhausted *w = new_exhausted(test);
	void *obj;

	add_waiter(w->gang, w->waiters);
	KUNIT_EXPECT_NULL(test, kt_get(w->kp, GFP_NOWAIT, KT_ME));
	KUNIT_EXPECT_NULL(test, kt_try_get(w->kp, KT_ME));
	KUNIT_EXPECT_PTR_EQ(test, pcpool_get_timeout(w->kp->pool, GFP_NOWAIT, 1),
			    ERR_PTR(-EAGAIN));
	put_next(w);
	obj = result(w->waiters, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(obj));
	kt_put(w->kp, obj, KT_ME);
	end_exhausted(w);
}

static void a_timeout_ends_a_wait(struct kunit *test)
{
	struct exhausted *w = new_exhausted(test);
	unsigned long began = jiffies;

	KUNIT_EXPECT_PTR_EQ(test, pcpool_get_timeout(w->kp->pool, GFP_KERNEL, HZ / 10),
			    ERR_PTR(-ETIMEDOUT));
	KUNIT_EXPECT_GE(test, jiffies - began, HZ / 10);
	began = jiffies;
	KUNIT_EXPECT_PTR_EQ(test, pcpool_get_timeout(w->kp->pool, GFP_KERNEL, 0),
			    ERR_PTR(-ETIMEDOUT));
	KUNIT_EXPECT_LE(test, jiffies - began, HZ);
	KUNIT_EXPECT_EQ(test, kt_stats(w->kp).waiting, 0);
	KUNIT_EXPECT_EQ(test, kt_stats(w->kp).alloc_fail, 2);
	kt_gang_add(w->gang, -1, wait_for_object, w->waiters);
	kt_gang_start(w->gang, 0);
	KUNIT_ASSERT_TRUE(test, wait_until_waiting(w->kp, 1));
	put_next(w);
	kt_put(w->kp, result(w->waiters, 0), KT_ME);
	end_exhausted(w);
}

/*
 * A waiter in the middle of the wait queue can be killed too. The waiters behind it
 * keep their turn.
 */
static void a_fatal_signal_ends_a_wait(struct kunit *test)
{
	struct exhausted *w = new_exhausted(test);
	void *obj;

	w->waiters->kill = true;
	w->waiters->timeout = MAX_SCHEDULE_TIMEOUT;
	add_waiter(w->gang, w->waiters);
	add_waiter(w->gang, w->waiters);
	add_waiter(w->gang, w->waiters);
	send_sig(SIGKILL, w->gang->worker[1].task, 1);
	KUNIT_EXPECT_PTR_EQ(test, result(w->waiters, 1), ERR_PTR(-EINTR));
	KUNIT_EXPECT_EQ(test, kt_stats(w->kp).waiting, 2);
	put_next(w);
	obj = result(w->waiters, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(obj));
	kt_put(w->kp, obj, KT_ME);
	obj = result(w->waiters, 2);
	KUNIT_ASSERT_FALSE(test, IS_ERR(obj));
	kt_put(w->kp, obj, KT_ME);
	end_exhausted(w);
}

/*
 * --- On all CPUs at once: no caller waits while an object is idle ---
 *
 * There are more threads than objects. All threads get, with and without waiting, and put. One
 * thread checks that a waiter and an idle object never coexist for long. All threads make progress.
 */
struct contention {
	struct kt_pool *kp;
	unsigned long quota;
	unsigned int hold;
	atomic_long_t existing;
	unsigned long checks;
	unsigned long checks_with_waiters;
};

static void count_existing(struct kt_pool *kp, enum kt_callback callback, struct kt_obj *obj)
{
	struct contention *contention = kp->arg;

	if (callback == KT_FREE)
		atomic_long_dec(&contention->existing);
	if (callback == KT_ALLOC &&
	    atomic_long_inc_return(&contention->existing) > contention->quota)
		kt_violation(kp, "more objects than max_total");
}

/*
 * A thread that holds an object must not wait for another without a timeout: the others
 * do the same.
 */
static void *contend_get(struct contention *contention, struct kt_worker *worker, bool hold)
{
	void *obj;

	switch (kt_random(worker, 8)) {
	case 0:
		return pcpool_get(contention->kp->pool, GFP_NOWAIT);
	case 1:
		hold = true;
		break;
	}
	if (!hold) {
		obj = pcpool_get(contention->kp->pool, GFP_KERNEL);
		if (!obj)
			kt_violation(contention->kp, "a get that may wait returned NULL");
		return obj;
	}
	obj = pcpool_get_timeout(contention->kp->pool, GFP_KERNEL, kt_random(worker, 3));
	if (IS_ERR(obj) && obj != ERR_PTR(-ETIMEDOUT))
		kt_violation(contention->kp, "unexpected error");
	return IS_ERR(obj) ? NULL : obj;
}

#define HOLD_MAX	64u

static void contend(struct kt_worker *worker)
{
	struct contention *contention = worker->arg;
	struct kt_pool *kp = contention->kp;
	unsigned int held = 0, hold;
	void *objs[HOLD_MAX], *obj;

	while (kt_keep_running(worker)) {
		hold = 1 + kt_random(worker, contention->hold);
		while (held < hold) {
			obj = kt_note_get(kp, contend_get(contention, worker, held),
					  worker->holder);
			if (!obj)
				break;
			objs[held++] = obj;
		}
		if (!kt_random(worker, 16))
			schedule_timeout_uninterruptible(1);
		if (held)
			kt_progress(worker);
		while (held)
			kt_put(kp, objs[--held], worker->holder);
	}
}

/* How long a waiter and an idle object may coexist: the waiter's CPU may be busy. */
#define MAX_UNSERVED	(10 * HZ)

static void check_contention(struct kt_worker *worker)
{
	struct contention *contention = worker->arg;
	unsigned long since = jiffies, waits = 0;
	struct pcpool_pool_stats s;

	while (kt_keep_running(worker)) {
		s = kt_stats(contention->kp);
		contention->checks_with_waiters += !!s.waiting;
		/* If a get has returned, it may be another waiter and another object. */
		if (!s.waiting || !s.idle_main || s.waits + s.gets != waits)
			since = jiffies;
		waits = s.waits + s.gets;
		if (time_after(jiffies, since + MAX_UNSERVED)) {
			kt_violation(contention->kp, "a caller waits while an object is idle");
			since = jiffies;
		}
		if (!(++contention->checks % 1000))
			pcpool_age(contention->kp->pool);
		kt_progress(worker);
	}
}

struct contention_setup {
	const char *name;
	unsigned int objects;
	struct pcpool_params params;
};

static const struct contention_setup contention_setups[] = {
	{ "1 object", 1, { .max_total = 1 } },
	{ "3 objects", 3, { .max_total = 3 } },
	{ "10 objects", 10, { .max_total = 10 } },
	{ "100 objects", 100, { .max_total = 100 } },
	{ "100 objects, no stealing", 100,
	  { .max_total = 100, .steal = PCPOOL_STEAL_NONE } },
	{ "100 objects, 50 in reserve", 100, { .max_total = 100, .reserve = 50 } },
	{ "3 objects, 1 in reserve", 3, { .max_total = 3, .reserve = 1 } },
	{ "4 objects, all in reserve", 4, { .reserve = 4 } },
	{ "5 objects, 3 idle, 2 in reserve", 5, { .max_total = 5, .max_idle = 3, .reserve = 2 } },
};

KUNIT_ARRAY_PARAM_DESC(contention_setup, contention_setups, name);

#define CONTENTION_MS	300

static void no_caller_waits_while_an_object_is_idle(struct kunit *test)
{
	const struct contention_setup *contention_setup = test->param_value;
	struct contention *contention;
	struct kt_gang *gang;
	unsigned int i;
	int cpu;

	contention = kunit_kzalloc(test, sizeof(*contention), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, contention);
	contention->quota = contention_setup->params.max_total ?: ULONG_MAX;
	/* Without a quota, ops->alloc limits the number of objects. */
	contention->kp = kt_pool_new(test, contention_setup->objects, &contention_setup->params);
	atomic_long_set(&contention->existing, contention_setup->params.reserve);
	contention->kp->arg = contention;
	contention->kp->hook = count_existing;
	gang = kt_gang_new(test);
	for (i = 0; i < 2; i++) {
		for_each_online_cpu(cpu) {
			if (gang->nr < KT_GANG_MAX - 1)
				kt_gang_add(gang, cpu, contend, contention);
		}
	}
	/* All threads together want more objects than there are. */
	contention->hold = clamp(2 * contention_setup->objects / gang->nr, 1u, HOLD_MAX);
	kt_gang_add(gang, -1, check_contention, contention);
	kt_gang_start(gang, CONTENTION_MS);
	kt_gang_join(gang);
	kt_expect_consistent(contention->kp);
	KUNIT_EXPECT_EQ(test, kt_stats(contention->kp).waiting, 0);
	kunit_info(test, "%lu checks, %lu with waiters; %llu waits in %llu gets",
		   contention->checks, contention->checks_with_waiters,
		   kt_stats(contention->kp).waits,
		   kt_stats(contention->kp).gets);
	contention->kp->hook = NULL;
}

/* --- The reserve ------------------------------------------------------------ */

static const unsigned int reserves[] = { 1, 4, 100 };

static void reserve_desc(const unsigned int *reserve, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "reserve %u", *reserve);
}

KUNIT_ARRAY_PARAM(reserve, reserves, reserve_desc);

static struct kt_pool *new_reserve(struct kunit *test)
{
	unsigned int reserve = *(const unsigned int *)test->param_value;

	return kt_new(test, reserve + 200, .reserve = reserve);
}

static void the_reserve_is_allocated_at_creation(struct kunit *test)
{
	unsigned int reserve = *(const unsigned int *)test->param_value;
	struct kt_pool *kp = new_reserve(test);

	KUNIT_EXPECT_EQ(test, atomic_read(&kp->allocs), reserve);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).idle_reserve, reserve);
	KUNIT_EXPECT_EQ(test, idle(kp), reserve);
	kt_expect_consistent(kp);
	/* Destroying the pool checks that the reserve is freed. */
	kt_destroy(kp);
}

static void *alloc_three(gfp_t gfp, void *ctx)
{
	unsigned int *allocated = ctx;

	return *allocated < 3 ? &allocated[(*allocated)++] : NULL;
}

static void free_one(void *obj, void *ctx)
{
	(*(unsigned int *)ctx)--;
}

static void creation_fails_if_the_reserve_cannot_be_allocated(struct kunit *test)
{
	static const struct pcpool_ops ops = { .alloc = alloc_three, .free = free_one };
	unsigned int allocated[4] = { };
	struct pcpool_params params = {
		.name = "kunit-no-reserve", .ops = &ops, .ctx = allocated, .object_bytes = 1,
		.reserve = 4,
	};
	struct pcpool *pool = pcpool_create(&params);

	KUNIT_EXPECT_PTR_EQ(test, pool, ERR_PTR(-ENOMEM));
	if (!IS_ERR(pool))
		pcpool_destroy(pool);
	KUNIT_EXPECT_EQ(test, allocated[0], 0);
}

static void aging_and_gets_do_not_use_up_the_reserve(struct kunit *test)
{
	unsigned int reserve = *(const unsigned int *)test->param_value;
	struct kt_pool *kp = new_reserve(test);

	kt_make_idle(kp, 100);
	KUNIT_EXPECT_EQ(test, pcpool_drain(kp->pool), 100);
	KUNIT_EXPECT_EQ(test, idle(kp), reserve);
	KUNIT_EXPECT_EQ(test, pcpool_age(kp->pool), 0);
	KUNIT_EXPECT_EQ(test, pcpool_age(kp->pool), 0);
	/* The shrinker does not count it. */
	KUNIT_EXPECT_EQ(test, kt_count(kp), SHRINK_EMPTY);
	kt_scan(kp, 1000);
	KUNIT_EXPECT_EQ(test, idle(kp), reserve);
	/* Nor does a get use it if other objects are available. */
	kt_put_many(kp, 100, kt_get_many(kp, 100));
	KUNIT_EXPECT_EQ(test, kt_stats(kp).idle_reserve, reserve);
	KUNIT_EXPECT_EQ(test, idle(kp), reserve + 100);
	kt_expect_consistent(kp);
}

static void gets_use_the_reserve_when_alloc_fails(struct kunit *test)
{
	unsigned int reserve = *(const unsigned int *)test->param_value;
	struct kt_pool *kp = new_reserve(test);
	unsigned int round;
	void **objs;

	kp->alloc_fails = true;
	for (round = 0; round < 3; round++) {
		objs = kt_get_many(kp, reserve);
		KUNIT_EXPECT_NULL(test, kt_get(kp, GFP_NOWAIT, KT_ME));
		KUNIT_EXPECT_EQ(test, idle(kp), 0);
		kt_put_many(kp, reserve, objs);
		KUNIT_EXPECT_EQ(test, kt_stats(kp).idle_reserve, reserve);
	}
	kt_expect_consistent(kp);
}

static void puts_refill_the_reserve_first(struct kunit *test)
{
	unsigned int reserve = *(const unsigned int *)test->param_value;
	struct kt_pool *kp = new_reserve(test);
	void **objs = kt_get_many(kp, 10), **rest;

	kp->alloc_fails = true;
	rest = kt_get_many(kp, reserve);
	kp->alloc_fails = false;
	kt_put_many(kp, 10, objs);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).idle_reserve, min(reserve, 10u));
	kt_put_many(kp, reserve, rest);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).idle_reserve, reserve);
	KUNIT_EXPECT_EQ(test, idle(kp), reserve + 10);
	kt_expect_consistent(kp);
}

/* There is no put: idle objects refill the reserve as well. */
static void prefill_refills_the_reserve_first(struct kunit *test)
{
	unsigned int reserve = *(const unsigned int *)test->param_value;
	struct kt_pool *kp = new_reserve(test);
	void **objs;

	kp->alloc_fails = true;
	objs = kt_get_many(kp, reserve);
	kp->alloc_fails = false;
	KUNIT_EXPECT_EQ(test, pcpool_prefill(kp->pool, GFP_KERNEL, reserve), reserve);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).idle_reserve, reserve);
	KUNIT_EXPECT_EQ(test, pcpool_drain(kp->pool), 0);
	kt_put_many(kp, reserve, objs);
	KUNIT_EXPECT_EQ(test, idle(kp), 2 * reserve);
	kt_expect_consistent(kp);
}

/*
 * Get the only object of a reserve of one. Allocation fails from then on, until the
 * caller allows it.
 */
static void *take_the_reserve(struct kt_pool *kp)
{
	void *obj;

	kp->alloc_fails = true;
	obj = kt_get(kp, GFP_KERNEL, KT_ME);
	KUNIT_ASSERT_NOT_NULL(kp->test, obj);
	return obj;
}

static void a_waiter_retries_the_allocation_by_itself(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 10, .reserve = 1);
	struct kt_gang *gang = kt_gang_new(test);
	struct waiters *waiters = new_waiters(test, kp);
	void *first, *obj;

	first = take_the_reserve(kp);
	add_waiter(gang, waiters);
	WRITE_ONCE(kp->alloc_fails, false);
	/* There is no put: the waiter retries by itself. */
	obj = result(waiters, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(obj));
	kt_put(kp, obj, KT_ME);
	kt_put(kp, first, KT_ME);
	kt_gang_join(gang);
	kt_expect_consistent(kp);
}

/* There is room in the quota, but no memory, and the reserve is in use. */
static void a_waiter_whose_alloc_fails_respects_its_timeout(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 10, .max_total = 5, .reserve = 1);
	struct kt_gang *gang = kt_gang_new(test);
	struct waiters *waiters = new_waiters(test, kp);
	void *first, *obj;

	first = take_the_reserve(kp);
	KUNIT_EXPECT_NULL(test, kt_get(kp, GFP_NOWAIT, KT_ME));
	KUNIT_EXPECT_PTR_EQ(test, pcpool_get_timeout(kp->pool, GFP_KERNEL, HZ / 10),
			    ERR_PTR(-ETIMEDOUT));
	KUNIT_EXPECT_PTR_EQ(test, pcpool_get_timeout(kp->pool, GFP_KERNEL, 0),
			    ERR_PTR(-ETIMEDOUT));
	waiters->kill = true;
	waiters->timeout = MAX_SCHEDULE_TIMEOUT;
	add_waiter(gang, waiters);
	add_waiter(gang, waiters);
	msleep(DELAY_MS);
	/* The waiters do not retry all the time. */
	KUNIT_EXPECT_LE(test, atomic_read(&kp->failed_allocs), 20);
	send_sig(SIGKILL, gang->worker[1].task, 1);
	KUNIT_EXPECT_PTR_EQ(test, result(waiters, 1), ERR_PTR(-EINTR));
	kt_put(kp, first, KT_ME);
	obj = result(waiters, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(obj));
	kt_put(kp, obj, KT_ME);
	kt_gang_join(gang);
	kp->alloc_fails = false;
	kt_expect_consistent(kp);
}

/*
 * A waiter whose allocation failed leaves the wait queue during the attempt, and keeps
 * its place.
 */
static void waiters_keep_fifo_order_when_alloc_fails(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 20, .max_total = 8, .reserve = 1);
	struct kt_gang *gang = kt_gang_new(test);
	struct waiters *waiters = new_waiters(test, kp);
	void *first, *obj;
	unsigned int i;

	first = take_the_reserve(kp);
	for (i = 0; i < 4; i++)
		add_waiter(gang, waiters);
	for (i = 0; i < 4; i++) {
		kt_put(kp, first, KT_ME);
		obj = result(waiters, i);
		KUNIT_ASSERT_FALSE(test, IS_ERR(obj));
		KUNIT_EXPECT_EQ(test, waiters->turn[i], i + 1);
		first = obj;
	}
	kt_put(kp, first, KT_ME);
	kt_gang_join(gang);
	kp->alloc_fails = false;
	kt_expect_consistent(kp);
}

/* Without a quota, an object allocated by a new caller takes nothing from the waiters. */
static void without_quota_a_new_caller_may_allocate(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 10, .reserve = 1);
	struct kt_gang *gang = kt_gang_new(test);
	struct waiters *waiters = new_waiters(test, kp);
	void *first, *other, *obj;

	first = take_the_reserve(kp);
	add_waiter(gang, waiters);
	WRITE_ONCE(kp->alloc_fails, false);
	other = kt_get(kp, GFP_NOWAIT, KT_ME);
	KUNIT_EXPECT_NOT_NULL(test, other);
	kt_put(kp, first, KT_ME);
	obj = result(waiters, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(obj));
	kt_put(kp, obj, KT_ME);
	if (other)
		kt_put(kp, other, KT_ME);
	kt_gang_join(gang);
	kt_expect_consistent(kp);
}

/*
 * When one waiter can allocate again, it wakes the others, which need not wait for
 * their own retry.
 */
static void a_successful_retry_wakes_all_waiters(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 20, .reserve = 1);
	struct kt_gang *gang = kt_gang_new(test);
	struct waiters *waiters = new_waiters(test, kp);
	unsigned long began;
	unsigned int i;
	void *first;

	first = take_the_reserve(kp);
	for (i = 0; i < 8; i++) {
		add_waiter(gang, waiters);
		/* So that the retries of the waiters are far apart. */
		schedule_timeout_uninterruptible(HZ / 10);
	}
	WRITE_ONCE(kp->alloc_fails, false);
	KUNIT_ASSERT_FALSE(test, IS_ERR(result(waiters, 0)));
	began = jiffies;
	for (i = 1; i < 8; i++)
		KUNIT_ASSERT_FALSE(test, IS_ERR(result(waiters, i)));
	KUNIT_EXPECT_LE(test, jiffies - began, 4 * HZ);
	for (i = 0; i < 8; i++)
		kt_put(kp, waiters->result[i], KT_ME);
	kt_put(kp, first, KT_ME);
	kt_gang_join(gang);
	kt_expect_consistent(kp);
}

/* An oversize object is freed when it is put, even one of the reserve. The worker replaces it. */
static size_t too_large(const void *obj, void *ctx)
{
	struct kt_pool *kp = ctx;

	return READ_ONCE(kp->arg) ? 1000 : 1;
}

/* An allocation that does not return until @end. */
struct slow_alloc {
	struct completion started;
	struct completion end;
};

static void delay_alloc(struct kt_pool *kp, enum kt_callback callback, struct kt_obj *obj)
{
	struct slow_alloc *slow = kp->arg;

	if (callback != KT_ALLOC)
		return;
	WRITE_ONCE(kp->hook, NULL);
	complete(&slow->started);
	wait_for_completion(&slow->end);
}

static struct slow_alloc *set_slow_alloc(struct kt_pool *kp)
{
	struct slow_alloc *slow = kunit_kzalloc(kp->test, sizeof(*slow), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(kp->test, slow);
	init_completion(&slow->started);
	init_completion(&slow->end);
	kp->arg = slow;
	WRITE_ONCE(kp->hook, delay_alloc);
	return slow;
}

/* Even if another caller has just used up the quota. */
static void a_waiter_does_not_spin(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 10, .max_total = 2, .reserve = 1);
	struct kt_gang *gang = kt_gang_new(test);
	struct waiters *waiters = new_waiters(test, kp);
	struct slow_alloc *slow;
	void *first, *obj;
	u64 before, took;

	first = take_the_reserve(kp);
	add_waiter(gang, waiters);
	slow = set_slow_alloc(kp);
	WRITE_ONCE(kp->alloc_fails, false);
	/* The first waiter is in a retry that will succeed, when the second one comes. */
	if (!wait_for_completion_timeout(&slow->started, EVENT_TIMEOUT))
		KUNIT_FAIL(test, "the waiter does not retry");
	add_waiter(gang, waiters);
	complete(&slow->end);
	obj = result(waiters, 0);
	before = READ_ONCE(gang->worker[1].task->se.sum_exec_runtime);
	msleep(10 * DELAY_MS);
	took = READ_ONCE(gang->worker[1].task->se.sum_exec_runtime) - before;
	KUNIT_EXPECT_LT(test, took, 2 * DELAY_MS * NSEC_PER_MSEC);
	KUNIT_EXPECT_EQ(test, atomic_read(&waiters->returned), 1);
	kt_put(kp, first, KT_ME);
	KUNIT_ASSERT_FALSE(test, IS_ERR(result(waiters, 1)));
	kt_put(kp, waiters->result[1], KT_ME);
	kt_put(kp, obj, KT_ME);
	kt_gang_join(gang);
	kt_expect_consistent(kp);
}

/* The waiter got an object during its retry, so the allocated object is surplus. */
static void an_object_allocated_too_late_is_not_a_get(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 10, .reserve = 1);
	struct kt_gang *gang = kt_gang_new(test);
	struct waiters *waiters = new_waiters(test, kp);
	struct slow_alloc *slow;
	void *first;

	first = take_the_reserve(kp);
	add_waiter(gang, waiters);
	slow = set_slow_alloc(kp);
	WRITE_ONCE(kp->alloc_fails, false);
	if (!wait_for_completion_timeout(&slow->started, EVENT_TIMEOUT))
		KUNIT_FAIL(test, "the waiter does not retry");
	kt_put(kp, first, KT_ME);
	KUNIT_EXPECT_TRUE(test, wait_until_waiting(kp, 0));
	complete(&slow->end);
	KUNIT_ASSERT_FALSE(test, IS_ERR(result(waiters, 0)));
	kt_put(kp, waiters->result[0], KT_ME);
	kt_gang_join(gang);
	kt_expect_consistent(kp);
}

/* A waiter whose allocation failed keeps its place, even if a later caller can allocate. */
static void a_later_caller_allocates_for_the_first_waiter(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 10, .max_total = 2, .reserve = 1);
	struct kt_gang *gang = kt_gang_new(test);
	struct waiters *waiters = new_waiters(test, kp);
	void *first;

	first = take_the_reserve(kp);
	add_waiter(gang, waiters);
	WRITE_ONCE(kp->alloc_fails, false);
	kt_gang_add(gang, -1, wait_for_object, waiters);
	KUNIT_ASSERT_FALSE(test, IS_ERR(result(waiters, 0)));
	KUNIT_EXPECT_EQ(test, waiters->turn[0], 1);
	KUNIT_EXPECT_TRUE(test, wait_until_waiting(kp, 1));
	kt_put(kp, first, KT_ME);
	KUNIT_ASSERT_FALSE(test, IS_ERR(result(waiters, 1)));
	KUNIT_EXPECT_EQ(test, waiters->turn[1], 2);
	kt_put(kp, waiters->result[0], KT_ME);
	kt_put(kp, waiters->result[1], KT_ME);
	kt_gang_join(gang);
	kt_expect_consistent(kp);
}

static void complete_after_delay(struct kt_worker *worker)
{
	struct slow_alloc *slow = worker->arg;

	msleep(DELAY_MS);
	complete(&slow->end);
	worker->done = KT_MINIMUM;
}

/* The worker allocates it, to replace an object of the reserve. */
static void an_object_allocated_during_destroy_is_freed(struct kunit *test)
{
	struct kt_gang *gang = kt_gang_new(test);
	struct pcpool_ops ops = kt_ops;
	struct slow_alloc *slow;
	struct kt_pool *kp;
	void *first;

	ops.bytes = too_large;
	kp = kt_new(test, 10, .ops = &ops, .reserve = 1, .object_bytes = 10,
		    .max_object_bytes = 100);
	first = take_the_reserve(kp);
	slow = set_slow_alloc(kp);
	kp->alloc_fails = false;
	/* kp->arg is set, so too_large() reports the object as too large. */
	kt_put(kp, first, KT_ME);
	KUNIT_ASSERT_TRUE(test, wait_for_completion_timeout(&slow->started, EVENT_TIMEOUT));
	kt_gang_add(gang, -1, complete_after_delay, slow);
	kt_gang_start(gang, 0);
	pcpool_destroy(kp->pool);
	kp->pool = NULL;
	kt_expect_freed(kp, 0);
	kt_gang_join(gang);
}

static void a_bypassed_pool_at_its_quota_uses_idle_objects(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 10, .max_total = 3);
	void **objs;

	kt_put_many(kp, 3, kt_get_many(kp, 3));
	pcpool_set_bypass(kp->core, true);
	objs = kt_get_many(kp, 3);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->allocs), 3);
	KUNIT_EXPECT_NULL(test, kt_get(kp, GFP_NOWAIT, KT_ME));
	kt_put_many(kp, 3, objs);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->frees), 3);
	pcpool_set_bypass(kp->core, false);
	kt_expect_consistent(kp);
}

static void the_worker_refills_the_reserve(struct kunit *test)
{
	unsigned int reserve = *(const unsigned int *)test->param_value;
	struct pcpool_ops ops = kt_ops;
	struct kt_pool *kp;
	void **objs;

	ops.bytes = too_large;
	kp = kt_new(test, reserve + 100, .ops = &ops, .reserve = reserve, .object_bytes = 10,
		    .max_object_bytes = 100);
	kp->alloc_fails = true;
	objs = kt_get_many(kp, reserve);
	kp->alloc_fails = false;
	kp->arg = kp;
	kt_put_many(kp, reserve, objs);
	kp->arg = NULL;
	KUNIT_EXPECT_EQ(test, kt_stats(kp).drop_oversize, reserve);
	kt_settle(kp);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).idle_reserve, reserve);
	kt_expect_consistent(kp);
	kt_destroy(kp);
}

/* Object to put during an allocation that then fails. */
static void *put_during_alloc;

static void *put_and_fail(gfp_t gfp, void *ctx)
{
	struct kt_pool *kp = ctx;
	void *obj = put_during_alloc;

	if (!obj)
		return kt_ops.alloc(gfp, ctx);
	put_during_alloc = NULL;
	kp->arg = kp;
	kt_put(kp, obj, KT_ME);
	kp->arg = NULL;
	return NULL;
}

/* The free counted the pending allocation as an object, and did not schedule the worker. */
static void a_failed_alloc_does_not_prevent_the_refill(struct kunit *test)
{
	struct pcpool_ops ops = kt_ops;
	struct kt_pool *kp;
	void *obj;

	ops.alloc = put_and_fail;
	ops.bytes = too_large;
	kp = kt_new(test, 10, .ops = &ops, .reserve = 1, .object_bytes = 10,
		    .max_object_bytes = 100);
	put_during_alloc = take_the_reserve(kp);
	kp->alloc_fails = false;
	obj = kt_get(kp, GFP_NOWAIT, KT_ME);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).drop_oversize, 1);
	/* The worker may already have allocated an object. */
	if (obj)
		kt_put(kp, obj, KT_ME);
	kt_settle(kp);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).idle_reserve, 1);
	kt_expect_consistent(kp);
	kt_destroy(kp);
}

static void prefill_refills_a_reserve_of_max_idle_objects(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 10, .reserve = 4, .max_idle = 4);
	void **objs;

	kp->alloc_fails = true;
	objs = kt_get_many(kp, 4);
	kp->alloc_fails = false;
	KUNIT_EXPECT_EQ(test, pcpool_prefill(kp->pool, GFP_KERNEL, 3), 3);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).idle_reserve, 3);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->frees), 0);
	/* There is room for one more object. */
	KUNIT_EXPECT_EQ(test, pcpool_prefill(kp->pool, GFP_KERNEL, 3), 1);
	kt_put_many(kp, 4, objs);
	kt_expect_consistent(kp);
}

static void a_prefill_wakes_a_waiter(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 10, .reserve = 1, .max_idle = 1);
	struct kt_gang *gang = kt_gang_new(test);
	struct waiters *waiters = new_waiters(test, kp);
	unsigned long began;
	void *first;

	first = take_the_reserve(kp);
	add_waiter(gang, waiters);
	WRITE_ONCE(kp->alloc_fails, false);
	began = jiffies;
	KUNIT_EXPECT_EQ(test, pcpool_prefill(kp->pool, GFP_KERNEL, 1), 1);
	KUNIT_ASSERT_FALSE(test, IS_ERR(result(waiters, 0)));
	KUNIT_EXPECT_LT(test, jiffies - began, 2 * HZ);
	kt_put(kp, waiters->result[0], KT_ME);
	kt_put(kp, first, KT_ME);
	kt_gang_join(gang);
	kt_expect_consistent(kp);
}

/* No later get or put notices that memory is available again. */
static void the_worker_retries_to_refill_the_reserve(struct kunit *test)
{
	unsigned long end = jiffies + EVENT_TIMEOUT;
	struct pcpool_ops ops = kt_ops;
	struct kt_pool *kp;

	ops.bytes = too_large;
	kp = kt_new(test, 10, .ops = &ops, .reserve = 1, .object_bytes = 10,
		    .max_object_bytes = 100);
	kp->arg = kp;
	kt_put(kp, take_the_reserve(kp), KT_ME);
	kp->arg = NULL;
	kt_settle(kp);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).idle_reserve, 0);
	WRITE_ONCE(kp->alloc_fails, false);
	while (!kt_stats(kp).idle_reserve && time_before(jiffies, end))
		schedule_timeout_uninterruptible(HZ / 10);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).idle_reserve, 1);
	/* Destroy the pool while a retry is pending. */
	if (kt_stats(kp).idle_reserve) {
		kp->arg = kp;
		kt_put(kp, take_the_reserve(kp), KT_ME);
		kt_settle(kp);
	}
	kt_destroy(kp);
}

/* A freed object makes memory available. With a reserve, only the free can tell the waiters. */
static void a_freed_object_lets_a_waiter_retry(struct kunit *test)
{
	struct pcpool_ops ops = kt_ops;
	void *first, *other, *obj;
	struct kt_gang *gang;
	unsigned long began;
	struct kt_pool *kp;
	struct waiters *waiters;

	ops.bytes = too_large;
	kp = kt_new(test, 10, .ops = &ops, .reserve = 1, .object_bytes = 10,
		    .max_object_bytes = 100);
	gang = kt_gang_new(test);
	waiters = new_waiters(test, kp);
	other = kt_get(kp, GFP_KERNEL, KT_ME);
	KUNIT_ASSERT_NOT_NULL(test, other);
	first = take_the_reserve(kp);
	add_waiter(gang, waiters);
	schedule_timeout_uninterruptible(HZ / 10);
	WRITE_ONCE(kp->alloc_fails, false);
	began = jiffies;
	kp->arg = kp;
	kt_put(kp, other, KT_ME);
	kp->arg = NULL;
	obj = result(waiters, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(obj));
	KUNIT_EXPECT_LE(test, jiffies - began, 4 * HZ);
	kt_put(kp, obj, KT_ME);
	kt_put(kp, first, KT_ME);
	kt_gang_join(gang);
	kt_expect_consistent(kp);
	kt_destroy(kp);
}

/* Fail once, and do not return until @end. */
static void *alloc_slowly_and_fail(gfp_t gfp, void *ctx)
{
	struct kt_pool *kp = ctx;
	struct slow_alloc *slow = READ_ONCE(kp->arg);

	if (!slow)
		return kt_ops.alloc(gfp, ctx);
	WRITE_ONCE(kp->arg, NULL);
	complete(&slow->started);
	wait_for_completion(&slow->end);
	return NULL;
}

/*
 * A waiter that may allocate leaves the wait queue. If its allocation fails, it must
 * find an object that was put in between.
 */
static void a_waiter_looks_again_after_a_failed_alloc(struct kunit *test)
{
	struct pcpool_ops ops = kt_ops;
	struct slow_alloc slow;
	struct kt_gang *gang;
	struct kt_pool *kp;
	struct waiters *waiters;
	void **objs, *obj;

	ops.alloc = alloc_slowly_and_fail;
	kp = kt_new(test, 10, .ops = &ops, .max_total = 2);
	gang = kt_gang_new(test);
	waiters = new_waiters(test, kp);
	objs = kt_get_many(kp, 2);
	add_waiter(gang, waiters);
	init_completion(&slow.started);
	init_completion(&slow.end);
	kp->arg = &slow;
	/* One object is freed, so the waiter may allocate another. */
	pcpool_set_bypass(kp->core, true);
	kt_put(kp, objs[0], KT_ME);
	pcpool_set_bypass(kp->core, false);
	if (!wait_for_completion_timeout(&slow.started, EVENT_TIMEOUT))
		KUNIT_FAIL(test, "the waiter does not allocate");
	kt_put(kp, objs[1], KT_ME);
	complete(&slow.end);
	obj = result(waiters, 0);
	KUNIT_EXPECT_PTR_EQ(test, obj, objs[1]);
	if (!IS_ERR_OR_NULL(obj))
		kt_put(kp, obj, KT_ME);
	kt_gang_join(gang);
	kt_expect_consistent(kp);
	kt_destroy(kp);
}

struct deferred_put {
	struct kt_pool *kp;
	void *obj;
};

static void put_object(void *arg)
{
	struct deferred_put *put = arg;

	kt_put(put->kp, put->obj, KT_ME);
}

/* A waiter may depend on the quota of an object that is queued for freeing. */
static void deferred_frees_do_not_wait_for_aging(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 10, .max_idle = 1);
	void **objs = kt_get_many(kp, 3);
	unsigned long end = jiffies + EVENT_TIMEOUT;
	unsigned int i;

	kt_put(kp, objs[0], KT_ME);
	/* Simulate an aging pass that waits for CPU hotplug. */
	mutex_lock(&kp->core->age_lock);
	for (i = 1; i < 3; i++) {
		struct deferred_put put = { kp, objs[i] };

		kt_run_in(test, KT_HARDIRQ_TIMER, put_object, &put);
		while (atomic_read(&kp->frees) < i && time_before(jiffies, end))
			schedule_timeout_uninterruptible(1);
		KUNIT_EXPECT_EQ(test, atomic_read(&kp->frees), i);
		/* Wait until the worker blocks on the lock. */
		schedule_timeout_uninterruptible(HZ / 10);
	}
	mutex_unlock(&kp->core->age_lock);
	kt_expect_consistent(kp);
}

/* --- While a reserve is allocated ------------------------------------------------ */

static struct slow_alloc slow_reserve;
/* The allocation was completed by the other thread, and did not time out. */
static bool completed;

static void *alloc_slowly(gfp_t gfp, void *ctx)
{
	complete(&slow_reserve.started);
	completed = wait_for_completion_timeout(&slow_reserve.end, EVENT_TIMEOUT);
	return kmalloc(10, gfp);
}

static void free_memory(void *obj, void *ctx)
{
	kfree(obj);
}

static const struct pcpool_ops slow_ops = { .alloc = alloc_slowly, .free = free_memory };

/* Like a module that is loaded on behalf of ops->alloc. */
static void create_second(struct kt_worker *worker)
{
	static const struct pcpool_params params = {
		.name = "kunit-twins", .ops = &slow_ops, .object_bytes = 10 };
	struct pcpool **pool = worker->arg;

	wait_for_completion(&slow_reserve.started);
	*pool = pcpool_create(&params);
	complete(&slow_reserve.end);
	worker->done = KT_MINIMUM;
}

static void the_pool_created_first_gets_the_name(struct kunit *test)
{
	static const struct pcpool_params params = {
		.name = "kunit-twins", .ops = &slow_ops, .object_bytes = 10, .reserve = 1 };
	struct kt_gang *gang = kt_gang_new(test);
	struct pcpool *slow, *second = NULL;

	init_completion(&slow_reserve.started);
	init_completion(&slow_reserve.end);
	kt_gang_add(gang, -1, create_second, &second);
	kt_gang_start(gang, 0);
	slow = pcpool_create(&params);
	kt_gang_join(gang);
	KUNIT_EXPECT_TRUE(test, completed);
	KUNIT_EXPECT_PTR_EQ(test, slow, ERR_PTR(-EEXIST));
	KUNIT_EXPECT_NOT_ERR_OR_NULL(test, second);
	pcpool_destroy(slow);
	pcpool_destroy(second);
}

/* Forward progress when memory is exhausted, as mempool guarantees it. */
static void get_and_put(struct kt_worker *worker)
{
	struct kt_pool *kp = worker->arg;
	void *obj;

	while (kt_keep_running(worker)) {
		obj = kt_get(kp, GFP_KERNEL, worker->holder);
		if (!obj) {
			kt_violation(kp, "a get that may wait returned NULL");
			continue;
		}
		if (!kt_random(worker, 8))
			cond_resched();
		kt_put(kp, obj, worker->holder);
		kt_progress(worker);
	}
}

static void a_reserve_of_4_serves_8_threads_without_memory(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 4, .reserve = 4);
	struct kt_gang *gang = kt_gang_new(test);
	unsigned int i;

	kp->alloc_fails = true;
	for (i = 0; i < 8; i++)
		kt_gang_add(gang, -1, get_and_put, kp);
	kt_gang_start(gang, CONTENTION_MS);
	kt_gang_join(gang);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->allocs), 4);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).idle_reserve, 4);
	kt_expect_consistent(kp);
}

/*
 * Forward progress under fault injection: each allocation of these threads fails,
 * including those of pcpool itself. The objects are real memory.
 */
static void *real_alloc(gfp_t gfp, void *ctx)
{
	return kmalloc(100, gfp);
}

static void real_free(void *obj, void *ctx)
{
	kfree(obj);
}

static const struct pcpool_ops real_ops = { .alloc = real_alloc, .free = real_free };

struct starved {
	struct pcpool *pool;
	atomic_t gets;
	atomic_t failed;
};

static void fail_my_allocations(bool fail)
{
#ifdef CONFIG_FAULT_INJECTION
	current->make_it_fail = fail;
#endif
}

/* Is fault injection set up, as run-in-guest does? */
static bool allocations_fail(void)
{
	void *mem;

	fail_my_allocations(true);
	mem = kmalloc(100, GFP_KERNEL | __GFP_NOWARN);
	fail_my_allocations(false);
	kfree(mem);
	return !mem;
}

static void use_starved(struct kt_worker *worker)
{
	struct starved *starved = worker->arg;
	void *obj;

	fail_my_allocations(true);
	while (kt_keep_running(worker)) {
		obj = pcpool_get(starved->pool, GFP_KERNEL | __GFP_NOWARN);
		kt_progress(worker);
		if (!obj) {
			atomic_inc(&starved->failed);
			continue;
		}
		atomic_inc(&starved->gets);
		memset(obj, worker->holder, 100);
		cond_resched();
		if (((char *)obj)[99] != (char)worker->holder)
			WARN_ONCE(1, "an object has two owners\n");
		pcpool_put(starved->pool, obj);
	}
	fail_my_allocations(false);
}

static const unsigned int starved_reserves[] = { 4, 0 };

static void gets_use_only_the_reserve_under_fault_injection(struct kunit *test)
{
	unsigned int reserve = *(const unsigned int *)test->param_value;
	const struct pcpool_params params = {
		.name = "kunit-starved", .ops = &real_ops, .object_bytes = 100,
		.reserve = reserve,
	};
	struct pcpool_pool_stats s;
	struct starved *starved;
	struct kt_gang *gang;
	unsigned int i;

	if (!allocations_fail())
		kunit_skip(test, "needs fault injection: see run-in-guest");
	starved = kunit_kzalloc(test, sizeof(*starved), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, starved);
	starved->pool = pcpool_create(&params);
	KUNIT_ASSERT_FALSE(test, IS_ERR(starved->pool));
	gang = kt_gang_new(test);
	for (i = 0; i < 4; i++)
		kt_gang_add(gang, -1, use_starved, starved);
	kt_gang_start(gang, CONTENTION_MS);
	kt_gang_join(gang);
	pcpool_stats(starved->pool, &s);
	KUNIT_EXPECT_EQ(test, s.allocs, reserve);
	KUNIT_EXPECT_EQ(test, s.frees, 0);
	KUNIT_EXPECT_EQ(test, s.outstanding, 0);
	KUNIT_EXPECT_EQ(test, s.idle_reserve, reserve);
	if (reserve) {
		KUNIT_EXPECT_GT(test, atomic_read(&starved->gets), 0);
		KUNIT_EXPECT_EQ(test, atomic_read(&starved->failed), 0);
	} else {
		KUNIT_EXPECT_EQ(test, atomic_read(&starved->gets), 0);
		KUNIT_EXPECT_EQ(test, s.alloc_fail, atomic_read(&starved->failed));
	}
	kunit_info(test, "%d gets, %d failed", atomic_read(&starved->gets),
		   atomic_read(&starved->failed));
	pcpool_destroy(starved->pool);
}

static void starved_reserve_desc(const unsigned int *reserve, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "reserve %u", *reserve);
}

KUNIT_ARRAY_PARAM(starved_reserve, starved_reserves, starved_reserve_desc);

static void without_a_reserve_each_get_fails_cleanly(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 4);
	unsigned int i;

	kp->alloc_fails = true;
	for (i = 0; i < 100; i++)
		KUNIT_EXPECT_NULL(test, kt_get(kp, GFP_KERNEL, KT_ME));
	KUNIT_EXPECT_PTR_EQ(test, pcpool_get_timeout(kp->pool, GFP_KERNEL, HZ),
			    ERR_PTR(-ENOMEM));
	KUNIT_EXPECT_EQ(test, kt_stats(kp).alloc_fail, 101);
	kt_expect_consistent(kp);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(objects_never_exceed_the_quota, quota_gen_params),
	KUNIT_CASE_PARAM(a_get_finds_idle_objects_of_all_cpus, quota_gen_params),
	KUNIT_CASE_PARAM(freed_objects_make_room_in_the_quota, quota_gen_params),
	KUNIT_CASE_PARAM(a_failed_alloc_uses_no_quota, quota_gen_params),
	KUNIT_CASE_PARAM(a_bulk_get_returns_what_is_available, quota_gen_params),
	KUNIT_CASE_PARAM(a_put_wakes_the_first_waiter, setting_gen_params),
	KUNIT_CASE_PARAM(a_put_from_any_context_wakes_a_waiter, context_gen_params),
	KUNIT_CASE_PARAM(a_put_on_another_cpu_wakes_a_waiter, setting_gen_params),
	KUNIT_CASE(a_bulk_put_wakes_waiters),
	KUNIT_CASE_PARAM(a_dropped_put_wakes_a_waiter, setting_gen_params),
	KUNIT_CASE_PARAM(waiters_are_served_in_fifo_order, setting_gen_params),
	KUNIT_CASE_PARAM(a_later_caller_does_not_overtake_a_waiter, setting_gen_params),
	KUNIT_CASE_PARAM(a_timeout_ends_a_wait, setting_gen_params),
	KUNIT_CASE_PARAM(a_fatal_signal_ends_a_wait, setting_gen_params),
	KUNIT_CASE_PARAM_ATTR(no_caller_waits_while_an_object_is_idle, contention_setup_gen_params,
			      { .speed = KUNIT_SPEED_SLOW }),
	KUNIT_CASE_PARAM(the_reserve_is_allocated_at_creation, reserve_gen_params),
	KUNIT_CASE(creation_fails_if_the_reserve_cannot_be_allocated),
	KUNIT_CASE_PARAM(aging_and_gets_do_not_use_up_the_reserve, reserve_gen_params),
	KUNIT_CASE_PARAM(gets_use_the_reserve_when_alloc_fails, reserve_gen_params),
	KUNIT_CASE_PARAM(puts_refill_the_reserve_first, reserve_gen_params),
	KUNIT_CASE_PARAM(prefill_refills_the_reserve_first, reserve_gen_params),
	KUNIT_CASE_SLOW(a_waiter_retries_the_allocation_by_itself),
	KUNIT_CASE(a_waiter_whose_alloc_fails_respects_its_timeout),
	KUNIT_CASE(waiters_keep_fifo_order_when_alloc_fails),
	KUNIT_CASE(without_quota_a_new_caller_may_allocate),
	KUNIT_CASE_SLOW(a_successful_retry_wakes_all_waiters),
	KUNIT_CASE_SLOW(a_waiter_does_not_spin),
	KUNIT_CASE_SLOW(an_object_allocated_too_late_is_not_a_get),
	KUNIT_CASE(a_later_caller_allocates_for_the_first_waiter),
	KUNIT_CASE(an_object_allocated_during_destroy_is_freed),
	KUNIT_CASE(a_bypassed_pool_at_its_quota_uses_idle_objects),
	KUNIT_CASE_PARAM(the_worker_refills_the_reserve, reserve_gen_params),
	KUNIT_CASE_SLOW(the_worker_retries_to_refill_the_reserve),
	KUNIT_CASE(a_failed_alloc_does_not_prevent_the_refill),
	KUNIT_CASE(prefill_refills_a_reserve_of_max_idle_objects),
	KUNIT_CASE(a_prefill_wakes_a_waiter),
	KUNIT_CASE(a_freed_object_lets_a_waiter_retry),
	KUNIT_CASE(a_waiter_looks_again_after_a_failed_alloc),
	KUNIT_CASE(deferred_frees_do_not_wait_for_aging),
	KUNIT_CASE(the_pool_created_first_gets_the_name),
	KUNIT_CASE_SLOW(a_reserve_of_4_serves_8_threads_without_memory),
	KUNIT_CASE_PARAM(gets_use_only_the_reserve_under_fault_injection,
			 starved_reserve_gen_params),
	KUNIT_CASE(without_a_reserve_each_get_fails_cleanly),
	{ }
};

/* Here no caller passes a waiter; pass_kunit.c tests when it may. */
static int suite_init(struct kunit_suite *suite)
{
	WRITE_ONCE(pcpool_wait_pass_ns, 0);
	return 0;
}

static void suite_exit(struct kunit_suite *suite)
{
	WRITE_ONCE(pcpool_wait_pass_ns, NSEC_PER_MSEC);
}

static struct kunit_suite suite = {
	.name = "pcpool_quota",
	.suite_init = suite_init,
	.suite_exit = suite_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
