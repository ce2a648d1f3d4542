"""Gather pages and executed notebooks, build the site, and move it to its place when whole.

Or print all pages into one file, or follow their links to other sites.
"""

import argparse
import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml
from browser import print_pdf

ROOT = Path(__file__).resolve().parents[1]
BANNER = (
    "<strong>Demo build.</strong> The runs shown are on rendered faces; "
    "results quoted as reference are from real photographs."
)


def stage(profile, folder):
    """Bring `folder` up to date with what the site is made from.

    What is the same stays as it is, so that Sphinx reads again what has changed alone; or all of
    it, where something has changed that many pages quote or are made with.
    """
    fresh = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(ROOT / "book", fresh, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "_build" / "executed" / profile, fresh / "notebooks")
    shutil.copytree(ROOT / "notebooks", fresh / "sources")
    shutil.copy(ROOT / "_toc.yml", fresh)
    shutil.copy(ROOT / "data" / "demo" / "faces.jpg", fresh)
    card = (ROOT / "data" / "demo" / "README.md").read_text(encoding="utf-8")
    (fresh / "demo_data.md").write_text(captioned(card), encoding="utf-8")
    configure(profile, fresh)
    quoted = ["results/cpu/*.json", f"_build/results/{profile}/*.json", "data_manifest.yaml"]
    made_with = ["book/_ext/*", "book/claims.yaml", "_toc.yml", "lib/facekp/**/*.py"]
    (fresh / "state").write_text(digest(*quoted, *made_with))
    if not same(fresh / "state", folder / "state"):
        shutil.rmtree(folder, ignore_errors=True)
    renew(folder, fresh)
    shutil.rmtree(fresh)


def digest(*patterns):
    """Digest names and content of the files below the root that match."""
    files = sorted(path for pattern in patterns for path in ROOT.glob(pattern) if path.is_file())
    state = [(str(path), hashlib.sha256(path.read_bytes()).hexdigest()) for path in files]
    return hashlib.sha256(repr(state).encode()).hexdigest()


def same(path, other):
    """Tell whether two files are there and hold the same bytes."""
    return path.is_file() and other.is_file() and path.read_bytes() == other.read_bytes()


def renew(folder, fresh):
    """Make what stands in `folder` that in `fresh`, but for what the build itself puts there."""
    for path in sorted(folder.rglob("*"), reverse=True):
        place = path.relative_to(folder)
        if place.parts[0] not in ("_build", "reference") and not (fresh / place).exists():
            path.rmdir() if path.is_dir() else path.unlink()
    for path in fresh.rglob("*"):
        target = folder / path.relative_to(fresh)
        if path.is_file() and not same(path, target):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)


def captioned(card):
    """Return the embedded data set's card as a page of the book: its picture with a caption."""
    figure = (
        ":::{figure} \\2\n:alt: \\1\n:name: fig-demo-faces\n\nTwenty-four crops of `ibug300w`.\n:::"
    )
    return re.sub(r"^!\[(.*)\]\((.*)\)$", figure, card, flags=re.MULTILINE)


def configure(profile, folder):
    """Write `_config.yml` with what differs from build to build."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    sphinx = config["sphinx"]["config"]
    sphinx |= {"facekp_root": str(ROOT), "facekp_profile": profile, "facekp_commit": commit()}
    theme = sphinx["html_theme_options"]
    theme["extra_footer"] = f"Built from commit {commit()} with the {profile} profile."
    if profile == "demo":
        theme["announcement"] = BANNER
    (folder / "_config.yml").write_text(yaml.safe_dump(config, allow_unicode=True))


def commit():
    """Return the commit of the tree, with `-dirty` where something is not committed."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--exclude=*"]
    found = subprocess.run(command, capture_output=True, text=True)
    return found.stdout.strip() or "unknown"


def build(folder, builder="html"):
    """Build the pages; a warning is an error, since it is how a broken page shows."""
    command = [Path(sys.executable).with_name("jupyter-book"), "build", folder]
    command += ["--builder", builder]
    # Its closing words name a place that the site is about to leave; warnings go to stderr.
    command += ["-W", "-n", "--keep-going", "-q"]
    (folder / "_build" / "html" / "output.txt").unlink(missing_ok=True)  # an older build's links
    done = subprocess.run(command, stdout=subprocess.DEVNULL)
    if builder == "linkcheck":
        found = (folder / "_build" / "html" / "output.txt").read_text(encoding="utf-8")
        print("\n".join(line for line in found.splitlines() if "[broken]" in line))
        sys.exit("Links that lead nowhere, see above." if "[broken]" in found else 0)
    built = folder / "_build" / builder
    # Jupyter Book can end well without having built a page.
    if done.returncode or not (built / "index.html").is_file():
        shutil.rmtree(folder)  # a page that was read with a warning would pass the next time
        sys.exit(
            "The book was not built: see the warnings above; each names its page and line "
            "(in a notebook, 30002 is line 2 of its third cell)."
        )
    return built


def main():
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", default="demo", help="whose executed notebooks are shown")
    parser.add_argument("--site", type=Path, default=ROOT / "_build" / "html", help="where to")
    parser.add_argument("--links", action="store_true", help="check links to other sites instead")
    parser.add_argument("--pdf", type=Path, help="print all pages into this file instead")
    options = parser.parse_args()
    folder = ROOT / "_build" / "book" / options.profile
    if options.links or options.pdf:
        folder = folder.with_name(f"{options.profile}-{'links' if options.links else 'pdf'}")
        stage(options.profile, folder)
        if options.links:
            build(folder, "linkcheck")
        print_pdf(build(folder, "singlehtml") / "index.html", options.pdf)
        return
    # What stands there is of another state: a failed build must not pass it off as its own.
    shutil.rmtree(options.site, ignore_errors=True)
    stage(options.profile, folder)
    build(folder).rename(options.site)


if __name__ == "__main__":
    main()
