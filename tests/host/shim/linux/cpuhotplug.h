/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_CPUHOTPLUG_H
#define _SHIM_CPUHOTPLUG_H

#include <linux/list.h>

enum cpuhp_state {
	CPUHP_BP_PREPARE_DYN,
};

int cpuhp_setup_state_multi(enum cpuhp_state state, const char *name,
			    int (*startup)(unsigned int cpu, struct hlist_node *node),
			    int (*teardown)(unsigned int cpu, struct hlist_node *node));
void cpuhp_remove_multi_state(enum cpuhp_state state);
int cpuhp_state_add_instance(enum cpuhp_state state, struct hlist_node *node);
int cpuhp_state_remove_instance_nocalls(enum cpuhp_state state, struct hlist_node *node);

#endif
