// SPDX-License-Identifier: GPL-2.0
/*
 * Typed pools (DEFINE_PCPOOL_TYPE), objects that are put at the end of their scope, and
 * static pools (DEFINE_PCPOOL).
 */
#include <linux/dmapool.h>
#include <linux/jiffies.h>
#include <linux/pcpool_buf.h>
#include <linux/slab.h>

#include "common.h"

struct thing {
	int number;
};

struct other_thing {
	int number;
};

DEFINE_PCPOOL_TYPE(thing, struct thing);
DEFINE_PCPOOL_TYPE(other_thing, struct other_thing);

/* The number of a newly allocated thing. */
#define NEW	42

static bool no_things;
static atomic_t things;

static void *thing_alloc(gfp_t gfp, void *ctx)
{
	struct thing *thing = READ_ONCE(no_things) ? NULL : kmalloc(sizeof(*thing), gfp);

	if (!thing)
		return NULL;
	thing->number = NEW;
	atomic_inc(&things);
	return thing;
}

static void thing_free(void *obj, void *ctx)
{
	atomic_dec(&things);
	kfree(obj);
}

static const struct pcpool_ops thing_ops = { .alloc = thing_alloc, .free = thing_free };

#define THINGS	.name = "kunit-things", .ops = &thing_ops, .object_bytes = sizeof(struct thing)

/* Otherwise a destroyed pool has leaked things. */
static void expect_no_things(void *data)
{
	struct kunit *test = data;

	KUNIT_EXPECT_EQ(test, atomic_read(&things), 0);
}

static int types_init(struct kunit *test)
{
	no_things = false;
	atomic_set(&things, 0);
	/* The first action added runs last, after the pools have been destroyed. */
	return kunit_add_action(test, expect_no_things, test);
}

static void destroy_things(void *pool)
{
	thing_pool_destroy(pool);
}

/* Create a pool with these pcpool_params. It is destroyed when the case ends. */
#define new_things(test, ...)						\
	things_new((test), &(struct pcpool_params){ THINGS, __VA_ARGS__ })

static struct thing_pool *things_new(struct kunit *test, const struct pcpool_params *params)
{
	struct thing_pool *pool = thing_pool_create(params);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pool);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, destroy_things, pool));
	/* Stay on one CPU, so that gets find what was put. */
	kt_move_to(test, kt_cpu(test, 0));
	return pool;
}

/* Valid until the next call; a copy for each call would make large stack frames. */
static const struct pcpool_pool_stats *stats(struct thing_pool *pool)
{
	static struct pcpool_pool_stats s;

	pcpool_stats(thing_pool_untyped(pool), &s);
	return &s;
}

/* --- DEFINE_PCPOOL_TYPE ----------------------------------------------------------- */

/*
 * Must not compile, with a struct thing_pool *pool and a struct other_thing *other:
 *
 *	thing_put(pool, other);
 *	other = thing_get(pool, GFP_KERNEL);
 *	other_thing_put(pool, other);
 *	pcpool_put(pool, other);
 */

static void a_typed_pool_supports_get_and_put(struct kunit *test)
{
	struct thing_pool *pool = new_things(test);
	struct thing *thing = thing_get(pool, GFP_KERNEL), *again;

	KUNIT_ASSERT_NOT_NULL(test, thing);
	KUNIT_EXPECT_EQ(test, thing->number, NEW);
	thing->number = 1;
	KUNIT_EXPECT_EQ(test, stats(pool)->outstanding, 1);
	thing_put(pool, thing);
	KUNIT_EXPECT_EQ(test, stats(pool)->outstanding, 0);
	again = thing_get(pool, GFP_KERNEL);
	KUNIT_EXPECT_PTR_EQ(test, again, thing);
	KUNIT_EXPECT_EQ(test, again->number, 1);
	thing_put(pool, again);
	KUNIT_EXPECT_EQ(test, stats(pool)->allocs, 1);
	KUNIT_EXPECT_EQ(test, stats(pool)->hit_private, 1);
}

static void a_typed_pool_has_the_given_parameters(struct kunit *test)
{
	struct thing_pool *pool = new_things(test, .max_idle = 7);

	KUNIT_EXPECT_STREQ(test, stats(pool)->name, "kunit-things");
	KUNIT_EXPECT_STREQ(test, stats(pool)->owner, KBUILD_MODNAME);
	KUNIT_EXPECT_EQ(test, stats(pool)->object_bytes, sizeof(struct thing));
	KUNIT_EXPECT_EQ(test, stats(pool)->max_idle, 7);
}

static void a_failed_creation_of_a_typed_pool_returns_an_error(struct kunit *test)
{
	static const struct pcpool_params bad = { .name = "kunit-things" };
	static const struct pcpool_params good = { THINGS };

	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(thing_pool_create(&bad)), -EINVAL);
	new_things(test);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(thing_pool_create(&good)), -EEXIST);
}

static void get_local_does_not_take_from_other_cpus(struct kunit *test)
{
	struct thing_pool *pool = new_things(test, .private_slots = 1);
	struct thing *thing = thing_get_local(pool, GFP_KERNEL), *again, *more;
	int other = kt_cpu(test, 1);

	more = thing_get_local(pool, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, thing);
	KUNIT_ASSERT_NOT_NULL(test, more);
	/* One of the two is in the private slot now, the other where it could be stolen. */
	thing_put(pool, more);
	thing_put(pool, thing);
	again = thing_get_local(pool, GFP_KERNEL);
	KUNIT_EXPECT_TRUE(test, again == thing || again == more);
	thing_put(pool, again);
	KUNIT_EXPECT_EQ(test, stats(pool)->allocs, 2);
	kt_move_to(test, other);
	again = thing_get_local(pool, GFP_KERNEL);
	KUNIT_EXPECT_EQ(test, stats(pool)->allocs, 3);
	thing_put(pool, again);
}

static void try_get_does_not_allocate(struct kunit *test)
{
	struct thing_pool *pool = new_things(test);
	struct thing *thing;

	KUNIT_EXPECT_NULL(test, thing_try_get(pool));
	thing = thing_get(pool, GFP_KERNEL);
	thing_put(pool, thing);
	KUNIT_EXPECT_PTR_EQ(test, thing_try_get(pool), thing);
	KUNIT_EXPECT_NULL(test, thing_try_get(pool));
	thing_put(pool, thing);
	KUNIT_EXPECT_EQ(test, stats(pool)->allocs, 1);
}

static void get_timeout_waits_for_its_timeout(struct kunit *test)
{
	struct thing_pool *pool = new_things(test, .max_total = 1);
	unsigned long start, wait = msecs_to_jiffies(50);
	struct thing *thing;

	thing = thing_get_timeout(pool, GFP_KERNEL, wait);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, thing);
	KUNIT_EXPECT_EQ(test, thing->number, NEW);
	start = jiffies;
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(thing_get_timeout(pool, GFP_KERNEL, wait)),
			-ETIMEDOUT);
	KUNIT_EXPECT_TRUE(test, time_after_eq(jiffies, start + wait));
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(thing_get_timeout(pool, GFP_NOWAIT, wait)),
			-EAGAIN);
	thing_put(pool, thing);
	KUNIT_EXPECT_PTR_EQ(test, thing_get_timeout(pool, GFP_KERNEL, 0), thing);
	thing_put(pool, thing);
}

static void putting_null_does_nothing(struct kunit *test)
{
	struct thing_pool *pool = new_things(test);

	thing_put(pool, NULL);
	KUNIT_EXPECT_EQ(test, stats(pool)->puts, 0);
}

static void destroying_frees_idle_objects(struct kunit *test)
{
	static const struct pcpool_params params = { THINGS };
	struct thing_pool *pool = thing_pool_create(&params);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pool);
	thing_put(pool, thing_get(pool, GFP_KERNEL));
	KUNIT_EXPECT_EQ(test, atomic_read(&things), 1);
	thing_pool_destroy(pool);
	KUNIT_EXPECT_EQ(test, atomic_read(&things), 0);
	thing_pool_destroy(NULL);
}

static void pools_of_two_types_can_coexist(struct kunit *test)
{
	static const struct pcpool_params params = {
		.name = "kunit-others", .ops = &thing_ops,
		.object_bytes = sizeof(struct other_thing) };
	struct other_thing_pool *others = other_thing_pool_create(&params);
	struct thing_pool *pool = new_things(test);
	struct other_thing *other;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, others);
	other = other_thing_get(others, GFP_KERNEL);
	KUNIT_EXPECT_NOT_NULL(test, other);
	other_thing_put(others, other);
	KUNIT_EXPECT_EQ(test, stats(pool)->gets, 0);
	other_thing_pool_destroy(others);
}

/* --- At the end of the scope -------------------------------------------------------- */

static void an_object_is_put_at_the_end_of_its_scope(struct kunit *test)
{
	struct thing_pool *pool = new_things(test);

	{
		CLASS(thing_scope, scope)(pool, GFP_KERNEL);

		KUNIT_EXPECT_NOT_NULL(test, scope.obj);
		KUNIT_EXPECT_EQ(test, scope.obj->number, NEW);
		KUNIT_EXPECT_EQ(test, stats(pool)->outstanding, 1);
		KUNIT_EXPECT_EQ(test, stats(pool)->puts, 0);
	}
	KUNIT_EXPECT_EQ(test, stats(pool)->outstanding, 0);
	KUNIT_EXPECT_EQ(test, stats(pool)->puts, 1);
}

static int return_early(struct thing_pool *pool, int where, u64 *outstanding)
{
	CLASS(thing_scope, first)(pool, GFP_KERNEL);

	if (where == 1)
		return stats(pool)->outstanding;

	CLASS(thing_scope, second)(pool, GFP_KERNEL);

	if (where == 2)
		return stats(pool)->outstanding;
	*outstanding = stats(pool)->outstanding;
	return first.obj == second.obj;
}

static void an_object_is_put_on_return(struct kunit *test)
{
	struct thing_pool *pool = new_things(test);
	u64 outstanding = 0;

	KUNIT_EXPECT_EQ(test, return_early(pool, 1, &outstanding), 1);
	KUNIT_EXPECT_EQ(test, stats(pool)->outstanding, 0);
	KUNIT_EXPECT_EQ(test, stats(pool)->puts, 1);
	KUNIT_EXPECT_EQ(test, return_early(pool, 2, &outstanding), 2);
	KUNIT_EXPECT_EQ(test, stats(pool)->outstanding, 0);
	KUNIT_EXPECT_EQ(test, stats(pool)->puts, 3);
	KUNIT_EXPECT_EQ(test, return_early(pool, 3, &outstanding), 0);
	KUNIT_EXPECT_EQ(test, outstanding, 2);
	KUNIT_EXPECT_EQ(test, stats(pool)->outstanding, 0);
	KUNIT_EXPECT_EQ(test, stats(pool)->puts, 5);
}

static void an_object_is_put_in_each_iteration_of_a_loop(struct kunit *test)
{
	struct thing_pool *pool = new_things(test);
	unsigned int i;

	for (i = 0; i < 10; i++) {
		CLASS(thing_scope, scope)(pool, GFP_KERNEL);

		KUNIT_EXPECT_EQ(test, stats(pool)->outstanding, 1);
		if (i % 2)
			continue;
		if (i == 8)
			break;
	}
	KUNIT_EXPECT_EQ(test, stats(pool)->outstanding, 0);
	KUNIT_EXPECT_EQ(test, stats(pool)->puts, 9);
	KUNIT_EXPECT_EQ(test, stats(pool)->allocs, 1);
}

static void a_failed_get_puts_nothing_at_the_end_of_its_scope(struct kunit *test)
{
	struct thing_pool *pool = new_things(test);

	no_things = true;
	{
		CLASS(thing_scope, scope)(pool, GFP_KERNEL);

		KUNIT_EXPECT_NULL(test, scope.obj);
	}
	KUNIT_EXPECT_EQ(test, stats(pool)->alloc_fail, 1);
	KUNIT_EXPECT_EQ(test, stats(pool)->puts, 0);
}

static void an_object_can_be_kept_beyond_its_scope(struct kunit *test)
{
	struct thing_pool *pool = new_things(test);
	struct thing *kept;

	{
		CLASS(thing_scope, scope)(pool, GFP_KERNEL);
		struct thing *thing = scope.obj;

		kept = thing_scope_keep(&scope);
		KUNIT_EXPECT_PTR_EQ(test, kept, thing);
		KUNIT_EXPECT_NULL(test, scope.obj);
		/* Nothing is left to be kept. */
		KUNIT_EXPECT_NULL(test, thing_scope_keep(&scope));
	}
	KUNIT_EXPECT_EQ(test, stats(pool)->outstanding, 1);
	KUNIT_EXPECT_EQ(test, stats(pool)->puts, 0);
	KUNIT_EXPECT_EQ(test, kept->number, NEW);
	thing_put(pool, kept);
	KUNIT_EXPECT_EQ(test, stats(pool)->outstanding, 0);
}

/* --- DEFINE_PCPOOL -------------------------------------------------------------------- */

static DEFINE_PCPOOL(kunit_static, .ops = &thing_ops, .object_bytes = sizeof(struct thing),
		     .private_slots = 3, .steal = PCPOOL_STEAL_NODE);
static DEFINE_PCPOOL(kunit_static_bad, .object_bytes = 1);

static void a_static_pool_is_created_as_defined(struct kunit *test)
{
	struct pcpool_pool_stats s;
	struct thing *thing;

	KUNIT_EXPECT_NULL(test, kunit_static.pool);
	KUNIT_ASSERT_EQ(test, pcpool_static_create(&kunit_static), 0);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, kunit_static.pool);
	pcpool_stats(kunit_static.pool, &s);
	KUNIT_EXPECT_STREQ(test, s.name, "kunit_static");
	KUNIT_EXPECT_STREQ(test, s.owner, KBUILD_MODNAME);
	KUNIT_EXPECT_EQ(test, s.object_bytes, sizeof(struct thing));
	KUNIT_EXPECT_EQ(test, s.private_slots, 3);
	KUNIT_EXPECT_EQ(test, s.steal, PCPOOL_STEAL_NODE);
	thing = pcpool_get(kunit_static.pool, GFP_KERNEL);
	KUNIT_EXPECT_NOT_NULL(test, thing);
	pcpool_put(kunit_static.pool, thing);
	pcpool_static_destroy(&kunit_static);
	KUNIT_EXPECT_NULL(test, kunit_static.pool);
}

static void a_static_pool_can_be_created_again(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < 3; i++) {
		KUNIT_ASSERT_EQ(test, pcpool_static_create(&kunit_static), 0);
		pcpool_put(kunit_static.pool, pcpool_get(kunit_static.pool, GFP_KERNEL));
		KUNIT_EXPECT_EQ(test, atomic_read(&things), 1);
		pcpool_static_destroy(&kunit_static);
		KUNIT_EXPECT_EQ(test, atomic_read(&things), 0);
	}
}

static void a_static_pool_whose_name_is_in_use_is_refused(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 1, .name = "kunit_static");

	KUNIT_EXPECT_EQ(test, pcpool_static_create(&kunit_static), -EEXIST);
	KUNIT_EXPECT_NULL(test, kunit_static.pool);
	pcpool_static_destroy(&kunit_static);
	/* The pool that has the name is unaffected. */
	kt_make_idle(kp, 1);
	kt_destroy(kp);
	KUNIT_EXPECT_EQ(test, pcpool_static_create(&kunit_static), 0);
	pcpool_static_destroy(&kunit_static);
}

static void a_static_pool_with_bad_parameters_is_refused(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, pcpool_static_create(&kunit_static_bad), -EINVAL);
	KUNIT_EXPECT_NULL(test, kunit_static_bad.pool);
	pcpool_static_destroy(&kunit_static_bad);
}

static void destroying_a_static_pool_never_created_does_nothing(struct kunit *test)
{
	pcpool_static_destroy(&kunit_static);
	pcpool_static_destroy(&kunit_static);
	KUNIT_EXPECT_NULL(test, kunit_static.pool);
}

/* --- Scopes with a timeout ----------------------------------------------------------- */

static void a_timed_scope_puts_its_object(struct kunit *test)
{
	struct thing_pool *pool = new_things(test, .max_total = 1);

	{
		CLASS(thing_scope_timeout, scope)(pool, GFP_KERNEL, HZ);

		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, scope.obj);
		KUNIT_EXPECT_EQ(test, scope.obj->number, NEW);
		KUNIT_EXPECT_EQ(test, stats(pool)->outstanding, 1);
		KUNIT_EXPECT_EQ(test, stats(pool)->puts, 0);
	}
	KUNIT_EXPECT_EQ(test, stats(pool)->outstanding, 0);
	KUNIT_EXPECT_EQ(test, stats(pool)->puts, 1);
}

static void a_timed_scope_without_an_object_has_the_error(struct kunit *test)
{
	struct thing_pool *pool = new_things(test, .max_total = 1);
	unsigned long start = jiffies, wait = msecs_to_jiffies(50);

	{
		CLASS(thing_scope, holder)(pool, GFP_KERNEL);
		CLASS(thing_scope_timeout, late)(pool, GFP_KERNEL, wait);
		CLASS(thing_scope_timeout, atomic)(pool, GFP_NOWAIT, wait);

		KUNIT_EXPECT_NOT_NULL(test, holder.obj);
		KUNIT_EXPECT_PTR_EQ(test, late.obj, ERR_PTR(-ETIMEDOUT));
		KUNIT_EXPECT_PTR_EQ(test, atomic.obj, ERR_PTR(-EAGAIN));
		KUNIT_EXPECT_TRUE(test, time_after_eq(jiffies, start + wait));
	}
	KUNIT_EXPECT_EQ(test, stats(pool)->puts, 1);
	KUNIT_EXPECT_EQ(test, stats(pool)->outstanding, 0);
	no_things = true;
	pcpool_drain(thing_pool_untyped(pool));
	{
		CLASS(thing_scope_timeout, scope)(pool, GFP_KERNEL, wait);

		KUNIT_EXPECT_PTR_EQ(test, scope.obj, ERR_PTR(-ENOMEM));
	}
	KUNIT_EXPECT_EQ(test, stats(pool)->puts, 1);
}

static void an_object_can_be_kept_beyond_a_timed_scope(struct kunit *test)
{
	struct thing_pool *pool = new_things(test, .max_total = 1);
	struct thing *kept;

	{
		CLASS(thing_scope_timeout, scope)(pool, GFP_KERNEL, HZ);
		CLASS(thing_scope_timeout, failed)(pool, GFP_NOWAIT, HZ);

		kept = scope.obj;
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, kept);
		KUNIT_EXPECT_PTR_EQ(test, thing_scope_keep(&scope), kept);
		KUNIT_EXPECT_NULL(test, scope.obj);
		KUNIT_EXPECT_PTR_EQ(test, thing_scope_keep(&failed), ERR_PTR(-EAGAIN));
		KUNIT_EXPECT_NULL(test, failed.obj);
	}
	KUNIT_EXPECT_EQ(test, stats(pool)->outstanding, 1);
	KUNIT_EXPECT_EQ(test, stats(pool)->puts, 0);
	thing_put(pool, kept);
	KUNIT_EXPECT_EQ(test, stats(pool)->outstanding, 0);
}

/* --- Typed and untyped pools ----------------------------------------------------------- */

static void a_static_pool_can_be_used_as_a_typed_one(struct kunit *test)
{
	struct thing_pool *pool;
	struct thing *thing;

	KUNIT_ASSERT_EQ(test, pcpool_static_create(&kunit_static), 0);
	pool = thing_pool_typed(kunit_static.pool);
	thing = thing_get(pool, GFP_KERNEL);
	KUNIT_EXPECT_NOT_NULL(test, thing);
	if (thing)
		KUNIT_EXPECT_EQ(test, thing->number, NEW);
	KUNIT_EXPECT_EQ(test, stats(pool)->outstanding, 1);
	thing_put(pool, thing);
	KUNIT_EXPECT_EQ(test, stats(pool)->outstanding, 0);
	KUNIT_EXPECT_STREQ(test, stats(pool)->name, "kunit_static");
	pcpool_static_destroy(&kunit_static);
}

static void typed_and_untyped_are_inverse(struct kunit *test)
{
	struct thing_pool *pool = new_things(test);

	KUNIT_EXPECT_PTR_EQ(test, thing_pool_typed(thing_pool_untyped(pool)), pool);
	KUNIT_EXPECT_NULL(test, thing_pool_typed(NULL));
	KUNIT_EXPECT_NULL(test, thing_pool_untyped(NULL));
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(thing_pool_typed(ERR_PTR(-EEXIST))), -EEXIST);
}

/* With DEFINE_PCPOOL_TYPE(), linux/dmapool.h would have the names already. */
DEFINE_PCPOOL_TYPE_AS(dma, dma_thing_pool, struct thing);

static void a_type_can_name_its_pools_otherwise(struct kunit *test)
{
	static const struct pcpool_params params = { THINGS };
	struct dma_thing_pool *pool = dma_thing_pool_create(&params);
	struct pcpool_pool_stats s;
	struct thing *thing;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pool);
	thing = dma_get(pool, GFP_KERNEL);
	KUNIT_EXPECT_NOT_NULL(test, thing);
	dma_put(pool, thing);
	dma_put(pool, dma_get_local(pool, GFP_KERNEL));
	dma_put(pool, dma_try_get(pool));
	dma_put(pool, dma_get_timeout(pool, GFP_KERNEL, HZ));
	{
		CLASS(dma_scope, scope)(pool, GFP_KERNEL);
		CLASS(dma_scope_timeout, timed)(pool, GFP_KERNEL, HZ);

		KUNIT_EXPECT_NOT_NULL(test, scope.obj);
		KUNIT_EXPECT_NOT_ERR_OR_NULL(test, timed.obj);
		dma_put(pool, dma_scope_keep(&scope));
	}
	pcpool_stats(dma_thing_pool_untyped(pool), &s);
	KUNIT_EXPECT_EQ(test, s.gets, 6);
	KUNIT_EXPECT_EQ(test, s.puts, 6);
	KUNIT_EXPECT_EQ(test, s.allocs, 2);
	KUNIT_EXPECT_PTR_EQ(test, dma_thing_pool_typed(dma_thing_pool_untyped(pool)), pool);
	dma_thing_pool_destroy(pool);
}

/* --- The scope of a buffer ------------------------------------------------------------- */

static const struct pcpool_buf_params buf_params = {
	.name = "kunit-buf-scope", .min_bytes = 64, .max_bytes = 128,
};

static void end_bufs(void *set)
{
	pcpool_buf_destroy(set);
}

/* A buffer set with two classes; it is destroyed when the case ends. */
static struct pcpool_buf_set *new_bufs(struct kunit *test)
{
	struct pcpool_buf_set *set = pcpool_buf_create(&buf_params);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, set);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, end_bufs, set));
	return set;
}

/* Valid until the next call; a copy for each call would make large stack frames. */
static const struct pcpool_pool_stats *buf_stats(struct pcpool_buf_set *set, unsigned int class)
{
	static struct pcpool_pool_stats s;

	pcpool_buf_stats(set, class, &s);
	return &s;
}

static void a_buffer_is_put_at_the_end_of_its_scope(struct kunit *test)
{
	struct pcpool_buf_set *set = new_bufs(test);

	{
		CLASS(pcpool_buf_scope, small)(set, 10, GFP_KERNEL);
		CLASS(pcpool_buf_scope, large)(set, 100, GFP_KERNEL);
		CLASS(pcpool_buf_scope, beyond)(set, 1000, GFP_KERNEL);

		KUNIT_ASSERT_NOT_NULL(test, small.buf);
		KUNIT_ASSERT_NOT_NULL(test, large.buf);
		KUNIT_ASSERT_NOT_NULL(test, beyond.buf);
		KUNIT_EXPECT_EQ(test, small.buf->capacity, 64);
		KUNIT_EXPECT_EQ(test, large.buf->capacity, 128);
		KUNIT_EXPECT_EQ(test, beyond.buf->capacity, 1000);
		KUNIT_EXPECT_EQ(test, buf_stats(set, 0)->outstanding, 1);
		KUNIT_EXPECT_EQ(test, buf_stats(set, 1)->outstanding, 1);
	}
	KUNIT_EXPECT_EQ(test, buf_stats(set, 0)->outstanding, 0);
	KUNIT_EXPECT_EQ(test, buf_stats(set, 0)->puts, 1);
	KUNIT_EXPECT_EQ(test, buf_stats(set, 1)->outstanding, 0);
	KUNIT_EXPECT_EQ(test, buf_stats(set, 1)->puts, 1);
	/* Destroying the set warns if the third buffer has not been put. */
}

static void a_buffer_scope_without_a_buffer_puts_nothing(struct kunit *test)
{
	struct pcpool_buf_set *set = new_bufs(test);

	{
		CLASS(pcpool_buf_scope, scope)(set, (size_t)INT_MAX + 1, GFP_KERNEL);

		KUNIT_EXPECT_NULL(test, scope.buf);
		KUNIT_EXPECT_NULL(test, pcpool_buf_scope_keep(&scope));
	}
	KUNIT_EXPECT_EQ(test, buf_stats(set, 0)->puts, 0);
	KUNIT_EXPECT_EQ(test, buf_stats(set, 1)->puts, 0);
}

static void a_buffer_can_be_kept_beyond_its_scope(struct kunit *test)
{
	struct pcpool_buf_set *set = new_bufs(test);
	struct pcpool_buf *kept;

	{
		CLASS(pcpool_buf_scope, scope)(set, 10, GFP_KERNEL);

		kept = scope.buf;
		KUNIT_ASSERT_NOT_NULL(test, kept);
		KUNIT_EXPECT_PTR_EQ(test, pcpool_buf_scope_keep(&scope), kept);
		KUNIT_EXPECT_NULL(test, scope.buf);
	}
	KUNIT_EXPECT_EQ(test, buf_stats(set, 0)->outstanding, 1);
	KUNIT_EXPECT_EQ(test, buf_stats(set, 0)->puts, 0);
	memset(kept->data, 0xff, kept->capacity);
	pcpool_buf_put(kept);
	KUNIT_EXPECT_EQ(test, buf_stats(set, 0)->outstanding, 0);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(a_typed_pool_supports_get_and_put),
	KUNIT_CASE(a_typed_pool_has_the_given_parameters),
	KUNIT_CASE(a_failed_creation_of_a_typed_pool_returns_an_error),
	KUNIT_CASE(get_local_does_not_take_from_other_cpus),
	KUNIT_CASE(try_get_does_not_allocate),
	KUNIT_CASE(get_timeout_waits_for_its_timeout),
	KUNIT_CASE(putting_null_does_nothing),
	KUNIT_CASE(destroying_frees_idle_objects),
	KUNIT_CASE(pools_of_two_types_can_coexist),
	KUNIT_CASE(an_object_is_put_at_the_end_of_its_scope),
	KUNIT_CASE(an_object_is_put_on_return),
	KUNIT_CASE(an_object_is_put_in_each_iteration_of_a_loop),
	KUNIT_CASE(a_failed_get_puts_nothing_at_the_end_of_its_scope),
	KUNIT_CASE(an_object_can_be_kept_beyond_its_scope),
	KUNIT_CASE(a_static_pool_is_created_as_defined),
	KUNIT_CASE(a_static_pool_can_be_created_again),
	KUNIT_CASE(a_static_pool_whose_name_is_in_use_is_refused),
	KUNIT_CASE(a_static_pool_with_bad_parameters_is_refused),
	KUNIT_CASE(destroying_a_static_pool_never_created_does_nothing),
	KUNIT_CASE(a_timed_scope_puts_its_object),
	KUNIT_CASE(a_timed_scope_without_an_object_has_the_error),
	KUNIT_CASE(an_object_can_be_kept_beyond_a_timed_scope),
	KUNIT_CASE(a_static_pool_can_be_used_as_a_typed_one),
	KUNIT_CASE(typed_and_untyped_are_inverse),
	KUNIT_CASE(a_type_can_name_its_pools_otherwise),
	KUNIT_CASE(a_buffer_is_put_at_the_end_of_its_scope),
	KUNIT_CASE(a_buffer_scope_without_a_buffer_puts_nothing),
	KUNIT_CASE(a_buffer_can_be_kept_beyond_its_scope),
	{ }
};

static struct kunit_suite suite = {
	.name = "pcpool_types",
	.init = types_init,
	.test_cases = cases,
};

kunit_test_suite(suite);
