// SPDX-License-Identifier: GPL-2.0
/*
 * What goes on while objects are got and put: each chore is a thread of its own, which
 * does it again and again, with pauses by chance. All call pcpool and the kernel as
 * anybody may. What only user space can do, to read and to write debugfs, run-in-guest does.
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
	unsigned int *pause_ms;		/* on average; 0: not at all */
	void (*fn)(struct rnd_state *random);
	unsigned long busy_since;	/* in jiffies, never 0; 0: it pauses */
	struct rnd_state random;
	struct task_struct *task;
};

/* Objects made ahead at a time, at most. */
#define PREFILL_MAX	200

/* Aging passes, drains, and objects made ahead. */
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

/* Statistics are of slightly different moments, but never absurd. */
static void look(struct rnd_state *random)
{
	struct place *place = torture_place_enter(random);
	struct pcpool_pool_stats s;

	if (!place)
		return;
	pcpool_stats(place->pool, &s);
	if (s.allocs > 1ULL << 60 || s.outstanding > 1ULL << 40 || s.idle_main > 1ULL << 40 ||
	    s.idle_victim > 1ULL << 40 || (s.reserve && s.idle_reserve > s.reserve))
		torture_error("%s: made %llu, idle %llu and %llu, reserve %llu, outstanding %llu",
			      place->name, s.allocs, s.idle_main, s.idle_victim, s.idle_reserve,
			      s.outstanding);
	count(looks);
	torture_place_leave(place);
}

/* One that is online goes, or one that is offline comes; the first stays. */
static void hotplug(struct rnd_state *random)
{
#ifdef CONFIG_HOTPLUG_CPU
	unsigned int cpu = chance(random, nr_cpu_ids);

	if (!cpu || !cpu_possible(cpu))
		return;
	if (!cpu_online(cpu)) {
		if (add_cpu(cpu))
			torture_error("CPU %u does not come online", cpu);
		return;
	}
	/* Fails where the CPU may not go. */
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
/* What of it is given back when nothing is left, as a fraction. */
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

/* Before the kernel kills anybody for it. */
static int memory_is_out(struct notifier_block *nb, unsigned long unused, void *freed)
{
	unsigned long n = READ_ONCE(nr_blocks);

	give_back(n);
	*(unsigned long *)freed += n << BLOCK_ORDER;
	return NOTIFY_OK;
}

static struct notifier_block oom_notifier = { .notifier_call = memory_is_out };

/*
 * Takes all memory there is, so that the shrinkers are called; then lets go of some of it. Not more than
 * there is, for memory_is_out() may give back as fast as this takes. And without a sleep: RCU-tasks,
 * which switching debug mode waits for, is told that a new step begins.
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
		/* Not to sleep through a stop. */
		schedule_timeout_interruptible(msecs_to_jiffies(pause_ms));
	}
	return 0;
}

/* Says which one gets no further. */
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
