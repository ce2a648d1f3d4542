"""The generated parts of the book's pages, as MyST Markdown."""

from pathlib import Path

from facekp.manifest import cards, load_manifest

ROOT = Path(__file__)


def datasets(config):
    """Describe the data sets, a section each."""
    return cards(load_manifest(Path(config.facekp_root) / "data_manifest.yaml"))


PAGES = {"datasets": datasets}
