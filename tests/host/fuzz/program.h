/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Runs all of tools/pcpool, including main() and reading files, as a function, and parses its
 * output word by word. The current directory stands for debugfs.
 */
#ifndef _PROGRAM_H
#define _PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct output - output of a run of the program
 * @status: exit status
 * @out: stdout, NUL-terminated
 * @out_size: size of @out in bytes
 * @err: stderr, NUL-terminated
 * @err_size: size of @err in bytes
 */
struct output {
	int status;
	char *out;
	size_t out_size;
	char *err;
	size_t err_size;
};

/* Creates the file @name in the simulated debugfs. Returns false if the name is impossible. */
bool program_file(const char *name, const void *data, size_t size);
/* Creates the percpu file of @pool, and removes that of the pool named before. */
bool program_percpu(const char *pool, const void *data, size_t size);

/* Runs "pcpool [--json] COMMAND [-- POOL]". */
void program_run(struct output *output, bool json, const char *command, const char *pool);
void output_free(struct output *output);

/* Counts inputs that must be shown and refused ones. The counts are printed at exit. */
void program_count(bool accepted);

/* Checks that the program failed, printed nothing to stdout, and gave a reason. */
void output_failed(const struct output *output);
/* Checks that the program succeeded and printed nothing to stderr. */
void output_good(const struct output *output);

/* Reports a finding, with the output, and aborts. */
void finding(const struct output *output, const char *format, ...)
	__attribute__((format(printf, 2, 3), noreturn));

/**
 * struct reader - parser of the output
 * @output: the output
 * @at: the next byte to parse
 */
struct reader {
	const struct output *output;
	const char *at;
};

struct reader reader_of(const struct output *output);
/* Expects @text, in which a space stands for one or more spaces. */
void want(struct reader *reader, const char *text);
/* Expects exactly @text. Use it before a name, which may begin with spaces. */
void want_exactly(struct reader *reader, const char *text);
/* Expects two or more spaces, up to @column of the line. */
void want_column(struct reader *reader, size_t column);
/* Expects a name as shown(), with \xNN for bytes that are not printable and the backslash. */
void want_name(struct reader *reader, const uint8_t *name);
void want_number(struct reader *reader, uint64_t number);
/* Expects @bytes with a unit, correct to the digits shown. */
void want_bytes(struct reader *reader, long double bytes);
/* Expects @part of @whole in percent, "-" if @whole is 0. Returns whether it is a number. */
bool want_percent(struct reader *reader, long double part, long double whole);
void want_end(struct reader *reader);

/* Returns @name as the program must show it, in a static buffer. */
const char *shown(const uint8_t *name);

#endif /* _PROGRAM_H */
