/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_KERNEL_H
#define _SHIM_KERNEL_H

#include <linux/compiler.h>
#include <linux/types.h>

#define min(a, b) ({			\
	__auto_type __a = (a);		\
	__auto_type __b = (b);		\
	__a < __b ? __a : __b;		\
})
#define max(a, b) ({			\
	__auto_type __a = (a);		\
	__auto_type __b = (b);		\
	__a > __b ? __a : __b;		\
})
#define container_of(p, type, member) \
	((type *)((char *)(p) - offsetof(type, member)))

#endif
