// SPDX-License-Identifier: GPL-2.0
/*
 * JSON output, for programs. The keys are those of a pool's stats and params files in
 * debugfs, and hit_ratio, which is computed here and is null if there were no gets.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "debugfs.h"
#include "report.h"

#define BLANKS	" \t"

/* The functions of json-c return NULL or -1 only if they run out of memory. */
static void add(struct json_object *object, const char *key, struct json_object *value)
{
	if (!value || json_object_object_add(object, key, value)) {
		complain("out of memory");
		exit(EXIT_FAILURE);
	}
}

static void append(struct json_object *array, struct json_object *value)
{
	if (!value || json_object_array_add(array, value)) {
		complain("out of memory");
		exit(EXIT_FAILURE);
	}
}

static void add_name(struct json_object *object, const char *key, const char *name)
{
	char *text = escaped(name);

	add(object, key, json_object_new_string(text));
	free(text);
}

static void add_numbers(struct json_object *object, const struct pcpool_pool_stats *pool)
{
	const struct {
		const char *key;
		unsigned long long value;
	} numbers[] = {
		{ "gets", pool->gets },
		{ "hit_private", pool->hit_private },
		{ "hit_shared", pool->hit_shared },
		{ "hit_steal", pool->hit_steal },
		{ "hit_victim", pool->hit_victim },
		{ "miss", pool->miss },
		{ "alloc_fail", pool->alloc_fail },
		{ "puts", pool->puts },
		{ "drop_full", pool->drop_full },
		{ "drop_oversize", pool->drop_oversize },
		{ "drop_other", pool->drop_other },
		{ "evicted", pool->evicted },
		{ "ages", pool->ages },
		{ "allocs", pool->allocs },
		{ "frees", pool->frees },
		{ "outstanding", pool->outstanding },
		{ "idle_main", pool->idle_main },
		{ "idle_victim", pool->idle_victim },
		{ "idle_bytes", pool->idle_bytes },
		{ "deferred", pool->deferred },
		{ "grows", pool->grows },
		{ "idle_reserve", pool->idle_reserve },
		{ "waiting", pool->waiting },
		{ "waits", pool->waits },
		{ "misuses", pool->misuses },
		{ "requested_bytes", pool->requested_bytes },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(numbers); i++)
		add(object, numbers[i].key, json_object_new_uint64(numbers[i].value));
}

static struct json_object *pool_object(const struct pcpool_pool_stats *pool)
{
	struct json_object *object = json_object_new_object();
	const char *steal = steal_word(pool->steal);
	double ratio = pool_hit_ratio(pool);
	char text[32];

	add_name(object, "name", pool->name);
	add_name(object, "owner", pool->owner);
	add(object, "object_bytes", json_object_new_uint64(pool->object_bytes));
	add(object, "max_object_bytes", json_object_new_uint64(pool->max_object_bytes));
	add(object, "private_slots", json_object_new_uint64(pool->private_slots));
	add(object, "max_idle", json_object_new_uint64(pool->max_idle));
	add(object, "max_total", json_object_new_uint64(pool->max_total));
	add(object, "reserve", json_object_new_uint64(pool->reserve));
	add(object, "steal", steal ? json_object_new_string(steal) :
				     json_object_new_uint64(pool->steal));
	add(object, "flags", json_object_new_uint64(pool->flags));
	add(object, "bypassed", json_object_new_boolean(pool->state & PCPOOL_STATE_BYPASSED));
	add(object, "debugged", json_object_new_boolean(pool->state & PCPOOL_STATE_DEBUGGED));
	add_numbers(object, pool);
	snprintf(text, sizeof(text), "%.6f", ratio);
	/* Here NULL is the null of JSON, and not an error. */
	if (ratio < 0)
		json_object_object_add(object, "hit_ratio", NULL);
	else
		add(object, "hit_ratio", json_object_new_double_s(ratio, text));
	return object;
}

static struct json_object *word_value(const char *word)
{
	const char *digits = word + (word[0] == '-');
	unsigned long long value;
	long long negative;
	char *end;

	if (digits[0] < '0' || digits[0] > '9')
		return json_object_new_string(word);
	errno = 0;
	value = strtoull(word, &end, 10);
	if (digits == word && !*end && !errno)
		return json_object_new_uint64(value);
	/* Such as the node of a CPU, if the kernel does not know it. */
	errno = 0;
	negative = strtoll(word, &end, 10);
	if (digits > word && !*end && !errno)
		return json_object_new_int64(negative);
	return json_object_new_string(word);
}

/* The words of the header line are the keys. Every other line has as many words. */
static struct json_object *percpu_array(char *percpu)
{
	struct json_object *array = json_object_new_array();
	char *lines, *line, *titles;

	titles = strtok_r(percpu, "\n", &lines);
	while ((line = strtok_r(NULL, "\n", &lines))) {
		struct json_object *object = json_object_new_object();
		char *keys = strdup(titles);
		char *key_rest, *word_rest, *key, *word;

		if (!keys || !object) {
			complain("out of memory");
			exit(EXIT_FAILURE);
		}
		key = strtok_r(keys, BLANKS, &key_rest);
		word = strtok_r(line, BLANKS, &word_rest);
		while (key && word) {
			add(object, key, word_value(word));
			key = strtok_r(NULL, BLANKS, &key_rest);
			word = strtok_r(NULL, BLANKS, &word_rest);
		}
		append(array, object);
		free(keys);
	}
	return array;
}

static void print(struct json_object *value)
{
	const char *text = json_object_to_json_string_ext(value,
							  JSON_C_TO_STRING_PRETTY |
							  JSON_C_TO_STRING_SPACED |
							  JSON_C_TO_STRING_NOSLASHESCAPE);

	if (!text) {
		complain("out of memory");
		exit(EXIT_FAILURE);
	}
	puts(text);
	json_object_put(value);
}

void json_list(const struct snapshot *snapshot)
{
	struct json_object *array = json_object_new_array();
	size_t i;

	for (i = 0; i < snapshot->count; i++)
		append(array, pool_object(&snapshot->pools[i]));
	print(array);
}

void json_show(const struct pcpool_pool_stats *pool, char *percpu)
{
	struct json_object *object = pool_object(pool);

	add(object, "percpu", percpu_array(percpu));
	print(object);
}
