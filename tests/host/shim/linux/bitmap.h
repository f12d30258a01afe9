/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_BITMAP_H
#define _SHIM_BITMAP_H

#include <linux/bitops.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/string.h>

#define BITS_TO_LONGS(n)	DIV_ROUND_UP(n, BITS_PER_LONG)

static inline unsigned long *bitmap_zalloc(unsigned int bits, gfp_t gfp)
{
	return kzalloc(BITS_TO_LONGS(bits) * sizeof(long), gfp);
}

static inline void bitmap_free(const unsigned long *map)
{
	kfree(map);
}

/* For a bitmap that no other CPU can see yet. */
static inline void bitmap_fill(unsigned long *map, unsigned int bits)
{
	memset(map, 0xff, BITS_TO_LONGS(bits) * sizeof(long));
}

/* Returns the first zero bit from @from on, or @bits. */
static inline unsigned long find_next_zero_bit(const unsigned long *map, unsigned long bits,
					       unsigned long from)
{
	while (from < bits && test_bit(from, map))
		from++;
	return from;
}

static inline unsigned int bitmap_weight(const unsigned long *map, unsigned int bits)
{
	unsigned int i, n = 0;

	for (i = 0; i < bits; i++)
		n += test_bit(i, map);
	return n;
}

#endif
