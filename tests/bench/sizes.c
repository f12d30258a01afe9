// SPDX-License-Identifier: GPL-2.0
/*
 * Buffers of all sizes, for one CPU: pcpool_buf compared with kvmalloc(). The sizes, 100 bytes to
 * 1 MiB, are distributed log-uniformly and the same for both. Each step gets or puts a buffer;
 * several are held at a time. The waste is measured at the allocator; that of pcpool_buf includes
 * struct pcpool_buf.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/pcpool_buf.h>
#include <linux/prandom.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "bench.h"

#define SIZE_MIN	100u
#define SIZE_MAX_	SZ_1M
#define HELD		16u
#define STEPS		20000u
#define SEED		20261122

/* Each size is larger than the previous one by the factor 2^(1/64). */
#define FACTOR		1085434106ull
#define FACTOR_BITS	30
#define NR_SIZES	855u

static u32 sizes[NR_SIZES];

static void make_sizes(void)
{
	u64 size = (u64)SIZE_MIN << 20;
	unsigned int i;

	for (i = 0; i < NR_SIZES; i++) {
		sizes[i] = min_t(u64, size >> 20, SIZE_MAX_);
		size = mul_u64_u64_shr(size, FACTOR, FACTOR_BITS);
	}
}

/* A subject with its functions, and the results. */
struct buffers {
	void *handle;
	void *(*get)(void *handle, size_t bytes);
	void (*put)(void *buf);
	/* Memory taken by a buffer that was asked for with so many bytes. */
	size_t (*memory)(void *buf, size_t bytes);
	void *held[HELD];
	u64 requested;
	u64 taken;
	unsigned int gets;
};

/* The memory that the allocator gave for @bytes at @data. */
static size_t memory_of(const void *data, size_t bytes)
{
	const struct page *page;

	if (is_vmalloc_addr(data))
		return PAGE_ALIGN(bytes);
	page = virt_to_page(data);
	/* Pages of alloc_pages_exact() are single ones, of which ksize() knows nothing. */
	if (bytes > PAGE_SIZE && !PageSlab(page) && !PageCompound(page))
		return PAGE_ALIGN(bytes);
	return ksize(data);
}

static void *get_buf(void *handle, size_t bytes)
{
	return pcpool_buf_get(handle, bytes, GFP_KERNEL);
}

static void put_buf(void *buf)
{
	pcpool_buf_put(buf);
}

static size_t buf_memory(void *data, size_t bytes)
{
	struct pcpool_buf *buf = data;

	return memory_of(buf->data, buf->capacity) + ksize(buf);
}

static void *get_kvmalloc(void *handle, size_t bytes)
{
	return kvmalloc(bytes, GFP_KERNEL);
}

static void put_kvmalloc(void *buf)
{
	kvfree(buf);
}

static size_t kvmalloc_memory(void *buf, size_t bytes)
{
	return memory_of(buf, bytes);
}

static int steps(struct buffers *b, bool weigh)
{
	struct rnd_state rnd;
	size_t bytes;
	unsigned int i, at;

	prandom_seed_state(&rnd, SEED);
	for (i = 0; i < STEPS; i++) {
		at = prandom_u32_state(&rnd) % HELD;
		bytes = sizes[prandom_u32_state(&rnd) % NR_SIZES];
		if (b->held[at]) {
			b->put(b->held[at]);
			b->held[at] = NULL;
			continue;
		}
		b->held[at] = b->get(b->handle, bytes);
		if (!b->held[at])
			return -ENOMEM;
		b->gets++;
		if (weigh) {
			b->requested += bytes;
			b->taken += b->memory(b->held[at], bytes);
		}
	}
	for (i = 0; i < HELD; i++) {
		if (b->held[i])
			b->put(b->held[i]);
		b->held[i] = NULL;
	}
	return 0;
}

/* The baseline: the cost of the steps themselves. */
static void *get_nothing(void *handle, size_t bytes)
{
	return handle;
}

static void put_nothing(void *buf)
{
}

/* kvmalloc() may sleep, so only the plugin's counts are used, not cycles. */
static unsigned int measure(struct buffers *b, int *ret)
{
	u64 began;

	bench_end_region();
	began = bench_begin();
	*ret = steps(b, false);
	bench_end(began);
	return bench_end_region();
}

/* The steps are done once more, since looking at the memory would count as instructions. */
static int report(const struct bench_case *bench_case, const struct bench_subject *subject,
		  struct buffers *b, u64 allocs)
{
	int ret;

	bench_result(bench_case->name, subject, "allocations", allocs * 100, b->gets, "% of gets");
	ret = steps(b, true);
	if (!ret)
		bench_result(bench_case->name, subject, "waste", (b->taken - b->requested) * 100,
			     b->requested, "% of what was asked for");
	return ret;
}

static const struct bench_subject kvmalloc_subject = { .name = "kvmalloc" };
static const struct bench_subject buf_subject = { .name = "pcpool_buf" };
static const struct bench_subject halves_subject = { .name = "pcpool_buf_halves" };

const struct bench_subject *const bench_sizes_subjects[BENCH_SIZES_SUBJECTS] = {
	&kvmalloc_subject, &buf_subject, &halves_subject,
};

static int bench_buf(const struct bench_case *bench_case, const struct bench_subject *subject,
		     bool halves, unsigned int baseline)
{
	const struct pcpool_buf_params params = {
		.name = "bench",
		.min_bytes = SIZE_MIN,
		.max_bytes = SIZE_MAX_,
		.halves = halves,
	};
	struct buffers b = { .get = get_buf, .put = put_buf, .memory = buf_memory };
	struct pcpool_pool_stats stats;
	unsigned int region, i;
	u64 allocs;
	int ret;

	b.handle = pcpool_buf_create(&params);
	if (IS_ERR(b.handle))
		return PTR_ERR(b.handle);
	region = measure(&b, &ret);
	if (!ret) {
		bench_region(bench_case->name, subject, "", 0, region, baseline, b.gets,
			     "a get and put");
		for (i = 0, allocs = 0; pcpool_buf_stats(b.handle, i, &stats); i++)
			allocs += stats.miss;
		ret = report(bench_case, subject, &b, allocs);
	}
	pcpool_buf_destroy(b.handle);
	return ret;
}

int bench_sizes(const struct bench_case *bench_case)
{
	struct buffers nothing = { .handle = &nothing, .get = get_nothing, .put = put_nothing };
	struct buffers kv = {
		.get = get_kvmalloc, .put = put_kvmalloc, .memory = kvmalloc_memory,
	};
	unsigned int baseline, region;
	int ret;

	make_sizes();
	baseline = measure(&nothing, &ret);
	if (bench_wanted(&buf_subject))
		ret = bench_buf(bench_case, &buf_subject, false, baseline);
	if (!ret && bench_wanted(&halves_subject))
		ret = bench_buf(bench_case, &halves_subject, true, baseline);
	if (ret || !bench_wanted(&kvmalloc_subject))
		return ret;
	region = measure(&kv, &ret);
	if (ret)
		return ret;
	bench_region(bench_case->name, &kvmalloc_subject, "", 0, region, baseline, kv.gets,
		     "a get and put");
	return report(bench_case, &kvmalloc_subject, &kv, kv.gets);
}
