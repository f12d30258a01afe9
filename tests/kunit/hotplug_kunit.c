// SPDX-License-Identifier: GPL-2.0
/*
 * CPU hotplug: other CPUs can get the objects of an offline CPU, and these objects age
 * like all others. The CPU works when it is online again.
 */
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>

#include "common.h"

static void bring_online(void *cpu)
{
#ifdef CONFIG_HOTPLUG_CPU
	add_cpu((long)cpu);
#endif
}

/* Return the CPU that goes offline and online. The test thread runs on another one. */
static int hotplug_cpu(struct kunit *test)
{
	if (!IS_ENABLED(CONFIG_HOTPLUG_CPU))
		kunit_skip(test, "needs CONFIG_HOTPLUG_CPU");
	kt_cpu(test, 1);
	return cpumask_last(cpu_online_mask);
}

static void go_offline(struct kunit *test, int cpu)
{
	kt_move_to(test, kt_cpu(test, 0));
#ifdef CONFIG_HOTPLUG_CPU
	KUNIT_ASSERT_EQ(test, remove_cpu(cpu), 0);
#endif
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, bring_online,
						  (void *)(long)cpu));
}

static void go_online(struct kunit *test, int cpu)
{
	kunit_release_action(test, bring_online, (void *)(long)cpu);
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

/* Create a pool whose objects were all left by a CPU that is now offline. */
static struct kt_pool *pool_with_leftover(struct kunit *test, int cpu)
{
	const struct leftover *left = test->param_value;
	struct kt_pool *kp = kt_new(test, left->objects,
				    .private_slots = left->slots,
				    .steal = left->steal);

	kt_move_to(test, cpu);
	kt_make_idle(kp, left->objects);
	go_offline(test, cpu);
	kt_settle(kp);
	KUNIT_ASSERT_EQ(test, idle(kp), left->objects);
	return kp;
}

static void other_cpus_get_objects_of_an_offline_cpu(struct kunit *test)
{
	const struct leftover *left = test->param_value;
	int cpu = hotplug_cpu(test);
	struct kt_pool *kp = pool_with_leftover(test, cpu);
	void **objs;

	KUNIT_EXPECT_EQ(test, kt_in_slots(kp, cpu), 0);
	objs = kt_get_many(kp, left->objects);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).miss, left->objects);
	KUNIT_EXPECT_EQ(test, idle(kp), 0);
	kt_put_many(kp, left->objects, objs);
}

static void objects_of_an_offline_cpu_age(struct kunit *test)
{
	const struct leftover *left = test->param_value;
	struct kt_pool *kp = pool_with_leftover(test, hotplug_cpu(test));

	KUNIT_EXPECT_EQ(test, pcpool_age(kp->pool), 0);
	KUNIT_EXPECT_EQ(test, pcpool_age(kp->pool), left->objects);
	KUNIT_EXPECT_EQ(test, idle(kp), 0);
}

static void scans_reach_objects_of_an_offline_cpu(struct kunit *test)
{
	const struct leftover *left = test->param_value;
	struct kt_pool *kp = pool_with_leftover(test, hotplug_cpu(test));

	KUNIT_EXPECT_EQ(test, kt_scan(kp, 10000), 0);
	KUNIT_EXPECT_EQ(test, kt_scan(kp, 10000), left->objects);
	KUNIT_EXPECT_EQ(test, idle(kp), 0);
}

static void a_drain_reaches_objects_of_an_offline_cpu(struct kunit *test)
{
	const struct leftover *left = test->param_value;
	struct kt_pool *kp = pool_with_leftover(test, hotplug_cpu(test));

	KUNIT_EXPECT_EQ(test, pcpool_drain(kp->pool), left->objects);
}

static void destroying_frees_objects_of_an_offline_cpu(struct kunit *test)
{
	struct kt_pool *kp = pool_with_leftover(test, hotplug_cpu(test));

	pcpool_destroy(kp->pool);
	kp->pool = NULL;
	kt_expect_freed(kp, 0);
}

static void going_offline_does_not_rejuvenate_objects(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 100, .private_slots = 4);
	int cpu = hotplug_cpu(test);

	kt_move_to(test, cpu);
	kt_make_idle(kp, 100);
	pcpool_age(kp->pool);
	go_offline(test, cpu);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).idle_victim, 100);
	KUNIT_EXPECT_EQ(test, pcpool_age(kp->pool), 100);
}

static void a_cpu_works_when_it_is_online_again(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 100, .private_slots = 4);
	int cpu = hotplug_cpu(test), round;
	void **objs;

	for (round = 0; round < 2; round++) {
		kt_move_to(test, cpu);
		kt_make_idle(kp, 100);
		go_offline(test, cpu);
		/* One pass, so that the tiers have swapped when it is online again. */
		pcpool_age(kp->pool);
		go_online(test, cpu);
		kt_move_to(test, cpu);
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

static void a_cpu_catches_up_with_passes_when_online_again(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 50, .private_slots = 2);
	int cpu = hotplug_cpu(test);
	void **objs = kt_get_many(kp, 50);

	go_offline(test, cpu);
	pcpool_age(kp->pool);
	go_online(test, cpu);
	kt_move_to(test, cpu);
	kt_put_many(kp, 50, objs);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).idle_main, 50);
	KUNIT_EXPECT_EQ(test, pcpool_age(kp->pool), 0);
	KUNIT_EXPECT_EQ(test, pcpool_age(kp->pool), 50);
}

static void a_pool_works_on_a_cpu_that_came_online_later(struct kunit *test)
{
	int cpu = hotplug_cpu(test);
	struct kt_pool *kp;

	go_offline(test, cpu);
	kp = kt_new(test, 50, .private_slots = 2);
	go_online(test, cpu);
	kt_move_to(test, cpu);
	kt_make_idle(kp, 50);
	kt_make_idle(kp, 50);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).allocs, 50);
	/* The CPU's objects are handed over when it goes offline again. */
	go_offline(test, cpu);
	KUNIT_EXPECT_EQ(test, pcpool_age(kp->pool), 0);
	KUNIT_EXPECT_EQ(test, pcpool_age(kp->pool), 50);
}

static struct kt_pool *scanned;
static unsigned long scans_freed[2];

/* Runs during CPU hotplug, which allocates memory and so may call reclaim. */
static int scan_twice(unsigned int cpu)
{
	scans_freed[0] = kt_scan(scanned, 10000);
	scans_freed[1] = kt_scan(scanned, 10000);
	return 0;
}

static void scans_during_hotplug_leave_the_main_tier_alone(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 100, .private_slots = 4);
	int cpu = hotplug_cpu(test), state;
	void **objs;

	kt_move_to(test, kt_cpu(test, 0));
	objs = kt_get_many(kp, 100);
	kt_put_many(kp, 50, objs);
	pcpool_age(kp->pool);
	kt_move_to(test, cpu);
	kt_put_many(kp, 50, objs + 50);
	kt_move_to(test, kt_cpu(test, 0));

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

/* --- Under load ----------------------------------------------------------------- */

static void get_and_put_on_any_cpu(struct kt_worker *worker)
{
	struct kt_pool *kp = worker->arg;
	unsigned int i, n, cpu;
	void *objs[20];

	while (kt_keep_running(worker)) {
		if (!kt_random(worker, 16)) {
			cpu = cpumask_nth(kt_random(worker, num_online_cpus()),
					  cpu_online_mask);
			/* Fails if the CPU went offline in between. */
			if (cpu < nr_cpu_ids)
				set_cpus_allowed_ptr(current, cpumask_of(cpu));
		}
		n = kt_get_bulk(kp, GFP_KERNEL,
				1 + kt_random(worker, ARRAY_SIZE(objs)), objs,
				worker->holder);
		for (i = 0; i < n; i++)
			kt_put(kp, objs[i], worker->holder);
		kt_progress(worker);
	}
}

static void age_and_scan(struct kt_worker *worker)
{
	struct kt_pool *kp = worker->arg;

	while (kt_keep_running(worker)) {
		if (kt_random(worker, 2))
			pcpool_age(kp->pool);
		else
			kt_scan(kp, 100);
		kt_progress(worker);
		schedule_timeout_uninterruptible(1);
	}
}

static void hotplug_under_load_loses_and_shares_nothing(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 1000, .private_slots = 8);
	int cycle, cpu = hotplug_cpu(test);
	unsigned int i, n = num_online_cpus();
	struct kt_gang *gang = kt_gang_new(test);
	unsigned long end;

	n = min(n, 6u);
	for (i = 0; i < n; i++)
		kt_gang_add(gang, -1, get_and_put_on_any_cpu, kp);
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
	kt_expect_consistent(kp);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).outstanding, 0);
	pcpool_age(kp->pool);
	pcpool_age(kp->pool);
	KUNIT_EXPECT_EQ(test, idle(kp), 0);
}

static struct kunit_case hotplug_cases[] = {
	KUNIT_CASE_PARAM(other_cpus_get_objects_of_an_offline_cpu, leftover_gen_params),
	KUNIT_CASE_PARAM(objects_of_an_offline_cpu_age, leftover_gen_params),
	KUNIT_CASE_PARAM(scans_reach_objects_of_an_offline_cpu,
			 leftover_gen_params),
	KUNIT_CASE_PARAM(a_drain_reaches_objects_of_an_offline_cpu,
			 leftover_gen_params),
	KUNIT_CASE_PARAM(destroying_frees_objects_of_an_offline_cpu,
			 leftover_gen_params),
	KUNIT_CASE(going_offline_does_not_rejuvenate_objects),
	KUNIT_CASE(a_cpu_works_when_it_is_online_again),
	KUNIT_CASE(a_cpu_catches_up_with_passes_when_online_again),
	KUNIT_CASE(a_pool_works_on_a_cpu_that_came_online_later),
	KUNIT_CASE(scans_during_hotplug_leave_the_main_tier_alone),
	KUNIT_CASE(hotplug_under_load_loses_and_shares_nothing),
	{}
};

static struct kunit_suite hotplug_suite = {
	.name = "pcpool_hotplug",
	.test_cases = hotplug_cases,
};

kunit_test_suites(&hotplug_suite);
