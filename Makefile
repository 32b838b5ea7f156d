# `make help` is the index of what one can do; each target does one thing.
PYTHON ?= python3
PY     := .venv/bin/python
ROWS   ?= 300
STUDENTS ?= 200000
ROUNDS ?= 1
PACKAGES := $(sort $(wildcard libs/*/pyproject.toml services/*/pyproject.toml)) infra/pyproject.toml deploy/local/pyproject.toml
LOCKING := --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
  --no-annotate --no-header --quiet $(LOCK_FLAGS)
CODE   := libs services infra deploy tests_e2e benchmarks conftest.py .ci
.DEFAULT_GOAL := help
.PHONY: help setup setup-browser run up down reset clock status logs demo demo-transfer test lint format types imports regulation article check-docs \
  unit e2e explore test-browser seed-province bench-registration bench-export bench-search bench-looking-back bench-token bench-audit bench-worklist bench-transfers dead-letters replay audit-verify lock

help: ## this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{sub(/ .*/, "", $$1); printf "  make %-20s %s\n", $$1, $$2}'

setup: ## the environment .venv from requirements.lock (every other target does it when needed)
	@$(PYTHON) deploy/local/bootstrap.py

setup-browser: setup ## what the browser tests need besides: a driver and a Chromium, out of requirements-browser.lock
	@$(PYTHON) deploy/local/bootstrap.py browser

# ---- run it ---------------------------------------------------------------------------------------------------------

run: setup ## start everything on this machine, follow the logs, Ctrl-C stops all of it
	@exec $(PY) -m xueji_local run

up: setup ## the same in the background; returns when all is healthy
	@$(PY) -m xueji_local up

down: setup ## stop what `make up` (or `make run`) started
	@$(PY) -m xueji_local down

reset: setup ## clear all data of the local stack
	@$(PY) -m xueji_local reset

clock: setup ## what day it is for the local stack; move its clock forward (TO=2026-09-01)
	@$(PY) -m xueji_local clock $(TO)

status: setup ## what runs, where, how it is
	@$(PY) -m xueji_local status

logs: setup ## follow the logs of a stack in the background
	@$(PY) -m xueji_local logs

demo: setup ## from the places of a school to records with G and L numbers and classes that were drawn (ROWS=300)
	@$(PY) -m xueji_local.demo --rows $(ROWS)

demo-transfer: setup ## transfers through all parties: refused, overridden, re-routed, drawn and verified; a case with its clocks
	@$(PY) -m xueji_local.demo_transfer

seed-province: setup ## a synthetic province into the running stack of `make up` (STUDENTS=200000; 2000000: a quarter of an hour)
	@$(PY) -m xueji_local.seeding --students $(STUDENTS)

dead-letters: setup ## events that were given up
	@set -a; . .xueji/env/operator.env; exec $(PY) -m service_kit.deadletters list

replay: setup ## send dead letters again, once their cause is cured
	@set -a; . .xueji/env/operator.env; exec $(PY) -m service_kit.deadletters replay --all

audit-verify: setup ## prove that nothing in the audit log was changed (ARGS="--since 2026-09-01 --root …")
	@set -a; . .xueji/env/access.env; exec $(PY) -m access audit-verify $(ARGS)

# ---- check it -------------------------------------------------------------------------------------------------------

test: lint types imports check-docs setup-browser ## everything: lint, types, import contracts, tests on real servers (no Docker needed)
	@$(MAKE) --no-print-directory -j2 --output-sync=target unit e2e

lint: setup ## ruff: rules and format
	@.venv/bin/ruff check --quiet $(CODE)
	@.venv/bin/ruff format --check --quiet $(CODE)
	@echo "lint: ok"

format: setup ## let ruff mend what it can
	@.venv/bin/ruff check --quiet --fix $(CODE)
	@.venv/bin/ruff format --quiet $(CODE)

types: setup ## mypy, strict
	@.venv/bin/mypy

imports: setup ## the rules between rooms
	@.venv/bin/lint-imports

check-docs: setup ## generated pages are true
	@$(PY) -m regulation --check
	@$(PY) -m xueji_infra.events --check

unit: setup ## unit and integration tests, on real PostgreSQL and NATS
	@.venv/bin/pytest -q libs services infra deploy

e2e: setup-browser ## the whole system through the gateway (TEST_BACKEND=auto|docker|embedded, TEST_BROWSER=auto|…)
	@.venv/bin/pytest -q tests_e2e

explore: setup ## the random tests with draws that nobody has tried yet (ROUNDS=1); `make test` draws the same each time
	@for round in $$(seq $(ROUNDS)); do .venv/bin/pytest -q --hypothesis-profile=explore -m hypothesis libs services infra deploy || exit 1; done

test-browser: setup-browser ## the console's tests alone; without a browser they fail here instead of being skipped
	@TEST_BROWSER=$${TEST_BROWSER:-required} .venv/bin/pytest -q tests_e2e -k console

bench-registration: setup ## rows/s of the main job as a ratio to a bare program (ROWS=5000)
	@$(PY) benchmarks/registration.py --rows $(if $(filter command line environment,$(origin ROWS)),$(ROWS),5000)

bench-export: setup ## a file of 200,000 pupils: seconds, memory, ratio to a bare writer (ROWS=200000)
	@$(PY) benchmarks/exporting.py --rows $(if $(filter command line environment,$(origin ROWS)),$(ROWS),200000)

bench-search: setup ## p95 of each kind of search and list, as a ratio to a read by key, on a loaded stack (make seed-province)
	@$(PY) benchmarks/search.py

bench-looking-back: setup ## a student as of a day, as a ratio to now; the trigger of the journal's chain
	@$(PY) benchmarks/looking_back.py

bench-token: setup ## microseconds of a token check at the gateway, as a ratio to a bare jwt.decode
	@$(PY) benchmarks/token_check.py

bench-audit: setup ## a read of one pupil that is recorded first, as a ratio to one that is not
	@$(PY) benchmarks/audited_read.py

bench-worklist: setup ## p95 of work queues with 20,000 open cases, as a ratio to a read by key
	@$(PY) benchmarks/worklist.py

bench-transfers: setup ## complete transfers a second with 8 clients, the share of each hop (from traces), ratio to a bare program
	@$(PY) benchmarks/transfers.py

# ---- the law --------------------------------------------------------------------------------------------------------

regulation: setup ## write the generated pages of docs/: clauses, authorisation, events
	@$(PY) -m regulation --write
	@$(PY) -m xueji_infra.events --write

article: setup ## text, rules and tests of a clause: make article A=15.3
	@$(PY) -m regulation article $(A)

# ---- dependencies ---------------------------------------------------------------------------------------------------

lock: setup ## resolve both locks anew: versions and hashes, no addresses
	@.venv/bin/uv pip compile pyproject.toml $(PACKAGES) --group pyproject.toml:dev $(LOCKING) \
	  $(foreach p,$(PACKAGES),--no-emit-package $(shell sed -n 's/^name = "\(.*\)"/\1/p' $(p))) -o requirements.lock
	@.venv/bin/uv pip compile --group pyproject.toml:browser --constraint requirements.lock $(LOCKING) -o requirements-browser.lock
