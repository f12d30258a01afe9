// SPDX-License-Identifier: GPL-2.0
/*
 * The shared queue under real concurrency: one producer, which also pops at the head, and
 * three consumers at the tail. Each object is seen exactly once and in order, with the
 * content that was put, and no object is left behind. Under ThreadSanitizer the tests show
 * that the orderings of queue.c suffice, under AddressSanitizer that no ring is used after
 * it was freed.
 */
#include <sched.h>
#include <unistd.h>

#include "queue.h"
#include "test.h"

#define CONSUMERS	3
#define BATCH		16u

static struct pcpool_queue queue;
static struct pcpool_ring *ring;	/* tested alone, instead of the queue */
static unsigned int objects, delay_us;
static struct obj_stack returned;
static bool done;
static unsigned long popped[CONSUMERS];

/* Used by the producer only: the objects that it can push, and counters. */
static struct {
	struct obj *held;
	unsigned long serial, pushed, popped, refused, rings, releases;
} producer;

static void begin_before_wrap(struct pcpool_ring *empty)
{
	u32 both = -random_in(0, 40);

	atomic64_set(&empty->ends, (s64)((u64)both << 32 | both));
	empty->clean = both;
}

static void hold(struct obj *obj)
{
	obj->next = producer.held;
	producer.held = obj;
}

static void collect_returned(void)
{
	struct obj *obj = obj_stack_pop_all(&returned), *next;

	for (; obj; obj = next) {
		next = obj->next;
		hold(obj);
	}
}

static unsigned int push(void **objs, unsigned int n)
{
	unsigned int taken;

	rcu_read_lock();
	taken = ring ? pcpool_ring_push(ring, objs, n) :
		       pcpool_queue_push(&queue, objs, n);
	rcu_read_unlock();
	return taken;
}

static void grow(void)
{
	unsigned int size = random_in(0, 1) ? 1u << random_in(0, 6) :
					      pcpool_queue_next_size(&queue);
	struct pcpool_ring *new = pcpool_ring_alloc(size, GFP_KERNEL, NUMA_NO_NODE);

	check(new);
	begin_before_wrap(new);
	rcu_read_lock();
	pcpool_queue_add_ring(&queue, new);
	rcu_read_unlock();
	producer.rings++;
}

static void push_some(unsigned int n)
{
	void *objs[BATCH];
	unsigned int i, taken;

	for (i = 0; i < n && producer.held; i++) {
		struct obj *obj = producer.held;

		producer.held = obj->next;
		obj_put(obj, ++producer.serial);
		objs[i] = obj;
	}
	n = i;
	taken = push(objs, n);
	if (!ring && taken < n && random_in(0, 3)) {
		grow();
		taken += push(objs + taken, n - taken);
	}
	producer.pushed += taken;
	producer.refused += n - taken;
	for (i = n; i-- > taken; ) {
		obj_keep(objs[i]);
		hold(objs[i]);
		producer.serial--;
	}
}

static void pop_head(void)
{
	unsigned long serial, last = -1UL;
	unsigned int i, n = random_in(1, BATCH / 2);
	void *objs[BATCH];

	rcu_read_lock();
	n = ring ? pcpool_ring_pop_head(ring, objs, n) :
		   pcpool_queue_pop_head(&queue, objs, n);
	rcu_read_unlock();
	for (i = 0; i < n; i++) {
		serial = obj_got(objs[i]);
		if (serial >= last)
			fail("a pop at the head did not return the newest object first");
		last = serial;
		hold(objs[i]);
	}
	producer.popped += n;
}

static void release(bool wait)
{
	bool empty;
	int i;

	for (i = 0; wait && i < 100; i++) {
		rcu_read_lock();
		empty = !pcpool_queue_count(&queue);
		rcu_read_unlock();
		if (empty)
			break;
		sched_yield();
	}
	rcu_read_lock();
	if (pcpool_queue_release(&queue)) {
		producer.releases++;
		check(!pcpool_queue_count(&queue));
	}
	rcu_read_unlock();
}

/* On a slow machine, run on until the test has covered enough. */
static bool enough(void)
{
	return producer.pushed > producer.popped + 1000 && producer.popped > 100 &&
	       (ring || (producer.rings > 100 && producer.releases > 20));
}

static void produce(void)
{
	while (!expired() || !enough()) {
		collect_returned();
		switch (random_in(0, 9)) {
		case 0:
		case 1:
			pop_head();
			break;
		case 2:
			if (!ring)
				release(random_in(0, 1));
			break;
		default:
			if (!producer.held)
				sched_yield();
			push_some(random_in(1, BATCH));
		}
	}
	__atomic_store_n(&done, true, __ATOMIC_RELAXED);
}

static void consume(unsigned int index)
{
	unsigned int i, n, got;
	unsigned long serial, last = 0;
	void *objs[BATCH];
	bool half;

	/* One consumer runs in NMI context, where no ring can be dropped. */
	shim_this.in_nmi = index == CONSUMERS - 1;
	while (!__atomic_load_n(&done, __ATOMIC_RELAXED)) {
		n = random_in(0, 2) ? random_in(1, BATCH) : 1;
		half = !random_in(0, 3);
		rcu_read_lock();
		got = ring ? pcpool_ring_pop_tail(ring, objs, n, half) :
			     pcpool_queue_pop_tail(&queue, objs, n, half);
		if (!random_in(0, 15))
			pcpool_queue_count(&queue);
		rcu_read_unlock();
		if (!got)
			sched_yield();
		for (i = 0; i < got; i++) {
			serial = obj_got(objs[i]);
			if (serial <= last)
				fail("a pop at the tail did not return the oldest object first");
			last = serial;
			obj_stack_push(&returned, objs[i]);
		}
		popped[index] += got;
	}
}

static void queue_thread(unsigned int index)
{
	if (delay_us)
		shim_delays(index ? 3 : 31, delay_us);
	else
		shim_delays(255, 0);
	if (index)
		consume(index - 1);
	else
		produce();
}

static void drain(void)
{
	void *objs[BATCH];
	unsigned int i, n;

	do {
		rcu_read_lock();
		n = ring ? pcpool_ring_pop_tail(ring, objs, BATCH, false) :
			   pcpool_queue_pop_tail(&queue, objs, BATCH, false);
		rcu_read_unlock();
		for (i = 0; i < n; i++) {
			obj_got(objs[i]);
			hold(objs[i]);
		}
	} while (n);
}

static void run(unsigned int n)
{
	unsigned long all = 0, back = 0;
	struct obj *obj;
	unsigned int i;

	objects = n;
	while (n--)
		hold(obj_alloc());
	run_threads(1 + CONSUMERS, queue_thread);
	collect_returned();
	drain();
	for (i = 0; i < CONSUMERS; i++)
		all += popped[i];
	note("%lu pushed, %lu refused, %lu popped at the head, %lu at the tail",
	     producer.pushed, producer.refused, producer.popped, all);
	if (!ring)
		note("%lu rings, %lu releases", producer.rings, producer.releases);
	while ((obj = producer.held)) {
		producer.held = obj->next;
		obj_free(obj);
		back++;
	}
	if (back != objects)
		fail("%lu objects of %u came back", back, objects);
}

static void run_ring(void)
{
	ring = pcpool_ring_alloc(32, GFP_KERNEL, NUMA_NO_NODE);
	check(ring);
	begin_before_wrap(ring);
	run(128);
	check(!pcpool_ring_count(ring));
	pcpool_ring_free(ring);
}

static void run_queue(void)
{
	run(600);
	check(!pcpool_queue_count(&queue));
	rcu_read_lock();
	check(pcpool_queue_release(&queue));
	rcu_read_unlock();
	check(!queue.head && !queue.tail);
}

static void ring_stress(void)
{
	run_ring();
}

static void ring_slow_consumers(void)
{
	delay_us = 200;
	run_ring();
}

static void queue_stress(void)
{
	run_queue();
}

static void queue_slow_consumers(void)
{
	delay_us = 200;
	run_queue();
}

/* Everything that one thread can test. */
static void queue_serial(void)
{
	static char objs[100];
	struct pcpool_queue *q = &queue;
	void *in[ARRAY_SIZE(objs)], *out[ARRAY_SIZE(objs)];
	struct pcpool_ring *small;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(objs); i++)
		in[i] = &objs[i];
	shim_this.fail_allocs = 1;
	check(!pcpool_ring_alloc(8, GFP_KERNEL, NUMA_NO_NODE));

	rcu_read_lock();
	check(!pcpool_queue_push(q, in, 1) && !pcpool_queue_room(q, 1));
	check(!pcpool_queue_pop_head(q, out, 1) && !pcpool_queue_pop_tail(q, out, 1, false));
	check(!pcpool_queue_count(q) && pcpool_queue_next_size(q) == PCPOOL_RING_MIN);
	check(pcpool_queue_release(q));

	small = pcpool_ring_alloc(8, GFP_KERNEL, NUMA_NO_NODE);
	check(small);
	begin_before_wrap(small);
	pcpool_queue_add_ring(q, small);
	check(pcpool_queue_next_size(q) == 16 && pcpool_queue_room(q, 100) == 8);
	check(pcpool_queue_push(q, in, 5) == 5 && pcpool_queue_room(q, 100) == 3);
	check(pcpool_queue_push(q, in + 5, 95) == 3 && !pcpool_queue_room(q, 100));
	check(pcpool_queue_count(q) == 8 && !pcpool_queue_release(q));
	/* With @half, a pop takes at most half of the objects, rounded up. */
	check(pcpool_queue_pop_tail(q, out, 2, true) == 2 && out[0] == in[0] && out[1] == in[1]);
	check(pcpool_queue_pop_tail(q, out, 100, true) == 3 && out[2] == in[4]);
	check(pcpool_queue_pop_tail(q, out, 100, true) == 2 && out[1] == in[6]);
	check(pcpool_queue_pop_tail(q, out, 100, true) == 1 && out[0] == in[7]);

	/* With several rings, the head has the newest objects, the tail the oldest. */
	check(pcpool_queue_push(q, in, 100) == 8);
	for (i = 8; i < 100; i += pcpool_queue_push(q, in + i, 100 - i)) {
		ring = pcpool_ring_alloc(pcpool_queue_next_size(q), GFP_KERNEL, NUMA_NO_NODE);
		check(ring);
		pcpool_queue_add_ring(q, ring);
	}
	ring = NULL;
	check(pcpool_queue_count(q) == 100);
	check(pcpool_queue_pop_head(q, out, 2) == 2 && out[0] == in[99] && out[1] == in[98]);
	check(pcpool_queue_pop_tail(q, out, 2, false) == 2 && out[0] == in[0] && out[1] == in[1]);
	check(!pcpool_queue_release(q));
	for (i = 98; i-- > 2; )
		check(pcpool_queue_pop_head(q, out, 1) == 1 && out[0] == in[i]);
	check(!pcpool_queue_pop_head(q, out, 1) && !pcpool_queue_pop_tail(q, out, 1, false));
	check(pcpool_queue_release(q) && !q->head && !q->tail);
	rcu_read_unlock();
}

const struct test queue_tests[] = {
	{ "queue_serial", queue_serial },
	{ "ring_stress", ring_stress },
	{ "ring_slow_consumers", ring_slow_consumers },
	{ "queue_stress", queue_stress },
	{ "queue_slow_consumers", queue_slow_consumers },
	{ }
};
