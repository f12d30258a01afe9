// SPDX-License-Identifier: GPL-2.0
/*
 * The records of debug mode; see record.h.
 *
 * KASAN: kernels so far export kasan_poison() to modules, or nothing
 * (kasan_mempool_poison_object() calls a function that is not exported). With generic
 * KASAN and kasan_poison(), idle objects are poisoned, and an access to one is reported
 * when it happens. Otherwise the checksum finds a write at the next get. Both only for
 * objects that are plain memory (PCPOOL_PLAIN).
 */
#include <linux/hash.h>
#include <linux/hashtable.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/rculist.h>
#include <linux/slab.h>

#include "record.h"

#define BUCKETS_BITS	12

/* How idle memory appears to KASAN: like freed memory of the slab allocator. */
#define KASAN_IDLE	0xfb
#define KASAN_GRANULE	8u

static DEFINE_HASHTABLE(records, BUCKETS_BITS);
DEFINE_RAW_SPINLOCK(pcpool_records_lock);

static void (*poison_fn)(const void *addr, size_t size, u8 value, bool init);

/* Serialised by the caller. */
void pcpool_record_find_kasan(void)
{
#ifdef CONFIG_KASAN_GENERIC
	/* Declared only in a header of mm/. */
	if (!poison_fn)
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

/* Under RCU. */
struct pcpool_record *pcpool_record_find(const struct pcpool_core *core, const void *obj)
{
	struct pcpool_record *r;

	hash_for_each_possible_rcu(records, r, node, (unsigned long)obj) {
		if (r->obj == obj && r->core == core)
			return r;
	}
	return NULL;
}

/* The record of @obj in another pool that is in debug mode. Under RCU. */
const struct pcpool_record *pcpool_record_find_elsewhere(const struct pcpool_core *core,
							 const void *obj)
{
	const struct pcpool_record *r;

	hash_for_each_possible_rcu(records, r, node, (unsigned long)obj) {
		/* A pool that left debug mode may have freed the object since. */
		if (r->obj == obj && r->core != core &&
		    READ_ONCE(r->core->debug) == PCPOOL_DEBUG_ON)
			return r;
	}
	return NULL;
}

struct pcpool_record *pcpool_record_alloc(struct pcpool_core *core, void *obj, gfp_t gfp)
{
	struct pcpool_record *r = kzalloc(sizeof(*r), gfp | __GFP_NOWARN);

	if (r) {
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
	hash_add_rcu(records, &r->node, (unsigned long)r->obj);
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
	if (hlist_unhashed(&r->node))
		return false;
	pcpool_record_unpoison(r);
	hlist_del_init_rcu(&r->node);
	return true;
}

void pcpool_record_drop(struct pcpool_record *r)
{
	unsigned long flags;
	bool removed;

	raw_spin_lock_irqsave(&pcpool_records_lock, flags);
	removed = pcpool_record_remove(r);
	raw_spin_unlock_irqrestore(&pcpool_records_lock, flags);
	if (removed)
		pcpool_record_retire(r);
}

/* Call @fn for each record of a pool; it may drop the record. May sleep between buckets. */
void pcpool_record_for_each(struct pcpool_core *core, pcpool_record_fn fn, void *data)
{
	unsigned int bucket;
	struct pcpool_record *r;

	for (bucket = 0; bucket < HASH_SIZE(records); bucket++) {
		rcu_read_lock();
		hlist_for_each_entry_rcu(r, &records[bucket], node) {
			if (r->core == core)
				fn(r, data);
		}
		rcu_read_unlock();
		cond_resched();
	}
}
