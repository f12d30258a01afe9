// SPDX-License-Identifier: GPL-2.0
/*
 * Fault injection, fail_pcpool: gets of a pool for which it is on fail as often as the
 * kernel's attributes say. A get from a quota or a reserve that may wait without limit does
 * not fail for it. Empty on kernels without fault injection.
 */
#include "common.h"

#ifdef CONFIG_FAULT_INJECTION_DEBUG_FS
#include <linux/fault-inject.h>

#include "fault.h"

/* From now on, the next @times gets fail; -1: all. */
static void fail_next(int times)
{
	atomic_set(&pcpool_fault_attr.times, times);
	pcpool_fault_attr.interval = 1;
	pcpool_fault_attr.probability = 100;
	pcpool_fault_attr.verbose = 0;
}

static int stop_failing(struct kunit *test)
{
	pcpool_fault_attr.probability = 0;
	return 0;
}

static void end(struct kunit *test)
{
	stop_failing(test);
}

/* A pool with fault injection. */
#define new_failing(test, objs, ...) ({						\
	struct kt_pool *__kp = kt_new(test, objs, ##__VA_ARGS__);		\
										\
	pcpool_fault_set(__kp->core, true);					\
	__kp;									\
})

static unsigned int failed_gets(struct kt_pool *kp, gfp_t gfp, unsigned int n)
{
	unsigned int i, failed = 0;
	void *obj;

	for (i = 0; i < n; i++) {
		obj = kt_get(kp, gfp, KT_ME);
		if (obj)
			kt_put(kp, obj, KT_ME);
		else
			failed++;
	}
	return failed;
}

static void exactly_so_many_gets_fail_as_are_asked_for(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 10);
	struct pcpool_pool_stats s;

	kt_make_idle(kp, 10);
	pcpool_fault_set(kp->core, true);
	fail_next(7);
	KUNIT_EXPECT_EQ(test, failed_gets(kp, GFP_KERNEL, 30), 7);
	s = kt_stats(kp);
	KUNIT_EXPECT_EQ(test, s.alloc_fail, 7);
	KUNIT_EXPECT_EQ(test, s.gets, 10 + 30);
	KUNIT_EXPECT_EQ(test, s.miss, 10);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->allocs), 10);
	kt_expect_consistent(kp);
}

static void a_get_fails_once_if_it_misses(struct kunit *test)
{
	struct kt_pool *kp = new_failing(test, 30);
	void *obj[30];
	int i;

	fail_next(-1);
	pcpool_fault_attr.interval = 3;
	for (i = 0; i < 30; i++)
		obj[i] = kt_get(kp, GFP_KERNEL, KT_ME);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).alloc_fail, 10);
	for (i = 0; i < 30; i++) {
		if (obj[i])
			kt_put(kp, obj[i], KT_ME);
	}
}

static void every_kind_of_get_fails(struct kunit *test)
{
	struct kt_pool *kp = new_failing(test, 10);
	void *objs[3];

	kt_make_idle(kp, 10);
	fail_next(-1);
	KUNIT_EXPECT_NULL(test, kt_get(kp, GFP_ATOMIC, KT_ME));
	KUNIT_EXPECT_NULL(test, kt_get_local(kp, GFP_KERNEL, KT_ME));
	KUNIT_EXPECT_NULL(test, kt_try_get(kp, KT_ME));
	KUNIT_EXPECT_EQ(test, kt_get_bulk(kp, GFP_KERNEL, 3, objs, KT_ME), 0);
	KUNIT_EXPECT_PTR_EQ(test, pcpool_get_timeout(kp->pool, GFP_KERNEL, HZ), ERR_PTR(-ENOMEM));
	/* A try_get that finds nothing is not counted as a get. */
	KUNIT_EXPECT_EQ(test, kt_stats(kp).alloc_fail, 4);
}

static void gets_with_gfp_nofail_do_not_fail(struct kunit *test)
{
	struct kt_pool *kp = new_failing(test, 1);

	fail_next(-1);
	KUNIT_EXPECT_EQ(test, failed_gets(kp, GFP_KERNEL | __GFP_NOFAIL, 5), 0);
}

static void other_pools_do_not_fail(struct kunit *test)
{
	struct kt_pool *failing = new_failing(test, 1), *other = kt_new(test, 1);

	fail_next(-1);
	KUNIT_EXPECT_EQ(test, failed_gets(other, GFP_KERNEL, 10), 0);
	KUNIT_EXPECT_EQ(test, failed_gets(failing, GFP_KERNEL, 10), 10);
	pcpool_fault_set(failing->core, false);
	KUNIT_EXPECT_EQ(test, failed_gets(failing, GFP_KERNEL, 10), 0);
}

static void the_inlined_paths_are_open_only_without_it(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 1);
	const struct pcpool_slots __percpu *slots = READ_ONCE(kp->pool->get_slots);

	pcpool_fault_set(kp->core, true);
	KUNIT_EXPECT_PTR_EQ(test, READ_ONCE(kp->pool->get_slots), pcpool_closed_slots);
	pcpool_fault_set(kp->core, false);
	KUNIT_EXPECT_PTR_EQ(test, READ_ONCE(kp->pool->get_slots), slots);
}

static void a_bounded_pool_fails_too(struct kunit *test)
{
	struct kt_pool *few = new_failing(test, 4, .max_idle = 4);
	struct kt_pool *many = new_failing(test, 1000, .max_idle = 1000);

	kt_make_idle(few, 4);
	kt_make_idle(many, 500);
	fail_next(20);
	KUNIT_EXPECT_EQ(test, failed_gets(few, GFP_KERNEL, 10), 10);
	KUNIT_EXPECT_EQ(test, failed_gets(many, GFP_KERNEL, 20), 10);
}

/* A get that may wait without limit takes what there is, if it cannot allocate. */
static void the_allocations_of_an_endless_get_fail(struct kunit *test)
{
	struct kt_pool *kp = new_failing(test, 5, .reserve = 2);
	void *objs[2];

	fail_next(-1);
	objs[0] = kt_get(kp, GFP_KERNEL, KT_ME);
	objs[1] = kt_get(kp, GFP_KERNEL, KT_ME);
	KUNIT_EXPECT_NOT_NULL(test, objs[0]);
	KUNIT_EXPECT_NOT_NULL(test, objs[1]);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).miss, 0);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).idle_reserve, 0);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).alloc_fail, 0);
	kt_put_bulk(kp, 2, objs, KT_ME);
}

/* Nothing is left in the reserve: it waits, and retries. */
static void an_endless_get_from_an_empty_reserve_succeeds(struct kunit *test)
{
	struct kt_pool *kp = new_failing(test, 5, .reserve = 1);
	void *objs[3];
	int i;

	fail_next(-1);
	for (i = 0; i < 3; i++) {
		objs[i] = kt_get(kp, GFP_KERNEL, KT_ME);
		KUNIT_ASSERT_NOT_NULL(test, objs[i]);
	}
	KUNIT_EXPECT_EQ(test, kt_stats(kp).alloc_fail, 0);
	KUNIT_EXPECT_GT(test, kt_stats(kp).waits, 0);
	kt_put_bulk(kp, 3, objs, KT_ME);
}

static void a_get_that_does_not_wait_for_a_quota_fails(struct kunit *test)
{
	struct kt_pool *kp = new_failing(test, 2, .max_total = 2);

	kt_make_idle(kp, 2);
	fail_next(2);
	KUNIT_EXPECT_EQ(test, failed_gets(kp, GFP_ATOMIC, 5), 2);
	fail_next(1);
	KUNIT_EXPECT_PTR_EQ(test, pcpool_get_timeout(kp->pool, GFP_KERNEL, HZ), ERR_PTR(-ENOMEM));
	/* It finds an idle object, so it need not allocate. */
	fail_next(-1);
	KUNIT_EXPECT_EQ(test, failed_gets(kp, GFP_KERNEL, 5), 0);
}

static void debugfs_switches_it(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 1);
	char command[256];

	snprintf(command, sizeof(command),
		 "cd /sys/kernel/debug && echo 1 >pcpool/%s/fail && grep -q 1 pcpool/%s/fail",
		 kp->core->name, kp->core->name);
	KUNIT_ASSERT_EQ(test, kt_shell(command), 0);
	KUNIT_ASSERT_EQ(test, kt_shell("cd /sys/kernel/debug/fail_pcpool && echo 0 >verbose"), 0);
	pcpool_fault_attr.interval = 1;
	KUNIT_ASSERT_EQ(test, kt_shell("cd /sys/kernel/debug/fail_pcpool && echo 3 >times"), 0);
	KUNIT_ASSERT_EQ(test, kt_shell("echo 100 >/sys/kernel/debug/fail_pcpool/probability"), 0);
	KUNIT_EXPECT_EQ(test, failed_gets(kp, GFP_KERNEL, 10), 3);
	snprintf(command, sizeof(command), "echo 0 >/sys/kernel/debug/pcpool/%s/fail",
		 kp->core->name);
	KUNIT_EXPECT_EQ(test, kt_shell(command), 0);
	KUNIT_EXPECT_FALSE(test, kp->core->failing);
}

static void get_and_put(struct kt_worker *worker)
{
	struct kt_pool *kp = worker->arg;
	unsigned int i, n;
	void *objs[20];

	while (kt_keep_running(worker)) {
		n = kt_get_bulk(kp, GFP_KERNEL, 1 + kt_random(worker, 20), objs, worker->holder);
		for (i = 0; i < n; i++)
			kt_put(kp, objs[i], worker->holder);
		kt_progress(worker);
	}
}

static void switch_it(struct kt_worker *worker)
{
	struct kt_pool *kp = worker->arg;

	while (kt_keep_running(worker)) {
		pcpool_fault_set(kp->core, ++worker->done & 1);
		if (kt_random(worker, 2))
			schedule_timeout_uninterruptible(1);
	}
	pcpool_fault_set(kp->core, false);
}

static void switching_it_under_load_loses_nothing(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 20 * 9 + 500, .private_slots = 4);
	unsigned int i, n = min(num_online_cpus(), 8u);
	struct kt_gang *gang = kt_gang_new(test);

	fail_next(-1);
	pcpool_fault_attr.probability = 20;
	for (i = 0; i < n; i++)
		kt_gang_add(gang, kt_cpu(test, i), get_and_put, kp);
	kt_gang_add(gang, -1, switch_it, kp);
	kt_gang_start(gang, 150);
	kt_gang_join(gang);
	kt_expect_consistent(kp);
	KUNIT_EXPECT_GT(test, kt_stats(kp).alloc_fail, 0);
	KUNIT_EXPECT_GT(test, kt_stats(kp).hit_private, 0);
}

static struct kunit_case fault_cases[] = {
	KUNIT_CASE(exactly_so_many_gets_fail_as_are_asked_for),
	KUNIT_CASE(a_get_fails_once_if_it_misses),
	KUNIT_CASE(every_kind_of_get_fails),
	KUNIT_CASE(gets_with_gfp_nofail_do_not_fail),
	KUNIT_CASE(other_pools_do_not_fail),
	KUNIT_CASE(the_inlined_paths_are_open_only_without_it),
	KUNIT_CASE(a_bounded_pool_fails_too),
	KUNIT_CASE(the_allocations_of_an_endless_get_fail),
	KUNIT_CASE(an_endless_get_from_an_empty_reserve_succeeds),
	KUNIT_CASE(a_get_that_does_not_wait_for_a_quota_fails),
	KUNIT_CASE(debugfs_switches_it),
	KUNIT_CASE(switching_it_under_load_loses_nothing),
	{}
};

static struct kunit_suite fault_suite = {
	.name = "pcpool_fault",
	.init = stop_failing,
	.exit = end,
	.test_cases = fault_cases,
};

kunit_test_suites(&fault_suite);
#endif
