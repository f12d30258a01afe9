// SPDX-License-Identifier: GPL-2.0
/*
 * Whole pools on several CPUs: gets and puts from tasks, interrupts and NMIs, nested, while the
 * pool is aged, drained and shrunk, and CPUs go offline and come online. Each object has one
 * owner at a time, has the content that was put, and is accounted for in the end.
 *
 * Interrupts are signals, which come at any instruction. NMIs come at points of the shim, also
 * while interrupts are disabled.
 */
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/irqflags.h>
#include <linux/module.h>
#include <linux/pcpool.h>

#include "credit.h"
#include "shim/cpus.h"
#include "test.h"

#define CPUS		4u
/* The most objects that one context holds. */
#define HOLD		40u
#define BULK		24u

static struct pcpool *pool;
static unsigned long allocs, frees;
static bool done;

/* Parameters of the pool under test; 0: none. */
static unsigned long max_idle, max_total, reserve;

/* Allocated and not freed yet. */
static unsigned long existing_objects;

static void *alloc_obj(gfp_t gfp, void *ctx)
{
	unsigned long flags, existing;
	struct obj *obj;

	(void)gfp;
	(void)ctx;
	if (!random_in(0, 63))
		return NULL;
	local_irq_save(flags); /* malloc() is not reentrant */
	obj = obj_alloc();
	local_irq_restore(flags);
	/* One counter, as two that are read one after the other can be inconsistent. */
	existing = __atomic_add_fetch(&existing_objects, 1, __ATOMIC_RELAXED);
	check(!max_total || existing <= max_total);
	__atomic_fetch_add(&allocs, 1, __ATOMIC_RELAXED);
	/* The get takes ownership, as of any object that the pool returns. */
	obj_put(obj, 0);
	return obj;
}

static void free_obj(void *obj, void *ctx)
{
	unsigned long flags;

	(void)ctx;
	check(!in_nmi() && !in_hardirq());
	obj_got(obj);
	__atomic_fetch_sub(&existing_objects, 1, __ATOMIC_RELAXED);
	local_irq_save(flags);
	obj_free(obj);
	local_irq_restore(flags);
	__atomic_fetch_add(&frees, 1, __ATOMIC_RELAXED);
}

static const struct pcpool_ops ops = { .alloc = alloc_obj, .free = free_obj };

static struct pcpool *new_pool(const char *name, unsigned int slots)
{
	struct pcpool_params params = { .name = name, .ops = &ops, .object_bytes = 64,
					.private_slots = slots, .max_idle = max_idle,
					.max_total = max_total, .reserve = reserve };
	struct pcpool *p = pcpool_create(&params);

	/* Creation fails if the reserve cannot be allocated. */
	check(!IS_ERR(p) || reserve);
	return p;
}

/* The objects that one context holds on one CPU: the task, an interrupt or an NMI. */
struct held {
	void *objs[HOLD];
	unsigned int n;
};

enum { TASK, INTERRUPT, NMI, CONTEXTS };

static struct held held[CPUS][CONTEXTS];

static void got(struct held *h, void *obj)
{
	if (!obj)
		return;
	obj_got(obj);
	h->objs[h->n++] = obj;
}

static void *to_put(struct held *h)
{
	void *obj = h->objs[--h->n];

	obj_put(obj, h->n);
	return obj;
}

static void put_one(struct held *h)
{
	if (h->n)
		pcpool_put(pool, to_put(h));
}

static void put_several(struct held *h)
{
	unsigned int i, n = random_in(0, min(h->n, BULK));
	void *objs[BULK];

	for (i = 0; i < n; i++)
		objs[i] = to_put(h);
	pcpool_put_bulk(pool, n, objs);
}

/*
 * In a pool with few objects, each context holds some. A get that waits without a timeout could
 * wait for ever, so do not wait there.
 */
static gfp_t may_wait(void)
{
	return max_total || reserve ? GFP_NOWAIT : GFP_KERNEL;
}

static void get_several(struct held *h)
{
	unsigned int i, n = random_in(0, min(HOLD - h->n, BULK));
	void *objs[BULK];

	n = pcpool_get_bulk(pool, may_wait(), n, objs);
	for (i = 0; i < n; i++)
		got(h, objs[i]);
}

/* Not from NMI. */
static void get_or_put(struct held *h, gfp_t gfp)
{
	if (h->n == HOLD || (h->n && random_in(0, 1)))
		put_one(h);
	else
		got(h, random_in(0, 3) ? pcpool_get(pool, gfp) : pcpool_get_local(pool, gfp));
}

static void interrupt(void)
{
	struct held *h = &held[shim_this.cpu][INTERRUPT];
	unsigned int n = random_in(1, 12);

	while (n--)
		get_or_put(h, GFP_ATOMIC);
}

static void *nmi_try_get(void)
{
	void *obj = pcpool_try_get(pool);

	check(PCPOOL_NMI_SAFE || !obj);
	return obj;
}

static void nmi(void)
{
	struct held *h = &held[shim_this.cpu][NMI];
	unsigned int n = random_in(1, 12);
	bool flags = shim_this.irqs_off;

	shim_this.irqs_off = true;
	shim_this.in_nmi = true;
	while (n--) {
		if (!random_in(0, 7))
			put_several(h);
		else if (h->n == HOLD || (h->n && random_in(0, 1)))
			put_one(h);
		else
			got(h, nmi_try_get());
	}
	shim_this.in_nmi = false;
	raw_local_irq_restore(flags);
}

/* A thread that interrupts random CPUs until the test ends. */
static void *interrupter(void *unused)
{
	(void)unused;
	shim_seed(CPUS);
	while (!__atomic_load_n(&done, __ATOMIC_RELAXED)) {
		shim_interrupt(random_in(0, CPUS - 1));
		usleep(random_in(1, 50));
	}
	return NULL;
}

static void *may_fail(void *obj)
{
	if (!IS_ERR(obj))
		return obj;
	check(obj == ERR_PTR(-ENOMEM) || obj == ERR_PTR(-ETIMEDOUT));
	return NULL;
}

static void any_operation(struct held *h)
{
	unsigned int i;

	switch (random_in(0, 31)) {
	case 0:
		put_several(h);
		break;
	case 1:
		get_several(h);
		break;
	case 2:
		got(h, h->n < HOLD ? pcpool_try_get(pool) : NULL);
		break;
	case 3:
		while (h->n)
			put_one(h);
		break;
	case 4:
		for (i = h->n; i < HOLD; i++)
			got(h, pcpool_get(pool, may_wait()) ?: pcpool_get(pool, may_wait()));
		break;
	case 5:
		/* Sometimes fails the allocation of a ring. */
		shim_this.fail_allocs = random_in(0, 1);
		put_one(h);
		break;
	case 6:
		if (h->n < HOLD)
			got(h, may_fail(pcpool_get_timeout(pool, GFP_KERNEL, random_in(0, 3))));
		break;
	default:
		get_or_put(h, may_wait());
	}
}

/* Operations on the whole pool, which only one CPU runs. */
static void control(void)
{
	struct pcpool_pool_stats stats;

	switch (random_in(0, 6)) {
	case 0:
	case 1:
		pcpool_age(pool);
		break;
	case 2:
		pcpool_drain(pool);
		break;
	case 3:
		shim_shrink(random_in(1, 200));
		break;
	case 4:
		pcpool_prefill(pool, GFP_KERNEL, random_in(0, 100));
		break;
	default:
		pcpool_stats(pool, &stats);
	}
}

/* So that NMIs have something to put, even where they can get nothing. */
static void give_to_nmi(struct held *task, struct held *nmi)
{
	unsigned int n = random_in(0, min(task->n, 4u));

	while (n-- && nmi->n < HOLD)
		nmi->objs[nmi->n++] = task->objs[--task->n];
}

static void stress(unsigned int cpu)
{
	struct held *h = &held[cpu][TASK];
	unsigned int n;

	shim_delays(511, 0);
	for (n = 0; !expired(); n++) {
		if (!random_in(0, 3)) {
			give_to_nmi(h, &held[cpu][NMI]);
			shim_arm(random_in(0, 80), nmi);
		}
		any_operation(h);
		shim_disarm();
		if (cpu == 0 && !random_in(0, 63))
			control();
		shim_schedule();
	}
	shim_delays(0, 0);
	shim_this.fail_allocs = 0;
}

static void start(unsigned int cpu)
{
	(void)cpu;
	if (shim_module_init())
		fail("the module does not initialise");
}

static void end(unsigned int cpu)
{
	(void)cpu;
	shim_module_exit();
}

static void with_cpus(void (*fn)(void))
{
	shim_cpus_start(CPUS, CPUS, false);
	shim_on_cpus(0, 1, start);
	fn();
	shim_on_cpus(0, 1, end);
	shim_cpus_stop();
}

/* Puts all objects that the contexts of a CPU hold. */
static void put_all(unsigned int cpu)
{
	unsigned int context;

	for (context = 0; context < CONTEXTS; context++) {
		while (held[cpu][context].n)
			put_one(&held[cpu][context]);
	}
}

/* No operation is in progress: the counters add up, and two aging passes leave no object. */
static void account(unsigned int cpu)
{
	struct pcpool_pool_stats stats;

	(void)cpu;
	pcpool_stats(pool, &stats);
	note("%lu allocs, %lu frees; %llu private, %llu shared, %llu stolen, %llu victims, %llu deferred, %llu passes",
	     allocs, frees, stats.hit_private, stats.hit_shared, stats.hit_steal, stats.hit_victim,
	     stats.deferred, stats.ages);
	check(stats.allocs == allocs && stats.frees == frees);
	check(!stats.outstanding);
	check(allocs == frees + stats.idle_main + stats.idle_victim);
	check(!max_idle || allocs - frees <= max_idle);
	check(stats.idle_reserve == reserve && !stats.waiting);
	pcpool_age(pool);
	pcpool_age(pool);
	pcpool_stats(pool, &stats);
	check(stats.idle_main == reserve && !stats.idle_victim);
	check(allocs == frees + reserve);
	pcpool_destroy(pool);
	check(allocs == frees);
}

static void create(unsigned int cpu)
{
	(void)cpu;
	do {
		/* A failed creation has freed the objects of its incomplete reserve. */
		check(allocs == frees);
		allocs = frees = 0;
		pool = new_pool("test", random_in(0, 2) ? 0 : random_in(1, 40));
	} while (IS_ERR(pool));
}

/* Runs @fn while all CPUs are interrupted, then checks the counters. */
static void interrupted(void (*fn)(void))
{
	pthread_t thread;

	shim_on_cpus(0, 1, create);
	shim_set_interrupt(interrupt);
	check(!pthread_create(&thread, NULL, interrupter, NULL));
	fn();
	__atomic_store_n(&done, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	/* Pending interrupts run before this. */
	shim_on_cpus(0, CPUS, put_all);
	shim_set_interrupt(NULL);
	shim_on_cpus(0, CPUS, put_all);
	shim_on_cpus(0, 1, account);
}

static void stress_all(void)
{
	shim_on_cpus(0, CPUS, stress);
}

static void stress_interrupted(void)
{
	interrupted(stress_all);
}

static void pool_stress(void)
{
	with_cpus(stress_interrupted);
}

/* pool_stress with bounds. Up to this many objects use the shared array, more use credits. */
#define FEW	(4 * CPUS)

static void pool_array(void)
{
	max_idle = random_in(1, FEW);
	with_cpus(stress_interrupted);
}

static void pool_credit(void)
{
	max_idle = random_in(FEW + 1, 300);
	with_cpus(stress_interrupted);
}

/* Most CPUs become present after the pool was created. */
static void pool_credit_late(void)
{
	shim_present = 1;
	max_idle = random_in(FEW + 1, 300);
	with_cpus(stress_interrupted);
}

/* Credits without a pool, so few that the CPUs constantly take them from each other. */
#define CREDITS	3

static struct pcpool_credit credit;
static long credits_taken;

/* Through this CPU's own credits or past them. */
static bool take_credit(bool local)
{
	unsigned long flags;
	bool taken;

	if (!local)
		return pcpool_credit_take(&credit, 1);
	local_irq_save(flags);
	taken = pcpool_credit_take_local(&credit, 1);
	local_irq_restore(flags);
	return taken;
}

static void give_credit(bool local)
{
	unsigned long flags;

	if (!local) {
		pcpool_credit_give(&credit, 1);
		return;
	}
	local_irq_save(flags);
	pcpool_credit_give_local(&credit, 1);
	local_irq_restore(flags);
}

static void take_and_give(unsigned int cpu)
{
	unsigned int mine = 0;

	(void)cpu;
	while (!expired()) {
		if (mine && random_in(0, 1)) {
			__atomic_fetch_sub(&credits_taken, 1, __ATOMIC_RELAXED);
			give_credit(random_in(0, 1));
			mine--;
		} else if (take_credit(random_in(0, 1))) {
			check(__atomic_add_fetch(&credits_taken, 1, __ATOMIC_RELAXED) <= CREDITS);
			mine++;
		}
	}
	__atomic_fetch_sub(&credits_taken, mine, __ATOMIC_RELAXED);
	pcpool_credit_give(&credit, mine);
}

static void credits(void)
{
	check(!pcpool_credit_init(&credit, CREDITS, random_in(0, 2), 0));
	shim_on_cpus(0, CPUS, take_and_give);
	check(!credits_taken && pcpool_credit_count(&credit) == CREDITS);
	pcpool_credit_exit(&credit);
}

static void credit_stress(void)
{
	with_cpus(credits);
}

static void pool_quota(void)
{
	max_total = random_in(0, 1) ? random_in(1, FEW) : random_in(FEW + 1, 300);
	max_idle = random_in(0, 1) ? random_in(1, max_total) : 0;
	reserve = random_in(0, 1) ? random_in(0, max_idle ?: max_total) : 0;
	with_cpus(stress_interrupted);
}

static void pool_reserve(void)
{
	reserve = random_in(1, 40);
	with_cpus(stress_interrupted);
}

/* CPUs 2 and 3 go offline and come online, and are stressed while they are online. */
static void brief_stress(unsigned int cpu)
{
	struct held *h = &held[cpu][TASK];
	unsigned int n = random_in(0, 300);

	while (n--) {
		any_operation(h);
		shim_schedule();
	}
	/* Other CPUs must be able to get these objects when the CPU is offline. */
	while (h->n)
		put_one(h);
}

static void hotplug_or_stress(unsigned int cpu)
{
	bool online[CPUS] = { true, true, true, true };
	unsigned int other;

	if (cpu) {
		stress(cpu);
		return;
	}
	while (!expired()) {
		other = random_in(2, 3);
		if (online[other])
			shim_on_cpus(other, 1, brief_stress);
		if (random_in(0, 1)) {
			online[other] = !online[other];
			shim_cpu_set_online(other, online[other]);
		}
		if (!random_in(0, 3))
			control();
		shim_schedule();
	}
	for (other = 2; other < CPUS; other++) {
		if (!online[other])
			shim_cpu_set_online(other, true);
	}
}

static void hotplug_pair(void)
{
	shim_on_cpus(0, 2, hotplug_or_stress);
}

/* Put more objects than may be idle. */
static void overfill(unsigned int cpu)
{
	void *objs[400];
	unsigned int n;

	(void)cpu;
	for (n = 0; n < ARRAY_SIZE(objs); n++) {
		objs[n] = pcpool_get(pool, GFP_KERNEL);
		if (!objs[n])
			break;
	}
	while (n)
		pcpool_put(pool, objs[--n]);
}

static void hotplug_stress(void)
{
	/* An offline CPU has no interrupts, so this test sends none. */
	shim_on_cpus(0, 1, create);
	hotplug_pair();
	shim_on_cpus(0, CPUS, put_all);
	/* Credits that came from nowhere would let it keep more than max_idle. */
	shim_on_cpus(0, 1, overfill);
	shim_on_cpus(0, 1, account);
}

static void pool_hotplug(void)
{
	with_cpus(hotplug_stress);
}

static void pool_hotplug_credit(void)
{
	max_idle = random_in(FEW + 1, 300);
	with_cpus(hotplug_stress);
}

/*
 * Aging while other CPUs steal. They get objects and put none, so two aging passes must leave
 * no idle object, wherever a stealing CPU is when they come.
 */
#define STEAL_OBJECTS		200u

static bool passed;
static unsigned int nr_stolen[CPUS];
static void *stolen[CPUS][STEAL_OBJECTS];

static void fill(unsigned int cpu)
{
	unsigned int i;
	void *obj;

	(void)cpu;
	/* Objects may be out of reach in the private slots of other CPUs: free them first. */
	pcpool_drain(pool);
	for (i = 0; i < STEAL_OBJECTS; i++) {
		do {
			obj = pcpool_get(pool, GFP_KERNEL);
		} while (!obj);
		obj_got(obj);
		stolen[0][i] = obj;
	}
	for (i = 0; i < STEAL_OBJECTS; i++) {
		obj_put(stolen[0][i], i);
		pcpool_put(pool, stolen[0][i]);
	}
}

static void age_or_steal(unsigned int cpu)
{
	void *obj;

	if (!cpu) {
		usleep(random_in(0, 20));
		pcpool_age(pool);
		pcpool_age(pool);
		__atomic_store_n(&passed, true, __ATOMIC_RELAXED);
		return;
	}
	/* Long delays at random points, so that a pass often comes in the middle of a steal. */
	shim_delays(7, 100);
	while (!__atomic_load_n(&passed, __ATOMIC_RELAXED)) {
		obj = pcpool_try_get(pool);
		if (obj) {
			obj_got(obj);
			stolen[cpu][nr_stolen[cpu]++] = obj;
		}
		shim_schedule();
	}
	shim_delays(0, 0);
}

static void nothing_left(unsigned int cpu)
{
	struct pcpool_pool_stats stats;

	(void)cpu;
	pcpool_stats(pool, &stats);
	if (stats.idle_main || stats.idle_victim)
		fail("%llu objects survived two aging passes",
		     stats.idle_main + stats.idle_victim);
}

static void put_stolen(unsigned int cpu)
{
	while (nr_stolen[cpu]) {
		obj_put(stolen[cpu][--nr_stolen[cpu]], 0);
		pcpool_put(pool, stolen[cpu][nr_stolen[cpu]]);
	}
}

static void stealing(void)
{
	unsigned int rounds;

	shim_on_cpus(0, 1, create);
	for (rounds = 0; !expired(); rounds++) {
		shim_on_cpus(0, 1, fill);
		passed = false;
		shim_on_cpus(0, CPUS, age_or_steal);
		shim_on_cpus(0, 1, nothing_left);
		shim_on_cpus(0, CPUS, put_stolen);
	}
	note("%u rounds", rounds);
	shim_on_cpus(0, 1, account);
}

static void pool_stealing(void)
{
	with_cpus(stealing);
}

/* Each CPU creates and destroys pools of its own, while allocations fail and the shrinker runs. */
static void create_and_destroy(unsigned int cpu)
{
	char name[16];
	unsigned int i, n;
	void *objs[HOLD];
	struct pcpool *mine;

	snprintf(name, sizeof(name), "of-cpu-%u", cpu);
	while (!expired()) {
		mine = new_pool(name, random_in(0, 12));
		for (n = 0; n < HOLD && (objs[n] = pcpool_get(mine, GFP_KERNEL)); n++)
			obj_got(objs[n]);
		for (i = 0; i < n; i++) {
			obj_put(objs[i], i);
			pcpool_put(mine, objs[i]);
		}
		if (!random_in(0, 3))
			shim_shrink(random_in(1, 100));
		if (!random_in(0, 3))
			pcpool_age(mine);
		shim_schedule();
		pcpool_destroy(mine);
	}
}

static void create_destroy_all(void)
{
	shim_on_cpus(0, CPUS, create_and_destroy);
	check(allocs == frees);
	note("%lu allocs", allocs);
}

static void pool_create_destroy(void)
{
	with_cpus(create_destroy_all);
}

const struct test pool_tests[] = {
	{ "pool_stress", pool_stress },
	{ "pool_array", pool_array },
	{ "pool_credit", pool_credit },
	{ "pool_credit_late", pool_credit_late },
	{ "credit_stress", credit_stress },
	{ "pool_quota", pool_quota },
	{ "pool_reserve", pool_reserve },
	{ "pool_hotplug", pool_hotplug },
	{ "pool_hotplug_credit", pool_hotplug_credit },
	{ "pool_stealing", pool_stealing },
	{ "pool_create_destroy", pool_create_destroy },
	{ }
};
