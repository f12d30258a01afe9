/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_SMP_H
#define _SHIM_SMP_H

#include <linux/cpumask.h>
#include <linux/irqflags.h>

void on_each_cpu_cond_mask(bool (*cond)(int cpu, void *info), void (*func)(void *info),
			   void *info, bool wait, const struct cpumask *mask);

#endif
