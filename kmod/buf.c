// SPDX-License-Identifier: GPL-2.0
/*
 * pcpool_buf: a set of pools, one for each size class of buffers. Uses pools like any
 * other client, except for counting the bytes that callers ask for.
 *
 * A buffer takes the memory that its capacity says. kmalloc() does so only for powers of
 * two; up to two pages it has caches of 96 and 192 bytes besides, and beyond that it rounds
 * up to a power of two. So classes between powers of two have kmem_caches of their own up
 * to two pages, which all sets share, and use alloc_pages_exact() beyond.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/export.h>
#include <linux/llist.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/overflow.h>
#include <linux/pcpool_buf.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>

#include "buf.h"
#include "context.h"
#include "create.h"
#include "debug.h"
#include "params.h"
#include "stats.h"
#include "worker.h"

/* A pool's name is the set's and the capacity, which takes at most "-1048576K". */
#define NAME_MAX_BYTES	22u

#define FLAGS		(PCPOOL_BYPASS | PCPOOL_ZERO_ON_PUT)

/* With halves, classes begin here: no allocator has memory for less than 24 bytes. */
#define HALVES_FIRST	4u

/* Caches for 24 bytes, 48, and so on up to one and a half pages. */
#define NR_CACHES	(PAGE_SHIFT + 1 - HALVES_FIRST)

static struct kmem_cache *caches[NR_CACHES];
/* Serialises their creation. */
static DEFINE_MUTEX(caches_lock);

/**
 * struct pcpool_buf_class - the buffers of one size
 * @set: the set it belongs to
 * @pool: the buffers; NULL for the class of all buffers larger than the largest class
 * @capacity: bytes in each buffer
 * @cache: what they are allocated from; NULL: pages or kmalloc()
 */
struct pcpool_buf_class {
	struct pcpool_buf_set *set;
	struct pcpool *pool;
	size_t capacity;
	struct kmem_cache *cache;
};

/* A buffer larger than the largest class; its put may leave it to the worker. */
struct large_buf {
	struct pcpool_buf buf;
	struct llist_node node;
};

/**
 * struct pcpool_buf_set - a set of pools
 * @halves: there are classes of one and a half times the powers of two
 * @first: log2 of the smallest class
 * @nr: number of classes
 * @clear: buffers are cleared before they are freed
 * @large: the class of buffers larger than the largest class
 * @nr_large: how many of these are outstanding
 * @deferred_frees: large buffers that were put where they could not be freed
 * @work: frees them
 * @class: the classes, the smallest first
 */
struct pcpool_buf_set {
	bool halves;
	unsigned int first;
	unsigned int nr;
	bool clear;
	struct pcpool_buf_class large;
	atomic_long_t nr_large;
	struct llist_head deferred_frees;
	struct work_struct work;
	struct pcpool_buf_class class[];
};

/* The size of the buffers of class @i. */
static size_t class_capacity(const struct pcpool_buf_set *set, unsigned int i)
{
	if (!set->halves)
		return 1ul << (set->first + i);
	return (2ul + i % 2) << (set->first + i / 2) >> 1;
}

/* The smallest class of buffers that hold @bytes; at least @nr if there is none. */
static unsigned int class_of(const struct pcpool_buf_set *set, size_t bytes)
{
	unsigned int order;

	if (bytes <= 1ul << set->first)
		return 0;
	/* 2^(order - 1) < bytes <= 2^order */
	order = fls_long(bytes - 1);
	if (!set->halves)
		return order - set->first;
	/* The class at one and a half times the power of two is one lower. */
	return 2 * (order - set->first) - (bytes <= 3ul << (order - 1) >> 1);
}

/* Buffers of this size are whole pages, which kmalloc() would round up. */
static bool is_in_pages(size_t bytes)
{
	return bytes > 2 * PAGE_SIZE && !is_power_of_2(bytes);
}

/* Physically contiguous memory. */
static void *data_alloc_contiguous(const struct pcpool_buf_class *class, size_t bytes, gfp_t gfp)
{
	if (class->cache)
		return kmem_cache_alloc(class->cache, gfp);
	if (!is_in_pages(bytes))
		return kmalloc(bytes, gfp);
	return bytes <= KMALLOC_MAX_SIZE ? alloc_pages_exact(bytes, gfp) : NULL;
}

static void *data_alloc(const struct pcpool_buf_class *class, size_t bytes, gfp_t gfp)
{
	gfp_t quick;
	void *data;

	/* A failure is an error to the caller, and needs no warning. */
	gfp |= __GFP_NOWARN;
	/* As if the buffer had been put before. */
	if (class->set->clear)
		gfp |= __GFP_ZERO;
	if (bytes > INT_MAX)
		return NULL;
	/* vmalloc() may sleep, and takes whole pages. */
	if (bytes <= PAGE_SIZE || class->cache || !gfpflags_allow_blocking(gfp))
		return data_alloc_contiguous(class, bytes, gfp);
	/* As kvmalloc() does: not much effort for contiguous memory. */
	quick = gfp & ~__GFP_NOFAIL;
	if (!(gfp & __GFP_RETRY_MAYFAIL))
		quick |= __GFP_NORETRY;
	data = data_alloc_contiguous(class, bytes, quick);
	return data ?: __vmalloc(bytes, gfp);
}

static void data_free(const struct pcpool_buf *buf)
{
	const struct pcpool_buf_class *class = buf->class;

	if (class->set->clear)
		memzero_explicit(buf->data, buf->capacity);
	if (class->cache)
		kmem_cache_free(class->cache, buf->data);
	else if (is_in_pages(buf->capacity) && !is_vmalloc_addr(buf->data))
		free_pages_exact(buf->data, buf->capacity);
	else
		kvfree(buf->data);
}

static void *buf_alloc(gfp_t gfp, void *ctx)
{
	struct pcpool_buf_class *class = ctx;
	struct pcpool_buf *buf = kmalloc(sizeof(*buf), gfp);

	if (!buf)
		return NULL;
	buf->class = class;
	buf->capacity = class->capacity;
	buf->data = data_alloc(class, class->capacity, gfp);
	if (!buf->data) {
		kfree(buf);
		return NULL;
	}
	return buf;
}

static void buf_free(void *obj, void *ctx)
{
	data_free(obj);
	kfree(obj);
}

static void buf_reset(void *obj, void *ctx)
{
	struct pcpool_buf *buf = obj;

	memzero_explicit(buf->data, buf->capacity);
}

static const struct pcpool_ops ops = {
	.alloc = buf_alloc,
	.free = buf_free,
};

static const struct pcpool_ops clearing_ops = {
	.alloc = buf_alloc,
	.free = buf_free,
	.reset = buf_reset,
};

static void large_free(struct large_buf *large)
{
	data_free(&large->buf);
	atomic_long_dec(&large->buf.class->set->nr_large);
	kfree(large);
}

static void free_deferred(struct work_struct *work)
{
	struct pcpool_buf_set *set = container_of(work, struct pcpool_buf_set, work);
	struct large_buf *large, *next;

	llist_for_each_entry_safe(large, next, llist_del_all(&set->deferred_frees), node) {
		large_free(large);
		cond_resched();
	}
}

static int check_params(const struct pcpool_buf_params *p)
{
	if (!p)
		return pcpool_bad("pcpool_buf_create", "params is NULL");
	if (!p->name)
		return pcpool_bad("pcpool_buf_create", "name is NULL");
	if (!*p->name || strlen(p->name) > NAME_MAX_BYTES)
		return pcpool_bad("pcpool_buf_create", "name \"%*pE\" is not 1 to %u characters",
				  (int)strnlen(p->name, 2 * NAME_MAX_BYTES), p->name,
				  NAME_MAX_BYTES);
	if (!p->min_bytes)
		return pcpool_bad(p->name, "min_bytes is 0");
	if (p->max_bytes < p->min_bytes)
		return pcpool_bad(p->name, "max_bytes %zu is less than min_bytes %zu", p->max_bytes,
				  p->min_bytes);
	if (p->max_bytes > PCPOOL_BUF_MAX)
		return pcpool_bad(p->name, "max_bytes %zu is more than %lu", p->max_bytes,
				  PCPOOL_BUF_MAX);
	if (p->flags & ~FLAGS)
		return pcpool_bad(p->name, "flags %#x has bits that are unknown for buffers",
				  p->flags);
	return 0;
}

/* "net-4K" */
static void class_name(char *to, size_t size, const char *name, size_t capacity)
{
	if (!(capacity % SZ_1K))
		snprintf(to, size, "%s-%zuK", name, capacity / SZ_1K);
	else
		snprintf(to, size, "%s-%zu", name, capacity);
}

/*
 * Find or create the cache for a class that kmalloc() would round up. It stays, for other
 * sets, until the module is unloaded.
 */
static int class_find_cache(struct pcpool_buf_class *class)
{
	struct kmem_cache **cache;
	char name[PCPOOL_NAME_BYTES];

	if (is_power_of_2(class->capacity) || is_in_pages(class->capacity))
		return 0;
	cache = &caches[ilog2(class->capacity) - HALVES_FIRST];
	mutex_lock(&caches_lock);
	if (!*cache) {
		snprintf(name, sizeof(name), "pcpool_buf-%zu", class->capacity);
		/* Aligned as by kmalloc(), and as there, all of it may be copied to user space. */
		*cache = kmem_cache_create_usercopy(name, class->capacity,
						    max_t(size_t, ARCH_KMALLOC_MINALIGN,
							  1ul << __ffs(class->capacity)),
						    0, 0, class->capacity, NULL);
	}
	class->cache = *cache;
	mutex_unlock(&caches_lock);
	return class->cache ? 0 : -ENOMEM;
}

static int class_init(struct pcpool_buf_set *set, unsigned int i,
		      const struct pcpool_buf_params *p, struct module *owner)
{
	struct pcpool_buf_class *class = &set->class[i];
	char name[PCPOOL_NAME_BYTES];
	struct pcpool_params params = {
		.name = name,
		.ops = set->clear ? &clearing_ops : &ops,
		.ctx = class,
		.flags = PCPOOL_FREE_MAY_SLEEP | (p->flags & PCPOOL_BYPASS),
	};
	struct pcpool *pool;
	int ret;

	class->set = set;
	class->capacity = class_capacity(set, i);
	ret = class_find_cache(class);
	if (ret)
		return ret;
	class_name(name, sizeof(name), p->name, class->capacity);
	params.object_bytes = class->capacity;
	if (p->max_idle_bytes)
		params.max_idle = max_t(size_t, p->max_idle_bytes / class->capacity, 1);
	pool = __pcpool_create(&params, owner);
	if (IS_ERR(pool))
		return PTR_ERR(pool);
	class->pool = pool;
	return pcpool_enable_byte_count(pool);
}

/* See pcpool_buf_create() in linux/pcpool_buf.h. */
struct pcpool_buf_set *__pcpool_buf_create(const struct pcpool_buf_params *params,
					   struct module *owner)
{
	struct pcpool_buf_set *set, like = { };
	unsigned int i;
	int ret;

	ret = check_params(params);
	if (ret)
		return ERR_PTR(ret);
	like.first = order_base_2(params->min_bytes);
	if (params->halves)
		like.first = max(like.first, HALVES_FIRST);
	like.halves = params->halves;
	like.nr = class_of(&like, params->max_bytes) + 1;

	set = kzalloc(struct_size(set, class, like.nr), GFP_KERNEL);
	if (!set)
		return ERR_PTR(-ENOMEM);
	set->first = like.first;
	set->halves = like.halves;
	set->nr = like.nr;
	set->clear = params->flags & PCPOOL_ZERO_ON_PUT;
	set->large.set = set;
	init_llist_head(&set->deferred_frees);
	INIT_WORK(&set->work, free_deferred);
	for (i = 0; i < set->nr; i++) {
		ret = class_init(set, i, params, owner);
		if (ret) {
			pcpool_buf_destroy(set);
			return ERR_PTR(ret);
		}
	}
	return set;
}
EXPORT_SYMBOL_GPL(__pcpool_buf_create);

/* See linux/pcpool_buf.h. */
void pcpool_buf_destroy(struct pcpool_buf_set *set)
{
	unsigned int i;
	u64 out;

	if (IS_ERR_OR_NULL(set))
		return;
	flush_work(&set->work);
	out = atomic_long_read(&set->nr_large);
	WARN(out, "pcpool: buffers destroyed with %llu beyond the largest class outstanding\n",
	     out);
	for (i = 0; i < set->nr && set->class[i].pool; i++)
		out += pcpool_end(set->class[i].pool);
	if (!out)
		kfree(set);
}
EXPORT_SYMBOL_GPL(pcpool_buf_destroy);

static struct large_buf *large_alloc(struct pcpool_buf_set *set, gfp_t gfp)
{
	/* This caller may keep the worker from running, so it frees what is left to it. */
	if (gfpflags_allow_blocking(gfp))
		free_deferred(&set->work);
	return kmalloc(sizeof(struct large_buf), gfp);
}

static struct pcpool_buf *large_get(struct pcpool_buf_set *set, size_t bytes, gfp_t gfp)
{
	struct large_buf *large = large_alloc(set, gfp);

	if (!large)
		return NULL;
	atomic_long_inc(&set->nr_large);
	large->buf.class = &set->large;
	large->buf.capacity = bytes;
	large->buf.data = data_alloc(&set->large, bytes, gfp);
	if (!large->buf.data) {
		atomic_long_dec(&set->nr_large);
		kfree(large);
		return NULL;
	}
	return &large->buf;
}

static __always_inline struct pcpool_buf *buf_get(struct pcpool_buf_set *set, size_t bytes,
						  gfp_t gfp)
{
	unsigned int i = class_of(set, bytes);
	struct pcpool_buf *buf;

	if (unlikely(i >= set->nr))
		return large_get(set, bytes, gfp);
	buf = pcpool_get(set->class[i].pool, gfp);
	if (likely(buf))
		this_cpu_add(*pcpool_to_core(set->class[i].pool)->requested, bytes);
	return buf;
}

/* A get with flags that a pool refuses. Buffers can be cleared: their size is known. */
static noinline struct pcpool_buf *buf_get_refused(struct pcpool_buf_set *set, size_t bytes,
						   gfp_t gfp, unsigned long caller)
{
	struct pcpool_buf *buf = buf_get(set, bytes, gfp & ~PCPOOL_GFP_REFUSED);
	struct pcpool *pool = buf ? buf->class->pool : NULL;

	if (pool && READ_ONCE(pcpool_to_core(pool)->debug))
		pcpool_debug_gfp(pcpool_to_core(pool), gfp & ~__GFP_ZERO, caller);
	/* With PCPOOL_ZERO_ON_PUT, it is clear already. */
	if (buf && (gfp & __GFP_ZERO) && !set->clear)
		memset(buf->data, 0, buf->capacity);
	return buf;
}

/* See linux/pcpool_buf.h. */
struct pcpool_buf *pcpool_buf_get(struct pcpool_buf_set *set, size_t bytes, gfp_t gfp)
{
	__pcpool_check_gfp(gfp & ~__GFP_ZERO);
	if (unlikely(gfp & PCPOOL_GFP_REFUSED))
		return buf_get_refused(set, bytes, gfp, _RET_IP_);
	return buf_get(set, bytes, gfp);
}
EXPORT_SYMBOL_GPL(pcpool_buf_get);

static void buf_put(struct pcpool_buf *buf, bool task)
{
	struct pcpool_buf_class *class;
	struct large_buf *large;

	if (!buf)
		return;
	class = buf->class;
	if (likely(class->pool)) {
		if (!class->set->clear)
			pcpool_buf_poison(buf);
		if (task)
			pcpool_put_task(class->pool, buf);
		else
			pcpool_put(class->pool, buf);
		return;
	}
	large = container_of(buf, struct large_buf, buf);
	if (task || pcpool_may_sleep()) {
		large_free(large);
		return;
	}
	llist_add(&large->node, &class->set->deferred_frees);
	/* If it is queued already, it has yet to take the list, with this buffer. */
	queue_work(pcpool_workqueue, &class->set->work);
}

/* See linux/pcpool_buf.h. */
void pcpool_buf_put(struct pcpool_buf *buf)
{
	buf_put(buf, false);
}
EXPORT_SYMBOL_GPL(pcpool_buf_put);

/* See linux/pcpool_buf.h. */
void pcpool_buf_put_task(struct pcpool_buf *buf)
{
	might_sleep();
	buf_put(buf, true);
}
EXPORT_SYMBOL_GPL(pcpool_buf_put_task);

/* See linux/pcpool_buf.h. */
bool pcpool_buf_stats(struct pcpool_buf_set *set, unsigned int i,
		      struct pcpool_pool_stats *stats)
{
	if (i >= set->nr)
		return false;
	pcpool_stats(set->class[i].pool, stats);
	return true;
}
EXPORT_SYMBOL_GPL(pcpool_buf_stats);

/* No set is left, or buffers of one are outstanding. */
void pcpool_buf_exit(void)
{
	unsigned int i;

	for (i = 0; i < NR_CACHES; i++)
		kmem_cache_destroy(caches[i]);
}
