// SPDX-License-Identifier: GPL-2.0
/*
 * Parameters: which ones pcpool_create() refuses, and which settings follow from those
 * it accepts.
 */
#include <linux/err.h>
#include <linux/slab.h>

#include "common.h"

static void *no_alloc(gfp_t gfp, void *ctx)
{
	return NULL;
}

static void no_free(void *obj, void *ctx)
{
}

/* For pools with a reserve, which is allocated at creation. */
static atomic_t alive, allocs_left;

static void *some_alloc(gfp_t gfp, void *ctx)
{
	void *obj;

	if (atomic_dec_if_positive(&allocs_left) < 0)
		return NULL;
	obj = kmalloc(100, gfp);
	if (obj)
		atomic_inc(&alive);
	return obj;
}

static void some_free(void *obj, void *ctx)
{
	atomic_dec(&alive);
	kfree(obj);
}

static size_t some_bytes(const void *obj, void *ctx)
{
	return 100;
}

static const struct pcpool_ops good_ops = { .alloc = no_alloc, .free = no_free };
static const struct pcpool_ops counting_ops = { .alloc = some_alloc, .free = some_free };
static const struct pcpool_ops measuring_ops = {
	.alloc = no_alloc, .free = no_free, .bytes = some_bytes };
static const struct pcpool_ops ops_without_alloc = { .free = no_free };
static const struct pcpool_ops ops_without_free = { .alloc = no_alloc };

#define GOOD	.name = "kunit-params", .ops = &good_ops, .object_bytes = 100

struct bad {
	char what[40];
	const char *says;	/* text of the log message */
	struct pcpool_params params;
};

/* All other parameters are valid: the later initialiser overrides the one in GOOD. */
#define BAD(title, text, ...)	{ title, "pcpool: " text, { GOOD, __VA_ARGS__ } }

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
static const struct bad bads[] = {
	BAD("no name", "pcpool_create: name is NULL",
	    .name = NULL),
	BAD("empty name", "pcpool_create: name \"\" is not 1 to 31 characters",
	    .name = ""),
	BAD("name of 32 characters", "pcpool_create: name \"12345678901234567890123456789012\" is not",
	    .name = "12345678901234567890123456789012"),
	BAD("long name", "pcpool_create: name \"kunit-params-kunit-params-",
	    .name = "kunit-params-kunit-params-kunit-params-kunit-params"),
	BAD("name with a slash", "pcpool_create: name \"a/b\" is not",
	    .name = "a/b"),
	BAD("name with a space", "pcpool_create: name \"a b\" is not",
	    .name = "a b"),
	BAD("name with a newline", "pcpool_create: name \"a\\n\" is not",
	    .name = "a\n"),
	BAD("name with a percent sign", "pcpool_create: name \"%s\" is not",
	    .name = "%s"),
	BAD("name beyond ASCII", "pcpool_create: name \"p\xc3\xb6l\" is not",
	    .name = "p\xc3\xb6l"),
	BAD("name .", "pcpool_create: name \".\" is not",
	    .name = "."),
	BAD("name ..", "pcpool_create: name \"..\" is not",
	    .name = ".."),
	BAD("name pools", "pcpool_create: name \"pools\" is not",
	    .name = "pools"),
	BAD("name snapshot", "pcpool_create: name \"snapshot\" is not",
	    .name = "snapshot"),
	BAD("no ops", "kunit-params: ops is NULL",
	    .ops = NULL),
	BAD("no alloc", "kunit-params: ops->alloc is NULL",
	    .ops = &ops_without_alloc),
	BAD("no free", "kunit-params: ops->free is NULL",
	    .ops = &ops_without_free),
	BAD("object_bytes 0", "kunit-params: object_bytes is 0",
	    .object_bytes = 0),
	BAD("object_bytes -1", "kunit-params: object_bytes 18446744073709551615 is absurd",
	    .object_bytes = SIZE_MAX),
	BAD("object_bytes beyond LONG_MAX", "kunit-params: object_bytes 9223372036854775808 is absurd",
	    .object_bytes = LONG_MAX + 1ul),
	BAD("private_slots 65", "kunit-params: private_slots 65 is more than 64",
	    .private_slots = 65),
	BAD("private_slots -1", "kunit-params: private_slots 4294967295 is more than 64",
	    .private_slots = UINT_MAX),
	BAD("steal 3", "kunit-params: steal 3 is unknown",
	    .steal = 3),
	BAD("steal -1", "kunit-params: steal 4294967295 is unknown",
	    .steal = -1),
	BAD("flag after the last", "kunit-params: flags 0x20 has",
	    .flags = PCPOOL_FREE_ATOMIC << 1),
	BAD("free atomic and free may sleep",
	    "kunit-params: flags 0x11 has PCPOOL_FREE_ATOMIC and PCPOOL_FREE_MAY_SLEEP,",
	    .flags = PCPOOL_FREE_ATOMIC | PCPOOL_FREE_MAY_SLEEP),
	BAD("unknown flag", "kunit-params: flags 0x40000000 has",
	    .flags = 1u << 30),
	BAD("unknown flag among known", "kunit-params: flags 0x80000001 has",
	    .flags = PCPOOL_FREE_MAY_SLEEP | 1u << 31),
	BAD("max_object_bytes without bytes", "kunit-params: max_object_bytes is 100, but ops->bytes is NULL",
	    .max_object_bytes = 100),
	BAD("max_object_bytes below object_bytes", "kunit-params: max_object_bytes 99 is less than object_bytes 100",
	    .ops = &measuring_ops,
	    .max_object_bytes = 99),
	BAD("max_idle -1", "kunit-params: max_idle 18446744073709551615 is absurd",
	    .max_idle = ULONG_MAX),
	BAD("max_idle beyond LONG_MAX", "kunit-params: max_idle 9223372036854775808 is absurd",
	    .max_idle = LONG_MAX + 1ul),
	BAD("max_total -1", "kunit-params: max_total 18446744073709551615 is absurd",
	    .max_total = ULONG_MAX),
	BAD("max_total beyond LONG_MAX", "kunit-params: max_total 9223372036854775808 is absurd",
	    .max_total = LONG_MAX + 1ul),
	BAD("reserve -1", "kunit-params: reserve 18446744073709551615 is more than 1000000",
	    .reserve = ULONG_MAX),
	BAD("reserve of more than a million", "kunit-params: reserve 1000001 is more than 1000000",
	    .reserve = 1000001),
	BAD("reserve above max_idle", "kunit-params: reserve 3 is more than max_idle 2",
	    .max_idle = 2, .reserve = 3),
	BAD("reserve above max_total", "kunit-params: reserve 3 is more than max_total 2",
	    .max_total = 2, .reserve = 3),
	BAD("reserve above max_idle, below max_total", "kunit-params: reserve 3 is more than max_idle 2",
	    .max_idle = 2, .max_total = 5,
	    .reserve = 3),
};

#pragma GCC diagnostic pop

KUNIT_ARRAY_PARAM_DESC(bad, bads, what);

static void a_bad_parameter_is_refused(struct kunit *test)
{
	const struct bad *bad = test->param_value;
	struct kmsg_dump_iter mark;
	struct pcpool *pool;

	kt_log_mark(&mark);
	pool = pcpool_create(&bad->params);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(pool), -EINVAL);
	KUNIT_EXPECT_TRUE_MSG(test, kt_logged(&mark, bad->says), "the log has no \"%s\"",
			      bad->says);
	if (!IS_ERR(pool))
		pcpool_destroy(pool);
}

static void null_parameters_are_refused(struct kunit *test)
{
	struct kmsg_dump_iter mark;

	kt_log_mark(&mark);
	KUNIT_EXPECT_EQ(test, PTR_ERR(pcpool_create(NULL)), -EINVAL);
	KUNIT_EXPECT_TRUE(test, kt_logged(&mark, "pcpool_create: params is NULL"));
}

struct good {
	char what[40];
	struct pcpool_params params;
};

#define MEASURED .name = "kunit-params", .ops = &measuring_ops, .object_bytes = 100
#define COUNTING	.name = "kunit-params", .ops = &counting_ops, .object_bytes = 100

static const struct good goods[] = {
	{ "required parameters only", { GOOD } },
	{ "name of 31 characters", {
		.name = "1234567890123456789012345678901",
		.ops = &good_ops, .object_bytes = 1 } },
	{ "name of one character", {
		.name = "-", .ops = &good_ops, .object_bytes = 1 } },
	{ "name of all kinds of characters", {
		.name = "aZ09_.-", .ops = &good_ops, .object_bytes = 1 } },
	{ "name that begins with a reserved one", {
		.name = "pools2", .ops = &good_ops, .object_bytes = 1 } },
	{ "one private slot", { GOOD, .private_slots = 1 } },
	{ "64 private slots", { GOOD, .private_slots = 64 } },
	{ "steal node", { GOOD, .steal = PCPOOL_STEAL_NODE } },
	{ "steal none", { GOOD, .steal = PCPOOL_STEAL_NONE } },
	{ "free may sleep", { GOOD, .flags = PCPOOL_FREE_MAY_SLEEP } },
	{ "free atomic", { GOOD, .flags = PCPOOL_FREE_ATOMIC } },
	{ "bypass", { GOOD, .flags = PCPOOL_BYPASS } },
	{ "zero on put", { GOOD, .flags = PCPOOL_ZERO_ON_PUT } },
	{ "all flags", { GOOD, .flags = PCPOOL_FREE_MAY_SLEEP | PCPOOL_BYPASS |
					PCPOOL_ZERO_ON_PUT } },
	{ "max_object_bytes equal to object_bytes", {
		MEASURED, .max_object_bytes = 100 } },
	{ "max_object_bytes at its maximum", {
		MEASURED, .max_object_bytes = SIZE_MAX } },
	{ "bytes, but no max_object_bytes", { MEASURED } },
	{ "max_idle 1", { GOOD, .max_idle = 1 } },
	{ "max_idle 1000", { GOOD, .max_idle = 1000, .private_slots = 3 } },
	{ "max_idle at its maximum", { GOOD, .max_idle = LONG_MAX } },
	{ "max_total 1", { GOOD, .max_total = 1 } },
	{ "max_total at its maximum", { GOOD, .max_total = LONG_MAX } },
	{ "max_total below max_idle", { GOOD, .max_idle = 1000, .max_total = 10 } },
	{ "reserve", { COUNTING, .reserve = 100 } },
	{ "reserve equal to max_idle", { COUNTING, .reserve = 100, .max_idle = 100 } },
	{ "reserve equal to max_total", { COUNTING, .reserve = 100, .max_total = 100 } },
	{ "all bounds", { COUNTING, .reserve = 1, .max_idle = 2, .max_total = 3 } },
};

KUNIT_ARRAY_PARAM_DESC(good, goods, what);

static void a_good_parameter_is_accepted(struct kunit *test)
{
	const struct good *good = test->param_value;
	struct pcpool_pool_stats s;
	struct pcpool *pool;

	atomic_set(&allocs_left, good->params.reserve);
	pool = pcpool_create(&good->params);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pool);
	pcpool_stats(pool, &s);
	KUNIT_EXPECT_STREQ(test, s.name, good->params.name);
	KUNIT_EXPECT_EQ(test, s.object_bytes, good->params.object_bytes);
	KUNIT_EXPECT_EQ(test, s.steal, good->params.steal);
	KUNIT_EXPECT_EQ(test, s.flags, good->params.flags);
	KUNIT_EXPECT_EQ(test, s.max_object_bytes, good->params.max_object_bytes);
	KUNIT_EXPECT_EQ(test, s.max_idle, good->params.max_idle);
	KUNIT_EXPECT_EQ(test, s.max_total, good->params.max_total);
	KUNIT_EXPECT_EQ(test, s.reserve, good->params.reserve);
	if (good->params.private_slots)
		KUNIT_EXPECT_EQ(test, s.private_slots,
				good->params.private_slots);
	pcpool_destroy(pool);
}

static void the_reserve_is_allocated_at_creation(struct kunit *test)
{
	static const struct pcpool_params params = { COUNTING, .reserve = 7 };
	struct pcpool_pool_stats s;
	struct pcpool *pool;

	atomic_set(&alive, 0);
	atomic_set(&allocs_left, 100);
	pool = pcpool_create(&params);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pool);
	KUNIT_EXPECT_EQ(test, atomic_read(&alive), 7);
	pcpool_stats(pool, &s);
	KUNIT_EXPECT_EQ(test, s.idle_reserve, 7);
	KUNIT_EXPECT_EQ(test, s.allocs, 7);
	pcpool_destroy(pool);
	KUNIT_EXPECT_EQ(test, atomic_read(&alive), 0);
}

static void creation_fails_if_the_reserve_cannot_be_allocated(struct kunit *test)
{
	static const struct pcpool_params params = { COUNTING, .reserve = 7 };
	struct kmsg_dump_iter mark;
	struct pcpool *pool;

	atomic_set(&alive, 0);
	atomic_set(&allocs_left, 6);
	kt_log_mark(&mark);
	pool = pcpool_create(&params);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(pool), -ENOMEM);
	KUNIT_EXPECT_TRUE(test, kt_logged(&mark, "kunit-params: reserve 7: cannot allocate"));
	if (!IS_ERR(pool))
		pcpool_destroy(pool);
	/* It allocated some objects, and freed them all. */
	KUNIT_EXPECT_EQ(test, atomic_read(&allocs_left), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&alive), 0);
	/* The name is free again. */
	atomic_set(&allocs_left, 7);
	pool = pcpool_create(&params);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pool);
	pcpool_destroy(pool);
}

static void the_name_is_copied(struct kunit *test)
{
	struct pcpool_params params = { GOOD };
	struct pcpool_pool_stats s;
	char name[] = "kunit-copied";
	struct pcpool *pool;

	params.name = name;
	pool = pcpool_create(&params);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pool);
	memset(name, 'x', sizeof(name) - 1);
	pcpool_stats(pool, &s);
	KUNIT_EXPECT_STREQ(test, s.name, "kunit-copied");
	pcpool_destroy(pool);
}

static void a_name_is_in_use_until_its_pool_is_destroyed(struct kunit *test)
{
	static const struct pcpool_params params = { GOOD };
	struct pcpool *pool = pcpool_create(&params), *second;
	struct kmsg_dump_iter mark;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pool);
	kt_log_mark(&mark);
	second = pcpool_create(&params);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(second), -EEXIST);
	KUNIT_EXPECT_TRUE(test, kt_logged(&mark, "kunit-params: name is taken"));
	if (!IS_ERR(second))
		pcpool_destroy(second);
	pcpool_destroy(pool);
	pool = pcpool_create(&params);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pool);
	pcpool_destroy(pool);
}

struct rule {
	size_t bytes;
	unsigned int slots;
	char what[32];
};

/* The number of objects that fit in 64 KiB, but at least 1 and at most 16. */
static const struct rule rules[] = {
	{ 1, 16, "1 byte" },
	{ 4096, 16, "4 KiB" },
	{ 4097, 15, "4 KiB and a byte" },
	{ 8192, 8, "8 KiB" },
	{ 8193, 7, "8 KiB and a byte" },
	{ 16384, 4, "16 KiB" },
	{ 21845, 3, "a third of 64 KiB" },
	{ 32768, 2, "32 KiB" },
	{ 32769, 1, "32 KiB and a byte" },
	{ 65536, 1, "64 KiB" },
	{ 65537, 1, "64 KiB and a byte" },
	{ 1 << 20, 1, "1 MiB" },
	{ LONG_MAX, 1, "the maximum" },
};

KUNIT_ARRAY_PARAM_DESC(rule, rules, what);

static void private_slots_follow_from_the_size(struct kunit *test)
{
	const struct rule *rule = test->param_value;
	struct kt_pool *kp = kt_new(test, 20, .object_bytes = rule->bytes);
	unsigned int i;
	void **objs;
	int cpu;

	KUNIT_EXPECT_EQ(test, kt_stats(kp).private_slots, rule->slots);
	/* The CPU really has that many slots. */
	kt_move_to(test, kt_cpu(test, 0));
	cpu = raw_smp_processor_id();
	objs = kt_get_many(kp, rule->slots);
	for (i = 0; i < rule->slots; i++)
		kt_put(kp, objs[i], KT_ME);
	KUNIT_EXPECT_EQ(test, kt_in_slots(kp, cpu), rule->slots);
	kt_make_idle(kp, rule->slots + 1);
	KUNIT_EXPECT_EQ(test, kt_in_slots(kp, cpu), 1);
}

struct bound {
	char what[40];
	struct pcpool_params params;
	unsigned int idle_per_cpu;
	unsigned int slots;
};

/*
 * A waiter cannot find objects in private slots. With max_idle, room for what fits in private
 * slots is set aside: a twelfth of max_idle, or one object for each CPU.
 */
static const struct bound slot_bounds[] = {
	{ "max_total", { GOOD, .max_total = 100000, .private_slots = 8 } },
	{ "reserve", { COUNTING, .reserve = 1, .private_slots = 8 } },
	{ "max_idle 1", { GOOD, .max_idle = 1, .private_slots = 8 } },
	{ "max_idle 4 a CPU", { GOOD, .private_slots = 8 }, 4 },
	{ "max_idle 5 a CPU", { GOOD, .private_slots = 8 }, 5, 1 },
	{ "max_idle 32 a CPU", { GOOD, .private_slots = 8 }, 32, 2 },
	{ "max_idle 96 a CPU", { GOOD, .private_slots = 8 }, 96, 8 },
	{ "max_idle 5 a CPU, default slots", { GOOD }, 5, 1 },
	{ "max_idle 8 a CPU, default slots", { GOOD }, 8, 1 },
	{ "max_idle 31 a CPU, default slots", { GOOD }, 31, 2 },
	{ "max_idle 1000 a CPU, default slots", { GOOD }, 1000, 16 },
	{ "max_idle 1000 a CPU, of a reserve", { COUNTING, .reserve = 1 }, 1000, 0 },
};

KUNIT_ARRAY_PARAM_DESC(slot_bound, slot_bounds, what);

static void private_slots_follow_from_the_bounds(struct kunit *test)
{
	const struct bound *bound = test->param_value;
	struct pcpool_params params = bound->params;
	struct pcpool_pool_stats s;
	struct pcpool *pool;

	if (bound->idle_per_cpu)
		params.max_idle = bound->idle_per_cpu * num_possible_cpus();
	atomic_set(&allocs_left, params.reserve);
	pool = pcpool_create(&params);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pool);
	pcpool_stats(pool, &s);
	KUNIT_EXPECT_EQ(test, s.private_slots, bound->slots);
	pcpool_destroy(pool);
}

static struct kunit_case params_cases[] = {
	KUNIT_CASE_PARAM(a_bad_parameter_is_refused, bad_gen_params),
	KUNIT_CASE(null_parameters_are_refused),
	KUNIT_CASE_PARAM(a_good_parameter_is_accepted, good_gen_params),
	KUNIT_CASE(the_reserve_is_allocated_at_creation),
	KUNIT_CASE(creation_fails_if_the_reserve_cannot_be_allocated),
	KUNIT_CASE(the_name_is_copied),
	KUNIT_CASE(a_name_is_in_use_until_its_pool_is_destroyed),
	KUNIT_CASE_PARAM(private_slots_follow_from_the_size, rule_gen_params),
	KUNIT_CASE_PARAM(private_slots_follow_from_the_bounds, slot_bound_gen_params),
	{}
};

static struct kunit_suite params_suite = {
	.name = "pcpool_params",
	.test_cases = params_cases,
};

kunit_test_suites(&params_suite);
