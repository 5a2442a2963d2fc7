# Short names for the usual things; CMakePresets.json and CMakeLists.txt are the truth behind them.
#
#   PREFIX=/usr/local LIBDIR= DESTDIR=   where `make install` puts things
#   JOBS=N                       compilers at once (default: one per core)
#   FUZZ_SECONDS=60              time for each fuzz target

JOBS ?= $(shell nproc 2>/dev/null || echo 2)
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 60

MAKEFLAGS += --no-print-directory

# Configures and builds one preset: $(call build,release,options of cmake --build)
build = cmake --preset $(1) --log-level=WARNING >/dev/null && cmake --build --preset $(1) -j $(JOBS) $(2)

.PHONY: all build demo check quick lint asan tsan coverage fuzz fuzz-coverage bench install format clean help
all: build

build: ## the library, the command, tests and examples, in build/release
	$(call build,release)

demo: ## installs what is missing, builds the command, and shows what Backprop does
	scripts/install-deps
	$(call build,release,--target backprop_cli)
	@if [ -e scripts/demo ]; then scripts/demo build/release; else echo "make demo: there is no scripts/demo in this tree" >&2; exit 1; fi

check: ## installs what is missing, builds, and runs every test but the nightly ones
	scripts/install-deps
	$(call build,release)
	ctest --preset release

quick: ## the unit tests that take a moment
	$(call build,release)
	ctest --preset release -L unit -LE slow

lint: ## warnings as errors on gcc and clang, clang-tidy, cppcheck, and the checks of tools/
	scripts/install-deps --lint
	JOBS=$(JOBS) tools/lint

asan: ## all but the long tests under the address and undefined-behaviour sanitizers
	$(call build,asan)
	ctest --preset asan

tsan: ## what runs in threads, but the long tests, under the thread sanitizer
	$(call build,tsan)
	tools/without-aslr ctest --preset tsan

coverage: ## which lines the tests execute
	$(call build,coverage)
	ctest --preset coverage
	tools/coverage build/coverage

fuzz: ## searches with every fuzz target for FUZZ_SECONDS each
	scripts/install-deps --lint
	$(call build,fuzz)
	FUZZ_SECONDS=$(FUZZ_SECONDS) JOBS=$(JOBS) tools/fuzz build/fuzz

fuzz-coverage: ## which lines the corpora of the fuzz targets execute
	scripts/install-deps --lint
	$(call build,fuzz-coverage)
	tools/fuzz-corpora coverage build/fuzz-coverage

bench: ## builds and runs the benchmarks
	$(call build,release,--target all --target backprop_bench)
	@if [ -x bench/run ]; then bench/run build/release; else \
	  for program in build/release/bench/*; do [ -x "$$program" ] && [ -f "$$program" ] || continue; \
	    echo "== $$program"; "$$program" || exit 1; done; fi

install: ## installs below PREFIX (libraries in LIBDIR), staged in DESTDIR when that is set; needs no package of the tests
	cmake --preset install --log-level=WARNING -DCMAKE_INSTALL_PREFIX="$(PREFIX)" $(if $(LIBDIR),-DCMAKE_INSTALL_LIBDIR="$(LIBDIR)") >/dev/null
	cmake --build --preset install -j $(JOBS)
	cmake -E env DESTDIR="$(DESTDIR)" cmake --install build/install
	@printf '%s\n' "to uninstall: xargs -d '\\n' rm < build/install/install_manifest.txt"

format: ## rewrites the C files as .clang-format says
	tools/format --write

clean: ## removes everything built
	rm -rf build

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18
