/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The records of debug mode: one for each object of a pool in debug mode, found by the
 * object's address, and listed by pool. debug.c decides what they mean.
 */
#ifndef _PCPOOL_RECORD_H
#define _PCPOOL_RECORD_H

#include <linux/atomic.h>
#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "types.h"

enum pcpool_record_state {
	PCPOOL_RECORD_IDLE,
	PCPOOL_RECORD_HELD,
};

/**
 * struct pcpool_record_link - an entry in a pool's list of records
 * @list: in the list; empty: not in a list
 * @is_cursor: the entry is a cursor rather than a record
 */
struct pcpool_record_link {
	struct list_head list;
	bool is_cursor;
};

/**
 * struct pcpool_record - what is known about an object
 * @node: in its bucket of the hash table
 * @link: in the list of its pool
 * @core: the pool
 * @obj: the object
 * @state: enum pcpool_record_state
 * @poisoned: KASAN treats the object as free memory
 * @has_sum: @sum is current
 * @sum: checksum of its content when it was put
 * @got_by: caller of the last get; 0: none
 * @put_by: caller of the last put; 0: none
 * @got_at: when it was got, in jiffies
 * @got_cpu: on which CPU
 * @task: pid of the task that got it, or was interrupted by the context that did
 * @comm: name of that task
 * @rcu: frees the record
 *
 * The context that changes @state from idle to held, or back, by compare-and-exchange
 * writes the fields after it: it owns the object then, and with it the record.
 */
struct pcpool_record {
	struct hlist_node node;
	struct pcpool_record_link link;
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

/**
 * struct pcpool_record_cursor - how far a reader of a pool's list of records has come
 * @link: in the list, after the record that was read last
 */
struct pcpool_record_cursor {
	struct pcpool_record_link link;
};

/*
 * Records are found under RCU, from any context, including NMI. They are added and
 * removed under this lock, not from NMI. It also protects the pools' lists of records.
 */
extern raw_spinlock_t pcpool_records_lock;

int pcpool_records_init(void);
void pcpool_records_exit(void);

struct pcpool_record *pcpool_record_find(const struct pcpool_core *core, const void *obj);
const struct pcpool_record *pcpool_record_find_elsewhere(const struct pcpool_core *core,
							 const void *obj);

struct pcpool_record *pcpool_record_alloc(struct pcpool_core *core, void *obj, gfp_t gfp);
bool pcpool_record_insert(struct pcpool_record *r);
struct pcpool_record *pcpool_record_add(struct pcpool_core *core, void *obj, gfp_t gfp);
bool pcpool_record_remove(struct pcpool_record *r);
void pcpool_record_retire(struct pcpool_record *r);
void pcpool_record_drop_all(struct pcpool_core *core);

void pcpool_record_rewind(struct pcpool_core *core, struct pcpool_record_cursor *cursor);
struct pcpool_record *pcpool_record_next(struct pcpool_core *core,
					 struct pcpool_record_cursor *cursor);
void pcpool_record_cursor_remove(struct pcpool_record_cursor *cursor);

void pcpool_record_poison(struct pcpool_record *r);
void pcpool_record_unpoison(struct pcpool_record *r);

#endif /* _PCPOOL_RECORD_H */
