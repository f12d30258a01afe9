/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The parameters of a pool: are they valid, and how many private slots follow from them?
 */
#ifndef _PCPOOL_PARAMS_H
#define _PCPOOL_PARAMS_H

#include <linux/errno.h>
#include <linux/pcpool.h>
#include <linux/printk.h>

/* Report one invalid field of the parameters of @name. Evaluates to -EINVAL. */
#define pcpool_bad(name, fmt, ...) ({					\
	pr_err("%s: " fmt "\n", (name), ##__VA_ARGS__);			\
	-EINVAL;							\
})

int pcpool_check_params(const struct pcpool_params *p);
unsigned int pcpool_params_slots(const struct pcpool_params *p, unsigned int present);

#endif /* _PCPOOL_PARAMS_H */
