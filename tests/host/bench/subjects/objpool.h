/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's objpool, from its sources: a fixed number of objects, allocated at the start. */
#include <linux/objpool.h>

#define CAN_RUN_DRY

static struct objpool_head pool;

static void subject_setup(unsigned int cpu)
{
	(void)cpu;
	if (objpool_init(&pool, fixed_objects, object_bytes, GFP_KERNEL, NULL, NULL, NULL))
		fail("objpool_init");
}

static void subject_setup_cpu(unsigned int cpu)
{
	(void)cpu;
}

static __always_inline void *subject_get(void)
{
	return objpool_pop(&pool);
}

#define subject_try_get()	subject_get()

static __always_inline void subject_put(void *obj)
{
	objpool_push(obj, &pool);
}

static void empty_job(unsigned int cpu)
{
	(void)cpu;
	while (subject_get())
		;
}

static void subject_empty(void)
{
	shim_on_cpus(0, 1, empty_job);
}
