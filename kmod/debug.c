// SPDX-License-Identifier: GPL-2.0
/*
 * Debug mode: each object of a pool has a record (record.h) of its last get and put. This
 * finds objects that are put twice, put into another pool, written while idle, given to two
 * owners, or never put, and reports them with the names of the callers. An invalid put is
 * ignored, so it corrupts nothing.
 *
 * It can be switched while the pool is in use, and costs nothing while it is off: while
 * it is on, the gate (gate.h) sends every get and put out of line, as for a bypass.
 *
 * A pool for which it is switched on later has objects without a record. They get one
 * when they are next seen, at a get or a put. Until then, a put of an unknown pointer may
 * be one of these and is not reported; if it was not one, then another put will be
 * reported in its place later. The number of objects without a record is exact: objects
 * are counted at all times, and from the moment that debug mode is being switched on,
 * under the lock that protects the records.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ctype.h>
#include <linux/jhash.h>
#include <linux/jiffies.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "context.h"
#include "debug.h"
#include "record.h"
#include "testing.h"

/* A broken pool may report without end; further reports are only counted. */
#define REPORTS_MAX	100

/* How many records to look at while their lock is held. */
#define BATCH		64u

bool pcpool_debug_default;
EXPORT_SYMBOL_IF_KUNIT(pcpool_debug_default);

/*
 * Account for an object without a record that has now been seen. Returns false if all
 * existing objects have one.
 */
static bool adopt_one(struct pcpool_core *core)
{
	return atomic_long_dec_if_positive(&core->untracked) >= 0;
}

/* --- Reports ------------------------------------------------------------ */

#define report(core, fmt, ...) do {						\
	struct pcpool_core *__core = (core);					\
										\
	if (atomic_long_inc_return(&__core->misuses) <= REPORTS_MAX)		\
		pr_err("%s: " fmt "\n", __core->name, ##__VA_ARGS__);		\
} while (0)

/* A longer name is truncated. */
struct caller_name {
	char text[96];
};

/*
 * %pS has no name for code that is gone, such as a module's init function, and would
 * print its address.
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

/* The object leaves the pool, to be used or freed: is its content as it was put? */
static void check_content(struct pcpool_record *r)
{
	pcpool_record_unpoison(r);
	if (r->has_sum && checksum(r->core, r->obj) != r->sum)
		report(r->core, "object %p was written while it was idle; put by %s, got before by %s",
		       r->obj, name_of(r->put_by), name_of(r->got_by));
	r->has_sum = false;
}

/* --- Events in the life of an object -------------------------------------- */

/* An object was allocated and has no owner yet. Called unless debug mode was off just now. */
void pcpool_debug_allocated(struct pcpool_core *core, void *obj, gfp_t gfp)
{
	struct pcpool_record *r = NULL;
	unsigned long flags;
	bool inserted;

	if (READ_ONCE(core->debug) == PCPOOL_DEBUG_ON && pcpool_may_allocate_for(gfp))
		r = pcpool_record_alloc(core, obj, gfp);
	raw_spin_lock_irqsave(&pcpool_records_lock, flags);
	atomic_long_inc(&core->objects);
	inserted = pcpool_record_insert(r);
	if (!inserted && READ_ONCE(core->debug) == PCPOOL_DEBUG_ON)
		atomic_long_inc(&core->untracked);
	raw_spin_unlock_irqrestore(&pcpool_records_lock, flags);
	if (!inserted)
		kfree(r);
}

/* @caller asks for an object with @gfp. */
void pcpool_debug_gfp(struct pcpool_core *core, gfp_t gfp, unsigned long caller)
{
	gfp &= PCPOOL_GFP_REFUSED;
	if (unlikely(gfp) && READ_ONCE(core->debug) == PCPOOL_DEBUG_ON)
		report(core, "a get by %s asks for %pGg, which no pool can honour",
		       name_of(caller), &gfp);
}

/* @caller has got an object, and has not touched it yet. */
void pcpool_debug_got(struct pcpool_core *core, void *obj, unsigned long caller)
{
	enum pcpool_debug_mode mode = READ_ONCE(core->debug);
	/*
	 * Before rcu_read_lock(), which disables preemption on some kernels and would make the
	 * answer always no.
	 */
	bool adopted, may_add = pcpool_may_allocate_for(GFP_NOWAIT);
	struct pcpool_record *r;

	rcu_read_lock();
	r = pcpool_record_find(core, obj);
	if (mode != PCPOOL_DEBUG_ON) {
		if (r)
			pcpool_record_unpoison(r);
		goto out;
	}
	if (!r) {
		/* The object is older than debug mode. */
		adopted = adopt_one(core);
		r = may_add ? pcpool_record_add(core, obj, GFP_NOWAIT) : NULL;
		if (!r) {
			if (adopted)
				atomic_long_inc(&core->untracked);
			goto out;
		}
	}
	if (atomic_cmpxchg(&r->state, PCPOOL_RECORD_IDLE, PCPOOL_RECORD_HELD) !=
	    PCPOOL_RECORD_IDLE)
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

/* A put of an object without a record. */
static bool put_unknown(struct pcpool_core *core, void *obj, unsigned long caller,
			bool may_add)
{
	const struct pcpool_record *other = pcpool_record_find_elsewhere(core, obj);
	struct pcpool_record *r;

	if (other) {
		report(core, "object %p put by %s is not of this pool, but of %s, from which %s got it",
		       obj, name_of(caller), other->core->name, name_of(other->got_by));
		return false;
	}
	if (!adopt_one(core)) {
		report(core, "object %p put by %s is not of this pool", obj, name_of(caller));
		return false;
	}
	r = may_add ? pcpool_record_add(core, obj, GFP_NOWAIT) : NULL;
	if (r)
		WRITE_ONCE(r->put_by, caller);
	else
		atomic_long_inc(&core->untracked);
	return true;
}

/**
 * pcpool_debug_put() - check a put
 * @core: the pool
 * @obj: the object
 * @caller: return address of the put
 *
 * Return: Whether the put is legitimate. If not, it was reported, and must do nothing.
 */
bool pcpool_debug_put(struct pcpool_core *core, void *obj, unsigned long caller)
{
	bool right = true, may_add = pcpool_may_allocate_for(GFP_NOWAIT);
	struct pcpool_record *r;

	if (READ_ONCE(core->debug) != PCPOOL_DEBUG_ON)
		return true;
	rcu_read_lock();
	r = pcpool_record_find(core, obj);
	if (!r) {
		right = put_unknown(core, obj, caller, may_add);
	} else if (atomic_cmpxchg(&r->state, PCPOOL_RECORD_HELD, PCPOOL_RECORD_IDLE) !=
		   PCPOOL_RECORD_HELD) {
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

/* An object was reset and cleared: until the next get its content must not change. */
void pcpool_debug_idle(struct pcpool_core *core, void *obj)
{
	struct pcpool_record *r;

	if (READ_ONCE(core->debug) != PCPOOL_DEBUG_ON || !is_plain(core))
		return;
	rcu_read_lock();
	r = pcpool_record_find(core, obj);
	if (r) {
		r->sum = checksum(core, obj);
		r->has_sum = true;
		pcpool_record_poison(r);
	}
	rcu_read_unlock();
}

/* An object is about to be freed. Called unless debug mode was off just now. */
void pcpool_debug_freed(struct pcpool_core *core, void *obj)
{
	struct pcpool_record *r;
	unsigned long flags;
	bool removed;

	rcu_read_lock();
	r = pcpool_record_find(core, obj);
	if (r && READ_ONCE(core->debug) == PCPOOL_DEBUG_ON)
		check_content(r);
	raw_spin_lock_irqsave(&pcpool_records_lock, flags);
	atomic_long_dec(&core->objects);
	removed = r && pcpool_record_remove(r);
	if (!removed && READ_ONCE(core->debug) == PCPOOL_DEBUG_ON)
		adopt_one(core);
	raw_spin_unlock_irqrestore(&pcpool_records_lock, flags);
	rcu_read_unlock();
	if (removed)
		pcpool_record_retire(r);
}

/* --- Which objects are held ------------------------------------------------ */

/* The next object after @cursor that is held. Returns whether there is one. */
static bool next_held(struct pcpool_core *core, struct pcpool_record_cursor *cursor,
		      struct pcpool_held *held)
{
	struct pcpool_record *r;
	bool found = false;
	unsigned int n;

	do {
		raw_spin_lock_irq(&pcpool_records_lock);
		for (n = 0, r = NULL; n < BATCH && !found; n++) {
			r = pcpool_record_next(core, cursor);
			if (!r)
				break;
			found = atomic_read(&r->state) == PCPOOL_RECORD_HELD;
		}
		if (found) {
			held->obj = r->obj;
			held->got_by = READ_ONCE(r->got_by);
			held->got_at = READ_ONCE(r->got_at);
			held->got_cpu = READ_ONCE(r->got_cpu);
			held->task = READ_ONCE(r->task);
			memcpy(held->comm, r->comm, sizeof(held->comm));
		}
		raw_spin_unlock_irq(&pcpool_records_lock);
		cond_resched();
	} while (r && !found);
	return found;
}

static void report_held(struct pcpool_core *core)
{
	struct pcpool_record_cursor cursor = { };
	struct pcpool_held held;

	pcpool_record_rewind(core, &cursor);
	while (next_held(core, &cursor, &held))
		report(core, "object %p was never put; got by %s, %s[%d], on CPU %d", held.obj,
		       name_of(held.got_by), held.comm, held.task, held.got_cpu);
	pcpool_record_cursor_remove(&cursor);
}

/*
 * Go to the object at @pos. What seq_file asks for is the object that was found last, or
 * the first one. Position 0 is the heading.
 */
static void *outstanding_start(struct seq_file *m, loff_t *pos)
{
	struct pcpool_outstanding *o = m->private;

	if (!*pos || o->pos > *pos) {
		pcpool_record_rewind(o->core, &o->cursor);
		o->pos = 0;
		o->found = true;
	}
	while (o->found && o->pos < *pos) {
		o->found = next_held(o->core, &o->cursor, &o->held);
		o->pos++;
	}
	if (!*pos)
		return SEQ_START_TOKEN;
	return o->found ? &o->held : NULL;
}

static void *outstanding_next(struct seq_file *m, void *v, loff_t *pos)
{
	++*pos;
	return outstanding_start(m, pos);
}

static void outstanding_stop(struct seq_file *m, void *v)
{
}

static void show_heading(struct seq_file *m, const struct pcpool_core *core)
{
	long untracked = atomic_long_read(&core->untracked);

	if (READ_ONCE(core->debug) != PCPOOL_DEBUG_ON) {
		seq_puts(m, "# debug mode is off: write 1 to debug\n");
		return;
	}
	if (untracked > 0)
		seq_printf(m, "# %ld %s older than debug mode and not seen yet\n",
			   untracked, untracked == 1 ? "object is" : "objects are");
	seq_printf(m, "%-*s %10s %4s %7s %-16s %s\n", (int)(2 * sizeof(void *)), "object",
		   "held_ms", "cpu", "pid", "task", "got_by");
}

static int outstanding_show(struct seq_file *m, void *v)
{
	const struct pcpool_outstanding *o = m->private;
	const struct pcpool_held *held = &o->held;

	if (v == SEQ_START_TOKEN)
		show_heading(m, o->core);
	else
		seq_printf(m, "%p %10u %4d %7d %-16.16s %s\n", held->obj,
			   jiffies_to_msecs(jiffies - held->got_at), held->got_cpu, held->task,
			   held->comm, name_of(held->got_by));
	return 0;
}

/* Which objects are outstanding, with which callers, and since when. */
const struct seq_operations pcpool_outstanding_ops = {
	.start = outstanding_start,
	.next = outstanding_next,
	.stop = outstanding_stop,
	.show = outstanding_show,
};
EXPORT_SYMBOL_IF_KUNIT(pcpool_outstanding_ops);

/* May come after the pool was destroyed. */
void pcpool_outstanding_end(struct pcpool_outstanding *o)
{
	pcpool_record_cursor_remove(&o->cursor);
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_outstanding_end);

/* --- Creating and destroying a pool --------------------------------------- */

/*
 * Before anything else of debug mode. The default decides whether the pool is in
 * debug mode from its creation on. It is not if there is no memory for the records.
 */
void pcpool_debug_init(struct pcpool_core *core)
{
	INIT_LIST_HEAD(&core->records);
	mutex_init(&core->debug_lock);
	core->created_debugged = READ_ONCE(pcpool_debug_default);
	if (core->created_debugged && !pcpool_records_init()) {
		core->debug = PCPOOL_DEBUG_ON;
		core->closed_for_debug = true;
	}
}

/* The pool is about to be destroyed: its mode does not change any more. */
void pcpool_debug_fix(struct pcpool_core *core)
{
	mutex_lock(&core->debug_lock);
	core->debug_fixed = true;
	mutex_unlock(&core->debug_lock);
}

/* After pcpool_debug_fix(). The pool is no longer used, and nothing is idle in it. */
void pcpool_debug_destroy(struct pcpool_core *core)
{
	if (core->debug == PCPOOL_DEBUG_ON)
		report_held(core);
	/* In any mode: switching it off may not have come to an end. */
	pcpool_record_drop_all(core);
	core->debug = PCPOOL_DEBUG_OFF;
}
