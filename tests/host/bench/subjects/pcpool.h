/* SPDX-License-Identifier: GPL-2.0 */
/* pcpool itself: the sources of kmod/ over the shim. */
#include <linux/err.h>
#include <linux/module.h>
#include <linux/pcpool.h>

#define CAN_RUN_DRY
#define HAS_AGING

static struct pcpool *pool;
static unsigned int subject_make_us;

/*
 * Objects that cost nothing to make or free, for cases that time single operations: else it
 * would be malloc() that is timed, which waits for the other CPU's free() to let go of the
 * address space. They are numbers, of which each CPU has a stack.
 */
static struct tokens {
	unsigned long nr;
	unsigned long *token;
} ____cacheline_aligned_in_smp tokens[NR_CPUS];
static bool use_tokens;

static void *make_token(void)
{
	struct tokens *t = &tokens[shim_this.cpu];

	return t->nr ? (void *)t->token[--t->nr] : NULL;
}

static void free_token(void *obj)
{
	struct tokens *t = &tokens[shim_this.cpu];

	t->token[t->nr++] = (unsigned long)obj;
}

/* @n for each of two CPUs, either of which may end up with all. Before the first get. */
static void subject_use_tokens(unsigned long n)
{
	unsigned long i, cpu;

	for (cpu = 0; cpu < 2; cpu++) {
		struct tokens *t = &tokens[cpu];

		t->token = malloc(2 * n * sizeof(*t->token));
		if (!t->token)
			fail("out of memory");
		for (i = 0; i < 2 * n; i++)
			t->token[i] = 1 + cpu * n + i;
		t->nr = n;
	}
	use_tokens = true;
}

static void *make_object(gfp_t gfp, void *ctx)
{
	(void)gfp;
	(void)ctx;
	if (use_tokens)
		return make_token();
	if (subject_make_us)
		shim_sleep_us(subject_make_us);
	return malloc(object_bytes);
}

static void free_object(void *obj, void *ctx)
{
	(void)ctx;
	if (use_tokens)
		free_token(obj);
	else
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
	return stats.allocs;
}

static unsigned long subject_idle(void)
{
	struct pcpool_pool_stats stats;

	pcpool_stats(pool, &stats);
	return stats.idle_main + stats.idle_victim;
}
