// SPDX-License-Identifier: GPL-2.0
/*
 * How a get waits, as the rest of the kernel sees it: the hung-task detector, the freezer, the
 * accounting of IO. quota_kunit.c tests when it waits.
 */
#include <linux/delay.h>
#include <linux/freezer.h>
#include <linux/sched.h>

#include "common.h"

#define EVENT_TIMEOUT	(30 * HZ)
/* A slice, and some more. */
#define LONGER_THAN_A_SLICE_MS	6500

struct long_wait {
	struct kt_pool *kp;
	struct kt_gang *gang;
	struct task_struct *task;
	bool with_timeout;
	void *held;
	void *got;
};

static void wait_for_object(struct kt_worker *worker)
{
	struct long_wait *wait = worker->arg;
	void *obj;

	if (wait->with_timeout)
		obj = pcpool_get_timeout(wait->kp->pool, GFP_KERNEL, MAX_SCHEDULE_TIMEOUT);
	else
		obj = pcpool_get(wait->kp->pool, GFP_KERNEL);
	wait->got = IS_ERR(obj) ? NULL : kt_note_get(wait->kp, obj, KT_ME);
	/* kt_gang_join() expects the minimum. */
	worker->done = KT_MINIMUM;
}

/* Start a get that has to wait, in a pool with max_total 1 or a reserve of 1. */
static struct long_wait *begin_wait(struct kunit *test, bool reserve, bool with_timeout)
{
	struct long_wait *wait = kunit_kzalloc(test, sizeof(*wait), GFP_KERNEL);
	unsigned long end = jiffies + EVENT_TIMEOUT;

	KUNIT_ASSERT_NOT_NULL(test, wait);
	if (reserve)
		wait->kp = kt_new(test, 10, .reserve = 1);
	else
		wait->kp = kt_new(test, 10, .max_total = 1);
	wait->kp->alloc_fails = reserve;
	wait->with_timeout = with_timeout;
	wait->held = kt_get(wait->kp, GFP_KERNEL, KT_ME);
	KUNIT_ASSERT_NOT_NULL(test, wait->held);
	wait->gang = kt_gang_new(test);
	kt_gang_add(wait->gang, -1, wait_for_object, wait);
	kt_gang_start(wait->gang, 0);
	wait->task = wait->gang->worker[0].task;
	while (!kt_stats(wait->kp).waiting && time_before(jiffies, end))
		schedule_timeout_uninterruptible(1);
	KUNIT_EXPECT_EQ(test, kt_stats(wait->kp).waiting, 1);
	/* Until it sleeps. */
	msleep(50);
	return wait;
}

static void end_wait(struct kunit *test, struct long_wait *wait)
{
	kt_put(wait->kp, wait->held, KT_ME);
	kt_gang_join(wait->gang);
	KUNIT_EXPECT_PTR_EQ(test, wait->got, wait->held);
	if (wait->got)
		kt_put(wait->kp, wait->got, KT_ME);
	kt_expect_consistent(wait->kp);
	kt_destroy(wait->kp);
}

/* The hung-task detector reports a task whose number of context switches does not change. */
static void a_long_wait_does_not_look_hung(struct kunit *test)
{
	struct long_wait *wait[2];
	unsigned long before[2];
	unsigned int i;

	for (i = 0; i < 2; i++)
		wait[i] = begin_wait(test, i, false);
	for (i = 0; i < 2; i++)
		before[i] = READ_ONCE(wait[i]->task->nvcsw);
	msleep(LONGER_THAN_A_SLICE_MS);
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_GT(test, READ_ONCE(wait[i]->task->nvcsw), before[i]);
		/* It has not spun either. */
		KUNIT_EXPECT_LE(test, READ_ONCE(wait[i]->task->nvcsw), before[i] + 20);
		KUNIT_EXPECT_EQ(test, kt_stats(wait[i]->kp).waiting, 1);
	}
	for (i = 0; i < 2; i++)
		end_wait(test, wait[i]);
}

static void a_wait_for_the_reserve_counts_as_iowait(struct kunit *test)
{
	struct long_wait *wait;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		wait = begin_wait(test, i, false);
		KUNIT_EXPECT_EQ(test, !!wait->task->in_iowait, !!i);
		end_wait(test, wait);
	}
}

static void a_wait_with_a_timeout_is_freezable(struct kunit *test)
{
	static const struct {
		bool reserve, with_timeout, freezable;
	} cases[] = {
		{ false, true, true },
		{ false, false, false },
		/* Tasks that go on while others are frozen may depend on the reserve. */
		{ true, true, false },
		{ true, false, false },
	};
	struct long_wait *wait;
	unsigned int i, state;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		wait = begin_wait(test, cases[i].reserve, cases[i].with_timeout);
		state = READ_ONCE(wait->task->__state);
		KUNIT_EXPECT_TRUE_MSG(test, state & TASK_UNINTERRUPTIBLE, "case %u", i);
		KUNIT_EXPECT_EQ_MSG(test, !!(state & TASK_FREEZABLE), cases[i].freezable,
				    "case %u", i);
		KUNIT_EXPECT_EQ_MSG(test, !!(state & TASK_WAKEKILL), cases[i].with_timeout,
				    "case %u", i);
		end_wait(test, wait);
	}
}

static struct kunit_case cases[] = {
	KUNIT_CASE_SLOW(a_long_wait_does_not_look_hung),
	KUNIT_CASE(a_wait_for_the_reserve_counts_as_iowait),
	KUNIT_CASE(a_wait_with_a_timeout_is_freezable),
	{ }
};

static struct kunit_suite suite = {
	.name = "pcpool_wait",
	.test_cases = cases,
};

kunit_test_suite(suite);
