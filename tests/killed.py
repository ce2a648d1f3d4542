"""Processes that end by SIGKILL at a moment that the test names."""

import os
import signal
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path

import torch
from torch.optim.optimizer import register_optimizer_step_post_hook

# A fork server: it imports torch once, and no child inherits the locks of pytest's threads.
PROCESSES = get_context("forkserver")
PROCESSES.set_forkserver_preload(["facekp.experiments"])


def run_in_process(function: Callable, *arguments: object, kill: tuple | None = None) -> int:
    """Run a function of an importable module in another process; return the exit status."""
    process = start_process(function, *arguments, kill=kill)
    process.join()
    return process.exitcode


def start_process(function: Callable, *arguments: object, kill: tuple | None = None) -> BaseProcess:
    """Start a function of an importable module in another process, on one thread.

    ``kill`` is one of ``MOMENTS`` and which of them is the last: 2 kills at the second.
    """
    process = PROCESSES.Process(target=_run, args=(kill, function, *arguments))
    process.start()
    return process


def _run(kill: tuple[str, int] | None, function: Callable, *arguments: object) -> None:
    torch.set_num_threads(1)
    if kill:
        moment, count = kill
        MOMENTS[moment](count)
    function(*arguments)


def _countdown(count: int) -> Callable[[], bool]:
    """Return a function that is True when called for the last of so many times."""
    left = iter(range(count - 1, -1, -1))
    return lambda: next(left, None) == 0


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _after_step(count: int) -> None:
    due = _countdown(count)
    register_optimizer_step_post_hook(lambda *_: due() and _die())


def _in_save(count: int) -> None:
    due, save = _countdown(count), torch.save

    def half(state: object, path: Path) -> None:
        save(state, path)
        if due():
            os.truncate(path, path.stat().st_size // 2)
            _die()

    torch.save = half


def _in_write(count: int) -> None:
    due, write = _countdown(count), Path.write_text

    def half(path: Path, text: str) -> int:
        if due():
            write(path, text[: len(text) // 2])
            _die()
        return write(path, text)

    Path.write_text = half


def _after_replace(count: int) -> None:
    due, replace = _countdown(count), Path.replace

    def and_die(path: Path, target: Path) -> None:
        replace(path, target)
        if due():
            _die()

    Path.replace = and_die


MOMENTS = {
    "after an optimiser step": _after_step,
    "while torch.save writes": _in_save,
    "while a text file is written": _in_write,
    "after a file is put in place": _after_replace,
}
