// SPDX-License-Identifier: GPL-2.0
/*
 * The subjects: pcpool and its alternatives in the kernel.
 *
 * Each subject is a get and a put function. They are always inlined into the loops
 * below, so the measured code is what a client would contain, without an indirect
 * call. The subject "empty" measures the loops themselves; the cases subtract it.
 * OPTIMIZER_HIDE_VAR() hides from the compiler that a put returns the object that
 * was got.
 */
#include <linux/mempool.h>
#include <linux/mm.h>
#include <linux/module.h>
#ifdef BENCH_HAVE_OBJPOOL
#include <linux/objpool.h>
#endif
#include <linux/percpu.h>
#include <linux/ptr_ring.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "bench.h"

/* Argument of get and put of the open subject. Only one subject is open at a time. */
static void *subject_handle;

typedef void *(*get_fn)(void *handle, gfp_t gfp);
typedef void (*put_fn)(void *handle, void *obj);

static __always_inline u64 pair_loop(get_fn get, put_fn put, unsigned int n,
				     gfp_t gfp)
{
	void *handle = subject_handle;
	void *obj;
	u64 began;

	began = bench_begin();
	while (n--) {
		obj = get(handle, gfp);
		OPTIMIZER_HIDE_VAR(obj);
		put(handle, obj);
	}
	return bench_end(began);
}

static __always_inline u64 depth_loop(get_fn get, put_fn put, void **objs,
				      unsigned int depth, unsigned int rounds)
{
	void *handle = subject_handle;
	unsigned int i;
	u64 began;

	began = bench_begin();
	while (rounds--) {
		for (i = 0; i < depth; i++)
			WRITE_ONCE(objs[i], get(handle, GFP_KERNEL));
		for (i = 0; i < depth; i++)
			put(handle, READ_ONCE(objs[i]));
	}
	return bench_end(began);
}

static __always_inline unsigned int get_loop(get_fn get, void **objs,
					     unsigned int n)
{
	void *handle = subject_handle;
	unsigned int i, got = 0;
	u64 began;

	began = bench_begin();
	for (i = 0; i < n; i++)
		WRITE_ONCE(objs[i], get(handle, GFP_ATOMIC));
	bench_end(began);

	/* Leave out failed gets, so that put_loop() sees only objects. */
	for (i = 0; i < n; i++)
		if (objs[i])
			objs[got++] = objs[i];
	return got;
}

static __always_inline void put_loop(put_fn put, void **objs, unsigned int n)
{
	void *handle = subject_handle;
	unsigned int i;
	u64 began;

	began = bench_begin();
	for (i = 0; i < n; i++)
		put(handle, READ_ONCE(objs[i]));
	bench_end(began);
}

/* Defines the loops around get_NAME() and put_NAME(), and the subject. */
#define DEFINE_SUBJECT(_name, _abilities, _open, _close)		\
static u64 bench_##_name##_pair(unsigned int n, bool atomic)		\
{									\
	if (atomic)							\
		return pair_loop(get_##_name, put_##_name, n, GFP_ATOMIC);	\
	return pair_loop(get_##_name, put_##_name, n, GFP_KERNEL);	\
}									\
									\
static u64 bench_##_name##_depth(void **objs, unsigned int depth,	\
				 unsigned int rounds)			\
{									\
	return depth_loop(get_##_name, put_##_name, objs, depth, rounds);	\
}									\
									\
static unsigned int bench_##_name##_get(void **objs, unsigned int n)	\
{									\
	return get_loop(get_##_name, objs, n);				\
}									\
									\
static void bench_##_name##_put(void **objs, unsigned int n)		\
{									\
	put_loop(put_##_name, objs, n);					\
}									\
									\
static const struct bench_subject bench_##_name = {			\
	.name = #_name,							\
	.abilities = (_abilities),					\
	.open = (_open),						\
	.close = (_close),						\
	.pair = bench_##_name##_pair,					\
	.depth = bench_##_name##_depth,					\
	.get = bench_##_name##_get,					\
	.put = bench_##_name##_put,					\
}

static int open_nothing(unsigned int objects)
{
	return 0;
}

static void close_nothing(void)
{
}

/* A subject without a handle, defined by two functions. */
#define DEFINE_ALLOCATOR(_name, _abilities, _alloc, _free)		\
static __always_inline void *get_##_name(void *handle, gfp_t gfp)	\
{									\
	return _alloc;							\
}									\
									\
static __always_inline void put_##_name(void *handle, void *obj)	\
{									\
	_free(obj);							\
}									\
									\
DEFINE_SUBJECT(_name, _abilities, open_nothing, close_nothing)

/* The abilities of most subjects. */
#define ABLE	(SUBJECT_ATOMIC | SUBJECT_DEEP | SUBJECT_MANY_CPUS)

/* -- the loops themselves -- */

/* An object that costs no instruction. */
static __always_inline void *no_object(void)
{
	void *obj;

	asm volatile("" : "=r" (obj));
	return obj;
}

static __always_inline void forget_object(void *obj)
{
}

DEFINE_ALLOCATOR(empty, ABLE | SUBJECT_BASELINE, no_object(), forget_object);

/* -- the floor: a per-CPU slot, which is not safe in interrupts -- */

/* The loops treat handles as plain pointers; here they are per-CPU pointers. */
static void set_per_cpu_handle(void __percpu *memory)
{
	subject_handle = (__force void *)memory;
}

static void __percpu *per_cpu_handle(void *handle)
{
	return (__force void __percpu *)handle;
}

static int open_per_cpu(size_t bytes)
{
	set_per_cpu_handle(__alloc_percpu(bytes, SMP_CACHE_BYTES));
	return subject_handle ? 0 : -ENOMEM;
}

static void close_per_cpu(void)
{
	free_percpu(per_cpu_handle(subject_handle));
}

struct floor {
	void *obj;
};

static int open_floor(unsigned int objects)
{
	struct floor __percpu *floor;
	int cpu, ret = open_per_cpu(sizeof(*floor));

	if (ret)
		return ret;
	floor = per_cpu_handle(subject_handle);
	for_each_possible_cpu(cpu)
		per_cpu_ptr(floor, cpu)->obj = &subject_handle;
	return 0;
}

static __always_inline void *get_floor(void *handle, gfp_t gfp)
{
	struct floor __percpu *floor = per_cpu_handle(handle);
	void *obj;

	preempt_disable();
	obj = __this_cpu_read(floor->obj);
	__this_cpu_write(floor->obj, NULL);
	preempt_enable();
	return obj;
}

static __always_inline void put_floor(void *handle, void *obj)
{
	struct floor __percpu *floor = per_cpu_handle(handle);

	preempt_disable();
	__this_cpu_write(floor->obj, obj);
	preempt_enable();
}

DEFINE_SUBJECT(floor, SUBJECT_ATOMIC, open_floor, close_per_cpu);

/* The floor for many objects: a per-CPU stack. */
#define STACK_OBJECTS	1024

struct stack {
	unsigned long n;
	void *obj[STACK_OBJECTS];
};

static int open_floor_stack(unsigned int objects)
{
	struct stack __percpu *stacks;
	struct stack *stack;
	int cpu, ret = open_per_cpu(sizeof(*stack));

	if (ret)
		return ret;
	stacks = per_cpu_handle(subject_handle);
	for_each_possible_cpu(cpu) {
		stack = per_cpu_ptr(stacks, cpu);
		while (stack->n < STACK_OBJECTS)
			stack->obj[stack->n++] = stack;
	}
	return 0;
}

static __always_inline void *get_floor_stack(void *handle, gfp_t gfp)
{
	struct stack __percpu *stacks = per_cpu_handle(handle);
	struct stack *stack;
	void *obj = NULL;

	preempt_disable();
	stack = this_cpu_ptr(stacks);
	if (likely(stack->n))
		obj = stack->obj[--stack->n];
	preempt_enable();
	return obj;
}

static __always_inline void put_floor_stack(void *handle, void *obj)
{
	struct stack __percpu *stacks = per_cpu_handle(handle);
	struct stack *stack;

	preempt_disable();
	stack = this_cpu_ptr(stacks);
	if (likely(stack->n < STACK_OBJECTS))
		stack->obj[stack->n++] = obj;
	preempt_enable();
}

DEFINE_SUBJECT(floor_stack, SUBJECT_ATOMIC | SUBJECT_DEEP, open_floor_stack,
	       close_per_cpu);

/* -- the allocators; sizes are compile-time constants, as in most callers -- */

static struct kmem_cache *cache;

static int open_kmem_cache(unsigned int objects)
{
	subject_handle = cache;
	return 0;
}

static __always_inline void *get_kmem_cache(void *handle, gfp_t gfp)
{
	return kmem_cache_alloc(handle, gfp);
}

static __always_inline void put_kmem_cache(void *handle, void *obj)
{
	kmem_cache_free(handle, obj);
}

DEFINE_SUBJECT(kmem_cache, ABLE, open_kmem_cache, close_nothing);

DEFINE_ALLOCATOR(kmalloc_256, ABLE, kmalloc(256, gfp), kfree);
DEFINE_ALLOCATOR(kmalloc_4k, ABLE, kmalloc(SZ_4K, gfp), kfree);
DEFINE_ALLOCATOR(kmalloc_64k, ABLE, kmalloc(SZ_64K, gfp), kfree);
DEFINE_ALLOCATOR(kmalloc_256k, ABLE, kmalloc(SZ_256K, gfp), kfree);

/* kvfree() may sleep, if the memory came from vmalloc(). */
DEFINE_ALLOCATOR(kvmalloc_64k, SUBJECT_DEEP, kvmalloc(SZ_64K, gfp), kvfree);
DEFINE_ALLOCATOR(kvmalloc_256k, SUBJECT_DEEP, kvmalloc(SZ_256K, gfp), kvfree);
/* What kvmalloc() falls back to when memory is fragmented. */
DEFINE_ALLOCATOR(vmalloc_256k, SUBJECT_DEEP, vmalloc(SZ_256K), vfree);

/* -- pcpool -- */

static void *object_alloc(gfp_t gfp, void *ctx)
{
	return kmem_cache_alloc(cache, gfp);
}

static void object_free(void *obj, void *ctx)
{
	kmem_cache_free(cache, obj);
}

static void *buffer_alloc(gfp_t gfp, void *ctx)
{
	return kvmalloc(SZ_256K, gfp);
}

static void buffer_free(void *obj, void *ctx)
{
	kvfree(obj);
}

static const struct pcpool_ops object_ops = {
	.alloc = object_alloc,
	.free = object_free,
};

static const struct pcpool_ops buffer_ops = {
	.alloc = buffer_alloc,
	.free = buffer_free,
};

#define open_pool(...) ({						\
	const struct pcpool_params params = { .name = "bench", __VA_ARGS__ }; \
									\
	subject_handle = pcpool_create(&params);			\
	PTR_ERR_OR_ZERO(subject_handle);				\
})

static int open_pcpool(unsigned int objects)
{
	return open_pool(.ops = &object_ops, .object_bytes = BENCH_OBJECT_BYTES);
}

/* max_idle is large enough that each CPU has private slots and credits. */
static int open_pcpool_idle(unsigned int objects)
{
	return open_pool(.ops = &object_ops, .object_bytes = BENCH_OBJECT_BYTES,
			 .max_idle = 100000);
}

/* max_idle is so small that the objects are in a shared array. */
static int open_pcpool_few(unsigned int objects)
{
	return open_pool(.ops = &object_ops, .object_bytes = BENCH_OBJECT_BYTES,
			 .max_idle = 2);
}

/* A quota: no private slots; each idle object is in a queue. */
static int open_pcpool_total(unsigned int objects)
{
	return open_pool(.ops = &object_ops, .object_bytes = BENCH_OBJECT_BYTES,
			 .max_total = 100000);
}

static void object_reset(void *obj, void *ctx)
{
}

static const struct pcpool_ops reset_ops = {
	.alloc = object_alloc,
	.free = object_free,
	.reset = object_reset,
};

/* Each put goes out of line, for a callback that does nothing. */
static int open_pcpool_reset(unsigned int objects)
{
	return open_pool(.ops = &reset_ops, .object_bytes = BENCH_OBJECT_BYTES);
}

static int open_pcpool_256k(unsigned int objects)
{
	return open_pool(.ops = &buffer_ops, .object_bytes = SZ_256K,
			 .flags = PCPOOL_FREE_MAY_SLEEP);
}

static void close_pcpool(void)
{
	pcpool_destroy(subject_handle);
}

void bench_pcpool_stats(struct pcpool_pool_stats *stats)
{
	pcpool_stats(subject_handle, stats);
}

static __always_inline void *get_pcpool(void *handle, gfp_t gfp)
{
	return pcpool_get(handle, gfp);
}

static __always_inline void put_pcpool(void *handle, void *obj)
{
	pcpool_put(handle, obj);
}

/* Pools with bounds use the same functions. */
#define get_pcpool_idle		get_pcpool
#define put_pcpool_idle		put_pcpool
#define get_pcpool_few		get_pcpool
#define put_pcpool_few		put_pcpool
#define get_pcpool_total	get_pcpool
#define put_pcpool_total	put_pcpool
#define get_pcpool_reset	get_pcpool
#define put_pcpool_reset	put_pcpool

/* Objects so big that each CPU has only one private slot. */
static __always_inline void *get_pcpool_256k(void *handle, gfp_t gfp)
{
	return pcpool_get(handle, gfp);
}

static __always_inline void put_pcpool_256k(void *handle, void *obj)
{
	pcpool_put(handle, obj);
}

DEFINE_SUBJECT(pcpool, ABLE | SUBJECT_PCPOOL, open_pcpool, close_pcpool);
DEFINE_SUBJECT(pcpool_idle, ABLE | SUBJECT_PCPOOL, open_pcpool_idle, close_pcpool);
DEFINE_SUBJECT(pcpool_few, ABLE & ~SUBJECT_DEEP, open_pcpool_few, close_pcpool);
DEFINE_SUBJECT(pcpool_total, ABLE | SUBJECT_PCPOOL, open_pcpool_total, close_pcpool);
DEFINE_SUBJECT(pcpool_reset, ABLE | SUBJECT_PCPOOL, open_pcpool_reset, close_pcpool);
DEFINE_SUBJECT(pcpool_256k, ABLE | SUBJECT_PCPOOL, open_pcpool_256k,
	       close_pcpool);

/* -- mempool, over the same slab cache -- */

/* A typical reserve of its users. */
#define MEMPOOL_MIN	16

static int open_mempool(unsigned int objects)
{
	subject_handle = mempool_create_slab_pool(MEMPOOL_MIN, cache);
	return subject_handle ? 0 : -ENOMEM;
}

static void close_mempool(void)
{
	mempool_destroy(subject_handle);
}

static __always_inline void *get_mempool(void *handle, gfp_t gfp)
{
	return mempool_alloc(handle, gfp);
}

static __always_inline void put_mempool(void *handle, void *obj)
{
	mempool_free(obj, handle);
}

DEFINE_SUBJECT(mempool, ABLE, open_mempool, close_mempool);

/* -- objpool -- */

#ifdef BENCH_HAVE_OBJPOOL
static struct objpool_head objpool;

static int open_objpool(unsigned int objects)
{
	subject_handle = &objpool;
	return objpool_init(&objpool, objects, BENCH_OBJECT_BYTES, GFP_KERNEL,
			    NULL, NULL, NULL);
}

static void close_objpool(void)
{
	objpool_free(&objpool);
}

static __always_inline void *get_objpool(void *handle, gfp_t gfp)
{
	return objpool_pop(handle);
}

static __always_inline void put_objpool(void *handle, void *obj)
{
	objpool_push(obj, handle);
}

DEFINE_SUBJECT(objpool, ABLE, open_objpool, close_objpool);
#else
static int open_objpool(unsigned int objects)
{
	return -EOPNOTSUPP;
}

static const struct bench_subject bench_objpool = {
	.name = "objpool",
	.abilities = ABLE,
	.open = open_objpool,
};
#endif

/* -- ptr_ring as a cache in front of the slab: one per CPU, or one for all CPUs -- */

static int open_ring(struct ptr_ring *ring, unsigned int objects)
{
	return ptr_ring_init(ring, objects, GFP_KERNEL);
}

static void close_ring(struct ptr_ring *ring)
{
	void *obj;

	while ((obj = ptr_ring_consume(ring)))
		kmem_cache_free(cache, obj);
	ptr_ring_cleanup(ring, NULL);
}

static void close_ptr_ring(void)
{
	struct ptr_ring __percpu *rings = per_cpu_handle(subject_handle);
	int cpu;

	for_each_possible_cpu(cpu)
		close_ring(per_cpu_ptr(rings, cpu));
	close_per_cpu();
}

static int open_ptr_ring(unsigned int objects)
{
	struct ptr_ring __percpu *rings;
	int cpu, ret = open_per_cpu(sizeof(*rings));

	if (ret)
		return ret;
	rings = per_cpu_handle(subject_handle);
	for_each_possible_cpu(cpu) {
		ret = open_ring(per_cpu_ptr(rings, cpu), objects);
		if (ret) {
			/* Rings that were not initialised are zeroed, and so empty. */
			close_ptr_ring();
			return ret;
		}
	}
	return 0;
}

/* For use in one context only: its locks do not disable interrupts. */
static __always_inline void *get_ptr_ring(void *handle, gfp_t gfp)
{
	struct ptr_ring __percpu *rings = per_cpu_handle(handle);
	void *obj;

	obj = ptr_ring_consume(get_cpu_ptr(rings));
	put_cpu_ptr(rings);
	return likely(obj) ? obj : kmem_cache_alloc(cache, gfp);
}

static __always_inline void put_ptr_ring(void *handle, void *obj)
{
	struct ptr_ring __percpu *rings = per_cpu_handle(handle);
	int full;

	full = ptr_ring_produce(get_cpu_ptr(rings), obj);
	put_cpu_ptr(rings);
	if (unlikely(full))
		kmem_cache_free(cache, obj);
}

DEFINE_SUBJECT(ptr_ring, ABLE, open_ptr_ring, close_ptr_ring);

/* For use in any context, like pcpool. */
static __always_inline void *get_ptr_ring_any(void *handle, gfp_t gfp)
{
	struct ptr_ring __percpu *rings = per_cpu_handle(handle);
	void *obj;

	obj = ptr_ring_consume_any(get_cpu_ptr(rings));
	put_cpu_ptr(rings);
	return likely(obj) ? obj : kmem_cache_alloc(cache, gfp);
}

static __always_inline void put_ptr_ring_any(void *handle, void *obj)
{
	struct ptr_ring __percpu *rings = per_cpu_handle(handle);
	int full;

	full = ptr_ring_produce_any(get_cpu_ptr(rings), obj);
	put_cpu_ptr(rings);
	if (unlikely(full))
		kmem_cache_free(cache, obj);
}

DEFINE_SUBJECT(ptr_ring_any, ABLE, open_ptr_ring, close_ptr_ring);

static struct ptr_ring shared_ring;

static int open_ptr_ring_shared(unsigned int objects)
{
	subject_handle = &shared_ring;
	return open_ring(&shared_ring, objects);
}

static void close_ptr_ring_shared(void)
{
	close_ring(&shared_ring);
}

static __always_inline void *get_ptr_ring_shared(void *handle, gfp_t gfp)
{
	void *obj = ptr_ring_consume_any(handle);

	return likely(obj) ? obj : kmem_cache_alloc(cache, gfp);
}

static __always_inline void put_ptr_ring_shared(void *handle, void *obj)
{
	if (unlikely(ptr_ring_produce_any(handle, obj)))
		kmem_cache_free(cache, obj);
}

DEFINE_SUBJECT(ptr_ring_shared, ABLE, open_ptr_ring_shared,
	       close_ptr_ring_shared);

/* The baseline comes first, because it is subtracted from the results of the others. */
const struct bench_subject *const bench_subjects[] = {
	&bench_empty,
	&bench_pcpool,
	&bench_floor,
	&bench_floor_stack,
	&bench_objpool,
	&bench_ptr_ring,
	&bench_ptr_ring_any,
	&bench_ptr_ring_shared,
	&bench_kmem_cache,
	&bench_kmalloc_256,
	&bench_mempool,
	&bench_kmalloc_4k,
	&bench_kmalloc_64k,
	&bench_kvmalloc_64k,
	&bench_pcpool_256k,
	&bench_pcpool_idle,
	&bench_pcpool_few,
	&bench_pcpool_total,
	&bench_pcpool_reset,
	&bench_kmalloc_256k,
	&bench_kvmalloc_256k,
	&bench_vmalloc_256k,
};

const unsigned int bench_nr_subjects = ARRAY_SIZE(bench_subjects);

int bench_subjects_init(void)
{
	cache = kmem_cache_create("pcpool_bench", BENCH_OBJECT_BYTES, 0, 0, NULL);
	return cache ? 0 : -ENOMEM;
}

void bench_subjects_exit(void)
{
	kmem_cache_destroy(cache);
}
