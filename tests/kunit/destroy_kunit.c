// SPDX-License-Identifier: GPL-2.0
/*
 * Destroying a pool frees all idle objects, wherever they are. Breaking the rules
 * warns; these warnings are expected here, and kept out of the log.
 */
#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/module.h>

#include "common.h"
#include "create.h"
#include "switch.h"

static void destroy(struct kt_pool *kp)
{
	pcpool_destroy(kp->pool);
	kp->pool = NULL;
}

static void destroying_null_does_nothing(struct kunit *test)
{
	pcpool_destroy(NULL);
}

static void idle_objects_of_all_cpus_and_tiers_are_freed(struct kunit *test)
{
	unsigned int i, n = num_online_cpus();
	struct kt_pool *kp = kt_new(test, 200 * n, .private_slots = 8);

	for (i = 0; i < n; i++) {
		kt_move_to(test, kt_cpu(test, i));
		KUNIT_ASSERT_EQ(test, 100,
				pcpool_prefill(kp->pool, GFP_KERNEL, 100));
	}
	pcpool_age(kp->pool);
	for (i = 0; i < n; i++) {
		kt_move_to(test, kt_cpu(test, i));
		KUNIT_ASSERT_EQ(test, 100,
				pcpool_prefill(kp->pool, GFP_KERNEL, 100));
	}
	destroy(kp);
	kt_expect_freed(kp, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->frees), 200 * n);
}

static void a_bypassed_pool_is_emptied(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 50);

	kt_make_idle(kp, 50);
	pcpool_set_bypass(kp->core, true);
	destroy(kp);
	kt_expect_freed(kp, 0);
}

struct deferred_puts {
	struct kt_pool *kp;
	void **objs;
	unsigned int n;
};

static void put_all(void *arg)
{
	struct deferred_puts *deferred_puts = arg;

	kt_put_many(deferred_puts->kp, deferred_puts->n, deferred_puts->objs);
}

/* The worker has not yet processed these puts when the pool is destroyed. */
static void deferred_puts_are_not_lost(struct kunit *test)
{
	struct deferred_puts deferred_puts = { .n = 200 };
	unsigned int round;

	for (round = 0; round < 8; round++) {
		deferred_puts.kp = kt_new(test, deferred_puts.n, .private_slots = 1);
		kt_move_to(test, kt_cpu(test, round % num_online_cpus()));
		deferred_puts.objs = kt_get_many(deferred_puts.kp, deferred_puts.n);
		kt_run_in(test, KT_HARDIRQ_TIMER, put_all, &deferred_puts);
		destroy(deferred_puts.kp);
		kt_expect_freed(deferred_puts.kp, 0);
	}
}

static void pools_can_be_created_and_destroyed_in_any_order(struct kunit *test)
{
	struct kt_pool *kp[10];
	unsigned int i, round;

	for (round = 0; round < 4; round++) {
		for (i = 0; i < ARRAY_SIZE(kp); i++) {
			kp[i] = kt_new(test, 100, .private_slots = 1 + i);
			kt_make_idle(kp[i], 50 + i);
		}
		for (i = 0; i < ARRAY_SIZE(kp); i++)
			kt_destroy(kp[(i * 3 + round) % ARRAY_SIZE(kp)]);
	}
}

static void pools_do_not_share_objects(struct kunit *test)
{
	struct kt_pool *a = kt_new(test, 100), *b = kt_new(test, 100);
	void **objs;

	/* kt_note_get() detects an object of another pool. */
	kt_make_idle(a, 100);
	objs = kt_get_many(b, 100);
	KUNIT_EXPECT_EQ(test, kt_stats(a).idle_main, 100);
	KUNIT_EXPECT_EQ(test, kt_stats(b).miss, 100);
	kt_put_many(b, 100, objs);
}

/* --- A module that is unloaded without destroying its pools ---------------------------- */

static struct kt_pool *new_pool_of(struct kunit *test, struct module *module, unsigned int objs,
				   struct pcpool_params params)
{
	struct kt_pool *kp = kt_pool_new(test, objs, &params);

	/* As if the module had created it. */
	kp->core->module = module;
	strscpy(kp->core->owner, module->name, sizeof(kp->core->owner));
	return kp;
}

static void unload(struct kt_pool **kp, struct module *module)
{
	pcpool_abandon_pools_of(module);
	/* Not to be destroyed when the case ends. */
	for (; *kp; kp++)
		(*kp)->pool = NULL;
}

static void no_callback_of_an_unloaded_module_is_called(struct kunit *test)
{
	static const struct pcpool_params kinds[] = {
		{ },
		{ .flags = PCPOOL_ZERO_ON_PUT },
		{ .max_idle = 3 },
		{ .max_idle = 1000 },
		{ .max_total = 1000 },
		{ .reserve = 2 },
		{ .ops = &kt_ops_reset },
		{ .flags = PCPOOL_FREE_MAY_SLEEP },
	};
	struct module *module = kunit_kzalloc(test, sizeof(*module), GFP_KERNEL);
	struct kt_pool *kp[ARRAY_SIZE(kinds) + 1] = { };
	unsigned int i, frees[ARRAY_SIZE(kinds)];
	bool was = pcpool_debug_default, debug;

	KUNIT_ASSERT_NOT_NULL(test, module);
	strscpy(module->name, "kunit_gone", sizeof(module->name));
	for (debug = false; ; debug = true) {
		pcpool_debug_default = debug;
		for (i = 0; i < ARRAY_SIZE(kinds); i++) {
			kp[i] = new_pool_of(test, module, 20, kinds[i]);
			kt_make_idle(kp[i], 10);
			kt_settle(kp[i]);
			frees[i] = atomic_read(&kp[i]->frees);
		}
		pcpool_debug_default = was;
		unload(kp, module);
		for (i = 0; i < ARRAY_SIZE(kinds); i++) {
			KUNIT_EXPECT_EQ(test, atomic_read(&kp[i]->frees), frees[i]);
			KUNIT_EXPECT_TRUE(test, kp[i]->core->dead);
			KUNIT_EXPECT_PTR_NE(test, kp[i]->core->ops, &kt_ops);
			KUNIT_EXPECT_PTR_NE(test, kp[i]->core->ops, &kt_ops_reset);
		}
		if (debug)
			break;
	}
}

static void a_pool_of_an_unloaded_module_is_reported(struct kunit *test)
{
	struct module *module = kunit_kzalloc(test, sizeof(*module), GFP_KERNEL);
	struct kt_pool *kp[2] = { }, *other = kt_new(test, 10);
	struct kmsg_dump_iter mark;
	void **objs;

	KUNIT_ASSERT_NOT_NULL(test, module);
	strscpy(module->name, "kunit_gone", sizeof(module->name));
	kp[0] = new_pool_of(test, module, 20, (struct pcpool_params){ .name = "kunit-forgotten" });
	kt_make_idle(kp[0], 8);
	objs = kt_get_many(kp[0], 3);
	KUNIT_EXPECT_NOT_NULL(test, objs);
	kt_log_mark(&mark);
	unload(kp, module);
	KUNIT_EXPECT_TRUE(test, kt_logged(&mark, "which is gone: 3 objects outstanding, 5 idle"));
	/* The name is free again, and other pools are as before. */
	kt_new(test, 10, .name = "kunit-forgotten");
	kt_make_idle(other, 10);
	KUNIT_EXPECT_EQ(test, kt_stats(other).idle_main, 10);
}

/* --- Misuse -------------------------------------------------------------------------- */

#ifdef kunit_warning_suppress

static void destroying_with_outstanding_objects_warns_once(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 100);

	kt_get_many(kp, 3);
	kt_make_idle(kp, 97);
	kunit_warning_suppress(test) {
		destroy(kp);
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 1);
	}
	/* The outstanding objects are lost; no idle object is. */
	kt_expect_freed(kp, 3);
}

static void a_put_after_destroy_warns_and_changes_nothing(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 100, .ops = &kt_ops_reset), *other;
	struct pcpool *destroyed = kp->pool;
	struct kt_obj **objs = (struct kt_obj **)kt_get_many(kp, 4), before;
	unsigned int mark, i;

	kunit_warning_suppress(test) {
		destroy(kp);
	}
	/* The new pool may get the same memory, if the old one was freed. */
	other = kt_new(test, 100);
	before = *objs[0];
	kunit_warning_suppress(test) {
		pcpool_put(destroyed, objs[0]);
		pcpool_put_bulk(destroyed, 2, (void **)objs + 1);
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 3);
	}
	KUNIT_EXPECT_MEMEQ(test, objs[0], &before, sizeof(before));
	kt_expect_freed(kp, 4);
	KUNIT_EXPECT_EQ(test, kt_stats(other).puts, 0);
	/* The puts were refused, so the test still owns the objects. */
	for (i = 0; i < 3; i++) {
		mark = objs[i]->mark;
		KUNIT_EXPECT_EQ(test, atomic_read(&objs[i]->owner), KT_ME);
		KUNIT_EXPECT_EQ(test, objs[i]->check, ~mark);
	}
}

static void a_put_after_its_module_was_unloaded_warns(struct kunit *test)
{
	struct module *module = kunit_kzalloc(test, sizeof(*module), GFP_KERNEL);
	struct kt_pool *kp[2] = { };
	struct pcpool *pool;
	void **objs;

	KUNIT_ASSERT_NOT_NULL(test, module);
	strscpy(module->name, "kunit_gone", sizeof(module->name));
	kp[0] = new_pool_of(test, module, 20, (struct pcpool_params){ });
	pool = kp[0]->pool;
	objs = kt_get_many(kp[0], 3);
	unload(kp, module);
	kunit_warning_suppress(test) {
		pcpool_put(pool, objs[0]);
		KUNIT_EXPECT_NULL(test, pcpool_get(pool, GFP_KERNEL));
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 2);
	}
	KUNIT_EXPECT_EQ(test, atomic_read(&kp[0]->frees), 0);
}

static void a_get_after_destroy_warns_and_fails(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 10);
	struct pcpool *destroyed = kp->pool;
	void *objs[3];

	kt_get_many(kp, 1);
	kunit_warning_suppress(test) {
		destroy(kp);
	}
	kunit_warning_suppress(test) {
		KUNIT_EXPECT_NULL(test, pcpool_get(destroyed, GFP_KERNEL));
		KUNIT_EXPECT_NULL(test, pcpool_get_local(destroyed, GFP_KERNEL));
		KUNIT_EXPECT_NULL(test, pcpool_try_get(destroyed));
		KUNIT_EXPECT_EQ(test, 0,
				pcpool_get_bulk(destroyed, GFP_KERNEL, 3, objs));
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 4);
	}
	KUNIT_EXPECT_EQ(test, pcpool_prefill(destroyed, GFP_KERNEL, 3), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->allocs), 1);
}

static void destroying_twice_warns(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 10);
	struct pcpool *destroyed = kp->pool;

	kt_get_many(kp, 1);
	kunit_warning_suppress(test) {
		destroy(kp);
	}
	kunit_warning_suppress(test) {
		pcpool_destroy(destroyed);
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 1);
	}
}

static void the_name_of_a_destroyed_pool_is_free(struct kunit *test)
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

/* --- Destroying a pool whose objects are still in use ------------------------------ */

static const struct pcpool_params wait_kinds[] = {
	{ .private_slots = 4 },
	{ .max_idle = 3 },
	{ .private_slots = 4, .max_idle = 1000 },
	{ .max_total = 100 },
	{ .reserve = 5 },
	{ .private_slots = 4, .flags = PCPOOL_FREE_MAY_SLEEP },
	{ .private_slots = 4, .flags = PCPOOL_BYPASS },
};

static void wait_desc(const struct pcpool_params *p, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "max_idle %lu, max_total %lu, reserve %lu, flags %#x",
		 p->max_idle, p->max_total, p->reserve, p->flags);
}

KUNIT_ARRAY_PARAM(wait_kind, wait_kinds, wait_desc);

struct ender {
	struct pcpool *pool;
	struct completion done;
	int ret;
};

static int end_pool(void *data)
{
	struct ender *ender = data;

	ender->ret = pcpool_destroy_wait(ender->pool);
	complete(&ender->done);
	return 0;
}

static void destroy_wait_ends_with_the_last_put(struct kunit *test)
{
	struct kt_pool *kp = kt_pool_new(test, 60, test->param_value);
	struct ender ender = { .pool = kp->pool };
	struct task_struct *task;
	void **objs;
	unsigned int i;

	if (!pcpool_debug_can_switch())
		kunit_skip(test, "this kernel cannot wait for puts in progress");
	objs = kt_get_many(kp, 50);
	kt_put_many(kp, 10, objs);
	init_completion(&ender.done);
	task = kthread_run(end_pool, &ender, "kunit_end");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, task);
	while (!READ_ONCE(kp->core->ending))
		schedule_timeout_uninterruptible(1);
	for (i = 10; i < 50; i++) {
		KUNIT_EXPECT_FALSE(test, completion_done(&ender.done));
		/* Several at a time, while it looks. */
		if (i % 8 == 0)
			schedule_timeout_uninterruptible(HZ / 50);
		kt_put(kp, objs[i], KT_ME);
	}
	wait_for_completion(&ender.done);
	KUNIT_EXPECT_EQ(test, ender.ret, 0);
	kp->pool = NULL;
	kt_expect_freed(kp, 0);
}

static struct kunit_case destroy_cases[] = {
	KUNIT_CASE_PARAM(destroy_wait_ends_with_the_last_put, wait_kind_gen_params),
	KUNIT_CASE(destroying_null_does_nothing),
	KUNIT_CASE(idle_objects_of_all_cpus_and_tiers_are_freed),
	KUNIT_CASE(a_bypassed_pool_is_emptied),
	KUNIT_CASE(deferred_puts_are_not_lost),
	KUNIT_CASE(pools_can_be_created_and_destroyed_in_any_order),
	KUNIT_CASE(pools_do_not_share_objects),
	KUNIT_CASE(no_callback_of_an_unloaded_module_is_called),
	KUNIT_CASE(a_pool_of_an_unloaded_module_is_reported),
#ifdef kunit_warning_suppress
	KUNIT_CASE(destroying_with_outstanding_objects_warns_once),
	KUNIT_CASE(a_put_after_destroy_warns_and_changes_nothing),
	KUNIT_CASE(a_put_after_its_module_was_unloaded_warns),
	KUNIT_CASE(a_get_after_destroy_warns_and_fails),
	KUNIT_CASE(destroying_twice_warns),
	KUNIT_CASE(the_name_of_a_destroyed_pool_is_free),
#endif
	{}
};

static struct kunit_suite destroy_suite = {
	.name = "pcpool_destroy",
	.test_cases = destroy_cases,
};

kunit_test_suites(&destroy_suite);
