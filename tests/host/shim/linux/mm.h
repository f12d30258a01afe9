/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_MM_H
#define _SHIM_MM_H

#include <linux/kernel.h>
#include <linux/slab.h>

/* Pages are small in tests. A chunk of deferral slots is a page, so chunks are freed often. */
#ifdef SHIM_NATIVE
#define PAGE_SIZE	4096UL
#else
#define PAGE_SIZE	512UL
#endif
#define PAGE_ALIGN(bytes)	(((bytes) + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1))

#endif
