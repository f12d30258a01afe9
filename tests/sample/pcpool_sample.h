/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The output format of /dev/pcpool_deflate and /dev/pcpool_zstd. Includes only
 * types, so that kernel and user space can use it.
 */
#ifndef _PCPOOL_SAMPLE_H
#define _PCPOOL_SAMPLE_H

#include <linux/types.h>

/* Most bytes that one write() accepts; a longer write is a short write. */
#define PCPOOL_SAMPLE_CHUNK	16384

/**
 * struct pcpool_sample_frame - header of a frame, the result of one write()
 * @packed: number of bytes that follow: a complete zlib stream or Zstandard frame
 * @plain: number of bytes that they decompress to
 *
 * Each frame can be decompressed independently of the others.
 */
struct pcpool_sample_frame {
	__le32 packed;
	__le32 plain;
};

#endif /* _PCPOOL_SAMPLE_H */
