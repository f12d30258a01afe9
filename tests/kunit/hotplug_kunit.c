// SPDX-License-Identifier: GPL-2.0
/*
 * CPU hotplug: what a CPU had is there for the others when it is gone, and ages like
 * everything else; and the CPU works when it is back.
 */
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>

#include "common.h"

static void come_back(void *cpu)
{
#ifdef CONFIG_HOTPLUG_CPU
	add_cpu((long)cpu);
#endif
}

/* The CPU that goes and comes; the test thread is on another one. */
static int hotplug_cpu(struct kunit *test)
{
	if (!IS_ENABLED(CONFIG_HOTPLUG_CPU))
		kunit_skip(test, "needs CONFIG_HOTPLUG_CPU");
	kt_cpu(test, 1);
	return cpumask_last(cpu_online_mask);
}

static void go_offline(struct kunit *test, int cpu)
{
	kt_on(test, kt_cpu(test, 0));
#ifdef CONFIG_HOTPLUG_CPU
	KUNIT_ASSERT_EQ(test, remove_cpu(cpu), 0);
#endif
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, come_back,
						  (void *)(long)cpu));
}

static void go_online(struct kunit *test, int cpu)
{
	kunit_release_action(test, come_back, (void *)(long)cpu);
	KUNIT_ASSERT_TRUE(test, cpu_online(cpu));
}

static unsigned long idle(struct kt_pool *kp)
{
	struct pcpool_pool_stats s = kt_stats(kp);

	return s.idle_main + s.idle_victim;
}

struct leftover {
	char name[60];
	unsigned int slots;
	unsigned int objects;
	enum pcpool_steal steal;
};

static const struct leftover leftovers[] = {
	{ "private slots, steal all", 8, 8, PCPOOL_STEAL_ALL },
	{ "private slots, steal node", 8, 8, PCPOOL_STEAL_NODE },
	{ "private slots, steal none", 8, 8, PCPOOL_STEAL_NONE },
	{ "one private slot, steal none", 1, 1, PCPOOL_STEAL_NONE },
	{ "64 private slots, steal none", 64, 64, PCPOOL_STEAL_NONE },
	{ "queue, steal all", 2, 100, PCPOOL_STEAL_ALL },
	{ "queue, steal node", 2, 100, PCPOOL_STEAL_NODE },
	{ "queue, steal none", 2, 100, PCPOOL_STEAL_NONE },
};

KUNIT_ARRAY_PARAM_DESC(leftover, leftovers, name);

/* A pool whose objects were all left by a CPU that is offline now. */
static struct kt_pool *left_behind(struct kunit *test, int cpu)
{
	const struct leftover *left = test->param_value;
	struct kt_pool *kp = kt_new(test, left->objects,
				    .private_slots = left->slots,
				    .steal = left->steal);

	kt_on(test, cpu);
	kt_make_idle(kp, left->objects);
	go_offline(test, cpu);
	kt_settle(kp);
	KUNIT_ASSERT_EQ(test, idle(kp), left->objects);
	return kp;
}

static void others_get_what_an_offline_cpu_left(struct kunit *test)
{
	const struct leftover *left = test->param_value;
	int cpu = hotplug_cpu(test);
	struct kt_pool *kp = left_behind(test, cpu);
	void **objs;

	KUNIT_EXPECT_EQ(test, pcpool_slots_count(kp->core, cpu), 0);
	objs = kt_get_many(kp, left->objects);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).miss, left->objects);
	KUNIT_EXPECT_EQ(test, idle(kp), 0);
	kt_put_many(kp, left->objects, objs);
}

static void what_an_offline_cpu_left_ages_away(struct kunit *test)
{
	const struct leftover *left = test->param_value;
	struct kt_pool *kp = left_behind(test, hotplug_cpu(test));

	KUNIT_EXPECT_EQ(test, pcpool_age(kp->pool), 0);
	KUNIT_EXPECT_EQ(test, pcpool_age(kp->pool), left->objects);
	KUNIT_EXPECT_EQ(test, idle(kp), 0);
}

static void scans_reach_what_an_offline_cpu_left(struct kunit *test)
{
	const struct leftover *left = test->param_value;
	struct kt_pool *kp = left_behind(test, hotplug_cpu(test));

	KUNIT_EXPECT_EQ(test, kt_scan(kp, 10000), 0);
	KUNIT_EXPECT_EQ(test, kt_scan(kp, 10000), left->objects);
	KUNIT_EXPECT_EQ(test, idle(kp), 0);
}

static void a_drain_reaches_what_an_offline_cpu_left(struct kunit *test)
{
	const struct leftover *left = test->param_value;
	struct kt_pool *kp = left_behind(test, hotplug_cpu(test));

	KUNIT_EXPECT_EQ(test, pcpool_drain(kp->pool), left->objects);
}

static void destroying_frees_what_an_offline_cpu_left(struct kunit *test)
{
	struct kt_pool *kp = left_behind(test, hotplug_cpu(test));

	pcpool_destroy(kp->pool);
	kp->pool = NULL;
	kt_expect_freed(kp, 0);
}

static void going_offline_makes_nothing_younger(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 100, .private_slots = 4);
	int cpu = hotplug_cpu(test);

	kt_on(test, cpu);
	kt_make_idle(kp, 100);
	pcpool_age(kp->pool);
	go_offline(test, cpu);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).idle_victim, 100);
	KUNIT_EXPECT_EQ(test, pcpool_age(kp->pool), 100);
}

static void a_cpu_that_comes_back_works(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 100, .private_slots = 4);
	int cpu = hotplug_cpu(test), round;
	void **objs;

	for (round = 0; round < 2; round++) {
		kt_on(test, cpu);
		kt_make_idle(kp, 100);
		go_offline(test, cpu);
		/* An odd number, so that it comes back to the other tier. */
		pcpool_age(kp->pool);
		go_online(test, cpu);
		kt_on(test, cpu);
		objs = kt_get_many(kp, 100);
		KUNIT_EXPECT_EQ(test, kt_stats(kp).allocs, 100);
		kt_put_many(kp, 100, objs);
		KUNIT_EXPECT_EQ(test, kt_stats(kp).idle_main, 100);
		KUNIT_EXPECT_EQ(test, pcpool_age(kp->pool), 0);
		objs = kt_get_many(kp, 100);
		KUNIT_EXPECT_EQ(test, kt_stats(kp).hit_victim, 200 * (round + 1));
		kt_put_many(kp, 100, objs);
	}
}

static void a_cpu_slept_offline_through_passes(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 50, .private_slots = 2);
	int cpu = hotplug_cpu(test);
	void **objs = kt_get_many(kp, 50);

	go_offline(test, cpu);
	pcpool_age(kp->pool);
	go_online(test, cpu);
	kt_on(test, cpu);
	kt_put_many(kp, 50, objs);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).idle_main, 50);
	KUNIT_EXPECT_EQ(test, pcpool_age(kp->pool), 0);
	KUNIT_EXPECT_EQ(test, pcpool_age(kp->pool), 50);
}

static void a_pool_works_on_a_cpu_that_came_up_later(struct kunit *test)
{
	int cpu = hotplug_cpu(test);
	struct kt_pool *kp;

	go_offline(test, cpu);
	kp = kt_new(test, 50, .private_slots = 2);
	go_online(test, cpu);
	kt_on(test, cpu);
	kt_make_idle(kp, 50);
	kt_make_idle(kp, 50);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).allocs, 50);
	/* Its last breath is heard, too. */
	go_offline(test, cpu);
	KUNIT_EXPECT_EQ(test, pcpool_age(kp->pool), 0);
	KUNIT_EXPECT_EQ(test, pcpool_age(kp->pool), 50);
}

static struct kt_pool *scanned;
static unsigned long scans_freed[2];

/* In the middle of CPU hotplug, which allocates memory, and may so get to reclaim. */
static int scan_twice(unsigned int cpu)
{
	scans_freed[0] = kt_scan(scanned, 10000);
	scans_freed[1] = kt_scan(scanned, 10000);
	return 0;
}

static void scans_while_a_cpu_goes_down_leave_the_main_tier_alone(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 100, .private_slots = 4);
	int cpu = hotplug_cpu(test), state;
	void **objs;

	kt_on(test, kt_cpu(test, 0));
	objs = kt_get_many(kp, 100);
	kt_put_many(kp, 50, objs);
	pcpool_age(kp->pool);
	kt_on(test, cpu);
	kt_put_many(kp, 50, objs + 50);
	kt_on(test, kt_cpu(test, 0));

	scanned = kp;
	state = cpuhp_setup_state_nocalls(CPUHP_AP_ONLINE_DYN, "pcpool:test",
					  NULL, scan_twice);
	KUNIT_ASSERT_GE(test, state, 0);
	go_offline(test, cpu);
	cpuhp_remove_state_nocalls(state);
	KUNIT_EXPECT_EQ(test, scans_freed[0], 50);
	KUNIT_EXPECT_EQ(test, scans_freed[1], 0);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).ages, 1);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).idle_main, 50);
	KUNIT_EXPECT_EQ(test, kt_scan(kp, 10000), 0);
	KUNIT_EXPECT_EQ(test, kt_scan(kp, 10000), 50);
}

/* --- Traffic -------------------------------------------------------------------- */

static void roam(struct kt_worker *worker)
{
	struct kt_pool *kp = worker->arg;
	unsigned int i, n, cpu;
	void *objs[20];

	while (kt_goes_on(worker)) {
		if (!kt_random(worker, 16)) {
			cpu = cpumask_nth(kt_random(worker, num_online_cpus()),
					  cpu_online_mask);
			/* Fails if it has gone meanwhile. */
			if (cpu < nr_cpu_ids)
				set_cpus_allowed_ptr(current, cpumask_of(cpu));
		}
		n = kt_get_bulk(kp, GFP_KERNEL,
				1 + kt_random(worker, ARRAY_SIZE(objs)), objs,
				worker->who);
		for (i = 0; i < n; i++)
			kt_put(kp, objs[i], worker->who);
		kt_did(worker);
	}
}

static void age_and_scan(struct kt_worker *worker)
{
	struct kt_pool *kp = worker->arg;

	while (kt_goes_on(worker)) {
		if (kt_random(worker, 2))
			pcpool_age(kp->pool);
		else
			kt_scan(kp, 100);
		kt_did(worker);
		schedule_timeout_uninterruptible(1);
	}
}

static void cpus_that_come_and_go_lose_and_share_nothing(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 1000, .private_slots = 8);
	int cycle, cpu = hotplug_cpu(test);
	unsigned int i, n = num_online_cpus();
	struct kt_gang *gang = kt_gang_new(test);
	unsigned long end;

	n = min(n, 6u);
	for (i = 0; i < n; i++)
		kt_gang_add(gang, -1, roam, kp);
	kt_gang_add(gang, -1, age_and_scan, kp);
	end = jiffies + msecs_to_jiffies(kt_scaled(2000));
	kt_gang_start(gang, 600000);
	for (cycle = 0; cycle < 3 || time_before(jiffies, end); cycle++) {
		go_offline(test, cpu);
		schedule_timeout_uninterruptible(2);
		go_online(test, cpu);
		schedule_timeout_uninterruptible(2);
	}
	kt_gang_stop(gang);
	kt_expect_sound(kp);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).outstanding, 0);
	pcpool_age(kp->pool);
	pcpool_age(kp->pool);
	KUNIT_EXPECT_EQ(test, idle(kp), 0);
}

static struct kunit_case hotplug_cases[] = {
	KUNIT_CASE_PARAM(others_get_what_an_offline_cpu_left, leftover_gen_params),
	KUNIT_CASE_PARAM(what_an_offline_cpu_left_ages_away, leftover_gen_params),
	KUNIT_CASE_PARAM(scans_reach_what_an_offline_cpu_left,
			 leftover_gen_params),
	KUNIT_CASE_PARAM(a_drain_reaches_what_an_offline_cpu_left,
			 leftover_gen_params),
	KUNIT_CASE_PARAM(destroying_frees_what_an_offline_cpu_left,
			 leftover_gen_params),
	KUNIT_CASE(going_offline_makes_nothing_younger),
	KUNIT_CASE(a_cpu_that_comes_back_works),
	KUNIT_CASE(a_cpu_slept_offline_through_passes),
	KUNIT_CASE(a_pool_works_on_a_cpu_that_came_up_later),
	KUNIT_CASE(scans_while_a_cpu_goes_down_leave_the_main_tier_alone),
	KUNIT_CASE(cpus_that_come_and_go_lose_and_share_nothing),
	{}
};

static struct kunit_suite hotplug_suite = {
	.name = "pcpool_hotplug",
	.test_cases = hotplug_cases,
};

kunit_test_suites(&hotplug_suite);
