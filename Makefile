# `make` tells what there is. Every target does its own set-up, in .venv, and again only when it has to.
#
#   PYTHON=python3.12   the Python to make .venv with; otherwise a suitable one is found
#   TESTS="tests/unit"  which of its tests `make test-all-pythons` runs
#   PYTEST_ARGS="-k x"  further arguments for pytest; BENCH_ARGS, FUZZ_ARGS likewise

PYTHON ?=
VENV ?= .venv
PYTHONS ?= 3.10 3.11 3.12 3.13
PYTEST_ARGS ?=
BENCH_ARGS ?=
FUZZ_ARGS ?=

# Another environment that is active, or a path for its modules, is none of ours. Nor are modules that are compiled anew
# by each of a thousand processes.
unexport VIRTUAL_ENV PYTHONPATH PYTHONHOME PYTHONDONTWRITEBYTECODE

SETUP = sh .ci/setup "$(VENV)"
BIN = $(VENV)/bin
# Two cores are what CI has; tests of one xdist_group stay together.
PYTEST = -m pytest -n auto --dist loadgroup
# The tests that need no server, but for those that one Python is enough for.
PORTABLE = $(wildcard $(TESTS)) -m "not once"
TESTS ?= tests/conformance tests/unit tests/property tests/hostile
COVERED = satchel/errors.py,satchel/types.py,satchel/registry/policy.py
COVERING = $(addprefix tests/,unit/test_errors.py unit/test_types.py unit/test_policy_headers.py unit/test_pipeline_accept.py \
	hostile/test_g09_accept_list.py hostile/test_signals.py)
CHECKED = $(wildcard satchel tests benchmarks fuzz conftest.py .ci/environment.py .ci/mutation.py)

.DEFAULT_GOAL := help
.PHONY: help demo test hostile vectors fuzz fuzz-long mutation coverage lint format types imports docs bench bench-gate bench-calling dist test-all-pythons test-lowest setup lock clean

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' Makefile | while IFS='|' read -r target text; do \
		printf '  make %-18s %s\n' "$$target" "$$text"; done

demo:  ## the main job, on real messages and a real Celery worker, no server needed
	@$(SETUP) demo "$(PYTHON)"
	@$(BIN)/satchel demo

test:  ## all the tests, the examples in README.md and docs/ among them
	@$(SETUP) test "$(PYTHON)"
	@$(BIN)/python $(PYTEST) $(PYTEST_ARGS)

hostile:  ## the promises on hostile input, a line each; more cases than `make test` has, and times are held
	@$(SETUP) test "$(PYTHON)"
	@SATCHEL_THOROUGH=1 $(BIN)/python $(PYTEST) --timeout 1800 -o timeout_func_only=true tests/hostile $(PYTEST_ARGS)

vectors:  ## the public vectors, a line per format
	@$(SETUP) test "$(PYTHON)"
	@$(BIN)/python $(PYTEST) -p no:xdist tests/hostile/test_g08_*.py $(PYTEST_ARGS)

fuzz:  ## every codec, the pipeline and the commands, by libFuzzer, for a minute or two
	@$(SETUP) fuzz "$(PYTHON)"
	@$(BIN)/python -m fuzz $(FUZZ_ARGS)

fuzz-long:  ## the same, a million executions each: an hour or two
	@$(SETUP) fuzz "$(PYTHON)"
	@$(BIN)/python -m fuzz --runs 1000000 $(FUZZ_ARGS)

coverage:  ## every branch of the errors, the limits and the accept list is taken by a test
	@$(SETUP) test "$(PYTHON)"
	@$(BIN)/python -m coverage run --branch --include='$(COVERED)' -m pytest -q -p no:xdist $(COVERING)
	@$(BIN)/python -m coverage report --show-missing --fail-under=100

mutation:  ## faults are put into the pipeline, the policy and the codecs' base, and tests must fail; a quarter of an hour
	@$(SETUP) mutation "$(PYTHON)"
	@$(BIN)/python .ci/mutation.py

lint:  ## ruff: rules and format
	@$(SETUP) dev "$(PYTHON)"
	@$(BIN)/python -m ruff check .
	@$(BIN)/python -m ruff format --check .

format:  ## ruff: put right what can be
	@$(SETUP) dev "$(PYTHON)"
	@$(BIN)/python -m ruff check --fix .
	@$(BIN)/python -m ruff format .

types:  ## mypy and pyright, strict; and that the installed package's public names are all typed
	@$(SETUP) dev "$(PYTHON)"
	@$(BIN)/python -m mypy $(CHECKED)
	@$(BIN)/python -m pyright --pythonpath $(BIN)/python
	@rm -rf build/types && $(BIN)/python -m venv --without-pip build/types/venv
	@$(BIN)/python -m build --no-isolation --wheel --outdir build/types >build/types/log || { cat build/types/log; exit 1; }
	@$(BIN)/python -m pip --python build/types/venv/bin/python install -q --no-deps --no-index build/types/*.whl
	@PATH="$$PWD/build/types/venv/bin:$$PATH" $(BIN)/python -m pyright --ignoreexternal --verifytypes satchel

imports:  ## the import contracts
	@$(SETUP) dev "$(PYTHON)"
	@$(BIN)/lint-imports --no-logo

docs:  ## the pages, in build/docs; a warning is an error
	@$(SETUP) dev "$(PYTHON)"
	@$(BIN)/python -m sphinx -W -n --keep-going -q -b html docs build/docs
	@echo "build/docs/index.html"

bench:  ## Satchel beside its peers and the raw libraries, and the bounds that hold; some minutes
	@$(SETUP) bench "$(PYTHON)"
	@$(BIN)/python -m benchmarks $(BENCH_ARGS)

bench-gate:  ## a few ratios beside kombu and the raw libraries, each with a generous floor
	@$(SETUP) test "$(PYTHON)"
	@$(BIN)/python -m benchmarks.gate $(BENCH_ARGS)

bench-calling:  ## the calling API beside Celery's, on the brokers that answer, and the bounds that hold; some minutes
	@$(SETUP) test "$(PYTHON)"
	@$(BIN)/python -m benchmarks.calling $(BENCH_ARGS)

dist:  ## the wheel and the source distribution, in dist/
	@$(SETUP) test "$(PYTHON)"
	@$(BIN)/python -m build --no-isolation

test-all-pythons:  ## the tests that need no server, on each of PYTHONS that is found
	@tested=; failed=; for version in $(PYTHONS); do \
		if python=$$(sh .ci/find-python $$version); then \
			echo "== Python $$version"; \
			tested="$$tested $$version"; \
			sh .ci/setup "$(VENV)-$$version" test "$$python" && \
			"$(VENV)-$$version/bin/python" $(PYTEST) $(PORTABLE) $(PYTEST_ARGS) || failed="$$failed $$version"; \
		fi; \
	done; \
	echo "tested on:$${tested:- nothing: none of $(PYTHONS) was found}$${failed:+; FAILED on:$$failed}"; \
	test -n "$$tested" && test -z "$$failed"

test-lowest:  ## the same on Python 3.10, with the lowest version of every library that pyproject.toml admits
	@if python=$$(sh .ci/find-python 3.10); then \
		sh .ci/setup "$(VENV)-lowest" lowest "$$python" && \
		"$(VENV)-lowest/bin/python" $(PYTEST) $(PORTABLE) $(PYTEST_ARGS); \
	fi

setup:  ## everything for work on Satchel, without running anything
	@$(SETUP) dev "$(PYTHON)"

# UPGRADE=1 takes the newest versions; otherwise a pin is kept while it satisfies pyproject.toml.
lock:  ## pyproject.toml's groups, pinned into requirements/
	@sh .ci/setup .venv-uv uv "$(PYTHON)"
	@sh .ci/lock .venv-uv/bin/uv $(if $(UPGRADE),--upgrade)

clean:  ## remove what make made
	@rm -rf build dist .venv .venv-* .venv.lock .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
