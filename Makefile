# seccm: build, test and install. `make help` lists the targets; V=1 shows the commands.

# make's own default is `cc`; CC from the environment or the command line is respected.
ifeq ($(origin CC),default)
CC      := gcc
endif
export CC
BUILD   ?= build
JOBS    ?= $(shell nproc)
PREFIX  ?= /usr/local
OPT     ?= -O2 -g
SAN     ?=
Q       := $(if $(V),,@)

VERSION := 0.1.0
PKGS    := yaml-0.1 libserialport libpcre2-8 sqlite3 gsl nettle libmicrohttpd libcurl
CHART_JS ?= /usr/share/javascript/chart.js/chart.min.js
# Empty for a compiler that we do not know; sanitizers make gcc warn of what can not happen.
WERROR  ?= -Werror
WARN    = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wundef \
           -Wwrite-strings -Wvla -Wformat=2 -Wno-missing-field-initializers $(WERROR)
# CPPFLAGS, CFLAGS and LDFLAGS of the caller come last.
ALL_CPPFLAGS = -Isrc -D_GNU_SOURCE -DSECCM_VERSION='"$(VERSION)"' -DCHART_JS_PATH='"$(CHART_JS)"' $(CPPFLAGS)
ALL_CFLAGS   = -std=c17 $(OPT) $(WARN) -ffp-contract=off -fno-common -pthread $(SAN) $(CFLAGS)
ALL_LDFLAGS  = $(SAN) -pthread $(LDFLAGS)
# Looked up once, and only when something is compiled, so that `make deps` works on a bare machine.
PKG_CFLAGS = $(eval PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS)))$(PKG_CFLAGS)
PKG_LIBS   = $(eval PKG_LIBS := $(shell pkg-config --libs $(PKGS)))$(PKG_LIBS)
LDLIBS     = $(PKG_LIBS) -ludunits2 -lblosc -lm

# Folders in the order in which they may include each other (see tests/lint/includes).
FOLDERS := base wire instrument sim results analysis protocol run output cli
lib      = $(BUILD)/lib/$(1).a
# Archives that a folder's unit tests link: what the folder may include, most dependent first.
NEEDS_base       := base
NEEDS_wire       := wire base
NEEDS_instrument := instrument wire base
NEEDS_sim        := sim wire base
NEEDS_results    := results base
NEEDS_analysis   := analysis results base
NEEDS_protocol   := protocol instrument analysis results wire base
NEEDS_run        := run protocol instrument analysis results sim wire base
NEEDS_output     := output analysis results base
NEEDS_cli        := cli output run protocol sim instrument analysis results wire base

SRC_of   = $(sort $(wildcard src/$(1)/*.c))
OBJ_of   = $(patsubst src/%.c,$(BUILD)/obj/%.o,$(filter-out src/cli/main.c,$(call SRC_of,$(1))))
ALL_OBJ  = $(foreach f,$(FOLDERS),$(call OBJ_of,$(f))) $(BUILD)/obj/cli/main.o
UNIT_SRC = $(sort $(wildcard tests/unit/*/test_*.c))
UNIT_BIN = $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(UNIT_SRC))

FUZZ_BIN = $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
BENCH_OBJ = $(patsubst tests/bench/%.c,$(BUILD)/bench/%.o,$(sort $(wildcard tests/bench/*.c)))

.PHONY: all help schema deps deps-check deps-ui deps-bench demo test suite unit lint format asan tsan valgrind soak fuzz \
        fuzz-programs bench install uninstall clean prove-runner FORCE
.DELETE_ON_ERROR:
.SECONDARY:

all: $(BUILD)/seccm
	$(Q)cmp -s $(BUILD)/seccm seccm || cp -f $(BUILD)/seccm seccm

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n",$$1,$$2}' Makefile

# Changes only when the compiler or its flags do; everything compiled depends on it.
$(BUILD)/flags: FORCE
	$(Q)mkdir -p $(@D)
	$(Q)printf '%s\n' "$$FLAGS" | cmp -s - $@ || printf '%s\n' "$$FLAGS" >$@
$(BUILD)/flags: export FLAGS = $(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(PKGS)

$(BUILD)/obj/%.o: src/%.c $(BUILD)/flags
	$(Q)mkdir -p $(@D)
	$(if $(V),,@echo "  CC      $<")
	$(Q)$(CC) $(ALL_CPPFLAGS) $(PKG_CFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# Files that the assembler takes in; the compiler's dependencies do not know of them.
$(BUILD)/obj/output/assets.o: $(wildcard src/output/*.html src/output/*.css src/output/*.js $(CHART_JS))

# The list notices a source file that was removed.
define FOLDER_RULE
$(BUILD)/lib/$(1).list: FORCE
	$$(Q)mkdir -p $$(@D)
	$$(Q)echo '$$(call OBJ_of,$(1))' | cmp -s - $$@ || echo '$$(call OBJ_of,$(1))' >$$@
$(BUILD)/lib/$(1).a: $$(call OBJ_of,$(1)) $(BUILD)/lib/$(1).list
	$$(Q)rm -f $$@ && ar rcs $$@ $$(filter %.o,$$^)
endef
$(foreach f,$(FOLDERS),$(eval $(call FOLDER_RULE,$(f))))

$(BUILD)/seccm: $(BUILD)/obj/cli/main.o $(foreach f,$(NEEDS_cli),$(call lib,$(f)))
	$(if $(V),,@echo "  LINK    $@")
	$(Q)$(CC) -o $@ $^ $(ALL_LDFLAGS) $(LDLIBS)

# Unit tests: tests/unit/FOLDER/test_X.c links only what FOLDER may include.
define UNIT_RULE
$(BUILD)/unit/$(1)/test_%: tests/unit/$(1)/test_%.c $(foreach f,$(NEEDS_$(1)),$(BUILD)/lib/$(f).a)
	$$(Q)mkdir -p $$(@D)
	$$(if $$(V),,@echo "  TEST    $$<")
	$$(Q)$$(CC) $$(ALL_CPPFLAGS) -Itests $$(PKG_CFLAGS) $$(ALL_CFLAGS) -MMD -MP -o $$@ $$< \
	    -Wl,--start-group $(foreach f,$(NEEDS_$(1)),$(BUILD)/lib/$(f).a) -Wl,--end-group $$(ALL_LDFLAGS) $$(LDLIBS) -lcmocka -lutil
endef
$(foreach f,$(FOLDERS),$(eval $(call UNIT_RULE,$(f))))

# Helpers of the scenarios: tests/tools/X.c
TOOLS = $(patsubst tests/tools/%.c,$(BUILD)/tools/%,$(sort $(wildcard tests/tools/*.c)))
$(BUILD)/tools/%: tests/tools/%.c $(call lib,base)
	$(Q)mkdir -p $(@D)
	$(if $(V),,@echo "  TOOL    $<")
	$(Q)$(CC) $(ALL_CPPFLAGS) $(PKG_CFLAGS) $(ALL_CFLAGS) -MMD -MP -o $@ $< $(filter %.a,$^) $(ALL_LDFLAGS) $(LDLIBS)

# One folder's unit tests: make unit-base
unit-%:
	$(Q)$(MAKE) --no-print-directory $(filter $(BUILD)/unit/$*/%,$(UNIT_BIN))
	$(Q)tests/run-unit $(filter $(BUILD)/unit/$*/%,$(UNIT_BIN))

unit: $(UNIT_BIN)
	$(Q)tests/run-unit $(UNIT_BIN)

# What build, demo and tests need, by Debian package. Browsers, R and Python are only in deps-ui and deps-bench.
DEPS := gcc libc6-dev make pkg-config libyaml-dev libserialport-dev libpcre2-dev libcmocka-dev libsqlite3-dev \
        libudunits2-dev libgsl-dev libblosc-dev nettle-dev libmicrohttpd-dev libcurl4-openssl-dev libjs-chart.js
DEPS_CHECK := $(DEPS) clang libclang-rt-14-dev clang-format cppcheck valgrind

deps: ## install the Debian packages that are missing (as root or with sudo)
	@tests/install-deps $(DEPS)

deps-check: ## the same for lint, sanitizers and valgrind
	@tests/install-deps $(DEPS_CHECK)

deps-ui: ## the browser for looking at reports and pages
	@tests/install-deps chromium chromium-driver

deps-bench: ## peers to measure against
	@tests/install-deps python3 python3-numpy python3-scipy python3-yaml python3-h5py python3-serial

schema: all ## protocols/schema: JSON Schema of protocol, steps, grid and rig files, for editors
	$(Q)mkdir -p protocols/schema
	$(Q)for k in protocol steps grid rig; do ./seccm schema $$k >protocols/schema/$$k.schema.json || exit 1; done

demo: deps ## a complete simulated SEI screening: results, tables and report in build/demo
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) all
	$(Q)tests/demo ./seccm $(BUILD)/demo

test: deps ## everything: units, dialogues, scenarios, the runner's own proof
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) all
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) $(UNIT_BIN) $(TOOLS)
	$(Q)tests/run-all $(BUILD) $(UNIT_BIN)

prove-runner: ## the test runner must report a test that fails
	$(Q)tests/prove-runner $(BUILD)

C_FILES = $(shell find src tests -name '*.[ch]' | sort)

lint: deps-check ## include allow-list, layout, cppcheck
	$(Q)tests/lint-includes
	$(Q)clang-format --dry-run -Werror $(C_FILES)
	$(Q)cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,performance,portability \
	    --suppress=missingIncludeSystem --suppress=normalCheckLevelMaxBranches --inline-suppr -Isrc src

format: ## let clang-format decide
	$(Q)clang-format -i $(C_FILES)

asan: deps deps-check ## the whole suite under address and undefined behaviour sanitizers
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) BUILD=$(BUILD)-asan WERROR= OPT='-O1 -g -fno-omit-frame-pointer' \
	    SAN='-fsanitize=address,undefined -fno-sanitize-recover=undefined' suite

tsan: deps deps-check ## the whole suite under the thread sanitizer
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) BUILD=$(BUILD)-tsan WERROR= OPT='-O1 -g' SAN='-fsanitize=thread' suite

suite: $(BUILD)/seccm $(UNIT_BIN) $(TOOLS)
	$(Q)tests/sanitized "$(SAN)" tests/run-all $(BUILD) $(UNIT_BIN)

valgrind: deps deps-check ## unit tests under valgrind
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) $(UNIT_BIN)
	$(Q)tests/run-valgrind $(UNIT_BIN)

soak: deps-check all ## long campaigns: faults, kills, many seeds (SECCM_TEST_SEEDS, SECCM_TEST_KILLS)
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) $(UNIT_BIN)
	$(Q)tests/soak/run $(BUILD)

# Coverage-guided fuzzing with clang's libFuzzer: tests/fuzz/fuzz_X.c, seconds for each.
FUZZ_SECONDS ?= 60
fuzz: deps deps-check ## coverage-guided fuzzing of files and replies (FUZZ_SECONDS for each target)
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) BUILD=$(BUILD)-fuzz CC=clang WERROR= OPT='-O1 -g -fno-omit-frame-pointer' \
	    SAN='-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined' fuzz-programs
	$(Q)tests/fuzz/run $(BUILD)-fuzz $(FUZZ_SECONDS)

fuzz-programs: $(FUZZ_BIN)
$(BUILD)/fuzz/%: tests/fuzz/%.c $(foreach f,$(NEEDS_cli),$(call lib,$(f)))
	$(Q)mkdir -p $(@D)
	$(if $(V),,@echo "  FUZZ    $<")
	$(Q)$(CC) $(ALL_CPPFLAGS) -Itests $(PKG_CFLAGS) $(ALL_CFLAGS) -fsanitize=fuzzer -MMD -MP -o $@ $< \
	    -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(ALL_LDFLAGS) $(LDLIBS)

bench: all ## ours beside floors and peers, into build/bench.json (BENCH='T3 T5' for some)
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) $(BUILD)/bench/bench
	$(Q)$(BUILD)/bench/bench $(BUILD) $(BENCH)

$(BUILD)/bench/%.o: tests/bench/%.c $(BUILD)/flags
	$(Q)mkdir -p $(@D)
	$(if $(V),,@echo "  CC      $<")
	$(Q)$(CC) $(ALL_CPPFLAGS) -Itests $(PKG_CFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<
$(BUILD)/bench/bench: $(BENCH_OBJ) $(foreach f,$(NEEDS_cli),$(call lib,$(f)))
	$(Q)$(CC) -o $@ $(BENCH_OBJ) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(ALL_LDFLAGS) $(LDLIBS) -lutil

install: $(BUILD)/seccm ## PREFIX, DESTDIR
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/seccm $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 755 $(BUILD)/seccm $(DESTDIR)$(PREFIX)/bin/seccm
	install -m 644 src/cli/seccm.1 $(DESTDIR)$(PREFIX)/share/man/man1/seccm.1
	cp -R $(wildcard examples grids instruments protocols) $(DESTDIR)$(PREFIX)/share/seccm/

uninstall: ## what install put there
	rm -f $(DESTDIR)$(PREFIX)/bin/seccm $(DESTDIR)$(PREFIX)/share/man/man1/seccm.1
	rm -rf $(DESTDIR)$(PREFIX)/share/seccm

clean: ## remove what was built
	rm -rf $(BUILD) $(BUILD)-asan $(BUILD)-tsan $(BUILD)-fuzz seccm

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
