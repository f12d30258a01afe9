// SPDX-License-Identifier: GPL-2.0
/*
 * Benchmark that compares pcpool with its alternatives
 *
 * The module is an ordinary client of pcpool. Files in /sys/kernel/debug/pcpool_bench/:
 *
 *   run      write names of cases to run them; only=SUBJECT,SUBJECT... before the names
 *            selects subjects
 *   results  the results of the last write to run
 *
 * Lines of results, separated by tabs:
 *
 *   CASE SUBJECT METRIC VALUE UNIT
 *   #region CASE SUBJECT WHERE CYCLES REGION BASELINE PER UNIT
 *   #skip CASE SUBJECT WHY
 *
 * #region reports that PER operations took CYCLES cycles, without those of the loop
 * (0: cycles are not meaningful). REGION and BASELINE are numbers of regions counted by the
 * QEMU plugin (plugin/pcpool_count.c): the count of REGION minus that of BASELINE is the
 * count of the operations.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "bench.h"

#define RESULTS_BYTES	(256 << 10)

static const struct bench_case cases[] = {
	{ "pair", bench_pair },
	{ "depth8", bench_depth, 8 },
	{ "depth100", bench_depth, 100 },
	{ "depth1000", bench_depth, 1000 },
	{ "burst", bench_burst, 1000000 },
	{ "aging", bench_aging, 100000 },
	{ "grow", bench_grow, 1000000 },
	{ "grow100k", bench_grow, 100000 },
	{ "memory", bench_memory, 1000 },
	{ "possible", bench_possible },
	{ "contend", bench_contend },
	{ "sizes", bench_sizes },
	{ "scale", bench_many, BENCH_SCALE },
	{ "handoff", bench_many, BENCH_HANDOFF },
	{ "starvation", bench_many, BENCH_STARVATION },
};

static DEFINE_MUTEX(lock); /* protects the variables below */
static struct dentry *dir;
static char *results;
static size_t results_len;
static const char *only;
static unsigned int regions;

void bench_print(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	results_len += vscnprintf(results + results_len,
				  RESULTS_BYTES - results_len, format, args);
	va_end(args);
}

/* Prints the result @value / @per, with two decimals. */
void bench_result(const char *name, const struct bench_subject *subject,
		  const char *metric, u64 value, u64 per, const char *unit)
{
	u64 hundredths = div64_u64(value * 100 + per / 2, per);
	u64 whole = div_u64(hundredths, 100);

	bench_print("%s\t%s\t%s\t%llu.%02llu\t%s\n", name, subject->name,
		    metric, whole, hundredths - whole * 100, unit);
}

void bench_region(const char *name, const struct bench_subject *subject,
		  const char *where, s64 cycles, unsigned int region,
		  unsigned int baseline, u64 per, const char *unit)
{
	bench_print("#region\t%s\t%s\t%s\t%lld\t%u\t%u\t%llu\t%s\n", name,
		    subject->name, where, cycles, region, baseline, per, unit);
}

void bench_skip(const char *name, const struct bench_subject *subject, int why)
{
	bench_print("#skip\t%s\t%s\t%s\n", name, subject->name,
		    why == -EOPNOTSUPP ? "not in this kernel" :
		    why == -ENOMEM ? "out of memory" : "failed");
}

/* Whether the subject is selected. */
bool bench_wanted(const struct bench_subject *subject)
{
	size_t len = strlen(subject->name);
	const char *at = only;

	if (!only || subject->abilities & SUBJECT_BASELINE)
		return true;
	while ((at = strstr(at, subject->name))) {
		if ((at == only || at[-1] == ',') && (!at[len] || at[len] == ','))
			return true;
		at += len;
	}
	return false;
}

/* Ends the current region on all CPUs, and returns its number. */
unsigned int bench_end_region(void)
{
	bench_mark(BENCH_MARK_REPORT);
	return ++regions;
}

/*
 * Makes the plugin have QEMU retranslate all code. This happens once the virtual CPUs
 * have left the translated blocks that they are in; the sleep waits for it.
 */
static void arm(void)
{
	static bool armed;

	if (armed)
		return;
	bench_mark(BENCH_MARK_ARM);
	msleep(20);
	armed = true;
}

static bool known_subject(const struct bench_subject *const *subjects, unsigned int nr,
			  const char *name, size_t len)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		if (strlen(subjects[i]->name) == len && !memcmp(subjects[i]->name, name, len))
			return true;
	}
	return false;
}

/* Whether all names in the list are names of subjects. */
static bool known_subjects(const char *names)
{
	size_t len;

	while (*names) {
		len = strcspn(names, ",");
		if (!known_subject(bench_subjects, bench_nr_subjects, names, len) &&
		    !known_subject(bench_sizes_subjects, BENCH_SIZES_SUBJECTS, names, len))
			return false;
		names += len + (names[len] == ',');
	}
	return true;
}

static const struct bench_case *find_case(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		if (!strcmp(cases[i].name, name))
			return &cases[i];
	return NULL;
}

static int run(char *words)
{
	const struct bench_case *bench_case;
	char *word, *names = words;
	int ret;

	results_len = 0;
	only = NULL;
	arm();
	while ((word = strsep(&names, "\n "))) {
		if (!*word)
			continue;
		if (str_has_prefix(word, "only=")) {
			only = word + strlen("only=");
			if (!known_subjects(only)) {
				pr_err("unknown subject in: %s\n", only);
				return -EINVAL;
			}
			continue;
		}
		bench_case = find_case(word);
		if (!bench_case) {
			pr_err("unknown case: %s\n", word);
			return -EINVAL;
		}
		ret = bench_case->run(bench_case);
		if (ret)
			return ret;
	}
	return 0;
}

static ssize_t run_write(struct file *file, const char __user *from, size_t bytes,
			 loff_t *pos)
{
	char *words;
	int ret;

	words = memdup_user_nul(from, bytes);
	if (IS_ERR(words))
		return PTR_ERR(words);
	mutex_lock(&lock);
	ret = run(words);
	only = NULL;
	mutex_unlock(&lock);
	kfree(words);
	return ret ?: bytes;
}

static ssize_t results_read(struct file *file, char __user *to, size_t bytes,
			    loff_t *pos)
{
	ssize_t ret;

	mutex_lock(&lock);
	ret = simple_read_from_buffer(to, bytes, pos, results, results_len);
	mutex_unlock(&lock);
	return ret;
}

static const struct file_operations run_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = run_write,
};

static const struct file_operations results_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.read = results_read,
	.llseek = default_llseek,
};

static int __init bench_init(void)
{
	int ret;

	results = vmalloc(RESULTS_BYTES);
	if (!results)
		return -ENOMEM;
	ret = bench_subjects_init();
	if (ret) {
		vfree(results);
		return ret;
	}
	dir = debugfs_create_dir("pcpool_bench", NULL);
	debugfs_create_file("run", 0200, dir, NULL, &run_fops);
	debugfs_create_file("results", 0400, dir, NULL, &results_fops);
	return 0;
}

static void __exit bench_exit(void)
{
	debugfs_remove(dir);
	bench_memory_exit();
	bench_subjects_exit();
	vfree(results);
}

module_init(bench_init);
module_exit(bench_exit);
MODULE_DESCRIPTION("Benchmark of pcpool and its alternatives");
MODULE_LICENSE("GPL");
