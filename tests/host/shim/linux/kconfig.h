/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_KCONFIG_H
#define _SHIM_KCONFIG_H

/* No option is set, but those of the compiler's target, and what percpu.h provides. */
#ifdef __LP64__
#define CONFIG_64BIT		1
#endif
#define CONFIG_ARCH_HAS_NMI_SAFE_THIS_CPU_OPS	1
#define IS_ENABLED(option)	0

#endif
