# Touchline. `make run` starts the dashboard, `make test` runs everything; both set up what they need.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test setup setup-test check lock messages shots lookbook clean long parity kill-loop fuzz bench bench-engine

run: setup
	@$(BIN)/python -m pages.parts.server $(ARGS)

test: setup-test
	@$(BIN)/python tests/chromium.py
	@$(BIN)/python tests/servers.py
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports
	@$(BIN)/python tests/side_by_side.py $(ARGS)

# The long versions of property tests: 10,000 random journeys each.
long: setup-test
	@$(BIN)/python -m pytest -m long $(ARGS)

# Many questions to every engine: ClickHouse, PostgreSQL, a Spark cluster, Spark Connect.
parity: setup-test
	@$(BIN)/python tests/servers.py
	@$(BIN)/python -m pytest tests/engines/test_parity.py -m parity $(ARGS)

# A thousand imports, killed at random times and at each step that touches the disk.
kill-loop: setup-test
	@$(BIN)/python tests/kill_loop.py $(ARGS)

# Ten thousand damaged files through the reader.
fuzz: setup-test
	@$(BIN)/python -m tests.fuzz $(ARGS)

check: setup-test
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

setup: $(VENV)/.run
setup-test: $(VENV)/.test

$(VENV)/bin/python:
	@command -v $(PYTHON) >/dev/null || { echo "Touchline needs python3.11; none was found as '$(PYTHON)'."; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.txt | $(VENV)/bin/python
	@echo "Touchline: installing what it runs on …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

$(VENV)/.test: requirements-dev.txt requirements-engines.txt $(VENV)/.run
	@echo "Touchline: installing what its tests need …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-engines.txt
	@touch $@

# After a change of one of the requirements*.in (needs uv).
lock:
	uv pip compile --generate-hashes --no-emit-index-url --no-emit-find-links --no-header -q --python-version 3.11 requirements.in -o requirements.txt
	uv pip compile --generate-hashes --no-emit-index-url --no-emit-find-links --no-header -q --python-version 3.11 requirements-dev.in -o requirements-dev.txt
	uv pip compile --generate-hashes --no-emit-index-url --no-emit-find-links --no-header -q --python-version 3.11 requirements-engines.in -o requirements-engines.txt

# Collect the texts of the program and bring the catalogues up to date.
messages: setup
	@$(BIN)/python locale/collect.py

# How long until the first chart; see benchmarks/README.md.
bench: setup-test
	@$(BIN)/python -m benchmarks.first_chart

# The engine side by side with its peers, at 10M touchpoints; see benchmarks/README.md.
bench-engine: setup-test
	@$(BIN)/python -m benchmarks.all $(ARGS)

# The pictures of the README, taken from the running pages.
shots: setup-test
	@$(BIN)/python tests/chromium.py
	@TOUCHLINE_SHOTS=docs/pictures $(BIN)/python -m pytest tests/browser/test_pictures.py -q

# The look-book: every page in every language, screen and ground, as pictures in lookbook/.
lookbook: setup-test
	@$(BIN)/python tests/chromium.py
	@$(BIN)/python -m pytest tests/browser/test_lookbook.py -m long -q $(ARGS)

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
