"""Gather pages and executed notebooks, build the site, and move it to its place when whole."""

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
BANNER = (
    "<strong>Demo build.</strong> The runs shown are on rendered faces; "
    "results quoted as reference are from real photographs."
)


def stage(profile, folder):
    """Copy what the site is made from into an empty `folder`."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "book", folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "_build" / "executed" / profile, folder / "notebooks")
    shutil.copytree(ROOT / "notebooks", folder / "sources")
    shutil.copy(ROOT / "_toc.yml", folder)
    shutil.copy(ROOT / "data" / "demo" / "faces.jpg", folder)
    card = (ROOT / "data" / "demo" / "README.md").read_text(encoding="utf-8")
    (folder / "demo_data.md").write_text(captioned(card), encoding="utf-8")


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


def build(folder):
    """Build the HTML pages; a warning is an error, since it is how a broken page shows."""
    command = [Path(sys.executable).with_name("jupyter-book"), "build", folder]
    # Its closing words name a place that the site is about to leave; warnings go to stderr.
    command += ["-W", "-n", "--keep-going", "-q"]
    done = subprocess.run(command, stdout=subprocess.DEVNULL)
    built = folder / "_build" / "html"
    # Jupyter Book can end well without having built a page.
    if done.returncode or not (built / "index.html").is_file():
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
    options = parser.parse_args()
    folder = ROOT / "_build" / "book" / options.profile
    # What stands there is of another state: a failed build must not pass it off as its own.
    shutil.rmtree(options.site, ignore_errors=True)
    stage(options.profile, folder)
    configure(options.profile, folder)
    build(folder).rename(options.site)


if __name__ == "__main__":
    main()
