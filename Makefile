# SPDX-License-Identifier: GPL-2.0
# pcpool: the entry point of every build and test. "make help" lists the targets.
#
# Each kernel has its own build directory, build/<kernel release>/. It contains
# links to the sources, because kernels before 6.13 can build an external module
# only in the directory of its sources.

KDIR ?= /lib/modules/$(shell uname -r)/build
# Variables that select the kernel and the compiler. They are passed on unchanged.
KVARS := KDIR=$(KDIR) $(foreach v,ARCH CC CROSS_COMPILE LLVM,$(if $(filter command% environment%,$(origin $(v))),$(v)=$($(v))))

TOP := $(CURDIR)
# Release of that kernel (uname -r). Evaluated only by targets that build for a kernel.
RELEASE = $(or $(shell sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' $(KDIR)/include/generated/utsrelease.h 2>/dev/null),\
	$(error $(KDIR) is not a configured kernel build: set KDIR, for example with make $$(tests/vm/run --kdir debian-6.1)))
BUILD = $(TOP)/build/$(RELEASE)
# make does not recognise this as a recursive make, so recipes that use it start with +.
KMAKE = $(MAKE) --no-print-directory -C $(KDIR) $(filter-out KDIR=%,$(KVARS)) W=$(W)
W ?= 1

# Targets run one at a time, because two may build in one directory. Each of them obeys -j.
.NOTPARALLEL:

.PHONY: modules
modules: farm
	+$(KMAKE) M=$(BUILD) modules

# Links to the sources, and copies of the public headers for clients.
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

# client DIRECTORY,SOURCES: builds a client as any external module: with the public headers and
# Module.symvers.
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

.PHONY: htmldocs
htmldocs:
	tests/host/htmldocs

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
	@echo '  modules       build pcpool.ko for KDIR (default: the running kernel) in build/<release>/'
	@echo '  tools         build the pcpool command in build/tools/'
	@echo '  sample        build the sample client for KDIR in build/<release>/sample/'
	@echo '  demo          boot a stock kernel and run a real workload on pools'
	@echo '  check         run all quick tests; results in build/check/'
	@echo '  check-all     run all tests on all kernels (hours); results in build/check/all/. Resumes an'
	@echo '                interrupted run. SECONDS=n: torture time per cell (600). SEED=n: seed of torture.'
	@echo '                CELLS=debian-*, STEPS=torture: run only these. AGAIN=1: rerun steps that passed'
	@echo '  litmus        check the ordering between CPUs against the memory model of the kernel'
	@echo '  kunit         build the KUnit test module for KDIR (a kernel with KUnit)'
	@echo '  selftests     build the test module of the kselftests for KDIR'
	@echo '  torture       build the torture test module for KDIR'
	@echo '  bench         compare pcpool with other allocators; results in build/bench/.'
	@echo '                CASES=pair,handoff: run only these'
	@echo '  bench-module  build the benchmark module for KDIR'
	@echo '  fuzz          fuzz the pcpool command. RUNS=n: number of inputs (1000000)'
	@echo '  htmldocs      build the guide and the design document in build/htmldocs/'
	@echo '  clean         remove build/'
	@echo
	@echo 'Kernels to build for and to run on: tests/vm/run --list'
	@echo '  make $$(tests/vm/run --kdir debian-6.1)'
	@echo 'How to run a single test, and how to read a failure: tests/CONTRIBUTING.md'
