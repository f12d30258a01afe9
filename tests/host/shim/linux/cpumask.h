/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_CPUMASK_H
#define _SHIM_CPUMASK_H

#include <linux/bitops.h>
#include <linux/kernel.h>
#include <linux/percpu.h>
#include <linux/slab.h>

/* The maximum number of CPUs. nr_cpu_ids is the actual number. */
#define NR_CPUS		64

struct cpumask {
	unsigned long bits[1];
};

/* A pointer, as in kernels for many CPUs, such as those of distributions. */
typedef struct cpumask *cpumask_var_t;

extern unsigned int nr_cpu_ids;
extern struct cpumask shim_online;

#define cpu_online_mask		((const struct cpumask *)&shim_online)
#define num_possible_cpus()	nr_cpu_ids
/* 0: all CPUs. A test may change it, as if the others became present later. */
extern unsigned int shim_present;
#define num_present_cpus()	(shim_present ? shim_present : nr_cpu_ids)
#define num_online_cpus()	cpumask_weight(cpu_online_mask)

/* All bits are set; shim_next_cpu() stops at nr_cpu_ids. */
extern const struct cpumask shim_possible;
#define cpu_possible_mask	(&shim_possible)

/* Returns the next CPU in @mask from @cpu on, or nr_cpu_ids. Out of line, as in the kernel. */
unsigned int shim_next_cpu(const struct cpumask *mask, unsigned int cpu);

static inline bool zalloc_cpumask_var(cpumask_var_t *mask, gfp_t gfp)
{
	*mask = kzalloc(sizeof(**mask), gfp);
	return *mask;
}

static inline void free_cpumask_var(cpumask_var_t mask)
{
	kfree(mask);
}

static inline unsigned int cpumask_weight(const struct cpumask *mask)
{
	return __builtin_popcountl(READ_ONCE(mask->bits[0]));
}

static inline bool cpumask_test_cpu(int cpu, const struct cpumask *mask)
{
	return test_bit(cpu, mask->bits);
}

static inline void cpumask_set_cpu(int cpu, struct cpumask *mask)
{
	set_bit(cpu, mask->bits);
}

static inline void cpumask_clear_cpu(int cpu, struct cpumask *mask)
{
	clear_bit(cpu, mask->bits);
}

static inline bool cpumask_empty(const struct cpumask *mask)
{
	return shim_next_cpu(mask, 0) >= nr_cpu_ids;
}

static inline bool cpu_online(unsigned int cpu)
{
	return cpumask_test_cpu(cpu, cpu_online_mask);
}

static inline bool cpu_possible(unsigned int cpu)
{
	return cpu < nr_cpu_ids;
}

static inline unsigned int cpumask_next(int cpu, const struct cpumask *mask)
{
	return shim_next_cpu(mask, cpu + 1);
}

#define for_each_cpu(cpu, mask)						\
	for ((cpu) = shim_next_cpu(mask, 0); (unsigned int)(cpu) < nr_cpu_ids; \
	     (cpu) = shim_next_cpu(mask, (cpu) + 1))

#define for_each_possible_cpu(cpu)					\
	for ((cpu) = 0; (unsigned int)(cpu) < nr_cpu_ids; (cpu)++)

#define for_each_possible_cpu_wrap(cpu, start)				\
	for (unsigned int __n = ((cpu) = (start), 0); __n < nr_cpu_ids;	\
	     __n++, (cpu) = (unsigned int)(cpu) + 1 < nr_cpu_ids ? (cpu) + 1 : 0)

#define for_each_online_cpu(cpu)	for_each_cpu(cpu, cpu_online_mask)

#define cpumask_first(mask)	cpumask_next(-1, mask)

#endif
