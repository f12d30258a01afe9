/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_VMALLOC_H
#define _SHIM_VMALLOC_H

#include <linux/slab.h>

#define __vmalloc_node(size, align, gfp, node, caller)	kzalloc_node(size, gfp, node)

#endif
