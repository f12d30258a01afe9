/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Aging: how idle objects leave a pool that does not use them. See age.c.
 */
#ifndef _PCPOOL_AGE_H
#define _PCPOOL_AGE_H

#include "types.h"

/* How to run an aging pass. */
enum {
	PCPOOL_AGE_MAY_WAIT = 1,	/* may wait for CPU hotplug */
	PCPOOL_AGE_COUNT = 2,		/* counts as a pass in the statistics */
	PCPOOL_AGE_SPARE = 4,		/* does not interrupt isolated CPUs */
	PCPOOL_AGE_CLOSE = 8,		/* also closes private slots that hold nothing */
};

unsigned long pcpool_age_pass(struct pcpool_core *core, unsigned long budget,
			      unsigned int how);

#endif /* _PCPOOL_AGE_H */
