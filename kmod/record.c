// SPDX-License-Identifier: GPL-2.0
/*
 * The records of debug mode; see record.h.
 *
 * The hash table: a lookup may come from any context, so it takes no lock and sees one
 * table, under RCU. A work item replaces the table by one that fits the number of records:
 * from the time that the new table is known, records are added to both tables; then all
 * others are added to the new one, and it is published; a grace period later the old one is
 * emptied and freed. A record has a node for each. So a lookup finds each record in
 * whichever table it sees. The kernel's rhashtable cannot be used here: adding and removing
 * may allocate memory or enable softirqs, and happen with interrupts disabled.
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
#include <linux/rculist.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "record.h"

/* The number of buckets is a power of two. */
#define BITS_MIN	10u
#define BITS_MAX	24u

/* How many records to handle while the lock is held. */
#define BATCH		32u

/* Since 6.17, the unbound workqueue has another name. */
#ifdef PCPOOL_HAVE_WQ_PERCPU
#define RESIZE_WORKQUEUE	system_dfl_wq
#else
#define RESIZE_WORKQUEUE	system_unbound_wq
#endif

/* How idle memory appears to KASAN: like freed memory of the slab allocator. */
#define KASAN_IDLE	0xfb
#define KASAN_GRANULE	8u

/**
 * struct table - a hash table of records
 * @bits: log2 of the number of buckets
 * @chain: which node of a record is in this table
 * @bucket: the buckets
 */
struct table {
	unsigned int bits;
	unsigned int chain;
	struct hlist_head bucket[];
};

DEFINE_RAW_SPINLOCK(pcpool_records_lock);

/* The table that lookups see, and the one that is being filled, or NULL. */
static struct table __rcu *current_table;
static struct table *next_table;
/* The number of records, and between which numbers the table is not resized. */
static unsigned long nr_records;
static unsigned long enough_above;
static unsigned long enough_up_to;

static void resize(struct work_struct *work);
static DECLARE_WORK(resize_work, resize);

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
	struct table *table = rcu_dereference(current_table);
	struct pcpool_record *r;

	hlist_for_each_entry_rcu(r, bucket_of(table, obj), node[table->chain]) {
		if (r->obj == obj && r->core == core)
			return r;
	}
	return NULL;
}

/* The record of @obj in another pool that is in debug mode. Under RCU. */
const struct pcpool_record *pcpool_record_find_elsewhere(const struct pcpool_core *core,
							 const void *obj)
{
	struct table *table = rcu_dereference(current_table);
	const struct pcpool_record *r;

	hlist_for_each_entry_rcu(r, bucket_of(table, obj), node[table->chain]) {
		/* A pool that left debug mode may have freed the object since. */
		if (r->obj == obj && r->core != core &&
		    READ_ONCE(r->core->debug) == PCPOOL_DEBUG_ON)
			return r;
	}
	return NULL;
}

static struct table *table_alloc(unsigned int bits, unsigned int chain)
{
	struct table *table = kvzalloc(struct_size(table, bucket, 1ul << bits),
				       GFP_KERNEL | __GFP_NOWARN);

	if (table) {
		table->bits = bits;
		table->chain = chain;
	}
	return table;
}

/* Under the lock. */
static void table_add(struct table *table, struct pcpool_record *r)
{
	hlist_add_head_rcu(&r->node[table->chain], bucket_of(table, r->obj));
}

/* Let lookups see @table; under the lock. */
static void publish(struct table *table)
{
	unsigned long size = 1ul << table->bits;

	rcu_assign_pointer(current_table, table);
	next_table = NULL;
	WRITE_ONCE(enough_up_to, table->bits < BITS_MAX ? size : ULONG_MAX);
	WRITE_ONCE(enough_above, table->bits > BITS_MIN ? size / 8 : 0);
}

/* Add the records of @old to @next_table, unless they were added since it is known. */
static void fill_next(struct table *old)
{
	struct pcpool_record *r;
	unsigned long i;

	for (i = 0; i < 1ul << old->bits; i++) {
		raw_spin_lock_irq(&pcpool_records_lock);
		hlist_for_each_entry(r, &old->bucket[i], node[old->chain]) {
			if (hlist_unhashed(&r->node[next_table->chain]))
				table_add(next_table, r);
		}
		raw_spin_unlock_irq(&pcpool_records_lock);
		cond_resched();
	}
}

/* Take all records out of a table that no lookup sees any more. */
static void empty(struct table *old)
{
	struct hlist_node *node, *next;
	unsigned long i;

	for (i = 0; i < 1ul << old->bits; i++) {
		raw_spin_lock_irq(&pcpool_records_lock);
		hlist_for_each_safe(node, next, &old->bucket[i])
			hlist_del_init(node);
		raw_spin_unlock_irq(&pcpool_records_lock);
		cond_resched();
	}
}

static bool is_enough(void)
{
	unsigned long nr = READ_ONCE(nr_records);

	return nr <= READ_ONCE(enough_up_to) && nr >= READ_ONCE(enough_above);
}

/* Fit the table to the number of records. Without memory, it remains as it is. */
static void resize(struct work_struct *work)
{
	struct table *old, *new;
	unsigned int bits;

	while (!is_enough()) {
		/* Only this function changes it. */
		old = rcu_dereference_protected(current_table, true);
		bits = order_base_2(READ_ONCE(nr_records) | 1) + 1;
		new = table_alloc(clamp(bits, BITS_MIN, BITS_MAX), !old->chain);
		if (!new)
			return;
		raw_spin_lock_irq(&pcpool_records_lock);
		next_table = new;
		raw_spin_unlock_irq(&pcpool_records_lock);
		fill_next(old);
		raw_spin_lock_irq(&pcpool_records_lock);
		publish(new);
		raw_spin_unlock_irq(&pcpool_records_lock);
		/* Until no lookup reads the old table. */
		synchronize_rcu();
		empty(old);
		kvfree(old);
	}
}

/* To be called after records were added or removed, without the lock. */
void pcpool_records_resize(void)
{
	if (unlikely(!is_enough()))
		queue_work(RESIZE_WORKQUEUE, &resize_work);
}

int pcpool_records_init(void)
{
	struct table *table = table_alloc(BITS_MIN, 0);

	if (!table)
		return -ENOMEM;
	find_kasan();
	raw_spin_lock_irq(&pcpool_records_lock);
	publish(table);
	raw_spin_unlock_irq(&pcpool_records_lock);
	return 0;
}

/* When there are no pools any more. */
void pcpool_records_exit(void)
{
	cancel_work_sync(&resize_work);
	kvfree(rcu_dereference_protected(current_table, true));
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
	WRITE_ONCE(nr_records, nr_records + 1);
	table_add(rcu_dereference_protected(current_table, lockdep_is_held(&pcpool_records_lock)),
		  r);
	if (next_table)
		table_add(next_table, r);
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
	if (!inserted) {
		kfree(r);
		return NULL;
	}
	pcpool_records_resize();
	return r;
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
	WRITE_ONCE(nr_records, nr_records - 1);
	hlist_del_init_rcu(&r->node[0]);
	hlist_del_init_rcu(&r->node[1]);
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
	pcpool_records_resize();
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

/* May come after the pool was destroyed, which has taken the cursor out of its list. */
void pcpool_record_cursor_remove(struct pcpool_record_cursor *cursor)
{
	raw_spin_lock_irq(&pcpool_records_lock);
	if (cursor->link.is_cursor)
		list_del_init(&cursor->link.list);
	raw_spin_unlock_irq(&pcpool_records_lock);
}
