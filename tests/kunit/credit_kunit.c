// SPDX-License-Identifier: GPL-2.0
/*
 * Credits by themselves: there are as many as the bound, never more, and on whichever CPU they
 * lie they can be taken. Pools come in elsewhere.
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

/* Take credits until there are none, or @most. */
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

static long at_hand(struct pcpool_credit *credit, int cpu)
{
	return atomic_long_read(per_cpu_ptr(credit->at_hand, cpu));
}

/* --- One at a time --------------------------------------------------------- */

/* With the larger ones a CPU has several at hand. */
static const unsigned long bounds[] = { 1, 3, 10, 1000, 100000 };

static void bound_desc(const unsigned long *bound, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%lu credits", *bound);
}

KUNIT_ARRAY_PARAM(bound, bounds, bound_desc);

static void as_many_as_the_bound_can_be_taken(struct kunit *test)
{
	unsigned long bound = *(const unsigned long *)test->param_value;
	struct pcpool_credit *credit = new_credit(test, bound);

	KUNIT_EXPECT_EQ(test, take(credit, bound + 10), bound);
	KUNIT_EXPECT_FALSE(test, pcpool_credit_take(credit));
	give_one_by_one(credit, bound);
}

static void of_a_bound_of_0_nothing_can_be_taken(struct kunit *test)
{
	struct pcpool_credit *credit = new_credit(test, 0);

	KUNIT_EXPECT_FALSE(test, pcpool_credit_take(credit));
	KUNIT_EXPECT_EQ(test, pcpool_credit_count(credit), 0);
}

static void what_is_given_back_can_be_taken_again(struct kunit *test)
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

/* As eviction does it, which unmakes many at a time. */
static void many_can_be_given_back_at_once(struct kunit *test)
{
	unsigned long bound = *(const unsigned long *)test->param_value;
	struct pcpool_credit *credit = new_credit(test, bound);

	KUNIT_ASSERT_EQ(test, take(credit, bound + 1), bound);
	pcpool_credit_give(credit, bound);
	KUNIT_EXPECT_EQ(test, pcpool_credit_count(credit), bound);
	KUNIT_EXPECT_EQ(test, take(credit, bound + 1), bound);
}

static void giving_back_none_changes_nothing(struct kunit *test)
{
	struct pcpool_credit *credit = new_credit(test, 3);

	pcpool_credit_give(credit, 0);
	KUNIT_EXPECT_EQ(test, pcpool_credit_count(credit), 3);
	KUNIT_EXPECT_EQ(test, take(credit, 4), 3);
}

static void what_one_cpu_gives_another_can_take(struct kunit *test)
{
	unsigned long bound = *(const unsigned long *)test->param_value;
	struct pcpool_credit *credit = new_credit(test, bound);
	int cpu, a = kt_cpu(test, 0), b = kt_cpu(test, 1);

	kt_on(test, a);
	KUNIT_ASSERT_EQ(test, take(credit, bound + 1), bound);
	kt_on(test, b);
	give_one_by_one(credit, bound);
	for_each_online_cpu(cpu) {
		kt_on(test, cpu);
		KUNIT_ASSERT_EQ(test, take(credit, bound + 1), bound);
		give_one_by_one(credit, bound);
	}
}

static void what_another_cpu_has_at_hand_is_found(struct kunit *test)
{
	struct pcpool_credit *credit = new_credit(test, 100000);
	int a = kt_cpu(test, 0), b = kt_cpu(test, 1);

	kt_on(test, a);
	KUNIT_ASSERT_EQ(test, take(credit, 1), 1);
	KUNIT_ASSERT_GT(test, at_hand(credit, a), 0);
	kt_on(test, b);
	KUNIT_EXPECT_EQ(test, take(credit, 100000), 99999);
	KUNIT_EXPECT_EQ(test, at_hand(credit, a), 0);
	give_one_by_one(credit, 100000);
}

/* Others would have to look for them. */
static void a_cpu_has_only_a_few_at_hand(struct kunit *test)
{
	unsigned long bound = *(const unsigned long *)test->param_value;
	struct pcpool_credit *credit = new_credit(test, bound);
	int cpu;

	for_each_online_cpu(cpu) {
		kt_on(test, cpu);
		KUNIT_ASSERT_EQ(test, take(credit, bound), bound);
		give_one_by_one(credit, bound);
	}
	for_each_online_cpu(cpu)
		KUNIT_EXPECT_LE(test, at_hand(credit, cpu), 2 * credit->batch);
	KUNIT_EXPECT_LE(test, credit->batch, max(1ul, bound / num_possible_cpus() / 2));
}

static void the_count_is_what_can_be_taken(struct kunit *test)
{
	unsigned long bound = *(const unsigned long *)test->param_value;
	struct pcpool_credit *credit = new_credit(test, bound);
	unsigned long taken = 0;
	int cpu;

	KUNIT_EXPECT_EQ(test, pcpool_credit_count(credit), bound);
	for_each_online_cpu(cpu) {
		kt_on(test, cpu);
		taken += take(credit, bound / 3);
		KUNIT_EXPECT_EQ(test, pcpool_credit_count(credit), bound - taken);
	}
	taken += take(credit, bound);
	KUNIT_EXPECT_EQ(test, taken, bound);
	KUNIT_EXPECT_EQ(test, pcpool_credit_count(credit), 0);
	for_each_online_cpu(cpu) {
		kt_on(test, cpu);
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

static void they_serve_any_context(struct kunit *test)
{
	const struct kt_context_param *p = test->param_value;
	struct pcpool_credit *credit = new_credit(test, 3);

	kt_run_in(test, p->context, take_three_and_give_one, credit);
	KUNIT_EXPECT_EQ(test, pcpool_credit_count(credit), 1);
	KUNIT_EXPECT_EQ(test, take(credit, 2), 1);
}

/* --- All at once ----------------------------------------------------------- */

/**
 * struct purse - what a thread or an interrupt holds
 * @t: the traffic it takes part in
 * @rnd: random numbers
 * @held: how many credits
 * @taken: how many it has taken, ever
 * @done: how often it was its turn
 */
struct purse {
	struct traffic *t;
	struct rnd_state rnd;
	unsigned long held;
	unsigned long taken;
	unsigned long done;
};

/**
 * struct traffic - credits between purses
 * @credit: the credits
 * @bound: how many
 * @held: at least so many are held
 * @too_many: how often that was more than there are
 * @refused: how often there was none: else the bound has not been reached
 * @nr_purses: how many purses
 * @purse: those of each thread, and last that of the interrupt
 */
struct traffic {
	struct pcpool_credit *credit;
	unsigned long bound;
	atomic_long_t held;
	atomic_t too_many;
	atomic_t refused;
	unsigned int nr_purses;
	struct purse purse[KT_GANG_MAX];
};

static void take_and_give(struct purse *p, unsigned int most)
{
	struct traffic *t = p->t;
	unsigned long n;

	for (n = prandom_u32_state(&p->rnd) % most; n; n--) {
		if (!pcpool_credit_take(t->credit)) {
			atomic_inc(&t->refused);
			break;
		}
		/* Counted after a take and until before a give: so it is never too much. */
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

/* All together want more than there is. */
static unsigned int greed(const struct traffic *t)
{
	return 2 + 4 * t->bound / t->nr_purses;
}

static void deal(struct kt_worker *worker)
{
	struct purse *p = worker->arg;

	while (kt_goes_on(worker)) {
		take_and_give(p, greed(p->t));
		worker->done = p->done;
	}
}

static void deal_in_interrupt(void *data)
{
	take_and_give(data, 8);
}

static void deal_under_interrupts(struct kt_worker *worker)
{
	struct purse *p = worker->arg;
	struct purse *in_interrupt = &p->t->purse[p->t->nr_purses - 1];
	static struct kt_ticker ticker;

	kt_ticker_start(&ticker, false, deal_in_interrupt, in_interrupt);
	while (kt_goes_on(worker)) {
		take_and_give(p, greed(p->t));
		worker->done = min(p->done, READ_ONCE(in_interrupt->done));
	}
	kt_ticker_stop(&ticker);
}

/* Of 100000 nobody would ever see the end. */
static const unsigned long busy_bounds[] = { 1, 3, 10, 200, 1000 };

KUNIT_ARRAY_PARAM(busy_bound, busy_bounds, bound_desc);

static struct traffic *new_traffic(struct kunit *test, unsigned int nr_purses)
{
	struct traffic *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, t);
	t->bound = *(const unsigned long *)test->param_value;
	t->credit = new_credit(test, t->bound);
	t->nr_purses = nr_purses;
	for (i = 0; i < nr_purses; i++) {
		t->purse[i].t = t;
		prandom_seed_state(&t->purse[i].rnd, i + 1);
	}
	return t;
}

static void threads_and_an_interrupt_never_hold_more_than_the_bound(struct kunit *test)
{
	unsigned int i, n = min(num_online_cpus(), 8u);
	unsigned long held = 0, taken = 0;
	struct kt_gang *gang;
	struct traffic *t;

	kt_cpu(test, 1);
	/* Two threads a CPU: they are to be stopped in the middle, too. */
	t = new_traffic(test, 2 * n + 1);
	gang = kt_gang_new(test);
	for (i = 0; i < 2 * n; i++)
		kt_gang_add(gang, kt_cpu(test, i % n),
			    i ? deal : deal_under_interrupts, &t->purse[i]);
	kt_gang_start(gang, 250);
	kt_gang_join(gang);

	KUNIT_EXPECT_EQ(test, atomic_read(&t->too_many), 0);
	KUNIT_EXPECT_GT(test, atomic_read(&t->refused), 0);
	for (i = 0; i < t->nr_purses; i++) {
		held += t->purse[i].held;
		taken += t->purse[i].taken;
	}
	/* Not each has had his share; but they have been about it all the time. */
	KUNIT_EXPECT_GT(test, taken, t->bound + KT_MINIMUM);
	KUNIT_EXPECT_EQ(test, pcpool_credit_count(t->credit), t->bound - held);
	give_one_by_one(t->credit, held);
	KUNIT_EXPECT_EQ(test, pcpool_credit_count(t->credit), t->bound);
	KUNIT_EXPECT_EQ(test, take(t->credit, t->bound + 10), t->bound);
}

static struct kunit_case credit_cases[] = {
	KUNIT_CASE_PARAM(as_many_as_the_bound_can_be_taken, bound_gen_params),
	KUNIT_CASE(of_a_bound_of_0_nothing_can_be_taken),
	KUNIT_CASE_PARAM(what_is_given_back_can_be_taken_again, bound_gen_params),
	KUNIT_CASE_PARAM(many_can_be_given_back_at_once, bound_gen_params),
	KUNIT_CASE(giving_back_none_changes_nothing),
	KUNIT_CASE_PARAM(what_one_cpu_gives_another_can_take, bound_gen_params),
	KUNIT_CASE(what_another_cpu_has_at_hand_is_found),
	KUNIT_CASE_PARAM(a_cpu_has_only_a_few_at_hand, bound_gen_params),
	KUNIT_CASE_PARAM(the_count_is_what_can_be_taken, bound_gen_params),
	KUNIT_CASE_PARAM(they_serve_any_context, context_gen_params),
	KUNIT_CASE_PARAM(threads_and_an_interrupt_never_hold_more_than_the_bound,
			 busy_bound_gen_params),
	{}
};

static struct kunit_suite credit_suite = {
	.name = "pcpool_credit",
	.test_cases = credit_cases,
};

kunit_test_suites(&credit_suite);
