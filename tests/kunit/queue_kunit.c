// SPDX-License-Identifier: GPL-2.0
/*
 * The shared queue by itself: the fixed ring, and the growing chain of rings.
 * Single-threaded cases show what each function does, and what it does if a consumer is
 * stopped half-way. Concurrent cases show that every pushed value is popped exactly
 * once. Indexes start just below their limit, so that they wrap.
 */
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "common.h"

static s64 ends(u32 head, u32 tail)
{
	return (s64)((u64)head << 32 | tail);
}

/* Values that are not NULL, and encode their number. */
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

/* Push @n values from @from on. Returns how many were pushed. */
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

static void ring_accepts_as_many_values_as_it_has_slots(struct kunit *test)
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
	unsigned int pushed;
	unsigned int requested;
	unsigned int got;
	char name[32];
};

static const struct half halves[] = {
	{ 0, 32, 0, "0 values: none" },
	{ 1, 32, 1, "1 value: 1" },
	{ 2, 32, 1, "2 values: 1" },
	{ 3, 32, 2, "3 values: 2" },
	{ 32, 32, 16, "32 values: 16" },
	{ 31, 32, 16, "31 values: 16" },
	{ 32, 5, 5, "32 values, at most 5: 5" },
	{ 4, 2, 2, "4 values, at most 2: 2" },
};

KUNIT_ARRAY_PARAM_DESC(half, halves, name);

static void stealing_half_rounds_up(struct kunit *test)
{
	const struct half *half = test->param_value;
	struct pcpool_ring *ring = new_ring(test, 32, U32_MAX - 5);
	void *objs[32];

	KUNIT_ASSERT_EQ(test, push(ring, 0, half->pushed), half->pushed);
	KUNIT_EXPECT_EQ(test, half->got,
			pcpool_ring_pop_tail(ring, objs, half->requested, true));
	EXPECT_VALUES(test, objs, half->got, 0, 1);
	KUNIT_EXPECT_EQ(test, pcpool_ring_count(ring),
			half->pushed - half->got);
}

/*
 * Claim slots like a consumer that is then stopped before it reads them: by an
 * interrupt, a hypervisor, or a preempting task.
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

static void push_does_not_overwrite_claimed_slots(struct kunit *test)
{
	struct pcpool_ring *ring = new_ring(test, 8, *(u32 *)test->param_value);
	void *objs[8];
	u32 tail;

	KUNIT_ASSERT_EQ(test, push(ring, 0, 8), 8);
	tail = claim(ring, 3);
	/* By the indexes three slots are free, but the consumer has not emptied them. */
	KUNIT_EXPECT_EQ(test, push(ring, 8, 3), 0);
	KUNIT_EXPECT_PTR_EQ(test, finish(ring, tail), value(0));
	KUNIT_EXPECT_EQ(test, push(ring, 8, 3), 1);
	/* The third slot is empty, but not the second: a push needs consecutive slots. */
	KUNIT_EXPECT_PTR_EQ(test, finish(ring, tail + 2), value(2));
	KUNIT_EXPECT_EQ(test, push(ring, 9, 2), 0);
	KUNIT_EXPECT_PTR_EQ(test, finish(ring, tail + 1), value(1));
	KUNIT_EXPECT_EQ(test, push(ring, 9, 2), 2);
	KUNIT_ASSERT_EQ(test, pcpool_ring_pop_tail(ring, objs, 8, false), 8);
	EXPECT_VALUES(test, objs, 8, 3, 1);
}

static void a_stopped_consumer_does_not_block_others(struct kunit *test)
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
	/* The memory of the rings is freed before the case ends. */
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

/* Push @n values from @from on. Adds rings as needed. */
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

/*
 * The indexes of these rings start ten below the point where they wrap and the ring's
 * end is reached.
 */
static void a_move_takes_from_the_tail_and_adds_to_the_head(struct kunit *test)
{
	struct pcpool_queue *q = new_queue(test), *to = new_queue(test);
	void *obj;
	unsigned long i;

	queue_push(test, q, 0, 30);
	KUNIT_EXPECT_EQ(test, queue_move(q, to, 30), 0);
	queue_push(test, to, 100, 1);
	/* A move takes a contiguous piece, which ends where the ring wraps. */
	KUNIT_EXPECT_EQ(test, queue_move(q, to, 30), 9);
	KUNIT_EXPECT_EQ(test, queue_move(q, to, 5), 5);
	KUNIT_EXPECT_EQ(test, queue_move(q, to, 100), 16);
	KUNIT_EXPECT_EQ(test, queue_move(q, to, 100), 0);
	KUNIT_EXPECT_EQ(test, pcpool_queue_count(q), 0);
	KUNIT_EXPECT_EQ(test, pcpool_queue_count(to), 31);
	/* One slot is free, so only one value is moved. */
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

static void a_new_queue_is_empty_and_has_no_room(struct kunit *test)
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

/* A put may allocate a ring: neither large nor rounded up by much. */
static void rings_take_little_memory(struct kunit *test)
{
	unsigned int size;

	for (size = PCPOOL_RING_MIN; size <= PCPOOL_RING_MAX; size *= 2) {
		struct pcpool_ring *ring = pcpool_ring_alloc(size, GFP_KERNEL, NUMA_NO_NODE);
		size_t bytes = pcpool_ring_bytes(size);

		KUNIT_ASSERT_NOT_NULL(test, ring);
		KUNIT_EXPECT_EQ(test, pcpool_ring_count(ring), 0);
		KUNIT_EXPECT_GE(test, bytes, size * sizeof(void *));
		KUNIT_EXPECT_LE(test, bytes, size * sizeof(void *) + PAGE_SIZE);
		KUNIT_EXPECT_LE(test, get_order(bytes), 5);
		pcpool_ring_free(ring);
	}
}

static void room_is_the_number_that_a_push_accepts(struct kunit *test)
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

static void queue_pops_from_both_ends(struct kunit *test)
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

static void consumers_drop_empty_old_rings(struct kunit *test)
{
	struct pcpool_queue *q = new_queue(test);
	struct pcpool_ring *first;
	void *objs[32];

	queue_push(test, q, 0, 33);
	first = q->tail;
	KUNIT_ASSERT_PTR_NE(test, first, q->head);
	KUNIT_ASSERT_EQ(test, queue_pop_tail(q, objs, 32, false), 32);
	/* Only a consumer that finds the ring empty drops it. */
	KUNIT_EXPECT_PTR_EQ(test, q->tail, first);
	KUNIT_ASSERT_EQ(test, queue_pop_tail(q, objs, 32, false), 1);
	KUNIT_EXPECT_PTR_EQ(test, objs[0], value(32));
	KUNIT_EXPECT_PTR_EQ(test, q->tail, q->head);
	KUNIT_EXPECT_NULL(test, q->head->older);
}

static void the_newest_ring_is_kept_when_empty(struct kunit *test)
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

static void a_queue_with_a_value_in_an_old_ring_is_not_released(struct kunit *test)
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
 * struct load - values that pass through a ring or a queue
 * @ring: the ring, or NULL
 * @queue: the queue, if @ring is NULL
 * @seen: which values have been popped
 * @size: number of values
 * @pushed: number of values pushed
 * @all_pushed: no more values will be pushed
 * @bad: number of pops of a value never pushed, or popped before
 * @disorder: number of values that a consumer popped after a newer one
 * @batch: maximum number of values to push or pop at a time
 * @keep: number of values to leave in the queue, so that producer and consumers meet
 * @spin: how long a slow consumer delays after claiming slots
 * @head: how often out of 8 times the producer pops at the head
 * @rings: number of rings added
 * @watched: progress of the consumers that the producer waits for
 * @nr_watched: number of entries in @watched
 * @rnd: random numbers, if the producer is an interrupt
 */
struct load {
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

/* Initial indexes of a ring: they wrap soon. */
#define LOAD_START	(U32_MAX - 100)

static void mark_seen(struct load *t, void *obj)
{
	unsigned long i = (unsigned long)obj / 8 - 1;

	/* Only the consumer of a value writes its byte. */
	if (!obj || (unsigned long)obj % 8 || i >= t->size ||
	    cmpxchg(&t->seen[i], 0, 1) != 0)
		atomic_inc(&t->bad);
}

static unsigned long load_count(struct load *t)
{
	unsigned long n;

	if (t->ring)
		return pcpool_ring_count(t->ring);
	rcu_read_lock();
	n = pcpool_queue_count(t->queue);
	rcu_read_unlock();
	return n;
}

/* For consumers: true until all values are popped, or a time limit has passed. */
static bool load_continues(struct load *t, struct kt_worker *worker)
{
	cond_resched();
	/* Pairs with the release in the producer: its last push is seen then. */
	return (!smp_load_acquire(&t->all_pushed) || load_count(t)) &&
	       time_before(jiffies, worker->gang->stop_at + 20 * HZ);
}

static void consume(struct kt_worker *worker)
{
	struct load *t = worker->arg;
	void *objs[32], *last = NULL;
	unsigned int i, n;

	while (load_continues(t, worker)) {
		n = 1 + kt_random(worker, t->batch);
		if (t->ring)
			n = pcpool_ring_pop_tail(t->ring, objs, n,
						 kt_random(worker, 2));
		else
			n = queue_pop_tail(t->queue, objs, n,
					   kt_random(worker, 2));
		for (i = 0; i < n; i++) {
			mark_seen(t, objs[i]);
			/*
			 * The producer pushes increasing values, so the tail returns
			 * them in this order.
			 */
			if (objs[i] <= last)
				atomic_inc(&t->disorder);
			last = objs[i];
		}
		kt_progress_by(worker, n);
	}
}

/* As consume(), but delays between claiming and reading, like a preempted consumer. */
static void consume_slowly(struct kt_worker *worker)
{
	struct load *t = worker->arg;
	struct pcpool_ring *ring;
	unsigned int i, n;
	s64 old;

	while (load_continues(t, worker)) {
		rcu_read_lock();
		/* As in pcpool_queue_pop_tail(). */
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
			mark_seen(t, finish(ring, (u32)old + i));
		}
		rcu_read_unlock();
		/* Other consumers drop an empty ring. */
		kt_progress_by(worker, n);
	}
}

/* Progress of the slowest consumer; 0 until the indexes have wrapped. */
static unsigned long least_progress(struct load *t)
{
	unsigned long least = KT_MINIMUM;
	unsigned int i;

	if (t->ring ? (u32)atomic64_read(&t->ring->ends) >= LOAD_START :
		      t->rings < 2)
		return 0;
	for (i = 0; i < t->nr_watched; i++)
		least = min(least, READ_ONCE(*t->watched[i]));
	return least;
}

static void produce(struct kt_worker *worker)
{
	struct load *t = worker->arg;
	unsigned int i, n, got;
	void *objs[32];

	while (t->pushed < t->size && kt_keep_running_for(worker, least_progress(t))) {
		n = min(1UL + kt_random(worker, t->batch), t->size - t->pushed);
		for (i = 0; i < n; i++)
			objs[i] = value(t->pushed + i);
		if (load_count(t) < t->keep) {
			got = t->ring ? pcpool_ring_push(t->ring, objs, n) :
					pcpool_queue_push(t->queue, objs, n);
			t->pushed += got;
			if (!t->ring && got < n) {
				/* The indexes of each ring wrap soon. */
				t->rings += add_ring(t->queue,
						     U32_MAX - 5 * t->rings);
			}
		}
		/* In the second half, pop at the head only if all consumers have made progress. */
		if (kt_random(worker, 8) < t->head &&
		    (t->pushed < t->size / 2 || least_progress(t) >= KT_MINIMUM)) {
			n = 1 + kt_random(worker, t->batch);
			got = t->ring ? pcpool_ring_pop_head(t->ring, objs, n) :
					queue_pop_head(t->queue, objs, n);
			for (i = 0; i < got; i++)
				mark_seen(t, objs[i]);
			kt_progress_by(worker, got);
		}
		if (t->queue && !kt_random(worker, 64))
			queue_release(t->queue);
	}
	/* Pairs with the acquire in load_continues(). */
	smp_store_release(&t->all_pushed, true);
}

struct setup {
	char name[60];
	unsigned int size;
	unsigned int consumers;
	unsigned int slow;
	unsigned int batch;
	unsigned int keep;
	unsigned int head;
	bool queue;
};

static const struct setup setups[] = {
	{ "ring: one consumer", 64, 1, 0, 8, 64, 2 },
	{ "ring: three consumers", 64, 3, 0, 8, 64, 2 },
	{ "ring: three consumers, one by one", 8, 3, 0, 1, 8, 2 },
	/* head and tail meet often, and the indexes repeat with other values in the ring */
	{ "ring: nearly empty", 8, 3, 0, 2, 2, 7 },
	{ "ring: two of three consumers slow", 32, 3, 2, 6, 32, 2 },
	{ "ring: all consumers slow", 16, 3, 3, 4, 16, 4 },
	{ "queue: one consumer", 0, 1, 0, 8, 200, 1, true },
	{ "queue: three consumers", 0, 3, 0, 16, 2000, 2, true },
	{ "queue: nearly empty", 0, 3, 0, 2, 2, 6, true },
	{ "queue: two of three consumers slow", 0, 3, 2, 8, 500, 1, true },
};

KUNIT_ARRAY_PARAM_DESC(setup, setups, name);

static void vfree_action(void *p)
{
	vfree(p);
}

static struct load *new_load(struct kunit *test)
{
	const struct setup *setup = test->param_value;
	struct load *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, t);
	t->size = kt_scaled(2000000);
	t->seen = vzalloc(t->size);
	KUNIT_ASSERT_NOT_NULL(test, t->seen);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, vfree_action, t->seen));
	t->batch = setup->batch;
	t->keep = setup->keep;
	t->head = setup->head;
	t->spin = 200;
	if (setup->queue)
		t->queue = new_queue(test);
	else
		t->ring = new_ring(test, setup->size, LOAD_START);
	return t;
}

/* After the load: each pushed value has been popped, and no other. */
static void expect_all_seen(struct kunit *test, struct load *t)
{
	unsigned long i, missed = 0, extra = 0;

	KUNIT_EXPECT_EQ(test, load_count(t), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->bad), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->disorder), 0);
	for (i = 0; i < t->size; i++) {
		missed += i < t->pushed && !t->seen[i];
		extra += i >= t->pushed && t->seen[i];
	}
	KUNIT_EXPECT_EQ(test, missed, 0);
	KUNIT_EXPECT_EQ(test, extra, 0);

	/* The case is meaningful only if the indexes wrapped, or the chain grew. */
	KUNIT_EXPECT_GT(test, t->pushed, 100);
	if (t->queue)
		KUNIT_EXPECT_GT(test, t->rings, 1);
	else
		KUNIT_EXPECT_LT(test, (u32)atomic64_read(&t->ring->ends),
				LOAD_START);
}

static void every_value_is_popped_exactly_once(struct kunit *test)
{
	const struct setup *setup = test->param_value;
	unsigned int i, cpus = num_online_cpus();
	struct load *t = new_load(test);
	struct kt_gang *gang;

	kt_cpu(test, 1);
	gang = kt_gang_new(test);
	t->watched[t->nr_watched++] =
		&kt_gang_add(gang, kt_cpu(test, 0), produce, t)->done;
	for (i = 0; i < setup->consumers; i++)
		t->watched[t->nr_watched++] =
			&kt_gang_add(gang, kt_cpu(test, 1 + i % (cpus - 1)),
				     i < setup->slow ? consume_slowly : consume,
				     t)->done;
	kt_gang_start(gang, 250);
	kt_gang_join(gang);
	expect_all_seen(test, t);
}

static void consume_in_interrupt(void *data)
{
	struct kt_worker *worker = data;
	struct load *t = worker->arg;
	void *objs[32];
	unsigned int i, n;

	n = t->ring ? pcpool_ring_pop_tail(t->ring, objs, t->batch, false) :
		      pcpool_queue_pop_tail(t->queue, objs, t->batch, false);
	for (i = 0; i < n; i++)
		mark_seen(t, objs[i]);
	kt_progress_by(worker, n);
}

static void produce_under_interrupts(struct kt_worker *worker)
{
	static struct kt_worker in_interrupt;
	static struct kt_ticker ticker;
	struct load *t = worker->arg;

	in_interrupt.arg = t;
	in_interrupt.done = 0;
	t->watched[t->nr_watched++] = &in_interrupt.done;
	kt_ticker_start(&ticker, false, consume_in_interrupt, &in_interrupt);
	produce(worker);
	kt_ticker_stop(&ticker);
	worker->done = in_interrupt.done;
}

static void an_interrupt_of_the_producer_can_pop_the_tail(struct kunit *test)
{
	struct load *t = new_load(test);
	struct kt_gang *gang = kt_gang_new(test);
	void *obj;

	kt_gang_add(gang, kt_cpu(test, 0), produce_under_interrupts, t);
	kt_gang_start(gang, 250);
	kt_gang_join(gang);
	while (t->ring ? pcpool_ring_pop_tail(t->ring, &obj, 1, false) :
			 queue_pop_tail(t->queue, &obj, 1, false))
		mark_seen(t, obj);
	expect_all_seen(test, t);
}

/*
 * The producer runs in an interrupt of a consumer. Mostly it leaves the ring looking
 * unchanged: with as many values as before in the same slots, but other values.
 */
static void exchange_values(void *data)
{
	struct load *t = data;
	unsigned int i, n, count = 0;
	void *objs[32];

	while ((n = pcpool_ring_pop_head(t->ring, objs, ARRAY_SIZE(objs)))) {
		for (i = 0; i < n; i++)
			mark_seen(t, objs[i]);
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
	struct load *t = worker->arg;
	void *objs[4];
	unsigned int i, n;

	while (kt_keep_running_for(worker, least_progress(t))) {
		n = 1 + kt_random(worker, ARRAY_SIZE(objs));
		n = pcpool_ring_pop_tail(t->ring, objs, n, false);
		for (i = 0; i < n; i++)
			mark_seen(t, objs[i]);
		kt_progress_by(worker, n);
	}
}

static void an_interrupt_of_a_consumer_can_use_the_head(struct kunit *test)
{
	struct load *t = new_load(test);
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
		mark_seen(t, obj);
	expect_all_seen(test, t);
}

/* The consumer may or may not empty the ring between two interrupts. */
static const struct setup exchange_setups[] = {
	{ "ring of 64", 64 },
	{ "ring of 1024", 1024 },
};

KUNIT_ARRAY_PARAM_DESC(exchange_setup, exchange_setups, name);

static const struct setup nested_setups[] = {
	{ "ring", 8, 0, 0, 4, 8, 4 },
	{ "queue", 0, 0, 0, 4, 100, 3, true },
};

KUNIT_ARRAY_PARAM_DESC(nested_setup, nested_setups, name);

static struct kunit_case queue_cases[] = {
	KUNIT_CASE_PARAM(ring_pops_the_newest_at_the_head, start_gen_params),
	KUNIT_CASE_PARAM(ring_pops_the_oldest_at_the_tail, start_gen_params),
	KUNIT_CASE_PARAM(ring_accepts_as_many_values_as_it_has_slots, start_gen_params),
	KUNIT_CASE_PARAM(ring_keeps_order_while_its_indexes_wrap,
			 start_gen_params),
	KUNIT_CASE_PARAM(stealing_half_rounds_up, half_gen_params),
	KUNIT_CASE_PARAM(push_does_not_overwrite_claimed_slots,
			 start_gen_params),
	KUNIT_CASE_PARAM(a_stopped_consumer_does_not_block_others, start_gen_params),
	KUNIT_CASE(a_new_queue_is_empty_and_has_no_room),
	KUNIT_CASE(rings_double_up_to_the_largest),
	KUNIT_CASE(rings_take_little_memory),
	KUNIT_CASE(room_is_the_number_that_a_push_accepts),
	KUNIT_CASE(queue_pops_the_oldest_across_its_rings),
	KUNIT_CASE(queue_pops_the_newest_across_its_rings),
	KUNIT_CASE(queue_pops_from_both_ends),
	KUNIT_CASE(a_move_takes_from_the_tail_and_adds_to_the_head),
	KUNIT_CASE(consumers_drop_empty_old_rings),
	KUNIT_CASE(the_newest_ring_is_kept_when_empty),
	KUNIT_CASE(only_an_empty_queue_is_released),
	KUNIT_CASE(a_queue_with_a_value_in_an_old_ring_is_not_released),
	KUNIT_CASE_PARAM(every_value_is_popped_exactly_once, setup_gen_params),
	KUNIT_CASE_PARAM(an_interrupt_of_the_producer_can_pop_the_tail,
			 nested_setup_gen_params),
	KUNIT_CASE_PARAM(an_interrupt_of_a_consumer_can_use_the_head,
			 exchange_setup_gen_params),
	{}
};

static struct kunit_suite queue_suite = {
	.name = "pcpool_queue",
	.test_cases = queue_cases,
};

kunit_test_suites(&queue_suite);
