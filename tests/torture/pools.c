// SPDX-License-Identifier: GPL-2.0
/*
 * The pools under test, their objects, and their counters.
 *
 * Each object has a header in front of pcpool's object, which records the owner. Each change of
 * owner (a get, a put, or an exchange between holders) is one compare-and-exchange from the
 * expected owner, so a second owner is detected at once. The compare-and-exchange is relaxed:
 * only pcpool orders writes before a put with reads after the next get, and KCSAN would detect if
 * it did not.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/gfp.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "torture.h"

static unsigned int pools = 6;
module_param(pools, uint, 0444);
MODULE_PARM_DESC(pools, "number of pools at a time (6)");

/* Size and number of the spare objects, for contexts in which memory cannot be allocated. */
#define SPARE_BYTES	4096u
#define SPARES		64

/* Number of bytes that are checked at both ends of an object. */
#define LOOK_BYTES	64u

/**
 * struct object - header of an object
 * @owner: OWNER_*, or the id of a holder
 * @place: place of its pool
 * @serial: serial number of its pool
 * @bytes: size that ops->bytes returns
 * @puts: number of puts
 * @resets: number of calls of ops->reset
 * @mark: value that filled both ends at the last put
 * @data: pcpool's object
 */
struct object {
	atomic_long_t owner;
	struct place *place;
	unsigned long serial;
	size_t bytes;
	unsigned int puts;
	unsigned int resets;
	u8 mark;
	u8 data[] __aligned(8);
};

static struct place *places;
/* Serialises creating and destroying pools. */
static DEFINE_MUTEX(renewing);
static unsigned long serial;
static void *spares[SPARES];

static struct object *to_object(void *obj)
{
	return container_of(obj, struct object, data);
}

/* --- Callbacks --------------------------------------------------------------- */

/* Whether memory can be allocated in this context. */
static bool may_allocate(void)
{
	if (in_hardirq() || in_nmi())
		return false;
	return preemptible() || !(IS_ENABLED(CONFIG_PREEMPT_RT) ||
				  IS_ENABLED(CONFIG_PROVE_RAW_LOCK_NESTING));
}

static void *take_spare(void)
{
	unsigned int i, first = raw_smp_processor_id() * 8;
	void *mem;

	for (i = 0; i < SPARES; i++) {
		mem = xchg(&spares[(first + i) % SPARES], NULL);
		if (mem)
			return mem;
	}
	return NULL;
}

void torture_refill(struct rnd_state *random)
{
	void **spare = &spares[chance(random, SPARES)];
	void *mem;

	if (READ_ONCE(*spare))
		return;
	mem = kmalloc(sizeof(struct object) + SPARE_BYTES, GFP_KERNEL);
	if (mem && cmpxchg(spare, NULL, mem))
		kfree(mem);
}

static DEFINE_PER_CPU(u32, lot); /* on s390, not within a function */

/*
 * Whether this allocation should fail. An interrupt may call this, so the random numbers are per
 * CPU.
 */
static bool fails(struct place *place)
{
	u32 n;

	if (!torture_fail)
		return false;
	n = this_cpu_add_return(lot, 0x9e3779b9) ^ (u32)place->serial;
	return (n >> 8) % 1000 < torture_fail;
}

static void *object_alloc(gfp_t gfp, void *ctx)
{
	struct place *place = ctx;
	size_t bytes = place->params.object_bytes;
	struct object *object = NULL;

	if (fails(place))
		;
	else if (!may_allocate())
		object = bytes <= SPARE_BYTES ? take_spare() : NULL;
	/* Since 6.18, kvmalloc() tries vmalloc() even if it must not sleep; avoid it then. */
	else if (place->params.flags & PCPOOL_FREE_MAY_SLEEP && gfpflags_allow_blocking(gfp))
		object = kvmalloc(sizeof(*object) + bytes, gfp | __GFP_NOWARN);
	else
		object = kmalloc(sizeof(*object) + bytes, gfp | __GFP_NOWARN);
	if (!object) {
		count(alloc_fails);
		return NULL;
	}
	object->place = place;
	object->serial = place->serial;
	object->bytes = bytes;
	object->puts = 0;
	object->resets = 0;
	atomic_long_set(&object->owner, OWNER_FRESH);
	if (place->params.flags & PCPOOL_ZERO_ON_PUT)
		memset(object->data, 0, bytes);
	atomic_long_inc(&place->allocs);
	if (atomic_long_inc_return(&place->existing) > place->params.max_total &&
	    place->params.max_total)
		torture_error("%s: more objects than max_total", place->name);
	return object->data;
}

static void check_content(struct place *place, struct object *object, const char *when)
{
	size_t look = min_t(size_t, place->params.object_bytes, LOOK_BYTES);
	u8 *end = object->data + place->params.object_bytes - look;
	u8 value = object->mark;

	if (place->params.flags & PCPOOL_ZERO_ON_PUT)
		value = 0;
	else if (!object->puts)
		return;
	if (memchr_inv(object->data, value, look) || memchr_inv(end, value, look))
		torture_error("%s: %px has changed since the put, at its %s: %*ph, expected %02x",
			      place->name, object->data, when, 8, object->data, value);
}

static void check_object(struct place *place, struct object *object, const char *when)
{
	if (object->place != place || object->serial != place->serial)
		torture_error("%s: %px belongs to another pool, at its %s", place->name,
			      object->data, when);
	if (place->ops.reset && object->resets != object->puts)
		torture_error("%s: %px was put %u times and reset %u times, at its %s", place->name,
			      object->data, object->puts, object->resets, when);
	check_content(place, object, when);
}

static void object_free(void *obj, void *ctx)
{
	struct place *place = ctx;
	struct object *object = to_object(obj);
	long owner;

	if (in_hardirq() || in_nmi())
		torture_error("%s: ops->free called in an interrupt", place->name);
	if (!(place->params.flags & PCPOOL_FREE_ATOMIC))
		might_sleep();
	owner = atomic_long_xchg(&object->owner, OWNER_NONE);
	if (owner != OWNER_FRESH && owner != OWNER_IDLE)
		torture_error("%s: %px freed while owned by %ld", place->name, obj, owner);
	check_object(place, object, "free");
	atomic_long_inc(&place->frees);
	atomic_long_dec(&place->existing);
	if (place->params.flags & PCPOOL_FREE_MAY_SLEEP)
		kvfree(object);
	else
		kfree(object);
}

static void object_reset(void *obj, void *ctx)
{
	struct place *place = ctx;
	struct object *object = to_object(obj);
	long owner = atomic_long_read(&object->owner);

	if (owner != OWNER_IDLE)
		torture_error("%s: %px reset while owned by %ld", place->name, obj, owner);
	object->resets++;
}

static size_t object_bytes(const void *obj, void *ctx)
{
	return to_object((void *)obj)->bytes;
}

/* --- Change of owner ----------------------------------------------------------- */

static bool hand_over(struct place *place, struct object *object, long from, long to)
{
	long owner = atomic_long_cmpxchg_relaxed(&object->owner, from, to);

	if (owner == from)
		return true;
	torture_error("%s: %px passed from %ld to %ld, but owned by %ld", place->name,
		      object->data, from, to, owner);
	return false;
}

/* @holder has got @obj from the pool. */
bool torture_take(struct holder *holder, void *obj)
{
	struct place *place = holder->place;
	struct object *object = to_object(obj);
	long from = atomic_long_read(&object->owner);

	if (from != OWNER_FRESH)
		from = OWNER_IDLE;
	if (!hand_over(place, object, from, holder->id))
		return false;
	check_object(place, object, "get");
	if (place->params.max_object_bytes && object->bytes > place->params.max_object_bytes)
		torture_error("%s: %px has %zu bytes, more than max_object_bytes", place->name, obj,
			      object->bytes);
	if (place->params.flags & PCPOOL_ZERO_ON_PUT)
		memset(obj, holder->id | 1, place->params.object_bytes);
	this_cpu_inc(place->counts->gets);
	count(gets);
	return true;
}

/* @holder is about to put @obj. */
void torture_give(struct holder *holder, void *obj)
{
	struct place *place = holder->place;
	struct object *object = to_object(obj);
	size_t look = min_t(size_t, place->params.object_bytes, LOOK_BYTES);

	object->puts++;
	object->mark = prandom_u32_state(&holder->random);
	memset(object->data, object->mark, look);
	memset(object->data + place->params.object_bytes - look, object->mark, look);
	hand_over(place, object, holder->id, OWNER_IDLE);
	this_cpu_inc(place->counts->puts);
	count(puts);
}

/*
 * Leaves @obj, unless it is NULL, in a mailbox for another holder; returns the object found
 * there.
 */
void *torture_mail(struct holder *holder, void *obj)
{
	struct place *place = holder->place;

	if (obj)
		hand_over(place, to_object(obj), holder->id, OWNER_MAILED);
	obj = xchg(&place->mail[chance(&holder->random, MAILBOXES)], obj);
	if (obj)
		hand_over(place, to_object(obj), OWNER_MAILED, holder->id);
	return obj;
}

void torture_grow(struct holder *holder, void *obj)
{
	if (holder->place->params.max_object_bytes)
		to_object(obj)->bytes = holder->place->params.max_object_bytes + 1;
}

/* --- Places --------------------------------------------------------------------- */

/*
 * Enters a random place. Its pool exists until the caller leaves it. Returns NULL if it has no
 * pool.
 */
struct place *torture_place_enter(struct rnd_state *random)
{
	struct place *place = &places[chance(random, pools)];

	return percpu_ref_tryget_live(&place->ref) ? place : NULL;
}

void torture_place_leave(struct place *place)
{
	percpu_ref_put(&place->ref);
}

static void place_is_unused(struct percpu_ref *ref)
{
	complete(&container_of(ref, struct place, ref)->unused);
}

/* Chooses one of the numbers; the first one is as likely as all others together. */
#define one_of(random, usual, ...) ({							\
	static const unsigned long __others[] = { __VA_ARGS__ };			\
											\
	chance(random, 2) ? (usual) : __others[chance(random, ARRAY_SIZE(__others))];	\
})

static void choose_params(struct place *place, struct rnd_state *random)
{
	struct pcpool_params *p = &place->params;

	memset(p, 0, sizeof(*p));
	snprintf(place->name, sizeof(place->name), "torture-%lu", ++serial);
	place->serial = serial;
	p->name = place->name;
	p->ops = &place->ops;
	p->ctx = place;
	p->object_bytes = one_of(random, 200, 1, 8, 64, 1000, SPARE_BYTES);
	p->private_slots = one_of(random, 0, 1, 2, 3, 8, PCPOOL_PRIVATE_SLOTS_MAX);
	p->steal = one_of(random, PCPOOL_STEAL_ALL, PCPOOL_STEAL_NODE, PCPOOL_STEAL_NONE);
	p->flags = one_of(random, 0, PCPOOL_ZERO_ON_PUT, PCPOOL_PLAIN, PCPOOL_BYPASS,
			  PCPOOL_FREE_MAY_SLEEP, PCPOOL_FREE_MAY_SLEEP | PCPOOL_ZERO_ON_PUT);
	/* object_free() is safe anywhere, unless it may have to vfree(). */
	if (!(p->flags & PCPOOL_FREE_MAY_SLEEP) && chance(random, 2))
		p->flags |= PCPOOL_FREE_ATOMIC;
	p->max_idle = one_of(random, 0, 1, 3, 10, 100, 1000);
	p->max_total = one_of(random, 0, 1, 3, 10, 100, 1000);
	if (!chance(random, 4))
		p->reserve = 1 + chance(random, 8);
	if (p->max_idle)
		p->reserve = min(p->reserve, p->max_idle);
	if (p->max_total)
		p->reserve = min(p->reserve, p->max_total);
	if (p->flags & PCPOOL_FREE_MAY_SLEEP && !chance(random, 4))
		p->object_bytes = 5 * PAGE_SIZE;

	place->ops = (struct pcpool_ops){ .alloc = object_alloc, .free = object_free };
	if (chance(random, 2))
		place->ops.reset = object_reset;
	if (!chance(random, 4)) {
		place->ops.bytes = object_bytes;
		p->max_object_bytes = p->object_bytes + chance(random, 100);
	}
}

static int open_place(struct place *place, struct rnd_state *random)
{
	struct pcpool *pool;
	int cpu;

	choose_params(place, random);
	atomic_long_set(&place->existing, 0);
	atomic_long_set(&place->allocs, 0);
	atomic_long_set(&place->frees, 0);
	for_each_possible_cpu(cpu)
		*per_cpu_ptr(place->counts, cpu) = (struct counts){};

	pool = pcpool_create(&place->params);
	if (IS_ERR(pool)) {
		place->pool = NULL;
		if (PTR_ERR(pool) != -ENOMEM)
			torture_error("%s: creation failed: %pe", place->name, pool);
		if (atomic_long_read(&place->existing))
			torture_error("%s: creation failed, but left %ld objects", place->name,
				      atomic_long_read(&place->existing));
		count(creates_failed);
		return PTR_ERR(pool);
	}
	place->pool = pool;
	count(pools);
	reinit_completion(&place->unused);
	WRITE_ONCE(place->closing, false);
	percpu_ref_reinit(&place->ref);
	return 0;
}

/* Whether the counters of pcpool add up, and agree with those of this module. */
static bool counters_add_up(struct place *place, const struct pcpool_pool_stats *s)
{
	unsigned long gets = 0, puts = 0;
	u64 idle = s->idle_main + s->idle_victim;
	int cpu;

	for_each_possible_cpu(cpu) {
		gets += per_cpu_ptr(place->counts, cpu)->gets;
		puts += per_cpu_ptr(place->counts, cpu)->puts;
	}
	return s->gets == s->hit_private + s->hit_shared + s->hit_steal + s->hit_victim +
			  s->miss + s->alloc_fail &&
	       s->gets - s->alloc_fail == gets && s->puts == puts && gets == puts &&
	       s->allocs == atomic_long_read(&place->allocs) &&
	       s->frees == atomic_long_read(&place->frees) &&
	       s->allocs == s->frees + idle && !s->outstanding && !s->waiting &&
	       idle == atomic_long_read(&place->existing) && !s->misuses &&
	       s->frees == s->evicted + s->drop_full + s->drop_oversize + s->drop_other &&
	       (!s->max_idle || idle <= s->max_idle);
}

/* Called when the pool has no users, but its worker may still be busy. */
static void check_counters(struct place *place)
{
	/* Allow time for the worker. */
	unsigned long end = jiffies + torture_stalled * HZ;
	struct pcpool_pool_stats s;

	do {
		pcpool_stats(place->pool, &s);
		if (counters_add_up(place, &s))
			return;
		msleep(1);
	} while (time_before(jiffies, end));
	torture_error("%s: gets %llu = %llu + %llu + %llu + %llu + miss %llu + fail %llu; puts %llu",
		      place->name, s.gets, s.hit_private, s.hit_shared, s.hit_steal, s.hit_victim,
		      s.miss, s.alloc_fail, s.puts);
	torture_error("%s: allocs %llu, %ld here; frees %llu, %ld here = %llu + %llu + %llu + %llu",
		      place->name, s.allocs, atomic_long_read(&place->allocs), s.frees,
		      atomic_long_read(&place->frees), s.evicted, s.drop_full, s.drop_oversize,
		      s.drop_other);
	torture_error("%s: idle %llu + %llu of %llu, outstanding %llu, waiting %llu, misuses %llu; here %ld exist",
		      place->name, s.idle_main, s.idle_victim, s.max_idle, s.outstanding, s.waiting,
		      s.misuses, atomic_long_read(&place->existing));
}

/* The second aging pass frees all objects that were idle, except the reserve. */
static void check_aging(struct place *place)
{
	struct pcpool_pool_stats s;

	pcpool_age(place->pool);
	pcpool_age(place->pool);
	pcpool_stats(place->pool, &s);
	if (s.idle_main + s.idle_victim != s.idle_reserve)
		torture_error("%s: idle after two aging passes: %llu + %llu, %llu of it in reserve",
			      place->name, s.idle_main, s.idle_victim, s.idle_reserve);
	check_counters(place);
}

/* Puts the objects left in the mailboxes, on behalf of a temporary holder. */
static void empty_mail(struct place *place, struct rnd_state *random)
{
	struct holder holder = { .id = OWNER_MAILED, .place = place };
	unsigned int i;

	prandom_seed_state(&holder.random, prandom_u32_state(random));
	for (i = 0; i < MAILBOXES; i++) {
		void *obj = xchg(&place->mail[i], NULL);

		if (!obj)
			continue;
		torture_give(&holder, obj);
		pcpool_put(place->pool, obj);
	}
}

static void close_place(struct place *place, struct rnd_state *random)
{
	if (!place->pool)
		return;
	WRITE_ONCE(place->closing, true);
	percpu_ref_kill(&place->ref);
	if (!wait_for_completion_timeout(&place->unused, torture_stalled * HZ)) {
		torture_error("%s: a holder does not leave the pool", place->name);
		wait_for_completion(&place->unused);
	}
	empty_mail(place, random);
	check_counters(place);
	if (chance(random, 2))
		check_aging(place);
	pcpool_destroy(place->pool);
	place->pool = NULL;
	if (atomic_long_read(&place->existing))
		torture_error("%s: %ld objects are left after pcpool_destroy()", place->name,
			      atomic_long_read(&place->existing));
}

/* Destroys the pool of a random place, and creates another one there. */
void torture_place_renew(struct rnd_state *random)
{
	struct place *place = &places[chance(random, pools)];

	mutex_lock(&renewing);
	close_place(place, random);
	torture_inject_faults(torture_inject && !chance(random, 4));
	open_place(place, random);
	torture_inject_faults(false);
	mutex_unlock(&renewing);
}

void torture_pools_exit(void)
{
	struct rnd_state random;
	unsigned int i;

	torture_seed(&random);
	for (i = 0; i < pools && places[i].counts; i++) {
		close_place(&places[i], &random);
		percpu_ref_exit(&places[i].ref);
		free_percpu(places[i].counts);
	}
	kvfree(places);
	for (i = 0; i < SPARES; i++)
		kfree(spares[i]);
}

int torture_pools_init(void)
{
	struct rnd_state random;
	unsigned int i;
	int err = -ENOMEM;

	if (!pools) {
		pr_err("pools must be at least 1\n");
		return -EINVAL;
	}
	places = kvcalloc(pools, sizeof(*places), GFP_KERNEL);
	if (!places)
		return -ENOMEM;
	torture_seed(&random);
	for (i = 0; i < SPARES; i++)
		torture_refill(&random);
	for (i = 0; i < pools; i++) {
		struct place *place = &places[i];

		init_completion(&place->unused);
		err = percpu_ref_init(&place->ref, place_is_unused,
				      PERCPU_REF_INIT_DEAD | PERCPU_REF_ALLOW_REINIT, GFP_KERNEL);
		if (err)
			break;
		place->counts = alloc_percpu(struct counts);
		if (!place->counts) {
			percpu_ref_exit(&place->ref);
			err = -ENOMEM;
			break;
		}
		err = open_place(place, &random);
		if (err)
			break;
	}
	if (err)
		torture_pools_exit();
	return err;
}
