/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Parsing the snapshot file: validates it and converts it to the structures of this
 * program, whichever kernel has written it. Works on bytes in memory: opens no file and
 * prints nothing.
 */
#ifndef PCPOOL_SNAPSHOT_H
#define PCPOOL_SNAPSHOT_H

#include <stddef.h>

#include <linux/pcpool.h>

#define SNAPSHOT_ERROR_BYTES	160
#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

/* The ending of a noun after @number: "1 object", but "0 objects" and "2 objects". */
static inline const char *plural(unsigned long long number)
{
	return number == 1 ? "" : "s";
}

/**
 * struct snapshot - a parsed snapshot file
 * @pools: one record per pool; fields that the kernel does not have are 0
 * @count: number of records
 * @error: reason of the failure, if parsing failed
 */
struct snapshot {
	struct pcpool_pool_stats *pools;
	size_t count;
	char error[SNAPSHOT_ERROR_BYTES];
};

/**
 * snapshot_parse() - validate a snapshot and copy its records
 * @snapshot: receives the result; after success, the caller must call snapshot_free()
 * @data: the whole file
 * @size: its size in bytes
 *
 * Rejects the whole file if any part of it is invalid.
 *
 * Return: 0 on success, or -1 with @snapshot->error set.
 */
int snapshot_parse(struct snapshot *snapshot, const void *data, size_t size);
void snapshot_free(struct snapshot *snapshot);

/* Fraction of the gets that found an idle object, 0 to 1; -1 if there were no gets. */
double pool_hit_ratio(const struct pcpool_pool_stats *pool);

#endif /* PCPOOL_SNAPSHOT_H */
