// SPDX-License-Identifier: GPL-2.0
/*
 * Bad arguments: calls each exported function with the smallest, the largest and the
 * most unusual arguments that its kernel-doc allows, on all kinds of pools. The suites
 * params and buf list what pcpool_create() and pcpool_buf_create() refuse.
 *
 * BEARS(function) starts the case of a function. tests/host/static fails if an exported
 * function has no case, and the compiler warns about a case that no suite runs.
 */
#include <linux/err.h>
#include <linux/limits.h>
#include <linux/pcpool_buf.h>
#include <linux/sched.h>
#include <linux/sizes.h>

#include "common.h"

#define BEARS(function)	static void function##_tolerates_bad_arguments(struct kunit *test)
#define CASE(function)	KUNIT_CASE(function##_tolerates_bad_arguments)
#define CASE_IN_ALL(function)							\
	KUNIT_CASE_PARAM(function##_tolerates_bad_arguments, kind_gen_params)

#define OBJECTS		20

/* All paths that a get or a put can take. */
struct kind {
	const char *name;
	struct pcpool_params params;
	bool debug;
};

static const struct kind kinds[] = {
	{ "elastic", { } },
	{ "one private slot", { .private_slots = 1 } },
	{ "reset", { .ops = &kt_ops_reset } },
	{ "free may sleep", { .flags = PCPOOL_FREE_MAY_SLEEP } },
	{ "bypassed", { .flags = PCPOOL_BYPASS } },
	{ "small max_idle", { .max_idle = 3 } },
	{ "large max_idle", { .max_idle = 1000 } },
	{ "quota", { .max_total = OBJECTS } },
	{ "reserve", { .reserve = 2 } },
	{ "all bounds", { .max_idle = 5, .max_total = OBJECTS, .reserve = 2 } },
	{ "debugged", { }, true },
	{ "debugged quota", { .max_total = OBJECTS }, true },
};

KUNIT_ARRAY_PARAM_DESC(kind, kinds, name);

/* Create a pool of this kind that can allocate OBJECTS objects. */
static struct kt_pool *new_pool(struct kunit *test)
{
	const struct kind *kind = test->param_value;
	bool was = pcpool_debug_default;
	struct kt_pool *kp;

	pcpool_debug_default = kind->debug;
	kp = kt_pool_new(test, OBJECTS, &kind->params);
	pcpool_debug_default = was;
	return kp;
}

static const struct pcpool_params *params_of(struct kunit *test)
{
	return &((const struct kind *)test->param_value)->params;
}

/* Does a get wait if there is no object, and its gfp flags allow that? */
static bool may_wait(struct kunit *test)
{
	return params_of(test)->max_total || params_of(test)->reserve;
}

static void expect_unchanged(struct kt_pool *kp, const struct pcpool_pool_stats *before)
{
	struct pcpool_pool_stats now = kt_stats(kp);

	KUNIT_EXPECT_MEMEQ(kp->test, &now, before, sizeof(now));
}

/* --- Creating and destroying pools ------------------------------------------------- */

static void *no_alloc(gfp_t gfp, void *ctx)
{
	return NULL;
}

static void no_free(void *obj, void *ctx)
{
}

static const struct pcpool_ops no_ops = { .alloc = no_alloc, .free = no_free };

BEARS(__pcpool_create)
{
	static const struct pcpool_params params = {
		.name = "kunit-args", .ops = &no_ops, .object_bytes = 1 };
	struct pcpool_pool_stats stats;
	struct pcpool *pool;

	KUNIT_EXPECT_PTR_EQ(test, pcpool_create(NULL), ERR_PTR(-EINVAL));
	/* THIS_MODULE is NULL in built-in code. */
	KUNIT_EXPECT_PTR_EQ(test, __pcpool_create(NULL, NULL), ERR_PTR(-EINVAL));
	pool = __pcpool_create(&params, NULL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pool);
	pcpool_stats(pool, &stats);
	KUNIT_EXPECT_STREQ(test, stats.owner, "kernel");
	pcpool_destroy(pool);
}

BEARS(pcpool_destroy)
{
	static const struct pcpool_params params = { .name = "kunit-args" };

	pcpool_destroy(NULL);
	pcpool_destroy(pcpool_create(&params));
	pcpool_destroy(ERR_PTR(-ENOMEM));
	pcpool_destroy(ERR_PTR(-MAX_ERRNO));
}

BEARS(pcpool_destroy_wait)
{
	static const struct pcpool_params params = { .name = "kunit-args" };

	KUNIT_EXPECT_EQ(test, pcpool_destroy_wait(NULL), 0);
	KUNIT_EXPECT_EQ(test, pcpool_destroy_wait(pcpool_create(&params)), 0);
	KUNIT_EXPECT_EQ(test, pcpool_destroy_wait(ERR_PTR(-ENOMEM)), 0);
}

/* The error that pcpool itself returns when max_total is reached. */
static void *alloc_error(gfp_t gfp, void *ctx)
{
	return ERR_PTR(-EAGAIN);
}

static const struct pcpool_ops error_ops = { .alloc = alloc_error, .free = no_free };

/* An error pointer returned by ops->alloc counts as a failed allocation. */
static void an_error_pointer_is_a_failed_allocation(struct kunit *test)
{
	const struct kind *kind = test->param_value;
	struct pcpool_params params = kind->params;
	bool was = pcpool_debug_default;
	struct pcpool_pool_stats stats;
	struct pcpool *pool;
	long needed;

	params.name = "kunit-args";
	params.ops = &error_ops;
	params.object_bytes = 1;
	pcpool_debug_default = kind->debug;
	pool = pcpool_create(&params);
	pcpool_debug_default = was;
	if (params.reserve) {
		KUNIT_EXPECT_PTR_EQ(test, pool, ERR_PTR(-ENOMEM));
		return;
	}
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pool);
	needed = atomic_long_read(&pcpool_to_core(pool)->deferred_puts.reserved);
	KUNIT_EXPECT_NULL(test, pcpool_get(pool, GFP_KERNEL));
	KUNIT_EXPECT_NULL(test, pcpool_get(pool, GFP_NOWAIT));
	KUNIT_EXPECT_NULL(test, pcpool_get_local(pool, GFP_KERNEL));
	KUNIT_EXPECT_PTR_EQ(test, pcpool_get_timeout(pool, GFP_KERNEL, 1), ERR_PTR(-ENOMEM));
	KUNIT_EXPECT_EQ(test, pcpool_prefill(pool, GFP_KERNEL, 3), 0);
	pcpool_stats(pool, &stats);
	KUNIT_EXPECT_EQ(test, stats.alloc_fail, 4);
	KUNIT_EXPECT_EQ(test, stats.allocs, 0);
	KUNIT_EXPECT_EQ(test, stats.outstanding, 0);
	KUNIT_EXPECT_EQ(test, needed,
			atomic_long_read(&pcpool_to_core(pool)->deferred_puts.reserved));
	pcpool_destroy(pool);
}

static DEFINE_PCPOOL(kunit_twice, .ops = &no_ops, .object_bytes = 1);

static void a_static_pool_is_created_once(struct kunit *test)
{
	struct pcpool *pool;

	KUNIT_ASSERT_EQ(test, pcpool_static_create(&kunit_twice), 0);
	pool = kunit_twice.pool;
	KUNIT_EXPECT_EQ(test, pcpool_static_create(&kunit_twice), -EEXIST);
	KUNIT_EXPECT_PTR_EQ(test, kunit_twice.pool, pool);
	pcpool_static_destroy(&kunit_twice);
	KUNIT_EXPECT_NULL(test, kunit_twice.pool);
}

/* --- Gets ------------------------------------------------------------------------- */

/* With gfp flags that allow nothing, and with flags that allow no failure, on an exhausted pool. */
BEARS(__pcpool_get)
{
	struct kt_pool *kp = new_pool(test);
	void **objs = kt_get_many(kp, OBJECTS - 1);
	void *last = kt_get(kp, 0, KT_ME);
	u64 failed = kt_stats(kp).alloc_fail;

	KUNIT_EXPECT_NOT_NULL(test, last);
	KUNIT_EXPECT_NULL(test, pcpool_get(kp->pool, 0));
	KUNIT_EXPECT_EQ(test, kt_stats(kp).alloc_fail, failed + 1);
	if (!may_wait(test)) {
		KUNIT_EXPECT_NULL(test, pcpool_get(kp->pool, GFP_KERNEL | __GFP_NOFAIL));
		KUNIT_EXPECT_EQ(test, kt_stats(kp).alloc_fail, failed + 2);
	}
	kt_put(kp, last, KT_ME);
	kt_put_many(kp, OBJECTS - 1, objs);
}

BEARS(__pcpool_get_local)
{
	struct kt_pool *kp = new_pool(test);
	void **objs = kt_get_many(kp, OBJECTS - 1);
	void *last = kt_get_local(kp, 0, KT_ME);
	u64 failed = kt_stats(kp).alloc_fail;

	KUNIT_EXPECT_NOT_NULL(test, last);
	KUNIT_EXPECT_NULL(test, pcpool_get_local(kp->pool, 0));
	KUNIT_EXPECT_EQ(test, kt_stats(kp).alloc_fail, failed + 1);
	kt_put(kp, last, KT_ME);
	kt_put_many(kp, OBJECTS - 1, objs);
}

/* On an empty pool, and on a pool all of whose objects are outstanding. */
BEARS(__pcpool_try_get)
{
	struct kt_pool *kp = new_pool(test);
	struct pcpool_pool_stats before = kt_stats(kp);
	void **objs;

	if (!params_of(test)->reserve) {
		KUNIT_EXPECT_NULL(test, pcpool_try_get(kp->pool));
		expect_unchanged(kp, &before);
	}
	objs = kt_get_many(kp, OBJECTS);
	before = kt_stats(kp);
	KUNIT_EXPECT_NULL(test, pcpool_try_get(kp->pool));
	expect_unchanged(kp, &before);
	kt_put_many(kp, OBJECTS, objs);
}

struct waiter {
	struct kt_pool *kp;
	unsigned long timeout;
	void *obj;
};

static void wait_for_object(struct kt_worker *worker)
{
	struct waiter *waiter = worker->arg;

	waiter->obj = pcpool_get_timeout(waiter->kp->pool, GFP_KERNEL, waiter->timeout);
	/* kt_gang_join() expects the minimum. */
	worker->done = KT_MINIMUM;
}

/* A get with this timeout waits, does not time out early, and receives the object that is put. */
static void expect_waiting_until_put(struct kt_pool *kp, unsigned long timeout, void **objs)
{
	struct waiter waiter = { .kp = kp, .timeout = timeout };
	struct kt_gang *gang = kt_gang_new(kp->test);
	unsigned long end = jiffies + 10 * HZ;

	kt_gang_add(gang, -1, wait_for_object, &waiter);
	kt_gang_start(gang, 0);
	while (!kt_stats(kp).waiting && time_before(jiffies, end))
		schedule_timeout_uninterruptible(1);
	schedule_timeout_uninterruptible(3);
	KUNIT_EXPECT_EQ(kp->test, kt_stats(kp).waiting, 1);
	kt_put(kp, objs[0], KT_ME);
	kt_gang_join(gang);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(kp->test, waiter.obj);
	objs[0] = kt_note_get(kp, waiter.obj, KT_ME);
}

BEARS(pcpool_get_timeout)
{
	static const unsigned long timeouts[] = {
		0, 1, MAX_SCHEDULE_TIMEOUT, MAX_SCHEDULE_TIMEOUT + 1ul, ULONG_MAX };
	struct kt_pool *kp = new_pool(test);
	long full = params_of(test)->max_total ? -EAGAIN : -ENOMEM;
	void *obj, **objs;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(timeouts); i++) {
		obj = pcpool_get_timeout(kp->pool, GFP_KERNEL, timeouts[i]);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, obj);
		kt_put(kp, kt_note_get(kp, obj, KT_ME), KT_ME);
	}
	objs = kt_get_many(kp, OBJECTS);
	for (i = 0; i < ARRAY_SIZE(timeouts); i++) {
		obj = pcpool_get_timeout(kp->pool, GFP_NOWAIT, timeouts[i]);
		KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(obj), full);
	}
	obj = pcpool_get_timeout(kp->pool, GFP_KERNEL, 0);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(obj), may_wait(test) ? -ETIMEDOUT : -ENOMEM);
	if (may_wait(test)) {
		expect_waiting_until_put(kp, MAX_SCHEDULE_TIMEOUT + 1ul, objs);
		expect_waiting_until_put(kp, ULONG_MAX, objs);
	}
	kt_put_many(kp, OBJECTS, objs);
}

BEARS(pcpool_get_bulk)
{
	struct kt_pool *kp = new_pool(test);
	struct pcpool_pool_stats before = kt_stats(kp);
	void *objs[OBJECTS + 1] = { };
	unsigned int got;

	KUNIT_EXPECT_EQ(test, pcpool_get_bulk(kp->pool, GFP_KERNEL, 0, NULL), 0);
	KUNIT_EXPECT_EQ(test, pcpool_get_bulk(kp->pool, 0, 0, objs), 0);
	expect_unchanged(kp, &before);
	/* More than the pool has, and more than objs has room for. */
	got = kt_get_bulk(kp, GFP_NOWAIT, UINT_MAX, objs, KT_ME);
	KUNIT_EXPECT_EQ(test, got, OBJECTS);
	KUNIT_EXPECT_NULL(test, objs[OBJECTS]);
	before = kt_stats(kp);
	KUNIT_EXPECT_EQ(test, pcpool_get_bulk(kp->pool, GFP_KERNEL, 0, NULL), 0);
	expect_unchanged(kp, &before);
	kt_put_bulk(kp, got, objs, KT_ME);
	/* With idle objects in the pool. */
	before = kt_stats(kp);
	KUNIT_EXPECT_EQ(test, pcpool_get_bulk(kp->pool, GFP_KERNEL, 0, NULL), 0);
	expect_unchanged(kp, &before);
}

/* --- Puts ------------------------------------------------------------------------- */

BEARS(__pcpool_put)
{
	struct kt_pool *kp = new_pool(test);
	struct pcpool_pool_stats before;
	unsigned int round, i;
	void **objs;

	/* With private slots that are empty, partly filled, and full. */
	for (round = 0; round < OBJECTS; round += 4) {
		objs = kt_get_many(kp, OBJECTS);
		kt_put_many(kp, round, objs);
		before = kt_stats(kp);
		for (i = 0; i < 20; i++) {
			pcpool_put(kp->pool, NULL);
			__pcpool_put(kp->pool, NULL);
		}
		expect_unchanged(kp, &before);
		kt_put_many(kp, OBJECTS - round, objs + round);
	}
}

BEARS(__pcpool_put_task)
{
	struct kt_pool *kp = new_pool(test);
	struct pcpool_pool_stats before = kt_stats(kp);

	pcpool_put_task(kp->pool, NULL);
	__pcpool_put_task(kp->pool, NULL);
	expect_unchanged(kp, &before);
}

BEARS(pcpool_put_bulk)
{
	void **nothing = kunit_kcalloc(test, 3 * PCPOOL_BATCH, sizeof(*nothing), GFP_KERNEL);
	struct kt_pool *kp = new_pool(test);
	struct pcpool_pool_stats before;
	void **objs = kt_get_many(kp, OBJECTS);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, nothing);
	kt_put_many(kp, OBJECTS / 2, objs);
	before = kt_stats(kp);
	pcpool_put_bulk(kp->pool, 0, NULL);
	pcpool_put_bulk(kp->pool, 0, objs);
	pcpool_put_bulk(kp->pool, 3 * PCPOOL_BATCH, nothing);
	expect_unchanged(kp, &before);
	for (i = OBJECTS / 2; i < OBJECTS; i++)
		nothing[2 * i] = objs[i];
	kt_put_bulk(kp, 3 * PCPOOL_BATCH, nothing, KT_ME);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).puts, before.puts + OBJECTS - OBJECTS / 2);
}

/* --- The pool as a whole ------------------------------------------------------------ */

BEARS(pcpool_prefill)
{
	const struct pcpool_params *params = params_of(test);
	unsigned long room = min(params->max_idle ?: OBJECTS, OBJECTS) - params->reserve;
	struct kt_pool *kp = new_pool(test);
	struct pcpool_pool_stats before = kt_stats(kp);

	if (params->flags & PCPOOL_BYPASS)
		room = 0;
	KUNIT_EXPECT_EQ(test, pcpool_prefill(kp->pool, GFP_KERNEL, 0), 0);
	expect_unchanged(kp, &before);
	KUNIT_EXPECT_EQ(test, pcpool_prefill(kp->pool, GFP_KERNEL, ULONG_MAX), room);
	KUNIT_EXPECT_EQ(test, pcpool_prefill(kp->pool, 0, ULONG_MAX), 0);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).idle_main, room + params->reserve);
}

/* Aging an empty pool is harmless, any number of times. */
BEARS(pcpool_age)
{
	struct kt_pool *kp = new_pool(test);
	unsigned int i;

	for (i = 1; i <= 5; i++) {
		KUNIT_EXPECT_EQ(test, pcpool_age(kp->pool), 0);
		KUNIT_EXPECT_EQ(test, kt_stats(kp).ages, i);
	}
	KUNIT_EXPECT_EQ(test, kt_stats(kp).evicted, 0);
}

BEARS(pcpool_drain)
{
	struct kt_pool *kp = new_pool(test);
	struct pcpool_pool_stats before = kt_stats(kp);
	unsigned int i;

	for (i = 0; i < 5; i++)
		KUNIT_EXPECT_EQ(test, pcpool_drain(kp->pool), 0);
	expect_unchanged(kp, &before);
}

/* All previous contents of the record are overwritten. */
BEARS(pcpool_stats)
{
	struct kt_pool *kp = new_pool(test);
	struct pcpool_pool_stats a, b;

	memset(&a, 0xff, sizeof(a));
	memset(&b, 0x55, sizeof(b));
	pcpool_stats(kp->pool, &a);
	pcpool_stats(kp->pool, &b);
	KUNIT_EXPECT_MEMEQ(test, &a, &b, sizeof(a));
}

/* --- Buffers ------------------------------------------------------------------------ */

#define CLASSES		3

static const struct pcpool_buf_params buf_params = {
	.name = "kunit-args", .min_bytes = SZ_1K, .max_bytes = SZ_4K };

static void destroy_set(void *set)
{
	pcpool_buf_destroy(set);
}

static struct pcpool_buf_set *new_set(struct kunit *test)
{
	struct pcpool_buf_set *set = pcpool_buf_create(&buf_params);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, set);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, destroy_set, set));
	return set;
}

BEARS(__pcpool_buf_create)
{
	struct pcpool_pool_stats stats;
	struct pcpool_buf_set *set;

	KUNIT_EXPECT_PTR_EQ(test, pcpool_buf_create(NULL), ERR_PTR(-EINVAL));
	KUNIT_EXPECT_PTR_EQ(test, __pcpool_buf_create(NULL, NULL), ERR_PTR(-EINVAL));
	set = __pcpool_buf_create(&buf_params, NULL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, set);
	KUNIT_EXPECT_TRUE(test, pcpool_buf_stats(set, 0, &stats));
	KUNIT_EXPECT_STREQ(test, stats.owner, "kernel");
	/* Each name of the set is in use. */
	KUNIT_EXPECT_PTR_EQ(test, pcpool_buf_create(&buf_params), ERR_PTR(-EEXIST));
	pcpool_buf_destroy(set);
}

BEARS(pcpool_buf_destroy)
{
	static const struct pcpool_buf_params bad = { .name = "kunit-args" };

	pcpool_buf_destroy(NULL);
	pcpool_buf_destroy(pcpool_buf_create(&bad));
	pcpool_buf_destroy(ERR_PTR(-ENOMEM));
	pcpool_buf_destroy(ERR_PTR(-MAX_ERRNO));
}

BEARS(pcpool_buf_get)
{
	struct pcpool_buf_set *set = new_set(test);
	struct pcpool_pool_stats stats;
	struct pcpool_buf *buf;

	buf = pcpool_buf_get(set, 0, 0);
	KUNIT_ASSERT_NOT_NULL(test, buf);
	KUNIT_EXPECT_EQ(test, buf->capacity, SZ_1K);
	pcpool_buf_put(buf);
	KUNIT_EXPECT_NULL(test, pcpool_buf_get(set, SIZE_MAX, GFP_KERNEL));
	KUNIT_EXPECT_NULL(test, pcpool_buf_get(set, SIZE_MAX, 0));
	KUNIT_EXPECT_TRUE(test, pcpool_buf_stats(set, 0, &stats));
	KUNIT_EXPECT_EQ(test, stats.gets, 1);
	KUNIT_EXPECT_EQ(test, stats.requested_bytes, 0);
}

BEARS(pcpool_buf_put)
{
	struct pcpool_buf_set *set = new_set(test);
	struct pcpool_pool_stats stats;

	pcpool_buf_put(NULL);
	KUNIT_EXPECT_TRUE(test, pcpool_buf_stats(set, 0, &stats));
	KUNIT_EXPECT_EQ(test, stats.puts, 0);
}

BEARS(pcpool_buf_put_task)
{
	struct pcpool_buf_set *set = new_set(test);
	struct pcpool_pool_stats stats;

	pcpool_buf_put_task(NULL);
	KUNIT_EXPECT_TRUE(test, pcpool_buf_stats(set, 0, &stats));
	KUNIT_EXPECT_EQ(test, stats.puts, 0);
}

BEARS(pcpool_buf_stats)
{
	static const unsigned int wrong[] = { CLASSES, CLASSES + 1, INT_MAX, UINT_MAX };
	struct pcpool_buf_set *set = new_set(test);
	struct pcpool_pool_stats stats;
	unsigned int i;

	memset(&stats, 0xff, sizeof(stats));
	for (i = 0; i < ARRAY_SIZE(wrong); i++)
		KUNIT_EXPECT_FALSE(test, pcpool_buf_stats(set, wrong[i], &stats));
	KUNIT_EXPECT_NULL(test, memchr_inv(&stats, 0xff, sizeof(stats)));
	KUNIT_EXPECT_TRUE(test, pcpool_buf_stats(set, CLASSES - 1, &stats));
	KUNIT_EXPECT_EQ(test, stats.object_bytes, SZ_4K);
}

static struct kunit_case args_cases[] = {
	CASE(__pcpool_create),
	KUNIT_CASE_PARAM(an_error_pointer_is_a_failed_allocation, kind_gen_params),
	CASE(pcpool_destroy),
	CASE(pcpool_destroy_wait),
	KUNIT_CASE(a_static_pool_is_created_once),
	CASE_IN_ALL(__pcpool_get),
	CASE_IN_ALL(__pcpool_get_local),
	CASE_IN_ALL(__pcpool_try_get),
	CASE_IN_ALL(pcpool_get_timeout),
	CASE_IN_ALL(pcpool_get_bulk),
	CASE_IN_ALL(__pcpool_put),
	CASE_IN_ALL(__pcpool_put_task),
	CASE_IN_ALL(pcpool_put_bulk),
	CASE_IN_ALL(pcpool_prefill),
	CASE_IN_ALL(pcpool_age),
	CASE_IN_ALL(pcpool_drain),
	CASE_IN_ALL(pcpool_stats),
	CASE(__pcpool_buf_create),
	CASE(pcpool_buf_destroy),
	CASE(pcpool_buf_get),
	CASE(pcpool_buf_put),
	CASE(pcpool_buf_put_task),
	CASE(pcpool_buf_stats),
	{}
};

static struct kunit_suite args_suite = {
	.name = "pcpool_args",
	.test_cases = args_cases,
};

kunit_test_suites(&args_suite);
