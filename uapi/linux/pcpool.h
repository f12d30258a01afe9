/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * What user space may rely on: the binary record behind
 * /sys/kernel/debug/pcpool/snapshot, and nothing else.
 *
 * The file is one struct pcpool_snapshot_header followed by record_count
 * records of record_size bytes each. Both structures only ever grow at their
 * end, and both carry their size:
 *
 *  - an old reader takes the first sizeof(its own struct) bytes of each record
 *    and steps on by record_size, so it skips what it does not know;
 *  - a new reader clears its struct, copies the smaller of the two sizes, and
 *    so sees zeros where an old kernel had nothing to say.
 *
 * PCPOOL_SNAPSHOT_VERSION changes only if a field changes its meaning, which
 * is not meant to happen; a reader must refuse a version it does not know.
 * All numbers are in the byte order of the machine.
 */
#ifndef _UAPI_LINUX_PCPOOL_H
#define _UAPI_LINUX_PCPOOL_H

#include <linux/types.h>

#define PCPOOL_SNAPSHOT_MAGIC	0x4c504350u	/* "PCPL", little endian */
#define PCPOOL_SNAPSHOT_VERSION	1u

#define PCPOOL_NAME_BYTES	32	/* a pool's name and its NUL */
#define PCPOOL_OWNER_BYTES	64	/* a module's name and its NUL */

/**
 * enum pcpool_steal - from which CPUs an empty one may take idle objects
 * @PCPOOL_STEAL_ALL: any CPU, those of its own NUMA node first
 * @PCPOOL_STEAL_NODE: only CPUs of its own NUMA node
 * @PCPOOL_STEAL_NONE: no other CPU
 *
 * Whatever the policy, the objects of a CPU that is offline are anybody's:
 * otherwise they would be out of reach.
 */
enum pcpool_steal {
	PCPOOL_STEAL_ALL,
	PCPOOL_STEAL_NODE,
	PCPOOL_STEAL_NONE,
};

/*
 * Creation flags.
 *
 * PCPOOL_FREE_MAY_SLEEP: ops->free may sleep, so it is only called from task
 * context; a put that must free from anywhere else leaves that to a worker.
 *
 * PCPOOL_BYPASS: the pool starts bypassed: every get allocates, every put frees. So a
 * client can offer "no pooling" as a setting.
 *
 * PCPOOL_ZERO_ON_PUT: an object is object_bytes of memory, which are cleared at each put,
 * after ops->reset, and before it is freed: so nothing of it outlives its use.
 *
 * PCPOOL_PLAIN: an object is object_bytes of memory, which debug mode may read to see
 * whether it is written while it is idle. PCPOOL_ZERO_ON_PUT says so too.
 */
#define PCPOOL_FREE_MAY_SLEEP	0x1u
#define PCPOOL_BYPASS		0x2u
#define PCPOOL_ZERO_ON_PUT	0x4u
#define PCPOOL_PLAIN		0x8u

/* struct pcpool_pool_stats.state */
#define PCPOOL_STATE_BYPASSED	0x1u	/* the bypass switch is on */
#define PCPOOL_STATE_DEBUGGED	0x2u	/* debug mode is on */

/**
 * struct pcpool_snapshot_header - opens the snapshot file
 * @magic: PCPOOL_SNAPSHOT_MAGIC
 * @version: PCPOOL_SNAPSHOT_VERSION
 * @header_size: bytes of this header; the first record starts there
 * @record_size: bytes from one record to the next
 * @record_count: how many records follow
 * @page_size: bytes a page of the machine's memory, a power of 2
 * @time_ns: when it was taken, CLOCK_MONOTONIC nanoseconds
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
 * struct pcpool_pool_stats - one pool: what it is, and what it has done
 * @name: the pool's name, NUL-terminated
 * @owner: the module that made it, NUL-terminated
 * @object_bytes: usual footprint of one object, in bytes
 * @private_slots: objects a CPU keeps for itself at most
 * @steal: enum pcpool_steal
 * @flags: the PCPOOL_* creation flags
 * @state: PCPOOL_STATE_* bits, as of now
 * @hit_private: gets served from the CPU's own private slots
 * @hit_shared: gets served from the CPU's own shared queue
 * @hit_steal: gets served from another CPU's main tier
 * @hit_victim: gets served from a victim tier
 * @miss: gets that made an object
 * @alloc_fail: gets that found no idle object and could not make one
 * @gets: hit_private + hit_shared + hit_steal + hit_victim + miss + alloc_fail
 * @puts: objects given back
 * @drop_full: puts that freed the object since the pool could not hold it
 * @drop_oversize: puts that freed the object since it had grown too big
 * @drop_other: puts that freed the object for another reason (bypass)
 * @evicted: idle objects freed by aging, drain or destruction
 * @ages: aging passes
 * @allocs: objects made, by gets and by prefill
 * @frees: objects freed
 * @outstanding: objects that callers hold
 * @idle_main: idle objects put since the last aging pass
 * @idle_victim: idle objects that have been through one
 * @idle_bytes: usual footprint of all idle objects together, in bytes
 * @deferred: puts that had to be left to a worker, since they came from a
 *	context in which nothing could be allocated or freed
 * @grows: rings added to shared queues
 * @max_idle: most idle objects; 0: any number
 * @max_total: most objects in existence; 0: any number
 * @reserve: objects held back for when none can be made
 * @max_object_bytes: a bigger object is dropped at put; 0: any size
 * @idle_reserve: how much of the reserve is there; part of @idle_main
 * @waiting: gets that wait now
 * @waits: gets that have had to wait
 * @misuses: what debug mode has reported
 * @requested_bytes: of a pool of buffers, what callers have asked for, together; they got
 *	object_bytes each time
 *
 * While gets and puts go on, the numbers are of slightly different moments;
 * at a quiet moment they are exact, and made = unmade + idle_main +
 * idle_victim + outstanding. That @gets is the sum it is, and @idle_reserve no
 * more than @idle_main, holds at every moment: a reader may refuse a record of
 * which it is not true.
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
