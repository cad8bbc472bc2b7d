# nexus-worker: `make help` lists the targets. Everything that is made lands in $(BUILD).

# ---- 1. What the caller may set -----------------------------------------------------------

CC       ?= cc
AR       ?= ar
PREFIX   ?= /usr/local
DESTDIR  ?=
CPPFLAGS ?=
CFLAGS   ?= -O2 -g
LDFLAGS  ?=
SANITIZE ?=
BUILD    ?= build$(if $(SANITIZE),/sanitize-$(subst $(comma),-,$(SANITIZE)))

comma := ,

# ---- 2. What we are made of ---------------------------------------------------------------

VERSION  := 0.1.0
PROGRAMS := nexus-worker
LIBS     := libcurl openssl libpq jansson libsystemd
TOOLS    := sqs-local

SOURCES     := $(filter-out $(PROGRAMS:%=src/%.c),$(wildcard src/*.c src/*/*.c))
SQS_SOURCES := $(wildcard tests/sqs-local/*.c)
UNIT_TESTS  := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/test_*.c))
C_FILES      = $(wildcard src/*.c src/*/*.c include/*/*.h tests/*/*.c tests/*/*.h)
SCRIPTS      = packaging/install-deps .ci/run $(wildcard tests/*.sh)

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

# ---- 4. Programs ---------------------------------------------------------------------------

.PHONY: all tools help install clean
all: $(PROGRAMS:%=$(BUILD)/%)
tools: $(TOOLS:%=$(BUILD)/%)

LIBRARY := $(BUILD)/libnexus.a

$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(OUR_CPPFLAGS) $(CPPFLAGS) $(OUR_CFLAGS) $(CFLAGS) -c -o $@ $<

$(LIBRARY): $(call objects,$(SOURCES))
	@rm -f $@
	$(AR) rcs $@ $^

$(PROGRAMS:%=$(BUILD)/%): $(BUILD)/%: $(BUILD)/src/%.o $(LIBRARY)
	$(CC) $(CFLAGS) $(LINKING) $(LDFLAGS) -pthread -o $@ $^ $(call pkg_libs,$(LIBS))

$(BUILD)/sqs-local: $(call objects,$(SQS_SOURCES)) $(LIBRARY)
	$(CC) $(CFLAGS) $(LINKING) $(LDFLAGS) -pthread -o $@ $^ $(call pkg_libs,libmicrohttpd $(LIBS))

# ---- 5. Tests ------------------------------------------------------------------------------

$(UNIT_TESTS:%=$(BUILD)/tests/%): $(BUILD)/tests/%: $(BUILD)/tests/unit/%.o $(LIBRARY)
	$(CC) $(CFLAGS) $(LINKING) $(LDFLAGS) -pthread -o $@ $^ $(call pkg_libs,check $(LIBS))

.PHONY: unit
unit: $(UNIT_TESTS:%=$(BUILD)/tests/%)
	@for t in $^; do echo "== $${t##*/}"; $$t || exit 1; done

# ---- 6. Upkeep -----------------------------------------------------------------------------

.PHONY: format
format:
	clang-format -i $(C_FILES)

clean:
	rm -rf $(BUILD)

-include $(patsubst %.o,%.d,$(call objects,$(SOURCES) $(PROGRAMS:%=src/%.c) $(SQS_SOURCES) $(UNIT_TESTS:%=tests/unit/%.c)))
