// SPDX-License-Identifier: GPL-2.0
/*
 * Debug mode: each object of a pool has a record of who got it last, who put it last, and
 * what it was like then. So an object that is put twice, or into another pool, that is written
 * while it is idle, that two think is theirs, or that is never put is caught, and reported
 * with the names of those who did it. A put that must not be is ignored, so nothing is
 * corrupted and the machine goes on.
 *
 * It can be switched while the pool is in use. What it costs when it is off is nothing: when it
 * is on, the pool's slots are closed to the inlined paths, as for a bypass.
 *
 * A pool that it is switched on for later has objects without a record; they get one when
 * they are next seen, at a get or at a put. Until then, a put of something that nobody knows may
 * be one of these, and is not reported; and if it was not, another one will be reported in its
 * place, later. How many of these there are is exact: objects are counted at all times, and from
 * the moment that debug mode begins to be switched on by the same lock that keeps the records.
 *
 * Who may do what: records are found under RCU, from any context, NMI too, added and
 * removed under a raw lock, not from NMI. A record's state changes by compare-and-exchange,
 * and who makes the change from idle to held, or back, writes the rest of the record, which
 * is the object's as the object is his.
 *
 * Of KASAN, kernels up to now export kasan_poison() or nothing to modules
 * (kasan_mempool_poison_object() rests on a function that is not exported). Where
 * there is generic KASAN with kasan_poison(), idle objects are poisoned, and whoever touches one
 * is caught at the access; elsewhere by the checksum, at the next get. Both only for objects
 * that are plain memory, PCPOOL_PLAIN.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ctype.h>
#include <linux/hash.h>
#include <linux/hashtable.h>
#include <linux/jhash.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/rculist.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "internal.h"

/* A pool that is broken is broken; nobody reads more than so many reports. */
#define REPORTS_MAX	100

#define BUCKETS_BITS	12

/* What idle memory is for KASAN: as freed memory of the slab allocator. */
#define KASAN_IDLE	0xfb
#define KASAN_GRANULE	8u

enum state {
	IDLE,
	HELD,
};

/**
 * struct record - what is known of an object
 * @node: in its bucket
 * @core: the pool
 * @obj: the object
 * @state: enum state
 * @poisoned: KASAN thinks that it is free memory
 * @has_sum: @sum is of now
 * @sum: its content, when it was put
 * @got_by: who got it last; 0: nobody
 * @put_by: who put it last; 0: nobody
 * @got_at: when, in jiffies
 * @got_cpu: on which CPU
 * @task: which task that was, or was interrupted
 * @comm: its name
 * @rcu: frees it
 */
struct record {
	struct hlist_node node;
	struct pcpool_core *core;
	void *obj;
	atomic_t state;
	atomic_t poisoned;
	bool has_sum;
	u32 sum;
	unsigned long got_by;
	unsigned long put_by;
	unsigned long got_at;
	int got_cpu;
	pid_t task;
	char comm[TASK_COMM_LEN];
	struct rcu_head rcu;
};

static DEFINE_HASHTABLE(records, BUCKETS_BITS);
static DEFINE_RAW_SPINLOCK(records_lock);
/* Keeps those apart who switch; inside pcpool_pools_lock. */
static DEFINE_MUTEX(switch_lock);

bool pcpool_debug_default;
EXPORT_SYMBOL_FOR_TESTS(pcpool_debug_default);

/* --- KASAN ---------------------------------------------------------------- */

static void (*poison_fn)(const void *addr, size_t size, u8 value, bool init);

static void find_kasan(void)
{
#ifdef CONFIG_KASAN_GENERIC
	/* Declared in a header of mm/ only. */
	if (!poison_fn)
		poison_fn = __symbol_get("kasan_poison");
#endif
}

/* Only whole granules: the rest of the last one is somebody else's, or nobody's. */
static void poison(const struct record *r, u8 value)
{
	unsigned long start = ALIGN((unsigned long)r->obj, KASAN_GRANULE);
	unsigned long end = ALIGN_DOWN((unsigned long)r->obj + r->core->object_bytes,
				       KASAN_GRANULE);

	/* Without CONFIG_KASAN_VMALLOC that has no shadow of its own. */
	if (!IS_ENABLED(CONFIG_KASAN_VMALLOC) && is_vmalloc_addr(r->obj))
		return;
	if (poison_fn && start < end)
		poison_fn((void *)start, end - start, value, false);
}

static void lift_poison(struct record *r)
{
	/* In this order: who sees it lifted, by the acquire, may use the object. */
	if (atomic_read_acquire(&r->poisoned)) {
		poison(r, 0);
		atomic_set_release(&r->poisoned, 0);
	}
}

/* --- Records --------------------------------------------------------------- */

static struct record *find(const struct pcpool_core *core, const void *obj)
{
	struct record *r;

	hash_for_each_possible_rcu(records, r, node, (unsigned long)obj) {
		if (r->obj == obj && r->core == core)
			return r;
	}
	return NULL;
}

/* The pool that @obj is of, if it is another one that is being debugged. */
static const struct record *find_elsewhere(const struct pcpool_core *core, const void *obj)
{
	const struct record *r;

	hash_for_each_possible_rcu(records, r, node, (unsigned long)obj) {
		/* One that is no longer debugged may have freed it since. */
		if (r->obj == obj && r->core != core &&
		    READ_ONCE(r->core->debug) == PCPOOL_DEBUG_ON)
			return r;
	}
	return NULL;
}

static struct record *new_record(struct pcpool_core *core, void *obj, gfp_t gfp)
{
	struct record *r = kzalloc(sizeof(*r), gfp | __GFP_NOWARN);

	if (r) {
		r->core = core;
		r->obj = obj;
	}
	return r;
}

/* To be found from now on; under the lock. */
static bool enter(struct record *r)
{
	/* It may have been switched off meanwhile, and all records dropped. */
	if (!r || READ_ONCE(r->core->debug) != PCPOOL_DEBUG_ON)
		return false;
	hash_add_rcu(records, &r->node, (unsigned long)r->obj);
	return true;
}

/* Returns NULL where that is not possible: the object then goes on without. */
static struct record *add(struct pcpool_core *core, void *obj, gfp_t gfp)
{
	struct record *r = new_record(core, obj, gfp);
	unsigned long flags;
	bool entered;

	raw_spin_lock_irqsave(&records_lock, flags);
	entered = enter(r);
	raw_spin_unlock_irqrestore(&records_lock, flags);
	if (entered)
		return r;
	kfree(r);
	return NULL;
}

static void record_free_rcu(struct rcu_head *rcu)
{
	kfree(container_of(rcu, struct record, rcu));
}

/* Not to be found any more, and free of poison; under the lock. False if that was so before. */
static bool leave(struct record *r)
{
	if (hlist_unhashed(&r->node))
		return false;
	lift_poison(r);
	hlist_del_init_rcu(&r->node);
	return true;
}

static void drop(struct record *r)
{
	unsigned long flags;
	bool left;

	raw_spin_lock_irqsave(&records_lock, flags);
	left = leave(r);
	raw_spin_unlock_irqrestore(&records_lock, flags);
	if (left)
		call_rcu(&r->rcu, record_free_rcu);
}

/* Is there one left that debug mode has not seen? Then this is it. */
static bool adopt_one(struct pcpool_core *core)
{
	return atomic_long_dec_if_positive(&core->untracked) >= 0;
}

/* --- Reports ---------------------------------------------------------------- */

#define report(core, fmt, ...) do {						\
	struct pcpool_core *__core = (core);					\
										\
	if (atomic_long_inc_return(&__core->misuses) <= REPORTS_MAX)		\
		pr_err("%s: " fmt "\n", __core->name, ##__VA_ARGS__);		\
} while (0)

/* What is longer is cut. */
struct caller_name {
	char text[96];
};

/*
 * Of code that is gone, as a module's init is once it is loaded, %pS has no name, and would
 * print the address.
 */
static const char *name_caller(struct caller_name *name, unsigned long caller)
{
	snprintf(name->text, sizeof(name->text), "%pS", (void *)caller);
	return isdigit(*name->text) ? "(unknown)" : name->text;
}

#define name_of(caller)	name_caller(&(struct caller_name){ }, (caller))

static u32 checksum(const struct pcpool_core *core, const void *obj)
{
	return jhash(obj, core->object_bytes, 0);
}

static bool is_plain(const struct pcpool_core *core)
{
	return core->flags & (PCPOOL_PLAIN | PCPOOL_ZERO_ON_PUT);
}

/* @r->obj comes out of the pool, to be used or freed: is it as it was put? */
static void check_content(struct record *r)
{
	lift_poison(r);
	if (r->has_sum && checksum(r->core, r->obj) != r->sum)
		report(r->core, "object %p was written while it was idle; put by %s, got before by %s",
		       r->obj, name_of(r->put_by), name_of(r->got_by));
	r->has_sum = false;
}

/* --- What pool.c tells -------------------------------------------------------- */

/* An object was made; it is nobody's yet. Called unless debug mode was off just now. */
void pcpool_debug_allocated(struct pcpool_core *core, void *obj, gfp_t gfp)
{
	struct record *r = NULL;
	unsigned long flags;
	bool entered;

	if (READ_ONCE(core->debug) == PCPOOL_DEBUG_ON && pcpool_may_get_memory(gfp))
		r = new_record(core, obj, gfp);
	raw_spin_lock_irqsave(&records_lock, flags);
	atomic_long_inc(&core->objects);
	entered = enter(r);
	if (!entered && READ_ONCE(core->debug) == PCPOOL_DEBUG_ON)
		atomic_long_inc(&core->untracked);
	raw_spin_unlock_irqrestore(&records_lock, flags);
	if (!entered)
		kfree(r);
}

/* @caller has got an object, and is about to see it. */
void pcpool_debug_got(struct pcpool_core *core, void *obj, unsigned long caller)
{
	enum pcpool_debug_mode mode = READ_ONCE(core->debug);
	/* Under the lock one cannot tell any more, on some kernels. */
	bool adopted, may_add = pcpool_may_get_memory(GFP_NOWAIT);
	struct record *r;

	rcu_read_lock();
	r = find(core, obj);
	if (mode != PCPOOL_DEBUG_ON) {
		if (r)
			lift_poison(r);
		goto out;
	}
	if (!r) {
		/* It is older than the debugging. */
		adopted = adopt_one(core);
		r = may_add ? add(core, obj, GFP_NOWAIT) : NULL;
		if (!r) {
			if (adopted)
				atomic_long_inc(&core->untracked);
			goto out;
		}
	}
	if (atomic_cmpxchg(&r->state, IDLE, HELD) != IDLE)
		report(core, "object %p has two owners: got by %s, but %s, who got it before, has not put it",
		       obj, name_of(caller), name_of(r->got_by));
	else
		check_content(r);
	WRITE_ONCE(r->got_by, caller);
	WRITE_ONCE(r->got_at, jiffies);
	WRITE_ONCE(r->got_cpu, raw_smp_processor_id());
	WRITE_ONCE(r->task, task_pid_nr(current));
	memcpy(r->comm, current->comm, sizeof(r->comm));
out:
	rcu_read_unlock();
}

/* Of an object without a record. */
static bool put_unknown(struct pcpool_core *core, void *obj, unsigned long caller,
			bool may_add)
{
	const struct record *other = find_elsewhere(core, obj);
	struct record *r;

	if (other) {
		report(core, "object %p put by %s is not of this pool, but of %s, from which %s got it",
		       obj, name_of(caller), other->core->name, name_of(other->got_by));
		return false;
	}
	if (!adopt_one(core)) {
		report(core, "object %p put by %s is not of this pool", obj, name_of(caller));
		return false;
	}
	r = may_add ? add(core, obj, GFP_NOWAIT) : NULL;
	if (r)
		WRITE_ONCE(r->put_by, caller);
	else
		atomic_long_inc(&core->untracked);
	return true;
}

/**
 * pcpool_debug_put() - @caller is putting an object
 * @core: the pool
 * @obj: the object
 * @caller: where the call is
 *
 * Return: whether that may be; else it is reported, and the put is to do nothing.
 */
bool pcpool_debug_put(struct pcpool_core *core, void *obj, unsigned long caller)
{
	bool right = true, may_add = pcpool_may_get_memory(GFP_NOWAIT);
	struct record *r;

	if (READ_ONCE(core->debug) != PCPOOL_DEBUG_ON)
		return true;
	rcu_read_lock();
	r = find(core, obj);
	if (!r) {
		right = put_unknown(core, obj, caller, may_add);
	} else if (atomic_cmpxchg(&r->state, HELD, IDLE) != HELD) {
		report(core, "object %p put twice: now by %s, before by %s; got by %s", obj,
		       name_of(caller), name_of(READ_ONCE(r->put_by)),
		       name_of(READ_ONCE(r->got_by)));
		right = false;
	} else {
		WRITE_ONCE(r->put_by, caller);
	}
	rcu_read_unlock();
	return right;
}

/* It has been reset and cleared: as it is now it must stay until somebody gets it. */
void pcpool_debug_idle(struct pcpool_core *core, void *obj)
{
	struct record *r;

	if (READ_ONCE(core->debug) != PCPOOL_DEBUG_ON || !is_plain(core))
		return;
	rcu_read_lock();
	r = find(core, obj);
	if (r) {
		r->sum = checksum(core, obj);
		r->has_sum = true;
		atomic_set(&r->poisoned, 1);
		poison(r, KASAN_IDLE);
	}
	rcu_read_unlock();
}

/* An object is about to be unmade. Called unless debug mode was off just now. */
void pcpool_debug_freed(struct pcpool_core *core, void *obj)
{
	struct record *r;
	unsigned long flags;
	bool left;

	rcu_read_lock();
	r = find(core, obj);
	if (r && READ_ONCE(core->debug) == PCPOOL_DEBUG_ON)
		check_content(r);
	raw_spin_lock_irqsave(&records_lock, flags);
	atomic_long_dec(&core->objects);
	left = r && leave(r);
	if (!left && READ_ONCE(core->debug) == PCPOOL_DEBUG_ON)
		adopt_one(core);
	raw_spin_unlock_irqrestore(&records_lock, flags);
	rcu_read_unlock();
	if (left)
		call_rcu(&r->rcu, record_free_rcu);
}

/* --- Switching --------------------------------------------------------------- */

/* Do something with each record of a pool; @fn may drop it. */
static void with_records(struct pcpool_core *core,
			 void (*fn)(struct record *r, struct seq_file *m),
			 struct seq_file *m)
{
	unsigned int bucket;
	struct record *r;

	for (bucket = 0; bucket < HASH_SIZE(records); bucket++) {
		rcu_read_lock();
		hlist_for_each_entry_rcu(r, &records[bucket], node) {
			if (r->core == core)
				fn(r, m);
		}
		rcu_read_unlock();
		cond_resched();
	}
}

static void lift_each(struct record *r, struct seq_file *m)
{
	unsigned long flags;

	/* So that the object is not freed meanwhile. */
	raw_spin_lock_irqsave(&records_lock, flags);
	if (!hlist_unhashed(&r->node))
		lift_poison(r);
	raw_spin_unlock_irqrestore(&records_lock, flags);
}

static void drop_each(struct record *r, struct seq_file *m)
{
	drop(r);
}

static void report_held(struct record *r, struct seq_file *m)
{
	if (atomic_read(&r->state) == HELD)
		report(r->core, "object %p was never put; got by %s, %s[%d], on CPU %d", r->obj,
		       name_of(r->got_by), r->comm, r->task, r->got_cpu);
}

/* From its creation on. */
void pcpool_debug_begin(struct pcpool_core *core)
{
	mutex_lock(&switch_lock);
	find_kasan();
	mutex_unlock(&switch_lock);
	core->debug = PCPOOL_DEBUG_ON;
}

/**
 * pcpool_debug_set() - switch debug mode
 * @core: the pool
 * @on: on or off
 *
 * May sleep for some time: until all who are in the middle of an inlined get or put are
 * out of it.
 *
 * Return: 0, -EINTR after a fatal signal, or -EOPNOTSUPP on a kernel on which that cannot be
 * waited for: there only pools that are made with debug mode on have it.
 */
int pcpool_debug_set(struct pcpool_core *core, bool on)
{
	bool was_on;

	if (!pcpool_debug_can_switch()) {
		pr_err("%s: debug mode cannot be switched without CONFIG_TASKS_RCU\n", core->name);
		return -EOPNOTSUPP;
	}
	if (mutex_lock_killable(&switch_lock))
		return -EINTR;
	was_on = core->debug == PCPOOL_DEBUG_ON;
	if (on == was_on)
		goto out;
	if (on) {
		find_kasan();
		pcpool_close(core, true);
		WRITE_ONCE(core->debug, PCPOOL_DEBUG_BEGINNING);
		/* After this all that is got, put, made or unmade comes by. */
		synchronize_rcu_tasks();
		raw_spin_lock_irq(&records_lock);
		atomic_long_set(&core->untracked, atomic_long_read(&core->objects));
		WRITE_ONCE(core->debug, PCPOOL_DEBUG_ON);
		raw_spin_unlock_irq(&records_lock);
	} else {
		WRITE_ONCE(core->debug, PCPOOL_DEBUG_ENDING);
		/* Nobody imposes anything any more after this. */
		synchronize_rcu_tasks();
		with_records(core, lift_each, NULL);
		WRITE_ONCE(core->debug, PCPOOL_DEBUG_OFF);
		synchronize_rcu_tasks();
		with_records(core, drop_each, NULL);
		/* Until nobody reads the pool's mode in a record any more: it may go next. */
		synchronize_rcu();
		pcpool_close(core, false);
	}
out:
	mutex_unlock(&switch_lock);
	return 0;
}
EXPORT_SYMBOL_FOR_TESTS(pcpool_debug_set);

/* Of a pool that nobody uses any more, and nothing is idle in. */
void pcpool_debug_destroy(struct pcpool_core *core)
{
	if (core->debug == PCPOOL_DEBUG_OFF)
		return;
	with_records(core, report_held, NULL);
	with_records(core, drop_each, NULL);
	core->debug = PCPOOL_DEBUG_OFF;
	/* Until nobody reads the pool's name in a record any more. */
	synchronize_rcu();
}

static void show_held(struct record *r, struct seq_file *m)
{
	if (atomic_read(&r->state) != HELD)
		return;
	seq_printf(m, "%p %10u %4d %7d %-16.16s %s\n", r->obj,
		   jiffies_to_msecs(jiffies - READ_ONCE(r->got_at)), READ_ONCE(r->got_cpu),
		   READ_ONCE(r->task), r->comm, name_of(READ_ONCE(r->got_by)));
}

/* Who has what, and since when. */
void pcpool_debug_show_outstanding(struct pcpool_core *core, struct seq_file *m)
{
	long untracked = atomic_long_read(&core->untracked);

	if (READ_ONCE(core->debug) != PCPOOL_DEBUG_ON) {
		seq_puts(m, "# debug mode is off: write 1 to debug\n");
		return;
	}
	if (untracked > 0)
		seq_printf(m, "# %ld objects are older than debug mode and have not been seen yet\n",
			   untracked);
	seq_printf(m, "%-*s %10s %4s %7s %-16s %s\n", (int)(2 * sizeof(void *)), "object",
		   "held_ms", "cpu", "pid", "task", "got_by");
	with_records(core, show_held, m);
}
EXPORT_SYMBOL_FOR_TESTS(pcpool_debug_show_outstanding);
