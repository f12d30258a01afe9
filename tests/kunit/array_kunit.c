// SPDX-License-Identifier: GPL-2.0
/*
 * The shelf by itself: its places and its two tiers, and that threads and interrupts which put
 * and take at once neither lose an object nor share one. Pools come in elsewhere.
 */
#include "common.h"

static void shelf_exit(void *data)
{
	pcpool_array_free(data);
}

static struct pcpool_array *new_shelf(struct kunit *test, unsigned int size)
{
	struct pcpool_array *shelf = pcpool_array_alloc(size);

	KUNIT_ASSERT_NOT_NULL(test, shelf);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, shelf_exit, shelf));
	return shelf;
}

static void *value(unsigned long i)
{
	return (void *)(i * 8 + 8);
}

/* Put values @from to @to - 1, each to the tier of its last bit. */
static void put_values(struct kunit *test, struct pcpool_array *shelf,
		       unsigned int from, unsigned int to)
{
	unsigned int i;

	for (i = from; i < to; i++)
		KUNIT_ASSERT_TRUE_MSG(test, pcpool_array_put(shelf, value(i), i & 1),
				      "%u of %u", i, to);
}

/* Take all there is; it must be the values up to @n - 1, each once and of its tier. */
static void expect_values(struct kunit *test, struct pcpool_array *shelf,
			  unsigned int n)
{
	u8 *seen = kunit_kzalloc(test, n + 1, GFP_KERNEL);
	unsigned int tier, taken = 0;
	void *obj;

	KUNIT_ASSERT_NOT_NULL(test, seen);
	for (tier = 0; tier < 2; tier++) {
		while ((obj = pcpool_array_take(shelf, tier))) {
			unsigned long v = (unsigned long)obj / 8 - 1;

			KUNIT_ASSERT_LT(test, v, n);
			KUNIT_ASSERT_EQ(test, v & 1, tier);
			KUNIT_ASSERT_EQ(test, seen[v]++, 0);
			taken++;
		}
	}
	KUNIT_EXPECT_EQ(test, taken, n);
}

/* --- One at a time --------------------------------------------------------- */

/* None at all, one, less than a word of bits, a word, one more, and many. */
static const unsigned int sizes[] = { 0, 1, 3, 64, 65, 1000 };

static void size_desc(const unsigned int *size, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%u places", *size);
}

KUNIT_ARRAY_PARAM(size, sizes, size_desc);

static void a_new_shelf_is_empty(struct kunit *test)
{
	unsigned int size = *(const unsigned int *)test->param_value;
	struct pcpool_array *shelf = new_shelf(test, size);

	KUNIT_EXPECT_NULL(test, pcpool_array_take(shelf, 0));
	KUNIT_EXPECT_NULL(test, pcpool_array_take(shelf, 1));
	KUNIT_EXPECT_EQ(test, pcpool_array_count(shelf, 0), 0);
	KUNIT_EXPECT_EQ(test, pcpool_array_count(shelf, 1), 0);
}

static const unsigned int tiers[] = { 0, 1 };

static void tier_desc(const unsigned int *tier, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "tier %u", *tier);
}

KUNIT_ARRAY_PARAM(tier, tiers, tier_desc);

static void what_is_put_can_be_taken_once(struct kunit *test)
{
	unsigned int tier = *(const unsigned int *)test->param_value;
	struct pcpool_array *shelf = new_shelf(test, 3);

	KUNIT_ASSERT_TRUE(test, pcpool_array_put(shelf, value(1), tier));
	KUNIT_EXPECT_PTR_EQ(test, pcpool_array_take(shelf, tier), value(1));
	KUNIT_EXPECT_NULL(test, pcpool_array_take(shelf, tier));
}

static void a_tier_gives_nothing_of_the_other(struct kunit *test)
{
	unsigned int tier = *(const unsigned int *)test->param_value;
	struct pcpool_array *shelf = new_shelf(test, 3);

	KUNIT_ASSERT_TRUE(test, pcpool_array_put(shelf, value(1), tier));
	KUNIT_EXPECT_NULL(test, pcpool_array_take(shelf, !tier));
	KUNIT_EXPECT_PTR_EQ(test, pcpool_array_take(shelf, tier), value(1));
}

static void all_that_is_put_can_be_taken(struct kunit *test)
{
	unsigned int size = *(const unsigned int *)test->param_value;
	struct pcpool_array *shelf = new_shelf(test, size);

	put_values(test, shelf, 0, size);
	expect_values(test, shelf, size);
}

static void a_full_shelf_refuses_and_loses_nothing(struct kunit *test)
{
	unsigned int size = *(const unsigned int *)test->param_value;
	struct pcpool_array *shelf = new_shelf(test, size);

	put_values(test, shelf, 0, size);
	KUNIT_EXPECT_FALSE(test, pcpool_array_put(shelf, value(size), 0));
	KUNIT_EXPECT_FALSE(test, pcpool_array_put(shelf, value(size), 1));
	expect_values(test, shelf, size);
}

/* The tiers have no places of their own. */
static void one_tier_may_have_all_places(struct kunit *test)
{
	unsigned int size = *(const unsigned int *)test->param_value;
	struct pcpool_array *shelf = new_shelf(test, size);
	unsigned int tier, i;

	for (tier = 0; tier < 2; tier++) {
		for (i = 0; i < size; i++)
			KUNIT_ASSERT_TRUE(test, pcpool_array_put(shelf, value(i), tier));
		KUNIT_EXPECT_FALSE(test, pcpool_array_put(shelf, value(i), !tier));
		for (i = 0; i < size; i++)
			KUNIT_ASSERT_NOT_NULL(test, pcpool_array_take(shelf, tier));
	}
}

static void a_place_that_is_emptied_can_be_filled_again(struct kunit *test)
{
	struct pcpool_array *shelf = new_shelf(test, 3);
	void *obj;
	int i;

	put_values(test, shelf, 0, 3);
	for (i = 0; i < 100; i++) {
		obj = pcpool_array_take(shelf, i & 1);
		KUNIT_ASSERT_NOT_NULL(test, obj);
		KUNIT_ASSERT_TRUE(test, pcpool_array_put(shelf, obj, i & 1));
		KUNIT_ASSERT_FALSE(test, pcpool_array_put(shelf, value(3), i & 1));
	}
	expect_values(test, shelf, 3);
}

static void the_count_is_that_of_a_tier(struct kunit *test)
{
	unsigned int size = *(const unsigned int *)test->param_value;
	struct pcpool_array *shelf = new_shelf(test, size);
	unsigned int i;

	for (i = 0; i < size; i++) {
		put_values(test, shelf, i, i + 1);
		KUNIT_EXPECT_EQ(test, pcpool_array_count(shelf, 0), i / 2 + 1);
		KUNIT_EXPECT_EQ(test, pcpool_array_count(shelf, 1), (i + 1) / 2);
	}
	/* What is refused does not count. */
	pcpool_array_put(shelf, value(size), 0);
	KUNIT_EXPECT_EQ(test, pcpool_array_count(shelf, 0), (size + 1) / 2);
	for (i = size / 2; i--; ) {
		KUNIT_ASSERT_NOT_NULL(test, pcpool_array_take(shelf, 1));
		KUNIT_EXPECT_EQ(test, pcpool_array_count(shelf, 1), i);
	}
	KUNIT_EXPECT_EQ(test, pcpool_array_count(shelf, 0), (size + 1) / 2);
}

/* Each begins to look somewhere else. */
static void every_cpu_finds_what_any_cpu_put(struct kunit *test)
{
	unsigned int size = *(const unsigned int *)test->param_value;
	struct pcpool_array *shelf = new_shelf(test, size);
	int putter, taker;

	kt_cpu(test, 1);
	for_each_online_cpu(putter) {
		for_each_online_cpu(taker) {
			kt_on(test, putter);
			put_values(test, shelf, 0, size);
			KUNIT_EXPECT_FALSE(test, pcpool_array_put(shelf, value(size), 0));
			kt_on(test, taker);
			KUNIT_EXPECT_FALSE(test, pcpool_array_put(shelf, value(size), 0));
			expect_values(test, shelf, size);
		}
	}
}

KUNIT_ARRAY_PARAM(context, kt_contexts, kt_context_desc);

static void put_and_take(void *data)
{
	struct pcpool_array *shelf = data;

	pcpool_array_put(shelf, value(0), 0);
	pcpool_array_put(shelf, value(1), 1);
	pcpool_array_put(shelf, pcpool_array_take(shelf, 0), 0);
}

static void it_serves_any_context(struct kunit *test)
{
	const struct kt_context_param *p = test->param_value;
	struct pcpool_array *shelf = new_shelf(test, 2);

	kt_run_in(test, p->context, put_and_take, shelf);
	expect_values(test, shelf, 2);
}

/* --- All at once ----------------------------------------------------------- */

/* Holders are those of common.h; who is 0 is the shelf. */
#define ON_SHELF	0

/**
 * struct thing - what is on the shelf
 * @owner: %ON_SHELF, or who holds it. Every change is a compare-and-exchange by the one who
 *	believes to hold it, so a second owner is found out at once
 * @tier: where it was put
 * @mark: changes with every put
 * @check: ~@mark, unless somebody sees a thing that is still being written
 */
struct thing {
	atomic_t owner;
	unsigned int tier;
	unsigned int mark;
	unsigned int check;
};

/**
 * struct hands - what a thread or an interrupt holds
 * @t: the traffic it takes part in
 * @who: its number as a holder
 * @rnd: random numbers
 * @nr: how many things it holds
 * @thing: which
 * @taken: how many it has taken, ever
 * @done: how often it was its turn
 */
struct hands {
	struct traffic *t;
	int who;
	struct rnd_state rnd;
	unsigned int nr;
	struct thing *thing[64];
	unsigned long taken;
	unsigned long done;
};

/**
 * struct traffic - things between hands and a shelf
 * @shelf: the shelf
 * @size: how many places it has
 * @things: all things
 * @nr_things: how many
 * @on_shelf: at least so many are on the shelf
 * @broken: how often a rule was broken
 * @rule: which one, the first time
 * @nr_hands: how many hands
 * @hands: those of each thread, and last those of the interrupt
 */
struct traffic {
	struct pcpool_array *shelf;
	unsigned int size;
	struct thing *things;
	unsigned int nr_things;
	atomic_t on_shelf;
	atomic_t broken;
	const char *rule;
	unsigned int nr_hands;
	struct hands hands[KT_GANG_MAX];
};

static void broken(struct traffic *t, const char *rule)
{
	if (atomic_inc_return(&t->broken) == 1)
		WRITE_ONCE(t->rule, rule);
}

static u32 any_of(struct hands *h, u32 below)
{
	return prandom_u32_state(&h->rnd) % below;
}

/* Put one; false if there is no place for it. */
static bool leave(struct hands *h)
{
	struct thing *thing = h->thing[h->nr - 1];
	struct traffic *t = h->t;

	thing->tier = any_of(h, 2);
	thing->mark++;
	thing->check = ~thing->mark;
	if (atomic_cmpxchg(&thing->owner, h->who, ON_SHELF) != h->who)
		broken(t, "somebody took a thing from its holder");
	if (!pcpool_array_put(t->array, thing, thing->tier)) {
		if (atomic_cmpxchg(&thing->owner, ON_SHELF, h->who) != ON_SHELF)
			broken(t, "somebody took a thing that was refused");
		return false;
	}
	h->nr--;
	/* Counted after a put and until before a take: so it is never too much. */
	if (atomic_inc_return(&t->on_shelf) > (int)t->size)
		broken(t, "more things than places");
	return true;
}

/* Take one; false if there is none. */
static bool fetch(struct hands *h)
{
	unsigned int tier = any_of(h, 2);
	struct traffic *t = h->t;
	struct thing *thing;

	atomic_dec(&t->on_shelf);
	thing = pcpool_array_take(t->array, tier);
	if (!thing) {
		atomic_inc(&t->on_shelf);
		return false;
	}
	if (thing < t->things || thing >= t->things + t->nr_things) {
		broken(t, "took what is no thing");
		return false;
	}
	if (atomic_cmpxchg(&thing->owner, ON_SHELF, h->who) != ON_SHELF) {
		broken(t, "took what somebody has");
		return false;
	}
	if (thing->tier != tier)
		broken(t, "took from the wrong tier");
	if (thing->mark != ~thing->check)
		broken(t, "took a thing before it was written");
	h->thing[h->nr++] = thing;
	h->taken++;
	return true;
}

static void handle(void *data)
{
	struct hands *h = data;
	unsigned int n;

	for (n = any_of(h, 8); n && h->nr; n--) {
		if (!leave(h))
			break;
	}
	for (n = any_of(h, 8); n && h->nr < ARRAY_SIZE(h->thing); n--) {
		if (!fetch(h))
			break;
	}
	h->done++;
}

static void handle_things(struct kt_worker *worker)
{
	struct hands *h = worker->arg;

	while (kt_goes_on(worker)) {
		handle(h);
		worker->done = h->done;
	}
}

static void handle_things_under_interrupts(struct kt_worker *worker)
{
	struct hands *h = worker->arg;
	struct hands *in_interrupt = &h->t->hands[h->t->nr_hands - 1];
	static struct kt_ticker ticker;

	kt_ticker_start(&ticker, false, handle, in_interrupt);
	while (kt_goes_on(worker)) {
		handle(h);
		worker->done = min(h->done, READ_ONCE(in_interrupt->done));
	}
	kt_ticker_stop(&ticker);
}

/* The smaller it is, the more they fight for the same places. */
static const unsigned int busy_sizes[] = { 1, 3, 64, 65, 200 };

KUNIT_ARRAY_PARAM(busy_size, busy_sizes, size_desc);

/* Twice as many things as places: it is now full and now empty. */
static struct traffic *new_traffic(struct kunit *test, unsigned int nr_hands)
{
	unsigned int size = *(const unsigned int *)test->param_value, i, j, each;
	struct traffic *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	struct hands *h;

	KUNIT_ASSERT_NOT_NULL(test, t);
	each = clamp(2 * size / nr_hands, 1u, (u32)ARRAY_SIZE(h->thing));
	t->nr_things = nr_hands * each;
	t->things = kunit_kcalloc(test, t->nr_things, sizeof(*t->things), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, t->things);
	t->array = new_shelf(test, size);
	t->size = size;
	t->nr_hands = nr_hands;
	for (i = 0; i < nr_hands; i++) {
		h = &t->hands[i];
		h->t = t;
		h->who = KT_HOLDERS + i;
		prandom_seed_state(&h->rnd, i + 1);
		for (j = 0; j < each; j++) {
			h->thing[j] = &t->things[i * each + j];
			atomic_set(&h->thing[j]->owner, h->who);
		}
		h->nr = each;
	}
	return t;
}

/* When all is quiet: each thing is in one's hands, or on the shelf, and only there. */
static void expect_all_there(struct kunit *test, struct traffic *t)
{
	unsigned int i, on_shelf, held = 0, lost = 0;
	unsigned long taken = 0;
	struct hands me = { .t = t, .who = KT_ME };

	prandom_seed_state(&me.rnd, 1);
	for (i = 0; i < t->nr_hands; i++) {
		held += t->hands[i].nr;
		taken += t->hands[i].taken;
	}
	/* Not each has had his share; but they have been about it all the time. */
	KUNIT_EXPECT_GT(test, taken, t->nr_things + KT_MINIMUM);
	on_shelf = pcpool_array_count(t->array, 0) + pcpool_array_count(t->array, 1);
	KUNIT_EXPECT_LE(test, on_shelf, t->size);
	KUNIT_EXPECT_EQ(test, on_shelf, atomic_read(&t->on_shelf));
	KUNIT_EXPECT_EQ(test, on_shelf + held, t->nr_things);
	for (i = 0; i < on_shelf; me.nr = 0) {
		/* fetch() chooses the tier. */
		i += fetch(&me);
		if (!pcpool_array_count(t->array, 0) && !pcpool_array_count(t->array, 1))
			break;
	}
	KUNIT_EXPECT_EQ(test, i, on_shelf);
	for (i = 0; i < t->nr_things; i++)
		lost += atomic_read(&t->things[i].owner) == ON_SHELF;
	KUNIT_EXPECT_EQ(test, lost, 0);
	KUNIT_EXPECT_EQ_MSG(test, 0, atomic_read(&t->broken), "%s", READ_ONCE(t->rule));
}

static void threads_and_an_interrupt_lose_and_share_nothing(struct kunit *test)
{
	unsigned int i, n = min(num_online_cpus(), 8u);
	struct kt_gang *gang;
	struct traffic *t;

	kt_cpu(test, 1);
	/* Two threads a CPU: they are to be stopped in the middle, too. */
	t = new_traffic(test, 2 * n + 1);
	gang = kt_gang_new(test);
	for (i = 0; i < 2 * n; i++)
		kt_gang_add(gang, kt_cpu(test, i % n),
			    i ? handle_things : handle_things_under_interrupts,
			    &t->hands[i]);
	kt_gang_start(gang, 250);
	kt_gang_join(gang);
	expect_all_there(test, t);
}

static struct kunit_case shelf_cases[] = {
	KUNIT_CASE_PARAM(a_new_shelf_is_empty, size_gen_params),
	KUNIT_CASE_PARAM(what_is_put_can_be_taken_once, tier_gen_params),
	KUNIT_CASE_PARAM(a_tier_gives_nothing_of_the_other, tier_gen_params),
	KUNIT_CASE_PARAM(all_that_is_put_can_be_taken, size_gen_params),
	KUNIT_CASE_PARAM(a_full_shelf_refuses_and_loses_nothing, size_gen_params),
	KUNIT_CASE_PARAM(one_tier_may_have_all_places, size_gen_params),
	KUNIT_CASE(a_place_that_is_emptied_can_be_filled_again),
	KUNIT_CASE_PARAM(the_count_is_that_of_a_tier, size_gen_params),
	KUNIT_CASE_PARAM(every_cpu_finds_what_any_cpu_put, size_gen_params),
	KUNIT_CASE_PARAM(it_serves_any_context, context_gen_params),
	KUNIT_CASE_PARAM(threads_and_an_interrupt_lose_and_share_nothing,
			 busy_size_gen_params),
	{}
};

static struct kunit_suite shelf_suite = {
	.name = "pcpool_array",
	.test_cases = shelf_cases,
};

kunit_test_suites(&shelf_suite);
