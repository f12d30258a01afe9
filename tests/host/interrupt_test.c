// SPDX-License-Identifier: GPL-2.0
/*
 * The shared queue without concurrency: each operation is interrupted at each of its points
 * by each other operation that may run there, and these are interrupted in turn. An interrupt
 * or another CPU does the same, but only by chance. An error in the order of the steps is
 * therefore always found; an error in the order of memory accesses is not.
 */
#include "queue.h"
#include "test.h"

#define OBJECTS		64u
#define RING_SIZE	4u	/* small, so that rings soon fill up, run empty and wrap */
#define POINTS_MAX	200u

static struct pcpool_queue queue;
static struct obj *objs[OBJECTS];
static bool out[OBJECTS];		/* not in the queue */
static unsigned int next_free;
static const char *doing[3];
static unsigned int at[2];

/* Objects that are certainly in the queue, and the minimum of that while a victim ran. */
static int count, fewest;

static void __attribute__((noreturn)) wrong(const char *what)
{
	fail("%s: %s, interrupted at point %u by %s, at point %u by %s", what, doing[0], at[0],
	     doing[1], at[1], doing[2] ?: "nothing");
}

static void got(void **popped, unsigned int n)
{
	unsigned int i, j;

	for (i = 0; i < n; i++) {
		for (j = 0; j < OBJECTS && objs[j] != popped[i]; j++)
			;
		if (j == OBJECTS)
			wrong("a pop returned a pointer that is not an object");
		if (out[j])
			wrong("an object was popped twice");
		out[j] = true;
	}
	count -= n;
	fewest = min(fewest, count);
}

static unsigned int pop_tail(unsigned int n, bool half)
{
	void *popped[8];

	n = pcpool_queue_pop_tail(&queue, popped, n, half);
	got(popped, n);
	return n;
}

static unsigned int pop_head(unsigned int n)
{
	void *popped[8];

	n = pcpool_queue_pop_head(&queue, popped, n);
	got(popped, n);
	return n;
}

static unsigned int push(unsigned int n)
{
	unsigned int index[8], i, taken;
	void *pushed[8];

	/* No object that was just popped, so that a stale pointer is not mistaken for it. */
	for (i = 0; i < n; next_free = (next_free + 1) % OBJECTS) {
		if (!out[next_free])
			continue;
		index[i] = next_free;
		out[next_free] = false;
		pushed[i++] = objs[next_free];
	}
	taken = pcpool_queue_push(&queue, pushed, n);
	for (i = taken; i < n; i++) {
		if (out[index[i]])
			wrong("a pop returned an object whose push had been refused");
		out[index[i]] = true;
	}
	count += taken;
	fewest = min(fewest, count);
	return taken;
}

static void add_ring(void)
{
	struct pcpool_ring *ring = pcpool_ring_alloc(RING_SIZE, GFP_ATOMIC, NUMA_NO_NODE);
	u32 both = -2;

	check(ring);
	atomic64_set(&ring->ends, (s64)((u64)both << 32 | both));
	ring->clean = both;
	pcpool_queue_add_ring(&queue, ring);
}

static bool tail_1(void)	{ return pop_tail(1, false); }
static bool tail_3(void)	{ return pop_tail(3, false); }
static bool tail_half(void)	{ return pop_tail(8, true); }

static bool tail_all(void)
{
	bool any = false;

	while (pop_tail(8, false))
		any = true;
	return any;
}

static bool tail_nmi(void)
{
	bool any, before = shim_this.in_nmi;

	shim_this.in_nmi = true;
	any = pop_tail(2, false);
	shim_this.in_nmi = before;
	return any;
}

static bool counting(void)
{
	pcpool_queue_count(&queue);
	return true;
}

static bool push_1(void)	{ return push(1); }
static bool push_6(void)	{ return push(6); }
static bool head_2(void)	{ return pop_head(2); }

/* Leaves the ends of the ring as they were, but with another object. */
static bool head_swap(void)
{
	return push(pop_head(1));
}

static bool grow(void)
{
	add_ring();
	return push(2);
}

static bool fill_and_grow(void)
{
	push(8);
	return grow();
}

/* Empties the oldest ring. The queue has objects all the time. */
static bool grow_and_drain_old(void)
{
	struct pcpool_ring *old = queue.tail;

	grow();
	while (old && pcpool_ring_count(old))
		pop_tail(1, false);
	return true;
}

static bool release(void)
{
	if (!pcpool_queue_release(&queue))
		return false;
	if (queue.head)
		wrong("a released queue still has rings");
	return true;
}

static bool release_and_refill(void)
{
	tail_all();
	release();
	return grow();
}

static const struct action {
	const char *name;
	bool produces;
	bool pops_tail;		/* and does nothing else; returns whether it got an object */
	bool (*run)(void);
} actions[] = {
	{ "tail_1", false, true, tail_1 },
	{ "tail_3", false, true, tail_3 },
	{ "tail_half", false, true, tail_half },
	{ "tail_nmi", false, true, tail_nmi },
	{ "tail_all", false, false, tail_all },
	{ "counting", false, false, counting },
	{ "push_1", true, false, push_1 },
	{ "push_6", true, false, push_6 },
	{ "head_2", true, false, head_2 },
	{ "head_swap", true, false, head_swap },
	{ "grow", true, false, grow },
	{ "fill_and_grow", true, false, fill_and_grow },
	{ "grow_and_drain_old", true, false, grow_and_drain_old },
	{ "release", true, false, release },
	{ "release_and_refill", true, false, release_and_refill },
};

/* Initial states: the number of rings, and of objects in the first and in the last of them. */
static const struct {
	unsigned int rings, first, last;
} states[] = {
	{ 0, 0, 0 }, { 1, 0, 0 }, { 1, 1, 0 }, { 1, 3, 0 }, { 1, 4, 0 },
	{ 2, 0, 0 }, { 2, 0, 2 }, { 2, 1, 0 }, { 2, 1, 2 }, { 2, 4, 4 },
	{ 3, 0, 2 }, { 3, 2, 2 },
};

static void set_up(unsigned int state)
{
	unsigned int i;

	for (i = 0; i < states[state].rings; i++) {
		add_ring();
		if (i == 0)
			push(states[state].first);
		if (i && i == states[state].rings - 1)
			push(states[state].last);
	}
}

static void tear_down(void)
{
	unsigned int i;

	tail_all();
	if (count)
		wrong("objects were lost");
	for (i = 0; i < OBJECTS; i++) {
		if (!out[i])
			wrong("an object was lost");
	}
	if (pcpool_queue_count(&queue))
		wrong("an empty queue has a count that is not 0");
	if (!release())
		wrong("an empty queue was not released");
}

/*
 * The interrupting actions: @first runs at point at[0] of the victim. @second runs at point
 * at[1] of @first if @nested, otherwise at[1] points later in the victim.
 */
static const struct action *first, *second;
static bool nested, interrupted;

/* Nothing interrupts an NMI on its CPU, so @action then stands for another CPU. */
static void run_outside_nmi(const struct action *action)
{
	bool before = shim_this.in_nmi;

	shim_this.in_nmi = false;
	action->run();
	shim_this.in_nmi = before;
}

static void run_second(void)
{
	run_outside_nmi(second);
}

static void run_first(void)
{
	interrupted = true;
	if (second && nested)
		shim_arm(at[1], run_second);
	run_outside_nmi(first);
	if (second && nested)
		shim_disarm();
	if (second && !nested)
		shim_arm(at[1], run_second);
}

/* Returns whether the victim was interrupted at all. */
static bool run_one(unsigned int state, const struct action *victim)
{
	bool any;

	doing[0] = victim->name;
	doing[1] = first->name;
	doing[2] = second ? second->name : NULL;
	rcu_read_lock();
	set_up(state);
	fewest = count;
	interrupted = false;
	shim_arm(at[0], run_first);
	any = victim->run();
	shim_disarm();
	if (victim->pops_tail && !any && !second && fewest > 0)
		wrong("a pop returned 0, though the queue was never empty");
	tear_down();
	rcu_read_unlock();
	return interrupted;
}

static bool compatible(const struct action *a, const struct action *b)
{
	return !a->produces || !b->produces;
}

static void begin(void)
{
	unsigned int i;

	for (i = 0; i < OBJECTS; i++) {
		objs[i] = obj_alloc();
		out[i] = true;
	}
}

static void end(void)
{
	unsigned int i;

	for (i = 0; i < OBJECTS; i++)
		obj_free(objs[i]);
}

/* Interrupts each action at each point by each other action. */
static void queue_interrupted(void)
{
	unsigned int state, i, j;
	unsigned long runs = 0;

	begin();
	second = NULL;
	for (state = 0; state < ARRAY_SIZE(states); state++) {
		for (i = 0; i < ARRAY_SIZE(actions); i++) {
			for (j = 0; j < ARRAY_SIZE(actions); j++) {
				first = &actions[j];
				if (!compatible(&actions[i], first))
					continue;
				for (at[0] = 0; run_one(state, &actions[i]); at[0]++) {
					check(at[0] < POINTS_MAX);
					runs++;
				}
			}
		}
	}
	note("%lu interrupted runs", runs);
	end();
}

/* Interrupts an action by two others, at random: there are too many combinations to try all. */
static void queue_interrupted_twice(void)
{
	const struct action *victim;
	unsigned long runs = 0, hits = 0;

	begin();
	while (!expired()) {
		victim = &actions[random_in(0, ARRAY_SIZE(actions) - 1)];
		first = &actions[random_in(0, ARRAY_SIZE(actions) - 1)];
		second = &actions[random_in(0, ARRAY_SIZE(actions) - 1)];
		nested = random_in(0, 1);
		at[0] = random_in(0, 15);
		at[1] = random_in(0, 15);
		if (!compatible(victim, first) || !compatible(victim, second) ||
		    (nested && !compatible(first, second)))
			continue;
		hits += run_one(random_in(0, ARRAY_SIZE(states) - 1), victim);
		runs++;
	}
	note("%lu runs, %lu interrupted", runs, hits);
	end();
}

const struct test interrupt_tests[] = {
	{ "queue_interrupted", queue_interrupted },
	{ "queue_interrupted_twice", queue_interrupted_twice },
	{ }
};
