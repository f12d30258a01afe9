/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_CPU_H
#define _SHIM_CPU_H

#include <linux/cpumask.h>

void cpus_read_lock(void);
int cpus_read_trylock(void);
void cpus_read_unlock(void);

#endif
