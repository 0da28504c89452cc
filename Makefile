# make book | test | lab | execute | format | lock. The README tells the same without make.
# Everything runs in .venv with the versions of requirements.lock; after installation nothing needs the network.
SHELL := bash
.DEFAULT_GOAL := book
.PHONY: book test lab execute format lock lint site

ifeq ($(OS),Windows_NT)
PYTHON ?= python
BIN := .venv/Scripts
else
PYTHON ?= python3
BIN := .venv/bin
endif
RUN := $(BIN)/python
READY := .venv/ready
NOTEBOOKS ?= $(wildcard notebooks/*.ipynb)
WORKERS ?= 2
PIP := -m pip --disable-pip-version-check

# One thread a process: WORKERS of them run side by side, and sums are added in the same order everywhere.
ONE_THREAD := OMP_NUM_THREADS=1 TOKENIZERS_PARALLELISM=false

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -c "import sys; sys.exit('tokrec needs Python 3.11 or newer: make PYTHON=python3.12' if sys.version_info < (3, 11) else 0)"
	test -x $(RUN) || $(PYTHON) -m venv .venv
	$(RUN) $(PIP) install -q -r requirements.lock
	$(RUN) $(PIP) install -q --no-deps --no-build-isolation -e .
	$(RUN) -m tokrec.fonts
	touch $@

book: site
	@$(RUN) -c "import pathlib; print('Start page:', pathlib.Path('_build/html/index.html').resolve().as_uri())"

site: $(READY)
	$(BIN)/jupyter-book build . --all -W -n --keep-going -q

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: $(READY)
	@$(RUN) tools/loopback.py
	@SECONDS=0; $(MAKE) --no-print-directory lint site && $(ONE_THREAD) $(BIN)/pytest -q -n $(WORKERS) --durations=10; status=$$?; \
	echo "make test: $$SECONDS seconds in total, exit code $$status"; exit $$status

lab: $(READY)
	$(BIN)/jupyter lab notebooks

execute: $(READY)
	@$(RUN) tools/loopback.py
	$(ONE_THREAD) $(RUN) tools/execute.py --workers $(WORKERS) $(NOTEBOOKS)

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock:
	rm -rf .venv-lock && $(PYTHON) -m venv .venv-lock
	$(subst .venv,.venv-lock,$(RUN)) $(PIP) install -q "torch==2.13.0" "setuptools>=77" ".[book,test,distill]"
	{ echo "# Exact versions that make uses, written by 'make lock': run-time, book, test and distill needs together."; \
	$(subst .venv,.venv-lock,$(RUN)) $(PIP) freeze --all --exclude pip --exclude tokrec | sed 's/+cpu//'; } > requirements.lock
	rm -rf .venv-lock
