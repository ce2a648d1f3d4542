"""The data sets: what ``data_manifest.yaml`` says of them, and where they lie.

Here belong the manifest's schema, fetching, unpacking, verifying and finding of folders. What
the files in a folder mean is the affair of :mod:`facekp.data`.
"""

from facekp.manifest.page import cards
from facekp.manifest.schema import Dataset, Manifest, ManifestError, find_root, load_manifest
from facekp.manifest.store import fetch, locate
from facekp.manifest.verify import Finding, verify

__all__ = [
    "Dataset",
    "Finding",
    "Manifest",
    "ManifestError",
    "cards",
    "fetch",
    "find_root",
    "load_manifest",
    "locate",
    "verify",
]
