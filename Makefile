# seccm: build, test and install. `make help` lists the targets; V=1 shows the commands.

CC      ?= gcc
BUILD   ?= build
PREFIX  ?= /usr/local
OPT     ?= -O2 -g
SAN     ?=
Q       := $(if $(V),,@)

VERSION := 0.1.0
PKGS    := yaml-0.1 libserialport libpcre2-8 sqlite3 gsl
WARN    := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wundef \
           -Wwrite-strings -Wvla -Wformat=2 -Wno-missing-field-initializers -Werror
CPPFLAGS += -Isrc -I$(BUILD)/gen -D_GNU_SOURCE -DSECCM_VERSION='"$(VERSION)"'
CFLAGS  += -std=c17 $(OPT) $(WARN) -ffp-contract=off -fno-common -pthread $(SAN)
LDFLAGS += $(SAN) -pthread
# Looked up only when something is compiled, so that `make deps` works on a bare machine.
PKG_CFLAGS = $(shell pkg-config --cflags $(PKGS))
LDLIBS  = $(shell pkg-config --libs $(PKGS)) -ludunits2 -lblosc -lm

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

.PHONY: all help schema deps deps-check deps-ui deps-bench demo test suite unit lint format asan tsan valgrind soak fuzz bench \
        install uninstall clean prove-runner
.DELETE_ON_ERROR:
.SECONDARY:

all: $(BUILD)/seccm
	$(Q)cp -f $(BUILD)/seccm seccm

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n",$$1,$$2}' Makefile

$(BUILD)/obj/%.o: src/%.c
	$(Q)mkdir -p $(@D)
	$(if $(V),,@echo "  CC      $<")
	$(Q)$(CC) $(CPPFLAGS) $(PKG_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

define FOLDER_RULE
$(BUILD)/lib/$(1).a: $$(call OBJ_of,$(1))
	$$(Q)mkdir -p $$(@D)
	$$(Q)rm -f $$@ && ar rcs $$@ $$^
endef
$(foreach f,$(FOLDERS),$(eval $(call FOLDER_RULE,$(f))))

$(BUILD)/seccm: $(BUILD)/obj/cli/main.o $(foreach f,$(NEEDS_cli),$(call lib,$(f)))
	$(if $(V),,@echo "  LINK    $@")
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# Unit tests: tests/unit/FOLDER/test_X.c links only what FOLDER may include.
define UNIT_RULE
$(BUILD)/unit/$(1)/test_%: tests/unit/$(1)/test_%.c $(foreach f,$(NEEDS_$(1)),$(BUILD)/lib/$(f).a)
	$$(Q)mkdir -p $$(@D)
	$$(if $$(V),,@echo "  TEST    $$<")
	$$(Q)$$(CC) $$(CPPFLAGS) -Itests $$(PKG_CFLAGS) $$(CFLAGS) -MMD -MP -o $$@ $$< \
	    -Wl,--start-group $(foreach f,$(NEEDS_$(1)),$(BUILD)/lib/$(f).a) -Wl,--end-group $$(LDFLAGS) $$(LDLIBS) -lcmocka -lutil
endef
$(foreach f,$(FOLDERS),$(eval $(call UNIT_RULE,$(f))))

# One folder's unit tests: make unit-base
unit-%:
	$(Q)$(MAKE) --no-print-directory $(filter $(BUILD)/unit/$*/%,$(UNIT_BIN))
	$(Q)tests/run-unit $(filter $(BUILD)/unit/$*/%,$(UNIT_BIN))

unit: $(UNIT_BIN)
	$(Q)tests/run-unit $(UNIT_BIN)

# What build, demo and tests need, by Debian package. Browsers, R and Python are only in deps-ui and deps-bench.
DEPS := gcc libc6-dev make pkg-config libyaml-dev libserialport-dev libpcre2-dev libcmocka-dev libsqlite3-dev \
        libudunits2-dev libgsl-dev libblosc-dev libjs-chart.js
DEPS_CHECK := $(DEPS) clang libclang-rt-14-dev clang-format cppcheck valgrind

deps: ## install the Debian packages that are missing (as root or with sudo)
	@tests/install-deps $(DEPS)

deps-check: ## the same for lint, sanitizers and valgrind
	@tests/install-deps $(DEPS_CHECK)

deps-ui: ## the browser for looking at reports and pages
	@tests/install-deps chromium chromium-driver

deps-bench: ## peers to measure against
	@tests/install-deps python3 python3-numpy python3-scipy

schema: all ## protocols/schema: JSON Schema of protocol, grid and rig files, for editors
	$(Q)mkdir -p protocols/schema
	$(Q)for k in protocol grid rig; do ./seccm schema $$k >protocols/schema/$$k.schema.json || exit 1; done

demo: deps ## a complete simulated SEI screening: results, tables and report in build/demo
	$(Q)$(MAKE) --no-print-directory all
	$(Q)tests/demo ./seccm $(BUILD)/demo

test: deps ## everything: units, dialogues, scenarios, the runner's own proof
	$(Q)$(MAKE) --no-print-directory all
	$(Q)$(MAKE) --no-print-directory $(UNIT_BIN)
	$(Q)tests/run-all $(BUILD)

prove-runner: ## the test runner must report a test that fails
	$(Q)tests/prove-runner $(BUILD)

lint: deps-check ## include allow-list, layout, cppcheck
	$(Q)tests/lint-includes
	$(Q)clang-format --dry-run -Werror $(shell git ls-files 'src/*.[ch]' 'tests/*.[ch]')
	$(Q)cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,performance,portability \
	    --suppress=missingIncludeSystem --suppress=normalCheckLevelMaxBranches --inline-suppr -Isrc src

format: ## let clang-format decide
	$(Q)clang-format -i $(shell git ls-files 'src/*.[ch]' 'tests/*.[ch]')

asan: deps-check ## the whole suite under address and undefined behaviour sanitizers
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)-asan OPT='-O1 -g' \
	    SAN='-fsanitize=address,undefined -fno-sanitize-recover=undefined' suite

tsan: deps-check ## the whole suite under the thread sanitizer
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)-tsan OPT='-O1 -g' SAN='-fsanitize=thread' suite

suite: $(BUILD)/seccm $(UNIT_BIN)
	$(Q)tests/run-all $(BUILD)

valgrind: deps-check $(UNIT_BIN) ## unit tests under valgrind
	$(Q)for t in $(UNIT_BIN); do valgrind -q --error-exitcode=9 --leak-check=full $$t >/dev/null || exit 1; done

soak: all ## long campaigns: faults, kills, many seeds
	$(Q)tests/soak $(BUILD)

fuzz: deps-check ## coverage-guided fuzzing of YAML to plan
	$(Q)tests/fuzz/run $(BUILD)-fuzz

bench: all ## ratios against floors and peers, medians of one run, into build/bench.json
	$(Q)$(MAKE) --no-print-directory $(BUILD)/bench/bench
	$(Q)$(BUILD)/bench/bench $(BUILD)/bench.json

install: $(BUILD)/seccm ## PREFIX, DESTDIR
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/seccm
	install -m 755 $(BUILD)/seccm $(DESTDIR)$(PREFIX)/bin/seccm
	cp -R examples grids instruments protocols $(DESTDIR)$(PREFIX)/share/seccm/

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/seccm
	rm -rf $(DESTDIR)$(PREFIX)/share/seccm

clean: ## remove what was built
	rm -rf $(BUILD) seccm

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
