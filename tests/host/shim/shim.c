// SPDX-License-Identifier: GPL-2.0
/*
 * The parts of the shim that are more than a single instruction. Nothing in here may order the
 * threads under test more than the kernel would, or ThreadSanitizer would miss races. So there
 * are no locks, and no acquire or release that RCU does not need.
 */
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/irqflags.h>
#include <linux/rcupdate.h>

__thread struct shim_this shim_this;

/* xorshift64* */
uint32_t shim_random(void)
{
	uint64_t x = shim_this.random;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	shim_this.random = x;
	return x * 0x2545f4914f6cdd1dULL >> 32;
}

void shim_seed(uint64_t seed)
{
	shim_this.random = (seed + 1) * 0x9e3779b97f4a7c15ULL;
	shim_random();
}

static void rearm(void)
{
	shim_this.armed = shim_this.hook || shim_this.delay_mask;
}

void shim_arm(unsigned int points, void (*hook)(void))
{
	shim_this.countdown = points;
	shim_this.hook = hook;
	rearm();
}

bool shim_disarm(void)
{
	bool pending = shim_this.hook;

	shim_this.hook = NULL;
	rearm();
	return pending;
}

void shim_delays(unsigned int mask, unsigned int us)
{
	shim_this.delay_mask = mask;
	shim_this.delay_us = us;
	rearm();
}

static void give_way(void)
{
	unsigned int dice = shim_random() % 16, n = shim_random() % 256;

	if (!dice && shim_this.delay_us)
		usleep(shim_random() % shim_this.delay_us);
	else if (dice < 8)
		sched_yield();
	else
		while (n--)
			__asm__ volatile("");
}

void shim_point_slow(void)
{
	void (*hook)(void) = shim_this.hook;

	if (hook && !shim_this.countdown--) {
		shim_disarm();
		hook();
	}
	if (shim_this.delay_mask && !(shim_random() & shim_this.delay_mask))
		give_way();
}

/*
 * The allocator. malloc() is not reentrant, and an interrupt may allocate, so interrupts are
 * disabled around it. Freed memory is overwritten, for builds without a sanitizer.
 */

static long live;

#ifdef SHIM_NATIVE
#define count_live(n)		((void)&live)
#define overwrite(p)		((void)(p))
#else
#define count_live(n)		__atomic_fetch_add(&live, (n), __ATOMIC_RELAXED)

static void overwrite(void *p)
{
	memset(p, 0x6b, malloc_usable_size(p));
	/* Otherwise the compiler removes the store, as freed memory is never read. */
	__asm__ volatile("" : : "r"(p) : "memory");
}
#endif

static void *alloc(void *(*how)(size_t), size_t size)
{
	unsigned long flags;
	void *p;

	if (shim_this.fail_allocs) {
		shim_this.fail_allocs--;
		return NULL;
	}
	local_irq_save(flags);
	p = how(size);
	local_irq_restore(flags);
	if (p)
		count_live(1);
	return p;
}

static void *cleared(size_t size)
{
	return calloc(1, size);
}

void *shim_zalloc(size_t size)
{
	return alloc(cleared, size);
}

void *shim_malloc(size_t size)
{
	return alloc(malloc, size);
}

void shim_free(void *p)
{
	unsigned long flags;

	if (!p)
		return;
	overwrite(p);
	local_irq_save(flags);
	free(p);
	local_irq_restore(flags);
	count_live(-1);
}

long shim_live(void)
{
	return __atomic_load_n(&live, __ATOMIC_RELAXED);
}

/*
 * RCU. A reader stores the number of the current grace period in its own counter. The thread
 * that waits for a grace period begins a new one, then waits until each counter is 0 or at
 * least the new number. Both sides access a counter by a read-modify-write, so one of the two
 * comes first. If the reader's does, the waiting thread sees the reader and waits. If the
 * waiting thread's does, the reader acquires from it and sees everything unlinked. This holds
 * in C11 without a fence, which ThreadSanitizer would not understand.
 *
 * (liburcu supports ThreadSanitizer since 0.15; Debian 12 has 0.13.)
 */
struct reader {
	unsigned long period;
	unsigned int nesting;
	struct reader *next;
};

static __thread struct reader *self;
static struct reader *readers;		/* never shortened */
static unsigned long current_period = 1;
static struct rcu_head *callbacks;
static unsigned long queued, done;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static sem_t work;			/* one post for each time that callbacks was empty */

/* A pause between grace periods, each of which orders all threads to some extent. */
#define GRACE_PERIOD_PAUSE_US	500

static void register_reader(void)
{
	struct reader *next = __atomic_load_n(&readers, __ATOMIC_RELAXED);

	self = calloc(1, sizeof(*self));
	if (!self)
		abort();
	do {
		self->next = next;
	} while (!__atomic_compare_exchange_n(&readers, &next, self, false,
					      __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
}

void shim_rcu_enter(void)
{
	if (!self)
		register_reader();
	if (self->nesting++)
		return;
	__atomic_exchange_n(&self->period,
			    __atomic_load_n(&current_period, __ATOMIC_ACQUIRE),
			    __ATOMIC_ACQ_REL);
}

void shim_rcu_exit(void)
{
	if (!--self->nesting)
		__atomic_store_n(&self->period, 0, __ATOMIC_RELEASE);
}

/* Like exit and enter, but cheaper if no grace period waits for this reader. */
void shim_rcu_quiescent(void)
{
	unsigned long period = __atomic_load_n(&current_period, __ATOMIC_ACQUIRE);

	if (self->nesting == 1 &&
	    period != __atomic_load_n(&self->period, __ATOMIC_RELAXED))
		__atomic_exchange_n(&self->period, period, __ATOMIC_ACQ_REL);
}

void shim_idle_enter(void)
{
	unsigned long flags;

	if (!shim_this.self)
		return;
	local_irq_save(flags);
	shim_rcu_exit();
	local_irq_restore(flags);
}

void shim_idle_exit(void)
{
	unsigned long flags;

	if (!shim_this.self)
		return;
	local_irq_save(flags);
	shim_rcu_enter();
	local_irq_restore(flags);
}

static void wait_for_readers(void)
{
	unsigned long period = __atomic_add_fetch(&current_period, 1,
						  __ATOMIC_ACQ_REL);
	unsigned long seen;
	struct reader *r;

	for (r = __atomic_fetch_add(&readers, 0, __ATOMIC_ACQ_REL); r; r = r->next) {
		while ((seen = __atomic_fetch_add(&r->period, 0, __ATOMIC_ACQ_REL)) &&
		       seen < period)
			usleep(20);
	}
}

static void *reclaimer(void *unused)
{
	struct rcu_head *head, *next;

	(void)unused;
	for (;;) {
		/* Sleeps while there is nothing to do, so that it disturbs no measurement. */
		while (sem_wait(&work))
			;
		usleep(GRACE_PERIOD_PAUSE_US);
		head = __atomic_exchange_n(&callbacks, NULL, __ATOMIC_ACQUIRE);
		if (!head)
			continue;
		wait_for_readers();
		for (; head; head = next) {
			next = head->next;
			head->func(head);
			__atomic_fetch_add(&done, 1, __ATOMIC_RELEASE);
		}
	}
	return NULL;
}

static void start_reclaimer(void)
{
	pthread_t thread;

	if (sem_init(&work, 0, 0) || pthread_create(&thread, NULL, reclaimer, NULL))
		abort();
	pthread_detach(thread);
}

void shim_rcu_start(void)
{
	pthread_once(&once, start_reclaimer);
}

void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head))
{
	struct rcu_head *next = __atomic_load_n(&callbacks, __ATOMIC_RELAXED);

	shim_point();
	if (shim_this.in_nmi)
		fail("call_rcu() in NMI");
	if (head->func)
		fail("call_rcu() twice on one object");
	shim_rcu_start();
	__atomic_fetch_add(&queued, 1, __ATOMIC_RELAXED);
	head->func = func;
	do {
		head->next = next;
	} while (!__atomic_compare_exchange_n(&callbacks, &next, head, false,
					      __ATOMIC_RELEASE, __ATOMIC_RELAXED));
	if (!next)
		sem_post(&work);
}

void rcu_barrier(void)
{
	unsigned long all = __atomic_load_n(&queued, __ATOMIC_RELAXED);

	shim_idle_enter();
	while (__atomic_load_n(&done, __ATOMIC_ACQUIRE) < all)
		usleep(20);
	shim_idle_exit();
}
