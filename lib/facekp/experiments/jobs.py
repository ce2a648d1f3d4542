"""Getting experiments done, once: find the run, or train it, several side by side."""

import os
import threading
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from itertools import islice
from multiprocessing import get_context, parent_process
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout
from tqdm.auto import tqdm as widget_bar
from tqdm.std import tqdm as text_bar

from facekp.data import Faces
from facekp.experiments.experiment import Experiment, digest_once
from facekp.experiments.run_file import make_run
from facekp.results import Run, Store
from facekp.training import keep_freed_memory, usable_precision

__all__ = ["run_all", "run_groups"]


def run_all(
    experiments: Sequence[Experiment],
    faces: Faces,
    store: Store,
    workers: int | None = None,
    *,
    emulate: bool = False,
) -> list[Run]:
    """Return the runs of experiments on one data set; train those that are not finished.

    Small nets gain little from a second core, so several are trained side by side, each on one
    thread. A killed call loses at most an epoch of each: the next one goes on from its checkpoint.
    Calls at the same time share the work, also on several machines if they share the store's
    folders: each trains what no other is at, then waits for what the others have begun.

    Parameters
    ----------
    experiments : sequence of Experiment
        Equal ones are trained once.
    faces : Faces
        The whole data set at the experiments' size, with all keypoints.
    store : Store
        Where run files are looked for and written.
    workers : int, optional
        Processes: by default one a core, or one where there is a GPU or only one experiment. 1
        trains in this process, on all threads.
    emulate : bool
        Compute in bfloat16 where it is asked for, also on a machine without, at a fifth of the
        speed of float32; else such a machine computes in float32.

    Returns
    -------
    list of Run
        In the order of the experiments.

    Raises
    ------
    TrainingError
        As ``training.fit``.
    """
    # Taken now: the code may change on disk while it runs.
    digest = digest_once()
    identities = [experiment.identity(faces, digest) for experiment in experiments]
    keys = [identity["key"] for identity in identities]
    jobs = dict(zip(keys, zip(identities, experiments, strict=True), strict=True))
    runs = {key: run for key in jobs if (run := store.find_run(key))}
    for key in runs:  # left where a call was killed between writing the run and this
        (store.checkpoints / f"{key}.pt").unlink(missing_ok=True)
    usable = (lambda precision: precision) if emulate else usable_precision
    due = [
        (identity, experiment.vary(precision=usable(experiment.precision)))
        for key, (identity, experiment) in jobs.items()
        if key not in runs
    ]
    # By what is planned, not by what is due: the number of threads moves the last bits.
    alone = len(jobs) == 1 or torch.accelerator.is_available()
    workers = workers or (1 if alone else _cores())
    way = _side_by_side if workers > 1 and due else _one_by_one
    if due:
        keep_freed_memory()
    with _progress(len(due)) as bar:
        for wait in (False, True):
            found = way(due, faces, store, workers, wait)
            for run in filter(None, found):
                runs[run.key] = run
                bar.update()
            due = [job for job in due if job[0]["key"] not in runs]
    return [runs[key] for key in keys]


def run_groups(
    groups: Mapping[Hashable, Sequence[Experiment]],
    faces: Faces,
    store: Store,
    workers: int | None = None,
) -> dict[Hashable, list[Run]]:
    """Do what ``run_all`` does for named lists of experiments, in one go.

    Returns
    -------
    dict
        The runs of each list, by its name.
    """
    runs = iter(run_all([e for group in groups.values() for e in group], faces, store, workers))
    return {name: list(islice(runs, len(group))) for name, group in groups.items()}


# The identity keeps the precision that was wished for; the experiment has the one used.
Job = tuple[dict[str, Any], Experiment]


def _one_by_one(
    due: list[Job], faces: Faces, store: Store, _workers: int, wait: bool
) -> Iterator[Run | None]:
    for job in due:
        yield _run(*job, faces, store, wait)


def _side_by_side(
    due: list[Job], faces: Faces, store: Store, workers: int, wait: bool
) -> Iterator[Run | None]:
    if not due:
        return
    # A child forked from this process would inherit the locks of torch's threads; a server that
    # has imported torch, and done nothing with it, can fork one in no time. As many workers as
    # asked for also where fewer trainings are due, for the same reason as above.
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])
    stop = context.Event()
    with ProcessPoolExecutor(workers, context, _start_worker, (faces, store, stop)) as pool:
        try:
            for job in as_completed([pool.submit(_run_in_worker, *job, wait) for job in due]):
                yield job.result()
        except BaseException:  # a training that failed, or an interrupt: the others need not go on
            stop.set()
            raise


def _cores() -> int:
    """Return how many cores this process may use, which a scheduler may have limited."""
    given = getattr(os, "sched_getaffinity", None)  # not on macOS
    return len(given(0)) if given else os.cpu_count() or 1


_WORKER: dict[str, Any] = {}  # what a worker process is given once, at its start


def _start_worker(faces: Faces, store: Store, stop: Event) -> None:
    torch.set_num_threads(1)
    keep_freed_memory()
    _WORKER.update(faces=faces, store=store)
    # The pool itself would let a worker wait for ever for a parent that was killed.
    for wait in (parent_process().join, stop.wait):
        threading.Thread(target=_leave_after, args=(wait,), daemon=True).start()


def _leave_after(wait: Callable[[], object]) -> None:
    """End this worker, which loses at most an epoch."""
    wait()
    os._exit(1)


def _run_in_worker(identity: dict[str, Any], experiment: Experiment, wait: bool) -> Run | None:
    return _run(identity, experiment, _WORKER["faces"], _WORKER["store"], wait)


def _run(
    identity: dict[str, Any], experiment: Experiment, faces: Faces, store: Store, wait: bool
) -> Run | None:
    """Train, unless another process just did, and write the run file.

    Return None if another process is at it, unless told to wait.
    """
    key = identity["key"]
    store.checkpoints.mkdir(parents=True, exist_ok=True)
    path = store.checkpoints / f"{key}.lock"
    try:
        lock = FileLock(path).acquire(blocking=wait)
    except Timeout:
        return None
    with lock:
        if not store.find_run(key):
            store.save_run(make_run(identity, experiment, faces, store))
        (store.checkpoints / f"{key}.pt").unlink(missing_ok=True)
        path.unlink()  # who waits for it, or comes later, finds the run
    return store.find_run(key)  # with the digits that later calls will find


@contextmanager
def _progress(total: int) -> Iterator[Any]:
    """Show a bar: a widget in JupyterLab, text in a terminal.

    Under ``facekp.notebooks``, FACEKP_PROGRESS names the terminal, so that no bar ends in a book.
    """
    terminal = os.environ.get("FACEKP_PROGRESS")
    if terminal is None:
        with widget_bar(total=total, unit="training", disable=not total) as bar:
            yield bar
    else:
        with (
            Path(terminal).open("w") as out,
            text_bar(total=total, unit="training", disable=not total, file=out) as bar,
        ):
            yield bar
