/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where the numbers come from: files below debugfs, read whole, and what is
 * wrong in words a user can act on when they cannot be read.
 */
#ifndef PCPOOL_DEBUGFS_H
#define PCPOOL_DEBUGFS_H

#include <stddef.h>

/**
 * debugfs_read() - read a file of pcpool's debugfs directory
 * @debugfs: where debugfs is mounted
 * @path: the file, below @debugfs/pcpool
 * @size: receives its bytes, without the NUL that is put behind them
 *
 * Says on stderr what is wrong, if anything is.
 *
 * Return: What it holds, for the caller to free(), or NULL.
 */
char *debugfs_read(const char *debugfs, const char *path, size_t *size);

/* The program's one way to complain: "pcpool: ..." and a newline on stderr. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif /* PCPOOL_DEBUGFS_H */
