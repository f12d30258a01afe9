// SPDX-License-Identifier: GPL-2.0
/*
 * Mutations that know the snapshot format, so that not all inputs are rejected for their header.
 * Fields get interesting values, records are added, removed and resized, and most of the time
 * the sizes and sums are made consistent again.
 */
#include <stdlib.h>
#include <string.h>

#include "format.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

/* A newer record may be larger, also much larger, as the program may read it to a fixed buffer. */
#define NEWER_STEPS	4
#define MUCH_NEWER_STEPS	128

struct input {
	uint8_t *data;
	size_t size;
	size_t max_size;
	size_t header_size;
	size_t record_size;
	size_t count;
};

static unsigned int state;

static unsigned int below(unsigned int n)
{
	return rand_r(&state) % n;
}

static uint64_t interesting_value(void)
{
	uint64_t value = below(4) ? 1ULL << below(64) : below(1100);

	switch (below(8)) {
	case 0:
		return 0;
	case 1:
		return UINT64_MAX - below(3);
	case 2:
		return value - 1;
	case 3:
		return 1000 * value;
	case 4:
		return value ^ (uint64_t)rand_r(&state) << below(32);
	default:
		return value;
	}
}

/* Determine the records in the input, also if the header is wrong. */
static void parse(struct input *in)
{
	in->header_size = load(in->data, AT_HEADER_SIZE, 4);
	in->record_size = load(in->data, AT_RECORD_SIZE, 4);
	if (in->header_size < HEADER_BYTES || in->header_size > in->size || in->header_size % 8)
		in->header_size = HEADER_BYTES;
	if (in->record_size < RECORD_BYTES_MIN || in->record_size % 8 ||
	    in->record_size > RECORD_BYTES + 8 * MUCH_NEWER_STEPS)
		in->record_size = RECORD_BYTES;
	in->count = (in->size - in->header_size) / in->record_size;
	in->size = in->header_size + in->count * in->record_size;
}

static uint8_t *record(struct input *in, size_t i)
{
	return in->data + in->header_size + i * in->record_size;
}

static void write_header(struct input *in)
{
	store(in->data, AT_MAGIC, 4, MAGIC);
	store(in->data, AT_VERSION, 4, VERSION);
	store(in->data, AT_HEADER_SIZE, 4, in->header_size);
	store(in->data, AT_RECORD_SIZE, 4, in->record_size);
	store(in->data, AT_RECORD_COUNT, 4, in->count);
	store(in->data, AT_PAGE_SIZE, 4, 4096u << below(5));
	in->size = in->header_size + in->count * in->record_size;
}

/* Resize @bytes bytes at @offset to @wanted, appending zeros. Returns false if it does not fit. */
static bool resize(struct input *in, size_t offset, size_t bytes, size_t wanted)
{
	if (in->size - bytes + wanted > in->max_size)
		return false;
	memmove(in->data + offset + wanted, in->data + offset + bytes, in->size - offset - bytes);
	if (wanted > bytes)
		memset(in->data + offset + bytes, 0, wanted - bytes);
	in->size += wanted - bytes;
	return true;
}

static void change_record_size(struct input *in)
{
	size_t newer = below(6) ? NEWER_STEPS : MUCH_NEWER_STEPS;
	size_t wanted = RECORD_BYTES_MIN +
			8 * below((RECORD_BYTES - RECORD_BYTES_MIN) / 8 + 1 + newer);
	size_t kept = wanted < in->record_size ? wanted : in->record_size;
	size_t i;

	if (in->header_size + in->count * wanted > in->max_size)
		return;
	/* From last to first, so that the offsets of earlier records do not change. */
	for (i = in->count; i-- > 0;)
		resize(in, in->header_size + i * in->record_size + kept, in->record_size - kept,
		       wanted - kept);
	in->record_size = wanted;
}

static void change_name(uint8_t *at, size_t room)
{
	static const char * const names[] = { "good", "", ".", "..", "a/b", "snapshot", "good2" };
	size_t length = below(room);

	if (!below(3)) {
		strncpy((char *)at, names[below(sizeof(names) / sizeof(names[0]))], room);
		return;
	}
	/* Sometimes without a terminating NUL. */
	if (!below(8))
		length = room;
	memset(at, 'a' + below(26), length);
	if (length < room)
		memset(at + length, 0, room - length);
	if (length && below(2))
		at[below(length)] = rand_r(&state);
}

static void change_field(struct input *in, uint8_t *at)
{
	enum field field = below(FIELDS);
	enum field other = below(FIELDS);

	if (field_offset(field) + field_bytes(field) > in->record_size)
		return;
	store(at, field_offset(field), field_bytes(field), interesting_value());
	/* Sometimes close to another field: almost all of it, or more than that. */
	if (!below(4) && field_offset(other) + field_bytes(other) <= in->record_size)
		store(at, field_offset(field), field_bytes(field),
		      load(at, field_offset(other), field_bytes(other)) + below(3) - 1);
}

static void fix_name(uint8_t *at, size_t room)
{
	at[room - 1] = 0;
	if (!at[0])
		at[0] = 'a' + below(26);
}

static void fix_record(struct input *in, uint8_t *at)
{
	uint64_t gets = 0, idle_main = load(at, field_offset(IDLE_MAIN), 8);
	enum field field;

	fix_name(at, NAME_BYTES);
	at[NAME_BYTES + OWNER_BYTES - 1] = 0;
	for (field = HIT_PRIVATE; field <= ALLOC_FAIL; field++) {
		uint64_t part = load(at, field_offset(field), 8);

		if (gets > UINT64_MAX - part) {
			part = UINT64_MAX - gets;
			store(at, field_offset(field), 8, part);
		}
		gets += part;
	}
	store(at, field_offset(GETS), 8, gets);
	if (field_offset(IDLE_RESERVE) + 8 <= in->record_size &&
	    load(at, field_offset(IDLE_RESERVE), 8) > idle_main)
		store(at, field_offset(IDLE_RESERVE), 8, below(2) ? idle_main : 0);
}

static void mutate_once(struct input *in)
{
	size_t i = in->count ? below(in->count) : 0;

	switch (below(10)) {
	case 0: /* add a record, a copy of another if there is one */
		if (resize(in, in->header_size + i * in->record_size, 0, in->record_size)) {
			if (in->count)
				memcpy(record(in, i), record(in, i + 1), in->record_size);
			in->count++;
		}
		return;
	case 1:
		if (in->count) {
			resize(in, in->header_size + i * in->record_size, in->record_size, 0);
			in->count--;
		}
		return;
	case 2:
		change_record_size(in);
		return;
	case 3: /* a newer header, or the known one again */
		if (in->header_size > HEADER_BYTES) {
			resize(in, HEADER_BYTES, in->header_size - HEADER_BYTES, 0);
			in->header_size = HEADER_BYTES;
		} else if (resize(in, in->header_size, 0, 8)) {
			in->header_size += 8;
		}
		return;
	case 4:
		if (in->count)
			change_name(record(in, i), NAME_BYTES);
		return;
	case 5:
		if (in->count)
			change_name(record(in, i) + NAME_BYTES, OWNER_BYTES);
		return;
	default:
		if (in->count)
			change_field(in, record(in, i));
	}
}

/* Damage the input like a bad disk, a bad copy or a newer kernel. */
static void damage(struct input *in)
{
	unsigned int byte = below(in->size);

	switch (below(4)) {
	case 0:
		in->data[byte] ^= 1 << below(8);
		break;
	case 1:
		in->size = byte + 1;
		break;
	case 2:
		store(in->data, 4 * below(6), 4, interesting_value());
		break;
	default:
		if (in->size < in->max_size)
			in->data[in->size++] = rand_r(&state);
	}
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	struct input in = { .data = data, .size = size, .max_size = max_size };
	unsigned int times;
	size_t i;

	state = seed;
	if (size < HEADER_BYTES || !below(8))
		return LLVMFuzzerMutate(data, size, max_size);
	parse(&in);
	for (times = 1 + below(4); times > 0; times--)
		mutate_once(&in);
	write_header(&in);
	/* Rarely leave the records inconsistent. */
	if (below(8))
		for (i = 0; i < in.count; i++)
			fix_record(&in, record(&in, i));
	if (!below(6))
		damage(&in);
	return in.size;
}
