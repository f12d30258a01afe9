/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_SIZES_H
#define _SHIM_SIZES_H

#define SZ_1M	0x100000

#endif
