// SPDX-License-Identifier: GPL-2.0
/*
 * Private slots: the objects that a CPU keeps for itself, the hint that finds them, and
 * the spill when they are full.
 */
#include "common.h"

/* Put @obj by the inlined path only. If that fails, the caller still owns the object. */
static bool put_inline(struct kt_pool *kp, void *obj)
{
	kt_note_put(kp, obj, KT_ME);
	if (__pcpool_put_private(kp->pool, obj))
		return true;
	this_cpu_dec(kp->counts->puts);
	atomic_set(&((struct kt_obj *)obj)->owner, KT_ME);
	return false;
}

/* Set the hint: the next put fills slot @top. */
static void set_top(struct kt_pool *kp, int cpu, unsigned int top)
{
	per_cpu_ptr(kp->core->slots, cpu)->top =
		(unsigned long)(kp->core->slots->slot + top - 1);
}

struct depth {
	unsigned int slots;
	unsigned int objects;
	char name[40];
};

static const struct depth depths[] = {
	{ 1, 1, "1 of 1 slot" },
	{ 1, 5, "1 slot and the queue" },
	{ 2, 2, "2 of 2 slots" },
	{ 2, 9, "2 slots and the queue" },
	{ 4, 30, "4 slots and a ring" },
	{ 8, 8, "8 of 8 slots" },
	{ 8, 9, "8 slots and one object in the queue" },
	{ 8, 200, "8 slots and several rings" },
	{ 32, 64, "32 slots and the queue" },
	{ 64, 64, "64 of 64 slots" },
	{ 3, 100, "3 slots, not a divisor of a ring" },
	{ 64, 300, "64 slots, larger than the first ring" },
};

KUNIT_ARRAY_PARAM_DESC(depth, depths, name);

/* The object that was put last is the most likely one to be in the CPU's cache. */
static void a_cpu_gets_the_object_it_put_last(struct kunit *test)
{
	const struct depth *depth = test->param_value;
	struct kt_pool *kp = kt_new(test, depth->objects,
				    .private_slots = depth->slots);
	unsigned int i, n = depth->objects;
	void **objs;

	kt_move_to(test, kt_cpu(test, 0));
	objs = kt_get_many(kp, n);
	kt_put_many(kp, n, objs);
	for (i = n; i--; )
		KUNIT_ASSERT_PTR_EQ_MSG(test, kt_get(kp, GFP_KERNEL, KT_ME),
					objs[i], "%u of %u", i, n);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).miss, n);
	kt_put_many(kp, n, objs);
}

static const unsigned int slot_numbers[] = { 1, 2, 3, 8, 32, 64 };

static void slots_desc(const unsigned int *slots, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%u", *slots);
}

KUNIT_ARRAY_PARAM(slots, slot_numbers, slots_desc);

static void puts_fill_the_slots_before_the_queue(struct kunit *test)
{
	unsigned int slots = *(const unsigned int *)test->param_value;
	struct kt_pool *kp = kt_new(test, slots, .private_slots = slots);
	int cpu = kt_cpu(test, 0);

	kt_move_to(test, cpu);
	kt_make_idle(kp, slots);
	KUNIT_EXPECT_EQ(test, kt_in_slots(kp, cpu), slots);
	KUNIT_EXPECT_EQ(test, kt_in_main(kp, cpu), 0);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).grows, 0);
}

static void full_slots_spill_to_the_queue_and_keep_the_newest(struct kunit *test)
{
	unsigned int slots = *(const unsigned int *)test->param_value;
	struct kt_pool *kp = kt_new(test, slots + 1, .private_slots = slots);
	int cpu = kt_cpu(test, 0);
	void **objs;

	kt_move_to(test, cpu);
	objs = kt_get_many(kp, slots + 1);
	kt_put_many(kp, slots + 1, objs);
	KUNIT_EXPECT_EQ(test, kt_in_slots(kp, cpu) + kt_in_main(kp, cpu),
			slots + 1);
	KUNIT_EXPECT_EQ(test, kt_in_main(kp, cpu), slots);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).grows, 1);
	KUNIT_EXPECT_PTR_EQ(test, __pcpool_get_private(kp->pool), objs[slots]);
	/* This get did not go through kt_note_get(). */
	pcpool_put(kp->pool, objs[slots]);
	this_cpu_inc(kp->counts->gets);
	this_cpu_inc(kp->counts->puts);
}

static void gets_and_puts_within_the_slots_stay_inline(struct kunit *test)
{
	unsigned int slots = *(const unsigned int *)test->param_value;
	struct kt_pool *kp = kt_new(test, slots, .private_slots = slots);
	unsigned int i, round;
	void **objs;

	kt_move_to(test, kt_cpu(test, 0));
	objs = kt_get_many(kp, slots);
	/* The first put opens the slots. */
	kt_put(kp, objs[0], KT_ME);
	objs[0] = kt_get(kp, GFP_KERNEL, KT_ME);
	for (round = 0; round < 3; round++) {
		for (i = 0; i < slots; i++)
			KUNIT_ASSERT_TRUE(test, put_inline(kp, objs[i]));
		for (i = 0; i < slots; i++) {
			objs[i] = kt_note_get(kp, __pcpool_get_private(kp->pool),
					      KT_ME);
			KUNIT_ASSERT_NOT_NULL(test, objs[i]);
		}
	}
	KUNIT_EXPECT_EQ(test, kt_stats(kp).hit_private, 3 * slots + 1);
	kt_put_many(kp, slots, objs);
}

static void a_cpu_does_not_see_the_slots_of_another(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 8, .private_slots = 4);
	int a = kt_cpu(test, 0), b = kt_cpu(test, 1);

	kt_move_to(test, a);
	kt_make_idle(kp, 4);
	kt_move_to(test, b);
	KUNIT_EXPECT_NULL(test, kt_try_get(kp, KT_ME));
	kt_make_idle(kp, 4);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).miss, 8);
	KUNIT_EXPECT_EQ(test, kt_in_slots(kp, a), 4);
	KUNIT_EXPECT_EQ(test, kt_in_slots(kp, b), 4);
}

/* --- The hint -------------------------------------------------------------- */

/* Values that an interrupt or a migration in the middle of a get or put may leave. */
static const unsigned int tops[] = { 1, 2, 3, 4, 5, 6 };

static void top_desc(const unsigned int *top, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "top %u", *top);
}

KUNIT_ARRAY_PARAM(top, tops, top_desc);

static void a_wrong_hint_hides_no_object_from_a_get(struct kunit *test)
{
	unsigned int top = *(const unsigned int *)test->param_value;
	struct kt_pool *kp = kt_new(test, 5, .private_slots = 5);
	int cpu = kt_cpu(test, 0);
	unsigned int i, n;

	kt_move_to(test, cpu);
	for (n = 1; n <= 5; n++) {
		void *objs[5];

		kt_make_idle(kp, n);
		for (i = 0; i < n; i++) {
			set_top(kp, cpu, top);
			objs[i] = kt_try_get(kp, KT_ME);
			KUNIT_ASSERT_NOT_NULL_MSG(test, objs[i], "%u of %u",
						  i + 1, n);
		}
		KUNIT_EXPECT_NULL(test, kt_try_get(kp, KT_ME));
		kt_put_many(kp, n, objs);
	}
}

static void a_wrong_hint_hides_no_free_slot_from_a_put(struct kunit *test)
{
	unsigned int top = *(const unsigned int *)test->param_value;
	struct kt_pool *kp = kt_new(test, 5, .private_slots = 5);
	int cpu = kt_cpu(test, 0);
	unsigned int i;
	void **objs;

	kt_move_to(test, cpu);
	objs = kt_get_many(kp, 5);
	for (i = 0; i < 5; i++) {
		set_top(kp, cpu, top);
		kt_put(kp, objs[i], KT_ME);
	}
	KUNIT_EXPECT_EQ(test, kt_in_slots(kp, cpu), 5);
	KUNIT_EXPECT_EQ(test, kt_in_main(kp, cpu), 0);
}

/* Only one call is out of line; the next ones are inlined again. */
static void a_get_corrects_a_wrong_hint(struct kunit *test)
{
	unsigned int top = *(const unsigned int *)test->param_value;
	struct kt_pool *kp = kt_new(test, 5, .private_slots = 5);
	int cpu = kt_cpu(test, 0);
	void *objs[5];
	int i;

	kt_move_to(test, cpu);
	kt_make_idle(kp, 5);
	set_top(kp, cpu, top);
	objs[4] = kt_note_get(kp, __pcpool_get(kp->pool, GFP_KERNEL), KT_ME);
	for (i = 3; i >= 0; i--) {
		objs[i] = kt_note_get(kp, __pcpool_get_private(kp->pool), KT_ME);
		KUNIT_ASSERT_NOT_NULL_MSG(test, objs[i], "%d left", i + 1);
	}
	for (i = 0; i < 5; i++)
		KUNIT_EXPECT_TRUE(test, put_inline(kp, objs[i]));
}

static void a_get_that_misses_corrects_a_wrong_hint(struct kunit *test)
{
	unsigned int top = *(const unsigned int *)test->param_value;
	struct kt_pool *kp = kt_new(test, 5, .private_slots = 5);
	int cpu = kt_cpu(test, 0);
	unsigned int i;
	void **objs;

	kt_move_to(test, cpu);
	set_top(kp, cpu, top);
	objs = kt_get_many(kp, 5);
	for (i = 0; i < 5; i++)
		KUNIT_EXPECT_TRUE(test, put_inline(kp, objs[i]));
	KUNIT_EXPECT_EQ(test, kt_in_slots(kp, cpu), 5);
}

static void a_put_corrects_a_wrong_hint(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 5, .private_slots = 5);
	int cpu = kt_cpu(test, 0);
	unsigned int i;
	void **objs;

	kt_move_to(test, cpu);
	objs = kt_get_many(kp, 5);
	set_top(kp, cpu, 6);
	KUNIT_EXPECT_FALSE(test, put_inline(kp, objs[0]));
	kt_put(kp, objs[0], KT_ME);
	for (i = 1; i < 5; i++)
		KUNIT_EXPECT_TRUE(test, put_inline(kp, objs[i]));
	KUNIT_EXPECT_NOT_NULL(test,
			      kt_note_get(kp, __pcpool_get_private(kp->pool), KT_ME));
	kt_put(kp, objs[4], KT_ME);
}

/* --- The parts, one by one --------------------------------------------------- */

static void spilling_takes_the_oldest_first(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 6, .private_slots = 6);
	void *out[6] = {};
	unsigned int i, n;
	void **objs;

	kt_move_to(test, kt_cpu(test, 0));
	objs = kt_get_many(kp, 6);
	kt_put_many(kp, 6, objs);
	local_irq_disable();
	n = pcpool_slots_spill(kp->core->slots, 1, 4, out);
	local_irq_enable();
	KUNIT_ASSERT_EQ(test, n, 4);
	for (i = 0; i < n; i++)
		KUNIT_EXPECT_PTR_EQ(test, out[i], objs[i]);
	local_irq_disable();
	n = pcpool_slots_fill(kp->core->slots, kp->core->nr_slots, out, 4);
	local_irq_enable();
	KUNIT_EXPECT_EQ(test, n, 4);
	/* The counters add up: an object that was moved out and back is neither a get nor a put. */
	KUNIT_EXPECT_EQ(test, kt_stats(kp).puts, 6);
}

static void filling_leaves_the_newest_on_top(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 3, .private_slots = 4);
	unsigned int i, filled;
	void **objs;

	kt_move_to(test, kt_cpu(test, 0));
	objs = kt_get_many(kp, 3);
	for (i = 0; i < 3; i++)
		kt_note_put(kp, objs[i], KT_ME);
	local_irq_disable();
	filled = pcpool_slots_fill(kp->core->slots, kp->core->nr_slots, objs, 3);
	local_irq_enable();
	KUNIT_EXPECT_EQ(test, filled, 3);
	for (i = 3; i--; )
		KUNIT_EXPECT_PTR_EQ(test, kt_try_get(kp, KT_ME), objs[i]);
	kt_put_many(kp, 3, objs);
}

static void filling_returns_the_number_of_objects_taken(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 5, .private_slots = 3);
	unsigned int i, filled;
	int cpu = kt_cpu(test, 0);
	void **objs;

	kt_move_to(test, cpu);
	objs = kt_get_many(kp, 5);
	for (i = 0; i < 5; i++)
		kt_note_put(kp, objs[i], KT_ME);
	local_irq_disable();
	filled = pcpool_slots_fill(kp->core->slots, kp->core->nr_slots, objs, 5);
	local_irq_enable();
	KUNIT_EXPECT_EQ(test, filled, 3);
	KUNIT_EXPECT_EQ(test, kt_in_slots(kp, cpu), 3);
	/* The test still owns the last objects of the array. */
	for (i = filled; i < 5; i++)
		pcpool_put(kp->pool, objs[i]);
	for (i = 0; i < 2; i++)
		objs[i] = kt_try_get(kp, KT_ME);
	kt_put_many(kp, 2, objs);
}

static void a_get_from_the_queue_refills_the_slots(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 33, .private_slots = 8);
	int cpu = kt_cpu(test, 0);
	void *objs[2];

	kt_move_to(test, cpu);
	kt_make_idle(kp, 33);
	KUNIT_ASSERT_EQ(test, kt_in_slots(kp, cpu), 1);
	objs[0] = kt_get(kp, GFP_KERNEL, KT_ME);
	KUNIT_ASSERT_EQ(test, kt_in_slots(kp, cpu), 0);
	objs[1] = kt_get(kp, GFP_KERNEL, KT_ME);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).hit_shared, 1);
	KUNIT_EXPECT_EQ(test, kt_in_slots(kp, cpu), kp->core->refill);
	KUNIT_EXPECT_GT(test, kp->core->refill, 1);
	kt_put_many(kp, 2, objs);
}

/* --- Migration --------------------------------------------------------------- */

static void get_and_put_migrating(struct kt_worker *worker)
{
	struct kt_pool *kp = worker->arg;
	unsigned int nth = 0, cpus = num_online_cpus(), i;
	void *objs[6];

	while (kt_keep_running(worker)) {
		set_cpus_allowed_ptr(current,
				     cpumask_of(cpumask_nth(nth++ % cpus,
							    cpu_online_mask)));
		/*
		 * Then allow all CPUs, so that the scheduler may migrate the thread at
		 * any instruction.
		 */
		set_cpus_allowed_ptr(current, cpu_possible_mask);
		for (i = 0; i < ARRAY_SIZE(objs); i++)
			objs[i] = kt_get(kp, GFP_KERNEL, worker->holder);
		for (i = 0; i < ARRAY_SIZE(objs); i++) {
			if (objs[i])
				kt_put(kp, objs[i], worker->holder);
		}
		kt_progress_by(worker, i);
	}
}

static void migrating_threads_lose_and_share_nothing(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 512, .private_slots = 2);
	struct kt_gang *gang = kt_gang_new(test);
	unsigned int i, n = 2 * num_online_cpus();

	kt_cpu(test, 1);
	n = min(n, 12u);
	for (i = 0; i < n; i++)
		kt_gang_add(gang, -1, get_and_put_migrating, kp);
	kt_gang_start(gang, 250);
	kt_gang_join(gang);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).alloc_fail, 0);
	kt_expect_consistent(kp);
	pcpool_age(kp->pool);
	pcpool_age(kp->pool);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->frees), atomic_read(&kp->allocs));
}

static struct kunit_case slots_cases[] = {
	KUNIT_CASE_PARAM(a_cpu_gets_the_object_it_put_last, depth_gen_params),
	KUNIT_CASE_PARAM(puts_fill_the_slots_before_the_queue, slots_gen_params),
	KUNIT_CASE_PARAM(full_slots_spill_to_the_queue_and_keep_the_newest,
			 slots_gen_params),
	KUNIT_CASE_PARAM(gets_and_puts_within_the_slots_stay_inline,
			 slots_gen_params),
	KUNIT_CASE(a_cpu_does_not_see_the_slots_of_another),
	KUNIT_CASE_PARAM(a_wrong_hint_hides_no_object_from_a_get, top_gen_params),
	KUNIT_CASE_PARAM(a_wrong_hint_hides_no_free_slot_from_a_put,
			 top_gen_params),
	KUNIT_CASE_PARAM(a_get_corrects_a_wrong_hint, top_gen_params),
	KUNIT_CASE_PARAM(a_get_that_misses_corrects_a_wrong_hint,
			 top_gen_params),
	KUNIT_CASE(a_put_corrects_a_wrong_hint),
	KUNIT_CASE(spilling_takes_the_oldest_first),
	KUNIT_CASE(filling_leaves_the_newest_on_top),
	KUNIT_CASE(filling_returns_the_number_of_objects_taken),
	KUNIT_CASE(a_get_from_the_queue_refills_the_slots),
	KUNIT_CASE(migrating_threads_lose_and_share_nothing),
	{}
};

static struct kunit_suite slots_suite = {
	.name = "pcpool_slots",
	.test_cases = slots_cases,
};

kunit_test_suites(&slots_suite);
