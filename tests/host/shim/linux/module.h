/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_MODULE_H
#define _SHIM_MODULE_H

#include <linux/export.h>
#include <linux/kernel.h>

struct module {
	const char *name;
};

#define THIS_MODULE		((struct module *)NULL)
#define module_name(module)	((module)->name)
#define __init
#define __exit
#define MODULE_DESCRIPTION(text)
#define MODULE_LICENSE(text)

int shim_module_init(void);
void shim_module_exit(void);

#define module_init(fn)		int shim_module_init(void) { return fn(); }
#define module_exit(fn)		void shim_module_exit(void) { fn(); }

#endif
