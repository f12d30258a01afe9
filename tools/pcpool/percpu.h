/* SPDX-License-Identifier: GPL-2.0 */
/* Validation of a pool's percpu file. Works on bytes in memory, as snapshot.h does. */
#ifndef PCPOOL_PERCPU_H
#define PCPOOL_PERCPU_H

#include <stdbool.h>
#include <stddef.h>

/**
 * percpu_is_table() - check a percpu file
 * @text: the whole file, followed by a NUL
 * @size: its size in bytes, without the NUL
 *
 * A valid file is printable ASCII. Its first line holds the titles, which are all
 * different. Every other line has as many words as there are titles. The last line ends
 * with a newline, so that its last number is complete.
 *
 * Return: true if the file is valid.
 */
bool percpu_is_table(const char *text, size_t size);

#endif /* PCPOOL_PERCPU_H */
