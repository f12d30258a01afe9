/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_REFCOUNT_H
#define _SHIM_REFCOUNT_H

#include <linux/atomic.h>

typedef atomic_t refcount_t;

#define refcount_set(r, n)		atomic_set(r, n)
#define refcount_inc(r)		atomic_inc(r)
#define refcount_sub_and_test(n, r)	(!atomic_sub_return(n, r))
#define refcount_dec_and_test(r)	refcount_sub_and_test(1, r)

#endif
