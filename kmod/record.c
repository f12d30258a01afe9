// SPDX-License-Identifier: GPL-2.0
/*
 * The records of debug mode; see record.h.
 *
 * The hash table is allocated when debug mode is first used, and sized by the memory of the
 * machine, as the kernel's large hash tables are. It never changes, so that a lookup takes
 * no lock in any context. The kernel's rhashtable cannot be used here: adding and removing
 * may allocate memory or enable softirqs, and happen with interrupts disabled. Each pool
 * also has a list of its records, so that what concerns all of them takes as long as the
 * pool is large.
 *
 * KASAN: kernels so far export kasan_poison() to modules, or nothing
 * (kasan_mempool_poison_object() calls a function that is not exported). With generic
 * KASAN and kasan_poison(), idle objects are poisoned, and an access to one is reported
 * when it happens. Otherwise the checksum finds a write at the next get. Both only for
 * objects that are plain memory (PCPOOL_PLAIN).
 */
#include <linux/hash.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rculist.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "record.h"
#include "testing.h"

/*
 * There is one bucket for each page of memory. An object with its record and its place in
 * the pool takes some 250 bytes at least, so a chain stays short even where all memory is
 * objects. Limits of the number of buckets, log2:
 */
#define BITS_MIN	12u
#define BITS_MAX	22u

/* How many records to drop while the lock is held. */
#define BATCH		32u

/* How idle memory appears to KASAN: like freed memory of the slab allocator. */
#define KASAN_IDLE	0xfb
#define KASAN_GRANULE	8u

/**
 * struct table - the hash table of records
 * @bits: log2 of the number of buckets
 * @bucket: the buckets
 */
struct table {
	unsigned int bits;
	struct hlist_head bucket[];
};

DEFINE_RAW_SPINLOCK(pcpool_records_lock);
EXPORT_SYMBOL_IF_KUNIT(pcpool_records_lock);

/* NULL: debug mode was not used so far. */
static struct table __rcu *records;
static DEFINE_MUTEX(init_lock); /* setting @records */

static void (*poison_fn)(const void *addr, size_t size, u8 value, bool init);

static void find_kasan(void)
{
#ifdef CONFIG_KASAN_GENERIC
	/* Declared only in a header of mm/. */
	poison_fn = __symbol_get("kasan_poison");
#endif
}

/* Poison whole granules only: the rest of the last one may belong to other memory. */
static void poison(const struct pcpool_record *r, u8 value)
{
	unsigned long start = ALIGN((unsigned long)r->obj, KASAN_GRANULE);
	unsigned long end = ALIGN_DOWN((unsigned long)r->obj + r->core->object_bytes,
				       KASAN_GRANULE);

	/* Without CONFIG_KASAN_VMALLOC, vmalloc memory has no shadow of its own. */
	if (!IS_ENABLED(CONFIG_KASAN_VMALLOC) && is_vmalloc_addr(r->obj))
		return;
	if (poison_fn && start < end)
		poison_fn((void *)start, end - start, value, false);
}

void pcpool_record_poison(struct pcpool_record *r)
{
	atomic_set(&r->poisoned, 1);
	poison(r, KASAN_IDLE);
}

void pcpool_record_unpoison(struct pcpool_record *r)
{
	/* In this order: a context that sees it unpoisoned, by the acquire, may use the object. */
	if (atomic_read_acquire(&r->poisoned)) {
		poison(r, 0);
		atomic_set_release(&r->poisoned, 0);
	}
}

/* --- The hash table ------------------------------------------------------- */

static struct hlist_head *bucket_of(struct table *table, const void *obj)
{
	return &table->bucket[hash_ptr(obj, table->bits)];
}

/* Under RCU. */
struct pcpool_record *pcpool_record_find(const struct pcpool_core *core, const void *obj)
{
	struct table *table = rcu_dereference(records);
	struct pcpool_record *r;

	/* Where debug mode is just being switched on, the table may not be visible yet. */
	if (unlikely(!table))
		return NULL;
	hlist_for_each_entry_rcu(r, bucket_of(table, obj), node) {
		if (r->obj == obj && r->core == core)
			return r;
	}
	return NULL;
}

/*
 * The record of @obj in another pool that is in debug mode. Under RCU, in a pool that is
 * in debug mode.
 */
const struct pcpool_record *pcpool_record_find_elsewhere(const struct pcpool_core *core,
							 const void *obj)
{
	const struct pcpool_record *r;

	hlist_for_each_entry_rcu(r, bucket_of(rcu_dereference(records), obj), node) {
		/* A pool that left debug mode may have freed the object since. */
		if (r->obj == obj && r->core != core &&
		    READ_ONCE(r->core->debug) == PCPOOL_DEBUG_ON)
			return r;
	}
	return NULL;
}

static struct table *table_alloc(void)
{
	unsigned int bits = clamp_t(unsigned int, ilog2(totalram_pages() | 1), BITS_MIN, BITS_MAX);
	struct table *table;

	do {
		table = kvzalloc(struct_size(table, bucket, 1ul << bits),
				 GFP_KERNEL | __GFP_NOWARN);
		if (table)
			table->bits = bits;
	} while (!table && --bits >= BITS_MIN);
	return table;
}

/* Before a pool is in debug mode. Returns 0 or -ENOMEM. */
int pcpool_records_init(void)
{
	struct table *table;

	mutex_lock(&init_lock);
	table = rcu_dereference_protected(records, lockdep_is_held(&init_lock));
	if (!table) {
		find_kasan();
		table = table_alloc();
		rcu_assign_pointer(records, table);
	}
	mutex_unlock(&init_lock);
	return table ? 0 : -ENOMEM;
}

/* When there are no pools any more. */
void pcpool_records_exit(void)
{
	kvfree(rcu_dereference_protected(records, true));
}

/* --- Records -------------------------------------------------------------- */

struct pcpool_record *pcpool_record_alloc(struct pcpool_core *core, void *obj, gfp_t gfp)
{
	struct pcpool_record *r = kzalloc(sizeof(*r), gfp | __GFP_NOWARN);

	if (r) {
		INIT_LIST_HEAD(&r->link.list);
		r->core = core;
		r->obj = obj;
	}
	return r;
}

/* Make @r, which may be NULL, visible; under the lock. Returns whether it did. */
bool pcpool_record_insert(struct pcpool_record *r)
{
	/* Debug mode may have been switched off meanwhile, and all records dropped. */
	if (!r || READ_ONCE(r->core->debug) != PCPOOL_DEBUG_ON)
		return false;
	list_add_tail(&r->link.list, &r->core->records);
	/* It does not change. */
	hlist_add_head_rcu(&r->node, bucket_of(rcu_dereference_protected(records, true), r->obj));
	return true;
}

/* Returns NULL if it cannot: the object then remains without a record. */
struct pcpool_record *pcpool_record_add(struct pcpool_core *core, void *obj, gfp_t gfp)
{
	struct pcpool_record *r = pcpool_record_alloc(core, obj, gfp);
	unsigned long flags;
	bool inserted;

	raw_spin_lock_irqsave(&pcpool_records_lock, flags);
	inserted = pcpool_record_insert(r);
	raw_spin_unlock_irqrestore(&pcpool_records_lock, flags);
	if (inserted)
		return r;
	kfree(r);
	return NULL;
}

static void record_free_rcu(struct rcu_head *rcu)
{
	kfree(container_of(rcu, struct pcpool_record, rcu));
}

/* Free a record that was removed, after a grace period. */
void pcpool_record_retire(struct pcpool_record *r)
{
	call_rcu(&r->rcu, record_free_rcu);
}

/* Unpoison the object and hide its record; under the lock. False if it was hidden before. */
bool pcpool_record_remove(struct pcpool_record *r)
{
	if (list_empty(&r->link.list))
		return false;
	pcpool_record_unpoison(r);
	list_del_init(&r->link.list);
	hlist_del_init_rcu(&r->node);
	return true;
}

/*
 * Remove up to BATCH records of a pool, and all cursors before them, which then are at
 * the end. Returns how many records.
 */
static unsigned int remove_batch(struct pcpool_core *core, struct pcpool_record *removed[BATCH])
{
	struct pcpool_record_link *link;
	unsigned int n = 0;

	raw_spin_lock_irq(&pcpool_records_lock);
	while (n < BATCH && !list_empty(&core->records)) {
		link = list_first_entry(&core->records, struct pcpool_record_link, list);
		if (link->is_cursor) {
			list_del_init(&link->list);
			continue;
		}
		removed[n] = container_of(link, struct pcpool_record, link);
		pcpool_record_remove(removed[n++]);
	}
	raw_spin_unlock_irq(&pcpool_records_lock);
	return n;
}

/* Drop all records of a pool. No more are added. In task context. */
void pcpool_record_drop_all(struct pcpool_core *core)
{
	struct pcpool_record *removed[BATCH];
	unsigned int i, n;

	do {
		n = remove_batch(core, removed);
		for (i = 0; i < n; i++)
			pcpool_record_retire(removed[i]);
		cond_resched();
	} while (n == BATCH);
}

/* --- Reading a pool's list ------------------------------------------------- */

/*
 * A reader may let go of the lock after each record, because its cursor keeps its place.
 * Records are listed in the order in which they were added.
 */

/* Move the cursor, which may be new and zeroed, to before the first record. */
void pcpool_record_rewind(struct pcpool_core *core, struct pcpool_record_cursor *cursor)
{
	raw_spin_lock_irq(&pcpool_records_lock);
	if (!cursor->link.is_cursor)
		INIT_LIST_HEAD(&cursor->link.list);
	cursor->link.is_cursor = true;
	list_move(&cursor->link.list, &core->records);
	raw_spin_unlock_irq(&pcpool_records_lock);
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_record_rewind);

/* Move the cursor to after the next record, and return that; NULL: none. Under the lock. */
struct pcpool_record *pcpool_record_next(struct pcpool_core *core,
					 struct pcpool_record_cursor *cursor)
{
	struct pcpool_record_link *link = &cursor->link;

	/* The records were dropped meanwhile. */
	if (list_empty(&cursor->link.list))
		return NULL;
	list_for_each_entry_continue(link, &core->records, list) {
		if (!link->is_cursor) {
			list_move(&cursor->link.list, &link->list);
			return container_of(link, struct pcpool_record, link);
		}
	}
	return NULL;
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_record_next);

/* May come after the pool was destroyed, which has taken the cursor out of its list. */
void pcpool_record_cursor_remove(struct pcpool_record_cursor *cursor)
{
	raw_spin_lock_irq(&pcpool_records_lock);
	if (cursor->link.is_cursor)
		list_del_init(&cursor->link.list);
	raw_spin_unlock_irq(&pcpool_records_lock);
}
EXPORT_SYMBOL_IF_KUNIT(pcpool_record_cursor_remove);
