/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_IRQ_WORK_H
#define _SHIM_IRQ_WORK_H

#include <linux/kernel.h>

struct irq_work {
	struct irq_work *next;
	unsigned int busy;	/* queued, or its function is running */
	void (*func)(struct irq_work *work);
};

#define IRQ_WORK_INIT_HARD(fn)	((struct irq_work){ .func = (fn) })

bool irq_work_queue(struct irq_work *work);
void irq_work_sync(struct irq_work *work);

#endif
