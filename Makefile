# `make help` is the index of what one can do; each target does one thing.
PYTHON ?= python3
PY     := .venv/bin/python
PACKAGES := $(wildcard libs/*/pyproject.toml services/*/pyproject.toml) infra/pyproject.toml deploy/local/pyproject.toml
.DEFAULT_GOAL := help

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-20s %s\n", $$1, $$2}'

setup: ## the environment .venv from requirements.lock (every other target does it when needed)
	@$(PYTHON) deploy/local/bootstrap.py

lock: setup ## resolve requirements.lock anew: versions and hashes, no addresses
	@.venv/bin/uv pip compile pyproject.toml $(PACKAGES) --group pyproject.toml:dev --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header --quiet --upgrade \
	  $(foreach p,$(PACKAGES),--no-emit-package $(shell sed -n 's/^name = "\(.*\)"/\1/p' $(p))) -o requirements.lock

.PHONY: help setup lock
