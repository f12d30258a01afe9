// SPDX-License-Identifier: GPL-2.0
/*
 * The parameters of a pool; see params.h. Each message names the field and its value.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpumask.h>
#include <linux/ctype.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "params.h"

#define FLAGS			(PCPOOL_FREE_MAY_SLEEP | PCPOOL_BYPASS | PCPOOL_ZERO_ON_PUT | \
				 PCPOOL_PLAIN | PCPOOL_FREE_ATOMIC)

/* As much as reclaim can multiply without overflow, and far more than is useful. */
#define SEEKS_MAX		1000u

/* A larger reserve is a leak rather than a reserve. */
#define RESERVE_MAX		1000000ul

/* The private slots of a CPU hold objects of at most this size together, but at least one. */
#define PRIVATE_BYTES		(64u << 10)
#define PRIVATE_SLOTS_AUTO	16u

static bool name_ok(const char *name)
{
	/* debugfs has files of these names in the directory of the pools' directories. */
	static const char * const taken[] = { ".", "..", "pools", "snapshot" };
	const char *c;

	for (c = name; *c; c++) {
		if (!isascii(*c) || (!isalnum(*c) && !strchr("_.-", *c)))
			return false;
	}
	return c > name && c - name < PCPOOL_NAME_BYTES &&
	       match_string(taken, ARRAY_SIZE(taken), name) < 0;
}

static int check_name(const struct pcpool_params *p)
{
	const char *name;

	if (!p)
		return pcpool_bad("pcpool_create", "params is NULL");
	name = p->name;
	if (!name)
		return pcpool_bad("pcpool_create", "name is NULL");
	if (name_ok(name))
		return 0;
	return pcpool_bad("pcpool_create",
			  "name \"%*pE\" is not 1 to %d characters of [A-Za-z0-9_.-], or is reserved",
			  (int)strnlen(name, 2 * PCPOOL_NAME_BYTES), name,
			  PCPOOL_NAME_BYTES - 1);
}

static int check_ops(const struct pcpool_params *p)
{
	if (!p->ops)
		return pcpool_bad(p->name, "ops is NULL");
	if (!p->ops->alloc)
		return pcpool_bad(p->name, "ops->alloc is NULL");
	if (!p->ops->free)
		return pcpool_bad(p->name, "ops->free is NULL");
	return 0;
}

static int check_object(const struct pcpool_params *p)
{
	if (!p->object_bytes)
		return pcpool_bad(p->name, "object_bytes is 0");
	if (p->object_bytes > LONG_MAX)
		return pcpool_bad(p->name, "object_bytes %zu is absurd", p->object_bytes);
	if (p->private_slots > PCPOOL_PRIVATE_SLOTS_MAX)
		return pcpool_bad(p->name, "private_slots %u is more than %u",
				  p->private_slots, PCPOOL_PRIVATE_SLOTS_MAX);
	if ((unsigned int)p->steal > PCPOOL_STEAL_NONE)
		return pcpool_bad(p->name, "steal %u is unknown", p->steal);
	if (p->flags & ~FLAGS)
		return pcpool_bad(p->name, "flags %#x has unknown bits", p->flags);
	if (p->flags & PCPOOL_FREE_ATOMIC && p->flags & PCPOOL_FREE_MAY_SLEEP)
		return pcpool_bad(p->name,
				  "flags %#x has PCPOOL_FREE_ATOMIC and PCPOOL_FREE_MAY_SLEEP, which contradict each other",
				  p->flags);
	if (p->max_object_bytes && !p->ops->bytes)
		return pcpool_bad(p->name, "max_object_bytes is %zu, but ops->bytes is NULL",
				  p->max_object_bytes);
	if (p->max_object_bytes && p->max_object_bytes < p->object_bytes)
		return pcpool_bad(p->name, "max_object_bytes %zu is less than object_bytes %zu",
				  p->max_object_bytes, p->object_bytes);
	return 0;
}

static int check_reclaim(const struct pcpool_params *p)
{
	gfp_t unknown = p->reclaim_gfp & ~(__GFP_FS | __GFP_IO);

	if (p->seeks > SEEKS_MAX)
		return pcpool_bad(p->name, "seeks %u is more than %u", p->seeks, SEEKS_MAX);
	if (unknown)
		return pcpool_bad(p->name, "reclaim_gfp has flags other than __GFP_FS and __GFP_IO: %#x",
				  (__force unsigned int)unknown);
	return 0;
}

static int check_bounds(const struct pcpool_params *p)
{
	if (p->max_idle > LONG_MAX)
		return pcpool_bad(p->name, "max_idle %lu is absurd", p->max_idle);
	if (p->max_total > LONG_MAX)
		return pcpool_bad(p->name, "max_total %lu is absurd", p->max_total);
	if (p->reserve > RESERVE_MAX)
		return pcpool_bad(p->name, "reserve %lu is more than %lu", p->reserve,
				  RESERVE_MAX);
	if (p->max_idle && p->reserve > p->max_idle)
		return pcpool_bad(p->name, "reserve %lu is more than max_idle %lu", p->reserve,
				  p->max_idle);
	if (p->max_total && p->reserve > p->max_total)
		return pcpool_bad(p->name, "reserve %lu is more than max_total %lu", p->reserve,
				  p->max_total);
	return 0;
}

/* Returns 0, or reports the first invalid field and returns -EINVAL. */
int pcpool_check_params(const struct pcpool_params *p)
{
	return check_name(p) ?: check_ops(p) ?: check_object(p) ?: check_bounds(p) ?:
	       check_reclaim(p);
}

static unsigned int auto_slots(const struct pcpool_params *p)
{
	return clamp_t(size_t, PRIVATE_BYTES / p->object_bytes, 1, PRIVATE_SLOTS_AUTO);
}

/*
 * In a pool with credits, each CPU that is online has taken those of its private slots. All
 * CPUs that are present may do so, and together take at most a twelfth of the credits, or a
 * quarter if a twelfth is less than one for each CPU. In addition, even if all CPUs that are
 * possible come online, there must be credits to flush all these slots, when all that is
 * idle elsewhere has gone; and a quarter of the credits, which CPUs may hold.
 */
static unsigned int slots_within(unsigned long bound, unsigned int present,
				 unsigned int wanted)
{
	unsigned long quarter = bound / 4;
	unsigned long n = max(quarter / 3 / present, quarter / present ? 1ul : 0ul);

	n = min(n, (bound - quarter) / 2 / num_possible_cpus());
	return min_t(unsigned long, n, wanted);
}

/* How many private slots each CPU has, in a pool that has them, if so many are present. */
unsigned int pcpool_params_slots(const struct pcpool_params *p, unsigned int present)
{
	unsigned int n = p->private_slots ?: auto_slots(p);

	return p->max_idle ? slots_within(p->max_idle - p->reserve, present, n) : n;
}
