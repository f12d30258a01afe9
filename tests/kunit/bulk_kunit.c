// SPDX-License-Identifier: GPL-2.0
/* Bulk gets and puts, and prefilling: the result is that of single calls, at less cost. */
#include "common.h"

#define MAX_OBJECTS	300

/* Number of objects a call, around the sizes of slots, batches and rings. */
static const unsigned int amounts[] = {
	1, 4, 5, 32, 33, 36, 37, MAX_OBJECTS
};

static void amount_desc(const unsigned int *n, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%u", *n);
}

KUNIT_ARRAY_PARAM(amount, amounts, amount_desc);

static void **new_array(struct kunit *test)
{
	void **objs = kunit_kcalloc(test, MAX_OBJECTS, sizeof(*objs), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, objs);
	return objs;
}

static void a_bulk_get_allocates_missing_objects(struct kunit *test)
{
	unsigned int n = *(const unsigned int *)test->param_value;
	struct kt_pool *kp = kt_new(test, MAX_OBJECTS, .private_slots = 4);
	void **objs = new_array(test);

	KUNIT_EXPECT_EQ(test, kt_get_bulk(kp, GFP_KERNEL, n, objs, KT_ME), n);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).miss, n);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).outstanding, n);
	kt_put_bulk(kp, n, objs, KT_ME);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).outstanding, 0);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).idle_main, n);
}

static void bulk_gets_find_objects_of_bulk_puts(struct kunit *test)
{
	unsigned int n = *(const unsigned int *)test->param_value;
	struct kt_pool *kp = kt_new(test, MAX_OBJECTS, .private_slots = 4);
	void **objs = new_array(test);
	unsigned int round;

	kt_move_to(test, kt_cpu(test, 0));
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

static void single_gets_find_objects_of_bulk_puts(struct kunit *test)
{
	unsigned int n = *(const unsigned int *)test->param_value;
	struct kt_pool *kp = kt_new(test, MAX_OBJECTS, .private_slots = 4);
	void **objs = new_array(test);

	kt_move_to(test, kt_cpu(test, 0));
	KUNIT_ASSERT_EQ(test, kt_get_bulk(kp, GFP_KERNEL, n, objs, KT_ME), n);
	kt_put_bulk(kp, n, objs, KT_ME);
	objs = kt_get_many(kp, n);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).allocs, n);
	kt_put_many(kp, n, objs);
}

static void a_bulk_get_steals(struct kunit *test)
{
	unsigned int n = *(const unsigned int *)test->param_value;
	struct kt_pool *kp = kt_new(test, MAX_OBJECTS, .private_slots = 4);
	void **objs;

	kt_move_to(test, kt_cpu(test, 0));
	objs = kt_get_many(kp, n);
	kt_put_to_queue(kp, n, objs);
	kt_move_to(test, kt_cpu(test, 1));
	KUNIT_EXPECT_EQ(test, kt_get_bulk(kp, GFP_KERNEL, n, objs, KT_ME), n);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).allocs, n);
	KUNIT_EXPECT_GT(test, kt_stats(kp).hit_steal, 0);
	kt_put_bulk(kp, n, objs, KT_ME);
}

static void a_bulk_get_takes_from_the_victim_tier(struct kunit *test)
{
	unsigned int n = *(const unsigned int *)test->param_value;
	struct kt_pool *kp = kt_new(test, MAX_OBJECTS, .private_slots = 4);
	void **objs = new_array(test);

	kt_make_idle(kp, n);
	pcpool_age(kp->pool);
	KUNIT_EXPECT_EQ(test, kt_get_bulk(kp, GFP_KERNEL, n, objs, KT_ME), n);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).hit_victim, n);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).allocs, n);
	kt_put_bulk(kp, n, objs, KT_ME);
}

static void a_bulk_get_ends_when_alloc_fails(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 20, .private_slots = 4);
	void **objs = new_array(test);

	KUNIT_EXPECT_EQ(test, kt_get_bulk(kp, GFP_KERNEL, 50, objs, KT_ME), 20);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).alloc_fail, 1);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).outstanding, 20);
	KUNIT_EXPECT_EQ(test, kt_get_bulk(kp, GFP_KERNEL, 50, objs + 20, KT_ME),
			0);
	kt_put_bulk(kp, 20, objs, KT_ME);
}

static void a_bulk_get_of_0_objects_does_nothing(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 1);

	KUNIT_EXPECT_EQ(test, kt_get_bulk(kp, GFP_KERNEL, 0, NULL, KT_ME), 0);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).gets, 0);
}

static void a_bulk_put_skips_null_pointers(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, MAX_OBJECTS, .private_slots = 4);
	void **objs = kt_get_many(kp, MAX_OBJECTS), **holes = new_array(test);
	unsigned int i, n = 0;

	for (i = 0; i < MAX_OBJECTS; i++) {
		if (i % 3)
			holes[i] = objs[n++];
	}
	kt_put_bulk(kp, MAX_OBJECTS, holes, KT_ME);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).puts, n);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).idle_main, n);
	kt_put_many(kp, MAX_OBJECTS - n, objs + n);
}

/* The private slots keep the cache-warm objects. */
static void a_get_returns_the_last_of_a_bulk_put(struct kunit *test)
{
	unsigned int n = *(const unsigned int *)test->param_value;
	struct kt_pool *kp = kt_new(test, MAX_OBJECTS, .private_slots = 4);
	void **objs = new_array(test);

	kt_move_to(test, kt_cpu(test, 0));
	KUNIT_ASSERT_EQ(test, kt_get_bulk(kp, GFP_KERNEL, n, objs, KT_ME), n);
	kt_put_bulk(kp, n, objs, KT_ME);
	KUNIT_EXPECT_PTR_EQ(test, kt_get(kp, GFP_KERNEL, KT_ME), objs[n - 1]);
	kt_put(kp, objs[n - 1], KT_ME);
}

static void gets_return_a_bulk_put_before_older_objects(struct kunit *test)
{
	unsigned int i, n = *(const unsigned int *)test->param_value;
	struct kt_pool *kp = kt_new(test, 20 + MAX_OBJECTS, .private_slots = 4);
	void **objs;

	kt_move_to(test, kt_cpu(test, 0));
	objs = kt_get_many(kp, 20 + n);
	for (i = 0; i < 20; i++)
		kt_put(kp, objs[i], KT_ME);
	kt_put_bulk(kp, n, objs + 20, KT_ME);
	for (i = 20 + n; i--; )
		KUNIT_EXPECT_PTR_EQ(test, kt_try_get(kp, KT_ME), objs[i]);
	kt_put_many(kp, 20 + n, objs);
}

/* Even if the hint says that the slots are empty. */
static void a_bulk_get_takes_from_private_slots_first(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, MAX_OBJECTS, .private_slots = 4);
	void **objs, **got = new_array(test);
	unsigned int i;

	kt_move_to(test, kt_cpu(test, 0));
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

static void another_cpu_can_steal_a_bulk_put(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, MAX_OBJECTS, .private_slots = 4);
	void **objs = new_array(test);
	unsigned int n = 0;

	kt_move_to(test, kt_cpu(test, 0));
	KUNIT_ASSERT_EQ(test, MAX_OBJECTS,
			kt_get_bulk(kp, GFP_KERNEL, MAX_OBJECTS, objs, KT_ME));
	kt_put_bulk(kp, MAX_OBJECTS, objs, KT_ME);
	kt_move_to(test, kt_cpu(test, 1));
	while (n < MAX_OBJECTS && (objs[n] = kt_try_get(kp, KT_ME)))
		n++;
	/* All but the objects in private slots. */
	KUNIT_EXPECT_GE(test, n, MAX_OBJECTS - 4);
	kt_put_bulk(kp, n, objs, KT_ME);
}

/* --- Prefilling ---------------------------------------------------------------- */

static void a_prefill_allocates_the_given_number(struct kunit *test)
{
	unsigned int n = *(const unsigned int *)test->param_value;
	struct kt_pool *kp = kt_new(test, MAX_OBJECTS, .private_slots = 4);
	void **objs;

	kt_move_to(test, kt_cpu(test, 0));
	KUNIT_EXPECT_EQ(test, pcpool_prefill(kp->pool, GFP_KERNEL, n), n);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->allocs), n);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).idle_main, n);
	objs = kt_get_many(kp, n);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).miss, 0);
	kt_put_many(kp, n, objs);
}

static void a_prefill_adds_to_idle_objects(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 30);

	kt_make_idle(kp, 10);
	KUNIT_EXPECT_EQ(test, pcpool_prefill(kp->pool, GFP_KERNEL, 20), 20);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).idle_main, 30);
}

static void a_prefill_returns_the_number_allocated(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 30);

	KUNIT_EXPECT_EQ(test, pcpool_prefill(kp->pool, GFP_KERNEL, 50), 30);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).idle_main, 30);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).alloc_fail, 0);
	KUNIT_EXPECT_EQ(test, pcpool_prefill(kp->pool, GFP_KERNEL, 50), 0);
}

static void another_cpu_can_steal_prefilled_objects(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 30, .private_slots = 4);
	void *obj;

	kt_move_to(test, kt_cpu(test, 0));
	KUNIT_ASSERT_EQ(test, pcpool_prefill(kp->pool, GFP_KERNEL, 30), 30);
	kt_move_to(test, kt_cpu(test, 1));
	obj = kt_try_get(kp, KT_ME);
	KUNIT_ASSERT_NOT_NULL(test, obj);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).hit_steal, 1);
	kt_put(kp, obj, KT_ME);
}

static struct kunit_case bulk_cases[] = {
	KUNIT_CASE_PARAM(a_bulk_get_allocates_missing_objects, amount_gen_params),
	KUNIT_CASE_PARAM(bulk_gets_find_objects_of_bulk_puts, amount_gen_params),
	KUNIT_CASE_PARAM(single_gets_find_objects_of_bulk_puts,
			 amount_gen_params),
	KUNIT_CASE_PARAM(a_bulk_get_steals, amount_gen_params),
	KUNIT_CASE_PARAM(a_bulk_get_takes_from_the_victim_tier, amount_gen_params),
	KUNIT_CASE(a_bulk_get_ends_when_alloc_fails),
	KUNIT_CASE(a_bulk_get_of_0_objects_does_nothing),
	KUNIT_CASE(a_bulk_put_skips_null_pointers),
	KUNIT_CASE_PARAM(a_get_returns_the_last_of_a_bulk_put, amount_gen_params),
	KUNIT_CASE_PARAM(gets_return_a_bulk_put_before_older_objects,
			 amount_gen_params),
	KUNIT_CASE(a_bulk_get_takes_from_private_slots_first),
	KUNIT_CASE(another_cpu_can_steal_a_bulk_put),
	KUNIT_CASE_PARAM(a_prefill_allocates_the_given_number, amount_gen_params),
	KUNIT_CASE(a_prefill_adds_to_idle_objects),
	KUNIT_CASE(a_prefill_returns_the_number_allocated),
	KUNIT_CASE(another_cpu_can_steal_prefilled_objects),
	{}
};

static struct kunit_suite bulk_suite = {
	.name = "pcpool_bulk",
	.test_cases = bulk_cases,
};

kunit_test_suites(&bulk_suite);
