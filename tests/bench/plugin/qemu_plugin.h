/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The parts of QEMU's plugin interface that the plugin uses. Debian's QEMU supports plugins, but
 * ships no header. QEMU's own header is include/qemu/qemu-plugin.h, described in
 * docs/devel/tcg-plugins. These parts are the same in all versions of the interface since 1.
 */
#ifndef _PCPOOL_BENCH_QEMU_PLUGIN_H
#define _PCPOOL_BENCH_QEMU_PLUGIN_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

typedef __u64 qemu_plugin_id_t;
typedef __u32 qemu_plugin_meminfo_t;
struct qemu_info;
struct qemu_plugin_tb;
struct qemu_plugin_insn;

enum { QEMU_PLUGIN_CB_NO_REGS };
enum { QEMU_PLUGIN_MEM_RW = 3 };

typedef void (*tb_trans_fn)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);
typedef void (*simple_fn)(qemu_plugin_id_t id);
typedef void (*cpu_fn)(qemu_plugin_id_t id, unsigned int cpu);
typedef void (*insn_fn)(unsigned int cpu, void *data);
typedef void (*mem_fn)(unsigned int cpu, qemu_plugin_meminfo_t info, __u64 address,
		       void *data);

void qemu_plugin_register_vcpu_init_cb(qemu_plugin_id_t id, cpu_fn fn);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, tb_trans_fn fn);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, insn_fn fn,
					    int flags, void *data);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn, mem_fn fn, int flags,
				      int rw, void *data);
void qemu_plugin_reset(qemu_plugin_id_t id, simple_fn fn);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
char *qemu_plugin_insn_disas(const struct qemu_plugin_insn *insn);
bool qemu_plugin_mem_is_store(qemu_plugin_meminfo_t info);
unsigned int qemu_plugin_mem_size_shift(qemu_plugin_meminfo_t info);

/* Defined by the plugin: the interface version, and the entry point. */
extern int qemu_plugin_version;
int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc,
			char **argv);

#endif /* _PCPOOL_BENCH_QEMU_PLUGIN_H */
