// SPDX-License-Identifier: GPL-2.0
/*
 * Deferred puts: the bag of cells by itself, and what a pool does with it. Here the
 * worker is held, so that what waits for it can be looked at; puts come from an
 * "interrupt" that found the CPU's producer mark set. Real interrupts are in
 * contexts_kunit.c.
 */
#include <linux/slab.h>

#include "common.h"

/* --- The bag ------------------------------------------------------------------ */

static void deferred_exit(void *data)
{
	struct pcpool_deferred *d = data;

	pcpool_deferred_exit(d);
	/* Trimmed cells are freed after a grace period. */
	rcu_barrier();
}

static struct pcpool_deferred *new_deferred(struct kunit *test)
{
	struct pcpool_deferred *d = kunit_kzalloc(test, sizeof(*d), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, d);
	KUNIT_ASSERT_EQ(test, 0, pcpool_deferred_init(d));
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, deferred_exit, d));
	return d;
}

static void *value(unsigned long i)
{
	return (void *)(i * 8 + 8);
}

/* Secure as many cells as there are. */
static unsigned int secure_all(struct pcpool_deferred *d)
{
	unsigned int n = 0;

	while (pcpool_deferred_reserve(d))
		n++;
	return n;
}

static void what_is_put_can_be_taken_once(struct kunit *test)
{
	struct pcpool_deferred *d = new_deferred(test);

	KUNIT_EXPECT_NULL(test, pcpool_deferred_take(d));
	KUNIT_ASSERT_TRUE(test, pcpool_deferred_reserve(d));
	KUNIT_EXPECT_TRUE(test, pcpool_deferred_put(d, value(1)));
	KUNIT_EXPECT_EQ(test, pcpool_deferred_count(d), 1);
	KUNIT_EXPECT_PTR_EQ(test, pcpool_deferred_take(d), value(1));
	KUNIT_EXPECT_EQ(test, pcpool_deferred_count(d), 0);
	KUNIT_EXPECT_NULL(test, pcpool_deferred_take(d));
}

static void a_new_bag_has_the_promised_spare_cells(struct kunit *test)
{
	struct pcpool_deferred *d = new_deferred(test);

	KUNIT_EXPECT_GE(test, secure_all(d), PCPOOL_DEFERRED_SPARE);
}

static void all_that_was_secured_finds_a_cell(struct kunit *test)
{
	struct pcpool_deferred *d = new_deferred(test);
	unsigned long i, n;
	u8 *seen;

	KUNIT_ASSERT_TRUE(test, pcpool_deferred_add_slots(d, GFP_KERNEL));
	KUNIT_ASSERT_TRUE(test, pcpool_deferred_add_slots(d, GFP_KERNEL));
	n = secure_all(d);
	KUNIT_EXPECT_EQ(test, n, atomic_long_read(&d->slots));
	KUNIT_EXPECT_FALSE(test, pcpool_deferred_reserve(d));
	seen = kunit_kzalloc(test, n, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, seen);

	for (i = 0; i < n; i++)
		KUNIT_ASSERT_TRUE(test, pcpool_deferred_put(d, value(i)));
	KUNIT_EXPECT_EQ(test, pcpool_deferred_count(d), n);
	for (i = 0; i < n; i++) {
		void *obj = pcpool_deferred_take(d);
		unsigned long v = (unsigned long)obj / 8 - 1;

		KUNIT_ASSERT_NOT_NULL(test, obj);
		KUNIT_ASSERT_LT(test, v, n);
		KUNIT_ASSERT_EQ(test, seen[v]++, 0);
	}
	KUNIT_EXPECT_NULL(test, pcpool_deferred_take(d));
}

static void a_cell_that_is_given_back_can_be_secured_again(struct kunit *test)
{
	struct pcpool_deferred *d = new_deferred(test);

	secure_all(d);
	pcpool_deferred_unreserve(d);
	KUNIT_EXPECT_TRUE(test, pcpool_deferred_reserve(d));
	KUNIT_EXPECT_FALSE(test, pcpool_deferred_reserve(d));
}

static void cells_are_wanted_before_they_run_out(struct kunit *test)
{
	struct pcpool_deferred *d = new_deferred(test);
	unsigned int n = 0;

	while (!pcpool_deferred_needs_slots(d)) {
		KUNIT_ASSERT_TRUE(test, pcpool_deferred_reserve(d));
		n++;
	}
	KUNIT_EXPECT_GE(test, atomic_long_read(&d->slots) - n,
			PCPOOL_DEFERRED_SPARE - 1);
	KUNIT_ASSERT_TRUE(test, pcpool_deferred_add_slots(d, GFP_KERNEL));
	KUNIT_EXPECT_FALSE(test, pcpool_deferred_needs_slots(d));
}

static void trimming_gives_back_what_is_not_needed(struct kunit *test)
{
	struct pcpool_deferred *d = new_deferred(test);
	unsigned long few = atomic_long_read(&d->slots), more;
	int i;

	for (i = 0; i < 5; i++)
		KUNIT_ASSERT_TRUE(test, pcpool_deferred_add_slots(d, GFP_KERNEL));
	more = atomic_long_read(&d->slots);
	pcpool_deferred_trim(d);
	/* One chunk of a page stays. */
	KUNIT_EXPECT_LE(test, atomic_long_read(&d->slots),
			few + (more - few) / 5);
	KUNIT_EXPECT_GE(test, atomic_long_read(&d->slots),
			PCPOOL_DEFERRED_SPARE);
	KUNIT_EXPECT_EQ(test, secure_all(d), atomic_long_read(&d->slots));
}

static void trimming_keeps_what_is_needed(struct kunit *test)
{
	struct pcpool_deferred *d = new_deferred(test);
	unsigned long needed, cells;
	int i;

	for (i = 0; i < 3; i++)
		KUNIT_ASSERT_TRUE(test, pcpool_deferred_add_slots(d, GFP_KERNEL));
	cells = atomic_long_read(&d->slots);
	needed = cells - PCPOOL_DEFERRED_SPARE;
	for (i = 0; i < needed; i++)
		KUNIT_ASSERT_TRUE(test, pcpool_deferred_reserve(d));
	pcpool_deferred_trim(d);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&d->slots), cells);
}

static void trimming_loses_nothing(struct kunit *test)
{
	struct pcpool_deferred *d = new_deferred(test);
	unsigned long i, n, few;

	for (i = 0; i < 3; i++)
		KUNIT_ASSERT_TRUE(test, pcpool_deferred_add_slots(d, GFP_KERNEL));
	n = secure_all(d);
	for (i = 0; i < n; i++)
		KUNIT_ASSERT_TRUE(test, pcpool_deferred_put(d, value(i)));
	/* Those that are left are in the oldest cells: the first to be trimmed. */
	few = n / 8;
	for (i = few; i < n; i++) {
		KUNIT_ASSERT_NOT_NULL(test, pcpool_deferred_take(d));
		pcpool_deferred_unreserve(d);
	}
	pcpool_deferred_trim(d);
	KUNIT_EXPECT_LT(test, atomic_long_read(&d->slots), n / 2);
	KUNIT_EXPECT_EQ(test, pcpool_deferred_count(d), few);
	for (i = 0; i < few; i++)
		KUNIT_ASSERT_NOT_NULL(test, pcpool_deferred_take(d));
	KUNIT_EXPECT_NULL(test, pcpool_deferred_take(d));
}

/* Values that threads put and take, and which of them are in the bag. */
struct bag {
	struct pcpool_deferred d;
	atomic_t in[256];
	atomic_t bad;
};

static void bag_user(struct kt_worker *worker)
{
	struct bag *bag = worker->arg;
	unsigned int i, held = 0;
	void *obj, *objs[32];

	while (kt_goes_on(worker)) {
		/* As if objects were made. */
		while (held < ARRAY_SIZE(objs) && kt_random(worker, 3)) {
			if (!pcpool_deferred_reserve(&bag->d)) {
				pcpool_deferred_add_slots(&bag->d, GFP_KERNEL);
				continue;
			}
			for (i = 0; i < ARRAY_SIZE(bag->in); i++) {
				if (!atomic_cmpxchg(&bag->in[i], 0, 1))
					break;
			}
			if (i == ARRAY_SIZE(bag->in)) {
				pcpool_deferred_unreserve(&bag->d);
				break;
			}
			objs[held++] = value(i);
		}
		while (held && kt_random(worker, 4)) {
			obj = objs[--held];
			i = (unsigned long)obj / 8 - 1;
			if (atomic_cmpxchg(&bag->in[i], 1, 2) != 1 ||
			    !pcpool_deferred_put(&bag->d, obj))
				atomic_inc(&bag->bad);
		}
		while (held < ARRAY_SIZE(objs) && kt_random(worker, 8) &&
		       (obj = pcpool_deferred_take(&bag->d))) {
			i = (unsigned long)obj / 8 - 1;
			if (i >= ARRAY_SIZE(bag->in) ||
			    atomic_cmpxchg(&bag->in[i], 2, 1) != 2)
				atomic_inc(&bag->bad);
			objs[held++] = obj;
			kt_did(worker);
		}
		/* As if they were unmade. */
		while (held && kt_random(worker, 2)) {
			i = (unsigned long)objs[--held] / 8 - 1;
			if (atomic_cmpxchg(&bag->in[i], 1, 0) != 1)
				atomic_inc(&bag->bad);
			pcpool_deferred_unreserve(&bag->d);
		}
	}
	while (held) {
		atomic_set(&bag->in[(unsigned long)objs[--held] / 8 - 1], 0);
		pcpool_deferred_unreserve(&bag->d);
	}
}

static void bag_trimmer(struct kt_worker *worker)
{
	struct bag *bag = worker->arg;

	while (kt_goes_on(worker)) {
		pcpool_deferred_add_slots(&bag->d, GFP_KERNEL);
		pcpool_deferred_add_slots(&bag->d, GFP_KERNEL);
		pcpool_deferred_trim(&bag->d);
		kt_did(worker);
	}
}

static void threads_and_a_trimmer_lose_and_share_nothing(struct kunit *test)
{
	struct bag *bag = kunit_kzalloc(test, sizeof(*bag), GFP_KERNEL);
	struct kt_gang *gang = kt_gang_new(test);
	unsigned int i, in = 0, taken = 0;

	KUNIT_ASSERT_NOT_NULL(test, bag);
	KUNIT_ASSERT_EQ(test, 0, pcpool_deferred_init(&bag->d));
	for (i = 0; i < 3; i++)
		kt_gang_add(gang, kt_cpu(test, 1 + i % (num_online_cpus() - 1)),
			    bag_user, bag);
	kt_gang_add(gang, kt_cpu(test, 0), bag_trimmer, bag);
	kt_gang_start(gang, 250);
	kt_gang_join(gang);
	KUNIT_EXPECT_EQ(test, atomic_read(&bag->bad), 0);
	for (i = 0; i < ARRAY_SIZE(bag->in); i++)
		in += atomic_read(&bag->in[i]) == 2;
	KUNIT_EXPECT_EQ(test, pcpool_deferred_count(&bag->d), in);
	while (pcpool_deferred_take(&bag->d))
		taken++;
	KUNIT_EXPECT_EQ(test, taken, in);
	deferred_exit(&bag->d);
}

/* --- In a pool ------------------------------------------------------------------- */

/*
 * Put @n objects as an interrupt would that has come while this CPU's producer was
 * at work, so that they can go neither to the queue nor, soon, to a slot.
 */
static void put_nested(struct kt_pool *kp, unsigned int n, void **objs)
{
	u8 *pushing;

	preempt_disable();
	pushing = this_cpu_ptr(&kp->core->cpu->pushing);
	*pushing = 1;
	kt_put_many(kp, n, objs);
	*pushing = 0;
	preempt_enable();
}

/* A pool with @n deferred puts; its worker is held. */
static struct kt_pool *pool_with_deferred(struct kunit *test, unsigned int n)
{
	struct kt_pool *kp = kt_new(test, n + 1, .private_slots = 1);
	void **objs;

	kt_on(test, kt_cpu(test, 0));
	kt_hold_worker(kp);
	objs = kt_get_many(kp, n + 1);
	put_nested(kp, n + 1, objs);
	KUNIT_ASSERT_EQ(test, pcpool_deferred_count(&kp->core->deferred_puts), n);
	return kp;
}

static void a_put_that_interrupts_the_producer_is_deferred(struct kunit *test)
{
	struct kt_pool *kp = pool_with_deferred(test, 50);

	/* It must not have touched the queue, which is the producer's. */
	KUNIT_EXPECT_EQ(test, kt_in_main(kp, raw_smp_processor_id()), 0);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).deferred, 50);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).drop_full, 0);
}

static void deferred_puts_are_idle_objects(struct kunit *test)
{
	struct kt_pool *kp = pool_with_deferred(test, 50);
	struct pcpool_pool_stats s = kt_stats(kp);

	KUNIT_EXPECT_EQ(test, s.idle_main, 51);
	KUNIT_EXPECT_EQ(test, s.outstanding, 0);
	KUNIT_EXPECT_EQ(test, kt_count(kp), 51);
}

static void the_worker_moves_deferred_puts_to_the_queue(struct kunit *test)
{
	struct kt_pool *kp = pool_with_deferred(test, 50);

	kt_settle(kp);
	KUNIT_EXPECT_EQ(test, pcpool_deferred_count(&kp->core->deferred_puts), 0);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).idle_main, 51);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->frees), 0);
	KUNIT_EXPECT_GE(test, kt_in_main(kp, raw_smp_processor_id()), 49);
}

static void a_get_finds_what_the_worker_has_not_moved_yet(struct kunit *test)
{
	struct kt_pool *kp = pool_with_deferred(test, 50);
	void **objs = kt_get_many(kp, 51);

	KUNIT_EXPECT_EQ(test, kt_stats(kp).miss, 51);
	KUNIT_EXPECT_EQ(test, pcpool_deferred_count(&kp->core->deferred_puts), 0);
	kt_put_many(kp, 51, objs);
}

static void another_cpu_finds_deferred_puts_too(struct kunit *test)
{
	struct kt_pool *kp = pool_with_deferred(test, 50);
	void **objs;

	kt_on(test, kt_cpu(test, 1));
	objs = kt_get_many(kp, 50);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).miss, 51);
	kt_put_many(kp, 50, objs);
}

static void two_passes_free_what_the_worker_has_not_moved(struct kunit *test)
{
	struct kt_pool *kp = pool_with_deferred(test, 50);

	KUNIT_EXPECT_EQ(test, pcpool_age(kp->pool), 0);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).idle_victim, 51);
	KUNIT_EXPECT_EQ(test, pcpool_age(kp->pool), 51);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->frees), 51);
}

static void a_drain_frees_deferred_puts(struct kunit *test)
{
	struct kt_pool *kp = pool_with_deferred(test, 50);

	KUNIT_EXPECT_EQ(test, pcpool_drain(kp->pool), 51);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->frees), 51);
}

static void destroying_a_pool_frees_deferred_puts(struct kunit *test)
{
	struct kt_pool *kp = pool_with_deferred(test, 50);

	pcpool_destroy(kp->pool);
	kp->pool = NULL;
	kt_expect_freed(kp, 0);
}

static void a_get_that_interrupts_the_producer_pops_at_the_tail(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 20, .private_slots = 4);
	u8 *pushing;
	void **objs, *got;

	kt_on(test, kt_cpu(test, 0));
	objs = kt_get_many(kp, 20);
	kt_put_many(kp, 20, objs);
	/* 16 in the queue, 4 in slots, which we take to get at the queue. */
	preempt_disable();
	pushing = this_cpu_ptr(&kp->core->cpu->pushing);
	kt_try_get(kp, KT_ME);
	kt_try_get(kp, KT_ME);
	kt_try_get(kp, KT_ME);
	kt_try_get(kp, KT_ME);
	*pushing = 1;
	got = kt_try_get(kp, KT_ME);
	*pushing = 0;
	preempt_enable();
	/* The head is out of bounds, so it is not the newest. */
	KUNIT_EXPECT_PTR_EQ(test, got, objs[0]);
	kt_put(kp, objs[0], KT_ME);
	kt_put_many(kp, 4, objs + 16);
}

static void cells_are_given_back_with_the_objects(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 5000, .private_slots = 1);
	struct pcpool_deferred *d = &kp->core->deferred_puts;
	long few = atomic_long_read(&d->slots);

	kt_make_idle(kp, 5000);
	KUNIT_EXPECT_GE(test, atomic_long_read(&d->slots), 5000);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&d->reserved), 5000);
	pcpool_age(kp->pool);
	pcpool_age(kp->pool);
	pcpool_age(kp->pool);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&d->reserved), 0);
	KUNIT_EXPECT_LE(test, atomic_long_read(&d->slots),
			few + PAGE_SIZE / sizeof(void *));
}

static void a_failed_alloc_keeps_no_cell(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 1);
	int i;

	kp->alloc_fails = true;
	for (i = 0; i < 200; i++)
		KUNIT_ASSERT_NULL(test, kt_get(kp, GFP_KERNEL, KT_ME));
	KUNIT_EXPECT_EQ(test, atomic_long_read(&kp->core->deferred_puts.reserved), 0);
}

static struct kunit_case deferred_cases[] = {
	KUNIT_CASE(what_is_put_can_be_taken_once),
	KUNIT_CASE(a_new_bag_has_the_promised_spare_cells),
	KUNIT_CASE(all_that_was_secured_finds_a_cell),
	KUNIT_CASE(a_cell_that_is_given_back_can_be_secured_again),
	KUNIT_CASE(cells_are_wanted_before_they_run_out),
	KUNIT_CASE(trimming_gives_back_what_is_not_needed),
	KUNIT_CASE(trimming_keeps_what_is_needed),
	KUNIT_CASE(trimming_loses_nothing),
	KUNIT_CASE(threads_and_a_trimmer_lose_and_share_nothing),
	KUNIT_CASE(a_put_that_interrupts_the_producer_is_deferred),
	KUNIT_CASE(deferred_puts_are_idle_objects),
	KUNIT_CASE(the_worker_moves_deferred_puts_to_the_queue),
	KUNIT_CASE(a_get_finds_what_the_worker_has_not_moved_yet),
	KUNIT_CASE(another_cpu_finds_deferred_puts_too),
	KUNIT_CASE(two_passes_free_what_the_worker_has_not_moved),
	KUNIT_CASE(a_drain_frees_deferred_puts),
	KUNIT_CASE(destroying_a_pool_frees_deferred_puts),
	KUNIT_CASE(a_get_that_interrupts_the_producer_pops_at_the_tail),
	KUNIT_CASE(cells_are_given_back_with_the_objects),
	KUNIT_CASE(a_failed_alloc_keeps_no_cell),
	{}
};

static struct kunit_suite deferred_suite = {
	.name = "pcpool_deferred",
	.test_cases = deferred_cases,
};

kunit_test_suites(&deferred_suite);
