// SPDX-License-Identifier: GPL-2.0
/*
 * Client module of the kselftests. The test scripts tell it to create pools, to get
 * and put objects on a given CPU, and to run traffic on all CPUs. It has counters of
 * its own, independent of pcpool's, so that the two can be compared.
 *
 * /sys/kernel/debug/pcpool_selftest/command takes one command per write. The write
 * fails if the command does:
 *
 *   create NAME [KEY=VALUE]...	see option() for the keys
 *   destroy NAME		puts the held objects first
 *   get NAME COUNT CPU		gets and holds objects; never waits for one
 *   get_now NAME COUNT CPU	as get, but fails with pcpool's own error
 *   put NAME COUNT CPU		puts held objects, the last one first
 *   put_twice NAME COUNT CPU	puts each object twice; only for pools in debug mode, where
 *				this is harmless
 *   put_irq NAME COUNT CPU	as put, from a hardirq: the pool can neither grow nor free there
 *   wait NAME [MILLISECONDS]	gets an object and waits for it, at most this long, in the
 *				writing process; other commands can run meanwhile
 *   grow NAME BYTES		sets the size that the held objects report
 *   prefill NAME COUNT CPU
 *   age NAME
 *   drain NAME
 *   fail NAME 0|1		makes ops->alloc fail, or succeed again
 *   start NAME			starts traffic on all CPUs, including those not yet online
 *   stop NAME
 *
 * Commands for buffer sets:
 *
 *   create_set NAME [KEY=VALUE]...	see set_option() for the keys
 *   destroy_set NAME		puts the held buffers first
 *   get_buf NAME BYTES CPU	gets and holds a buffer
 *   put_buf NAME CPU		puts the held buffer that was got last
 *
 * .../pools has a line for each pool: objects allocated, freed and held; gets that
 * found an object last put on the same CPU, on the same NUMA node, and on another
 * node; operations of the traffic; objects freed early, that is, without an aging
 * pass since the put command; and errors, which must be 0. An error is an object
 * that had two owners, was freed twice or while owned, exceeded max_total, or was
 * not cleared in a pool with PCPOOL_ZERO_ON_PUT.
 *
 * .../sets has a line for each set: buffers held.
 *
 * With the parameter hold=1, the module's init creates a pool "init" and holds an
 * object of it.
 */
#include <linux/atomic.h>
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <linux/topology.h>
#include <linux/uaccess.h>

#include <linux/pcpool.h>
#include <linux/pcpool_buf.h>

#define COMMAND_BYTES_MAX	512

/* State of an object: between alloc and free, and after free. */
#define ALIVE	0x616c697665UL
#define DEAD	0x64656164UL

#define NOT_KNOWN	U64_MAX

/* Most objects that a traffic thread holds, and places for objects that threads exchange. */
#define TRAFFIC_DEPTH	24
#define TRAFFIC_EXCHANGE	16
/* Operations between the pauses of a traffic thread, in which other threads run. */
#define TRAFFIC_BURST	200
/* How long it waits for an object: other threads may hold all of them. */
#define TRAFFIC_WAIT	msecs_to_jiffies(10)

/* Written to objects that pcpool must clear. */
#define USED	0x5a

/*
 * Header of an object. In a pool with PCPOOL_ZERO_ON_PUT, pcpool's object follows it, so that
 * clearing leaves the header alone; otherwise pcpool's object is the header itself.
 */
struct object {
	unsigned long alive;
	size_t bytes;		/* size that ops->bytes returns */
	atomic_long_t owner;	/* 0: idle */
	int put_cpu;		/* -1: new */
	u64 put_ages;		/* aging passes before the put command that put it; or NOT_KNOWN */
	struct list_head held;
};

struct test_pool {
	struct pcpool *pool;
	struct pcpool_ops ops;
	size_t object_bytes;
	size_t offset;		/* of pcpool's object; not 0: pcpool clears it */
	unsigned long max_total;
	bool may_sleep;
	bool may_wait;
	bool failing;
	atomic_long_t existing;
	atomic_long_t allocated;
	atomic_long_t freed;
	atomic_long_t near[3];	/* same CPU, same node, other node */
	atomic_long_t operations;
	atomic_long_t early;
	atomic_long_t errors;

	/* Protected by commands. */
	struct list_head list;
	struct list_head held;
	unsigned long held_count;
	unsigned long waiting;		/* wait commands in progress */
	struct task_struct **threads;	/* one per possible CPU, while traffic runs */
	struct object *exchange[TRAFFIC_EXCHANGE];
	char name[PCPOOL_NAME_BYTES];
};

struct test_set {
	struct pcpool_buf_set *set;
	struct list_head list;
	struct list_head held;
	unsigned long held_count;
	char name[PCPOOL_NAME_BYTES];
};

struct held_buf {
	struct pcpool_buf *buf;
	struct list_head held;
};

/* Serialises commands, and protects the lists of pools and sets. */
static DEFINE_MUTEX(commands);
static LIST_HEAD(pools);
static LIST_HEAD(sets);
static struct dentry *directory;

static void complain(struct test_pool *test, const char *what)
{
	/* The first few are enough to see what goes wrong. */
	if (atomic_long_inc_return(&test->errors) <= 5)
		pr_err("pcpool_selftest: error: %s: %s\n", test->name, what);
}

static u64 ages(struct test_pool *test)
{
	struct pcpool_pool_stats stats;

	pcpool_stats(test->pool, &stats);
	return stats.ages;
}

static void *to_pcpool(struct test_pool *test, struct object *object)
{
	return (void *)object + test->offset;
}

static struct object *from_pcpool(struct test_pool *test, void *obj)
{
	return obj - test->offset;
}

static void *object_alloc(gfp_t gfp, void *ctx)
{
	struct test_pool *test = ctx;
	struct object *object;

	if (READ_ONCE(test->failing))
		return NULL;
	object = kvmalloc(test->offset + test->object_bytes, gfp);
	if (!object)
		return NULL;
	object->alive = ALIVE;
	object->bytes = test->object_bytes;
	atomic_long_set(&object->owner, 0);
	object->put_cpu = -1;
	object->put_ages = NOT_KNOWN;
	atomic_long_inc(&test->allocated);
	if (atomic_long_inc_return(&test->existing) > test->max_total && test->max_total)
		complain(test, "more objects than max_total");
	return to_pcpool(test, object);
}

static void check_cleared(struct test_pool *test, struct object *object)
{
	if (test->offset && memchr_inv(to_pcpool(test, object), 0, test->object_bytes))
		complain(test, "not cleared");
}

static void object_free(void *obj, void *ctx)
{
	struct test_pool *test = ctx;
	struct object *object = from_pcpool(test, obj);

	if (test->may_sleep)
		might_sleep();
	atomic_long_dec(&test->existing);
	if (object->alive != ALIVE)
		complain(test, "freed twice");
	if (atomic_long_read(&object->owner))
		complain(test, "freed while owned");
	if (object->put_ages != NOT_KNOWN && object->put_ages == ages(test))
		atomic_long_inc(&test->early);
	check_cleared(test, object);
	object->alive = DEAD;
	atomic_long_inc(&test->freed);
	kvfree(object);
}

static size_t object_bytes(const void *obj, void *ctx)
{
	struct test_pool *test = ctx;

	return from_pcpool(test, (void *)obj)->bytes;
}

/* Records the new owner of @obj. @owner is unique among the owners, and not 0. */
static struct object *take(struct test_pool *test, void *obj, long owner)
{
	struct object *object = from_pcpool(test, obj);
	int near = 2;

	if (object->alive != ALIVE)
		complain(test, "got a freed object");
	object->put_ages = NOT_KNOWN;
	if (atomic_long_xchg(&object->owner, owner))
		complain(test, "got an object that is owned");
	if (object->put_cpu >= 0)
		check_cleared(test, object);
	if (test->offset)
		memset(obj, USED, test->object_bytes);
	if (object->put_cpu < 0)
		return object;
	if (object->put_cpu == raw_smp_processor_id())
		near = 0;
	else if (cpu_to_node(object->put_cpu) == numa_node_id())
		near = 1;
	atomic_long_inc(&test->near[near]);
	return object;
}

/*
 * After a call of pcpool: prevents a tail call, so that debug mode names this function, not its
 * caller.
 */
#define not_a_tail_call()	barrier()

static noinline void give(struct test_pool *test, struct object *object, long owner)
{
	object->put_cpu = raw_smp_processor_id();
	if (atomic_long_xchg(&object->owner, 0) != owner)
		complain(test, "put an object of another owner");
	pcpool_put(test->pool, to_pcpool(test, object));
	not_a_tail_call();
}

static noinline void give_again(struct test_pool *test, struct object *object)
{
	pcpool_put(test->pool, to_pcpool(test, object));
	not_a_tail_call();
}

/* Commands that run on a given CPU. */

#define COMMAND_OWNER	1L

struct job {
	struct test_pool *test;
	unsigned long count;
};

static void hold(struct test_pool *test, void *obj)
{
	list_add(&take(test, obj, COMMAND_OWNER)->held, &test->held);
	test->held_count++;
}

static int get_job(void *data)
{
	struct job *job = data;
	gfp_t gfp = job->test->may_wait ? GFP_NOWAIT : GFP_KERNEL;

	while (job->count--) {
		void *obj = pcpool_get(job->test->pool, gfp);

		if (!obj)
			return -ENOMEM;
		hold(job->test, obj);
	}
	return 0;
}

static int get_now_job(void *data)
{
	struct job *job = data;

	while (job->count--) {
		void *obj = pcpool_get_timeout(job->test->pool, GFP_NOWAIT, MAX_SCHEDULE_TIMEOUT);

		if (IS_ERR(obj))
			return PTR_ERR(obj);
		hold(job->test, obj);
	}
	return 0;
}

static int put_held(struct job *job, bool twice)
{
	struct test_pool *test = job->test;

	while (job->count--) {
		struct object *object = list_first_entry_or_null(&test->held,
								 struct object, held);

		if (!object)
			return -ENODATA;
		list_del(&object->held);
		test->held_count--;
		object->put_ages = ages(test);
		give(test, object, COMMAND_OWNER);
		if (twice)
			give_again(test, object);
	}
	return 0;
}

static int put_job(void *data)
{
	return put_held(data, false);
}

static int put_twice_job(void *data)
{
	return put_held(data, true);
}

/* In a hardirq, so that what is left to do is deferred. */
static void put_irq_job(void *data)
{
	struct job *job = data;
	struct test_pool *test = job->test;
	struct object *object;

	while (job->count) {
		object = list_first_entry_or_null(&test->held, struct object, held);
		if (!object)
			return;
		list_del(&object->held);
		test->held_count--;
		job->count--;
		give(test, object, COMMAND_OWNER);
	}
}

static int put_irq(struct test_pool *test, const char *words)
{
	struct job job = { .test = test };
	unsigned int cpu;

	if (sscanf(words, "%lu %u", &job.count, &cpu) != 2)
		return -EBADMSG;
	return smp_call_function_single(cpu, put_irq_job, &job, true) ?:
		job.count ? -ENODATA : 0;
}

static int prefill_job(void *data)
{
	struct job *job = data;

	return pcpool_prefill(job->test->pool, GFP_KERNEL, job->count) == job->count ?
		0 : -ENOMEM;
}

static int run_on_cpu(struct test_pool *test, char *words, int (*work)(void *))
{
	struct job job = { .test = test };
	unsigned int cpu;

	if (sscanf(words, "%lu %u", &job.count, &cpu) != 2)
		return -EBADMSG;
	return smp_call_on_cpu(cpu, work, &job, false);
}

/* Drops the mutex while it waits, so that another command can put the object. */
static int wait_for_one(struct test_pool *test, const char *words)
{
	unsigned int milliseconds;
	void *obj;

	if (words && kstrtouint(words, 0, &milliseconds))
		return -EBADMSG;
	test->waiting++;
	mutex_unlock(&commands);
	if (words)
		obj = pcpool_get_timeout(test->pool, GFP_KERNEL, msecs_to_jiffies(milliseconds));
	else
		obj = pcpool_get(test->pool, GFP_KERNEL) ?: ERR_PTR(-ENOMEM);
	mutex_lock(&commands);
	test->waiting--;
	if (IS_ERR(obj))
		return PTR_ERR(obj);
	hold(test, obj);
	return 0;
}

static int grow(struct test_pool *test, const char *words)
{
	struct object *object;
	unsigned long bytes;

	if (kstrtoul(words, 0, &bytes))
		return -EBADMSG;
	list_for_each_entry(object, &test->held, held)
		object->bytes = bytes;
	return 0;
}

/* Traffic. */

struct traffic {
	struct test_pool *test;
	struct object *objects[TRAFFIC_DEPTH];
	unsigned int depth;
	unsigned int cpu;
	long owner;
	u32 random;
};

/* The generator of Numerical Recipes: its low bits are poor, so not used. */
static u32 chance(struct traffic *traffic, u32 below)
{
	traffic->random = traffic->random * 1664525 + 1013904223;
	return (traffic->random >> 16) % below;
}

static void traffic_get(struct traffic *traffic)
{
	struct test_pool *test = traffic->test;
	/* A thread that holds objects must not wait, or all threads could wait for each other. */
	gfp_t gfp = test->may_wait ? GFP_NOWAIT : GFP_KERNEL;
	void *objects[4];
	unsigned int got = 1;

	if (traffic->depth > TRAFFIC_DEPTH - ARRAY_SIZE(objects))
		return;
	switch (chance(traffic, 8)) {
	case 0:
		objects[0] = pcpool_try_get(test->pool);
		break;
	case 1:
		objects[0] = pcpool_get_local(test->pool, gfp);
		break;
	case 2:
		got = pcpool_get_bulk(test->pool, gfp, ARRAY_SIZE(objects), objects);
		break;
	case 3:
		if (test->may_wait && !traffic->depth) {
			objects[0] = pcpool_get_timeout(test->pool, GFP_KERNEL, TRAFFIC_WAIT);
			if (IS_ERR(objects[0]))
				objects[0] = NULL;
			break;
		}
		fallthrough;
	default:
		objects[0] = pcpool_get(test->pool, gfp);
	}
	while (got--) {
		if (!objects[got])
			continue;
		traffic->objects[traffic->depth++] = take(test, objects[got], traffic->owner);
	}
}

static void traffic_put(struct traffic *traffic)
{
	unsigned int which;
	struct object *object;

	if (!traffic->depth)
		return;
	which = chance(traffic, traffic->depth);
	object = traffic->objects[which];
	traffic->objects[which] = traffic->objects[--traffic->depth];
	give(traffic->test, object, traffic->owner);
}

/*
 * Swap an object with another thread, so that objects move between CPUs. Not in pools where a get
 * may wait: all threads could wait for the objects left here.
 */
static void traffic_exchange(struct traffic *traffic)
{
	struct object **place = &traffic->test->exchange[chance(traffic, TRAFFIC_EXCHANGE)];
	struct object *object;

	if (!traffic->depth || traffic->test->may_wait)
		return;
	object = traffic->objects[--traffic->depth];
	if (atomic_long_xchg(&object->owner, -1) != traffic->owner)
		complain(traffic->test, "exchanged an object of another owner");
	object = xchg(place, object);
	if (!object)
		return;
	if (atomic_long_xchg(&object->owner, traffic->owner) != -1)
		complain(traffic->test, "exchanged an object of another owner");
	traffic->objects[traffic->depth++] = object;
}

/* Moves the thread back to its CPU, if that went offline and is online again. */
static void traffic_go_home(struct traffic *traffic)
{
	if (raw_smp_processor_id() != traffic->cpu && cpu_online(traffic->cpu))
		set_cpus_allowed_ptr(current, cpumask_of(traffic->cpu));
}

static int traffic_thread(void *data)
{
	struct traffic *traffic = data;
	unsigned long operations = 0;

	while (!kthread_should_stop()) {
		switch (chance(traffic, 8)) {
		case 0:
			traffic_exchange(traffic);
			break;
		case 1 ... 4:
			traffic_get(traffic);
			break;
		default:
			traffic_put(traffic);
		}
		if (++operations % TRAFFIC_BURST) {
			/* Without preemption, a burst would keep the CPU for long. */
			cond_resched();
			continue;
		}
		traffic_go_home(traffic);
		usleep_range(100, 1000);
	}
	while (traffic->depth)
		traffic_put(traffic);
	atomic_long_add(operations, &traffic->test->operations);
	kfree(traffic);
	return 0;
}

static int traffic_stop(struct test_pool *test)
{
	unsigned int i;

	if (!test->threads)
		return -EALREADY;
	for (i = 0; i < nr_cpu_ids; i++) {
		if (!test->threads[i])
			continue;
		kthread_stop(test->threads[i]);
		put_task_struct(test->threads[i]);
	}
	kfree(test->threads);
	test->threads = NULL;
	for (i = 0; i < TRAFFIC_EXCHANGE; i++) {
		if (test->exchange[i])
			give(test, test->exchange[i], -1);
		test->exchange[i] = NULL;
	}
	return 0;
}

static int traffic_start(struct test_pool *test)
{
	unsigned int cpu;

	if (test->threads)
		return -EALREADY;
	test->threads = kcalloc(nr_cpu_ids, sizeof(*test->threads), GFP_KERNEL);
	if (!test->threads)
		return -ENOMEM;
	for_each_possible_cpu(cpu) {
		struct traffic *traffic = kzalloc(sizeof(*traffic), GFP_KERNEL);
		struct task_struct *thread;

		if (!traffic)
			break;
		traffic->test = test;
		traffic->cpu = cpu;
		traffic->owner = COMMAND_OWNER + 1 + cpu;
		traffic->random = cpu;
		thread = kthread_create(traffic_thread, traffic, "pcpool_test/%u", cpu);
		if (IS_ERR(thread)) {
			kfree(traffic);
			break;
		}
		get_task_struct(thread);
		test->threads[cpu] = thread;
		wake_up_process(thread);
	}
	if (cpu < nr_cpu_ids) {
		traffic_stop(test);
		return -ENOMEM;
	}
	return 0;
}

/* Creating and destroying pools. */

static int option(struct test_pool *test, struct pcpool_params *params, char *word)
{
	char *value = strchr(word, '=');
	unsigned long number;

	if (!value)
		return -EBADMSG;
	*value++ = '\0';
	if (!strcmp(word, "steal")) {
		if (!strcmp(value, "all"))
			params->steal = PCPOOL_STEAL_ALL;
		else if (!strcmp(value, "node"))
			params->steal = PCPOOL_STEAL_NODE;
		else if (!strcmp(value, "none"))
			params->steal = PCPOOL_STEAL_NONE;
		else if (!kstrtoul(value, 0, &number))
			params->steal = number;
		else
			return -EBADMSG;
		return 0;
	}
	if (kstrtoul(value, 0, &number))
		return -EBADMSG;
	if (!strcmp(word, "object_bytes"))
		params->object_bytes = number;
	else if (!strcmp(word, "max_object_bytes"))
		params->max_object_bytes = number;
	else if (!strcmp(word, "private"))
		params->private_slots = number;
	else if (!strcmp(word, "max_idle"))
		params->max_idle = number;
	else if (!strcmp(word, "max_total"))
		params->max_total = number;
	else if (!strcmp(word, "reserve"))
		params->reserve = number;
	else if (!strcmp(word, "flags"))
		params->flags = number;
	else if (!strcmp(word, "decay_ms"))
		params->decay_ms = number;
	else if (!strcmp(word, "has_name") && !number)
		params->name = NULL;
	else if (!strcmp(word, "has_ops") && !number)
		params->ops = NULL;
	else if (!strcmp(word, "has_alloc") && !number)
		test->ops.alloc = NULL;
	else if (!strcmp(word, "has_free") && !number)
		test->ops.free = NULL;
	else if (!strcmp(word, "has_bytes") && !number)
		test->ops.bytes = NULL;
	else if (!strcmp(word, "fail"))
		test->failing = number;
	else
		return -EBADMSG;
	return 0;
}

/* The name may be empty: a create command that ends in a space. */
static int create(const char *name, char *words)
{
	struct test_pool *test = kzalloc(sizeof(*test), GFP_KERNEL);
	struct pcpool_params params = { .name = name, .object_bytes = 256 };
	char *word;
	int status = 0;

	if (!test)
		return -ENOMEM;
	test->ops.alloc = object_alloc;
	test->ops.free = object_free;
	test->ops.bytes = object_bytes;
	params.ops = &test->ops;
	params.ctx = test;
	while (!status && (word = strsep(&words, " ")))
		if (*word)
			status = option(test, &params, word);
	if (status)
		goto out;

	strscpy(test->name, name, sizeof(test->name));
	test->object_bytes = max(params.object_bytes, sizeof(struct object));
	if (params.flags & PCPOOL_ZERO_ON_PUT)
		test->offset = sizeof(struct object);
	test->max_total = params.max_total;
	test->may_wait = params.max_total || params.reserve;
	test->may_sleep = params.flags & PCPOOL_FREE_MAY_SLEEP;
	INIT_LIST_HEAD(&test->held);
	test->pool = pcpool_create(&params);
	status = PTR_ERR_OR_ZERO(test->pool);
	if (status)
		goto out;
	list_add_tail(&test->list, &pools);
	return 0;
out:
	kfree(test);
	return status;
}

static int destroy(struct test_pool *test)
{
	struct job job = { .test = test };
	int status = 0;

	list_del(&test->list);
	traffic_stop(test);
	while (test->held_count || test->waiting) {
		job.count = test->held_count;
		put_job(&job);
		/* A waiting command gets one of these objects, and then holds it. */
		mutex_unlock(&commands);
		usleep_range(1000, 2000);
		mutex_lock(&commands);
	}
	pcpool_destroy(test->pool);
	if (atomic_long_read(&test->allocated) != atomic_long_read(&test->freed)) {
		pr_err("pcpool_selftest: error: %s: %ld objects allocated, %ld freed\n",
		       test->name, atomic_long_read(&test->allocated),
		       atomic_long_read(&test->freed));
		status = -EUCLEAN;
	}
	if (atomic_long_read(&test->errors))
		status = -EUCLEAN;
	kfree(test);
	return status;
}

static struct test_pool *find(const char *name)
{
	struct test_pool *test;

	list_for_each_entry(test, &pools, list)
		if (!strcmp(test->name, name))
			return test;
	return NULL;
}

/* Buffer sets. */

struct buf_job {
	struct test_set *test;
	unsigned long bytes;
};

static int get_buf_job(void *data)
{
	struct buf_job *job = data;
	struct held_buf *held = kmalloc(sizeof(*held), GFP_KERNEL);

	if (!held)
		return -ENOMEM;
	held->buf = pcpool_buf_get(job->test->set, job->bytes, GFP_KERNEL);
	if (!held->buf) {
		kfree(held);
		return -ENOMEM;
	}
	list_add(&held->held, &job->test->held);
	job->test->held_count++;
	if (held->buf->capacity < job->bytes)
		return -EUCLEAN;
	memset(held->buf->data, USED, held->buf->capacity);
	return 0;
}

static int put_buf_job(void *data)
{
	struct buf_job *job = data;
	struct held_buf *held = list_first_entry_or_null(&job->test->held,
							 struct held_buf, held);

	if (!held)
		return -ENODATA;
	list_del(&held->held);
	job->test->held_count--;
	pcpool_buf_put(held->buf);
	kfree(held);
	return 0;
}

static int set_option(struct pcpool_buf_params *params, char *word)
{
	char *value = strchr(word, '=');
	unsigned long number;

	if (!value)
		return -EBADMSG;
	*value++ = '\0';
	if (kstrtoul(value, 0, &number))
		return -EBADMSG;
	if (!strcmp(word, "min_bytes"))
		params->min_bytes = number;
	else if (!strcmp(word, "max_bytes"))
		params->max_bytes = number;
	else if (!strcmp(word, "halves"))
		params->halves = number;
	else if (!strcmp(word, "max_idle_bytes"))
		params->max_idle_bytes = number;
	else if (!strcmp(word, "flags"))
		params->flags = number;
	else
		return -EBADMSG;
	return 0;
}

static int create_set(const char *name, char *words)
{
	struct pcpool_buf_params params = { .name = name };
	struct test_set *test;
	char *word;
	int status;

	while ((word = strsep(&words, " "))) {
		status = *word ? set_option(&params, word) : 0;
		if (status)
			return status;
	}
	test = kzalloc(sizeof(*test), GFP_KERNEL);
	if (!test)
		return -ENOMEM;
	test->set = pcpool_buf_create(&params);
	if (IS_ERR(test->set)) {
		status = PTR_ERR(test->set);
		kfree(test);
		return status;
	}
	strscpy(test->name, name, sizeof(test->name));
	INIT_LIST_HEAD(&test->held);
	list_add_tail(&test->list, &sets);
	return 0;
}

static void destroy_set(struct test_set *test)
{
	struct buf_job job = { .test = test };

	list_del(&test->list);
	while (!put_buf_job(&job))
		;
	pcpool_buf_destroy(test->set);
	kfree(test);
}

static struct test_set *find_set(const char *name)
{
	struct test_set *test;

	list_for_each_entry(test, &sets, list)
		if (!strcmp(test->name, name))
			return test;
	return NULL;
}

/* Runs a command for sets. Returns -ENOMSG if @verb is not one of these. */
static int set_command(const char *verb, const char *name, char *words)
{
	struct buf_job job = { .test = find_set(name) };
	unsigned int cpu;

	if (!strcmp(verb, "create_set"))
		return create_set(name, words);
	if (strcmp(verb, "destroy_set") && strcmp(verb, "get_buf") && strcmp(verb, "put_buf"))
		return -ENOMSG;
	if (!job.test)
		return -ENOENT;
	if (!strcmp(verb, "destroy_set")) {
		destroy_set(job.test);
		return 0;
	}
	if (!words)
		return -EBADMSG;
	if (!strcmp(verb, "put_buf")) {
		if (kstrtouint(words, 0, &cpu))
			return -EBADMSG;
		return smp_call_on_cpu(cpu, put_buf_job, &job, false);
	}
	if (sscanf(words, "%lu %u", &job.bytes, &cpu) != 2)
		return -EBADMSG;
	return smp_call_on_cpu(cpu, get_buf_job, &job, false);
}

static int command(char *words)
{
	const char *verb = strsep(&words, " ");
	const char *name = strsep(&words, " ");
	struct test_pool *test;
	int status;

	if (!name)
		return -EBADMSG;
	if (!strcmp(verb, "create"))
		return create(name, words);
	status = set_command(verb, name, words);
	if (status != -ENOMSG)
		return status;
	test = find(name);
	if (!test)
		return -ENOENT;
	if (!strcmp(verb, "destroy"))
		return destroy(test);
	if (!strcmp(verb, "age")) {
		pcpool_age(test->pool);
		return 0;
	}
	if (!strcmp(verb, "drain")) {
		pcpool_drain(test->pool);
		return 0;
	}
	if (!strcmp(verb, "start"))
		return traffic_start(test);
	if (!strcmp(verb, "stop"))
		return traffic_stop(test);
	if (!strcmp(verb, "wait"))
		return wait_for_one(test, words);
	if (!words)
		return -EBADMSG;
	if (!strcmp(verb, "get"))
		return run_on_cpu(test, words, get_job);
	if (!strcmp(verb, "get_now"))
		return run_on_cpu(test, words, get_now_job);
	if (!strcmp(verb, "grow"))
		return grow(test, words);
	if (!strcmp(verb, "put"))
		return run_on_cpu(test, words, put_job);
	if (!strcmp(verb, "put_irq"))
		return put_irq(test, words);
	if (!strcmp(verb, "put_twice"))
		return run_on_cpu(test, words, put_twice_job);
	if (!strcmp(verb, "prefill"))
		return run_on_cpu(test, words, prefill_job);
	if (!strcmp(verb, "fail")) {
		WRITE_ONCE(test->failing, *words == '1');
		return 0;
	}
	return -EBADMSG;
}

static ssize_t command_write(struct file *file, const char __user *from, size_t size,
			     loff_t *position)
{
	char *words, *end;
	int status;

	if (size > COMMAND_BYTES_MAX)
		return -E2BIG;
	words = memdup_user_nul(from, size);
	if (IS_ERR(words))
		return PTR_ERR(words);
	end = strchr(words, '\n');
	if (end)
		*end = '\0';
	mutex_lock(&commands);
	status = command(words);
	mutex_unlock(&commands);
	kfree(words);
	return status ? status : size;
}

static const struct file_operations command_operations = {
	.owner = THIS_MODULE,
	.write = command_write,
};

static int pools_show(struct seq_file *out, void *unused)
{
	struct test_pool *test;

	mutex_lock(&commands);
	seq_puts(out, "name allocated freed held same_cpu same_node other_node operations early errors\n");
	list_for_each_entry(test, &pools, list)
		seq_printf(out, "%s %ld %ld %lu %ld %ld %ld %ld %ld %ld\n", test->name,
			   atomic_long_read(&test->allocated), atomic_long_read(&test->freed),
			   test->held_count, atomic_long_read(&test->near[0]),
			   atomic_long_read(&test->near[1]), atomic_long_read(&test->near[2]),
			   atomic_long_read(&test->operations), atomic_long_read(&test->early),
			   atomic_long_read(&test->errors));
	mutex_unlock(&commands);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(pools);

static int sets_show(struct seq_file *out, void *unused)
{
	struct test_set *test;

	mutex_lock(&commands);
	seq_puts(out, "name held\n");
	list_for_each_entry(test, &sets, list)
		seq_printf(out, "%s %lu\n", test->name, test->held_count);
	mutex_unlock(&commands);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(sets);

static bool hold_from_init;
module_param_named(hold, hold_from_init, bool, 0400);
MODULE_PARM_DESC(hold, "create a pool \"init\", and hold an object that the module's init got (0)");

/* Calls pcpool_get() itself, because the caller must be code that is freed after init. */
static int __init hold_one(void)
{
	int status = create("init", NULL);
	struct test_pool *test;
	void *obj;

	if (status)
		return status;
	test = find("init");
	obj = pcpool_get(test->pool, GFP_KERNEL);
	if (!obj) {
		destroy(test);
		return -ENOMEM;
	}
	hold(test, obj);
	return 0;
}

static int __init selftest_init(void)
{
	int status = 0;

	directory = debugfs_create_dir("pcpool_selftest", NULL);
	if (IS_ERR(directory))
		return PTR_ERR(directory);
	debugfs_create_file("command", 0200, directory, NULL, &command_operations);
	debugfs_create_file("pools", 0400, directory, NULL, &pools_fops);
	debugfs_create_file("sets", 0400, directory, NULL, &sets_fops);
	if (hold_from_init) {
		mutex_lock(&commands);
		status = hold_one();
		mutex_unlock(&commands);
	}
	if (status)
		debugfs_remove_recursive(directory);
	return status;
}
module_init(selftest_init);

static void __exit selftest_exit(void)
{
	struct test_pool *test, *next;
	struct test_set *set, *next_set;

	debugfs_remove_recursive(directory);
	mutex_lock(&commands);
	list_for_each_entry_safe(test, next, &pools, list)
		destroy(test);
	list_for_each_entry_safe(set, next_set, &sets, list)
		destroy_set(set);
	mutex_unlock(&commands);
}
module_exit(selftest_exit);

MODULE_DESCRIPTION("Client module of the pcpool kselftests");
MODULE_LICENSE("GPL");
