// SPDX-License-Identifier: GPL-2.0
/*
 * CPUs, and the kernel facilities that need them: per-CPU memory, interrupts between CPUs,
 * irq_work, workqueues, CPU hotplug. Mutexes and shrinkers are here too, because RCU must know
 * when a CPU waits.
 *
 * An interrupt is a signal. Its handler may run between any two instructions of its thread.
 * Functions that are not async-signal-safe (malloc(), mutexes) are therefore called by tasks
 * only, and malloc() with interrupts disabled.
 *
 * Calls from other CPUs and irq_work are queued for a CPU on lists. Any thread adds to such a
 * list by compare-and-exchange. The CPU takes the whole list.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#ifdef __x86_64__
#include <asm/prctl.h>
#endif
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, size)
#define ASAN_UNPOISON_MEMORY_REGION(p, size)
#endif

#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/cpumask.h>
#include <linux/irq_work.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/shrinker.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/topology.h>
#include <linux/workqueue.h>

#include "cpus.h"

#define INTERRUPT_SIGNAL	SIGRTMIN

/* A function to call on another CPU, in an interrupt. */
struct call {
	struct call *next;
	void (*func)(void *info);
	void *info;
	bool done;
};

/**
 * struct shim_cpu - a CPU
 * @thread: the thread that is the CPU
 * @wake: posted when there is something to do; may be posted once too often
 * @finished: posted when @job has returned
 * @job: the function to run
 * @stop: the thread is to end
 * @calls: functions that other CPUs want called, see struct call
 * @irq_works: irq_work that was queued by this CPU
 * @interrupt: shim_set_interrupt()'s function is to be called
 * @work_lock: protects @works
 * @works: queued work
 * @running: the work whose function is running
 */
struct shim_cpu {
	pthread_t thread;
	sem_t wake;
	sem_t finished;
	void (*job)(unsigned int cpu);
	bool stop;
	struct call *calls;
	struct irq_work *irq_works;
	bool interrupt;
	spinlock_t work_lock;
	struct list_head works;
	struct work_struct *running;
};

static struct shim_cpu cpus[NR_CPUS];
static void (*interrupt_fn)(void);

unsigned int nr_cpu_ids;
struct cpumask shim_online;
const struct cpumask shim_possible = { { -1UL } };
int shim_node[NR_CPUS];

unsigned int shim_next_cpu(const struct cpumask *mask, unsigned int cpu)
{
	unsigned long bits;

	if (cpu >= nr_cpu_ids)
		return nr_cpu_ids;
	bits = READ_ONCE(mask->bits[0]) >> cpu;
	return bits ? min(cpu + __builtin_ctzl(bits), nr_cpu_ids) : nr_cpu_ids;
}

/* Per-CPU memory */

/* __percpu pointers point into the first area, which belongs to no CPU and is not accessible. */
static char percpu[(NR_CPUS + 1) * SHIM_PERCPU_BYTES]
	__attribute__((aligned(SHIM_PERCPU_BYTES)));
unsigned long __per_cpu_offset[NR_CPUS];

/* The allocated areas, ordered by address. */
struct percpu_chunk {
	struct percpu_chunk *next;
	size_t start, size;
};

static struct percpu_chunk *percpu_chunks;
static pthread_mutex_t percpu_lock = PTHREAD_MUTEX_INITIALIZER;

static void percpu_init(void)
{
	unsigned int cpu;

	/* AddressSanitizer poisons it instead, and must be able to read it to look for leaks. */
#ifndef __SANITIZE_ADDRESS__
	if (mprotect(percpu, SHIM_PERCPU_BYTES, PROT_NONE))
		fail("mprotect: %m");
#endif
	for (cpu = 0; cpu < NR_CPUS; cpu++)
		__per_cpu_offset[cpu] = (cpu + 1) * SHIM_PERCPU_BYTES;
	ASAN_POISON_MEMORY_REGION(percpu, sizeof(percpu));
}

void *__alloc_percpu(size_t size, size_t align)
{
	struct percpu_chunk **link, *chunk = shim_zalloc(sizeof(*chunk));
	size_t start = 0;
	unsigned int cpu;

	if (!chunk)
		return NULL;
	/* Whole cache lines, so that other allocations do not change timing. */
	align = max(align, (size_t)SMP_CACHE_BYTES);
	pthread_mutex_lock(&percpu_lock);
	for (link = &percpu_chunks; *link; link = &(*link)->next) {
		if (start + size <= (*link)->start)
			break;
		start = ALIGN((*link)->start + (*link)->size, align);
	}
	if (start + size > SHIM_PERCPU_BYTES)
		fail("out of per-CPU memory");
	*chunk = (struct percpu_chunk){ *link, start, size };
	*link = chunk;
	for (cpu = 0; cpu < nr_cpu_ids; cpu++) {
		char *p = percpu + start + __per_cpu_offset[cpu];

		ASAN_UNPOISON_MEMORY_REGION(p, size);
		memset(p, 0, size);
	}
	pthread_mutex_unlock(&percpu_lock);
	return percpu + start;
}

void free_percpu(void *p)
{
	struct percpu_chunk **link, *chunk;
	unsigned int cpu;

	if (!p)
		return;
	pthread_mutex_lock(&percpu_lock);
	for (link = &percpu_chunks; *link; link = &(*link)->next) {
		if ((*link)->start == (size_t)((char *)p - percpu))
			break;
	}
	chunk = *link;
	if (!chunk)
		fail("free_percpu() of memory that is not allocated");
	*link = chunk->next;
	for (cpu = 0; cpu < nr_cpu_ids; cpu++) {
		char *mine = per_cpu_ptr((char *)p, cpu);

#ifndef SHIM_NATIVE
		memset(mine, 0x6b, chunk->size);
#endif
		ASAN_POISON_MEMORY_REGION(mine, chunk->size);
		(void)mine;
	}
	pthread_mutex_unlock(&percpu_lock);
	shim_free(chunk);
}

/* Interrupts */

static void run_calls(struct shim_cpu *cpu)
{
	struct call *call = __atomic_exchange_n(&cpu->calls, NULL, __ATOMIC_ACQUIRE), *next;

	for (; call; call = next) {
		next = call->next;
		call->func(call->info);
		/* The caller may reuse @call from here on. */
		__atomic_store_n(&call->done, true, __ATOMIC_RELEASE);
	}
}

static void run_irq_works(struct shim_cpu *cpu)
{
	struct irq_work *work = __atomic_exchange_n(&cpu->irq_works, NULL, __ATOMIC_ACQUIRE), *next;
	unsigned int once;

	for (; work; work = next) {
		next = work->next;
		/* Can be queued again from here on. */
		__atomic_store_n(&work->busy, 1, __ATOMIC_SEQ_CST);
		work->func(work);
		once = 1;
		__atomic_compare_exchange_n(&work->busy, &once, 0, false,
					    __ATOMIC_RELEASE, __ATOMIC_RELAXED);
	}
}

/* Call with interrupts enabled. Also handles interrupts that come while it runs. */
void shim_take_interrupts(void)
{
	struct shim_cpu *cpu = shim_this.self;

	do {
		shim_this.irqs_off = true;
		barrier();
		shim_this.irq_pending = false;
		barrier();
		shim_this.preempt_count += HARDIRQ_OFFSET;
		shim_rcu_enter();
		run_calls(cpu);
		run_irq_works(cpu);
		if (__atomic_exchange_n(&cpu->interrupt, false, __ATOMIC_ACQUIRE) && interrupt_fn) {
			interrupt_fn();
			run_irq_works(cpu);
		}
		shim_rcu_exit();
		shim_this.preempt_count -= HARDIRQ_OFFSET;
		barrier();
		shim_this.irqs_off = false;
		barrier();
	} while (shim_this.irq_pending);
}

static void on_signal(int signal)
{
	int saved = errno;

	(void)signal;
	shim_this.irq_pending = true;
	barrier();
	if (!shim_this.irqs_off)
		shim_take_interrupts();
	errno = saved;
}

static void send_interrupt(struct shim_cpu *cpu)
{
	if (pthread_kill(cpu->thread, INTERRUPT_SIGNAL))
		fail("pthread_kill: %m");
}

void shim_set_interrupt(void (*fn)(void))
{
	interrupt_fn = fn;
}

void shim_interrupt(unsigned int cpu)
{
	/* Not if one is still pending. */
	if (!__atomic_exchange_n(&cpus[cpu].interrupt, true, __ATOMIC_RELEASE))
		send_interrupt(&cpus[cpu]);
}

void on_each_cpu_cond_mask(bool (*cond)(int cpu, void *info), void (*func)(void *info),
			   void *info, bool wait, const struct cpumask *mask)
{
	struct call calls[NR_CPUS];
	unsigned long called = 0, flags;
	bool here = false;
	unsigned int cpu;

	if (!wait || irqs_disabled())
		fail("on_each_cpu_cond_mask() without waiting, or with interrupts disabled");
	preempt_disable();
	for_each_cpu(cpu, mask) {
		struct call *call = &calls[cpu], *next;
		struct shim_cpu *to = &cpus[cpu];

		if (!cond(cpu, info))
			continue;
		if (cpu == shim_this.cpu) {
			here = true;
			continue;
		}
		called |= 1UL << cpu;
		*call = (struct call){ .func = func, .info = info };
		next = __atomic_load_n(&to->calls, __ATOMIC_RELAXED);
		do {
			call->next = next;
		} while (!__atomic_compare_exchange_n(&to->calls, &next, call, false,
						      __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
		if (!next)
			send_interrupt(to);
	}
	if (here) {
		local_irq_save(flags);
		func(info);
		local_irq_restore(flags);
	}
	for (cpu = 0; cpu < nr_cpu_ids; cpu++) {
		/* The other thread may need this CPU of the machine to run. */
		while (called >> cpu & 1 &&
		       !__atomic_load_n(&calls[cpu].done, __ATOMIC_ACQUIRE))
			sched_yield();
	}
	preempt_enable();
}

/* irq_work: an interrupt on the same CPU, taken as soon as interrupts are enabled. */

bool irq_work_queue(struct irq_work *work)
{
	struct shim_cpu *cpu = shim_this.self;
	struct irq_work *next;
	unsigned long flags;

	if (__atomic_exchange_n(&work->busy, 2, __ATOMIC_ACQ_REL) == 2)
		return false;
	next = __atomic_load_n(&cpu->irq_works, __ATOMIC_RELAXED);
	do {
		work->next = next;
	} while (!__atomic_compare_exchange_n(&cpu->irq_works, &next, work, false,
					      __ATOMIC_RELEASE, __ATOMIC_RELAXED));
	local_irq_save(flags);
	shim_this.irq_pending = true;
	local_irq_restore(flags);
	return true;
}

void irq_work_sync(struct irq_work *work)
{
	while (__atomic_load_n(&work->busy, __ATOMIC_ACQUIRE))
		sched_yield();
}

/*
 * Workqueues. In the kernel a worker is a task of its own. Here the CPU's thread calls the work
 * function, in shim_schedule(), where it holds no lock.
 */

struct workqueue_struct *alloc_workqueue(const char *name, unsigned int flags, int max_active)
{
	(void)name;
	(void)flags;
	(void)max_active;
	return shim_zalloc(1);
}

void destroy_workqueue(struct workqueue_struct *queue)
{
	shim_free(queue);
}

bool queue_work_on(int cpu, struct workqueue_struct *queue, struct work_struct *work)
{
	struct shim_cpu *on = &cpus[cpu];
	int none = -1;
	unsigned long flags;

	(void)queue;
	if (!__atomic_compare_exchange_n(&work->cpu, &none, cpu, false,
					 __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		return false;
	spin_lock_irqsave(&on->work_lock, flags);
	list_add_tail(&work->entry, &on->works);
	spin_unlock_irqrestore(&on->work_lock, flags);
	sem_post(&on->wake);
	return true;
}

/* Take the first work off the list. It can be queued again from then on. */
static struct work_struct *next_work(struct shim_cpu *cpu)
{
	struct work_struct *work = NULL;
	unsigned long flags;

	if (__atomic_load_n(&cpu->works.next, __ATOMIC_RELAXED) == &cpu->works)
		return NULL;
	spin_lock_irqsave(&cpu->work_lock, flags);
	if (!list_empty(&cpu->works)) {
		work = list_entry(cpu->works.next, struct work_struct, entry);
		list_del(&work->entry);
		__atomic_store_n(&cpu->running, work, __ATOMIC_RELAXED);
		__atomic_store_n(&work->cpu, -1, __ATOMIC_RELEASE);
	}
	spin_unlock_irqrestore(&cpu->work_lock, flags);
	return work;
}

static void do_work(struct shim_cpu *cpu)
{
	struct work_struct *work;

	while ((work = next_work(cpu))) {
		work->func(work);
		__atomic_store_n(&cpu->running, NULL, __ATOMIC_RELEASE);
	}
}

bool cancel_work_sync(struct work_struct *work)
{
	int cpu = __atomic_load_n(&work->cpu, __ATOMIC_ACQUIRE);
	bool pending = false;
	unsigned long flags;

	if (cpu >= 0) {
		spin_lock_irqsave(&cpus[cpu].work_lock, flags);
		pending = __atomic_load_n(&work->cpu, __ATOMIC_ACQUIRE) >= 0;
		if (pending) {
			list_del(&work->entry);
			__atomic_store_n(&work->cpu, -1, __ATOMIC_RELEASE);
		}
		spin_unlock_irqrestore(&cpus[cpu].work_lock, flags);
	}
	for (cpu = 0; cpu < (int)nr_cpu_ids; cpu++) {
		/* The work may wait for a mutex, but not for one that the caller holds. */
		while (&cpus[cpu] != shim_this.self &&
		       __atomic_load_n(&cpus[cpu].running, __ATOMIC_ACQUIRE) == work)
			sched_yield();
	}
	return pending;
}

bool queue_delayed_work(struct workqueue_struct *queue, struct delayed_work *work,
			unsigned long delay)
{
	(void)queue;
	(void)work;
	fail("the shim has no delayed work (%lu jiffies)", delay);
	return false;
}

bool cancel_delayed_work_sync(struct delayed_work *work)
{
	(void)work;
	return false;
}

void cond_resched(void)
{
	might_sleep();
	shim_rcu_quiescent();
}

void shim_schedule(void)
{
	cond_resched();
	do_work(shim_this.self);
}

/*
 * Waits for a lock. @trylock is 0 if it took the lock. ThreadSanitizer delivers signals to a
 * thread that sleeps, but not to one that waits for a lock. As the holder of the lock may wait
 * for an interrupt on this CPU, sleep.
 */
#define LOCK_PAUSE_US	20

#define wait_for_lock(trylock) do {		\
	if (!(trylock))				\
		break;				\
	shim_idle_enter();			\
	while (trylock)				\
		usleep(LOCK_PAUSE_US);		\
	shim_idle_exit();			\
} while (0)

void shim_sleep_us(unsigned int us)
{
	struct timespec left = { us / 1000000, us % 1000000 * 1000 };

	shim_idle_enter();
	while (nanosleep(&left, &left))
		;
	shim_idle_exit();
}

void mutex_init(struct mutex *lock)
{
	pthread_mutex_init(&lock->mutex, NULL);
}

bool mutex_trylock(struct mutex *lock)
{
	return !pthread_mutex_trylock(&lock->mutex);
}

void mutex_lock(struct mutex *lock)
{
	might_sleep();
	wait_for_lock(!mutex_trylock(lock));
}

void mutex_unlock(struct mutex *lock)
{
	pthread_mutex_unlock(&lock->mutex);
}

__thread struct task_struct shim_task;

long schedule_timeout(long timeout)
{
	while (timeout && __atomic_load_n(&shim_task.state, __ATOMIC_ACQUIRE) != TASK_RUNNING) {
		/* In the kernel, the worker would run meanwhile. */
		shim_schedule();
		shim_sleep_us(1000);
		if (timeout != MAX_SCHEDULE_TIMEOUT)
			timeout--;
	}
	__set_current_state(TASK_RUNNING);
	return timeout;
}

/* CPU hotplug */

#define HOTPLUG_STATES	4

static struct hotplug_state {
	int (*startup)(unsigned int cpu, struct hlist_node *node);
	int (*teardown)(unsigned int cpu, struct hlist_node *node);
	struct hlist_head instances;
	bool used;
} states[HOTPLUG_STATES];
static pthread_mutex_t states_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t hotplug_lock = PTHREAD_RWLOCK_INITIALIZER;

void cpus_read_lock(void)
{
	might_sleep();
	wait_for_lock(!cpus_read_trylock());
}

int cpus_read_trylock(void)
{
	return !pthread_rwlock_tryrdlock(&hotplug_lock);
}

void cpus_read_unlock(void)
{
	pthread_rwlock_unlock(&hotplug_lock);
}

unsigned int shim_present;

int cpuhp_setup_state_multi(enum cpuhp_state state, const char *name,
			    int (*startup)(unsigned int cpu, struct hlist_node *node),
			    int (*teardown)(unsigned int cpu, struct hlist_node *node))
{
	int i;

	(void)state;
	(void)name;
	for (i = 0; i < HOTPLUG_STATES; i++) {
		if (!states[i].used) {
			states[i] = (struct hotplug_state){
				.startup = startup, .teardown = teardown, .used = true
			};
			return i;
		}
	}
	return -ENOSPC;
}

void cpuhp_remove_multi_state(enum cpuhp_state state)
{
	if (states[state].instances.first)
		fail("a hotplug state is removed, but still has instances");
	states[state].used = false;
}

int cpuhp_state_add_instance(enum cpuhp_state state, struct hlist_node *node)
{
	unsigned int cpu;

	cpus_read_lock();
	for_each_online_cpu(cpu)
		states[state].startup(cpu, node);
	pthread_mutex_lock(&states_lock);
	hlist_add_head(node, &states[state].instances);
	pthread_mutex_unlock(&states_lock);
	cpus_read_unlock();
	return 0;
}

int cpuhp_state_remove_instance_nocalls(enum cpuhp_state state, struct hlist_node *node)
{
	(void)state;
	cpus_read_lock();
	pthread_mutex_lock(&states_lock);
	hlist_del(node);
	pthread_mutex_unlock(&states_lock);
	cpus_read_unlock();
	return 0;
}

static void nothing(unsigned int cpu)
{
	(void)cpu;
}

static void call_states(unsigned int cpu, bool online)
{
	int (*callback)(unsigned int cpu, struct hlist_node *node);
	struct hlist_node *node;
	int i;

	for (i = 0; i < HOTPLUG_STATES; i++) {
		callback = online ? states[i].startup : states[i].teardown;
		for (node = states[i].instances.first; callback && node; node = node->next)
			callback(cpu, node);
	}
}

void shim_cpu_set_online(unsigned int cpu, bool online)
{
	wait_for_lock(pthread_rwlock_trywrlock(&hotplug_lock));
	if (online && !cpumask_test_cpu(cpu, &shim_online)) {
		call_states(cpu, true);
		cpumask_set_cpu(cpu, &shim_online);
	} else if (!online) {
		/* All work that was queued before runs before this. */
		shim_on_cpus(cpu, 1, nothing);
		cpumask_clear_cpu(cpu, &shim_online);
		call_states(cpu, false);
	}
	pthread_rwlock_unlock(&hotplug_lock);
}

/* Shrinkers */

static LIST_HEAD(shrinkers);
static pthread_mutex_t shrinkers_lock = PTHREAD_MUTEX_INITIALIZER;

struct shrinker *shrinker_alloc(unsigned int flags, const char *format, ...)
{
	(void)flags;
	(void)format;
	return shim_zalloc(sizeof(struct shrinker));
}

void shrinker_register(struct shrinker *shrinker)
{
	wait_for_lock(pthread_mutex_trylock(&shrinkers_lock));
	list_add_tail(&shrinker->list, &shrinkers);
	pthread_mutex_unlock(&shrinkers_lock);
}

void shrinker_free(struct shrinker *shrinker)
{
	wait_for_lock(pthread_mutex_trylock(&shrinkers_lock));
	list_del(&shrinker->list);
	pthread_mutex_unlock(&shrinkers_lock);
	shim_free(shrinker);
}

unsigned long shim_shrink(unsigned long nr_to_scan)
{
	struct shrink_control sc;
	struct shrinker *shrinker;
	unsigned long freed = 0, n;

	wait_for_lock(pthread_mutex_trylock(&shrinkers_lock));
	list_for_each_entry(shrinker, &shrinkers, list) {
		sc = (struct shrink_control){ .gfp_mask = GFP_KERNEL, .nr_to_scan = nr_to_scan };
		n = shrinker->count_objects(shrinker, &sc);
		if (!n || n == SHRINK_EMPTY)
			continue;
		n = shrinker->scan_objects(shrinker, &sc);
		if (n != SHRINK_STOP)
			freed += n;
	}
	pthread_mutex_unlock(&shrinkers_lock);
	return freed;
}

/* Threads */

static void become_cpu(unsigned int index)
{
	shim_this.cpu = index;
	shim_this.self = &cpus[index];
	shim_this.percpu_offset = __per_cpu_offset[index];
#ifdef SHIM_PERCPU_GS
	if (syscall(SYS_arch_prctl, ARCH_SET_GS, __per_cpu_offset[index]))
		fail("cannot set %%gs: %m");
#endif
	shim_rcu_enter();
}

static void *cpu_main(void *arg)
{
	struct shim_cpu *cpu = arg;
	sigset_t set;

	become_cpu(cpu - cpus);
	shim_seed(cpu - cpus);
	sigemptyset(&set);
	sigaddset(&set, INTERRUPT_SIGNAL);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	while (!__atomic_load_n(&cpu->stop, __ATOMIC_ACQUIRE)) {
		void (*job)(unsigned int cpu) = __atomic_load_n(&cpu->job, __ATOMIC_ACQUIRE);

		if (job) {
			job(cpu - cpus);
			shim_schedule();
			__atomic_store_n(&cpu->job, NULL, __ATOMIC_RELAXED);
			sem_post(&cpu->finished);
		}
		shim_schedule();
		shim_idle_enter();
		while (sem_wait(&cpu->wake))
			;
		shim_idle_exit();
	}
	shim_idle_enter();
	return NULL;
}

/* The @n-th CPU of the machine that this process may use; starts again after the last. */
static int machine_cpu(const cpu_set_t *allowed, unsigned int n)
{
	int cpu;

	n %= CPU_COUNT(allowed);
	for (cpu = 0; !CPU_ISSET(cpu, allowed) || n--; cpu++)
		;
	return cpu;
}

void shim_cpus_start(unsigned int n, unsigned int online, bool pin)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	cpu_set_t allowed, one;
	sigset_t set;
	unsigned int i;

	if (!n || n > NR_CPUS || online > n)
		fail("%u CPUs are too many or too few", n);
	nr_cpu_ids = n;
	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		fail("sched_getaffinity: %m");
	percpu_init();
	if (pin) {
		/*
		 * This thread, and the thread that runs RCU callbacks and inherits its
		 * affinity, run on the last CPU. So they do not disturb what is timed on
		 * the first.
		 */
		CPU_ZERO(&one);
		CPU_SET(machine_cpu(&allowed, n - 1), &one);
		sched_setaffinity(0, sizeof(one), &one);
	}
	shim_rcu_start();
	sigaction(INTERRUPT_SIGNAL, &action, NULL);
	/* Threads that are not CPUs are never interrupted. */
	sigemptyset(&set);
	sigaddset(&set, INTERRUPT_SIGNAL);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	for (i = 0; i < n; i++) {
		struct shim_cpu *cpu = &cpus[i];

		memset(cpu, 0, sizeof(*cpu));
		spin_lock_init(&cpu->work_lock);
		INIT_LIST_HEAD(&cpu->works);
		if (i < online)
			cpumask_set_cpu(i, &shim_online);
		if (sem_init(&cpu->wake, 0, 0) || sem_init(&cpu->finished, 0, 0) ||
		    pthread_create(&cpu->thread, NULL, cpu_main, cpu))
			fail("cannot start CPU %u: %m", i);
		if (!pin)
			continue;
		CPU_ZERO(&one);
		CPU_SET(machine_cpu(&allowed, i), &one);
		pthread_setaffinity_np(cpu->thread, sizeof(one), &one);
	}
}

void shim_cpus_stop(void)
{
	unsigned int i;

	for (i = 0; i < nr_cpu_ids; i++) {
		__atomic_store_n(&cpus[i].stop, true, __ATOMIC_RELEASE);
		sem_post(&cpus[i].wake);
		pthread_join(cpus[i].thread, NULL);
	}
}

void shim_on_cpus(unsigned int first, unsigned int n, void (*fn)(unsigned int cpu))
{
	unsigned int i;

	for (i = first; i < first + n; i++) {
		__atomic_store_n(&cpus[i].job, fn, __ATOMIC_RELEASE);
		sem_post(&cpus[i].wake);
	}
	/* If the caller is a CPU, it waits like a task. */
	shim_idle_enter();
	for (i = first; i < first + n; i++) {
		while (sem_wait(&cpus[i].finished))
			;
	}
	shim_idle_exit();
}
