/* SPDX-License-Identifier: GPL-2.0 */
/*
 * DPDK's rte_mempool: one ring for all threads, and a cache for each. Without huge pages, which
 * a machine may not have. That makes no difference, as the objects are not touched.
 */
/* DPDK uses this word as the name of the compiler's attribute. */
#undef noinline
#include <rte_eal.h>
#include <rte_lcore.h>
#include <rte_mempool.h>

#define CAN_RUN_DRY

/* The size that DPDK's examples use. */
#ifndef DPDK_CACHE
#define DPDK_CACHE	256
#endif
/* A cache holds up to 1.5 times its size before it returns objects. */
#define MAX_IN_CACHES	(DPDK_CACHE * 3 / 2)

static struct rte_mempool *pool;

static void subject_setup(unsigned int cpu)
{
	(void)cpu;
}

static void start(void)
{
	/* An lcore whose number no thread of the benchmark gets. */
	char *args[] = { "lab", "--no-huge", "-m", "64", "--no-shconf", "--no-pci",
			 "--no-telemetry", "--log-level=lib.eal:error", "--lcores", "(63)@(0)",
			 NULL };
	cpu_set_t ours;

	/* rte_eal_init() changes the affinity of the caller, which is a pinned CPU: restore it. */
	if (sched_getaffinity(0, sizeof(ours), &ours))
		fail("sched_getaffinity: %m");
	if (rte_eal_init(ARRAY_SIZE(args) - 1, args) < 0)
		fail("rte_eal_init");
	if (sched_setaffinity(0, sizeof(ours), &ours))
		fail("sched_setaffinity: %m");
	pool = rte_mempool_create("lab", fixed_objects + 2 * MAX_IN_CACHES, object_bytes, DPDK_CACHE, 0, NULL,
				  NULL, NULL, NULL, SOCKET_ID_ANY, 0);
	if (!pool)
		fail("rte_mempool_create");
}

static void subject_setup_cpu(unsigned int cpu)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)cpu;
	pthread_once(&once, start);
	if (rte_thread_register() < 0)
		fail("rte_thread_register");
}

static __always_inline void *subject_get(void)
{
	void *obj;

	return rte_mempool_get(pool, &obj) ? NULL : obj;
}

#define subject_try_get()	subject_get()

static __always_inline void subject_put(void *obj)
{
	rte_mempool_put(pool, obj);
}

static void empty_job(unsigned int cpu)
{
	(void)cpu;
	while (subject_get())
		;
}

static void subject_empty(void)
{
	shim_on_cpus(0, 1, empty_job);
}
