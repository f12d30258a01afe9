// SPDX-License-Identifier: GPL-2.0
/* What lockdep is told about ops->free; see callback.h. */
#include "callback.h"
#include "testing.h"

#ifdef CONFIG_LOCKDEP
struct lockdep_map pcpool_free_map = STATIC_LOCKDEP_MAP_INIT("pcpool_free", &pcpool_free_map);
EXPORT_SYMBOL_IF_KUNIT(pcpool_free_map);
#endif
