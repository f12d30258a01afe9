/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Exports for the KUnit module, which tests the internals of pcpool.ko. On a kernel
 * without KUnit only the public interface is exported.
 */
#ifndef _PCPOOL_TESTING_H
#define _PCPOOL_TESTING_H

#include <linux/export.h>
#include <linux/kconfig.h>

#if IS_ENABLED(CONFIG_KUNIT)
#define EXPORT_SYMBOL_FOR_TESTS(sym)	EXPORT_SYMBOL_GPL(sym)
#else
#define EXPORT_SYMBOL_FOR_TESTS(sym)
#endif

#endif /* _PCPOOL_TESTING_H */
