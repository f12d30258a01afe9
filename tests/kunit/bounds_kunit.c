// SPDX-License-Identifier: GPL-2.0
/*
 * max_idle: there are never more idle objects on all CPUs together, and the pool makes
 * use of the bound. Tests both a small max_idle, with which idle objects are in the
 * shared array, and a large one, with which a quarter may be set aside for each CPU's use.
 */
#include <linux/mm.h>

#include "common.h"

struct bound {
	unsigned int max_idle;
	unsigned int reserve;
};

static const struct bound bounds[] = {
	{ 1 }, { 3 }, { 10 }, { 33 }, { 1000 }, { 1, 1 }, { 3, 1 }, { 10, 10 }, { 1000, 10 },
};

static void bound_desc(const struct bound *bound, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "max_idle %u, reserve %u", bound->max_idle,
		 bound->reserve);
}

KUNIT_ARRAY_PARAM(bound, bounds, bound_desc);

/* Number of objects beyond the bound. */
#define BEYOND	100u

static struct kt_pool *new_pool(struct kunit *test)
{
	const struct bound *bound = test->param_value;

	return kt_new(test, 2 * (bound->max_idle + BEYOND), .max_idle = bound->max_idle,
		      .reserve = bound->reserve);
}

static unsigned int idle(struct kt_pool *kp)
{
	struct pcpool_pool_stats s = kt_stats(kp);

	return s.idle_main + s.idle_victim;
}

/* Does the pool hold as many objects as one CPU can make it hold? */
static void expect_full(struct kt_pool *kp, unsigned int idle)
{
	const struct bound *bound = kp->test->param_value;

	KUNIT_EXPECT_LE(kp->test, idle, bound->max_idle);
	if (kp->core->has_credit)
		KUNIT_EXPECT_GE(kp->test, 4 * idle, 3 * bound->max_idle);
	else
		KUNIT_EXPECT_EQ(kp->test, idle, bound->max_idle);
}

/* Put more objects than may be idle, all on this CPU. */
static void put_beyond_bound(struct kt_pool *kp, unsigned int n)
{
	unsigned long dropped;
	unsigned int before, after;
	void **objs;

	objs = kt_get_many(kp, n);
	before = idle(kp);
	dropped = kt_stats(kp).drop_full;
	kt_put_many(kp, n, objs);
	after = idle(kp);
	expect_full(kp, after);
	KUNIT_EXPECT_EQ(kp->test, kt_stats(kp).drop_full - dropped, before + n - after);
	kt_expect_consistent(kp);
}

static void objects_beyond_the_bound_are_dropped(struct kunit *test)
{
	const struct bound *bound = test->param_value;
	struct kt_pool *kp = new_pool(test);

	put_beyond_bound(kp, bound->max_idle + BEYOND);
	/* Again, with a full pool. */
	put_beyond_bound(kp, bound->max_idle + BEYOND);
}

/* No CPU keeps more credits than it may that another CPU could use. */
static void each_cpu_can_use_the_bound(struct kunit *test)
{
	const struct bound *bound = test->param_value;
	struct kt_pool *kp = new_pool(test);
	unsigned int nth;

	for (nth = 0; nth < num_online_cpus(); nth++) {
		kt_move_to(test, kt_cpu(test, nth));
		put_beyond_bound(kp, bound->max_idle + BEYOND);
	}
}

static void a_get_makes_room_for_one_put(struct kunit *test)
{
	struct kt_pool *kp = new_pool(test);
	const struct bound *bound = test->param_value;
	void *obj, *two[2];

	put_beyond_bound(kp, bound->max_idle + BEYOND);
	two[0] = kt_get(kp, GFP_KERNEL, KT_ME);
	obj = pcpool_try_get(kp->pool);
	two[1] = obj ? kt_note_get(kp, obj, KT_ME) : kt_get(kp, GFP_KERNEL, KT_ME);
	kt_put(kp, two[0], KT_ME);
	kt_put(kp, two[1], KT_ME);
	expect_full(kp, idle(kp));
	kt_expect_consistent(kp);
}

static void aging_makes_room_for_puts(struct kunit *test)
{
	const struct bound *bound = test->param_value;
	struct kt_pool *kp = new_pool(test);
	unsigned int full;

	put_beyond_bound(kp, bound->max_idle + BEYOND);
	full = idle(kp);
	KUNIT_EXPECT_EQ(test, pcpool_age(kp->pool), 0);
	KUNIT_EXPECT_EQ(test, idle(kp), full);
	KUNIT_EXPECT_EQ(test, pcpool_age(kp->pool), full - bound->reserve);
	KUNIT_EXPECT_EQ(test, idle(kp), bound->reserve);
	put_beyond_bound(kp, bound->max_idle + BEYOND);
	full = idle(kp);
	KUNIT_EXPECT_EQ(test, pcpool_drain(kp->pool), full - bound->reserve);
	put_beyond_bound(kp, bound->max_idle + BEYOND);
	kt_scan(kp, 3);
	KUNIT_EXPECT_LE(test, idle(kp), bound->max_idle);
	put_beyond_bound(kp, bound->max_idle + BEYOND);
}

static void prefill_stops_at_the_bound(struct kunit *test)
{
	const struct bound *bound = test->param_value;
	struct kt_pool *kp = new_pool(test);
	unsigned long n = pcpool_prefill(kp->pool, GFP_KERNEL, bound->max_idle + BEYOND);

	expect_full(kp, idle(kp));
	KUNIT_EXPECT_EQ(test, n + bound->reserve, idle(kp));
	kt_expect_consistent(kp);
}

static void bulk_puts_respect_the_bound(struct kunit *test)
{
	const struct bound *bound = test->param_value;
	struct kt_pool *kp = new_pool(test);
	unsigned int n = bound->max_idle - bound->reserve + BEYOND;
	void **objs = kt_get_many(kp, n);

	kt_put_bulk(kp, n, objs, KT_ME);
	expect_full(kp, idle(kp));
	KUNIT_EXPECT_EQ(test, kt_get_bulk(kp, GFP_KERNEL, n, objs, KT_ME), n);
	KUNIT_EXPECT_EQ(test, idle(kp), bound->reserve);
	kt_put_bulk(kp, n, objs, KT_ME);
	expect_full(kp, idle(kp));
	kt_expect_consistent(kp);
}

static void get_and_put_two(void *arg)
{
	struct kt_pool *kp = arg;
	void *a = kt_get(kp, GFP_ATOMIC, KT_HOLDERS), *b = kt_get(kp, GFP_ATOMIC, KT_HOLDERS + 1);

	if (a)
		kt_put(kp, a, KT_HOLDERS);
	if (b)
		kt_put(kp, b, KT_HOLDERS + 1);
}

static void the_bound_holds_in_every_context(struct kunit *test)
{
	const struct kt_context_param *param = test->param_value;
	struct kt_pool *kp = kt_new(test, 100, .max_idle = 1);

	kt_run_in(test, param->context, get_and_put_two, kp);
	kt_settle(kp);
	KUNIT_EXPECT_EQ(test, idle(kp), 1);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).drop_full, 1);
	kt_expect_consistent(kp);
}

KUNIT_ARRAY_PARAM(context, kt_contexts, kt_context_desc);

/* A put that must not free leaves that to the worker. Until then no get returns the object. */
static void an_object_queued_for_freeing_is_not_idle(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 10, .max_idle = 1);
	void *obj;

	kt_hold_worker(kp);
	kt_run_in(test, KT_HARDIRQ_TIMER, get_and_put_two, kp);
	KUNIT_EXPECT_EQ(test, idle(kp), 1);
	obj = kt_try_get(kp, KT_ME);
	KUNIT_EXPECT_NOT_NULL(test, obj);
	KUNIT_EXPECT_NULL(test, kt_try_get(kp, KT_ME));
	if (obj)
		kt_put(kp, obj, KT_ME);
	kt_release_worker(kp);
	kt_settle(kp);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->frees), 1);
}

/*
 * --- On all CPUs at once ---
 *
 * One word counts the objects that exist and the objects that are held, from before the get
 * until after the put. So at each moment at least the difference is idle.
 */
#define EXISTING	0x100000000ll
#define HELD		1ll
#define STRESS_MS	300

struct monitor {
	struct kt_pool *kp;
	atomic64_t count;
	unsigned long max_idle;
	unsigned int hold;
	unsigned long max_seen;
	unsigned long checks;
};

static void count_existing(struct kt_pool *kp, enum kt_callback callback, struct kt_obj *obj)
{
	struct monitor *monitor = kp->arg;

	if (callback == KT_ALLOC)
		atomic64_add(EXISTING, &monitor->count);
	else if (callback == KT_FREE)
		atomic64_sub(EXISTING, &monitor->count);
}

/* Alternate between holding no object and so many that putting them exceeds the bound. */
static void get_and_put(struct kt_worker *worker)
{
	struct monitor *monitor = worker->arg;
	unsigned int held = 0, hold = 0;
	struct kt_pool *kp = monitor->kp;
	void **objs;

	objs = kvmalloc_array(monitor->hold, sizeof(*objs), GFP_KERNEL);
	if (!objs) {
		kt_violation(kp, "out of memory");
		return;
	}
	while (kt_keep_running(worker)) {
		if (held == hold)
			hold = kt_random(worker, monitor->hold);
		for (; held < hold; held++) {
			atomic64_add(HELD, &monitor->count);
			objs[held] = kt_get(kp, GFP_KERNEL, worker->holder);
			if (!objs[held]) {
				atomic64_sub(HELD, &monitor->count);
				hold = held;
				break;
			}
		}
		while (held > hold) {
			kt_put(kp, objs[--held], worker->holder);
			atomic64_sub(HELD, &monitor->count);
		}
		kt_progress(worker);
	}
	while (held) {
		kt_put(kp, objs[--held], worker->holder);
		atomic64_sub(HELD, &monitor->count);
	}
	kvfree(objs);
}

static void check_idle(struct kt_worker *worker)
{
	struct monitor *monitor = worker->arg;
	unsigned long idle;
	s64 count;

	while (kt_keep_running(worker)) {
		count = atomic64_read(&monitor->count);
		idle = max_t(long, (count >> 32) - (u32)count, 0);
		monitor->max_seen = max(monitor->max_seen, idle);
		if (idle > monitor->max_idle)
			kt_violation(monitor->kp, "more idle objects than max_idle");
		if (!(++monitor->checks % 4096))
			pcpool_age(monitor->kp->pool);
		kt_progress(worker);
	}
}

static void idle_never_exceeds_the_bound(struct kunit *test)
{
	const struct bound *bound = test->param_value;
	struct kt_gang *gang;
	struct monitor *monitor;
	int cpu;

	monitor = kunit_kzalloc(test, sizeof(*monitor), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, monitor);
	monitor->max_idle = bound->max_idle;
	monitor->hold = 4 + 2 * bound->max_idle / num_online_cpus();
	/* The reserve is allocated before counting starts. */
	atomic64_set(&monitor->count, bound->reserve * EXISTING);
	monitor->kp = kt_new(test, 4 * bound->max_idle + 8 * KT_GANG_MAX,
			     .max_idle = bound->max_idle, .reserve = bound->reserve);
	monitor->kp->arg = monitor;
	monitor->kp->hook = count_existing;
	gang = kt_gang_new(test);
	for_each_online_cpu(cpu)
		kt_gang_add(gang, cpu, get_and_put, monitor);
	kt_gang_add(gang, -1, check_idle, monitor);
	kt_gang_start(gang, STRESS_MS);
	kt_gang_join(gang);
	kt_expect_consistent(monitor->kp);
	monitor->kp->hook = NULL;
	KUNIT_EXPECT_LE(test, idle(monitor->kp), bound->max_idle);
	kunit_info(test, "%lu checks, at most %lu of %lu idle", monitor->checks, monitor->max_seen,
		   monitor->max_idle);
	/* No credit was lost either. */
	put_beyond_bound(monitor->kp, bound->max_idle + BEYOND);
}

static void no_credit_is_lost(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 2000, .max_idle = 1000);
	unsigned int nth;

	for (nth = 0; nth < num_online_cpus(); nth++) {
		kt_move_to(test, kt_cpu(test, nth));
		kt_put_many(kp, 700, kt_get_many(kp, 700));
	}
	pcpool_drain(kp->pool);
	KUNIT_EXPECT_TRUE(test, kp->core->has_credit);
	/* Each CPU has taken those of its slots. */
	KUNIT_EXPECT_GT(test, kp->core->nr_slots, 0);
	KUNIT_EXPECT_EQ(test, pcpool_credit_count(&kp->core->credit),
			1000 - kp->core->nr_slots * num_online_cpus());
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(objects_beyond_the_bound_are_dropped, bound_gen_params),
	KUNIT_CASE_PARAM(each_cpu_can_use_the_bound, bound_gen_params),
	KUNIT_CASE_PARAM(a_get_makes_room_for_one_put, bound_gen_params),
	KUNIT_CASE_PARAM(aging_makes_room_for_puts, bound_gen_params),
	KUNIT_CASE_PARAM(prefill_stops_at_the_bound, bound_gen_params),
	KUNIT_CASE_PARAM(bulk_puts_respect_the_bound, bound_gen_params),
	KUNIT_CASE_PARAM(the_bound_holds_in_every_context, context_gen_params),
	KUNIT_CASE(an_object_queued_for_freeing_is_not_idle),
	KUNIT_CASE_PARAM_ATTR(idle_never_exceeds_the_bound, bound_gen_params,
			      { .speed = KUNIT_SPEED_SLOW }),
	KUNIT_CASE(no_credit_is_lost),
	{ }
};

static struct kunit_suite suite = {
	.name = "pcpool_bounds",
	.test_cases = cases,
};

kunit_test_suite(suite);
