// SPDX-License-Identifier: GPL-2.0
/*
 * A client module that never destroys its pools: "forgotten", with 3 outstanding and 5 idle
 * objects, and the set "forgotten-buf", with an outstanding and an idle buffer. Its code is
 * gone when it is unloaded, so pcpool must not call its callbacks any more.
 */
#include <linux/err.h>
#include <linux/module.h>
#include <linux/pcpool.h>
#include <linux/pcpool_buf.h>
#include <linux/slab.h>

#define OUTSTANDING	3u
#define OBJECTS		(OUTSTANDING + 5u)

static void *object_alloc(gfp_t gfp, void *ctx)
{
	return kmalloc(256, gfp);
}

static void object_free(void *obj, void *ctx)
{
	kfree(obj);
}

static void object_reset(void *obj, void *ctx)
{
	*(long *)obj = 0;
}

static const struct pcpool_ops ops = {
	.alloc = object_alloc,
	.free = object_free,
	.reset = object_reset,
};

static int __init forgetful_init(void)
{
	static const struct pcpool_params params = {
		.name = "forgotten",
		.ops = &ops,
		.object_bytes = 256,
	};
	static const struct pcpool_buf_params buf_params = {
		.name = "forgotten-buf",
		.min_bytes = 4096,
		.max_bytes = 4096,
	};
	struct pcpool *pool = pcpool_create(&params);
	struct pcpool_buf_set *set;
	struct pcpool_buf *buf;
	void *objs[OBJECTS];
	unsigned int n;

	if (IS_ERR(pool))
		return PTR_ERR(pool);
	set = pcpool_buf_create(&buf_params);
	if (IS_ERR(set)) {
		pcpool_destroy(pool);
		return PTR_ERR(set);
	}
	n = pcpool_get_bulk(pool, GFP_KERNEL, OBJECTS, objs);
	if (n > OUTSTANDING)
		pcpool_put_bulk(pool, n - OUTSTANDING, objs);
	buf = pcpool_buf_get(set, 4096, GFP_KERNEL);
	if (!pcpool_buf_get(set, 4096, GFP_KERNEL) || !buf)
		return -ENOMEM;
	pcpool_buf_put(buf);
	return 0;
}
module_init(forgetful_init);

static void __exit forgetful_exit(void)
{
}
module_exit(forgetful_exit);

MODULE_DESCRIPTION("Client module that does not destroy its pools");
MODULE_LICENSE("GPL");
