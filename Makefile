# Two commands do all set-up: `make rehearse` (the main job) and `make test`.
# They need Python 3.11+, make and a package index; everything lands in .venv and build/.
SHELL := /bin/sh
.DEFAULT_GOAL := help
unexport PYTHONDONTWRITEBYTECODE PYTHONPATH PYTHONHOME

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$p && break; done)
BIN := .venv/bin
READY := .venv/.ready
CHECKOV := .venvs/checkov/.ready
BENCH := .venvs/bench/.ready
PRESIDIO := .venvs/presidio/.ready
FUZZ := .venvs/fuzz/.ready
GUIDED := tests/runtime/safety/test_fuzz.py::test_a_fuzzer_that_sees_what_it_reaches_breaks_no_promise
CHAOS := .venvs/chaos/.ready
STACK ?= prod
TESTS ?= tests
WORKERS ?= 3

##@ Everyday
rehearse: $(READY) ## Prime Day on this machine, from the first message to the verdict, with a report
	@$(BIN)/concierge rehearse prime-day

plan: $(READY) ## what `pulumi up` would declare: make plan STACK=dev|prod
	@$(BIN)/concierge plan $(STACK)

test: lint $(CHECKOV) ## every test but the slow proofs (under 6 minutes)
	@$(BIN)/pytest -q -m "not prove" -n $(WORKERS) --dist worksteal $(TESTS)

prove: $(READY) $(CHECKOV) $(CHAOS) ## the slow proofs: fuzz, soak, kill tests, engine
	@without=; leave_out() { without="$$without --ignore=$$1"; echo "prove: without $$1" >&2; }; \
		cli=$$(sh scripts/pulumi-cli) || leave_out tests/engine; \
		$(MAKE) --silent $(FUZZ) || { without="$$without --deselect=$(GUIDED)"; echo "prove: without $(GUIDED)" >&2; }; \
		arm=$$(sh scripts/arm64) || leave_out tests/artifact/test_smoke_arm64.py; \
		CONCIERGE_PULUMI=$$cli CONCIERGE_ARM64=$$arm $(BIN)/pytest -q -m "prove and not long" $$without $(TESTS)

prove-long: $(READY) ## what takes too long for a landing: LOAD-2 with and without its protections, mutations, kills (an hour)
	@$(BIN)/pytest -q -m long $(TESTS)

engine: $(READY) ## preview, up, refresh, destroy and policies in the real engine (docs/engine.md)
	@cli=$$(sh scripts/pulumi-cli) && CONCIERGE_PULUMI=$$cli \
		$(BIN)/pytest -q $(if $(filter tests,$(TESTS)),tests/engine,$(TESTS))

smoke-arm64: $(READY) ## the packaged agent on an emulated ARM64 processor (docs/packaging.md)
	@home=$$(sh scripts/arm64) && CONCIERGE_ARM64=$$home $(BIN)/pytest -q -s tests/artifact/test_smoke_arm64.py

lint: $(READY) ## style, types, import rules, and that every test is collected
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check . || { echo "format differs: run 'make format'" >&2; exit 1; }
	@$(BIN)/mypy --no-error-summary .
	@$(BIN)/lint-imports --no-logo >build/imports.txt 2>&1 || { cat build/imports.txt >&2; exit 1; }
	@$(BIN)/python tools/collected.py

bench: $(READY) $(BENCH) $(PRESIDIO) ## figures as ratios against peers and floors, one file after another
	@for file in bench/[a-z]*.py; do echo "== $$file" && \
		case $$file in bench/failover*|bench/sockets*|bench/agents*) .venvs/bench/bin/python $$file ;; *) $(BIN)/python $$file ;; esac || exit 1; done

bench-failover: $(READY) $(BENCH) ## the same for failover only, beside its peers
	@.venvs/bench/bin/python bench/failover.py && .venvs/bench/bin/python bench/failover_behaviour.py

bench-safety: $(READY) $(PRESIDIO) ## what the checks of messages and answers are worth and cost, beside Presidio
	@$(BIN)/python bench/safety.py

fuzz: $(READY) $(FUZZ) ## a minute of texts that look for ways through the checks of safety
	@$(BIN)/pytest -q -s tests/runtime/safety/test_fuzz.py

##@ Upkeep
setup: $(READY) ## .venv with everything in it, from the hash-pinned lock

pictures: $(READY) ## play Prime Day and keep what was seen for docs/pictures (with chromium: the pages too)
	@$(BIN)/python -m tools.pictures

format: $(READY) ## let ruff rewrite what it can
	@$(BIN)/ruff check --quiet --fix . ; $(BIN)/ruff format --quiet .

proto: requirements/uv.txt requirements/proto.txt ## generate the catalogue's messages from its .proto
	@PYTHON="$(PYTHON)" sh scripts/setup .venvs/proto requirements/proto.txt
	@cd contract/catalogue && ../../.venvs/proto/bin/python -m grpc_tools.protoc -I. --python_out=. --pyi_out=. \
		catalogue.proto

docs: $(READY) ## write the pages that are made from the code
	@$(BIN)/python -m tools.docs

lock: $(READY) ## resolve every lock again from pyproject.toml and requirements/*.in
	@sh scripts/lock

checkov: $(CHECKOV) ## checkov in an environment of its own (it pins old libraries)

clean: ## remove everything these commands made, environments included
	@rm -rf build .venv .venvs .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## this text
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z0-9-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' Makefile

$(READY): requirements/uv.txt requirements/all.txt pyproject.toml
	@PYTHON="$(PYTHON)" sh scripts/setup .venv requirements/all.txt
	@$(BIN)/uv pip install --quiet --python .venv --no-deps --no-build-isolation --editable .
	@mkdir -p build && touch $@

$(CHECKOV): requirements/uv.txt requirements/checkov.txt
	@PYTHON="$(PYTHON)" sh scripts/setup .venvs/checkov requirements/checkov.txt
	@touch $@

$(BENCH): requirements/uv.txt requirements/bench.txt
	@PYTHON="$(PYTHON)" sh scripts/setup .venvs/bench requirements/bench.txt
	@touch $@

$(FUZZ): requirements/uv.txt requirements/fuzz.txt
	@PYTHON="$(PYTHON)" sh scripts/setup .venvs/fuzz requirements/fuzz.txt
	@touch $@

$(PRESIDIO): requirements/uv.txt requirements/presidio.txt
	@PYTHON="$(PYTHON)" sh scripts/setup .venvs/presidio requirements/presidio.txt
	@touch $@

$(CHAOS): requirements/uv.txt requirements/chaos.txt
	@PYTHON="$(PYTHON)" sh scripts/setup .venvs/chaos requirements/chaos.txt
	@touch $@

.PHONY: rehearse pictures plan test prove prove-long engine smoke-arm64 lint bench bench-failover bench-safety fuzz setup format proto docs lock checkov clean help
