// SPDX-License-Identifier: GPL-2.0
/*
 * max_idle: never more idle objects than that, on all CPUs together, and no fewer than there
 * might be. The same for a few of them, which are on the shelf, and for many, where
 * each CPU has credits at hand.
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

/* Objects beyond the bound. */
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

/* Put more than may be idle, all on this CPU. */
static void put_too_many(struct kt_pool *kp, unsigned int n)
{
	const struct bound *bound = kp->test->param_value;
	unsigned long dropped;
	unsigned int before;
	void **objs;

	objs = kt_get_many(kp, n);
	before = idle(kp);
	dropped = kt_stats(kp).drop_full;
	kt_put_many(kp, n, objs);
	KUNIT_EXPECT_EQ(kp->test, idle(kp), bound->max_idle);
	KUNIT_EXPECT_EQ(kp->test, kt_stats(kp).drop_full - dropped,
			before + n - bound->max_idle);
	kt_expect_sound(kp);
}

static void what_is_beyond_is_dropped(struct kunit *test)
{
	const struct bound *bound = test->param_value;
	struct kt_pool *kp = new_pool(test);

	put_too_many(kp, bound->max_idle + BEYOND);
	/* And again, when it is full. */
	put_too_many(kp, bound->max_idle + BEYOND);
}

/* No CPU keeps to itself what another could use. */
static void each_cpu_may_have_all(struct kunit *test)
{
	const struct bound *bound = test->param_value;
	struct kt_pool *kp = new_pool(test);
	unsigned int nth;

	for (nth = 0; nth < num_online_cpus(); nth++) {
		kt_on(test, kt_cpu(test, nth));
		put_too_many(kp, bound->max_idle + BEYOND);
	}
}

static void one_less_leaves_room_for_one(struct kunit *test)
{
	struct kt_pool *kp = new_pool(test);
	const struct bound *bound = test->param_value;
	void *obj, *two[2];

	put_too_many(kp, bound->max_idle + BEYOND);
	two[0] = kt_get(kp, GFP_KERNEL, KT_ME);
	obj = pcpool_try_get(kp->pool);
	two[1] = obj ? kt_got(kp, obj, KT_ME) : kt_get(kp, GFP_KERNEL, KT_ME);
	kt_put(kp, two[0], KT_ME);
	kt_put(kp, two[1], KT_ME);
	KUNIT_EXPECT_EQ(test, idle(kp), bound->max_idle);
	kt_expect_sound(kp);
}

static void aging_makes_room(struct kunit *test)
{
	const struct bound *bound = test->param_value;
	struct kt_pool *kp = new_pool(test);

	put_too_many(kp, bound->max_idle + BEYOND);
	KUNIT_EXPECT_EQ(test, pcpool_age(kp->pool), 0);
	KUNIT_EXPECT_EQ(test, idle(kp), bound->max_idle);
	KUNIT_EXPECT_EQ(test, pcpool_age(kp->pool), bound->max_idle - bound->reserve);
	KUNIT_EXPECT_EQ(test, idle(kp), bound->reserve);
	put_too_many(kp, bound->max_idle + BEYOND);
	KUNIT_EXPECT_EQ(test, pcpool_drain(kp->pool), bound->max_idle - bound->reserve);
	put_too_many(kp, bound->max_idle + BEYOND);
	kt_scan(kp, 3);
	KUNIT_EXPECT_LE(test, idle(kp), bound->max_idle);
	put_too_many(kp, bound->max_idle + BEYOND);
}

static void prefill_stops_at_the_bound(struct kunit *test)
{
	const struct bound *bound = test->param_value;
	struct kt_pool *kp = new_pool(test);

	KUNIT_EXPECT_EQ(test, pcpool_prefill(kp->pool, GFP_KERNEL, bound->max_idle + BEYOND),
			bound->max_idle - bound->reserve);
	KUNIT_EXPECT_EQ(test, idle(kp), bound->max_idle);
	kt_expect_sound(kp);
}

static void bulk_puts_heed_the_bound(struct kunit *test)
{
	const struct bound *bound = test->param_value;
	struct kt_pool *kp = new_pool(test);
	unsigned int n = bound->max_idle - bound->reserve + BEYOND;
	void **objs = kt_get_many(kp, n);

	kt_put_bulk(kp, n, objs, KT_ME);
	KUNIT_EXPECT_EQ(test, idle(kp), bound->max_idle);
	KUNIT_EXPECT_EQ(test, kt_get_bulk(kp, GFP_KERNEL, n, objs, KT_ME), n);
	KUNIT_EXPECT_EQ(test, idle(kp), bound->reserve);
	kt_put_bulk(kp, n, objs, KT_ME);
	KUNIT_EXPECT_EQ(test, idle(kp), bound->max_idle);
	kt_expect_sound(kp);
}

static void use_interrupted(void *arg)
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

	kt_run_in(test, param->context, use_interrupted, kp);
	kt_settle(kp);
	KUNIT_EXPECT_EQ(test, idle(kp), 1);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).drop_full, 1);
	kt_expect_sound(kp);
}

KUNIT_ARRAY_PARAM(context, kt_contexts, kt_context_desc);

/* A put that may not free leaves that to the worker; until then nobody gets the object. */
static void what_is_to_be_freed_is_not_idle(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 10, .max_idle = 1);
	void *obj;

	kt_hold_worker(kp);
	kt_run_in(test, KT_HARDIRQ_TIMER, use_interrupted, kp);
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
 * One word counts the objects that exist and those that somebody has in his hands, from before his
 * get until after his put; so at one moment, at least the difference are idle.
 */
#define EXISTING	0x100000000ll
#define IN_HAND		1ll
#define STRESS_MS	300

struct watch {
	struct kt_pool *kp;
	atomic64_t count;
	unsigned long max_idle;
	unsigned int hold;
	unsigned long most;
	unsigned long looks;
};

static void count_existing(struct kt_pool *kp, enum kt_callback callback, struct kt_obj *obj)
{
	struct watch *watch = kp->arg;

	if (callback == KT_ALLOC)
		atomic64_add(EXISTING, &watch->count);
	else if (callback == KT_FREE)
		atomic64_sub(EXISTING, &watch->count);
}

/* Between holding none and holding so many that the bound is passed on the way back. */
static void watch_use(struct kt_worker *worker)
{
	struct watch *watch = worker->arg;
	unsigned int held = 0, hold = 0;
	struct kt_pool *kp = watch->kp;
	void **objs;

	objs = kvmalloc_array(watch->hold, sizeof(*objs), GFP_KERNEL);
	if (!objs) {
		kt_broken(kp, "out of memory");
		return;
	}
	while (kt_goes_on(worker)) {
		if (held == hold)
			hold = kt_random(worker, watch->hold);
		for (; held < hold; held++) {
			atomic64_add(IN_HAND, &watch->count);
			objs[held] = kt_get(kp, GFP_KERNEL, worker->who);
			if (!objs[held]) {
				atomic64_sub(IN_HAND, &watch->count);
				hold = held;
				break;
			}
		}
		while (held > hold) {
			kt_put(kp, objs[--held], worker->who);
			atomic64_sub(IN_HAND, &watch->count);
		}
		kt_did(worker);
	}
	while (held) {
		kt_put(kp, objs[--held], worker->who);
		atomic64_sub(IN_HAND, &watch->count);
	}
	kvfree(objs);
}

static void watch_look(struct kt_worker *worker)
{
	struct watch *watch = worker->arg;
	unsigned long idle;
	s64 count;

	while (kt_goes_on(worker)) {
		count = atomic64_read(&watch->count);
		idle = max_t(long, (count >> 32) - (u32)count, 0);
		watch->most = max(watch->most, idle);
		if (idle > watch->max_idle)
			kt_broken(watch->kp, "more are idle than may be");
		if (!(++watch->looks % 4096))
			pcpool_age(watch->kp->pool);
		kt_did(worker);
	}
}

static void never_more_are_idle(struct kunit *test)
{
	const struct bound *bound = test->param_value;
	struct kt_gang *gang;
	struct watch *watch;
	int cpu;

	watch = kunit_kzalloc(test, sizeof(*watch), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, watch);
	watch->max_idle = bound->max_idle;
	watch->hold = 4 + 2 * bound->max_idle / num_online_cpus();
	/* The reserve is made before anything is counted. */
	atomic64_set(&watch->count, bound->reserve * EXISTING);
	watch->kp = kt_new(test, 4 * bound->max_idle + 8 * KT_GANG_MAX,
			   .max_idle = bound->max_idle, .reserve = bound->reserve);
	watch->kp->arg = watch;
	watch->kp->hook = count_existing;
	gang = kt_gang_new(test);
	for_each_online_cpu(cpu)
		kt_gang_add(gang, cpu, watch_use, watch);
	kt_gang_add(gang, -1, watch_look, watch);
	kt_gang_start(gang, STRESS_MS);
	kt_gang_join(gang);
	kt_expect_sound(watch->kp);
	watch->kp->hook = NULL;
	KUNIT_EXPECT_LE(test, idle(watch->kp), bound->max_idle);
	kunit_info(test, "%lu looks, most idle %lu of %lu", watch->looks, watch->most,
		   watch->max_idle);
	/* Nothing has got lost of what makes the bound either. */
	put_too_many(watch->kp, bound->max_idle + BEYOND);
}

static void credits_are_all_there_in_the_end(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 2000, .max_idle = 1000);
	unsigned int nth;

	for (nth = 0; nth < num_online_cpus(); nth++) {
		kt_on(test, kt_cpu(test, nth));
		kt_put_many(kp, 700, kt_get_many(kp, 700));
	}
	pcpool_drain(kp->pool);
	KUNIT_EXPECT_TRUE(test, kp->core->has_credit);
	KUNIT_EXPECT_EQ(test, pcpool_credit_count(&kp->core->credit), 1000);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(what_is_beyond_is_dropped, bound_gen_params),
	KUNIT_CASE_PARAM(each_cpu_may_have_all, bound_gen_params),
	KUNIT_CASE_PARAM(one_less_leaves_room_for_one, bound_gen_params),
	KUNIT_CASE_PARAM(aging_makes_room, bound_gen_params),
	KUNIT_CASE_PARAM(prefill_stops_at_the_bound, bound_gen_params),
	KUNIT_CASE_PARAM(bulk_puts_heed_the_bound, bound_gen_params),
	KUNIT_CASE_PARAM(the_bound_holds_in_every_context, context_gen_params),
	KUNIT_CASE(what_is_to_be_freed_is_not_idle),
	KUNIT_CASE_PARAM_ATTR(never_more_are_idle, bound_gen_params, { .speed = KUNIT_SPEED_SLOW }),
	KUNIT_CASE(credits_are_all_there_in_the_end),
	{ }
};

static struct kunit_suite suite = {
	.name = "pcpool_bounds",
	.test_cases = cases,
};

kunit_test_suite(suite);
