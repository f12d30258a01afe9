// SPDX-License-Identifier: GPL-2.0
/*
 * Holders in NMI context. A thread sends NMIs to random CPUs, where they can hit any instruction.
 * Only on x86 can a module raise an NMI.
 *
 * The last holder that leaves a pool wakes up a task, which an NMI must not do. So the sending
 * thread enters and leaves the pool on behalf of the NMI, between NMIs.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/build_bug.h>
#include <linux/kconfig.h>

#include "torture.h"

/* On these, puts in NMI use the private slots, on every kernel. */
#if (defined(CONFIG_X86_64) || defined(CONFIG_ARM64) || defined(CONFIG_S390)) && \
	!defined(PCPOOL_TEST_NMI_UNSAFE)
static_assert(PCPOOL_NMI_SAFE);
#endif

#if defined(CONFIG_X86_LOCAL_APIC) && defined(CONFIG_SMP)

#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/smp.h>
#include <asm/apic.h>
#include <asm/irq_vectors.h>
#include <asm/nmi.h>

/* Most steps in one pool, and in one NMI; most objects held. */
#define STEPS_MAX	200u
#define STEPS_IN_NMI	3u
#define HELD_IN_NMI	4u

/* Time for an NMI to arrive; the virtual CPU may not be running. */
#define PATIENCE	(60 * HZ)

struct nmi {
	struct holder holder;
	atomic_t sent;
};

static DEFINE_PER_CPU(struct nmi, nmis);
static struct task_struct *sender;
static bool registered;

static void work(struct holder *holder)
{
	unsigned int n = STEPS_IN_NMI;

	if (!holder->steps_left) {
		torture_holder_release(holder, CONTEXT_NMI);
		return;
	}
	while (n-- && holder->steps_left)
		torture_holder_step(holder, CONTEXT_NMI);
}

static int handle(unsigned int type, struct pt_regs *regs)
{
	struct nmi *nmi = this_cpu_ptr(&nmis);

	/* Acquire: see the sender's changes to the holder. Pairs with the release in send(). */
	if (!atomic_read_acquire(&nmi->sent))
		return NMI_DONE;
	count(nmis);
	work(&nmi->holder);
	/* Release: publish the changes made here. Pairs with the acquire in wait_for(). */
	atomic_set_release(&nmi->sent, 0);
	return NMI_HANDLED;
}

static void send(unsigned int cpu)
{
	atomic_set_release(&per_cpu(nmis, cpu).sent, 1);
#ifdef TORTURE_HAVE_APIC_CALLS
	__apic_send_IPI_mask(cpumask_of(cpu), NMI_VECTOR);
#else /* before Linux 6.6 */
	apic->send_IPI_mask(cpumask_of(cpu), NMI_VECTOR);
#endif
}

/* Waits until the NMI was handled. A CPU that goes offline may never handle it. */
static void wait_for(unsigned int cpu)
{
	unsigned long end = jiffies + PATIENCE;

	while (atomic_read_acquire(&per_cpu(nmis, cpu).sent)) {
		if (!cpu_online(cpu)) {
			/* It may still be going offline and handle the NMI: wait for that. */
			msleep(100);
			atomic_set(&per_cpu(nmis, cpu).sent, 0);
			return;
		}
		if (time_after(jiffies, end)) {
			torture_error("CPU %u does not handle an NMI", cpu);
			return;
		}
		usleep_range(10, 50);
	}
}

static void visit(unsigned int cpu)
{
	struct holder *holder = &per_cpu(nmis, cpu).holder;

	if (!torture_holder_enter(holder, STEPS_MAX, HELD_IN_NMI))
		return;
	if (torture_holder_is_done(holder))
		holder->steps_left = 0;
	preempt_disable();
	if (cpu_online(cpu))
		send(cpu);
	preempt_enable();
	wait_for(cpu);
	/* The last NMI has put all objects, unless the CPU went offline. */
	if (!holder->steps_left)
		torture_holder_leave(holder, CONTEXT_TASK);
}

static int sender_fn(void *unused)
{
	struct rnd_state random;
	unsigned int cpu;

	torture_seed(&random);
	while (!kthread_should_stop()) {
		cpu = chance(&random, nr_cpu_ids);
		if (cpu_possible(cpu))
			visit(cpu);
		/* Waiters must not wait long for objects that NMIs of other CPUs hold. */
		for_each_possible_cpu(cpu) {
			struct holder *holder = &per_cpu(nmis, cpu).holder;

			if (holder->place && torture_holder_is_done(holder))
				torture_holder_leave(holder, CONTEXT_TASK);
		}
		usleep_range(torture_interrupt_us / 4, torture_interrupt_us);
	}
	for_each_possible_cpu(cpu)
		torture_holder_leave(&per_cpu(nmis, cpu).holder, CONTEXT_TASK);
	return 0;
}

int torture_nmis_start(void)
{
	unsigned int cpu;
	int err;

	for_each_possible_cpu(cpu)
		torture_holder_init(&per_cpu(nmis, cpu).holder);
	err = register_nmi_handler(NMI_LOCAL, handle, 0, "pcpool_torture");
	if (err)
		return err;
	registered = true;
	sender = kthread_run(sender_fn, NULL, "torture_nmis");
	return PTR_ERR_OR_ZERO(sender);
}

void torture_nmis_stop(void)
{
	if (!IS_ERR_OR_NULL(sender))
		kthread_stop(sender);
	sender = NULL;
	if (registered)
		unregister_nmi_handler(NMI_LOCAL, "pcpool_torture");
	registered = false;
}

#else

int torture_nmis_start(void)
{
	pr_info("no NMIs: a module cannot raise them on this architecture\n");
	return 0;
}

void torture_nmis_stop(void)
{
}

#endif
