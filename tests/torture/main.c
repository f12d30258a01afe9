// SPDX-License-Identifier: GPL-2.0
/*
 * Torture test of pcpool, modelled on rcutorture. Threads, softirqs, hardirqs and NMIs on each
 * CPU get and put objects of several pools. Meanwhile pools are created, destroyed, aged and
 * drained, memory runs out, allocations fail, and CPUs go offline. Each object is stamped with
 * its owner. When a pool is destroyed, its counters must add up.
 *
 * The test starts when the module is loaded and stops when it is unloaded. Then it prints
 *
 *   pcpool_torture: SUCCESS: ... or FAILURE: ...
 *
 * with totals of what it has done. Random numbers from a seed determine what each thread and
 * interrupt does, but not how their actions interleave.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sched/debug.h>

#include "torture.h"

/* Only the first errors are printed; later ones are mostly consequences. */
#define ERRORS_SAID	20

static unsigned long seed = 1;
module_param(seed, ulong, 0444);
MODULE_PARM_DESC(seed, "seed of the random numbers (1)");

unsigned int torture_threads = 2;
module_param_named(threads, torture_threads, uint, 0444);
MODULE_PARM_DESC(threads, "threads per CPU (2)");

unsigned int torture_interrupts = 1;
module_param_named(interrupts, torture_interrupts, uint, 0444);
MODULE_PARM_DESC(interrupts, "run in hardirqs and softirqs; 0: no (1)");

unsigned int torture_interrupt_us = 400;
module_param_named(interrupt_us, torture_interrupt_us, uint, 0444);
MODULE_PARM_DESC(interrupt_us, "average time between the interrupts of a CPU, in us (400)");

unsigned int torture_nmis = 1;
module_param_named(nmis, torture_nmis, uint, 0444);
MODULE_PARM_DESC(nmis, "run in NMIs, where a module can raise them; 0: no (1)");

unsigned int torture_aging = 5;
module_param_named(aging, torture_aging, uint, 0444);
MODULE_PARM_DESC(aging, "average time between aging passes, drains and reads of statistics, in ms; 0: none (5)");

unsigned int torture_churn = 100;
module_param_named(churn, torture_churn, uint, 0444);
MODULE_PARM_DESC(churn, "average time between replacements of a pool, in ms; 0: none (100)");

unsigned int torture_hotplug = 200;
module_param_named(hotplug, torture_hotplug, uint, 0444);
MODULE_PARM_DESC(hotplug, "average time between CPUs going offline or online, in ms; 0: none (200)");

unsigned int torture_pressure = 500;
module_param_named(pressure, torture_pressure, uint, 0444);
MODULE_PARM_DESC(pressure, "average time between memory shortages, in ms; 0: none (500)");

unsigned int torture_fail = 20;
module_param_named(fail, torture_fail, uint, 0444);
MODULE_PARM_DESC(fail, "object allocations that fail, per 1000 (20)");

unsigned int torture_inject = 20;
module_param_named(inject, torture_inject, uint, 0444);
MODULE_PARM_DESC(inject, "gets and puts in which fault injection makes all allocations fail, per 1000 (20)");

unsigned int torture_stalled = 120;
module_param_named(stalled, torture_stalled, uint, 0444);
MODULE_PARM_DESC(stalled, "seconds after which a waiting get counts as stalled; other operations have five times that (120)");

static atomic_t errors;
static int get_errors(char *buffer, const struct kernel_param *unused)
{
	return sysfs_emit(buffer, "%d\n", atomic_read(&errors));
}

static const struct kernel_param_ops errors_ops = { .get = get_errors };
module_param_cb(errors, &errors_ops, NULL, 0444);
MODULE_PARM_DESC(errors, "number of errors so far");

bool torture_stopping;
static unsigned long began;
DEFINE_PER_CPU(struct totals, torture_totals);

void torture_seed(struct rnd_state *random)
{
	prandom_seed_state(random, seed);
}

/* May be called in any context. */
void torture_error(const char *fmt, ...)
{
	struct va_format vaf = { .fmt = fmt };
	va_list args;

	if (atomic_inc_return(&errors) > ERRORS_SAID)
		return;
	va_start(args, fmt);
	vaf.va = &args;
	pr_err("error: %pV\n", &vaf);
	va_end(args);
}

/* Reports that @task has been in @what since @since, with its stack. */
void torture_stalled_task(struct task_struct *task, const char *what, unsigned long since)
{
	torture_error("%s of %s has not finished for %u s", what, task->comm,
		      jiffies_to_msecs(jiffies - since) / 1000);
	if (atomic_read(&errors) <= ERRORS_SAID)
		sched_show_task(task);
}

void torture_inject_faults(bool fail)
{
#ifdef CONFIG_FAULT_INJECTION
	current->make_it_fail = fail;
#endif
}

static struct totals add_up(void)
{
	struct totals sum = {};
	int cpu;

	for_each_possible_cpu(cpu) {
		const unsigned long *one = per_cpu_ptr((unsigned long __percpu *)&torture_totals, cpu);
		unsigned int i;

		for (i = 0; i < sizeof(sum) / sizeof(*one); i++)
			((unsigned long *)&sum)[i] += one[i];
	}
	return sum;
}

static void say_verdict(void)
{
	struct totals t = add_up();

	/* A run in which nothing happened must not pass. */
	if (!t.gets || !t.pools || (torture_interrupts && !t.in_hardirq))
		torture_error("no gets, pools or interrupts: the run shows nothing");
	pr_info("%s: seed=%lu seconds=%u gets=%lu puts=%lu hardirqs=%lu nmis=%lu alloc_fails=%lu ages=%lu drains=%lu looks=%lu pools=%lu creates_failed=%lu hotplugs=%lu pressure_pages=%lu errors=%d\n",
		atomic_read(&errors) ? "FAILURE" : "SUCCESS", seed,
		jiffies_to_msecs(jiffies - began) / 1000, t.gets, t.puts, t.in_hardirq, t.nmis,
		t.alloc_fails, t.ages, t.drains, t.looks, t.pools, t.creates_failed, t.hotplugs,
		t.pages, atomic_read(&errors));
}

static void stop(void)
{
	WRITE_ONCE(torture_stopping, true);
	torture_chores_stop();
	torture_nmis_stop();
	torture_holders_stop();
	torture_pools_exit();
}

static int __init torture_init(void)
{
	int err;

	began = jiffies;
	err = torture_pools_init();
	if (err)
		return err;
	err = torture_holders_start();
	if (!err && torture_nmis)
		err = torture_nmis_start();
	if (!err)
		err = torture_chores_start();
	if (err)
		stop();
	return err;
}
module_init(torture_init);

static void __exit torture_exit(void)
{
	stop();
	say_verdict();
}
module_exit(torture_exit);

MODULE_DESCRIPTION("Torture test of pcpool");
MODULE_LICENSE("GPL");
