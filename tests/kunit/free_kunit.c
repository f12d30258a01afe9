// SPDX-License-Identifier: GPL-2.0
/*
 * Where ops->free is called: by default only in task context that may sleep, with
 * PCPOOL_FREE_ATOMIC also in atomic context; what a put by pcpool_put_task() changes; that
 * the backlog of deferred frees is bounded by the gets; and what lockdep knows of it.
 */
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/sizes.h>
#include <linux/spinlock.h>

#include "callback.h"
#include "common.h"

static bool invert_locks;
module_param(invert_locks, bool, 0444);
MODULE_PARM_DESC(invert_locks, "run the case that lockdep must report");

/* --- The default -------------------------------------------------------------------- */

/* A callback as dma_free_coherent(), which warns with interrupts disabled. */
struct strict {
	unsigned int allocs;
	atomic_t frees;
	atomic_t wrong;
	struct mutex *lock; /* must not be held around a free */
	bool tracked;
};

static void *strict_alloc(gfp_t gfp, void *ctx)
{
	struct strict *strict = ctx;

	strict->allocs++;
	return kmalloc(16, gfp);
}

static void strict_free(void *obj, void *ctx)
{
	struct strict *strict = ctx;

	if (irqs_disabled() || !kt_may_sleep())
		atomic_inc(&strict->wrong);
#ifdef CONFIG_LOCKDEP
	strict->tracked = lock_is_held(&pcpool_free_map);
#endif
	if (strict->lock) {
		mutex_lock(strict->lock);
		mutex_unlock(strict->lock);
	}
	atomic_inc(&strict->frees);
	kfree(obj);
}

static const struct pcpool_ops strict_ops = { .alloc = strict_alloc, .free = strict_free };

/* A pool of default flags and others, unlike those of kt_new(). */
static struct pcpool *strict_pool(struct kunit *test, struct strict *strict,
				  struct pcpool_params p)
{
	struct pcpool *pool;

	p.name = "kunit-free";
	p.ops = &strict_ops;
	p.ctx = strict;
	p.object_bytes = p.object_bytes ?: 16;
	pool = pcpool_create(&p);
	KUNIT_ASSERT_FALSE(test, IS_ERR(pool));
	return pool;
}

static const struct pcpool_params kinds[] = {
	{ .max_idle = 2 },
	{ .max_idle = 1000, .flags = PCPOOL_BYPASS },
	{ .max_total = 100, .max_idle = 2 },
	{ .reserve = 2, .max_idle = 2 },
	{ .flags = PCPOOL_BYPASS },
};

static void kind_desc(const struct pcpool_params *p, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "max_idle %lu, max_total %lu, reserve %lu%s",
		 p->max_idle, p->max_total, p->reserve,
		 p->flags & PCPOOL_BYPASS ? ", bypassed" : "");
}

KUNIT_ARRAY_PARAM(kind, kinds, kind_desc);

/* Holds one lock of each kind in turn: what callers of a put hold. */
static void put_locked(struct pcpool *pool, void **objs, unsigned int n)
{
	static DEFINE_SPINLOCK(lock);
	unsigned int i;

	for (i = 0; i < n; i += 2) {
		spin_lock(&lock);
		pcpool_put(pool, objs[i]);
		spin_unlock(&lock);
		spin_lock_irq(&lock);
		pcpool_put(pool, objs[i + 1]);
		spin_unlock_irq(&lock);
	}
}

static void a_put_under_a_spinlock_frees_nothing_there(struct kunit *test)
{
	const struct pcpool_params *p = test->param_value;
	struct strict strict = { };
	struct pcpool *pool = strict_pool(test, &strict, *p);
	struct pcpool_core *core = pcpool_to_core(pool);
	unsigned int i, frees;
	struct pcpool_pool_stats s;
	void *objs[20];

	for (i = 0; i < ARRAY_SIZE(objs); i++) {
		objs[i] = pcpool_get(pool, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, objs[i]);
	}
	frees = strict.allocs - (p->flags & PCPOOL_BYPASS ? 0 : p->max_idle);
	disable_work_sync(&core->work);
	disable_work_sync(&core->free_work);
	put_locked(pool, objs, ARRAY_SIZE(objs));
	KUNIT_EXPECT_EQ(test, atomic_read(&strict.frees), 0);
	enable_work(&core->work);
	enable_work(&core->free_work);
	irq_work_queue(&core->irq_work);
	for (i = 0; i < 1000 && atomic_read(&strict.frees) < frees; i++)
		schedule_timeout_uninterruptible(1);
	pcpool_stats(pool, &s);
	/* Each was counted once, in the end. */
	KUNIT_EXPECT_EQ(test, s.drop_full + s.drop_other, s.frees);
	KUNIT_EXPECT_EQ(test, s.allocs, s.frees + s.idle_main + s.idle_victim);
	KUNIT_EXPECT_EQ(test, s.outstanding, 0);
	KUNIT_EXPECT_EQ(test, s.puts, ARRAY_SIZE(objs));
	KUNIT_EXPECT_EQ(test, s.frees, frees);
	KUNIT_EXPECT_EQ(test, atomic_read(&strict.frees), frees);
	pcpool_destroy(pool);
	KUNIT_EXPECT_EQ(test, atomic_read(&strict.wrong), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&strict.frees), strict.allocs);
}

/* An elastic pool parks what it drops where any get may take it: then it is no drop. */
static void an_object_dropped_by_a_bypass_is_kept_if_that_ends(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 1, .flags = PCPOOL_FREE_MAY_SLEEP);
	void *obj;

	obj = kt_get(kp, GFP_KERNEL, KT_ME);
	pcpool_set_bypass(kp->core, true);
	kt_hold_worker(kp);
	preempt_disable();
	local_irq_disable();
	kt_put(kp, obj, KT_ME);
	local_irq_enable();
	preempt_enable();
	KUNIT_EXPECT_EQ(test, kt_stats(kp).drop_other, 0);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).puts, 1);
	pcpool_set_bypass(kp->core, false);
	KUNIT_EXPECT_PTR_EQ(test, kt_get(kp, GFP_KERNEL, KT_ME), obj);
	kt_release_worker(kp);
	kt_put(kp, obj, KT_ME);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).drop_other, 0);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).frees, 0);
}

/* --- The caller's word -------------------------------------------------------------- */

static void put_task_frees_without_the_worker(struct kunit *test)
{
	const struct pcpool_params *p = test->param_value;
	struct strict strict = { };
	struct pcpool *pool = strict_pool(test, &strict, *p);
	struct pcpool_pool_stats s;
	unsigned int i, frees;
	void *objs[20];

	for (i = 0; i < ARRAY_SIZE(objs); i++) {
		objs[i] = pcpool_get(pool, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, objs[i]);
	}
	frees = strict.allocs - (p->flags & PCPOOL_BYPASS ? 0 : p->max_idle);
	for (i = 0; i < ARRAY_SIZE(objs); i++)
		pcpool_put_task(pool, objs[i]);
	pcpool_put_task(pool, NULL);
	KUNIT_EXPECT_EQ(test, atomic_read(&strict.frees), frees);
	pcpool_stats(pool, &s);
	KUNIT_EXPECT_EQ(test, s.deferred, 0);
	KUNIT_EXPECT_EQ(test, s.puts, ARRAY_SIZE(objs));
	KUNIT_EXPECT_EQ(test, s.drop_full + s.drop_other, frees);
	pcpool_destroy(pool);
	KUNIT_EXPECT_EQ(test, atomic_read(&strict.wrong), 0);
}

static void put_task_keeps_what_a_put_keeps(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 300, .flags = PCPOOL_FREE_MAY_SLEEP,
				    .private_slots = 4);
	void **objs = kt_get_many(kp, 300);
	unsigned int i;

	for (i = 0; i < 300; i++) {
		kt_note_put(kp, objs[i], KT_ME);
		pcpool_put_task(kp->pool, objs[i]);
	}
	kt_expect_consistent(kp);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).idle_main, 300);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).deferred, 0);
}

/* --- The backlog -------------------------------------------------------------------- */

#define ROUNDS	4000

/*
 * Objects of 1 MiB, with the worker held, as if this task kept the CPU to itself: each put
 * adds one to the backlog, and each get must free some of it.
 */
static void gets_bound_the_backlog_of_frees(struct kunit *test)
{
	struct pcpool_params p = *(const struct pcpool_params *)test->param_value;
	unsigned long most = 0;
	struct kt_pool *kp;
	unsigned int i;
	void *obj;

	p.object_bytes = SZ_1M;
	p.flags |= PCPOOL_FREE_MAY_SLEEP | PCPOOL_BYPASS;
	kp = kt_pool_new(test, ROUNDS + 2, &p);
	kt_hold_worker(kp);
	for (i = 0; i < ROUNDS; i++) {
		obj = kt_get(kp, GFP_KERNEL, KT_ME);
		KUNIT_ASSERT_NOT_NULL(test, obj);
		local_irq_disable();
		kt_put(kp, obj, KT_ME);
		local_irq_enable();
		most = max(most, pcpool_deferred_count(&kp->core->deferred_frees) +
				 pcpool_deferred_count(&kp->core->deferred_puts));
	}
	kunit_info(test, "at most %lu objects queued for freeing\n", most);
	KUNIT_EXPECT_LE(test, most, 3);
	KUNIT_EXPECT_GT(test, most, 0);
}

/* Where the caller may not sleep, ops->free may not be called. */
static void an_atomic_get_does_not_free_the_backlog(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 20, .object_bytes = SZ_1M, .max_idle = 1000,
				    .flags = PCPOOL_FREE_MAY_SLEEP | PCPOOL_BYPASS);
	unsigned int i;
	void *obj;

	kt_hold_worker(kp);
	for (i = 0; i < 20; i++) {
		local_irq_disable();
		obj = kt_get(kp, GFP_ATOMIC, KT_ME);
		if (obj)
			kt_put(kp, obj, KT_ME);
		local_irq_enable();
	}
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->frees), 0);
	KUNIT_EXPECT_EQ(test, pcpool_deferred_count(&kp->core->deferred_frees), 20);
}

/* --- lockdep ------------------------------------------------------------------------ */

static void lockdep_sees_the_callback(struct kunit *test)
{
	struct strict strict = { };
	struct pcpool *pool = strict_pool(test, &strict, kinds[0]);

	if (!IS_ENABLED(CONFIG_PROVE_LOCKING) || !debug_locks) {
		pcpool_destroy(pool);
		kunit_skip(test, "needs lockdep");
	}
	pcpool_prefill(pool, GFP_KERNEL, 1);
	pcpool_drain(pool);
	KUNIT_EXPECT_EQ(test, atomic_read(&strict.frees), 1);
	KUNIT_EXPECT_TRUE(test, strict.tracked);
	pcpool_destroy(pool);
}

/* No object is freed under the lock: the deadlock is only possible. See tests/kunit/lockdep. */
static void a_lock_inversion_is_reported(struct kunit *test)
{
	static DEFINE_MUTEX(lock);
	struct strict strict = { .lock = &lock };
	struct pcpool *pool;

	if (!invert_locks)
		kunit_skip(test, "lockdep would report it, and then be off; see tests/kunit/lockdep");
	pool = strict_pool(test, &strict, kinds[0]);
	pcpool_prefill(pool, GFP_KERNEL, 1);
	pcpool_drain(pool);
	KUNIT_EXPECT_EQ(test, atomic_read(&strict.frees), 1);
	mutex_lock(&lock);
	pcpool_age(pool);
	mutex_unlock(&lock);
	pcpool_destroy(pool);
}

static struct kunit_case free_cases[] = {
	KUNIT_CASE_PARAM(a_put_under_a_spinlock_frees_nothing_there, kind_gen_params),
	KUNIT_CASE(an_object_dropped_by_a_bypass_is_kept_if_that_ends),
	KUNIT_CASE_PARAM(put_task_frees_without_the_worker, kind_gen_params),
	KUNIT_CASE(put_task_keeps_what_a_put_keeps),
	KUNIT_CASE_PARAM(gets_bound_the_backlog_of_frees, kind_gen_params),
	KUNIT_CASE(an_atomic_get_does_not_free_the_backlog),
	KUNIT_CASE(lockdep_sees_the_callback),
	KUNIT_CASE(a_lock_inversion_is_reported),
	{}
};

static struct kunit_suite free_suite = {
	.name = "pcpool_free",
	.test_cases = free_cases,
};

kunit_test_suites(&free_suite);
