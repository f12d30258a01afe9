/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The snapshot format, by byte offsets, as in make-snapshots. Independent of
 * uapi/linux/pcpool.h and tools/pcpool.
 */
#ifndef _FORMAT_H
#define _FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAGIC			0x4c504350u
#define VERSION			1u
#define HEADER_BYTES		32u
#define NAME_BYTES		32u
#define OWNER_BYTES		64u
#define RECORD_BYTES		360u
/* Ends with idle_bytes, as in the first version of pcpool. */
#define RECORD_BYTES_MIN	272u

/* Offsets of the header's fields; each has 4 bytes. */
enum {
	AT_MAGIC = 0, AT_VERSION = 4, AT_HEADER_SIZE = 8, AT_RECORD_SIZE = 12,
	AT_RECORD_COUNT = 16, AT_PAGE_SIZE = 20,
};

/* The fields, in the order of the record. */
enum field {
	OBJECT_BYTES, PRIVATE_SLOTS, STEAL, FLAGS, STATE,
	GETS, HIT_PRIVATE, HIT_SHARED, HIT_STEAL, HIT_VICTIM, MISS, ALLOC_FAIL,
	PUTS, DROP_FULL, DROP_OVERSIZE, DROP_OTHER, EVICTED, AGES, ALLOCS, FREES, OUTSTANDING,
	IDLE_MAIN, IDLE_VICTIM, IDLE_BYTES, DEFERRED, GROWS,
	MAX_IDLE, MAX_TOTAL, RESERVE, MAX_OBJECT_BYTES, IDLE_RESERVE, WAITING, WAITS, MISUSES,
	REQUESTED_BYTES, FIELDS
};

extern const char * const field_names[FIELDS];

/**
 * struct record - a decoded record
 * @name: name of the pool, in the snapshot
 * @owner: owner of the pool, in the snapshot
 * @is: value of each field; 0 if the record ends before the field
 */
struct record {
	const uint8_t *name;
	const uint8_t *owner;
	uint64_t is[FIELDS];
};

/* Read and write a number of @bytes bytes at @offset, in the byte order of the machine. */
uint64_t load(const uint8_t *data, size_t offset, size_t bytes);
void store(uint8_t *data, size_t offset, size_t bytes, uint64_t value);

size_t field_offset(enum field field);
size_t field_bytes(enum field field);
struct record record_at(const uint8_t *record, size_t record_size);

/* Whether a snapshot is valid. If it is, sets @count to the number of records. */
bool format_ok(const uint8_t *data, size_t size, size_t *count);

#endif /* _FORMAT_H */
