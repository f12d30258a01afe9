/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Shared by the tests: objects that detect a second owner, a stack by which consumers return
 * them, threads, and "interrupts" at a chosen point.
 */
#ifndef _TEST_H
#define _TEST_H

#include <linux/atomic.h>
#include <linux/kernel.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "shim/shim.h"

/**
 * struct obj - an object for the code under test
 * @owned: a thread owns the object; otherwise the code under test holds it. Atomic and
 *	relaxed, so it orders nothing: the ordering of @payload depends on the code under test
 * @serial: number of the put that stored the object
 * @payload: what the owner wrote before the put. Plain memory, as the content of an object
 *	is: without a happens-before between put and get, ThreadSanitizer reports a race
 * @next: next object in a stack
 */
struct obj {
	unsigned int owned;
	unsigned long serial;
	unsigned long payload[4];
	struct obj *next;
};

struct obj *obj_alloc(void);
void obj_free(struct obj *obj);
/* Call before a put of the object. */
void obj_put(struct obj *obj, unsigned long serial);
/* Call after a put that was refused. */
void obj_keep(struct obj *obj);
/* Call after a get that returned the object. Returns its serial number. */
unsigned long obj_got(struct obj *obj);

/* A stack of objects: all threads push, one pops all. Orders a push before the pop, no more. */
struct obj_stack {
	struct obj *top;
};

void obj_stack_push(struct obj_stack *stack, struct obj *obj);
struct obj *obj_stack_pop_all(struct obj_stack *stack);

/* Whether the time of this test has expired. */
bool expired(void);
/* Runs @n threads, each with its own random numbers. Returns when all have ended. */
void run_threads(unsigned int n, void (*fn)(unsigned int index));
/* Prints a line about what a test did, with -v only. */
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

extern const struct test queue_tests[], interrupt_tests[], deferred_tests[], pool_tests[],
	wait_tests[];

#endif
