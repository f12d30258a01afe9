/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_ERR_H
#define _SHIM_ERR_H

#include <linux/compiler.h>

#define MAX_ERRNO	4095UL
#define ERR_PTR(error)	((void *)(long)(error))
#define PTR_ERR(p)	((long)(p))
#define PTR_ERR_OR_ZERO(p)	(IS_ERR(p) ? PTR_ERR(p) : 0)
#define IS_ERR(p)	unlikely((unsigned long)(void *)(p) >= -MAX_ERRNO)
#define IS_ERR_OR_NULL(p)	(!(p) || IS_ERR(p))

#endif
