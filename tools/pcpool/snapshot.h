/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The snapshot file as a program may use it: checked, and in this program's
 * own layout whichever kernel wrote it. Knows bytes only; opens no file and
 * prints nothing.
 */
#ifndef PCPOOL_SNAPSHOT_H
#define PCPOOL_SNAPSHOT_H

#include <stddef.h>

#include <linux/pcpool.h>

#define SNAPSHOT_ERROR_BYTES	160
#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

/**
 * struct snapshot - what a snapshot file says
 * @pools: one record a pool; what the kernel did not know is 0
 * @count: how many
 * @error: why it was refused, if it was
 */
struct snapshot {
	struct pcpool_pool_stats *pools;
	size_t count;
	char error[SNAPSHOT_ERROR_BYTES];
};

/**
 * snapshot_parse() - check a snapshot and copy its records
 * @snapshot: filled in; on success the caller owes it snapshot_free()
 * @data: the whole file
 * @size: its bytes
 *
 * Refuses the whole of a file any part of which it cannot vouch for.
 *
 * Return: 0, or -1 with @snapshot->error set.
 */
int snapshot_parse(struct snapshot *snapshot, const void *data, size_t size);
void snapshot_free(struct snapshot *snapshot);

/* The part of all gets that found an idle object, 0 to 1; -1 if there were no gets. */
double pool_hit_ratio(const struct pcpool_pool_stats *pool);

#endif /* PCPOOL_SNAPSHOT_H */
