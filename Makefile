# `make run` starts the site, `make test` tests it. Either needs nothing but Python 3.11 or newer.

PYTHON ?= $(shell for name in python3.11 python3 python3.12 python3.13 python3.14; do \
	$$name -c $(NEW_ENOUGH) 2>/dev/null && echo $$name && break; done)
NEW_ENOUGH := 'import sys; sys.exit(sys.version_info < (3, 11))'
VENV := .venv
VENV_PYTHON := $(VENV)/bin/python
PIP_INSTALL := $(VENV_PYTHON) -m pip --disable-pip-version-check install --progress-bar off --constraint constraints.txt
# The dependencies that pyproject.toml lists, one a line; this way nothing has to be built to install them.
LISTED = $(VENV_PYTHON) -c 'import tomllib; p = tomllib.load(open("pyproject.toml", "rb"))["project"]; print(*$(1), sep="\n")'

.PHONY: help run test check

help:
	@echo "make run     start web, workers and a local stand-in for TikTok; Ctrl-C stops everything"
	@echo "make test    run all tests on SQLite and PostgreSQL; choose with ARGS='-k postback'"
	@echo "make check   style, types and missing migrations"

run: $(VENV)/installed
	@exec $(VENV_PYTHON) manage.py quickstart

test: $(VENV)/installed-dev
	@exec $(VENV_PYTHON) -m tests.run $(ARGS)

check: export DATABASE_URL = sqlite://:memory:
check: export DJANGO_SECRET_KEY = only-for-checks
check: export ENV_FILE =
check: $(VENV)/installed-dev
	$(VENV_PYTHON) -m ruff check .
	$(VENV_PYTHON) -m ruff format --check .
	$(VENV_PYTHON) -m mypy
	$(VENV_PYTHON) manage.py makemigrations --check --dry-run --skip-checks

$(VENV)/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c $(NEW_ENOUGH) 2>/dev/null || { echo "Python 3.11 or newer is needed; name it: make PYTHON=/path/to/python" >&2; exit 1; }
	@$(VENV_PYTHON) -c '' 2>/dev/null || { echo "Making $(VENV) ..."; $(PYTHON) -m venv --clear $(VENV); }
	@echo "Installing dependencies into $(VENV), this once ..."
	@$(call LISTED,p["dependencies"]) >$(VENV)/requirements.txt
	@$(PIP_INSTALL) --requirement $(VENV)/requirements.txt
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed
	@echo "Installing what the tests need into $(VENV), this once ..."
	@$(call LISTED,p["optional-dependencies"]["dev"]) >$(VENV)/requirements-dev.txt
	@$(PIP_INSTALL) --requirement $(VENV)/requirements-dev.txt
	@touch $@
