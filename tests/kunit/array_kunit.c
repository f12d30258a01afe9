// SPDX-License-Identifier: GPL-2.0
/*
 * The shared array by itself: its places and its two tiers. Threads and interrupts that
 * put and take at the same time neither lose nor share an object. No pool is involved.
 */
#include "common.h"

static void array_exit(void *data)
{
	pcpool_array_free(data);
}

static struct pcpool_array *new_array(struct kunit *test, unsigned int size)
{
	struct pcpool_array *array = pcpool_array_alloc(size);

	KUNIT_ASSERT_NOT_NULL(test, array);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, array_exit, array));
	return array;
}

static void *value(unsigned long i)
{
	return (void *)(i * 8 + 8);
}

/* Put the values @from to @to - 1, each into the tier given by its last bit. */
static void put_values(struct kunit *test, struct pcpool_array *array,
		       unsigned int from, unsigned int to)
{
	unsigned int i;

	for (i = from; i < to; i++)
		KUNIT_ASSERT_TRUE_MSG(test, pcpool_array_put(array, value(i), i & 1),
				      "%u of %u", i, to);
}

/* Take everything. It must be the values up to @n - 1, each once and from its tier. */
static void expect_values(struct kunit *test, struct pcpool_array *array,
			  unsigned int n)
{
	u8 *seen = kunit_kzalloc(test, n + 1, GFP_KERNEL);
	unsigned int tier, taken = 0;
	void *obj;

	KUNIT_ASSERT_NOT_NULL(test, seen);
	for (tier = 0; tier < 2; tier++) {
		while ((obj = pcpool_array_take(array, tier))) {
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

/* No place, one, fewer than a word has bits, one word, one more, and many. */
static const unsigned int sizes[] = { 0, 1, 3, 64, 65, 1000 };

static void size_desc(const unsigned int *size, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%u places", *size);
}

KUNIT_ARRAY_PARAM(size, sizes, size_desc);

static void a_new_array_is_empty(struct kunit *test)
{
	unsigned int size = *(const unsigned int *)test->param_value;
	struct pcpool_array *array = new_array(test, size);

	KUNIT_EXPECT_NULL(test, pcpool_array_take(array, 0));
	KUNIT_EXPECT_NULL(test, pcpool_array_take(array, 1));
	KUNIT_EXPECT_EQ(test, pcpool_array_count(array, 0), 0);
	KUNIT_EXPECT_EQ(test, pcpool_array_count(array, 1), 0);
}

static const unsigned int tiers[] = { 0, 1 };

static void tier_desc(const unsigned int *tier, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "tier %u", *tier);
}

KUNIT_ARRAY_PARAM(tier, tiers, tier_desc);

static void a_value_can_be_taken_once(struct kunit *test)
{
	unsigned int tier = *(const unsigned int *)test->param_value;
	struct pcpool_array *array = new_array(test, 3);

	KUNIT_ASSERT_TRUE(test, pcpool_array_put(array, value(1), tier));
	KUNIT_EXPECT_PTR_EQ(test, pcpool_array_take(array, tier), value(1));
	KUNIT_EXPECT_NULL(test, pcpool_array_take(array, tier));
}

static void take_finds_only_values_of_its_tier(struct kunit *test)
{
	unsigned int tier = *(const unsigned int *)test->param_value;
	struct pcpool_array *array = new_array(test, 3);

	KUNIT_ASSERT_TRUE(test, pcpool_array_put(array, value(1), tier));
	KUNIT_EXPECT_NULL(test, pcpool_array_take(array, !tier));
	KUNIT_EXPECT_PTR_EQ(test, pcpool_array_take(array, tier), value(1));
}

static void all_values_can_be_taken(struct kunit *test)
{
	unsigned int size = *(const unsigned int *)test->param_value;
	struct pcpool_array *array = new_array(test, size);

	put_values(test, array, 0, size);
	expect_values(test, array, size);
}

static void a_full_array_refuses_values_and_loses_none(struct kunit *test)
{
	unsigned int size = *(const unsigned int *)test->param_value;
	struct pcpool_array *array = new_array(test, size);

	put_values(test, array, 0, size);
	KUNIT_EXPECT_FALSE(test, pcpool_array_put(array, value(size), 0));
	KUNIT_EXPECT_FALSE(test, pcpool_array_put(array, value(size), 1));
	expect_values(test, array, size);
}

/* Places are not reserved for a tier. */
static void one_tier_may_use_all_places(struct kunit *test)
{
	unsigned int size = *(const unsigned int *)test->param_value;
	struct pcpool_array *array = new_array(test, size);
	unsigned int tier, i;

	for (tier = 0; tier < 2; tier++) {
		for (i = 0; i < size; i++)
			KUNIT_ASSERT_TRUE(test, pcpool_array_put(array, value(i), tier));
		KUNIT_EXPECT_FALSE(test, pcpool_array_put(array, value(i), !tier));
		for (i = 0; i < size; i++)
			KUNIT_ASSERT_NOT_NULL(test, pcpool_array_take(array, tier));
	}
}

static void an_emptied_place_can_be_filled_again(struct kunit *test)
{
	struct pcpool_array *array = new_array(test, 3);
	void *obj;
	int i;

	put_values(test, array, 0, 3);
	for (i = 0; i < 100; i++) {
		obj = pcpool_array_take(array, i & 1);
		KUNIT_ASSERT_NOT_NULL(test, obj);
		KUNIT_ASSERT_TRUE(test, pcpool_array_put(array, obj, i & 1));
		KUNIT_ASSERT_FALSE(test, pcpool_array_put(array, value(3), i & 1));
	}
	expect_values(test, array, 3);
}

static void count_is_per_tier(struct kunit *test)
{
	unsigned int size = *(const unsigned int *)test->param_value;
	struct pcpool_array *array = new_array(test, size);
	unsigned int i;

	for (i = 0; i < size; i++) {
		put_values(test, array, i, i + 1);
		KUNIT_EXPECT_EQ(test, pcpool_array_count(array, 0), i / 2 + 1);
		KUNIT_EXPECT_EQ(test, pcpool_array_count(array, 1), (i + 1) / 2);
	}
	/* A refused value is not counted. */
	pcpool_array_put(array, value(size), 0);
	KUNIT_EXPECT_EQ(test, pcpool_array_count(array, 0), (size + 1) / 2);
	for (i = size / 2; i--; ) {
		KUNIT_ASSERT_NOT_NULL(test, pcpool_array_take(array, 1));
		KUNIT_EXPECT_EQ(test, pcpool_array_count(array, 1), i);
	}
	KUNIT_EXPECT_EQ(test, pcpool_array_count(array, 0), (size + 1) / 2);
}

/* Each CPU starts its search at another place. */
static void each_cpu_finds_values_of_all_cpus(struct kunit *test)
{
	unsigned int size = *(const unsigned int *)test->param_value;
	struct pcpool_array *array = new_array(test, size);
	int putter, taker;

	kt_cpu(test, 1);
	for_each_online_cpu(putter) {
		for_each_online_cpu(taker) {
			kt_move_to(test, putter);
			put_values(test, array, 0, size);
			KUNIT_EXPECT_FALSE(test, pcpool_array_put(array, value(size), 0));
			kt_move_to(test, taker);
			KUNIT_EXPECT_FALSE(test, pcpool_array_put(array, value(size), 0));
			expect_values(test, array, size);
		}
	}
}

KUNIT_ARRAY_PARAM(context, kt_contexts, kt_context_desc);

static void put_and_take(void *data)
{
	struct pcpool_array *array = data;

	pcpool_array_put(array, value(0), 0);
	pcpool_array_put(array, value(1), 1);
	pcpool_array_put(array, pcpool_array_take(array, 0), 0);
}

static void put_and_take_work_in_any_context(struct kunit *test)
{
	const struct kt_context_param *p = test->param_value;
	struct pcpool_array *array = new_array(test, 2);

	kt_run_in(test, p->context, put_and_take, array);
	expect_values(test, array, 2);
}

/* --- All at once ----------------------------------------------------------- */

/* Holders are numbered as in common.h. Number 0 is the array. */
#define IN_ARRAY	0

/**
 * struct item - an entry of the array
 * @owner: %IN_ARRAY, or its holder. Every change is a compare-and-exchange by the
 *	presumed holder, so a second owner is detected at once
 * @tier: the tier it was put into
 * @mark: changes with every put
 * @check: ~@mark; differs if an item is read before its writes are visible
 */
struct item {
	atomic_t owner;
	unsigned int tier;
	unsigned int mark;
	unsigned int check;
};

/**
 * struct actor - a thread or an interrupt that uses the array
 * @t: the load it is part of
 * @holder: its number as a holder
 * @rnd: random numbers
 * @nr: number of items it holds
 * @item: these items
 * @taken: number of items it has taken in total
 * @done: number of iterations
 */
struct actor {
	struct load *t;
	int holder;
	struct rnd_state rnd;
	unsigned int nr;
	struct item *item[64];
	unsigned long taken;
	unsigned long done;
};

/**
 * struct load - actors that exchange items through an array
 * @array: the array
 * @size: number of places it has
 * @items: all items
 * @nr_items: number of items
 * @in_array: lower bound of the number of items in the array
 * @violations: number of violated rules
 * @rule: the first violated rule
 * @nr_actors: number of actors
 * @actor: one for each thread, and last one for the interrupt
 */
struct load {
	struct pcpool_array *array;
	unsigned int size;
	struct item *items;
	unsigned int nr_items;
	atomic_t in_array;
	atomic_t violations;
	const char *rule;
	unsigned int nr_actors;
	struct actor actor[KT_GANG_MAX];
};

static void violation(struct load *t, const char *rule)
{
	if (atomic_inc_return(&t->violations) == 1)
		WRITE_ONCE(t->rule, rule);
}

static u32 random_below(struct actor *h, u32 below)
{
	return prandom_u32_state(&h->rnd) % below;
}

/* Put one item. Returns false if there is no free place. */
static bool put_one(struct actor *h)
{
	struct item *item = h->item[h->nr - 1];
	struct load *t = h->t;

	item->tier = random_below(h, 2);
	item->mark++;
	item->check = ~item->mark;
	if (atomic_cmpxchg(&item->owner, h->holder, IN_ARRAY) != h->holder)
		violation(t, "an item was taken from its holder");
	if (!pcpool_array_put(t->array, item, item->tier)) {
		if (atomic_cmpxchg(&item->owner, IN_ARRAY, h->holder) != IN_ARRAY)
			violation(t, "a refused item was taken");
		return false;
	}
	h->nr--;
	/*
	 * An item is counted after its put, and no longer before its take: the count is
	 * never too high.
	 */
	if (atomic_inc_return(&t->in_array) > (int)t->size)
		violation(t, "more items than places");
	return true;
}

/* Take one item. Returns false if there is none. */
static bool take_one(struct actor *h)
{
	unsigned int tier = random_below(h, 2);
	struct load *t = h->t;
	struct item *item;

	atomic_dec(&t->in_array);
	item = pcpool_array_take(t->array, tier);
	if (!item) {
		atomic_inc(&t->in_array);
		return false;
	}
	if (item < t->items || item >= t->items + t->nr_items) {
		violation(t, "took a pointer that is not an item");
		return false;
	}
	if (atomic_cmpxchg(&item->owner, IN_ARRAY, h->holder) != IN_ARRAY) {
		violation(t, "took an item that has a holder");
		return false;
	}
	if (item->tier != tier)
		violation(t, "took from the wrong tier");
	if (item->mark != ~item->check)
		violation(t, "took an item before its writes were visible");
	h->item[h->nr++] = item;
	h->taken++;
	return true;
}

static void put_and_take_some(void *data)
{
	struct actor *h = data;
	unsigned int n;

	for (n = random_below(h, 8); n && h->nr; n--) {
		if (!put_one(h))
			break;
	}
	for (n = random_below(h, 8); n && h->nr < ARRAY_SIZE(h->item); n--) {
		if (!take_one(h))
			break;
	}
	h->done++;
}

static void put_and_take_loop(struct kt_worker *worker)
{
	struct actor *h = worker->arg;

	while (kt_keep_running(worker)) {
		put_and_take_some(h);
		worker->done = h->done;
	}
}

static void put_and_take_under_interrupts(struct kt_worker *worker)
{
	struct actor *h = worker->arg;
	struct actor *in_interrupt = &h->t->actor[h->t->nr_actors - 1];
	static struct kt_ticker ticker;

	kt_ticker_start(&ticker, false, put_and_take_some, in_interrupt);
	while (kt_keep_running(worker)) {
		put_and_take_some(h);
		worker->done = min(h->done, READ_ONCE(in_interrupt->done));
	}
	kt_ticker_stop(&ticker);
}

/* The smaller the array, the more the users compete for the same places. */
static const unsigned int busy_sizes[] = { 1, 3, 64, 65, 200 };

KUNIT_ARRAY_PARAM(busy_size, busy_sizes, size_desc);

/* There are twice as many items as places, so the array is now full and now empty. */
static struct load *new_load(struct kunit *test, unsigned int nr_actors)
{
	unsigned int size = *(const unsigned int *)test->param_value, i, j, each;
	struct load *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	struct actor *h;

	KUNIT_ASSERT_NOT_NULL(test, t);
	each = clamp(2 * size / nr_actors, 1u, (u32)ARRAY_SIZE(h->item));
	t->nr_items = nr_actors * each;
	t->items = kunit_kcalloc(test, t->nr_items, sizeof(*t->items), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, t->items);
	t->array = new_array(test, size);
	t->size = size;
	t->nr_actors = nr_actors;
	for (i = 0; i < nr_actors; i++) {
		h = &t->actor[i];
		h->t = t;
		h->holder = KT_HOLDERS + i;
		prandom_seed_state(&h->rnd, i + 1);
		for (j = 0; j < each; j++) {
			h->item[j] = &t->items[i * each + j];
			atomic_set(&h->item[j]->owner, h->holder);
		}
		h->nr = each;
	}
	return t;
}

/* When no call is in progress, each item is either held by one user or in the array. */
static void expect_all_items_present(struct kunit *test, struct load *t)
{
	unsigned int i, in_array, held = 0, lost = 0;
	unsigned long taken = 0;
	struct actor me = { .t = t, .holder = KT_ME };

	prandom_seed_state(&me.rnd, 1);
	for (i = 0; i < t->nr_actors; i++) {
		held += t->actor[i].nr;
		taken += t->actor[i].taken;
	}
	/* A single user may have taken few items, but all users together were busy. */
	KUNIT_EXPECT_GT(test, taken, t->nr_items + KT_MINIMUM);
	in_array = pcpool_array_count(t->array, 0) + pcpool_array_count(t->array, 1);
	KUNIT_EXPECT_LE(test, in_array, t->size);
	KUNIT_EXPECT_EQ(test, in_array, atomic_read(&t->in_array));
	KUNIT_EXPECT_EQ(test, in_array + held, t->nr_items);
	for (i = 0; i < in_array; me.nr = 0) {
		/* take_one() chooses the tier. */
		i += take_one(&me);
		if (!pcpool_array_count(t->array, 0) && !pcpool_array_count(t->array, 1))
			break;
	}
	KUNIT_EXPECT_EQ(test, i, in_array);
	for (i = 0; i < t->nr_items; i++)
		lost += atomic_read(&t->items[i].owner) == IN_ARRAY;
	KUNIT_EXPECT_EQ(test, lost, 0);
	KUNIT_EXPECT_EQ_MSG(test, 0, atomic_read(&t->violations), "%s", READ_ONCE(t->rule));
}

static void concurrent_users_lose_and_share_no_item(struct kunit *test)
{
	unsigned int i, n = min(num_online_cpus(), 8u);
	struct kt_gang *gang;
	struct load *t;

	kt_cpu(test, 1);
	/* Two threads a CPU, so that they are also preempted in the middle of a call. */
	t = new_load(test, 2 * n + 1);
	gang = kt_gang_new(test);
	for (i = 0; i < 2 * n; i++)
		kt_gang_add(gang, kt_cpu(test, i % n),
			    i ? put_and_take_loop : put_and_take_under_interrupts,
			    &t->actor[i]);
	kt_gang_start(gang, 250);
	kt_gang_join(gang);
	expect_all_items_present(test, t);
}

static struct kunit_case array_cases[] = {
	KUNIT_CASE_PARAM(a_new_array_is_empty, size_gen_params),
	KUNIT_CASE_PARAM(a_value_can_be_taken_once, tier_gen_params),
	KUNIT_CASE_PARAM(take_finds_only_values_of_its_tier, tier_gen_params),
	KUNIT_CASE_PARAM(all_values_can_be_taken, size_gen_params),
	KUNIT_CASE_PARAM(a_full_array_refuses_values_and_loses_none, size_gen_params),
	KUNIT_CASE_PARAM(one_tier_may_use_all_places, size_gen_params),
	KUNIT_CASE(an_emptied_place_can_be_filled_again),
	KUNIT_CASE_PARAM(count_is_per_tier, size_gen_params),
	KUNIT_CASE_PARAM(each_cpu_finds_values_of_all_cpus, size_gen_params),
	KUNIT_CASE_PARAM(put_and_take_work_in_any_context, context_gen_params),
	KUNIT_CASE_PARAM(concurrent_users_lose_and_share_no_item,
			 busy_size_gen_params),
	{}
};

static struct kunit_suite array_suite = {
	.name = "pcpool_array",
	.test_cases = array_cases,
};

kunit_test_suites(&array_suite);
