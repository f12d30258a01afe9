/* SPDX-License-Identifier: GPL-2.0 */
/* pcpool itself: the sources of kmod/ over the shim. */
#include <linux/err.h>
#include <linux/module.h>
#include <linux/pcpool.h>

#define CAN_RUN_DRY
#define HAS_AGING

static struct pcpool *pool;
static unsigned int subject_make_us;

static void *make_object(gfp_t gfp, void *ctx)
{
	(void)gfp;
	(void)ctx;
	if (subject_make_us)
		shim_sleep_us(subject_make_us);
	return malloc(object_bytes);
}

static void free_object(void *obj, void *ctx)
{
	(void)ctx;
	free(obj);
}

static void subject_setup(unsigned int cpu)
{
	static const struct pcpool_ops ops = { .alloc = make_object, .free = free_object };
	struct pcpool_params params = { .name = "lab", .ops = &ops,
					.object_bytes = object_bytes };

	(void)cpu;
	if (shim_module_init())
		fail("pcpool does not start");
	pool = pcpool_create(&params);
	if (IS_ERR(pool))
		fail("pcpool_create: %ld", PTR_ERR(pool));
}

static void subject_setup_cpu(unsigned int cpu)
{
	(void)cpu;
}

/* A new pool is. */
static void subject_empty(void)
{
}

static __always_inline void *subject_get(void)
{
	return pcpool_get(pool, GFP_KERNEL);
}

static __always_inline void *subject_try_get(void)
{
	return pcpool_try_get(pool);
}

static __always_inline void subject_put(void *obj)
{
	pcpool_put(pool, obj);
}

static unsigned long subject_made(void)
{
	struct pcpool_pool_stats stats;

	pcpool_stats(pool, &stats);
	return stats.made;
}

static unsigned long subject_idle(void)
{
	struct pcpool_pool_stats stats;

	pcpool_stats(pool, &stats);
	return stats.idle_main + stats.idle_victim;
}
