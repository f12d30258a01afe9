// SPDX-License-Identifier: GPL-2.0
/*
 * Parameters: what pcpool_create() refuses, and what it makes of what it takes.
 */
#include <linux/err.h>

#include "common.h"

static void *no_alloc(gfp_t gfp, void *ctx)
{
	return NULL;
}

static void no_free(void *obj, void *ctx)
{
}

static const struct pcpool_ops good_ops = { .alloc = no_alloc, .free = no_free };
static const struct pcpool_ops ops_without_alloc = { .free = no_free };
static const struct pcpool_ops ops_without_free = { .alloc = no_alloc };

#define GOOD	.name = "kunit-params", .ops = &good_ops, .object_bytes = 100

struct bad {
	char what[40];
	struct pcpool_params params;
};

/* Each is good but for what it is named after: later initialisers win. */
#define BAD(title, ...)	{ title, { GOOD, __VA_ARGS__ } }

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
static const struct bad bads[] = {
	BAD("no name", .name = NULL),
	BAD("empty name", .name = ""),
	BAD("name of 32 characters", .name = "12345678901234567890123456789012"),
	BAD("long name", .name = "kunit-params-kunit-params-kunit-params-kunit-params"),
	BAD("name with a slash", .name = "a/b"),
	BAD("name with a space", .name = "a b"),
	BAD("name with a newline", .name = "a\n"),
	BAD("name with a percent sign", .name = "%s"),
	BAD("name beyond ASCII", .name = "p\xc3\xb6l"),
	BAD("name .", .name = "."),
	BAD("name ..", .name = ".."),
	BAD("name pools", .name = "pools"),
	BAD("name snapshot", .name = "snapshot"),
	BAD("no ops", .ops = NULL),
	BAD("no alloc", .ops = &ops_without_alloc),
	BAD("no free", .ops = &ops_without_free),
	BAD("object_bytes 0", .object_bytes = 0),
	BAD("object_bytes -1", .object_bytes = SIZE_MAX),
	BAD("private_slots 65", .private_slots = 65),
	BAD("private_slots -1", .private_slots = UINT_MAX),
	BAD("steal 3", .steal = 3),
	BAD("steal -1", .steal = -1),
	BAD("unknown flag", .flags = 0x2),
	BAD("unknown flag among known", .flags = PCPOOL_FREE_MAY_SLEEP | 1u << 31),
	BAD("max_object_bytes", .max_object_bytes = 1),
	BAD("max_idle", .max_idle = 1),
	BAD("max_total", .max_total = 1),
	BAD("reserve", .reserve = 1),
};

#pragma GCC diagnostic pop

KUNIT_ARRAY_PARAM_DESC(bad, bads, what);

static void a_bad_parameter_is_refused(struct kunit *test)
{
	const struct bad *bad = test->param_value;
	struct pcpool *pool = pcpool_create(&bad->params);

	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(pool), -EINVAL);
	if (!IS_ERR(pool))
		pcpool_destroy(pool);
}

static void no_parameters_are_refused(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, PTR_ERR(pcpool_create(NULL)), -EINVAL);
}

struct good {
	char what[40];
	struct pcpool_params params;
};

static const struct good goods[] = {
	{ "the least", { GOOD } },
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
};

KUNIT_ARRAY_PARAM_DESC(good, goods, what);

static void a_good_parameter_is_taken(struct kunit *test)
{
	const struct good *good = test->param_value;
	struct pcpool *pool = pcpool_create(&good->params);
	struct pcpool_pool_stats s;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pool);
	pcpool_stats(pool, &s);
	KUNIT_EXPECT_STREQ(test, s.name, good->params.name);
	KUNIT_EXPECT_EQ(test, s.object_bytes, good->params.object_bytes);
	KUNIT_EXPECT_EQ(test, s.steal, good->params.steal);
	KUNIT_EXPECT_EQ(test, s.flags, good->params.flags);
	if (good->params.private_slots)
		KUNIT_EXPECT_EQ(test, s.private_slots,
				good->params.private_slots);
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

static void a_name_is_taken_as_long_as_its_pool_lives(struct kunit *test)
{
	static const struct pcpool_params params = { GOOD };
	struct pcpool *pool = pcpool_create(&params), *second;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pool);
	second = pcpool_create(&params);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(second), -EEXIST);
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

/* As many as hold 64 KiB of objects, but at least 1 and at most 16. */
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
	{ LONG_MAX, 1, "as big as can be" },
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
	/* And that is how many there are. */
	kt_on(test, kt_cpu(test, 0));
	cpu = raw_smp_processor_id();
	objs = kt_get_many(kp, rule->slots);
	for (i = 0; i < rule->slots; i++)
		kt_put(kp, objs[i], KT_ME);
	KUNIT_EXPECT_EQ(test, pcpool_slots_count(kp->core, cpu), rule->slots);
	kt_make_idle(kp, rule->slots + 1);
	KUNIT_EXPECT_EQ(test, pcpool_slots_count(kp->core, cpu), 1);
}

static struct kunit_case params_cases[] = {
	KUNIT_CASE_PARAM(a_bad_parameter_is_refused, bad_gen_params),
	KUNIT_CASE(no_parameters_are_refused),
	KUNIT_CASE_PARAM(a_good_parameter_is_taken, good_gen_params),
	KUNIT_CASE(the_name_is_copied),
	KUNIT_CASE(a_name_is_taken_as_long_as_its_pool_lives),
	KUNIT_CASE_PARAM(private_slots_follow_from_the_size, rule_gen_params),
	{}
};

static struct kunit_suite params_suite = {
	.name = "pcpool_params",
	.test_cases = params_cases,
};

kunit_test_suites(&params_suite);
