// SPDX-License-Identifier: GPL-2.0
/*
 * Runs the program and parses its output; see program.h. The program is compiled with main()
 * renamed to pcpool_main(). Its output goes to memory, as stdout is a variable.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "program.h"

int pcpool_main(int argc, char **argv);

#define ARGUMENTS_MAX	7

/* Names and owners have less than 64 bytes, each shown as at most four characters. */
#define SHOWN_BYTES	(64 * 4 + 1)

static void die(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

bool program_file(const char *name, const void *data, size_t size)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "pcpool/%s", name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	if (write(fd, data, size) != (ssize_t)size)
		die(path);
	close(fd);
	return true;
}

bool program_percpu(const char *pool, const void *data, size_t size)
{
	static char last[PATH_MAX];
	char path[PATH_MAX];

	if (strcmp(last, pool)) {
		if (last[0]) {
			snprintf(path, sizeof(path), "pcpool/%s/percpu", last);
			unlink(path);
			*strrchr(path, '/') = '\0';
			rmdir(path);
		}
		last[0] = '\0';
		snprintf(path, sizeof(path), "pcpool/%s", pool);
		if (mkdir(path, 0700) && errno != EEXIST)
			return false;
		strcpy(last, pool);
	}
	snprintf(path, sizeof(path), "%s/percpu", pool);
	return program_file(path, data, size);
}

void program_run(struct output *output, bool json, const char *command, const char *pool)
{
	FILE *real_out = stdout, *real_err = stderr;
	char *arguments[ARGUMENTS_MAX + 1] = { "pcpool", "--debugfs", "." };
	int count = 3;

	if (json)
		arguments[count++] = "--json";
	arguments[count++] = (char *)command;
	/* A name may look like an option. */
	if (pool) {
		arguments[count++] = "--";
		arguments[count++] = (char *)pool;
	}

	memset(output, 0, sizeof(*output));
	stdout = open_memstream(&output->out, &output->out_size);
	stderr = open_memstream(&output->err, &output->err_size);
	if (!stdout || !stderr)
		abort();
	/* Resets getopt() of glibc. */
	optind = 0;
	output->status = pcpool_main(count, arguments);
	/* The program has closed stdout itself. */
	fclose(stderr);
	stdout = real_out;
	stderr = real_err;
}

void output_free(struct output *output)
{
	free(output->out);
	free(output->err);
}

static unsigned long accepted, refused;

static void say_counts(void)
{
	fprintf(stderr, "accepted %lu, refused %lu\n", accepted, refused);
}

void program_count(bool is_accepted)
{
	if (!accepted && !refused)
		atexit(say_counts);
	if (is_accepted)
		accepted++;
	else
		refused++;
}

void finding(const struct output *output, const char *format, ...)
{
	va_list args;

	fputs("FINDING: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\nexit status %d\nstdout:\n", output->status);
	fwrite(output->out, 1, output->out_size, stderr);
	fputs("stderr:\n", stderr);
	fwrite(output->err, 1, output->err_size, stderr);
	abort();
}

void output_failed(const struct output *output)
{
	if (output->status != 1)
		finding(output, "the exit status is not 1, though the input is not valid");
	if (output->out_size)
		finding(output, "stdout is not empty, though the input is not valid");
	if (strncmp(output->err, "pcpool: ", 8) || output->err[output->err_size - 1] != '\n')
		finding(output, "stderr does not give a reason");
}

void output_good(const struct output *output)
{
	if (output->status)
		finding(output, "the exit status is not 0, though the input is valid");
	if (output->err_size)
		finding(output, "stderr is not empty, though the input is valid");
	if (strlen(output->out) != output->out_size)
		finding(output, "stdout contains a NUL");
}

struct reader reader_of(const struct output *output)
{
	return (struct reader){ .output = output, .at = output->out };
}

static void __attribute__((noreturn)) unexpected(struct reader *reader, const char *wanted)
{
	finding(reader->output, "byte %zu of stdout is not: %s",
		(size_t)(reader->at - reader->output->out), wanted);
}

static void skip_spaces(struct reader *reader)
{
	while (*reader->at == ' ')
		reader->at++;
}

void want(struct reader *reader, const char *text)
{
	const char *c;

	for (c = text; *c; c++) {
		if (*reader->at != *c)
			unexpected(reader, text);
		reader->at++;
		if (*c == ' ')
			skip_spaces(reader);
	}
}

void want_exactly(struct reader *reader, const char *text)
{
	if (strncmp(reader->at, text, strlen(text)))
		unexpected(reader, text);
	reader->at += strlen(text);
}

void want_column(struct reader *reader, size_t column)
{
	const char *line = reader->at;

	while (line > reader->output->out && line[-1] != '\n')
		line--;
	want_exactly(reader, "  ");
	while (*reader->at == ' ' && reader->at < line + column)
		reader->at++;
	if (reader->at != line + column)
		unexpected(reader, "the expected column");
}

const char *shown(const uint8_t *name)
{
	static char text[SHOWN_BYTES];
	static const char digits[] = "0123456789abcdef";
	char *to = text;

	for (; *name; name++) {
		if (*name >= 32 && *name <= 126 && *name != '\\') {
			*to++ = *name;
			continue;
		}
		*to++ = '\\';
		*to++ = 'x';
		*to++ = digits[*name / 16];
		*to++ = digits[*name % 16];
	}
	*to = '\0';
	return text;
}

void want_name(struct reader *reader, const uint8_t *name)
{
	want_exactly(reader, shown(name));
}

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

void want_number(struct reader *reader, uint64_t number)
{
	char text[24];
	size_t length;

	skip_spaces(reader);
	length = snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
	if (strncmp(reader->at, text, length) || digit(reader->at[length]))
		unexpected(reader, text);
	reader->at += length;
}

/* Reads a decimal number, and sets @decimals to the number of digits after the point. */
static long double decimal(struct reader *reader, int *decimals)
{
	char *end;
	long double value;

	skip_spaces(reader);
	if (!digit(*reader->at))
		unexpected(reader, "a number");
	value = strtold(reader->at, &end);
	*decimals = 0;
	for (; reader->at < end; reader->at++)
		if (*reader->at == '.')
			*decimals = end - reader->at - 1;
	return value;
}

static bool near(long double a, long double b, long double tolerance)
{
	/* Plus rounding errors. */
	return fabsl(a - b) <= tolerance + 1e-9L * fabsl(b);
}

void want_bytes(struct reader *reader, long double bytes)
{
	static const char * const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	const size_t last = sizeof(units) / sizeof(units[0]) - 1;
	long double value;
	size_t length, unit;
	int decimals;

	value = decimal(reader, &decimals);
	want(reader, " ");
	length = strspn(reader->at, "BKMGTPEi");
	for (unit = 0; unit <= last; unit++)
		if (length == strlen(units[unit]) && !strncmp(reader->at, units[unit], length))
			break;
	if (unit > last)
		unexpected(reader, "a unit");
	reader->at += length;
	if (!near(value, ldexpl(bytes, -10 * (int)unit), decimals ? 0.05L : 0.5L))
		finding(reader->output, "%Lg bytes are shown as %Lg %s", bytes, value, units[unit]);
	if ((unit && value < 1) || (unit < last && value >= 1024) ||
	    decimals != (unit && value < 10))
		finding(reader->output, "%Lg bytes are shown as %.*Lf %s: wrong unit or number of digits",
			bytes, decimals, value, units[unit]);
}

bool want_percent(struct reader *reader, long double part, long double whole)
{
	long double value, exact;
	int decimals;

	skip_spaces(reader);
	if (!whole) {
		want(reader, "-");
		return false;
	}
	value = decimal(reader, &decimals);
	exact = 100 * part / whole;
	if ((part && !value) || (part < whole && value >= 100))
		finding(reader->output, "%Lg of %Lg is neither none nor all, but is shown as %Lf %%",
			part, whole, value);
	/* A share that is neither none nor all is shown as 0.1 % to 99.9 %. */
	if (part && exact < 0.1L)
		exact = 0.1L;
	if (part < whole && exact > 99.9L)
		exact = 99.9L;
	if (decimals != 1 || !near(value, exact, 0.05L))
		finding(reader->output, "%Lg of %Lg is shown as %Lf %%", part, whole, value);
	return true;
}

void want_end(struct reader *reader)
{
	if (*reader->at)
		unexpected(reader, "the end");
}
