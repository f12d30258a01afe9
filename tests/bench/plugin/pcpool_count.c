// SPDX-License-Identifier: GPL-2.0
/*
 * A QEMU plugin that counts, in the regions marked by the benchmark module,
 *
 *   - instructions,
 *   - locked instructions: with a lock prefix, or xchg with memory,
 *   - cache lines that had to be transferred from another CPU.
 *
 * For the last, it models caches of infinite size. For each line of 64 bytes it records which
 * CPUs hold it. A write makes the CPU the only holder; a read adds the CPU to the holders. An
 * access counts as a transfer if it writes a line that other CPUs hold, or if it reads a line
 * that another CPU has written and this CPU does not hold.
 *
 * A region comprises everything between START and STOP marks on all CPUs, until REPORT, which
 * writes the sums to the file given as out= and starts the next region. Lines are tracked from
 * the ARM mark on, inside and outside of regions. Before it, the guest boots at full speed.
 */
#include <linux/types.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../marks.h"
#include "qemu_plugin.h"

/* -- what is counted -- */

#define CPUS_MAX	64	/* one bit each in a word */
#define LINE_SHIFT	6

int qemu_plugin_version = PLUGIN_VERSION;

/* Written only by its CPU, and by REPORT, when no CPU is counting. */
static struct cpu {
	_Alignas(128) bool counting;
	__u64 instructions;
	__u64 locked;
	__u64 lines;
} cpus[CPUS_MAX];

/*
 * Hash table of lines. Each place holds one line. A line that hashes to the same place replaces
 * it, as if the old line had left the caches. The line number also serves as a lock.
 */
#define PLACES_SHIFT	22

static struct place {
	_Atomic __u64 line;		/* its number; BUSY while the place is locked */
	__u64 holders;			/* one bit per CPU */
	bool written;			/* one of the holders has written it */
} *places;

#define BUSY	(~0ull)

static qemu_plugin_id_t plugin;
static FILE *out;
static unsigned int regions;

static void access_line(struct cpu *cpu, __u64 self, __u64 line, bool store)
{
	struct place *place = &places[(line * 0x9e3779b97f4a7c15) >> (64 - PLACES_SHIFT)];
	bool foreign = false;
	__u64 old;

	do {
		old = atomic_exchange_explicit(&place->line, BUSY, memory_order_acquire);
	} while (old == BUSY);
	if (old != line) {
		place->holders = 0;
		place->written = false;
	}
	if (store) {
		foreign = place->holders & ~self;
		place->holders = self;
		place->written = true;
	} else {
		foreign = !(place->holders & self) && place->written;
		place->holders |= self;
	}
	atomic_store_explicit(&place->line, line, memory_order_release);
	if (foreign && cpu->counting)
		cpu->lines++;
}

static void on_access(unsigned int i, qemu_plugin_meminfo_t info, __u64 address,
		      void *data)
{
	__u64 last = address + (1u << qemu_plugin_mem_size_shift(info)) - 1;
	bool store = qemu_plugin_mem_is_store(info);
	__u64 line;

	for (line = address >> LINE_SHIFT; line <= last >> LINE_SHIFT; line++)
		access_line(&cpus[i], 1ull << i, line, store);
}

static void on_insn(unsigned int i, void *data)
{
	struct cpu *cpu = &cpus[i];

	cpu->instructions += cpu->counting;
}

static void on_locked_insn(unsigned int i, void *data)
{
	struct cpu *cpu = &cpus[i];

	cpu->instructions += cpu->counting;
	cpu->locked += cpu->counting;
}

static void on_start(unsigned int i, void *data)
{
	cpus[i].counting = true;
}

static void on_stop(unsigned int i, void *data)
{
	cpus[i].counting = false;
}

static void on_report(unsigned int self, void *data)
{
	struct cpu sum = { 0 };
	unsigned int i;

	for (i = 0; i < CPUS_MAX; i++) {
		sum.instructions += cpus[i].instructions;
		sum.locked += cpus[i].locked;
		sum.lines += cpus[i].lines;
		cpus[i].instructions = 0;
		cpus[i].locked = 0;
		cpus[i].lines = 0;
	}
	fprintf(out, "%u\t%llu\t%llu\t%llu\n", ++regions, sum.instructions, sum.locked,
		sum.lines);
	fflush(out);
}

/* -- inspecting each instruction once, when QEMU translates it -- */

/* Size of a mark: opcode, addressing mode and displacement. */
#define MARK_BYTES	(2 + 1 + 4)

/* Returns the mark that the instruction represents, or 0. */
static unsigned int mark(const char *text)
{
	const char *number = strstr(text, "0x504350");

	if (strncmp(text, "nop", 3) || !number)
		return 0;
	return strtoul(number, NULL, 16);
}

static bool is_locked(const char *text)
{
	return strstr(text, "lock ") || (strstr(text, "xchg") && !strstr(text, "cmpxchg") &&
					 strpbrk(text, "(["));
}

static void look_at(struct qemu_plugin_insn *insn)
{
	char *text = qemu_plugin_insn_disas(insn);
	insn_fn fn = on_insn;

	if (!text) {
		fprintf(stderr, "pcpool_count: this QEMU cannot disassemble instructions\n");
		exit(EXIT_FAILURE);
	}
	switch (mark(text)) {
	case BENCH_MARK_START:
		fn = on_start;
		break;
	case BENCH_MARK_STOP:
		fn = on_stop;
		break;
	case BENCH_MARK_REPORT:
		fn = on_report;
		break;
	case 0:
		if (is_locked(text))
			fn = on_locked_insn;
		qemu_plugin_register_vcpu_mem_cb(insn, on_access, QEMU_PLUGIN_CB_NO_REGS,
						 QEMU_PLUGIN_MEM_RW, NULL);
		break;
	}
	qemu_plugin_register_vcpu_insn_exec_cb(insn, fn, QEMU_PLUGIN_CB_NO_REGS, NULL);
	free(text);
}

static void translate_armed(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	size_t i;

	for (i = 0; i < qemu_plugin_tb_n_insns(tb); i++)
		look_at(qemu_plugin_tb_get_insn(tb, i));
}

static void on_cpu(qemu_plugin_id_t id, unsigned int i)
{
	if (i < CPUS_MAX)
		return;
	fprintf(stderr, "pcpool_count: supports at most %d CPUs\n", CPUS_MAX);
	exit(EXIT_FAILURE);
}

/* Called after QEMU has discarded all translated code. */
static void armed(qemu_plugin_id_t id)
{
	qemu_plugin_register_vcpu_tb_trans_cb(id, translate_armed);
}

static void on_arm(unsigned int cpu, void *data)
{
	static atomic_flag once = ATOMIC_FLAG_INIT;

	if (!atomic_flag_test_and_set(&once))
		qemu_plugin_reset(plugin, armed);
}

static void translate_unarmed(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	struct qemu_plugin_insn *insn;
	char *text;
	size_t i;

	for (i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
		insn = qemu_plugin_tb_get_insn(tb, i);
		/* Disassemble only candidates: this runs for every instruction of the boot. */
		if (qemu_plugin_insn_size(insn) != MARK_BYTES)
			continue;
		text = qemu_plugin_insn_disas(insn);
		if (text && mark(text) == BENCH_MARK_ARM)
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_arm,
							       QEMU_PLUGIN_CB_NO_REGS, NULL);
		free(text);
	}
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc,
			char **argv)
{
	const char *path = NULL;
	int i;

	for (i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "out=", 4))
			path = argv[i] + 4;
	}
	places = calloc(1ull << PLACES_SHIFT, sizeof(*places));
	out = path ? fopen(path, "w") : NULL;
	if (!places || !out) {
		fprintf(stderr, "pcpool_count: no memory, or no file out=FILE\n");
		return -1;
	}
	plugin = id;
	qemu_plugin_register_vcpu_init_cb(id, on_cpu);
	qemu_plugin_register_vcpu_tb_trans_cb(id, translate_unarmed);
	return 0;
}
