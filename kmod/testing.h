/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Exports for the KUnit module, which tests the internals of pcpool.ko. They are in a
 * namespace of their own, so that no client can use them by mistake. Only the public
 * interface is exported on a kernel without KUnit, or one that is too old for the suites.
 */
#ifndef _PCPOOL_TESTING_H
#define _PCPOOL_TESTING_H

#include <linux/export.h>
#include <linux/kconfig.h>

#ifdef PCPOOL_HAVE_KUNIT_VISIBILITY
#include <kunit/visibility.h>
#else
#define EXPORT_SYMBOL_IF_KUNIT(sym)
#endif

#endif /* _PCPOOL_TESTING_H */
