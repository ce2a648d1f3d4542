"""The data sets in words, for the book's data page and the command line."""

from __future__ import annotations

from facekp.manifest.schema import Dataset, Manifest

SCHEMES = {"imm58": "IMM, 58 points", "ibug68": "iBUG, 68 points"}


def cards(manifest: Manifest) -> str:
    """Describe each data set in MyST Markdown.

    Parameters
    ----------
    manifest
        As :func:`load_manifest` returns it.

    Returns
    -------
    str
        One section a data set, with a heading of the second level, a label ``data-<name>`` and a
        table.
    """
    return "\n".join(_card(name, entry) for name, entry in manifest.datasets.items())


def size_in_words(entry: Dataset) -> str:
    """Return a size such as ``28 MB unpacked``, or an empty text where it is not known."""
    if entry.size is None:
        return ""
    kind = {"archive": "to download", "tree": "unpacked"}[entry.size.of]
    return f"{entry.size.bytes / 1e6:,.0f} MB {kind}"


def _card(name: str, entry: Dataset) -> str:
    rows = {
        "name in the manifest": f"`{name}`",
        "homepage": f"<{entry.homepage}>" if entry.homepage else "",
        "pictures": str(entry.pictures or ""),
        "size": size_in_words(entry),
        "keypoints": SCHEMES[entry.scheme],
        "licence": entry.licence,
        "terms": entry.terms,
        "split": entry.split,
        "to cite": f"{{cite}}`{entry.citation}`" if entry.citation else "",
    }
    lines = "\n".join(f"* - {key}\n  - {value}" for key, value in rows.items() if value)
    table = f"```{{list-table}}\n:stub-columns: 1\n:class: card\n\n{lines}\n```"
    return f"(data-{name})=\n## {entry.title}\n\n{table}\n"
