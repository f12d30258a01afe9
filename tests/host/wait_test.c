// SPDX-License-Identifier: GPL-2.0
/*
 * A get that waits, and the hint masks: a search on one CPU that empties a queue is interrupted
 * at each of its points by a put to that queue on another CPU, and at each later point by a get
 * that begins to wait. The waiter must get an object, whatever the search does with the hint.
 *
 * And a get that is preempted at each of its points, before it takes the only idle object, for so
 * long that meanwhile another get begins to wait and must not be passed any more. It must not
 * return that object.
 */
#include <linux/module.h>

#include "handover.h"
#include "percpu.h"
#include "shim/cpus.h"
#include "test.h"

#define CPUS		2u
#define POINTS_MAX	500u

static struct pcpool *pool;
static struct pcpool_core *core;
static void *objs[2];
static struct pcpool_waiter waiter;
static unsigned int at[2];
static bool interrupted[2];

static void *alloc_memory(gfp_t gfp, void *ctx)
{
	(void)ctx;
	return kzalloc(64, gfp);
}

static void free_memory(void *obj, void *ctx)
{
	(void)ctx;
	kfree(obj);
}

static const struct pcpool_ops ops = { .alloc = alloc_memory, .free = free_memory };

/* What a put of @obj by CPU 0 does, once no waiter is seen. */
static void put_on_cpu_0(void *obj)
{
	struct pcpool_queue *queue = &per_cpu_ptr(core->cpu, 0)->queue[pcpool_main_tier(core)];

	check(pcpool_queue_push(queue, &obj, 1));
	this_cpu_inc(core->cpu->off_slots);
	pcpool_hint_set(core, pcpool_main_tier(core), 0);
	pcpool_wake_waiters(core->wait);
}

/* A get begins to wait, on a third CPU. */
static void begin_to_wait(void)
{
	struct pcpool_wait *q = core->wait;

	interrupted[1] = true;
	raw_spin_lock_irq(&q->lock);
	waiter.ticket = ++q->waits;
	pcpool_wait_enqueue(q, &waiter);
	raw_spin_unlock_irq(&q->lock);
	smp_mb(); /* as in wait_in_queue() */
	pcpool_wait_hand_over(q);
}

static void put_second(void)
{
	interrupted[0] = true;
	put_on_cpu_0(objs[1]);
	shim_arm(at[1], begin_to_wait);
}

/* CPU 0 has a queue, which is empty, and both objects are taken. */
static void create(unsigned int cpu)
{
	struct pcpool_params params = { .name = "wait", .ops = &ops, .object_bytes = 64,
					.max_total = 100 };
	unsigned int i;

	(void)cpu;
	if (shim_module_init())
		fail("the module does not initialise");
	pool = pcpool_create(&params);
	check(!IS_ERR(pool));
	core = pcpool_to_core(pool);
	/* Nothing else may be allocated, so that the waiter is handed an object. */
	core->wait->limit.max = 2;
	for (i = 0; i < 2; i++)
		objs[i] = pcpool_get(pool, GFP_KERNEL);
	pcpool_put(pool, objs[0]);
	check(pcpool_get(pool, GFP_KERNEL) == objs[0]);
}

static void run_one(void)
{
	bool put, waited;
	void *got;

	waiter = (struct pcpool_waiter){ .task = current };
	interrupted[0] = false;
	interrupted[1] = false;
	put_on_cpu_0(objs[0]);
	shim_arm(at[0], put_second);
	got = pcpool_try_get(pool);
	shim_disarm();
	put = interrupted[0];
	waited = interrupted[1];
	if (!put)
		put_on_cpu_0(objs[1]);
	if (!waited)
		begin_to_wait();
	if (!waiter.served)
		fail("a get waits although an object is idle: put at point %u, waiting %u later",
		     at[0], at[1]);
	/* Either got what it could: with two objects there is one for each. */
	if (!got)
		got = pcpool_try_get(pool);
	check(got && got != waiter.obj);
	interrupted[0] = put;
	interrupted[1] = waited;
}

static void search_on_cpu_1(unsigned int cpu)
{
	unsigned int runs = 0;

	(void)cpu;
	for (at[0] = 0; ; at[0]++) {
		check(at[0] < POINTS_MAX);
		for (at[1] = 0; ; at[1]++) {
			check(at[1] < POINTS_MAX);
			run_one();
			runs++;
			if (!interrupted[1])
				break;
		}
		if (!interrupted[0])
			break;
	}
	note("%u runs", runs);
}

/*
 * While the get of CPU 1 is preempted: another caller takes the object, a get begins to wait,
 * the object is put, and the waiter is woken for it, but does not run for a long time.
 */
static void *taken;

static void preempt(void)
{
	struct pcpool_wait *q = core->wait;

	interrupted[0] = true;
	taken = pcpool_try_get(pool);
	begin_to_wait();
	if (!taken)
		return;
	check(!waiter.served);
	WRITE_ONCE(q->pass_until, ~0ull);
	put_on_cpu_0(taken);
	check(!waiter.served);
	WRITE_ONCE(q->pass_until, 0);
}

static void run_preempted(bool try)
{
	void *got;

	waiter = (struct pcpool_waiter){ .task = current };
	interrupted[0] = false;
	taken = NULL;
	put_on_cpu_0(objs[0]);
	shim_arm(at[0], preempt);
	got = try ? pcpool_try_get(pool) : pcpool_get(pool, GFP_NOWAIT);
	shim_disarm();
	if (taken && got)
		fail("a get preempted at point %u passes a waiter that has waited too long", at[0]);
	check(got != objs[1]);
	if (!interrupted[0]) {
		check(got == objs[0]);
		return;
	}
	if (got)
		put_on_cpu_0(got);
	else if (!waiter.served)
		/* What the waiter does when it runs. */
		pcpool_wait_hand_over(core->wait);
	check(waiter.served && waiter.obj == objs[0]);
}

static void preempted_on_cpu_1(unsigned int cpu)
{
	unsigned int runs = 0, try;

	(void)cpu;
	for (try = 0; try < 2; try++) {
		for (at[0] = 0; ; at[0]++) {
			check(at[0] < POINTS_MAX);
			run_preempted(try);
			runs++;
			if (!interrupted[0])
				break;
		}
	}
	note("%u runs", runs);
}

static void destroy(unsigned int cpu)
{
	unsigned int i;

	(void)cpu;
	for (i = 0; i < 2; i++)
		pcpool_put(pool, objs[i]);
	pcpool_destroy(pool);
	shim_module_exit();
}

static void wait_hint(void)
{
	shim_cpus_start(CPUS, CPUS, false);
	shim_on_cpus(0, 1, create);
	shim_on_cpus(1, 1, search_on_cpu_1);
	shim_on_cpus(0, 1, destroy);
	shim_cpus_stop();
}

static void wait_preempted(void)
{
	shim_cpus_start(CPUS, CPUS, false);
	shim_on_cpus(0, 1, create);
	shim_on_cpus(1, 1, preempted_on_cpu_1);
	shim_on_cpus(0, 1, destroy);
	shim_cpus_stop();
}

const struct test wait_tests[] = {
	{ "wait_hint", wait_hint },
	{ "wait_preempted", wait_preempted },
	{ }
};
