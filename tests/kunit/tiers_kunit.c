// SPDX-License-Identifier: GPL-2.0
/*
 * Tiers and aging: how idle objects are freed in two steps, wherever they are on any
 * CPU; and the shrinker, which is called here as reclaim would call it.
 */
#include <linux/mm.h>

#include "common.h"

static unsigned long idle(struct kt_pool *kp)
{
	struct pcpool_pool_stats s = kt_stats(kp);

	return s.idle_main + s.idle_victim;
}

/* --- Two passes --------------------------------------------------------------------- */

/* Where the objects are when the passes run. */
struct place {
	char name[60];
	unsigned int slots;
	unsigned int objects;	/* on each CPU */
	bool own;
	bool other_cpus;
};

static const struct place places[] = {
	{ "own private slots", 8, 5, true },
	{ "own queue", 2, 50, true },
	{ "private slots of other, idle CPUs", 8, 5, false, true },
	{ "one private slot of other, idle CPUs", 1, 1, false, true },
	{ "all private slots of other, idle CPUs", 64, 64, false, true },
	{ "queues of other, idle CPUs", 2, 50, false, true },
	{ "everywhere", 4, 500, true, true },
};

KUNIT_ARRAY_PARAM_DESC(place, places, name);

static struct kt_pool *fill_place(struct kunit *test, const struct place *place,
				  unsigned int *n)
{
	unsigned int i, cpus = num_online_cpus();
	struct kt_pool *kp = kt_new(test, cpus * place->objects,
				    .private_slots = place->slots);
	int own = kt_cpu(test, 0);

	if (place->other_cpus)
		kt_cpu(test, 1);
	*n = 0;
	for (i = 0; i < cpus; i++) {
		int cpu = kt_cpu(test, i);

		if (cpu == own ? !place->own : !place->other_cpus)
			continue;
		kt_move_to(test, cpu);
		/* Allocate new objects; take none from other CPUs. */
		while (kt_in_slots(kp, cpu) +
		       kt_in_main(kp, cpu) < place->objects) {
			KUNIT_ASSERT_EQ(test, 1,
					pcpool_prefill(kp->pool, GFP_KERNEL, 1));
			*n += 1;
		}
	}
	kt_move_to(test, own);
	KUNIT_ASSERT_EQ(test, idle(kp), *n);
	return kp;
}

static void two_passes_leave_nothing(struct kunit *test)
{
	unsigned int n;
	struct kt_pool *kp = fill_place(test, test->param_value, &n);

	pcpool_age(kp->pool);
	pcpool_age(kp->pool);
	KUNIT_EXPECT_EQ(test, idle(kp), 0);
	KUNIT_EXPECT_EQ(test, kt_count(kp), SHRINK_EMPTY);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->frees), n);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).evicted, n);
}

static void the_first_pass_only_demotes(struct kunit *test)
{
	unsigned int n;
	struct kt_pool *kp = fill_place(test, test->param_value, &n);

	KUNIT_EXPECT_EQ(test, pcpool_age(kp->pool), 0);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).idle_main, 0);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).idle_victim, n);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).ages, 1);
	KUNIT_EXPECT_EQ(test, pcpool_age(kp->pool), n);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).ages, 2);
}

static void two_scans_without_limit_leave_nothing(struct kunit *test)
{
	unsigned int n;
	struct kt_pool *kp = fill_place(test, test->param_value, &n);

	KUNIT_EXPECT_EQ(test, kt_scan(kp, ULONG_MAX), 0);
	KUNIT_EXPECT_EQ(test, kt_scan(kp, ULONG_MAX), n);
	KUNIT_EXPECT_EQ(test, idle(kp), 0);
}

static void a_drain_leaves_nothing(struct kunit *test)
{
	unsigned int n;
	struct kt_pool *kp = fill_place(test, test->param_value, &n);

	KUNIT_EXPECT_EQ(test, pcpool_drain(kp->pool), n);
	KUNIT_EXPECT_EQ(test, idle(kp), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->frees), n);
}

static void a_drain_frees_both_tiers(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 100, .private_slots = 2);
	void **objs = kt_get_many(kp, 100);

	kt_put_many(kp, 50, objs);
	pcpool_age(kp->pool);
	kt_put_many(kp, 50, objs + 50);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).idle_victim, 50);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).idle_main, 50);
	KUNIT_EXPECT_EQ(test, pcpool_drain(kp->pool), 100);
	KUNIT_EXPECT_EQ(test, idle(kp), 0);
}

static void passes_free_the_rings(struct kunit *test)
{
	unsigned int n;
	struct kt_pool *kp = fill_place(test, test->param_value, &n);
	int cpu;

	pcpool_age(kp->pool);
	pcpool_age(kp->pool);
	for_each_possible_cpu(cpu) {
		struct pcpool_cpu *c = per_cpu_ptr(kp->core->cpu, cpu);

		KUNIT_EXPECT_NULL(test, c->queue[0].head);
		KUNIT_EXPECT_NULL(test, c->queue[0].tail);
		KUNIT_EXPECT_NULL(test, c->queue[1].head);
		KUNIT_EXPECT_NULL(test, c->queue[1].tail);
	}
}

/* --- The effect of use on aging ----------------------------------------------------------- */

static void objects_used_between_passes_survive(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 100, .private_slots = 2);
	void **objs;
	int round;

	kt_move_to(test, kt_cpu(test, 0));
	kt_make_idle(kp, 100);
	for (round = 0; round < 4; round++) {
		pcpool_age(kp->pool);
		objs = kt_get_many(kp, 30);
		kt_put_many(kp, 30, objs);
		KUNIT_EXPECT_EQ(test, idle(kp), round ? 30 : 100);
	}
	KUNIT_EXPECT_EQ(test, kt_stats(kp).allocs, 100);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).evicted, 70);
}

static void outstanding_objects_do_not_age(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 10);
	void **objs = kt_get_many(kp, 10);
	int i;

	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, pcpool_age(kp->pool), 0);
	kt_put_many(kp, 10, objs);
	KUNIT_EXPECT_EQ(test, pcpool_age(kp->pool), 0);
	KUNIT_EXPECT_EQ(test, pcpool_age(kp->pool), 10);
}

static void objects_put_between_passes_survive_the_second(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 100, .private_slots = 2);
	void **objs = kt_get_many(kp, 100);

	kt_put_many(kp, 40, objs);
	KUNIT_EXPECT_EQ(test, pcpool_age(kp->pool), 0);
	kt_put_many(kp, 60, objs + 40);
	KUNIT_EXPECT_EQ(test, pcpool_age(kp->pool), 40);
	KUNIT_EXPECT_EQ(test, idle(kp), 60);
	KUNIT_EXPECT_EQ(test, pcpool_age(kp->pool), 60);
}

/* The CPU holds nothing during the passes, so no pass interrupts it. */
static void a_cpu_that_missed_a_pass_puts_to_the_main_tier(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 100, .private_slots = 2);
	int passes, a = kt_cpu(test, 0), b = kt_cpu(test, 1);
	void **objs;

	kt_move_to(test, a);
	objs = kt_get_many(kp, 100);
	for (passes = 1; passes <= 3; passes++) {
		kt_move_to(test, a);
		KUNIT_EXPECT_EQ(test, pcpool_age(kp->pool), 0);
		kt_move_to(test, b);
		kt_put_many(kp, 100, objs);
		KUNIT_EXPECT_EQ(test, kt_stats(kp).idle_main, 100);
		KUNIT_EXPECT_EQ(test, kt_in_victim(kp, b), 0);
		kt_move_to(test, a);
		KUNIT_EXPECT_EQ(test, pcpool_age(kp->pool), 0);
		kt_move_to(test, b);
		KUNIT_EXPECT_EQ(test, idle(kp), 100);
		objs = kt_get_many(kp, 100);
		pcpool_age(kp->pool);
	}
	KUNIT_EXPECT_EQ(test, kt_stats(kp).allocs, 100);
	kt_put_many(kp, 100, objs);
}

static void a_get_from_the_victim_tier_is_counted(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 10);
	void **objs;

	kt_make_idle(kp, 10);
	pcpool_age(kp->pool);
	objs = kt_get_many(kp, 10);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).hit_victim, 10);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).miss, 10);
	kt_put_many(kp, 10, objs);
}

struct reach_param {
	bool other;
	char name[40];
};

static const struct reach_param reaches[] = {
	{ false, "own victims" },
	{ true, "another CPU's victims" },
};

KUNIT_ARRAY_PARAM_DESC(reach, reaches, name);

/* The neighbours of the object were not used, and must not be treated as recently used. */
static void a_get_from_the_victim_tier_keeps_no_other_object(struct kunit *test)
{
	const struct reach_param *reach = test->param_value;
	struct kt_pool *kp = kt_new(test, 100, .private_slots = 16);
	void *obj;

	kt_move_to(test, kt_cpu(test, 0));
	kt_make_idle(kp, 100);
	pcpool_age(kp->pool);
	if (reach->other)
		kt_move_to(test, kt_cpu(test, 1));
	obj = kt_get(kp, GFP_KERNEL, KT_ME);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).hit_victim, 1);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).idle_victim, 99);
	KUNIT_EXPECT_EQ(test, pcpool_age(kp->pool), 99);
	KUNIT_EXPECT_EQ(test, idle(kp), 0);
	kt_put(kp, obj, KT_ME);
}

static void prefilled_objects_age_like_others(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 100, .private_slots = 2);

	KUNIT_ASSERT_EQ(test, pcpool_prefill(kp->pool, GFP_KERNEL, 100), 100);
	KUNIT_EXPECT_EQ(test, pcpool_age(kp->pool), 0);
	KUNIT_EXPECT_EQ(test, pcpool_age(kp->pool), 100);
}

/* --- Bursts ------------------------------------------------------------------------------- */

static void a_burst_is_kept_until_two_passes(struct kunit *test)
{
	unsigned int n = kt_scaled(100000), in_heads = 0;
	struct kt_pool *kp = kt_new(test, n);
	struct pcpool_pool_stats s;
	int cpu;

	kt_move_to(test, kt_cpu(test, 0));
	kt_make_idle(kp, n);
	s = kt_stats(kp);
	KUNIT_EXPECT_EQ(test, s.idle_main, n);
	KUNIT_EXPECT_EQ(test, s.drop_full, 0);
	KUNIT_EXPECT_EQ(test, s.frees, 0);
	KUNIT_EXPECT_GT(test, s.grows, 3);
	KUNIT_EXPECT_EQ(test, pcpool_age(kp->pool), 0);
	KUNIT_EXPECT_EQ(test, pcpool_age(kp->pool), n);
	for_each_possible_cpu(cpu)
		in_heads += !!per_cpu_ptr(kp->core->cpu, cpu)->queue[0].head +
			    !!per_cpu_ptr(kp->core->cpu, cpu)->queue[1].head;
	KUNIT_EXPECT_EQ(test, in_heads, 0);
}

/* --- The shrinker --------------------------------------------------------------------------- */

struct size {
	size_t bytes;
	unsigned int units;
	char name[32];
};

static const struct size sizes[] = {
	{ 1, 1, "1 byte" },
	{ PAGE_SIZE, 1, "1 page" },
	{ PAGE_SIZE + 1, 2, "1 page and a byte" },
	{ 256 << 10, (256 << 10) / PAGE_SIZE, "256 KiB" },
};

KUNIT_ARRAY_PARAM_DESC(size, sizes, name);

static void the_shrinker_counts_pages(struct kunit *test)
{
	const struct size *size = test->param_value;
	struct kt_pool *kp = kt_new(test, 10, .object_bytes = size->bytes);

	KUNIT_EXPECT_EQ(test, kt_count(kp), SHRINK_EMPTY);
	kt_make_idle(kp, 10);
	KUNIT_EXPECT_EQ(test, kt_count(kp), 10 * size->units);
	pcpool_age(kp->pool);
	KUNIT_EXPECT_EQ(test, kt_count(kp), 10 * size->units);
}

static void a_scan_frees_no_more_than_requested(struct kunit *test)
{
	const struct size *size = test->param_value;
	struct kt_pool *kp = kt_new(test, 100, .object_bytes = size->bytes);

	kt_make_idle(kp, 100);
	pcpool_age(kp->pool);
	KUNIT_EXPECT_EQ(test, kt_scan(kp, 10 * size->units), 10 * size->units);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->frees), 10);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).idle_victim, 90);
	/* A fraction of an object is not freed. */
	KUNIT_EXPECT_EQ(test, kt_scan(kp, 11 * size->units - 1),
			10 * size->units);
}

static void a_scan_for_less_than_an_object_does_nothing(struct kunit *test)
{
	const struct size *size = test->param_value;
	struct kt_pool *kp = kt_new(test, 10, .object_bytes = size->bytes);

	kt_make_idle(kp, 5);
	pcpool_age(kp->pool);
	kt_make_idle(kp, 5);
	KUNIT_EXPECT_EQ(test, kt_scan(kp, size->units - 1), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->frees), 0);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).ages, 1);
}

static void the_shrinker_batch_is_at_least_one_object(struct kunit *test)
{
	const struct size *size = test->param_value;
	struct kt_pool *kp = kt_new(test, 1, .object_bytes = size->bytes);

	KUNIT_EXPECT_GE(test, kt_shrinker(kp)->batch, size->units);
}

static void a_scan_runs_at_most_one_pass(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 100, .private_slots = 2);
	void **objs = kt_get_many(kp, 100);

	kt_put_many(kp, 40, objs);
	KUNIT_EXPECT_EQ(test, kt_scan(kp, ULONG_MAX), 0);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).ages, 1);
	kt_put_many(kp, 60, objs + 40);
	/* The scan frees the victim tier. The next scan frees what this one demotes. */
	KUNIT_EXPECT_EQ(test, kt_scan(kp, ULONG_MAX), 40);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).ages, 2);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).idle_victim, 60);
	KUNIT_EXPECT_EQ(test, kt_scan(kp, 1000), 60);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).ages, 3);
}

static void a_scan_demotes_only_when_the_victim_tier_is_empty(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 100, .private_slots = 2);
	void **objs = kt_get_many(kp, 100);
	int i;

	kt_put_many(kp, 40, objs);
	pcpool_age(kp->pool);
	kt_put_many(kp, 60, objs + 40);
	for (i = 1; i <= 4; i++) {
		KUNIT_EXPECT_EQ(test, kt_scan(kp, 10), 10);
		KUNIT_EXPECT_EQ(test, kt_stats(kp).ages, 1);
		KUNIT_EXPECT_EQ(test, kt_stats(kp).idle_main, 60);
	}
	KUNIT_EXPECT_EQ(test, kt_scan(kp, 10), 0);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).ages, 2);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).idle_victim, 60);
	KUNIT_EXPECT_EQ(test, kt_scan(kp, 10), 10);
}

static unsigned long scan_result;

static void scan_from_free(struct kt_pool *kp, enum kt_callback callback,
			   struct kt_obj *obj)
{
	if (callback == KT_FREE)
		scan_result = kt_scan(kp, 1000);
}

/*
 * As if ops->free allocated memory, and reclaim called the shrinker of the pool that is
 * being aged.
 */
static void a_scan_during_a_pass_does_nothing(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 10);

	kt_make_idle(kp, 10);
	pcpool_age(kp->pool);
	scan_result = 0;
	kp->hook = scan_from_free;
	KUNIT_EXPECT_EQ(test, pcpool_age(kp->pool), 10);
	kp->hook = NULL;
	KUNIT_EXPECT_EQ(test, scan_result, SHRINK_STOP);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).ages, 2);
}

static void the_shrinker_is_named_after_the_pool(struct kunit *test)
{
#ifdef CONFIG_SHRINKER_DEBUG
	struct kt_pool *kp = kt_new(test, 1, .name = "kunit-shrinker");

	KUNIT_EXPECT_STREQ(test, kt_shrinker(kp)->name, "pcpool-kunit-shrinker");
#else
	kunit_skip(test, "needs CONFIG_SHRINKER_DEBUG");
#endif
}

/* --- Passes under load ------------------------------------------------- */

/*
 * One CPU gets, while another one runs a pass. Objects that the get moves to its
 * private slots as a side effect were not used. So if there is no get or put after that
 * pass, the next pass has to free all of them.
 */
struct race {
	struct kt_pool *kp;
	bool other;		/* the objects are on the CPU that runs the pass */
	int turn;		/* odd: it is the getting thread's turn */
	void *objs[1024];
	unsigned int held;
};

/* Make all objects idle on this CPU, most of them in its queue. */
static void race_fill(struct race *race, int holder)
{
	struct kt_pool *kp = race->kp;

	kt_put_bulk(kp, race->held, race->objs, holder);
	race->held = 0;
	pcpool_prefill(kp->pool, GFP_KERNEL, kp->nr_obj - idle(kp));
}

static void get_until_a_pass_runs(struct kt_worker *worker)
{
	struct race *race = worker->arg;
	struct kt_pool *kp = race->kp;
	unsigned int *epoch = &per_cpu_ptr(kp->core->cpu, worker->cpu)->epoch;
	unsigned int was;
	void *obj;
	int turn;

	for (turn = 1; ; turn += 2) {
		/* Pairs with the accesses to @turn by the other thread. */
		while (smp_load_acquire(&race->turn) != turn) {
			cond_resched();
			if (READ_ONCE(worker->gang->stop))
				return;
		}
		if (!race->other)
			race_fill(race, worker->holder);
		was = READ_ONCE(*epoch);
		/* Pairs with the accesses to @turn by the other thread. */
		smp_store_release(&race->turn, -turn);
		while (READ_ONCE(*epoch) == was &&
		       (obj = kt_try_get(kp, worker->holder)))
			race->objs[race->held++] = obj;
		kt_progress(worker);
		/* Pairs with the accesses to @turn by the other thread. */
		smp_store_release(&race->turn, turn + 1);
	}
}

static void a_get_during_a_pass_rejuvenates_no_object(struct kunit *test)
{
	const struct reach_param *reach = test->param_value;
	struct race *race = kunit_kzalloc(test, sizeof(*race), GFP_KERNEL);
	unsigned long end = jiffies + msecs_to_jiffies(kt_scaled(300)), survivors = 0;
	unsigned int rounds, spin;
	struct kt_worker *worker;
	struct kt_gang *gang;
	struct rnd_state rnd;
	struct kt_pool *kp;

	KUNIT_ASSERT_NOT_NULL(test, race);
	kp = kt_new(test, ARRAY_SIZE(race->objs), .private_slots = 64);
	race->kp = kp;
	race->other = reach->other;
	prandom_seed_state(&rnd, 1);
	kt_move_to(test, kt_cpu(test, 0));
	gang = kt_gang_new(test);
	worker = kt_gang_add(gang, kt_cpu(test, 1), get_until_a_pass_runs,
			     race);
	kt_gang_start(gang, 0);
	for (rounds = 0; rounds < KT_MINIMUM || time_before(jiffies, end);
	     rounds++) {
		int turn = 2 * rounds + 1;

		if (reach->other)
			race_fill(race, worker->holder);
		/* Pairs with the accesses to @turn by the other thread. */
		smp_store_release(&race->turn, turn);
		/* Pairs with the accesses to @turn by the other thread. */
		while (smp_load_acquire(&race->turn) == turn)
			cond_resched();
		for (spin = prandom_u32_state(&rnd) % 2048; spin; spin--)
			cpu_relax();
		pcpool_age(kp->pool);
		/* Pairs with the accesses to @turn by the other thread. */
		while (smp_load_acquire(&race->turn) != turn + 1)
			cond_resched();
		/* The thread has stopped getting, and has put nothing since that pass. */
		pcpool_age(kp->pool);
		survivors += idle(kp);
	}
	kt_gang_stop(gang);
	KUNIT_EXPECT_EQ_MSG(test, survivors, 0, "in %u rounds", rounds);
	kt_put_bulk(kp, race->held, race->objs, worker->holder);
}

static void get_and_put(struct kt_worker *worker)
{
	struct kt_pool *kp = worker->arg;
	unsigned int i, n;
	void *objs[40];

	while (kt_keep_running(worker)) {
		n = 1 + kt_random(worker, ARRAY_SIZE(objs));
		for (i = 0; i < n; i++)
			objs[i] = kt_get(kp, GFP_KERNEL, worker->holder);
		while (n--) {
			if (objs[n])
				kt_put(kp, objs[n], worker->holder);
		}
		kt_progress(worker);
	}
}

static void age(struct kt_worker *worker)
{
	struct kt_pool *kp = worker->arg;
	unsigned long freed;

	while (kt_keep_running(worker)) {
		switch (kt_random(worker, 4)) {
		case 0:
			pcpool_drain(kp->pool);
			break;
		case 1:
			freed = kt_scan(kp, 16);
			if (freed > 16 && freed != SHRINK_STOP)
				kt_violation(kp, "a scan freed more than requested");
			break;
		default:
			pcpool_age(kp->pool);
		}
		kt_progress(worker);
	}
}

static void passes_under_load_lose_and_share_nothing(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 64 * KT_GANG_MAX, .private_slots = 4);
	struct kt_gang *gang = kt_gang_new(test);
	unsigned int i, n = num_online_cpus();

	kt_cpu(test, 1);
	n = min(n, 8u);
	for (i = 0; i < n; i++)
		kt_gang_add(gang, kt_cpu(test, i), get_and_put, kp);
	kt_gang_add(gang, -1, age, kp);
	kt_gang_add(gang, -1, age, kp);
	kt_gang_start(gang, 400);
	kt_gang_join(gang);
	kt_expect_consistent(kp);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).outstanding, 0);
	KUNIT_EXPECT_GT(test, kt_stats(kp).evicted, 0);
	pcpool_age(kp->pool);
	pcpool_age(kp->pool);
	KUNIT_EXPECT_EQ(test, idle(kp), 0);
}

static struct kunit_case tiers_cases[] = {
	KUNIT_CASE_PARAM(two_passes_leave_nothing, place_gen_params),
	KUNIT_CASE_PARAM(the_first_pass_only_demotes, place_gen_params),
	KUNIT_CASE_PARAM(two_scans_without_limit_leave_nothing, place_gen_params),
	KUNIT_CASE_PARAM(a_drain_leaves_nothing, place_gen_params),
	KUNIT_CASE(a_drain_frees_both_tiers),
	KUNIT_CASE_PARAM(passes_free_the_rings, place_gen_params),
	KUNIT_CASE(objects_used_between_passes_survive),
	KUNIT_CASE(outstanding_objects_do_not_age),
	KUNIT_CASE(objects_put_between_passes_survive_the_second),
	KUNIT_CASE(a_cpu_that_missed_a_pass_puts_to_the_main_tier),
	KUNIT_CASE(a_get_from_the_victim_tier_is_counted),
	KUNIT_CASE_PARAM(a_get_from_the_victim_tier_keeps_no_other_object,
			 reach_gen_params),
	KUNIT_CASE(prefilled_objects_age_like_others),
	KUNIT_CASE(a_burst_is_kept_until_two_passes),
	KUNIT_CASE_PARAM(the_shrinker_counts_pages, size_gen_params),
	KUNIT_CASE_PARAM(a_scan_frees_no_more_than_requested,
			 size_gen_params),
	KUNIT_CASE_PARAM(a_scan_for_less_than_an_object_does_nothing,
			 size_gen_params),
	KUNIT_CASE_PARAM(the_shrinker_batch_is_at_least_one_object, size_gen_params),
	KUNIT_CASE(a_scan_runs_at_most_one_pass),
	KUNIT_CASE(a_scan_demotes_only_when_the_victim_tier_is_empty),
	KUNIT_CASE(a_scan_during_a_pass_does_nothing),
	KUNIT_CASE(the_shrinker_is_named_after_the_pool),
	KUNIT_CASE_PARAM(a_get_during_a_pass_rejuvenates_no_object,
			 reach_gen_params),
	KUNIT_CASE(passes_under_load_lose_and_share_nothing),
	{}
};

static struct kunit_suite tiers_suite = {
	.name = "pcpool_tiers",
	.test_cases = tiers_cases,
};

kunit_test_suites(&tiers_suite);
