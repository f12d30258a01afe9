// SPDX-License-Identifier: GPL-2.0
/*
 * debugfs: /sys/kernel/debug/pcpool/, for root only. Shows what stats.c collects, as text
 * and as the binary record, and can age, drain and bypass a pool. Reading a file
 * does not delay gets or puts. Addresses are only shown hashed (%p).
 *
 * The files of a pool's directory use the pool without a lock: debugfs waits for their
 * readers and writers before it removes them, which is the first thing that happens to a
 * pool that is destroyed. The two files about all pools take pcpool_pools_lock.
 */
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/uaccess.h>

#include "api.h"
#include "debug.h"
#include "debugfs.h"
#include "fault.h"
#include "registry.h"
#include "slots.h"
#include "stats.h"
#include "switch.h"

static struct dentry *root;

static const char * const steal_names[] = {
	[PCPOOL_STEAL_ALL] = "all",
	[PCPOOL_STEAL_NODE] = "node",
	[PCPOOL_STEAL_NONE] = "none",
};

/* The keys of "stats", in the order they are shown. */
#define STAT(field) { #field, offsetof(struct pcpool_pool_stats, field) }
static const struct {
	const char *key;
	size_t offset;
} keys[] = {
	STAT(gets), STAT(hit_private), STAT(hit_shared), STAT(hit_steal),
	STAT(hit_victim), STAT(miss), STAT(alloc_fail), STAT(puts),
	STAT(drop_full), STAT(drop_oversize), STAT(drop_other), STAT(evicted),
	STAT(ages), STAT(allocs), STAT(frees), STAT(outstanding),
	STAT(idle_main), STAT(idle_victim), STAT(idle_bytes), STAT(deferred),
	STAT(grows), STAT(idle_reserve), STAT(waiting), STAT(waits),
	STAT(misuses), STAT(requested_bytes),
};

static int stats_show(struct seq_file *m, void *unused)
{
	struct pcpool_pool_stats stats;
	unsigned int i;

	pcpool_collect(m->private, &stats);
	for (i = 0; i < ARRAY_SIZE(keys); i++)
		seq_printf(m, "%s %llu\n", keys[i].key,
			   *(const __u64 *)((void *)&stats + keys[i].offset));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stats);

static int params_show(struct seq_file *m, void *unused)
{
	const struct pcpool_core *core = m->private;

	seq_printf(m, "name %s\n", core->name);
	seq_printf(m, "owner %s\n", core->owner);
	seq_printf(m, "object_bytes %zu\n", core->object_bytes);
	seq_printf(m, "max_object_bytes %zu\n", core->max_object_bytes);
	seq_printf(m, "private_slots %u\n", core->nr_slots);
	seq_printf(m, "max_idle %lu\n", core->max_idle);
	seq_printf(m, "max_total %lu\n", core->wait ? pcpool_limit_max(&core->wait->limit) : 0);
	seq_printf(m, "reserve %lu\n", core->wait ? core->wait->reserve : 0);
	seq_printf(m, "steal %s\n", steal_names[core->steal]);
	seq_printf(m, "decay_ms %u\n", jiffies_to_msecs(core->decay_period));
	seq_printf(m, "seeks %u\n", core->seeks ?: DEFAULT_SEEKS);
	seq_printf(m, "reclaim_gfp%s%s%s\n", core->reclaim_gfp ? "" : " any",
		   core->reclaim_gfp & __GFP_FS ? " fs" : "",
		   core->reclaim_gfp & __GFP_IO ? " io" : "");
	seq_printf(m, "flags%s%s%s%s%s%s\n", core->flags ? "" : " none",
		   core->flags & PCPOOL_FREE_MAY_SLEEP ? " free_may_sleep" : "",
		   core->flags & PCPOOL_BYPASS ? " bypass" : "",
		   core->flags & PCPOOL_ZERO_ON_PUT ? " zero_on_put" : "",
		   core->flags & PCPOOL_PLAIN ? " plain" : "",
		   core->flags & PCPOOL_FREE_ATOMIC ? " free_atomic" : "");
	seq_printf(m, "reset %s\n", core->has_reset ? "yes" : "no");
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(params);

static int percpu_show(struct seq_file *m, void *unused)
{
	struct pcpool_core *core = m->private;
	unsigned int tier = pcpool_main_tier(core);
	int cpu;

	seq_printf(m, "%5s %6s %4s %8s %10s %10s %12s %12s %12s %12s %12s\n",
		   "cpu", "online", "node", "private", "main", "victim",
		   "hit_private", "hit_shared", "hit_steal", "hit_victim",
		   "miss");
	for_each_possible_cpu(cpu) {
		const struct pcpool_cpu *c = per_cpu_ptr(core->cpu, cpu);
		unsigned long main, victim;

		rcu_read_lock();
		main = pcpool_queue_count(&c->queue[tier]);
		victim = pcpool_queue_count(&c->queue[!tier]);
		rcu_read_unlock();
		seq_printf(m, "%5d %6d %4d %8u %10lu %10lu %12lu %12lu %12lu %12lu %12lu\n",
			   cpu, cpu_online(cpu), cpu_to_node(cpu),
			   pcpool_slots_count(core->slots, core->nr_slots, cpu), main, victim,
			   READ_ONCE(per_cpu_ptr(core->slots, cpu)->hits),
			   READ_ONCE(c->hit_shared), READ_ONCE(c->hit_steal),
			   READ_ONCE(c->hit_victim), READ_ONCE(c->miss));
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(percpu);

static int pools_show(struct seq_file *m, void *unused)
{
	struct pcpool_pool_stats stats;
	struct pcpool_core *core;

	seq_printf(m, "%-31s %-16s %12s %10s %11s %14s %12s %6s\n", "name",
		   "owner", "object_bytes", "idle", "outstanding", "gets",
		   "miss", "bypass");
	mutex_lock(&pcpool_pools_lock);
	list_for_each_entry(core, &pcpool_pools, list) {
		pcpool_collect(core, &stats);
		seq_printf(m, "%-31s %-16s %12llu %10llu %11lld %14llu %12llu %6d\n",
			   stats.name, stats.owner, stats.object_bytes,
			   stats.idle_main + stats.idle_victim,
			   (long long)stats.outstanding, stats.gets, stats.miss,
			   !!(stats.state & PCPOOL_STATE_BYPASSED));
	}
	mutex_unlock(&pcpool_pools_lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(pools);

/*
 * Writes all records at once into the file's buffer, which seq_file enlarges, calling this
 * again, as needed. So a reader gets one snapshot, however it splits its reads.
 */
static int snapshot_show(struct seq_file *m, void *unused)
{
	struct pcpool_snapshot_header header = {
		.magic = PCPOOL_SNAPSHOT_MAGIC,
		.version = PCPOOL_SNAPSHOT_VERSION,
		.header_size = sizeof(header),
		.record_size = sizeof(struct pcpool_pool_stats),
		.page_size = PAGE_SIZE,
		.time_ns = ktime_get_ns(),
	};
	struct pcpool_pool_stats stats;
	struct pcpool_core *core;

	mutex_lock(&pcpool_pools_lock);
	list_for_each_entry(core, &pcpool_pools, list)
		header.record_count++;
	seq_write(m, &header, sizeof(header));
	list_for_each_entry(core, &pcpool_pools, list) {
		pcpool_collect(core, &stats);
		seq_write(m, &stats, sizeof(stats));
	}
	mutex_unlock(&pcpool_pools_lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(snapshot);

/* Parse a write to a switch: 0 or 1, and at most a newline after it. */
static int read_switch(const char __user *from, size_t count)
{
	char text[2];

	if (!count || count > sizeof(text))
		return -EINVAL;
	if (copy_from_user(text, from, count))
		return -EFAULT;
	if (count == 2 && text[1] != '\n')
		return -EINVAL;
	return text[0] == '0' || text[0] == '1' ? text[0] - '0' : -EINVAL;
}

/* A write to "age" or "drain": only 1 has a meaning. */
static ssize_t do_on_1(const char __user *from, size_t count,
		       struct pcpool *pool,
		       unsigned long (*action)(struct pcpool *pool))
{
	int val = read_switch(from, count);

	if (val < 0)
		return val;
	if (!val)
		return -EINVAL;
	action(pool);
	return count;
}

static ssize_t age_write(struct file *file, const char __user *from,
			 size_t count, loff_t *pos)
{
	struct pcpool_core *core = file_inode(file)->i_private;

	return do_on_1(from, count, &core->pool, pcpool_age);
}

static const struct file_operations age_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = age_write,
};

static ssize_t drain_write(struct file *file, const char __user *from,
			   size_t count, loff_t *pos)
{
	struct pcpool_core *core = file_inode(file)->i_private;

	return do_on_1(from, count, &core->pool, pcpool_drain);
}

static const struct file_operations drain_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = drain_write,
};

static ssize_t show_switch(bool on, char __user *to, size_t count, loff_t *pos)
{
	return simple_read_from_buffer(to, count, pos, on ? "1\n" : "0\n", 2);
}

static ssize_t bypass_read(struct file *file, char __user *to, size_t count,
			   loff_t *pos)
{
	const struct pcpool_core *core = file_inode(file)->i_private;

	return show_switch(READ_ONCE(core->bypass), to, count, pos);
}

static ssize_t bypass_write(struct file *file, const char __user *from,
			    size_t count, loff_t *pos)
{
	struct pcpool_core *core = file_inode(file)->i_private;
	int val = read_switch(from, count);

	if (val < 0)
		return val;
	pcpool_set_bypass(core, val);
	return count;
}

static const struct file_operations bypass_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.read = bypass_read,
	.write = bypass_write,
};

static ssize_t debug_read(struct file *file, char __user *to, size_t count,
			  loff_t *pos)
{
	const struct pcpool_core *core = file_inode(file)->i_private;

	return show_switch(READ_ONCE(core->debug), to, count, pos);
}

static ssize_t debug_write(struct file *file, const char __user *from,
			   size_t count, loff_t *pos)
{
	struct pcpool_core *core = file_inode(file)->i_private;
	int val = read_switch(from, count);

	if (val >= 0)
		val = pcpool_debug_set(core, val);
	return val < 0 ? val : count;
}

static const struct file_operations debug_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.read = debug_read,
	.write = debug_write,
};

#ifdef CONFIG_FAULT_INJECTION_DEBUG_FS
static ssize_t fail_read(struct file *file, char __user *to, size_t count, loff_t *pos)
{
	const struct pcpool_core *core = file_inode(file)->i_private;

	return show_switch(READ_ONCE(core->failing), to, count, pos);
}

static ssize_t fail_write(struct file *file, const char __user *from, size_t count, loff_t *pos)
{
	struct pcpool_core *core = file_inode(file)->i_private;
	int val = read_switch(from, count);

	if (val < 0)
		return val;
	pcpool_fault_set(core, val);
	return count;
}

static const struct file_operations fail_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.read = fail_read,
	.write = fail_write,
};
#endif

static int outstanding_open(struct inode *inode, struct file *file)
{
	struct pcpool_outstanding *o = __seq_open_private(file, &pcpool_outstanding_ops,
							  sizeof(*o));

	if (!o)
		return -ENOMEM;
	o->core = inode->i_private;
	return 0;
}

static int outstanding_release(struct inode *inode, struct file *file)
{
	struct seq_file *m = file->private_data;

	/* The pool may be destroyed, since debugfs does not wait for open files. */
	pcpool_outstanding_end(m->private);
	return seq_release_private(inode, file);
}

static const struct file_operations outstanding_fops = {
	.owner = THIS_MODULE,
	.open = outstanding_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = outstanding_release,
};

void pcpool_debugfs_add(struct pcpool_core *core)
{
	core->dir = debugfs_create_dir(core->name, root);
	debugfs_create_file("stats", 0400, core->dir, core, &stats_fops);
	debugfs_create_file("percpu", 0400, core->dir, core, &percpu_fops);
	debugfs_create_file("params", 0400, core->dir, core, &params_fops);
	debugfs_create_file("age", 0200, core->dir, core, &age_fops);
	debugfs_create_file("drain", 0200, core->dir, core, &drain_fops);
	debugfs_create_file("bypass", 0600, core->dir, core, &bypass_fops);
	debugfs_create_file("debug", 0600, core->dir, core, &debug_fops);
	debugfs_create_file("outstanding", 0400, core->dir, core, &outstanding_fops);
#ifdef CONFIG_FAULT_INJECTION_DEBUG_FS
	debugfs_create_file("fail", 0600, core->dir, core, &fail_fops);
#endif
}

void pcpool_debugfs_remove(struct pcpool_core *core)
{
	debugfs_remove(core->dir);
}

void pcpool_debugfs_init(void)
{
	root = debugfs_create_dir("pcpool", NULL);
	/* debugfs creates directories 0755, and its root need not be 0700. */
	if (!IS_ERR(root))
		d_inode(root)->i_mode = (d_inode(root)->i_mode & S_IFMT) | 0700;
	debugfs_create_file("pools", 0400, root, NULL, &pools_fops);
	debugfs_create_file("snapshot", 0400, root, NULL, &snapshot_fops);
	pcpool_fault_init();
}

void pcpool_debugfs_exit(void)
{
	pcpool_fault_exit();
	debugfs_remove(root);
}
