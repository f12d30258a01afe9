// SPDX-License-Identifier: GPL-2.0
/*
 * Cases for several CPUs. Only the plugin's counts are meaningful here. The emulated CPUs share one
 * real CPU and take turns; a turn ends at cpu_relax(). It is called after each operation and never
 * in one, so the operations of different CPUs alternate one by one.
 *
 * Each operation runs with interrupts disabled, so that the counts do not include the timer
 * interrupt. A warm-up round makes the subjects allocate all memory before.
 */
#include <linux/cpu.h>
#include <linux/irqflags.h>
#include <linux/kthread.h>
#include <linux/processor.h>
#include <linux/prandom.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "bench.h"

/* Unit of the results, and fewest operations per CPU, or per pair of CPUs. */
#define THOUSAND	1000u

/* Fewest operations in all: few CPUs need many, because they can run in lockstep for a while. */
#define OPERATIONS	(8 * THOUSAND)

/* -- running jobs on several CPUs at the same time -- */

/**
 * struct hand - runs jobs on one CPU
 * @worker: its thread
 * @work: the current work
 * @job: function of the current work
 * @index: index of the CPU among the CPUs in use
 * @operations: number of operations to do
 * @random: its random numbers, the same in every run
 */
struct hand {
	struct kthread_worker *worker;
	struct kthread_work work;
	void (*job)(unsigned int index, unsigned int operations);
	unsigned int index;
	unsigned int operations;
	struct rnd_state random;
};

static struct hand *hands;
static unsigned int nr_hands;

static void hand_work(struct kthread_work *work)
{
	struct hand *hand = container_of(work, struct hand, work);

	hand->job(hand->index, hand->operations);
}

static void dismiss_hands(void)
{
	while (nr_hands)
		kthread_destroy_worker(hands[--nr_hands].worker);
	kfree(hands);
	hands = NULL;
}

static int hire_hands(void)
{
	struct kthread_worker *worker;
	int cpu;

	hands = kcalloc(num_online_cpus(), sizeof(*hands), GFP_KERNEL);
	if (!hands)
		return -ENOMEM;
	for_each_online_cpu(cpu) {
		worker = kthread_create_worker_on_cpu(cpu, 0, "pcpool_bench");
		if (IS_ERR(worker)) {
			dismiss_hands();
			return PTR_ERR(worker);
		}
		/* Newer kernels leave this to the caller; on older ones it has no effect. */
		wake_up_process(worker->task);
		prandom_seed_state(&hands[nr_hands].random, nr_hands);
		hands[nr_hands++].worker = worker;
	}
	return 0;
}

typedef void (*job_fn)(unsigned int index, unsigned int operations);

/* Runs @even on the CPUs 0, 2, ... of the first @n, and @odd on the others; NULL: nothing. */
static void all_hands(unsigned int n, job_fn even, job_fn odd,
		      unsigned int operations)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		struct hand *hand = &hands[i];

		hand->job = i % 2 ? odd : even;
		hand->index = i;
		hand->operations = operations;
		if (!hand->job)
			continue;
		kthread_init_work(&hand->work, hand_work);
		kthread_queue_work(hand->worker, &hand->work);
	}
	for (i = 0; i < n; i++)
		if (hands[i].job)
			kthread_flush_work(&hands[i].work);
}

/*
 * Ends the turn of this CPU; at random, also its next turn. Otherwise CPUs that run the same job
 * would stay in lockstep, and the result would be one interleaving, repeated a thousand times.
 */
static void end_turn(unsigned int index)
{
	cpu_relax();
	if (prandom_u32_state(&hands[index].random) & 1)
		cpu_relax();
}

/* -- the jobs; all use the open subject -- */

static const struct bench_subject *subject;

static void get_one(unsigned int index, void **obj)
{
	unsigned long flags;

	local_irq_save(flags);
	if (!subject->get(obj, 1))
		*obj = NULL;
	local_irq_restore(flags);
	end_turn(index);
}

static void put_one(unsigned int index, void *obj)
{
	unsigned long flags;

	local_irq_save(flags);
	subject->put(&obj, 1);
	local_irq_restore(flags);
	end_turn(index);
}

static void do_pairs(unsigned int index, unsigned int operations)
{
	unsigned long flags;

	while (operations--) {
		local_irq_save(flags);
		subject->pair(1, true);
		local_irq_restore(flags);
		end_turn(index);
	}
}

/*
 * Size of a channel, which passes objects from a CPU that gets to a CPU that puts: more than the
 * private slots of a CPU, fewer than a queue holds.
 */
#define CHANNEL_OBJECTS	64u

/**
 * struct channel - passes objects from one CPU to another
 * @sent: number of objects sent; written only by the sender
 * @received: number of objects received; written only by the receiver
 * @obj: the objects
 */
struct channel {
	unsigned int sent;
	unsigned int received ____cacheline_aligned_in_smp;
	void *obj[CHANNEL_OBJECTS] ____cacheline_aligned_in_smp;
};

static struct channel *channels;

static void get_and_send(unsigned int index, unsigned int operations)
{
	struct channel *channel = &channels[index / 2];
	void *obj;

	while (operations) {
		/* Pairs with the release in receive_and_put(). */
		if (channel->sent - smp_load_acquire(&channel->received) ==
		    CHANNEL_OBJECTS) {
			cpu_relax();
			continue;
		}
		get_one(index, &obj);
		if (!obj)
			continue;
		channel->obj[channel->sent % CHANNEL_OBJECTS] = obj;
		/* Pairs with the acquire in receive_and_put(). */
		smp_store_release(&channel->sent, channel->sent + 1);
		operations--;
	}
}

static void receive_and_put(unsigned int index, unsigned int operations)
{
	struct channel *channel = &channels[index / 2];
	void *obj;

	while (operations) {
		/* Pairs with the release in get_and_send(). */
		if (smp_load_acquire(&channel->sent) == channel->received) {
			cpu_relax();
			continue;
		}
		obj = channel->obj[channel->received % CHANNEL_OBJECTS];
		/* Pairs with the acquire in get_and_send(). */
		smp_store_release(&channel->received, channel->received + 1);
		put_one(index, obj);
		operations--;
	}
}

/* Number of objects at a time, as in Go's benchmark of the same name. */
#define STARVED_OBJECTS	100u

static void *(*stocks)[STARVED_OBJECTS];

static void get_stock(unsigned int index, unsigned int operations)
{
	void **objs = stocks[index / 2];
	unsigned int i;

	for (i = 0; i < operations; i++)
		do {
			get_one(index, &objs[i]);
		} while (!objs[i]);
}

static void put_stock(unsigned int index, unsigned int operations)
{
	void **objs = stocks[index / 2];
	unsigned int i;

	for (i = 0; i < operations; i++)
		put_one(index, objs[i]);
}

/* -- the cases: each of @cpus CPUs, or each pair of them, does @operations operations -- */

static void scale(unsigned int cpus, unsigned int operations)
{
	all_hands(cpus, do_pairs, do_pairs, operations);
}

static void handoff(unsigned int cpus, unsigned int operations)
{
	all_hands(cpus, get_and_send, receive_and_put, operations);
}

static void starvation(unsigned int cpus, unsigned int operations)
{
	unsigned int done;

	for (done = 0; done < operations; done += STARVED_OBJECTS) {
		all_hands(cpus, NULL, get_stock, STARVED_OBJECTS);
		all_hands(cpus, put_stock, NULL, STARVED_OBJECTS);
	}
}

/**
 * struct many_case - a case
 * @run: runs it
 * @cpus_min: fewest CPUs for the case; so many CPUs share @operations operations
 * @objects: most objects that @cpus_min CPUs hold or leave in the pool
 * @unit: unit of the results
 */
struct many_case {
	void (*run)(unsigned int cpus, unsigned int operations);
	unsigned int cpus_min;
	unsigned int objects;
	const char *unit;
};

static const struct many_case many_cases[] = {
	[BENCH_SCALE] = { scale, 1, 8, "1000 pairs" },
	[BENCH_HANDOFF] = { handoff, 2, 2 * CHANNEL_OBJECTS, "1000 objects" },
	[BENCH_STARVATION] = { starvation, 2, 2 * STARVED_OBJECTS, "1000 objects" },
};

static void run_many(const struct bench_case *bench_case,
		     const struct many_case *many, unsigned int cpus,
		     unsigned int *baseline)
{
	struct pcpool_pool_stats before, after;
	const char *name = bench_case->name;
	unsigned int sharing = cpus / many->cpus_min;
	unsigned int operations = max(OPERATIONS / sharing, THOUSAND);
	unsigned int thousands = sharing * operations / THOUSAND;
	unsigned int region;
	char metric[16];

	/* Warm up: memory that is allocated at first use. */
	many->run(cpus, operations);
	bench_end_region();
	many->run(cpus, operations);
	region = bench_end_region();

	if (subject->abilities & SUBJECT_BASELINE) {
		*baseline = region;
		return;
	}
	snprintf(metric, sizeof(metric), "%u", cpus);
	bench_region(name, subject, metric, 0, region, *baseline, thousands,
		     many->unit);

	if (!(subject->abilities & SUBJECT_PCPOOL))
		return;
	/* In another round, because reading the statistics moves cache lines. */
	bench_pcpool_stats(&before);
	many->run(cpus, operations);
	bench_pcpool_stats(&after);
	snprintf(metric, sizeof(metric), "steals.%u", cpus);
	bench_result(name, subject, metric, after.hit_steal - before.hit_steal,
		     thousands, many->unit);
	snprintf(metric, sizeof(metric), "misses.%u", cpus);
	bench_result(name, subject, metric, after.miss - before.miss, thousands,
		     many->unit);
}

int bench_many(const struct bench_case *bench_case)
{
	const struct many_case *many = &many_cases[bench_case->argument];
	unsigned int i, cpus, baseline[BITS_PER_TYPE(cpus)];
	int ret;

	ret = hire_hands();
	if (ret)
		return ret;
	channels = kvcalloc(nr_hands, sizeof(*channels), GFP_KERNEL);
	stocks = kvcalloc(nr_hands, sizeof(*stocks), GFP_KERNEL);
	if (!channels || !stocks) {
		ret = -ENOMEM;
		goto out;
	}
	for (i = 0; i < bench_nr_subjects; i++) {
		subject = bench_subjects[i];
		if (!bench_wanted(subject) ||
		    !(subject->abilities & SUBJECT_MANY_CPUS))
			continue;
		for (cpus = many->cpus_min; cpus <= nr_hands; cpus *= 2) {
			ret = subject->open(cpus * many->objects);
			if (ret) {
				bench_skip(bench_case->name, subject, ret);
				ret = 0;
				break;
			}
			run_many(bench_case, many, cpus, &baseline[ilog2(cpus)]);
			subject->close();
		}
	}
out:
	kvfree(stocks);
	kvfree(channels);
	dismiss_hands();
	return ret;
}
