// SPDX-License-Identifier: GPL-2.0
/*
 * Debug mode: each kind of misuse is detected every time, and corrupts nothing. The
 * cases check the number of reports; the text of a report goes to the log.
 */
#include <linux/kasan.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "common.h"
#include "record.h"
#include "registry.h"

/* Objects are real memory, since their contents matter here. */
#define BYTES	200u

static void *mem_alloc(gfp_t gfp, void *ctx)
{
	return kzalloc(BYTES, gfp);
}

static void mem_free(void *obj, void *ctx)
{
	kfree(obj);
}

static const struct pcpool_ops mem_ops = { .alloc = mem_alloc, .free = mem_free };

struct debugged {
	struct kunit *test;
	struct pcpool *pool;
};

static void destroy_debugged(void *data)
{
	struct debugged *d = data;

	pcpool_destroy(d->pool);
}

/*
 * All kinds of pools: with private slots, with the shared array, with credits, with
 * queues; with plain objects, whose contents are checked, and with opaque ones.
 */
struct kind {
	const char *name;
	struct pcpool_params params;
};

static const struct kind kinds[] = {
	{ "elastic", { .flags = PCPOOL_PLAIN } },
	{ "elastic, opaque", { } },
	{ "one private slot", { .flags = PCPOOL_PLAIN, .private_slots = 1 } },
	{ "cleared", { .flags = PCPOOL_ZERO_ON_PUT } },
	{ "small max_idle", { .flags = PCPOOL_PLAIN, .max_idle = 3 } },
	{ "large max_idle", { .flags = PCPOOL_PLAIN, .max_idle = 1000 } },
	{ "quota", { .flags = PCPOOL_PLAIN, .max_total = 1000 } },
	{ "reserve", { .flags = PCPOOL_PLAIN, .reserve = 2 } },
	{ "free may sleep", { .flags = PCPOOL_PLAIN | PCPOOL_FREE_MAY_SLEEP } },
};

KUNIT_ARRAY_PARAM_DESC(kind, kinds, name);

static struct pcpool *new_pool_of(struct kunit *test, const struct kind *kind, const char *name)
{
	struct debugged *d = kunit_kzalloc(test, sizeof(*d), GFP_KERNEL);
	struct pcpool_params params = kind->params;

	KUNIT_ASSERT_NOT_NULL(test, d);
	params.name = name;
	params.ops = &mem_ops;
	params.object_bytes = BYTES;
	d->test = test;
	d->pool = pcpool_create(&params);
	KUNIT_ASSERT_FALSE(test, IS_ERR(d->pool));
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, destroy_debugged, d));
	return d->pool;
}

/*
 * The pool is created in debug mode, since switching debug mode takes time. The case stays on
 * one CPU: on another one, a get might not find the object that was put last.
 */
static struct pcpool *new_pool(struct kunit *test, const char *name)
{
	bool was = pcpool_debug_default;
	struct pcpool *pool;

	kt_move_to(test, kt_cpu(test, 0));
	pcpool_debug_default = true;
	pool = new_pool_of(test, test->param_value, name);
	pcpool_debug_default = was;
	return pool;
}

static bool has_checked_contents(struct kunit *test)
{
	const struct kind *kind = test->param_value;

	return kind->params.flags & (PCPOOL_PLAIN | PCPOOL_ZERO_ON_PUT);
}

static struct pcpool_pool_stats stats(struct pcpool *pool)
{
	struct pcpool_pool_stats s;

	pcpool_stats(pool, &s);
	return s;
}

static u64 misuses(struct pcpool *pool)
{
	return stats(pool).misuses;
}

#define TIMES	20

static void correct_use_is_not_reported(struct kunit *test)
{
	struct pcpool *pool = new_pool(test, "kunit-right");
	void *objs[50];
	unsigned int i, round, n;

	for (round = 0; round < 10; round++) {
		for (i = 0; i < ARRAY_SIZE(objs); i++) {
			objs[i] = pcpool_get(pool, GFP_KERNEL);
			KUNIT_ASSERT_NOT_NULL(test, objs[i]);
			memset(objs[i], round, BYTES);
		}
		for (i = 0; i < ARRAY_SIZE(objs); i++)
			pcpool_put(pool, objs[i]);
		n = pcpool_get_bulk(pool, GFP_KERNEL, ARRAY_SIZE(objs), objs);
		pcpool_put_bulk(pool, n, objs);
		if (round % 2)
			pcpool_age(pool);
	}
	pcpool_drain(pool);
	KUNIT_EXPECT_EQ(test, misuses(pool), 0);
}

static void an_object_put_twice_is_caught(struct kunit *test)
{
	struct pcpool *pool = new_pool(test, "kunit-twice");
	void *obj, *other;
	unsigned int i;

	for (i = 1; i <= TIMES; i++) {
		obj = pcpool_get(pool, GFP_KERNEL);
		pcpool_put(pool, obj);
		pcpool_put(pool, obj);
		KUNIT_EXPECT_EQ(test, misuses(pool), i);
		/* The object is in the pool only once. */
		obj = pcpool_get(pool, GFP_KERNEL);
		other = pcpool_get(pool, GFP_KERNEL);
		KUNIT_EXPECT_PTR_NE(test, obj, other);
		pcpool_put(pool, obj);
		pcpool_put(pool, other);
	}
	KUNIT_EXPECT_EQ(test, misuses(pool), TIMES);
	KUNIT_EXPECT_EQ(test, stats(pool).outstanding, 0);
}

static void an_object_put_twice_in_one_bulk_is_caught(struct kunit *test)
{
	struct pcpool *pool = new_pool(test, "kunit-twice-bulk");
	void *objs[3];

	objs[0] = pcpool_get(pool, GFP_KERNEL);
	objs[1] = pcpool_get(pool, GFP_KERNEL);
	objs[2] = objs[0];
	pcpool_put_bulk(pool, 3, objs);
	KUNIT_EXPECT_EQ(test, misuses(pool), 1);
	KUNIT_EXPECT_EQ(test, stats(pool).outstanding, 0);
}

static void an_object_of_another_pool_is_caught(struct kunit *test)
{
	struct pcpool *pool = new_pool(test, "kunit-mine"), *other = new_pool(test, "kunit-other");
	unsigned int i;
	void *obj;

	for (i = 1; i <= TIMES; i++) {
		obj = pcpool_get(other, GFP_KERNEL);
		pcpool_put(pool, obj);
		KUNIT_EXPECT_EQ(test, misuses(pool), i);
		KUNIT_EXPECT_EQ(test, stats(pool).idle_main, stats(pool).idle_reserve);
		/* The object itself is unchanged. */
		KUNIT_EXPECT_EQ(test, stats(other).outstanding, 1);
		pcpool_put(other, obj);
	}
	KUNIT_EXPECT_EQ(test, misuses(other), 0);
}

static void a_pointer_that_is_no_object_is_caught(struct kunit *test)
{
	struct pcpool *pool = new_pool(test, "kunit-stranger");
	char *obj = kunit_kzalloc(test, BYTES, GFP_KERNEL);

	pcpool_put(pool, obj);
	KUNIT_EXPECT_EQ(test, misuses(pool), 1);
	/* An error pointer is refused too. */
	pcpool_put(pool, ERR_PTR(-ETIMEDOUT));
	KUNIT_EXPECT_EQ(test, misuses(pool), 2);
	KUNIT_EXPECT_EQ(test, stats(pool).puts, 0);
	obj = pcpool_get(pool, GFP_KERNEL);
	pcpool_put(pool, obj + 1);
	KUNIT_EXPECT_EQ(test, misuses(pool), 3);
	pcpool_put(pool, obj);
	KUNIT_EXPECT_EQ(test, misuses(pool), 3);
	KUNIT_EXPECT_EQ(test, stats(pool).puts, 1);
}

/* Write without a KASAN report. KASAN would detect this write, but debug mode is tested here. */
static void write_behind(char *p)
{
#ifdef CONFIG_KASAN_GENERIC
	u8 *shadow = kasan_mem_to_shadow(p), was = *shadow;

	*shadow = 0;
	p[0]++;
	*shadow = was;
#else
	p[0]++;
#endif
}

static void an_object_written_while_idle_is_caught(struct kunit *test)
{
	struct pcpool *pool = new_pool(test, "kunit-written");
	unsigned int i, at;
	char *obj, *again;

	for (i = 1; i <= TIMES; i++) {
		obj = pcpool_get(pool, GFP_KERNEL);
		pcpool_put(pool, obj);
		at = i * 9 % (BYTES - 8);
		write_behind(obj + at);
		again = pcpool_get(pool, GFP_KERNEL);
		KUNIT_EXPECT_PTR_EQ(test, obj, again);
		KUNIT_EXPECT_EQ(test, misuses(pool), has_checked_contents(test) ? i : 0);
		pcpool_put(pool, again);
	}
}

static void an_object_written_while_idle_is_caught_when_it_is_freed(struct kunit *test)
{
	struct pcpool *pool = new_pool(test, "kunit-freed");
	void *objs[3];
	unsigned int i;

	for (i = 0; i < 3; i++)
		objs[i] = pcpool_get(pool, GFP_KERNEL);
	/* With a reserve of two, one object is left to be freed. */
	for (i = 0; i < 3; i++)
		pcpool_put(pool, objs[i]);
	write_behind(objs[2]);
	pcpool_drain(pool);
	KUNIT_EXPECT_EQ(test, misuses(pool), has_checked_contents(test) ? 1 : 0);
}

static void writes_of_the_holder_are_not_reported(struct kunit *test)
{
	struct pcpool *pool = new_pool(test, "kunit-holder");
	void *obj = pcpool_get(pool, GFP_KERNEL);

	memset(obj, 1, BYTES);
	pcpool_put(pool, obj);
	obj = pcpool_get(pool, GFP_KERNEL);
	memset(obj, 2, BYTES);
	pcpool_put(pool, obj);
	pcpool_drain(pool);
	KUNIT_EXPECT_EQ(test, misuses(pool), 0);
}

/* The first holder puts the object and keeps using it; the second holder gets it; both put it. */
static void an_object_with_two_owners_is_caught(struct kunit *test)
{
	struct pcpool *pool = new_pool(test, "kunit-owners");
	void *first, *second;
	unsigned int i;

	for (i = 1; i <= TIMES; i++) {
		first = pcpool_get(pool, GFP_KERNEL);
		pcpool_put(pool, first);
		second = pcpool_get(pool, GFP_KERNEL);
		KUNIT_ASSERT_PTR_EQ(test, first, second);
		pcpool_put(pool, first);
		pcpool_put(pool, second);
		KUNIT_EXPECT_EQ(test, misuses(pool), i);
	}
	KUNIT_EXPECT_EQ(test, stats(pool).outstanding, 0);
}

/* Debug mode does not see this put, but reports that the object is returned twice. */
static void an_object_returned_by_two_gets_is_caught(struct kunit *test)
{
	struct pcpool *pool = new_pool(test, "kunit-handed");
	struct pcpool_core *core = pcpool_to_core(pool);
	void *obj, *again;

	obj = pcpool_get(pool, GFP_KERNEL);
	/* Simulate a fault of the pool. */
	pcpool_idle_keep(core, obj, GFP_NOWAIT);
	again = pcpool_get(pool, GFP_KERNEL);
	KUNIT_EXPECT_PTR_EQ(test, obj, again);
	KUNIT_EXPECT_EQ(test, misuses(pool), 1);
	pcpool_put(pool, again);
}

/* Read up to @n lines of "outstanding" from @pos on, as seq_file does. Returns how many. */
static unsigned int list_outstanding(struct seq_file *m, loff_t pos, unsigned int n)
{
	const struct seq_operations *ops = &pcpool_outstanding_ops;
	unsigned int lines = 0;
	void *v;

	m->count = 0;
	memset(m->buf, 0, m->size);
	v = ops->start(m, &pos);
	while (v && lines < n) {
		ops->show(m, v);
		lines++;
		v = ops->next(m, v, &pos);
	}
	ops->stop(m, v);
	return lines;
}

struct reader {
	struct seq_file m;
	struct pcpool_outstanding o;
};

static void end_reader(void *data)
{
	struct reader *reader = data;

	pcpool_outstanding_end(&reader->o);
}

/* Like an open file. It may stay open for longer than the pool exists. */
static struct seq_file *new_reader(struct kunit *test, struct pcpool *pool)
{
	struct reader *reader = kunit_kzalloc(test, sizeof(*reader), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, reader);
	reader->o.core = pcpool_to_core(pool);
	reader->m.private = &reader->o;
	reader->m.size = PAGE_SIZE;
	reader->m.buf = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, reader->m.buf);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, end_reader, reader));
	return &reader->m;
}

static void an_outstanding_object_is_listed(struct kunit *test)
{
	struct pcpool *pool = new_pool(test, "kunit-listed");
	struct seq_file *m = new_reader(test, pool);
	void *obj, *other;

	obj = pcpool_get(pool, GFP_KERNEL);
	other = pcpool_get(pool, GFP_KERNEL);
	pcpool_put(pool, other);
	/* The heading and a line for the object. */
	KUNIT_EXPECT_EQ(test, list_outstanding(m, 0, 10), 2);
	/* The list names the caller of the get, which is this function, once. */
	KUNIT_EXPECT_NOT_NULL(test, strstr(m->buf, "an_outstanding_object_is_listed"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(m->buf, current->comm));
	KUNIT_EXPECT_PTR_EQ(test, strstr(m->buf, "an_outstanding_object_is_listed"),
			    strnstr(m->buf, "an_outstanding_object_is_listed", m->count));
	KUNIT_EXPECT_NULL(test, strstr(strstr(m->buf, "outstanding_object") + 1,
				       "outstanding_object"));
	pcpool_put(pool, obj);
	KUNIT_EXPECT_EQ(test, list_outstanding(m, 0, 10), 1);
	KUNIT_EXPECT_NULL(test, strstr(m->buf, "outstanding_object"));
}

/* A reader goes on where it stopped, whatever happened to that object meanwhile. */
static void outstanding_objects_can_be_read_in_pieces(struct kunit *test)
{
	struct pcpool *pool = new_pool(test, "kunit-pieces");
	struct seq_file *m = new_reader(test, pool);
	void *objs[10];
	unsigned int i;

	for (i = 0; i < 10; i++)
		objs[i] = pcpool_get(pool, GFP_KERNEL);
	KUNIT_EXPECT_EQ(test, list_outstanding(m, 0, 5), 5);
	/* The next one is in the reader already, and its record goes. */
	pcpool_put(pool, objs[4]);
	pcpool_put(pool, objs[3]);
	pcpool_put(pool, objs[9]);
	pcpool_drain(pool);
	KUNIT_EXPECT_EQ(test, list_outstanding(m, 5, 2), 2);
	/* Again from there, as after a buffer that was too small. */
	KUNIT_EXPECT_EQ(test, list_outstanding(m, 7, 1), 1);
	KUNIT_EXPECT_EQ(test, list_outstanding(m, 8, 10), 2);
	KUNIT_EXPECT_EQ(test, list_outstanding(m, 10, 10), 0);
	/* From the beginning. */
	KUNIT_EXPECT_EQ(test, list_outstanding(m, 0, 20), 1 + 7);
	KUNIT_EXPECT_EQ(test, list_outstanding(m, 3, 20), 1 + 7 - 3);
	for (i = 0; i < 9; i++) {
		if (i != 3 && i != 4)
			pcpool_put(pool, objs[i]);
	}
}

/* Two pools, one with many more objects. A pool's list has its own objects only. */
static void a_pool_lists_its_own_objects(struct kunit *test)
{
	struct pcpool *pool = new_pool(test, "kunit-own"), *other = new_pool(test, "kunit-large");
	struct pcpool_core *core = pcpool_to_core(pool);
	void *obj = pcpool_get(pool, GFP_KERNEL), *objs[100];
	struct pcpool_record_cursor cursor = { };
	unsigned int i, n, found = 0;

	n = pcpool_get_bulk(other, GFP_KERNEL, ARRAY_SIZE(objs), objs);
	KUNIT_EXPECT_EQ(test, n, ARRAY_SIZE(objs));
	pcpool_record_rewind(core, &cursor);
	for (i = 0; i < 10; i++) {
		struct pcpool_record *r;

		raw_spin_lock_irq(&pcpool_records_lock);
		r = pcpool_record_next(core, &cursor);
		raw_spin_unlock_irq(&pcpool_records_lock);
		found += r && r->core == core;
	}
	pcpool_record_cursor_remove(&cursor);
	/* With a reserve of two, there are three objects. */
	KUNIT_EXPECT_EQ(test, found, atomic_long_read(&core->objects));
	pcpool_put_bulk(other, n, objs);
	pcpool_put(pool, obj);
}

/* The reader's file is closed after the pool was destroyed. */
static void a_reader_may_outlive_its_pool(struct kunit *test)
{
	struct kt_pool *kp;
	bool was = pcpool_debug_default;
	struct seq_file *m;
	void **objs;

	pcpool_debug_default = true;
	kp = kt_new(test, 10);
	pcpool_debug_default = was;
	m = new_reader(test, kp->pool);
	objs = kt_get_many(kp, 3);
	KUNIT_EXPECT_EQ(test, list_outstanding(m, 0, 2), 2);
	kt_put_many(kp, 3, objs);
	kt_destroy(kp);
	pcpool_outstanding_end(m->private);
}

static void skip_unless_switchable(struct kunit *test)
{
	if (!pcpool_debug_can_switch())
		kunit_skip(test, "needs CONFIG_TASKS_RCU");
}

/* Objects that existed before debug mode was switched on are not reported. */
static void debug_can_be_switched_while_objects_are_out(struct kunit *test)
{
	struct pcpool *pool = new_pool_of(test, test->param_value, "kunit-switched");
	struct pcpool_core *core = pcpool_to_core(pool);
	void *out[20], *idle[20];
	unsigned int i, round;

	skip_unless_switchable(test);
	for (round = 0; round < 3; round++) {
		for (i = 0; i < 20; i++)
			idle[i] = pcpool_get(pool, GFP_KERNEL);
		for (i = 0; i < 20; i++)
			out[i] = pcpool_get(pool, GFP_KERNEL);
		for (i = 0; i < 20; i++)
			pcpool_put(pool, idle[i]);
		KUNIT_EXPECT_EQ(test, pcpool_debug_set(core, true), 0);
		KUNIT_EXPECT_TRUE(test, stats(pool).state & PCPOOL_STATE_DEBUGGED);
		for (i = 0; i < 20; i++)
			idle[i] = pcpool_get(pool, GFP_KERNEL);
		for (i = 0; i < 10; i++)
			pcpool_put(pool, out[i]);
		KUNIT_EXPECT_EQ(test, pcpool_debug_set(core, false), 0);
		KUNIT_EXPECT_FALSE(test, stats(pool).state & PCPOOL_STATE_DEBUGGED);
		/* Objects that became idle in debug mode are usable as before. */
		for (i = 0; i < 10; i++) {
			out[i] = pcpool_get(pool, GFP_KERNEL);
			memset(out[i], 1, BYTES);
		}
		for (i = 0; i < 20; i++) {
			pcpool_put(pool, out[i]);
			pcpool_put(pool, idle[i]);
		}
	}
	KUNIT_EXPECT_EQ(test, misuses(pool), 0);
	KUNIT_EXPECT_EQ(test, stats(pool).outstanding, 0);
}

/* Switch on the debug mode of the pool in @ctx, once. */
static void *alloc_and_switch(gfp_t gfp, void *ctx)
{
	struct pcpool **pool = ctx;

	if (*pool)
		pcpool_debug_set(pcpool_to_core(*pool), true);
	*pool = NULL;
	return mem_alloc(gfp, ctx);
}

/* A get that was allocating an object when debug mode was switched on is not reported. */
static void debug_can_be_switched_during_an_allocation(struct kunit *test)
{
	static const struct pcpool_ops ops = { .alloc = alloc_and_switch, .free = mem_free };
	struct pcpool *pool, *to_switch = NULL;
	struct pcpool_params params = {
		.name = "kunit-switched-late",
		.ops = &ops,
		.ctx = &to_switch,
		.object_bytes = BYTES,
	};
	void *obj;

	skip_unless_switchable(test);
	pool = pcpool_create(&params);
	KUNIT_ASSERT_FALSE(test, IS_ERR(pool));
	to_switch = pool;
	obj = pcpool_get(pool, GFP_KERNEL);
	KUNIT_EXPECT_NOT_NULL(test, obj);
	KUNIT_EXPECT_NULL(test, to_switch);
	pcpool_put(pool, obj);
	KUNIT_EXPECT_EQ(test, misuses(pool), 0);
	KUNIT_EXPECT_EQ(test, stats(pool).outstanding, 0);
	pcpool_destroy(pool);
}

/* KASAN treats idle memory as freed memory, where it lets modules poison memory. */
static void idle_memory_is_poisoned(struct kunit *test)
{
#ifdef CONFIG_KASAN_GENERIC
	struct pcpool *pool = new_pool(test, "kunit-poisoned");
	u8 *obj = pcpool_get(pool, GFP_KERNEL), *shadow;

	shadow = kasan_mem_to_shadow(obj);
	KUNIT_EXPECT_EQ(test, *shadow, 0);
	pcpool_put(pool, obj);
	if (!has_checked_contents(test))
		KUNIT_EXPECT_EQ(test, *shadow, 0);
	else if (!*shadow)
		kunit_skip(test, "this kernel exports no kasan_poison()");
	/* The memory is not poisoned while it is in use, or after debug mode was switched off. */
	obj = pcpool_get(pool, GFP_KERNEL);
	KUNIT_EXPECT_EQ(test, *(u8 *)kasan_mem_to_shadow(obj), 0);
	pcpool_put(pool, obj);
	KUNIT_EXPECT_EQ(test, pcpool_debug_set(pcpool_to_core(pool), false), 0);
	KUNIT_EXPECT_EQ(test, *shadow, 0);
#else
	kunit_skip(test, "needs generic KASAN");
#endif
}

#ifdef CONFIG_DEBUG_KMEMLEAK
static noinline void *get_and_leak(struct pcpool *pool)
{
	void *obj = pcpool_get(pool, GFP_KERNEL);

	/* Not a tail call, so that the stack shows this function. */
	barrier();
	return obj;
}
#endif

/* kmemleak logs where an object came from. For an object that was idle, that is the last get. */
static void kmemleak_shows_the_last_get(struct kunit *test)
{
#ifdef CONFIG_DEBUG_KMEMLEAK
	struct pcpool *pool = new_pool(test, "kunit-leak");
	struct kmsg_dump_iter mark;
	char command[64];
	void *obj;

	KUNIT_EXPECT_EQ(test, pcpool_prefill(pool, GFP_KERNEL, 1), 1);
	obj = get_and_leak(pool);
	KUNIT_EXPECT_EQ(test, stats(pool).miss, 0);
	kt_log_mark(&mark);
	snprintf(command, sizeof(command), "echo dump=0x%lx >/sys/kernel/debug/kmemleak",
		 (unsigned long)obj);
	KUNIT_EXPECT_EQ(test, kt_shell(command), 0);
	/* What an opaque object is made of is not known. */
	KUNIT_EXPECT_EQ(test, kt_logged(&mark, "get_and_leak"), has_checked_contents(test));
	pcpool_put(pool, obj);
#else
	kunit_skip(test, "needs kmemleak");
#endif
}

/* --- Many pools ------------------------------------------------------------------- */

#define MANY	100

/* All pools are switched after one grace period on, and two off. */
static void all_pools_are_switched_at_once(struct kunit *test)
{
	struct kt_pool **kp = kunit_kcalloc(test, MANY, sizeof(*kp), GFP_KERNEL);
	bool was = pcpool_debug_default;
	unsigned long before;
	unsigned int i;
	void *obj;

	skip_unless_switchable(test);
	KUNIT_ASSERT_NOT_NULL(test, kp);
	for (i = 0; i < MANY; i++)
		kp[i] = kt_new(test, 3);
	/* If the suite runs in debug mode, start by switching it off. */
	KUNIT_EXPECT_EQ(test, pcpool_debug_set_all(false), 0);
	before = pcpool_debug_waits;
	KUNIT_EXPECT_EQ(test, pcpool_debug_set_all(true), 0);
	KUNIT_EXPECT_EQ(test, pcpool_debug_waits - before, 1);
	/* Nothing is left to switch. */
	KUNIT_EXPECT_EQ(test, pcpool_debug_set_all(true), 0);
	KUNIT_EXPECT_EQ(test, pcpool_debug_waits - before, 1);
	for (i = 0; i < MANY; i++) {
		KUNIT_EXPECT_EQ(test, kp[i]->core->debug, PCPOOL_DEBUG_ON);
		obj = kt_get(kp[i], GFP_KERNEL, KT_ME);
		kt_put(kp[i], obj, KT_ME);
	}
	before = pcpool_debug_waits;
	KUNIT_EXPECT_EQ(test, pcpool_debug_set_all(false), 0);
	KUNIT_EXPECT_EQ(test, pcpool_debug_waits - before, 2);
	for (i = 0; i < MANY; i++) {
		KUNIT_EXPECT_EQ(test, kp[i]->core->debug, PCPOOL_DEBUG_OFF);
		KUNIT_EXPECT_TRUE(test, list_empty(&kp[i]->core->records));
		kt_expect_consistent(kp[i]);
		kt_destroy(kp[i]);
	}
	pcpool_debug_set_all(was);
}

struct switch_thread {
	struct completion done;
	int ret;
};

static int switch_all_on(void *data)
{
	struct switch_thread *thread = data;

	thread->ret = pcpool_debug_set_all(true);
	complete(&thread->done);
	return 0;
}

/* Pools can be created, destroyed and listed in the middle of a switch of all pools. */
static void a_switch_delays_no_other_pool(struct kunit *test)
{
	struct kt_pool *first, *last, *leaving, *created;
	struct switch_thread thread = { };
	bool was = pcpool_debug_default;
	struct task_struct *task;

	skip_unless_switchable(test);
	KUNIT_EXPECT_EQ(test, pcpool_debug_set_all(false), 0);
	pcpool_debug_default = false;
	first = kt_new(test, 10);
	leaving = kt_new(test, 10);
	last = kt_new(test, 10);
	kt_make_idle(leaving, 10);
	init_completion(&thread.done);
	/*
	 * The switch stops at this pool, while others are half switched. For lockdep: the
	 * test takes this lock of other pools too.
	 */
	mutex_lock_nested(&last->core->debug_lock, SINGLE_DEPTH_NESTING);
	pcpool_debug_default = true;
	task = kthread_run(switch_all_on, &thread, "pcpool_switch");
	KUNIT_EXPECT_FALSE(test, IS_ERR(task));
	while (!IS_ERR(task) && READ_ONCE(leaving->core->debug) != PCPOOL_DEBUG_BEGINNING)
		schedule_timeout_uninterruptible(1);

	created = kt_new(test, 10);
	KUNIT_EXPECT_EQ(test, created->core->debug, PCPOOL_DEBUG_ON);
	kt_make_idle(created, 10);
	kt_destroy(created);
	kt_destroy(leaving);
	KUNIT_EXPECT_TRUE(test, mutex_trylock(&pcpool_pools_lock));
	mutex_unlock(&pcpool_pools_lock);
	KUNIT_EXPECT_FALSE(test, completion_done(&thread.done));

	mutex_unlock(&last->core->debug_lock);
	if (!IS_ERR(task))
		wait_for_completion(&thread.done);
	KUNIT_EXPECT_EQ(test, thread.ret, 0);
	KUNIT_EXPECT_EQ(test, first->core->debug, PCPOOL_DEBUG_ON);
	KUNIT_EXPECT_EQ(test, last->core->debug, PCPOOL_DEBUG_ON);
	pcpool_debug_default = was;
	pcpool_debug_set_all(was);
}

static void create_and_destroy(struct kt_worker *worker)
{
	struct pcpool_params params = { .ops = &mem_ops, .object_bytes = BYTES };
	struct pcpool *pool;
	char name[32];
	void *obj;

	snprintf(name, sizeof(name), "kunit-short-%d", worker->holder);
	params.name = name;
	while (kt_keep_running(worker)) {
		pool = pcpool_create(&params);
		if (IS_ERR(pool))
			continue;
		obj = pcpool_get(pool, GFP_KERNEL);
		pcpool_put(pool, obj);
		if (kt_random(worker, 2))
			schedule_timeout_uninterruptible(1);
		obj = pcpool_get(pool, GFP_KERNEL);
		pcpool_put(pool, obj);
		if (stats(pool).misuses || stats(pool).outstanding)
			kt_violation(worker->arg, "correct use was reported");
		pcpool_destroy(pool);
		kt_progress(worker);
	}
}

static void switch_all(struct kt_worker *worker)
{
	bool on = pcpool_debug_default;

	while (kt_keep_running(worker)) {
		on = !on;
		WRITE_ONCE(pcpool_debug_default, on);
		if (pcpool_debug_set_all(on))
			kt_violation(worker->arg, "debug mode cannot be switched");
		kt_progress(worker);
	}
}

/* A pool may come or go at any moment of a switch. */
static void pools_can_come_and_go_during_switches(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 10);
	struct kt_gang *gang = kt_gang_new(test);
	bool was = pcpool_debug_default;
	unsigned int i;

	skip_unless_switchable(test);
	for (i = 0; i < 4; i++)
		kt_gang_add(gang, -1, create_and_destroy, kp);
	kt_gang_add(gang, -1, switch_all, kp);
	kt_gang_start(gang, 500);
	kt_gang_join(gang);
	pcpool_debug_default = was;
	KUNIT_EXPECT_EQ(test, pcpool_debug_set_all(was), 0);
	KUNIT_EXPECT_EQ(test, READ_ONCE(kp->core->debug) == PCPOOL_DEBUG_ON, was);
	kt_expect_consistent(kp);
}

/* --- Switched during calls ------------------------------------------------------- */

static void get_put_and_sleep(struct kt_worker *worker)
{
	struct kt_pool *kp = worker->arg;
	void *obj;

	while (kt_keep_running(worker)) {
		obj = kt_get(kp, GFP_KERNEL, worker->holder);
		if (obj)
			kt_put(kp, obj, worker->holder);
		kt_progress(worker);
		/* Sleep, so that the switching thread need not wait for the end of a time slice. */
		schedule_timeout_uninterruptible(1);
	}
}

static void wait_for_puts(struct kt_pool *kp, u64 puts)
{
	while (kt_stats(kp).puts < puts)
		schedule_timeout_uninterruptible(1);
}

/* Otherwise debug mode would accept as many foreign objects as it has not seen. */
static void objects_used_since_the_switch_are_known(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 10);
	struct kt_gang *gang = kt_gang_new(test);
	u64 puts;

	skip_unless_switchable(test);
	kt_gang_add(gang, kt_cpu(test, 0), get_put_and_sleep, kp);
	kt_gang_start(gang, 1000 * MSEC_PER_SEC);
	/* The pool has only this object. The thread gets and puts it all the time. */
	wait_for_puts(kp, KT_MINIMUM);
	KUNIT_EXPECT_EQ(test, pcpool_debug_set(kp->core, true), 0);
	/* Debug mode knows each object that was got or put since it was switched on. */
	puts = kt_stats(kp).puts;
	wait_for_puts(kp, puts + KT_MINIMUM);
	kt_gang_stop(gang);
	KUNIT_EXPECT_EQ(test, kt_stats(kp).allocs, 1);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&kp->core->untracked), 0);
	kt_expect_consistent(kp);
}

/* Allocate an object slowly, then hold it for a while or free it at once. */
static void get_put_slowly(struct kt_worker *worker)
{
	struct kt_pool *kp = worker->arg;
	void *obj;

	while (kt_keep_running(worker)) {
		obj = kt_get(kp, GFP_KERNEL, worker->holder);
		if (obj && kt_random(worker, 2))
			schedule_timeout_uninterruptible(1);
		if (obj)
			kt_put(kp, obj, worker->holder);
		kt_progress(worker);
	}
}

static void sleep_in_callback(struct kt_pool *kp, enum kt_callback callback, struct kt_obj *obj)
{
	if (callback == KT_ALLOC || callback == KT_FREE)
		schedule_timeout_uninterruptible(1);
}

/* Objects that are being allocated or freed are counted once, too. */
static void all_existing_objects_are_counted(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 100, .flags = PCPOOL_BYPASS | PCPOOL_FREE_MAY_SLEEP);
	struct kt_gang *gang = kt_gang_new(test);
	unsigned int i;
	void **objs;

	skip_unless_switchable(test);
	objs = kt_get_many(kp, 10);
	kp->hook = sleep_in_callback;
	for (i = 0; i < 8; i++)
		kt_gang_add(gang, -1, get_put_slowly, kp);
	kt_gang_start(gang, 1000 * MSEC_PER_SEC);
	for (i = 0; i < kt_scaled(20); i++) {
		KUNIT_EXPECT_EQ(test, pcpool_debug_set(kp->core, true), 0);
		schedule_timeout_uninterruptible(i % 5);
		/* At least the objects of this case, which debug mode has not seen. */
		KUNIT_EXPECT_GE(test, atomic_long_read(&kp->core->untracked), 10);
		KUNIT_EXPECT_EQ(test, pcpool_debug_set(kp->core, false), 0);
	}
	KUNIT_EXPECT_EQ(test, pcpool_debug_set(kp->core, true), 0);
	kt_gang_stop(gang);
	kt_settle(kp);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&kp->core->untracked), 10);
	kp->hook = NULL;
	kt_put_many(kp, 10, objs);
	kt_settle(kp);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&kp->core->untracked), 0);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&kp->core->objects), 0);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&kp->core->misuses), 0);
	kt_expect_consistent(kp);
}

/* --- Switched continuously, on all CPUs --------------------------------------- */

/* Only a few kinds of pools, since each switch takes time. */
static const struct kind switched_kinds[] = {
	{ "elastic", { } },
	{ "small max_idle", { .max_idle = 3 } },
	{ "large max_idle", { .max_idle = 1000 } },
	{ "reserve", { .reserve = 2, .flags = PCPOOL_FREE_MAY_SLEEP } },
};

KUNIT_ARRAY_PARAM_DESC(switched, switched_kinds, name);

static void get_and_put(struct kt_worker *worker)
{
	struct kt_pool *kp = worker->arg;
	void *objs[40];
	unsigned int n = 0;

	while (kt_keep_running(worker)) {
		if (n && (n == ARRAY_SIZE(objs) || kt_random(worker, 2))) {
			kt_put(kp, objs[--n], worker->holder);
		} else {
			objs[n] = kt_get(kp, GFP_KERNEL, worker->holder);
			n += !!objs[n];
		}
		kt_progress(worker);
	}
	while (n)
		kt_put(kp, objs[--n], worker->holder);
}

static void switch_debug(struct kt_worker *worker)
{
	struct kt_pool *kp = worker->arg;
	bool on = false;

	while (kt_keep_running(worker)) {
		on = !on;
		if (pcpool_debug_set(kp->core, on))
			kt_violation(kp, "debug mode cannot be switched");
		kt_progress(worker);
	}
}

static void switching_under_load_loses_nothing(struct kunit *test)
{
	const struct kind *kind = test->param_value;
	struct kt_gang *gang;
	struct kt_pool *kp;
	int cpu;

	skip_unless_switchable(test);
	kp = kt_pool_new(test, 2000, &kind->params);
	gang = kt_gang_new(test);
	for_each_online_cpu(cpu)
		kt_gang_add(gang, cpu, get_and_put, kp);
	kt_gang_add(gang, -1, switch_debug, kp);
	kt_gang_start(gang, 200);
	kt_gang_join(gang);
	kt_expect_consistent(kp);
}

/* On such a kernel, only pools created in debug mode have it. */
static void an_impossible_switch_is_refused(struct kunit *test)
{
	struct kt_pool *kp = kt_new(test, 10);

	if (pcpool_debug_can_switch())
		kunit_skip(test, "needs a preemptible kernel without CONFIG_TASKS_RCU");
	KUNIT_EXPECT_EQ(test, pcpool_debug_set(kp->core, true), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, kp->core->debug, PCPOOL_DEBUG_OFF);
	kt_put(kp, kt_get(kp, GFP_KERNEL, KT_ME), KT_ME);
	kt_expect_consistent(kp);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(correct_use_is_not_reported, kind_gen_params),
	KUNIT_CASE_PARAM(an_object_put_twice_is_caught, kind_gen_params),
	KUNIT_CASE_PARAM(an_object_put_twice_in_one_bulk_is_caught, kind_gen_params),
	KUNIT_CASE_PARAM(an_object_of_another_pool_is_caught, kind_gen_params),
	KUNIT_CASE_PARAM(a_pointer_that_is_no_object_is_caught, kind_gen_params),
	KUNIT_CASE_PARAM(an_object_written_while_idle_is_caught, kind_gen_params),
	KUNIT_CASE_PARAM(an_object_written_while_idle_is_caught_when_it_is_freed,
			 kind_gen_params),
	KUNIT_CASE_PARAM(writes_of_the_holder_are_not_reported, kind_gen_params),
	KUNIT_CASE_PARAM(an_object_with_two_owners_is_caught, kind_gen_params),
	KUNIT_CASE_PARAM(an_object_returned_by_two_gets_is_caught, kind_gen_params),
	KUNIT_CASE_PARAM(an_outstanding_object_is_listed, kind_gen_params),
	KUNIT_CASE_PARAM(outstanding_objects_can_be_read_in_pieces, kind_gen_params),
	KUNIT_CASE_PARAM(a_pool_lists_its_own_objects, kind_gen_params),
	KUNIT_CASE(a_reader_may_outlive_its_pool),
	KUNIT_CASE(all_pools_are_switched_at_once),
	KUNIT_CASE(a_switch_delays_no_other_pool),
	KUNIT_CASE_SLOW(pools_can_come_and_go_during_switches),
	KUNIT_CASE_PARAM_ATTR(debug_can_be_switched_while_objects_are_out, kind_gen_params,
			      { .speed = KUNIT_SPEED_SLOW }),
	KUNIT_CASE(debug_can_be_switched_during_an_allocation),
	KUNIT_CASE_PARAM(idle_memory_is_poisoned, kind_gen_params),
	KUNIT_CASE_PARAM(kmemleak_shows_the_last_get, kind_gen_params),
	KUNIT_CASE(objects_used_since_the_switch_are_known),
	KUNIT_CASE_SLOW(all_existing_objects_are_counted),
	KUNIT_CASE(an_impossible_switch_is_refused),
	KUNIT_CASE_PARAM_ATTR(switching_under_load_loses_nothing, switched_gen_params,
			      { .speed = KUNIT_SPEED_SLOW }),
	{ }
};

static struct kunit_suite suite = {
	.name = "pcpool_debug",
	.test_cases = cases,
};

kunit_test_suite(suite);
