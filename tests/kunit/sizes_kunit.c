// SPDX-License-Identifier: GPL-2.0
/*
 * The fate of an object at its put, by its size and by the parameters of its pool: an
 * oversize object is dropped (max_object_bytes), its bytes are cleared
 * (PCPOOL_ZERO_ON_PUT), every object is freed (PCPOOL_BYPASS). ops->reset is called
 * once in each case.
 */
#include <linux/slab.h>
#include <linux/string.h>

#include "common.h"

/* --- max_object_bytes ------------------------------------------------------ */

/**
 * struct sizes - the sizes that ops->bytes reports for the objects of a kt_pool
 * @kp: the pool
 * @bytes: the size of each object
 * @bytes_after_reset: if not 0, the size of each object after a reset
 * @measured: calls of ops->bytes
 * @measured_early: calls of ops->bytes before the reset of the same put
 */
struct sizes {
	struct kt_pool *kp;
	size_t bytes[512];
	size_t bytes_after_reset;
	atomic_t measured;
	atomic_t measured_early;
};

/* The largest size allowed, in most cases. */
#define MAX_BYTES	1000

static size_t *size_of(struct kt_pool *kp, const void *obj)
{
	struct sizes *sizes = kp->arg;

	return &sizes->bytes[(const struct kt_obj *)obj - kp->obj];
}

static void *sized_alloc(gfp_t gfp, void *ctx)
{
	return kt_ops.alloc(gfp, ctx);
}

static void sized_free(void *obj, void *ctx)
{
	kt_ops.free(obj, ctx);
}

static void sized_reset(void *obj, void *ctx)
{
	struct kt_pool *kp = ctx;
	struct sizes *sizes = kp->arg;

	kt_ops_reset.reset(obj, ctx);
	if (sizes->bytes_after_reset)
		*size_of(kp, obj) = sizes->bytes_after_reset;
}

static size_t sized_bytes(const void *data, void *ctx)
{
	const struct kt_obj *obj = data;
	struct kt_pool *kp = ctx;
	struct sizes *sizes = kp->arg;

	atomic_inc(&sizes->measured);
	/* @mark counts the puts of the object. */
	if (obj->resets != obj->mark)
		atomic_inc(&sizes->measured_early);
	if (atomic_read(&obj->owner) != KT_IDLE)
		kt_violation(kp, "measured an object that was not being put");
	return *size_of(kp, obj);
}

static const struct pcpool_ops sized_ops = {
	.alloc = sized_alloc,
	.free = sized_free,
	.reset = sized_reset,
	.bytes = sized_bytes,
};

/* As kt_new(), but the objects have sizes. The sizes live longer than the pool. */
#define new_sized(test, objs, ...)					\
	sized_pool_new((test), (objs), &(struct pcpool_params){		\
		       .ops = &sized_ops, __VA_ARGS__ })

static struct kt_pool *sized_pool_new(struct kunit *test, unsigned int objs,
				      const struct pcpool_params *params)
{
	struct sizes *sizes = kunit_kzalloc(test, sizeof(*sizes), GFP_KERNEL);
	struct kt_pool *kp;

	KUNIT_ASSERT_NOT_NULL(test, sizes);
	KUNIT_ASSERT_LE(test, objs, ARRAY_SIZE(sizes->bytes));
	kp = kt_pool_new(test, objs, params);
	kp->arg = sizes;
	return kp;
}

/* Make every other one of @n objects oversize. Returns the number of these. */
static unsigned int enlarge_every_other(struct kt_pool *kp, unsigned int n, void **objs)
{
	unsigned int i;

	for (i = 0; i < n; i += 2)
		*size_of(kp, objs[i]) = MAX_BYTES + 1;
	return (n + 1) / 2;
}

static unsigned long idle(struct kt_pool *kp)
{
	struct pcpool_pool_stats s = kt_stats(kp);

	return s.idle_main + s.idle_victim;
}

static const size_t bounds[] = { sizeof(struct kt_obj), 1000, 1 << 20, LONG_MAX };

static void bound_desc(const size_t *bound, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%zu bytes", *bound);
}

KUNIT_ARRAY_PARAM(bound, bounds, bound_desc);

static void an_object_within_the_bound_is_kept(struct kunit *test)
{
	size_t bound = *(const size_t *)test->param_value;
	struct kt_pool *kp = new_sized(test, 1, .max_object_bytes = bound);
	void *obj = kt_get(kp, GFP_KERNEL, KT_ME);

	*size_of(kp, obj) = bound;
	kt_put(kp, obj, KT_ME);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).drop_oversize, 0);
	KUNIT_EXPECT_EQ(test, idle(kp), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->frees), 0);
}

static void an_object_one_byte_larger_is_dropped(struct kunit *test)
{
	size_t bound = *(const size_t *)test->param_value;
	struct kt_pool *kp = new_sized(test, 1, .max_object_bytes = bound);
	void *obj = kt_get(kp, GFP_KERNEL, KT_ME);

	*size_of(kp, obj) = bound + 1;
	kt_put(kp, obj, KT_ME);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).drop_oversize, 1);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).puts, 1);
	KUNIT_EXPECT_EQ(test, idle(kp), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->frees), 1);
}

static void without_a_bound_no_object_is_oversize(struct kunit *test)
{
	struct kt_pool *kp = new_sized(test, 1);
	void *obj = kt_get(kp, GFP_KERNEL, KT_ME);

	*size_of(kp, obj) = SIZE_MAX;
	kt_put(kp, obj, KT_ME);
	KUNIT_EXPECT_EQ(test, idle(kp), 1);
}

static void objects_are_measured_only_at_each_put(struct kunit *test)
{
	struct kt_pool *kp = new_sized(test, 100, .max_object_bytes = MAX_BYTES,
				       .private_slots = 4);
	struct sizes *sizes = kp->arg;
	void **objs;

	KUNIT_ASSERT_EQ(test, pcpool_prefill(kp->pool, GFP_KERNEL, 50), 50);
	objs = kt_get_many(kp, 100);
	KUNIT_EXPECT_EQ(test, atomic_read(&sizes->measured), 0);
	kt_put_many(kp, 50, objs);
	KUNIT_EXPECT_EQ(test, atomic_read(&sizes->measured), 50);
	kt_put_bulk(kp, 50, objs + 50, KT_ME);
	KUNIT_EXPECT_EQ(test, atomic_read(&sizes->measured), 100);
	pcpool_age(kp->pool);
	pcpool_drain(kp->pool);
	KUNIT_EXPECT_EQ(test, atomic_read(&sizes->measured), 100);
}

static void an_object_that_grew_after_its_last_put_is_dropped(struct kunit *test)
{
	struct kt_pool *kp = new_sized(test, 1, .max_object_bytes = MAX_BYTES);
	void *obj;

	kt_make_idle(kp, 1);
	obj = kt_get(kp, GFP_KERNEL, KT_ME);
	*size_of(kp, obj) = MAX_BYTES + 1;
	kt_put(kp, obj, KT_ME);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->frees), 1);
}

/* So ops->reset can shrink an object that has grown. */
static void an_object_is_measured_after_its_reset(struct kunit *test)
{
	struct kt_pool *kp = new_sized(test, 100, .max_object_bytes = MAX_BYTES,
				       .private_slots = 4);
	struct sizes *sizes = kp->arg;
	void **objs = kt_get_many(kp, 100);

	enlarge_every_other(kp, 100, objs);
	sizes->bytes_after_reset = MAX_BYTES;
	kt_put_many(kp, 50, objs);
	kt_put_bulk(kp, 50, objs + 50, KT_ME);
	KUNIT_EXPECT_EQ(test, atomic_read(&sizes->measured_early), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->frees), 0);
	KUNIT_EXPECT_EQ(test, idle(kp), 100);
}

static const unsigned int bulks[] = { 1, 3, 5, 32, 33, 300 };

static void bulk_desc(const unsigned int *bulk, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%u objects", *bulk);
}

KUNIT_ARRAY_PARAM(bulk, bulks, bulk_desc);

static void a_bulk_put_drops_only_oversize_objects(struct kunit *test)
{
	unsigned int n = *(const unsigned int *)test->param_value, large, i, right = 0;
	struct kt_pool *kp = new_sized(test, n, .max_object_bytes = MAX_BYTES,
				       .private_slots = 4);
	struct kt_obj **objs = (struct kt_obj **)kt_get_many(kp, n);

	kt_move_to(test, kt_cpu(test, 0));
	large = enlarge_every_other(kp, n, (void **)objs);
	kt_put_bulk(kp, n, (void **)objs, KT_ME);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).drop_oversize, large);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->frees), large);
	KUNIT_EXPECT_EQ(test, idle(kp), n - large);
	for (i = 0; i < n; i++)
		right += atomic_read(&objs[i]->owner) == (i & 1 ? KT_IDLE : KT_UNALLOCATED);
	KUNIT_EXPECT_EQ(test, right, n);
}

static void a_bulk_put_to_a_queue_with_room_drops_oversize_objects(struct kunit *test)
{
	struct kt_pool *kp = new_sized(test, 300, .max_object_bytes = MAX_BYTES,
				       .private_slots = 4);
	void **objs;

	kt_move_to(test, kt_cpu(test, 0));
	kt_make_idle(kp, 300);
	objs = kt_get_many(kp, 300);
	enlarge_every_other(kp, 300, objs);
	kt_put_bulk(kp, 300, objs, KT_ME);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).drop_oversize, 150);
	KUNIT_EXPECT_EQ(test, idle(kp), 150);
}

struct bounded {
	char name[40];
	unsigned long max_idle;
	unsigned long max_total;
};

static const struct bounded boundeds[] = {
	{ "in the shared array", 2 },
	{ "with credits", 200 },
	{ "with a quota", 0, 2 },
};

KUNIT_ARRAY_PARAM_DESC(bounded, boundeds, name);

static void a_dropped_object_uses_no_credit_or_quota(struct kunit *test)
{
	const struct bounded *b = test->param_value;
	struct kt_pool *kp = new_sized(test, 200, .max_object_bytes = MAX_BYTES,
				       .max_idle = b->max_idle, .max_total = b->max_total);
	/* A quarter of max_idle may be set aside for other CPUs. */
	unsigned int i, n = b->max_idle - b->max_idle / 4 ?: b->max_total;
	void **objs;
	void *obj;

	for (i = 0; i < 2 * n; i++) {
		/* If the drop did not free its quota, this get would fail. */
		obj = kt_get(kp, GFP_NOWAIT, KT_ME);
		KUNIT_ASSERT_NOT_NULL(test, obj);
		*size_of(kp, obj) = MAX_BYTES + 1;
		kt_put(kp, obj, KT_ME);
		*size_of(kp, obj) = 0;
	}
	objs = kt_get_many(kp, n);
	kt_put_many(kp, n, objs);
	KUNIT_EXPECT_EQ(test, idle(kp), n);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).drop_full, 0);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).drop_oversize, 2 * n);
}

KUNIT_ARRAY_PARAM(context, kt_contexts, kt_context_desc);

struct puts {
	struct kt_pool *kp;
	void **objs;
	unsigned int n;
};

static void put_all(void *arg)
{
	struct puts *puts = arg;

	kt_put_many(puts->kp, puts->n, puts->objs);
}

static void put_all_in_bulk(void *arg)
{
	struct puts *puts = arg;

	kt_put_bulk(puts->kp, puts->n, puts->objs, KT_ME);
}

static unsigned long deferred_frees(struct kt_pool *kp)
{
	return pcpool_deferred_count(&kp->core->deferred_frees);
}

static void free_runs_in_the_put_unless_in_hardirq(struct kunit *test)
{
	const struct kt_context_param *p = test->param_value;
	struct kt_pool *kp = new_sized(test, 50, .max_object_bytes = MAX_BYTES,
				       .flags = PCPOOL_FREE_ATOMIC);
	struct puts puts = { .kp = kp, .n = 50 };
	bool later = kt_defers_free(p->context);
	unsigned int large;

	kt_move_to(test, kt_cpu(test, 0));
	puts.objs = kt_get_many(kp, 50);
	large = enlarge_every_other(kp, 50, puts.objs);
	kt_hold_worker(kp);
	kt_run_in(test, p->context, put_all, &puts);
	KUNIT_EXPECT_EQ(test, deferred_frees(kp), later ? large : 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->frees), later ? 0 : large);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).drop_oversize, large);
	KUNIT_EXPECT_EQ(test, idle(kp), 50 - large);
	kt_settle(kp);
	KUNIT_EXPECT_EQ(test, deferred_frees(kp), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->frees), large);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).drop_oversize, large);
	KUNIT_EXPECT_EQ(test, idle(kp), 50 - large);
}

/* kt_free() checks that it may sleep. */
static void free_may_sleep_for_puts_from_any_context(struct kunit *test)
{
	const struct kt_context_param *p = test->param_value;
	struct kt_pool *kp = new_sized(test, 50, .max_object_bytes = MAX_BYTES,
				       .flags = PCPOOL_FREE_MAY_SLEEP);
	struct puts puts = { .kp = kp, .n = 50 };
	unsigned int large;

	kt_move_to(test, kt_cpu(test, 0));
	puts.objs = kt_get_many(kp, 50);
	large = enlarge_every_other(kp, 50, puts.objs);
	kt_hold_worker(kp);
	kt_run_in(test, p->context, put_all, &puts);
	if (p->context != KT_TASK)
		KUNIT_EXPECT_EQ(test, deferred_frees(kp), large);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).drop_oversize, large);
	kt_settle(kp);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->frees), large);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).drop_oversize, large);
	KUNIT_EXPECT_EQ(test, idle(kp), 50 - large);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->violations), 0);
}

static void a_bulk_put_drops_objects_in_any_context(struct kunit *test)
{
	const struct kt_context_param *p = test->param_value;
	struct kt_pool *kp = new_sized(test, 50, .max_object_bytes = MAX_BYTES,
				       .flags = PCPOOL_FREE_MAY_SLEEP,
				       .private_slots = 4);
	struct puts puts = { .kp = kp, .n = 50 };
	unsigned int large;

	kt_move_to(test, kt_cpu(test, 0));
	puts.objs = kt_get_many(kp, 50);
	large = enlarge_every_other(kp, 50, puts.objs);
	kt_run_in(test, p->context, put_all_in_bulk, &puts);
	kt_settle(kp);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).drop_oversize, large);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->frees), large);
	KUNIT_EXPECT_EQ(test, idle(kp), 50 - large);
}

static void no_get_returns_an_object_queued_for_freeing(struct kunit *test)
{
	const struct kt_context_param *p = test->param_value;
	struct kt_pool *kp = new_sized(test, 8, .max_object_bytes = MAX_BYTES,
				       .flags = PCPOOL_FREE_MAY_SLEEP);
	struct puts puts = { .kp = kp, .n = 4 };
	void *bulk[3], *obj;
	unsigned int i;
	int cpu;

	kt_move_to(test, kt_cpu(test, 0));
	puts.objs = kt_get_many(kp, 4);
	for (i = 0; i < 4; i++)
		*size_of(kp, puts.objs[i]) = MAX_BYTES + 1;
	kt_hold_worker(kp);
	kt_run_in(test, p->context, put_all, &puts);

	KUNIT_EXPECT_EQ(test, idle(kp), 0);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).outstanding, 0);
	for_each_online_cpu(cpu) {
		kt_move_to(test, cpu);
		KUNIT_EXPECT_NULL(test, kt_try_get(kp, KT_ME));
	}
	obj = kt_get(kp, GFP_KERNEL, KT_ME);
	KUNIT_EXPECT_EQ(test, kt_get_bulk(kp, GFP_KERNEL, 3, bulk, KT_ME), 3);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).miss, 8);
	for (i = 0; i < 3; i++)
		*size_of(kp, bulk[i]) = 0;
	*size_of(kp, obj) = 0;
	kt_put(kp, obj, KT_ME);
	kt_put_bulk(kp, 3, bulk, KT_ME);
	/* Objects queued for freeing do not count as evicted. */
	KUNIT_EXPECT_EQ(test, pcpool_drain(kp->pool), 4);
	kt_settle(kp);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).drop_oversize, 4);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).evicted, 4);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->frees), 8);
}

static void destroying_a_pool_frees_objects_queued_for_freeing(struct kunit *test)
{
	struct kt_pool *kp = new_sized(test, 50, .max_object_bytes = MAX_BYTES);
	struct puts puts = { .kp = kp, .n = 50 };

	puts.objs = kt_get_many(kp, 50);
	enlarge_every_other(kp, 50, puts.objs);
	kt_hold_worker(kp);
	kt_run_in(test, KT_HARDIRQ_WORK, put_all, &puts);
	KUNIT_ASSERT_EQ(test, atomic_read(&kp->frees), 0);
	pcpool_destroy(kp->pool);
	kp->pool = NULL;
	kt_expect_freed(kp, 0);
}

/* --- ops->reset ------------------------------------------------------------ */

/**
 * struct ending - a possible result of a put
 * @name: -
 * @params: of the pool
 * @context: the context of the puts
 * @large: the objects are oversize
 * @bypassed: the pool is bypassed before the puts
 * @nested: the puts interrupt the producer of the CPU's queue
 * @drops: number of the 40 objects that are freed
 */
struct ending {
	char name[40];
	struct pcpool_params params;
	enum kt_context context;
	bool large;
	bool bypassed;
	bool nested;
	unsigned int drops;
};

#define SIZED	.ops = &sized_ops, .max_object_bytes = MAX_BYTES

static const struct ending endings[] = {
	{ "in slots", { SIZED, .private_slots = 64 } },
	{ "in the queue", { SIZED, .private_slots = 1 } },
	{ "in the shared array or dropped", { SIZED, .max_idle = 3 }, .drops = 37 },
	{ "bounded", { SIZED, .max_idle = 100 } },
	{ "with a quota", { SIZED, .max_total = 40 } },
	{ "in the reserve", { SIZED, .reserve = 10 } },
	{ "oversize", { SIZED }, .large = true, .drops = 40 },
	{ "oversize, in hardirq", { SIZED }, .large = true, .context = KT_HARDIRQ_WORK,
	  .drops = 40 },
	{ "bypassed", { SIZED }, .bypassed = true, .drops = 40 },
	{ "bypassed, in hardirq", { SIZED }, .bypassed = true,
	  .context = KT_HARDIRQ_WORK, .drops = 40 },
	{ "bypassed, no size bound", { .ops = &kt_ops_reset }, .bypassed = true,
	  .context = KT_HARDIRQ_WORK, .drops = 40 },
	{ "deferred", { SIZED, .private_slots = 1 }, .nested = true },
	{ "deferred, no size bound", { .ops = &kt_ops_reset, .private_slots = 1 },
	  .nested = true },
	{ "deferred, bounded", { SIZED, .private_slots = 1, .max_idle = 10000 },
	  .nested = true },
};

KUNIT_ARRAY_PARAM_DESC(ending, endings, name);

static void put_40_objects(struct kunit *test, void (*fn)(void *arg))
{
	const struct ending *end = test->param_value;
	struct kt_pool *kp = sized_pool_new(test, 40, &end->params);
	struct puts puts = { .kp = kp, .n = 40 };
	unsigned int i;
	u8 *pushing;

	kt_move_to(test, kt_cpu(test, 0));
	puts.objs = kt_get_many(kp, 40);
	for (i = 0; i < 40; i++)
		*size_of(kp, puts.objs[i]) = end->large ? MAX_BYTES + 1 : 0;
	if (end->bypassed)
		pcpool_set_bypass(kp->core, true);
	kt_hold_worker(kp);
	if (end->nested) {
		preempt_disable();
		pushing = this_cpu_ptr(&kp->core->cpu->pushing);
		*pushing = 1;
		fn(&puts);
		*pushing = 0;
		preempt_enable();
		KUNIT_EXPECT_GT(test, kt_stats(kp).deferred, 0);
	} else {
		kt_run_in(test, end->context, fn, &puts);
	}
	/* The worker repeats some of the puts. */
	kt_settle(kp);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->resets), 40);
	for (i = 0; i < 40; i++)
		KUNIT_EXPECT_EQ(test, ((struct kt_obj *)puts.objs[i])->resets, 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->frees), end->drops);
	KUNIT_EXPECT_EQ(test, idle(kp), 40 - end->drops);
}

static void reset_is_called_once_per_put(struct kunit *test)
{
	put_40_objects(test, put_all);
}

static void reset_is_called_once_per_object_of_a_bulk_put(struct kunit *test)
{
	put_40_objects(test, put_all_in_bulk);
}

/* --- PCPOOL_BYPASS --------------------------------------------------------- */

static void a_pool_can_be_created_bypassed(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 10, .flags = PCPOOL_BYPASS);

	KUNIT_EXPECT_EQ(test, kt_stats(kp).state, PCPOOL_STATE_BYPASSED);
	kt_make_idle(kp, 10);
	KUNIT_EXPECT_EQ(test, idle(kp), 0);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).drop_other, 10);
	KUNIT_EXPECT_EQ(test, pcpool_prefill(kp->pool, GFP_KERNEL, 10), 0);
}

static void the_bypass_of_a_pool_created_bypassed_can_be_ended(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 10, .flags = PCPOOL_BYPASS,
				    .private_slots = 4);
	void **objs;

	kt_move_to(test, kt_cpu(test, 0));
	kt_make_idle(kp, 10);
	pcpool_set_bypass(kp->core, false);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).state, 0);
	kt_make_idle(kp, 10);
	KUNIT_EXPECT_EQ(test, idle(kp), 10);
	objs = kt_get_many(kp, 10);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).miss, 20);
	KUNIT_EXPECT_GT(test, kt_stats(kp).hit_private, 0);
	KUNIT_EXPECT_GT(test, kt_stats(kp).hit_shared, 0);
	kt_put_many(kp, 10, objs);
	/* Gets and puts are inlined again. */
	KUNIT_EXPECT_PTR_EQ(test, kp->pool->get_slots, kp->core->slots);
	KUNIT_EXPECT_PTR_EQ(test, kp->pool->put_slots, kp->core->slots);
}

/* --- PCPOOL_ZERO_ON_PUT ---------------------------------------------------- */

/* Contents of an object: after ops->alloc, after use, after ops->reset. */
#define ALLOCATED	0xa5
#define USED	0x5a
#define RESET	0x3c

/* Bytes behind each object, which the pool must not change. */
#define BEHIND	32

/**
 * struct zeroing - a pool of plain memory that is cleared on put
 * @test: the case it belongs to
 * @pool: the pool; NULL after it was destroyed
 * @bytes: size of each object
 * @large: report a larger size
 * @allocs: objects allocated
 * @frees: objects freed
 * @dirty: objects that were not zeroed when they were freed
 * @resets: calls of ops->reset
 * @reset_late: calls of ops->reset that did not find the contents after use
 * @overruns: objects whose bytes behind them were changed
 * @not_zeroed: gets of an object that was not zeroed
 */
struct zeroing {
	struct kunit *test;
	struct pcpool *pool;
	size_t bytes;
	bool large;
	atomic_t allocs;
	atomic_t frees;
	atomic_t dirty;
	atomic_t resets;
	atomic_t reset_late;
	atomic_t overruns;
	atomic_t not_zeroed;
};

static bool is_all(const void *obj, int value, size_t bytes)
{
	return !memchr_inv(obj, value, bytes);
}

static void *memory_alloc(gfp_t gfp, void *ctx)
{
	struct zeroing *z = ctx;
	void *obj = kmalloc(z->bytes + BEHIND, gfp);

	if (!obj)
		return NULL;
	memset(obj, ALLOCATED, z->bytes + BEHIND);
	atomic_inc(&z->allocs);
	return obj;
}

static void memory_free(void *obj, void *ctx)
{
	struct zeroing *z = ctx;

	if (!is_all(obj, 0, z->bytes))
		atomic_inc(&z->dirty);
	if (!is_all(obj + z->bytes, ALLOCATED, BEHIND))
		atomic_inc(&z->overruns);
	atomic_inc(&z->frees);
	kfree(obj);
}

static void memory_reset(void *obj, void *ctx)
{
	struct zeroing *z = ctx;

	if (!is_all(obj, USED, z->bytes))
		atomic_inc(&z->reset_late);
	memset(obj, RESET, z->bytes);
	atomic_inc(&z->resets);
}

static size_t memory_bytes(const void *obj, void *ctx)
{
	struct zeroing *z = ctx;

	return z->bytes + z->large;
}

static const struct pcpool_ops memory_ops = {
	.alloc = memory_alloc,
	.free = memory_free,
	.bytes = memory_bytes,
};

static const struct pcpool_ops memory_ops_reset = {
	.alloc = memory_alloc,
	.free = memory_free,
	.reset = memory_reset,
	.bytes = memory_bytes,
};

static void zeroing_exit(void *data)
{
	struct zeroing *z = data;

	pcpool_destroy(z->pool);
	KUNIT_EXPECT_EQ(z->test, atomic_read(&z->frees), atomic_read(&z->allocs));
	KUNIT_EXPECT_EQ(z->test, atomic_read(&z->overruns), 0);
	KUNIT_EXPECT_EQ(z->test, atomic_read(&z->reset_late), 0);
}

/* Create a pool of objects of @length bytes that are cleared on put. */
#define new_zeroing(test, length, ...)					\
	zeroing_new((test), &(struct pcpool_params){			\
		    .object_bytes = (length),			\
		    .flags = PCPOOL_ZERO_ON_PUT | PCPOOL_FREE_ATOMIC, __VA_ARGS__ })

static struct zeroing *zeroing_new(struct kunit *test, const struct pcpool_params *params)
{
	struct zeroing *z = kunit_kzalloc(test, sizeof(*z), GFP_KERNEL);
	struct pcpool_params p = *params;

	KUNIT_ASSERT_NOT_NULL(test, z);
	z->test = test;
	z->bytes = p.object_bytes;
	p.name = "kunit-zeroing";
	p.ops = p.ops ?: &memory_ops;
	p.ctx = z;
	z->pool = pcpool_create(&p);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, z->pool);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, zeroing_exit, z));
	return z;
}

static void *get_memory(struct zeroing *z)
{
	void *obj = pcpool_get(z->pool, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(z->test, obj);
	return obj;
}

/* Get @n objects, and fill them with USED. */
static void **get_and_use(struct zeroing *z, unsigned int n)
{
	void **objs = kunit_kcalloc(z->test, n, sizeof(*objs), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(z->test, objs);
	for (i = 0; i < n; i++) {
		objs[i] = get_memory(z);
		memset(objs[i], USED, z->bytes);
	}
	return objs;
}

static void expect_cleared(struct zeroing *z, unsigned int n)
{
	void **objs = kunit_kcalloc(z->test, n, sizeof(*objs), GFP_KERNEL);
	unsigned int i, cleared = 0;

	KUNIT_ASSERT_NOT_NULL(z->test, objs);
	for (i = 0; i < n; i++) {
		objs[i] = get_memory(z);
		cleared += is_all(objs[i], 0, z->bytes);
	}
	KUNIT_EXPECT_EQ(z->test, cleared, n);
	/* They are reused objects, not new ones. */
	KUNIT_EXPECT_EQ(z->test, atomic_read(&z->allocs), n);
	pcpool_put_bulk(z->pool, n, objs);
}

static const size_t lengths[] = { 1, 7, 64, 1000, 4097 };

KUNIT_ARRAY_PARAM(length, lengths, bound_desc);

static void a_reused_object_is_zeroed(struct kunit *test)
{
	struct zeroing *z = new_zeroing(test, *(const size_t *)test->param_value,
					.private_slots = 4);
	unsigned int i;
	void **objs;

	kt_move_to(test, kt_cpu(test, 0));
	objs = get_and_use(z, 50);
	for (i = 0; i < 50; i++)
		pcpool_put(z->pool, objs[i]);
	expect_cleared(z, 50);
}

static void a_bulk_put_clears_each_object(struct kunit *test)
{
	struct zeroing *z = new_zeroing(test, *(const size_t *)test->param_value,
					.private_slots = 4);
	void **objs;

	kt_move_to(test, kt_cpu(test, 0));
	objs = get_and_use(z, 50);
	pcpool_put_bulk(z->pool, 50, objs);
	expect_cleared(z, 50);
}

struct memory_put {
	struct zeroing *z;
	void *obj;
};

static void put_memory(void *data)
{
	struct memory_put *put = data;

	pcpool_put(put->z->pool, put->obj);
}

static void an_object_is_cleared_in_any_context(struct kunit *test)
{
	const struct kt_context_param *p = test->param_value;
	struct zeroing *z = new_zeroing(test, 100);
	struct memory_put put = { .z = z };

	kt_move_to(test, kt_cpu(test, 0));
	put.obj = *get_and_use(z, 1);
	kt_run_in(test, p->context, put_memory, &put);
	expect_cleared(z, 1);
}

static void without_the_flag_nothing_is_cleared(struct kunit *test)
{
	static const struct pcpool_params params = { .object_bytes = 100 };
	struct zeroing *z = zeroing_new(test, &params);
	void *obj;

	kt_move_to(test, kt_cpu(test, 0));
	obj = *get_and_use(z, 1);
	pcpool_put(z->pool, obj);
	KUNIT_EXPECT_PTR_EQ(test, get_memory(z), obj);
	KUNIT_EXPECT_TRUE(test, is_all(obj, USED, 100));
	pcpool_put(z->pool, obj);
	KUNIT_EXPECT_EQ(test, pcpool_drain(z->pool), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&z->dirty), 1);
}

/* ops->reset may need the contents of the object, and may itself leave data of the user. */
static void reset_comes_before_clearing(struct kunit *test)
{
	struct zeroing *z = new_zeroing(test, 100, .ops = &memory_ops_reset,
					.private_slots = 4);
	unsigned int i;
	void **objs;

	kt_move_to(test, kt_cpu(test, 0));
	objs = get_and_use(z, 50);
	for (i = 0; i < 10; i++)
		pcpool_put(z->pool, objs[i]);
	pcpool_put_bulk(z->pool, 40, objs + 10);
	KUNIT_EXPECT_EQ(test, atomic_read(&z->resets), 50);
	KUNIT_EXPECT_EQ(test, atomic_read(&z->reset_late), 0);
	/* Fill them with USED before the next put, as memory_reset() expects. */
	for (i = 0; i < 50; i++) {
		objs[i] = get_memory(z);
		KUNIT_EXPECT_TRUE(test, is_all(objs[i], 0, 100));
		memset(objs[i], USED, 100);
	}
	KUNIT_EXPECT_EQ(test, atomic_read(&z->allocs), 50);
	pcpool_put_bulk(z->pool, 50, objs);
}

static void an_allocated_object_is_not_cleared(struct kunit *test)
{
	struct zeroing *z = new_zeroing(test, 100);
	void *obj;

	obj = get_memory(z);
	KUNIT_EXPECT_TRUE(test, is_all(obj, ALLOCATED, 100));
	KUNIT_ASSERT_EQ(test, pcpool_prefill(z->pool, GFP_KERNEL, 1), 1);
	pcpool_put(z->pool, obj);
	pcpool_drain(z->pool);
	KUNIT_ASSERT_EQ(test, pcpool_prefill(z->pool, GFP_KERNEL, 1), 1);
	obj = get_memory(z);
	KUNIT_EXPECT_TRUE(test, is_all(obj, ALLOCATED, 100));
	pcpool_put(z->pool, obj);
}

/* Where idle objects are kept. */
struct store {
	char name[40];
	struct pcpool_params params;
};

static const struct store stores[] = {
	{ "slots and queue", { .private_slots = 4 } },
	{ "shared array", { .max_idle = 4 } },
	{ "slots and queue, with credits", { .private_slots = 4, .max_idle = 1000 } },
	{ "queue, with a quota", { .max_total = 1000 } },
	{ "queue and reserve", { .reserve = 5 } },
};

KUNIT_ARRAY_PARAM_DESC(store, stores, name);

static struct zeroing *new_stored(struct kunit *test, size_t length)
{
	const struct store *store = test->param_value;
	struct pcpool_params p = store->params;

	p.object_bytes = length;
	p.flags = PCPOOL_ZERO_ON_PUT;
	return zeroing_new(test, &p);
}

/* A number of objects that the pool keeps in any case. */
static unsigned int capacity(const struct zeroing *z)
{
	return pcpool_to_core(z->pool)->array ? 4 : 20;
}

static bool reuse(struct zeroing *z)
{
	void *obj = pcpool_try_get(z->pool);

	if (!obj)
		return false;
	if (!is_all(obj, 0, z->bytes))
		atomic_inc(&z->not_zeroed);
	memset(obj, USED, z->bytes);
	pcpool_put(z->pool, obj);
	return true;
}

static void reuse_loop(struct kt_worker *worker)
{
	while (kt_keep_running(worker))
		kt_progress_by(worker, reuse(worker->arg));
}

static void reuse_in_interrupt(void *data)
{
	reuse(data);
}

static void reuse_under_interrupts(struct kt_worker *worker)
{
	static struct kt_ticker ticker;

	kt_ticker_start(&ticker, false, reuse_in_interrupt, worker->arg);
	while (kt_keep_running_for(worker, min(worker->done, READ_ONCE(ticker.fired))))
		kt_progress_by(worker, reuse(worker->arg));
	kt_ticker_stop(&ticker);
}

static void no_get_returns_an_object_before_it_is_cleared(struct kunit *test)
{
	/* Clearing 16 KiB takes some time. */
	struct zeroing *z = new_stored(test, 16 << 10);
	/* Few CPUs, so that not all objects can be in the slots of other CPUs. */
	unsigned int i, n = min(num_online_cpus(), 4u);
	struct kt_gang *gang;

	kt_cpu(test, 1);
	pcpool_put_bulk(z->pool, capacity(z), get_and_use(z, capacity(z)));
	gang = kt_gang_new(test);
	for (i = 0; i < 2 * n; i++)
		kt_gang_add(gang, kt_cpu(test, i % n),
			    i ? reuse_loop : reuse_under_interrupts, z);
	kt_gang_start(gang, 150);
	kt_gang_join(gang);
	KUNIT_EXPECT_EQ(test, atomic_read(&z->not_zeroed), 0);
}

/* These objects have never been put. */
static void prefill(struct zeroing *z)
{
	unsigned int n = capacity(z);

	KUNIT_ASSERT_EQ(z->test, pcpool_prefill(z->pool, GFP_KERNEL, n), n);
}

static void destroy(struct zeroing *z)
{
	pcpool_destroy(z->pool);
	z->pool = NULL;
}

/* Some objects were freed, and all of them were zeroed. */
static void expect_freed_zeroed(struct zeroing *z)
{
	KUNIT_EXPECT_GT(z->test, atomic_read(&z->frees), 0);
	KUNIT_EXPECT_EQ(z->test, atomic_read(&z->dirty), 0);
}

static void aging_clears_objects_never_put(struct kunit *test)
{
	struct zeroing *z = new_stored(test, 100);

	prefill(z);
	pcpool_age(z->pool);
	pcpool_age(z->pool);
	expect_freed_zeroed(z);
}

static void drain_clears_objects_never_put(struct kunit *test)
{
	struct zeroing *z = new_stored(test, 100);

	prefill(z);
	pcpool_drain(z->pool);
	expect_freed_zeroed(z);
}

static void destroying_clears_objects_never_put(struct kunit *test)
{
	struct zeroing *z = new_stored(test, 100);

	prefill(z);
	destroy(z);
	expect_freed_zeroed(z);
}

/* A user that keeps a pointer after the put, against the rules. */
static void drain_clears_objects_written_while_idle(struct kunit *test)
{
	struct zeroing *z = new_stored(test, 100);
	unsigned int i, n = capacity(z);
	void **objs = get_and_use(z, n);

	for (i = 0; i < n; i++)
		pcpool_put(z->pool, objs[i]);
	KUNIT_ASSERT_EQ(test, atomic_read(&z->frees), 0);
	for (i = 0; i < n; i++)
		memset(objs[i], USED, z->bytes);
	pcpool_drain(z->pool);
	expect_freed_zeroed(z);
}

static void a_full_pool_clears_dropped_objects(struct kunit *test)
{
	struct zeroing *z = new_zeroing(test, 100, .max_idle = 3);

	pcpool_put_bulk(z->pool, 10, get_and_use(z, 10));
	KUNIT_EXPECT_EQ(test, atomic_read(&z->frees), 7);
	expect_freed_zeroed(z);
	/* This object was never put. */
	pcpool_prefill(z->pool, GFP_KERNEL, 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&z->frees), 8);
	expect_freed_zeroed(z);
}

static void a_bypassed_pool_clears_dropped_objects(struct kunit *test)
{
	struct zeroing *z = new_zeroing(test, 100);
	void **objs = get_and_use(z, 10);

	pcpool_set_bypass(pcpool_to_core(z->pool), true);
	pcpool_put_bulk(z->pool, 10, objs);
	KUNIT_EXPECT_EQ(test, atomic_read(&z->frees), 10);
	expect_freed_zeroed(z);
}

static void an_oversize_object_is_cleared(struct kunit *test)
{
	const struct kt_context_param *p = test->param_value;
	struct zeroing *z = new_zeroing(test, 100, .max_object_bytes = 100);
	struct memory_put put = { .z = z };

	z->large = true;
	put.obj = *get_and_use(z, 1);
	kt_run_in(test, p->context, put_memory, &put);
	/* The object is freed by the put or by the worker. */
	destroy(z);
	KUNIT_EXPECT_EQ(test, atomic_read(&z->frees), 1);
	expect_freed_zeroed(z);
}

static struct kunit_case sizes_cases[] = {
	KUNIT_CASE_PARAM(an_object_within_the_bound_is_kept, bound_gen_params),
	KUNIT_CASE_PARAM(an_object_one_byte_larger_is_dropped, bound_gen_params),
	KUNIT_CASE(without_a_bound_no_object_is_oversize),
	KUNIT_CASE(objects_are_measured_only_at_each_put),
	KUNIT_CASE(an_object_that_grew_after_its_last_put_is_dropped),
	KUNIT_CASE(an_object_is_measured_after_its_reset),
	KUNIT_CASE_PARAM(a_bulk_put_drops_only_oversize_objects,
			 bulk_gen_params),
	KUNIT_CASE(a_bulk_put_to_a_queue_with_room_drops_oversize_objects),
	KUNIT_CASE_PARAM(a_dropped_object_uses_no_credit_or_quota, bounded_gen_params),
	KUNIT_CASE_PARAM(free_runs_in_the_put_unless_in_hardirq, context_gen_params),
	KUNIT_CASE_PARAM(free_may_sleep_for_puts_from_any_context,
			 context_gen_params),
	KUNIT_CASE_PARAM(a_bulk_put_drops_objects_in_any_context, context_gen_params),
	KUNIT_CASE_PARAM(no_get_returns_an_object_queued_for_freeing, context_gen_params),
	KUNIT_CASE(destroying_a_pool_frees_objects_queued_for_freeing),
	KUNIT_CASE_PARAM(reset_is_called_once_per_put, ending_gen_params),
	KUNIT_CASE_PARAM(reset_is_called_once_per_object_of_a_bulk_put,
			 ending_gen_params),
	KUNIT_CASE(a_pool_can_be_created_bypassed),
	KUNIT_CASE(the_bypass_of_a_pool_created_bypassed_can_be_ended),
	KUNIT_CASE_PARAM(a_reused_object_is_zeroed, length_gen_params),
	KUNIT_CASE_PARAM(a_bulk_put_clears_each_object, length_gen_params),
	KUNIT_CASE_PARAM(an_object_is_cleared_in_any_context, context_gen_params),
	KUNIT_CASE(without_the_flag_nothing_is_cleared),
	KUNIT_CASE(reset_comes_before_clearing),
	KUNIT_CASE(an_allocated_object_is_not_cleared),
	KUNIT_CASE_PARAM(no_get_returns_an_object_before_it_is_cleared, store_gen_params),
	KUNIT_CASE_PARAM(aging_clears_objects_never_put, store_gen_params),
	KUNIT_CASE_PARAM(drain_clears_objects_never_put, store_gen_params),
	KUNIT_CASE_PARAM(destroying_clears_objects_never_put, store_gen_params),
	KUNIT_CASE_PARAM(drain_clears_objects_written_while_idle,
			 store_gen_params),
	KUNIT_CASE(a_full_pool_clears_dropped_objects),
	KUNIT_CASE(a_bypassed_pool_clears_dropped_objects),
	KUNIT_CASE_PARAM(an_oversize_object_is_cleared, context_gen_params),
	{}
};

static struct kunit_suite sizes_suite = {
	.name = "pcpool_sizes",
	.test_cases = sizes_cases,
};

kunit_test_suites(&sizes_suite);
