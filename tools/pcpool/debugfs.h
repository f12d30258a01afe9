/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reading whole files of pcpool's debugfs directory. If a file cannot be read, the user
 * is told why, and what to do about it.
 */
#ifndef PCPOOL_DEBUGFS_H
#define PCPOOL_DEBUGFS_H

#include <stddef.h>

/**
 * debugfs_read() - read a file of pcpool's debugfs directory
 * @debugfs: mount point of debugfs
 * @path: path of the file below @debugfs/pcpool
 * @size: receives the size of the file in bytes
 *
 * On failure, prints the reason to stderr.
 *
 * Return: The content, followed by a NUL that @size does not count. The caller must
 * free() it. NULL on failure.
 */
char *debugfs_read(const char *debugfs, const char *path, size_t *size);

/* Print an error message to stderr, with "pcpool: " before it and a newline after it. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif /* PCPOOL_DEBUGFS_H */
