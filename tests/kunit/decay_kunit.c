// SPDX-License-Identifier: GPL-2.0
/*
 * What leaves a pool, and when: decay without memory pressure, and the rules for scans of
 * the shrinker. No case depends on how fast a pass follows: it waits for the event.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>

#include "common.h"

/* Far longer than any pass takes to come, on a busy machine. */
#define LONG_ENOUGH	(30 * HZ)
#define PERIOD_MS	50

static unsigned long idle(struct kt_pool *kp)
{
	struct pcpool_pool_stats s = kt_stats(kp);

	return s.idle_main + s.idle_victim;
}

/* Wait until the pool is empty and its decay has ended. */
static bool decays(struct kt_pool *kp)
{
	unsigned long end = jiffies + LONG_ENOUGH;

	while (idle(kp) || READ_ONCE(kp->core->decaying) ||
	       delayed_work_pending(&kp->core->decay)) {
		if (time_after(jiffies, end))
			return false;
		msleep(PERIOD_MS / 2);
	}
	return true;
}

/* Pools that keep their idle objects in different places. */
struct kind {
	char name[24];
	struct pcpool_params params;
};

static const struct kind kinds[] = {
	{ "elastic", { .private_slots = 4 } },
	{ "bounded", { .private_slots = 4, .max_idle = 1000 } },
	{ "shared array", { .max_idle = 3 } },
	{ "quota", { .max_total = 1000 } },
	{ "quota, shared array", { .max_total = 3 } },
};

KUNIT_ARRAY_PARAM_DESC(kind, kinds, name);

static struct kt_pool *new_pool(struct kunit *test, unsigned int objs)
{
	struct pcpool_params params = ((const struct kind *)test->param_value)->params;

	params.decay_ms = PERIOD_MS;
	return kt_pool_new(test, objs, &params);
}

static void a_burst_is_freed_after_two_periods(struct kunit *test)
{
	struct kt_pool *kp = new_pool(test, 1000);
	struct pcpool_pool_stats s;

	kt_move_to(test, kt_cpu(test, 0));
	kt_make_idle(kp, 3);
	KUNIT_EXPECT_EQ(test, idle(kp), 3);
	KUNIT_EXPECT_TRUE(test, decays(kp));
	s = kt_stats(kp);
	KUNIT_EXPECT_EQ(test, s.evicted, 3);
	/* One pass demotes the objects, another one frees them. */
	KUNIT_EXPECT_GE(test, s.ages, 2);
}

static void a_put_starts_the_decay_again(struct kunit *test)
{
	struct kt_pool *kp = new_pool(test, 1000);
	unsigned int i, cpus = min(num_online_cpus(), 4u), round;

	for (round = 0; round < 3; round++) {
		for (i = 0; i < cpus; i++) {
			kt_move_to(test, kt_cpu(test, i));
			kt_make_idle(kp, 1);
			KUNIT_EXPECT_TRUE(test, READ_ONCE(kp->core->decaying));
			KUNIT_ASSERT_TRUE(test, decays(kp));
		}
	}
}

static void a_large_burst_on_all_cpus_is_freed(struct kunit *test)
{
	unsigned int i, cpus = num_online_cpus();
	struct kt_pool *kp = kt_new(test, 500 * cpus, .private_slots = 8,
				    .decay_ms = PERIOD_MS);

	for (i = 0; i < cpus; i++) {
		kt_move_to(test, kt_cpu(test, i));
		kt_make_idle(kp, 500);
	}
	KUNIT_EXPECT_TRUE(test, decays(kp));
	KUNIT_EXPECT_TRUE(test, cpumask_empty(kp->core->with_rings));
	KUNIT_EXPECT_EQ(test, kt_count(kp), SHRINK_EMPTY);
}

static void an_unused_pool_has_no_timer(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 10, .decay_ms = PERIOD_MS);

	msleep(4 * PERIOD_MS);
	KUNIT_EXPECT_FALSE(test, delayed_work_pending(&kp->core->decay));
	KUNIT_EXPECT_EQ(test, kt_stats(kp).ages, 0);
}

static void a_get_without_a_put_starts_no_decay(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 10, .decay_ms = PERIOD_MS);
	void *obj = kt_get(kp, GFP_KERNEL, KT_ME);

	KUNIT_ASSERT_NOT_NULL(test, obj);
	KUNIT_EXPECT_FALSE(test, READ_ONCE(kp->core->decaying));
	kt_put(kp, obj, KT_ME);
	KUNIT_EXPECT_TRUE(test, READ_ONCE(kp->core->decaying));
	KUNIT_EXPECT_TRUE(test, decays(kp));
}

static void objects_in_use_stay(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 20, .private_slots = 4, .decay_ms = PERIOD_MS);
	unsigned long end = jiffies + LONG_ENOUGH;
	unsigned int i;
	void *objs[20];

	kt_move_to(test, kt_cpu(test, 0));
	kt_make_idle(kp, 20);
	/* Use all of them between any two passes. */
	kp->core->decay_period = HZ;
	while (kt_stats(kp).ages < 3 && time_before(jiffies, end)) {
		for (i = 0; i < 20; i++)
			objs[i] = kt_get(kp, GFP_KERNEL, KT_ME);
		for (i = 0; i < 20; i++)
			kt_put(kp, objs[i], KT_ME);
		usleep_range(1000, 2000);
	}
	KUNIT_EXPECT_GE(test, kt_stats(kp).ages, 3);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).allocs, 20);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).evicted, 0);
}

static void a_pool_can_opt_out(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 10, .decay_ms = PCPOOL_DECAY_NEVER);

	kt_make_idle(kp, 10);
	kt_settle(kp);
	KUNIT_EXPECT_FALSE(test, delayed_work_pending(&kp->core->decay));
	KUNIT_EXPECT_EQ(test, kp->core->decay_period, 0);
	KUNIT_EXPECT_EQ(test, idle(kp), 10);
}

/* --- Scans of the shrinker --------------------------------------------------- */

static void a_scan_soon_after_a_pass_is_refused(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 10);

	kt_make_idle(kp, 10);
	/* The pool is new: this scan demotes. */
	KUNIT_EXPECT_EQ(test, kt_scan_now(kp, 100, GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).idle_victim, 10);
	KUNIT_EXPECT_EQ(test, kt_scan_now(kp, 100, GFP_KERNEL), SHRINK_STOP);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).idle_victim, 10);
	/* When some time has passed, the next one frees. */
	KUNIT_EXPECT_EQ(test, kt_scan(kp, 100), 10);
}

static void a_scan_that_insists_is_not_refused(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 10);
	unsigned int refused;

	kt_make_idle(kp, 10);
	KUNIT_EXPECT_EQ(test, kt_scan_now(kp, 100, GFP_KERNEL), 0);
	for (refused = 0; refused < 100; refused++) {
		if (kt_scan_now(kp, 100, GFP_KERNEL) != SHRINK_STOP)
			break;
	}
	KUNIT_EXPECT_EQ(test, refused, 8);
	KUNIT_EXPECT_EQ(test, idle(kp), 0);
}

static const gfp_t reclaim_gfps[] = { 0, __GFP_IO, __GFP_FS, __GFP_FS | __GFP_IO };

static void gfp_desc(const gfp_t *gfp, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s%s%s", *gfp ? "" : "any",
		 *gfp & __GFP_FS ? "fs " : "", *gfp & __GFP_IO ? "io" : "");
}

KUNIT_ARRAY_PARAM(reclaim_gfp, reclaim_gfps, gfp_desc);

static void reclaim_without_the_flags_frees_nothing(struct kunit *test)
{
	gfp_t needed = *(const gfp_t *)test->param_value;
	struct kt_pool *kp = kt_new(test, 10, .reclaim_gfp = needed);
	const gfp_t gfps[] = { GFP_KERNEL, GFP_NOFS, GFP_NOIO, GFP_NOWAIT };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(gfps); i++) {
		struct shrink_control sc = { .gfp_mask = gfps[i], .nr_to_scan = 100 };
		bool may = (gfps[i] & needed) == needed;

		kt_make_idle(kp, 10);
		KUNIT_EXPECT_EQ(test, kt_shrinker(kp)->count_objects(kt_shrinker(kp), &sc),
				may ? 10 : 0);
		kp->core->flipped_at = jiffies - HZ;
		KUNIT_EXPECT_EQ(test, kt_scan_now(kp, 100, gfps[i]), may ? 0 : SHRINK_STOP);
		KUNIT_EXPECT_EQ(test, kt_stats(kp).idle_victim, may ? 10 : 0);
		pcpool_drain(kp->pool);
	}
}

/* After a burst, when the objects are in use or gone, the queue's rings are left. */
static void empty_rings_count_for_reclaim(struct kunit *test)
{
	const unsigned int n = 20000;
	struct kt_pool *kp = kt_new(test, n, .private_slots = 4);
	unsigned long pages;
	void **objs;

	kt_move_to(test, kt_cpu(test, 0));
	kt_make_idle(kp, n);
	objs = kt_get_many(kp, n);
	KUNIT_EXPECT_EQ(test, idle(kp), 0);
	pages = kt_count(kp);
	KUNIT_EXPECT_NE(test, pages, SHRINK_EMPTY);
	KUNIT_EXPECT_GE(test, pages, n * sizeof(void *) / PAGE_SIZE);
	kt_scan(kp, 128);
	KUNIT_EXPECT_EQ(test, kt_count(kp), SHRINK_EMPTY);
	KUNIT_EXPECT_TRUE(test, cpumask_empty(kp->core->with_rings));
	kt_put_many(kp, n, objs);
	KUNIT_EXPECT_EQ(test, idle(kp), n);
}

static void seeks_reach_the_shrinker(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 1, .seeks = 7);

	KUNIT_EXPECT_EQ(test, kt_shrinker(kp)->seeks, 7);
	kp = kt_new(test, 1);
	KUNIT_EXPECT_EQ(test, kt_shrinker(kp)->seeks, DEFAULT_SEEKS);
}

/* --- The cost of a pass ------------------------------------------------------ */

static void a_pass_leaves_private_slots_closed(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 10, .private_slots = 8);
	int cpu = kt_cpu(test, 0);

	kt_move_to(test, cpu);
	KUNIT_EXPECT_FALSE(test, pcpool_slots_in_use(kp->core->slots, cpu));
	kt_make_idle(kp, 10);
	KUNIT_EXPECT_TRUE(test, pcpool_slots_in_use(kp->core->slots, cpu));
	KUNIT_EXPECT_TRUE(test, cpumask_test_cpu(cpu, kp->core->with_rings));
	pcpool_age(kp->pool);
	KUNIT_EXPECT_FALSE(test, pcpool_slots_in_use(kp->core->slots, cpu));
	KUNIT_EXPECT_TRUE(test, cpumask_test_cpu(cpu, kp->core->with_rings));
	pcpool_age(kp->pool);
	KUNIT_EXPECT_EQ(test, idle(kp), 0);
	/* The pass that freed the objects left the rings to the flush that followed. */
	KUNIT_EXPECT_FALSE(test, cpumask_test_cpu(cpu, kp->core->with_rings));
}

/* An inlined put that an interrupt delays until after a pass; what it stores is found. */
static void a_late_inlined_put_is_found_by_the_next_pass(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 10, .private_slots = 8);
	struct pcpool_slots *slots;
	int cpu = kt_cpu(test, 0);
	void *obj;

	kt_move_to(test, cpu);
	obj = kt_get(kp, GFP_KERNEL, KT_ME);
	KUNIT_ASSERT_NOT_NULL(test, obj);
	pcpool_age(kp->pool);
	/* As __pcpool_slots_push() ends, with the hint that it read before the pass. */
	kt_note_put(kp, obj, KT_ME);
	preempt_disable();
	slots = this_cpu_ptr(kp->core->slots);
	slots->slot[3] = obj;
	slots->top = (unsigned long)(kp->core->slots->slot + 3);
	preempt_enable();
	KUNIT_EXPECT_EQ(test, idle(kp), 1);
	KUNIT_EXPECT_EQ(test, kt_count(kp), 1);
	pcpool_age(kp->pool);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).idle_victim, 1);
	pcpool_age(kp->pool);
	KUNIT_EXPECT_EQ(test, idle(kp), 0);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(a_burst_is_freed_after_two_periods, kind_gen_params),
	KUNIT_CASE_PARAM_ATTR(a_put_starts_the_decay_again, kind_gen_params,
			      { .speed = KUNIT_SPEED_SLOW }),
	KUNIT_CASE(a_large_burst_on_all_cpus_is_freed),
	KUNIT_CASE(an_unused_pool_has_no_timer),
	KUNIT_CASE(a_get_without_a_put_starts_no_decay),
	KUNIT_CASE_SLOW(objects_in_use_stay),
	KUNIT_CASE(a_pool_can_opt_out),
	KUNIT_CASE(a_scan_soon_after_a_pass_is_refused),
	KUNIT_CASE(a_scan_that_insists_is_not_refused),
	KUNIT_CASE_PARAM(reclaim_without_the_flags_frees_nothing, reclaim_gfp_gen_params),
	KUNIT_CASE(empty_rings_count_for_reclaim),
	KUNIT_CASE(seeks_reach_the_shrinker),
	KUNIT_CASE(a_pass_leaves_private_slots_closed),
	KUNIT_CASE(a_late_inlined_put_is_found_by_the_next_pass),
	{ }
};

static struct kunit_suite suite = {
	.name = "pcpool_decay",
	.test_cases = cases,
};

kunit_test_suite(suite);
