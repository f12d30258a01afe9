// SPDX-License-Identifier: GPL-2.0
/*
 * A get and a put, compiled as in a client. tests/host/static and bench/same-code check the
 * instructions. The code is never run.
 */
#include <linux/module.h>
#include <linux/pcpool.h>

void fast_path(struct pcpool *pool);

void fast_path(struct pcpool *pool)
{
	void *obj = pcpool_get(pool, GFP_KERNEL);

	/* Hides from the compiler that the put is of the same object. */
	OPTIMIZER_HIDE_VAR(obj);
	pcpool_put(pool, obj);
}
EXPORT_SYMBOL_GPL(fast_path);

MODULE_DESCRIPTION("What pcpool's inlined paths compile to");
MODULE_LICENSE("GPL");
