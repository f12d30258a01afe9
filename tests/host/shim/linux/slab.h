/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_SLAB_H
#define _SHIM_SLAB_H

#include <linux/cache.h>
#include <linux/compiler.h>
#include <linux/gfp.h>
#include <linux/overflow.h>

#define NUMA_NO_NODE		(-1)
#define KMALLOC_MAX_SIZE	(4UL << 20)

static inline void *kzalloc(size_t size, gfp_t gfp)
{
	(void)gfp;
	return shim_zalloc(size);
}

static inline void kfree(const void *p)
{
	shim_free((void *)p);
}

static inline void *kzalloc_node(size_t size, gfp_t gfp, int node)
{
	(void)node;
	return kzalloc(size, gfp);
}

static inline void *kvzalloc_node(size_t size, gfp_t gfp, int node)
{
	(void)node;
	return kzalloc(size, gfp);
}

/* Not cleared: filled with what would betray a reader, or left as it is where times count. */
static inline void *kmalloc_node(size_t size, gfp_t gfp, int node)
{
	(void)gfp;
	(void)node;
#ifdef SHIM_NATIVE
	return shim_malloc(size);
#else
	void *p = shim_zalloc(size);

	if (p)
		__builtin_memset(p, 0xa5, size);
	return p;
#endif
}

#define alloc_pages_exact(size, gfp)	kmalloc_node(size, gfp, NUMA_NO_NODE)
#define free_pages_exact(p, size)	((void)(size), kfree(p))

static inline void *kvzalloc(size_t size, gfp_t gfp)
{
	return kzalloc(size, gfp);
}

/* Used by the kernel's ptr_ring. */
static inline void *kvmalloc_array_noprof(size_t n, size_t size, gfp_t gfp)
{
	return kzalloc(n * size, gfp);
}

#define kmalloc_array_noprof(n, size, gfp)	kvmalloc_array_noprof(n, size, gfp)
#define alloc_hooks(call)			(call)

static inline void kvfree(const void *p)
{
	kfree(p);
}

#endif
