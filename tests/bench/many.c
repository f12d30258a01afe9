// SPDX-License-Identifier: GPL-2.0
/*
 * Cases for several CPUs. Only the plugin's counts mean anything here: emulated CPUs that
 * share a real one take turns, and cpu_relax() is where the next one's turn comes. So there
 * is one after each operation, and none in it: that is as finely as the CPUs' doings mix.
 *
 * Each operation runs with interrupts disabled, lest the counts have the timer's in them.
 * What a subject has to allocate for it has been by then, in rounds that do not count.
 */
#include <linux/cpu.h>
#include <linux/irqflags.h>
#include <linux/kthread.h>
#include <linux/processor.h>
#include <linux/prandom.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "bench.h"

/* What results are of, and the fewest operations of a CPU, or couple of CPUs. */
#define THOUSAND	1000u

/* How many operations there are at least in all, for few CPUs can get into step. */
#define OPERATIONS	(8 * THOUSAND)

/* -- doing something on several CPUs at the same time -- */

/**
 * struct hand - does things on one CPU
 * @worker: its thread
 * @work: what it does now
 * @job: that, as a function
 * @index: which of the CPUs in use it is
 * @operations: how many operations to do
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
		/* Newer kernels leave that to us; the older do not mind. */
		wake_up_process(worker->task);
		prandom_seed_state(&hands[nr_hands].random, nr_hands);
		hands[nr_hands++].worker = worker;
	}
	return 0;
}

typedef void (*job_fn)(unsigned int index, unsigned int operations);

/* Does @even on every other of the first @n CPUs, and @odd on the rest; NULL is nothing. */
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
 * The other CPUs' turns; half of the time twice, or CPUs that do the same would stay in
 * step, and one would count the same thousand times.
 */
static void end_turn(unsigned int index)
{
	cpu_relax();
	if (prandom_u32_state(&hands[index].random) & 1)
		cpu_relax();
}

/* -- what the hands do; all with the subject that is open -- */

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
 * Between a CPU that gets and one that puts: objects on their way. More of them than a CPU
 * keeps for itself, fewer than a queue holds.
 */
#define CHANNEL_OBJECTS	64u

/**
 * struct channel - from one CPU to another
 * @sent: how many objects went in; only the sender writes it
 * @received: how many came out; only the receiver writes it
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

/* As many as Go's benchmark of the same name puts at a time. */
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

/* -- the cases: so many CPUs do so many operations each, or each two of them -- */

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
 * @cpus_min: the fewest CPUs it can be run on, and how many share the operations
 * @objects: the most objects that @cpus_min CPUs have out, or leave behind
 * @unit: what the results are of
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

	/* What is made and grown at first use. */
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
	/* Not in the region: reading the statistics moves cache lines. */
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
