/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_SLAB_H
#define _SHIM_SLAB_H

#include <linux/compiler.h>
#include <linux/gfp.h>

#define NUMA_NO_NODE	(-1)

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

static inline void kvfree(const void *p)
{
	kfree(p);
}

#endif
