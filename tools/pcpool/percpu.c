// SPDX-License-Identifier: GPL-2.0
/* Checks a percpu file before any of it is shown. Neither modifies nor copies it. */
#include <string.h>

#include "percpu.h"

#define BLANKS	" \t"

/* The next word of the line, or NULL. Moves @at past it. */
static const char *next_word(const char **at, size_t *length)
{
	const char *word = *at + strspn(*at, BLANKS);

	*length = strcspn(word, BLANKS "\n");
	*at = word + *length;
	return *length ? word : NULL;
}

static size_t count_words(const char *line)
{
	size_t count = 0;
	size_t length;

	while (next_word(&line, &length))
		count++;
	return count;
}

static bool titles_differ(const char *line)
{
	const char *word, *other, *rest;
	size_t length, other_length;

	while ((word = next_word(&line, &length))) {
		rest = line;
		while ((other = next_word(&rest, &other_length)))
			if (length == other_length && !memcmp(word, other, length))
				return false;
	}
	return true;
}

static bool printable(const char *text, size_t size)
{
	size_t i;

	for (i = 0; i < size; i++)
		if ((text[i] < ' ' || text[i] > '~') && text[i] != '\t' && text[i] != '\n')
			return false;
	return true;
}

bool percpu_is_table(const char *text, size_t size)
{
	size_t columns = count_words(text);
	const char *line;

	if (!columns || text[size - 1] != '\n' || !printable(text, size) || !titles_differ(text))
		return false;
	for (line = text; *line; line = strchr(line, '\n') + 1)
		if (count_words(line) != columns)
			return false;
	return true;
}
