// SPDX-License-Identifier: GPL-2.0
/*
 * Runs one test a process: host-test [-v] [-s SEED] [-t MS] TEST, or host-test -l for their
 * names. Ends with 0 if it passed; a sanitizer's report ends it otherwise by itself.
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
	/* In one piece, since other threads may fail too. */
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

struct obj *obj_make(void)
{
	struct obj *obj = calloc(1, sizeof(*obj));

	if (!obj)
		fail("out of memory");
	obj->owned = true;
	return obj;
}

void obj_unmake(struct obj *obj)
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
		fail("put an object that was not owned");
}

void obj_keep(struct obj *obj)
{
	if (__atomic_exchange_n(&obj->owned, true, __ATOMIC_RELAXED))
		fail("an object was taken, though its put refused it");
}

unsigned long obj_got(struct obj *obj)
{
	unsigned int i;

	if (!obj)
		fail("got NULL for an object");
	if (__atomic_exchange_n(&obj->owned, true, __ATOMIC_RELAXED))
		fail("an object was handed out twice");
	for (i = 0; i < ARRAY_SIZE(obj->payload); i++) {
		if (obj->payload[i] != payload(obj, i))
			fail("an object's content was not what was put");
		obj->payload[i] = ~0UL;
	}
	return obj->serial;
}

void pile_give(struct pile *pile, struct obj *obj)
{
	struct obj *top = __atomic_load_n(&pile->top, __ATOMIC_RELAXED);

	do {
		obj->next = top;
	} while (!__atomic_compare_exchange_n(&pile->top, &top, obj, false,
					      __ATOMIC_RELEASE, __ATOMIC_RELAXED));
}

struct obj *pile_take_all(struct pile *pile)
{
	return __atomic_exchange_n(&pile->top, NULL, __ATOMIC_ACQUIRE);
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
	queue_tests, interrupt_tests, deferred_tests, pool_tests,
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
