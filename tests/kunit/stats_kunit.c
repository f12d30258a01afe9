// SPDX-License-Identifier: GPL-2.0
/*
 * Statistics: what each counter counts, what it does not, and that the counters add up.
 * In every suite, kt_expect_consistent() compares all counters with the test's own.
 */
#include "common.h"

static void a_new_pool_has_zero_counters(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 1, .name = "kunit-stats",
				    .object_bytes = 12345, .private_slots = 3,
				    .steal = PCPOOL_STEAL_NODE,
				    .flags = PCPOOL_FREE_MAY_SLEEP);
	struct pcpool_pool_stats got, s = {
		.name = "kunit-stats",
		.owner = KBUILD_MODNAME,
		.object_bytes = 12345,
		.private_slots = 3,
		.steal = PCPOOL_STEAL_NODE,
		.flags = PCPOOL_FREE_MAY_SLEEP,
	};

	/* The whole record is overwritten. */
	memset(&got, 0xa5, sizeof(got));
	pcpool_stats(kp->pool, &got);
	KUNIT_EXPECT_MEMEQ(test, &got, &s, sizeof(s));
}

static void putting_null_does_nothing(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 1, .ops = &kt_ops_reset);
	struct pcpool_pool_stats before = kt_stats(kp), after;
	void *nothing[3] = {};

	pcpool_put(kp->pool, NULL);
	pcpool_put_bulk(kp->pool, 3, nothing);
	pcpool_put_bulk(kp->pool, 0, NULL);
	after = kt_stats(kp);
	KUNIT_EXPECT_MEMEQ(test, &before, &after, sizeof(after));
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->resets), 0);
}

static void a_failed_try_get_counts_nothing(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 1);
	struct pcpool_pool_stats before = kt_stats(kp), after;

	KUNIT_EXPECT_NULL(test, kt_try_get(kp, KT_ME));
	after = kt_stats(kp);
	KUNIT_EXPECT_MEMEQ(test, &before, &after, sizeof(after));
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->allocs), 0);
}

static void a_get_that_allocates_is_a_miss(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 1);
	void *obj = kt_get(kp, GFP_KERNEL, KT_ME);
	struct pcpool_pool_stats s = kt_stats(kp);

	KUNIT_EXPECT_EQ(test, s.gets, 1);
	KUNIT_EXPECT_EQ(test, s.miss, 1);
	KUNIT_EXPECT_EQ(test, s.allocs, 1);
	KUNIT_EXPECT_EQ(test, s.outstanding, 1);
	KUNIT_EXPECT_EQ(test, s.puts, 0);
	KUNIT_EXPECT_EQ(test, s.idle_main, 0);
	kt_put(kp, obj, KT_ME);
}

static void a_put_reduces_outstanding_and_adds_to_idle(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 100, .object_bytes = 1000);
	void **objs = kt_get_many(kp, 100);
	struct pcpool_pool_stats s;
	int i;

	for (i = 0; i < 100; i++) {
		kt_put(kp, objs[i], KT_ME);
		s = kt_stats(kp);
		KUNIT_ASSERT_EQ(test, s.puts, i + 1);
		KUNIT_ASSERT_EQ(test, s.outstanding, 99 - i);
		KUNIT_ASSERT_EQ(test, s.idle_main, i + 1);
		KUNIT_ASSERT_EQ(test, s.idle_bytes, 1000 * (i + 1));
	}
}

static void a_prefill_is_neither_a_get_nor_a_put(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 50, .private_slots = 4);
	struct pcpool_pool_stats s;

	KUNIT_ASSERT_EQ(test, pcpool_prefill(kp->pool, GFP_KERNEL, 50), 50);
	s = kt_stats(kp);
	KUNIT_EXPECT_EQ(test, s.gets, 0);
	KUNIT_EXPECT_EQ(test, s.puts, 0);
	KUNIT_EXPECT_EQ(test, s.miss, 0);
	KUNIT_EXPECT_EQ(test, s.allocs, 50);
	KUNIT_EXPECT_EQ(test, s.idle_main, 50);
	KUNIT_EXPECT_EQ(test, s.outstanding, 0);
}

static void evictions_do_not_count_as_drops(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 50);
	struct pcpool_pool_stats s;

	kt_make_idle(kp, 50);
	pcpool_age(kp->pool);
	pcpool_age(kp->pool);
	kt_make_idle(kp, 20);
	pcpool_drain(kp->pool);
	s = kt_stats(kp);
	KUNIT_EXPECT_EQ(test, s.evicted, 70);
	KUNIT_EXPECT_EQ(test, s.frees, 70);
	KUNIT_EXPECT_EQ(test, s.drop_full + s.drop_oversize + s.drop_other, 0);
	KUNIT_EXPECT_EQ(test, s.ages, 2);
}

static void idle_objects_are_counted_by_tier(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 50, .private_slots = 2);
	void **objs = kt_get_many(kp, 50);
	struct pcpool_pool_stats s;

	kt_put_many(kp, 30, objs);
	pcpool_age(kp->pool);
	kt_put_many(kp, 20, objs + 30);
	s = kt_stats(kp);
	KUNIT_EXPECT_EQ(test, s.idle_main, 20);
	KUNIT_EXPECT_EQ(test, s.idle_victim, 30);
}

static void rings_added_are_counted(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 1000, .private_slots = 4);

	kt_move_to(test, kt_cpu(test, 0));
	kt_make_idle(kp, 4);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).grows, 0);
	kt_make_idle(kp, 5);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).grows, 1);
	kt_make_idle(kp, 500);
	KUNIT_EXPECT_GT(test, kt_stats(kp).grows, 3);
}

static void counters_are_summed_over_all_cpus(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 100, .private_slots = 2);
	unsigned int i, n = num_online_cpus();
	void **objs;

	/* Get on one CPU, put on another: only the sums over all CPUs are meaningful. */
	for (i = 0; i < 2 * n; i++) {
		kt_move_to(test, kt_cpu(test, i % n));
		objs = kt_get_many(kp, 10);
		kt_move_to(test, kt_cpu(test, (i + 1) % n));
		kt_put_many(kp, 10, objs);
		KUNIT_EXPECT_EQ(test, kt_stats(kp).outstanding, 0);
		KUNIT_EXPECT_EQ(test, kt_stats(kp).puts, 10 * (i + 1));
		KUNIT_EXPECT_EQ(test, kt_stats(kp).gets, 10 * (i + 1));
	}
}

static void random_walk(struct kt_worker *worker)
{
	struct kt_pool *kp = worker->arg;
	void *obj, *objs[64];
	unsigned int held = 0;

	while (kt_keep_running(worker)) {
		switch (kt_random(worker, 8)) {
		case 0:
			held += kt_get_bulk(kp, GFP_KERNEL,
					    kt_random(worker, 65 - held),
					    objs + held, worker->holder);
			break;
		case 1:
			if (held) {
				unsigned int n = kt_random(worker, held + 1);

				held -= n;
				kt_put_bulk(kp, n, objs + held, worker->holder);
			}
			break;
		case 2:
		case 3:
		case 4:
			if (held == ARRAY_SIZE(objs))
				break;
			obj = kt_random(worker, 2) ?
			      kt_get(kp, GFP_KERNEL, worker->holder) :
			      kt_try_get(kp, worker->holder);
			if (obj)
				objs[held++] = obj;
			break;
		case 5:
		case 6:
			if (held)
				kt_put(kp, objs[--held], worker->holder);
			break;
		default:
			if (!kt_random(worker, 20))
				pcpool_age(kp->pool);
		}
		kt_progress(worker);
	}
	/* Leave some objects outstanding, which kt_expect_consistent() counts too. */
	while (held > 5)
		kt_put(kp, objs[--held], worker->holder);
}

static void check_monotonic(struct kt_worker *worker)
{
	struct kt_pool *kp = worker->arg;
	u64 gets = 0, allocs = 0;

	while (kt_keep_running(worker)) {
		struct pcpool_pool_stats s = kt_stats(kp);

		if (s.gets < gets || s.allocs < allocs)
			kt_violation(kp, "a counter went backwards");
		gets = s.gets;
		allocs = s.allocs;
		kt_progress(worker);
	}
}

static void counters_add_up_after_a_random_load(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 64 * 9, .private_slots = 3);
	unsigned int i, n = num_online_cpus();
	struct kt_gang *gang;

	n = min(n, 8u);
	gang = kt_gang_new(test);
	for (i = 0; i < n; i++)
		kt_gang_add(gang, kt_cpu(test, i), random_walk, kp);
	kt_gang_add(gang, -1, check_monotonic, kp);
	kt_gang_start(gang, 250);
	kt_gang_join(gang);
	kt_expect_consistent(kp);
	/* The threads have ended. The test puts the objects they hold. */
	for (i = 0; i < kp->nr_obj; i++) {
		int owner = atomic_read(&kp->obj[i].owner);

		if (owner >= KT_HOLDERS)
			kt_put(kp, &kp->obj[i], owner);
	}
	KUNIT_EXPECT_EQ(test, kt_stats(kp).outstanding, 0);
}

static struct kunit_case stats_cases[] = {
	KUNIT_CASE(a_new_pool_has_zero_counters),
	KUNIT_CASE(putting_null_does_nothing),
	KUNIT_CASE(a_failed_try_get_counts_nothing),
	KUNIT_CASE(a_get_that_allocates_is_a_miss),
	KUNIT_CASE(a_put_reduces_outstanding_and_adds_to_idle),
	KUNIT_CASE(a_prefill_is_neither_a_get_nor_a_put),
	KUNIT_CASE(evictions_do_not_count_as_drops),
	KUNIT_CASE(idle_objects_are_counted_by_tier),
	KUNIT_CASE(rings_added_are_counted),
	KUNIT_CASE(counters_are_summed_over_all_cpus),
	KUNIT_CASE(counters_add_up_after_a_random_load),
	{}
};

static struct kunit_suite stats_suite = {
	.name = "pcpool_stats",
	.test_cases = stats_cases,
};

kunit_test_suites(&stats_suite);
