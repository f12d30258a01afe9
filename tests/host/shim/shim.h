/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the shim's headers, in linux/, rest on: points where others may go first, the
 * allocator and RCU. The tests steer it from here; the sources under test know
 * only linux/. CPUs, for what needs them, are in cpus.h.
 *
 * With SHIM_NATIVE defined it is for timing: there are no points, RCU costs its readers
 * nothing, and memory is malloc()'s.
 */
#ifndef _SHIM_H
#define _SHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct shim_cpu;

/**
 * struct shim_this - a thread's own
 * @preempt_count: as the kernel's, without the NMI bits, which @in_nmi stands for
 * @irqs_off: interrupts are disabled; one that comes is left in @irq_pending
 * @irq_pending: to be taken when interrupts are enabled
 * @cpu: which CPU this thread is, if any; see cpus.h
 * @self: that CPU, or NULL
 * @percpu_offset: from a __percpu pointer to this CPU's own
 * @armed: anything to do at points
 * @in_nmi: what in_nmi() says
 * @countdown: points left to pass before @hook is called
 * @hook: what "interrupts" this thread; disarmed when it is called
 * @delay_mask: at a random one of so many points, plus 1, the thread gives way; 0: never
 * @delay_us: and if not 0, sometimes sleeps up to so long
 * @fail_allocs: so many allocations fail
 * @random: state of this thread's random numbers
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

/* Calls @hook when this thread has passed @points more points. */
void shim_arm(unsigned int points, void (*hook)(void));
/* Returns whether the hook was still to come. */
bool shim_disarm(void);
/* From now on this thread gives way at random points. */
void shim_delays(unsigned int mask, unsigned int us);

void shim_seed(uint64_t seed);
uint32_t shim_random(void);

/*
 * A thread that is a CPU is in an RCU read-side critical section from one quiescent state to
 * the next, as a CPU of a kernel without preemption is.
 */
void shim_rcu_enter(void);
void shim_rcu_exit(void);
void shim_rcu_quiescent(void);
/* While a CPU waits it holds up no grace period. Interrupts come all the same. */
void shim_idle_enter(void);
void shim_idle_exit(void);
/* Makes call_rcu() async-signal-safe. */
void shim_rcu_start(void);

void *shim_zalloc(size_t size);
void shim_free(void *p);
/* Allocations that have not been freed. */
long shim_live(void);

/* Ends the test with a message; in host_test.c. */
void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

#endif
