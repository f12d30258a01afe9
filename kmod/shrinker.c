// SPDX-License-Identifier: GPL-2.0
/*
 * The pool's shrinker. Its unit is pages where an object is a page or larger, so that
 * large objects weigh as much as they are. Runs in reclaim, which may be anywhere that
 * allocates memory: it waits neither for another pass nor for CPU hotplug.
 */
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mutex.h>

#include "age.h"
#include "count.h"
#include "shrinker.h"

static struct pcpool_core *shrinker_to_core(struct shrinker *shrinker)
{
#ifdef PCPOOL_HAVE_SHRINKER_ALLOC
	return shrinker->private_data;
#else
	return container_of(shrinker, struct pcpool_core, shrinker);
#endif
}

static unsigned long shrinker_count(struct shrinker *shrinker,
				    struct shrink_control *sc)
{
	struct pcpool_core *core = shrinker_to_core(shrinker);

	return pcpool_count_evictable(core) * core->object_pages ?: SHRINK_EMPTY;
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
	unsigned long freed;

	if (!mutex_trylock(&core->age_lock))
		return SHRINK_STOP;
	freed = pcpool_age_pass(core, sc->nr_to_scan / core->object_pages, false, true);
	mutex_unlock(&core->age_lock);
	return freed * core->object_pages;
}

int pcpool_shrinker_init(struct pcpool_core *core)
{
	long batch;

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
	core->shrinker->seeks = DEFAULT_SEEKS;
	core->shrinker->batch = batch;
	core->shrinker->private_data = core;
	shrinker_register(core->shrinker);
	return 0;
#else
	core->shrinker.count_objects = shrinker_count;
	core->shrinker.scan_objects = shrinker_scan;
	core->shrinker.seeks = DEFAULT_SEEKS;
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
