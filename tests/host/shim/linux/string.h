/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_STRING_H
#define _SHIM_STRING_H

#include <string.h>
#include <linux/kernel.h>

static inline ssize_t strscpy(char *to, const char *from, size_t size)
{
	size_t n = strnlen(from, size - 1);

	memcpy(to, from, n);
	to[n] = 0;
	return from[n] ? -E2BIG : (ssize_t)n;
}

static inline void memzero_explicit(void *p, size_t size)
{
	memset(p, 0, size);
	barrier();
}

static inline int match_string(const char *const *array, size_t n, const char *string)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (!strcmp(array[i], string))
			return i;
	}
	return -EINVAL;
}

#endif
