// SPDX-License-Identifier: GPL-2.0
/*
 * Deferred puts: the deferral slots by themselves, and their use by a pool. The worker
 * is held, so that deferred objects can be examined. Puts come from a simulated
 * interrupt, which finds the CPU's producer flag set; contexts_kunit.c has real
 * interrupts.
 */
#include <linux/slab.h>

#include "common.h"

/* --- The deferral slots --------------------------------------------------------- */

static void deferred_exit(void *data)
{
	struct pcpool_deferred *d = data;

	pcpool_deferred_exit(d);
	/* Trimmed slots are freed after a grace period. */
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

/* Reserve all slots. Returns their number. */
static unsigned int reserve_all(struct pcpool_deferred *d)
{
	unsigned int n = 0;

	while (pcpool_deferred_reserve(d))
		n++;
	return n;
}

static void a_deferred_object_can_be_taken_once(struct kunit *test)
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

static void there_are_spare_slots_initially(struct kunit *test)
{
	struct pcpool_deferred *d = new_deferred(test);

	KUNIT_EXPECT_GE(test, reserve_all(d), PCPOOL_DEFERRED_SPARE);
}

static void each_reserved_slot_can_be_used(struct kunit *test)
{
	struct pcpool_deferred *d = new_deferred(test);
	unsigned long i, n;
	u8 *seen;

	KUNIT_ASSERT_TRUE(test, pcpool_deferred_add_slots(d, GFP_KERNEL));
	KUNIT_ASSERT_TRUE(test, pcpool_deferred_add_slots(d, GFP_KERNEL));
	n = reserve_all(d);
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

static void an_unreserved_slot_can_be_reserved_again(struct kunit *test)
{
	struct pcpool_deferred *d = new_deferred(test);

	reserve_all(d);
	pcpool_deferred_unreserve(d);
	KUNIT_EXPECT_TRUE(test, pcpool_deferred_reserve(d));
	KUNIT_EXPECT_FALSE(test, pcpool_deferred_reserve(d));
}

static void slots_are_requested_before_they_run_out(struct kunit *test)
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

static void trimming_frees_unneeded_slots(struct kunit *test)
{
	struct pcpool_deferred *d = new_deferred(test);
	unsigned long few = atomic_long_read(&d->slots), more;
	int i;

	for (i = 0; i < 5; i++)
		KUNIT_ASSERT_TRUE(test, pcpool_deferred_add_slots(d, GFP_KERNEL));
	more = atomic_long_read(&d->slots);
	pcpool_deferred_trim(d);
	/* One chunk of a page is kept. */
	KUNIT_EXPECT_LE(test, atomic_long_read(&d->slots),
			few + (more - few) / 5);
	KUNIT_EXPECT_GE(test, atomic_long_read(&d->slots),
			PCPOOL_DEFERRED_SPARE);
	KUNIT_EXPECT_EQ(test, reserve_all(d), atomic_long_read(&d->slots));
}

static void trimming_keeps_reserved_slots(struct kunit *test)
{
	struct pcpool_deferred *d = new_deferred(test);
	unsigned long needed, slots;
	int i;

	for (i = 0; i < 3; i++)
		KUNIT_ASSERT_TRUE(test, pcpool_deferred_add_slots(d, GFP_KERNEL));
	slots = atomic_long_read(&d->slots);
	needed = slots - PCPOOL_DEFERRED_SPARE;
	for (i = 0; i < needed; i++)
		KUNIT_ASSERT_TRUE(test, pcpool_deferred_reserve(d));
	pcpool_deferred_trim(d);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&d->slots), slots);
}

static void trimming_loses_no_object(struct kunit *test)
{
	struct pcpool_deferred *d = new_deferred(test);
	unsigned long i, n, few;

	for (i = 0; i < 3; i++)
		KUNIT_ASSERT_TRUE(test, pcpool_deferred_add_slots(d, GFP_KERNEL));
	n = reserve_all(d);
	for (i = 0; i < n; i++)
		KUNIT_ASSERT_TRUE(test, pcpool_deferred_put(d, value(i)));
	/* The remaining objects are in the oldest slots, which are trimmed first. */
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

/*
 * Values that threads put and take; in[] is 0 for an unused value, 1 for a held one, 2
 * for a deferred one.
 */
struct shared {
	struct pcpool_deferred d;
	atomic_t in[256];
	atomic_t bad;
};

static void put_and_take(struct kt_worker *worker)
{
	struct shared *shared = worker->arg;
	unsigned int i, held = 0;
	void *obj, *objs[32];

	while (kt_keep_running(worker)) {
		/* Reserve slots, as for allocated objects. */
		while (held < ARRAY_SIZE(objs) && kt_random(worker, 3)) {
			if (!pcpool_deferred_reserve(&shared->d)) {
				pcpool_deferred_add_slots(&shared->d, GFP_KERNEL);
				continue;
			}
			for (i = 0; i < ARRAY_SIZE(shared->in); i++) {
				if (!atomic_cmpxchg(&shared->in[i], 0, 1))
					break;
			}
			if (i == ARRAY_SIZE(shared->in)) {
				pcpool_deferred_unreserve(&shared->d);
				break;
			}
			objs[held++] = value(i);
		}
		while (held && kt_random(worker, 4)) {
			obj = objs[--held];
			i = (unsigned long)obj / 8 - 1;
			if (atomic_cmpxchg(&shared->in[i], 1, 2) != 1 ||
			    !pcpool_deferred_put(&shared->d, obj))
				atomic_inc(&shared->bad);
		}
		while (held < ARRAY_SIZE(objs) && kt_random(worker, 8) &&
		       (obj = pcpool_deferred_take(&shared->d))) {
			i = (unsigned long)obj / 8 - 1;
			if (i >= ARRAY_SIZE(shared->in) ||
			    atomic_cmpxchg(&shared->in[i], 2, 1) != 2)
				atomic_inc(&shared->bad);
			objs[held++] = obj;
			kt_progress(worker);
		}
		/* Unreserve slots, as for freed objects. */
		while (held && kt_random(worker, 2)) {
			i = (unsigned long)objs[--held] / 8 - 1;
			if (atomic_cmpxchg(&shared->in[i], 1, 0) != 1)
				atomic_inc(&shared->bad);
			pcpool_deferred_unreserve(&shared->d);
		}
	}
	while (held) {
		atomic_set(&shared->in[(unsigned long)objs[--held] / 8 - 1], 0);
		pcpool_deferred_unreserve(&shared->d);
	}
}

static void trim(struct kt_worker *worker)
{
	struct shared *shared = worker->arg;

	while (kt_keep_running(worker)) {
		pcpool_deferred_add_slots(&shared->d, GFP_KERNEL);
		pcpool_deferred_add_slots(&shared->d, GFP_KERNEL);
		pcpool_deferred_trim(&shared->d);
		kt_progress(worker);
	}
}

static void concurrent_trimming_loses_and_shares_nothing(struct kunit *test)
{
	struct shared *shared = kunit_kzalloc(test, sizeof(*shared), GFP_KERNEL);
	struct kt_gang *gang = kt_gang_new(test);
	unsigned int i, in = 0, taken = 0;

	KUNIT_ASSERT_NOT_NULL(test, shared);
	KUNIT_ASSERT_EQ(test, 0, pcpool_deferred_init(&shared->d));
	for (i = 0; i < 3; i++)
		kt_gang_add(gang, kt_cpu(test, 1 + i % (num_online_cpus() - 1)),
			    put_and_take, shared);
	kt_gang_add(gang, kt_cpu(test, 0), trim, shared);
	kt_gang_start(gang, 250);
	kt_gang_join(gang);
	KUNIT_EXPECT_EQ(test, atomic_read(&shared->bad), 0);
	for (i = 0; i < ARRAY_SIZE(shared->in); i++)
		in += atomic_read(&shared->in[i]) == 2;
	KUNIT_EXPECT_EQ(test, pcpool_deferred_count(&shared->d), in);
	while (pcpool_deferred_take(&shared->d))
		taken++;
	KUNIT_EXPECT_EQ(test, taken, in);
	deferred_exit(&shared->d);
}

/* --- In a pool ------------------------------------------------------------------- */

/*
 * Put @n objects like an interrupt that arrived while this CPU's producer was active.
 * They cannot go to the queue nor, once the slots are full, to a private slot.
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

/* Create a pool with @n deferred puts. Its worker is held. */
static struct kt_pool *pool_with_deferred(struct kunit *test, unsigned int n)
{
	struct kt_pool *kp = kt_new(test, n + 1, .private_slots = 1);
	void **objs;

	kt_move_to(test, kt_cpu(test, 0));
	kt_hold_worker(kp);
	objs = kt_get_many(kp, n + 1);
	/* Fills the private slot. */
	kt_put(kp, objs[0], KT_ME);
	put_nested(kp, n, objs + 1);
	KUNIT_ASSERT_EQ(test, pcpool_deferred_count(&kp->core->deferred_puts), n);
	return kp;
}

static void a_put_that_interrupts_the_producer_is_deferred(struct kunit *test)
{
	struct kt_pool *kp = pool_with_deferred(test, 50);

	/* The put must not touch the queue, which the interrupted producer owns. */
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

static void a_get_finds_deferred_objects(struct kunit *test)
{
	struct kt_pool *kp = pool_with_deferred(test, 50);
	void **objs = kt_get_many(kp, 51);

	KUNIT_EXPECT_EQ(test, kt_stats(kp).miss, 51);
	KUNIT_EXPECT_EQ(test, pcpool_deferred_count(&kp->core->deferred_puts), 0);
	kt_put_many(kp, 51, objs);
}

static void a_get_on_another_cpu_finds_deferred_objects(struct kunit *test)
{
	struct kt_pool *kp = pool_with_deferred(test, 50);
	void **objs;

	kt_move_to(test, kt_cpu(test, 1));
	objs = kt_get_many(kp, 50);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).miss, 51);
	kt_put_many(kp, 50, objs);
}

static void two_passes_free_deferred_objects(struct kunit *test)
{
	struct kt_pool *kp = pool_with_deferred(test, 50);

	KUNIT_EXPECT_EQ(test, pcpool_age(kp->pool), 0);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).idle_victim, 51);
	KUNIT_EXPECT_EQ(test, pcpool_age(kp->pool), 51);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->frees), 51);
}

static void a_drain_frees_deferred_objects(struct kunit *test)
{
	struct kt_pool *kp = pool_with_deferred(test, 50);

	KUNIT_EXPECT_EQ(test, pcpool_drain(kp->pool), 51);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->frees), 51);
}

static void destroying_a_pool_frees_deferred_objects(struct kunit *test)
{
	struct kt_pool *kp = pool_with_deferred(test, 50);

	pcpool_destroy(kp->pool);
	kp->pool = NULL;
	kt_expect_freed(kp, 0);
}

static void a_get_that_interrupts_the_producer_pops_the_tail(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 20, .private_slots = 4);
	u8 *pushing;
	void **objs, *got;

	kt_move_to(test, kt_cpu(test, 0));
	objs = kt_get_many(kp, 20);
	kt_put_many(kp, 20, objs);
	/* 16 objects are in the queue. Take the 4 objects in the slots to get at the queue. */
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
	/* The head belongs to the interrupted producer, so the get returns the oldest object. */
	KUNIT_EXPECT_PTR_EQ(test, got, objs[0]);
	kt_put(kp, objs[0], KT_ME);
	kt_put_many(kp, 4, objs + 16);
}

static void slots_are_freed_with_the_objects(struct kunit *test)
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

static void a_failed_alloc_reserves_no_slot(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 1);
	int i;

	kp->alloc_fails = true;
	for (i = 0; i < 200; i++)
		KUNIT_ASSERT_NULL(test, kt_get(kp, GFP_KERNEL, KT_ME));
	KUNIT_EXPECT_EQ(test, atomic_long_read(&kp->core->deferred_puts.reserved), 0);
}

static struct kunit_case deferred_cases[] = {
	KUNIT_CASE(a_deferred_object_can_be_taken_once),
	KUNIT_CASE(there_are_spare_slots_initially),
	KUNIT_CASE(each_reserved_slot_can_be_used),
	KUNIT_CASE(an_unreserved_slot_can_be_reserved_again),
	KUNIT_CASE(slots_are_requested_before_they_run_out),
	KUNIT_CASE(trimming_frees_unneeded_slots),
	KUNIT_CASE(trimming_keeps_reserved_slots),
	KUNIT_CASE(trimming_loses_no_object),
	KUNIT_CASE(concurrent_trimming_loses_and_shares_nothing),
	KUNIT_CASE(a_put_that_interrupts_the_producer_is_deferred),
	KUNIT_CASE(deferred_puts_are_idle_objects),
	KUNIT_CASE(the_worker_moves_deferred_puts_to_the_queue),
	KUNIT_CASE(a_get_finds_deferred_objects),
	KUNIT_CASE(a_get_on_another_cpu_finds_deferred_objects),
	KUNIT_CASE(two_passes_free_deferred_objects),
	KUNIT_CASE(a_drain_frees_deferred_objects),
	KUNIT_CASE(destroying_a_pool_frees_deferred_objects),
	KUNIT_CASE(a_get_that_interrupts_the_producer_pops_the_tail),
	KUNIT_CASE(slots_are_freed_with_the_objects),
	KUNIT_CASE(a_failed_alloc_reserves_no_slot),
	{}
};

static struct kunit_suite deferred_suite = {
	.name = "pcpool_deferred",
	.test_cases = deferred_cases,
};

kunit_test_suites(&deferred_suite);
