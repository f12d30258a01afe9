/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sets of buffer pools; the interface is linux/pcpool_buf.h.
 */
#ifndef _PCPOOL_BUF_H
#define _PCPOOL_BUF_H

#include <linux/gfp.h>
#include <linux/kmsan-checks.h>
#include <linux/pcpool_buf.h>

/*
 * The data of a buffer that is put is uninitialised for the next caller: KMSAN reports a
 * caller that reads it before it has written it. Not for sets whose buffers are cleared.
 */
static inline void pcpool_buf_poison(const struct pcpool_buf *buf)
{
	kmsan_poison_memory(buf->data, buf->capacity, GFP_NOWAIT);
}

void pcpool_buf_exit(void);

#endif /* _PCPOOL_BUF_H */
