/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_KERNEL_H
#define _SHIM_KERNEL_H

#include <linux/kconfig.h>
#include <limits.h>
#include <stdio.h>
#include <sys/types.h>

#include <linux/compiler.h>
#include <linux/types.h>

#define min(a, b) ({			\
	__auto_type __a = (a);		\
	__auto_type __b = (b);		\
	__a < __b ? __a : __b;		\
})
#define max(a, b) ({			\
	__auto_type __a = (a);		\
	__auto_type __b = (b);		\
	__a > __b ? __a : __b;		\
})
#define min_t(type, a, b)		min((type)(a), (type)(b))
#define max_t(type, a, b)		max((type)(a), (type)(b))
#define max3(a, b, c)			max(max(a, b), c)
#define clamp(val, lo, hi)		min(max(val, lo), hi)
#define clamp_t(type, val, lo, hi)	clamp((type)(val), (type)(lo), (type)(hi))
#define swap(a, b) do {			\
	__typeof__(a) __a = (a);	\
					\
	(a) = (b);			\
	(b) = __a;			\
} while (0)
#define container_of(p, type, member) \
	((type *)((char *)(p) - offsetof(type, member)))
#define ARRAY_SIZE(a)			(sizeof(a) / sizeof((a)[0]))
#define DIV_ROUND_UP(n, d)		(((n) + (d) - 1) / (d))
#define ALIGN(n, to)			(((n) + (to) - 1) & ~((__typeof__(n))(to) - 1))

#ifndef pr_fmt
#define pr_fmt(fmt)			fmt
#endif
#define pr_err(fmt, ...)		fprintf(stderr, pr_fmt(fmt), ##__VA_ARGS__)
#define pr_warn(fmt, ...)		fprintf(stderr, pr_fmt(fmt), ##__VA_ARGS__)

/* A warning fails the test. */
#define WARN(condition, ...) ({		\
	bool __warn = (condition);	\
					\
	if (unlikely(__warn))		\
		fail(__VA_ARGS__);	\
	unlikely(__warn);		\
})
#define WARN_ONCE(condition, ...)	WARN(condition, __VA_ARGS__)
#define WARN_ON_ONCE(condition)		WARN(condition, "%s:%d: %s", __FILE__, __LINE__, #condition)
#define BUG_ON(condition)		WARN_ON_ONCE(condition)

#define _RET_IP_			((unsigned long)__builtin_return_address(0))

/* Warns in a context that cannot sleep. */
#define might_sleep_if(cond)		do { if (cond) might_sleep(); } while (0)
#define might_sleep()			WARN_ON_ONCE(shim_this.preempt_count || shim_this.irqs_off)

#endif
