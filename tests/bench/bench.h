/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Internal declarations of the benchmark module.
 *
 *   main.c      the module, its two files in debugfs, the results
 *   subjects.c  pcpool and its alternatives, each with its measured loops
 *   solo.c      cases for one CPU
 *   whole.c     cases about a pool as a whole, for one CPU
 *   sizes.c     buffers of all sizes, for one CPU
 *   many.c      cases for several CPUs
 *   possible.c  calls whose cost must not grow with the number of possible CPUs
 *   contend.c   more tasks than objects, and no memory
 */
#ifndef _PCPOOL_BENCH_H
#define _PCPOOL_BENCH_H

#include <linux/pcpool.h>
#include <linux/timex.h>
#include <linux/types.h>

#include "marks.h"

#define BENCH_OBJECT_BYTES	256

/*
 * A mark is a NOP that the QEMU plugin recognises (plugin/pcpool_count.c). Without the
 * plugin, it has no effect.
 */
static __always_inline void bench_mark(unsigned int mark)
{
#ifdef CONFIG_X86_64
	asm volatile(".byte 0x0f, 0x1f, 0x80\n\t.long %c0" : : "i" (mark) : "memory");
#endif
}

/*
 * bench_begin() and bench_end() enclose the measured code. With QEMU's instruction
 * counting, a cycle is an instruction. The plugin counts between the marks.
 */
static __always_inline u64 bench_begin(void)
{
	u64 cycles = get_cycles();

	bench_mark(BENCH_MARK_START);
	return cycles;
}

static __always_inline u64 bench_end(u64 began)
{
	bench_mark(BENCH_MARK_STOP);
	return get_cycles() - began;
}

/* Abilities of a subject. A case leaves out subjects that lack the ability it needs. */
#define SUBJECT_ATOMIC		BIT(0)	/* works in softirq and hardirq context */
#define SUBJECT_DEEP		BIT(1)	/* can have a thousand objects outstanding */
#define SUBJECT_MANY_CPUS	BIT(2)	/* objects can be put on any CPU, in any context */
#define SUBJECT_BASELINE	BIT(3)	/* the loop itself, subtracted from the others */
#define SUBJECT_PCPOOL		BIT(4)	/* is a pool: bench_pcpool_stats() works */

/**
 * struct bench_subject - an allocator or pool under test
 * @name: its name in the results
 * @abilities: SUBJECT_*
 * @open: prepares for @objects outstanding objects; returns -EOPNOTSUPP if this kernel
 *	lacks the subject
 * @close: undoes @open
 * @pair: gets and puts an object @n times; returns the cycles it took
 * @depth: does @depth gets, then as many puts, @rounds times; returns the cycles it took
 * @get: does @n gets with GFP_ATOMIC, for cases that put elsewhere; returns the number
 *	of objects
 * @put: does @n puts
 */
struct bench_subject {
	const char *name;
	unsigned int abilities;
	int (*open)(unsigned int objects);
	void (*close)(void);
	u64 (*pair)(unsigned int n, bool atomic);
	u64 (*depth)(void **objs, unsigned int depth, unsigned int rounds);
	unsigned int (*get)(void **objs, unsigned int n);
	void (*put)(void **objs, unsigned int n);
};

/* subjects.c */
extern const struct bench_subject *const bench_subjects[];
extern const unsigned int bench_nr_subjects;
void bench_pcpool_stats(struct pcpool_pool_stats *stats);
int bench_subjects_init(void);
void bench_subjects_exit(void);

/* main.c */
bool bench_wanted(const struct bench_subject *subject);
unsigned int bench_end_region(void);
__printf(1, 2) void bench_print(const char *format, ...);
void bench_result(const char *name, const struct bench_subject *subject,
		  const char *metric, u64 value, u64 per, const char *unit);
void bench_region(const char *name, const struct bench_subject *subject,
		  const char *where, s64 cycles, unsigned int region,
		  unsigned int baseline, u64 per, const char *unit);
void bench_skip(const char *name, const struct bench_subject *subject, int why);

/* Arguments of bench_many(). */
enum { BENCH_SCALE, BENCH_HANDOFF, BENCH_STARVATION };

/**
 * struct bench_case - a case
 * @name: its name in the results
 * @run: runs it with all selected subjects; returns 0 or an error, which ends the run
 * @argument: argument of @run, which several cases may share
 */
struct bench_case {
	const char *name;
	int (*run)(const struct bench_case *bench_case);
	unsigned int argument;
};

/* solo.c, whole.c, many.c, possible.c and contend.c */
int bench_pair(const struct bench_case *bench_case);
int bench_depth(const struct bench_case *bench_case);
int bench_burst(const struct bench_case *bench_case);
int bench_grow(const struct bench_case *bench_case);
int bench_aging(const struct bench_case *bench_case);
int bench_memory(const struct bench_case *bench_case);
void bench_memory_exit(void);
#define BENCH_SIZES_SUBJECTS	3
extern const struct bench_subject *const bench_sizes_subjects[BENCH_SIZES_SUBJECTS];
int bench_sizes(const struct bench_case *bench_case);
int bench_many(const struct bench_case *bench_case);
int bench_possible(const struct bench_case *bench_case);
int bench_contend(const struct bench_case *bench_case);

#endif /* _PCPOOL_BENCH_H */
