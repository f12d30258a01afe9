/* SPDX-License-Identifier: GPL-2.0 */
/* What the program prints, for people and for programs. */
#ifndef PCPOOL_REPORT_H
#define PCPOOL_REPORT_H

#include "snapshot.h"

/* For people, on stdout. @percpu is the pool's file of that name, which is a table. */
void text_list(const struct snapshot *snapshot);
void text_show(const struct pcpool_pool_stats *pool, const char *debugfs,
	       const char *percpu);

/*
 * For programs, as JSON on stdout: an array of pools, or one pool with its
 * percpu table as an array of objects. json_show() takes the table to pieces.
 */
void json_list(const struct snapshot *snapshot);
void json_show(const struct pcpool_pool_stats *pool, char *percpu);

/* @name with what a terminal should not see as \xNN, for the caller to free(). */
char *escaped(const char *name);

/* The word for an enum pcpool_steal, or NULL. */
const char *steal_word(unsigned int steal);

#endif /* PCPOOL_REPORT_H */
