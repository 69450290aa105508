# One command each: `make help` lists them. Needs a Python of 3.11 or later with pip, and make; the
# rest is fetched into .venv, in exactly the versions of uv.lock.

PYTHON ?= $(shell for name in python3 python3.12 python3.11 python3.13; do \
	"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$name" && break; done)
VENV := .venv
BIN := $(VENV)/bin
RUNS ?= 1000
KILLS ?= 500
SEEDS ?= 2000
LIFE_STEPS ?= 10000
SAMPLE ?= node/samples/bookings.csv.gz
POLICIES ?= node/samples/policies.json
PACKAGES := $(wildcard chain contracts consensus p2p node)
BENCHES := $(filter-out bench/__init__.py bench/make_%.py %_server.py %_chain.py,$(wildcard bench/*.py))
UV_REQUIREMENT := uv>=0.11,<1
PIP_QUIETLY := --quiet --disable-pip-version-check
# The lock decides what is installed; no interpreter is downloaded behind the operator's back.
UV := UV_PROJECT_ENVIRONMENT=$(VENV) UV_PYTHON_DOWNLOADS=never VIRTUAL_ENV= $(BIN)/uv --quiet
# Six processes of tests run side by side, since most wait for timers, browsers, or processes of
# their own.
LANES := parts pages visits browsers nodes ways
LANE_parts = $(filter-out tests/e2e/ tests/node/ tests/pages/,$(wildcard tests/*/)) $(JOURNEYS)
LANE_pages = $(wildcard tests/pages/test_[a-f]*.py)
LANE_visits = $(filter-out $(LANE_pages),$(wildcard tests/pages/test_*.py))
LANE_browsers = tests/e2e/browser $(JOINING)
LANE_nodes = tests/node $(REHEARSALS)
LANE_ways = tests/e2e $(patsubst %,--ignore=%,tests/e2e/browser $(JOINING) $(JOURNEYS) $(REHEARSALS))
JOINING = tests/e2e/test_join.py tests/e2e/test_shops_page.py
JOURNEYS = $(wildcard tests/e2e/test_journeys_*.py)
REHEARSALS = $(wildcard tests/e2e/test_rehearse_*.py)
# Where only pip knows the way (a company mirror, a proxy), pip installs the same locked hashes.
BY_PIP = $(UV) export --frozen --no-emit-project $(1) --output-file $(VENV)/locked.txt >/dev/null \
	&& $(BIN)/python -m pip install $(PIP_QUIETLY) --require-hashes --requirement $(VENV)/locked.txt \
	&& $(BIN)/python -m pip install $(PIP_QUIETLY) --no-deps --editable .

# Many processes are started: none compiles again what another has, whatever the environment says.
unexport PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX := $(CURDIR)/$(VENV)/pycache

.DEFAULT_GOAL := help
.PHONY: help run rehearse install test check format lint types imports dependencies spelling \
	pytest cover bench bench-consensus bench-net bench-vm fuzz lives pythons chaos sim whole mutants pictures gallery build clean

help: ## Show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 18

run: $(VENV)/.run ## Run a development chain until Ctrl-C (more options: make run ARGS="--port 0")
	$(BIN)/washnode dev $(ARGS)

rehearse: $(VENV)/.run ## Rehearse the bundled bookings on a throw-away chain
	$(BIN)/washnode rehearse $(SAMPLE) --policies $(POLICIES)

install: $(VENV)/.run ## Set up .venv with `washnode` in it, without the developers' tools

test: check pytest ## Everything a change must pass: style, types, layers, spelling, tests

check: format lint types imports dependencies spelling ## The checks that run no project code

format: $(VENV)/.dev ## Check the formatting (mend it with `.venv/bin/ruff format`)
	$(BIN)/ruff format --check .

lint: $(VENV)/.dev ## Lint
	$(BIN)/ruff check .

types: $(VENV)/.dev ## Check the types
	$(BIN)/mypy

imports: $(VENV)/.dev ## Check the layers and front doors
	$(BIN)/lint-imports --no-logo

dependencies: $(VENV)/.dev ## Check that imports and declared dependencies agree
	$(BIN)/deptry .

spelling: $(VENV)/.dev ## Check the spelling
	$(BIN)/codespell

pytest: $(VENV)/.dev ## Run the tests (more options: make pytest ARGS="-k merkle")
ifeq ($(strip $(ARGS)),)
	@$(foreach lane,$(LANES),$(BIN)/pytest $(LANE_$(lane)) >$(VENV)/tests-$(lane).txt 2>&1 & $(lane)=$$!;) \
	code=0; $(foreach lane,$(LANES),wait $$$(lane) || code=1; cat $(VENV)/tests-$(lane).txt;) exit $$code
else
	$(BIN)/pytest $(ARGS)
endif

cover: $(VENV)/.dev ## Run the tests and report the lines and branches they miss
	$(BIN)/coverage run -m pytest $(ARGS)
	$(BIN)/coverage report

bench: $(VENV)/.dev ## Measure this machine
	@for bench in $(BENCHES); do echo "== $$bench"; PYTHONPATH=. $(BIN)/python $$bench || exit 1; done

fuzz: $(VENV)/.dev ## Try RUNS fresh random examples of each property (default 1000)
	HYPOTHESIS_PROFILE=fuzz FUZZ_RUNS=$(RUNS) $(BIN)/pytest -m hypothesis --timeout=0 $(ARGS)
	$(BIN)/python -m tests.fuzz --runs $(RUNS)

lives: $(VENV)/.dev ## Play LIFE_STEPS random steps (default 10000) of customers and shops, with restarts and upgrades
	$(BIN)/python -m tests.lives --steps $(LIFE_STEPS) $(ARGS)

pythons: ## Compile the contracts with every Python from 3.11 to 3.13 that is here, and compare the bytes
	@for minor in 11 12 13; do \
		command -v python3.$$minor >/dev/null 2>&1 && python3.$$minor -c '' 2>/dev/null || continue; \
		python3.$$minor -m venv $(VENV)/pythons/3.$$minor \
		&& $(VENV)/pythons/3.$$minor/bin/pip install $(PIP_QUIETLY) msgpack pynacl pydantic typing-extensions \
		&& $(VENV)/pythons/3.$$minor/bin/python -m node.build_contracts --check || exit 1; \
	done

chaos: $(VENV)/.dev ## Kill a busy node, then the nodes of a network, KILLS times (default 500); nothing is lost
	$(BIN)/python -m tests.chaos --kills $(KILLS) $(ARGS)
	$(BIN)/python -m tests.chaos_network --kills $(KILLS) $(ARGS)

bench-consensus: $(VENV)/.dev ## Measure what agreement costs: CPU a block, rounds after crashes
	PYTHONPATH=. $(BIN)/python bench/agreement.py

bench-net: $(VENV)/.dev ## Measure four validators: transfers until final, waits, catching up
	PYTHONPATH=. $(BIN)/python -m bench.network $(ARGS)

bench-vm: $(VENV)/.dev ## Measure the contract machine: calls, loading, worst blocks, ns a gas
	PYTHONPATH=. $(BIN)/python -m bench.vm $(ARGS)
	PYTHONPATH=. $(BIN)/python bench/opcodes.py

sim: $(VENV)/.dev ## Simulate SEEDS clusters (default 2000) with every fault, a minute each
	$(BIN)/washnode sim --seeds $(SEEDS) --minutes 1 $(ARGS)

whole: $(VENV)/.dev ## Run the tests of which `make test` runs a smaller one, or one in another language
	$(BIN)/pytest -m whole $(ARGS)

mutants: $(VENV)/.dev ## Break the protocol in every known way and print what notices it
	$(BIN)/washnode sim --kills

pictures: $(VENV)/.dev ## Take the pictures of the pages in docs/pictures anew (needs Chromium)
	$(BIN)/python -m tests.pages.pictures

gallery: $(VENV)/.dev ## Keep a picture of every page, at each size, in both languages, in build/screenshots
	$(BIN)/python -m tests.pages.gallery

build: $(VENV)/.dev ## Build the wheel and the source archive into dist/
	$(UV) build

clean: ## Remove all that was set up or made here
	rm -rf $(VENV) dist build .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis \
		.import_linter_cache
	find $(PACKAGES) tests bench -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

# A stamp is as new as the last installation; nothing is asked of the network while the lock stands.
$(VENV)/.run: pyproject.toml uv.lock | $(BIN)/uv
	@echo "Installing washnode into $(VENV) ..."
	@$(UV) sync --locked --inexact --no-dev || { \
		echo "uv could not fetch the packages; trying pip with the same locked hashes."; \
		$(call BY_PIP,--no-dev); }
	@touch $@

$(VENV)/.dev: pyproject.toml uv.lock | $(BIN)/uv
	@echo "Installing washnode and the developers' tools into $(VENV) ..."
	@$(UV) sync --locked || { \
		echo "uv could not fetch the packages; trying pip with the same locked hashes."; \
		$(call BY_PIP,--group dev); }
	@touch $(VENV)/.run $@

# `venv --without-pip` works where Debian's python3-venv is missing; the outer pip then fills it.
$(BIN)/uv:
	@test -n "$(PYTHON)" || { \
		echo "No Python of 3.11 or later found. Install one (Debian: apt-get install python3 python3-pip)"; \
		echo "or name yours: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -m pip --version >/dev/null 2>&1 || { \
		echo "$(PYTHON) has no pip. Install it (Debian: apt-get install python3-pip) and try again."; \
		exit 1; }
	@echo "Making $(VENV) with $$($(PYTHON) --version) ..."
	@$(PYTHON) -m venv --without-pip --clear $(VENV) || { \
		echo "$(PYTHON) cannot make a virtual environment (Debian: apt-get install python3-venv)."; \
		exit 1; }
	@$(PYTHON) -m pip --python $(VENV) install $(PIP_QUIETLY) pip "$(UV_REQUIREMENT)" || { \
		echo "Trying with the pip that comes with venv (pip before 22.3 fills no other environment) ..."; \
		$(PYTHON) -m venv --clear $(VENV) && $(BIN)/python -m pip install $(PIP_QUIETLY) "$(UV_REQUIREMENT)"; } || { \
		echo "uv could not be installed: see the messages above (is this machine offline?)."; \
		rm -rf $(VENV); exit 1; }
