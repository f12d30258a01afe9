/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_WORKQUEUE_H
#define _SHIM_WORKQUEUE_H

#include <linux/list.h>

struct work_struct {
	struct list_head entry;
	int cpu;		/* the CPU on whose list the work is, or -1 */
	void (*func)(struct work_struct *work);
};

/* Never queued: the shim has no failures that are retried later. */
struct delayed_work {
	struct work_struct work;
};

struct workqueue_struct;

#define WQ_MEM_RECLAIM		1u

#define INIT_WORK(work, fn)	(*(work) = (struct work_struct){ .cpu = -1, .func = (fn) })

struct workqueue_struct *alloc_workqueue(const char *name, unsigned int flags, int max_active);
void destroy_workqueue(struct workqueue_struct *queue);
bool queue_work_on(int cpu, struct workqueue_struct *queue, struct work_struct *work);
bool cancel_work_sync(struct work_struct *work);

#define INIT_DELAYED_WORK(dwork, fn)	INIT_WORK(&(dwork)->work, fn)

bool queue_delayed_work(struct workqueue_struct *queue, struct delayed_work *work,
			unsigned long delay);
bool cancel_delayed_work_sync(struct delayed_work *work);
#define delayed_work_pending(work)	((void)(work), false)

#endif
