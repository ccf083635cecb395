# SPDX-License-Identifier: Apache-2.0
# The commands of a bare Debian 12 with git and make. CMake presets do the work; day-to-day development uses those directly (docs/HACKING.md).
.DEFAULT_GOAL := build
.PHONY: run test soak bench build install clean format lint setup setup-tests

PREFIX ?= /usr/local
# OFF builds the API alone, without the pages for browsers.
export BF_WEB ?= ON
# The programs of a running Baifang; the tests' own stay unbuilt until `make test` asks for them.
PROGRAMS := baifang-programs

# Builds, starts the server on ./demo-data, plays one visit and one contract through the public API, serves until Ctrl-C.
run: build
	@tools/demo

# All tests in their short form; closes with "total: N passed, 0 failed".
test: setup-tests
	@tools/run-tests

# The long counts: 1,000 kills, minutes of fuzzing for each parser.
soak: setup-tests
	@BF_SOAK=1 tools/run-tests

# The figures beside their bare baselines, measured in one run.
bench: setup-tests
	@tools/bench

build: setup
	@test -f build/release/build.ninja || cmake --preset release -DBF_TESTS=OFF -DBF_WEB=$(BF_WEB) >build/configure.log || { cat build/configure.log; exit 1; }
	@cmake --build --preset release --target $(PROGRAMS)

setup:
	@tools/setup

setup-tests:
	@tools/setup --tests

# The programs, the systemd unit and a sample configuration; DESTDIR and PREFIX as usual.
install: build
	@cmake --preset release -DCMAKE_INSTALL_PREFIX=$(PREFIX) >build/configure.log || { cat build/configure.log; exit 1; }
	cmake --install build/release --component programs

format:
	@git ls-files '*.c' '*.h' | xargs clang-format-14 -i

lint:
	@tools/lint

# What was built and downloaded; ./demo-data stays.
clean:
	rm -rf build
