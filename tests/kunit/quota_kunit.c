// SPDX-License-Identifier: GPL-2.0
/*
 * max_total, the waiting for an object that it brings, and the reserve. Who waits is a
 * thread of its own, a gang of one; the test thread holds the objects and puts them.
 */
#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "common.h"

/* For what must happen, and for what must not. */
#define SOON		(30 * HZ)
#define A_WHILE_MS	50

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

static void no_more_exist_than_the_quota(struct kunit *test)
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
	kt_expect_sound(kp);
}

/* Whatever CPU they are on, and whatever the steal policy says. */
static void what_is_idle_anywhere_can_be_got(struct kunit *test)
{
	unsigned int quota = *(const unsigned int *)test->param_value;
	struct kt_pool *kp = kt_new(test, quota + 10, .max_total = quota,
				    .steal = PCPOOL_STEAL_NONE);
	int here = kt_cpu(test, 0), there = kt_cpu(test, 1);

	kt_on(test, there);
	kt_put_many(kp, quota, kt_get_many(kp, quota));
	kt_on(test, here);
	kt_put_many(kp, quota, kt_get_many(kp, quota));
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->allocs), quota);
	kt_expect_sound(kp);
}

static void what_is_unmade_makes_room(struct kunit *test)
{
	unsigned int quota = *(const unsigned int *)test->param_value;
	struct kt_pool *kp = kt_new(test, quota + 10, .max_total = quota);

	kt_put_many(kp, quota, kt_get_many(kp, quota));
	KUNIT_EXPECT_EQ(test, pcpool_drain(kp->pool), quota);
	kt_put_many(kp, quota, kt_get_many(kp, quota));
	kt_expect_sound(kp);
}

static void a_failed_alloc_takes_up_no_room(struct kunit *test)
{
	unsigned int quota = *(const unsigned int *)test->param_value;
	struct kt_pool *kp = kt_new(test, quota + 10, .max_total = quota);

	kp->alloc_fails = true;
	KUNIT_EXPECT_NULL(test, kt_get(kp, GFP_KERNEL, KT_ME));
	KUNIT_EXPECT_PTR_EQ(test, pcpool_get_timeout(kp->pool, GFP_KERNEL, HZ), ERR_PTR(-ENOMEM));
	kp->alloc_fails = false;
	kt_put_many(kp, quota, kt_get_many(kp, quota));
	kt_expect_sound(kp);
}

static void a_bulk_get_takes_what_there_is(struct kunit *test)
{
	unsigned int quota = *(const unsigned int *)test->param_value;
	struct kt_pool *kp = kt_new(test, quota + 10, .max_total = quota);
	void **objs = kunit_kcalloc(test, quota + 10, sizeof(*objs), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, objs);
	/* And does not wait for the rest. */
	KUNIT_EXPECT_EQ(test, kt_get_bulk(kp, GFP_KERNEL, quota + 10, objs, KT_ME), quota);
	kt_put_bulk(kp, quota, objs, KT_ME);
	KUNIT_EXPECT_EQ(test, idle(kp), quota);
	kt_expect_sound(kp);
}

/* --- Waiting --------------------------------------------------------------- */

/**
 * struct line - those who wait
 * @kp: the pool
 * @kill: what they get may be ended by SIGKILL
 * @timeout: in jiffies; 0: pcpool_get()
 * @served: how many have got something
 * @result: what each has got, by his place in the line
 * @turn: when he got it, 1: first
 */
struct line {
	struct kt_pool *kp;
	bool kill;
	unsigned long timeout;
	atomic_t served;
	void *result[KT_GANG_MAX];
	int turn[KT_GANG_MAX];
};

static void stand_in_line(struct kt_worker *worker)
{
	struct line *line = worker->arg;
	unsigned int i = worker - worker->gang->worker;
	void *obj;

	if (line->kill)
		allow_signal(SIGKILL);
	if (line->timeout)
		obj = pcpool_get_timeout(line->kp->pool, GFP_KERNEL, line->timeout);
	else
		obj = pcpool_get(line->kp->pool, GFP_KERNEL);
	if (!IS_ERR(obj))
		kt_got(line->kp, obj, KT_ME);
	line->turn[i] = atomic_inc_return(&line->served);
	smp_store_release(&line->result[i], obj); /* pairs with result() */
	/* The gang asks for it. */
	worker->done = KT_MINIMUM;
}

static struct line *new_line(struct kunit *test, struct kt_pool *kp)
{
	struct line *line = kunit_kzalloc(test, sizeof(*line), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, line);
	line->kp = kp;
	return line;
}

static bool wait_for(struct kt_pool *kp, unsigned int waiting)
{
	unsigned long end = jiffies + SOON;

	while (kt_stats(kp).waiting != waiting) {
		if (time_after(jiffies, end))
			return false;
		schedule_timeout_uninterruptible(1);
	}
	return true;
}

static void *result(struct line *line, unsigned int i)
{
	unsigned long end = jiffies + SOON;
	void *obj;

	while (!(obj = smp_load_acquire(&line->result[i]))) { /* pairs with stand_in_line() */
		if (time_after(jiffies, end)) {
			KUNIT_FAIL(line->kp->test, "still waiting");
			return ERR_PTR(-ETIME);
		}
		schedule_timeout_uninterruptible(1);
	}
	return obj;
}

/* One more in the line, who is waiting when this returns. */
static void line_up(struct kt_gang *gang, struct line *line)
{
	unsigned int waiting = kt_stats(line->kp).waiting;

	kt_gang_add(gang, -1, stand_in_line, line);
	if (gang->nr == 1)
		kt_gang_start(gang, 0);
	KUNIT_ASSERT_TRUE(gang->test, wait_for(line->kp, waiting + 1));
}

/* All that waiting is tested with, few and many objects: on the shelf, and in queues. */
struct setting {
	const char *name;
	struct pcpool_params params;
};

static const struct setting settings[] = {
	{ "1 object", { .max_total = 1 } },
	{ "3 objects", { .max_total = 3 } },
	{ "1000 objects", { .max_total = 1000 } },
	{ "1000 objects, one of them in reserve", { .max_total = 1000, .reserve = 1 } },
	{ "1000 objects, 10 of them idle", { .max_total = 1000, .max_idle = 10 } },
	{ "3 objects, which nobody steals", { .max_total = 3, .steal = PCPOOL_STEAL_NONE } },
	{ "1000 objects, which nobody steals",
	  { .max_total = 1000, .steal = PCPOOL_STEAL_NONE } },
};

KUNIT_ARRAY_PARAM_DESC(setting, settings, name);

struct waiting {
	struct kt_pool *kp;
	struct kt_gang *gang;
	struct line *line;
	unsigned int n;
	void **objs;
};

/* A pool whose objects we hold, all of them, so that whoever comes has to wait. */
static struct waiting *new_waiting_with(struct kunit *test, const struct pcpool_params *params)
{
	struct waiting *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, w);
	w->n = params->max_total;
	w->kp = kt_pool_new(test, w->n + 10, params);
	w->objs = kt_get_many(w->kp, w->n);
	w->line = new_line(test, w->kp);
	w->gang = kt_gang_new(test);
	return w;
}

static struct waiting *new_waiting(struct kunit *test)
{
	const struct setting *setting = test->param_value;

	return new_waiting_with(test, &setting->params);
}

static void put_next(struct waiting *w)
{
	kt_put(w->kp, w->objs[--w->n], KT_ME);
}

static void end_waiting(struct waiting *w)
{
	while (w->n)
		put_next(w);
	kt_gang_join(w->gang);
	KUNIT_EXPECT_EQ(w->kp->test, kt_stats(w->kp).waiting, 0);
	kt_expect_sound(w->kp);
}

static void a_put_serves_who_waits(struct kunit *test)
{
	struct waiting *w = new_waiting(test);
	void *obj;

	line_up(w->gang, w->line);
	msleep(A_WHILE_MS);
	KUNIT_EXPECT_EQ(test, atomic_read(&w->line->served), 0);
	put_next(w);
	obj = result(w->line, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(obj));
	KUNIT_EXPECT_EQ(test, kt_stats(w->kp).waits, 1);
	kt_put(w->kp, obj, KT_ME);
	end_waiting(w);
}

static void put_here(void *arg)
{
	put_next(arg);
}

static void a_put_from_any_context_serves_who_waits(struct kunit *test)
{
	static const struct pcpool_params few = { .max_total = 2 }, many = { .max_total = 500 };
	const struct kt_context_param *param = test->param_value;
	struct waiting *w;
	void *obj;
	int i;

	for (i = 0; i < 2; i++) {
		w = new_waiting_with(test, i ? &many : &few);
		line_up(w->gang, w->line);
		kt_run_in(test, param->context, put_here, w);
		obj = result(w->line, 0);
		KUNIT_ASSERT_FALSE(test, IS_ERR(obj));
		kt_put(w->kp, obj, KT_ME);
		end_waiting(w);
		kt_end(w->kp);
	}
}

KUNIT_ARRAY_PARAM(context, kt_contexts, kt_context_desc);

static void a_put_on_any_cpu_serves_who_waits(struct kunit *test)
{
	struct waiting *w = new_waiting(test);
	int here = kt_cpu(test, 0), there = kt_cpu(test, 1);
	void *obj;

	kt_on(test, here);
	kt_gang_add(w->gang, there, stand_in_line, w->line);
	kt_gang_start(w->gang, 0);
	KUNIT_ASSERT_TRUE(test, wait_for(w->kp, 1));
	put_next(w);
	obj = result(w->line, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(obj));
	kt_put(w->kp, obj, KT_ME);
	end_waiting(w);
}

static void a_bulk_put_serves_who_wait(struct kunit *test)
{
	static const struct pcpool_params params = { .max_total = 100 };
	struct waiting *w = new_waiting_with(test, &params);
	unsigned int i;
	void *obj;

	for (i = 0; i < 3; i++)
		line_up(w->gang, w->line);
	w->n -= 50;
	kt_put_bulk(w->kp, 50, w->objs + w->n, KT_ME);
	for (i = 0; i < 3; i++) {
		obj = result(w->line, i);
		KUNIT_ASSERT_FALSE(test, IS_ERR(obj));
		kt_put(w->kp, obj, KT_ME);
	}
	end_waiting(w);
}

/* That is no object for him, but he may make one. */
static void a_dropped_put_serves_who_waits(struct kunit *test)
{
	struct waiting *w = new_waiting(test);
	void *obj;

	line_up(w->gang, w->line);
	pcpool_set_bypass(w->kp->core, true);
	/* The first may go to the reserve. */
	put_next(w);
	obj = result(w->line, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(obj));
	kt_put(w->kp, obj, KT_ME);
	end_waiting(w);
}

static void first_come_first_served(struct kunit *test)
{
	struct waiting *w = new_waiting(test);
	unsigned int i;
	void *obj;

	for (i = 0; i < 8; i++)
		line_up(w->gang, w->line);
	for (i = 0; i < 8; i++) {
		/* One of ours, or the one that was got last. */
		put_next(w);
		obj = result(w->line, i);
		KUNIT_ASSERT_FALSE(test, IS_ERR(obj));
		KUNIT_EXPECT_EQ(test, w->line->turn[i], i + 1);
		KUNIT_EXPECT_EQ(test, kt_stats(w->kp).waiting, 7 - i);
		w->objs[w->n++] = obj;
	}
	end_waiting(w);
}

static void who_comes_later_gets_nothing_meanwhile(struct kunit *test)
{
	struct waiting *w = new_waiting(test);
	void *obj;

	line_up(w->gang, w->line);
	KUNIT_EXPECT_NULL(test, kt_get(w->kp, GFP_NOWAIT, KT_ME));
	KUNIT_EXPECT_NULL(test, kt_try_get(w->kp, KT_ME));
	KUNIT_EXPECT_PTR_EQ(test, pcpool_get_timeout(w->kp->pool, GFP_NOWAIT, 1),
			    ERR_PTR(-EAGAIN));
	put_next(w);
	obj = result(w->line, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(obj));
	kt_put(w->kp, obj, KT_ME);
	end_waiting(w);
}

static void a_timeout_ends_the_waiting(struct kunit *test)
{
	struct waiting *w = new_waiting(test);
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
	kt_gang_add(w->gang, -1, stand_in_line, w->line);
	kt_gang_start(w->gang, 0);
	KUNIT_ASSERT_TRUE(test, wait_for(w->kp, 1));
	put_next(w);
	kt_put(w->kp, result(w->line, 0), KT_ME);
	end_waiting(w);
}

/* Also of one in the middle of the line: those behind him are served in their turn. */
static void a_fatal_signal_ends_the_waiting(struct kunit *test)
{
	struct waiting *w = new_waiting(test);
	void *obj;

	w->line->kill = true;
	w->line->timeout = MAX_SCHEDULE_TIMEOUT;
	line_up(w->gang, w->line);
	line_up(w->gang, w->line);
	line_up(w->gang, w->line);
	send_sig(SIGKILL, w->gang->worker[1].task, 1);
	KUNIT_EXPECT_PTR_EQ(test, result(w->line, 1), ERR_PTR(-EINTR));
	KUNIT_EXPECT_EQ(test, kt_stats(w->kp).waiting, 2);
	put_next(w);
	obj = result(w->line, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(obj));
	kt_put(w->kp, obj, KT_ME);
	obj = result(w->line, 2);
	KUNIT_ASSERT_FALSE(test, IS_ERR(obj));
	kt_put(w->kp, obj, KT_ME);
	end_waiting(w);
}

/*
 * --- On all CPUs at once: nobody waits while there is something ---
 *
 * More threads than objects; all get, with and without waiting, and put. One looks: if somebody
 * waits and something is idle, that must be over at once. And all get on.
 */
struct crowd {
	struct kt_pool *kp;
	unsigned long quota;
	unsigned int hold;
	atomic_long_t existing;
	unsigned long looks;
	unsigned long waits_seen;
};

static void count_existing(struct kt_pool *kp, enum kt_callback callback, struct kt_obj *obj)
{
	struct crowd *crowd = kp->arg;

	if (callback == KT_FREE)
		atomic_long_dec(&crowd->existing);
	if (callback == KT_ALLOC && atomic_long_inc_return(&crowd->existing) > crowd->quota)
		kt_broken(kp, "more exist than may");
}

/* Who holds something must not wait for more for ever: others do the same. */
static void *crowd_get(struct crowd *crowd, struct kt_worker *worker, bool hold)
{
	void *obj;

	switch (kt_random(worker, 8)) {
	case 0:
		return pcpool_get(crowd->kp->pool, GFP_NOWAIT);
	case 1:
		hold = true;
		break;
	}
	if (!hold) {
		obj = pcpool_get(crowd->kp->pool, GFP_KERNEL);
		if (!obj)
			kt_broken(crowd->kp, "a get that waits came back with nothing");
		return obj;
	}
	obj = pcpool_get_timeout(crowd->kp->pool, GFP_KERNEL, kt_random(worker, 3));
	if (IS_ERR(obj) && obj != ERR_PTR(-ETIMEDOUT))
		kt_broken(crowd->kp, "an error that should not be");
	return IS_ERR(obj) ? NULL : obj;
}

#define HOLD_MAX	64u

static void crowd_use(struct kt_worker *worker)
{
	struct crowd *crowd = worker->arg;
	struct kt_pool *kp = crowd->kp;
	unsigned int held = 0, hold;
	void *objs[HOLD_MAX], *obj;

	while (kt_goes_on(worker)) {
		hold = 1 + kt_random(worker, crowd->hold);
		while (held < hold) {
			obj = kt_got(kp, crowd_get(crowd, worker, held), worker->who);
			if (!obj)
				break;
			objs[held++] = obj;
		}
		if (!kt_random(worker, 16))
			schedule_timeout_uninterruptible(1);
		if (held)
			kt_did(worker);
		while (held)
			kt_put(kp, objs[--held], worker->who);
	}
}

/* So long somebody may wait beside an idle object: his CPU may have other things to do. */
#define BESIDE		(10 * HZ)

static void crowd_look(struct kt_worker *worker)
{
	struct crowd *crowd = worker->arg;
	unsigned long since = jiffies, waits = 0;
	struct pcpool_pool_stats s;

	while (kt_goes_on(worker)) {
		s = kt_stats(crowd->kp);
		crowd->waits_seen += !!s.waiting;
		/* If the line moves, it is another who waits, and another object. */
		if (!s.waiting || !s.idle_main || s.waits + s.gets != waits)
			since = jiffies;
		waits = s.waits + s.gets;
		if (time_after(jiffies, since + BESIDE)) {
			kt_broken(crowd->kp, "somebody waits beside an idle object");
			since = jiffies;
		}
		if (!(++crowd->looks % 1000))
			pcpool_age(crowd->kp->pool);
		kt_did(worker);
	}
}

struct crowding {
	const char *name;
	unsigned int objects;
	struct pcpool_params params;
};

static const struct crowding crowdings[] = {
	{ "1 object", 1, { .max_total = 1 } },
	{ "3 objects", 3, { .max_total = 3 } },
	{ "10 objects", 10, { .max_total = 10 } },
	{ "100 objects", 100, { .max_total = 100 } },
	{ "100 objects, which nobody steals", 100,
	  { .max_total = 100, .steal = PCPOOL_STEAL_NONE } },
	{ "100 objects, 50 in reserve", 100, { .max_total = 100, .reserve = 50 } },
	{ "3 objects, 1 in reserve", 3, { .max_total = 3, .reserve = 1 } },
	{ "4 objects, all in reserve", 4, { .reserve = 4 } },
	{ "5 objects, 3 idle, 2 in reserve", 5, { .max_total = 5, .max_idle = 3, .reserve = 2 } },
};

KUNIT_ARRAY_PARAM_DESC(crowding, crowdings, name);

#define CROWD_MS	300

static void nobody_waits_beside_an_idle_object(struct kunit *test)
{
	const struct crowding *crowding = test->param_value;
	struct crowd *crowd;
	struct kt_gang *gang;
	unsigned int i;
	int cpu;

	crowd = kunit_kzalloc(test, sizeof(*crowd), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, crowd);
	crowd->quota = crowding->params.max_total ?: ULONG_MAX;
	/* If the quota does not limit them, ops->alloc does. */
	crowd->kp = kt_pool_new(test, crowding->objects, &crowding->params);
	atomic_long_set(&crowd->existing, crowding->params.reserve);
	crowd->kp->arg = crowd;
	crowd->kp->hook = count_existing;
	gang = kt_gang_new(test);
	for (i = 0; i < 2; i++) {
		for_each_online_cpu(cpu) {
			if (gang->nr < KT_GANG_MAX - 1)
				kt_gang_add(gang, cpu, crowd_use, crowd);
		}
	}
	/* So many that there are not enough for all. */
	crowd->hold = clamp(2 * crowding->objects / gang->nr, 1u, HOLD_MAX);
	kt_gang_add(gang, -1, crowd_look, crowd);
	kt_gang_start(gang, CROWD_MS);
	kt_gang_join(gang);
	kt_expect_sound(crowd->kp);
	KUNIT_EXPECT_EQ(test, kt_stats(crowd->kp).waiting, 0);
	kunit_info(test, "%lu looks, somebody waiting in %lu; %llu waits of %llu gets",
		   crowd->looks, crowd->waits_seen, kt_stats(crowd->kp).waits,
		   kt_stats(crowd->kp).gets);
	crowd->kp->hook = NULL;
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

static void the_reserve_is_made_at_creation(struct kunit *test)
{
	unsigned int reserve = *(const unsigned int *)test->param_value;
	struct kt_pool *kp = new_reserve(test);

	KUNIT_EXPECT_EQ(test, atomic_read(&kp->allocs), reserve);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).idle_reserve, reserve);
	KUNIT_EXPECT_EQ(test, idle(kp), reserve);
	kt_expect_sound(kp);
	/* And it is looked whether it has been freed. */
	kt_end(kp);
}

static void *make_three(gfp_t gfp, void *ctx)
{
	unsigned int *made = ctx;

	return *made < 3 ? &made[(*made)++] : NULL;
}

static void unmake_one(void *obj, void *ctx)
{
	(*(unsigned int *)ctx)--;
}

static void a_reserve_that_cannot_be_made_fails_the_creation(struct kunit *test)
{
	static const struct pcpool_ops ops = { .alloc = make_three, .free = unmake_one };
	unsigned int made[4] = { };
	struct pcpool_params params = {
		.name = "kunit-no-reserve", .ops = &ops, .ctx = made, .object_bytes = 1,
		.reserve = 4,
	};
	struct pcpool *pool = pcpool_create(&params);

	KUNIT_EXPECT_PTR_EQ(test, pool, ERR_PTR(-ENOMEM));
	if (!IS_ERR(pool))
		pcpool_destroy(pool);
	KUNIT_EXPECT_EQ(test, made[0], 0);
}

static void nothing_takes_the_reserve_away(struct kunit *test)
{
	unsigned int reserve = *(const unsigned int *)test->param_value;
	struct kt_pool *kp = new_reserve(test);

	kt_make_idle(kp, 100);
	KUNIT_EXPECT_EQ(test, pcpool_drain(kp->pool), 100);
	KUNIT_EXPECT_EQ(test, idle(kp), reserve);
	KUNIT_EXPECT_EQ(test, pcpool_age(kp->pool), 0);
	KUNIT_EXPECT_EQ(test, pcpool_age(kp->pool), 0);
	/* The shrinker does not even see it. */
	KUNIT_EXPECT_EQ(test, kt_count(kp), SHRINK_EMPTY);
	kt_scan(kp, 1000);
	KUNIT_EXPECT_EQ(test, idle(kp), reserve);
	/* Nor does a get that can be served otherwise. */
	kt_put_many(kp, 100, kt_get_many(kp, 100));
	KUNIT_EXPECT_EQ(test, kt_stats(kp).idle_reserve, reserve);
	KUNIT_EXPECT_EQ(test, idle(kp), reserve + 100);
	kt_expect_sound(kp);
}

static void the_reserve_serves_when_no_object_can_be_made(struct kunit *test)
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
	kt_expect_sound(kp);
}

static void the_reserve_is_filled_up_first(struct kunit *test)
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
	kt_expect_sound(kp);
}

/* Nobody puts these: what is idle goes to the reserve all the same. */
static void prefill_fills_up_the_reserve_first(struct kunit *test)
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
	kt_expect_sound(kp);
}

/* The one object of a reserve of one; and no more can be made, until the caller lets it. */
static void *take_the_reserve(struct kt_pool *kp)
{
	void *obj;

	kp->alloc_fails = true;
	obj = kt_get(kp, GFP_KERNEL, KT_ME);
	KUNIT_ASSERT_NOT_NULL(kp->test, obj);
	return obj;
}

static void who_waits_for_the_reserve_gets_on_when_there_is_memory(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 10, .reserve = 1);
	struct kt_gang *gang = kt_gang_new(test);
	struct line *line = new_line(test, kp);
	void *mine, *obj;

	mine = take_the_reserve(kp);
	line_up(gang, line);
	WRITE_ONCE(kp->alloc_fails, false);
	/* Nobody puts anything: he tries again by himself. */
	obj = result(line, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(obj));
	kt_put(kp, obj, KT_ME);
	kt_put(kp, mine, KT_ME);
	kt_gang_join(gang);
	kt_expect_sound(kp);
}

/* There is room within the quota, but no memory, and the reserve is out. */
static void who_cannot_make_one_waits_for_his_time_only(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 10, .max_total = 5, .reserve = 1);
	struct kt_gang *gang = kt_gang_new(test);
	struct line *line = new_line(test, kp);
	void *mine, *obj;

	mine = take_the_reserve(kp);
	KUNIT_EXPECT_NULL(test, kt_get(kp, GFP_NOWAIT, KT_ME));
	KUNIT_EXPECT_PTR_EQ(test, pcpool_get_timeout(kp->pool, GFP_KERNEL, HZ / 10),
			    ERR_PTR(-ETIMEDOUT));
	KUNIT_EXPECT_PTR_EQ(test, pcpool_get_timeout(kp->pool, GFP_KERNEL, 0),
			    ERR_PTR(-ETIMEDOUT));
	line->kill = true;
	line->timeout = MAX_SCHEDULE_TIMEOUT;
	line_up(gang, line);
	line_up(gang, line);
	msleep(A_WHILE_MS);
	/* They do not try all the time. */
	KUNIT_EXPECT_LE(test, atomic_read(&kp->failed_allocs), 20);
	send_sig(SIGKILL, gang->worker[1].task, 1);
	KUNIT_EXPECT_PTR_EQ(test, result(line, 1), ERR_PTR(-EINTR));
	kt_put(kp, mine, KT_ME);
	obj = result(line, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(obj));
	kt_put(kp, obj, KT_ME);
	kt_gang_join(gang);
	kp->alloc_fails = false;
	kt_expect_sound(kp);
}

/* Also those who have tried in vain to make an object, and so have left the line for a moment. */
static void the_line_keeps_its_order_when_nothing_can_be_made(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 20, .max_total = 8, .reserve = 1);
	struct kt_gang *gang = kt_gang_new(test);
	struct line *line = new_line(test, kp);
	void *mine, *obj;
	unsigned int i;

	mine = take_the_reserve(kp);
	for (i = 0; i < 4; i++)
		line_up(gang, line);
	for (i = 0; i < 4; i++) {
		kt_put(kp, mine, KT_ME);
		obj = result(line, i);
		KUNIT_ASSERT_FALSE(test, IS_ERR(obj));
		KUNIT_EXPECT_EQ(test, line->turn[i], i + 1);
		mine = obj;
	}
	kt_put(kp, mine, KT_ME);
	kt_gang_join(gang);
	kp->alloc_fails = false;
	kt_expect_sound(kp);
}

/* Where there is no quota, one more object takes nothing away from those who wait. */
static void a_newcomer_may_make_one_beside_the_line(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 10, .reserve = 1);
	struct kt_gang *gang = kt_gang_new(test);
	struct line *line = new_line(test, kp);
	void *mine, *other, *obj;

	mine = take_the_reserve(kp);
	line_up(gang, line);
	WRITE_ONCE(kp->alloc_fails, false);
	other = kt_get(kp, GFP_NOWAIT, KT_ME);
	KUNIT_EXPECT_NOT_NULL(test, other);
	kt_put(kp, mine, KT_ME);
	obj = result(line, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(obj));
	kt_put(kp, obj, KT_ME);
	if (other)
		kt_put(kp, other, KT_ME);
	kt_gang_join(gang);
	kt_expect_sound(kp);
}

/* When one gets memory again, he tells the others: not each has to wait for his time. */
static void memory_for_one_is_memory_for_all(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 20, .reserve = 1);
	struct kt_gang *gang = kt_gang_new(test);
	struct line *line = new_line(test, kp);
	unsigned long began;
	unsigned int i;
	void *mine;

	mine = take_the_reserve(kp);
	for (i = 0; i < 8; i++) {
		line_up(gang, line);
		/* So that their times are far apart. */
		schedule_timeout_uninterruptible(HZ / 10);
	}
	WRITE_ONCE(kp->alloc_fails, false);
	KUNIT_ASSERT_FALSE(test, IS_ERR(result(line, 0)));
	began = jiffies;
	for (i = 1; i < 8; i++)
		KUNIT_ASSERT_FALSE(test, IS_ERR(result(line, i)));
	KUNIT_EXPECT_LE(test, jiffies - began, 4 * HZ);
	for (i = 0; i < 8; i++)
		kt_put(kp, line->result[i], KT_ME);
	kt_put(kp, mine, KT_ME);
	kt_gang_join(gang);
	kt_expect_sound(kp);
}

/* Objects that are put too large are freed, even those of the reserve; it is made up for. */
static size_t too_large(const void *obj, void *ctx)
{
	struct kt_pool *kp = ctx;

	return READ_ONCE(kp->arg) ? 1000 : 1;
}

/* An alloc that takes until it is told to end. */
struct slow_alloc {
	struct completion begun;
	struct completion end;
};

static void be_slow(struct kt_pool *kp, enum kt_callback callback, struct kt_obj *obj)
{
	struct slow_alloc *slow = kp->arg;

	if (callback != KT_ALLOC)
		return;
	WRITE_ONCE(kp->hook, NULL);
	complete(&slow->begun);
	wait_for_completion(&slow->end);
}

static struct slow_alloc *make_slow(struct kt_pool *kp)
{
	struct slow_alloc *slow = kunit_kzalloc(kp->test, sizeof(*slow), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(kp->test, slow);
	init_completion(&slow->begun);
	init_completion(&slow->end);
	kp->arg = slow;
	WRITE_ONCE(kp->hook, be_slow);
	return slow;
}

/* Not even when another one has just taken the last place in the quota. */
static void who_waits_does_not_take_up_a_cpu(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 10, .max_total = 2, .reserve = 1);
	struct kt_gang *gang = kt_gang_new(test);
	struct line *line = new_line(test, kp);
	struct slow_alloc *slow;
	void *mine, *obj;
	u64 before, took;

	mine = take_the_reserve(kp);
	line_up(gang, line);
	slow = make_slow(kp);
	WRITE_ONCE(kp->alloc_fails, false);
	/* The first tries again, and is about to succeed, when the second comes. */
	if (!wait_for_completion_timeout(&slow->begun, SOON))
		KUNIT_FAIL(test, "he does not try again");
	line_up(gang, line);
	complete(&slow->end);
	obj = result(line, 0);
	before = READ_ONCE(gang->worker[1].task->se.sum_exec_runtime);
	msleep(10 * A_WHILE_MS);
	took = READ_ONCE(gang->worker[1].task->se.sum_exec_runtime) - before;
	KUNIT_EXPECT_LT(test, took, 2 * A_WHILE_MS * NSEC_PER_MSEC);
	KUNIT_EXPECT_EQ(test, atomic_read(&line->served), 1);
	kt_put(kp, mine, KT_ME);
	KUNIT_ASSERT_FALSE(test, IS_ERR(result(line, 1)));
	kt_put(kp, line->result[1], KT_ME);
	kt_put(kp, obj, KT_ME);
	kt_gang_join(gang);
	kt_expect_sound(kp);
}

/* He was served while he tried again: what he makes is for nobody. */
static void what_is_made_too_late_is_no_get(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 10, .reserve = 1);
	struct kt_gang *gang = kt_gang_new(test);
	struct line *line = new_line(test, kp);
	struct slow_alloc *slow;
	void *mine;

	mine = take_the_reserve(kp);
	line_up(gang, line);
	slow = make_slow(kp);
	WRITE_ONCE(kp->alloc_fails, false);
	if (!wait_for_completion_timeout(&slow->begun, SOON))
		KUNIT_FAIL(test, "he does not try again");
	kt_put(kp, mine, KT_ME);
	KUNIT_EXPECT_TRUE(test, wait_for(kp, 0));
	complete(&slow->end);
	KUNIT_ASSERT_FALSE(test, IS_ERR(result(line, 0)));
	kt_put(kp, line->result[0], KT_ME);
	kt_gang_join(gang);
	kt_expect_sound(kp);
}

/* Who has failed to make one keeps his place, also when another one does not fail. */
static void who_comes_later_makes_one_for_the_first(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 10, .max_total = 2, .reserve = 1);
	struct kt_gang *gang = kt_gang_new(test);
	struct line *line = new_line(test, kp);
	void *mine;

	mine = take_the_reserve(kp);
	line_up(gang, line);
	WRITE_ONCE(kp->alloc_fails, false);
	kt_gang_add(gang, -1, stand_in_line, line);
	KUNIT_ASSERT_FALSE(test, IS_ERR(result(line, 0)));
	KUNIT_EXPECT_EQ(test, line->turn[0], 1);
	KUNIT_EXPECT_TRUE(test, wait_for(kp, 1));
	kt_put(kp, mine, KT_ME);
	KUNIT_ASSERT_FALSE(test, IS_ERR(result(line, 1)));
	KUNIT_EXPECT_EQ(test, line->turn[1], 2);
	kt_put(kp, line->result[0], KT_ME);
	kt_put(kp, line->result[1], KT_ME);
	kt_gang_join(gang);
	kt_expect_sound(kp);
}

static void end_it_soon(struct kt_worker *worker)
{
	struct slow_alloc *slow = worker->arg;

	msleep(A_WHILE_MS);
	complete(&slow->end);
	worker->done = KT_MINIMUM;
}

/* The worker, which makes up for one that was lost. */
static void an_object_made_while_the_pool_is_destroyed_is_freed(struct kunit *test)
{
	struct kt_gang *gang = kt_gang_new(test);
	struct pcpool_ops ops = kt_ops;
	struct slow_alloc *slow;
	struct kt_pool *kp;
	void *mine;

	ops.bytes = too_large;
	kp = kt_new(test, 10, .ops = &ops, .reserve = 1, .object_bytes = 10,
		    .max_object_bytes = 100);
	mine = take_the_reserve(kp);
	slow = make_slow(kp);
	kp->alloc_fails = false;
	/* As it has an arg now, it is too large. */
	kt_put(kp, mine, KT_ME);
	KUNIT_ASSERT_TRUE(test, wait_for_completion_timeout(&slow->begun, SOON));
	kt_gang_add(gang, -1, end_it_soon, slow);
	kt_gang_start(gang, 0);
	pcpool_destroy(kp->pool);
	kp->pool = NULL;
	kt_expect_freed(kp, 0);
	kt_gang_join(gang);
}

static void a_bypassed_pool_at_its_quota_serves_what_is_idle(struct kunit *test)
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
	kt_expect_sound(kp);
}

static void what_the_reserve_loses_is_made_again(struct kunit *test)
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
	kt_expect_sound(kp);
	kt_end(kp);
}

/* What was put while another one was being made, which it then was not. */
static void *late;

static void *put_late_and_fail(gfp_t gfp, void *ctx)
{
	struct kt_pool *kp = ctx;
	void *obj = late;

	if (!obj)
		return kt_ops.alloc(gfp, ctx);
	late = NULL;
	kp->arg = kp;
	kt_put(kp, obj, KT_ME);
	kp->arg = NULL;
	return NULL;
}

/* Who unmade one took the other for made, and so for enough. */
static void what_the_reserve_lacks_after_a_failure_is_made(struct kunit *test)
{
	struct pcpool_ops ops = kt_ops;
	struct kt_pool *kp;
	void *obj;

	ops.alloc = put_late_and_fail;
	ops.bytes = too_large;
	kp = kt_new(test, 10, .ops = &ops, .reserve = 1, .object_bytes = 10,
		    .max_object_bytes = 100);
	late = take_the_reserve(kp);
	kp->alloc_fails = false;
	obj = kt_get(kp, GFP_NOWAIT, KT_ME);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).drop_oversize, 1);
	/* The worker may be as fast as that. */
	if (obj)
		kt_put(kp, obj, KT_ME);
	kt_settle(kp);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).idle_reserve, 1);
	kt_expect_sound(kp);
	kt_end(kp);
}

static void what_is_made_ahead_is_for_the_reserve_first(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 10, .reserve = 4, .max_idle = 4);
	void **objs;

	kp->alloc_fails = true;
	objs = kt_get_many(kp, 4);
	kp->alloc_fails = false;
	KUNIT_EXPECT_EQ(test, pcpool_prefill(kp->pool, GFP_KERNEL, 3), 3);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).idle_reserve, 3);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->frees), 0);
	/* There is room for one more. */
	KUNIT_EXPECT_EQ(test, pcpool_prefill(kp->pool, GFP_KERNEL, 3), 1);
	kt_put_many(kp, 4, objs);
	kt_expect_sound(kp);
}

static void what_is_made_ahead_serves_who_waits(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 10, .reserve = 1, .max_idle = 1);
	struct kt_gang *gang = kt_gang_new(test);
	struct line *line = new_line(test, kp);
	unsigned long began;
	void *mine;

	mine = take_the_reserve(kp);
	line_up(gang, line);
	WRITE_ONCE(kp->alloc_fails, false);
	began = jiffies;
	KUNIT_EXPECT_EQ(test, pcpool_prefill(kp->pool, GFP_KERNEL, 1), 1);
	KUNIT_ASSERT_FALSE(test, IS_ERR(result(line, 0)));
	KUNIT_EXPECT_LT(test, jiffies - began, 2 * HZ);
	kt_put(kp, line->result[0], KT_ME);
	kt_put(kp, mine, KT_ME);
	kt_gang_join(gang);
	kt_expect_sound(kp);
}

/* Nobody gets or puts any more, who would notice that there is memory again. */
static void what_the_reserve_loses_is_made_again_later(struct kunit *test)
{
	unsigned long end = jiffies + SOON;
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
	/* Gone while it means to try again. */
	if (kt_stats(kp).idle_reserve) {
		kp->arg = kp;
		kt_put(kp, take_the_reserve(kp), KT_ME);
		kt_settle(kp);
	}
	kt_end(kp);
}

/* An object that is freed is memory for the next; in a reserve nobody else would say so. */
static void what_is_freed_lets_who_waits_try_again(struct kunit *test)
{
	struct pcpool_ops ops = kt_ops;
	void *mine, *other, *obj;
	struct kt_gang *gang;
	unsigned long began;
	struct kt_pool *kp;
	struct line *line;

	ops.bytes = too_large;
	kp = kt_new(test, 10, .ops = &ops, .reserve = 1, .object_bytes = 10,
		    .max_object_bytes = 100);
	gang = kt_gang_new(test);
	line = new_line(test, kp);
	other = kt_get(kp, GFP_KERNEL, KT_ME);
	KUNIT_ASSERT_NOT_NULL(test, other);
	mine = take_the_reserve(kp);
	line_up(gang, line);
	schedule_timeout_uninterruptible(HZ / 10);
	WRITE_ONCE(kp->alloc_fails, false);
	began = jiffies;
	kp->arg = kp;
	kt_put(kp, other, KT_ME);
	kp->arg = NULL;
	obj = result(line, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(obj));
	KUNIT_EXPECT_LE(test, jiffies - began, 4 * HZ);
	kt_put(kp, obj, KT_ME);
	kt_put(kp, mine, KT_ME);
	kt_gang_join(gang);
	kt_expect_sound(kp);
	kt_end(kp);
}

/* Once, and it takes until it is told to end. */
static void *alloc_in_vain(gfp_t gfp, void *ctx)
{
	struct kt_pool *kp = ctx;
	struct slow_alloc *slow = READ_ONCE(kp->arg);

	if (!slow)
		return kt_ops.alloc(gfp, ctx);
	WRITE_ONCE(kp->arg, NULL);
	complete(&slow->begun);
	wait_for_completion(&slow->end);
	return NULL;
}

/* Who may make one has left the line: what is put while he tries in vain is not for him only. */
static void who_makes_one_in_vain_looks_again(struct kunit *test)
{
	struct pcpool_ops ops = kt_ops;
	struct slow_alloc slow;
	struct kt_gang *gang;
	struct kt_pool *kp;
	struct line *line;
	void **objs, *obj;

	ops.alloc = alloc_in_vain;
	kp = kt_new(test, 10, .ops = &ops, .max_total = 2);
	gang = kt_gang_new(test);
	line = new_line(test, kp);
	objs = kt_get_many(kp, 2);
	line_up(gang, line);
	init_completion(&slow.begun);
	init_completion(&slow.end);
	kp->arg = &slow;
	/* One is freed, so he may make another. */
	pcpool_set_bypass(kp->core, true);
	kt_put(kp, objs[0], KT_ME);
	pcpool_set_bypass(kp->core, false);
	if (!wait_for_completion_timeout(&slow.begun, SOON))
		KUNIT_FAIL(test, "he does not try");
	kt_put(kp, objs[1], KT_ME);
	complete(&slow.end);
	obj = result(line, 0);
	KUNIT_EXPECT_PTR_EQ(test, obj, objs[1]);
	if (!IS_ERR_OR_NULL(obj))
		kt_put(kp, obj, KT_ME);
	kt_gang_join(gang);
	kt_expect_sound(kp);
	kt_end(kp);
}

struct put_later {
	struct kt_pool *kp;
	void *obj;
};

static void put_it(void *arg)
{
	struct put_later *put = arg;

	kt_put(put->kp, put->obj, KT_ME);
}

/* Whoever waits for the place of one that is to be freed may have others wait for him. */
static void what_is_doomed_is_freed_whoever_ages(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 10, .max_idle = 1);
	void **objs = kt_get_many(kp, 3);
	unsigned long end = jiffies + SOON;
	unsigned int i;

	kt_put(kp, objs[0], KT_ME);
	/* As one who ages, and waits for a CPU to come up. */
	mutex_lock(&kp->core->age_lock);
	for (i = 1; i < 3; i++) {
		struct put_later put = { kp, objs[i] };

		kt_run_in(test, KT_HARDIRQ_TIMER, put_it, &put);
		while (atomic_read(&kp->frees) < i && time_before(jiffies, end))
			schedule_timeout_uninterruptible(1);
		KUNIT_EXPECT_EQ(test, atomic_read(&kp->frees), i);
		/* Until the worker waits. */
		schedule_timeout_uninterruptible(HZ / 10);
	}
	mutex_unlock(&kp->core->age_lock);
	kt_expect_sound(kp);
}

/* --- While a reserve is made ---------------------------------------------------- */

static struct slow_alloc making;
/* He was told to go on, and had not to give up. */
static bool was_told;

static void *alloc_slowly(gfp_t gfp, void *ctx)
{
	complete(&making.begun);
	was_told = wait_for_completion_timeout(&making.end, SOON);
	return kmalloc(10, gfp);
}

static void free_quickly(void *obj, void *ctx)
{
	kfree(obj);
}

static const struct pcpool_ops slow_ops = { .alloc = alloc_slowly, .free = free_quickly };

/* As a module that is loaded because of ops->alloc. */
static void make_one_too(struct kt_worker *worker)
{
	static const struct pcpool_params params = {
		.name = "kunit-twins", .ops = &slow_ops, .object_bytes = 10 };
	struct pcpool **pool = worker->arg;

	wait_for_completion(&making.begun);
	*pool = pcpool_create(&params);
	complete(&making.end);
	worker->done = KT_MINIMUM;
}

static void the_name_is_his_who_is_faster(struct kunit *test)
{
	static const struct pcpool_params params = {
		.name = "kunit-twins", .ops = &slow_ops, .object_bytes = 10, .reserve = 1 };
	struct kt_gang *gang = kt_gang_new(test);
	struct pcpool *slow, *quick = NULL;

	init_completion(&making.begun);
	init_completion(&making.end);
	kt_gang_add(gang, -1, make_one_too, &quick);
	kt_gang_start(gang, 0);
	slow = pcpool_create(&params);
	kt_gang_join(gang);
	KUNIT_EXPECT_TRUE(test, was_told);
	KUNIT_EXPECT_PTR_EQ(test, slow, ERR_PTR(-EEXIST));
	KUNIT_EXPECT_NOT_ERR_OR_NULL(test, quick);
	pcpool_destroy(slow);
	pcpool_destroy(quick);
}

/* Forward progress when memory is exhausted: what mempool promises. */
static void serve_for_ever(struct kt_worker *worker)
{
	struct kt_pool *kp = worker->arg;
	void *obj;

	while (kt_goes_on(worker)) {
		obj = kt_get(kp, GFP_KERNEL, worker->who);
		if (!obj) {
			kt_broken(kp, "a get that waits came back with nothing");
			continue;
		}
		if (!kt_random(worker, 8))
			cond_resched();
		kt_put(kp, obj, worker->who);
		kt_did(worker);
	}
}

static void four_in_reserve_serve_all_while_every_alloc_fails(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 4, .reserve = 4);
	struct kt_gang *gang = kt_gang_new(test);
	unsigned int i;

	kp->alloc_fails = true;
	for (i = 0; i < 8; i++)
		kt_gang_add(gang, -1, serve_for_ever, kp);
	kt_gang_start(gang, CROWD_MS);
	kt_gang_join(gang);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->allocs), 4);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).idle_reserve, 4);
	kt_expect_sound(kp);
}

/*
 * The same with fault injection: what fails is each allocation of these threads, pcpool's own
 * too. The objects are real memory.
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
	atomic_t empty_handed;
};

static void fail_my_allocations(bool fail)
{
#ifdef CONFIG_FAULT_INJECTION
	current->make_it_fail = fail;
#endif
}

/* Has somebody set up what run-in-guest does? */
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
	while (kt_goes_on(worker)) {
		obj = pcpool_get(starved->pool, GFP_KERNEL | __GFP_NOWARN);
		kt_did(worker);
		if (!obj) {
			atomic_inc(&starved->empty_handed);
			continue;
		}
		atomic_inc(&starved->gets);
		memset(obj, worker->who, 100);
		cond_resched();
		if (((char *)obj)[99] != (char)worker->who)
			WARN_ONCE(1, "an object has two owners\n");
		pcpool_put(starved->pool, obj);
	}
	fail_my_allocations(false);
}

static const unsigned int starvings[] = { 4, 0 };

static void all_allocations_fail(struct kunit *test)
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
	kt_gang_start(gang, CROWD_MS);
	kt_gang_join(gang);
	pcpool_stats(starved->pool, &s);
	KUNIT_EXPECT_EQ(test, s.allocs, reserve);
	KUNIT_EXPECT_EQ(test, s.frees, 0);
	KUNIT_EXPECT_EQ(test, s.outstanding, 0);
	KUNIT_EXPECT_EQ(test, s.idle_reserve, reserve);
	if (reserve) {
		KUNIT_EXPECT_GT(test, atomic_read(&starved->gets), 0);
		KUNIT_EXPECT_EQ(test, atomic_read(&starved->empty_handed), 0);
	} else {
		KUNIT_EXPECT_EQ(test, atomic_read(&starved->gets), 0);
		KUNIT_EXPECT_EQ(test, s.alloc_fail, atomic_read(&starved->empty_handed));
	}
	kunit_info(test, "%d gets, %d in vain", atomic_read(&starved->gets),
		   atomic_read(&starved->empty_handed));
	pcpool_destroy(starved->pool);
}

static void starving_desc(const unsigned int *reserve, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "reserve %u", *reserve);
}

KUNIT_ARRAY_PARAM(starving, starvings, starving_desc);

static void without_reserve_each_get_fails_cleanly(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 4);
	unsigned int i;

	kp->alloc_fails = true;
	for (i = 0; i < 100; i++)
		KUNIT_EXPECT_NULL(test, kt_get(kp, GFP_KERNEL, KT_ME));
	KUNIT_EXPECT_PTR_EQ(test, pcpool_get_timeout(kp->pool, GFP_KERNEL, HZ),
			    ERR_PTR(-ENOMEM));
	KUNIT_EXPECT_EQ(test, kt_stats(kp).alloc_fail, 101);
	kt_expect_sound(kp);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(no_more_exist_than_the_quota, quota_gen_params),
	KUNIT_CASE_PARAM(what_is_idle_anywhere_can_be_got, quota_gen_params),
	KUNIT_CASE_PARAM(what_is_unmade_makes_room, quota_gen_params),
	KUNIT_CASE_PARAM(a_failed_alloc_takes_up_no_room, quota_gen_params),
	KUNIT_CASE_PARAM(a_bulk_get_takes_what_there_is, quota_gen_params),
	KUNIT_CASE_PARAM(a_put_serves_who_waits, setting_gen_params),
	KUNIT_CASE_PARAM(a_put_from_any_context_serves_who_waits, context_gen_params),
	KUNIT_CASE_PARAM(a_put_on_any_cpu_serves_who_waits, setting_gen_params),
	KUNIT_CASE(a_bulk_put_serves_who_wait),
	KUNIT_CASE_PARAM(a_dropped_put_serves_who_waits, setting_gen_params),
	KUNIT_CASE_PARAM(first_come_first_served, setting_gen_params),
	KUNIT_CASE_PARAM(who_comes_later_gets_nothing_meanwhile, setting_gen_params),
	KUNIT_CASE_PARAM(a_timeout_ends_the_waiting, setting_gen_params),
	KUNIT_CASE_PARAM(a_fatal_signal_ends_the_waiting, setting_gen_params),
	KUNIT_CASE_PARAM_ATTR(nobody_waits_beside_an_idle_object, crowding_gen_params,
			      { .speed = KUNIT_SPEED_SLOW }),
	KUNIT_CASE_PARAM(the_reserve_is_made_at_creation, reserve_gen_params),
	KUNIT_CASE(a_reserve_that_cannot_be_made_fails_the_creation),
	KUNIT_CASE_PARAM(nothing_takes_the_reserve_away, reserve_gen_params),
	KUNIT_CASE_PARAM(the_reserve_serves_when_no_object_can_be_made, reserve_gen_params),
	KUNIT_CASE_PARAM(the_reserve_is_filled_up_first, reserve_gen_params),
	KUNIT_CASE_PARAM(prefill_fills_up_the_reserve_first, reserve_gen_params),
	KUNIT_CASE_SLOW(who_waits_for_the_reserve_gets_on_when_there_is_memory),
	KUNIT_CASE(who_cannot_make_one_waits_for_his_time_only),
	KUNIT_CASE(the_line_keeps_its_order_when_nothing_can_be_made),
	KUNIT_CASE(a_newcomer_may_make_one_beside_the_line),
	KUNIT_CASE_SLOW(memory_for_one_is_memory_for_all),
	KUNIT_CASE_SLOW(who_waits_does_not_take_up_a_cpu),
	KUNIT_CASE_SLOW(what_is_made_too_late_is_no_get),
	KUNIT_CASE(who_comes_later_makes_one_for_the_first),
	KUNIT_CASE(an_object_made_while_the_pool_is_destroyed_is_freed),
	KUNIT_CASE(a_bypassed_pool_at_its_quota_serves_what_is_idle),
	KUNIT_CASE_PARAM(what_the_reserve_loses_is_made_again, reserve_gen_params),
	KUNIT_CASE_SLOW(what_the_reserve_loses_is_made_again_later),
	KUNIT_CASE(what_the_reserve_lacks_after_a_failure_is_made),
	KUNIT_CASE(what_is_made_ahead_is_for_the_reserve_first),
	KUNIT_CASE(what_is_made_ahead_serves_who_waits),
	KUNIT_CASE(what_is_freed_lets_who_waits_try_again),
	KUNIT_CASE(who_makes_one_in_vain_looks_again),
	KUNIT_CASE(what_is_doomed_is_freed_whoever_ages),
	KUNIT_CASE(the_name_is_his_who_is_faster),
	KUNIT_CASE_SLOW(four_in_reserve_serve_all_while_every_alloc_fails),
	KUNIT_CASE_PARAM(all_allocations_fail, starving_gen_params),
	KUNIT_CASE(without_reserve_each_get_fails_cleanly),
	{ }
};

static struct kunit_suite suite = {
	.name = "pcpool_quota",
	.test_cases = cases,
};

kunit_test_suite(suite);
