// SPDX-License-Identifier: GPL-2.0
/*
 * Cases for one CPU, with exact counts under QEMU's instruction counting.
 *
 * Each runs several times, and the median is the result. A timer interrupt may hit
 * one of the runs, which then is not the median.
 */
#include <linux/completion.h>
#include <linux/interrupt.h>
#include <linux/irq_work.h>
#include <linux/sort.h>
#include <linux/vmalloc.h>

#include "bench.h"

#define RUNS	7

/* Iterations per loop: many compared with the overhead of a loop, but far less than a tick. */
#define PAIRS	1000

/* Number of objects in one run of a depth case. */
#define DEPTH_OBJECTS	4000u

/**
 * struct run - result of one run
 * @cycles: cycles it took
 * @region: number of its region, which the plugin counts
 */
struct run {
	u64 cycles;
	unsigned int region;
};

static int compare_runs(const void *a, const void *b)
{
	const struct run *left = a, *right = b;

	return left->cycles < right->cycles ? -1 : left->cycles > right->cycles;
}

static struct run median(struct run *runs)
{
	sort(runs, RUNS, sizeof(*runs), compare_runs, NULL);
	return runs[RUNS / 2];
}

/* -- pair, in each context -- */

/**
 * struct pairs - the runs of a subject in one context
 * @subject: the subject
 * @runs: results of the runs
 * @atomic: gets must use GFP_ATOMIC
 * @tasklet: runs it in softirq context
 * @irq_work: runs it in hardirq context
 * @done: completed at the end
 */
struct pairs {
	const struct bench_subject *subject;
	struct run runs[RUNS];
	bool atomic;
	struct tasklet_struct tasklet;
	struct irq_work irq_work;
	struct completion done;
};

static void run_pairs(struct pairs *pairs)
{
	unsigned int i;

	/* Warm up: memory allocated at first use, and the caches of the allocator. */
	pairs->subject->pair(PAIRS, pairs->atomic);
	for (i = 0; i < RUNS; i++) {
		bench_end_region();
		pairs->runs[i].cycles = pairs->subject->pair(PAIRS, pairs->atomic);
		pairs->runs[i].region = bench_end_region();
	}
	complete(&pairs->done);
}

static void pairs_tasklet(struct tasklet_struct *tasklet)
{
	run_pairs(container_of(tasklet, struct pairs, tasklet));
}

static void pairs_irq_work(struct irq_work *irq_work)
{
	run_pairs(container_of(irq_work, struct pairs, irq_work));
}

static void pairs_in_task(struct pairs *pairs)
{
	run_pairs(pairs);
}

static void pairs_in_softirq(struct pairs *pairs)
{
	tasklet_setup(&pairs->tasklet, pairs_tasklet);
	tasklet_schedule(&pairs->tasklet);
}

static void pairs_in_hardirq(struct pairs *pairs)
{
	init_irq_work(&pairs->irq_work, pairs_irq_work);
	irq_work_queue(&pairs->irq_work);
}

/* Task context is the default, so it has no name in the results. */
static const struct context {
	const char *name;
	bool atomic;
	void (*run)(struct pairs *pairs);
} contexts[] = {
	{ "", false, pairs_in_task },
	{ "softirq", true, pairs_in_softirq },
	{ "hardirq", true, pairs_in_hardirq },
};

static struct run pair_in(const struct bench_subject *subject,
			  const struct context *context)
{
	static struct pairs pairs;

	pairs.subject = subject;
	pairs.atomic = context->atomic;
	init_completion(&pairs.done);
	context->run(&pairs);
	wait_for_completion(&pairs.done);
	if (context->run == pairs_in_softirq)
		tasklet_kill(&pairs.tasklet);
	if (context->run == pairs_in_hardirq)
		irq_work_sync(&pairs.irq_work);
	return median(pairs.runs);
}

/* Reports the result of one subject, minus the baseline. */
static void report(const char *name, const struct bench_subject *subject,
		   const char *where, const struct run *run,
		   const struct run *baseline, u64 per, const char *unit)
{
	if (subject->abilities & SUBJECT_BASELINE)
		return;
	bench_region(name, subject, where, run->cycles - baseline->cycles,
		     run->region, baseline->region, per, unit);
}

int bench_pair(const struct bench_case *bench_case)
{
	struct run baseline[ARRAY_SIZE(contexts)];
	const struct bench_subject *subject;
	struct run run;
	unsigned int i, c;
	int ret;

	for (i = 0; i < bench_nr_subjects; i++) {
		subject = bench_subjects[i];
		if (!bench_wanted(subject))
			continue;
		ret = subject->open(DEPTH_OBJECTS);
		if (ret) {
			bench_skip(bench_case->name, subject, ret);
			continue;
		}
		for (c = 0; c < ARRAY_SIZE(contexts); c++) {
			if (contexts[c].atomic &&
			    !(subject->abilities & SUBJECT_ATOMIC))
				continue;
			run = pair_in(subject, &contexts[c]);
			if (subject->abilities & SUBJECT_BASELINE)
				baseline[c] = run;
			report(bench_case->name, subject, contexts[c].name, &run,
			       &baseline[c], PAIRS, "a pair");
		}
		subject->close();
	}
	return 0;
}

/* -- depth: a number of gets, then as many puts -- */

int bench_depth(const struct bench_case *bench_case)
{
	unsigned int depth = bench_case->argument;
	unsigned int rounds = DEPTH_OBJECTS / depth;
	const struct bench_subject *subject;
	struct run baseline, run, runs[RUNS];
	unsigned int i, r;
	void **objs;
	int ret;

	objs = vzalloc(array_size(depth, sizeof(*objs)));
	if (!objs)
		return -ENOMEM;
	for (i = 0; i < bench_nr_subjects; i++) {
		subject = bench_subjects[i];
		if (!bench_wanted(subject) || !(subject->abilities & SUBJECT_DEEP))
			continue;
		ret = subject->open(depth);
		if (ret) {
			bench_skip(bench_case->name, subject, ret);
			continue;
		}
		/* Warm up: memory allocated at first use. */
		subject->depth(objs, depth, rounds);
		for (r = 0; r < RUNS; r++) {
			bench_end_region();
			runs[r].cycles = subject->depth(objs, depth, rounds);
			runs[r].region = bench_end_region();
		}
		subject->close();
		run = median(runs);
		if (subject->abilities & SUBJECT_BASELINE)
			baseline = run;
		report(bench_case->name, subject, "", &run, &baseline,
		       depth * rounds, "an object");
	}
	vfree(objs);
	return 0;
}
