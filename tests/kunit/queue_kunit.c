// SPDX-License-Identifier: GPL-2.0
/*
 * The shared queue, by itself: the fixed ring, and the chain of rings that grows.
 * Single-threaded cases show what each function does, and what it does when a
 * consumer is stopped half-way; concurrent ones, that every value that was pushed is
 * popped exactly once. Indexes start just below their wrap, so that they wrap.
 */
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "common.h"

static s64 ends(u32 head, u32 tail)
{
	return (s64)((u64)head << 32 | tail);
}

/* Values that are no NULL, and tell their number. */
static void *value(unsigned long i)
{
	return (void *)(i * 8 + 8);
}

static void ring_exit(void *ring)
{
	pcpool_ring_free(ring);
}

static struct pcpool_ring *new_ring(struct kunit *test, unsigned int size,
				    u32 start)
{
	struct pcpool_ring *ring;

	ring = pcpool_ring_alloc(size, GFP_KERNEL, NUMA_NO_NODE);
	KUNIT_ASSERT_NOT_NULL(test, ring);
	atomic64_set(&ring->ends, ends(start, start));
	ring->clean = start;
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, ring_exit, ring));
	return ring;
}

/* Push the values from @from on; how many it took. */
static unsigned int push(struct pcpool_ring *ring, unsigned long from,
			 unsigned int n)
{
	void *objs[64];
	unsigned int i;

	for (i = 0; i < n; i++)
		objs[i] = value(from + i);
	return pcpool_ring_push(ring, objs, n);
}

#define EXPECT_VALUES(test, objs, n, first, step) do {			\
	unsigned int __i;						\
									\
	for (__i = 0; __i < (n); __i++)					\
		KUNIT_EXPECT_PTR_EQ_MSG(test, (objs)[__i],		\
					value((first) + (long)__i * (step)), \
					"at %u", __i);			\
} while (0)

/* --- The fixed ring ---------------------------------------------------------- */

static const u32 starts[] = { 0, U32_MAX - 40, U32_MAX, S32_MAX - 3 };

static void start_desc(const u32 *start, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "indexes from %#x", *start);
}

KUNIT_ARRAY_PARAM(start, starts, start_desc);

static void ring_pops_the_newest_at_the_head(struct kunit *test)
{
	struct pcpool_ring *ring = new_ring(test, 32, *(u32 *)test->param_value);
	void *objs[32];

	KUNIT_ASSERT_EQ(test, push(ring, 0, 20), 20);
	KUNIT_ASSERT_EQ(test, pcpool_ring_pop_head(ring, objs, 3), 3);
	EXPECT_VALUES(test, objs, 3, 19, -1);
	KUNIT_EXPECT_EQ(test, pcpool_ring_count(ring), 17);
	KUNIT_ASSERT_EQ(test, pcpool_ring_pop_head(ring, objs, 32), 17);
	EXPECT_VALUES(test, objs, 17, 16, -1);
	KUNIT_EXPECT_EQ(test, pcpool_ring_pop_head(ring, objs, 32), 0);
	KUNIT_EXPECT_EQ(test, pcpool_ring_count(ring), 0);
}

static void ring_pops_the_oldest_at_the_tail(struct kunit *test)
{
	struct pcpool_ring *ring = new_ring(test, 32, *(u32 *)test->param_value);
	void *objs[32];

	KUNIT_ASSERT_EQ(test, push(ring, 0, 20), 20);
	KUNIT_ASSERT_EQ(test, pcpool_ring_pop_tail(ring, objs, 3, false), 3);
	EXPECT_VALUES(test, objs, 3, 0, 1);
	KUNIT_EXPECT_EQ(test, pcpool_ring_count(ring), 17);
	KUNIT_ASSERT_EQ(test, pcpool_ring_pop_tail(ring, objs, 32, false), 17);
	EXPECT_VALUES(test, objs, 17, 3, 1);
	KUNIT_EXPECT_EQ(test, pcpool_ring_pop_tail(ring, objs, 32, false), 0);
	KUNIT_EXPECT_EQ(test, pcpool_ring_count(ring), 0);
}

static void ring_takes_as_much_as_it_has_slots(struct kunit *test)
{
	struct pcpool_ring *ring = new_ring(test, 32, *(u32 *)test->param_value);
	void *objs[32];

	KUNIT_EXPECT_EQ(test, push(ring, 0, 40), 32);
	KUNIT_EXPECT_EQ(test, push(ring, 32, 1), 0);
	KUNIT_EXPECT_EQ(test, pcpool_ring_count(ring), 32);
	KUNIT_ASSERT_EQ(test, pcpool_ring_pop_tail(ring, objs, 5, false), 5);
	KUNIT_EXPECT_EQ(test, push(ring, 32, 8), 5);
	KUNIT_ASSERT_EQ(test, pcpool_ring_pop_tail(ring, objs, 32, false), 32);
	EXPECT_VALUES(test, objs, 32, 5, 1);
}

static void ring_keeps_order_while_its_indexes_wrap(struct kunit *test)
{
	struct pcpool_ring *ring = new_ring(test, 8, *(u32 *)test->param_value);
	unsigned long pushed = 0, popped = 0;
	void *objs[8];
	unsigned int i, n;

	for (i = 0; i < 100; i++) {
		pushed += push(ring, pushed, 1 + i % 7);
		n = pcpool_ring_pop_tail(ring, objs, 1 + i % 5, i & 1);
		KUNIT_ASSERT_GT(test, n, 0);
		EXPECT_VALUES(test, objs, n, popped, 1);
		popped += n;
		KUNIT_ASSERT_EQ(test, pcpool_ring_count(ring), pushed - popped);
	}
	KUNIT_ASSERT_EQ(test, pcpool_ring_pop_head(ring, objs, 8),
			pushed - popped);
	EXPECT_VALUES(test, objs, pushed - popped, pushed - 1, -1);
}

struct half {
	unsigned int there;
	unsigned int asked;
	unsigned int got;
	char name[32];
};

static const struct half halves[] = {
	{ 0, 32, 0, "of nothing: nothing" },
	{ 1, 32, 1, "of one: that" },
	{ 2, 32, 1, "of two: one" },
	{ 3, 32, 2, "of three: two" },
	{ 32, 32, 16, "of 32: 16" },
	{ 31, 32, 16, "of 31: 16" },
	{ 32, 5, 5, "of 32, at most 5: 5" },
	{ 4, 2, 2, "of 4, at most 2: 2" },
};

KUNIT_ARRAY_PARAM_DESC(half, halves, name);

static void half_a_ring_is_rounded_up(struct kunit *test)
{
	const struct half *half = test->param_value;
	struct pcpool_ring *ring = new_ring(test, 32, U32_MAX - 5);
	void *objs[32];

	KUNIT_ASSERT_EQ(test, push(ring, 0, half->there), half->there);
	KUNIT_EXPECT_EQ(test, half->got,
			pcpool_ring_pop_tail(ring, objs, half->asked, true));
	EXPECT_VALUES(test, objs, half->got, 0, 1);
	KUNIT_EXPECT_EQ(test, pcpool_ring_count(ring),
			half->there - half->got);
}

/*
 * A consumer that has claimed some slots, and then is stopped before it reads them: by
 * an interrupt, a hypervisor, a preempting task.
 */
static u32 claim(struct pcpool_ring *ring, unsigned int n)
{
	s64 old = atomic64_read(&ring->ends);

	/* As pcpool_ring_pop_tail() does. */
	while (!atomic64_try_cmpxchg_acquire(&ring->ends, &old,
					     ends((u64)old >> 32, (u32)old + n)))
		;
	return (u32)old;
}

static void *finish(struct pcpool_ring *ring, u32 index)
{
	void **slot = &ring->slot[index & (ring->size - 1)];
	void *obj = READ_ONCE(*slot);

	WRITE_ONCE(*slot, NULL);
	return obj;
}

static void push_leaves_alone_what_a_consumer_has_claimed(struct kunit *test)
{
	struct pcpool_ring *ring = new_ring(test, 8, *(u32 *)test->param_value);
	void *objs[8];
	u32 tail;

	KUNIT_ASSERT_EQ(test, push(ring, 0, 8), 8);
	tail = claim(ring, 3);
	/* Three slots are free by the indexes, but not yet by what is in them. */
	KUNIT_EXPECT_EQ(test, push(ring, 8, 3), 0);
	KUNIT_EXPECT_PTR_EQ(test, finish(ring, tail), value(0));
	KUNIT_EXPECT_EQ(test, push(ring, 8, 3), 1);
	/* The third, but not the second: a hole is no room. */
	KUNIT_EXPECT_PTR_EQ(test, finish(ring, tail + 2), value(2));
	KUNIT_EXPECT_EQ(test, push(ring, 9, 2), 0);
	KUNIT_EXPECT_PTR_EQ(test, finish(ring, tail + 1), value(1));
	KUNIT_EXPECT_EQ(test, push(ring, 9, 2), 2);
	KUNIT_ASSERT_EQ(test, pcpool_ring_pop_tail(ring, objs, 8, false), 8);
	EXPECT_VALUES(test, objs, 8, 3, 1);
}

static void a_stopped_consumer_stops_no_other(struct kunit *test)
{
	struct pcpool_ring *ring = new_ring(test, 8, *(u32 *)test->param_value);
	void *objs[8];
	u32 tail;

	KUNIT_ASSERT_EQ(test, push(ring, 0, 8), 8);
	tail = claim(ring, 2);
	KUNIT_ASSERT_EQ(test, pcpool_ring_pop_tail(ring, objs, 2, false), 2);
	EXPECT_VALUES(test, objs, 2, 2, 1);
	KUNIT_ASSERT_EQ(test, pcpool_ring_pop_head(ring, objs, 8), 4);
	EXPECT_VALUES(test, objs, 4, 7, -1);
	KUNIT_EXPECT_EQ(test, pcpool_ring_count(ring), 0);
	KUNIT_EXPECT_PTR_EQ(test, finish(ring, tail), value(0));
	KUNIT_EXPECT_PTR_EQ(test, finish(ring, tail + 1), value(1));
}

/* --- The growing queue --------------------------------------------------------- */

static void queue_exit(void *data)
{
	struct pcpool_queue *q = data;
	void *objs[32];

	rcu_read_lock();
	while (pcpool_queue_pop_tail(q, objs, ARRAY_SIZE(objs), false))
		;
	pcpool_queue_release(q);
	rcu_read_unlock();
	/* The rings' memory is gone when the case is over. */
	rcu_barrier();
}

static struct pcpool_queue *new_queue(struct kunit *test)
{
	struct pcpool_queue *q = kunit_kzalloc(test, sizeof(*q), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, q);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, queue_exit, q));
	return q;
}

static bool add_ring(struct pcpool_queue *q, u32 start)
{
	struct pcpool_ring *ring;

	ring = pcpool_ring_alloc(pcpool_queue_next_size(q), GFP_KERNEL,
				 NUMA_NO_NODE);
	if (!ring)
		return false;
	atomic64_set(&ring->ends, ends(start, start));
	ring->clean = start;
	pcpool_queue_add_ring(q, ring);
	return true;
}

/* Push the values from @from on, growing as needed. */
static void queue_push(struct kunit *test, struct pcpool_queue *q,
		       unsigned long from, unsigned int n)
{
	void *obj;

	for (; n; n--, from++) {
		obj = value(from);
		if (pcpool_queue_push(q, &obj, 1))
			continue;
		KUNIT_ASSERT_TRUE(test, add_ring(q, U32_MAX - 9));
		KUNIT_ASSERT_EQ(test, pcpool_queue_push(q, &obj, 1), 1);
	}
}

static unsigned int queue_pop_tail(struct pcpool_queue *q, void **objs,
				   unsigned int n, bool half)
{
	rcu_read_lock();
	n = pcpool_queue_pop_tail(q, objs, n, half);
	rcu_read_unlock();
	return n;
}

static unsigned int queue_pop_head(struct pcpool_queue *q, void **objs,
				   unsigned int n)
{
	rcu_read_lock();
	n = pcpool_queue_pop_head(q, objs, n);
	rcu_read_unlock();
	return n;
}

static bool queue_release(struct pcpool_queue *q)
{
	bool released;

	rcu_read_lock();
	released = pcpool_queue_release(q);
	rcu_read_unlock();
	return released;
}

static unsigned int queue_move(struct pcpool_queue *q, struct pcpool_queue *to,
			       unsigned int n)
{
	rcu_read_lock();
	n = pcpool_queue_move(q, to, n);
	rcu_read_unlock();
	return n;
}

/* These rings begin ten slots before their end, where their indexes wrap too. */
static void a_move_goes_from_tail_to_head(struct kunit *test)
{
	struct pcpool_queue *q = new_queue(test), *to = new_queue(test);
	void *obj;
	unsigned long i;

	queue_push(test, q, 0, 30);
	KUNIT_EXPECT_EQ(test, queue_move(q, to, 30), 0);
	queue_push(test, to, 100, 1);
	/* In one piece: up to where the ring wraps. */
	KUNIT_EXPECT_EQ(test, queue_move(q, to, 30), 9);
	KUNIT_EXPECT_EQ(test, queue_move(q, to, 5), 5);
	KUNIT_EXPECT_EQ(test, queue_move(q, to, 100), 16);
	KUNIT_EXPECT_EQ(test, queue_move(q, to, 100), 0);
	KUNIT_EXPECT_EQ(test, pcpool_queue_count(q), 0);
	KUNIT_EXPECT_EQ(test, pcpool_queue_count(to), 31);
	/* Full but for one: no more than there is room for. */
	queue_push(test, q, 50, 2);
	KUNIT_EXPECT_EQ(test, queue_move(q, to, 2), 1);
	for (i = 0; i < 32; i++) {
		KUNIT_ASSERT_EQ(test, queue_pop_tail(to, &obj, 1, false), 1);
		KUNIT_EXPECT_PTR_EQ(test, obj,
				    value(!i ? 100 : i < 31 ? i - 1 : 50));
	}
	KUNIT_EXPECT_EQ(test, queue_pop_tail(q, &obj, 1, false), 1);
	KUNIT_EXPECT_PTR_EQ(test, obj, value(51));
}

static void a_new_queue_holds_and_takes_nothing(struct kunit *test)
{
	struct pcpool_queue *q = new_queue(test);
	void *obj = value(0);

	KUNIT_EXPECT_EQ(test, pcpool_queue_push(q, &obj, 1), 0);
	KUNIT_EXPECT_EQ(test, pcpool_queue_room(q, 1), 0);
	KUNIT_EXPECT_EQ(test, queue_pop_tail(q, &obj, 1, false), 0);
	KUNIT_EXPECT_EQ(test, queue_pop_head(q, &obj, 1), 0);
	KUNIT_EXPECT_EQ(test, pcpool_queue_count(q), 0);
	KUNIT_EXPECT_EQ(test, pcpool_queue_next_size(q), PCPOOL_RING_MIN);
}

static void rings_double_up_to_the_largest(struct kunit *test)
{
	struct pcpool_queue *q = new_queue(test);
	unsigned int size;

	for (size = PCPOOL_RING_MIN; size <= 8 * PCPOOL_RING_MIN; size *= 2) {
		KUNIT_EXPECT_EQ(test, pcpool_queue_next_size(q), size);
		KUNIT_ASSERT_TRUE(test, add_ring(q, 0));
		KUNIT_EXPECT_EQ(test, pcpool_queue_room(q, UINT_MAX), size);
	}
	q->head->size = PCPOOL_RING_MAX;
	KUNIT_EXPECT_EQ(test, pcpool_queue_next_size(q), PCPOOL_RING_MAX);
	q->head->size = size / 2;
}

static void room_is_what_a_push_takes(struct kunit *test)
{
	struct pcpool_queue *q = new_queue(test);
	void *objs[40];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(objs); i++)
		objs[i] = value(i);
	KUNIT_ASSERT_TRUE(test, add_ring(q, U32_MAX - 3));
	KUNIT_EXPECT_EQ(test, pcpool_queue_room(q, 7), 7);
	KUNIT_EXPECT_EQ(test, pcpool_queue_push(q, objs, 30), 30);
	KUNIT_EXPECT_EQ(test, pcpool_queue_room(q, 7), 2);
	KUNIT_EXPECT_EQ(test, pcpool_queue_push(q, objs + 30, 7), 2);
	KUNIT_EXPECT_EQ(test, pcpool_queue_room(q, 7), 0);
	KUNIT_EXPECT_EQ(test, pcpool_queue_push(q, objs + 32, 7), 0);
	KUNIT_EXPECT_EQ(test, pcpool_queue_count(q), 32);
}

static void queue_pops_the_oldest_across_its_rings(struct kunit *test)
{
	struct pcpool_queue *q = new_queue(test);
	unsigned int n, popped = 0;
	void *objs[50];

	queue_push(test, q, 0, 500);
	KUNIT_EXPECT_EQ(test, pcpool_queue_count(q), 500);
	while ((n = queue_pop_tail(q, objs, ARRAY_SIZE(objs), false))) {
		EXPECT_VALUES(test, objs, n, popped, 1);
		popped += n;
	}
	KUNIT_EXPECT_EQ(test, popped, 500);
}

static void queue_pops_the_newest_across_its_rings(struct kunit *test)
{
	struct pcpool_queue *q = new_queue(test);
	unsigned int n, left = 500;
	void *objs[50];

	queue_push(test, q, 0, 500);
	while ((n = queue_pop_head(q, objs, ARRAY_SIZE(objs)))) {
		EXPECT_VALUES(test, objs, n, left - 1, -1);
		left -= n;
	}
	KUNIT_EXPECT_EQ(test, left, 0);
}

static void queue_is_worked_from_both_ends(struct kunit *test)
{
	struct pcpool_queue *q = new_queue(test);
	unsigned int lo = 0, hi = 500, i, n;
	void *objs[7];

	queue_push(test, q, 0, 500);
	for (i = 0; lo < hi; i++) {
		if (i % 3) {
			n = queue_pop_tail(q, objs, 1 + i % 7, false);
			EXPECT_VALUES(test, objs, n, lo, 1);
			lo += n;
		} else {
			n = queue_pop_head(q, objs, 1 + i % 7);
			EXPECT_VALUES(test, objs, n, hi - 1, -1);
			hi -= n;
		}
		KUNIT_ASSERT_GT(test, n, 0);
	}
	KUNIT_EXPECT_EQ(test, lo, hi);
	KUNIT_EXPECT_EQ(test, pcpool_queue_count(q), 0);
}

static void consumers_drop_the_rings_they_have_emptied(struct kunit *test)
{
	struct pcpool_queue *q = new_queue(test);
	struct pcpool_ring *first;
	void *objs[32];

	queue_push(test, q, 0, 33);
	first = q->tail;
	KUNIT_ASSERT_PTR_NE(test, first, q->head);
	KUNIT_ASSERT_EQ(test, queue_pop_tail(q, objs, 32, false), 32);
	/* Only who finds it empty drops it. */
	KUNIT_EXPECT_PTR_EQ(test, q->tail, first);
	KUNIT_ASSERT_EQ(test, queue_pop_tail(q, objs, 32, false), 1);
	KUNIT_EXPECT_PTR_EQ(test, objs[0], value(32));
	KUNIT_EXPECT_PTR_EQ(test, q->tail, q->head);
	KUNIT_EXPECT_NULL(test, q->head->older);
}

static void the_newest_ring_stays_however_empty(struct kunit *test)
{
	struct pcpool_queue *q = new_queue(test);
	void *objs[32];

	queue_push(test, q, 0, 5);
	KUNIT_ASSERT_EQ(test, queue_pop_tail(q, objs, 32, false), 5);
	KUNIT_EXPECT_EQ(test, queue_pop_tail(q, objs, 32, false), 0);
	KUNIT_EXPECT_EQ(test, queue_pop_head(q, objs, 32), 0);
	KUNIT_ASSERT_NOT_NULL(test, q->tail);
	KUNIT_EXPECT_PTR_EQ(test, q->tail, q->head);
	objs[0] = value(5);
	KUNIT_EXPECT_EQ(test, pcpool_queue_push(q, objs, 1), 1);
	KUNIT_EXPECT_EQ(test, queue_pop_tail(q, objs, 32, false), 1);
}

static void only_an_empty_queue_is_released(struct kunit *test)
{
	struct pcpool_queue *q = new_queue(test);
	void *objs[32];

	KUNIT_EXPECT_TRUE(test, queue_release(q));
	queue_push(test, q, 0, 100);
	KUNIT_EXPECT_FALSE(test, queue_release(q));
	KUNIT_EXPECT_EQ(test, pcpool_queue_count(q), 100);
	while (queue_pop_tail(q, objs, 32, false))
		;
	KUNIT_EXPECT_TRUE(test, queue_release(q));
	KUNIT_EXPECT_NULL(test, q->head);
	KUNIT_EXPECT_NULL(test, q->tail);
	KUNIT_EXPECT_EQ(test, pcpool_queue_next_size(q), PCPOOL_RING_MIN);
	queue_push(test, q, 0, 100);
	KUNIT_EXPECT_EQ(test, queue_pop_tail(q, objs, 1, false), 1);
	KUNIT_EXPECT_PTR_EQ(test, objs[0], value(0));
}

static void a_queue_with_one_object_in_an_old_ring_is_not_released(struct kunit *test)
{
	struct pcpool_queue *q = new_queue(test);
	void *obj = value(0);

	KUNIT_ASSERT_TRUE(test, add_ring(q, 0));
	KUNIT_ASSERT_EQ(test, pcpool_queue_push(q, &obj, 1), 1);
	KUNIT_ASSERT_TRUE(test, add_ring(q, 0));
	KUNIT_EXPECT_FALSE(test, queue_release(q));
	KUNIT_EXPECT_EQ(test, queue_pop_head(q, &obj, 1), 1);
	KUNIT_EXPECT_TRUE(test, queue_release(q));
}

/* --- Many at once ---------------------------------------------------------------- */

/**
 * struct traffic - values on their way through a ring or a queue
 * @ring: the ring, or NULL
 * @queue: the queue, if not
 * @seen: how often each value has been popped
 * @size: how many values there are
 * @pushed: how many were pushed
 * @all_pushed: no more will come
 * @bad: pops of what was never pushed, or was popped before
 * @disorder: values that one consumer saw after a newer one
 * @batch: the most to push or pop at a time
 * @keep: how many to leave in the queue, so that producer and consumers meet
 * @spin: how long a slow consumer sits on what it has claimed
 * @head: how often of 8 times the producer pops at the head
 * @rings: how many rings were added
 * @watched: what those have done whose progress the producer waits for
 * @nr_watched: how many they are
 * @rnd: random numbers of an interrupt that is the producer
 */
struct traffic {
	struct pcpool_ring *ring;
	struct pcpool_queue *queue;
	u8 *seen;
	unsigned long size;
	unsigned long pushed;
	bool all_pushed;
	atomic_t bad;
	atomic_t disorder;
	unsigned int batch;
	unsigned int keep;
	unsigned int spin;
	unsigned int head;
	unsigned int rings;
	unsigned long *watched[4];
	unsigned int nr_watched;
	struct rnd_state rnd;
};

/* Where the indexes of a ring begin: they wrap before long. */
#define FLOW_START	(U32_MAX - 100)

static void see(struct traffic *t, void *obj)
{
	unsigned long i = (unsigned long)obj / 8 - 1;

	/* Whoever pops a value is the only one to touch its byte. */
	if (!obj || (unsigned long)obj % 8 || i >= t->size ||
	    cmpxchg(&t->seen[i], 0, 1) != 0)
		atomic_inc(&t->bad);
}

static unsigned long traffic_count(struct traffic *t)
{
	unsigned long n;

	if (t->ring)
		return pcpool_ring_count(t->ring);
	rcu_read_lock();
	n = pcpool_queue_count(t->queue);
	rcu_read_unlock();
	return n;
}

/* For consumers: until all is popped, or that takes far too long. */
static bool traffic_flows(struct traffic *t, struct kt_worker *worker)
{
	cond_resched();
	/* Pairs with the release in the producer: its last push is seen then. */
	return (!smp_load_acquire(&t->all_pushed) || traffic_count(t)) &&
	       time_before(jiffies, worker->gang->stop_at + 20 * HZ);
}

static void consume(struct kt_worker *worker)
{
	struct traffic *t = worker->arg;
	void *objs[32], *last = NULL;
	unsigned int i, n;

	while (traffic_flows(t, worker)) {
		n = 1 + kt_random(worker, t->batch);
		if (t->ring)
			n = pcpool_ring_pop_tail(t->ring, objs, n,
						 kt_random(worker, 2));
		else
			n = queue_pop_tail(t->queue, objs, n,
					   kt_random(worker, 2));
		for (i = 0; i < n; i++) {
			see(t, objs[i]);
			/* The producer counts up, so the tail does too. */
			if (objs[i] <= last)
				atomic_inc(&t->disorder);
			last = objs[i];
		}
		kt_did_many(worker, n);
	}
}

/* As consume(), but stops between claiming and reading, like one that is preempted. */
static void consume_slowly(struct kt_worker *worker)
{
	struct traffic *t = worker->arg;
	struct pcpool_ring *ring;
	unsigned int i, n;
	s64 old;

	while (traffic_flows(t, worker)) {
		rcu_read_lock();
		/* As the queue's own consumers do. */
		ring = t->ring ?: smp_load_acquire(&t->queue->tail);
		n = 0;
		if (ring) {
			old = atomic64_read(&ring->ends);
			do {
				n = min((u32)((u64)old >> 32) - (u32)old,
					1 + kt_random(worker, t->batch));
			} while (!atomic64_try_cmpxchg_acquire(&ring->ends, &old,
					ends((u64)old >> 32, (u32)old + n)));
		}
		for (i = 0; i < n; i++) {
			unsigned int spin = kt_random(worker, t->spin + 1);

			while (spin--)
				cpu_relax();
			see(t, finish(ring, (u32)old + i));
		}
		rcu_read_unlock();
		/* What is behind an empty ring is for the others to reach. */
		kt_did_many(worker, n);
	}
}

/* How far the one has come who has done least; nowhere before indexes have wrapped. */
static unsigned long least_done(struct traffic *t)
{
	unsigned long least = KT_MINIMUM;
	unsigned int i;

	if (t->ring ? (u32)atomic64_read(&t->ring->ends) >= FLOW_START :
		      t->rings < 2)
		return 0;
	for (i = 0; i < t->nr_watched; i++)
		least = min(least, READ_ONCE(*t->watched[i]));
	return least;
}

static void produce(struct kt_worker *worker)
{
	struct traffic *t = worker->arg;
	unsigned int i, n, got;
	void *objs[32];

	while (t->pushed < t->size && kt_goes_on_for(worker, least_done(t))) {
		n = min(1UL + kt_random(worker, t->batch), t->size - t->pushed);
		for (i = 0; i < n; i++)
			objs[i] = value(t->pushed + i);
		if (traffic_count(t) < t->keep) {
			got = t->ring ? pcpool_ring_push(t->ring, objs, n) :
					pcpool_queue_push(t->queue, objs, n);
			t->pushed += got;
			if (!t->ring && got < n) {
				/* Wraps soon, in each ring. */
				t->rings += add_ring(t->queue,
						     U32_MAX - 5 * t->rings);
			}
		}
		/* In the second half those who have got little so far come first. */
		if (kt_random(worker, 8) < t->head &&
		    (t->pushed < t->size / 2 || least_done(t) >= KT_MINIMUM)) {
			n = 1 + kt_random(worker, t->batch);
			got = t->ring ? pcpool_ring_pop_head(t->ring, objs, n) :
					queue_pop_head(t->queue, objs, n);
			for (i = 0; i < got; i++)
				see(t, objs[i]);
			kt_did_many(worker, got);
		}
		if (t->queue && !kt_random(worker, 64))
			queue_release(t->queue);
	}
	/* Pairs with the acquire in traffic_flows(). */
	smp_store_release(&t->all_pushed, true);
}

struct flow {
	char name[60];
	unsigned int size;
	unsigned int consumers;
	unsigned int slow;
	unsigned int batch;
	unsigned int keep;
	unsigned int head;
	bool queue;
};

static const struct flow flows[] = {
	{ "ring: one consumer", 64, 1, 0, 8, 64, 2 },
	{ "ring: three consumers", 64, 3, 0, 8, 64, 2 },
	{ "ring: three consumers, one by one", 8, 3, 0, 1, 8, 2 },
	/* head and tail meet all the time, and the ring looks the same with others in it */
	{ "ring: nearly empty", 8, 3, 0, 2, 2, 7 },
	{ "ring: two of three consumers slow", 32, 3, 2, 6, 32, 2 },
	{ "ring: all consumers slow", 16, 3, 3, 4, 16, 4 },
	{ "queue: one consumer", 0, 1, 0, 8, 200, 1, true },
	{ "queue: three consumers", 0, 3, 0, 16, 2000, 2, true },
	{ "queue: nearly empty", 0, 3, 0, 2, 2, 6, true },
	{ "queue: two of three consumers slow", 0, 3, 2, 8, 500, 1, true },
};

KUNIT_ARRAY_PARAM_DESC(flow, flows, name);

static void vfree_action(void *p)
{
	vfree(p);
}

static struct traffic *new_traffic(struct kunit *test)
{
	const struct flow *flow = test->param_value;
	struct traffic *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, t);
	t->size = kt_scaled(2000000);
	t->seen = vzalloc(t->size);
	KUNIT_ASSERT_NOT_NULL(test, t->seen);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, vfree_action, t->seen));
	t->batch = flow->batch;
	t->keep = flow->keep;
	t->head = flow->head;
	t->spin = 200;
	if (flow->queue)
		t->queue = new_queue(test);
	else
		t->ring = new_ring(test, flow->size, FLOW_START);
	return t;
}

/* When all is quiet: each value that was pushed has been popped, and no other. */
static void expect_all_seen(struct kunit *test, struct traffic *t)
{
	unsigned long i, missed = 0, extra = 0;

	KUNIT_EXPECT_EQ(test, traffic_count(t), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->bad), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->disorder), 0);
	for (i = 0; i < t->size; i++) {
		missed += i < t->pushed && !t->seen[i];
		extra += i >= t->pushed && t->seen[i];
	}
	KUNIT_EXPECT_EQ(test, missed, 0);
	KUNIT_EXPECT_EQ(test, extra, 0);

	/* It wrapped, or the chain grew; else it has shown nothing. */
	KUNIT_EXPECT_GT(test, t->pushed, 100);
	if (t->queue)
		KUNIT_EXPECT_GT(test, t->rings, 1);
	else
		KUNIT_EXPECT_LT(test, (u32)atomic64_read(&t->ring->ends),
				FLOW_START);
}

static void every_value_is_popped_exactly_once(struct kunit *test)
{
	const struct flow *flow = test->param_value;
	unsigned int i, cpus = num_online_cpus();
	struct traffic *t = new_traffic(test);
	struct kt_gang *gang;

	kt_cpu(test, 1);
	gang = kt_gang_new(test);
	t->watched[t->nr_watched++] =
		&kt_gang_add(gang, kt_cpu(test, 0), produce, t)->done;
	for (i = 0; i < flow->consumers; i++)
		t->watched[t->nr_watched++] =
			&kt_gang_add(gang, kt_cpu(test, 1 + i % (cpus - 1)),
				     i < flow->slow ? consume_slowly : consume,
				     t)->done;
	kt_gang_start(gang, 250);
	kt_gang_join(gang);
	expect_all_seen(test, t);
}

static void consume_in_interrupt(void *data)
{
	struct kt_worker *worker = data;
	struct traffic *t = worker->arg;
	void *objs[32];
	unsigned int i, n;

	n = t->ring ? pcpool_ring_pop_tail(t->ring, objs, t->batch, false) :
		      pcpool_queue_pop_tail(t->queue, objs, t->batch, false);
	for (i = 0; i < n; i++)
		see(t, objs[i]);
	kt_did_many(worker, n);
}

static void produce_under_interrupts(struct kt_worker *worker)
{
	static struct kt_worker in_interrupt;
	static struct kt_ticker ticker;
	struct traffic *t = worker->arg;

	in_interrupt.arg = t;
	in_interrupt.done = 0;
	t->watched[t->nr_watched++] = &in_interrupt.done;
	kt_ticker_start(&ticker, false, consume_in_interrupt, &in_interrupt);
	produce(worker);
	kt_ticker_stop(&ticker);
	worker->done = in_interrupt.done;
}

static void an_interrupt_of_the_producer_can_pop_at_the_tail(struct kunit *test)
{
	struct traffic *t = new_traffic(test);
	struct kt_gang *gang = kt_gang_new(test);
	void *obj;

	kt_gang_add(gang, kt_cpu(test, 0), produce_under_interrupts, t);
	kt_gang_start(gang, 250);
	kt_gang_join(gang);
	while (t->ring ? pcpool_ring_pop_tail(t->ring, &obj, 1, false) :
			 queue_pop_tail(t->queue, &obj, 1, false))
		see(t, obj);
	expect_all_seen(test, t);
}

/*
 * The producer as an interrupt of a consumer. Mostly it leaves the ring as if nothing had
 * happened: with as many values as before, in the same slots, but others.
 */
static void exchange_values(void *data)
{
	struct traffic *t = data;
	unsigned int i, n, count = 0;
	void *objs[32];

	while ((n = pcpool_ring_pop_head(t->ring, objs, ARRAY_SIZE(objs)))) {
		for (i = 0; i < n; i++)
			see(t, objs[i]);
		count += n;
	}
	if (!count || !(prandom_u32_state(&t->rnd) % 4))
		count = t->ring->size;
	count = min(count, t->size - t->pushed);
	for (; count; count -= n) {
		n = min(count, ARRAY_SIZE(objs));
		for (i = 0; i < n; i++)
			objs[i] = value(t->pushed + i);
		n = pcpool_ring_push(t->ring, objs, n);
		t->pushed += n;
		if (!n)
			break;
	}
}

static void consume_under_storm(struct kt_worker *worker)
{
	struct traffic *t = worker->arg;
	void *objs[4];
	unsigned int i, n;

	while (kt_goes_on_for(worker, least_done(t))) {
		n = 1 + kt_random(worker, ARRAY_SIZE(objs));
		n = pcpool_ring_pop_tail(t->ring, objs, n, false);
		for (i = 0; i < n; i++)
			see(t, objs[i]);
		kt_did_many(worker, n);
	}
}

static void an_interrupt_of_a_consumer_can_work_at_the_head(struct kunit *test)
{
	struct traffic *t = new_traffic(test);
	static struct kt_storm storm;
	struct kt_worker *consumer;
	struct kt_gang *gang;
	void *obj;

	prandom_seed_state(&t->rnd, 1);
	gang = kt_gang_new(test);
	consumer = kt_gang_add(gang, kt_cpu(test, 0), consume_under_storm, t);
	t->watched[t->nr_watched++] = &consumer->done;
	kt_gang_add_storm(gang, &storm, consumer, exchange_values, t);
	kt_gang_start(gang, 250);
	kt_gang_join(gang);
	while (pcpool_ring_pop_tail(t->ring, &obj, 1, false))
		see(t, obj);
	expect_all_seen(test, t);
}

/* The consumer empties it between two interrupts; or not. */
static const struct flow exchange_flows[] = {
	{ "ring of 64", 64 },
	{ "ring of 1024", 1024 },
};

KUNIT_ARRAY_PARAM_DESC(exchange_flow, exchange_flows, name);

static const struct flow nested_flows[] = {
	{ "ring", 8, 0, 0, 4, 8, 4 },
	{ "queue", 0, 0, 0, 4, 100, 3, true },
};

KUNIT_ARRAY_PARAM_DESC(nested_flow, nested_flows, name);

static struct kunit_case queue_cases[] = {
	KUNIT_CASE_PARAM(ring_pops_the_newest_at_the_head, start_gen_params),
	KUNIT_CASE_PARAM(ring_pops_the_oldest_at_the_tail, start_gen_params),
	KUNIT_CASE_PARAM(ring_takes_as_much_as_it_has_slots, start_gen_params),
	KUNIT_CASE_PARAM(ring_keeps_order_while_its_indexes_wrap,
			 start_gen_params),
	KUNIT_CASE_PARAM(half_a_ring_is_rounded_up, half_gen_params),
	KUNIT_CASE_PARAM(push_leaves_alone_what_a_consumer_has_claimed,
			 start_gen_params),
	KUNIT_CASE_PARAM(a_stopped_consumer_stops_no_other, start_gen_params),
	KUNIT_CASE(a_new_queue_holds_and_takes_nothing),
	KUNIT_CASE(rings_double_up_to_the_largest),
	KUNIT_CASE(room_is_what_a_push_takes),
	KUNIT_CASE(queue_pops_the_oldest_across_its_rings),
	KUNIT_CASE(queue_pops_the_newest_across_its_rings),
	KUNIT_CASE(queue_is_worked_from_both_ends),
	KUNIT_CASE(a_move_goes_from_tail_to_head),
	KUNIT_CASE(consumers_drop_the_rings_they_have_emptied),
	KUNIT_CASE(the_newest_ring_stays_however_empty),
	KUNIT_CASE(only_an_empty_queue_is_released),
	KUNIT_CASE(a_queue_with_one_object_in_an_old_ring_is_not_released),
	KUNIT_CASE_PARAM(every_value_is_popped_exactly_once, flow_gen_params),
	KUNIT_CASE_PARAM(an_interrupt_of_the_producer_can_pop_at_the_tail,
			 nested_flow_gen_params),
	KUNIT_CASE_PARAM(an_interrupt_of_a_consumer_can_work_at_the_head,
			 exchange_flow_gen_params),
	{}
};

static struct kunit_suite queue_suite = {
	.name = "pcpool_queue",
	.test_cases = queue_cases,
};

kunit_test_suites(&queue_suite);
