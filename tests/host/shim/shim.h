/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The basis of the shim's headers in linux/: points, where a thread can be delayed or
 * interrupted, the allocator, and RCU. The tests control the shim through this header; the
 * sources under test see linux/ only. CPUs are in cpus.h.
 *
 * SHIM_NATIVE is for timing: there are no points, RCU costs readers nothing, and memory comes
 * from malloc() unchanged.
 */
#ifndef _SHIM_H
#define _SHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct shim_cpu;

/**
 * struct shim_this - data of one thread
 * @preempt_count: as in the kernel, but without the NMI bits, for which @in_nmi stands
 * @irqs_off: interrupts are disabled; an interrupt then only sets @irq_pending
 * @irq_pending: an interrupt is to be taken when interrupts are enabled
 * @cpu: number of the CPU that this thread is, if any; see cpus.h
 * @self: that CPU, or NULL
 * @percpu_offset: distance from a __percpu pointer to the data of this CPU
 * @armed: there is something to do at points
 * @in_nmi: what in_nmi() returns
 * @countdown: number of points to pass before @hook is called
 * @hook: function that "interrupts" this thread; disarmed when it is called
 * @delay_mask: 0: no delays; else the thread yields at one in @delay_mask + 1 points, at random
 * @delay_us: if not 0, the thread sometimes sleeps instead, up to this long
 * @fail_allocs: number of allocations to fail
 * @random: state of the random number generator
 */
struct shim_this {
	unsigned int preempt_count;
	bool irqs_off;
	bool irq_pending;
	unsigned int cpu;
	struct shim_cpu *self;
	unsigned long percpu_offset;
	bool armed;
	bool in_nmi;
	unsigned int countdown;
	void (*hook)(void);
	unsigned int delay_mask;
	unsigned int delay_us;
	unsigned int fail_allocs;
	uint64_t random;
};

extern __thread struct shim_this shim_this;

void shim_point_slow(void);

static inline void shim_point(void)
{
#ifndef SHIM_NATIVE
	if (__builtin_expect(shim_this.armed, 0))
		shim_point_slow();
#endif
}

/* Calls @hook after this thread has passed @points more points. */
void shim_arm(unsigned int points, void (*hook)(void));
/* Returns whether the hook had not been called yet. */
bool shim_disarm(void);
/* Makes this thread yield at random points; see struct shim_this. */
void shim_delays(unsigned int mask, unsigned int us);

void shim_seed(uint64_t seed);
uint32_t shim_random(void);

/*
 * A thread that is a CPU is in an RCU read-side critical section from one quiescent state to
 * the next, like a CPU of a kernel without preemption.
 */
void shim_rcu_enter(void);
void shim_rcu_exit(void);
void shim_rcu_quiescent(void);
/* Between these, a CPU that waits does not delay grace periods. It can be interrupted. */
void shim_idle_enter(void);
void shim_idle_exit(void);
/* Call this first to make call_rcu() async-signal-safe. */
void shim_rcu_start(void);

void *shim_zalloc(size_t size);
void *shim_malloc(size_t size);
void shim_free(void *p);
/* The number of allocations that have not been freed. */
long shim_live(void);

/* Ends the test with a message; in host_test.c. */
void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

#endif
