// SPDX-License-Identifier: GPL-2.0
/*
 * Times one case of one subject: lab-SUBJECT CASE [--cpus N] [--ms N] ... Prints lines
 * "metric<TAB>value<TAB>unit". Each subject has a program of its own, built from this file and
 * subjects/SUBJECT.h, so that the operations of the subject are inlined into the loops as they
 * are into its users.
 *
 * All subjects run in threads that the shim starts, one for each CPU, pinned.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <getopt.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#ifdef __x86_64__
#include <x86intrin.h>
#endif

#include <linux/cpumask.h>
#include <linux/kernel.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/smp.h>

#include "cpus.h"

/**
 * Properties of a subject, which subjects/SUBJECT.h defines besides the three operations
 * @CAN_RUN_DRY: a get returns only objects that were put before, and may find none
 * @HAS_AGING: the subject is pcpool
 * @ONLY_PAIRS: there is only one object for each CPU, so that only pairs make sense
 */

#define DEPTH_MAX	1000u
/* Initial objects in handoff: more than the ring between the two CPUs can hold. */
#define HANDOFF_OBJECTS	4096u
/* After this many operations, a loop reads the clock and lets the CPU do other work. */
#define CHUNK		8192u

static unsigned int nr_cpus = 1, object_bytes = 256, depth = 1;
/* The number of objects of a subject that has a fixed number. */
static unsigned int fixed_objects = 128;
static double milliseconds = 60;

#include SUBJECT

void fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("lab: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	_exit(1);
}

static void print(const char *metric, double value, const char *unit)
{
	printf("%s\t%.6g\t%s\n", metric, value, unit);
}

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

/* --- Threads that begin and end together -------------------------------- */

static unsigned int arrived;
static bool stop;

static struct {
	unsigned long ops;
	double ns;
} ____cacheline_aligned_in_smp result[NR_CPUS];

/* Spins, so that no thread is delayed by a wakeup. */
static double begin_together(void)
{
	__atomic_fetch_add(&arrived, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(&arrived, __ATOMIC_ACQUIRE) < nr_cpus)
		cpu_relax();
	return now_ns();
}

/* The first thread whose time has expired stops all, so all were running until then. */
static bool go_on(double began)
{
	shim_schedule();
	if (now_ns() - began > milliseconds * 1e6)
		__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	return !__atomic_load_n(&stop, __ATOMIC_RELAXED);
}

static void run(void (*loop)(unsigned int cpu))
{
	arrived = 0;
	stop = false;
	shim_on_cpus(0, nr_cpus, loop);
}

/* Nanoseconds that an operation takes on the CPU that does it. */
static double ns_each(void)
{
	unsigned long ops = 0;
	double ns = 0;
	unsigned int cpu;

	for (cpu = 0; cpu < nr_cpus; cpu++) {
		ops += result[cpu].ops;
		ns += result[cpu].ns;
	}
	return ns / ops;
}

/* The timed loop of a CPU: @body does @n operations. */
#define TIMED(cpu, n, body) do {					\
	double __began = begin_together();				\
	unsigned long __ops = 0, __i;					\
									\
	do {								\
		for (__i = 0; __i < CHUNK; __i += (n)) {		\
			body;						\
		}							\
		__ops += __i;						\
	} while (go_on(__began));					\
	result[cpu].ns = now_ns() - __began;				\
	result[cpu].ops = __ops;					\
} while (0)

/* --- pair, depthN ------------------------------------------------------- */

/* Gets and puts as many objects as the case needs before timing starts. */
static void warm_up(void)
{
	void *objs[DEPTH_MAX];
	unsigned int i, round;

	for (round = 0; round < 10; round++) {
		for (i = 0; i < depth; i++) {
			objs[i] = subject_get();
			if (!objs[i])
				fail("the subject has no more objects");
		}
		for (i = 0; i < depth; i++)
			subject_put(objs[i]);
	}
}

static void pair_loop(unsigned int cpu)
{
	void *obj;

	warm_up();
	TIMED(cpu, 1, ({
		obj = subject_get();
		OPTIMIZER_HIDE_VAR(obj);
		subject_put(obj);
	}));
}

static void depth_loop(unsigned int cpu)
{
	void *objs[DEPTH_MAX];
	unsigned int i;

	warm_up();
	TIMED(cpu, depth, ({
		for (i = 0; i < depth; i++) {
			objs[i] = subject_get();
			OPTIMIZER_HIDE_VAR(objs[i]);
		}
		for (i = 0; i < depth; i++)
			subject_put(objs[i]);
	}));
}

static void pair(void)
{
	run(depth > 1 ? depth_loop : pair_loop);
	print("time", ns_each(), "ns/pair");
}

/* --- handoff ------------------------------------------------------------ */

/*
 * The way from the CPU that gets to the CPU that puts: a ring with one producer and one
 * consumer. Objects go through it in batches, and each side counts them in private. So the
 * ring moves few cache lines between the CPUs, compared with the subject.
 */
#define WAY_SLOTS	1024u
#define WAY_BATCH	32u

static struct {
	unsigned long sent ____cacheline_aligned_in_smp;
	unsigned long received ____cacheline_aligned_in_smp;
	void *slot[WAY_SLOTS] ____cacheline_aligned_in_smp;
} way;

static bool way_wait(const unsigned long *counter, unsigned long at_least)
{
	while (__atomic_load_n(counter, __ATOMIC_ACQUIRE) < at_least) {
		if (__atomic_load_n(&stop, __ATOMIC_RELAXED))
			return false;
		cpu_relax();
		shim_schedule();
	}
	return true;
}

static void getter(unsigned int cpu)
{
	double began = begin_together();
	unsigned long sent = 0;
	unsigned int i;
	void *obj;

	for (;;) {
		if (sent >= WAY_SLOTS &&
		    !way_wait(&way.received, sent + WAY_BATCH - WAY_SLOTS))
			break;
		for (i = 0; i < WAY_BATCH; i++) {
			while (!(obj = subject_get()))
				cpu_relax();
			way.slot[(sent + i) % WAY_SLOTS] = obj;
		}
		sent += WAY_BATCH;
		__atomic_store_n(&way.sent, sent, __ATOMIC_RELEASE);
		if (sent % CHUNK == 0 && !go_on(began))
			break;
	}
	result[cpu].ns = now_ns() - began;
	result[cpu].ops = sent;
}

static void putter(unsigned int cpu)
{
	unsigned long received = 0;
	unsigned int i;

	begin_together();
	while (way_wait(&way.sent, received + WAY_BATCH)) {
		for (i = 0; i < WAY_BATCH; i++)
			subject_put(way.slot[(received + i) % WAY_SLOTS]);
		received += WAY_BATCH;
		__atomic_store_n(&way.received, received, __ATOMIC_RELEASE);
		if (received % CHUNK == 0)
			shim_schedule();
	}
	result[cpu].ops = 0;
}

/* Puts the initial objects, on the CPU that puts. */
static void fill_putter(unsigned int cpu)
{
	void *objs[HANDOFF_OBJECTS];
	unsigned int i;

	(void)cpu;
	for (i = 0; i < HANDOFF_OBJECTS; i++)
		objs[i] = subject_get();
	while (i--)
		subject_put(objs[i]);
}

static void handoff_loop(unsigned int cpu)
{
	if (cpu)
		putter(cpu);
	else
		getter(cpu);
}

static void handoff(void)
{
	nr_cpus = 2;
	shim_on_cpus(1, 1, fill_putter);
	run(handoff_loop);
	print("time", result[0].ns / result[0].ops, "ns/object");
}

/* --- starvation --------------------------------------------------------- */

#if defined(CAN_RUN_DRY) && !defined(ONLY_PAIRS)

/* Go's BenchmarkPoolStarvation, which puts two thirds of the number it tries to get. */
#define STARVED_GETS	100u
#define STARVED_PUTS	(STARVED_GETS - 33u)

static unsigned long starved_got[NR_CPUS][8];

static void starvation_loop(unsigned int cpu)
{
	/* Go always puts the same 1. Here the pointer is never dereferenced. */
	static char token[NR_CPUS][64];
	unsigned long got = 0;
	unsigned int i;

	TIMED(cpu, STARVED_GETS, ({
		for (i = 0; i < STARVED_PUTS; i++)
			subject_put(token[cpu]);
		for (i = 0; i < STARVED_GETS; i++)
			got += !!subject_try_get();
	}));
	starved_got[cpu][0] = got;
}

static void starvation(void)
{
	unsigned long got = 0, ops = 0;
	unsigned int cpu;

	subject_empty();
	run(starvation_loop);
	for (cpu = 0; cpu < nr_cpus; cpu++) {
		got += starved_got[cpu][0];
		ops += result[cpu].ops;
	}
	print("time", ns_each() * STARVED_GETS, "ns/iteration");
	print("got", got * 100.0 / ops, "%");
}

#endif

/* --- aging: single operations, timed ------------------------------------ */

#if defined(HAS_AGING) || defined(ONLY_PAIRS)

/* Histogram of times: 32 ranges for each power of two, so a range spans 3%. */
#define RANGE_BITS	5
#define RANGES		(64u << RANGE_BITS)

static unsigned long histogram[RANGES], longest, samples;
static double ns_per_tick = 1;

/* Earlier instructions have completed, and later ones have not begun. */
static inline unsigned long ticks(void)
{
#ifdef __x86_64__
	unsigned int unused;
	unsigned long t = __rdtscp(&unused);

	_mm_lfence();
	return t;
#else
	return now_ns();
#endif
}

static void calibrate_ticks(void)
{
#ifdef __x86_64__
	double began = now_ns(), ns;
	unsigned long t = ticks();

	do {
		ns = now_ns() - began;
	} while (ns < 20e6);
	ns_per_tick = ns / (ticks() - t);
#endif
}

static unsigned int range_of(unsigned long t)
{
	unsigned int power;

	if (t < 2u << RANGE_BITS)
		return t;
	power = 63 - __builtin_clzl(t);
	return ((power - RANGE_BITS) << RANGE_BITS) + (t >> (power - RANGE_BITS));
}

static unsigned long range_start(unsigned int range)
{
	unsigned int power = range >> RANGE_BITS;

	if (power < 2)
		return range;
	return ((1ul << RANGE_BITS) + (range & ((1u << RANGE_BITS) - 1))) << (power - 1);
}

static inline void sample(unsigned long t)
{
	histogram[range_of(t)]++;
	samples++;
	if (t > longest)
		longest = t;
}

static double percentile(double p)
{
	unsigned long wanted = samples * (p / 100), seen = 0;
	unsigned int i;

	for (i = 0; i < RANGES; i++) {
		seen += histogram[i];
		if (seen > wanted)
			return range_start(i) * ns_per_tick;
	}
	return longest * ns_per_tick;
}

#define TIMED_OP(op) ({					\
	unsigned long __t = ticks();			\
							\
	op;						\
	sample(ticks() - __t);				\
})

/* More gets in a row than the private slots hold, so that objects move to and from the queue. */
#define AGING_DEPTH	24u
#define AGING_IDLE	100000u

static enum {
	AGE_QUIET,	/* the other CPU does nothing */
	AGE_BUSY,	/* it gets and puts */
	AGE_AGING,	/* it puts, and runs aging passes */
	AGE_IMITATED,	/* it does what a pass makes the machine do, without a pool */
} aging_mode;

static void measured_loop(void)
{
	double began = begin_together();
	void *objs[AGING_DEPTH];
	unsigned int i, n;

	do {
		for (n = 0; n < CHUNK; n += AGING_DEPTH) {
			for (i = 0; i < AGING_DEPTH; i++)
				TIMED_OP(objs[i] = subject_get());
			for (i = 0; i < AGING_DEPTH; i++)
				TIMED_OP(subject_put(objs[i]));
		}
	} while (go_on(began));
}

static unsigned long passes;
static double pass_ns;

#ifdef HAS_AGING
static void get_and_put_all(void **objs)
{
	unsigned int i;

	for (i = 0; i < AGING_IDLE; i++)
		objs[i] = subject_get();
	for (i = 0; i < AGING_IDLE; i++)
		subject_put(objs[i]);
}

/*
 * Not by gets: these would first steal from the other CPU, which would then miss itself. That
 * has nothing to do with aging.
 */
static void prefill_all(void)
{
	if (pcpool_prefill(pool, GFP_KERNEL, AGING_IDLE) != AGING_IDLE)
		fail("cannot prefill %u objects", AGING_IDLE);
}

static void pass(void)
{
	pcpool_age(pool);
}
#else
static void get_and_put_all(void **objs)
{
	(void)objs;
}

static void prefill_all(void)
{
}

static void pass(void)
{
}
#endif

/*
 * What the machine has to do in any case for two passes: interrupt the other CPU twice, and
 * allocate and free memory for queues, which changes the address space that both CPUs use.
 */
static bool every_cpu(int cpu, void *info)
{
	(void)info;
	return cpu != (int)shim_this.cpu;
}

static void nothing_at_all(void *info)
{
	(void)info;
}

/* Size of the last two rings of a queue with that many objects. */
#define AGING_RINGS	(3 * 65536u * sizeof(void *))

static void imitate_passes(void)
{
	char *rings = calloc(1, AGING_RINGS);
	unsigned int i;

	if (!rings)
		fail("out of memory");
	for (i = 0; i < AGING_RINGS; i++)
		WRITE_ONCE(rings[i], 1);
	for (i = 0; i < 2; i++)
		on_each_cpu_cond_mask(every_cpu, nothing_at_all, NULL, true, cpu_online_mask);
	free(rings);
}

static void aging_loop(void)
{
	void **objs = malloc(AGING_IDLE * sizeof(*objs));
	double t;

	if (!objs)
		fail("out of memory");
	if (aging_mode == AGE_BUSY)
		prefill_all();
	begin_together();
	while (aging_mode != AGE_QUIET && !__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		shim_schedule();
		switch (aging_mode) {
		case AGE_AGING:
			prefill_all();
			/* The first pass ages the objects, the second frees them. */
			t = now_ns();
			pass();
			pass();
			break;
		case AGE_IMITATED:
			t = now_ns();
			imitate_passes();
			break;
		default:
			get_and_put_all(objs);
			continue;
		}
		pass_ns += now_ns() - t;
		passes += 2;
	}
	free(objs);
}

static void either_loop(unsigned int cpu)
{
	if (cpu)
		aging_loop();
	else
		measured_loop();
}

static void age_in_mode(int mode, const char *name)
{
	static const struct {
		const char *name;
		double p;
	} points[] = { { "p50", 50 }, { "p99", 99 }, { "p999", 99.9 }, { "p9999", 99.99 } };
	char metric[64];
	unsigned int i;

	memset(histogram, 0, sizeof(histogram));
	longest = 0;
	samples = 0;
	passes = 0;
	pass_ns = 0;
	aging_mode = mode;
	run(either_loop);
	for (i = 0; i < ARRAY_SIZE(points); i++) {
		snprintf(metric, sizeof(metric), "%s %s", name, points[i].name);
		print(metric, percentile(points[i].p), "ns");
	}
	snprintf(metric, sizeof(metric), "%s longest", name);
	print(metric, longest * ns_per_tick, "ns");
	snprintf(metric, sizeof(metric), "%s above 20 us", name);
	for (i = range_of(20000 / ns_per_tick), samples = 0; i < RANGES; i++)
		samples += histogram[i];
	print(metric, samples, "ops");
	if (!passes)
		return;
	/* Each pass interrupts the CPU that is timed. */
	snprintf(metric, sizeof(metric), "%s above 20 us a pass", name);
	print(metric, (double)samples / passes, "ops");
	snprintf(metric, sizeof(metric), "%s passes", name);
	print(metric, passes, "passes");
	snprintf(metric, sizeof(metric), "%s pass", name);
	print(metric, pass_ns / passes, "ns");
}

static void aging(void)
{
	nr_cpus = 2;
	subject_use_tokens(4 * AGING_IDLE);
	calibrate_ticks();
	age_in_mode(AGE_QUIET, "quiet");
	age_in_mode(AGE_IMITATED, "imitated");
#ifdef HAS_AGING
	age_in_mode(AGE_BUSY, "busy");
	age_in_mode(AGE_AGING, "aging");
#endif
}

/* --- grow: each put of a million, timed ---------------------------------- */

#define GROW		1000000u
/* A put that is long in each of so many rounds is long by itself, not by the machine's doing. */
#define GROW_ROUNDS	5u
/* Ranges of the histogram: from 16 ns (or less) to 32 us (or more), each twice the last. */
#define GROW_FROM	4u
#define GROW_RANGES	12u
#define GROW_LIMIT_NS	20000

/* A kernel finds memory for rings mapped. Here, have malloc() map it once, and keep it. */
static void keep_memory(size_t bytes)
{
	void *p;

	mallopt(M_MMAP_THRESHOLD, 1 << 30);
	mallopt(M_TRIM_THRESHOLD, 1 << 30);
	p = malloc(bytes);
	if (!p)
		fail("out of memory");
	memset(p, 1, bytes);
	OPTIMIZER_HIDE_VAR(p);
	free(p);
}

static void *alloc_touched(size_t bytes)
{
	void *p = malloc(bytes);

	if (!p)
		fail("out of memory");
	memset(p, 0xff, bytes);
	return p;
}

/* Puts all @objs; each of @least becomes the least time of that put so far. */
static void grow_round(void **objs, unsigned int *least, bool count)
{
	unsigned long t;
	unsigned int i;

	for (i = 0; i < GROW; i++)
		objs[i] = subject_get();
	for (i = 0; i < GROW; i++) {
		t = ticks();
		subject_put(objs[i]);
		t = ticks() - t;
		if (count)
			sample(t);
		least[i] = min_t(unsigned long, least[i], t);
	}
}

static void grow_results(const unsigned int *least)
{
	unsigned int range, above = 0, longest_least = 0, i;
	unsigned long puts[GROW_RANGES] = {};
	char metric[64];

	for (i = 0; i < RANGES; i++) {
		range = 63 - __builtin_clzl((unsigned long)(range_start(i) * ns_per_tick) | 1);
		range = clamp(range, GROW_FROM, GROW_FROM + GROW_RANGES - 1) - GROW_FROM;
		puts[range] += histogram[i];
	}
	for (i = 0; i < GROW_RANGES; i++) {
		snprintf(metric, sizeof(metric), "puts.%u ns", 1u << (GROW_FROM + i));
		print(metric, puts[i], "puts");
	}
	print("put p99.9", percentile(99.9), "ns");
	print("put p99.99", percentile(99.99), "ns");
	print("put longest", longest * ns_per_tick, "ns");
	for (i = range_of(GROW_LIMIT_NS / ns_per_tick), samples = 0; i < RANGES; i++)
		samples += histogram[i];
	print("put above 20 us", samples, "puts");
	for (i = 0; i < GROW; i++) {
		longest_least = max(longest_least, least[i]);
		above += least[i] * ns_per_tick > GROW_LIMIT_NS;
	}
	print("put longest each round", longest_least * ns_per_tick, "ns");
	print("put above 20 us each round", above, "puts");
}

static void grow_job(unsigned int cpu)
{
	unsigned int *least, round;
	void **objs;

	(void)cpu;
	objs = alloc_touched(GROW * sizeof(*objs));
	least = alloc_touched(GROW * sizeof(*least));
	keep_memory(4 * GROW * sizeof(void *));
	for (round = 0; round < GROW_ROUNDS; round++) {
		grow_round(objs, least, !round);
#ifdef HAS_AGING
		if (subject_idle() != GROW)
			fail("the pool has %lu objects of %u", subject_idle(), GROW);
		pcpool_drain(pool);
		if (subject_idle())
			fail("%lu objects are left", subject_idle());
		rcu_barrier();
#endif
	}
	grow_results(least);
}

static void grow(void)
{
	subject_use_tokens(GROW);
	calibrate_ticks();
	shim_on_cpus(0, 1, grow_job);
}

#endif

/* --- expensive ---------------------------------------------------------- */

#ifdef HAS_AGING

/*
 * Go's BenchmarkPoolExpensiveNew: each CPU has 100 objects outstanding at a time, and clears
 * 32 KiB with each get. In Go, allocating these makes the garbage collector run. Here an aging
 * pass runs as often as --ages-each says, that is, as often as Go collected garbage.
 */
#define EXPENSIVE_OUT	100u
#define EXPENSIVE_ALLOC_US	1000u
#define EXPENSIVE_WORK	(32u << 10)

static unsigned long iterations = 5000, next_iteration, expensive_ages;
static double ages_each = 0.3;

static void expensive_loop(unsigned int cpu)
{
	void *objs[EXPENSIVE_OUT];
	char *work = malloc(EXPENSIVE_WORK);
	unsigned int i;
	double began;

	if (!work)
		fail("out of memory");
	began = begin_together();
	for (;;) {
		unsigned long n = __atomic_fetch_add(&next_iteration, 1, __ATOMIC_RELAXED);

		if (n >= iterations)
			break;
		for (i = 0; i < EXPENSIVE_OUT; i++) {
			objs[i] = subject_get();
			memset(work, 0, EXPENSIVE_WORK);
			OPTIMIZER_HIDE_VAR(work);
		}
		for (i = 0; i < EXPENSIVE_OUT; i++)
			subject_put(objs[i]);
		shim_schedule();
		/* A pass is due. */
		if ((unsigned long)(n * ages_each) != (unsigned long)((n + 1) * ages_each)) {
			pcpool_age(pool);
			__atomic_fetch_add(&expensive_ages, 1, __ATOMIC_RELAXED);
		}
	}
	free(work);
	result[cpu].ns = now_ns() - began;
}

static void expensive(void)
{
	subject_alloc_us = EXPENSIVE_ALLOC_US;
	run(expensive_loop);
	print("misses", (double)subject_allocs() / iterations, "New/op");
	print("passes", (double)expensive_ages / iterations, "passes/op");
	print("time", result[0].ns / iterations, "ns/op");
}

#endif

/* --- burst -------------------------------------------------------------- */

#define BURST	1000000u

#if !defined(CAN_RUN_DRY) || defined(HAS_AGING)

static void burst_job(unsigned int cpu)
{
	void **objs = malloc(BURST * sizeof(*objs));
	double t0, t1, t2;
	unsigned int i;

	(void)cpu;
	if (!objs)
		fail("out of memory");
	/* Touches the object, like a user. */
	for (i = 0; i < BURST; i++) {
		objs[i] = subject_get();
		*(char *)objs[i] = 1;
	}
	t0 = now_ns();
	for (i = 0; i < BURST; i++)
		subject_put(objs[i]);
	t1 = now_ns();
#ifdef HAS_AGING
	print("kept", subject_idle(), "objects");
	t2 = now_ns();
	pcpool_age(pool);
	pcpool_age(pool);
	print("put", (t1 - t0) / BURST, "ns/object");
	print("free", (now_ns() - t2) / BURST, "ns/object");
	print("left", subject_idle(), "objects");
#else
	(void)t2;
	print("free", (t1 - t0) / BURST, "ns/object");
#endif
	free(objs);
}

static void burst(void)
{
	shim_on_cpus(0, 1, burst_job);
}

#endif

/* ------------------------------------------------------------------------ */

static const struct {
	const char *name;
	void (*run)(void);
	unsigned int depth;
} cases[] = {
	{ "pair", pair, 1 },
#ifndef ONLY_PAIRS
	{ "depth8", pair, 8 },
	{ "depth100", pair, 100 },
	{ "depth1000", pair, 1000 },
#endif
	{ "handoff", handoff, 1 },
#if defined(CAN_RUN_DRY) && !defined(ONLY_PAIRS)
	{ "starvation", starvation, 1 },
#endif
#if defined(HAS_AGING) || defined(ONLY_PAIRS)
	{ "aging", aging, 1 },
	{ "grow", grow, 1 },
#endif
#ifdef HAS_AGING
	{ "expensive", expensive, 1 },
#endif
#if !defined(CAN_RUN_DRY) || defined(HAS_AGING)
	{ "burst", burst, 1 },
#endif
};

static void usage(void)
{
	unsigned int i;

	fputs("usage: lab-SUBJECT CASE [--cpus N] [--ms N] [--bytes N] [--iterations N]\n"
	      "                        [--ages-each X]\ncases:", stderr);
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		fprintf(stderr, " %s", cases[i].name);
	fputc('\n', stderr);
	exit(2);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "cpus", required_argument, NULL, 'c' },
		{ "ms", required_argument, NULL, 'm' },
		{ "bytes", required_argument, NULL, 'b' },
		{ "iterations", required_argument, NULL, 'i' },
		{ "ages-each", required_argument, NULL, 'a' },
		{ }
	};
	unsigned int i, cpus;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			nr_cpus = strtoul(optarg, NULL, 0);
			break;
		case 'm':
			milliseconds = strtod(optarg, NULL);
			break;
		case 'b':
			object_bytes = strtoul(optarg, NULL, 0);
			break;
#ifdef HAS_AGING
		case 'i':
			iterations = strtoul(optarg, NULL, 0);
			break;
		case 'a':
			ages_each = strtod(optarg, NULL);
			break;
#endif
		default:
			usage();
		}
	}
	for (i = 0; optind == argc - 1 && i < ARRAY_SIZE(cases); i++) {
		if (!strcmp(cases[i].name, argv[optind]))
			break;
	}
	if (optind != argc - 1 || i == ARRAY_SIZE(cases))
		usage();
	depth = cases[i].depth;
	cpus = max(nr_cpus, 2u);
	fixed_objects = max(fixed_objects, 2 * depth * cpus);
	if (cases[i].run == handoff)
		fixed_objects = HANDOFF_OBJECTS;
	shim_cpus_start(cpus, cpus, true);
	shim_on_cpus(0, 1, subject_setup);
	shim_on_cpus(0, cpus, subject_setup_cpu);
	cases[i].run();
	fflush(stdout);
	/* The objects of the subject are not freed. */
	_exit(0);
}
