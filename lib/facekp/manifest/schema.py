"""The typed schema of ``data_manifest.yaml``, and errors that name the line to mend.

Nothing here looks at data or at the network.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.fields import FieldInfo

MANIFEST = "data_manifest.yaml"

Text = Annotated[str, Field(min_length=1, description="a text, in quotes if it is a number")]
Address = Annotated[str, Field(pattern=r"^https?://\S+$", description="an http or https address")]
FileName = Annotated[
    str, Field(pattern=r"^[\w-][\w.-]*$", description="a bare name, without a folder before it")
]
RelativePath = Annotated[
    str,
    Field(
        pattern=r"^[\w-]+(\.[\w-]+)*(/[\w-]+(\.[\w-]+)*)*$",
        description="a path relative to the repository's root that does not climb out of it",
    ),
]
Sha256 = Annotated[
    str, Field(pattern=r"^[0-9a-f]{64}$", description="64 lower-case hexadecimal digits, in quotes")
]
Count = Annotated[int, Field(gt=0, description="a whole number above 0, without quotes")]


class ManifestError(Exception):
    """A data set, or the manifest, is not as it must be; the message says what to do."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Size(_Strict):
    """How many bytes, and of what."""

    bytes: Count
    of: Literal["archive", "tree"] = Field(
        description="archive (as downloaded) or tree (label and image files, unpacked)"
    )


class Dataset(_Strict):
    """One data set. Every field but the optional ones must be given."""

    title: Text
    licence: Text
    terms: Text = Field(description="what the licence asks for, in one line")
    scheme: Literal["imm58", "ibug68"] = Field(description="imm58 or ibug68")
    split: Text = Field(description="the rule of the split, in one sentence")
    format: Literal["imm", "ibug300w"] = Field(
        description="imm or ibug300w, the reader in facekp.data"
    )
    folder: FileName
    embedded: RelativePath | None = None
    homepage: Address | None = None
    sources: list[Address] = Field([], description="http or https addresses in order of preference")
    archive: FileName | None = None
    sha256: Sha256 | None = None
    size: Size | None = None
    tree_digest: Sha256 | None = None
    listing: RelativePath | None = None
    pictures: Count | None = None
    citation: FileName | None = None

    @model_validator(mode="after")
    def _fetched_sets_are_complete(self) -> Dataset:
        needed = ("homepage", "sources", "archive", "size", "citation")
        missing = [key for key in needed if not getattr(self, key)]
        if self.embedded is None and missing:
            raise ValueError(
                f"gives no {', '.join(missing)}: add what is missing, or name a folder of the "
                "repository as 'embedded'"
            )
        return self


class Manifest(_Strict):
    """All data sets by name."""

    datasets: dict[str, Dataset] = Field(description="a mapping of names to data sets")

    def __getitem__(self, name: str) -> Dataset:
        """Return the data set called `name`, or raise ManifestError with the nearest name."""
        if name not in self.datasets:
            raise ManifestError(
                f"{MANIFEST} has no data set {name!r}: {_nearest(name, self.datasets)}"
            )
        return self.datasets[name]


def find_root(start: Path | None = None) -> Path:
    """Return the repository's root: the nearest folder upwards that holds the manifest.

    Parameters
    ----------
    start
        Where to begin; by default the working directory, then this file's own folder, so that a
        notebook finds its repository from anywhere.

    Raises
    ------
    ManifestError
        No folder upwards holds ``data_manifest.yaml``.
    """
    starts = [start] if start else [Path.cwd(), Path(__file__).parent]
    for folder in starts:
        for candidate in (folder.resolve(), *folder.resolve().parents):
            if (candidate / MANIFEST).is_file():
                return candidate
    raise ManifestError(
        f"no {MANIFEST} in {' or '.join(map(str, starts))} or above: run from the repository"
    )


def load_manifest(path: Path | None = None) -> Manifest:
    """Read and check a manifest.

    Parameters
    ----------
    path
        The file; by default ``data_manifest.yaml`` in the repository's root.

    Raises
    ------
    ManifestError
        Names the file and the line, what is wrong there, and how to mend it.
    """
    path = path or find_root() / MANIFEST
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        lines = dict(_lines(node, ())) if node else {(): 1}
        return Manifest.model_validate(yaml.safe_load(text))
    except OSError as error:
        raise ManifestError(f"{path} cannot be read ({error.strerror}): restore it") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ManifestError(f"{path}, line {line}: {error.problem}: mend the YAML there") from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise ManifestError(f"{path} is no YAML text ({error}): restore it") from error
    except ValidationError as error:
        # A misspelt key is also a missing one; the misspelling is the better message.
        _, line, problem = min(
            (item["type"] == "missing", _line_of(item["loc"], lines), _describe(item))
            for item in error.errors()
        )
        raise ManifestError(f"{path}, line {line}: {problem}") from error


def _lines(node: yaml.Node, loc: tuple) -> Iterator[tuple[tuple, int]]:
    """Yield the line of each key and list item, by its place as pydantic names it."""
    if not loc:
        yield loc, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:  # PyYAML would silently let the last one win
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key.value!r} stands twice", problem_mark=key.start_mark
                )
            seen.add(key.value)
            yield (*loc, key.value), key.start_mark.line + 1
            yield from _lines(value, (*loc, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield (*loc, index), value.start_mark.line + 1
            yield from _lines(value, (*loc, index))


def _line_of(loc: tuple, lines: dict[tuple, int]) -> int:
    """Return the line of `loc`, or of what it should stand under."""
    while loc and loc not in lines:
        loc = loc[:-1]
    return lines.get(loc, 1)


def _describe(item: Any) -> str:
    """Say in one sentence what pydantic found and what to write instead."""
    loc = [part for part in item["loc"] if part != "[key]"]
    *parents, last = loc or ["the file"]
    place = ".".join(map(str, loc)) or "the file"
    model = _model_at(parents)
    if item["type"] == "extra_forbidden":
        return f"unknown key {last!r}: {_nearest(str(last), model.model_fields)}"
    if item["type"] == "missing":
        return f"the key {last!r} is missing here: add it, {_meaning(model, last)}"
    if item["type"] == "invalid_key":
        return f"the key {item['input']!r} is no text: put it in quotes"
    if item["type"] == "value_error":
        return f"{place} {item['ctx']['error']}"
    name = last if isinstance(last, str) else parents[-1]
    return f"{place} is {item['input']!r}: write {_meaning(model, name) or item['msg']}"


def _model_at(parents: list) -> type[_Strict]:
    """Return the model whose keys stand under `parents`."""
    if not parents or parents[0] != "datasets":
        return Manifest
    return Size if parents[2:3] == ["size"] else Dataset


def _meaning(model: type[_Strict], name: object) -> str:
    """Return what the schema says of a key."""
    field = model.model_fields.get(str(name))
    described = [field.description, *_descriptions(field.annotation)] if field else []
    return next(filter(None, described), "a mapping of keys to values")


def _descriptions(annotation: object) -> Iterator[str | None]:
    """Yield the descriptions inside a type such as ``Sha256 | None``."""
    for part in get_args(annotation):
        if isinstance(part, FieldInfo):
            yield part.description
        else:
            yield from _descriptions(part)


def _nearest(name: str, known: object) -> str:
    """Return a remedy for a name that is not among the known ones."""
    names = [str(item) for item in known]
    close = difflib.get_close_matches(name, names, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"take one of {', '.join(names)}"
