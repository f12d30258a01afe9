// SPDX-License-Identifier: GPL-2.0
/*
 * Compresses files through one of the sample's devices, with several writers at the
 * same time, then decompresses the results and compares them with the files.
 *
 *	compress deflate|zstd WRITERS MESSAGE_BYTES TOTAL_BYTES FILE...
 *
 * The first TOTAL_BYTES of the files are split into streams. A writer is a thread
 * that is bound to a CPU. It takes the next stream and opens the device, then writes
 * each message of the stream and reads the resulting frame. Only this is timed: the
 * files are read before, and compared afterwards.
 *
 * Prints "key value" lines: streams, frames, bytes, packed (bytes), seconds and
 * intact (streams). Status 1 if a stream is not intact, 2 if something failed.
 */
#define _GNU_SOURCE
#include <endian.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "pcpool_sample.h"

#define FAILED		2
/* Small enough that all writers finish at about the same time. */
#define STREAM_BYTES	(256 * 1024)
#define WRITERS_MAX	256

struct stream {
	const unsigned char *plain;
	size_t plain_bytes;
	unsigned char *frames;
	size_t frames_room;
	size_t frames_bytes;
	size_t frame_count;
	bool intact;
};

struct codec {
	const char *name;
	const char *device;
	bool (*decompress)(void *plain, size_t plain_bytes,
			   const void *packed, size_t packed_bytes);
};

static bool inflate_frame(void *plain, size_t plain_bytes,
			  const void *packed, size_t packed_bytes)
{
	unsigned long bytes = plain_bytes;

	return uncompress(plain, &bytes, packed, packed_bytes) == Z_OK &&
	       bytes == plain_bytes;
}

static bool unzstd_frame(void *plain, size_t plain_bytes,
			 const void *packed, size_t packed_bytes)
{
	return ZSTD_decompress(plain, plain_bytes, packed,
			       packed_bytes) == plain_bytes;
}

static const struct codec codecs[] = {
	{ "deflate", "/dev/pcpool_deflate", inflate_frame },
	{ "zstd", "/dev/pcpool_zstd", unzstd_frame },
};

static const struct codec *codec;
static unsigned int writers;
static size_t message_bytes;
static struct stream *streams;
static size_t stream_count;

static atomic_size_t next_packed, next_checked;
static pthread_barrier_t loaded, packed;

static unsigned long parse_number(const char *text, unsigned long max)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || *end || !value || value > max)
		errx(FAILED, "'%s' is not a number from 1 to %lu", text, max);
	return value;
}

static void add_stream(const unsigned char *plain, size_t bytes)
{
	struct stream *stream;
	/* A frame exceeds its message by at most a sixth and the header. */
	size_t messages = (bytes + message_bytes - 1) / message_bytes;
	size_t room = bytes + bytes / 6 +
		      messages * (sizeof(struct pcpool_sample_frame) + 64);

	streams = reallocarray(streams, stream_count + 1, sizeof(*streams));
	if (!streams)
		err(FAILED, "streams");
	stream = &streams[stream_count++];
	*stream = (struct stream) {
		.plain = plain,
		.plain_bytes = bytes,
		.frames = malloc(room),
		.frames_room = room,
	};
	if (!stream->frames)
		err(FAILED, "frames");
	/* Fault the pages in now, so that this is not timed. */
	memset(stream->frames, 0, room);
}

/* Reads at most @room bytes of a file; returns the number of bytes. */
static size_t load_file(const char *path, unsigned char *into, size_t room)
{
	size_t bytes = 0;
	ssize_t got;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		err(FAILED, "%s", path);
	while (bytes < room) {
		got = read(fd, into + bytes, room - bytes);
		if (got < 0)
			err(FAILED, "%s", path);
		if (!got)
			break;
		bytes += got;
	}
	close(fd);
	return bytes;
}

static void load_files(char **paths, size_t room)
{
	unsigned char *into = malloc(room);
	size_t bytes, part;

	if (!into)
		err(FAILED, "files");
	for (; *paths && room; paths++) {
		bytes = load_file(*paths, into, room);
		room -= bytes;
		for (; bytes; bytes -= part) {
			part = bytes < STREAM_BYTES ? bytes : STREAM_BYTES;
			add_stream(into, part);
			into += part;
		}
	}
	if (!stream_count)
		errx(FAILED, "the files are empty");
}

static void device_read(int fd, void *into, size_t bytes)
{
	ssize_t got = read(fd, into, bytes);

	if (got < 0)
		err(FAILED, "reading %s", codec->device);
	if ((size_t)got != bytes)
		errx(FAILED, "%s: truncated frame", codec->device);
}

static void pack_stream(struct stream *stream)
{
	struct pcpool_sample_frame header;
	unsigned char *out = stream->frames;
	unsigned char *end = out + stream->frames_room;
	size_t done = 0, want;
	ssize_t taken;
	int fd = open(codec->device, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		err(FAILED, "%s", codec->device);
	while (done < stream->plain_bytes) {
		want = stream->plain_bytes - done;
		if (want > message_bytes)
			want = message_bytes;
		taken = write(fd, stream->plain + done, want);
		if (taken < 0)
			err(FAILED, "writing %s", codec->device);
		done += taken;

		device_read(fd, &header, sizeof(header));
		if (sizeof(header) + le32toh(header.packed) > (size_t)(end - out))
			errx(FAILED, "%s: frame too large", codec->device);
		memcpy(out, &header, sizeof(header));
		out += sizeof(header);
		device_read(fd, out, le32toh(header.packed));
		out += le32toh(header.packed);
		stream->frame_count++;
	}
	stream->frames_bytes = out - stream->frames;
	close(fd);
}

static bool is_intact(const struct stream *stream)
{
	struct pcpool_sample_frame header;
	unsigned char plain[PCPOOL_SAMPLE_CHUNK];
	const unsigned char *in = stream->frames;
	const unsigned char *end = in + stream->frames_bytes;
	size_t done = 0, bytes;

	while (in < end) {
		memcpy(&header, in, sizeof(header));
		in += sizeof(header);
		bytes = le32toh(header.plain);
		if (bytes > sizeof(plain) || bytes > stream->plain_bytes - done)
			return false;
		if (!codec->decompress(plain, bytes, in, le32toh(header.packed)))
			return false;
		if (memcmp(plain, stream->plain + done, bytes))
			return false;
		in += le32toh(header.packed);
		done += bytes;
	}
	return done == stream->plain_bytes;
}

static void *writer(void *arg)
{
	long cpu = (long)arg % sysconf(_SC_NPROCESSORS_ONLN);
	cpu_set_t cpus;
	size_t i;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	errno = pthread_setaffinity_np(pthread_self(), sizeof(cpus), &cpus);
	if (errno)
		err(FAILED, "CPU %ld", cpu);

	pthread_barrier_wait(&loaded);
	while ((i = atomic_fetch_add(&next_packed, 1)) < stream_count)
		pack_stream(&streams[i]);
	pthread_barrier_wait(&packed);

	while ((i = atomic_fetch_add(&next_checked, 1)) < stream_count)
		streams[i].intact = is_intact(&streams[i]);
	return NULL;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* Runs all writers; returns the time they took to compress everything, in seconds. */
static double run_writers(void)
{
	pthread_t threads[WRITERS_MAX];
	double started, seconds;
	long i;

	pthread_barrier_init(&loaded, NULL, writers + 1);
	pthread_barrier_init(&packed, NULL, writers + 1);
	for (i = 0; i < writers; i++) {
		errno = pthread_create(&threads[i], NULL, writer, (void *)i);
		if (errno)
			err(FAILED, "writer %ld", i);
	}
	pthread_barrier_wait(&loaded);
	started = now();
	pthread_barrier_wait(&packed);
	seconds = now() - started;
	for (i = 0; i < writers; i++)
		pthread_join(threads[i], NULL);
	return seconds;
}

int main(int argc, char **argv)
{
	size_t i, frames = 0, bytes = 0, packed_bytes = 0, intact = 0;
	double seconds;

	if (argc < 6)
		errx(FAILED, "usage: compress deflate|zstd WRITERS MESSAGE_BYTES "
		     "TOTAL_BYTES FILE...");
	for (i = 0; i < sizeof(codecs) / sizeof(codecs[0]); i++)
		if (!strcmp(argv[1], codecs[i].name))
			codec = &codecs[i];
	if (!codec)
		errx(FAILED, "'%s' is neither deflate nor zstd", argv[1]);
	writers = parse_number(argv[2], WRITERS_MAX);
	message_bytes = parse_number(argv[3], PCPOOL_SAMPLE_CHUNK);
	load_files(argv + 5, parse_number(argv[4], 1ul << 30));

	seconds = run_writers();

	for (i = 0; i < stream_count; i++) {
		frames += streams[i].frame_count;
		bytes += streams[i].plain_bytes;
		packed_bytes += streams[i].frames_bytes;
		intact += streams[i].intact;
	}
	printf("streams %zu\nframes %zu\nbytes %zu\npacked %zu\nseconds %.6f\nintact %zu\n",
	       stream_count, frames, bytes, packed_bytes, seconds, intact);
	return intact == stream_count ? EXIT_SUCCESS : EXIT_FAILURE;
}
