// SPDX-License-Identifier: GPL-2.0
/*
 * What the gfp flags of a get mean: which of them reach ops->alloc, what a pool refuses,
 * how a pool with a reserve allocates, and that a wrong context is reported at a hit too.
 */
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/pcpool_buf.h>
#include <linux/string.h>

#include "common.h"

/* --- Flags that ask for a property of the memory ------------------------------------ */

struct gfp_param {
	gfp_t gfp;
	char name[24];
};

static const struct gfp_param refused[] = {
	{ __GFP_ZERO, "__GFP_ZERO" },
	{ __GFP_DMA, "__GFP_DMA" },
	{ __GFP_DMA32, "__GFP_DMA32" },
	{ __GFP_HIGHMEM, "__GFP_HIGHMEM" },
	{ __GFP_THISNODE, "__GFP_THISNODE" },
	{ __GFP_MOVABLE, "__GFP_MOVABLE" },
	{ __GFP_RECLAIMABLE, "__GFP_RECLAIMABLE" },
	{ __GFP_COMP, "__GFP_COMP" },
};

KUNIT_ARRAY_PARAM_DESC(refused, refused, name);

static gfp_t refused_of(struct kunit *test)
{
	return ((const struct gfp_param *)test->param_value)->gfp;
}

/* The out-of-line functions are called directly, because the inlined ones warn. */
static void a_miss_does_not_honour_what_a_hit_cannot(struct kunit *test)
{
	static const struct pcpool_params params[] = { { }, { .max_total = 4 }, { .reserve = 1 } };
	gfp_t gfp = GFP_NOWAIT | refused_of(test);
	struct kt_pool *kp;
	unsigned int i;
	void *obj;

	for (i = 0; i < ARRAY_SIZE(params); i++) {
		kp = kt_pool_new(test, 4, &params[i]);
		kp->gfp = ~0u;
		obj = kt_note_get(kp, __pcpool_get(kp->pool, gfp), KT_ME);
		KUNIT_EXPECT_EQ(test, kp->gfp & PCPOOL_GFP_REFUSED, 0);
		kt_put(kp, obj, KT_ME);
		kp->gfp = ~0u;
		pcpool_drain(kp->pool);
		obj = kt_note_get(kp, __pcpool_get_local(kp->pool, gfp), KT_ME);
		KUNIT_EXPECT_EQ(test, kp->gfp & PCPOOL_GFP_REFUSED, 0);
		kt_put(kp, obj, KT_ME);
	}
}

#if defined(kunit_warning_suppress) && defined(CONFIG_DEBUG_VM)
static void get_in_each_way(struct kt_pool *kp, gfp_t gfp)
{
	void *obj;

	kt_put(kp, kt_get(kp, gfp, KT_ME), KT_ME);
	kt_put(kp, kt_get_local(kp, gfp, KT_ME), KT_ME);
	obj = kt_note_get(kp, pcpool_get_timeout(kp->pool, gfp, 0), KT_ME);
	kt_put(kp, obj, KT_ME);
	KUNIT_EXPECT_EQ(kp->test, 1, kt_get_bulk(kp, gfp, 1, &obj, KT_ME));
	kt_put(kp, obj, KT_ME);
	KUNIT_EXPECT_EQ(kp->test, 1, pcpool_prefill(kp->pool, gfp, 1));
}

static void a_refused_flag_warns_with_debug_vm(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 10);

	kunit_warning_suppress(test) {
		get_in_each_way(kp, GFP_KERNEL);
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 0);
	}
	kunit_warning_suppress(test) {
		get_in_each_way(kp, GFP_KERNEL | refused_of(test));
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 5);
	}
}
#else
static void a_refused_flag_warns_with_debug_vm(struct kunit *test)
{
	kunit_skip(test, "needs CONFIG_DEBUG_VM, and a kernel that can suppress warnings");
}
#endif

static struct kt_pool *new_debugged(struct kunit *test, unsigned int objs)
{
	bool was = pcpool_debug_default;
	struct kt_pool *kp;

	pcpool_debug_default = true;
	kp = kt_new(test, objs);
	pcpool_debug_default = was;
	return kp;
}

static void debug_mode_reports_a_refused_flag(struct kunit *test)
{
	struct kt_pool *kp = new_debugged(test, 2);
	const struct gfp_param *p = test->param_value;
	struct kmsg_dump_iter mark, again;
	unsigned int i;
	void *obj;

	/* A miss, and a hit. */
	for (i = 1; i <= 2; i++) {
		kt_log_mark(&mark);
		again = mark;
		obj = kt_note_get(kp, __pcpool_get(kp->pool, p->gfp), KT_ME);
		KUNIT_EXPECT_EQ(test, kt_stats(kp).misuses, i);
		KUNIT_EXPECT_TRUE(test, kt_logged(&mark, "get by debug_mode_reports"));
		/* Some of the names have no underscores in the log. */
		KUNIT_EXPECT_TRUE(test, kt_logged(&again, p->name + strlen("__")));
		kt_put(kp, obj, KT_ME);
	}
	kt_put(kp, kt_get(kp, GFP_KERNEL | __GFP_ACCOUNT | __GFP_NOFAIL, KT_ME), KT_ME);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).misuses, 2);
	/* They were meant. */
	atomic_long_set(&kp->core->misuses, 0);
}

/* --- Memory cgroups ---------------------------------------------------------------------- */

static void an_object_is_not_charged_to_a_cgroup(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 2, .name = "kunit-account");
	struct kmsg_dump_iter mark, again;
	void *first, *second;

	kt_log_mark(&mark);
	first = kt_get(kp, GFP_KERNEL_ACCOUNT, KT_ME);
	KUNIT_EXPECT_EQ(test, kp->gfp, GFP_KERNEL);
	KUNIT_EXPECT_TRUE(test, kt_logged(&mark, "kunit-account: __GFP_ACCOUNT is ignored"));
	/* Once a pool. */
	kt_log_mark(&again);
	second = kt_get(kp, GFP_KERNEL_ACCOUNT, KT_ME);
	KUNIT_EXPECT_EQ(test, kp->gfp, GFP_KERNEL);
	if (IS_ENABLED(CONFIG_PRINTK))
		KUNIT_EXPECT_FALSE(test, kt_logged(&again, "kunit-account"));
	kt_put(kp, first, KT_ME);
	kt_put(kp, second, KT_ME);
}

/* --- Buffers, whose size pcpool knows ------------------------------------------------------ */

#define BUF_BYTES	500u

struct zero_param {
	unsigned int flags;
	size_t bytes;
	char name[40];
};

static const struct zero_param zeroes[] = {
	{ 0, BUF_BYTES, "a class" },
	{ PCPOOL_ZERO_ON_PUT, BUF_BYTES, "a class, cleared at a put" },
	{ PCPOOL_BYPASS, BUF_BYTES, "a class, bypassed" },
	{ 0, SZ_8K + 1, "a large buffer" },
	{ PCPOOL_ZERO_ON_PUT, SZ_8K + 1, "a large buffer, cleared" },
};

KUNIT_ARRAY_PARAM_DESC(zero, zeroes, name);

static void a_zeroed_buffer_is_zero_up_to_its_capacity(struct kunit *test)
{
	const struct zero_param *p = test->param_value;
	const struct pcpool_buf_params params = {
		.name = "kunit-zero", .min_bytes = 256, .max_bytes = SZ_4K, .flags = p->flags,
	};
	struct pcpool_buf_set *set = pcpool_buf_create(&params);
	struct pcpool_buf *buf;
	unsigned int i;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, set);
	/* A miss first, then hits. */
	for (i = 0; i < 4; i++) {
		buf = pcpool_buf_get(set, p->bytes, GFP_KERNEL | __GFP_ZERO);
		if (!buf)
			break;
		KUNIT_EXPECT_NULL(test, memchr_inv(buf->data, 0, buf->capacity));
		memset(buf->data, 0xaa, buf->capacity);
		pcpool_buf_put(buf);
	}
	KUNIT_EXPECT_EQ(test, i, 4);
	pcpool_buf_destroy(set);
}

static void a_buffer_cleared_at_puts_is_zero_when_new(struct kunit *test)
{
	const struct pcpool_buf_params params = {
		.name = "kunit-zero", .min_bytes = 256, .max_bytes = SZ_64K, .halves = true,
		.flags = PCPOOL_ZERO_ON_PUT,
	};
	struct pcpool_buf_set *set = pcpool_buf_create(&params);
	struct pcpool_buf *buf;
	size_t bytes;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, set);
	/* The last one is beyond the largest class. */
	for (bytes = 256; bytes <= SZ_128K; bytes += bytes / 2) {
		buf = pcpool_buf_get(set, bytes, GFP_KERNEL);
		KUNIT_EXPECT_NOT_NULL(test, buf);
		if (buf)
			KUNIT_EXPECT_NULL(test, memchr_inv(buf->data, 0, buf->capacity));
		pcpool_buf_put(buf);
	}
	pcpool_buf_destroy(set);
}

/* --- A reserve: try quickly, use the reserve, then try with all flags ------------------------ */

#define WAIT_FLAGS	(__GFP_DIRECT_RECLAIM | __GFP_IO)
#define QUICK_FLAGS	(__GFP_NORETRY | __GFP_NOMEMALLOC | __GFP_NOWARN)

/* Memory is short: only an allocation that reclaims succeeds. */
static void *reclaiming_alloc(gfp_t gfp, void *ctx)
{
	struct kt_pool *kp = ctx;

	if (gfpflags_allow_blocking(gfp))
		return kt_ops.alloc(gfp, ctx);
	WRITE_ONCE(kp->gfp, gfp);
	atomic_inc(&kp->failed_allocs);
	return NULL;
}

static struct kt_pool *new_reserve(struct kunit *test, void *(*alloc)(gfp_t gfp, void *ctx))
{
	static struct pcpool_ops ops;
	struct kt_pool *kp;

	ops = kt_ops;
	ops.alloc = alloc;
	kp = kt_new(test, 8, .ops = &ops, .reserve = 2);
	kt_hold_worker(kp);
	return kp;
}

static void a_get_tries_without_reclaim_before_the_reserve(struct kunit *test)
{
	struct kt_pool *kp = new_reserve(test, kt_ops.alloc);
	void *obj = kt_get(kp, GFP_KERNEL | __GFP_NOFAIL, KT_ME);

	KUNIT_EXPECT_EQ(test, kp->gfp, (GFP_KERNEL & ~WAIT_FLAGS) | QUICK_FLAGS);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).miss, 1);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).idle_reserve, 2);
	kt_put(kp, obj, KT_ME);
}

static void a_get_reclaims_only_when_the_reserve_is_empty(struct kunit *test)
{
	struct kt_pool *kp = new_reserve(test, reclaiming_alloc);
	struct pcpool_pool_stats s;
	void *objs[3];

	objs[0] = kt_get(kp, GFP_KERNEL, KT_ME);
	KUNIT_EXPECT_EQ(test, kp->gfp & WAIT_FLAGS, 0);
	s = kt_stats(kp);
	KUNIT_EXPECT_EQ(test, s.idle_reserve, 1);
	objs[1] = kt_get(kp, GFP_KERNEL, KT_ME);
	KUNIT_EXPECT_EQ(test, kp->gfp & WAIT_FLAGS, 0);
	s = kt_stats(kp);
	KUNIT_EXPECT_EQ(test, s.idle_reserve, 0);
	KUNIT_EXPECT_EQ(test, s.miss, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->failed_allocs), 2);
	objs[2] = kt_get(kp, GFP_KERNEL, KT_ME);
	KUNIT_EXPECT_EQ(test, kp->gfp, GFP_KERNEL | QUICK_FLAGS);
	s = kt_stats(kp);
	KUNIT_EXPECT_EQ(test, s.miss, 1);
	KUNIT_EXPECT_EQ(test, s.alloc_fail, 0);
	KUNIT_EXPECT_EQ(test, s.waits, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->failed_allocs), 2);
	kt_put_many(kp, 3, objs);
}

/* While the first attempt of a get fails, other gets use up the reserve. */
static void *losing_alloc(gfp_t gfp, void *ctx)
{
	struct kt_pool *kp = ctx;
	void **objs = READ_ONCE(kp->arg);

	if (objs && !gfpflags_allow_blocking(gfp)) {
		WRITE_ONCE(kp->arg, NULL);
		objs[0] = kt_get(kp, GFP_NOWAIT, KT_ME);
		objs[1] = kt_get(kp, GFP_NOWAIT, KT_ME);
		WRITE_ONCE(kp->arg, objs);
	}
	return reclaiming_alloc(gfp, ctx);
}

static void a_get_tries_again_if_the_reserve_was_used_up(struct kunit *test)
{
	struct kt_pool *kp = new_reserve(test, losing_alloc);
	void *objs[3] = { };

	kp->arg = objs;
	objs[2] = kt_get(kp, GFP_KERNEL, KT_ME);
	KUNIT_ASSERT_NOT_NULL(test, objs[0]);
	KUNIT_ASSERT_NOT_NULL(test, objs[1]);
	KUNIT_ASSERT_NOT_NULL(test, objs[2]);
	KUNIT_EXPECT_EQ(test, kp->gfp, GFP_KERNEL | QUICK_FLAGS);
	/* Two by the other gets, one by the first attempt; none was a get that failed. */
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->failed_allocs), 3);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).alloc_fail, 0);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).miss, 1);
	kt_put_many(kp, 3, objs);
}

static void a_get_that_must_not_wait_tries_once(struct kunit *test)
{
	struct kt_pool *kp = new_reserve(test, reclaiming_alloc);
	void *objs[2];

	objs[0] = kt_get(kp, GFP_NOWAIT, KT_ME);
	objs[1] = kt_get(kp, GFP_NOWAIT, KT_ME);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->failed_allocs), 2);
	KUNIT_EXPECT_NULL(test, kt_get(kp, GFP_NOWAIT, KT_ME));
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->failed_allocs), 3);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).alloc_fail, 1);
	KUNIT_EXPECT_EQ(test, PTR_ERR(pcpool_get_timeout(kp->pool, GFP_NOWAIT, 0)), -ENOMEM);
	kt_put_many(kp, 2, objs);
}

/* --- The context ----------------------------------------------------------------------------- */

#define SPLAT	"BUG: sleeping function called from invalid context"

/* tests/vm/noise expects reports of a task of this name. */
#define SPLATTER	"expected_splat"

enum get_function { GET, GET_LOCAL, GET_TIMEOUT, GET_BULK, BUF_GET, NR_GETS };

static const char * const get_names[] = {
	"pcpool_get", "pcpool_get_local", "pcpool_get_timeout", "pcpool_get_bulk",
	"pcpool_buf_get",
};

struct splatter {
	struct kt_pool *kp;
	struct pcpool_buf_set *set;
	enum get_function function;
	gfp_t gfp;
	struct completion done;
};

/* A hit, under a spinlock. */
static int get_under_a_spinlock(void *data)
{
	static DEFINE_RAW_SPINLOCK(lock);
	struct splatter *s = data;
	struct pcpool_buf *buf;
	void *obj = NULL;

	raw_spin_lock(&lock);
	switch (s->function) {
	case GET:
		obj = kt_get(s->kp, s->gfp, KT_ME);
		break;
	case GET_LOCAL:
		obj = kt_get_local(s->kp, s->gfp, KT_ME);
		break;
	case GET_TIMEOUT:
		obj = kt_note_get(s->kp, pcpool_get_timeout(s->kp->pool, s->gfp, 0), KT_ME);
		break;
	case GET_BULK:
		if (kt_get_bulk(s->kp, s->gfp, 1, &obj, KT_ME) != 1)
			obj = NULL;
		break;
	default:
		buf = pcpool_buf_get(s->set, 100, s->gfp);
		pcpool_buf_put(buf);
	}
	raw_spin_unlock(&lock);
	if (obj)
		kt_put(s->kp, obj, KT_ME);
	kthread_complete_and_exit(&s->done, 0);
	return 0;
}

static void run_splatter(struct kunit *test, struct splatter *s, const char *name)
{
	struct task_struct *task;

	init_completion(&s->done);
	task = kthread_create(get_under_a_spinlock, s, "%s", name);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, task);
	/* Where the idle objects are. */
	kthread_bind(task, raw_smp_processor_id());
	wake_up_process(task);
	wait_for_completion(&s->done);
}

static void a_hit_where_sleeping_is_forbidden_is_reported(struct kunit *test)
{
	const struct pcpool_buf_params params = {
		.name = "kunit-splat", .min_bytes = 256, .max_bytes = 256,
	};
	struct splatter s = { };
	struct kmsg_dump_iter mark;
	unsigned int i;

	if (!IS_ENABLED(CONFIG_DEBUG_ATOMIC_SLEEP))
		kunit_skip(test, "needs CONFIG_DEBUG_ATOMIC_SLEEP");
	kt_move_to(test, kt_cpu(test, 0));
	s.kp = kt_new(test, 4);
	kt_make_idle(s.kp, 4);
	s.set = pcpool_buf_create(&params);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, s.set);
	pcpool_buf_put(pcpool_buf_get(s.set, 100, GFP_KERNEL));
	for (i = 0; i < NR_GETS; i++) {
		s.function = i;
		/* With these flags it is right. */
		s.gfp = GFP_ATOMIC;
		kt_log_mark(&mark);
		run_splatter(test, &s, "no_splat");
		KUNIT_EXPECT_FALSE_MSG(test, kt_logged(&mark, SPLAT), "%s", get_names[i]);
		/* The kernel reports one in a second. */
		msleep(1100);
		s.gfp = GFP_KERNEL;
		kt_log_mark(&mark);
		run_splatter(test, &s, SPLATTER);
		KUNIT_EXPECT_TRUE_MSG(test, kt_logged(&mark, SPLAT), "%s", get_names[i]);
	}
	KUNIT_EXPECT_EQ(test, kt_stats(s.kp).miss, 4);
	pcpool_buf_destroy(s.set);
}

static struct kunit_case gfp_cases[] = {
	KUNIT_CASE_PARAM(a_miss_does_not_honour_what_a_hit_cannot, refused_gen_params),
	KUNIT_CASE_PARAM(a_refused_flag_warns_with_debug_vm, refused_gen_params),
	KUNIT_CASE_PARAM(debug_mode_reports_a_refused_flag, refused_gen_params),
	KUNIT_CASE(an_object_is_not_charged_to_a_cgroup),
	KUNIT_CASE_PARAM(a_zeroed_buffer_is_zero_up_to_its_capacity, zero_gen_params),
	KUNIT_CASE(a_buffer_cleared_at_puts_is_zero_when_new),
	KUNIT_CASE(a_get_tries_without_reclaim_before_the_reserve),
	KUNIT_CASE(a_get_reclaims_only_when_the_reserve_is_empty),
	KUNIT_CASE(a_get_tries_again_if_the_reserve_was_used_up),
	KUNIT_CASE(a_get_that_must_not_wait_tries_once),
	KUNIT_CASE(a_hit_where_sleeping_is_forbidden_is_reported),
	{}
};

static struct kunit_suite gfp_suite = {
	.name = "pcpool_gfp",
	.test_cases = gfp_cases,
};

kunit_test_suite(gfp_suite);
