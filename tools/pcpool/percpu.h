/* SPDX-License-Identifier: GPL-2.0 */
/* A pool's percpu file: whether it may be shown. Knows bytes only, as snapshot.h does. */
#ifndef PCPOOL_PERCPU_H
#define PCPOOL_PERCPU_H

#include <stdbool.h>
#include <stddef.h>

/**
 * percpu_is_table() - check a percpu file
 * @text: the whole file, and a NUL behind it
 * @size: its bytes, without that
 *
 * It is made of printable ASCII; its first line has the titles, which all differ; every
 * further line has as many words; and the last line has an end, so that the last number is
 * not a part of one.
 *
 * Return: Whether all of that is so.
 */
bool percpu_is_table(const char *text, size_t size);

#endif /* PCPOOL_PERCPU_H */
