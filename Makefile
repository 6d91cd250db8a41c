# Two commands do everything: `make run` and `make test`. Both make the environment they need.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: run test docs explore lock clean

run: $(READY)
	$(BIN)/discourse run corpora/demo/study.toml

test: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -n 2 --dist loadfile

# The site, in docs/_build/html: it loads nothing from elsewhere, and a warning stops it.
docs: $(READY)
	$(BIN)/python -m sphinx -W --keep-going -n -q -b html docs docs/_build/html
	@echo docs/_build/html/index.html

# The property tests alone, on new examples and twenty times as many.
explore: $(READY)
	EXPLORE=20 $(BIN)/pytest -n 2 -m hypothesis

# The lock names every package, version and hash; nothing is built from source.
$(READY): requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes --only-binary :all: -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $(READY)

# Needs uv (https://docs.astral.sh/uv/). Encoders (the extras `embeddings` and `transformers`) weigh gigabytes: not here.
lock:
	uv pip compile pyproject.toml --universal --python-version 3.11 \
	  --extra notebooks --extra stats --extra distributed --extra speed --extra docs --extra dev \
	  --generate-hashes --only-binary :all: --no-header -o requirements.lock

clean:
	rm -rf .venv docs/_build .pytest_cache .mypy_cache .ruff_cache
