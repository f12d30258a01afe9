// SPDX-License-Identifier: GPL-2.0
/*
 * Credits by themselves: there are as many as the bound, never more, and a CPU can take
 * credits that another CPU holds. No pool is involved.
 */
#include <linux/slab.h>

#include "common.h"

static void credit_exit(void *data)
{
	pcpool_credit_exit(data);
}

static struct pcpool_credit *new_credit(struct kunit *test, unsigned long bound)
{
	struct pcpool_credit *credit = kunit_kzalloc(test, sizeof(*credit), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, credit);
	KUNIT_ASSERT_EQ(test, 0, pcpool_credit_init(credit, bound));
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, credit_exit, credit));
	return credit;
}

/* Take credits until there are none left, or @most. Returns the number taken. */
static unsigned long take(struct pcpool_credit *credit, unsigned long most)
{
	unsigned long n = 0;

	while (n < most && pcpool_credit_take(credit))
		n++;
	return n;
}

static void give_one_by_one(struct pcpool_credit *credit, unsigned long n)
{
	while (n--)
		pcpool_credit_give(credit, 1);
}

static long percpu_count(struct pcpool_credit *credit, int cpu)
{
	return atomic_long_read(per_cpu_ptr(credit->percpu, cpu));
}

/* --- One at a time --------------------------------------------------------- */

/* With the larger bounds, a CPU keeps several credits in its per-CPU count. */
static const unsigned long bounds[] = { 1, 3, 10, 1000, 100000 };

static void bound_desc(const unsigned long *bound, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%lu credits", *bound);
}

KUNIT_ARRAY_PARAM(bound, bounds, bound_desc);

static void exactly_the_bound_can_be_taken(struct kunit *test)
{
	unsigned long bound = *(const unsigned long *)test->param_value;
	struct pcpool_credit *credit = new_credit(test, bound);

	KUNIT_EXPECT_EQ(test, take(credit, bound + 10), bound);
	KUNIT_EXPECT_FALSE(test, pcpool_credit_take(credit));
	give_one_by_one(credit, bound);
}

static void a_bound_of_0_has_no_credit(struct kunit *test)
{
	struct pcpool_credit *credit = new_credit(test, 0);

	KUNIT_EXPECT_FALSE(test, pcpool_credit_take(credit));
	KUNIT_EXPECT_EQ(test, pcpool_credit_count(credit), 0);
}

static void returned_credits_can_be_taken_again(struct kunit *test)
{
	unsigned long bound = *(const unsigned long *)test->param_value;
	struct pcpool_credit *credit = new_credit(test, bound);
	int round;

	for (round = 0; round < 3; round++) {
		KUNIT_ASSERT_EQ(test, take(credit, bound + 1), bound);
		pcpool_credit_give(credit, 1);
		KUNIT_ASSERT_EQ(test, take(credit, 2), 1);
		give_one_by_one(credit, bound);
	}
	KUNIT_EXPECT_EQ(test, take(credit, bound + 1), bound);
}

/* Eviction does this: it frees many objects at a time. */
static void many_credits_can_be_returned_at_once(struct kunit *test)
{
	unsigned long bound = *(const unsigned long *)test->param_value;
	struct pcpool_credit *credit = new_credit(test, bound);

	KUNIT_ASSERT_EQ(test, take(credit, bound + 1), bound);
	pcpool_credit_give(credit, bound);
	KUNIT_EXPECT_EQ(test, pcpool_credit_count(credit), bound);
	KUNIT_EXPECT_EQ(test, take(credit, bound + 1), bound);
}

static void returning_0_credits_changes_nothing(struct kunit *test)
{
	struct pcpool_credit *credit = new_credit(test, 3);

	pcpool_credit_give(credit, 0);
	KUNIT_EXPECT_EQ(test, pcpool_credit_count(credit), 3);
	KUNIT_EXPECT_EQ(test, take(credit, 4), 3);
}

static void another_cpu_can_take_returned_credits(struct kunit *test)
{
	unsigned long bound = *(const unsigned long *)test->param_value;
	struct pcpool_credit *credit = new_credit(test, bound);
	int cpu, a = kt_cpu(test, 0), b = kt_cpu(test, 1);

	kt_move_to(test, a);
	KUNIT_ASSERT_EQ(test, take(credit, bound + 1), bound);
	kt_move_to(test, b);
	give_one_by_one(credit, bound);
	for_each_online_cpu(cpu) {
		kt_move_to(test, cpu);
		KUNIT_ASSERT_EQ(test, take(credit, bound + 1), bound);
		give_one_by_one(credit, bound);
	}
}

static void a_cpu_takes_credits_from_the_count_of_another(struct kunit *test)
{
	struct pcpool_credit *credit = new_credit(test, 100000);
	int a = kt_cpu(test, 0), b = kt_cpu(test, 1);

	kt_move_to(test, a);
	KUNIT_ASSERT_EQ(test, take(credit, 1), 1);
	KUNIT_ASSERT_GT(test, percpu_count(credit, a), 0);
	kt_move_to(test, b);
	KUNIT_EXPECT_EQ(test, take(credit, 100000), 99999);
	KUNIT_EXPECT_EQ(test, percpu_count(credit, a), 0);
	give_one_by_one(credit, 100000);
}

/* Other CPUs would have to search for them. */
static void the_per_cpu_count_stays_small(struct kunit *test)
{
	unsigned long bound = *(const unsigned long *)test->param_value;
	struct pcpool_credit *credit = new_credit(test, bound);
	int cpu;

	for_each_online_cpu(cpu) {
		kt_move_to(test, cpu);
		KUNIT_ASSERT_EQ(test, take(credit, bound), bound);
		give_one_by_one(credit, bound);
	}
	for_each_online_cpu(cpu)
		KUNIT_EXPECT_LE(test, percpu_count(credit, cpu), 2 * credit->batch);
	KUNIT_EXPECT_LE(test, credit->batch, max(1ul, bound / num_possible_cpus() / 2));
}

static void the_count_is_the_number_that_can_be_taken(struct kunit *test)
{
	unsigned long bound = *(const unsigned long *)test->param_value;
	struct pcpool_credit *credit = new_credit(test, bound);
	unsigned long taken = 0;
	int cpu;

	KUNIT_EXPECT_EQ(test, pcpool_credit_count(credit), bound);
	for_each_online_cpu(cpu) {
		kt_move_to(test, cpu);
		taken += take(credit, bound / 3);
		KUNIT_EXPECT_EQ(test, pcpool_credit_count(credit), bound - taken);
	}
	taken += take(credit, bound);
	KUNIT_EXPECT_EQ(test, taken, bound);
	KUNIT_EXPECT_EQ(test, pcpool_credit_count(credit), 0);
	for_each_online_cpu(cpu) {
		kt_move_to(test, cpu);
		give_one_by_one(credit, min(taken, bound / 3));
		taken -= min(taken, bound / 3);
		KUNIT_EXPECT_EQ(test, pcpool_credit_count(credit), bound - taken);
	}
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
	struct pcpool_credit *credit = new_credit(test, 3);

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
		if (!pcpool_credit_take(t->credit)) {
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
		give_one_by_one(t->credit, n);
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
	t->credit = new_credit(test, t->bound);
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
	KUNIT_EXPECT_EQ(test, take(t->credit, t->bound + 10), t->bound);
}

static struct kunit_case credit_cases[] = {
	KUNIT_CASE_PARAM(exactly_the_bound_can_be_taken, bound_gen_params),
	KUNIT_CASE(a_bound_of_0_has_no_credit),
	KUNIT_CASE_PARAM(returned_credits_can_be_taken_again, bound_gen_params),
	KUNIT_CASE_PARAM(many_credits_can_be_returned_at_once, bound_gen_params),
	KUNIT_CASE(returning_0_credits_changes_nothing),
	KUNIT_CASE_PARAM(another_cpu_can_take_returned_credits, bound_gen_params),
	KUNIT_CASE(a_cpu_takes_credits_from_the_count_of_another),
	KUNIT_CASE_PARAM(the_per_cpu_count_stays_small, bound_gen_params),
	KUNIT_CASE_PARAM(the_count_is_the_number_that_can_be_taken, bound_gen_params),
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
