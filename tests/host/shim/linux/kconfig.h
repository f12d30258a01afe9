/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_KCONFIG_H
#define _SHIM_KCONFIG_H

/* No option is set. */
#define IS_ENABLED(option)	0

#endif
