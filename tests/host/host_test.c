// SPDX-License-Identifier: GPL-2.0
/*
 * Runs one test in a process of its own: host-test [-v] [-s SEED] [-t MS] TEST. host-test -l
 * lists the tests. The exit status is 0 if the test passed. A sanitizer that reports an error
 * ends the process with another status.
 */
#include <getopt.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "test.h"

static bool verbose;
static unsigned long seed, milliseconds = 1000;
static struct timespec deadline;
static const char *running;

void fail(const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	/* One call, since other threads may print a failure too. */
	fprintf(stderr, "%s: FAILED: %s (seed %lu)\n", running, text, seed);
	_exit(1);
}

void note(const char *format, ...)
{
	va_list args;

	if (!verbose)
		return;
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

bool expired(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec > deadline.tv_sec ||
	       (now.tv_sec == deadline.tv_sec && now.tv_nsec > deadline.tv_nsec);
}

unsigned int random_in(unsigned int from, unsigned int to)
{
	return from + shim_random() % (to - from + 1);
}

/* Objects */

static unsigned long payload(const struct obj *obj, unsigned int i)
{
	return (obj->serial ^ (unsigned long)obj) * (2 * i + 1);
}

struct obj *obj_alloc(void)
{
	struct obj *obj = calloc(1, sizeof(*obj));

	if (!obj)
		fail("out of memory");
	obj->owned = true;
	return obj;
}

void obj_free(struct obj *obj)
{
	check(__atomic_exchange_n(&obj->owned, false, __ATOMIC_RELAXED));
	free(obj);
}

void obj_put(struct obj *obj, unsigned long serial)
{
	unsigned int i;

	obj->serial = serial;
	for (i = 0; i < ARRAY_SIZE(obj->payload); i++)
		obj->payload[i] = payload(obj, i);
	if (!__atomic_exchange_n(&obj->owned, false, __ATOMIC_RELAXED))
		fail("an object was put that the test did not own");
}

void obj_keep(struct obj *obj)
{
	if (__atomic_exchange_n(&obj->owned, true, __ATOMIC_RELAXED))
		fail("a get returned an object whose put had been refused");
}

unsigned long obj_got(struct obj *obj)
{
	unsigned int i;

	if (!obj)
		fail("a get returned NULL instead of an object");
	if (__atomic_exchange_n(&obj->owned, true, __ATOMIC_RELAXED))
		fail("an object was handed out twice");
	for (i = 0; i < ARRAY_SIZE(obj->payload); i++) {
		if (obj->payload[i] != payload(obj, i))
			fail("an object has other content than it was put with");
		obj->payload[i] = ~0UL;
	}
	return obj->serial;
}

void obj_stack_push(struct obj_stack *stack, struct obj *obj)
{
	struct obj *top = __atomic_load_n(&stack->top, __ATOMIC_RELAXED);

	do {
		obj->next = top;
	} while (!__atomic_compare_exchange_n(&stack->top, &top, obj, false,
					      __ATOMIC_RELEASE, __ATOMIC_RELAXED));
}

struct obj *obj_stack_pop_all(struct obj_stack *stack)
{
	return __atomic_exchange_n(&stack->top, NULL, __ATOMIC_ACQUIRE);
}

/* Threads */

#define THREADS_MAX	8

static void (*thread_fn)(unsigned int index);

static void *thread_main(void *index)
{
	shim_seed(seed * THREADS_MAX + (unsigned long)index);
	thread_fn((unsigned long)index);
	return NULL;
}

void run_threads(unsigned int n, void (*fn)(unsigned int index))
{
	pthread_t thread[THREADS_MAX];
	unsigned long i;

	check(n <= THREADS_MAX);
	thread_fn = fn;
	for (i = 0; i < n; i++)
		check(!pthread_create(&thread[i], NULL, thread_main, (void *)i));
	for (i = 0; i < n; i++)
		pthread_join(thread[i], NULL);
}

static const struct test *const suites[] = {
	queue_tests, interrupt_tests, deferred_tests, pool_tests, wait_tests,
};

static const struct test *find(const char *name)
{
	const struct test *test;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(suites); i++) {
		for (test = suites[i]; test->name; test++) {
			if (!name)
				puts(test->name);
			else if (!strcmp(test->name, name))
				return test;
		}
	}
	return NULL;
}

int main(int argc, char **argv)
{
	const struct test *test;
	int option;

	seed = time(NULL);
	while ((option = getopt(argc, argv, "ls:t:v")) != -1) {
		switch (option) {
		case 'l':
			find(NULL);
			return 0;
		case 's':
			seed = strtoul(optarg, NULL, 0);
			break;
		case 't':
			milliseconds = strtoul(optarg, NULL, 0);
			break;
		case 'v':
			verbose = true;
			break;
		default:
			return 2;
		}
	}
	test = optind == argc - 1 ? find(argv[optind]) : NULL;
	if (!test) {
		fprintf(stderr, "usage: host-test -l | [-v] [-s SEED] [-t MS] TEST\n");
		return 2;
	}
	running = test->name;
	clock_gettime(CLOCK_MONOTONIC, &deadline);
	deadline.tv_sec += milliseconds / 1000;
	deadline.tv_nsec += milliseconds % 1000 * 1000000;
	if (deadline.tv_nsec >= 1000000000) {
		deadline.tv_nsec -= 1000000000;
		deadline.tv_sec++;
	}
	shim_seed(seed);
	test->run();
	rcu_barrier();
	if (shim_live())
		fail("%ld allocations were not freed", shim_live());
	note("seed %lu", seed);
	return 0;
}
