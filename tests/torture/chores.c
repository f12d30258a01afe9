// SPDX-License-Identifier: GPL-2.0
/*
 * Background activity while objects are got and put. Each chore has a thread that repeats it with
 * random pauses, and uses only public interfaces of pcpool and the kernel. run-in-guest adds what
 * only user space can do: it reads and writes debugfs.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/notifier.h>
#include <linux/oom.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>

#include "torture.h"

struct chore {
	const char *name;
	unsigned int *pause_ms;		/* average pause; 0: the chore does not run */
	void (*fn)(struct rnd_state *random);
	unsigned long busy_since;	/* start of the current run, in jiffies; 0: it pauses */
	struct rnd_state random;
	struct task_struct *task;
};

/* Most objects that one prefill allocates. */
#define PREFILL_MAX	200

/* Ages, drains or prefills a pool. */
static void age(struct rnd_state *random)
{
	struct place *place = torture_place_enter(random);

	if (!place)
		return;
	switch (chance(random, 8)) {
	case 0:
		pcpool_drain(place->pool);
		count(drains);
		break;
	case 1:
		pcpool_prefill(place->pool, GFP_KERNEL, chance(random, PREFILL_MAX));
		break;
	default:
		pcpool_age(place->pool);
		count(ages);
	}
	torture_place_leave(place);
}

/* Reads the statistics. They are not a consistent snapshot, but never out of any range. */
static void look(struct rnd_state *random)
{
	struct place *place = torture_place_enter(random);
	struct pcpool_pool_stats s;

	if (!place)
		return;
	pcpool_stats(place->pool, &s);
	if (s.allocs > 1ULL << 60 || s.outstanding > 1ULL << 40 || s.idle_main > 1ULL << 40 ||
	    s.idle_victim > 1ULL << 40 || (s.reserve && s.idle_reserve > s.reserve))
		torture_error("%s: allocs %llu, idle %llu + %llu, reserve %llu, outstanding %llu",
			      place->name, s.allocs, s.idle_main, s.idle_victim, s.idle_reserve,
			      s.outstanding);
	count(looks);
	torture_place_leave(place);
}

/* Takes a random CPU offline, or brings it online. The first CPU stays online. */
static void hotplug(struct rnd_state *random)
{
#ifdef CONFIG_HOTPLUG_CPU
	unsigned int cpu = chance(random, nr_cpu_ids);

	if (!cpu || !cpu_possible(cpu))
		return;
	if (!cpu_online(cpu)) {
		if (add_cpu(cpu))
			torture_error("CPU %u failed to come online", cpu);
		return;
	}
	/* Fails if this CPU cannot be taken offline. */
	if (!remove_cpu(cpu))
		count(hotplugs);
#endif
}

static void all_cpus_online(void)
{
#ifdef CONFIG_HOTPLUG_CPU
	unsigned int cpu;

	for_each_present_cpu(cpu) {
		if (!cpu_online(cpu))
			add_cpu(cpu);
	}
#endif
}

/* --- Memory pressure ------------------------------------------------------------ */

#define BLOCK_ORDER	4
/* When no memory is left, the fraction 1/RELIEF of the blocks is freed. */
#define RELIEF		16

static LIST_HEAD(blocks);
static unsigned long nr_blocks;
static DEFINE_SPINLOCK(blocks_lock);

static void give_back(unsigned long n)
{
	while (n--) {
		struct page *page;

		spin_lock(&blocks_lock);
		page = list_first_entry_or_null(&blocks, struct page, lru);
		if (page) {
			list_del(&page->lru);
			nr_blocks--;
		}
		spin_unlock(&blocks_lock);
		if (!page)
			return;
		__free_pages(page, BLOCK_ORDER);
	}
}

/* Called before the OOM killer selects a process. */
static int memory_is_out(struct notifier_block *nb, unsigned long unused, void *freed)
{
	unsigned long n = READ_ONCE(nr_blocks);

	give_back(n);
	*(unsigned long *)freed += n << BLOCK_ORDER;
	return NOTIFY_OK;
}

static struct notifier_block oom_notifier = { .notifier_call = memory_is_out };

/*
 * Allocates all memory, so that the shrinkers run, then frees some of it. The total is limited,
 * because memory_is_out() may free blocks as fast as this allocates them. The loop does not
 * sleep, so it reports quiescent states to RCU-tasks, which switching debug mode waits for.
 */
static void press(struct rnd_state *random)
{
	unsigned long left = totalram_pages() >> BLOCK_ORDER;
	struct page *page;

	while (left-- && !kthread_should_stop()) {
		page = alloc_pages(GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN | __GFP_NOMEMALLOC,
				   BLOCK_ORDER);
		if (!page)
			break;
		spin_lock(&blocks_lock);
		list_add(&page->lru, &blocks);
		nr_blocks++;
		spin_unlock(&blocks_lock);
		count_many(pages, 1 << BLOCK_ORDER);
		cond_resched_tasks_rcu_qs();
	}
	give_back(READ_ONCE(nr_blocks) / RELIEF + 1);
}

/* --- Chores ------------------------------------------------------------------------ */

static struct chore chores[] = {
	{ "torture_age", &torture_aging, age },
	{ "torture_look", &torture_aging, look },
	{ "torture_churn", &torture_churn, torture_place_renew },
	{ "torture_hotplug", &torture_hotplug, hotplug },
	{ "torture_press", &torture_pressure, press },
};

static int chore_fn(void *data)
{
	struct chore *chore = data;
	unsigned int pause_ms;

	while (!kthread_should_stop()) {
		WRITE_ONCE(chore->busy_since, jiffies | 1);
		chore->fn(&chore->random);
		WRITE_ONCE(chore->busy_since, 0);
		pause_ms = chance(&chore->random, 2 * *chore->pause_ms) + 1;
		/* Interruptible, so that kthread_stop() ends the pause. */
		schedule_timeout_interruptible(msecs_to_jiffies(pause_ms));
	}
	return 0;
}

/* Reports chores that make no progress. */
void torture_chores_find_stalls(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(chores); i++) {
		unsigned long since = READ_ONCE(chores[i].busy_since);

		if (torture_has_stalled(since, TORTURE_WORK_TIMES))
			torture_stalled_task(chores[i].task, chores[i].name, since);
	}
}

int torture_chores_start(void)
{
	unsigned int i;
	int err;

	err = register_oom_notifier(&oom_notifier);
	if (err)
		return err;
	for (i = 0; i < ARRAY_SIZE(chores); i++) {
		struct chore *chore = &chores[i];
		struct task_struct *task;

		if (!*chore->pause_ms)
			continue;
		torture_seed(&chore->random);
		prandom_seed_state(&chore->random, prandom_u32_state(&chore->random) + i);
		task = kthread_run(chore_fn, chore, "%s", chore->name);
		if (IS_ERR(task))
			return PTR_ERR(task);
		chore->task = task;
	}
	return 0;
}

void torture_chores_stop(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(chores); i++) {
		if (chores[i].task)
			kthread_stop(chores[i].task);
		chores[i].task = NULL;
	}
	unregister_oom_notifier(&oom_notifier);
	give_back(nr_blocks);
	all_cpus_online();
}
