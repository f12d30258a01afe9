/* SPDX-License-Identifier: GPL-2.0 */
/* pcpool_buf: pools of buffers of different sizes */
#ifndef _LINUX_PCPOOL_BUF_H
#define _LINUX_PCPOOL_BUF_H

#include <linux/pcpool.h>

struct pcpool_buf_class;
struct pcpool_buf_set;

/**
 * DOC: Buffers of different sizes
 *
 * One pool is a poor fit for buffers whose sizes differ widely. A buffer set
 * consists of one pool for each size class. The size classes are the powers of
 * two from the smallest to the largest, and optionally one and a half times
 * each of them. A get takes a buffer of the smallest class that is large
 * enough. Buffers beyond the largest class are allocated for each get and freed
 * at their put::
 *
 *	struct pcpool_buf *buf = pcpool_buf_get(set, bytes, GFP_KERNEL);
 *
 *	if (!buf)
 *		return -ENOMEM;
 *	... use buf->capacity bytes at buf->data ...
 *	pcpool_buf_put(buf);
 *
 * The pool of a class is named NAME-CAPACITY and has statistics of its own.
 * Compare their requested_bytes with gets times object_bytes to see how much of
 * the memory handed out is wasted.
 *
 * Use a plain pool (linux/pcpool.h) if all buffers have about the same size,
 * and kvmalloc() if buffers are allocated rarely. Contexts are described in
 * linux/pcpool.h. Unlike pcpool_put(), pcpool_buf_put() does not work in NMI
 * context.
 */

/**
 * struct pcpool_buf - a buffer
 * @data: Its memory, mapped and aligned as by kvmalloc(). It must neither be
 *	freed by itself nor passed to ksize(). The content is undefined.
 * @capacity: Size of @data in bytes, all of which the caller may use; at least
 *	what it requested. For a buffer of a class, it is also what the buffer
 *	takes from the allocator, except that classes of less than a page may
 *	take more where the slab allocator is debugged.
 * @class: Size class; internal.
 *
 * Callers must not change any member.
 */
struct pcpool_buf {
	void *data;
	size_t capacity;
	struct pcpool_buf_class *class;
};

/**
 * struct pcpool_buf_params - parameters of a buffer set
 * @name: 1 to 22 characters, as in &struct pcpool_params. Prefix of the names
 *	of the pools. Copied.
 * @min_bytes: The smallest class is the smallest power of two that is not less
 *	than this many bytes. At least 1. With @halves, the smallest class has
 *	at least 16 bytes, because no allocator has memory for less than 24.
 * @max_bytes: The largest class is the smallest one that is not less than this
 *	many bytes. At least @min_bytes, and at most %PCPOOL_BUF_MAX.
 * @halves: Add classes of one and a half times the powers of two, which halves
 *	the waste.
 * @max_idle_bytes: Most idle bytes in one class. Each class may keep at least
 *	one buffer. 0: no limit.
 * @flags: %PCPOOL_BYPASS, %PCPOOL_ZERO_ON_PUT, both, or 0.
 *
 * Initialise the whole structure to zero first, as &struct pcpool_params.
 */
struct pcpool_buf_params {
	const char *name;
	size_t min_bytes;
	size_t max_bytes;
	bool halves;
	size_t max_idle_bytes;
	unsigned int flags;
};

/* Largest possible class, in bytes. */
#define PCPOOL_BUF_MAX		0x40000000ul

struct pcpool_buf_set * __must_check
__pcpool_buf_create(const struct pcpool_buf_params *params, struct module *owner);

/**
 * pcpool_buf_create() - create a buffer set
 * @params: the parameters; only read during the call
 *
 * Creates the pools of all classes, with the calling module as their owner.
 * Allocates no buffer.
 *
 * Context: As pcpool_create().
 * Return: The set, which the caller owns and must pass to pcpool_buf_destroy(),
 * or an ERR_PTR(): -EINVAL (a parameter is invalid, the log says which),
 * -EEXIST (a live pool has one of the names) or -ENOMEM.
 */
#define pcpool_buf_create(params)	__pcpool_buf_create(params, THIS_MODULE)

/**
 * pcpool_buf_destroy() - destroy a buffer set
 * @set: the set; %NULL or the ERR_PTR() of a failed pcpool_buf_create() does
 *	nothing
 *
 * Destroys the pools of all classes; see pcpool_destroy(). The caller must
 * ensure that all buffers have been put, and that no other call on the set is
 * in progress or follows. Outstanding buffers are leaked, together with the
 * part of the set that they need, and warnings tell how many there are.
 *
 * Context: As pcpool_destroy().
 */
void pcpool_buf_destroy(struct pcpool_buf_set *set);

/**
 * pcpool_buf_get() - take a buffer from a buffer set, or allocate one
 * @set: the set
 * @bytes: smallest size needed, in bytes; 0: any buffer of the smallest class
 * @gfp: flags for an allocation, should one be needed. If they do not allow
 *	blocking, only physically contiguous memory is tried
 *
 * The content of the buffer is undefined. With %__GFP_ZERO, and in a set with
 * %PCPOOL_ZERO_ON_PUT, it is zero up to its capacity. Other flags that ask for
 * a property of the memory are refused, and within the classes %__GFP_ACCOUNT is
 * ignored, as by pcpool_get().
 *
 * Context: Any context in which kmalloc() may be called with @gfp; see
 * pcpool_get() about PREEMPT_RT with interrupts or preemption disabled. Not
 * NMI.
 * Return: A buffer of at least @bytes, which the caller owns until it puts it,
 * or %NULL, and never an ERR_PTR().
 */
struct pcpool_buf * __must_check
pcpool_buf_get(struct pcpool_buf_set *set, size_t bytes, gfp_t gfp);

/**
 * pcpool_buf_put() - give a buffer back to its set
 * @buf: the buffer; %NULL is ignored, an ERR_PTR() is not allowed
 *
 * The set owns @buf and its memory afterwards, and the caller must not access
 * either any more.
 *
 * Context: Any context, but not NMI.
 */
void pcpool_buf_put(struct pcpool_buf *buf);

/**
 * pcpool_buf_put_task() - give a buffer back, where the caller may sleep
 * @buf: the buffer; %NULL is ignored, an ERR_PTR() is not allowed
 *
 * Like pcpool_buf_put(), but if the buffer is freed, it is freed here and not
 * by a worker. On kernels without CONFIG_PREEMPT_COUNT, pcpool_buf_put() leaves
 * that to a worker even in task context; see pcpool_put_task().
 *
 * Context: Task context; may sleep.
 */
void pcpool_buf_put_task(struct pcpool_buf *buf);

/**
 * pcpool_buf_stats() - read the statistics of one size class
 * @set: the set
 * @i: index of the class; 0 is the smallest
 * @stats: receives the statistics of the pool of that class, as from
 *	pcpool_stats()
 *
 * Context: As pcpool_stats().
 * Return: true, or false if the set has no class @i. Then @stats is left
 * unchanged.
 */
bool pcpool_buf_stats(struct pcpool_buf_set *set, unsigned int i,
		      struct pcpool_pool_stats *stats);

/* Where the kernel has linux/cleanup.h, linux/percpu.h includes it. */
#ifdef DEFINE_CLASS
/**
 * struct pcpool_buf_scope - a buffer that is put at the end of the scope
 * @buf: The buffer, or %NULL if there is none.
 *
 * Takes a buffer as pcpool_buf_get() does. Only defined where the kernel has
 * linux/cleanup.h::
 *
 *	CLASS(pcpool_buf_scope, b)(set, bytes, GFP_KERNEL);
 *
 *	if (!b.buf)
 *		return -ENOMEM;
 *	... use b.buf->data ...
 *	if (keep_it)
 *		kept = pcpool_buf_scope_keep(&b);
 *	return 0;
 */
struct pcpool_buf_scope {
	struct pcpool_buf *buf;
};

DEFINE_CLASS(pcpool_buf_scope, struct pcpool_buf_scope, pcpool_buf_put(_T.buf),
	     ((struct pcpool_buf_scope){ pcpool_buf_get(set, bytes, gfp) }),
	     struct pcpool_buf_set *set, size_t bytes, gfp_t gfp)

/**
 * pcpool_buf_scope_keep() - take the buffer out of its scope
 * @scope: pointer to the scope
 *
 * The buffer is not put at the end of the scope any more, and @scope->buf
 * becomes %NULL.
 *
 * Context: Any context.
 * Return: The buffer, which the caller owns until it puts it, or %NULL if there
 * was none.
 */
static inline struct pcpool_buf * __must_check
pcpool_buf_scope_keep(struct pcpool_buf_scope *scope)
{
	struct pcpool_buf *buf = scope->buf;

	scope->buf = NULL;
	return buf;
}
#endif

#endif /* _LINUX_PCPOOL_BUF_H */
