// SPDX-License-Identifier: GPL-2.0
/*
 * Parses a snapshot by the rules in uapi/linux/pcpool.h. Every size in the file is checked
 * against the real size of the file before it is used. Records are copied, because they may
 * have any size and alignment.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "snapshot.h"

/* The header of the first version. No kernel writes a smaller one. */
#define HEADER_BYTES_MIN	(offsetof(struct pcpool_snapshot_header, time_ns) + \
				 sizeof(__u64))

/* The record of the first version. No kernel writes a smaller one. */
#define RECORD_BYTES_MIN	(offsetof(struct pcpool_pool_stats, idle_bytes) + \
				 sizeof(__u64))

/* Header and record are C structures with 64-bit members, so their sizes are multiples of this. */
#define SIZE_STEP		sizeof(__u64)

static int __attribute__((format(printf, 2, 3)))
refuse(struct snapshot *snapshot, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(snapshot->error, sizeof(snapshot->error), format, args);
	va_end(args);
	snapshot_free(snapshot);
	return -1;
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Validate the header and copy it to @header. */
static int check_header(struct snapshot *snapshot,
			struct pcpool_snapshot_header *header,
			const unsigned char *data, size_t size)
{
	unsigned long long records;

	if (!size)
		return refuse(snapshot, "the file is empty");
	if (size < HEADER_BYTES_MIN)
		return refuse(snapshot, "truncated header: %zu of %zu bytes", size,
			      HEADER_BYTES_MIN);

	memset(header, 0, sizeof(*header));
	memcpy(header, data, smaller(size, sizeof(*header)));
	if (header->magic == __builtin_bswap32(PCPOOL_SNAPSHOT_MAGIC))
		return refuse(snapshot,
			      "the snapshot has the other byte order; read it on the kind of machine that wrote it");
	if (header->magic != PCPOOL_SNAPSHOT_MAGIC)
		return refuse(snapshot, "not a snapshot: magic number %#x instead of %#x",
			      header->magic, PCPOOL_SNAPSHOT_MAGIC);
	if (header->version != PCPOOL_SNAPSHOT_VERSION)
		return refuse(snapshot,
			      "unsupported version %u; this program supports version %u only",
			      header->version, PCPOOL_SNAPSHOT_VERSION);
	if (header->header_size < HEADER_BYTES_MIN || header->header_size % SIZE_STEP)
		return refuse(snapshot, "invalid header size %u", header->header_size);
	if (header->header_size > size)
		return refuse(snapshot, "truncated header: %zu of %u bytes", size,
			      header->header_size);
	if (header->record_size < RECORD_BYTES_MIN || header->record_size % SIZE_STEP)
		return refuse(snapshot, "invalid record size %u", header->record_size);

	if (!header->page_size || header->page_size & (header->page_size - 1))
		return refuse(snapshot, "invalid page size %u", header->page_size);

	/* The product of two 32-bit numbers does not overflow. */
	records = (unsigned long long)header->record_count * header->record_size;
	if (records > size - header->header_size)
		return refuse(snapshot,
			      "truncated: the header announces %u record%s of %u bytes, but only %zu byte%s follow%s",
			      header->record_count, plural(header->record_count),
			      header->record_size, size - header->header_size,
			      plural(size - header->header_size),
			      size - header->header_size == 1 ? "s" : "");
	if (records < size - header->header_size)
		return refuse(snapshot, "%llu extra byte%s after the last record",
			      size - header->header_size - records,
			      plural(size - header->header_size - records));
	return 0;
}

static int check_name(struct snapshot *snapshot, size_t record,
		      const char *what, const char *name, size_t size)
{
	if (!memchr(name, '\0', size))
		return refuse(snapshot, "the %s in record %zu is not NUL-terminated", what, record);
	return 0;
}

/* Check what, by uapi/linux/pcpool.h, is true of the numbers at every moment. */
static int check_numbers(struct snapshot *snapshot, size_t record,
			 const struct pcpool_pool_stats *pool)
{
	const unsigned long long parts[] = {
		pool->hit_private, pool->hit_shared, pool->hit_steal, pool->hit_victim,
		pool->miss, pool->alloc_fail,
	};
	unsigned long long gets = 0;
	bool fits = true;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(parts); i++)
		fits = !__builtin_add_overflow(gets, parts[i], &gets) && fits;
	if (!fits || gets != pool->gets)
		return refuse(snapshot, "record %zu contradicts itself: its gets are not the sum of hits, misses and failures",
			      record);
	if (pool->idle_reserve > pool->idle_main)
		return refuse(snapshot, "record %zu contradicts itself: its reserve holds more objects than are idle",
			      record);
	return 0;
}

int snapshot_parse(struct snapshot *snapshot, const void *data, size_t size)
{
	const unsigned char *from = data;
	struct pcpool_snapshot_header header;
	size_t i;

	memset(snapshot, 0, sizeof(*snapshot));
	if (check_header(snapshot, &header, from, size))
		return -1;

	/* One more than needed, because calloc() of 0 bytes may return NULL. */
	snapshot->pools = calloc((size_t)header.record_count + 1, sizeof(*snapshot->pools));
	if (!snapshot->pools)
		return refuse(snapshot, "out of memory for %u record%s", header.record_count,
			      plural(header.record_count));

	from += header.header_size;
	for (i = 0; i < header.record_count; i++, from += header.record_size) {
		struct pcpool_pool_stats *pool = &snapshot->pools[i];

		memcpy(pool, from, smaller(header.record_size, sizeof(*pool)));
		if (check_name(snapshot, i, "name", pool->name, sizeof(pool->name)) ||
		    check_name(snapshot, i, "owner", pool->owner, sizeof(pool->owner)))
			return -1;
		if (!pool->name[0])
			return refuse(snapshot, "record %zu has no name", i);
		if (check_numbers(snapshot, i, pool))
			return -1;
	}
	snapshot->count = header.record_count;
	return 0;
}

void snapshot_free(struct snapshot *snapshot)
{
	free(snapshot->pools);
	snapshot->pools = NULL;
	snapshot->count = 0;
}

double pool_hit_ratio(const struct pcpool_pool_stats *pool)
{
	double hits = (double)pool->hit_private + (double)pool->hit_shared +
		      (double)pool->hit_steal + (double)pool->hit_victim;
	double gets = hits + (double)pool->miss + (double)pool->alloc_fail;

	return gets > 0 ? hits / gets : -1;
}
