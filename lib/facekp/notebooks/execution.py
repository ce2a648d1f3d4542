"""One notebook through papermill, into an output that is whole or not there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
import papermill
import traitlets
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpecManager
from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError

from facekp.notebooks.checks import NotebookError


class _OwnKernel(AsyncKernelManager):
    """A kernel of this very interpreter, whatever kernels the user has installed."""

    @traitlets.default("kernel_spec_manager")
    def _only_the_native_kernel(self) -> KernelSpecManager:
        return KernelSpecManager(kernel_dirs=[])

    @traitlets.default("transport_encryption")
    def _encrypted(self) -> str:
        return "auto"  # else the kernel warns, in every run, that others on the machine may listen

    def format_kernel_cmd(self, extra_arguments: list[str] | None = None) -> list[str]:
        """Start it with a log for the fatal alone: it calls its orderly end an error."""
        return super().format_kernel_cmd([*(extra_arguments or []), "--IPKernelApp.log_level=50"])


def execute(
    path: Path, notebook: nbformat.NotebookNode, values: dict[str, Any], output: Path
) -> None:
    """Run a notebook with parameters and write it to `output`.

    Parameters
    ----------
    path, notebook
        The source and what was read from it.
    values
        Parameters, by name.
    output
        An absolute path with the suffix ``.ipynb``. It is written under another name and renamed.

    Raises
    ------
    NotebookError
        A cell failed or the kernel died. What ran until then is kept as ``*.failed.ipynb``.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    draft, failed = (output.with_suffix(f".{state}.ipynb") for state in ("partial", "failed"))
    try:
        with _progress_in_terminal():
            papermill.execute_notebook(
                *(str(file).replace("{", "{{").replace("}", "}}") for file in (path, draft)),
                parameters=values,
                kernel_name="python3",
                language="python",
                cwd=path.parent,
                progress_bar={"desc": path.stem, "disable": None},
                kernel_manager_class=_OwnKernel,
            )
        _forget_paths(draft, path, output)
        draft.replace(output)
        failed.unlink(missing_ok=True)
    except PapermillExecutionError as error:
        what = _last_line(error)
        raise _failure(path, notebook, error.cell_index, what, failed) from error
    except DeadKernelError as error:
        what = "the kernel died, for want of memory perhaps"
        raise _failure(path, notebook, _last_begun(draft), what, failed) from error
    finally:
        if draft.exists():
            draft.replace(failed)


@contextmanager
def _progress_in_terminal() -> Iterator[None]:
    """Name the terminal to the kernel's progress bars, so that none ends in the book."""
    before = os.environ.get("FACEKP_PROGRESS")
    os.environ["FACEKP_PROGRESS"] = os.ttyname(2) if os.isatty(2) else os.devnull
    try:
        yield
    finally:
        del os.environ["FACEKP_PROGRESS"]
        if before is not None:
            os.environ["FACEKP_PROGRESS"] = before


def _forget_paths(draft: Path, path: Path, output: Path) -> None:
    """Leave no path of this machine in a notebook that readers download."""
    executed = nbformat.read(draft, as_version=4)
    executed.metadata.papermill.update(input_path=path.name, output_path=output.name)
    nbformat.write(executed, draft)


def _failure(
    path: Path, notebook: nbformat.NotebookNode, index: int, what: str, kept: Path
) -> NotebookError:
    """Describe a cell that failed, counted as JupyterLab shows the source."""
    cells = list(notebook.cells)
    tagged = next(i for i, c in enumerate(cells) if "parameters" in c.metadata.get("tags", []))
    index -= index > tagged  # papermill put a cell of its own behind the tagged one
    number = sum(cell.cell_type == "code" for cell in cells[: index + 1])
    first = next(iter(cells[index].source.strip().splitlines()), "")
    return NotebookError(
        f"{path.name}, code cell {number} ({first}): {what}: open it in `make lab`, or look at "
        f"{kept}, where its outputs end"
    )


def _last_begun(draft: Path) -> int:
    """Return the index of the last cell that papermill began."""
    cells = nbformat.read(draft, as_version=4).cells
    # papermill calls every cell completed in the end; "exception" stays None where none began.
    return max(i for i, c in enumerate(cells) if c.metadata.papermill.exception is not None)


def _last_line(error: PapermillExecutionError) -> str:
    lines = f"{error.ename}: {error.evalue}".strip().splitlines()
    return lines[-1] if len(lines) == 1 else f"{lines[0]} … {lines[-1]}"
