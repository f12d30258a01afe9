// SPDX-License-Identifier: GPL-2.0
/*
 * Fuzzes the snapshot file. The program must refuse the input if and only if format.c does.
 * Otherwise, all output must agree with the records, to the last digit shown.
 */
#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "program.h"

static const char percpu[] = "cpu  private  main\n  0        8    12\n  1        7     0\n";

#define STATE_BYPASSED	1
#define STATE_DEBUGGED	2

/* A sum that saturates, as in text.c. The counters of a broken file may be inconsistent. */
static uint64_t sum(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t idle(const struct record *r)
{
	return sum(r->is[IDLE_MAIN], r->is[IDLE_VICTIM]);
}

static uint64_t hits(const struct record *r)
{
	return r->is[HIT_PRIVATE] + r->is[HIT_SHARED] + r->is[HIT_STEAL] + r->is[HIT_VICTIM];
}

/* A number, and the right form of a noun with a regular plural. */
static void want_count(struct reader *t, uint64_t number, const char *noun)
{
	want_number(t, number);
	want(t, " ");
	want(t, noun);
	want(t, number == 1 ? "" : "s");
}

static void want_owner(struct reader *t, const struct record *r)
{
	want_name(t, r->owner[0] ? r->owner : (const uint8_t *)"-");
}

static void check_list(const struct output *output, const struct record *records, size_t count)
{
	struct reader t = reader_of(output);
	size_t owner_column = strcspn(output->out, "W") - 1;
	size_t i;

	if (!count) {
		want(&t, "There are no pools.\n");
		want_end(&t);
		return;
	}
	want(&t, "NAME OWNER OBJECT IDLE OUT HIT% GETS MISSES IDLE MEM\n");
	for (i = 0; i < count; i++) {
		const struct record *r = &records[i];

		want_name(&t, r->name);
		want_column(&t, owner_column);
		want_owner(&t, r);
		want(&t, " ");
		want_bytes(&t, r->is[OBJECT_BYTES]);
		want_number(&t, idle(r));
		want_number(&t, r->is[OUTSTANDING]);
		want_percent(&t, hits(r), r->is[GETS]);
		want_number(&t, r->is[GETS]);
		want_number(&t, r->is[MISS]);
		want_bytes(&t, r->is[IDLE_BYTES]);
		if (r->is[STATE] & STATE_BYPASSED)
			want(&t, " BYPASSED");
		if (r->is[WAITING]) {
			want_number(&t, r->is[WAITING]);
			want(&t, " WAITING");
		}
		if (r->is[STATE] & STATE_DEBUGGED)
			want(&t, " DEBUGGED");
		if (r->is[MISUSES]) {
			want_number(&t, r->is[MISUSES]);
			want(&t, r->is[MISUSES] == 1 ? " MISUSE" : " MISUSES");
		}
		want(&t, "\n");
	}
	want_end(&t);
}

static void want_alarms(struct reader *t, const struct record *r)
{
	uint64_t unknown = r->is[STATE] & ~(uint64_t)(STATE_BYPASSED | STATE_DEBUGGED);
	char hex[32];

	if (r->is[MISUSES]) {
		want(t, "\n*** ");
		want_number(t, r->is[MISUSES]);
		want(t, r->is[MISUSES] == 1 ? " MISUSE: " : " MISUSES: ");
		want(t, "the client broke the rules for using objects.\n");
		want_exactly(t, "*** To see the callers: dmesg | grep 'pcpool: ");
		want_name(t, r->name);
		want(t, ":'\n");
	}
	if (r->is[STATE] & STATE_BYPASSED) {
		want(t, "\n*** BYPASSED: every get allocates, every put frees.\n");
		want(t, "*** To end the bypass: echo 0 > ./pcpool/");
		want_name(t, r->name);
		want(t, "/bypass\n");
	}
	if (r->is[STATE] & STATE_DEBUGGED) {
		want(t, "\n*** DEBUGGED: every get and put is checked for misuse, which is slow.\n");
		want(t, "*** To see the outstanding objects: cat ./pcpool/");
		want_name(t, r->name);
		want(t, "/outstanding\n*** To end debug mode: echo 0 > ./pcpool/");
		want_name(t, r->name);
		want(t, "/debug\n");
	}
	if (unknown) {
		snprintf(hex, sizeof(hex), "0x%llx", (unsigned long long)unknown);
		want(t, "\n*** state ");
		want(t, hex);
		want(t, " is unknown to this program\n");
	}
}

/* Expects a line "WHAT PART SHARE % MEANING". */
static void want_part(struct reader *t, const char *what, uint64_t part, uint64_t whole,
		      const char *meaning)
{
	want(t, " ");
	want(t, what);
	want(t, " ");
	want_number(t, part);
	want(t, " ");
	if (want_percent(t, part, whole))
		want(t, " %");
	want(t, " ");
	want(t, meaning);
}

static void want_waste(struct reader *t, const struct record *r)
{
	long double requested = r->is[REQUESTED_BYTES];
	long double given = 0;

	if (!r->is[REQUESTED_BYTES])
		return;
	if (r->is[GETS] > r->is[ALLOC_FAIL])
		given = (long double)(r->is[GETS] - r->is[ALLOC_FAIL]) * r->is[OBJECT_BYTES];
	want(t, "waste ");
	want_percent(t, given > requested ? given - requested : 0, requested);
	want(t, " % of the ");
	want_bytes(t, requested);
	want(t, " asked for; ");
	want_bytes(t, given);
	want(t, " given\n\n");
}

static void want_tier(struct reader *t, const char *what, uint64_t objects, const struct record *r,
		      const char *meaning)
{
	long double all = idle(r);

	want(t, what);
	want_number(t, objects);
	want(t, " ");
	want_bytes(t, all ? r->is[IDLE_BYTES] * (objects / all) : 0);
	want(t, meaning);
}

static void want_limits(struct reader *t, const struct record *r)
{
	static const struct {
		const char *what;
		enum field limit;
		const char *meaning;
	} limits[] = {
		{ "idle", MAX_IDLE, " that may be idle\n" },
		{ "existing", MAX_TOTAL, " that may exist\n" },
		{ "reserve", RESERVE, " held back\n" },
	};
	const uint64_t parts[] = { idle(r), sum(idle(r), r->is[OUTSTANDING]), r->is[IDLE_RESERVE] };
	size_t i;

	if (!r->is[MAX_IDLE] && !r->is[MAX_TOTAL] && !r->is[RESERVE])
		return;
	want(t, "limits\n");
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (!r->is[limits[i].limit])
			continue;
		want_part(t, limits[i].what, parts[i], r->is[limits[i].limit], "of ");
		want_count(t, r->is[limits[i].limit], "object");
		want(t, limits[i].meaning);
	}
	if (r->is[MAX_TOTAL] || r->is[RESERVE]) {
		want(t, "waiting ");
		want_count(t, r->is[WAITING], "get");
		want(t, " now, ");
		want_number(t, r->is[WAITS]);
		want(t, r->is[WAITS] == 1 ? " has had to wait\n" : " have had to wait\n");
	}
	want(t, "\n");
}

static void want_drops(struct reader *t, const struct record *r)
{
	want(t, "drops ");
	want_number(t, sum(sum(r->is[DROP_FULL], r->is[DROP_OVERSIZE]), r->is[DROP_OTHER]));
	want(t, " of ");
	want_count(t, r->is[PUTS], "put");
	want(t, "\n");
	want_part(t, "full", r->is[DROP_FULL], r->is[PUTS], "the pool could not hold it\n");
	if (r->is[MAX_OBJECT_BYTES]) {
		want_part(t, "oversize", r->is[DROP_OVERSIZE], r->is[PUTS], "larger than ");
		want_bytes(t, r->is[MAX_OBJECT_BYTES]);
		want(t, "\n");
	} else if (r->is[DROP_OVERSIZE]) {
		want_part(t, "oversize", r->is[DROP_OVERSIZE], r->is[PUTS], "too large\n");
	}
	want_part(t, "other", r->is[DROP_OTHER], r->is[PUTS], "bypass\n");
}

static void want_settings(struct reader *t, const struct record *r)
{
	static const char * const steal[] = { "all", "node", "none" };
	static const char * const flags[] = {
		", free may sleep", ", created bypassed", ", cleared at put", ", plain memory",
	};
	char hex[64];
	size_t i;

	want(t, "settings objects of ");
	want_bytes(t, r->is[OBJECT_BYTES]);
	want(t, ", ");
	want_count(t, r->is[PRIVATE_SLOTS], "private slot");
	want(t, " per CPU, steal ");
	if (r->is[STEAL] < 3) {
		want(t, steal[r->is[STEAL]]);
	} else {
		want_number(t, r->is[STEAL]);
		want(t, " (unknown to this program)");
	}
	for (i = 0; i < 4; i++)
		if (r->is[FLAGS] >> i & 1)
			want(t, flags[i]);
	if (r->is[FLAGS] >> 4) {
		snprintf(hex, sizeof(hex), ", flags 0x%llx (unknown to this program)",
			 (unsigned long long)r->is[FLAGS] & ~0xfULL);
		want(t, hex);
	}
	want(t, "\n");
}

static void check_show(const struct output *output, const struct record *r)
{
	struct reader t = reader_of(output);

	want_exactly(&t, "pool            ");
	want_name(&t, r->name);
	want_exactly(&t, ", created by ");
	want_owner(&t, r);
	want(&t, "\n");
	want_alarms(&t, r);
	want(&t, "\nhit ratio ");
	if (!r->is[GETS]) {
		want(&t, "-: no gets yet\n");
	} else {
		want_percent(&t, hits(r), r->is[GETS]);
		want(&t, " % of ");
		want_count(&t, r->is[GETS], "get");
		want(&t, "\n");
	}
	want_part(&t, "private", r->is[HIT_PRIVATE], r->is[GETS], "the CPU's own private slots\n");
	want_part(&t, "shared", r->is[HIT_SHARED], r->is[GETS], "the CPU's own shared queue\n");
	want_part(&t, "steal", r->is[HIT_STEAL], r->is[GETS], "another CPU's main tier\n");
	want_part(&t, "victim", r->is[HIT_VICTIM], r->is[GETS], "a victim tier\n");
	want_part(&t, "miss", r->is[MISS], r->is[GETS], "allocated an object\n");
	want_part(&t, "alloc fail", r->is[ALLOC_FAIL], r->is[GETS],
		  "no idle object, and none could be allocated\n");
	want(&t, "\n");
	want_waste(&t, r);
	want(&t, "idle ");
	want_count(&t, idle(r), "object");
	want(&t, ", ");
	want_bytes(&t, r->is[IDLE_BYTES]);
	want(&t, "\n");
	want_tier(&t, " main tier ", r->is[IDLE_MAIN], r, " put since the last aging pass\n");
	want_tier(&t, " victim tier ", r->is[IDLE_VICTIM], r, " freed by the next aging pass\n");
	want(&t, "outstanding ");
	want_count(&t, r->is[OUTSTANDING], "object");
	want(&t, "\n\n");
	want_limits(&t, r);
	want_drops(&t, r);
	want(&t, "aging ");
	want_number(&t, r->is[AGES]);
	want(&t, r->is[AGES] == 1 ? " pass\nevicted " : " passes\nevicted ");
	want_count(&t, r->is[EVICTED], "idle object");
	want(&t, ", by aging and drain\nallocs, frees ");
	want_number(&t, r->is[ALLOCS]);
	want(&t, ", ");
	want_number(&t, r->is[FREES]);
	want(&t, "\ndeferred ");
	want_count(&t, r->is[DEFERRED], "put");
	want(&t, " left to a worker\ngrown ");
	want_count(&t, r->is[GROWS], "ring");
	want(&t, " added to shared queues\n");
	want_settings(&t, r);
	if (t.at[0] != '\n' || strcmp(t.at + 1, percpu))
		finding(output, "the percpu file is not shown unchanged");
}

static void check_string(const struct output *output, struct json_object *object,
			 const char *key, const char *wanted)
{
	struct json_object *value = json_object_object_get(object, key);

	if (!json_object_is_type(value, json_type_string) ||
	    strcmp(json_object_get_string(value), wanted))
		finding(output, "JSON: %s is not \"%s\"", key, wanted);
}

static void check_number(const struct output *output, struct json_object *object,
			 const char *key, uint64_t wanted)
{
	struct json_object *value = json_object_object_get(object, key);

	if (!json_object_is_type(value, json_type_int) || json_object_get_uint64(value) != wanted)
		finding(output, "JSON: %s is not %llu", key, (unsigned long long)wanted);
}

static void check_boolean(const struct output *output, struct json_object *object,
			  const char *key, bool wanted)
{
	struct json_object *value = json_object_object_get(object, key);

	if (!json_object_is_type(value, json_type_boolean) ||
	    json_object_get_boolean(value) != wanted)
		finding(output, "JSON: %s is not %s", key, wanted ? "true" : "false");
}

/* @more: the number of additional keys. */
static void check_object(const struct output *output, struct json_object *object,
			 const struct record *r, int more)
{
	static const char * const steal[] = { "all", "node", "none" };
	struct json_object *ratio;
	enum field field;

	if (!json_object_is_type(object, json_type_object))
		finding(output, "JSON: a pool is not an object");
	check_string(output, object, "name", shown(r->name));
	check_string(output, object, "owner", shown(r->owner));
	check_boolean(output, object, "bypassed", r->is[STATE] & STATE_BYPASSED);
	check_boolean(output, object, "debugged", r->is[STATE] & STATE_DEBUGGED);
	for (field = 0; field < FIELDS; field++) {
		if (field == STATE)
			continue;
		if (field == STEAL && r->is[STEAL] < 3)
			check_string(output, object, "steal", steal[r->is[STEAL]]);
		else
			check_number(output, object, field_names[field], r->is[field]);
	}
	if (!json_object_object_get_ex(object, "hit_ratio", &ratio) || !ratio != !r->is[GETS])
		finding(output, "JSON: hit_ratio is wrongly null, or wrongly not null");
	/* The program prints six decimals. */
	if (ratio && fabsl(json_object_get_double(ratio) -
			   hits(r) / (long double)r->is[GETS]) > 6e-7L)
		finding(output, "JSON: hit_ratio is wrong");
	/* All fields except the state, and the keys that were checked separately. */
	if (json_object_object_length(object) != FIELDS - 1 + 5 + more)
		finding(output, "JSON: %d keys", json_object_object_length(object));
}

static struct json_object *parse(const struct output *output)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *value;

	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	value = json_tokener_parse_ex(tokener, output->out, output->out_size + 1);
	if (!value)
		finding(output, "JSON: %s",
			json_tokener_error_desc(json_tokener_get_error(tokener)));
	json_tokener_free(tokener);
	return value;
}

static void check_json_list(const struct output *output, const struct record *records,
			    size_t count)
{
	struct json_object *array = parse(output);
	size_t i;

	if (!json_object_is_type(array, json_type_array) ||
	    json_object_array_length(array) != count)
		finding(output, "JSON: not an array of %zu", count);
	for (i = 0; i < count; i++)
		check_object(output, json_object_array_get_idx(array, i), &records[i], 0);
	json_object_put(array);
}

static void check_json_show(const struct output *output, const struct record *r)
{
	struct json_object *object = parse(output);
	struct json_object *table, *line;

	check_object(output, object, r, 1);
	if (!json_object_object_get_ex(object, "percpu", &table) ||
	    !json_object_is_type(table, json_type_array) || json_object_array_length(table) != 2)
		finding(output, "JSON: percpu is not two lines");
	line = json_object_array_get_idx(table, 1);
	check_number(output, line, "cpu", 1);
	check_number(output, line, "private", 7);
	check_number(output, line, "main", 0);
	json_object_put(object);
}

static void check_lists(const struct record *records, size_t count, bool json)
{
	struct output output;

	program_run(&output, json, "list", NULL);
	output_good(&output);
	if (json)
		check_json_list(&output, records, count);
	else
		check_list(&output, records, count);
	output_free(&output);
}

/* Whether exactly one pool has that name, and the name is not a path. */
static bool name_ok(const struct record *records, size_t count, const char *name)
{
	size_t i, same = 0;

	for (i = 0; i < count; i++)
		same += !strcmp((const char *)records[i].name, name);
	return same == 1 && !strchr(name, '/') && strcmp(name, ".") && strcmp(name, "..");
}

static void check_shows(const struct record *records, size_t count, const struct record *r,
			bool json)
{
	const char *name = (const char *)r->name;
	bool ok = name_ok(records, count, name);
	struct output output;

	/* A directory of that name may be impossible, as the name is that of the snapshot. */
	if (ok && !program_percpu(name, percpu, sizeof(percpu) - 1))
		return;
	program_run(&output, json, "show", name);
	if (!ok) {
		output_failed(&output);
	} else {
		output_good(&output);
		if (json)
			check_json_show(&output, r);
		else
			check_show(&output, r);
	}
	output_free(&output);
}

static void check_refused(bool json, const char *command, const char *pool)
{
	struct output output;

	program_run(&output, json, command, pool);
	output_failed(&output);
	output_free(&output);
}

/* Selects what to check for an input: always the same, but different for similar inputs. */
static unsigned int hash(const uint8_t *data, size_t size)
{
	unsigned int h = size;

	while (size)
		h = h * 31 + data[--size];
	return h ^ h >> 16;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t count, header_size, record_size, i;
	bool ok = format_ok(data, size, &count);
	unsigned int which = hash(data, size);
	bool json = which % 2;
	struct record *records;

	program_count(ok);
	program_file("snapshot", data, size);
	if (!ok) {
		check_refused(json, "list", NULL);
		check_refused(!json, "show", "good");
		return 0;
	}
	header_size = load(data, AT_HEADER_SIZE, 4);
	record_size = load(data, AT_RECORD_SIZE, 4);
	records = calloc(count + 1, sizeof(*records));
	for (i = 0; i < count; i++)
		records[i] = record_at(data + header_size + i * record_size, record_size);
	check_lists(records, count, json);
	if (count)
		check_shows(records, count, &records[which / 2 % count], json);
	/* A name that is too long for any pool. */
	else
		check_refused(json, "show", "a-pool-of-a-name-too-long-to-be-one");
	free(records);
	return 0;
}
