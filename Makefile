# Rapport. `make run` starts everything, `make test` proves it; both do all the set-up on a bare machine.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --quiet
MANAGE := $(PY) manage.py
INSTALLED := $(VENV)/.installed
BUILT := $(VENV)/.built
SOURCES := $(wildcard package.json package-lock.json) $(shell find static/src templates locale crm customers sales tasks communications \
	analytics integrations -type f \( -path 'static/src/*' -o -name '*.po' -o -name '*.html' -o -name '*.py' \) -not -path '*/tests/*' 2>/dev/null)
TESTS ?=
DRILLS ?=

.DEFAULT_GOAL := help
.PHONY: help setup ui run test e2e lint bench docs words lock clean

help: ## Say what can be made
	@grep -hE '^[a-z0-9]+:.*## ' $(MAKEFILE_LIST) | sed -e 's/:.*## /\t/' | expand -t 10

$(INSTALLED): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Rapport needs Python 3.11 or newer. Choose one: PYTHON=python3.12 make run"; exit 1; }
	@test -x $(PY) || { echo "Making $(VENV) …"; $(PYTHON) -m venv $(VENV) || \
		{ echo "Python lacks its venv module. On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }; }
	@echo "Installing what requirements.lock names …"
	@$(PY) -m pip --version >/dev/null 2>&1 || $(PY) -m ensurepip >/dev/null
	@# uv installs in seconds what takes pip a minute; pip does it where uv cannot.
	@awk '/^[^ #]/ {of_uv = /^uv==/} of_uv' requirements.lock > $(VENV)/uv.lock.txt
	@$(PIP) install --require-hashes -r $(VENV)/uv.lock.txt && \
		UV_DEFAULT_INDEX="$${UV_DEFAULT_INDEX:-$$($(PY) -m pip config get global.index-url 2>/dev/null || $(PY) -m pip config get user.index-url 2>/dev/null || true)}" \
		sh -c '[ -n "$$UV_DEFAULT_INDEX" ] || unset UV_DEFAULT_INDEX; VIRTUAL_ENV=$(VENV) exec $(VENV)/bin/uv pip install --quiet --require-hashes -r requirements.lock' || \
		$(PIP) install --require-hashes -r requirements.lock
	@touch $@

setup: $(INSTALLED) $(BUILT) ## Make .venv, install, and build the front end

$(BUILT): $(INSTALLED) $(SOURCES)
	@$(MANAGE) build_ui
	@touch $@

ui: ## Build the front end, whatever has changed
	@rm -f $(BUILT)
	@$(MAKE) --no-print-directory setup

run: setup ## Start everything (PORT=8000), and keep it running until Ctrl-C
	@exec $(MANAGE) up

test: setup ## Run every test (TESTS="sales tests" for some), then those in a browser by themselves
	@$(PY) -m pytest -n auto --dist loadgroup -m "not browser" $(TESTS)
	@$(PY) -m pytest -m browser tests/e2e

e2e: setup ## Run the tests in a real browser
	@$(PY) -m pytest -m browser tests/e2e

lint: setup ## Check style, types, layers and settings
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports --no-cache
	RAPPORT_ENV=test $(MANAGE) check --fail-level WARNING

bench: setup ## Measure speed on a large base (kept), and write docs/performance.md; ARGS=--large for a million
	@$(MANAGE) bench $(ARGS)

drills: setup ## Hurt an installation of its own and see that it stands (DRILLS="FD-02 --quick"), and write docs/drills.md
	@$(MANAGE) drills $(DRILLS)

docs: setup ## Draw the architecture from the code
	@$(MANAGE) diagrams

words: setup ## Bring the translations in line with the code, and list what has none
	@$(MANAGE) words

lock: $(INSTALLED) ## Resolve pyproject.toml again into the two lock files
	$(VENV)/bin/uv pip compile pyproject.toml --group dev --generate-hashes --no-emit-index-url --universal \
		--python-version 3.11 --no-header --quiet --upgrade -o requirements.lock
	$(VENV)/bin/uv pip compile pyproject.toml --generate-hashes --no-emit-index-url --universal \
		--python-version 3.11 --no-header --quiet -c requirements.lock -o deploy/requirements.lock

clean: ## Remove what was built and installed; var/ with the data stays
	rm -rf $(VENV) node_modules static/dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
