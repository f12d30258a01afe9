/* SPDX-License-Identifier: GPL-2.0 */
/* rte_mempool with a cache that keeps about as much from other CPUs as pcpool's slots do. */
#define DPDK_CACHE	16
#include "dpdk.h"
