# Every target sets up what it needs. `make` alone lists them.
PYTHON ?= python3
BIN := .venv/bin
PIP_FLAGS := --quiet --disable-pip-version-check
UV_COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate

.DEFAULT_GOAL := help
.PHONY: help install demo test lint types unit bench-launch bench-core generate lock clean

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: .venv/installed ## make .venv with the locked dependencies

.venv/installed: requirements/dev.txt pyproject.toml
	@echo "installing into .venv (once)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "ownertag needs Python 3.11 or later: make PYTHON=python3.13 ...")'
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install $(PIP_FLAGS) --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install $(PIP_FLAGS) --no-deps --no-build-isolation -e .
	@touch $@

.venv-awscli/installed: requirements/awscli.txt
	@echo "installing the AWS CLI into .venv-awscli (once)"
	@$(PYTHON) -m venv .venv-awscli
	@.venv-awscli/bin/python -m pip install $(PIP_FLAGS) --require-hashes -r requirements/awscli.txt
	@touch $@

demo: install ## a tour: an organization on this machine, launches by all kinds of principals, their tags
	@$(BIN)/ownertag demo

test: install .venv-awscli/installed lint types unit ## all that CI runs: ruff, mypy, import-linter, pytest

lint: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports

types: install
	$(BIN)/mypy

unit: install .venv-awscli/installed
	$(BIN)/pytest

bench-launch: install ## calls and time for 1, 10 and 100 instances: the article's sequence beside ownertag
	@$(BIN)/python -m benchmarks.launch

bench-core: install ## records decided per second, beside json.loads on the same bytes
	@$(BIN)/python -m benchmarks.core

generate: install ## write anew what is generated from the catalogue
	@$(BIN)/python -m ownertag.render docs/reference

lock: install ## compile requirements/*.txt anew
	$(BIN)/python -m pip install $(PIP_FLAGS) uv
	$(UV_COMPILE) --extra cli --extra sandbox pyproject.toml -o requirements/product.txt
	$(UV_COMPILE) --extra cli --extra sandbox --group dev pyproject.toml -c requirements/product.txt -o requirements/dev.txt
	$(UV_COMPILE) requirements/awscli.in -o requirements/awscli.txt

clean: ## remove what the other targets made
	rm -rf .venv .venv-awscli .pytest_cache .mypy_cache .ruff_cache .hypothesis benchmarks/results dist build
