/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The floor: one slot for each CPU, which a get reads and a put writes, with preemption
 * disabled. There is no pool.
 */
#include <linux/percpu.h>

#define CAN_RUN_DRY
#define ONLY_PAIRS

static void **slot;
static char object[NR_CPUS];

static void subject_setup(unsigned int cpu)
{
	(void)cpu;
	slot = alloc_percpu(void *);
}

static void subject_setup_cpu(unsigned int cpu)
{
	this_cpu_write(*slot, &object[cpu]);
}

static void subject_use_tokens(unsigned long n)
{
	(void)n;
}

static __always_inline void *subject_get(void)
{
	void *obj;

	preempt_disable();
	obj = this_cpu_read(*slot);
	preempt_enable();
	return obj;
}

static __always_inline void subject_put(void *obj)
{
	preempt_disable();
	this_cpu_write(*slot, obj);
	preempt_enable();
}
