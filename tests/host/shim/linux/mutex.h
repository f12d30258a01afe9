/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_MUTEX_H
#define _SHIM_MUTEX_H

#include <pthread.h>

#include <linux/kernel.h>

struct mutex {
	pthread_mutex_t mutex;
};

#define DEFINE_MUTEX(name)	struct mutex name = { PTHREAD_MUTEX_INITIALIZER }

void mutex_init(struct mutex *lock);
void mutex_lock(struct mutex *lock);
bool mutex_trylock(struct mutex *lock);
void mutex_unlock(struct mutex *lock);

#define lockdep_assert_held(lock)	((void)(lock))

#endif
