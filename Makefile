# gameday: `make drill` runs the region outage, `make test` runs every test. Both set up what they need.
.DELETE_ON_ERROR:
SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: drill test unit lint bench bench-peer golden runbooks clean help

help:  ## say what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

drill: $(STAMP)  ## cut off a region in the local lab and measure what its clients lost
	$(BIN)/chaos --no-version-check run experiments/region-outage.json

test: $(STAMP)  ## lint, types, contracts, and every test with coverage
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/coverage erase
	$(BIN)/coverage run --rcfile=tests/coverage-with-children.toml -m pytest -n 2 --dist loadfile -m "not lab"
	$(BIN)/coverage combine -q
	$(BIN)/coverage report
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "lab and not alone" --durations=12
	$(BIN)/python -m pytest -m "lab and alone" --durations=12

unit: $(STAMP)  ## the tests that start nothing, without those that try many inputs
	$(BIN)/python -m pytest -n 2 --dist loadfile -q \
	  -m "not lab and not infra and not browser and not postgres and not parts and not thorough"

bench: $(STAMP)  ## the figures, as tables
	$(BIN)/python -m benchmarks

bench-peer: $(STAMP)  ## our outage beside Patroni's, at equal detection, five each; 12 minutes
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[all,peer]'
	$(BIN)/python -m benchmarks.peer

golden: $(STAMP)  ## synthesise the CDK app anew into the golden templates
	$(BIN)/python -m infra.synth

runbooks: $(STAMP)  ## write docs/runbooks/ anew from src/gameday/recovery/
	$(BIN)/python -m gameday.recovery.documents

clean:  ## remove what make made
	rm -rf $(VENV) .stamps

$(STAMP): pyproject.toml constraints.txt
	@sh tools/find-python.sh > /dev/null
	"$$(sh tools/find-python.sh)" -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[all]'
	@touch $@
