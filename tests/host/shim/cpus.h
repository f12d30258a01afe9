/* SPDX-License-Identifier: GPL-2.0 */
/*
 * CPUs for the shim: thread n is CPU n. A CPU runs one function at a time and waits for the next
 * one in between. It can be interrupted at any time, at any instruction.
 */
#ifndef _SHIM_CPUS_H
#define _SHIM_CPUS_H

#include <stdbool.h>

/*
 * Starts @n CPUs, of which the first @online are online. With @pin, each is pinned to a CPU of
 * the machine, for timing. If the machine has fewer CPUs, they are shared.
 */
void shim_cpus_start(unsigned int n, unsigned int online, bool pin);
void shim_cpus_stop(void);

/* Runs @fn(cpu) on CPUs @first to @first + @n - 1 at once; returns when all are done. */
void shim_on_cpus(unsigned int first, unsigned int n, void (*fn)(unsigned int cpu));

/* Sets the function that shim_interrupt() has called in hardirq context; NULL: none. */
void shim_set_interrupt(void (*fn)(void));
/* Interrupts a CPU. Any thread may call it. */
void shim_interrupt(unsigned int cpu);

/* Brings a CPU online, or takes it offline once it is idle. */
void shim_cpu_set_online(unsigned int cpu, bool online);

/* Runs queued work of this CPU. The CPU's function must call it regularly, without locks. */
void shim_schedule(void);
/* Sleeps like a task. The CPU is in a quiescent state meanwhile. */
void shim_sleep_us(unsigned int us);

/* Runs all shrinkers with @nr_to_scan, as reclaim does. Returns how many objects they freed. */
unsigned long shim_shrink(unsigned long nr_to_scan);

#endif
