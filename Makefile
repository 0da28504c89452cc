# make book | test | lab | execute | student | format | lock. The README tells the same without make.
# Everything runs in .venv with the versions of requirements.lock; after installation nothing needs the network.
SHELL := bash
.DEFAULT_GOAL := book
.PHONY: book test test-book lab execute student format lock lint site

ifeq ($(OS),Windows_NT)
PYTHON ?= python
BIN := .venv/Scripts
else
PYTHON ?= python3
BIN := .venv/bin
endif
RUN := $(BIN)/python
BOOK := .venv/book
EVERYTHING := .venv/everything
NOTEBOOKS ?= $(wildcard notebooks/*.ipynb)
WORKERS ?= 2
PIP := -m pip --disable-pip-version-check

# One thread a process: WORKERS of them run side by side, and sums are added in the same order everywhere.
ONE_THREAD := OMP_NUM_THREADS=1 TOKENIZERS_PARALLELISM=false

# Core and book tools.
$(BOOK): requirements.lock pyproject.toml
	$(PYTHON) -c "import sys; sys.exit('tokrec needs Python 3.11 or newer: make PYTHON=python3.12' if sys.version_info < (3, 11) else 0)"
	test -x $(RUN) || $(PYTHON) -m venv .venv
	$(RUN) $(PIP) install -q -c requirements.lock -e ".[book]"
	$(RUN) -m tokrec.fonts
	touch $@

# And all that any chapter or test can use.
$(EVERYTHING): $(BOOK)
	$(RUN) $(PIP) install -q -c requirements.lock -e ".[book,test,all]"
	touch $@

book: site
	@$(RUN) -c "import pathlib; print('Start page:', pathlib.Path('_build/html/index.html').resolve().as_uri())"

site: $(BOOK)
	$(BIN)/jupyter-book build . --all -W -n --keep-going -q

lint: $(EVERYTHING)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: $(EVERYTHING)
	@$(RUN) tools/loopback.py
	@SECONDS=0; $(MAKE) --no-print-directory lint site && $(ONE_THREAD) $(BIN)/pytest -q -n $(WORKERS) --durations=10; status=$$?; \
	echo "make test: $$SECONDS seconds in total, exit code $$status"; exit $$status

# The notebooks as a reader has them who installed no extra: core, book tools, and the runner.
test-book: $(BOOK)
	test -x $(subst .venv,.venv-book,$(RUN)) || $(PYTHON) -m venv .venv-book
	$(subst .venv,.venv-book,$(RUN)) $(PIP) install -q -c requirements.lock -e ".[book]" nbval pytest pytest-xdist
	@$(RUN) tools/loopback.py
	$(ONE_THREAD) $(subst .venv,.venv-book,$(BIN))/pytest -q -n $(WORKERS) notebooks

lab: $(BOOK)
	$(BIN)/jupyter lab --LabApp.default_url=/lab/tree/notebooks/tokens.ipynb

execute: $(EVERYTHING)
	@$(RUN) tools/loopback.py
	$(ONE_THREAD) $(RUN) tools/execute.py --workers $(WORKERS) $(NOTEBOOKS)

# Chapters without solutions, one zip each, for a class.
student: $(BOOK)
	$(RUN) tools/student.py

format: $(EVERYTHING)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock:
	rm -rf .venv-lock && $(PYTHON) -m venv .venv-lock
	$(subst .venv,.venv-lock,$(RUN)) $(PIP) install -q "torch==2.13.0" -e ".[book,test,all,dev]"
	$(subst .venv,.venv-lock,$(RUN)) tools/lock.py > requirements.lock
	rm -rf .venv-lock
