/* SPDX-License-Identifier: GPL-2.0 */
/* rte_mempool with a cache that keeps about as many objects private as pcpool's slots. */
#define DPDK_CACHE	16
#include "dpdk.h"
