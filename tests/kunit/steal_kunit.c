// SPDX-License-Identifier: GPL-2.0
/*
 * Stealing: what a CPU does when it has no objects, which CPUs it may steal from, and
 * the hint that tells it where to search.
 */
#include <linux/topology.h>

#include "common.h"

/* Create a pool with @n objects, all in @cpu's queue. @objs lists them, oldest first. */
static struct kt_pool *pool_with_queue(struct kunit *test, unsigned int n,
				       int cpu, unsigned int slots,
				       enum pcpool_steal policy, void ***objs)
{
	struct kt_pool *kp = kt_new(test, n + 100, .private_slots = slots,
				    .steal = policy);

	kt_move_to(test, cpu);
	*objs = kt_get_many(kp, n);
	kt_put_to_queue(kp, n, *objs);
	KUNIT_ASSERT_EQ(test, kt_in_main(kp, cpu), n);
	return kp;
}

static bool has_hint(struct kt_pool *kp, int cpu)
{
	return cpumask_test_cpu(cpu,
				kp->core->nonempty[pcpool_main_tier(kp->core)]);
}

/* Returns the number of queues that hold objects although their hint is clear. */
static unsigned int queues_without_hint(struct kt_pool *kp)
{
	unsigned int tier, n = 0;
	int cpu;

	for (tier = 0; tier < 2; tier++) {
		for_each_possible_cpu(cpu) {
			struct pcpool_cpu *c = per_cpu_ptr(kp->core->cpu, cpu);

			rcu_read_lock();
			n += pcpool_queue_count(&c->queue[tier]) &&
			     !cpumask_test_cpu(cpu, kp->core->nonempty[tier]);
			rcu_read_unlock();
		}
	}
	return n;
}

static void a_cpu_without_objects_steals(struct kunit *test)
{
	int a = kt_cpu(test, 0), b = kt_cpu(test, 1);
	struct kt_pool *kp;
	void **objs;

	kp = pool_with_queue(test, 20, a, 8, PCPOOL_STEAL_ALL, &objs);
	kt_move_to(test, b);
	objs = kt_get_many(kp, 20);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).miss, 20);
	KUNIT_EXPECT_GT(test, kt_stats(kp).hit_steal, 0);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).hit_steal + kt_stats(kp).hit_private +
			kt_stats(kp).hit_shared,
			20);
	KUNIT_EXPECT_NULL(test, kt_try_get(kp, KT_ME));
	kt_put_many(kp, 20, objs);
}

static void a_steal_takes_the_oldest_object(struct kunit *test)
{
	int a = kt_cpu(test, 0), b = kt_cpu(test, 1);
	struct kt_pool *kp;
	unsigned int i;
	void **objs;

	kp = pool_with_queue(test, 20, a, 1, PCPOOL_STEAL_ALL, &objs);
	kt_move_to(test, b);
	for (i = 0; i < 20; i++)
		KUNIT_EXPECT_PTR_EQ(test, kt_try_get(kp, KT_ME), objs[i]);
	kt_put_many(kp, 20, objs);
}

struct share {
	unsigned int slots;
	unsigned int there;
	unsigned int taken;
	bool needed;
	char name[60];
};

static const struct share shares[] = {
	{ 1, 20, 1, false, "1 slot: 1 object" },
	{ 8, 64, 8, false, "8 slots: 8 objects" },
	{ 64, 100, 32, false, "64 slots: one batch" },
	{ 16, 5, 5, false, "queue of 5: all" },
	{ 8, 64, 8, true, "8 slots, victim CPU needs objects: 8 objects" },
	{ 16, 4, 2, true, "queue of 4, victim CPU needs objects: half" },
	{ 16, 5, 3, true, "queue of 5, victim CPU needs objects: half, rounded up" },
	{ 16, 1, 1, true, "queue of 1, victim CPU needs objects: 1" },
};

KUNIT_ARRAY_PARAM_DESC(share, shares, name);

static void a_steal_takes_the_expected_number(struct kunit *test)
{
	const struct share *share = test->param_value;
	int a = kt_cpu(test, 0), b = kt_cpu(test, 1);
	struct kt_pool *kp;
	void **objs, *obj;

	kp = pool_with_queue(test, share->there, a, share->slots,
			     PCPOOL_STEAL_ALL, &objs);
	per_cpu_ptr(kp->core->cpu, a)->refilled = share->needed;
	kt_move_to(test, b);
	obj = kt_get(kp, GFP_KERNEL, KT_ME);
	KUNIT_EXPECT_PTR_EQ(test, obj, objs[0]);
	KUNIT_EXPECT_EQ(test, kt_in_main(kp, a), share->there - share->taken);
	KUNIT_EXPECT_EQ(test, kt_in_slots(kp, b), share->taken - 1);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).hit_steal, 1);
	kt_put(kp, obj, KT_ME);
}

/* Get on @b all @n objects of @a's queue. Returns the number of steals. */
static unsigned int steals_of(struct kunit *test, unsigned int n, bool needed)
{
	int a = kt_cpu(test, 0), b = kt_cpu(test, 1);
	unsigned int i, moved = 0;
	struct kt_pool *kp;
	void **objs;

	kp = pool_with_queue(test, n, a, 4, PCPOOL_STEAL_ALL, &objs);
	kt_move_to(test, b);
	for (i = 0; i < n; i++) {
		per_cpu_ptr(kp->core->cpu, a)->refilled = needed;
		objs[i] = kt_get(kp, GFP_KERNEL, KT_ME);
		KUNIT_ASSERT_NOT_NULL(test, objs[i]);
		moved += kt_in_main(kp, b);
	}
	KUNIT_EXPECT_EQ(test, kt_stats(kp).miss, n);
	KUNIT_EXPECT_EQ(test, !moved, needed);
	kt_put_many(kp, n, objs);
	return kt_stats(kp).hit_steal;
}

/* Otherwise the CPU would steal once for every four objects. */
static void a_steal_takes_more_from_a_cpu_that_only_puts(struct kunit *test)
{
	KUNIT_EXPECT_LE(test, steals_of(test, 1000, false), 30);
}

static void a_steal_takes_no_more_from_a_cpu_that_gets(struct kunit *test)
{
	KUNIT_EXPECT_GE(test, steals_of(test, 1000, true), 250);
}

static void a_drained_cpu_clears_its_own_hint(struct kunit *test)
{
	int a = kt_cpu(test, 0), b = kt_cpu(test, 1);
	struct kt_pool *kp;
	void **objs, *obj;
	unsigned int i;

	kp = pool_with_queue(test, 12, a, 4, PCPOOL_STEAL_ALL, &objs);
	per_cpu_ptr(kp->core->cpu, a)->refilled = 1;
	kt_move_to(test, b);
	obj = kt_get(kp, GFP_KERNEL, KT_ME);
	kt_move_to(test, a);
	KUNIT_ASSERT_EQ(test, kt_in_main(kp, a), 8);
	for (i = 0; i < 8; i++)
		objs[i] = kt_get(kp, GFP_KERNEL, KT_ME);
	KUNIT_EXPECT_TRUE(test, cpumask_test_cpu(a, kp->core->nonempty[0]));
	KUNIT_EXPECT_NULL(test, kt_try_get(kp, KT_ME));
	KUNIT_EXPECT_FALSE(test, cpumask_test_cpu(a, kp->core->nonempty[0]));
	kt_put_many(kp, 8, objs);
	kt_put(kp, obj, KT_ME);
}

static void private_slots_are_not_stolen_from(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 8, .private_slots = 8);

	kt_move_to(test, kt_cpu(test, 0));
	kt_make_idle(kp, 8);
	kt_move_to(test, kt_cpu(test, 1));
	KUNIT_EXPECT_NULL(test, kt_try_get(kp, KT_ME));
}

static void get_local_does_not_steal(struct kunit *test)
{
	int a = kt_cpu(test, 0), b = kt_cpu(test, 1);
	struct kt_pool *kp;
	void **objs, *obj;

	kp = pool_with_queue(test, 20, a, 8, PCPOOL_STEAL_ALL, &objs);
	kt_move_to(test, b);
	obj = kt_get_local(kp, GFP_KERNEL, KT_ME);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).miss, 21);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).hit_steal, 0);
	KUNIT_EXPECT_EQ(test, kt_in_main(kp, a), 20);
	/* Nor does it take from the victim tier of other CPUs. */
	pcpool_age(kp->pool);
	kt_put(kp, kt_get_local(kp, GFP_KERNEL, KT_ME), KT_ME);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).hit_victim, 0);
	KUNIT_EXPECT_EQ(test, kt_in_victim(kp, a), 20);
	kt_put(kp, obj, KT_ME);
}

static void get_local_takes_objects_of_its_own_cpu(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 20, .private_slots = 4);
	void *objs[20];
	unsigned int i;

	kt_move_to(test, kt_cpu(test, 0));
	kt_make_idle(kp, 20);
	for (i = 0; i < 10; i++)
		objs[i] = kt_get_local(kp, GFP_KERNEL, KT_ME);
	pcpool_age(kp->pool);
	for (; i < 20; i++)
		objs[i] = kt_get_local(kp, GFP_KERNEL, KT_ME);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).miss, 20);
	KUNIT_EXPECT_GT(test, kt_stats(kp).hit_shared, 0);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).hit_victim, 10);
	kt_put_many(kp, 20, objs);
}

static void try_get_steals_but_does_not_allocate(struct kunit *test)
{
	int a = kt_cpu(test, 0), b = kt_cpu(test, 1);
	struct kt_pool *kp;
	unsigned int n = 0;
	void **objs;

	kp = pool_with_queue(test, 20, a, 8, PCPOOL_STEAL_ALL, &objs);
	kt_move_to(test, b);
	while (n < 20 && kt_try_get(kp, KT_ME))
		n++;
	KUNIT_EXPECT_EQ(test, n, 20);
	KUNIT_EXPECT_NULL(test, kt_try_get(kp, KT_ME));
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->allocs), 20);
	kt_put_many(kp, 20, objs);
}

/* --- The order in which a get searches ---------------------------------------- */

static void expect_hit(struct kt_pool *kp, const char *what, void **obj,
		       u64 shared, u64 steal, u64 victim, u64 miss)
{
	struct pcpool_pool_stats before = kt_stats(kp), after;
	struct kunit *test = kp->test;

	*obj = kt_get(kp, GFP_KERNEL, KT_ME);
	KUNIT_EXPECT_NOT_NULL_MSG(test, *obj, "%s", what);
	after = kt_stats(kp);
	KUNIT_EXPECT_EQ_MSG(test, after.hit_private - before.hit_private,
			    !(shared + steal + victim + miss), "%s", what);
	KUNIT_EXPECT_EQ_MSG(test, after.hit_shared - before.hit_shared, shared,
			    "%s", what);
	KUNIT_EXPECT_EQ_MSG(test, after.hit_steal - before.hit_steal, steal,
			    "%s", what);
	KUNIT_EXPECT_EQ_MSG(test, after.hit_victim - before.hit_victim, victim,
			    "%s", what);
	KUNIT_EXPECT_EQ_MSG(test, after.miss - before.miss, miss, "%s", what);
}

static void a_get_searches_from_near_to_far(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 7, .private_slots = 1);
	int a = kt_cpu(test, 0), b = kt_cpu(test, 1);
	void **objs, *got[7];
	unsigned int i;

	kt_move_to(test, a);
	objs = kt_get_many(kp, 6);
	/* Place one object at each position of the search order, last position first. */
	kt_move_to(test, b);
	kt_put_to_queue(kp, 1, &objs[5]);
	kt_move_to(test, a);
	kt_put_to_queue(kp, 1, &objs[4]);
	pcpool_age(kp->pool);
	kt_move_to(test, b);
	kt_put_to_queue(kp, 1, &objs[3]);
	kt_move_to(test, a);
	kt_put_to_queue(kp, 1, &objs[2]);
	kt_put(kp, objs[1], KT_ME);

	expect_hit(kp, "private", &got[1], 0, 0, 0, 0);
	expect_hit(kp, "shared", &got[2], 1, 0, 0, 0);
	expect_hit(kp, "stolen", &got[3], 0, 1, 0, 0);
	expect_hit(kp, "own victim", &got[4], 0, 0, 1, 0);
	expect_hit(kp, "victim of another CPU", &got[5], 0, 0, 1, 0);
	expect_hit(kp, "none", &got[6], 0, 0, 0, 1);
	for (i = 1; i < 6; i++)
		KUNIT_EXPECT_PTR_EQ(test, got[i], objs[i]);
	kt_put(kp, objs[0], KT_ME);
	kt_put_many(kp, 6, got + 1);
}

/* --- Policies -------------------------------------------------------------------- */

static void policy_none_does_not_steal(struct kunit *test)
{
	int a = kt_cpu(test, 0), b = kt_cpu(test, 1);
	struct kt_pool *kp;
	void **objs;

	kp = pool_with_queue(test, 20, a, 8, PCPOOL_STEAL_NONE, &objs);
	kt_move_to(test, b);
	KUNIT_EXPECT_NULL(test, kt_try_get(kp, KT_ME));
	pcpool_age(kp->pool);
	KUNIT_EXPECT_NULL(test, kt_try_get(kp, KT_ME));
	kt_move_to(test, a);
	KUNIT_EXPECT_NOT_NULL(test, objs[0] = kt_try_get(kp, KT_ME));
	kt_put(kp, objs[0], KT_ME);
}

/*
 * Return an online CPU other than @cpu that is (or is not) on @cpu's node. Skip the
 * case if there is none.
 */
static int other_cpu(struct kunit *test, int cpu, bool same_node)
{
	int other;

	for_each_online_cpu(other) {
		if (other != cpu &&
		    (cpu_to_node(other) == cpu_to_node(cpu)) == same_node)
			return other;
	}
	kunit_skip(test, "needs %s", same_node ? "two CPUs of a node" : "two nodes");
}

static void policy_node_steals_from_its_own_node(struct kunit *test)
{
	int a = kt_cpu(test, 0), b = other_cpu(test, a, true);
	struct kt_pool *kp;
	void **objs;

	kp = pool_with_queue(test, 20, a, 1, PCPOOL_STEAL_NODE, &objs);
	kt_move_to(test, b);
	KUNIT_EXPECT_PTR_EQ(test, kt_try_get(kp, KT_ME), objs[0]);
	pcpool_age(kp->pool);
	KUNIT_EXPECT_NOT_NULL(test, objs[1] = kt_try_get(kp, KT_ME));
	KUNIT_EXPECT_EQ(test, kt_stats(kp).hit_victim, 1);
	kt_put_many(kp, 2, objs);
}

static void policy_node_does_not_steal_from_another_node(struct kunit *test)
{
	int a = kt_cpu(test, 0), b = other_cpu(test, a, false);
	struct kt_pool *kp;
	void **objs;

	kp = pool_with_queue(test, 20, a, 8, PCPOOL_STEAL_NODE, &objs);
	kt_move_to(test, b);
	KUNIT_EXPECT_NULL(test, kt_try_get(kp, KT_ME));
	pcpool_age(kp->pool);
	KUNIT_EXPECT_NULL(test, kt_try_get(kp, KT_ME));
}

static void policy_all_steals_from_its_own_node_first(struct kunit *test)
{
	int self = kt_cpu(test, 0), same_node = other_cpu(test, self, true);
	int other_node = other_cpu(test, self, false);
	struct kt_pool *kp = kt_new(test, 4, .private_slots = 1);
	void **objs, *got;
	unsigned int round;

	/* In both directions, so that the order of CPU numbers does not matter. */
	for (round = 0; round < 2; round++) {
		objs = kt_get_many(kp, 2);
		kt_move_to(test, other_node);
		kt_put_to_queue(kp, 1, &objs[1]);
		kt_move_to(test, same_node);
		kt_put_to_queue(kp, 1, &objs[0]);
		kt_move_to(test, self);
		got = kt_try_get(kp, KT_ME);
		KUNIT_EXPECT_PTR_EQ(test, got, objs[0]);
		got = kt_try_get(kp, KT_ME);
		KUNIT_EXPECT_PTR_EQ(test, got, objs[1]);
		kt_put_many(kp, 2, objs);
		pcpool_drain(kp->pool);
		self = other_node;
		same_node = other_cpu(test, self, true);
		other_node = kt_cpu(test, 0);
	}
}

static void victims_come_from_the_own_node_first(struct kunit *test)
{
	int self = kt_cpu(test, 0), same_node = other_cpu(test, self, true);
	int other_node = other_cpu(test, self, false);
	struct kt_pool *kp = kt_new(test, 2, .private_slots = 1);
	void **objs = kt_get_many(kp, 2);

	kt_move_to(test, other_node);
	kt_put_to_queue(kp, 1, &objs[1]);
	kt_move_to(test, same_node);
	kt_put_to_queue(kp, 1, &objs[0]);
	pcpool_age(kp->pool);
	kt_move_to(test, self);
	KUNIT_EXPECT_PTR_EQ(test, kt_try_get(kp, KT_ME), objs[0]);
	KUNIT_EXPECT_PTR_EQ(test, kt_try_get(kp, KT_ME), objs[1]);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).hit_victim, 2);
	kt_put_many(kp, 2, objs);
}

/* --- The hint where to search --------------------------------------------------------- */

static void a_spill_sets_the_hint(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 3, .private_slots = 2);
	int cpu = kt_cpu(test, 0);

	kt_move_to(test, cpu);
	kt_make_idle(kp, 2);
	KUNIT_EXPECT_FALSE(test, has_hint(kp, cpu));
	kt_make_idle(kp, 3);
	KUNIT_EXPECT_TRUE(test, has_hint(kp, cpu));
}

static void a_failed_steal_clears_the_hint(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 10, .private_slots = 2);
	int a = kt_cpu(test, 0), b = kt_cpu(test, 1);
	void **objs;

	kt_move_to(test, a);
	kt_make_idle(kp, 10);
	objs = kt_get_many(kp, 10);
	KUNIT_ASSERT_TRUE(test, has_hint(kp, a));
	kt_move_to(test, b);
	KUNIT_EXPECT_NULL(test, kt_try_get(kp, KT_ME));
	KUNIT_EXPECT_FALSE(test, has_hint(kp, a));
	/* A queue that is filled again is found again. */
	kt_move_to(test, a);
	kt_put_many(kp, 10, objs);
	KUNIT_EXPECT_TRUE(test, has_hint(kp, a));
	kt_move_to(test, b);
	KUNIT_EXPECT_NOT_NULL(test, objs[0] = kt_try_get(kp, KT_ME));
	kt_put(kp, objs[0], KT_ME);
}

static void get_and_put_bulk(struct kt_worker *worker)
{
	struct kt_pool *kp = worker->arg;
	void *objs[9];
	unsigned int n;

	/* Numbers around the point where slots spill and queues run empty. */
	while (kt_keep_running(worker)) {
		n = kt_get_bulk(kp, GFP_KERNEL, 1 + kt_random(worker, 9), objs,
				worker->holder);
		while (n--)
			kt_put(kp, objs[n], worker->holder);
		kt_progress(worker);
	}
}

static void steal_and_put(struct kt_worker *worker)
{
	struct kt_pool *kp = worker->arg;
	void *objs[9];
	unsigned int n, i;

	while (kt_keep_running(worker)) {
		for (n = 0; n < 1 + kt_random(worker, 9); n++) {
			objs[n] = kt_try_get(kp, worker->holder);
			if (!objs[n])
				break;
		}
		for (i = 0; i < n; i++)
			kt_put(kp, objs[i], worker->holder);
		kt_progress(worker);
	}
}

static void concurrent_steals_lose_share_and_hide_nothing(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 1000, .private_slots = 2);
	struct kt_gang *gang = kt_gang_new(test);
	unsigned int i, n = num_online_cpus();

	kt_cpu(test, 1);
	n = min(n, 8u);
	for (i = 0; i < n; i++) {
		kt_gang_add(gang, kt_cpu(test, i), i & 1 ? steal_and_put : get_and_put_bulk, kp);
		kt_gang_add(gang, kt_cpu(test, i), steal_and_put, kp);
	}
	kt_gang_start(gang, 300);
	kt_gang_join(gang);
	KUNIT_EXPECT_GT(test, kt_stats(kp).hit_steal, 0);
	KUNIT_EXPECT_EQ(test, queues_without_hint(kp), 0);
	kt_expect_consistent(kp);
}

static struct kunit_case steal_cases[] = {
	KUNIT_CASE(a_cpu_without_objects_steals),
	KUNIT_CASE(a_steal_takes_the_oldest_object),
	KUNIT_CASE_PARAM(a_steal_takes_the_expected_number, share_gen_params),
	KUNIT_CASE(a_steal_takes_more_from_a_cpu_that_only_puts),
	KUNIT_CASE(a_steal_takes_no_more_from_a_cpu_that_gets),
	KUNIT_CASE(a_drained_cpu_clears_its_own_hint),
	KUNIT_CASE(private_slots_are_not_stolen_from),
	KUNIT_CASE(get_local_does_not_steal),
	KUNIT_CASE(get_local_takes_objects_of_its_own_cpu),
	KUNIT_CASE(try_get_steals_but_does_not_allocate),
	KUNIT_CASE(a_get_searches_from_near_to_far),
	KUNIT_CASE(policy_none_does_not_steal),
	KUNIT_CASE(policy_node_steals_from_its_own_node),
	KUNIT_CASE(policy_node_does_not_steal_from_another_node),
	KUNIT_CASE(policy_all_steals_from_its_own_node_first),
	KUNIT_CASE(victims_come_from_the_own_node_first),
	KUNIT_CASE(a_spill_sets_the_hint),
	KUNIT_CASE(a_failed_steal_clears_the_hint),
	KUNIT_CASE(concurrent_steals_lose_share_and_hide_nothing),
	{}
};

static struct kunit_suite steal_suite = {
	.name = "pcpool_steal",
	.test_cases = steal_cases,
};

kunit_test_suites(&steal_suite);
