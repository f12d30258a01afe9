// SPDX-License-Identifier: GPL-2.0
/* Text output, for people: a table of all pools, and a page about one pool. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "debugfs.h"
#include "report.h"

/* Enough for the product of two 64-bit numbers in percent. Names are allocated instead. */
#define CELL_BYTES	48

char *escaped(const char *name)
{
	/* At most four bytes per character, and the NUL. */
	char *text = malloc(strlen(name) * 4 + 1);
	char *to = text;

	if (!text) {
		complain("out of memory");
		exit(EXIT_FAILURE);
	}
	for (; *name; name++) {
		unsigned char c = *name;

		/* The backslash too, so that the output is unambiguous. */
		if (c < ' ' || c > '~' || c == '\\')
			to += sprintf(to, "\\x%02x", c);
		else
			*to++ = c;
	}
	*to = '\0';
	return text;
}

const char *steal_word(unsigned int steal)
{
	switch (steal) {
	case PCPOOL_STEAL_ALL:
		return "all";
	case PCPOOL_STEAL_NODE:
		return "node";
	case PCPOOL_STEAL_NONE:
		return "none";
	default:
		return NULL;
	}
}

/* Saturates, because the counters of a broken file may overflow. */
static unsigned long long sum(unsigned long long a, unsigned long long b)
{
	return a + b < a ? ~0ULL : a + b;
}

/* About 3 significant digits: "0 B", "1.5 KiB", "268 KiB" */
static const char *human(char *cell, double bytes)
{
	static const char * const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	const size_t last = ARRAY_SIZE(units) - 1;
	size_t unit = 0;

	/* A value that would be printed as 1024 becomes 1.0 of the next unit. */
	while (bytes >= 1023.5 && unit < last) {
		bytes /= 1024;
		unit++;
	}
	snprintf(cell, CELL_BYTES, "%.*f %s", unit && bytes < 9.95 ? 1 : 0, bytes, units[unit]);
	return cell;
}

static const char *number(char *cell, unsigned long long value)
{
	snprintf(cell, CELL_BYTES, "%llu", value);
	return cell;
}

/*
 * @part of @whole in percent, or "-" if @whole is 0. Rounded so that only the whole is 100 and
 * only 0 is 0. A long double represents every 64-bit counter exactly.
 */
static const char *percent(char *cell, long double part, long double whole)
{
	long double shown;

	if (!whole) {
		snprintf(cell, CELL_BYTES, "-");
		return cell;
	}
	shown = part * 100 / whole;
	if (part < whole && shown > 99.9L)
		shown = 99.9L;
	if (part > 0 && shown < 0.1L)
		shown = 0.1L;
	snprintf(cell, CELL_BYTES, "%.1Lf", shown);
	return cell;
}

static const char *hit_percent(char *cell, const struct pcpool_pool_stats *pool)
{
	return percent(cell, pool->gets - pool->miss - pool->alloc_fail, pool->gets);
}

enum column {
	NAME, OWNER, OBJECT, IDLE, OUTSTANDING, HIT, GETS, MISSES, MEMORY, COLUMNS
};

#define LEFT_COLUMNS	OBJECT	/* number of left-aligned columns, which are words */

static const char * const column_titles[COLUMNS] = {
	"NAME", "OWNER", "OBJECT", "IDLE", "OUT", "HIT%", "GETS", "MISSES", "IDLE MEM",
};

struct row {
	char *words[LEFT_COLUMNS];
	char numbers[COLUMNS][CELL_BYTES];
};

static const char *cell_of(const struct row *row, int column)
{
	if (!row)
		return column_titles[column];
	return column < LEFT_COLUMNS ? row->words[column] : row->numbers[column];
}

static void fill_row(struct row *row, const struct pcpool_pool_stats *pool)
{
	row->words[NAME] = escaped(pool->name);
	row->words[OWNER] = escaped(pool->owner[0] ? pool->owner : "-");
	human(row->numbers[OBJECT], (double)pool->object_bytes);
	number(row->numbers[IDLE], sum(pool->idle_main, pool->idle_victim));
	number(row->numbers[OUTSTANDING], pool->outstanding);
	hit_percent(row->numbers[HIT], pool);
	number(row->numbers[GETS], pool->gets);
	number(row->numbers[MISSES], pool->miss);
	human(row->numbers[MEMORY], (double)pool->idle_bytes);
}

/* Print the row of @pool, or the titles if NULL; at its end, what needs attention. */
static void print_row(const struct row *row, const int *widths,
		      const struct pcpool_pool_stats *pool)
{
	int i;

	for (i = 0; i < COLUMNS; i++)
		printf(i < LEFT_COLUMNS ? "%s%-*s" : "%s%*s", i ? "  " : "",
		       widths[i], cell_of(row, i));
	if (pool && pool->state & PCPOOL_STATE_BYPASSED)
		fputs("  BYPASSED", stdout);
	if (pool && pool->waiting)
		printf("  %llu WAITING", pool->waiting);
	if (pool && pool->state & PCPOOL_STATE_DEBUGGED)
		fputs("  DEBUGGED", stdout);
	if (pool && pool->misuses)
		printf("  %llu MISUSE%s", pool->misuses, pool->misuses == 1 ? "" : "S");
	putchar('\n');
}

void text_list(const struct snapshot *snapshot)
{
	int widths[COLUMNS];
	struct row *rows;
	size_t r;
	int i;

	if (!snapshot->count) {
		puts("There are no pools.");
		return;
	}
	rows = calloc(snapshot->count, sizeof(*rows));
	if (!rows) {
		complain("out of memory");
		exit(EXIT_FAILURE);
	}
	for (i = 0; i < COLUMNS; i++)
		widths[i] = strlen(column_titles[i]);
	for (r = 0; r < snapshot->count; r++) {
		fill_row(&rows[r], &snapshot->pools[r]);
		for (i = 0; i < COLUMNS; i++) {
			int width = strlen(cell_of(&rows[r], i));

			if (widths[i] < width)
				widths[i] = width;
		}
	}

	print_row(NULL, widths, NULL);
	for (r = 0; r < snapshot->count; r++) {
		print_row(&rows[r], widths, &snapshot->pools[r]);
		for (i = 0; i < LEFT_COLUMNS; i++)
			free(rows[r].words[i]);
	}
	free(rows);
}

/* Print one line: a count, and its share of @whole. */
static void print_part(const char *what, unsigned long long part, unsigned long long whole,
		       const char *meaning)
{
	char share[CELL_BYTES];

	printf("  %-13s %14llu  %6s%s  %s\n", what, part, percent(share, part, whole),
	       whole ? " %" : "  ", meaning);
}

static void print_tier(const char *what, unsigned long long objects, double bytes,
		       const char *meaning)
{
	char memory[CELL_BYTES];

	printf("  %-13s %14llu  %8s  %s\n", what, objects, human(memory, bytes), meaning);
}

static void print_gets(const struct pcpool_pool_stats *pool)
{
	unsigned long long gets = pool->gets;
	char share[CELL_BYTES];

	if (!gets)
		puts("hit ratio       -: no gets yet");
	else
		printf("hit ratio       %s %% of %llu get%s\n", hit_percent(share, pool), gets,
		       plural(gets));
	print_part("private", pool->hit_private, gets, "the CPU's own private slots");
	print_part("shared", pool->hit_shared, gets, "the CPU's own shared queue");
	print_part("steal", pool->hit_steal, gets, "another CPU's main tier");
	print_part("victim", pool->hit_victim, gets, "a victim tier");
	print_part("miss", pool->miss, gets, "allocated an object");
	print_part("alloc fail", pool->alloc_fail, gets, "no idle object, and none could be allocated");
}

/* Only for pools of a buffer set: other pools do not know the sizes that were asked for. */
static void print_waste(const struct pcpool_pool_stats *pool)
{
	long double requested = pool->requested_bytes;
	long double served = pool->gets - pool->alloc_fail;
	long double given = served * pool->object_bytes;
	/* A get in progress may have been counted in only one of the numbers. */
	long double wasted = given > requested ? given - requested : 0;
	char asked_for[CELL_BYTES];
	char memory[CELL_BYTES];
	char share[CELL_BYTES];

	if (!pool->requested_bytes)
		return;
	printf("waste           %s %% of the %s asked for; %s given\n\n",
	       percent(share, wasted, requested), human(asked_for, (double)requested),
	       human(memory, (double)given));
}

static void print_idle(const struct pcpool_pool_stats *pool)
{
	unsigned long long idle = sum(pool->idle_main, pool->idle_victim);
	/* The record has no sizes per tier, so divide by the number of objects. */
	double each = idle ? (double)pool->idle_bytes / (double)idle : 0;
	char memory[CELL_BYTES];

	printf("idle            %llu object%s, %s\n", idle, plural(idle),
	       human(memory, (double)pool->idle_bytes));
	print_tier("main tier", pool->idle_main, each * (double)pool->idle_main,
		   "put since the last aging pass");
	print_tier("victim tier", pool->idle_victim, each * (double)pool->idle_victim,
		   "freed by the next aging pass");
	printf("outstanding     %llu object%s\n", pool->outstanding, plural(pool->outstanding));
}

static void print_drops(const struct pcpool_pool_stats *pool)
{
	unsigned long long drops = sum(sum(pool->drop_full, pool->drop_oversize),
				       pool->drop_other);
	unsigned long long puts = pool->puts;
	char meaning[sizeof("larger than ") + CELL_BYTES] = "too large";
	char memory[CELL_BYTES];

	if (pool->max_object_bytes)
		snprintf(meaning, sizeof(meaning), "larger than %s",
			 human(memory, (double)pool->max_object_bytes));
	printf("drops           %llu of %llu put%s\n", drops, puts, plural(puts));
	print_part("full", pool->drop_full, puts, "the pool could not hold it");
	if (pool->max_object_bytes || pool->drop_oversize)
		print_part("oversize", pool->drop_oversize, puts, meaning);
	print_part("other", pool->drop_other, puts, "bypass");
}

static void print_limit(const char *what, unsigned long long part, unsigned long long limit,
			const char *of_what)
{
	char meaning[64];

	if (!limit)
		return;
	snprintf(meaning, sizeof(meaning), "of %llu object%s %s", limit, plural(limit), of_what);
	print_part(what, part, limit, meaning);
}

/* Prints nothing for a pool without limits. */
static void print_limits(const struct pcpool_pool_stats *pool)
{
	unsigned long long idle = sum(pool->idle_main, pool->idle_victim);

	if (!pool->max_idle && !pool->max_total && !pool->reserve)
		return;
	puts("limits");
	print_limit("idle", idle, pool->max_idle, "that may be idle");
	print_limit("existing", sum(idle, pool->outstanding), pool->max_total,
		    "that may exist");
	print_limit("reserve", pool->idle_reserve, pool->reserve, "held back");
	if (pool->max_total || pool->reserve)
		printf("waiting         %llu get%s now, %llu %s had to wait\n", pool->waiting,
		       plural(pool->waiting), pool->waits, pool->waits == 1 ? "has" : "have");
	putchar('\n');
}

static void print_settings(const struct pcpool_pool_stats *pool)
{
	static const struct {
		unsigned int flag;
		const char *words;
	} flags[] = {
		{ PCPOOL_FREE_MAY_SLEEP, "free may sleep" },
		{ PCPOOL_BYPASS, "created bypassed" },
		{ PCPOOL_ZERO_ON_PUT, "cleared at put" },
		{ PCPOOL_PLAIN, "plain memory" },
		{ PCPOOL_FREE_ATOMIC, "free is atomic" },
	};
	unsigned int unknown = pool->flags;
	const char *steal = steal_word(pool->steal);
	char memory[CELL_BYTES];
	size_t i;

	printf("settings        objects of %s, %u private slot%s per CPU, steal ",
	       human(memory, (double)pool->object_bytes), pool->private_slots,
	       plural(pool->private_slots));
	if (steal)
		fputs(steal, stdout);
	else
		printf("%u (unknown to this program)", pool->steal);
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		if (pool->flags & flags[i].flag)
			printf(", %s", flags[i].words);
		unknown &= ~flags[i].flag;
	}
	if (unknown)
		printf(", flags %#x (unknown to this program)", unknown);
	putchar('\n');
}

/* Print what needs attention, the worst first. @name is escaped. */
static void print_alarms(const struct pcpool_pool_stats *pool, const char *debugfs,
			 const char *name)
{
	unsigned int unknown = pool->state & ~(PCPOOL_STATE_BYPASSED | PCPOOL_STATE_DEBUGGED);

	if (pool->misuses)
		printf("\n*** %llu MISUSE%s: the client broke the rules for using objects.\n"
		       "*** To see the callers: dmesg | grep 'pcpool: %s:'\n", pool->misuses,
		       pool->misuses == 1 ? "" : "S", name);
	if (pool->state & PCPOOL_STATE_BYPASSED)
		printf("\n*** BYPASSED: every get allocates, every put frees.\n"
		       "*** To end the bypass: echo 0 > %s/pcpool/%s/bypass\n", debugfs, name);
	if (pool->state & PCPOOL_STATE_DEBUGGED)
		printf("\n*** DEBUGGED: every get and put is checked for misuse, which is slow.\n"
		       "*** To see the outstanding objects: cat %s/pcpool/%s/outstanding\n"
		       "*** To end debug mode: echo 0 > %s/pcpool/%s/debug\n",
		       debugfs, name, debugfs, name);
	if (unknown)
		printf("\n*** state %#x is unknown to this program\n", unknown);
}

void text_show(const struct pcpool_pool_stats *pool, const char *debugfs,
	       const char *percpu)
{
	char *owner = escaped(pool->owner[0] ? pool->owner : "-");
	char *name = escaped(pool->name);

	printf("pool            %s, created by %s\n", name, owner);
	print_alarms(pool, debugfs, name);
	putchar('\n');
	print_gets(pool);
	putchar('\n');
	print_waste(pool);
	print_idle(pool);
	putchar('\n');
	print_limits(pool);
	print_drops(pool);
	printf("aging           %llu pass%s\n", pool->ages, pool->ages == 1 ? "" : "es");
	printf("evicted         %llu idle object%s, by aging and drain\n", pool->evicted,
	       plural(pool->evicted));
	printf("allocs, frees   %llu, %llu\n", pool->allocs, pool->frees);
	printf("deferred        %llu put%s left to a worker\n", pool->deferred,
	       plural(pool->deferred));
	printf("grown           %llu ring%s added to shared queues\n", pool->grows,
	       plural(pool->grows));
	print_settings(pool);
	printf("\n%s", percpu);
	free(owner);
	free(name);
}
