// SPDX-License-Identifier: GPL-2.0
/*
 * Contexts: calls each function in every context in which it is allowed. Interrupts
 * arrive in the middle of gets and puts of their own CPU, and get and put too.
 */
#include <linux/irq_work.h>

#include "common.h"

KUNIT_ARRAY_PARAM(context, kt_contexts, kt_context_desc);

static unsigned long idle(struct kt_pool *kp)
{
	struct pcpool_pool_stats s = kt_stats(kp);

	return s.idle_main + s.idle_victim;
}

/* --- Every function in every context ----------------------------------------- */

/* Number of objects that can be allocated in any context, without waiting for the worker. */
#define NR_OBJECTS	20

struct calls {
	struct kt_pool *kp;
	void *objs[64];
	unsigned int got;
	unsigned long n;
	struct pcpool_pool_stats stats;
};

static void get_one_by_one(void *arg)
{
	struct calls *calls = arg;

	for (calls->got = 0; calls->got < NR_OBJECTS; calls->got++) {
		calls->objs[calls->got] = kt_get(calls->kp, GFP_ATOMIC, KT_ME);
		if (!calls->objs[calls->got])
			break;
	}
}

static void get_local(void *arg)
{
	struct calls *calls = arg;

	for (calls->got = 0; calls->got < NR_OBJECTS; calls->got++) {
		calls->objs[calls->got] = kt_get_local(calls->kp, GFP_ATOMIC,
						       KT_ME);
		if (!calls->objs[calls->got])
			break;
	}
}

static void get_in_bulk(void *arg)
{
	struct calls *calls = arg;

	calls->got = kt_get_bulk(calls->kp, GFP_ATOMIC, NR_OBJECTS, calls->objs, KT_ME);
}

static void try_gets(void *arg)
{
	struct calls *calls = arg;

	for (calls->got = 0; calls->got < ARRAY_SIZE(calls->objs);
	     calls->got++) {
		calls->objs[calls->got] = kt_try_get(calls->kp, KT_ME);
		if (!calls->objs[calls->got])
			break;
	}
}

static void put_one_by_one(void *arg)
{
	struct calls *calls = arg;

	kt_put_many(calls->kp, calls->got, calls->objs);
}

static void put_in_bulk(void *arg)
{
	struct calls *calls = arg;

	kt_put_bulk(calls->kp, calls->got, calls->objs, KT_ME);
}

static void prefill(void *arg)
{
	struct calls *calls = arg;

	calls->n = pcpool_prefill(calls->kp->pool, GFP_ATOMIC, NR_OBJECTS);
}

static void read_stats(void *arg)
{
	struct calls *calls = arg;

	pcpool_stats(calls->kp->pool, &calls->stats);
}

static struct calls *new_calls(struct kunit *test, unsigned int slots)
{
	struct calls *calls = kunit_kzalloc(test, sizeof(*calls), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, calls);
	calls->kp = kt_new(test, 200, .private_slots = slots);
	kt_move_to(test, kt_cpu(test, 0));
	return calls;
}

struct method {
	void (*get)(void *arg);
	void (*put)(void *arg);
	const char *name;
};

static const struct method methods[] = {
	{ get_one_by_one, put_one_by_one, "get" },
	{ get_local, put_one_by_one, "get_local" },
	{ get_in_bulk, put_in_bulk, "bulk" },
};

static void gets_and_puts_work_in_any_context(struct kunit *test)
{
	const struct kt_context_param *p = test->param_value;
	unsigned int i, round;

	for (i = 0; i < ARRAY_SIZE(methods); i++) {
		struct calls *calls = new_calls(test, 4);

		for (round = 0; round < 3; round++) {
			kt_run_in(test, p->context, methods[i].get, calls);
			KUNIT_EXPECT_EQ_MSG(test, calls->got, NR_OBJECTS, "%s, round %u",
					    methods[i].name, round);
			kt_run_in(test, p->context, methods[i].put, calls);
			/* The worker may be moving an object, which no get finds. */
			kt_settle(calls->kp);
			KUNIT_EXPECT_EQ_MSG(test, idle(calls->kp), NR_OBJECTS,
					    "%s, round %u", methods[i].name, round);
		}
		KUNIT_EXPECT_EQ(test, kt_stats(calls->kp).allocs, NR_OBJECTS);
		kt_destroy(calls->kp);
	}
}

static void try_get_finds_all_idle_objects(struct kunit *test)
{
	const struct kt_context_param *p = test->param_value;
	struct calls *calls = new_calls(test, 4);

	kt_make_idle(calls->kp, 60);
	kt_run_in(test, p->context, try_gets, calls);
	KUNIT_EXPECT_EQ(test, calls->got, 60);
	KUNIT_EXPECT_EQ(test, kt_stats(calls->kp).allocs, 60);
	kt_run_in(test, p->context, put_in_bulk, calls);
	kt_settle(calls->kp);
	KUNIT_EXPECT_EQ(test, idle(calls->kp), 60);
}

static void prefill_works_in_any_context(struct kunit *test)
{
	const struct kt_context_param *p = test->param_value;
	struct calls *calls = new_calls(test, 4);

	kt_run_in(test, p->context, prefill, calls);
	kt_settle(calls->kp);
	KUNIT_EXPECT_EQ(test, calls->n, NR_OBJECTS);
	KUNIT_EXPECT_EQ(test, idle(calls->kp), NR_OBJECTS);
}

static void stats_can_be_read_in_any_context(struct kunit *test)
{
	const struct kt_context_param *p = test->param_value;
	struct calls *calls = new_calls(test, 4);

	kt_make_idle(calls->kp, 60);
	kt_run_in(test, p->context, read_stats, calls);
	KUNIT_EXPECT_EQ(test, calls->stats.puts, 60);
	KUNIT_EXPECT_EQ(test, calls->stats.idle_main, 60);
}

static void get_until_it_fails(void *arg)
{
	struct calls *calls = arg;

	for (calls->got = 0; calls->got < PCPOOL_DEFERRED_SPARE;
	     calls->got++) {
		calls->objs[calls->got] = kt_get(calls->kp, GFP_ATOMIC, KT_ME);
		if (!calls->objs[calls->got])
			break;
	}
}

/*
 * The guarantee in the kernel-doc of pcpool_get() for contexts in which the kernel
 * forbids allocation.
 */
static void an_empty_pool_allows_32_gets_in_any_context(struct kunit *test)
{
	const struct kt_context_param *p = test->param_value;
	struct calls *calls = new_calls(test, 4);
	unsigned int round;

	for (round = 0; round < 4; round++) {
		kt_run_in(test, p->context, get_until_it_fails, calls);
		KUNIT_EXPECT_EQ_MSG(test, calls->got, 32, "round %u", round);
		kt_run_in(test, p->context, put_one_by_one, calls);
		kt_settle(calls->kp);
		/* Repeat, so that the 32 objects again take reserved deferral slots. */
		pcpool_drain(calls->kp->pool);
	}
}

/* --- Bursts ------------------------------------------------------------------------ */

struct burst {
	struct kt_pool *kp;
	unsigned int n;
	void **objs;
};

static void put_burst(void *arg)
{
	struct burst *burst = arg;

	kt_put_many(burst->kp, burst->n, burst->objs);
}

/* One handler puts all objects, so that nothing can make room in between. */
static void a_burst_of_puts_is_kept(struct kunit *test)
{
	const struct kt_context_param *p = test->param_value;
	struct burst burst = { .n = 2000 };

	burst.kp = kt_new(test, burst.n, .private_slots = 8);
	kt_move_to(test, kt_cpu(test, 0));
	burst.objs = kt_get_many(burst.kp, burst.n);
	kt_run_in(test, p->context, put_burst, &burst);
	KUNIT_EXPECT_EQ(test, kt_stats(burst.kp).outstanding, 0);
	kt_settle(burst.kp);
	KUNIT_EXPECT_EQ(test, idle(burst.kp), burst.n);
	KUNIT_EXPECT_EQ(test, atomic_read(&burst.kp->frees), 0);
	KUNIT_EXPECT_EQ(test, kt_stats(burst.kp).drop_full, 0);
	if (p->context == KT_TASK)
		KUNIT_EXPECT_EQ(test, kt_stats(burst.kp).deferred, 0);
	if (kt_is_hardirq(p->context) || p->context == KT_IRQS_OFF)
		KUNIT_EXPECT_GT(test, kt_stats(burst.kp).deferred, 0);
	KUNIT_EXPECT_EQ(test, pcpool_age(burst.kp->pool), 0);
	KUNIT_EXPECT_EQ(test, pcpool_age(burst.kp->pool), burst.n);
}

/* If the queue has room, no put waits for the worker. */
static void a_burst_that_fits_the_queue_is_not_deferred(struct kunit *test)
{
	const struct kt_context_param *p = test->param_value;
	struct burst burst = { .n = 300 };
	u64 deferred;

	burst.kp = kt_new(test, burst.n, .private_slots = 8);
	kt_move_to(test, kt_cpu(test, 0));
	burst.objs = kt_get_many(burst.kp, burst.n);
	kt_put_to_queue(burst.kp, burst.n, burst.objs);
	burst.objs = kt_get_many(burst.kp, burst.n);
	deferred = kt_stats(burst.kp).deferred;
	kt_run_in(test, p->context, put_burst, &burst);
	KUNIT_EXPECT_EQ(test, kt_stats(burst.kp).deferred, deferred);
	KUNIT_EXPECT_EQ(test, idle(burst.kp), burst.n);
}

/* --- Interrupts during gets and puts ---------------------------------------------------- */

/*
 * All of this runs on one CPU: a task that gets and puts, and interrupts of that task
 * that do the same. Each has its own number as a holder, so an object with two holders
 * is detected.
 */
struct nest {
	struct kt_pool *kp;
	struct kt_worker *task;
	struct rnd_state rnd;
	int holder;
	unsigned int max;
	unsigned long done;
	void *held[16];
	unsigned int nr_held;
};

static void get_and_put_nested(void *arg)
{
	struct nest *nest = arg;
	struct kt_pool *kp = nest->kp;
	unsigned int n = prandom_u32_state(&nest->rnd) % nest->max + 1;
	void *obj;

	/* Sometimes an object is held until the next interrupt. */
	while (n--) {
		switch (prandom_u32_state(&nest->rnd) % 5) {
		case 0:
		case 1:
			if (nest->nr_held == ARRAY_SIZE(nest->held))
				break;
			obj = kt_get(kp, GFP_ATOMIC, nest->holder);
			if (obj)
				nest->held[nest->nr_held++] = obj;
			break;
		case 2:
			if (nest->nr_held == ARRAY_SIZE(nest->held))
				break;
			obj = kt_try_get(kp, nest->holder);
			if (obj)
				nest->held[nest->nr_held++] = obj;
			break;
		default:
			if (nest->nr_held)
				kt_put(kp, nest->held[--nest->nr_held],
				       nest->holder);
		}
	}
	nest->done++;
}

static void nest_init(struct nest *nest, struct kt_worker *worker, int holder)
{
	memset(nest, 0, sizeof(*nest));
	nest->kp = worker->arg;
	nest->holder = worker->holder + holder;
	nest->max = 24;
	prandom_seed_state(&nest->rnd, nest->holder);
}

static void nest_exit(struct nest *nest)
{
	while (nest->nr_held)
		kt_put(nest->kp, nest->held[--nest->nr_held], nest->holder);
}

/*
 * Gets and puts of all kinds, mostly where private slots and queue meet. @interrupts is
 * the number of interrupts so far.
 */
static void task_loop(struct kt_worker *worker, struct irq_work *irq_work,
		      unsigned long *interrupts)
{
	struct kt_pool *kp = worker->arg;
	unsigned int i, n, held = 0;
	void *objs[40];

	while (kt_keep_running_for(worker, min(worker->done,
					       READ_ONCE(*interrupts)))) {
		n = 1 + kt_random(worker, 2 * kp->core->nr_slots + 2);
		n = min(n, ARRAY_SIZE(objs) - held);
		if (kt_random(worker, 4)) {
			for (i = 0; i < n; i++) {
				objs[held] = kt_get(kp, GFP_KERNEL, worker->holder);
				held += !!objs[held];
			}
		} else {
			held += kt_get_bulk(kp, GFP_KERNEL, n, objs + held,
					    worker->holder);
		}
		if (irq_work)
			irq_work_queue(irq_work);
		n = 1 + kt_random(worker, held + 1);
		n = min(n, held);
		held -= n;
		if (kt_random(worker, 4)) {
			for (i = 0; i < n; i++)
				kt_put(kp, objs[held + i], worker->holder);
		} else {
			kt_put_bulk(kp, n, objs + held, worker->holder);
		}
		kt_progress(worker);
	}
	kt_put_bulk(kp, held, objs, worker->holder);
}

static void loop_under_timer(struct kt_worker *worker, bool soft)
{
	static struct kt_ticker ticker;
	static struct nest nest;

	nest_init(&nest, worker, 1);
	kt_ticker_start(&ticker, soft, get_and_put_nested, &nest);
	task_loop(worker, NULL, &nest.done);
	kt_ticker_stop(&ticker);
	nest_exit(&nest);
	if (nest.done < KT_MINIMUM)
		kt_violation(worker->arg, "too few interrupts arrived");
}

static void loop_under_hard_timer(struct kt_worker *worker)
{
	loop_under_timer(worker, false);
}

static void loop_under_soft_timer(struct kt_worker *worker)
{
	loop_under_timer(worker, true);
}

static struct nest work_nest;

static void nested_irq_work(struct irq_work *irq_work)
{
	get_and_put_nested(&work_nest);
}

static void loop_under_irq_work(struct kt_worker *worker)
{
	static struct irq_work irq_work;

	irq_work = IRQ_WORK_INIT_HARD(nested_irq_work);
	nest_init(&work_nest, worker, 1);
	task_loop(worker, &irq_work, &work_nest.done);
	irq_work_sync(&irq_work);
	nest_exit(&work_nest);
	if (work_nest.done < KT_MINIMUM)
		kt_violation(worker->arg, "too few interrupts arrived");
}

/* Hardirqs that interrupt softirqs that interrupt a task: three levels. */
static void loop_under_both_timers(struct kt_worker *worker)
{
	static struct kt_ticker hard, soft;
	static struct nest in_hard, in_soft;

	nest_init(&in_hard, worker, 1);
	nest_init(&in_soft, worker, 2);
	in_soft.max = 200;
	kt_ticker_start(&hard, false, get_and_put_nested, &in_hard);
	kt_ticker_start(&soft, true, get_and_put_nested, &in_soft);
	task_loop(worker, NULL, &in_soft.done);
	kt_ticker_stop(&hard);
	kt_ticker_stop(&soft);
	nest_exit(&in_hard);
	nest_exit(&in_soft);
	if (in_hard.done < KT_MINIMUM || in_soft.done < KT_MINIMUM)
		kt_violation(worker->arg, "too few interrupts arrived");
}

static struct kt_storm ipis;
static struct nest ipi_nest;

static void loop_under_ipis(struct kt_worker *worker)
{
	task_loop(worker, NULL, &ipis.fired);
}

struct load {
	char name[60];
	void (*fn)(struct kt_worker *worker);
	unsigned int slots;
	bool reset;
};

static const struct load loads[] = {
	{ "hardirq timer, 1 slot", loop_under_hard_timer, 1 },
	{ "hardirq timer, 2 slots", loop_under_hard_timer, 2 },
	{ "hardirq timer, 8 slots", loop_under_hard_timer, 8 },
	{ "hardirq timer, with reset", loop_under_hard_timer, 2, true },
	{ "softirq timer, 1 slot", loop_under_soft_timer, 1 },
	{ "softirq timer, 8 slots", loop_under_soft_timer, 8 },
	{ "irq_work, 1 slot", loop_under_irq_work, 1 },
	{ "irq_work, 8 slots", loop_under_irq_work, 8 },
	{ "hardirq and softirq timers, 2 slots", loop_under_both_timers, 2 },
	{ "IPIs, 1 slot", loop_under_ipis, 1 },
	{ "IPIs, 3 slots", loop_under_ipis, 3 },
	{ "IPIs, 8 slots", loop_under_ipis, 8 },
};

KUNIT_ARRAY_PARAM_DESC(load, loads, name);

/* The worker moves deferred objects and aging passes run during the interrupts. */
static void age_regularly(struct kt_worker *worker)
{
	struct kt_pool *kp = worker->arg;

	while (kt_keep_running(worker)) {
		schedule_timeout_uninterruptible(1);
		pcpool_age(kp->pool);
		kt_progress(worker);
	}
}

static void interrupts_during_calls_lose_and_share_nothing(struct kunit *test)
{
	const struct load *load = test->param_value;
	struct kt_pool *kp = kt_new(test, 1000, .private_slots = load->slots,
				    .ops = load->reset ? &kt_ops_reset : NULL);
	struct kt_worker *loop;
	struct kt_gang *gang;

	kt_cpu(test, 1);
	gang = kt_gang_new(test);
	loop = kt_gang_add(gang, kt_cpu(test, 0), load->fn, kp);
	if (load->fn == loop_under_ipis) {
		nest_init(&ipi_nest, loop, 1);
		kt_gang_add_storm(gang, &ipis, loop, get_and_put_nested,
				  &ipi_nest);
	} else {
		kt_gang_add(gang, kt_cpu(test, 1), age_regularly, kp);
	}
	kt_gang_start(gang, 150);
	kt_gang_join(gang);
	if (load->fn == loop_under_ipis)
		nest_exit(&ipi_nest);
	kt_expect_consistent(kp);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).outstanding, 0);
	pcpool_age(kp->pool);
	pcpool_age(kp->pool);
	KUNIT_EXPECT_EQ(test, idle(kp), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&kp->frees), atomic_read(&kp->allocs));
}

static struct kunit_case contexts_cases[] = {
	KUNIT_CASE_PARAM(gets_and_puts_work_in_any_context, context_gen_params),
	KUNIT_CASE_PARAM(try_get_finds_all_idle_objects, context_gen_params),
	KUNIT_CASE_PARAM(prefill_works_in_any_context, context_gen_params),
	KUNIT_CASE_PARAM(stats_can_be_read_in_any_context, context_gen_params),
	KUNIT_CASE_PARAM(an_empty_pool_allows_32_gets_in_any_context,
			 context_gen_params),
	KUNIT_CASE_PARAM(a_burst_of_puts_is_kept, context_gen_params),
	KUNIT_CASE_PARAM(a_burst_that_fits_the_queue_is_not_deferred,
			 context_gen_params),
	KUNIT_CASE_PARAM(interrupts_during_calls_lose_and_share_nothing,
			 load_gen_params),
	{}
};

static struct kunit_suite contexts_suite = {
	.name = "pcpool_contexts",
	.test_cases = contexts_cases,
};

kunit_test_suites(&contexts_suite);
