/* SPDX-License-Identifier: GPL-2.0 */
#include <linux/kernel.h>

#define VM_WARN_ON_ONCE(condition)	((void)(condition))
