/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sets of buffer pools; the interface is linux/pcpool_buf.h.
 */
#ifndef _PCPOOL_BUF_H
#define _PCPOOL_BUF_H

void pcpool_buf_exit(void);

#endif /* _PCPOOL_BUF_H */
