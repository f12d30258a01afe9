/* SPDX-License-Identifier: GPL-2.0 */
/*
 * CPUs for the shim: thread n is CPU n. A CPU runs one function at a time, and waits for the
 * next in between; interrupts reach it at all times, at any instruction.
 */
#ifndef _SHIM_CPUS_H
#define _SHIM_CPUS_H

#include <stdbool.h>

/*
 * Starts @n CPUs, of which the upper @n - @online are offline. @pin: each on a CPU of the
 * machine, as far as these go, for timing.
 */
void shim_cpus_start(unsigned int n, unsigned int online, bool pin);
void shim_cpus_stop(void);

/* Runs @fn(cpu) on CPUs @first to @first + @n - 1 at once; returns when all are done. */
void shim_on_cpus(unsigned int first, unsigned int n, void (*fn)(unsigned int cpu));

/* What interrupts do besides the kernel's own: in hardirq context, on the CPU. */
void shim_set_interrupt(void (*fn)(void));
/* Interrupts a CPU. From any thread. */
void shim_interrupt(unsigned int cpu);

/* Brings a CPU up or down. Waits until it has nothing to do. */
void shim_cpu_set_online(unsigned int cpu, bool online);

/* A CPU's function calls it again and again, with no lock held: lets the CPU's worker run. */
void shim_schedule(void);
/* Sleeps, as a task does: the CPU has a quiescent state meanwhile. */
void shim_sleep_us(unsigned int us);

/* Reclaim: asks all shrinkers to scan @nr_to_scan. Returns what they have freed. */
unsigned long shim_shrink(unsigned long nr_to_scan);

#endif
