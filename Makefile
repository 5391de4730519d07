# crm-tui: `make help` lists what can be done here.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
MO := $(VENV)/.catalogs
# On two cores six workers keep both busy: many tests wait for a terminal, a disk or another process.
WORKERS ?= 6
DATABASES ?= sqlite postgresql file
SECONDS_EACH ?= 180

.DEFAULT_GOAL := help
.PHONY: help demo run test faults check format catalogs docs pictures bench bench-smoke lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | sed 's/:.*## /\t/' | expand -t 14

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet -c constraints.txt --group dev
	$(BIN)/python -m pip install --quiet -c constraints.txt --no-build-isolation -e .
	@touch $@

$(MO): $(READY) $(wildcard crm_tui/i18n/*/*.po)
	@$(BIN)/python tools/hatch_build.py >/dev/null
	@touch $@

catalogs: $(MO) ## compile the translations

demo: $(MO) ## open the program on realistic throw-away data
	@$(BIN)/crm-tui demo

run: $(MO) ## open the program on this machine's own data
	@$(BIN)/crm-tui

test: $(MO) ## run every test (PARTS="tests/unit -k phone" for some)
	$(BIN)/python -m pytest -n $(WORKERS) $(PARTS)

faults: $(MO) ## eight terminals and a hub while things go wrong, ten minutes (DATABASES="sqlite postgresql file")
	for database in $(DATABASES); do \
		$(BIN)/python tests/faults/trial --database $$database --seconds $(SECONDS_EACH) || exit 1; done

check: $(MO) ## format, lint, types, import contracts, translations complete
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -p no:randomly tests/architecture

format: $(READY) ## format and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(MO) ## write docs/metrics.md anew
	@$(BIN)/python tools/build_metrics_doc.py

pictures: $(MO) ## draw the pictures of the documents anew
	@$(BIN)/python tools/picture.py

bench: $(MO) ## measure speed against floors; writes benchmarks/results.json
	$(BIN)/python -m benchmarks

bench-smoke: $(MO) ## the same in about a minute
	$(BIN)/python -m benchmarks --smoke

lock: $(READY) ## pin what is installed into constraints.txt, without any address
	$(BIN)/python -m pip freeze --exclude-editable > constraints.txt

clean: ## remove what was built
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
