# Prelude. Two commands matter: `make demo` and `make test`.
PYTHON ?= python3
PORT ?= 8000
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help demo demo-fresh run test check documents lock clean

help:
	@echo "make demo        play the demo story (once) and serve it at http://localhost:$(PORT)"
	@echo "make demo-fresh  forget the demo's data and start over"
	@echo "make run         serve without demo data"
	@echo "make test        everything: style, types, floors, migrations, tests"
	@echo "make check       the same without the tests"
	@echo "make documents   write docs/rules.md, docs/policy.md and docs/openapi.json anew"
	@echo "make lock        resolve the dependencies anew (needs uv)"

$(BIN)/python:
	@sh .ci/venv.sh $(PYTHON) $(VENV)

$(VENV)/installed: requirements.lock | $(BIN)/python
	@echo "Installing what the site needs …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@touch $@

$(VENV)/installed-dev: requirements-dev.lock | $(BIN)/python
	@echo "Installing what the tests need …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.lock
	@touch $@ $(VENV)/installed

demo: $(VENV)/installed
	@$(BIN)/python -m market demo --port $(PORT)

demo-fresh: $(VENV)/installed
	@$(BIN)/python -m market demo --port $(PORT) --fresh

run: $(VENV)/installed
	@$(BIN)/python -m market migrate
	@$(BIN)/python -m market serve --port $(PORT) --with-worker

check: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	PRELUDE_VAR=$$(mktemp -d) $(BIN)/python -m market migrate --check

test: check
	@sh .ci/browser.sh
	@bash .ci/meilisearch.sh
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

documents: $(VENV)/installed-dev
	$(BIN)/python -m market rules > docs/rules.md
	$(BIN)/python -m market.policy > docs/policy.md
	$(BIN)/python -m market openapi > docs/openapi.json
	for name in uk-core open-contracting minimal; do $(BIN)/python -m market profiles handbook $$name > docs/profiles/$$name.md; done

lock:
	uv pip compile -q --universal --python-version 3.11 --only-binary :all: --generate-hashes pyproject.toml -o requirements.lock
	uv pip compile -q --universal --python-version 3.11 --only-binary :all: --generate-hashes --all-extras pyproject.toml -o requirements-dev.lock
	uv pip compile -q --universal --python-version 3.11 --only-binary :all: --no-deps --format pylock.toml requirements.lock requirements-dev.lock | $(PYTHON) .ci/wheels.py

clean:
	rm -rf $(VENV) var
