/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The snapshot format, spelled out independently of uapi/linux/pcpool.h and of what
 * tools/pcpool makes of it: by byte offsets, as make-snapshots does.
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
/* Up to idle_bytes, as in the first version of pcpool. */
#define RECORD_BYTES_MIN	272u

/* Offsets of the header's fields; each has 4 bytes. */
enum {
	AT_MAGIC = 0, AT_VERSION = 4, AT_HEADER_SIZE = 8, AT_RECORD_SIZE = 12,
	AT_RECORD_COUNT = 16, AT_PAGE_SIZE = 20,
};

/* In the order of the record. */
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
 * struct record - what a record says
 * @name: points to it, in the snapshot
 * @owner: points to it, in the snapshot
 * @is: each field; 0 where the record ends before it
 */
struct record {
	const uint8_t *name;
	const uint8_t *owner;
	uint64_t is[FIELDS];
};

/* @bytes at @offset, in the byte order of the machine; and the other way round. */
uint64_t load(const uint8_t *data, size_t offset, size_t bytes);
void store(uint8_t *data, size_t offset, size_t bytes, uint64_t value);

size_t field_offset(enum field field);
size_t field_bytes(enum field field);
struct record record_at(const uint8_t *record, size_t record_size);

/* Whether a program may vouch for it; if so, @count is set. */
bool format_ok(const uint8_t *data, size_t size, size_t *count);

#endif /* _FORMAT_H */
