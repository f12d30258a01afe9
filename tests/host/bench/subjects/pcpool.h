/* SPDX-License-Identifier: GPL-2.0 */
/* pcpool: the sources of kmod/ over the shim. */
#include <linux/err.h>
#include <linux/module.h>
#include <linux/pcpool.h>

#define CAN_RUN_DRY
#define HAS_AGING

static struct pcpool *pool;
static unsigned int subject_alloc_us;

/*
 * Tokens are objects that cost nothing to allocate and free, for cases that time single
 * operations. Otherwise these would time malloc(), which waits while the free() of the other
 * CPU holds the lock of the address space. Tokens are numbers; each CPU has a stack of them.
 */
static struct tokens {
	unsigned long nr;
	unsigned long *token;
} ____cacheline_aligned_in_smp tokens[NR_CPUS];
static bool use_tokens;

static void *alloc_token(void)
{
	struct tokens *t = &tokens[shim_this.cpu];

	return t->nr ? (void *)t->token[--t->nr] : NULL;
}

static void free_token(void *obj)
{
	struct tokens *t = &tokens[shim_this.cpu];

	t->token[t->nr++] = (unsigned long)obj;
}

/* Gives each of two CPUs @n tokens. Either may end up with all. Call before the first get. */
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

static void *alloc_object(gfp_t gfp, void *ctx)
{
	(void)gfp;
	(void)ctx;
	if (use_tokens)
		return alloc_token();
	if (subject_alloc_us)
		shim_sleep_us(subject_alloc_us);
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
	static const struct pcpool_ops ops = { .alloc = alloc_object, .free = free_object };
	struct pcpool_params params = { .name = "lab", .ops = &ops,
					.object_bytes = object_bytes };

	(void)cpu;
	if (shim_module_init())
		fail("the module does not initialise");
	pool = pcpool_create(&params);
	if (IS_ERR(pool))
		fail("pcpool_create: %ld", PTR_ERR(pool));
}

static void subject_setup_cpu(unsigned int cpu)
{
	(void)cpu;
}

/* A new pool is empty. */
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

static unsigned long subject_allocs(void)
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
