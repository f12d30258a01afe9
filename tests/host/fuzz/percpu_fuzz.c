// SPDX-License-Identifier: GPL-2.0
/*
 * Fuzzes a pool's percpu file. It must be shown if it is a complete table whose columns have
 * different titles. In JSON, each number must be in its place.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "program.h"

#define POOL	"good"

/* More words than the largest input can have. */
#define WORDS_MAX	4096

/* A word ends at a blank or a newline. */
struct word {
	const char *at;
	size_t length;
};

static struct word words[WORDS_MAX];
static size_t nr_words;

static bool same(const struct word *a, const struct word *b)
{
	return a->length == b->length && !memcmp(a->at, b->at, a->length);
}

/* Splits the text into words. Returns the number of columns, or 0 if it is not a table. */
static size_t columns(const char *text, size_t size)
{
	size_t i, j, in_line = 0, wanted = 0;

	nr_words = 0;
	if (!size || text[size - 1] != '\n')
		return 0;
	for (i = 0; i < size; i++) {
		if (text[i] == '\n') {
			if (!wanted)
				wanted = in_line;
			if (!in_line || in_line != wanted)
				return 0;
			in_line = 0;
		} else if (text[i] != ' ' && text[i] != '\t') {
			if (text[i] < '!' || text[i] > '~')
				return 0;
			if (!i || strchr(" \t\n", text[i - 1])) {
				words[nr_words++] = (struct word){ .at = text + i };
				in_line++;
			}
			words[nr_words - 1].length++;
		}
	}
	for (i = 0; i < wanted; i++)
		for (j = 0; j < i; j++)
			if (same(&words[i], &words[j]))
				return 0;
	return wanted;
}

static void check_word(const struct output *output, struct json_object *value,
		       const struct word *word)
{
	unsigned long long number;
	char text[WORDS_MAX];
	bool negative;
	char *end;

	memcpy(text, word->at, word->length);
	text[word->length] = '\0';
	negative = text[0] == '-';
	errno = 0;
	number = strtoull(text + negative, &end, 10);
	if (text[negative] < '0' || text[negative] > '9' || *end || errno ||
	    (negative && number > (uint64_t)INT64_MAX + 1)) {
		if (!json_object_is_type(value, json_type_string) ||
		    strcmp(json_object_get_string(value), text))
			finding(output, "JSON: not the string %s", text);
		return;
	}
	if (!json_object_is_type(value, json_type_int) ||
	    (negative ? (uint64_t)json_object_get_int64(value) != -number :
			json_object_get_uint64(value) != number))
		finding(output, "JSON: not the number %s", text);
}

static void check_json(const struct output *output, size_t wanted)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *object, *array, *value;
	size_t i;

	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	object = json_tokener_parse_ex(tokener, output->out, output->out_size + 1);
	if (!json_object_object_get_ex(object, "percpu", &array) ||
	    !json_object_is_type(array, json_type_array) ||
	    json_object_array_length(array) != nr_words / wanted - 1)
		finding(output, "JSON: percpu is not an array of %zu", nr_words / wanted - 1);
	for (i = wanted; i < nr_words; i++) {
		const struct word *title = &words[i % wanted];
		struct json_object *line = json_object_array_get_idx(array, i / wanted - 1);
		char key[WORDS_MAX];

		memcpy(key, title->at, title->length);
		key[title->length] = '\0';
		if (!json_object_object_get_ex(line, key, &value))
			finding(output, "JSON: line %zu lacks %s", i / wanted, key);
		check_word(output, value, &words[i]);
		if ((size_t)json_object_object_length(line) != wanted)
			finding(output, "JSON: line %zu has %d keys", i / wanted,
				json_object_object_length(line));
	}
	json_object_put(object);
	json_tokener_free(tokener);
}

/*
 * Most of the time, turns the mutated input into a table: invalid bytes become digits, each
 * title gets a letter of its own, and lines end where they must.
 */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	size_t wanted = 1 + rand_r(&seed) % 8;
	size_t nr = 0, i, end = 0;

	size = LLVMFuzzerMutate(data, size, max_size);
	if (!(rand_r(&seed) % 3))
		return size;
	for (i = 0; i < size; i++) {
		if (data[i] == '\n')
			data[i] = ' ';
		else if ((data[i] < ' ' && data[i] != '\t') || data[i] > '~')
			data[i] = '0' + data[i] % 10;
		/* The first blank after a word. */
		if (!i || !strchr(" \t", data[i]) || strchr(" \t\n", data[i - 1]))
			continue;
		if (nr < wanted)
			data[i - 1] = 'a' + nr;
		if (++nr % wanted == 0) {
			data[i] = '\n';
			end = i + 1;
		}
	}
	return end ? end : size;
}

/* Creates a snapshot with one pool. */
static void make_snapshot(void)
{
	uint8_t data[HEADER_BYTES + RECORD_BYTES] = { 0 };

	store(data, AT_MAGIC, 4, MAGIC);
	store(data, AT_VERSION, 4, VERSION);
	store(data, AT_HEADER_SIZE, 4, HEADER_BYTES);
	store(data, AT_RECORD_SIZE, 4, RECORD_BYTES);
	store(data, AT_RECORD_COUNT, 4, 1);
	store(data, AT_PAGE_SIZE, 4, 4096);
	memcpy(data + HEADER_BYTES, POOL, sizeof(POOL));
	program_file("snapshot", data, sizeof(data));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool done;
	struct output output;
	size_t wanted;

	if (!done)
		make_snapshot();
	done = true;
	if (size >= WORDS_MAX)
		return 0;
	program_percpu(POOL, data, size);
	wanted = columns((const char *)data, size);
	program_count(wanted);

	program_run(&output, false, "show", POOL);
	if (wanted) {
		output_good(&output);
		if (output.out_size < size ||
		    memcmp(output.out + output.out_size - size, data, size))
			finding(&output, "the percpu file is not shown unchanged");
	} else {
		output_failed(&output);
	}
	output_free(&output);

	program_run(&output, true, "show", POOL);
	if (wanted) {
		output_good(&output);
		check_json(&output, wanted);
	} else {
		output_failed(&output);
	}
	output_free(&output);
	return 0;
}
