// SPDX-License-Identifier: GPL-2.0
/*
 * Reads files of pcpool's debugfs directory, and explains why it cannot. Does not
 * interpret the content; snapshot.c and percpu.c do.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "debugfs.h"

#define READ_BYTES_FIRST	((size_t)64 << 10)
/* About a thousand times the size of a snapshot of a thousand pools. */
#define READ_BYTES_MAX		((size_t)256 << 20)

void complain(const char *format, ...)
{
	va_list args;

	fputs("pcpool: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

static bool is_debugfs(const char *directory)
{
	struct statfs fs;

	return !statfs(directory, &fs) && fs.f_type == DEBUGFS_MAGIC;
}

static bool module_loaded(void)
{
	return !access("/sys/module/pcpool", F_OK);
}

static void explain(const char *debugfs, const char *path, int error)
{
	char directory[4096];

	if (error == EACCES || error == EPERM) {
		complain("no permission to read %s/pcpool/%s (%s): only root may read it, and only if the kernel is not locked down",
			 debugfs, path, strerror(error));
		return;
	}
	snprintf(directory, sizeof(directory), "%s/pcpool", debugfs);
	if (error != ENOENT || !access(directory, F_OK))
		complain("cannot read %s/%s: %s", directory, path, strerror(error));
	else if (!is_debugfs(debugfs))
		complain("debugfs is not mounted on %s; mount it with: mount -t debugfs none %s",
			 debugfs, debugfs);
	else if (module_loaded())
		complain("the module pcpool is loaded, but %s is missing: is debugfs switched off on the kernel's command line?",
			 directory);
	else
		complain("the module pcpool is not loaded; load it with: modprobe pcpool");
}

/* Read all of @fd. Returns the content, NUL-terminated, or NULL with errno set. */
static char *read_all(int fd, size_t *size)
{
	size_t room = READ_BYTES_FIRST;
	char *data = malloc(room + 1);
	ssize_t got;
	char *more;

	*size = 0;
	while (data) {
		got = read(fd, data + *size, room - *size);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			break;
		*size += got;
		if (!got) {
			data[*size] = '\0';
			return data;
		}
		if (*size < room)
			continue;
		if (room >= READ_BYTES_MAX) {
			errno = EFBIG;
			break;
		}
		room *= 2;
		more = realloc(data, room + 1);
		if (!more)
			break;
		data = more;
	}
	free(data);
	return NULL;
}

char *debugfs_read(const char *debugfs, const char *path, size_t *size)
{
	char *name = NULL;
	char *data = NULL;
	int error;
	int fd;

	if (asprintf(&name, "%s/pcpool/%s", debugfs, path) < 0) {
		complain("out of memory");
		return NULL;
	}
	fd = open(name, O_RDONLY | O_CLOEXEC);
	free(name);
	if (fd >= 0)
		data = read_all(fd, size);
	error = errno;
	if (fd >= 0)
		close(fd);
	if (!data)
		explain(debugfs, path, error);
	return data;
}
