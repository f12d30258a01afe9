/* SPDX-License-Identifier: GPL-2.0 */
/*
 * pcpool_buf: pools of buffers of all sizes
 *
 * For buffers whose sizes differ wildly, which one pool is no good for: a set of pools, one for
 * each class of sizes, all powers of two from the smallest to the largest, with the one and a
 * half times in between if wanted. A get takes a buffer of the smallest class that is large
 * enough; what is larger than the largest class is allocated plainly, and freed at its put.
 *
 * Each class is a pool of its own, called NAME-CAPACITY, with statistics of its own; of these,
 * requested_bytes against gets times object_bytes tells how much of the memory that is handed
 * out is wasted.
 *
 *	struct pcpool_buf *buf = pcpool_buf_get(set, bytes, GFP_KERNEL);
 *
 *	if (!buf)
 *		return -ENOMEM;
 *	... buf->data, of which buf->capacity bytes may be used ...
 *	pcpool_buf_put(buf);
 */
#ifndef _LINUX_PCPOOL_BUF_H
#define _LINUX_PCPOOL_BUF_H

#include <linux/pcpool.h>

struct pcpool_buf_class;
struct pcpool_buf_set;

/**
 * struct pcpool_buf - a buffer
 * @data: its memory, as kvmalloc() gives it; of nobody's content
 * @capacity: how many bytes that is
 * @class: where it belongs; pcpool's own
 *
 * @data and @capacity are not to be changed.
 */
struct pcpool_buf {
	void *data;
	size_t capacity;
	struct pcpool_buf_class *class;
};

/**
 * struct pcpool_buf_params - what a set of pools is to be like
 * @name: 1 to 22 characters, as for struct pcpool_params; the pools' names begin with it
 * @min_bytes: the smallest class is the least power of two that holds this; at least 1. With
 *	@halves it is at least 2, as there is nothing half as large again as 1
 * @max_bytes: the largest class is the least that holds this; at least @min_bytes, and at
 *	most %PCPOOL_BUF_MAX
 * @halves: classes of one and a half times the powers of two, too: they halve the waste
 * @max_idle_bytes: most bytes that may be idle in one class, but always one buffer; 0: any
 *	number
 * @flags: %PCPOOL_BYPASS, %PCPOOL_ZERO_ON_PUT, or 0
 */
struct pcpool_buf_params {
	const char *name;
	size_t min_bytes;
	size_t max_bytes;
	bool halves;
	size_t max_idle_bytes;
	unsigned int flags;
};

/* The largest class there can be. */
#define PCPOOL_BUF_MAX		0x40000000ul

struct pcpool_buf_set *
__pcpool_buf_create(const struct pcpool_buf_params *params, struct module *owner);

/**
 * pcpool_buf_create() - make a set of pools of buffers
 * @params: what it is to be like; only read during the call
 *
 * Makes no buffer yet.
 *
 * Context: As pcpool_create().
 * Return: The set, which the caller owns and gives to pcpool_buf_destroy(); or ERR_PTR() of
 * -EINVAL (a parameter is wrong; the log says which), -EEXIST (one of the names is taken) or
 * -ENOMEM.
 */
#define pcpool_buf_create(params)	__pcpool_buf_create(params, THIS_MODULE)

void pcpool_buf_destroy(struct pcpool_buf_set *set);

struct pcpool_buf *pcpool_buf_get(struct pcpool_buf_set *set, size_t bytes, gfp_t gfp);
void pcpool_buf_put(struct pcpool_buf *buf);
bool pcpool_buf_stats(struct pcpool_buf_set *set, unsigned int i,
		      struct pcpool_pool_stats *stats);

#endif /* _LINUX_PCPOOL_BUF_H */
