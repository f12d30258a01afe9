/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Displacements of the long NOPs by which the benchmark module signals the QEMU plugin.
 * No compiler generates such NOPs. Module and plugin include this file.
 */
#ifndef _PCPOOL_BENCH_MARKS_H
#define _PCPOOL_BENCH_MARKS_H

#define BENCH_MARK_ARM		0x50435000	/* watch every instruction from now on */
#define BENCH_MARK_START	0x50435001	/* start counting on this CPU */
#define BENCH_MARK_STOP		0x50435002	/* stop counting on this CPU */
#define BENCH_MARK_REPORT	0x50435003	/* write the sums over all CPUs, and reset them */

#endif /* _PCPOOL_BENCH_MARKS_H */
