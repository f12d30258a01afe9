# SPDX-License-Identifier: GPL-2.0
# pcpool: everything one types. "make help" lists the targets.
#
# Each kernel has its own build directory, build/<kernel release>/. The sources
# appear in it as links, since kernels before 6.13 can build an external module
# only beside its sources.

KDIR ?= /lib/modules/$(shell uname -r)/build
# Variables that decide which kernel and with what it is built; handed on as they are.
KVARS := KDIR=$(KDIR) $(foreach v,ARCH CC CROSS_COMPILE LLVM,$(if $(filter command% environment%,$(origin $(v))),$(v)=$($(v))))

TOP := $(CURDIR)
# What "uname -r" says on that kernel. Only asked for by targets that build for one.
RELEASE = $(or $(shell sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' $(KDIR)/include/generated/utsrelease.h 2>/dev/null),\
	$(error $(KDIR) is no configured kernel build: set KDIR, for example with make $$(tests/vm/run --kdir debian-6.1)))
BUILD = $(TOP)/build/$(RELEASE)
# make does not see that this is another make: where it is used, a + says so.
KMAKE = $(MAKE) --no-print-directory -C $(KDIR) $(filter-out KDIR=%,$(KVARS)) W=$(W)
W ?= 1

# Two targets may build in one directory; within each, make -j is heeded.
.NOTPARALLEL:

.PHONY: modules
modules: farm
	+$(KMAKE) M=$(BUILD) modules

# The sources as links, and the public headers as copies, for clients.
.PHONY: farm
farm:
	@mkdir -p $(BUILD)/kmod $(BUILD)/tests/kunit $(BUILD)/include/linux $(BUILD)/include/uapi/linux
	@find $(BUILD)/kmod $(BUILD)/tests -type l ! -exec test -e {} \; -delete
	@ln -sf $(TOP)/Kbuild $(BUILD)/Kbuild
	@ln -sf $(TOP)/kmod/*.[ch] $(TOP)/kmod/probe.mk $(BUILD)/kmod/
	@ln -sf $(TOP)/tests/kunit/*.[ch] $(BUILD)/tests/kunit/
	@cp -u kmod/include/linux/*.h $(BUILD)/include/linux/
	@cp -u uapi/linux/pcpool.h $(BUILD)/include/uapi/linux/

# First look for what the suites need, so that a kernel without it gives one clear error.
.PHONY: kunit
kunit: farm
	@grep -q '^CONFIG_KUNIT=' '$(KDIR)/include/config/auto.conf' || { \
		echo 'make kunit: kernel $(RELEASE) is configured without CONFIG_KUNIT (see tests/kunit/README.md)' >&2; \
		exit 1; }
	@mkdir -p '$(BUILD)/kunit-probe' && ln -sf '$(TOP)'/tests/kunit/probe/* '$(BUILD)/kunit-probe/'
	+@$(KMAKE) -s M='$(BUILD)/kunit-probe' interfaces.o >'$(BUILD)/kunit-probe/log' 2>&1 || { \
		echo 'make kunit: kernel $(RELEASE) lacks interfaces of Linux 7.0 that the suites use (errors: $(BUILD)/kunit-probe/log)' >&2; \
		exit 1; }
	+$(KMAKE) M=$(BUILD) PCPOOL_KUNIT=1 modules

# Clients, built as anybody's client is: the public header, and Module.symvers.
client = mkdir -p $(BUILD)/$(1) && ln -sf $(TOP)/$(2)/* $(BUILD)/$(1)/ && \
	$(KMAKE) M=$(BUILD)/$(1) PCPOOL_INCLUDE=$(BUILD)/include \
	KBUILD_EXTRA_SYMBOLS=$(BUILD)/Module.symvers modules

.PHONY: sample
sample: modules
	+$(call client,sample,tests/sample)

.PHONY: selftests
selftests: modules
	+$(call client,selftests,tests/selftests/pcpool)

.PHONY: torture
torture: modules
	+$(call client,torture,tests/torture)

.PHONY: bench-module
bench-module: modules
	+$(call client,bench,tests/bench)

.PHONY: tools
tools:
	$(MAKE) --no-print-directory -C tools/pcpool O=$(TOP)/build/tools

.PHONY: demo
demo:
	tests/sample/demo

.PHONY: check
check:
	tests/check

.PHONY: check-all
check-all:
	tests/check-all $(if $(SECONDS),--seconds $(SECONDS)) $(if $(SEED),--seed $(SEED)) \
		$(if $(CELLS),--cells '$(CELLS)') $(if $(STEPS),--steps '$(STEPS)') \
		$(if $(AGAIN),--again)

.PHONY: litmus
litmus:
	tests/litmus/run

.PHONY: bench
bench:
	tests/bench/run $(CASES)

.PHONY: fuzz
fuzz:
	tests/host/fuzz/run

.PHONY: clean
clean:
	rm -rf build

.PHONY: help
help:
	@echo 'Targets:'
	@echo '  modules    pcpool.ko for KDIR (default: the running kernel), into build/<release>/'
	@echo '  tools      the pcpool command, into build/tools/'
	@echo '  sample     the sample client, for KDIR, into build/<release>/sample/'
	@echo '  demo       boot a stock kernel and show a real workload on pools'
	@echo '  check      run all quick tests; results in build/check/'
	@echo '  check-all  run all tests on all kernels, hours; results in build/check/all/, from where it goes on if it was'
	@echo '             interrupted. SECONDS=600: of torture a cell; CELLS=debian-*, STEPS=torture: only these;'
	@echo '             AGAIN=1: also what passed'
	@echo '  litmus     check what orders what between CPUs against the memory model of the kernel'
	@echo '  kunit      the KUnit test module, for KDIR (a kernel with KUnit)'
	@echo '  selftests  the module that the kselftests use, for KDIR'
	@echo '  torture    the module that tortures pools, for KDIR'
	@echo '  bench      measure pcpool beside its peers; results in build/bench/. CASES=pair,handoff: only these'
	@echo '  bench-module  the module that does this in a kernel, for KDIR'
	@echo '  fuzz       fuzz the pcpool command; RUNS=20000: so many inputs, not 1000000'
	@echo '  clean      remove build/'
	@echo
	@echo 'Kernels to build for and run on: tests/vm/run --list'
	@echo '  make $$(tests/vm/run --kdir debian-6.1)'
