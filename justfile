# What people and CI run. `just` lists the recipes; `pip install rust-just` installs the command.
# The recipes use the Python environment that is active: CONTRIBUTING.md says how to set it up.

[private]
default:
    @just --list --unsorted

# Run the tests: every subject, about 8 minutes on 2 cores. Takes pytest's arguments.
test *arguments:
    pytest {{arguments}}

# Run the tests that need a browser (Chromium).
browser *arguments:
    pytest -m browser {{arguments}}

# Check style and formatting.
lint:
    ruff check .
    ruff format --check .

# Check the types.
types:
    mypy

# Format the code and apply the fixes that are safe.
format:
    ruff check --fix .
    ruff format .

# Build the documentation site into docs/_build/html and check its links; warnings are errors.
docs:
    sphinx-build -q -W --keep-going -b html docs docs/_build/html
    python docs/check.py

# Run the notebooks on the simulator and write their outputs into the files.
notebooks *files:
    python tests/notebooks/runner.py {{files}}

# Measure speed and memory; benchmarks/README.md explains each figure.
bench:
    for name in import_times functions_passed bytes_to_frame requests_at_once simulator_pages whole_company large_pulls snapshots analysis many_organizations; do \
        echo "== $name" && python "benchmarks/$name.py" || exit 1; done

# Build the wheel and the source distribution, and check their metadata.
build:
    python -m build
    twine check --strict dist/*

# Run everything that CI runs, in new virtual environments: about 10 minutes.
ci:
    .ci/run

# Run every test at full depth, with each Python from 3.11 to 3.13 that is installed.
nightly:
    .ci/nightly
