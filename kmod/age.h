/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Aging: how idle objects leave a pool that does not use them. See age.c.
 */
#ifndef _PCPOOL_AGE_H
#define _PCPOOL_AGE_H

#include "types.h"

unsigned long pcpool_age_pass(struct pcpool_core *core, unsigned long budget,
			      bool may_wait, bool count);

#endif /* _PCPOOL_AGE_H */
