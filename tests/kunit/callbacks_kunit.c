// SPDX-License-Identifier: GPL-2.0
/*
 * The client's callbacks: when, how often, with which arguments and in which context
 * they are called. For each call in all suites, common.c checks that ops->free is never
 * called in hardirq context, nor, without PCPOOL_FREE_ATOMIC, where it may not sleep.
 */
#include "common.h"

/* --- ops->alloc ------------------------------------------------------------------ */

struct gfp_param {
	gfp_t gfp;
	char name[40];
};

static const struct gfp_param gfps[] = {
	{ GFP_KERNEL, "GFP_KERNEL" },
	{ GFP_ATOMIC, "GFP_ATOMIC" },
	{ GFP_NOWAIT, "GFP_NOWAIT" },
	{ GFP_NOIO | __GFP_RETRY_MAYFAIL, "GFP_NOIO | __GFP_RETRY_MAYFAIL" },
	{ GFP_USER | __GFP_WRITE, "GFP_USER | __GFP_WRITE" },
	{ GFP_KERNEL | __GFP_NOFAIL, "GFP_KERNEL | __GFP_NOFAIL" },
};

KUNIT_ARRAY_PARAM_DESC(gfp, gfps, name);

static void alloc_is_passed_the_callers_gfp(struct kunit *test)
{
	gfp_t gfp = ((const struct gfp_param *)test->param_value)->gfp;
	struct kt_pool *kp = kt_new(test, 200);
	void *objs[100];

	objs[0] = kt_get(kp, gfp, KT_ME);
	KUNIT_EXPECT_EQ(test, kp->gfp, gfp);
	kp->gfp = 0;
	objs[1] = kt_get_local(kp, gfp, KT_ME);
	KUNIT_EXPECT_EQ(test, kp->gfp, gfp);
	kp->gfp = 0;
	KUNIT_ASSERT_EQ(test, kt_get_bulk(kp, gfp, 98, objs + 2, KT_ME), 98);
	KUNIT_EXPECT_EQ(test, kp->gfp, gfp);
	kp->gfp = 0;
	KUNIT_EXPECT_EQ(test, pcpool_prefill(kp->pool, gfp, 100), 100);
	KUNIT_EXPECT_EQ(test, kp->gfp, gfp);
	kt_put_many(kp, 100, objs);
}

static void a_get_fails_if_alloc_does(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 1);

	kp->alloc_fails = true;
	KUNIT_EXPECT_NULL(test, kt_get(kp, GFP_KERNEL, KT_ME));
	KUNIT_EXPECT_EQ(test, kt_stats(kp).alloc_fail, 1);
	KUNIT_EXPECT_NULL(test, kt_get_local(kp, GFP_KERNEL, KT_ME));
	KUNIT_EXPECT_EQ(test, kt_stats(kp).alloc_fail, 2);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).allocs, 0);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).miss, 0);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).outstanding, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->failed_allocs), 2);
}

static void a_get_succeeds_again_when_alloc_does(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 1);
	void *obj;

	kp->alloc_fails = true;
	KUNIT_EXPECT_NULL(test, kt_get(kp, GFP_KERNEL, KT_ME));
	kp->alloc_fails = false;
	obj = kt_get(kp, GFP_KERNEL, KT_ME);
	KUNIT_ASSERT_NOT_NULL(test, obj);
	kt_put(kp, obj, KT_ME);
}

static void alloc_is_called_only_for_a_miss(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 10);
	int i;

	kt_move_to(test, kt_cpu(test, 0));
	kt_make_idle(kp, 10);
	for (i = 0; i < 100; i++)
		kt_make_idle(kp, 10);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->allocs), 10);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->failed_allocs), 0);
}

/* --- ops->reset ------------------------------------------------------------------- */

static void reset_is_called_once_a_put(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 100, .ops = &kt_ops_reset,
				    .private_slots = 4);
	struct kt_obj **objs = (struct kt_obj **)kt_get_many(kp, 100);
	unsigned int i;

	KUNIT_EXPECT_EQ(test, atomic_read(&kp->resets), 0);
	for (i = 0; i < 50; i++) {
		kt_put(kp, objs[i], KT_ME);
		KUNIT_EXPECT_EQ(test, objs[i]->resets, 1);
	}
	kt_put_bulk(kp, 50, (void **)objs + 50, KT_ME);
	for (i = 0; i < 100; i++)
		KUNIT_EXPECT_EQ(test, objs[i]->resets, 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->resets), 100);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).puts, 100);
}

static void reset_is_not_called_without_a_put(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 100, .ops = &kt_ops_reset);
	void *obj;

	KUNIT_ASSERT_EQ(test, pcpool_prefill(kp->pool, GFP_KERNEL, 50), 50);
	obj = kt_get(kp, GFP_KERNEL, KT_ME);
	pcpool_age(kp->pool);
	pcpool_drain(kp->pool);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->resets), 0);
	kt_put(kp, obj, KT_ME);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->resets), 1);
}

static void an_object_with_reset_is_reused(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 10, .ops = &kt_ops_reset);
	int i;

	for (i = 0; i < 20; i++)
		kt_make_idle(kp, 10);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).allocs, 10);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->resets), 200);
}

static void delay_reset(struct kt_pool *kp, enum kt_callback callback,
			struct kt_obj *obj)
{
	int spin;

	/*
	 * Keep the object in reset for a while. kt_reset() checks afterwards that it
	 * has no owner.
	 */
	for (spin = 0; callback == KT_RESET && spin < 500; spin++)
		cpu_relax();
}

static void get_and_put(struct kt_worker *worker)
{
	struct kt_pool *kp = worker->arg;
	void *obj;

	while (kt_keep_running(worker)) {
		obj = kt_try_get(kp, worker->holder);
		if (!obj)
			continue;
		kt_put(kp, obj, worker->holder);
		kt_progress(worker);
	}
}

static void no_get_returns_an_object_before_its_reset_ends(struct kunit *test)
{
	/* More objects than the slots of other CPUs can hold. */
	unsigned int i, n = min(num_online_cpus(), 6u), objs = n + 2;
	struct kt_pool *kp = kt_new(test, objs, .ops = &kt_ops_reset,
				    .private_slots = 1);
	struct kt_gang *gang;

	kt_cpu(test, 1);
	kp->hook = delay_reset;
	KUNIT_ASSERT_EQ(test, pcpool_prefill(kp->pool, GFP_KERNEL, objs), objs);
	gang = kt_gang_new(test);
	/* Two threads a CPU, so that they also compete for the slots. */
	for (i = 0; i < 2 * n; i++)
		kt_gang_add(gang, kt_cpu(test, i % n), get_and_put, kp);
	kt_gang_start(gang, 150);
	kt_gang_join(gang);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).puts, atomic_read(&kp->resets));
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->violations), 0);
}

/* --- The context of callbacks ------------------------------------------------------- */

KUNIT_ARRAY_PARAM(context, kt_contexts, kt_context_desc);

/* The context that the callbacks see, and the context of their callers. */
struct seen {
	struct kt_pool *kp;
	void *objs[8];
	bool active;
	int preempt_count;
	bool irqs_disabled;
	unsigned int calls[3];
	unsigned int differences;
};

static void compare_context(struct kt_pool *kp, enum kt_callback callback,
			    struct kt_obj *obj)
{
	struct seen *seen = kp->arg;

	/* Calls from the worker are not compared: its context differs. */
	if (!seen->active)
		return;
	seen->calls[callback]++;
	if (preempt_count() != seen->preempt_count ||
	    irqs_disabled() != seen->irqs_disabled)
		seen->differences++;
}

static void record_caller(struct seen *seen)
{
	seen->preempt_count = preempt_count();
	seen->irqs_disabled = irqs_disabled();
	seen->active = true;
}

static void get_some(void *arg)
{
	struct seen *seen = arg;
	unsigned int i;

	record_caller(seen);
	for (i = 0; i < ARRAY_SIZE(seen->objs); i++)
		seen->objs[i] = kt_get(seen->kp, GFP_ATOMIC, KT_ME);
	seen->active = false;
}

static void put_some(void *arg)
{
	struct seen *seen = arg;
	unsigned int i;

	record_caller(seen);
	for (i = 0; i < ARRAY_SIZE(seen->objs); i++) {
		if (seen->objs[i])
			kt_put(seen->kp, seen->objs[i], KT_ME);
	}
	seen->active = false;
}

static void callbacks_run_in_their_callers_context(struct kunit *test)
{
	const struct kt_context_param *p = test->param_value;
	struct kt_pool *kp = kt_new(test, 8, .ops = &kt_ops_reset,
				    .flags = PCPOOL_FREE_ATOMIC);
	struct seen *seen = kunit_kzalloc(test, sizeof(*seen), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, seen);
	seen->kp = kp;
	kp->arg = seen;
	kt_move_to(test, kt_cpu(test, 0));
	kp->hook = compare_context;
	kt_run_in(test, p->context, get_some, seen);
	/* Make puts free the objects, where that is allowed. */
	pcpool_set_bypass(kp->core, true);
	kt_run_in(test, p->context, put_some, seen);
	kt_settle(kp);
	kp->hook = NULL;
	KUNIT_EXPECT_EQ(test, seen->calls[KT_ALLOC], 8);
	KUNIT_EXPECT_EQ(test, seen->calls[KT_RESET], 8);
	KUNIT_EXPECT_EQ(test, seen->calls[KT_FREE],
			kt_defers_free(p->context) ? 0 : 8);
	KUNIT_EXPECT_EQ(test, seen->differences, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->frees), 8);
}

struct puts {
	struct kt_pool *kp;
	void **objs;
	unsigned int n;
};

static void put_all(void *arg)
{
	struct puts *puts = arg;

	kt_put_many(puts->kp, puts->n, puts->objs);
}

static void put_all_in_bulk(void *arg)
{
	struct puts *puts = arg;

	kt_put_bulk(puts->kp, puts->n, puts->objs, KT_ME);
}

/* kt_free() calls might_sleep(). */
static void free_may_sleep_for_puts_from_any_context(struct kunit *test)
{
	const struct kt_context_param *p = test->param_value;
	struct kt_pool *kp = kt_new(test, 50, .flags = PCPOOL_FREE_MAY_SLEEP);
	struct puts puts = { .kp = kp, .n = 50 };

	kt_move_to(test, kt_cpu(test, 0));
	puts.objs = kt_get_many(kp, 50);
	pcpool_set_bypass(kp->core, true);
	kt_run_in(test, p->context, put_all, &puts);
	kt_settle(kp);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->frees), 50);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).drop_other, 50);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->violations), 0);
	if (p->context != KT_TASK)
		KUNIT_EXPECT_EQ(test, kt_stats(kp).deferred, 50);
}

static void a_bulk_put_frees_where_that_is_allowed(struct kunit *test)
{
	const struct kt_context_param *p = test->param_value;
	struct kt_pool *kp = kt_new(test, 50, .flags = PCPOOL_FREE_MAY_SLEEP);
	struct puts puts = { .kp = kp, .n = 50 };

	kt_move_to(test, kt_cpu(test, 0));
	puts.objs = kt_get_many(kp, 50);
	pcpool_set_bypass(kp->core, true);
	kt_run_in(test, p->context, put_all_in_bulk, &puts);
	kt_settle(kp);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->frees), 50);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->violations), 0);
}

static void free_is_left_to_the_worker_where_necessary(struct kunit *test)
{
	const struct kt_context_param *p = test->param_value;
	struct kt_pool *kp = kt_new(test, 50, .flags = PCPOOL_FREE_ATOMIC);
	struct puts puts = { .kp = kp, .n = 50 };

	kt_move_to(test, kt_cpu(test, 0));
	puts.objs = kt_get_many(kp, 50);
	pcpool_set_bypass(kp->core, true);
	kt_run_in(test, p->context, put_all, &puts);
	if (!kt_defers_free(p->context))
		KUNIT_EXPECT_EQ(test, atomic_read(&kp->frees), 50);
	else
		KUNIT_EXPECT_EQ(test, kt_stats(kp).deferred, 50);
	kt_settle(kp);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->frees), 50);
}

static void free_may_sleep_when_called_by_aging(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 100, .flags = PCPOOL_FREE_MAY_SLEEP,
				    .private_slots = 4);

	kt_make_idle(kp, 100);
	pcpool_age(kp->pool);
	KUNIT_EXPECT_EQ(test, pcpool_age(kp->pool), 100);
	kt_make_idle(kp, 100);
	KUNIT_EXPECT_EQ(test, pcpool_drain(kp->pool), 100);
	kt_make_idle(kp, 100);
	kt_scan(kp, 100);
	KUNIT_EXPECT_EQ(test, kt_scan(kp, 100), 100);
	kt_make_idle(kp, 100);
	pcpool_destroy(kp->pool);
	kp->pool = NULL;
	kt_expect_freed(kp, 0);
}

static struct kunit_case callbacks_cases[] = {
	KUNIT_CASE_PARAM(alloc_is_passed_the_callers_gfp, gfp_gen_params),
	KUNIT_CASE(a_get_fails_if_alloc_does),
	KUNIT_CASE(a_get_succeeds_again_when_alloc_does),
	KUNIT_CASE(alloc_is_called_only_for_a_miss),
	KUNIT_CASE(reset_is_called_once_a_put),
	KUNIT_CASE(reset_is_not_called_without_a_put),
	KUNIT_CASE(an_object_with_reset_is_reused),
	KUNIT_CASE(no_get_returns_an_object_before_its_reset_ends),
	KUNIT_CASE_PARAM(callbacks_run_in_their_callers_context, context_gen_params),
	KUNIT_CASE_PARAM(free_may_sleep_for_puts_from_any_context,
			 context_gen_params),
	KUNIT_CASE_PARAM(a_bulk_put_frees_where_that_is_allowed, context_gen_params),
	KUNIT_CASE_PARAM(free_is_left_to_the_worker_where_necessary,
			 context_gen_params),
	KUNIT_CASE(free_may_sleep_when_called_by_aging),
	{}
};

static struct kunit_suite callbacks_suite = {
	.name = "pcpool_callbacks",
	.test_cases = callbacks_cases,
};

kunit_test_suites(&callbacks_suite);
