# `make demo` and `make test` do all the set-up. `make check` is the quick part for every day.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
export OMP_WAIT_POLICY = PASSIVE
export OMP_NUM_THREADS = 1
export OPENBLAS_NUM_THREADS = 1
export SYNAPOLIS_SCREENSHOTS ?= $(CURDIR)/out/screenshots

# One worker a processor, which takes over half of what another has left when its own is done; `make test WORKERS=` is one
# process. A worker that dies fails the test it was at, by name, and another goes on.
WORKERS ?= -n auto --dist worksteal

.PHONY: demo test check bench pages lock lint clean help
help:  ## Say what each target does
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

.venv/.installed: requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@echo "Compiling the kernels (once, about a minute) ..."
	$(BIN)/synapolis compile
	touch $@

demo: .venv/.installed  ## Build Helsinki centre, ask three questions, write report.html
	$(BIN)/synapolis demo --report report.html

test: .venv/.installed .ogc-venv/.installed browser postgres pages  ## All tests, with format, lint and types first
	$(MAKE) --no-print-directory lint
	$(BIN)/python -m pytest $(WORKERS)

check: .venv/.installed lint  ## Format, lint, types and quick tests
	$(BIN)/python -m pytest $(WORKERS) -m "not slow"

lint: .venv/.installed
	$(BIN)/ruff format --check src tests benchmarks
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/mypy

bench: .bench-venv/.installed  ## Ratios against peers, in one run
	.bench-venv/bin/python -m benchmarks

.bench-venv/.installed: pyproject.toml requirements-bench.lock
	test -x .bench-venv/bin/python || $(PYTHON) -m venv .bench-venv
	.bench-venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.lock
	.bench-venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

# The OGC's tests of a features server pin older libraries than ours, so they have an environment of their own.
OGCTESTS := ogctests==0.1.15
.ogc-venv/.installed: requirements-ogc.lock
	test -x .ogc-venv/bin/python || $(PYTHON) -m venv .ogc-venv
	.ogc-venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-ogc.lock
	touch $@

# Debian's chromium opens the report in tests; it is installed where it is missing and we may, else those tests skip.
.PHONY: browser
browser:
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
	  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium >/dev/null; }; } || \
	  echo "chromium is not here and could not be installed: browser tests will skip"

# Tests of the records start a PostgreSQL of their own, never as root; without one (or SYNAPOLIS_TEST_POSTGRES) they skip.
.PHONY: postgres
postgres:
	@{ command -v initdb || ls /usr/lib/postgresql/*/bin/initdb; } >/dev/null 2>&1 || [ -n "$$SYNAPOLIS_TEST_POSTGRES" ] || \
	  { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
	  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends postgresql >/dev/null; }; } || \
	  echo "PostgreSQL is not here and could not be installed: its tests will skip"

pages: .venv/.installed  ## Build the pages of the web application where they are missing or stale
	$(BIN)/python hatch_build.py

lock: .venv/.installed  ## Pin the dependencies again (names, versions, hashes)
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile -q pyproject.toml --extra demo --extra postgres --extra dev --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -o requirements.lock
	$(BIN)/uv pip compile -q pyproject.toml --extra demo --extra postgres --extra bench --extra dev --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -o requirements-bench.lock
	echo $(OGCTESTS) | $(BIN)/uv pip compile -q - --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate -o requirements-ogc.lock

.PHONY: record
record: .venv/.installed  ## Write models.lock and the generated pages of docs/ again
	$(BIN)/python -m synapolis.models.lock
	$(BIN)/python -m synapolis.report.reference docs

clean:  ## Remove the environments and what the tools left behind
	rm -rf .venv .bench-venv .ogc-venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist report.html
