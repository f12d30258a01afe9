// SPDX-License-Identifier: GPL-2.0
/*
 * pcpool - show the state of the kernel's per-CPU object pools
 *
 * The command line and the commands. debugfs.c, snapshot.c and percpu.c read the input;
 * text.c and json.c print the output.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "debugfs.h"
#include "percpu.h"
#include "report.h"
#include "snapshot.h"

#define PROGRAM_VERSION	"0.1"

#define EXIT_USAGE	2

/* Names that differ by at most so many edits are similar. */
#define SIMILAR_EDITS	2

struct options {
	const char *debugfs;
	bool json;
};

static const char usage[] =
	"Usage: pcpool [OPTION]... list\n"
	"       pcpool [OPTION]... show POOL\n"
	"\n"
	"Show the state of the kernel's per-CPU object pools.\n"
	"\n"
	"Commands:\n"
	"  list               show all pools, one per line\n"
	"  show POOL          show one pool in detail: where its gets found an object, its\n"
	"                     idle objects, its drops, and what each CPU holds\n"
	"\n"
	"Options:\n"
	"  -j, --json         print JSON\n"
	"      --debugfs DIR  mount point of debugfs (default: /sys/kernel/debug)\n"
	"  -h, --help         print this help\n"
	"  -V, --version      print the version\n"
	"\n"
	"Exit status: 0 success, 1 failure (see stderr), 2 wrong usage.\n";

/* Report an error if the output could not be written. */
static int finish(int status)
{
	if (fflush(stdout) || ferror(stdout) || fclose(stdout)) {
		complain("cannot write the output: %s", strerror(errno));
		return EXIT_FAILURE;
	}
	return status;
}

static int misused(void)
{
	fprintf(stderr, "\n%s", usage);
	return EXIT_USAGE;
}

/* Number of characters to insert, remove or replace to turn a into b. */
static size_t edits(const char *a, const char *b)
{
	size_t row[PCPOOL_NAME_BYTES];
	size_t length = strlen(b);
	size_t i, j;

	for (j = 0; j <= length; j++)
		row[j] = j;
	for (i = 0; a[i]; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (j = 0; j < length; j++) {
			size_t best = diagonal + (a[i] != b[j]);

			if (best > row[j] + 1)
				best = row[j] + 1;
			if (best > row[j + 1] + 1)
				best = row[j + 1] + 1;
			diagonal = row[j + 1];
			row[j + 1] = best;
		}
	}
	return row[length];
}

static void complain_no_pool(const struct snapshot *snapshot, const char *name)
{
	char *shown = escaped(name);
	size_t i;

	complain("there is no pool named '%s'; 'pcpool list' shows all pools", shown);
	free(shown);
	for (i = 0; i < snapshot->count; i++) {
		const char *other = snapshot->pools[i].name;

		if (!strstr(other, name) && !strstr(name, other) &&
		    edits(name, other) > SIMILAR_EDITS)
			continue;
		shown = escaped(other);
		complain("similar: %s", shown);
		free(shown);
	}
}

static int load(struct snapshot *snapshot, const struct options *options)
{
	size_t size;
	char *data = debugfs_read(options->debugfs, "snapshot", &size);
	int status;

	if (!data)
		return -1;
	status = snapshot_parse(snapshot, data, size);
	if (status)
		complain("cannot parse %s/pcpool/snapshot: %s", options->debugfs,
			 snapshot->error);
	free(data);
	return status;
}

static int list(const struct options *options)
{
	struct snapshot snapshot;

	if (load(&snapshot, options))
		return EXIT_FAILURE;
	if (options->json)
		json_list(&snapshot);
	else
		text_list(&snapshot);
	snapshot_free(&snapshot);
	return EXIT_SUCCESS;
}

static int show_pool(const struct pcpool_pool_stats *pool, const struct options *options)
{
	char path[PCPOOL_NAME_BYTES + sizeof("/percpu")];
	char *percpu;
	size_t size;

	/* The kernel does not allow these names. Here they would lead to another directory. */
	if (strchr(pool->name, '/') || !strcmp(pool->name, ".") || !strcmp(pool->name, "..")) {
		complain("invalid pool name");
		return -1;
	}
	snprintf(path, sizeof(path), "%s/percpu", pool->name);
	percpu = debugfs_read(options->debugfs, path, &size);
	if (!percpu)
		return -1;
	if (!percpu_is_table(percpu, size)) {
		complain("the pool's percpu file is not a table with a header");
		free(percpu);
		return -1;
	}
	if (options->json)
		json_show(pool, percpu);
	else
		text_show(pool, options->debugfs, percpu);
	free(percpu);
	return 0;
}

static int show(const char *name, const struct options *options)
{
	const struct pcpool_pool_stats *pool = NULL;
	struct snapshot snapshot;
	size_t same_name = 0;
	int status = -1;
	size_t i;

	if (load(&snapshot, options))
		return EXIT_FAILURE;
	for (i = 0; i < snapshot.count; i++) {
		if (strcmp(snapshot.pools[i].name, name))
			continue;
		same_name++;
		pool = &snapshot.pools[i];
	}
	if (same_name == 1)
		status = show_pool(pool, options);
	else if (!pool)
		complain_no_pool(&snapshot, name);
	else
		complain("the snapshot has %zu pools of that name; names must be unique",
			 same_name);
	snapshot_free(&snapshot);
	return status ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	enum { DEBUGFS_OPTION = 256 };	/* not a character */
	static const struct option long_options[] = {
		{ "debugfs", required_argument, NULL, DEBUGFS_OPTION },
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	struct options options = { .debugfs = "/sys/kernel/debug" };
	const char *command;
	int option;

	/* Report a closed pipe like any other write error. */
	signal(SIGPIPE, SIG_IGN);

	while ((option = getopt_long(argc, argv, "hjV", long_options, NULL)) != -1) {
		switch (option) {
		case DEBUGFS_OPTION:
			options.debugfs = optarg;
			break;
		case 'j':
			options.json = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return finish(EXIT_SUCCESS);
		case 'V':
			printf("pcpool %s, snapshot version %u\n", PROGRAM_VERSION,
			       PCPOOL_SNAPSHOT_VERSION);
			return finish(EXIT_SUCCESS);
		default:	/* getopt_long() has printed the reason */
			return misused();
		}
	}

	argc -= optind;
	argv += optind;
	if (!argc) {
		complain("missing command");
		return misused();
	}
	command = argv[0];
	if (!strcmp(command, "list") && argc == 1)
		return finish(list(&options));
	if (!strcmp(command, "show") && argc == 2)
		return finish(show(argv[1], &options));

	if (!strcmp(command, "list"))
		complain("list takes no argument, but got '%s'", argv[1]);
	else if (!strcmp(command, "show"))
		complain("show takes one argument, the name of a pool");
	else
		complain("unknown command '%s'", command);
	return misused();
}
