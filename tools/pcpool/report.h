/* SPDX-License-Identifier: GPL-2.0 */
/* Output: text for people and JSON for programs. */
#ifndef PCPOOL_REPORT_H
#define PCPOOL_REPORT_H

#include "snapshot.h"

/* Print text to stdout. @percpu is the content of the pool's percpu file, a valid table. */
void text_list(const struct snapshot *snapshot);
void text_show(const struct pcpool_pool_stats *pool, const char *debugfs,
	       const char *percpu);

/*
 * Print JSON to stdout: an array of pools, or one pool with its percpu table as an
 * array of objects. json_show() modifies @percpu.
 */
void json_list(const struct snapshot *snapshot);
void json_show(const struct pcpool_pool_stats *pool, char *percpu);

/* @name with unprintable characters as \xNN; the caller must free() it. */
char *escaped(const char *name);

/* The name of an enum pcpool_steal, or NULL if it is unknown. */
const char *steal_word(unsigned int steal);

#endif /* PCPOOL_REPORT_H */
