/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The displacements of the long NOPs with which the benchmark module talks to the QEMU
 * plugin; no compiler makes such ones. Both include this.
 */
#ifndef _PCPOOL_BENCH_MARKS_H
#define _PCPOOL_BENCH_MARKS_H

#define BENCH_MARK_ARM		0x50435000	/* look at every instruction from now on */
#define BENCH_MARK_START	0x50435001	/* this CPU: count from here */
#define BENCH_MARK_STOP		0x50435002	/* to here */
#define BENCH_MARK_REPORT	0x50435003	/* write the sums of all CPUs, and begin anew */

#endif /* _PCPOOL_BENCH_MARKS_H */
