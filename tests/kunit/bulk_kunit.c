// SPDX-License-Identifier: GPL-2.0
/*
 * Bulk gets and puts, and prefilling: the same as one by one, but cheaper.
 */
#include "common.h"

#define MOST	300

/* How many at a time, around the sizes of what they go through. */
static const unsigned int amounts[] = {
	1, 4, 5, 32, 33, 36, 37, MOST
};

static void amount_desc(const unsigned int *n, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%u", *n);
}

KUNIT_ARRAY_PARAM(amount, amounts, amount_desc);

static void **array(struct kunit *test)
{
	void **objs = kunit_kcalloc(test, MOST, sizeof(*objs), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, objs);
	return objs;
}

static void a_bulk_get_makes_what_is_not_there(struct kunit *test)
{
	unsigned int n = *(const unsigned int *)test->param_value;
	struct kt_pool *kp = kt_new(test, MOST, .private_slots = 4);
	void **objs = array(test);

	KUNIT_EXPECT_EQ(test, kt_get_bulk(kp, GFP_KERNEL, n, objs, KT_ME), n);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).miss, n);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).outstanding, n);
	kt_put_bulk(kp, n, objs, KT_ME);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).outstanding, 0);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).idle_main, n);
}

static void what_was_put_in_bulk_is_got_in_bulk(struct kunit *test)
{
	unsigned int n = *(const unsigned int *)test->param_value;
	struct kt_pool *kp = kt_new(test, MOST, .private_slots = 4);
	void **objs = array(test);
	unsigned int round;

	kt_on(test, kt_cpu(test, 0));
	KUNIT_ASSERT_EQ(test, kt_get_bulk(kp, GFP_KERNEL, n, objs, KT_ME), n);
	for (round = 1; round <= 3; round++) {
		kt_put_bulk(kp, n, objs, KT_ME);
		KUNIT_ASSERT_EQ(test, n,
				kt_get_bulk(kp, GFP_KERNEL, n, objs, KT_ME));
		KUNIT_EXPECT_EQ(test, kt_stats(kp).gets, n * (round + 1));
		KUNIT_EXPECT_EQ(test, kt_stats(kp).puts, n * round);
	}
	KUNIT_EXPECT_EQ(test, kt_stats(kp).allocs, n);
	kt_put_bulk(kp, n, objs, KT_ME);
}

static void what_was_put_in_bulk_is_got_one_by_one(struct kunit *test)
{
	unsigned int n = *(const unsigned int *)test->param_value;
	struct kt_pool *kp = kt_new(test, MOST, .private_slots = 4);
	void **objs = array(test);

	kt_on(test, kt_cpu(test, 0));
	KUNIT_ASSERT_EQ(test, kt_get_bulk(kp, GFP_KERNEL, n, objs, KT_ME), n);
	kt_put_bulk(kp, n, objs, KT_ME);
	objs = kt_get_many(kp, n);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).allocs, n);
	kt_put_many(kp, n, objs);
}

static void a_bulk_get_steals(struct kunit *test)
{
	unsigned int n = *(const unsigned int *)test->param_value;
	struct kt_pool *kp = kt_new(test, MOST, .private_slots = 4);
	void **objs;

	kt_on(test, kt_cpu(test, 0));
	objs = kt_get_many(kp, n);
	kt_put_to_queue(kp, n, objs);
	kt_on(test, kt_cpu(test, 1));
	KUNIT_EXPECT_EQ(test, kt_get_bulk(kp, GFP_KERNEL, n, objs, KT_ME), n);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).allocs, n);
	KUNIT_EXPECT_GT(test, kt_stats(kp).hit_steal, 0);
	kt_put_bulk(kp, n, objs, KT_ME);
}

static void a_bulk_get_takes_victims(struct kunit *test)
{
	unsigned int n = *(const unsigned int *)test->param_value;
	struct kt_pool *kp = kt_new(test, MOST, .private_slots = 4);
	void **objs = array(test);

	kt_make_idle(kp, n);
	pcpool_age(kp->pool);
	KUNIT_EXPECT_EQ(test, kt_get_bulk(kp, GFP_KERNEL, n, objs, KT_ME), n);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).hit_victim, n);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).allocs, n);
	kt_put_bulk(kp, n, objs, KT_ME);
}

static void a_bulk_get_ends_where_alloc_fails(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 20, .private_slots = 4);
	void **objs = array(test);

	KUNIT_EXPECT_EQ(test, kt_get_bulk(kp, GFP_KERNEL, 50, objs, KT_ME), 20);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).alloc_fail, 1);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).outstanding, 20);
	KUNIT_EXPECT_EQ(test, kt_get_bulk(kp, GFP_KERNEL, 50, objs + 20, KT_ME),
			0);
	kt_put_bulk(kp, 20, objs, KT_ME);
}

static void a_bulk_get_of_none_does_nothing(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 1);

	KUNIT_EXPECT_EQ(test, kt_get_bulk(kp, GFP_KERNEL, 0, NULL, KT_ME), 0);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).gets, 0);
}

static void a_bulk_put_skips_nulls(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, MOST, .private_slots = 4);
	void **objs = kt_get_many(kp, MOST), **holes = array(test);
	unsigned int i, n = 0;

	for (i = 0; i < MOST; i++) {
		if (i % 3)
			holes[i] = objs[n++];
	}
	kt_put_bulk(kp, MOST, holes, KT_ME);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).puts, n);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).idle_main, n);
	kt_put_many(kp, MOST - n, objs + n);
}

/* The slots keep what is warm. */
static void the_last_of_a_bulk_put_is_got_first(struct kunit *test)
{
	unsigned int n = *(const unsigned int *)test->param_value;
	struct kt_pool *kp = kt_new(test, MOST, .private_slots = 4);
	void **objs = array(test);

	kt_on(test, kt_cpu(test, 0));
	KUNIT_ASSERT_EQ(test, kt_get_bulk(kp, GFP_KERNEL, n, objs, KT_ME), n);
	kt_put_bulk(kp, n, objs, KT_ME);
	KUNIT_EXPECT_PTR_EQ(test, kt_get(kp, GFP_KERNEL, KT_ME), objs[n - 1]);
	kt_put(kp, objs[n - 1], KT_ME);
}

static void a_bulk_put_is_newer_than_what_was_put_before(struct kunit *test)
{
	unsigned int i, n = *(const unsigned int *)test->param_value;
	struct kt_pool *kp = kt_new(test, 20 + MOST, .private_slots = 4);
	void **objs;

	kt_on(test, kt_cpu(test, 0));
	objs = kt_get_many(kp, 20 + n);
	for (i = 0; i < 20; i++)
		kt_put(kp, objs[i], KT_ME);
	kt_put_bulk(kp, n, objs + 20, KT_ME);
	for (i = 20 + n; i--; )
		KUNIT_EXPECT_PTR_EQ(test, kt_try_get(kp, KT_ME), objs[i]);
	kt_put_many(kp, 20 + n, objs);
}

/* Even if the hint says that they are empty. */
static void a_bulk_get_takes_from_private_slots_first(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, MOST, .private_slots = 4);
	void **objs, **got = array(test);
	unsigned int i;

	kt_on(test, kt_cpu(test, 0));
	objs = kt_get_many(kp, 12);
	for (i = 0; i < 12; i++)
		kt_put(kp, objs[i], KT_ME);
	this_cpu_write(kp->core->slots->top,
		       (unsigned long)kp->core->slots->slot);
	KUNIT_ASSERT_EQ(test, kt_get_bulk(kp, GFP_KERNEL, 12, got, KT_ME), 12);
	for (i = 0; i < 12; i++)
		KUNIT_EXPECT_PTR_EQ(test, got[i], objs[11 - i]);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).hit_private, 4);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).hit_shared, 8);
	kt_put_bulk(kp, 12, got, KT_ME);
}

static void others_can_steal_what_was_put_in_bulk(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, MOST, .private_slots = 4);
	void **objs = array(test);
	unsigned int n = 0;

	kt_on(test, kt_cpu(test, 0));
	KUNIT_ASSERT_EQ(test, MOST,
			kt_get_bulk(kp, GFP_KERNEL, MOST, objs, KT_ME));
	kt_put_bulk(kp, MOST, objs, KT_ME);
	kt_on(test, kt_cpu(test, 1));
	while (n < MOST && (objs[n] = kt_try_get(kp, KT_ME)))
		n++;
	/* All but what is in private slots. */
	KUNIT_EXPECT_GE(test, n, MOST - 4);
	kt_put_bulk(kp, n, objs, KT_ME);
}

/* --- Prefilling ---------------------------------------------------------------- */

static void a_prefill_makes_so_many(struct kunit *test)
{
	unsigned int n = *(const unsigned int *)test->param_value;
	struct kt_pool *kp = kt_new(test, MOST, .private_slots = 4);
	void **objs;

	kt_on(test, kt_cpu(test, 0));
	KUNIT_EXPECT_EQ(test, pcpool_prefill(kp->pool, GFP_KERNEL, n), n);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->allocs), n);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).idle_main, n);
	objs = kt_get_many(kp, n);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).miss, 0);
	kt_put_many(kp, n, objs);
}

static void a_prefill_adds_to_what_is_there(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 30);

	kt_make_idle(kp, 10);
	KUNIT_EXPECT_EQ(test, pcpool_prefill(kp->pool, GFP_KERNEL, 20), 20);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).idle_main, 30);
}

static void a_prefill_says_how_far_it_came(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 30);

	KUNIT_EXPECT_EQ(test, pcpool_prefill(kp->pool, GFP_KERNEL, 50), 30);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).idle_main, 30);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).alloc_fail, 0);
	KUNIT_EXPECT_EQ(test, pcpool_prefill(kp->pool, GFP_KERNEL, 50), 0);
}

static void others_can_steal_what_was_prefilled(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 30, .private_slots = 4);
	void *obj;

	kt_on(test, kt_cpu(test, 0));
	KUNIT_ASSERT_EQ(test, pcpool_prefill(kp->pool, GFP_KERNEL, 30), 30);
	kt_on(test, kt_cpu(test, 1));
	obj = kt_try_get(kp, KT_ME);
	KUNIT_ASSERT_NOT_NULL(test, obj);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).hit_steal, 1);
	kt_put(kp, obj, KT_ME);
}

static struct kunit_case bulk_cases[] = {
	KUNIT_CASE_PARAM(a_bulk_get_makes_what_is_not_there, amount_gen_params),
	KUNIT_CASE_PARAM(what_was_put_in_bulk_is_got_in_bulk, amount_gen_params),
	KUNIT_CASE_PARAM(what_was_put_in_bulk_is_got_one_by_one,
			 amount_gen_params),
	KUNIT_CASE_PARAM(a_bulk_get_steals, amount_gen_params),
	KUNIT_CASE_PARAM(a_bulk_get_takes_victims, amount_gen_params),
	KUNIT_CASE(a_bulk_get_ends_where_alloc_fails),
	KUNIT_CASE(a_bulk_get_of_none_does_nothing),
	KUNIT_CASE(a_bulk_put_skips_nulls),
	KUNIT_CASE_PARAM(the_last_of_a_bulk_put_is_got_first, amount_gen_params),
	KUNIT_CASE_PARAM(a_bulk_put_is_newer_than_what_was_put_before,
			 amount_gen_params),
	KUNIT_CASE(a_bulk_get_takes_from_private_slots_first),
	KUNIT_CASE(others_can_steal_what_was_put_in_bulk),
	KUNIT_CASE_PARAM(a_prefill_makes_so_many, amount_gen_params),
	KUNIT_CASE(a_prefill_adds_to_what_is_there),
	KUNIT_CASE(a_prefill_says_how_far_it_came),
	KUNIT_CASE(others_can_steal_what_was_prefilled),
	{}
};

static struct kunit_suite bulk_suite = {
	.name = "pcpool_bulk",
	.test_cases = bulk_cases,
};

kunit_test_suites(&bulk_suite);
