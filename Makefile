# Each target makes .venv itself; what it makes lies under _build/.
# Written for GNU make 3.81 too, the one that macOS has.

PROFILE ?= demo
PIP_ARGS ?=
NB ?=
ARGS ?=
DEMO_OUT ?= data/demo
DEMO_SETS ?= ibug300w imm

PY := .venv/bin/python
INSTALLED := .venv/installed
# --nolock: a killed run leaves its lock behind, and its like is what this has to take up again.
SNAKEMAKE = $(PY) -m snakemake --cores all --rerun-incomplete --nolock --quiet host \
  --config profile=$(PROFILE)
# The generator of data/demo has an environment of its own, which the book never needs.
DEMO_PY := tools/demo_faces/.venv/bin/python
DEMO_INSTALLED := tools/demo_faces/.venv/installed
DEMO_FACES = PYTHONPATH=tools $(DEMO_PY) -m demo_faces
# --keep-id: a cell keeps its name in a diff. The kernel's version would change with the machine.
NBSTRIPOUT := -m nbstripout --keep-id --extra-keys metadata.language_info

.DEFAULT_GOAL := help
.PHONY: help book test pdf release links data demo-data run lab compare witnesses revalidate accept lint readme picture lock clean

help:  ## print these lines
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

book: $(INSTALLED)  ## execute the notebooks and build the site (PROFILE=demo, cpu or gpu)
	@$(SNAKEMAKE)
	@echo "The book ($(PROFILE)): _build/html/index.html"
	@echo "Open it with: $$(command -v xdg-open || command -v open || echo 'a browser,') $(CURDIR)/_build/html/index.html"

# The longest group, the book's, is the first to be collected and has to be the first to start.
test: lint  ## lint, then every test
	@$(PY) -m pytest -n 2 --dist loadscope --no-loadscope-reorder $(ARGS)
	@echo "All tests passed."

pdf: book  ## print all pages into _build/facekp.pdf (PROFILE)
	@$(PY) book/build.py --profile $(PROFILE) --pdf _build/facekp.pdf
	@echo "The book as one document: _build/facekp.pdf"

release: $(INSTALLED)  ## zip the site and the executed notebooks, each with its sha256 (PROFILE)
	@$(PY) book/release.py --check
	@$(MAKE) --no-print-directory book
	@$(PY) book/release.py --profile $(PROFILE)

links: book  ## follow the links to other sites
	@$(PY) book/build.py --profile $(PROFILE) --links

data: $(INSTALLED)  ## fetch and verify the data sets of the manifest
	@$(PY) -m facekp.manifest fetch
	@$(PY) -m facekp.manifest list

# What exists is kept. Made in another folder, pictures and labels are held against data/demo.
demo-data: $(DEMO_INSTALLED)  ## render data/demo; one picture anew: DEMO_OUT=again ARGS="--only train0042"
	@set -e; for set in $(DEMO_SETS); do $(DEMO_FACES) $$set --out "$(DEMO_OUT)/$$set" $(ARGS); done
	@if test "$(DEMO_OUT)" = data/demo; then $(DEMO_FACES) card data/demo; \
	 else $(DEMO_FACES) verify "$(DEMO_OUT)" data/demo; fi

# Without other parameters (-p) this makes what the book is built from: noted for the graph, which
# otherwise would not know by which library it was made.
run: $(INSTALLED)  ## execute one notebook: NB=01_nose_tip PROFILE=cpu ARGS="-p epochs 5"
	@test -n "$(NB)" || { echo 'make run needs a notebook: make run NB=01_nose_tip' >&2; exit 2; }
	@$(PY) -m facekp.notebooks run $(NB) --profile $(PROFILE) $(ARGS)
	@$(if $(filter -p% --output%,$(ARGS)),,$(SNAKEMAKE) --quiet all --touch --force \
	  _build/executed/$(PROFILE)/$(basename $(notdir $(NB))).ipynb)

lab: $(INSTALLED)  ## open JupyterLab on the notebooks; git then sees them without outputs
	@if git rev-parse --git-dir >/dev/null 2>&1; then \
	   git config --local filter.nbstripout.clean \
	     'if [ -x $(PY) ]; then exec $(PY) $(NBSTRIPOUT); else exec cat; fi'; fi
	@$(PY) -m jupyterlab --notebook-dir=notebooks $(ARGS) \
	  --FileContentsManager.post_save_hook=facekp.notebooks.saving.renew_in_index

compare: $(INSTALLED)  ## hold the latest results of PROFILE against the committed ones
	@$(PY) -m facekp.results compare --profile $(PROFILE) $(ARGS)

witnesses: $(INSTALLED)  ## before a change of code: small trainings that tell whether it changes numbers
	@$(PY) -m facekp.experiments witnesses --profile $(PROFILE) $(ARGS)

revalidate: $(INSTALLED)  ## after a change of code: which committed trainings of PROFILE outlive it
	@$(PY) -m facekp.experiments revalidate --profile $(PROFILE) $(ARGS)

accept: $(INSTALLED)  ## copy the latest results of PROFILE to results/, to be committed
	@$(PY) -m facekp.results accept --profile $(PROFILE) $(ARGS)
	@echo "Look at them with: git diff --stat results/$(PROFILE)"

lint: $(INSTALLED)  ## style, imports, notebooks without outputs, workflows
	@$(PY) -m ruff check
	@$(PY) -m ruff format --check
	@.venv/bin/lint-imports
	@$(PY) $(NBSTRIPOUT) --verify notebooks/*.ipynb
	@.venv/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml

readme: $(INSTALLED)  ## put the numbers of results/cpu into README.md
	@$(PY) book/_ext/readme.py

picture: book  ## take the picture of the book that README.md shows (PROFILE)
	@$(PY) book/browser.py _build/html/notebooks/04_gaussian_heatmaps.html fig-heat-targets book/drawings/book.png
	@echo "book/drawings/book.png shows a page of the $(PROFILE) book."

# The lock holds what was tried. torch brings the CUDA packages that it was built with by itself,
# and a version's +local part names a build that only some sources have.
lock: $(PY)  ## install requirements.txt anew and write requirements.lock
	@$(PY) -m pip install --upgrade $(PIP_ARGS) -r requirements.txt
	@{ echo '# Every version that the book was made with; written by make lock.'; \
	   $(PY) -m pip freeze --all --exclude pip --exclude-editable \
	   | grep -Eiv '^(nvidia-|triton|cuda-)' | sed 's/+[^;]*//'; } > requirements.new
	@if grep -E '(@ |^-e|file:)' requirements.new; then \
	   echo 'These come from a path of this machine; install them from an index first.' >&2; exit 1; fi
	@mv requirements.new requirements.lock
	@echo "Written: requirements.lock"

clean:  ## remove _build (results, executed notebooks, book); .venv and data stay
	rm -rf _build .snakemake

# pip is told to go on where an interrupted installation stopped; the stamp is its last word.
$(INSTALLED): requirements.lock | $(PY)
	@rm -f $@
	@$(PY) -m pip --version >/dev/null 2>&1 || $(PY) -m ensurepip
	@echo "Installing into .venv; the first time takes minutes and, on Linux, gigabytes."
	@$(PY) -m pip install --progress-bar on $(PIP_ARGS) -r requirements.lock
	@$(PY) -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(PY):
	@for python in python3.13 python3.12 python3.11 python3; do \
	   if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11, 4))' 2>/dev/null; then \
	     $$python -m venv .venv && exit; \
	     echo "$$python cannot make .venv: install its venv module (Debian: python3-venv)." >&2; \
	     exit 1; \
	   fi; \
	 done; \
	 echo 'Python 3.11.4 or newer is needed, and none of python3.13, python3.12, python3.11 and' \
	   'python3 is that: install one and make sure that it is on PATH.' >&2; exit 1

$(DEMO_INSTALLED): tools/demo_faces/requirements.txt | $(DEMO_PY)
	@rm -f $@
	@$(DEMO_PY) -m pip --version >/dev/null 2>&1 || $(DEMO_PY) -m ensurepip
	@echo "Installing Blender, anny and torch into tools/demo_faces/.venv: minutes and gigabytes."
	@$(DEMO_PY) -m pip install --progress-bar on $(PIP_ARGS) -r tools/demo_faces/requirements.txt
	@touch $@

$(DEMO_PY):
	@for python in python3.11 python3 python; do \
	   if $$python -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then \
	     $$python -m venv tools/demo_faces/.venv && exit; \
	     echo "$$python cannot make tools/demo_faces/.venv: install its venv module (Debian:" \
	       "python3.11-venv)." >&2; exit 1; \
	   fi; \
	 done; \
	 echo 'Python 3.11 is needed, no older and no newer: Blender is published as a Python module' \
	   '(bpy 5.0.1) for 3.11 alone. None of python3.11, python3 and python is that' \
	   "(here: $$(python3 --version 2>&1)): install it and make sure that it is on PATH." >&2; exit 1
