/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Debug mode: finds objects that are misused, and reports by which callers.
 */
#ifndef _PCPOOL_DEBUG_H
#define _PCPOOL_DEBUG_H

#include <linux/gfp.h>
#include <linux/sched.h>
#include <linux/types.h>

#include "record.h"
#include "types.h"

struct seq_operations;

/**
 * struct pcpool_held - an object that is held
 * @obj: the object
 * @got_by: as in struct pcpool_record, like the following
 * @got_at: -
 * @got_cpu: -
 * @task: -
 * @comm: -
 */
struct pcpool_held {
	void *obj;
	unsigned long got_by;
	unsigned long got_at;
	int got_cpu;
	pid_t task;
	char comm[TASK_COMM_LEN];
};

/**
 * struct pcpool_outstanding - a reader of the list of outstanding objects
 * @core: the pool; to be set, with the rest zeroed
 * @cursor: after @held in the pool's list of records
 * @pos: number of @held in the file; 0: the heading
 * @found: there is one
 * @held: the object found last
 */
struct pcpool_outstanding {
	struct pcpool_core *core;
	struct pcpool_record_cursor cursor;
	loff_t pos;
	bool found;
	struct pcpool_held held;
};

/* Do new pools start in debug mode? The module parameter "debug". */
extern bool pcpool_debug_default;

void pcpool_debug_init(struct pcpool_core *core);
void pcpool_debug_fix(struct pcpool_core *core);
void pcpool_debug_destroy(struct pcpool_core *core);

void pcpool_debug_allocated(struct pcpool_core *core, void *obj, gfp_t gfp);
void pcpool_debug_gfp(struct pcpool_core *core, gfp_t gfp, unsigned long caller);
void pcpool_debug_got(struct pcpool_core *core, void *obj, unsigned long caller);
bool pcpool_debug_put(struct pcpool_core *core, void *obj, unsigned long caller);
void pcpool_debug_idle(struct pcpool_core *core, void *obj);
void pcpool_debug_freed(struct pcpool_core *core, void *obj);

extern const struct seq_operations pcpool_outstanding_ops;
void pcpool_outstanding_end(struct pcpool_outstanding *o);

#endif /* _PCPOOL_DEBUG_H */
