// SPDX-License-Identifier: GPL-2.0
/*
 * Waiters that must not be passed any more, because the first of them has waited too long: what
 * becomes of an object that was left idle before. No case depends on how fast a task runs:
 * waiters and test share a CPU, and the test does not let them run.
 */
#include <linux/delay.h>
#include <linux/sched.h>

#include "common.h"
#include "handover.h"

#define EVENT_TIMEOUT	(30 * HZ)
#define FOR_EVER	(1000 * NSEC_PER_SEC)
#define WAITERS		2

struct kind {
	const char *name;
	struct pcpool_params params;
};

static const struct kind kinds[] = {
	{ "a quota, shared array", { .max_total = 2 } },
	{ "a quota, queues", { .max_total = 5000 } },
	{ "a reserve", { .reserve = 2 } },
};

KUNIT_ARRAY_PARAM_DESC(kind, kinds, name);

/**
 * struct overdue - a pool all of whose objects the test holds, and gets that wait on this CPU
 * @kp: the pool
 * @q: its wait queue
 * @gang: the waiters
 * @held: the objects
 * @n: how many the test still holds
 * @served: how many waiters have been served
 * @got: what they got, in order
 */
struct overdue {
	struct kt_pool *kp;
	struct pcpool_wait *q;
	struct kt_gang *gang;
	void **held;
	unsigned int n;
	atomic_t served;
	void *got[WAITERS];
};

static void wait_for_object(struct kt_worker *worker)
{
	struct overdue *o = worker->arg;
	void *obj = pcpool_get(o->kp->pool, GFP_KERNEL);

	if (obj)
		kt_note_get(o->kp, obj, KT_ME);
	o->got[atomic_fetch_inc(&o->served)] = obj;
	/* kt_gang_join() expects the minimum. */
	worker->done = KT_MINIMUM;
}

static void restore_pass_ns(void *data)
{
	WRITE_ONCE(pcpool_wait_pass_ns, NSEC_PER_MSEC);
}

static bool wait_until(struct overdue *o, bool (*condition)(struct overdue *o))
{
	unsigned long end = jiffies + EVENT_TIMEOUT;

	while (!condition(o)) {
		if (time_after(jiffies, end))
			return false;
		schedule_timeout_uninterruptible(1);
	}
	return true;
}

static bool all_wait(struct overdue *o)
{
	return kt_stats(o->kp).waiting == WAITERS;
}

static bool all_are_served(struct overdue *o)
{
	return atomic_read(&o->served) == WAITERS;
}

/* The waiters may be passed until the test calls make_overdue(). */
static struct overdue *new_overdue(struct kunit *test, const struct pcpool_params *params)
{
	struct overdue *o = kunit_kzalloc(test, sizeof(*o), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, o);
	WRITE_ONCE(pcpool_wait_pass_ns, FOR_EVER);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, restore_pass_ns, NULL));
	kt_move_to(test, kt_cpu(test, 0));
	o->n = params->max_total ?: params->reserve;
	o->kp = kt_pool_new(test, o->n + 10, params);
	o->q = o->kp->core->wait;
	o->kp->alloc_fails = params->reserve;
	o->held = kt_get_many(o->kp, o->n);
	o->gang = kt_gang_new(test);
	for (i = 0; i < WAITERS; i++)
		kt_gang_add(o->gang, kt_cpu(test, 0), wait_for_object, o);
	kt_gang_start(o->gang, 0);
	KUNIT_ASSERT_TRUE(test, wait_until(o, all_wait));
	/* Until they sleep. */
	msleep(50);
	return o;
}

static void put_next(struct overdue *o)
{
	kt_put(o->kp, o->held[--o->n], KT_ME);
}

static void make_overdue(struct overdue *o)
{
	WRITE_ONCE(pcpool_wait_pass_ns, 0);
	WRITE_ONCE(o->q->pass_until, 0);
}

static void end_overdue(struct kunit *test, struct overdue *o)
{
	unsigned int i;

	while (o->n)
		put_next(o);
	kt_gang_join(o->gang);
	for (i = 0; i < WAITERS; i++) {
		if (o->got[i])
			kt_put(o->kp, o->got[i], KT_ME);
	}
	KUNIT_EXPECT_EQ(test, kt_stats(o->kp).waiting, 0);
	kt_expect_consistent(o->kp);
	kt_destroy(o->kp);
}

/*
 * The first waiter is woken for one object, and handed another one before it runs. The second
 * waiter needs the first object, and nothing else happens that could tell it.
 */
static void the_next_waiter_gets_what_the_first_did_not_take(struct kunit *test)
{
	const struct kind *kind = test->param_value;
	struct overdue *o = new_overdue(test, &kind->params);

	preempt_disable();
	put_next(o);
	make_overdue(o);
	put_next(o);
	preempt_enable();
	KUNIT_EXPECT_TRUE(test, wait_until(o, all_are_served));
	end_overdue(test, o);
}

/* The object goes to the waiters in the order of their arrival, and to no running caller. */
static void an_overdue_waiter_is_not_passed(struct kunit *test)
{
	const struct kind *kind = test->param_value;
	struct overdue *o = new_overdue(test, &kind->params);
	struct pcpool_waiter *first, *second;
	unsigned int passed = 0;
	bool served[2];

	first = list_first_entry(&o->q->waiters, struct pcpool_waiter, entry);
	second = list_next_entry(first, entry);
	preempt_disable();
	put_next(o);
	make_overdue(o);
	/* The object is idle, and the first waiter is about to take it. */
	passed += !!kt_try_get(o->kp, KT_ME);
	passed += !!kt_get(o->kp, GFP_NOWAIT, KT_ME);
	put_next(o);
	served[0] = READ_ONCE(first->served);
	served[1] = READ_ONCE(second->served);
	passed += !!kt_try_get(o->kp, KT_ME);
	passed += !!kt_get(o->kp, GFP_NOWAIT, KT_ME);
	preempt_enable();
	KUNIT_EXPECT_EQ(test, passed, 0);
	KUNIT_EXPECT_TRUE(test, served[0]);
	KUNIT_EXPECT_FALSE(test, served[1]);
	KUNIT_EXPECT_TRUE(test, wait_until(o, all_are_served));
	end_overdue(test, o);
}

/* A caller that allocates for itself shows that memory is available again. */
static void a_caller_that_passes_tells_waiters_of_memory(struct kunit *test)
{
	static const struct pcpool_params params = { .reserve = 2 };
	struct overdue *o = new_overdue(test, &params);
	struct pcpool_waiter *first;
	bool told;
	void *obj;

	first = list_first_entry(&o->q->waiters, struct pcpool_waiter, entry);
	preempt_disable();
	WRITE_ONCE(o->kp->alloc_fails, false);
	obj = kt_get(o->kp, GFP_NOWAIT, KT_ME);
	told = READ_ONCE(first->retry);
	preempt_enable();
	KUNIT_EXPECT_TRUE(test, told);
	if (obj)
		kt_put(o->kp, obj, KT_ME);
	end_overdue(test, o);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(the_next_waiter_gets_what_the_first_did_not_take, kind_gen_params),
	KUNIT_CASE_PARAM(an_overdue_waiter_is_not_passed, kind_gen_params),
	KUNIT_CASE(a_caller_that_passes_tells_waiters_of_memory),
	{ }
};

static struct kunit_suite suite = {
	.name = "pcpool_overdue",
	.test_cases = cases,
};

kunit_test_suite(suite);
