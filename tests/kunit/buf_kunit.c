// SPDX-License-Identifier: GPL-2.0
/*
 * Sets of buffer pools: the class of a buffer, the pool it returns to, buffers beyond
 * the largest class, and the lifetime of a set.
 */
#include <linux/highmem.h>
#include <linux/kmemleak.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/pcpool_buf.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>
#include <linux/vmstat.h>

#include "common.h"

#define NAME	"kunit-buf"

/**
 * struct bufs - a set under test
 * @test: the case it belongs to
 * @before: an unused pool, created before those of the set
 * @set: the set; NULL after it was destroyed
 * @after: an unused pool, created after those of the set
 *
 * In the list of pools, the pools of the set are between the two.
 */
struct bufs {
	struct kunit *test;
	struct kt_pool *before;
	struct pcpool_buf_set *set;
	struct kt_pool *after;
};

/*
 * Create a set with these pcpool_buf_params. name has a default. The set is destroyed
 * when the case ends.
 */
#define new_bufs(test, ...)						\
	bufs_new((test), &(struct pcpool_buf_params){ __VA_ARGS__ })

static void destroy_bufs(void *data)
{
	struct bufs *bufs = data;

	pcpool_buf_destroy(bufs->set);
}

static struct bufs *bufs_new(struct kunit *test, const struct pcpool_buf_params *params)
{
	struct bufs *bufs = kunit_kzalloc(test, sizeof(*bufs), GFP_KERNEL);
	struct pcpool_buf_params p = *params;

	KUNIT_ASSERT_NOT_NULL(test, bufs);
	p.name = p.name ?: NAME;
	bufs->test = test;
	bufs->before = kt_new(test, 1);
	bufs->set = pcpool_buf_create(&p);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bufs->set);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, destroy_bufs, bufs));
	bufs->after = kt_new(test, 1);
	return bufs;
}

static void destroy(struct bufs *bufs)
{
	pcpool_buf_destroy(bufs->set);
	bufs->set = NULL;
}

static struct pcpool_buf *get(struct bufs *bufs, size_t bytes)
{
	struct pcpool_buf *buf = pcpool_buf_get(bufs->set, bytes, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(bufs->test, buf);
	return buf;
}

/* Return the pool that follows @core in the set (the first one after @before), or NULL. */
static struct pcpool_core *next_class(struct bufs *bufs, struct pcpool_core *core)
{
	core = list_next_entry(core, list);
	return core == bufs->after->core ? NULL : core;
}

/* Return the pool of the class with this capacity. */
static struct pcpool *class_pool(struct bufs *bufs, size_t capacity)
{
	struct pcpool_core *core = bufs->before->core;

	while ((core = next_class(bufs, core))) {
		if (core->object_bytes == capacity)
			return &core->pool;
	}
	KUNIT_FAIL_AND_ABORT(bufs->test, "there is no class of %zu bytes", capacity);
	return NULL;
}

/* Valid until the next call; a copy for each call would make large stack frames. */
static const struct pcpool_pool_stats *stats(struct bufs *bufs, size_t capacity)
{
	static struct pcpool_pool_stats s;

	pcpool_stats(class_pool(bufs, capacity), &s);
	return &s;
}

static u64 idle(struct bufs *bufs, size_t capacity)
{
	struct pcpool_pool_stats s = *stats(bufs, capacity);

	return s.idle_main + s.idle_victim;
}

static u64 requested(struct bufs *bufs, size_t capacity)
{
	return stats(bufs, capacity)->requested_bytes;
}

/*
 * Wait for the worker of this class. It frees buffers that were put where freeing is
 * not allowed.
 */
static void settle(struct bufs *bufs, size_t capacity)
{
	struct kt_pool kp = {
		.test = bufs->test,
		.core = pcpool_to_core(class_pool(bufs, capacity)),
	};

	kt_settle(&kp);
}

/* --- Classes ------------------------------------------------------------------- */

struct span {
	size_t min_bytes;
	size_t max_bytes;
	bool halves;
};

static const struct span spans[] = {
	{ 1, 1 }, { 1, 2 }, { 1, 100 }, { 3, 3 }, { 100, SZ_1M }, { SZ_4K, SZ_64K },
	{ 1025, SZ_4K + 1 },
	{ 1, 1, true }, { 1, 2, true }, { 1, 100, true }, { 3, 3, true }, { 100, SZ_1M, true },
	{ SZ_4K, SZ_64K, true }, { 1025, SZ_4K + 1, true },
};

static void span_desc(const struct span *span, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%zu to %zu%s", span->min_bytes, span->max_bytes,
		 span->halves ? ", halves" : "");
}

KUNIT_ARRAY_PARAM(span, spans, span_desc);

#define CLASSES_MAX	64

/* List the expected classes, smallest first. Returns their number. */
static unsigned int list_classes(const struct span *span, size_t *capacities)
{
	size_t capacity = 1;
	unsigned int n = 0;

	/* No allocator has memory for less than 24 bytes, one and a half times 16. */
	while (capacity < span->min_bytes || (span->halves && capacity < 16))
		capacity *= 2;
	for (;; capacity *= 2) {
		capacities[n++] = capacity;
		if (capacity >= span->max_bytes)
			return n;
		if (!span->halves)
			continue;
		capacities[n++] = capacity + capacity / 2;
		if (capacities[n - 1] >= span->max_bytes)
			return n;
	}
}

static struct bufs *new_bufs_of_span(struct kunit *test)
{
	const struct span *span = test->param_value;

	return new_bufs(test, .min_bytes = span->min_bytes, .max_bytes = span->max_bytes,
			.halves = span->halves);
}

static void each_class_has_one_pool(struct kunit *test)
{
	struct bufs *bufs = new_bufs_of_span(test);
	struct pcpool_core *core = bufs->before->core;
	size_t capacities[CLASSES_MAX];
	unsigned int i = 0, n;

	n = list_classes(test->param_value, capacities);
	while ((core = next_class(bufs, core))) {
		KUNIT_ASSERT_LT(test, i, n);
		KUNIT_EXPECT_EQ(test, core->object_bytes, capacities[i]);
		i++;
	}
	KUNIT_EXPECT_EQ(test, i, n);
}

static const struct { size_t capacity; const char *name; } names[] = {
	{ 16, NAME "-16" }, { 24, NAME "-24" }, { 96, NAME "-96" }, { 768, NAME "-768" },
	{ SZ_1K, NAME "-1K" }, { 1536, NAME "-1536" }, { SZ_4K, NAME "-4K" },
	{ 6 * SZ_1K, NAME "-6K" }, { SZ_1M, NAME "-1024K" }, { 96 * SZ_1M, NAME "-98304K" },
	{ PCPOOL_BUF_MAX, NAME "-1048576K" },
};

static void a_pool_is_named_after_its_capacity(struct kunit *test)
{
	struct bufs *bufs = new_bufs(test, .min_bytes = 1, .max_bytes = PCPOOL_BUF_MAX,
				     .halves = true);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		KUNIT_EXPECT_STREQ(test, stats(bufs, names[i].capacity)->name, names[i].name);
}

static void the_longest_name_fits_the_largest_class(struct kunit *test)
{
	struct bufs *bufs = new_bufs(test, .name = "1234567890123456789012",
				     .min_bytes = PCPOOL_BUF_MAX, .max_bytes = PCPOOL_BUF_MAX);

	KUNIT_EXPECT_STREQ(test, stats(bufs, PCPOOL_BUF_MAX)->name,
			   "1234567890123456789012-1048576K");
}

static void expect_right_size(struct bufs *bufs, size_t bytes, const size_t *capacities,
			      unsigned int n)
{
	const struct span *span = bufs->test->param_value;
	struct pcpool_buf *buf = get(bufs, bytes);
	size_t waste = buf->capacity - bytes;
	struct kunit *test = bufs->test;
	unsigned int i;

	for (i = 0; i < n && capacities[i] < bytes; i++)
		;
	KUNIT_EXPECT_EQ_MSG(test, buf->capacity, i < n ? capacities[i] : bytes,
			    "%zu bytes", bytes);
	if (i && i < n)
		KUNIT_EXPECT_LE_MSG(test, waste, buf->capacity / (span->halves ? 3 : 2),
				    "%zu bytes", bytes);
	/* KASAN detects a buffer that is smaller than its capacity. */
	memset(buf->data, 0xa5, buf->capacity);
	pcpool_buf_put(buf);
}

/* Test all sizes up to SMALL, and a random sample of SAMPLES larger ones. */
#define SMALL	1000
#define SAMPLES	200

static void a_buffer_comes_from_the_smallest_class_that_fits(struct kunit *test)
{
	struct bufs *bufs = new_bufs_of_span(test);
	size_t capacities[CLASSES_MAX], bytes, largest;
	struct rnd_state rnd;
	unsigned int i, n;

	n = list_classes(test->param_value, capacities);
	largest = capacities[n - 1];
	for (bytes = 0; bytes <= min(largest + 3, SMALL); bytes++)
		expect_right_size(bufs, bytes, capacities, n);
	for (i = 0; i < n; i++) {
		bytes = max_t(size_t, capacities[i], 2) - 2;
		for (; bytes <= capacities[i] + 2; bytes++)
			expect_right_size(bufs, bytes, capacities, n);
	}
	prandom_seed_state(&rnd, 1);
	for (i = 0; i < SAMPLES; i++) {
		bytes = prandom_u32_state(&rnd) % (largest + largest / 8 + 1);
		expect_right_size(bufs, bytes, capacities, n);
	}
	for (i = 0; i < n; i++)
		KUNIT_EXPECT_EQ(test, stats(bufs, capacities[i])->outstanding, 0);
}

static void a_buffer_is_reused(struct kunit *test)
{
	struct bufs *bufs = new_bufs_of_span(test);
	size_t capacities[CLASSES_MAX];
	struct pcpool_buf *buf;
	unsigned int i, n;
	void *data;

	n = list_classes(test->param_value, capacities);
	kt_move_to(test, kt_cpu(test, 0));
	for (i = 0; i < n; i++) {
		buf = get(bufs, capacities[i]);
		data = buf->data;
		pcpool_buf_put(buf);
		/* The smallest size of this class. */
		buf = get(bufs, i ? capacities[i - 1] + 1 : 0);
		KUNIT_EXPECT_PTR_EQ(test, buf->data, data);
		KUNIT_EXPECT_EQ(test, buf->capacity, capacities[i]);
		pcpool_buf_put(buf);
		KUNIT_EXPECT_EQ(test, stats(bufs, capacities[i])->miss, 1);
		KUNIT_EXPECT_EQ(test, stats(bufs, capacities[i])->gets, 2);
	}
}

static void a_put_finds_the_class_from_the_buffer(struct kunit *test)
{
	struct bufs *bufs = new_bufs_of_span(test);
	struct pcpool_buf *buf[CLASSES_MAX];
	size_t capacities[CLASSES_MAX];
	unsigned int i, n, next;

	n = list_classes(test->param_value, capacities);
	for (i = 0; i < n; i++)
		buf[i] = get(bufs, capacities[i]);
	/* In an order that is neither ascending nor descending. */
	for (i = 0; i < n; i++) {
		next = i % 2 ? n - 1 - i / 2 : i / 2;
		KUNIT_EXPECT_EQ(test, idle(bufs, capacities[next]), 0);
		pcpool_buf_put(buf[next]);
		KUNIT_EXPECT_EQ(test, idle(bufs, capacities[next]), 1);
	}
	for (i = 0; i < n; i++) {
		KUNIT_EXPECT_EQ(test, stats(bufs, capacities[i])->puts, 1);
		KUNIT_EXPECT_EQ(test, stats(bufs, capacities[i])->outstanding, 0);
	}
}

/* --- The memory that a buffer takes ------------------------------------------------ */

static size_t memory_of(const struct pcpool_buf *buf)
{
	const struct page *page;

	if (is_vmalloc_addr(buf->data))
		return PAGE_ALIGN(buf->capacity);
	page = virt_to_page(buf->data);
	if (PageSlab(page) || PageCompound(page) || buf->capacity <= PAGE_SIZE)
		return ksize(buf->data);
	/* Single pages: those that free_pages_exact() frees. */
	return PAGE_ALIGN(buf->capacity);
}

static void a_buffer_takes_as_much_memory_as_its_capacity(struct kunit *test)
{
	struct bufs *bufs = new_bufs(test, .min_bytes = 16, .max_bytes = SZ_4M, .halves = true);
	struct pcpool_core *core = bufs->before->core;
	struct pcpool_buf *buf;
	unsigned int n = 0;

	while ((core = next_class(bufs, core))) {
		buf = get(bufs, core->object_bytes);
		KUNIT_EXPECT_EQ(test, memory_of(buf), core->object_bytes);
		/* As kmalloc() has it: the largest power of two in it. */
		KUNIT_EXPECT_EQ(test, (unsigned long)buf->data &
				(min(1ul << __ffs(buf->capacity), PAGE_SIZE) - 1), 0);
		pcpool_buf_put(buf);
		n++;
	}
	KUNIT_EXPECT_EQ(test, n, 2 * (22 - 4) + 1);
}

/* Free pages are not exact: CPUs keep some. So the buffers are many. */
#define NR_96K		300u
#define PAGES_96K	(SZ_64K * 3 / 2 / PAGE_SIZE)

static void half_of_a_class_is_half_of_its_pages(struct kunit *test)
{
	struct bufs *bufs = new_bufs(test, .min_bytes = SZ_64K, .max_bytes = SZ_128K,
				     .halves = true);
	struct pcpool_buf **buf = kunit_kcalloc(test, NR_96K, sizeof(*buf), GFP_KERNEL);
	unsigned long before, taken;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, buf);
	before = global_zone_page_state(NR_FREE_PAGES);
	for (i = 0; i < NR_96K; i++)
		buf[i] = get(bufs, SZ_64K + 1);
	taken = before - global_zone_page_state(NR_FREE_PAGES);
	KUNIT_EXPECT_GT(test, taken, NR_96K * PAGES_96K * 5 / 6);
	/* kmalloc() would have taken 4/3. */
	KUNIT_EXPECT_LT(test, taken, NR_96K * PAGES_96K * 7 / 6);
	for (i = 0; i < NR_96K; i++)
		pcpool_buf_put(buf[i]);
}

static void putting_null_does_nothing(struct kunit *test)
{
	pcpool_buf_put(NULL);
}

/* --- In any context ------------------------------------------------------------- */

KUNIT_ARRAY_PARAM(context, kt_contexts, kt_context_desc);

#define NR_BUFS	20u

struct load {
	struct bufs *bufs;
	size_t bytes;
	struct pcpool_buf *buf[NR_BUFS];
};

static void get_bufs(void *arg)
{
	struct load *load = arg;
	unsigned int i;

	for (i = 0; i < NR_BUFS; i++)
		load->buf[i] = pcpool_buf_get(load->bufs->set, load->bytes,
					      GFP_NOWAIT | __GFP_NOWARN);
}

static void put_bufs(void *arg)
{
	struct load *load = arg;
	unsigned int i;

	for (i = 0; i < NR_BUFS; i++)
		pcpool_buf_put(load->buf[i]);
}

static void buffers_are_reused_in_any_context(struct kunit *test)
{
	const struct kt_context_param *p = test->param_value;
	struct load load = {
		.bufs = new_bufs(test, .min_bytes = 1, .max_bytes = SZ_64K),
		.bytes = SZ_32K - 1,
	};
	unsigned int i;

	kt_move_to(test, kt_cpu(test, 0));
	/* Idle buffers, since the context may not allow allocation. */
	for (i = 0; i < NR_BUFS; i++)
		load.buf[i] = get(load.bufs, load.bytes);
	put_bufs(&load);
	kt_run_in(test, p->context, get_bufs, &load);
	for (i = 0; i < NR_BUFS; i++)
		KUNIT_ASSERT_NOT_NULL(test, load.buf[i]);
	KUNIT_EXPECT_EQ(test, stats(load.bufs, SZ_32K)->miss, NR_BUFS);
	KUNIT_EXPECT_EQ(test, stats(load.bufs, SZ_32K)->outstanding, NR_BUFS);
	kt_run_in(test, p->context, put_bufs, &load);
	KUNIT_EXPECT_EQ(test, idle(load.bufs, SZ_32K), NR_BUFS);
}

static void an_atomic_get_returns_contiguous_memory(struct kunit *test)
{
	static const enum kt_context contexts[] = { KT_TASK, KT_BH_OFF, KT_SOFTIRQ };
	/* Within a class, and beyond the largest class. */
	static const size_t sizes[] = { SZ_16K, SZ_32K + 1 };
	struct load load = { .bufs = new_bufs(test, .min_bytes = 1, .max_bytes = SZ_32K) };
	unsigned int i, j, k;

	for (i = 0; i < ARRAY_SIZE(contexts); i++) {
		for (j = 0; j < ARRAY_SIZE(sizes); j++) {
			load.bytes = sizes[j];
			kt_run_in(test, contexts[i], get_bufs, &load);
			for (k = 0; k < NR_BUFS; k++) {
				KUNIT_ASSERT_NOT_NULL(test, load.buf[k]);
				KUNIT_EXPECT_FALSE(test, is_vmalloc_addr(load.buf[k]->data));
				memset(load.buf[k]->data, 1, load.buf[k]->capacity);
			}
			kt_run_in(test, contexts[i], put_bufs, &load);
		}
	}
}

/* --- Beyond the largest class --------------------------------------------------- */

static void a_large_buffer_has_the_requested_size(struct kunit *test)
{
	static const size_t sizes[] = { 1, 2, 100, SZ_4K, SZ_64K + 1, SZ_8M };
	struct bufs *bufs = new_bufs(test, .min_bytes = 1, .max_bytes = 1000);
	struct pcpool_buf *buf;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		buf = get(bufs, 1024 + sizes[i]);
		KUNIT_EXPECT_EQ(test, buf->capacity, 1024 + sizes[i]);
		memset(buf->data, 1, buf->capacity);
		pcpool_buf_put(buf);
	}
	/* No class counts these gets and puts. */
	KUNIT_EXPECT_EQ(test, stats(bufs, 1024)->gets, 0);
	KUNIT_EXPECT_EQ(test, stats(bufs, 1024)->puts, 0);
	KUNIT_EXPECT_EQ(test, requested(bufs, 1024), 0);
}

#ifdef kunit_warning_suppress

/*
 * An outstanding buffer would make destroying the set warn. kmemleak detects a buffer
 * that was not freed.
 */
static void a_large_buffer_is_not_outstanding_after_its_put(struct kunit *test)
{
	const struct kt_context_param *p = test->param_value;
	struct load load = {
		.bufs = new_bufs(test, .min_bytes = 1, .max_bytes = SZ_4K),
		.bytes = SZ_4K + 1,
	};
	unsigned int i, round;

	for (round = 0; round < 3; round++) {
		for (i = 0; i < NR_BUFS; i++)
			load.buf[i] = get(load.bufs, load.bytes);
		kt_run_in(test, p->context, put_bufs, &load);
	}
	kunit_warning_suppress(test) {
		destroy(load.bufs);
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 0);
	}
}

#endif

/* --- Statistics ----------------------------------------------------------------- */

static void requested_bytes_are_counted_by_class(struct kunit *test)
{
	struct bufs *bufs = new_bufs(test, .min_bytes = 100, .max_bytes = 1000);
	static const size_t sizes[] = { 0, 1, 128, 129, 256, 257, 300, 512, 513, 1024, 1025 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		pcpool_buf_put(get(bufs, sizes[i]));
	KUNIT_EXPECT_EQ(test, requested(bufs, 128), 0 + 1 + 128);
	KUNIT_EXPECT_EQ(test, requested(bufs, 256), 129 + 256);
	KUNIT_EXPECT_EQ(test, requested(bufs, 512), 257 + 300 + 512);
	KUNIT_EXPECT_EQ(test, requested(bufs, 1024), 513 + 1024);
	KUNIT_EXPECT_EQ(test, stats(bufs, 128)->gets, 3);
	KUNIT_EXPECT_EQ(test, stats(bufs, 1024)->gets, 2);
}

static void requested_bytes_are_summed_over_all_cpus(struct kunit *test)
{
	struct bufs *bufs = new_bufs(test, .min_bytes = 128, .max_bytes = 128);
	u64 bytes = 0;
	int cpu;

	for_each_online_cpu(cpu) {
		kt_move_to(test, cpu);
		pcpool_buf_put(get(bufs, cpu + 1));
		bytes += cpu + 1;
	}
	KUNIT_EXPECT_EQ(test, requested(bufs, 128), bytes);
}

static void a_hit_is_counted(struct kunit *test)
{
	struct bufs *bufs = new_bufs(test, .min_bytes = 128, .max_bytes = 512);
	struct pcpool_pool_stats s;
	unsigned int i;

	kt_move_to(test, kt_cpu(test, 0));
	for (i = 0; i < 10; i++)
		pcpool_buf_put(get(bufs, 200));
	s = *stats(bufs, 256);
	KUNIT_EXPECT_EQ(test, s.gets, 10);
	KUNIT_EXPECT_EQ(test, s.miss, 1);
	KUNIT_EXPECT_EQ(test, s.hit_private, 9);
	KUNIT_EXPECT_EQ(test, s.requested_bytes, 10 * 200);
	KUNIT_EXPECT_EQ(test, s.idle_bytes, 256);
	KUNIT_EXPECT_EQ(test, stats(bufs, 128)->gets, 0);
	KUNIT_EXPECT_EQ(test, stats(bufs, 512)->gets, 0);
}

/* --- No memory ------------------------------------------------------------------ */

static const size_t absurd[] = {
	SIZE_MAX, SIZE_MAX - 1, SIZE_MAX / 2 + 2, SIZE_MAX / 2 + 1, SIZE_MAX / 2,
	SIZE_MAX / 4 * 3, SIZE_MAX / 4 * 3 + 1, (size_t)INT_MAX + 1,
};

static const struct span absurd_spans[] = {
	{ 1, SZ_4K }, { SZ_4K, SZ_4K }, { 1, SZ_4K, true }, { SZ_4K, SZ_4K, true },
};

KUNIT_ARRAY_PARAM(absurd_span, absurd_spans, span_desc);

static void a_get_of_an_absurd_size_fails(struct kunit *test)
{
	struct bufs *bufs = new_bufs_of_span(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(absurd); i++) {
		KUNIT_EXPECT_NULL_MSG(test, pcpool_buf_get(bufs->set, absurd[i],
							   GFP_KERNEL | __GFP_NOWARN),
				      "%zu bytes", absurd[i]);
		KUNIT_EXPECT_NULL_MSG(test, pcpool_buf_get(bufs->set, absurd[i],
							   GFP_NOWAIT | __GFP_NOWARN),
				      "%zu bytes", absurd[i]);
	}
}

static void a_get_fails_if_no_memory_can_be_allocated(struct kunit *test)
{
	/* More than can ever be allocated contiguously. */
	size_t bytes = 4 * KMALLOC_MAX_SIZE;
	struct bufs *bufs = new_bufs(test, .min_bytes = bytes, .max_bytes = bytes);
	struct pcpool_buf *buf;

	buf = pcpool_buf_get(bufs->set, bytes, GFP_NOWAIT | __GFP_NOWARN);
	KUNIT_EXPECT_NULL(test, buf);
	KUNIT_EXPECT_EQ(test, stats(bufs, bytes)->alloc_fail, 1);
	KUNIT_EXPECT_EQ(test, requested(bufs, bytes), 0);
	KUNIT_EXPECT_EQ(test, stats(bufs, bytes)->outstanding, 0);
	/* With GFP_KERNEL the buffer need not be contiguous. */
	buf = get(bufs, bytes);
	KUNIT_EXPECT_EQ(test, requested(bufs, bytes), bytes);
	pcpool_buf_put(buf);
}

/* --- What may be idle ----------------------------------------------------------- */

struct bound {
	size_t max_idle_bytes;
	unsigned int idle_1k;
	unsigned int idle_4k;
};

static const struct bound bounds[] = {
	{ 1, 1, 1 }, { SZ_1K, 1, 1 }, { SZ_2K - 1, 1, 1 }, { SZ_2K, 2, 1 }, { SZ_8K, 8, 2 },
	{ SZ_8K + SZ_1K - 1, 8, 2 }, { SZ_256K, 256, 64 },
};

static void bound_desc(const struct bound *bound, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%zu bytes", bound->max_idle_bytes);
}

KUNIT_ARRAY_PARAM(bound, bounds, bound_desc);

#define BEYOND	300u

static void expect_idle(struct bufs *bufs, size_t capacity, unsigned int expected)
{
	struct kunit *test = bufs->test;
	struct pcpool_buf **buf = kunit_kcalloc(test, BEYOND, sizeof(*buf), GFP_KERNEL);
	unsigned int i, n;

	KUNIT_ASSERT_NOT_NULL(test, buf);
	for (i = 0; i < BEYOND; i++)
		buf[i] = get(bufs, capacity);
	for (i = 0; i < BEYOND; i++)
		pcpool_buf_put(buf[i]);
	n = idle(bufs, capacity);
	KUNIT_EXPECT_LE(test, n, expected);
	/* More than a few may be set aside for other CPUs. */
	KUNIT_EXPECT_GE(test, 4 * n, (expected > 4 * num_possible_cpus() ? 3 : 4) * expected);
	KUNIT_EXPECT_EQ(test, stats(bufs, capacity)->drop_full, BEYOND - n);
}

static void a_class_keeps_at_most_max_idle_bytes(struct kunit *test)
{
	const struct bound *bound = test->param_value;
	struct bufs *bufs = new_bufs(test, .min_bytes = SZ_1K, .max_bytes = SZ_4K,
				     .max_idle_bytes = bound->max_idle_bytes);
	unsigned int idle_1k;

	expect_idle(bufs, SZ_1K, bound->idle_1k);
	idle_1k = idle(bufs, SZ_1K);
	/* The bound holds for each class separately. */
	expect_idle(bufs, SZ_4K, bound->idle_4k);
	KUNIT_EXPECT_EQ(test, idle(bufs, SZ_1K), idle_1k);
}

static void without_a_bound_all_buffers_are_kept(struct kunit *test)
{
	struct bufs *bufs = new_bufs(test, .min_bytes = SZ_1K, .max_bytes = SZ_4K);

	expect_idle(bufs, SZ_1K, BEYOND);
	expect_idle(bufs, SZ_4K, BEYOND);
}

static void a_bypassed_set_keeps_nothing(struct kunit *test)
{
	struct bufs *bufs = new_bufs(test, .min_bytes = SZ_1K, .max_bytes = SZ_4K,
				     .flags = PCPOOL_BYPASS);
	struct pcpool_pool_stats s;
	struct pcpool_buf *buf;
	unsigned int i;

	for (i = 0; i < 10; i++) {
		buf = get(bufs, 1100);
		KUNIT_EXPECT_EQ(test, buf->capacity, SZ_2K);
		pcpool_buf_put(buf);
	}
	settle(bufs, SZ_2K);
	s = *stats(bufs, SZ_2K);
	KUNIT_EXPECT_TRUE(test, s.state & PCPOOL_STATE_BYPASSED);
	KUNIT_EXPECT_EQ(test, s.miss, 10);
	KUNIT_EXPECT_EQ(test, s.drop_other, 10);
	KUNIT_EXPECT_EQ(test, s.idle_main, 0);
	KUNIT_EXPECT_EQ(test, s.requested_bytes, 10 * 1100);
}

/* --- Clearing ------------------------------------------------------------------- */

static void a_buffer_of_a_clearing_set_is_zeroed_when_reused(struct kunit *test)
{
	static const size_t sizes[] = { 1, 2, 3, 7, 8, 96, 1536, SZ_4K, SZ_8K + 1, SZ_64K };
	struct bufs *bufs = new_bufs(test, .min_bytes = 1, .max_bytes = SZ_64K, .halves = true,
				     .flags = PCPOOL_ZERO_ON_PUT);
	struct pcpool_buf *buf;
	unsigned int i;
	void *data;

	kt_move_to(test, kt_cpu(test, 0));
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		buf = get(bufs, sizes[i]);
		data = buf->data;
		/* Write all of it, including the bytes beyond the requested size. */
		memset(data, 0xff, buf->capacity);
		pcpool_buf_put(buf);
		buf = get(bufs, sizes[i]);
		KUNIT_EXPECT_PTR_EQ(test, buf->data, data);
		KUNIT_EXPECT_NULL(test, memchr_inv(buf->data, 0, buf->capacity));
		pcpool_buf_put(buf);
	}
}

/**
 * struct clearing - a way in which a buffer is freed
 * @name: -
 * @large: the buffer is beyond the largest class
 * @flags: flags of the set; without PCPOOL_ZERO_ON_PUT the case shows that it can find old data
 * @context: the context of the put
 */
struct clearing {
	char name[40];
	bool large;
	unsigned int flags;
	enum kt_context context;
};

static const struct clearing clearings[] = {
	{ "bypassed, not cleared", false, PCPOOL_BYPASS },
	{ "large, not cleared", true },
	{ "idle", false, PCPOOL_ZERO_ON_PUT },
	{ "bypassed", false, PCPOOL_ZERO_ON_PUT | PCPOOL_BYPASS },
	{ "bypassed, in hardirq", false, PCPOOL_ZERO_ON_PUT | PCPOOL_BYPASS, KT_HARDIRQ_WORK },
	{ "large", true, PCPOOL_ZERO_ON_PUT },
	{ "large, in hardirq", true, PCPOOL_ZERO_ON_PUT, KT_HARDIRQ_WORK },
};

KUNIT_ARRAY_PARAM_DESC(clearing, clearings, name);

static void put_buf(void *arg)
{
	pcpool_buf_put(arg);
}

static void a_buffer_is_cleared_before_it_is_freed(struct kunit *test)
{
	const struct clearing *c = test->param_value;
	/*
	 * So large that kvmalloc() uses single pages, which a page reference keeps
	 * after they are freed.
	 */
	const size_t bytes = 2 * KMALLOC_MAX_SIZE;
	struct bufs *bufs = new_bufs(test, .min_bytes = 1, .max_bytes = c->large ? 1 : bytes,
				     .flags = c->flags);
	unsigned int i, step = bytes / NR_BUFS, cleared = 0;
	struct pcpool_buf *buf = get(bufs, bytes);
	struct page *page[NR_BUFS];
	u8 *at;

	KUNIT_ASSERT_TRUE(test, is_vmalloc_addr(buf->data));
	memset(buf->data, 0x5a, buf->capacity);
	for (i = 0; i < NR_BUFS; i++) {
		page[i] = vmalloc_to_page(buf->data + i * step);
		get_page(page[i]);
	}
	kt_run_in(test, c->context, put_buf, buf);
	destroy(bufs);
	for (i = 0; i < NR_BUFS; i++) {
		at = kmap_local_page(page[i]);
		cleared += !memchr_inv(at, 0, PAGE_SIZE);
		kunmap_local(at);
		put_page(page[i]);
	}
	KUNIT_EXPECT_EQ(test, cleared, c->flags & PCPOOL_ZERO_ON_PUT ? NR_BUFS : 0);
}

/* --- Parameters ----------------------------------------------------------------- */

#define GOOD	.name = NAME, .min_bytes = 100, .max_bytes = 5000

struct bad {
	char what[40];
	const char *says;	/* text of the log message */
	struct pcpool_buf_params params;
};

/* All other parameters are valid: the later initialiser overrides the one in GOOD. */
#define BAD(title, text, ...)	{ title, "pcpool: " text, { GOOD, __VA_ARGS__ } }

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
static const struct bad bads[] = {
	BAD("no name", "pcpool_buf_create: name is NULL",
	    .name = NULL),
	BAD("empty name", "pcpool_buf_create: name \"\" is not 1 to 22",
	    .name = ""),
	BAD("name of 23 characters", "pcpool_buf_create: name \"12345678901234567890123\" is not 1 to 22",
	    .name = "12345678901234567890123"),
	BAD("long name", "pcpool_buf_create: name \"kunit-buf-kunit-buf-",
	    .name = "kunit-buf-kunit-buf-kunit-buf-kunit-buf-kunit-buf"),
	BAD("name with a slash", "pcpool_create: name \"a/b-128\" is not",
	    .name = "a/b"),
	BAD("name with a space", "pcpool_create: name \"a b-128\" is not",
	    .name = "a b"),
	BAD("name with a percent sign", "pcpool_create: name \"%s%s%s%s-128\" is not",
	    .name = "%s%s%s%s"),
	BAD("name beyond ASCII", "pcpool_create: name \"p\xc3\xb6l-128\" is not",
	    .name = "p\xc3\xb6l"),
	BAD("min_bytes 0", "" NAME ": min_bytes is 0",
	    .min_bytes = 0),
	BAD("min_bytes and max_bytes 0", "" NAME ": min_bytes is 0",
	    .min_bytes = 0, .max_bytes = 0),
	BAD("max_bytes 0", "" NAME ": max_bytes 0 is less than min_bytes 100",
	    .max_bytes = 0),
	BAD("max_bytes below min_bytes", "" NAME ": max_bytes 99 is less than min_bytes 100",
	    .max_bytes = 99),
	BAD("max_bytes beyond the largest", "" NAME ": max_bytes 1073741825 is more than 1073741824",
	    .max_bytes = PCPOOL_BUF_MAX + 1),
	BAD("max_bytes -1", "" NAME ": max_bytes 18446744073709551615 is more than 1073741824",
	    .max_bytes = SIZE_MAX),
	BAD("min_bytes beyond the largest", "" NAME ": max_bytes 1073741825 is more than 1073741824",
	    .min_bytes = PCPOOL_BUF_MAX + 1,
	    .max_bytes = PCPOOL_BUF_MAX + 1),
	BAD("min_bytes -1", "" NAME ": max_bytes 18446744073709551615 is more than 1073741824",
	    .min_bytes = SIZE_MAX, .max_bytes = SIZE_MAX),
	BAD("flag of pools only", "" NAME ": flags 0x1 has",
	    .flags = PCPOOL_FREE_MAY_SLEEP),
	BAD("another flag of pools only", "" NAME ": flags 0x8 has",
	    .flags = PCPOOL_PLAIN),
	BAD("unknown flag among known", "" NAME ": flags 0x80000002 has",
	    .flags = PCPOOL_BYPASS | 1u << 31),
	BAD("max_idle_bytes of more than there can be", "" NAME "-1: max_idle 18446744073709551615 is absurd",
	    .min_bytes = 1, .max_idle_bytes = SIZE_MAX),
};

#pragma GCC diagnostic pop

KUNIT_ARRAY_PARAM_DESC(bad, bads, what);

/* No pool of a set exists between two pools that were created before and after it. */
static void expect_no_pool_between(struct kunit *test, struct kt_pool *before,
				   struct kt_pool *after)
{
	KUNIT_EXPECT_PTR_EQ(test, list_next_entry(before->core, list), after->core);
}

static void a_bad_parameter_is_refused(struct kunit *test)
{
	const struct bad *bad = test->param_value;
	struct kt_pool *before = kt_new(test, 1);
	struct kmsg_dump_iter mark;
	struct pcpool_buf_set *set;

	kt_log_mark(&mark);
	set = pcpool_buf_create(&bad->params);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(set), -EINVAL);
	KUNIT_EXPECT_TRUE_MSG(test, kt_logged(&mark, bad->says), "the log has no \"%s\"",
			      bad->says);
	if (!IS_ERR(set))
		pcpool_buf_destroy(set);
	expect_no_pool_between(test, before, kt_new(test, 1));
}

static void no_parameters_are_refused(struct kunit *test)
{
	struct kmsg_dump_iter mark;

	kt_log_mark(&mark);
	KUNIT_EXPECT_EQ(test, PTR_ERR(pcpool_buf_create(NULL)), -EINVAL);
	KUNIT_EXPECT_TRUE(test, kt_logged(&mark, "pcpool_buf_create: params is NULL"));
}

static const char * const used_names[] = { NAME "-128", NAME "-1K", NAME "-8K" };

static void used_name_desc(const char * const *used_name, char *desc)
{
	strscpy(desc, *used_name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(used_name, used_names, used_name_desc);

static void a_set_is_created_completely_or_not_at_all(struct kunit *test)
{
	static const struct pcpool_buf_params params = { GOOD };
	const char *name = *(const char * const *)test->param_value;
	struct kt_pool *used_name = kt_new(test, 1, .name = name);
	struct pcpool_buf_set *set;

	set = pcpool_buf_create(&params);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(set), -EEXIST);
	if (!IS_ERR(set))
		pcpool_buf_destroy(set);
	expect_no_pool_between(test, used_name, kt_new(test, 1));

	kt_destroy(used_name);
	set = pcpool_buf_create(&params);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, set);
	pcpool_buf_destroy(set);
}

static void the_name_is_copied(struct kunit *test)
{
	char name[] = "kunit-buf";
	struct bufs *bufs = new_bufs(test, .name = name, .min_bytes = 1, .max_bytes = 1);

	memset(name, 'x', sizeof(name) - 1);
	KUNIT_EXPECT_STREQ(test, stats(bufs, 1)->name, "kunit-buf-1");
}

static void pools_are_owned_by_the_module_that_created_the_set(struct kunit *test)
{
	struct bufs *bufs = new_bufs(test, .min_bytes = 1, .max_bytes = 1);

	KUNIT_EXPECT_STREQ(test, stats(bufs, 1)->owner, kt_stats(bufs->before).owner);
}

/* --- Destroying ----------------------------------------------------------------- */

static void destroying_null_does_nothing(struct kunit *test)
{
	pcpool_buf_destroy(NULL);
}

static void idle_buffers_of_all_cpus_are_freed(struct kunit *test)
{
	struct bufs *bufs = new_bufs(test, .min_bytes = 1, .max_bytes = SZ_64K);
	size_t bytes;
	int cpu;

	for_each_online_cpu(cpu) {
		kt_move_to(test, cpu);
		for (bytes = 1; bytes <= SZ_64K; bytes *= 2)
			pcpool_buf_put(get(bufs, bytes));
	}
	/* kmemleak detects buffers that were not freed. */
	destroy(bufs);
	expect_no_pool_between(test, bufs->before, bufs->after);
}

#ifdef kunit_warning_suppress

static void a_buffer_outstanding_at_destroy_is_lost(struct kunit *test)
{
	struct bufs *bufs = new_bufs(test, .min_bytes = 1, .max_bytes = SZ_4K);
	struct pcpool_buf_set *set = bufs->set;
	struct pcpool_buf *buf, before;

	buf = get(bufs, 1000);
	pcpool_buf_put(get(bufs, 100));
	memset(buf->data, 0x77, buf->capacity);
	kunit_warning_suppress(test) {
		destroy(bufs);
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 1);
	}
	/* The set is leaked on purpose. */
	kmemleak_not_leak(set);
	expect_no_pool_between(test, bufs->before, bufs->after);
	/* The new set may get the same memory, if the old one was freed. */
	bufs = new_bufs(test, .min_bytes = 1, .max_bytes = SZ_4K);
	before = *buf;
	kunit_warning_suppress(test) {
		pcpool_buf_put(buf);
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 1);
	}
	KUNIT_EXPECT_EQ(test, stats(bufs, SZ_1K)->puts, 0);
	/* The put was refused, so the caller still owns the buffer. */
	KUNIT_EXPECT_MEMEQ(test, buf, &before, sizeof(before));
	KUNIT_EXPECT_NULL(test, memchr_inv(buf->data, 0x77, buf->capacity));
	kvfree(buf->data);
	kfree(buf);
}

static void a_large_buffer_put_after_destroy_is_freed(struct kunit *test)
{
	const struct kt_context_param *p = test->param_value;
	struct bufs *bufs = new_bufs(test, .min_bytes = 1, .max_bytes = SZ_4K);
	struct pcpool_buf_set *set = bufs->set;
	struct pcpool_buf *buf = get(bufs, SZ_4K + 1);

	kunit_warning_suppress(test) {
		destroy(bufs);
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 1);
	}
	/* The set is leaked on purpose. */
	kmemleak_not_leak(set);
	memset(buf->data, 1, buf->capacity);
	kunit_warning_suppress(test) {
		kt_run_in(test, p->context, put_buf, buf);
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 0);
	}
}

#endif

/* --- On all CPUs at once -------------------------------------------------------- */

struct variant {
	char name[40];
	struct pcpool_buf_params params;
};

#define VARIANT	.name = NAME, .min_bytes = 1, .max_bytes = SZ_16K

static const struct variant variants[] = {
	{ "powers of two", { VARIANT } },
	{ "halves", { VARIANT, .halves = true } },
	{ "small max_idle_bytes", { VARIANT, .max_idle_bytes = SZ_8K } },
	{ "larger max_idle_bytes", { VARIANT, .halves = true, .max_idle_bytes = SZ_256K } },
	{ "cleared", { VARIANT, .flags = PCPOOL_ZERO_ON_PUT } },
	{ "cleared, small max_idle_bytes", {
		VARIANT, .max_idle_bytes = SZ_8K, .flags = PCPOOL_ZERO_ON_PUT } },
	{ "bypassed", { VARIANT, .flags = PCPOOL_BYPASS } },
};

KUNIT_ARRAY_PARAM_DESC(variant, variants, name);

/* Number of places through which workers exchange buffers. */
#define NR_IN_TRANSIT	8

/*
 * The first and the last byte of a buffer hold the number of the worker that owns it,
 * or IN_TRANSIT.
 */
#define IN_TRANSIT	0xee

/**
 * struct exchange - the state that the workers of a case share
 * @set: the set
 * @cleared: each get must return a zeroed buffer
 * @in_transit: buffers passed from one worker to another
 * @requested: bytes requested from classes
 * @got: buffers got from classes
 * @wrong: number of buffers with the bytes of another owner, or too small
 * @unclear: number of buffers that were not zeroed
 */
struct exchange {
	struct pcpool_buf_set *set;
	bool cleared;
	struct pcpool_buf *in_transit[NR_IN_TRANSIT];
	atomic64_t requested;
	atomic64_t got;
	atomic_t wrong;
	atomic_t unclear;
};

static void stamp(struct pcpool_buf *buf, u8 holder)
{
	u8 *data = buf->data;

	WRITE_ONCE(data[0], holder);
	WRITE_ONCE(data[buf->capacity - 1], holder);
}

static void check_stamp(struct exchange *exchange, struct pcpool_buf *buf, u8 holder)
{
	u8 *data = buf->data;

	if (READ_ONCE(data[0]) != holder || READ_ONCE(data[buf->capacity - 1]) != holder)
		atomic_inc(&exchange->wrong);
}

static struct pcpool_buf *get_stamped(struct kt_worker *worker, u8 holder)
{
	struct exchange *exchange = worker->arg;
	struct pcpool_buf *buf;
	size_t bytes;

	/* All orders of magnitude are equally likely; some sizes are beyond the largest class. */
	bytes = kt_random(worker, 2u << kt_random(worker, 15));
	/* A set that clears on put needs __GFP_ZERO only for newly allocated buffers. */
	buf = pcpool_buf_get(exchange->set, bytes,
			     GFP_KERNEL | (exchange->cleared ? __GFP_ZERO : 0));
	if (!buf)
		return NULL;
	if (buf->capacity < bytes)
		atomic_inc(&exchange->wrong);
	if (exchange->cleared && memchr_inv(buf->data, 0, buf->capacity))
		atomic_inc(&exchange->unclear);
	if (bytes <= SZ_16K) {
		atomic64_add(bytes, &exchange->requested);
		atomic64_inc(&exchange->got);
	}
	stamp(buf, holder);
	return buf;
}

static void put_stamped(struct kt_worker *worker, struct pcpool_buf *buf, u8 holder)
{
	unsigned long flags;

	check_stamp(worker->arg, buf, holder);
	if (kt_random(worker, 8)) {
		pcpool_buf_put(buf);
		return;
	}
	local_irq_save(flags);
	pcpool_buf_put(buf);
	local_irq_restore(flags);
}

/* Leave this buffer for another worker, and take the one that was left there. */
static struct pcpool_buf *pass_on(struct kt_worker *worker, struct pcpool_buf *buf, u8 holder)
{
	struct exchange *exchange = worker->arg;

	check_stamp(exchange, buf, holder);
	stamp(buf, IN_TRANSIT);
	buf = xchg(&exchange->in_transit[kt_random(worker, NR_IN_TRANSIT)], buf);
	if (buf) {
		check_stamp(exchange, buf, IN_TRANSIT);
		stamp(buf, holder);
	}
	return buf;
}

static void exchange_buffers(struct kt_worker *worker)
{
	u8 holder = worker->holder;
	struct pcpool_buf *buf[16];
	unsigned int n = 0, i;

	while (kt_keep_running(worker)) {
		if (n == ARRAY_SIZE(buf) || (n && kt_random(worker, 2))) {
			i = kt_random(worker, n);
			/* Pass some to another worker, which puts them on its CPU. */
			if (!kt_random(worker, 4)) {
				buf[i] = pass_on(worker, buf[i], holder);
			} else {
				put_stamped(worker, buf[i], holder);
				buf[i] = NULL;
			}
			if (!buf[i])
				buf[i] = buf[--n];
		} else {
			buf[n] = get_stamped(worker, holder);
			n += !!buf[n];
		}
		kt_progress(worker);
	}
	while (n)
		put_stamped(worker, buf[--n], holder);
}

static void a_buffer_has_one_owner(struct kunit *test)
{
	const struct variant *variant = test->param_value;
	struct exchange *exchange = kunit_kzalloc(test, sizeof(*exchange), GFP_KERNEL);
	struct bufs *bufs = bufs_new(test, &variant->params);
	struct pcpool_core *core = bufs->before->core;
	u64 bytes = 0, got = 0;
	struct pcpool_pool_stats s;
	struct kt_gang *gang;
	unsigned int i;
	int cpu;

	KUNIT_ASSERT_NOT_NULL(test, exchange);
	exchange->set = bufs->set;
	exchange->cleared = variant->params.flags & PCPOOL_ZERO_ON_PUT;
	gang = kt_gang_new(test);
	for_each_online_cpu(cpu)
		kt_gang_add(gang, cpu, exchange_buffers, exchange);
	kt_gang_add(gang, -1, exchange_buffers, exchange);
	kt_gang_start(gang, 300);
	kt_gang_join(gang);
	for (i = 0; i < NR_IN_TRANSIT; i++)
		pcpool_buf_put(exchange->in_transit[i]);

	KUNIT_EXPECT_EQ(test, atomic_read(&exchange->wrong), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&exchange->unclear), 0);
	while ((core = next_class(bufs, core))) {
		pcpool_stats(&core->pool, &s);
		KUNIT_EXPECT_EQ(test, s.outstanding, 0);
		KUNIT_EXPECT_EQ(test, s.misuses, 0);
		bytes += s.requested_bytes;
		got += s.gets - s.alloc_fail;
	}
	KUNIT_EXPECT_EQ(test, bytes, atomic64_read(&exchange->requested));
	KUNIT_EXPECT_EQ(test, got, atomic64_read(&exchange->got));
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM_ATTR(each_class_has_one_pool, span_gen_params,
			      { .speed = KUNIT_SPEED_SLOW }),
	KUNIT_CASE(a_pool_is_named_after_its_capacity),
	KUNIT_CASE(the_longest_name_fits_the_largest_class),
	KUNIT_CASE_PARAM(a_buffer_comes_from_the_smallest_class_that_fits, span_gen_params),
	KUNIT_CASE_PARAM_ATTR(a_buffer_is_reused, span_gen_params,
			      { .speed = KUNIT_SPEED_SLOW }),
	KUNIT_CASE_PARAM_ATTR(a_put_finds_the_class_from_the_buffer, span_gen_params,
			      { .speed = KUNIT_SPEED_SLOW }),
	KUNIT_CASE(a_buffer_takes_as_much_memory_as_its_capacity),
	KUNIT_CASE(half_of_a_class_is_half_of_its_pages),
	KUNIT_CASE(putting_null_does_nothing),
	KUNIT_CASE_PARAM(buffers_are_reused_in_any_context, context_gen_params),
	KUNIT_CASE(an_atomic_get_returns_contiguous_memory),
	KUNIT_CASE(a_large_buffer_has_the_requested_size),
#ifdef kunit_warning_suppress
	KUNIT_CASE_PARAM(a_large_buffer_is_not_outstanding_after_its_put, context_gen_params),
#endif
	KUNIT_CASE(requested_bytes_are_counted_by_class),
	KUNIT_CASE(requested_bytes_are_summed_over_all_cpus),
	KUNIT_CASE(a_hit_is_counted),
	KUNIT_CASE_PARAM(a_get_of_an_absurd_size_fails, absurd_span_gen_params),
	KUNIT_CASE(a_get_fails_if_no_memory_can_be_allocated),
	KUNIT_CASE_PARAM_ATTR(a_class_keeps_at_most_max_idle_bytes, bound_gen_params,
			      { .speed = KUNIT_SPEED_SLOW }),
	KUNIT_CASE(without_a_bound_all_buffers_are_kept),
	KUNIT_CASE(a_bypassed_set_keeps_nothing),
	KUNIT_CASE(a_buffer_of_a_clearing_set_is_zeroed_when_reused),
	KUNIT_CASE_PARAM(a_buffer_is_cleared_before_it_is_freed, clearing_gen_params),
	KUNIT_CASE_PARAM(a_bad_parameter_is_refused, bad_gen_params),
	KUNIT_CASE(no_parameters_are_refused),
	KUNIT_CASE_PARAM(a_set_is_created_completely_or_not_at_all, used_name_gen_params),
	KUNIT_CASE(the_name_is_copied),
	KUNIT_CASE(pools_are_owned_by_the_module_that_created_the_set),
	KUNIT_CASE(destroying_null_does_nothing),
	KUNIT_CASE(idle_buffers_of_all_cpus_are_freed),
#ifdef kunit_warning_suppress
	KUNIT_CASE(a_buffer_outstanding_at_destroy_is_lost),
	KUNIT_CASE_PARAM(a_large_buffer_put_after_destroy_is_freed, context_gen_params),
#endif
	KUNIT_CASE_PARAM_ATTR(a_buffer_has_one_owner, variant_gen_params,
			      { .speed = KUNIT_SPEED_SLOW }),
	{ }
};

static struct kunit_suite suite = {
	.name = "pcpool_buf",
	.test_cases = cases,
};

kunit_test_suite(suite);
