"""The demo book, built once a session by the same graph that `make book` runs."""

import pytest

from graph import ROOT, SITE, snakemake


@pytest.fixture(scope="session")
def site():
    done = snakemake("--quiet", "host")
    assert done.returncode == 0, done.stdout + done.stderr
    return ROOT / SITE
