// SPDX-License-Identifier: GPL-2.0
/*
 * The bypass: while it is on, every get allocates and every put frees, as if there were
 * no pool. Idle objects stay idle, and are used again when it is off.
 */
#include "common.h"

static unsigned long idle(struct kt_pool *kp)
{
	struct pcpool_pool_stats s = kt_stats(kp);

	return s.idle_main + s.idle_victim;
}

static void every_get_allocates_and_every_put_frees(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 100);
	void **objs, *bulk[50];
	int i;

	kt_make_idle(kp, 10);
	pcpool_set_bypass(kp->core, true);
	objs = kt_get_many(kp, 40);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->allocs), 50);
	KUNIT_EXPECT_EQ(test, kt_get_bulk(kp, GFP_KERNEL, 50, bulk, KT_ME), 50);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->allocs), 100);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).miss, 100);
	for (i = 0; i < 40; i++) {
		kt_put(kp, objs[i], KT_ME);
		KUNIT_EXPECT_EQ(test, atomic_read(&kp->frees), i + 1);
	}
	kt_put_bulk(kp, 50, bulk, KT_ME);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->frees), 90);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).drop_other, 90);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).evicted, 0);
}

static void get_local_allocates(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 2);
	void *obj;

	kt_make_idle(kp, 1);
	pcpool_set_bypass(kp->core, true);
	obj = kt_get_local(kp, GFP_KERNEL, KT_ME);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->allocs), 2);
	kt_put(kp, obj, KT_ME);
}

static void try_get_finds_nothing(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 50);

	kt_make_idle(kp, 50);
	pcpool_set_bypass(kp->core, true);
	KUNIT_EXPECT_NULL(test, kt_try_get(kp, KT_ME));
	KUNIT_EXPECT_EQ(test, idle(kp), 50);
}

static void prefill_allocates_nothing(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 50);

	pcpool_set_bypass(kp->core, true);
	KUNIT_EXPECT_EQ(test, pcpool_prefill(kp->pool, GFP_KERNEL, 10), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->allocs), 0);
}

static void idle_objects_are_used_after_the_bypass(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 100, .private_slots = 4);
	void **objs;

	kt_move_to(test, kt_cpu(test, 0));
	kt_make_idle(kp, 50);
	pcpool_set_bypass(kp->core, true);
	kt_make_idle(kp, 50);
	KUNIT_EXPECT_EQ(test, idle(kp), 50);
	pcpool_set_bypass(kp->core, false);
	objs = kt_get_many(kp, 50);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->allocs), 100);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).miss, 100);
	kt_put_many(kp, 50, objs);
	KUNIT_EXPECT_EQ(test, idle(kp), 50);
}

static void idle_objects_age_during_the_bypass(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 50);

	kt_make_idle(kp, 50);
	pcpool_set_bypass(kp->core, true);
	KUNIT_EXPECT_EQ(test, pcpool_age(kp->pool), 0);
	KUNIT_EXPECT_EQ(test, pcpool_age(kp->pool), 50);
}

static void an_object_got_before_the_bypass_is_freed_by_its_put(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 1);
	void *obj = kt_get(kp, GFP_KERNEL, KT_ME);

	pcpool_set_bypass(kp->core, true);
	kt_put(kp, obj, KT_ME);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->frees), 1);
	KUNIT_EXPECT_EQ(test, idle(kp), 0);
}

static void an_object_got_during_the_bypass_is_kept_after_it(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 1);
	void *obj;

	pcpool_set_bypass(kp->core, true);
	obj = kt_get(kp, GFP_KERNEL, KT_ME);
	pcpool_set_bypass(kp->core, false);
	kt_put(kp, obj, KT_ME);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->frees), 0);
	KUNIT_EXPECT_EQ(test, idle(kp), 1);
}

static void the_state_shows_the_bypass(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 1);

	KUNIT_EXPECT_EQ(test, kt_stats(kp).state, 0);
	pcpool_set_bypass(kp->core, true);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).state, PCPOOL_STATE_BYPASSED);
	pcpool_set_bypass(kp->core, false);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).state, 0);
}

/* ops->reset also keeps puts out of line, for its own reasons. */
static void reset_is_called_before_during_and_after_the_bypass(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 30, .ops = &kt_ops_reset);

	kt_make_idle(kp, 10);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->resets), 10);
	pcpool_set_bypass(kp->core, true);
	kt_make_idle(kp, 10);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->resets), 20);
	pcpool_set_bypass(kp->core, false);
	kt_make_idle(kp, 10);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->resets), 30);
}

static void get_and_put(struct kt_worker *worker)
{
	struct kt_pool *kp = worker->arg;
	unsigned int i, n;
	void *objs[20];

	while (kt_keep_running(worker)) {
		n = kt_get_bulk(kp, GFP_KERNEL, 1 + kt_random(worker, 20), objs,
				worker->holder);
		for (i = 0; i < n; i++)
			kt_put(kp, objs[i], worker->holder);
		kt_progress(worker);
	}
}

static void switch_bypass(struct kt_worker *worker)
{
	struct kt_pool *kp = worker->arg;

	while (kt_keep_running(worker)) {
		pcpool_set_bypass(kp->core, ++worker->done & 1);
		if (kt_random(worker, 2))
			schedule_timeout_uninterruptible(1);
	}
	pcpool_set_bypass(kp->core, false);
}

static void switching_the_bypass_under_load_loses_nothing(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 20 * 9 + 500, .private_slots = 4);
	unsigned int i, n = num_online_cpus();
	struct kt_gang *gang;

	n = min(n, 8u);
	gang = kt_gang_new(test);
	for (i = 0; i < n; i++)
		kt_gang_add(gang, kt_cpu(test, i), get_and_put, kp);
	kt_gang_add(gang, -1, switch_bypass, kp);
	kt_gang_start(gang, 150);
	kt_gang_join(gang);
	kt_expect_consistent(kp);
	KUNIT_EXPECT_GT(test, kt_stats(kp).drop_other, 0);
	KUNIT_EXPECT_GT(test, kt_stats(kp).hit_private, 0);
}

static struct kunit_case bypass_cases[] = {
	KUNIT_CASE(every_get_allocates_and_every_put_frees),
	KUNIT_CASE(get_local_allocates),
	KUNIT_CASE(try_get_finds_nothing),
	KUNIT_CASE(prefill_allocates_nothing),
	KUNIT_CASE(idle_objects_are_used_after_the_bypass),
	KUNIT_CASE(idle_objects_age_during_the_bypass),
	KUNIT_CASE(an_object_got_before_the_bypass_is_freed_by_its_put),
	KUNIT_CASE(an_object_got_during_the_bypass_is_kept_after_it),
	KUNIT_CASE(the_state_shows_the_bypass),
	KUNIT_CASE(reset_is_called_before_during_and_after_the_bypass),
	KUNIT_CASE(switching_the_bypass_under_load_loses_nothing),
	{}
};

static struct kunit_suite bypass_suite = {
	.name = "pcpool_bypass",
	.test_cases = bypass_cases,
};

kunit_test_suites(&bypass_suite);
