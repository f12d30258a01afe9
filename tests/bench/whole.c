// SPDX-License-Identifier: GPL-2.0
/*
 * Cases about a pool as a whole, for one CPU: many objects at once, the longest put, aging,
 * and the memory of an empty pool.
 *
 * The objects are numbers that look like pointers. They are never dereferenced, so
 * the counts contain only pcpool's own work.
 */
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "bench.h"

static unsigned long numbers;

static void *number_alloc(gfp_t gfp, void *ctx)
{
	return (void *)(++numbers * BENCH_OBJECT_BYTES);
}

static void number_free(void *obj, void *ctx)
{
}

static const struct pcpool_ops number_ops = {
	.alloc = number_alloc,
	.free = number_free,
};

static struct pcpool *create_pool(const char *name)
{
	struct pcpool_params params = {
		.name = name,
		.ops = &number_ops,
		.object_bytes = BENCH_OBJECT_BYTES,
	};

	return pcpool_create(&params);
}

static const struct bench_subject pcpool_subject = { .name = "pcpool" };

/*
 * Aging passes may sleep, so only the plugin's counts are used, not cycles. The cost of
 * the loop is negligible: the baseline is region 0, which is empty.
 */
static void report(const struct bench_case *bench_case, const char *where, u64 per,
		   const char *unit)
{
	bench_region(bench_case->name, &pcpool_subject, where, 0,
		     bench_end_region(), 0, per, unit);
}

/* Gets @n objects, which the pool allocates, and puts them, in two regions. */
static int fill(const struct bench_case *bench_case, struct pcpool *pool,
		unsigned int n)
{
	unsigned int i;
	void **objs;
	u64 began;

	objs = vmalloc(array_size(n, sizeof(*objs)));
	if (!objs)
		return -ENOMEM;
	bench_end_region();
	began = bench_begin();
	for (i = 0; i < n; i++)
		objs[i] = pcpool_get(pool, GFP_KERNEL);
	bench_end(began);
	report(bench_case, "alloc", n, "an object");

	began = bench_begin();
	for (i = 0; i < n; i++)
		pcpool_put(pool, objs[i]);
	bench_end(began);
	report(bench_case, "put", n, "an object");
	vfree(objs);
	return 0;
}

static void age(const struct bench_case *bench_case, struct pcpool *pool,
		const char *where, u64 per, const char *unit)
{
	u64 began;

	bench_end_region();
	began = bench_begin();
	pcpool_age(pool);
	bench_end(began);
	report(bench_case, where, per, unit);
}

int bench_burst(const struct bench_case *bench_case)
{
	unsigned int objects = bench_case->argument;
	struct pcpool_pool_stats stats;
	struct pcpool *pool;
	u64 began;
	int ret;

	if (!bench_wanted(&pcpool_subject))
		return 0;
	pool = create_pool("bench");
	if (IS_ERR(pool))
		return PTR_ERR(pool);
	ret = fill(bench_case, pool, objects);
	if (ret)
		goto out;
	pcpool_stats(pool, &stats);
	bench_result(bench_case->name, &pcpool_subject, "kept",
		     stats.idle_main + stats.idle_victim, 1, "objects");

	bench_end_region();
	began = bench_begin();
	pcpool_age(pool);
	pcpool_age(pool);
	bench_end(began);
	report(bench_case, "free", objects, "an object");
	pcpool_stats(pool, &stats);
	bench_result(bench_case->name, &pcpool_subject, "left",
		     stats.idle_main + stats.idle_victim, 1, "objects");
out:
	pcpool_destroy(pool);
	return ret;
}

/*
 * In each round a timer interrupt hits other puts, so that the least number of cycles of a
 * put is that of the put alone.
 */
#define GROW_ROUNDS	3
/* Ranges of the histogram: from so many powers of two on; the last one is open. */
#define GROW_FROM	4u
#define GROW_RANGES	12u

static u64 cycles_of_nothing(void)
{
	u64 least = U64_MAX, began;
	unsigned int i;

	for (i = 0; i < 10; i++) {
		began = get_cycles();
		barrier();
		least = min(least, (u64)get_cycles() - began);
	}
	return least;
}

/* Puts @n objects into an empty pool, and takes the time of each: @least, the least so far. */
static void grow(struct pcpool *pool, void **objs, u32 *least, unsigned int n)
{
	unsigned int i;
	u64 began;

	for (i = 0; i < n; i++)
		objs[i] = pcpool_get(pool, GFP_KERNEL);
	for (i = 0; i < n; i++) {
		began = get_cycles();
		pcpool_put(pool, objs[i]);
		least[i] = min_t(u64, least[i], get_cycles() - began);
	}
	pcpool_drain(pool);
	/* The rings are freed, too. */
	rcu_barrier();
}

static void grow_results(const struct bench_case *bench_case, const u32 *least,
			 unsigned int n)
{
	u64 nothing = cycles_of_nothing(), longest = 0, cycles;
	unsigned int i, range, puts[GROW_RANGES] = {};
	char metric[32];

	for (i = 0; i < n; i++) {
		cycles = max_t(u64, least[i], nothing + 1) - nothing;
		longest = max(longest, cycles);
		range = clamp_t(unsigned int, ilog2(cycles), GROW_FROM,
				GROW_FROM + GROW_RANGES - 1);
		puts[range - GROW_FROM]++;
	}
	for (i = 0; i < GROW_RANGES; i++) {
		snprintf(metric, sizeof(metric), "puts.%u insn", 1u << (GROW_FROM + i));
		bench_result(bench_case->name, &pcpool_subject, metric, puts[i], 1, "puts");
	}
	/* A region that the plugin has not counted. */
	bench_region(bench_case->name, &pcpool_subject, "longest", longest, ~0u, 0, 1,
		     "a put");
}

/* The longest put while objects arrive, for which the queue grows. */
int bench_grow(const struct bench_case *bench_case)
{
	unsigned int n = bench_case->argument, round;
	struct pcpool *pool;
	int ret = -ENOMEM;
	void **objs;
	u32 *least;

	if (!bench_wanted(&pcpool_subject))
		return 0;
	least = vmalloc(array_size(n, sizeof(*least)));
	objs = vmalloc(array_size(n, sizeof(*objs)));
	if (!least || !objs)
		goto out;
	memset(least, 0xff, array_size(n, sizeof(*least)));
	pool = create_pool("bench");
	ret = PTR_ERR_OR_ZERO(pool);
	if (ret)
		goto out;
	for (round = 0; round < GROW_ROUNDS; round++)
		grow(pool, objs, least, n);
	pcpool_destroy(pool);
	grow_results(bench_case, least, n);
out:
	vfree(objs);
	vfree(least);
	return ret;
}

int bench_aging(const struct bench_case *bench_case)
{
	struct pcpool *pool;
	int ret;

	if (!bench_wanted(&pcpool_subject))
		return 0;
	pool = create_pool("bench");
	if (IS_ERR(pool))
		return PTR_ERR(pool);
	ret = fill(bench_case, pool, bench_case->argument);
	if (!ret) {
		age(bench_case, pool, "demote", 1, "a pass");
		age(bench_case, pool, "free", 1, "a pass");
		age(bench_case, pool, "empty", 1, "a pass");
	}
	pcpool_destroy(pool);
	return ret;
}

/* -- empty pools, which exist until the module is unloaded -- */

struct batch {
	struct batch *next;
	unsigned int n;
	struct pcpool *pool[];
};

static struct batch *batches;
static unsigned int nr_empty_pools;

/*
 * Creates more empty pools. memory-in-guest compares the kernel's memory statistics before
 * and after.
 */
int bench_memory(const struct bench_case *bench_case)
{
	unsigned int pools = bench_case->argument;
	char name[PCPOOL_NAME_BYTES];
	struct batch *batch;
	struct pcpool *pool;

	batch = kvzalloc(struct_size(batch, pool, pools), GFP_KERNEL);
	if (!batch)
		return -ENOMEM;
	batch->next = batches;
	batches = batch;
	while (batch->n < pools) {
		snprintf(name, sizeof(name), "empty-%u", nr_empty_pools++);
		pool = create_pool(name);
		if (IS_ERR(pool))
			return PTR_ERR(pool);
		batch->pool[batch->n++] = pool;
	}
	return 0;
}

void bench_memory_exit(void)
{
	struct batch *batch;

	while ((batch = batches)) {
		batches = batch->next;
		while (batch->n)
			pcpool_destroy(batch->pool[--batch->n]);
		kvfree(batch);
	}
}
