// SPDX-License-Identifier: GPL-2.0
/*
 * Destroying: everything idle is freed, from wherever it is; and what happens to one
 * who does not keep to the rules. Its warnings are wanted here, and kept out of the log.
 */
#include "common.h"

static void destroy(struct kt_pool *kp)
{
	pcpool_destroy(kp->pool);
	kp->pool = NULL;
}

static void destroying_nothing_does_nothing(struct kunit *test)
{
	pcpool_destroy(NULL);
}

static void idle_objects_of_all_cpus_and_tiers_are_freed(struct kunit *test)
{
	unsigned int i, n = num_online_cpus();
	struct kt_pool *kp = kt_new(test, 200 * n, .private_slots = 8);

	for (i = 0; i < n; i++) {
		kt_on(test, kt_cpu(test, i));
		KUNIT_ASSERT_EQ(test, 100,
				pcpool_prefill(kp->pool, GFP_KERNEL, 100));
	}
	pcpool_age(kp->pool);
	for (i = 0; i < n; i++) {
		kt_on(test, kt_cpu(test, i));
		KUNIT_ASSERT_EQ(test, 100,
				pcpool_prefill(kp->pool, GFP_KERNEL, 100));
	}
	destroy(kp);
	kt_expect_freed(kp, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->frees), 200 * n);
}

static void a_bypassed_pool_is_emptied_too(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 50);

	kt_make_idle(kp, 50);
	pcpool_set_bypass(kp->core, true);
	destroy(kp);
	kt_expect_freed(kp, 0);
}

struct late {
	struct kt_pool *kp;
	void **objs;
	unsigned int n;
};

static void put_late(void *arg)
{
	struct late *late = arg;

	kt_put_many(late->kp, late->n, late->objs);
}

/* Puts that are still with the worker when the pool goes. */
static void puts_that_wait_for_the_worker_are_not_lost(struct kunit *test)
{
	struct late late = { .n = 200 };
	unsigned int round;

	for (round = 0; round < 8; round++) {
		late.kp = kt_new(test, late.n, .private_slots = 1);
		kt_on(test, kt_cpu(test, round % num_online_cpus()));
		late.objs = kt_get_many(late.kp, late.n);
		kt_run_in(test, KT_HARDIRQ_TIMER, put_late, &late);
		destroy(late.kp);
		kt_expect_freed(late.kp, 0);
	}
}

static void pools_come_and_go(struct kunit *test)
{
	struct kt_pool *kp[10];
	unsigned int i, round;

	for (round = 0; round < 4; round++) {
		for (i = 0; i < ARRAY_SIZE(kp); i++) {
			kp[i] = kt_new(test, 100, .private_slots = 1 + i);
			kt_make_idle(kp[i], 50 + i);
		}
		for (i = 0; i < ARRAY_SIZE(kp); i++)
			kt_end(kp[(i * 3 + round) % ARRAY_SIZE(kp)]);
	}
}

static void pools_do_not_mix(struct kunit *test)
{
	struct kt_pool *a = kt_new(test, 100), *b = kt_new(test, 100);
	void **objs;

	/* kt_got() knows an object of another pool. */
	kt_make_idle(a, 100);
	objs = kt_get_many(b, 100);
	KUNIT_EXPECT_EQ(test, kt_stats(a).idle_main, 100);
	KUNIT_EXPECT_EQ(test, kt_stats(b).miss, 100);
	kt_put_many(b, 100, objs);
}

/* --- Against the rules -------------------------------------------------------------- */

#ifdef kunit_warning_suppress

static void destroying_with_objects_out_warns_once(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 100);

	kt_get_many(kp, 3);
	kt_make_idle(kp, 97);
	kunit_warning_suppress(test) {
		destroy(kp);
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 1);
	}
	/* They are lost; nothing that was idle is. */
	kt_expect_freed(kp, 3);
}

static void a_late_put_warns_and_touches_nothing(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 100, .ops = &kt_ops_reset), *other;
	struct pcpool *dead = kp->pool;
	struct kt_obj **objs = (struct kt_obj **)kt_get_many(kp, 4), before;
	unsigned int mark, i;

	kunit_warning_suppress(test) {
		destroy(kp);
	}
	/* Which may well get the same memory, was it freed. */
	other = kt_new(test, 100);
	before = *objs[0];
	kunit_warning_suppress(test) {
		pcpool_put(dead, objs[0]);
		pcpool_put_bulk(dead, 2, (void **)objs + 1);
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 3);
	}
	KUNIT_EXPECT_MEMEQ(test, objs[0], &before, sizeof(before));
	kt_expect_freed(kp, 4);
	KUNIT_EXPECT_EQ(test, kt_stats(other).puts, 0);
	/* Whoever was warned still owns the objects. */
	for (i = 0; i < 3; i++) {
		mark = objs[i]->mark;
		KUNIT_EXPECT_EQ(test, atomic_read(&objs[i]->owner), KT_ME);
		KUNIT_EXPECT_EQ(test, objs[i]->check, ~mark);
	}
}

static void a_late_get_warns_and_gets_nothing(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 10);
	struct pcpool *dead = kp->pool;
	void *objs[3];

	kt_get_many(kp, 1);
	kunit_warning_suppress(test) {
		destroy(kp);
	}
	kunit_warning_suppress(test) {
		KUNIT_EXPECT_NULL(test, pcpool_get(dead, GFP_KERNEL));
		KUNIT_EXPECT_NULL(test, pcpool_get_local(dead, GFP_KERNEL));
		KUNIT_EXPECT_NULL(test, pcpool_try_get(dead));
		KUNIT_EXPECT_EQ(test, 0,
				pcpool_get_bulk(dead, GFP_KERNEL, 3, objs));
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 4);
	}
	KUNIT_EXPECT_EQ(test, pcpool_prefill(dead, GFP_KERNEL, 3), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->allocs), 1);
}

static void destroying_twice_warns(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 10);
	struct pcpool *dead = kp->pool;

	kt_get_many(kp, 1);
	kunit_warning_suppress(test) {
		destroy(kp);
	}
	kunit_warning_suppress(test) {
		pcpool_destroy(dead);
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 1);
	}
}

static void the_name_of_a_dead_pool_is_free(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 10, .name = "kunit-phoenix");

	kt_get_many(kp, 1);
	kunit_warning_suppress(test) {
		destroy(kp);
	}
	kp = kt_new(test, 10, .name = "kunit-phoenix");
	kt_make_idle(kp, 10);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).allocs, 10);
}

#endif /* kunit_warning_suppress */

static struct kunit_case destroy_cases[] = {
	KUNIT_CASE(destroying_nothing_does_nothing),
	KUNIT_CASE(idle_objects_of_all_cpus_and_tiers_are_freed),
	KUNIT_CASE(a_bypassed_pool_is_emptied_too),
	KUNIT_CASE(puts_that_wait_for_the_worker_are_not_lost),
	KUNIT_CASE(pools_come_and_go),
	KUNIT_CASE(pools_do_not_mix),
#ifdef kunit_warning_suppress
	KUNIT_CASE(destroying_with_objects_out_warns_once),
	KUNIT_CASE(a_late_put_warns_and_touches_nothing),
	KUNIT_CASE(a_late_get_warns_and_gets_nothing),
	KUNIT_CASE(destroying_twice_warns),
	KUNIT_CASE(the_name_of_a_dead_pool_is_free),
#endif
	{}
};

static struct kunit_suite destroy_suite = {
	.name = "pcpool_destroy",
	.test_cases = destroy_cases,
};

kunit_test_suites(&destroy_suite);
