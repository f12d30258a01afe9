// SPDX-License-Identifier: GPL-2.0
/*
 * Deferred puts. A put for which a deferral slot was reserved finds one, whatever is added
 * and trimmed meanwhile. No object is lost or handed out twice, and each has the content that
 * was put. Tested with threads, and with interruptions at every point (see
 * interrupt_test.c). The shim's pages are small, so that chunks are often added and trimmed.
 */
#include <sched.h>
#include <unistd.h>

#include "deferred.h"
#include "test.h"

#define WORKERS		3
#define HELD_MAX	150u
#define SLOTS_MAX	400	/* more slow it down: slots are searched one by one */

static struct pcpool_deferred deferred;
static unsigned int delay_us;
static bool done;

/*
 * ADDING: some of everything. FILLING: as many objects as possible are allocated and put, down
 * to the last slot, so that a put fails if a reserved slot does not exist. DRAINING: objects
 * are freed, and slots are trimmed.
 */
static enum phase { ADDING, FILLING, DRAINING } phase;

static struct {
	unsigned long allocs, refused, put, taken, frees, added, trims;
} total;

#define add_total(what, n) \
	__atomic_fetch_add(&total.what, (n), __ATOMIC_RELAXED)
#define get_total(what) \
	__atomic_load_n(&total.what, __ATOMIC_RELAXED)

static bool alloc_one(struct obj **obj)
{
	if (!pcpool_deferred_reserve(&deferred)) {
		add_total(refused, 1);
		return false;
	}
	*obj = obj_alloc();
	add_total(allocs, 1);
	return true;
}

static void free_one(struct obj *obj)
{
	obj_free(obj);
	pcpool_deferred_unreserve(&deferred);
	add_total(frees, 1);
}

static void put(struct obj *obj)
{
	obj_put(obj, shim_random());
	if (!pcpool_deferred_put(&deferred, obj))
		fail("a put found no deferral slot, though one was reserved");
	add_total(put, 1);
}

static struct obj *take(void)
{
	struct obj *obj = pcpool_deferred_take(&deferred);

	if (obj) {
		obj_got(obj);
		add_total(taken, 1);
	}
	return obj;
}

/* Thread 0 changes the phase. */
static void work(void)
{
	struct obj *held[HELD_MAX];
	unsigned int n = 0, dice;

	while (!__atomic_load_n(&done, __ATOMIC_RELAXED)) {
		enum phase now = __atomic_load_n(&phase, __ATOMIC_RELAXED);

		dice = random_in(0, 15);
		if (dice == 0 && now == ADDING &&
		    atomic_long_read(&deferred.slots) < SLOTS_MAX) {
			check(pcpool_deferred_add_slots(&deferred, GFP_KERNEL));
			add_total(added, 1);
		} else if (dice < 6 && now != DRAINING && n < HELD_MAX) {
			n += alloc_one(&held[n]);
		} else if (n && (dice < 9 || now == FILLING)) {
			put(held[--n]);
		} else if (dice < 13 && now != FILLING && n < HELD_MAX) {
			held[n] = take();
			if (held[n])
				n++;
		} else if (n && now != FILLING) {
			free_one(held[--n]);
		}
	}
	while (n)
		put(held[--n]);
}

static void trim(void)
{
	while (!__atomic_load_n(&done, __ATOMIC_RELAXED)) {
		pcpool_deferred_trim(&deferred);
		add_total(trims, 1);
		usleep(random_in(0, 100));
	}
}

static void reserve_and_unreserve(void)
{
	unsigned int n = 0;

	while (!__atomic_load_n(&done, __ATOMIC_RELAXED)) {
		if (n < 40 && pcpool_deferred_reserve(&deferred))
			n++;
		else
			for (; n; n--)
				pcpool_deferred_unreserve(&deferred);
	}
	for (; n; n--)
		pcpool_deferred_unreserve(&deferred);
}

/* On a slow machine, run on until the test has covered enough. */
static bool enough(void)
{
	return get_total(taken) > 1000 && get_total(refused) > 100 &&
	       get_total(added) > 10 && get_total(trims) > 100;
}

static void deferred_thread(unsigned int index)
{
	if (delay_us)
		shim_delays(15, delay_us);
	else
		shim_delays(255, 0);
	switch (index) {
	case 0:
		while (!expired() || !enough()) {
			usleep(2000);
			__atomic_store_n(&phase, (phase + 1) % 3, __ATOMIC_RELAXED);
		}
		__atomic_store_n(&done, true, __ATOMIC_RELAXED);
		break;
	case 1:
		trim();
		break;
	case 2:
		reserve_and_unreserve();
		break;
	default:
		work();
	}
}

static void run(void)
{
	struct obj *obj;

	check(!pcpool_deferred_init(&deferred));
	run_threads(3 + WORKERS, deferred_thread);
	check(pcpool_deferred_count(&deferred) == total.put - total.taken);
	while ((obj = take()))
		free_one(obj);
	note("%lu allocated, %lu refused, %lu put, %lu taken, %lu chunks added, %lu trims",
	     total.allocs, total.refused, total.put, total.taken, total.added, total.trims);
	if (total.allocs != total.frees)
		fail("%ld objects were lost", total.allocs - total.frees);
	check(!pcpool_deferred_count(&deferred));
	check(!atomic_long_read(&deferred.reserved));
	pcpool_deferred_exit(&deferred);
}

static void deferred_stress(void)
{
	run();
}

static void deferred_slow_threads(void)
{
	delay_us = 100;
	run();
}

static void deferred_serial(void)
{
	unsigned int n = 0, more, leave;
	static char objs[1000];

	shim_this.fail_allocs = 1;
	check(pcpool_deferred_init(&deferred) == -ENOMEM);
	check(!pcpool_deferred_init(&deferred));
	check(!pcpool_deferred_needs_slots(&deferred) && !pcpool_deferred_take(&deferred));
	while (n < ARRAY_SIZE(objs) && pcpool_deferred_reserve(&deferred))
		n++;
	check(n > PCPOOL_DEFERRED_SPARE && n <= 2 * PCPOOL_DEFERRED_SPARE);
	check(pcpool_deferred_needs_slots(&deferred));
	shim_this.fail_allocs = 1;
	check(!pcpool_deferred_add_slots(&deferred, GFP_KERNEL));
	check(!pcpool_deferred_reserve(&deferred));
	while (pcpool_deferred_needs_slots(&deferred))
		check(pcpool_deferred_add_slots(&deferred, GFP_KERNEL));
	for (more = 0; pcpool_deferred_reserve(&deferred); more++)
		;
	check(more >= PCPOOL_DEFERRED_SPARE && n + more < ARRAY_SIZE(objs));
	/* There is a slot for each object, and no other slot. */
	for (n += more; n; n--)
		check(pcpool_deferred_put(&deferred, &objs[n]));
	check(!pcpool_deferred_put(&deferred, &objs[0]));
	check(pcpool_deferred_take(&deferred) && pcpool_deferred_put(&deferred, &objs[0]));
	/* A trim finds nothing to free. */
	n = pcpool_deferred_count(&deferred);
	pcpool_deferred_trim(&deferred);
	check(pcpool_deferred_count(&deferred) == n && shim_live() == 2);
	check(atomic_long_read(&deferred.slots) == n);
	/* One object too many to free one of the two chunks and keep the spare slots. */
	for (leave = n / 2 - PCPOOL_DEFERRED_SPARE + 1; n > leave; n--) {
		check(pcpool_deferred_take(&deferred));
		pcpool_deferred_unreserve(&deferred);
	}
	pcpool_deferred_trim(&deferred);
	rcu_barrier();
	check(shim_live() == 2 && pcpool_deferred_count(&deferred) == n);
	/* A trim moves the objects of the chunk that it frees. */
	check(pcpool_deferred_take(&deferred));
	pcpool_deferred_unreserve(&deferred);
	n--;
	pcpool_deferred_trim(&deferred);
	rcu_barrier();
	check(shim_live() == 1 && pcpool_deferred_count(&deferred) == n);
	for (; pcpool_deferred_take(&deferred); n--)
		pcpool_deferred_unreserve(&deferred);
	check(!n && !pcpool_deferred_count(&deferred));
	pcpool_deferred_exit(&deferred);
}

/* Interruptions at every point */

static const char *doing[2];
static unsigned int at;
static bool interrupted;

static bool alloc_and_put(void)
{
	struct obj *obj;

	if (!alloc_one(&obj))
		return false;
	put(obj);
	return true;
}

static void act_put(void)	{ alloc_and_put(); }
static void act_trim(void)	{ pcpool_deferred_trim(&deferred); }
static void act_add(void)	{ check(pcpool_deferred_add_slots(&deferred, GFP_ATOMIC)); }

static void act_take(void)
{
	struct obj *obj = take();

	if (obj)
		free_one(obj);
}

static void act_take_and_put(void)
{
	struct obj *obj = take();

	if (obj)
		put(obj);
}

static void act_fill(void)
{
	while (alloc_and_put())
		;
}

static void act_empty(void)
{
	struct obj *obj;

	while ((obj = take()))
		free_one(obj);
}

static void act_empty_and_trim(void)
{
	act_empty();
	act_trim();
}

static const struct {
	const char *name;
	bool single;	/* one operation; the others only interrupt these */
	bool trims;
	void (*run)(void);
} actions[] = {
	{ "put", true, false, act_put },
	{ "take", true, false, act_take },
	{ "take and put", false, false, act_take_and_put },
	{ "add", true, false, act_add },
	{ "trim", true, true, act_trim },
	{ "fill", false, false, act_fill },
	{ "empty", false, false, act_empty },
	{ "empty and trim", false, true, act_empty_and_trim },
};

/*
 * Initial states: the number of objects put before chunks are added, of chunks, of objects put
 * after that, and of objects left in the end. All chunks have the same size, and a trim keeps
 * spare slots. JUST_ENOUGH is the largest number of objects with which a trim frees a chunk.
 */
#define ALL		10000L
#define JUST_ENOUGH	(-1L)
#define JUST_TOO_MANY	(-2L)
static const struct {
	long before, chunks, after, left;
} states[] = {
	{ 0, 0, 0, ALL }, { 2, 0, 0, ALL }, { ALL, 0, 0, ALL },
	{ 0, 1, 0, ALL }, { ALL, 1, 0, JUST_ENOUGH }, { ALL, 1, 0, JUST_TOO_MANY },
	{ ALL, 1, ALL, JUST_ENOUGH }, { ALL, 1, ALL, ALL },
	{ 3, 2, 0, ALL }, { ALL, 2, 0, ALL }, { ALL, 2, ALL, JUST_ENOUGH }, { ALL, 2, ALL, ALL },
};

static void (*interrupt)(void);

static void run_interrupt(void)
{
	interrupted = true;
	interrupt();
}

static void put_some(long n)
{
	while (n-- && alloc_and_put())
		;
}

static void set_up(unsigned int state)
{
	long i, left = states[state].left, chunk;

	check(!pcpool_deferred_init(&deferred));
	chunk = atomic_long_read(&deferred.slots);
	put_some(states[state].before);
	for (i = 0; i < states[state].chunks; i++)
		act_add();
	put_some(states[state].after);
	if (left < 0)
		left = atomic_long_read(&deferred.slots) - chunk - PCPOOL_DEFERRED_SPARE +
		       (left == JUST_TOO_MANY);
	while (left < (long)pcpool_deferred_count(&deferred))
		act_take();
}

static void __attribute__((noreturn)) wrong(const char *what)
{
	fail("%s: %s, interrupted at point %u by %s", what, doing[0], at, doing[1]);
}

/*
 * Checks that all objects that were put can be taken, and that there is a slot for each object
 * that can be reserved for. After a trim, also checks that there is no other slot; that takes a
 * long search.
 */
static void tear_down(bool trimmed)
{
	static char one_more;

	act_empty();
	if (total.allocs != total.frees)
		wrong("an object was lost");
	if (pcpool_deferred_count(&deferred) || atomic_long_read(&deferred.reserved))
		wrong("a count is not 0, though there are no objects");
	act_fill();
	if (total.allocs - total.frees != pcpool_deferred_count(&deferred))
		wrong("the count is not the number of objects");
	if (trimmed && pcpool_deferred_put(&deferred, &one_more))
		wrong("a put found a slot that was not reserved");
	act_empty();
	if (total.allocs != total.frees)
		wrong("an object was lost");
	pcpool_deferred_exit(&deferred);
	deferred = (struct pcpool_deferred){ };
}

static void deferred_interrupted(void)
{
	unsigned int state, i, j, step, runs = 0;

	for (state = 0; state < ARRAY_SIZE(states); state++) {
		for (i = 0; i < ARRAY_SIZE(actions); i++) {
			for (j = 0; j < ARRAY_SIZE(actions); j++) {
				if (!actions[i].single ||
				    (actions[i].trims && actions[j].trims))
					continue;
				doing[0] = actions[i].name;
				doing[1] = actions[j].name;
				interrupt = actions[j].run;
				interrupted = true;
				/* Later points are similar to earlier ones. */
				for (at = 0, step = 1; interrupted; at += step) {
					set_up(state);
					interrupted = false;
					shim_arm(at, run_interrupt);
					actions[i].run();
					shim_disarm();
					tear_down(actions[i].trims);
					if (at > 50)
						step = random_in(1, at / 5);
					runs++;
				}
			}
		}
	}
	note("%u runs", runs);
}

const struct test deferred_tests[] = {
	{ "deferred_serial", deferred_serial },
	{ "deferred_stress", deferred_stress },
	{ "deferred_slow_threads", deferred_slow_threads },
	{ "deferred_interrupted", deferred_interrupted },
	{ }
};
