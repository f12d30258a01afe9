// SPDX-License-Identifier: GPL-2.0
/*
 * The pool's shrinker. Its unit is pages where an object is a page or larger, so that
 * large objects weigh as much as they are. Runs in reclaim, which may be anywhere that
 * allocates memory: it waits neither for another pass nor for CPU hotplug.
 */
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mutex.h>

#include "age.h"
#include "count.h"
#include "shrinker.h"

/*
 * The least time between two scans that swap the tiers, so that the two steps of aging do
 * not fall into one run of kswapd, or even into one call of do_shrink_slab(). If reclaim
 * insists, having no other memory to find, it is not refused more often than this.
 */
#define SPACING			(HZ / 4)
#define REFUSALS_MAX		8u

static struct pcpool_core *shrinker_to_core(struct shrinker *shrinker)
{
#ifdef PCPOOL_HAVE_SHRINKER_ALLOC
	return shrinker->private_data;
#else
	return container_of(shrinker, struct pcpool_core, shrinker);
#endif
}

/* May reclaim on behalf of this allocation call ops->free? */
static bool may_reclaim(const struct pcpool_core *core, const struct shrink_control *sc)
{
	return (sc->gfp_mask & core->reclaim_gfp) == core->reclaim_gfp;
}

/* Has the last pass swapped the tiers only a moment ago? Under age_lock. */
static bool too_soon(struct pcpool_core *core)
{
	if (time_before(jiffies, core->flipped_at + SPACING) &&
	    core->scans_refused < REFUSALS_MAX) {
		core->scans_refused++;
		return true;
	}
	core->scans_refused = 0;
	return false;
}

static unsigned long shrinker_count(struct shrinker *shrinker,
				    struct shrink_control *sc)
{
	struct pcpool_core *core = shrinker_to_core(shrinker);

	if (!may_reclaim(core, sc))
		return 0;
	/* A pass frees the rings of queues that are empty. */
	return (pcpool_count_evictable(core) * core->object_pages +
		DIV_ROUND_UP(pcpool_count_empty_rings(core), PAGE_SIZE)) ?: SHRINK_EMPTY;
}

/*
 * One scan is at most one aging pass. What it demotes is left for the next scan, and
 * stays available until then. Another pass may be in progress, even further up this
 * call stack (if a pool's ops->free allocates), and must not be waited for.
 */
static unsigned long shrinker_scan(struct shrinker *shrinker,
				   struct shrink_control *sc)
{
	struct pcpool_core *core = shrinker_to_core(shrinker);
	unsigned long ret = SHRINK_STOP;

	if (!may_reclaim(core, sc) || !mutex_trylock(&core->age_lock))
		return SHRINK_STOP;
	if (!too_soon(core))
		ret = core->object_pages *
		      pcpool_age_pass(core, sc->nr_to_scan / core->object_pages, PCPOOL_AGE_COUNT);
	mutex_unlock(&core->age_lock);
	return ret;
}

int pcpool_shrinker_init(struct pcpool_core *core)
{
	long batch;

	core->flipped_at = jiffies - SPACING;
	core->object_pages = DIV_ROUND_UP(core->object_bytes, PAGE_SIZE);
	/*
	 * Reclaim asks for one batch at a time, and for less only if that is all there
	 * is. With a batch smaller than one object, a large object could never be freed.
	 */
	batch = max(128UL, core->object_pages);

#ifdef PCPOOL_HAVE_SHRINKER_ALLOC
	core->shrinker = shrinker_alloc(0, "pcpool-%s", core->name);
	if (!core->shrinker)
		return -ENOMEM;
	core->shrinker->count_objects = shrinker_count;
	core->shrinker->scan_objects = shrinker_scan;
	core->shrinker->seeks = core->seeks ?: DEFAULT_SEEKS;
	core->shrinker->batch = batch;
	core->shrinker->private_data = core;
	shrinker_register(core->shrinker);
	return 0;
#else
	core->shrinker.count_objects = shrinker_count;
	core->shrinker.scan_objects = shrinker_scan;
	core->shrinker.seeks = core->seeks ?: DEFAULT_SEEKS;
	core->shrinker.batch = batch;
	return register_shrinker(&core->shrinker, "pcpool-%s", core->name);
#endif
}

void pcpool_shrinker_exit(struct pcpool_core *core)
{
#ifdef PCPOOL_HAVE_SHRINKER_ALLOC
	shrinker_free(core->shrinker);
#else
	unregister_shrinker(&core->shrinker);
#endif
}
