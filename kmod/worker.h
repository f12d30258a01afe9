/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The worker: completes, in task context, what other contexts had to leave to it.
 */
#ifndef _PCPOOL_WORKER_H
#define _PCPOOL_WORKER_H

#include <linux/workqueue.h>

#include "types.h"

/* Runs the pools' main work, delayed refills, the decay, and the deferred frees of buf.c. */
extern struct workqueue_struct *pcpool_workqueue;

int pcpool_workqueues_init(void);
void pcpool_workqueues_exit(void);

void pcpool_worker_start_decay(struct pcpool_core *core);

void pcpool_worker_init(struct pcpool_core *core);
void pcpool_worker_stop(struct pcpool_core *core);

#endif /* _PCPOOL_WORKER_H */
