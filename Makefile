# Everything a person or a machine does with this project. `make` alone lists it.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
export PATH := $(CURDIR)/.tools/bin:$(PATH)

CURFEW := $(or $(CARGO_TARGET_DIR),target)/debug/curfew
# More for `curfew demo`: make demo ARGS="--listen 127.0.0.1:9000"
ARGS ?=

.PHONY: help setup demo test test-fast soak fuzz lint lint-templates bench clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what building and testing needs (Debian, Ubuntu; elsewhere names it)
	@scripts/setup.sh build test

# The development profile: half the CPU minutes of a release build, and what would be slow in it (password hashing, the
# embedded database) is compiled with optimisation there too.
demo: ## build and run a throw-away workspace in this terminal
	@scripts/setup.sh build
	@echo "Building curfew (the first time takes some minutes, after that seconds)"
	cargo build --locked
	@$(CURFEW) demo $(ARGS)

# Unit tests, then the one binary `it`: the product on both databases, behind a real nginx, in a real browser, under the
# conformance scripts of tests/conformance. It prints which real programs were used; a missing one is a failure. The feature
# `mutants` holds known faults, all switched off, for the tests that switch one on and must notice it (docs/testing.md).
test: ## every test, with real PostgreSQL, nginx and Chromium
	@scripts/setup.sh build test
	cargo test --locked --features mutants

test-fast: ## what needs no other program: unit tests and the architecture rules
	@scripts/setup.sh build
	cargo test --locked --features mutants --lib
	cargo test --locked --features mutants --test it architecture

# CURFEW_HISTORY_SECONDS and CURFEW_HISTORY_SEED choose another length and another history,
# CURFEW_HISTORY_FAILOVERS=1 nothing but failovers.
soak: ## a quarter of an hour of faults, and a million checks: does every promise hold?
	@scripts/setup.sh build test
	cargo build --locked --release --features mutants --bin curfew
	CURFEW_HISTORY_PROGRAM=$(CURDIR)/target/release/curfew cargo test --locked --features mutants --test it -- \
	  --ignored --exact --nocapture --test-threads 1 \
	  history::a_long_history_holds model::statements_of_both_that_outlive_their_clients

# A million mutants, or for CURFEW_FUZZ_SECONDS, or CURFEW_FUZZ_MUTANTS of them; CURFEW_FUZZ_SEED chooses which. Inputs that are
# interesting stay in fixtures/saml/fuzz, and the next run begins with them (docs/testing.md).
fuzz: ## a million mutants of SAML responses: is one believed that nobody signed?
	@scripts/setup.sh build
	@[ -n "$${CURFEW_FUZZ_SECONDS:-}$${CURFEW_FUZZ_MUTANTS:-}" ] || export CURFEW_FUZZ_MUTANTS=1000000; \
	export CURFEW_FUZZ_KEEP=$${CURFEW_FUZZ_KEEP:-fixtures/saml/fuzz}; \
	cargo test --release --locked --test fuzz -- --nocapture

lint: lint-templates ## formatting, clippy, licences and origins of dependencies, templates
	@scripts/setup.sh build lint
	cargo fmt --check
	cargo clippy --locked -- -D warnings
	cargo clippy --locked --all-targets --features mutants -- -D warnings
	cargo deny --locked check licenses bans sources

# Templates escape everything, and hold no inline script or style: the Content-Security-Policy has no exception for one.
# Each search must find nothing.
lint-templates:
	@! grep -rnE --include='*.html' --include='*.txt' '\|[[:space:]]*safe\b|autoescape|filter[[:space:]]+safe' src
	@! grep -rnE --include='*.rs' 'escape[[:space:]]*=[[:space:]]*"none"|PreEscaped|MarkupDisplay::new_safe' src
	@! grep -rniE --include='*.html' '<style|(^|[[:space:]])(style|on[a-z]+|hx-on[a-z:-]*|hx-vars)[[:space:]]*=|javascript:' src
	@! grep -rniE --include='*.html' '<script' src | grep -viE '<script( [a-z-]+(="[^"]*")?)* src="[^"]+"( [a-z-]+(="[^"]*")?)*></script>'
	@echo "templates: nothing unescaped, nothing inline"

bench: ## the benches, optimised
	@scripts/setup.sh build
	cargo bench --locked

clean: ## remove what was built (.tools/ and data/ stay)
	cargo clean
