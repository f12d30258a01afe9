/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's ptr_ring, from its sources: one ring for all CPUs, with a lock at each end. */
/* ptr_ring.h needs it. */
#include <linux/spinlock.h>

#include <linux/ptr_ring.h>

#define CAN_RUN_DRY

static struct ptr_ring ring;

static void subject_setup(unsigned int cpu)
{
	unsigned int i;

	(void)cpu;
	if (ptr_ring_init(&ring, 2 * fixed_objects, GFP_KERNEL))
		fail("ptr_ring_init");
	for (i = 0; i < fixed_objects; i++)
		ptr_ring_produce(&ring, malloc(object_bytes));
}

static void subject_setup_cpu(unsigned int cpu)
{
	(void)cpu;
}

static __always_inline void *subject_get(void)
{
	return ptr_ring_consume(&ring);
}

#define subject_try_get()	subject_get()

static __always_inline void subject_put(void *obj)
{
	ptr_ring_produce(&ring, obj);
}

static void subject_empty(void)
{
	while (subject_get())
		;
}
