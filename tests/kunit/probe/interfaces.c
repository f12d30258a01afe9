// SPDX-License-Identifier: GPL-2.0
/*
 * Compiles only if the kernel has the newest interfaces that the KUnit suites use. "make
 * kunit" compiles this first, to fail with one clear message.
 */
#include <kunit/test.h>
#include <linux/hrtimer.h>
#include <linux/slab.h>

static void __maybe_unused use_interfaces(struct kunit *test,
					  enum hrtimer_restart (*fn)(struct hrtimer *))
{
	struct hrtimer *timer = kzalloc_obj(*timer, GFP_KERNEL);

	hrtimer_setup(timer, fn, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
	kunit_add_action_or_reset(test, NULL, timer);
}
