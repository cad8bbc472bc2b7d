# nexus-worker: `make help` lists the targets. Everything that is made lands in $(BUILD).

# ---- 1. What the caller may set -----------------------------------------------------------

CC       ?= cc
AR       ?= ar
PREFIX   ?= /usr/local
DESTDIR  ?=
CPPFLAGS ?=
SANITIZE ?=
CFLAGS   ?= $(if $(SANITIZE),-O1,-O2) -g
LDFLAGS  ?=
PYTHON   ?= /usr/bin/python3
JOBS     ?= $(shell nproc)
# Where shells look for completions; Debian's zsh, of a package's, in zsh/vendor-completions.
BASH_COMPLETIONS ?= $(PREFIX)/share/bash-completion/completions
ZSH_COMPLETIONS  ?= $(PREFIX)/share/zsh/site-functions
FISH_COMPLETIONS ?= $(PREFIX)/share/fish/vendor_completions.d
BUILD    ?= build$(if $(SANITIZE),/sanitize-$(subst $(comma),-,$(SANITIZE)))
# Without it nothing serves metrics, nor runtimes of Lambda functions; nor the local SQS of the tests.
WITHOUT_MICROHTTPD ?= $(shell pkg-config --exists libmicrohttpd 2>/dev/null || echo yes)

comma := ,

# ---- 2. What we are made of ---------------------------------------------------------------

VERSION  := 0.1.0
PROGRAMS := nexus-worker nexusctl
BOOTSTRAP := $(BUILD)/lib/nexus-worker/bootstrap.mjs
UNITS    := systemd/nexus-worker.service $(BUILD)/systemd/nexus-worker@.service \
            systemd/nexus-reconcile.service systemd/nexus-reconcile.timer
LIBS     := libcurl openssl libpq jansson expat libsystemd $(if $(WITHOUT_MICROHTTPD),,libmicrohttpd)
CTL_LIBS := libarchive
TOOLS    := $(if $(WITHOUT_MICROHTTPD),,sqs-local bench-service) marker nexus-worker-starved \
            nexus-worker-unserved

UNSERVED    := src/net/http_serve_none.c
SERVED      := $(addprefix src/net/,http_serve.c serve_connection.c serve_request.c serve_response.c)
SOURCES     := $(filter-out $(PROGRAMS:%=src/%.c) $(if $(WITHOUT_MICROHTTPD),$(SERVED),$(UNSERVED)), \
                            $(wildcard src/*.c src/*/*.c))
SQS_SOURCES := $(wildcard tests/sqs-local/*.c)
SERVED_TESTS := test_credential_endpoint test_http_serve test_lambda test_runtime
UNIT_TESTS  := $(filter-out $(if $(WITHOUT_MICROHTTPD),$(SERVED_TESTS)), \
                            $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/test_*.c)))
UNIT_SUPPORT := $(wildcard tests/support/*.c)
FUZZERS     := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
C_SOURCES    = $(wildcard src/*.c src/*/*.c tests/*/*.c)
C_FILES      = $(C_SOURCES) $(wildcard include/*/*.h tests/*/*.h)
SCRIPTS      = packaging/install-deps packaging/completion/nexusctl.bash \
               $(wildcard packaging/make-* packaging/debian/p*) .ci/run tests/system/booted tests/style/report $(wildcard tests/*/*.sh)
# Those of faults first: some take two minutes.
CHECKS       = $(wildcard tests/style/*.sh tests/style/*.py tests/lab/test_*.py tests/fault/test_*.py \
                          tests/integration/test_*.py tests/ctl/test_*.py)

# For a make of our own: as parallel as the machine, unless the caller has said how.
parallel = $(if $(findstring -j,$(MAKEFLAGS)),,-j$(JOBS))

objects = $(patsubst %.c,$(BUILD)/%.o,$(1))

# ---- 3. Flags: ours are added to the caller's, who may overrule them -----------------------

WARNINGS := -Wall -Wextra -Wconversion -Wno-sign-conversion -Wshadow -Wundef -Wvla -Wformat=2 \
            -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wwrite-strings \
            -Wpointer-arith -Wcast-align -Wredundant-decls
ifeq ($(findstring x86_64,$(shell $(CC) -dumpmachine 2>/dev/null)),x86_64)
HARDENING := -fcf-protection
endif
HARDENING += -fstack-protector-strong -fstack-clash-protection -fPIE
ifeq ($(SANITIZE),)
# Debian's own build flags bring a level of their own, and two levels are an error.
ifeq ($(findstring _FORTIFY_SOURCE,$(CPPFLAGS) $(CFLAGS)),)
# And a compiler that does not know level 3, as gcc 11, would say so in every file.
FORTIFY   := $(if $(shell $(CC) -O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -include features.h \
             -E -x c /dev/null 2>&1 >/dev/null),2,3)
HARDENING += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=$(FORTIFY)
endif
else
HARDENING += -fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=all
endif
LINKING := -pie -Wl,-z,relro,-z,now -Wl,-z,noexecstack $(if $(SANITIZE),-fsanitize=$(SANITIZE))

pkg_cflags = $(shell pkg-config --cflags $(1) 2>/dev/null)
pkg_libs   = $(shell pkg-config --libs $(1) 2>/dev/null)

OUR_CPPFLAGS := -Iinclude -D_GNU_SOURCE -DNEXUS_VERSION='"$(VERSION)"'
OUR_CFLAGS   := -std=gnu17 -pthread -MMD -MP $(WARNINGS) $(HARDENING)
OUR_CFLAGS   += $(call pkg_cflags,$(LIBS))
compile       = $(CC) $(OUR_CPPFLAGS) $(CPPFLAGS) $(OUR_CFLAGS) $(CFLAGS) -c

# ---- 4. Programs ---------------------------------------------------------------------------

.PHONY: all tools deps objects product-objects
all: $(PROGRAMS:%=$(BUILD)/%) $(BOOTSTRAP) $(UNITS) ## the programs (the default)
tools: $(TOOLS:%=$(BUILD)/%)  ## what tests, demo and bench need beside it
objects: $(call objects,$(C_SOURCES))
product-objects: $(call objects,$(SOURCES) $(PROGRAMS:%=src/%.c) $(SQS_SOURCES))

deps: ## install the libraries and tools that building needs
	@packaging/install-deps build

LIBRARY := $(BUILD)/libnexus.a

$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(compile) -o $@ $<

$(LIBRARY): $(call objects,$(SOURCES))
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/nexusctl: MORE_LIBS := $(CTL_LIBS)
$(PROGRAMS:%=$(BUILD)/%): $(BUILD)/%: $(BUILD)/src/%.o $(LIBRARY)
	$(CC) $(CFLAGS) $(LINKING) $(LDFLAGS) -pthread -o $@ $^ $(call pkg_libs,$(LIBS) $(MORE_LIBS))

$(BOOTSTRAP): src/handler/nodejs/bootstrap.mjs
	@install -D -m 644 $< $@

# The same service for one queue of several: what differs is whose settings and what it writes.
$(BUILD)/systemd/nexus-worker@.service: systemd/nexus-worker.service systemd/instance.sed
	@mkdir -p $(@D)
	sed -f systemd/instance.sed $< >$@

$(BUILD)/sqs-local: $(call objects,$(SQS_SOURCES)) $(LIBRARY)
	$(CC) $(CFLAGS) $(LINKING) $(LDFLAGS) -pthread -o $@ $^ $(call pkg_libs,$(LIBS))

$(BUILD)/bench-service: $(call objects,tests/bench/service.c)
	$(CC) $(CFLAGS) $(LINKING) $(LDFLAGS) -pthread -o $@ $^ $(call pkg_libs,libmicrohttpd)

$(BUILD)/marker: $(call objects,tests/fault/marker.c)
	$(CC) $(CFLAGS) $(LINKING) $(LDFLAGS) -o $@ $^

# The daemon once more, with allocations of its own code that a test may let fail.
STARVED := malloc calloc realloc reallocarray strdup strndup realpath asprintf __asprintf_chk

$(BUILD)/nexus-worker-starved: $(call objects,src/nexus-worker.c tests/fault/starve.c) $(LIBRARY)
	$(CC) $(CFLAGS) $(LINKING) $(STARVED:%=-Wl,--wrap=%) $(LDFLAGS) -pthread -o $@ $^ \
		$(call pkg_libs,$(LIBS))

# The daemon as it is without libmicrohttpd: what is linked first is not looked for in the library.
$(BUILD)/nexus-worker-unserved: $(call objects,src/nexus-worker.c $(UNSERVED)) $(LIBRARY)
	$(CC) $(CFLAGS) $(LINKING) $(LDFLAGS) -pthread -o $@ $^ \
		$(call pkg_libs,$(filter-out libmicrohttpd,$(LIBS)))

# ---- 5. Tests ------------------------------------------------------------------------------
# On a machine that lacks the libraries their flags are unknown while this file is read: so each
# of these installs first, and then has make read it again.

.PHONY: check demo bench run-check run-demo run-bench unit
check: ## every test that a change must pass; last line: N passed, N failed
	@packaging/install-deps build test
	@$(MAKE) --no-print-directory $(parallel) run-check

demo: ## the main job, end to end, on this machine alone
	@packaging/install-deps build demo
	@$(MAKE) --no-print-directory $(parallel) run-demo

bench: ## how fast, and at what cost (BENCH="options")
	@packaging/install-deps build bench
	@$(MAKE) --no-print-directory $(parallel) run-bench

$(UNIT_TESTS:%=$(BUILD)/tests/%): $(BUILD)/tests/%: $(BUILD)/tests/unit/%.o \
		$(call objects,$(UNIT_SUPPORT)) $(LIBRARY)
	$(CC) $(CFLAGS) $(LINKING) $(LDFLAGS) -pthread -o $@ $^ $(call pkg_libs,check $(LIBS) $(CTL_LIBS))

# Each fuzzer, as a program that goes through its seeds only.
$(FUZZERS:%=$(BUILD)/tests/%): $(BUILD)/tests/%: $(BUILD)/tests/fuzz/%.o \
		$(BUILD)/tests/fuzz/replay.o $(LIBRARY)
	$(CC) $(CFLAGS) $(LINKING) $(LDFLAGS) -pthread -o $@ $^ $(call pkg_libs,$(LIBS))

# It waits a second at each program's end for other threads to run into a race.
export TSAN_OPTIONS ?= atexit_sleep_ms=0

# What the tests are told: where the programs are, and the published signature suite if given.
export PYTHONDONTWRITEBYTECODE := 1
export PYTHONPATH := $(CURDIR)/tests
export NEXUS_BUILD := $(abspath $(BUILD))
ifdef SIGV4_SUITE
export SIGV4_SUITE := $(abspath $(SIGV4_SUITE))
endif

# What npm has: the AWS SDK for the tests in JavaScript and what a Lambda bundle uses, and the types of
# a dashboard. Where npm is missing or cannot reach its registry there is none: what needs it says that
# it was not run, and the next make tries again.
javascript = $(if $(filter %_javascript.py,$(CHECKS)),$(BUILD)/javascript/ready)

$(BUILD)/javascript/ready $(BUILD)/grafana/ready: $(BUILD)/%/ready: \
		tests/%/package.json tests/%/package-lock.json
	@mkdir -p $(@D)
	@cp $^ $(@D)
	@cd $(@D) && rm -f ready && npm ci --no-audit --no-fund --ignore-scripts --prefer-offline \
		--fetch-retries=1 --fetch-retry-mintimeout=1000 --fetch-timeout=20000 >npm.log 2>&1 && \
		touch ready || echo "$(@D)/npm.log says why npm could not install what tests/$* needs"

run-check: all tools $(javascript) $(UNIT_TESTS:%=$(BUILD)/tests/%) $(FUZZERS:%=$(BUILD)/tests/%)
	@$(PYTHON) tests/run $(UNIT_TESTS:%=$(BUILD)/tests/%) $(FUZZERS:%=$(BUILD)/tests/%) $(CHECKS)

# Everything goes wrong at random, for SECONDS, as SEED has it (random, and printed, unless given).
.PHONY: soak run-soak
soak: ## faults of all kinds at random, and nothing is lost (SECONDS=60 SEED=random)
	@packaging/install-deps build bench
	@$(MAKE) --no-print-directory $(parallel) run-soak

run-soak:
	@$(MAKE) --no-print-directory $(parallel) -s all tools
	@exec $(PYTHON) tests/fault/soak.py $(SECONDS:%=--seconds=%) $(SEED:%=--seed=%)

unit: $(UNIT_TESTS:%=$(BUILD)/tests/%) ## the unit tests alone
	@$(PYTHON) tests/run $^

run-demo:
	@$(MAKE) --no-print-directory $(parallel) -s all tools
	@exec $(PYTHON) tests/demo.py

run-bench:
	@$(MAKE) --no-print-directory $(parallel) -s all tools
	@exec $(PYTHON) tests/bench/bench.py $(BENCH)

# The sanitizers over what they find most in; check-long has them over everything.
ADDRESS_CHECKS := tests/integration/test_flow.py tests/fault/test_kill.py tests/fault/test_stop.py \
                  tests/fault/test_reload.py tests/integration/test_instance.py \
                  tests/integration/test_profile.py tests/fault/test_credentials.py
THREADED       := child command credential_endpoint credential_store http_client lambda lease ledger \
                  log log_journal pool queue resolve runner runtime spawn sqsd store
THREAD_CHECKS  := tests/integration/test_flow.py tests/fault/test_overdue.py \
                  tests/fault/test_reload.py tests/fault/test_secrets.py \
                  tests/fault/test_out_of_memory.py

# libFuzzer over every parser of what comes from outside, for so long each; or with so many inputs,
# which are the same ones every time.
FUZZ_SECONDS ?= 60
FUZZ_RUNS    ?=

.PHONY: fuzz run-fuzz
fuzz: ## libFuzzer over the parsers (FUZZ_SECONDS=60 for each, or FUZZ_RUNS=)
	@packaging/install-deps build fuzz
	@$(MAKE) --no-print-directory $(parallel) -s run-fuzz CC=clang CFLAGS='-O1 -g' \
		SANITIZE=fuzzer-no-link,address,undefined BUILD=$(BUILD)/fuzz

$(FUZZERS:%=$(BUILD)/%): $(BUILD)/%: $(BUILD)/tests/fuzz/%.o $(LIBRARY)
	$(CC) $(CFLAGS) $(LINKING) -fsanitize=fuzzer $(LDFLAGS) -pthread -o $@ $^ \
		$(call pkg_libs,$(LIBS))

run-fuzz: $(FUZZERS:%=$(BUILD)/%)
	@$(PYTHON) tests/fuzz/run $(if $(FUZZ_RUNS),--runs $(FUZZ_RUNS),--seconds $(FUZZ_SECONDS)) $^

.PHONY: mutants run-mutants
mutants: ## break one promise after the other, and see the tests notice (MUTANTS="word...")
	@packaging/install-deps build test
	@$(MAKE) --no-print-directory $(parallel) run-mutants

run-mutants: all tools
	@$(PYTHON) tests/mutants/run $(MUTANTS)

.PHONY: sanitize-address sanitize-thread sanitize-all run-sanitize check-long
sanitize-address: ## ASan and UBSan over unit tests and some of the integration tests
	@packaging/install-deps build test sanitize
	@$(MAKE) --no-print-directory $(parallel) run-sanitize SANITIZE=address,undefined \
		SANITIZED="$(UNIT_TESTS) $(FUZZERS)" CHECKS="$(ADDRESS_CHECKS)"

sanitize-thread: ## TSan over the unit tests of all that has threads, and the flow under faults
	@packaging/install-deps build test sanitize
	@$(MAKE) --no-print-directory $(parallel) run-sanitize SANITIZE=thread \
		SANITIZED="$(THREADED:%=test_%)" CHECKS="$(THREAD_CHECKS)"

run-sanitize: all tools $(javascript) $(SANITIZED:%=$(BUILD)/tests/%)
	@$(PYTHON) tests/run $(SANITIZED:%=$(BUILD)/tests/%) $(CHECKS)

sanitize-all: ## both over everything
	@packaging/install-deps build test sanitize
	@$(MAKE) --no-print-directory $(parallel) run-sanitize SANITIZE=address,undefined \
		SANITIZED="$(UNIT_TESTS) $(FUZZERS)"
	@$(MAKE) --no-print-directory $(parallel) run-sanitize SANITIZE=thread SANITIZED="$(UNIT_TESTS)"

# What the tests go through, line by line and branch by branch.
.PHONY: coverage run-coverage
coverage: ## how much of src the tests go through; file by file in build/coverage/coverage.txt
	@packaging/install-deps build test coverage
	@$(MAKE) --no-print-directory $(parallel) run-coverage BUILD=$(BUILD)/coverage \
		CFLAGS='-O1 -g --coverage -fprofile-update=atomic'

run-coverage: run-check
	@gcovr --root . --filter src/ --exclude-throw-branches --sort-uncovered --print-summary \
		--output $(BUILD)/coverage.txt $(BUILD)

# Each Debian that can be booted here, with the package made there: some minutes, and as root.
.PHONY: check-system run-check-system
check-system: ## the package on booted Debian 12 and 13, from installation to purge
	@packaging/install-deps build test system
	@$(MAKE) --no-print-directory $(parallel) run-check-system

run-check-system: all tools dist
	@NEXUS_DIST=$(abspath $(DIST)) $(PYTHON) tests/run --jobs 2 --timeout 3600 \
		$(wildcard tests/system/test_*.py)

# The package for dnf, which Debian can make, look into, and install into an empty root.
.PHONY: check-rpm run-check-rpm
check-rpm: ## Amazon Linux' package: its unit tests, rpmlint, its files, installed and erased
	@packaging/install-deps build test rpm
	@$(MAKE) --no-print-directory $(parallel) run-check-rpm

run-check-rpm: all rpm
	@NEXUS_RPM=$(abspath $(BUILD))/rpm $(PYTHON) tests/run tests/rpm/test_rpm.py

# For arm64, on a machine that is none: all is compiled, and linked with Debian's libraries, which stay
# in a directory of their own; the tests run in an emulator, but for those that it is too slow for, that
# start programs built so, or need what Linux has had since 5.6.
ARM64          := $(abspath $(BUILD))/arm64
ARM64_ROOT     := $(ARM64)/root
ARM64_PACKAGES := libc6-dev libarchive-dev libcurl4-openssl-dev libexpat1-dev libjansson-dev \
                  libmicrohttpd-dev libpq-dev libssl-dev libsystemd-dev check
UNEMULATED     := test_command test_credential_endpoint test_credentials_container test_http \
                  test_http_client test_http_serve test_lambda test_peer test_runtime test_spawn test_unzip
EMULATED       := $(filter-out $(UNEMULATED),$(UNIT_TESTS))

.PHONY: cross-arm64 run-cross
cross-arm64: ## builds for arm64, and runs the unit tests in an emulator
	@packaging/install-deps build cross
	@tests/cross/sysroot.sh arm64 $(ARM64) $(ARM64_PACKAGES)
	@PKG_CONFIG_SYSROOT_DIR=$(ARM64_ROOT) \
		PKG_CONFIG_LIBDIR=$(ARM64_ROOT)/usr/lib/aarch64-linux-gnu/pkgconfig:$(ARM64_ROOT)/usr/share/pkgconfig \
		QEMU_LD_PREFIX=$(ARM64_ROOT) \
		$(MAKE) --no-print-directory $(parallel) -s run-cross BUILD=$(ARM64)/build EMULATOR=qemu-aarch64 \
		CC='aarch64-linux-gnu-gcc --sysroot=$(ARM64_ROOT)' AR=aarch64-linux-gnu-ar CFLAGS='-O2 -g -Werror'

run-cross: all objects $(EMULATED:%=$(BUILD)/emulated/%)
	@$(PYTHON) tests/run $(EMULATED:%=$(BUILD)/emulated/%)

$(BUILD)/emulated/%: $(BUILD)/tests/%
	@mkdir -p $(@D)
	@printf '#!/bin/sh\nexec $(EMULATOR) %s "$$@"\n' $(abspath $<) >$@
	@chmod +x $@

check-long: export NEXUS_LONG := 1
check-long: ## what takes hours; what came of it is in tests/LONG.md (PARTS="words")
	@packaging/install-deps build test long
	+@$(PYTHON) tests/long.py $(PARTS)

# ---- 6. Looking for mistakes without running ------------------------------------------------

.PHONY: static run-static static-format static-clang static-gcc static-tidy static-cppcheck static-scripts \
	static-dashboard
static: ## both compilers, their analyzers, cppcheck, shellcheck, layout; no finding is accepted
	@packaging/install-deps build static
	@$(MAKE) --no-print-directory $(parallel) run-static

run-static: static-format static-scripts static-dashboard static-clang static-gcc static-cppcheck static-tidy
	@echo "static: nothing found"

static-format:
	@echo clang-format
	@tests/style/layout.sh

static-scripts:
	@echo shellcheck
	@shellcheck $(SCRIPTS)

static-dashboard: $(BUILD)/grafana/ready
	@echo "tsc: the dashboard"
	@tests/grafana/check.sh $(abspath $(BUILD)/grafana)

static-clang:
	@echo "clang: warnings"
	@$(MAKE) --no-print-directory $(parallel) -s objects CC=clang \
		BUILD=$(BUILD)/static/clang CPPFLAGS=-U_FORTIFY_SOURCE CFLAGS='-O0 -Werror'

# Without optimizing, and not for leaks: there gcc 12 errs about what an array or a structure keeps.
# LeakSanitizer looks for those.
static-gcc:
	@echo "gcc: -fanalyzer"
	@$(MAKE) --no-print-directory $(parallel) -s product-objects \
		BUILD=$(BUILD)/static/gcc CC=gcc CPPFLAGS=-U_FORTIFY_SOURCE \
		CFLAGS='-O0 -g -fanalyzer -Werror -Wno-analyzer-malloc-leak'

static-cppcheck:
	@echo cppcheck
	@cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr \
		--suppress=memleak '--suppress=uninitvar:tests/sqs-local/*' \
		--library=tests/style/cppcheck.cfg --error-exitcode=1 -j2 \
		-Iinclude -D_GNU_SOURCE -DNEXUS_VERSION='""' $(C_SOURCES)

static-tidy: compile_commands.json
	@echo clang-tidy
	@printf '%s\n' $(PROGRAMS:%=src/%.c) $(SOURCES) | \
		xargs -P$(JOBS) -n3 clang-tidy --quiet -p . 2>$(BUILD)/clang-tidy.log || \
		{ cat $(BUILD)/clang-tidy.log; exit 1; }

# ---- 7. Upkeep -----------------------------------------------------------------------------

.PHONY: help install install-files install-units dist deb rpm screenshots run-screenshots format clean
help: ## this list
	@sed -n 's/^\([a-z_.-]*\):[^#]*## \(.*\)/  \1\t\2/p' Makefile | expand -t 26

install: install-files install-units ## into $(DESTDIR)$(PREFIX)

# $(call install_in,DIRECTORY,FILES): those files there, if there are any.
install_in = $(if $(strip $(2)),install -D -m 644 -t $(DESTDIR)$(PREFIX)/$(1) $(2))
DOC        = share/doc/nexus-worker

install-files: all
	install -D -m 755 -t $(DESTDIR)$(PREFIX)/bin $(PROGRAMS:%=$(BUILD)/%)
	$(call install_in,lib/nexus-worker,$(BOOTSTRAP))
	$(call install_in,lib/systemd/catalog,$(wildcard systemd/*.catalog))
	$(call install_in,$(DOC),conf/nexus-worker.conf $(wildcard *.md))
	$(call install_in,$(DOC)/docs,$(wildcard docs/*.md))
	$(call install_in,$(DOC)/docs/screenshots,$(wildcard docs/screenshots/*.svg))
	$(call install_in,$(DOC)/nexus-worker.service.d,$(wildcard systemd/nexus-worker.service.d/*.conf))
	set -e; for page in $(wildcard man/*.[158]); do \
		install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man$${page##*.} $$page; done
	set -e; for folder in $(wildcard packaging/aws packaging/cloudwatch packaging/grafana packaging/prometheus); do \
		install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/nexus-worker/$${folder##*/} $$folder/*; done
	install -D -m 644 packaging/completion/nexusctl.bash $(DESTDIR)$(BASH_COMPLETIONS)/nexusctl
	install -D -m 644 packaging/completion/_nexusctl $(DESTDIR)$(ZSH_COMPLETIONS)/_nexusctl
	install -D -m 644 packaging/completion/nexusctl.fish $(DESTDIR)$(FISH_COMPLETIONS)/nexusctl.fish
	ln -sf nexusctl $(DESTDIR)$(BASH_COMPLETIONS)/nexus-worker
	ln -sf nexusctl.fish $(DESTDIR)$(FISH_COMPLETIONS)/nexus-worker.fish

# Those of systemd. A package's own tools may want to do this, each with its system's macros.
install-units: $(UNITS)
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	set -e; for unit in $(UNITS); do \
		sed 's,/usr/bin/,$(PREFIX)/bin/,' $$unit >$(DESTDIR)$(PREFIX)/lib/systemd/system/$${unit##*/}; \
	done
	install -D -m 644 systemd/nexus-worker.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/nexus-worker.conf
	install -D -m 644 systemd/nexus-worker.tmpfiles $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/nexus-worker.conf

# What git knows of, as it is here now; the same sources make the same bytes, wherever and whenever.
DIST := $(BUILD)/nexus-worker-$(VERSION).tar.gz

dist: ## the sources, packed: $(BUILD)/nexus-worker-VERSION.tar.gz
	@mkdir -p $(BUILD)
	git ls-files -z | LC_ALL=C sort -z | tar --create --null --no-recursion --files-from=- \
		--transform='s,^,nexus-worker-$(VERSION)/,S' --format=ustar --owner=0 --group=0 \
		--numeric-owner --mode=u=rwX,go=rX --mtime=@$$(git log -1 --format=%ct) | \
		gzip --no-name --best >$(DIST)

deb: dist ## Debian's packages, into $(BUILD)/deb
	@packaging/install-deps build deb
	packaging/make-deb $(DIST) $(BUILD)/deb

rpm: dist ## Amazon Linux' packages, into $(BUILD)/rpm
	@packaging/install-deps build rpm
	packaging/make-rpm $(DIST) $(BUILD)/rpm

screenshots: ## the pictures in docs/screenshots anew
	@packaging/install-deps build test
	@$(MAKE) --no-print-directory $(parallel) run-screenshots

run-screenshots:
	@$(MAKE) --no-print-directory $(parallel) -s all tools
	@exec $(PYTHON) tests/screenshots.py

format: ## put the C sources into the layout of .clang-format
	clang-format -i $(C_FILES)

# For editors and analyzers: how each source is compiled.
last_source = $(lastword $(C_SOURCES))
compile_commands.json: Makefile $(C_SOURCES) ## for clangd and friends
	$(file >$@,[)
	$(foreach f,$(C_SOURCES),$(file >>$@,{"directory": "$(CURDIR)"$(comma) "file": "$f"$(comma) \
		"command": "$(subst ",\",$(compile) $f)"}$(if $(filter-out $(last_source),$f),$(comma))))
	$(file >>$@,])

clean: ## remove what was made
	rm -rf $(BUILD) compile_commands.json

-include $(patsubst %.o,%.d,$(call objects,$(C_SOURCES)))
