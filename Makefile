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

comma := ,

# ---- 2. What we are made of ---------------------------------------------------------------

VERSION  := 0.1.0
PROGRAMS := nexus-worker nexusctl
BOOTSTRAP := $(BUILD)/lib/nexus-worker/bootstrap.mjs
LIBS     := libcurl openssl libpq jansson expat libsystemd libmicrohttpd
CTL_LIBS := libarchive
UNITS    := nexus-worker.service nexus-reconcile.service nexus-reconcile.timer
TOOLS    := sqs-local bench-service marker nexus-worker-starved

SOURCES     := $(filter-out $(PROGRAMS:%=src/%.c),$(wildcard src/*.c src/*/*.c))
SQS_SOURCES := $(wildcard tests/sqs-local/*.c)
UNIT_TESTS  := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/test_*.c))
UNIT_SUPPORT := $(wildcard tests/support/*.c)
FUZZERS     := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
C_SOURCES    = $(wildcard src/*.c src/*/*.c tests/*/*.c)
C_FILES      = $(C_SOURCES) $(wildcard include/*/*.h tests/*/*.h)
SCRIPTS      = packaging/install-deps packaging/completion/nexusctl.bash .ci/run $(wildcard tests/*/*.sh)
# Those of faults first: some take two minutes.
CHECKS       = $(wildcard tests/style/*.sh tests/lab/test_*.py tests/fault/test_*.py \
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
HARDENING += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
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
all: $(PROGRAMS:%=$(BUILD)/%) $(BOOTSTRAP) ## the programs (the default)
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

# The AWS SDK for the tests in JavaScript, and what a Lambda bundle uses. Where npm is missing or
# cannot reach its registry there is none: those tests say that they were not run, and the next make
# tries again.
javascript = $(if $(filter %_javascript.py,$(CHECKS)),$(BUILD)/javascript/ready)

$(BUILD)/javascript/ready: tests/javascript/package.json tests/javascript/package-lock.json
	@mkdir -p $(@D)
	@cp $^ $(@D)
	@cd $(@D) && rm -f ready && npm ci --no-audit --no-fund --ignore-scripts --prefer-offline \
		--fetch-retries=1 --fetch-retry-mintimeout=1000 --fetch-timeout=20000 >npm.log 2>&1 && \
		touch ready || echo "$(@D)/npm.log says why there is no AWS SDK for JavaScript"

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

check-long: export NEXUS_LONG := 1
check-long: ## what takes hours; what came of it is in tests/LONG.md (PARTS="words")
	@packaging/install-deps build test long
	+@$(PYTHON) tests/long.py $(PARTS)

# ---- 6. Looking for mistakes without running ------------------------------------------------

.PHONY: static run-static static-format static-clang static-gcc static-tidy static-cppcheck static-scripts
static: ## both compilers, their analyzers, cppcheck, shellcheck, layout; no finding is accepted
	@packaging/install-deps build static
	@$(MAKE) --no-print-directory $(parallel) run-static

run-static: static-format static-scripts static-clang static-gcc static-cppcheck static-tidy
	@echo "static: nothing found"

static-format:
	@echo clang-format
	@clang-format --dry-run -Werror $(C_FILES)

static-scripts:
	@echo shellcheck
	@shellcheck $(SCRIPTS)

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

.PHONY: help install format clean
help: ## this list
	@sed -n 's/^\([a-z_.-]*\):[^#]*## \(.*\)/  \1\t\2/p' Makefile | expand -t 26

install: all ## into $(DESTDIR)$(PREFIX)
	install -D -m 755 $(BUILD)/nexus-worker $(DESTDIR)$(PREFIX)/bin/nexus-worker
	install -D -m 755 $(BUILD)/nexusctl $(DESTDIR)$(PREFIX)/bin/nexusctl
	install -D -m 644 $(BOOTSTRAP) $(DESTDIR)$(PREFIX)/lib/nexus-worker/bootstrap.mjs
	install -D -m 644 conf/nexus-worker.conf $(DESTDIR)$(PREFIX)/share/doc/nexus-worker/nexus-worker.conf
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/doc/nexus-worker/nexus-worker.service.d \
		systemd/nexus-worker.service.d/*.conf
	install -D -m 644 packaging/completion/nexusctl.bash $(DESTDIR)$(BASH_COMPLETIONS)/nexusctl
	install -D -m 644 packaging/completion/_nexusctl $(DESTDIR)$(ZSH_COMPLETIONS)/_nexusctl
	install -D -m 644 packaging/completion/nexusctl.fish $(DESTDIR)$(FISH_COMPLETIONS)/nexusctl.fish
	ln -sf nexusctl $(DESTDIR)$(BASH_COMPLETIONS)/nexus-worker
	ln -sf nexusctl.fish $(DESTDIR)$(FISH_COMPLETIONS)/nexus-worker.fish
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	for unit in $(UNITS); do sed 's,/usr/bin/,$(PREFIX)/bin/,' systemd/$$unit \
		>$(DESTDIR)$(PREFIX)/lib/systemd/system/$$unit || exit; done

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
