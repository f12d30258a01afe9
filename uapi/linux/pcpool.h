/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/* pcpool: the binary statistics record, a stable interface to user space */
#ifndef _UAPI_LINUX_PCPOOL_H
#define _UAPI_LINUX_PCPOOL_H

#include <linux/types.h>

/**
 * DOC: Snapshot format
 *
 * /sys/kernel/debug/pcpool/snapshot holds the statistics of all pools in binary
 * form. Its format is the only part of pcpool's debugfs directory that user
 * space may rely on.
 *
 * The file consists of one &struct pcpool_snapshot_header, followed by
 * record_count records of record_size bytes each. A record starts with a
 * &struct pcpool_pool_stats. Both structures only ever grow at their end, and
 * the header holds the size of both:
 *
 * - An old reader takes the first sizeof(its own structure) bytes of each
 *   record and advances by record_size, so it skips fields that it does not
 *   know.
 * - A new reader clears its structure and copies the smaller of the two sizes,
 *   so fields that an old kernel does not have are 0.
 *
 * %PCPOOL_SNAPSHOT_VERSION changes only if a field changes its meaning, which
 * is not meant to happen. A reader must refuse a version that it does not know.
 * All numbers are in the byte order of the machine. A reader on a machine of the
 * other byte order finds the bytes of the magic number reversed, and must convert
 * all numbers or refuse the file; the pcpool command refuses it.
 */

#define PCPOOL_SNAPSHOT_MAGIC	0x4c504350u	/* "PCPL", little endian */
#define PCPOOL_SNAPSHOT_VERSION	1u

#define PCPOOL_NAME_BYTES	32	/* name of a pool, with NUL */
#define PCPOOL_OWNER_BYTES	64	/* name of a module, with NUL */

/**
 * enum pcpool_steal - CPUs from which a CPU without idle objects may steal
 * @PCPOOL_STEAL_ALL: All CPUs, those of the same NUMA node first.
 * @PCPOOL_STEAL_NODE: CPUs of the same NUMA node only.
 * @PCPOOL_STEAL_NONE: No other CPU.
 *
 * Every CPU may steal from an offline CPU, whatever the policy. Its objects
 * would be out of reach otherwise.
 */
enum pcpool_steal {
	PCPOOL_STEAL_ALL,
	PCPOOL_STEAL_NODE,
	PCPOOL_STEAL_NONE,
};

/**
 * DOC: Creation flags
 *
 * %PCPOOL_FREE_MAY_SLEEP: Declares that ops->free may sleep. This changes
 * nothing: unless %PCPOOL_FREE_ATOMIC is set, ops->free is called only in task
 * context where it may sleep, and a put elsewhere leaves the free to a worker.
 *
 * %PCPOOL_BYPASS: The pool starts bypassed: every get allocates, every put
 * frees. A client can use it to offer "no pooling" as a setting.
 *
 * %PCPOOL_ZERO_ON_PUT: An object is object_bytes of memory, which are cleared
 * at each put, after ops->reset, and again before the object is freed. So no
 * content outlives its use.
 *
 * %PCPOOL_PLAIN: An object is object_bytes of memory, which debug mode may read
 * to detect writes to idle objects. %PCPOOL_ZERO_ON_PUT implies it.
 *
 * %PCPOOL_FREE_ATOMIC: ops->free may be called in any context except hardirq
 * and NMI, with preemption and interrupts as the caller of the put has them,
 * and under its spinlocks. On PREEMPT_RT it is called only where a sleeping
 * lock may be taken. Saves the worker where the pool drops many objects.
 * Cannot be combined with %PCPOOL_FREE_MAY_SLEEP.
 */
#define PCPOOL_FREE_MAY_SLEEP	0x1u
#define PCPOOL_BYPASS		0x2u
#define PCPOOL_ZERO_ON_PUT	0x4u
#define PCPOOL_PLAIN		0x8u
#define PCPOOL_FREE_ATOMIC	0x10u

/* Bits of state in struct pcpool_pool_stats. */
#define PCPOOL_STATE_BYPASSED	0x1u	/* every get allocates, every put frees */
#define PCPOOL_STATE_DEBUGGED	0x2u	/* every get and put is checked */

/**
 * struct pcpool_snapshot_header - header of the snapshot file
 * @magic: PCPOOL_SNAPSHOT_MAGIC
 * @version: PCPOOL_SNAPSHOT_VERSION
 * @header_size: size of this header in bytes; the first record starts there
 * @record_size: distance from one record to the next, in bytes
 * @record_count: number of records
 * @page_size: size of a page of memory in bytes, a power of two
 * @time_ns: time of the snapshot, CLOCK_MONOTONIC in nanoseconds
 */
struct pcpool_snapshot_header {
	__u32 magic;
	__u32 version;
	__u32 header_size;
	__u32 record_size;
	__u32 record_count;
	__u32 page_size;
	__u64 time_ns;
};

/**
 * struct pcpool_pool_stats - parameters and statistics of one pool
 * @name: name of the pool, NUL-terminated
 * @owner: module that created the pool, NUL-terminated
 * @object_bytes: usual size of one object, in bytes
 * @private_slots: private slots per CPU
 * @steal: steal policy, enum pcpool_steal
 * @flags: creation flags, PCPOOL_*
 * @state: current state, PCPOOL_STATE_* bits
 * @hit_private: gets that took an object from the CPU's private slots
 * @hit_shared: gets that took an object from the CPU's shared queue, from the
 *	shared array, or directly from a put
 * @hit_steal: gets that took an object from the main tier of another CPU
 * @hit_victim: gets that took an object from a victim tier
 * @miss: gets that allocated an object
 * @alloc_fail: gets that found no idle object and could not allocate one
 * @gets: hit_private + hit_shared + hit_steal + hit_victim + miss + alloc_fail
 * @puts: objects given back
 * @drop_full: puts that freed the object because the pool could not hold it
 * @drop_oversize: puts that freed the object because it exceeded
 *	max_object_bytes
 * @drop_other: puts that freed the object for another reason (bypass)
 * @evicted: idle objects freed by aging, drain or destruction of the pool
 * @ages: aging passes
 * @allocs: objects allocated, by gets and by prefill
 * @frees: objects freed
 * @outstanding: objects that callers hold
 * @idle_main: idle objects in the main tier, put since the last aging pass
 * @idle_victim: idle objects in the victim tier, idle for one aging pass
 * @idle_bytes: all idle objects times object_bytes
 * @deferred: puts that were left to a worker, because they came from a context
 *	in which memory could not be allocated or freed
 * @grows: rings added to shared queues
 * @max_idle: most idle objects; 0: no limit
 * @max_total: most objects in existence; 0: no limit
 * @reserve: objects to hold back until an allocation fails
 * @max_object_bytes: a put frees larger objects; 0: any size
 * @idle_reserve: objects in the reserve now; part of @idle_main
 * @waiting: gets that are waiting now
 * @waits: gets that have had to wait
 * @misuses: cases of misuse that debug mode has reported
 * @requested_bytes: in a pool of a buffer set, sum of the sizes that callers
 *	requested; they got object_bytes each time
 *
 * While gets and puts are in progress, the numbers are from slightly different
 * moments. When there are none, the numbers are exact, and allocs = frees +
 * idle_main + idle_victim + outstanding. At every moment, @gets is the sum
 * stated above, and @idle_reserve does not exceed @idle_main. A reader may
 * refuse a record that contradicts this.
 */
struct pcpool_pool_stats {
	char  name[PCPOOL_NAME_BYTES];
	char  owner[PCPOOL_OWNER_BYTES];
	__u64 object_bytes;
	__u32 private_slots;
	__u32 steal;
	__u32 flags;
	__u32 state;
	__u64 gets;
	__u64 hit_private;
	__u64 hit_shared;
	__u64 hit_steal;
	__u64 hit_victim;
	__u64 miss;
	__u64 alloc_fail;
	__u64 puts;
	__u64 drop_full;
	__u64 drop_oversize;
	__u64 drop_other;
	__u64 evicted;
	__u64 ages;
	__u64 allocs;
	__u64 frees;
	__u64 outstanding;
	__u64 idle_main;
	__u64 idle_victim;
	__u64 idle_bytes;
	__u64 deferred;
	__u64 grows;
	__u64 max_idle;
	__u64 max_total;
	__u64 reserve;
	__u64 max_object_bytes;
	__u64 idle_reserve;
	__u64 waiting;
	__u64 waits;
	__u64 misuses;
	__u64 requested_bytes;
};

#endif /* _UAPI_LINUX_PCPOOL_H */
