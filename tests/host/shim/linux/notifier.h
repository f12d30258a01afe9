/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_NOTIFIER_H
#define _SHIM_NOTIFIER_H

struct notifier_block {
	int (*notifier_call)(struct notifier_block *block, unsigned long event, void *data);
};

#define NOTIFY_OK	1

#endif
