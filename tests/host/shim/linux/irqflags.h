/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Interrupts are signals. While interrupts are disabled, a signal only sets a flag, which is
 * checked when they are enabled. Disabling and enabling need no system call.
 */
#ifndef _SHIM_IRQFLAGS_H
#define _SHIM_IRQFLAGS_H

#include <linux/compiler.h>

/* Handles the interrupts that came while they were disabled; in cpus.c. */
void shim_take_interrupts(void);

#define raw_local_irq_save(flags) do {				\
	(flags) = shim_this.irqs_off;				\
	shim_this.irqs_off = true;				\
	barrier();						\
} while (0)

#define raw_local_irq_restore(flags) do {			\
	barrier();						\
	shim_this.irqs_off = (flags);				\
	barrier();						\
	if (unlikely(shim_this.irq_pending) && !(flags))	\
		shim_take_interrupts();				\
} while (0)

#define local_irq_save(flags)		raw_local_irq_save(flags)
#define local_irq_restore(flags)	raw_local_irq_restore(flags)
#define local_irq_disable() do {				\
	unsigned long __unused_flags;				\
								\
	raw_local_irq_save(__unused_flags);			\
	(void)__unused_flags;					\
} while (0)
#define local_irq_enable()		raw_local_irq_restore(0)

static inline bool irqs_disabled(void)
{
	return shim_this.irqs_off;
}

#endif
