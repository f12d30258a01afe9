// SPDX-License-Identifier: GPL-2.0
/* A second implementation of the snapshot format; see format.h. */
#include <string.h>

#include "format.h"

const char * const field_names[FIELDS] = {
	"object_bytes", "private_slots", "steal", "flags", "state",
	"gets", "hit_private", "hit_shared", "hit_steal", "hit_victim", "miss", "alloc_fail",
	"puts", "drop_full", "drop_oversize", "drop_other", "evicted", "ages", "allocs", "frees",
	"outstanding", "idle_main", "idle_victim", "idle_bytes", "deferred", "grows",
	"max_idle", "max_total", "reserve", "max_object_bytes", "idle_reserve", "waiting", "waits",
	"misuses", "requested_bytes",
};

uint64_t load(const uint8_t *data, size_t offset, size_t bytes)
{
	uint32_t word;
	uint64_t value;

	if (bytes == sizeof(word)) {
		memcpy(&word, data + offset, sizeof(word));
		return word;
	}
	memcpy(&value, data + offset, sizeof(value));
	return value;
}

void store(uint8_t *data, size_t offset, size_t bytes, uint64_t value)
{
	uint32_t word = value;

	if (bytes == sizeof(word))
		memcpy(data + offset, &word, sizeof(word));
	else
		memcpy(data + offset, &value, sizeof(value));
}

size_t field_bytes(enum field field)
{
	return field >= PRIVATE_SLOTS && field <= STATE ? 4 : 8;
}

size_t field_offset(enum field field)
{
	if (field == OBJECT_BYTES)
		return 96;
	return field <= STATE ? 104 + 4 * (field - PRIVATE_SLOTS) : 120 + 8 * (field - GETS);
}

struct record record_at(const uint8_t *record, size_t record_size)
{
	struct record r = { .name = record, .owner = record + NAME_BYTES };
	enum field field;

	for (field = 0; field < FIELDS; field++)
		if (field_offset(field) + field_bytes(field) <= record_size)
			r.is[field] = load(record, field_offset(field), field_bytes(field));
	return r;
}

static bool record_ok(const struct record *r)
{
	unsigned __int128 gets = 0;
	enum field field;

	if (!r->name[0] || !memchr(r->name, 0, NAME_BYTES) || !memchr(r->owner, 0, OWNER_BYTES))
		return false;
	for (field = HIT_PRIVATE; field <= ALLOC_FAIL; field++)
		gets += r->is[field];
	return gets == r->is[GETS] && r->is[IDLE_RESERVE] <= r->is[IDLE_MAIN];
}

bool format_ok(const uint8_t *data, size_t size, size_t *count)
{
	uint64_t header_size, record_size, page_size;
	size_t i;

	if (size < HEADER_BYTES || load(data, AT_MAGIC, 4) != MAGIC ||
	    load(data, AT_VERSION, 4) != VERSION)
		return false;
	header_size = load(data, AT_HEADER_SIZE, 4);
	record_size = load(data, AT_RECORD_SIZE, 4);
	page_size = load(data, AT_PAGE_SIZE, 4);
	*count = load(data, AT_RECORD_COUNT, 4);
	if (header_size < HEADER_BYTES || header_size % 8 || record_size < RECORD_BYTES_MIN ||
	    record_size % 8 || !page_size || page_size & (page_size - 1))
		return false;
	if (size != (unsigned __int128)*count * record_size + header_size)
		return false;
	for (i = 0; i < *count; i++) {
		struct record r = record_at(data + header_size + i * record_size, record_size);

		if (!record_ok(&r))
			return false;
	}
	return true;
}
