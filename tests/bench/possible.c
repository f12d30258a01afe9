// SPDX-License-Identifier: GPL-2.0
/*
 * Calls whose cost must not grow with the number of possible CPUs, for one CPU.
 *
 * Only cycles are used: an emulated cycle is an instruction, and the kernels that accept
 * possible_cpus= boot too slowly with the plugin. Each measurement runs with interrupts
 * disabled, several times, and the median is the result.
 */
#include <linux/cpumask.h>
#include <linux/irqflags.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include "bench.h"

#define ROUNDS		7
#define WAITERS		2
/* More than the shared array holds, so that the idle objects are in queues. */
#define QUOTA		16384u

static const struct bench_subject pcpool_subject = { .name = "pcpool" };

static bool alloc_fails;

static void *object_alloc(gfp_t gfp, void *ctx)
{
	return alloc_fails ? NULL : kmalloc(16, gfp);
}

static void object_free(void *obj, void *ctx)
{
	kfree(obj);
}

static const struct pcpool_ops object_ops = {
	.alloc = object_alloc,
	.free = object_free,
};

static int compare(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

/* Reports the median of @cycles as the result @what of this number of possible CPUs. */
static void report(const struct bench_case *bench_case, const char *what, u64 *cycles)
{
	char where[32];

	sort(cycles, ROUNDS, sizeof(*cycles), compare, NULL);
	snprintf(where, sizeof(where), "%s.%u", what, num_possible_cpus());
	/* A region that the plugin has not counted. */
	bench_region(bench_case->name, &pcpool_subject, where, cycles[ROUNDS / 2], ~0u, 0, 1,
		     "a call");
}

static u64 measure_put(struct pcpool *pool, void *obj)
{
	unsigned long flags;
	u64 cycles;

	local_irq_save(flags);
	cycles = bench_begin();
	pcpool_put(pool, obj);
	cycles = bench_end(cycles);
	local_irq_restore(flags);
	return cycles;
}

static u64 measure_failing_get(struct pcpool *pool)
{
	unsigned long flags;
	u64 cycles;
	void *obj;

	local_irq_save(flags);
	cycles = bench_begin();
	obj = pcpool_get(pool, GFP_NOWAIT);
	cycles = bench_end(cycles);
	local_irq_restore(flags);
	WARN_ON(obj);
	return cycles;
}

struct waiter {
	struct task_struct *task;
	struct pcpool *pool;
	void *obj;
};

static int wait_for_object(void *data)
{
	struct waiter *waiter = data;

	waiter->obj = pcpool_get(waiter->pool, GFP_KERNEL);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

/* A put while two gets wait: the first is handed the object, the second nothing. */
static int put_with_waiters(struct pcpool *pool, void *obj, u64 *cycles)
{
	struct waiter waiters[WAITERS] = { };
	struct pcpool_pool_stats stats;
	unsigned int i;

	for (i = 0; i < WAITERS; i++) {
		waiters[i].pool = pool;
		waiters[i].task = kthread_run(wait_for_object, &waiters[i], "pcpool_bench");
		if (IS_ERR(waiters[i].task))
			return PTR_ERR(waiters[i].task);
		do {
			schedule_timeout_interruptible(1);
			pcpool_stats(pool, &stats);
		} while (stats.waiting <= i);
	}
	*cycles = measure_put(pool, obj);
	for (i = 0; i < WAITERS; i++) {
		while (!READ_ONCE(waiters[i].obj))
			schedule_timeout_interruptible(1);
		kthread_stop(waiters[i].task);
		/* The last object is kept for the next round. */
		if (i < WAITERS - 1)
			pcpool_put(pool, waiters[i].obj);
		else
			WARN_ON(waiters[i].obj != obj);
	}
	return 0;
}

static int measure_quota(const struct bench_case *bench_case)
{
	const struct pcpool_params params = {
		.name = "bench", .ops = &object_ops, .object_bytes = 16, .max_total = QUOTA,
	};
	u64 put[ROUNDS], get[ROUNDS];
	struct pcpool *pool;
	unsigned int i, n;
	void **objs;
	int ret = 0;

	objs = kvcalloc(QUOTA, sizeof(*objs), GFP_KERNEL);
	if (!objs)
		return -ENOMEM;
	pool = pcpool_create(&params);
	if (IS_ERR(pool)) {
		kvfree(objs);
		return PTR_ERR(pool);
	}
	for (n = 0; n < QUOTA; n++) {
		objs[n] = pcpool_get(pool, GFP_KERNEL);
		if (!objs[n])
			break;
	}
	/* So that this CPU has a queue. */
	pcpool_put(pool, objs[0]);
	objs[0] = pcpool_get(pool, GFP_KERNEL);
	for (i = 0; i < ROUNDS && !ret; i++) {
		get[i] = measure_failing_get(pool);
		ret = put_with_waiters(pool, objs[0], &put[i]);
	}
	if (!ret) {
		report(bench_case, "failing_get", get);
		report(bench_case, "put_with_waiters", put);
	}
	while (n)
		pcpool_put(pool, objs[--n]);
	pcpool_destroy(pool);
	kvfree(objs);
	return ret;
}

/* Puts into a reserve that lacks more than this object. */
static int measure_reserve(const struct bench_case *bench_case)
{
	const struct pcpool_params params = {
		.name = "bench", .ops = &object_ops, .object_bytes = 16, .reserve = ROUNDS + 1,
	};
	void *objs[ROUNDS + 1];
	struct pcpool *pool;
	u64 put[ROUNDS];
	unsigned int i;

	pool = pcpool_create(&params);
	if (IS_ERR(pool))
		return PTR_ERR(pool);
	alloc_fails = true;
	for (i = 0; i <= ROUNDS; i++)
		objs[i] = pcpool_get(pool, GFP_KERNEL);
	for (i = 0; i < ROUNDS; i++)
		put[i] = measure_put(pool, objs[i]);
	pcpool_put(pool, objs[ROUNDS]);
	alloc_fails = false;
	pcpool_destroy(pool);
	report(bench_case, "put_reserve_short", put);
	return 0;
}

/* An aging pass, which interrupts no other CPU here: there is only one online. */
static u64 measure_age(struct pcpool *pool)
{
	u64 cycles = bench_begin();

	pcpool_age(pool);
	return bench_end(cycles);
}

/* Aging passes over a pool that was never used, and over one that was emptied. */
static int measure_aging(const struct bench_case *bench_case)
{
	const struct pcpool_params params = {
		.name = "bench", .ops = &object_ops, .object_bytes = 16,
		.decay_ms = PCPOOL_DECAY_NEVER,
	};
	u64 unused[ROUNDS], emptied[ROUNDS];
	struct pcpool *pool;
	unsigned int i;

	pool = pcpool_create(&params);
	if (IS_ERR(pool))
		return PTR_ERR(pool);
	for (i = 0; i < ROUNDS; i++)
		unused[i] = measure_age(pool);
	for (i = 0; i < ROUNDS; i++) {
		if (pcpool_prefill(pool, GFP_KERNEL, 100) != 100)
			pr_warn("prefill failed\n");
		pcpool_drain(pool);
		emptied[i] = measure_age(pool);
	}
	pcpool_destroy(pool);
	report(bench_case, "age_unused", unused);
	report(bench_case, "age_emptied", emptied);
	return 0;
}

int bench_possible(const struct bench_case *bench_case)
{
	int ret;

	if (!bench_wanted(&pcpool_subject))
		return 0;
	ret = measure_quota(bench_case);
	ret = ret ?: measure_reserve(bench_case);
	return ret ?: measure_aging(bench_case);
}
