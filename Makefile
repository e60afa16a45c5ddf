# Every target that needs Python has the environment as a prerequisite; its stamp makes a second call instant.
# Source and folder come from the command line (make data SOURCE=files DATA=folder) or from KAIROS_* variables.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
# LightGBM's threads wait for each other asleep: awake they hold up whoever else computes, and so themselves.
export OMP_WAIT_POLICY ?= passive

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
LOCK := requirements.lock
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile

SOURCE ?=
DATA ?=
PROOF ?=
PART ?=
SEED ?=
INSIDE ?=
ONCE ?=
OUT ?=
NAME ?=
SCOPES ?=
REVOKE ?=
WHERE ?=
FILE ?=
KIND ?=
CAPACITY ?=
FORMAT ?=
POLICY ?=
VERSION ?=
ifneq ($(filter-out world,$(SOURCE)),)
export KAIROS_SOURCE := $(SOURCE)
endif
ifneq ($(DATA),)
export KAIROS_FILES := $(abspath $(DATA))
endif

.PHONY: help install run world loop data features train evaluate decide compare monitor whatif shadow promote rollback serve batch migrate accept rebuild retention prices key mlflow
.PHONY: test lint check prove bench notebooks docs lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))
	@printf '\n  SOURCE=complete_journey|starbucks|files|journal   the data to work on; journal: what was learnt live\n'
	@printf '  DATA=folder   your own tables (with SOURCE=files)\n'
	@printf '  ONCE=1        make run ends after printing\n'
	@printf '  OUT=file      where make decide writes (.parquet or .csv)\n'
	@printf '  POLICY=file   the changed policy of make whatif\n'
	@printf '  PROOF=name    make prove runs this proof only\n'
	@printf '  PART=name     make bench runs this part only; PART=readme writes the table of the last reports into the README\n'
	@printf '  SEED=number INSIDE=logistic|crooked   the market that make world writes\n'

install: $(STAMP) ## Build .venv from requirements.lock

$(STAMP): $(LOCK) pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Kairos needs Python 3.11 or newer, this is " + sys.version.split()[0] + ": make install PYTHON=python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python -r $(LOCK) || $(BIN)/python -m pip install --quiet --disable-pip-version-check -r $(LOCK)
	$(BIN)/uv pip install --quiet --python $(BIN)/python --offline --no-deps --no-build-isolation -e .
	@touch $@

run: $(STAMP) ## From nothing to three decisions: install, data, features, train, promote, serve
	@$(BIN)/python -m training.run $(if $(ONCE),--once)

data: $(STAMP) ## Import the source into the contract's tables
	@$(BIN)/python -m training.import_data

world: $(STAMP) ## Write a market with known truth in the form of the contract
	@$(BIN)/python -m training.world $(if $(SEED),--seed $(SEED)) $(if $(INSIDE),--inside $(INSIDE))

loop: $(STAMP) ## Play thirty simulated days against the service, from a cold start through three retrainings
	@KAIROS_PROOF_SIZE=full $(BIN)/python -m training.judge.loop

features: $(STAMP) ## Compute the features, apply the Feast definitions, fill the online store
	@$(BIN)/python -m training.materialise

train: $(STAMP) ## Train, calibrate and register the models
	@$(BIN)/python -m training.train

evaluate: $(STAMP) ## Judge the models on later data beside their baselines, and policies where probabilities are known; SOURCE=world: by the truth
	@$(BIN)/python -m $(if $(filter world,$(SOURCE)),training.judge,training.evaluate)

decide: $(STAMP) ## Write the action and all probabilities for every customer of a folder (OUT=file)
	@$(BIN)/python -m training.policy_value.decide --out $(or $(OUT),$(error OUT=file is missing: name a .parquet or .csv file))

compare: $(STAMP) ## Set two runs side by side, in money and in words
	@$(BIN)/python -m training.compare

monitor: $(STAMP) ## Hold recent decisions against what the model learnt from and the time before; alerts go to /metrics
	@$(BIN)/python -m training.monitor || test $$? -eq 1

whatif: $(STAMP) ## What a changed policy would do to everybody, before it goes live: POLICY=file, KIND=kind
	@$(BIN)/python -m training.whatif --policy '$(or $(POLICY),$(error POLICY=file is missing: name a policy document))' $(if $(KIND),--kind '$(KIND)')

shadow: $(STAMP) ## How a challenger fares on live decisions; VERSION=version|newest names it, VERSION=none ends it
	@$(BIN)/python -m training.shadow $(if $(VERSION),--version '$(VERSION)')

promote: $(STAMP) ## Let the newest model pass the gate and become champion, or say why not
	@$(BIN)/python -m training.promote

rollback: $(STAMP) ## Bring the champion before this one back
	@$(BIN)/python -m training.promote --rollback

serve: $(STAMP) ## Answer decisions over HTTP
	@$(BIN)/python -m serving

batch: $(STAMP) ## Decide for many: WHERE='condition' or FILE=table; KIND=kind, CAPACITY=channel=most, FORMAT=csv
	@$(BIN)/python -m serving.batch $(if $(WHERE),--where '$(WHERE)') $(if $(FILE),--file '$(FILE)') \
	  $(if $(KIND),--kind '$(KIND)') $(if $(CAPACITY),--capacity '$(CAPACITY)') $(if $(FORMAT),--format $(FORMAT))

migrate: $(STAMP) ## Bring the journal's schema up to date (serve does it too)
	@$(BIN)/python -m serving.migrate

accept: $(STAMP) ## Go on with the journal that is there, be it empty, in place of the one used before
	@$(BIN)/python -m serving.accept

rebuild: $(STAMP) ## Recompute every customer's live features from the journal
	@$(BIN)/python -m serving.rebuild

retention: $(STAMP) ## Remove what is older than KAIROS_RETENTION_DAYS from the journal
	@$(BIN)/python -m serving.retention

prices: $(STAMP) ## Solve what a unit of everything scarce is worth, for the service to charge (it does so ten times a day by itself)
	@$(BIN)/python -m serving.prices

key: $(STAMP) ## List the API's keys; NAME=caller SCOPES=decide,events makes one, REVOKE=id ends one
	@$(BIN)/python -m serving.key $(if $(NAME),--name $(NAME)) $(if $(SCOPES),--scopes $(SCOPES)) $(if $(REVOKE),--revoke $(REVOKE))

mlflow: $(STAMP) ## Show the runs and models in MLflow's pages
	@$(BIN)/python -m training.mlflow_pages

test: $(STAMP) ## The quick tests
	@$(PYTEST) -m "not slow"

lint: $(STAMP) ## Format, lint, types, import contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

check: lint ## lint, then every test
	@$(PYTEST)

prove: $(STAMP) ## Run the proofs at full size that have no report for this commit
	@KAIROS_PROOF_SIZE=full $(BIN)/python -m tests.prove $(PROOF)

bench: $(STAMP) ## Measure the service beside its peers (PART=name runs one part)
	@$(BIN)/python -m tests.bench $(PART)

notebooks: $(STAMP) ## Execute the notebooks; the copies with output go to .data/notebooks
	@mkdir -p .data/notebooks
	@for notebook in notebooks/*.ipynb; do echo "$$notebook"; \
	  KAIROS_DATA_DIR="$(abspath $(or $(KAIROS_DATA_DIR),.data))" $(BIN)/jupyter execute --output "$$PWD/.data/$$notebook" "$$notebook"; done

docs: $(STAMP) ## Write the README's tables from the code
	@$(BIN)/python -m training.readme

lock: $(STAMP) ## Renew requirements.lock from pyproject.toml
	$(BIN)/uv pip compile pyproject.toml --quiet --all-extras --universal --python-version 3.11 --upgrade \
	  --no-header --no-annotate --no-emit-index-url --no-emit-find-links --output-file $(LOCK)

clean: ## Remove .data and everything built; .venv stays
	rm -rf .data .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
