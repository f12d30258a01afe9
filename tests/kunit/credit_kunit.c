// SPDX-License-Identifier: GPL-2.0
/*
 * Credits by themselves: there are as many as the bound, never more, and a CPU holds no more
 * of them than it may. No pool is involved.
 */
#include <linux/slab.h>

#include "common.h"

static void credit_exit(void *data)
{
	pcpool_credit_exit(data);
}

static struct pcpool_credit *new_credit(struct kunit *test, unsigned long bound, long local_max,
					long kept)
{
	struct pcpool_credit *credit = kunit_kzalloc(test, sizeof(*credit), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, credit);
	KUNIT_ASSERT_EQ(test, 0, pcpool_credit_init(credit, bound, local_max, kept));
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, credit_exit, credit));
	return credit;
}

static bool take_local(struct pcpool_credit *credit, long n)
{
	unsigned long flags;
	bool taken;

	local_irq_save(flags);
	taken = pcpool_credit_take_local(credit, n);
	local_irq_restore(flags);
	return taken;
}

static void give_local(struct pcpool_credit *credit, long n)
{
	unsigned long flags;

	local_irq_save(flags);
	pcpool_credit_give_local(credit, n);
	local_irq_restore(flags);
}

/* Take credits of the global count until there are none left, or @most. Returns how many. */
static unsigned long take(struct pcpool_credit *credit, unsigned long most)
{
	unsigned long n = 0;

	while (n < most && pcpool_credit_take(credit, 1))
		n++;
	return n;
}

/* The same, through the count of this CPU. */
static unsigned long take_all_local(struct pcpool_credit *credit, unsigned long most)
{
	unsigned long n = 0;

	while (n < most && take_local(credit, 1))
		n++;
	return n;
}

static void give_one_by_one(struct pcpool_credit *credit, unsigned long n)
{
	while (n--)
		pcpool_credit_give(credit, 1);
}

static long local_count(struct pcpool_credit *credit, int cpu)
{
	return *per_cpu_ptr(credit->local, cpu);
}

/* --- One at a time --------------------------------------------------------- */

static const unsigned long bounds[] = { 1, 3, 10, 1000, 100000 };

static void bound_desc(const unsigned long *bound, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%lu credits", *bound);
}

KUNIT_ARRAY_PARAM(bound, bounds, bound_desc);

static void exactly_the_bound_can_be_taken(struct kunit *test)
{
	unsigned long bound = *(const unsigned long *)test->param_value;
	struct pcpool_credit *credit = new_credit(test, bound, 4, 0);

	KUNIT_EXPECT_EQ(test, take(credit, bound + 10), bound);
	KUNIT_EXPECT_FALSE(test, pcpool_credit_take(credit, 1));
	KUNIT_EXPECT_FALSE(test, take_local(credit, 1));
	give_one_by_one(credit, bound);
	KUNIT_EXPECT_EQ(test, take_all_local(credit, bound + 10), bound);
	KUNIT_EXPECT_FALSE(test, pcpool_credit_take(credit, 1));
}

static void a_bound_of_0_has_no_credit(struct kunit *test)
{
	struct pcpool_credit *credit = new_credit(test, 0, 0, 0);

	KUNIT_EXPECT_FALSE(test, pcpool_credit_take(credit, 1));
	KUNIT_EXPECT_EQ(test, pcpool_credit_lend(credit, 1), 0);
	KUNIT_EXPECT_FALSE(test, take_local(credit, 1));
	KUNIT_EXPECT_EQ(test, pcpool_credit_count(credit), 0);
	/* To ask for none is no failure. */
	KUNIT_EXPECT_TRUE(test, pcpool_credit_take(credit, 0));
	KUNIT_EXPECT_EQ(test, pcpool_credit_lend(credit, 0), 0);
	KUNIT_EXPECT_TRUE(test, take_local(credit, 0));
}

static void credits_are_taken_all_or_none(struct kunit *test)
{
	struct pcpool_credit *credit = new_credit(test, 10, 4, 0);

	KUNIT_EXPECT_FALSE(test, pcpool_credit_take(credit, 11));
	KUNIT_EXPECT_FALSE(test, take_local(credit, 11));
	KUNIT_EXPECT_EQ(test, pcpool_credit_count(credit), 10);
	KUNIT_EXPECT_TRUE(test, take_local(credit, 7));
	KUNIT_EXPECT_FALSE(test, take_local(credit, 4));
	KUNIT_EXPECT_EQ(test, pcpool_credit_count(credit), 3);
	KUNIT_EXPECT_TRUE(test, take_local(credit, 3));
	KUNIT_EXPECT_EQ(test, pcpool_credit_count(credit), 0);
}

static void returned_credits_can_be_taken_again(struct kunit *test)
{
	unsigned long bound = *(const unsigned long *)test->param_value;
	struct pcpool_credit *credit = new_credit(test, bound, 4, 0);
	int round;

	for (round = 0; round < 3; round++) {
		KUNIT_ASSERT_EQ(test, take(credit, bound + 1), bound);
		pcpool_credit_give(credit, 1);
		KUNIT_ASSERT_EQ(test, take(credit, 2), 1);
		pcpool_credit_give(credit, bound);
		KUNIT_EXPECT_EQ(test, pcpool_credit_count(credit), bound);
	}
}

static void a_cpu_holds_at_most_its_share(struct kunit *test)
{
	struct pcpool_credit *credit = new_credit(test, 1000, 32, 0);
	long n;
	int cpu;

	for_each_online_cpu(cpu) {
		kt_move_to(test, cpu);
		KUNIT_ASSERT_TRUE(test, take_local(credit, 100));
		KUNIT_EXPECT_LE(test, local_count(credit, cpu), 32);
		for (n = 0; n < 100; n++) {
			give_local(credit, 1);
			KUNIT_EXPECT_LE(test, local_count(credit, cpu), 32);
		}
		KUNIT_ASSERT_TRUE(test, take_local(credit, 100));
		give_local(credit, 100);
		KUNIT_EXPECT_LE(test, local_count(credit, cpu), 32);
		KUNIT_EXPECT_GT(test, local_count(credit, cpu), 0);
	}
	KUNIT_EXPECT_EQ(test, pcpool_credit_count(credit), 1000);
	/* All but what the CPUs hold is there for everybody. */
	KUNIT_EXPECT_GE(test, take(credit, 1001), 1000 - 32 * num_online_cpus());
}

static void a_cpu_without_a_share_holds_none(struct kunit *test)
{
	struct pcpool_credit *credit = new_credit(test, 10, 0, 0);

	KUNIT_EXPECT_EQ(test, take_all_local(credit, 11), 10);
	give_local(credit, 3);
	give_local(credit, 7);
	KUNIT_EXPECT_EQ(test, take(credit, 11), 10);
}

static void credits_of_an_offline_cpu_are_returned(struct kunit *test)
{
	struct pcpool_credit *credit = new_credit(test, 100, 10, 0);
	int cpu = kt_cpu(test, 0);

	kt_move_to(test, cpu);
	KUNIT_ASSERT_TRUE(test, take_local(credit, 10));
	give_local(credit, 10);
	KUNIT_EXPECT_GT(test, local_count(credit, cpu), 0);
	/* Nothing else uses them. */
	pcpool_credit_empty_local(credit, cpu);
	KUNIT_EXPECT_EQ(test, local_count(credit, cpu), 0);
	KUNIT_EXPECT_EQ(test, take(credit, 101), 100);
}

static void credits_kept_for_a_loan_are_not_taken(struct kunit *test)
{
	struct pcpool_credit *credit = new_credit(test, 10, 4, 4);

	KUNIT_EXPECT_EQ(test, take(credit, 3), 3);
	KUNIT_EXPECT_EQ(test, take_all_local(credit, 10), 3);
	KUNIT_EXPECT_EQ(test, pcpool_credit_lend(credit, 3), 3);
	/* What is returned is kept for the next loan first. */
	pcpool_credit_give(credit, 3);
	KUNIT_EXPECT_FALSE(test, pcpool_credit_take(credit, 1));
	pcpool_credit_give(credit, 1);
	KUNIT_EXPECT_TRUE(test, pcpool_credit_take(credit, 1));
	KUNIT_EXPECT_EQ(test, pcpool_credit_lend(credit, 10), 4);
	KUNIT_EXPECT_EQ(test, pcpool_credit_lend(credit, 1), 0);
}

KUNIT_ARRAY_PARAM(context, kt_contexts, kt_context_desc);

static void take_three_and_give_one(void *data)
{
	struct pcpool_credit *credit = data;

	take(credit, 3);
	pcpool_credit_give(credit, 1);
}

static void take_and_give_work_in_any_context(struct kunit *test)
{
	const struct kt_context_param *p = test->param_value;
	struct pcpool_credit *credit = new_credit(test, 3, 0, 0);

	kt_run_in(test, p->context, take_three_and_give_one, credit);
	KUNIT_EXPECT_EQ(test, pcpool_credit_count(credit), 1);
	KUNIT_EXPECT_EQ(test, take(credit, 2), 1);
}

/* --- All at once ----------------------------------------------------------- */

/**
 * struct actor - a thread or an interrupt that takes and gives credits
 * @t: the load it is part of
 * @rnd: random numbers
 * @held: number of credits it holds
 * @taken: number of credits it has taken in total
 * @done: number of iterations
 */
struct actor {
	struct load *t;
	struct rnd_state rnd;
	unsigned long held;
	unsigned long taken;
	unsigned long done;
};

/**
 * struct load - actors that take and give the same credits
 * @credit: the credits
 * @bound: their number
 * @held: lower bound of the number of credits that are held
 * @too_many: how often @held exceeded @bound
 * @refused: how often no credit was left; if never, @bound was not reached
 * @nr_actors: number of actors
 * @actor: one for each thread, and last one for the interrupt
 */
struct load {
	struct pcpool_credit *credit;
	unsigned long bound;
	atomic_long_t held;
	atomic_t too_many;
	atomic_t refused;
	unsigned int nr_actors;
	struct actor actor[KT_GANG_MAX];
};

static void take_and_give(struct actor *p, unsigned int most)
{
	struct load *t = p->t;
	unsigned long n;

	for (n = prandom_u32_state(&p->rnd) % most; n; n--) {
		if (n & 1 ? !take_local(t->credit, 1) : !pcpool_credit_take(t->credit, 1)) {
			atomic_inc(&t->refused);
			break;
		}
		/*
		 * A credit is counted after its take, and no longer before its give:
		 * the count is never too high.
		 */
		if (atomic_long_inc_return(&t->held) > t->bound)
			atomic_inc(&t->too_many);
		p->held++;
		p->taken++;
	}
	n = min(p->held, prandom_u32_state(&p->rnd) % most);
	p->held -= n;
	atomic_long_sub(n, &t->held);
	if (n & 1)
		give_local(t->credit, n);
	else
		pcpool_credit_give(t->credit, n);
	p->done++;
}

/* All users together want more credits than there are. */
static unsigned int max_request(const struct load *t)
{
	return 2 + 4 * t->bound / t->nr_actors;
}

static void take_and_give_loop(struct kt_worker *worker)
{
	struct actor *p = worker->arg;

	while (kt_keep_running(worker)) {
		take_and_give(p, max_request(p->t));
		worker->done = p->done;
	}
}

static void take_and_give_in_interrupt(void *data)
{
	take_and_give(data, 8);
}

static void take_and_give_under_interrupts(struct kt_worker *worker)
{
	struct actor *p = worker->arg;
	struct actor *in_interrupt = &p->t->actor[p->t->nr_actors - 1];
	static struct kt_ticker ticker;

	kt_ticker_start(&ticker, false, take_and_give_in_interrupt, in_interrupt);
	while (kt_keep_running(worker)) {
		take_and_give(p, max_request(p->t));
		worker->done = min(p->done, READ_ONCE(in_interrupt->done));
	}
	kt_ticker_stop(&ticker);
}

/* With 100000 credits, the bound would never be reached. */
static const unsigned long busy_bounds[] = { 1, 3, 10, 200, 1000 };

KUNIT_ARRAY_PARAM(busy_bound, busy_bounds, bound_desc);

static struct load *new_load(struct kunit *test, unsigned int nr_actors)
{
	struct load *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, t);
	t->bound = *(const unsigned long *)test->param_value;
	t->credit = new_credit(test, t->bound, t->bound / 8 / num_online_cpus(), 0);
	t->nr_actors = nr_actors;
	for (i = 0; i < nr_actors; i++) {
		t->actor[i].t = t;
		prandom_seed_state(&t->actor[i].rnd, i + 1);
	}
	return t;
}

static void concurrent_users_never_exceed_the_bound(struct kunit *test)
{
	unsigned int i, n = min(num_online_cpus(), 8u);
	unsigned long held = 0, taken = 0;
	struct kt_gang *gang;
	struct load *t;

	kt_cpu(test, 1);
	/* Two threads a CPU, so that they are also preempted in the middle of a call. */
	t = new_load(test, 2 * n + 1);
	gang = kt_gang_new(test);
	for (i = 0; i < 2 * n; i++)
		kt_gang_add(gang, kt_cpu(test, i % n),
			    i ? take_and_give_loop : take_and_give_under_interrupts, &t->actor[i]);
	kt_gang_start(gang, 250);
	kt_gang_join(gang);

	KUNIT_EXPECT_EQ(test, atomic_read(&t->too_many), 0);
	KUNIT_EXPECT_GT(test, atomic_read(&t->refused), 0);
	for (i = 0; i < t->nr_actors; i++) {
		held += t->actor[i].held;
		taken += t->actor[i].taken;
	}
	/* A single user may have taken few credits, but all users together were busy. */
	KUNIT_EXPECT_GT(test, taken, t->bound + KT_MINIMUM);
	KUNIT_EXPECT_EQ(test, pcpool_credit_count(t->credit), t->bound - held);
	give_one_by_one(t->credit, held);
	KUNIT_EXPECT_EQ(test, pcpool_credit_count(t->credit), t->bound);
}

static struct kunit_case credit_cases[] = {
	KUNIT_CASE_PARAM(exactly_the_bound_can_be_taken, bound_gen_params),
	KUNIT_CASE(a_bound_of_0_has_no_credit),
	KUNIT_CASE(credits_are_taken_all_or_none),
	KUNIT_CASE_PARAM(returned_credits_can_be_taken_again, bound_gen_params),
	KUNIT_CASE(a_cpu_holds_at_most_its_share),
	KUNIT_CASE(a_cpu_without_a_share_holds_none),
	KUNIT_CASE(credits_of_an_offline_cpu_are_returned),
	KUNIT_CASE(credits_kept_for_a_loan_are_not_taken),
	KUNIT_CASE_PARAM(take_and_give_work_in_any_context, context_gen_params),
	KUNIT_CASE_PARAM(concurrent_users_never_exceed_the_bound,
			 busy_bound_gen_params),
	{}
};

static struct kunit_suite credit_suite = {
	.name = "pcpool_credit",
	.test_cases = credit_cases,
};

kunit_test_suites(&credit_suite);
