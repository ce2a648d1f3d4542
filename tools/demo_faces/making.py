"""Making pictures: one from its seed, many side by side, going on where a run was stopped."""

import contextlib
import multiprocessing
import os
import queue
import threading
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from . import backgrounds, faults, keypoints, shots, visibility, writers
from .boxes import detector_box
from .splits import Picture

PER_PROCESS = 40  # pictures after which a worker is replaced: Blender's memory grows


class MakingError(Exception):
    """A picture that could not be made."""


@dataclass(frozen=True)
class Job:
    """One picture to make in a folder, with so many samples a pixel."""

    folder: Path
    picture: Picture
    samples: int


def make(job: Job) -> str:
    """Make one picture with its record; return its stem.

    Raises
    ------
    MakingError
        If anything fails, naming the picture.
    """
    from .blender.render import render

    with naming(job.picture):
        shot = shots.shot(job.picture, job.samples)
        record, jpeg = labelled(shot, render(shot))
    writers.write_picture(job.folder, job.picture.stem, record, jpeg)
    return job.picture.stem


def relabel(job: Job) -> str:
    """Write the labels in a finished picture's record anew; return its stem. No light is made.

    Raises
    ------
    MakingError
        If anything fails, naming the picture.
    """
    from .blender.render import render

    with naming(job.picture):
        shot = shots.shot(job.picture, job.samples)
        found = labels(shot, render(shot, light=False))
    writers.update_record(job.folder, job.picture.stem, found)
    return job.picture.stem


@contextlib.contextmanager
def naming(picture: Picture) -> Iterator[None]:
    """Turn whatever fails into a MakingError that names the picture."""
    try:
        yield
    except Exception as error:
        raise MakingError(f"{picture.stem}: {error}\n{traceback.format_exc()}") from None


def labels(shot: shots.Shot, rendered) -> dict:
    """Return what a record says of a shot's keypoints."""
    camera = rendered.camera
    found = keypoints.place(shot.scheme, rendered.vertices, rendered.normals, camera, rendered.roll)
    seen = visibility.visible_keypoints(found.surface, found.normals, camera, rendered.geometry)
    return {
        "points": found.points.round(4).tolist(),
        "visible": seen.tolist(),
        "attributes": {**shots.attributes(shot), "hidden": int((~seen).sum())},
    }


def labelled(shot: shots.Shot, rendered) -> tuple[dict, bytes]:
    """Return the record and the JPEG file of a rendered shot."""
    strips = keypoints.table()["schemes"][keypoints.FRAMES[shot.scheme]]
    frame = keypoints.project(strips, rendered.vertices, rendered.camera, rendered.roll).points
    rng = np.random.default_rng([24, *shot.picture.key])
    light = rendered.light
    size = light.shape[:2]
    if shot.look.background == "hdri":
        behind = np.zeros((*size, 3))
    else:
        behind = backgrounds.paint(shot.look.background, shot.look.background_seed, size)
    image = faults.develop(light, behind, frame, shot.faults, rng)
    record = {
        "file": shot.file,
        "split": shot.picture.split,
        "width": image.width,
        "height": image.height,
        "box": detector_box(frame, rng),
        **labels(shot, rendered),
    }
    return record, writers.jpeg_bytes(image, shot.faults.quality)


def make_all(
    jobs: list[Job],
    processes: int,
    progress: Callable[[Iterator], Iterator],
    one: Callable[[Job], str] = make,
) -> None:
    """Make pictures, or what `one` makes of them, side by side.

    progress: wraps an iterator of finished pictures, as tqdm does.
    """
    context = multiprocessing.get_context("spawn")
    waiting, done = queue.SimpleQueue(), queue.SimpleQueue()
    for job in jobs:
        waiting.put(job)

    def work(core: int) -> None:
        try:
            with context.Pool(1, stay_on, (core,), maxtasksperchild=PER_PROCESS) as pool:
                while True:
                    done.put(pool.apply(one, (waiting.get_nowait(),)))
        except queue.Empty:
            pass
        except Exception as error:
            done.put(error)

    for core in range(min(processes, len(jobs))):
        threading.Thread(target=work, args=(core,), daemon=True).start()
    for made in progress(done.get() for _ in jobs):
        if isinstance(made, Exception):
            raise made


def stay_on(core: int) -> None:
    """Keep this process on one core, where the system can do that.

    Blender starts a thread for each core that it sees, whatever it is told; where processes share
    the cores, these threads wait for each other, and a picture takes twice as long.
    """
    if hasattr(os, "sched_setaffinity"):
        usable = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {usable[core % len(usable)]})


def finished(folder: Path, pictures: list[Picture], samples: int) -> list[Job]:
    """Return the jobs whose picture and record exist."""
    done = [picture for picture in pictures if writers.finished(folder, picture.stem)]
    return [Job(folder, picture, samples) for picture in done]


def unfinished(folder: Path, pictures: list[Picture], samples: int) -> list[Job]:
    """Return the jobs whose picture or record does not exist yet."""
    due = [picture for picture in pictures if not writers.finished(folder, picture.stem)]
    return [Job(folder, picture, samples) for picture in due]
