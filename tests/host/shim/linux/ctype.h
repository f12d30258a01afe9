/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_CTYPE_H
#define _SHIM_CTYPE_H

#include <ctype.h>

#endif
