.DEFAULT_GOAL := help
PYTHON ?= python3
# A folder with a __main__.py is a service. GATEWAY=2 is its number of processes in `make stack`; without one it is 1.
SERVICES = $(patsubst services/%/__main__.py,%,$(wildcard services/*/__main__.py))
COUNTS = $(foreach each,$(SERVICES),--$(each) $(or $($(shell echo $(each) | tr a-z A-Z)),1))
# The longest tests run first, so workers finish at about the same time.
TESTS ?= $(wildcard tests/faults tests/compat tests/browser tests/integration tests/unit)
WORKERS ?= 3
BENCH ?=
SCALE ?=
UI_BENCH ?=
AUDIT ?=
CLIENTS = $(foreach name,mlflow-2.22.5 mlflow-latest gitlab-mlops,.venvs/$(name)/.installed)
NODE = .venvs/node
UI = .venvs/mlflow-ui
# WARREN_UI_DIRECTORY= turns the web UI off.
WITH_UI = WARREN_UI_DIRECTORY=$${WARREN_UI_DIRECTORY-$(UI)/build} \
	WARREN_MODEL_PRICES=$${WARREN_MODEL_PRICES-$(UI)/model_catalog}

# Tests start hundreds of processes. Where this variable is set, each would compile all that it imports.
unexport PYTHONDONTWRITEBYTECODE

# With PYTHON=… environments of another interpreter are made again: removing their marker files forces it.
ifneq ($(origin PYTHON),file)
$(foreach each,$(shell tools/interpreter.sh $(PYTHON) .venv .venvs/*),\
	$(shell rm -f $(each)/.runtime $(each)/.dev $(each)/.installed))
endif

help:  ## Show this list
	@echo "Warren: make <target>"
	@grep -hE '^[a-z.-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14
	@echo "Variables: PYTHON=python3.11, WARREN_PORT, WARREN_HOST, WARREN_DATA; see docs/configuration.md"

run: .venv/.runtime $(UI)/.installed  ## Run Warren in the foreground, with everything it needs
	@$(WITH_UI) exec .venv/bin/python -m deploy.local.standalone

demo: .venv/.runtime .venvs/mlflow-latest/.installed  ## Log a small training with the stock MLflow client and read it back
	@.venvs/mlflow-latest/bin/python tools/demo.py

stack: .venv/.runtime $(UI)/.installed  ## Run RabbitMQ, PostgreSQL, S3 and each service as processes (GATEWAY=2 TRACKING=3 …)
	@$(WITH_UI) exec .venv/bin/python -m deploy.local.stack $(COUNTS)

.env:  ## Write .env for docker-compose.yml, with random passwords
	@deploy/compose/env.sh .env.example $@

compose-test: .env .venv/.dev .venvs/mlflow-latest/.installed  ## Build and try the containers; needs Docker with Compose
	docker compose build
	.venv/bin/python -m pytest tests/compose

dev: .venv/.dev  ## Create the development environment, .venv

fmt: .venv/.dev  ## Format the code and sort its imports
	.venv/bin/ruff check --fix --exit-zero --quiet .
	.venv/bin/ruff format .

# Only the fuzz tests of tests/integration need the plugin of schemathesis. Its import takes each process a second.
unit: .venv/.dev  ## Run the unit tests, which need no server
	.venv/bin/python -m pytest --quiet -p no:schemathesis --numprocesses $(WORKERS) tests/unit

coverage: .venv/.dev  ## Run the unit tests, or T=tests/integration/…, and show how many lines of each module they run
	.venv/bin/python -m pytest --quiet --numprocesses 2 --cov --cov-report=term $(or $(T),tests/unit)

ifdef T
test: .venv/.dev
	.venv/bin/python -m pytest $(T)
else
test: .venv/.dev $(CLIENTS) $(NODE)/.installed $(UI)/.installed lint  ## Run lint and every test; T=tests/unit/… runs that file alone (TESTS=…, WORKERS=1)
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && apt-get install -qq -y --no-install-recommends chromium; } || true
	@command -v pgbouncer >/dev/null || { [ "$$(id -u)" = 0 ] && apt-get install -qq -y --no-install-recommends pgbouncer; } || true
	.venv/bin/python -m pytest --numprocesses $(WORKERS) $(TESTS)
endif

# The audit exits with 1 for a known vulnerability, which fails. It exits with 2 if its service is unreachable, which passes.
lint: .venv/.dev  ## Check style, types, imports between parts, deployment files and dependencies
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/hadolint deploy/Dockerfile
	.venv/bin/python -m pytest -qq -rN tests/unit/deploy/test_compose.py tests/unit/deploy/test_helm*.py
	.venv/bin/python -m tools.audit $(AUDIT) || [ $$? = 2 ]

# Warren is measured with its runtime packages alone: development packages cost memory.
bench: .venvs/runtime/.installed .venvs/bench/.installed .venvs/fasttrackml/.installed  ## Compare with mlflow server and FastTrackML (BENCH=--quick)
	@command -v wrk >/dev/null || { [ "$$(id -u)" = 0 ] && apt-get install -qq -y wrk; }
	.venvs/runtime/bin/python -m tests.bench $(BENCH)
	.venvs/runtime/bin/python -m tests.bench.transfers $(filter --quick,$(BENCH))

bench-scale: .venvs/runtime/.installed .venvs/bench/.installed .venvs/fasttrackml/.installed  ## Search 100,000 runs and read long histories, beside FastTrackML (SCALE="--experiments 10")
	.venvs/runtime/bin/python -m tests.bench.scale $(SCALE)

soak: .venv/.dev $(CLIENTS)  ## Measure the memory during large transfers, long histories and large traces (some minutes, 10 GB of disk)
	WARREN_SOAK_MEGABYTES=1024 WARREN_SOAK_POINTS=1000000 WARREN_SOAK_SPANS=20000,33000 .venv/bin/python -m pytest -s \
		tests/integration/gateway/test_artifact_memory.py tests/integration/gateway/test_long_histories.py \
		tests/integration/gateway/test_large_traces.py tests/compat/test_large_traces.py \
		tests/compat/test_direct_transfers.py

audit: .venv/.dev  ## Look for known vulnerabilities of the locked packages at PyPI (AUDIT="-s osv": at OSV)
	.venv/bin/python -m tools.audit $(AUDIT)

chaos: .venv/.dev  ## Run the fault tests for minutes instead of seconds (WARREN_CHAOS_SECONDS=300)
	WARREN_CHAOS_SECONDS=$${WARREN_CHAOS_SECONDS:-300} .venv/bin/python -m pytest tests/faults

docs: .venv/.dev  ## Generate docs/configuration.md and docs/metrics.md
	.venv/bin/python -m tools.configuration_page
	.venv/bin/python -m tools.metrics_page

compatibility: .venv/.dev $(CLIENTS)  ## Run the stock clients and write docs/compatibility.md
	WARREN_COMPATIBILITY_PAGE=docs/compatibility.md .venv/bin/python -m pytest --numprocesses $(WORKERS) tests/compat

ui-pages: .venv/.dev $(UI)/.installed  ## Open each page of the web UI in Chromium and write the table of docs/ui.md
	WARREN_UI_PAGES=docs/ui.md .venv/bin/python -m pytest tests/browser/test_ui.py

bench-ui: .venv/.dev .venvs/bench/.installed $(UI)/.installed  ## Measure the web UI in Chromium beside that of mlflow server (UI_BENCH="--rounds 3")
	.venv/bin/python -m tests.bench.web_ui $(UI_BENCH)

# Each lock file is for all platforms. The smaller environments get the versions of dev.txt.
COMPILE = .venv/bin/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url \
	--no-emit-find-links --python-version 3.11 --custom-compile-command "make lock"
lock: .venv/.dev  ## Generate the lock files from pyproject.toml and requirements/*.in (UPGRADE=--upgrade)
	$(COMPILE) $(UPGRADE) --extra embedded --extra tracing --group dev pyproject.toml -o requirements/dev.txt
	$(COMPILE) --extra embedded -c requirements/dev.txt pyproject.toml -o requirements/runtime.txt
	$(COMPILE) --extra tracing -c requirements/dev.txt pyproject.toml -o requirements/server.txt
	for name in mlflow-2.22.5 mlflow-latest bench fasttrackml; do \
		$(COMPILE) $(UPGRADE) requirements/$$name.in -o requirements/$$name.txt || exit 1; \
	done
	for name in gitlab-mlops mlflow-ui; do \
		$(COMPILE) --no-deps requirements/$$name.in -o requirements/$$name.txt || exit 1; \
	done

clean:  ## Remove environments and caches; the data in .warren stay
	rm -rf .venv .venvs .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.runtime: requirements/runtime.txt
	@tools/environment.sh $(PYTHON) .venv $<
	@touch $@

# The development environment includes the runtime's packages in the same versions.
.venv/.dev: requirements/dev.txt requirements/runtime.txt
	@tools/environment.sh $(PYTHON) .venv $<
	@touch $@ .venv/.runtime

.venvs/%/.installed: requirements/%.txt
	@tools/environment.sh $(PYTHON) .venvs/$* $<
	@touch $@

# GitLab's client is installed next to mlflow-2.22.5, without its declared dependencies. It needs only MLflow 2 of them;
# its importer from Google Cloud would need an SDK of a gigabyte.
.venvs/gitlab-mlops/.installed: requirements/gitlab-mlops.txt .venvs/mlflow-2.22.5/.installed
	.venvs/mlflow-2.22.5/bin/python -m pip install --quiet --disable-pip-version-check --upgrade --no-deps \
		--require-hashes --target .venvs/gitlab-mlops -r $<
	@touch $@

$(UI)/.installed: requirements/mlflow-ui.txt tools/mlflow_ui.py | .venv/.runtime
	@.venv/bin/python tools/mlflow_ui.py $< $(UI)/build $(UI)/model_catalog
	@touch $@

# Without npm the tests of Node.js's clients are skipped.
$(NODE)/.installed: tests/compat/clients/node/package-lock.json
	@command -v npm >/dev/null || { [ "$$(id -u)" = 0 ] && apt-get install -qq -y --no-install-recommends nodejs npm; } || true
	@mkdir -p $(NODE) && cp $(<D)/package.json $< $(NODE)
	@! command -v npm >/dev/null || (cd $(NODE) && npm ci --silent --ignore-scripts)
	@touch $@

.PHONY: .env compose-test coverage dev fmt help run demo stack test unit lint audit bench bench-scale bench-ui soak chaos docs compatibility ui-pages lock clean
