/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The whole of tools/pcpool, its main() and its files included, as a function; and reading
 * what it printed, word by word. The debugfs it is told of is the current directory.
 */
#ifndef _PROGRAM_H
#define _PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct output - what a run of the program left
 * @status: its exit status
 * @out: stdout, NUL-terminated
 * @out_size: its bytes
 * @err: stderr, NUL-terminated
 * @err_size: its bytes
 */
struct output {
	int status;
	char *out;
	size_t out_size;
	char *err;
	size_t err_size;
};

/* Makes the file @name of the made-up debugfs; false if it cannot have that name. */
bool program_file(const char *name, const void *data, size_t size);
/* Makes @pool's percpu file; only the last pool that was named has one. */
bool program_percpu(const char *pool, const void *data, size_t size);

/* Runs "pcpool [--json] COMMAND [-- POOL]". */
void program_run(struct output *output, bool json, const char *command, const char *pool);
void output_free(struct output *output);

/* Whether what the input is was to be shown; at the end, all are counted. */
void program_count(bool accepted);

/* It failed, printed nothing, and said why. */
void output_failed(const struct output *output);
/* It did what it was told, and had nothing to complain about. */
void output_good(const struct output *output);

/* The finding: what is wrong, and the output in which it is; never returns. */
void finding(const struct output *output, const char *format, ...)
	__attribute__((format(printf, 2, 3), noreturn));

/**
 * struct reader - how far the output has been read
 * @output: what is read
 * @at: the next byte
 */
struct reader {
	const struct output *output;
	const char *at;
};

struct reader reader_of(const struct output *output);
/* Exactly this comes next, but that a space stands for one or more. */
void want(struct reader *reader, const char *text);
/* Exactly this comes next: before a name, which may begin with spaces. */
void want_exactly(struct reader *reader, const char *text);
/* Spaces, two or more, up to that column of the line. */
void want_column(struct reader *reader, size_t column);
/* A name as it is to be shown: what is not printable, and the backslash, as \xNN. */
void want_name(struct reader *reader, const uint8_t *name);
void want_number(struct reader *reader, uint64_t number);
/* @bytes with a unit, to the digits shown. */
void want_bytes(struct reader *reader, long double bytes);
/* @part of @whole, in percent; "-" if there is no whole. True if it is a number. */
bool want_percent(struct reader *reader, long double part, long double whole);
void want_end(struct reader *reader);

/* @name as it is to be shown, in a static buffer. */
const char *shown(const uint8_t *name);

#endif /* _PROGRAM_H */
