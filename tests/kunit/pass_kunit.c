// SPDX-License-Identifier: GPL-2.0
/*
 * Callers that run while others wait: they may take an object before the first waiter until it
 * has waited for a while, and not afterwards. No test depends on how fast a task runs: the
 * waiter and the test share a CPU, and the test keeps the waiter from running.
 */
#include <linux/delay.h>
#include <linux/sched.h>

#include "common.h"
#include "handover.h"

#define EVENT_TIMEOUT	(30 * HZ)
#define FOR_EVER	(1000 * NSEC_PER_SEC)

struct kind {
	const char *name;
	unsigned long max_total;
	unsigned long max_idle;
	unsigned long reserve;
};

static const struct kind kinds[] = {
	{ "a quota, shared array", .max_total = 1 },
	{ "a quota, queues", .max_total = 5000 },
	{ "a quota and a bound, queues", .max_total = 5000, .max_idle = 5000 },
	{ "a reserve", .reserve = 1 },
	{ "a reserve of more", .reserve = 3 },
};

KUNIT_ARRAY_PARAM_DESC(kind, kinds, name);

/* A pool all of whose objects are held, with two gets that wait on this CPU. */
#define WAITERS	2

struct contest {
	struct kt_pool *kp;
	struct kt_gang *gang;
	void **held;
	unsigned int nr_held;
	void *got[WAITERS];
	atomic_t served;
};

static void wait_for_object(struct kt_worker *worker)
{
	struct contest *c = worker->arg;
	void *obj = pcpool_get(c->kp->pool, GFP_KERNEL);

	c->got[atomic_fetch_inc(&c->served)] = obj ? kt_note_get(c->kp, obj, KT_ME) : NULL;
	/* kt_gang_join() expects the minimum. */
	worker->done = KT_MINIMUM;
}

static void restore_pass_ns(void *data)
{
	WRITE_ONCE(pcpool_wait_pass_ns, NSEC_PER_MSEC);
}

static struct contest *new_contest(struct kunit *test, u64 pass_ns)
{
	const struct kind *kind = test->param_value;
	struct contest *c = kunit_kzalloc(test, sizeof(*c), GFP_KERNEL);
	unsigned long end = jiffies + EVENT_TIMEOUT;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, c);
	WRITE_ONCE(pcpool_wait_pass_ns, pass_ns);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, restore_pass_ns, NULL));
	kt_move_to(test, kt_cpu(test, 0));
	c->nr_held = kind->max_total ?: kind->reserve;
	c->kp = kt_new(test, c->nr_held + 10, .max_total = kind->max_total,
		       .max_idle = kind->max_idle, .reserve = kind->reserve);
	/* Otherwise it would leave the reserve alone. */
	c->kp->alloc_fails = kind->reserve;
	c->held = kt_get_many(c->kp, c->nr_held);
	c->kp->alloc_fails = true;
	c->gang = kt_gang_new(test);
	for (i = 0; i < WAITERS; i++)
		kt_gang_add(c->gang, kt_cpu(test, 0), wait_for_object, c);
	kt_gang_start(c->gang, 0);
	while (kt_stats(c->kp).waiting < WAITERS && time_before(jiffies, end))
		schedule_timeout_uninterruptible(1);
	KUNIT_ASSERT_EQ(test, kt_stats(c->kp).waiting, WAITERS);
	/* Until they sleep, and longer than they may be passed by default. */
	msleep(50);
	return c;
}

/* Puts what is held, which serves the waiters. */
static void end_contest(struct kunit *test, struct contest *c)
{
	unsigned int i;

	kt_put_many(c->kp, c->nr_held, c->held);
	/* With one object, the second waiter needs what the first one got. */
	for (i = 0; i < WAITERS; i++) {
		unsigned long end = jiffies + EVENT_TIMEOUT;

		while (!READ_ONCE(c->got[i]) && time_before(jiffies, end))
			schedule_timeout_uninterruptible(1);
		KUNIT_ASSERT_NOT_NULL(test, c->got[i]);
		kt_put(c->kp, c->got[i], KT_ME);
	}
	kt_gang_join(c->gang);
	KUNIT_EXPECT_EQ(test, kt_stats(c->kp).waiting, 0);
	kt_expect_consistent(c->kp);
	kt_destroy(c->kp);
}

static void a_running_caller_passes_a_waiter(struct kunit *test)
{
	struct contest *c = new_contest(test, FOR_EVER);
	unsigned int i, passed = 0;
	void *obj = c->held[--c->nr_held];

	/* The waiters cannot run, so nothing but this takes the object. */
	preempt_disable();
	for (i = 0; i < 100 && obj; i++) {
		kt_put(c->kp, obj, KT_ME);
		obj = i % 2 ? kt_get(c->kp, GFP_NOWAIT, KT_ME) : kt_try_get(c->kp, KT_ME);
		/* A reserve is not for pcpool_try_get(). */
		obj = obj ?: kt_get(c->kp, GFP_NOWAIT, KT_ME);
		passed += !!obj;
	}
	preempt_enable();
	KUNIT_EXPECT_EQ(test, passed, 100);
	KUNIT_EXPECT_EQ(test, atomic_read(&c->served), 0);
	c->held[c->nr_held++] = obj;
	end_contest(test, c);
}

static void after_a_while_the_next_object_is_handed_over(struct kunit *test)
{
	/* The default time, which has passed. */
	struct contest *c = new_contest(test, NSEC_PER_MSEC);
	void *obj, *other;

	preempt_disable();
	kt_put(c->kp, c->held[--c->nr_held], KT_ME);
	other = pcpool_try_get(c->kp->pool);
	obj = other ?: pcpool_get(c->kp->pool, GFP_NOWAIT);
	preempt_enable();
	KUNIT_EXPECT_NULL(test, obj);
	/* One waiter has left the queue, whether or not it has run. */
	KUNIT_EXPECT_EQ(test, kt_stats(c->kp).waiting, 1);
	end_contest(test, c);
}

/* A put wakes the first waiter, and only that; it is not woken again before it has looked. */
static void a_put_wakes_the_first_waiter_once(struct kunit *test)
{
	struct contest *c = new_contest(test, FOR_EVER);
	struct pcpool_wait *q = c->kp->core->wait;
	struct pcpool_waiter *first, *second;
	bool looks, awake, second_looks, again;
	void *obj = c->held[--c->nr_held];

	first = list_first_entry(&q->waiters, struct pcpool_waiter, entry);
	second = list_next_entry(first, entry);
	KUNIT_EXPECT_FALSE(test, READ_ONCE(q->first_woken));
	preempt_disable();
	kt_put(c->kp, obj, KT_ME);
	looks = READ_ONCE(first->look) && READ_ONCE(q->first_woken);
	/* Awake, although it cannot run yet. */
	awake = READ_ONCE(first->task->__state) == TASK_RUNNING;
	second_looks = READ_ONCE(second->look);
	obj = kt_get(c->kp, GFP_NOWAIT, KT_ME);
	again = READ_ONCE(first->look);
	preempt_enable();
	KUNIT_EXPECT_TRUE(test, looks);
	KUNIT_EXPECT_TRUE(test, awake);
	KUNIT_EXPECT_FALSE(test, second_looks);
	KUNIT_EXPECT_TRUE(test, again);
	KUNIT_ASSERT_NOT_NULL(test, obj);
	c->held[c->nr_held++] = obj;
	end_contest(test, c);
}

/* A waiter that was woken in vain sleeps again, and keeps its place. */
static void a_waiter_that_was_passed_is_woken_again(struct kunit *test)
{
	struct contest *c = new_contest(test, FOR_EVER);
	struct pcpool_wait *q = c->kp->core->wait;
	unsigned long end = jiffies + EVENT_TIMEOUT;
	struct pcpool_waiter *first;
	void *obj = c->held[--c->nr_held];

	first = list_first_entry(&q->waiters, struct pcpool_waiter, entry);
	preempt_disable();
	kt_put(c->kp, obj, KT_ME);
	obj = kt_get(c->kp, GFP_NOWAIT, KT_ME);
	preempt_enable();
	KUNIT_ASSERT_NOT_NULL(test, obj);
	while (READ_ONCE(q->first_woken) && time_before(jiffies, end))
		schedule_timeout_uninterruptible(1);
	KUNIT_EXPECT_FALSE(test, READ_ONCE(q->first_woken));
	KUNIT_EXPECT_EQ(test, kt_stats(c->kp).waiting, WAITERS);
	KUNIT_EXPECT_PTR_EQ(test, first,
			    list_first_entry(&q->waiters, struct pcpool_waiter, entry));
	kt_put(c->kp, obj, KT_ME);
	end = jiffies + EVENT_TIMEOUT;
	while (!atomic_read(&c->served) && time_before(jiffies, end))
		schedule_timeout_uninterruptible(1);
	KUNIT_EXPECT_GE(test, atomic_read(&c->served), 1);
	end_contest(test, c);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(a_running_caller_passes_a_waiter, kind_gen_params),
	KUNIT_CASE_PARAM(after_a_while_the_next_object_is_handed_over, kind_gen_params),
	KUNIT_CASE_PARAM(a_put_wakes_the_first_waiter_once, kind_gen_params),
	KUNIT_CASE_PARAM(a_waiter_that_was_passed_is_woken_again, kind_gen_params),
	{ }
};

static struct kunit_suite suite = {
	.name = "pcpool_pass",
	.test_cases = cases,
};

kunit_test_suite(suite);
