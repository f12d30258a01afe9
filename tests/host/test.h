/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests share: objects that betray a second owner, a pile by which consumers give
 * them back, threads, and "interrupts" at a chosen point.
 */
#ifndef _TEST_H
#define _TEST_H

#include <linux/atomic.h>
#include <linux/kernel.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "shim/shim.h"

/**
 * struct obj - an object to hand around
 * @owned: whether a thread has it; else it is in what is being tested. Atomic, but
 *	relaxed: it orders nothing, so the payload depends on the code under test
 * @serial: stamp of this trip
 * @payload: what its user wrote before the put. Plain, as an object's content is: without
 *	a happens-before between put and get, ThreadSanitizer reports a race on it
 * @next: in a pile
 */
struct obj {
	unsigned int owned;
	unsigned long serial;
	unsigned long payload[4];
	struct obj *next;
};

struct obj *obj_make(void);
void obj_unmake(struct obj *obj);
/* The thread is about to put the object. */
void obj_put(struct obj *obj, unsigned long serial);
/* The put did not take it. */
void obj_keep(struct obj *obj);
/* A get returned it; returns its serial. */
unsigned long obj_got(struct obj *obj);

/* A pile of objects; anyone lays down, one takes all. Orders giver before taker, only. */
struct pile {
	struct obj *top;
};

void pile_give(struct pile *pile, struct obj *obj);
struct obj *pile_take_all(struct pile *pile);

/* The time that this test has is over. */
bool expired(void);
/* Runs them all at once, each with random numbers of its own; returns when all have ended. */
void run_threads(unsigned int n, void (*fn)(unsigned int index));
/* A line about what a test did; shown with -v, or if it fails. */
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A random number in [from, to]. */
unsigned int random_in(unsigned int from, unsigned int to);

#define check(condition) do {						\
	if (!(condition))						\
		fail("%s:%d: %s", __FILE__, __LINE__, #condition);	\
} while (0)

struct test {
	const char *name;
	void (*run)(void);
};

extern const struct test queue_tests[], interrupt_tests[], deferred_tests[], pool_tests[];

#endif
