/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * What comes out of /dev/pcpool_deflate and /dev/pcpool_zstd, for the programs
 * that read it. Includes nothing but types, so that both sides can use it.
 */
#ifndef _PCPOOL_SAMPLE_H
#define _PCPOOL_SAMPLE_H

#include <linux/types.h>

/* The most that one write() takes; a longer one is a short write. */
#define PCPOOL_SAMPLE_CHUNK	16384

/**
 * struct pcpool_sample_frame - opens a frame, which is what one write() becomes
 * @packed: bytes that follow this header: a whole zlib stream or Zstandard frame
 * @plain: bytes that they decompress to
 *
 * Each frame stands for itself and needs none before it.
 */
struct pcpool_sample_frame {
	__le32 packed;
	__le32 plain;
};

#endif /* _PCPOOL_SAMPLE_H */
