/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_MODULE_H
#define _SHIM_MODULE_H

#include <linux/export.h>
#include <linux/kernel.h>
#include <linux/notifier.h>

struct module {
	const char *name;
};

#define THIS_MODULE		((struct module *)NULL)
#define module_name(module)	((module)->name)
#define __init
#define __exit
#define MODULE_DESCRIPTION(text)
#define MODULE_LICENSE(text)

/* No module is ever unloaded. */
enum module_state {
	MODULE_STATE_GOING,
};

#define register_module_notifier(block)		((void)(block), 0)
#define unregister_module_notifier(block)	((void)(block))

/* Module parameters cannot be set. */
struct kernel_param {
	void *arg;
};

struct kernel_param_ops {
	int (*set)(const char *val, const struct kernel_param *kp);
	int (*get)(char *buffer, const struct kernel_param *kp);
};

#define param_set_bool(val, kp)	((void)(val), (void)(kp), -EINVAL)
#define param_get_bool		NULL
#define module_param_cb(name, ops, arg, mode)	\
	static const void *const __param_##name[] __attribute__((unused)) = { ops, arg }
#define module_param_named(name, value, type, mode)	\
	static const void *const __param_##name __attribute__((unused)) = &(value)
#define MODULE_PARM_DESC(name, text)

int shim_module_init(void);
void shim_module_exit(void);

#define module_init(fn)		int shim_module_init(void) { return fn(); }
#define module_exit(fn)		void shim_module_exit(void) { fn(); }

#endif
