# Each target sets up what it needs; `make play` is the one to start with.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
TESTS ?= tests
# Tests start interpreters by the hundred, each of which would compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: install play test lint format bench bench-engine chaos fuzz soak scorecard coverage mutants pictures image audit bom \
  lock clean

install: $(VENV)/.installed

play: install
	@$(BIN)/twodeck playground

# Beside lint the assertions of the tests are compiled, once for all workers.
test: $(VENV)/.developer
	@$(BIN)/python -m pytest --collect-only -qq $(TESTS) >/dev/null 2>&1 & \
	$(MAKE) --no-print-directory lint; verdict=$$?; wait; exit $$verdict
	$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder $(TESTS)

lint: $(VENV)/.developer
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright --level error
	$(BIN)/lint-imports

format: $(VENV)/.developer
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

bench: $(VENV)/.developer
	$(BIN)/python -m benchmarks

bench-engine: $(VENV)/.developer
	@for program in mma fluidsynth; do command -v $$program >/dev/null || { \
	  echo "The music to measure with is made by mma and fluidsynth." >&2; \
	  echo "On Debian or Ubuntu: apt-get install --no-install-recommends mma fluidsynth timgm6mb-soundfont" >&2; exit 1; }; done
	$(BIN)/python -m benchmarks hearing levels engine

chaos: $(VENV)/.developer
	$(BIN)/python -m tests.chaos

fuzz: $(VENV)/.developer
	nice $(BIN)/python -m tests.fuzz

soak: $(VENV)/.developer
	nice $(BIN)/python -m tests.soak --hours 2

scorecard: $(VENV)/.developer
	$(BIN)/python -m tests.scorecard

coverage: $(VENV)/.developer
	nice $(BIN)/python -m tests.checks.branches

mutants: $(VENV)/.developer
	nice $(BIN)/python -m tests.checks.mutants

pictures: $(VENV)/.developer
	$(BIN)/python -m tests.pictures

image: $(VENV)/.developer
	$(BIN)/python -m tests.container.build

audit: $(VENV)/audit/.installed
	@$(BIN)/python -m tests.supply floors licences audit

bom: $(VENV)/.developer
	@mkdir -p dist
	@$(BIN)/python -m tests.supply bom > dist/twodeck.cdx.json
	@echo dist/twodeck.cdx.json

lock: $(VENV)/.developer
	$(COMPILE) pyproject.toml --group build -o requirements.lock
	$(COMPILE) pyproject.toml --group dev --constraint requirements.lock -o requirements-dev.lock
	$(COMPILE) --group audit -o requirements-audit.lock

clean:
	rm -rf $(VENV) build dist

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Twodeck needs Python 3.11 or newer; '$(PYTHON)' is older. Try: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { \
	  echo "This Python cannot make virtual environments. On Debian or Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.installed: $(VENV)/.created requirements.lock pyproject.toml
	@$(PIP) install --require-hashes --only-binary :all: -r requirements.lock || { \
	  $(PIP) install --require-hashes -r requirements.lock || { \
	    echo "A dependency has no ready-made package for this machine and needs a compiler." >&2; \
	    echo "python-stretch is the usual one (Linux on ARM): apt-get install g++ cmake, then make again." >&2; exit 1; }; }
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/audit/.installed: $(VENV)/.developer requirements-audit.lock
	$(PYTHON) -m venv $(VENV)/audit
	@$(VENV)/audit/bin/python -m pip --quiet --disable-pip-version-check install --require-hashes --only-binary :all: \
	  -r requirements-audit.lock
	@touch $@

$(VENV)/.developer: $(VENV)/.installed requirements-dev.lock
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@
