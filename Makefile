# Prelude. Two commands matter: `make demo` and `make test`.
PYTHON ?= python3
PORT ?= 8000
VENV := .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

# What an ssh session asks for is often not on the machine; C.UTF-8 always is.
export LOCALE_ASKED := $(or $(LC_ALL),$(LC_CTYPE),$(LANG))
export LC_ALL := C.UTF-8

.PHONY: help doctor look demo demo-fresh run quick test long check documents words lock clean
.NOTPARALLEL:

help:
	@echo "make demo        play the demo story (once) and serve it at http://localhost:$(PORT)"
	@echo "make demo-fresh  forget the demo's data and start over"
	@echo "make run         serve without demo data"
	@echo "                 each at another port with PORT=8001"
	@echo "make quick       style, types, floors, migrations, and the tests that need neither rows nor a browser: under two minutes"
	@echo "make test        the same, and every test but the long ones: under fifteen minutes"
	@echo "make long        the long tests, each by its name: under twenty-five minutes more"
	@echo "make check       style, types, floors and migrations alone"
	@echo "make doctor      what this machine has and lacks for all of these"
	@echo "make documents   write docs/rules.md, docs/policy.md and docs/openapi.json anew"
	@echo "make words       write the catalogue of sentences, locale/prelude.pot, anew"
	@echo "make lock        resolve the dependencies anew (needs uv)"
	@echo "make clean       remove what was installed and all data (.venv and var)"

doctor look:
	@command -v $(PYTHON) >/dev/null || { echo "stop  $(PYTHON) is missing: sudo apt install python3 python3-venv" >&2; exit 1; }
	@$(PYTHON) -B -m market.doctor $(MAKECMDGOALS) --port $(PORT)

$(VENV)/made:
	@sh .ci/venv.sh $(PYTHON) $(VENV)

$(VENV)/installed: requirements.lock | $(VENV)/made
	@umask 022 && $(BIN)/python .ci/install.py requirements.lock "what the site needs"
	@touch $@

$(VENV)/installed-dev: requirements-dev.lock | $(VENV)/made
	@umask 022 && $(BIN)/python .ci/install.py requirements-dev.lock "what the tests need"
	@touch $@ $(VENV)/installed

demo: look $(VENV)/installed
	@$(BIN)/python -m market demo --port $(PORT)

demo-fresh: look $(VENV)/installed
	@$(BIN)/python -m market demo --port $(PORT) --fresh

run: look $(VENV)/installed
	@$(BIN)/python -m market migrate
	@$(BIN)/python -m market serve --port $(PORT) --with-worker --again "make run PORT={}"

check: look $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@var=$$(mktemp -d) && trap 'rm -rf "$$var"' EXIT && export PRELUDE_VAR="$$var" && \
		$(BIN)/python -m market migrate >/dev/null && $(BIN)/python -m market migrate --check

quick: check
	$(PYTEST) -m "not (database or browser or meilisearch or slow or long)"

test: check
	@sh .ci/browser.sh
	@bash .ci/meilisearch.sh
	$(PYTEST) -m "not long"

long: look $(VENV)/installed-dev
	@sh .ci/browser.sh
	@bash .ci/meilisearch.sh
	$(PYTEST) -v -m "long"

documents: $(VENV)/installed-dev
	$(BIN)/python -m market rules > docs/rules.md
	$(BIN)/python -m market.policy > docs/policy.md
	$(BIN)/python -m market openapi > docs/openapi.json
	for name in uk-core open-contracting minimal; do $(BIN)/python -m market profiles handbook $$name > docs/profiles/$$name.md; done

words: $(VENV)/installed-dev
	$(BIN)/python -m babel.messages.frontend -q extract -F pyproject.toml -k _:1 -k _n:1,2 -k N_:1 --no-wrap --sort-output --add-location=file --omit-header -o locale/prelude.pot .

lock:
	uv pip compile -q --universal --python-version 3.11 --only-binary :all: --generate-hashes pyproject.toml -o requirements.lock
	uv pip compile -q --universal --python-version 3.11 --only-binary :all: --generate-hashes --all-extras pyproject.toml -o requirements-dev.lock
	uv pip compile -q --universal --python-version 3.11 --only-binary :all: --no-deps --format pylock.toml requirements.lock requirements-dev.lock | $(PYTHON) .ci/wheels.py

clean:
	rm -rf $(VENV) var
