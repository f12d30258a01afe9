/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_TOPOLOGY_H
#define _SHIM_TOPOLOGY_H

#include <linux/percpu.h>

/* By default all CPUs belong to node 0. */
extern int shim_node[];

#define cpu_to_node(cpu)	(shim_node[cpu])
#define numa_mem_id()		cpu_to_node(raw_smp_processor_id())

#endif
