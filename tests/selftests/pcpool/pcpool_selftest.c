// SPDX-License-Identifier: GPL-2.0
/*
 * A client of pcpool that the test scripts drive: it makes pools, gets and puts
 * on a CPU of their choice, and keeps traffic going on all CPUs. It keeps its
 * own books and never looks at pcpool's, so that the two can be compared.
 *
 * /sys/kernel/debug/pcpool_selftest/command takes one command a write, and the
 * write fails as the command does:
 *
 *   create NAME [KEY=VALUE]...	see option() for the keys
 *   destroy NAME		puts what is held first
 *   get NAME COUNT CPU		and holds the objects; never waits for one
 *   get_now NAME COUNT CPU	the same, and the error is pcpool's
 *   put NAME COUNT CPU		of those held, the last one first
 *   put_twice NAME COUNT CPU	the same, and each once more; only for pools in debug mode,
 *				which let that do no harm
 *   wait NAME [MILLISECONDS]	gets one, and waits for it, at most so long, in the process
 *				that writes; other commands go on
 *   grow NAME BYTES		so much each of the objects held takes from now on
 *   prefill NAME COUNT CPU
 *   age NAME
 *   drain NAME
 *   fail NAME 0|1		alloc fails from now on, or no more
 *   start NAME			traffic on all CPUs, those that come up later too
 *   stop NAME
 *
 * And for sets of pools of buffers:
 *
 *   create_set NAME [KEY=VALUE]...	see set_option() for the keys
 *   destroy_set NAME		puts what is held first
 *   get_buf NAME BYTES CPU	and holds the buffer
 *   put_buf NAME CPU		of those held, the last one
 *
 * .../pools has a line for each of its pools: objects allocated, freed and held;
 * gets that found an object last put on the same CPU, on the same NUMA node, and
 * on another node; operations of the traffic; objects freed early, that is, without
 * an aging pass since the put command; and errors, which must be 0: an object that had
 * two owners at once, or was freed while owned, or twice; one more than max_total; or one of
 * a pool with PCPOOL_ZERO_ON_PUT that was not cleared.
 *
 * .../sets has a line for each of its sets: buffers held.
 *
 * With the parameter hold=1 there is a pool "init" from the start, of which the module's init
 * holds an object.
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

/* An object between alloc and free, and one after free. */
#define ALIVE	0x616c697665UL
#define DEAD	0x64656164UL

#define NOT_KNOWN	U64_MAX

/* What a traffic thread holds at most, and how many objects threads exchange. */
#define TRAFFIC_DEPTH	24
#define TRAFFIC_EXCHANGE	16
/* Operations until a traffic thread lets others run, on few real CPUs. */
#define TRAFFIC_BURST	200
/* How long it waits for an object: somebody may hold them all. */
#define TRAFFIC_WAIT	msecs_to_jiffies(10)

/* What is written to objects that are to be cleared. */
#define USED	0x5a

/* Ends where the object begins that pcpool sees, if that one is to be cleared. */
struct object {
	unsigned long alive;
	size_t bytes;		/* what it says that it takes */
	atomic_long_t owner;	/* 0: idle */
	int put_cpu;		/* -1: new */
	u64 put_ages;		/* aging passes when a put command put it; or NOT_KNOWN */
	struct list_head held;
};

struct test_pool {
	struct pcpool *pool;
	struct pcpool_ops ops;
	size_t object_bytes;
	size_t offset;		/* of what pcpool sees; not 0: it is cleared */
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

	/* Under commands. */
	struct list_head list;
	struct list_head held;
	unsigned long held_count;
	unsigned long waiting;		/* wait commands that are not done */
	struct task_struct **threads;	/* one a possible CPU, while there is traffic */
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

/* Serialises commands and readers of the lists of pools and sets. */
static DEFINE_MUTEX(commands);
static LIST_HEAD(pools);
static LIST_HEAD(sets);
static struct dentry *directory;

static void complain(struct test_pool *test, const char *what)
{
	/* Enough of them to see what goes on, and no flood. */
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
		complain(test, "there are more objects than there may be");
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

/* Who has it now. @owner is anything but 0 that no other owner uses. */
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

/* So that debug mode names the very function that called pcpool, not who called that. */
#define not_a_tail_call()	barrier()

static noinline void give(struct test_pool *test, struct object *object, long owner)
{
	object->put_cpu = raw_smp_processor_id();
	if (atomic_long_xchg(&object->owner, 0) != owner)
		complain(test, "somebody else has owned the object");
	pcpool_put(test->pool, to_pcpool(test, object));
	not_a_tail_call();
}

static noinline void give_again(struct test_pool *test, struct object *object)
{
	pcpool_put(test->pool, to_pcpool(test, object));
	not_a_tail_call();
}

/* Commands that run on a CPU of the caller's choice. */

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

/* Lets other commands in while it waits: one of them may be the put that it waits for. */
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
	/* One only waits with nothing in hand that another one could be waiting for. */
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
 * Swap an object with whatever thread was here last, so that most move about. Where one
 * can wait, they all would, for what is here.
 */
static void traffic_exchange(struct traffic *traffic)
{
	struct object **place = &traffic->test->exchange[chance(traffic, TRAFFIC_EXCHANGE)];
	struct object *object;

	if (!traffic->depth || traffic->test->may_wait)
		return;
	object = traffic->objects[--traffic->depth];
	if (atomic_long_xchg(&object->owner, -1) != traffic->owner)
		complain(traffic->test, "somebody else has owned the object");
	object = xchg(place, object);
	if (!object)
		return;
	if (atomic_long_xchg(&object->owner, traffic->owner) != -1)
		complain(traffic->test, "somebody else has owned the object");
	traffic->objects[traffic->depth++] = object;
}

/* Its CPU going offline has moved the thread away: back, once it is online. */
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
			/* Where nothing else preempts, a burst takes long. */
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

/* Making and unmaking pools. */

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

/* "" is a name too, here: the one of a create command that ends in a space. */
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
		/* Who waits gets what is put, and then holds it. */
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

/* Sets of pools of buffers. */

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

/* @verb: one of those about sets; -ENOMSG if it is none of them */
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
MODULE_PARM_DESC(hold, "make a pool, and hold an object that the module's init has got");

/* The get is in no other function: it is about code that is gone when this is over. */
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

MODULE_DESCRIPTION("Client of pcpool for its kselftests");
MODULE_LICENSE("GPL");
