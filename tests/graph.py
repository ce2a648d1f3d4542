"""Calls of the book's graph, as `make book` makes them, with a site of the tests' own."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SITE = "_build/tested_html"  # beside the user's own site, which may be of another profile


def snakemake(*words, folder=ROOT, profile="demo"):
    command = [sys.executable, "-m", "snakemake", "--cores", "all", "--rerun-incomplete"]
    command += ["--nolock", *words, "--config", f"profile={profile}", f"site={SITE}"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)
