// SPDX-License-Identifier: GPL-2.0
/*
 * A get and a put as a client's compiler makes them; tests/host/static looks at what came
 * out, and nobody runs it.
 */
#include <linux/module.h>
#include <linux/pcpool.h>

void fast_path(struct pcpool *pool);

void fast_path(struct pcpool *pool)
{
	void *obj = pcpool_get(pool, GFP_KERNEL);

	/* The compiler must not know that it is the same object. */
	OPTIMIZER_HIDE_VAR(obj);
	pcpool_put(pool, obj);
}
EXPORT_SYMBOL_GPL(fast_path);

MODULE_DESCRIPTION("What pcpool's inlined paths compile to");
MODULE_LICENSE("GPL");
