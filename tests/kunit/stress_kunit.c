// SPDX-License-Identifier: GPL-2.0
/*
 * All operations at once, on all CPUs. Each object records the number of its holder,
 * which changes by compare-and-exchange (common.c), so a second owner is detected at
 * once. In the end each object has been freed as often as it was allocated.
 */
#include "common.h"

#define HANDOVERS	16

/* Objects that threads pass to each other, mostly to another CPU. */
struct stress {
	struct kt_pool *kp;
	void *in_transit[HANDOVERS];
};

/*
 * Leave @obj, if any, in a random place for another thread, and take what is there,
 * which may be nothing.
 */
static void *exchange(struct stress *stress, struct kt_worker *worker,
		      struct kt_obj *obj)
{
	struct kt_pool *kp = stress->kp;

	if (obj && atomic_cmpxchg(&obj->owner, worker->holder, KT_IN_TRANSIT) !=
		   worker->holder)
		kt_violation(kp, "an object was taken from its holder");
	obj = xchg(&stress->in_transit[kt_random(worker, HANDOVERS)], obj);
	if (obj && atomic_cmpxchg(&obj->owner, KT_IN_TRANSIT, worker->holder) !=
		   KT_IN_TRANSIT)
		kt_violation(kp, "an object was taken while it was handed over");
	return obj;
}

static void use_pool(struct kt_worker *worker)
{
	struct stress *stress = worker->arg;
	struct kt_pool *kp = stress->kp;
	unsigned int n, held = 0;
	void *obj, *objs[64];
	bool full;

	while (kt_keep_running(worker)) {
		full = held == ARRAY_SIZE(objs);
		switch (kt_random(worker, 10)) {
		case 0:
		case 1:
			obj = full ? NULL : kt_get(kp, GFP_KERNEL, worker->holder);
			if (obj)
				objs[held++] = obj;
			break;
		case 2:
			obj = full ? NULL : kt_try_get(kp, worker->holder);
			if (obj)
				objs[held++] = obj;
			break;
		case 3:
			obj = full ? NULL :
			      kt_get_local(kp, GFP_ATOMIC, worker->holder);
			if (obj)
				objs[held++] = obj;
			break;
		case 4:
			held += kt_get_bulk(kp, GFP_KERNEL,
					    kt_random(worker, 65 - held),
					    objs + held, worker->holder);
			break;
		case 5:
			n = kt_random(worker, held + 1);
			held -= n;
			kt_put_bulk(kp, n, objs + held, worker->holder);
			break;
		case 6:
			if (full)
				break;
			obj = exchange(stress, worker,
				       held ? objs[--held] : NULL);
			if (obj)
				objs[held++] = obj;
			break;
		default:
			n = kt_random(worker, 6);
			while (held && n--)
				kt_put(kp, objs[--held], worker->holder);
		}
		kt_progress(worker);
	}
	while (held)
		kt_put(kp, objs[--held], worker->holder);
}

struct interrupt {
	struct stress *stress;
	struct kt_ticker ticker;
	struct rnd_state rnd;
	int holder;
	void *held;
};

/* One get or put in each interrupt. */
static void interrupt(void *arg)
{
	struct interrupt *irq = arg;
	struct kt_pool *kp = irq->stress->kp;

	if (irq->held) {
		kt_put(kp, irq->held, irq->holder);
		irq->held = NULL;
	} else if (prandom_u32_state(&irq->rnd) & 1) {
		irq->held = kt_get(kp, GFP_ATOMIC, irq->holder);
	} else {
		irq->held = kt_try_get(kp, irq->holder);
	}
}

static void use_pool_under_interrupts(struct kt_worker *worker)
{
	struct interrupt *irq = kzalloc(sizeof(*irq), GFP_KERNEL);
	struct stress *stress = worker->arg;

	if (!irq)
		return;
	irq->stress = stress;
	irq->holder = worker->holder + 1;
	prandom_seed_state(&irq->rnd, irq->holder);
	kt_ticker_start(&irq->ticker, kt_random(worker, 2), interrupt, irq);
	use_pool(worker);
	kt_ticker_stop(&irq->ticker);
	if (irq->held)
		kt_put(stress->kp, irq->held, irq->holder);
	if (!irq->ticker.fired)
		kt_violation(stress->kp, "no interrupt arrived");
	kfree(irq);
}

static void age_and_read_stats(struct kt_worker *worker)
{
	struct stress *stress = worker->arg;
	struct kt_pool *kp = stress->kp;
	struct pcpool_pool_stats s;

	while (kt_keep_running(worker)) {
		switch (kt_random(worker, 12)) {
		case 0:
			pcpool_drain(kp->pool);
			break;
		case 1:
		case 2:
			kt_scan(kp, kt_random(worker, 300));
			break;
		case 3:
			pcpool_prefill(kp->pool, GFP_KERNEL,
				       kt_random(worker, 50));
			break;
		case 4:
			s = kt_stats(kp);
			/*
			 * The counters are read at slightly different moments, but
			 * never that far off.
			 */
			if (s.allocs > 1ULL << 60 || s.idle_main > kp->nr_obj + 1000)
				kt_violation(kp, "absurd statistics");
			break;
		case 5:
		case 6:
			schedule_timeout_uninterruptible(1);
			break;
		default:
			pcpool_age(kp->pool);
		}
		kt_progress(worker);
	}
}

struct mix {
	char name[60];
	unsigned int slots;
	enum pcpool_steal steal;
	unsigned int flags;
	const struct pcpool_ops *ops;
	bool interrupts;
};

static const struct mix mixes[] = {
	{ "1 slot", 1 },
	{ "8 slots", 8 },
	{ "64 slots", 64 },
	{ "2 slots, with interrupts", 2, .interrupts = true },
	{ "8 slots, with interrupts and reset", 8, .interrupts = true,
	  .ops = &kt_ops_reset },
	{ "3 slots, steal none, free may sleep, with interrupts", 3,
	  PCPOOL_STEAL_NONE, PCPOOL_FREE_MAY_SLEEP, .interrupts = true },
};

KUNIT_ARRAY_PARAM_DESC(mix, mixes, name);

static void no_object_is_lost_or_has_two_owners(struct kunit *test)
{
	const struct mix *mix = test->param_value;
	struct stress *stress = kunit_kzalloc(test, sizeof(*stress), GFP_KERNEL);
	unsigned int i, n = num_online_cpus();
	struct kt_gang *gang;
	struct kt_pool *kp;

	KUNIT_ASSERT_NOT_NULL(test, stress);
	kp = kt_new(test, 64 * 18, .private_slots = mix->slots,
		    .steal = mix->steal, .flags = mix->flags, .ops = mix->ops);
	stress->kp = kp;
	n = min(n, 8u);
	gang = kt_gang_new(test);
	for (i = 0; i < n; i++) {
		kt_gang_add(gang, kt_cpu(test, i),
			    mix->interrupts ? use_pool_under_interrupts : use_pool, stress);
		/* A second thread on every other CPU, so that threads are preempted. */
		if (i & 1)
			kt_gang_add(gang, kt_cpu(test, i), use_pool, stress);
	}
	kt_gang_add(gang, -1, age_and_read_stats, stress);
	kt_gang_start(gang, 400);
	kt_gang_join(gang);
	for (i = 0; i < HANDOVERS; i++) {
		if (stress->in_transit[i])
			kt_put(kp, stress->in_transit[i], KT_IN_TRANSIT);
	}

	kt_expect_consistent(kp);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).outstanding, 0);
	pcpool_age(kp->pool);
	pcpool_age(kp->pool);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).idle_main, 0);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).idle_victim, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->frees), atomic_read(&kp->allocs));
}

static struct kunit_case stress_cases[] = {
	KUNIT_CASE_PARAM(no_object_is_lost_or_has_two_owners, mix_gen_params),
	{}
};

static struct kunit_suite stress_suite = {
	.name = "pcpool_stress",
	.test_cases = stress_cases,
};

kunit_test_suites(&stress_suite);
