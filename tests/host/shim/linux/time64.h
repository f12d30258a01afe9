/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_TIME64_H
#define _SHIM_TIME64_H

#define NSEC_PER_MSEC	1000000ul

#endif
