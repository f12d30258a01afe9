// SPDX-License-Identifier: GPL-2.0
/*
 * More tasks than objects, and no memory for more objects: tasks get and put objects of a
 * reserve, in turn with tasks that wait for one. Compares pcpool with mempool, which has the
 * same purpose. One CPU, so an emulated cycle is an instruction; switches between the tasks
 * are part of the result.
 */
#include <linux/completion.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/mempool.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "bench.h"

#define TASKS		8
#define OBJECTS		2
#define PAIRS		4000u
/* What a task does with its object: so many rounds of a loop. */
#define HOLD		200u

static bool alloc_fails;

static void *pcpool_alloc(gfp_t gfp, void *ctx)
{
	return alloc_fails ? NULL : kmalloc(16, gfp);
}

static void pcpool_free(void *obj, void *ctx)
{
	kfree(obj);
}

static const struct pcpool_ops ops = { .alloc = pcpool_alloc, .free = pcpool_free };

static void *mempool_alloc_fn(gfp_t gfp, void *data)
{
	return pcpool_alloc(gfp, NULL);
}

static void mempool_free_fn(void *obj, void *data)
{
	kfree(obj);
}

/* One task, and the longest time that one of its gets took, in ns. */
struct contender {
	struct pcpool *pool;
	mempool_t *mempool;
	struct completion *start, *done;
	u64 longest;
};

static void hold(void)
{
	unsigned int i;

	for (i = 0; i < HOLD; i++)
		cpu_relax();
}

static int contend(void *data)
{
	struct contender *c = data;
	unsigned int i;
	void *obj;
	u64 since;

	wait_for_completion(c->start);
	for (i = 0; i < PAIRS; i++) {
		since = ktime_get_ns();
		if (c->pool)
			obj = pcpool_get(c->pool, GFP_NOIO);
		else
			obj = mempool_alloc(c->mempool, GFP_NOIO);
		c->longest = max(c->longest, ktime_get_ns() - since);
		hold();
		/* Half of the time, another task may come next. */
		if (i % 2)
			schedule();
		if (c->pool)
			pcpool_put(c->pool, obj);
		else
			mempool_free(obj, c->mempool);
	}
	complete(c->done);
	return 0;
}

/* Runs all tasks; returns the cycles that all pairs took, or 0. */
static u64 run_tasks(struct pcpool *pool, mempool_t *mempool, u64 *longest)
{
	DECLARE_COMPLETION_ONSTACK(start);
	DECLARE_COMPLETION_ONSTACK(done);
	static struct contender contenders[TASKS];
	struct task_struct *task;
	unsigned int i, n;
	u64 cycles;

	for (n = 0; n < TASKS; n++) {
		contenders[n] = (struct contender){
			.pool = pool, .mempool = mempool, .start = &start, .done = &done,
		};
		task = kthread_run(contend, &contenders[n], "contend/%u", n);
		if (IS_ERR(task))
			break;
	}
	alloc_fails = true;
	cycles = bench_begin();
	complete_all(&start);
	for (i = 0; i < n; i++)
		wait_for_completion(&done);
	cycles = bench_end(cycles);
	alloc_fails = false;
	/* The last one may still be in complete(). */
	schedule_timeout_uninterruptible(HZ / 10);
	*longest = 0;
	for (i = 0; i < n; i++)
		*longest = max(*longest, contenders[i].longest);
	return n == TASKS ? cycles : 0;
}

static int report(const struct bench_case *bench_case, const struct bench_subject *subject,
		  u64 cycles, u64 longest)
{
	if (!cycles)
		return -ENOMEM;
	/* A region that the plugin has not counted. */
	bench_region(bench_case->name, subject, "all", cycles, ~0u, 0, TASKS * PAIRS, "a pair");
	bench_result(bench_case->name, subject, "longest_wait", longest / 1000, 1, "us");
	return 0;
}

static int contend_pcpool(const struct bench_case *bench_case)
{
	static const struct bench_subject subject = { .name = "pcpool" };
	const struct pcpool_params params = {
		.name = "contend", .ops = &ops, .object_bytes = 16, .reserve = OBJECTS,
	};
	struct pcpool *pool;
	u64 cycles, longest;

	if (!bench_wanted(&subject))
		return 0;
	pool = pcpool_create(&params);
	if (IS_ERR(pool))
		return PTR_ERR(pool);
	cycles = run_tasks(pool, NULL, &longest);
	pcpool_destroy(pool);
	return report(bench_case, &subject, cycles, longest);
}

static int contend_mempool(const struct bench_case *bench_case)
{
	static const struct bench_subject subject = { .name = "mempool" };
	u64 cycles, longest;
	mempool_t *mempool;

	if (!bench_wanted(&subject))
		return 0;
	mempool = mempool_create(OBJECTS, mempool_alloc_fn, mempool_free_fn, NULL);
	if (!mempool)
		return -ENOMEM;
	cycles = run_tasks(NULL, mempool, &longest);
	mempool_destroy(mempool);
	return report(bench_case, &subject, cycles, longest);
}

int bench_contend(const struct bench_case *bench_case)
{
	return contend_pcpool(bench_case) ?: contend_mempool(bench_case);
}
