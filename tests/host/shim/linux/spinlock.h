/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_SPINLOCK_H
#define _SHIM_SPINLOCK_H

#include <linux/irqflags.h>
#include <linux/preempt.h>

typedef struct {
	int locked;
} spinlock_t;

static inline void spin_lock_init(spinlock_t *lock)
{
	lock->locked = 0;
}

/* Without contention, as expensive as a queued spinlock: one locked exchange. */
static inline void spin_lock(spinlock_t *lock)
{
	int unlocked;

	preempt_disable();
	for (;;) {
		unlocked = 0;
		if (__atomic_compare_exchange_n(&lock->locked, &unlocked, 1, false,
						__ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return;
		while (__atomic_load_n(&lock->locked, __ATOMIC_RELAXED))
			cpu_relax();
	}
}

static inline void spin_unlock(spinlock_t *lock)
{
	__atomic_store_n(&lock->locked, 0, __ATOMIC_RELEASE);
	preempt_enable();
}

static inline void spin_lock_irq(spinlock_t *lock)
{
	local_irq_disable();
	spin_lock(lock);
}

static inline void spin_unlock_irq(spinlock_t *lock)
{
	spin_unlock(lock);
	local_irq_enable();
}

/* There are no softirqs. */
#define spin_lock_bh(lock)		spin_lock(lock)
#define spin_unlock_bh(lock)		spin_unlock(lock)

#define spin_lock_irqsave(lock, flags) do {	\
	local_irq_save(flags);			\
	spin_lock(lock);			\
} while (0)
#define spin_unlock_irqrestore(lock, flags) do {	\
	spin_unlock(lock);			\
	local_irq_restore(flags);		\
} while (0)

/* A raw spinlock is a spinlock; they differ on PREEMPT_RT only. */
typedef spinlock_t raw_spinlock_t;

#define raw_spin_lock_init(lock)	spin_lock_init(lock)
#define raw_spin_lock_irq(lock)		spin_lock_irq(lock)
#define raw_spin_unlock_irq(lock)	spin_unlock_irq(lock)
#define raw_spin_lock_irqsave(lock, flags)	spin_lock_irqsave(lock, flags)
#define raw_spin_unlock_irqrestore(lock, flags)	spin_unlock_irqrestore(lock, flags)

#define raw_spin_trylock_irqsave(lock, flags) ({	\
	int __unlocked = 0;				\
	bool __locked;					\
							\
	local_irq_save(flags);				\
	__locked = __atomic_compare_exchange_n(&(lock)->locked, &__unlocked, 1, false, \
					       __ATOMIC_ACQUIRE, __ATOMIC_RELAXED); \
	if (__locked)					\
		preempt_disable();			\
	else						\
		local_irq_restore(flags);		\
	__locked;					\
})

#endif
