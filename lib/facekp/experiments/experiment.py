"""Experiments as data: what a training is made of, by name.

The only place where a name such as "adam" or "nose" becomes a function. A new net, loss or split
is a line in one of the tables below.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field, field_validator

from facekp import heatmaps, models, regression, regressors
from facekp.augment import Augmentation
from facekp.data import Faces, imm_fold, split_hash
from facekp.experiments.evaluation import evaluated
from facekp.fingerprint import code_digest
from facekp.schemes import SCHEMES
from facekp.training import Fitted, fit

__all__ = ["Experiment", "Reading", "build", "split_ibug", "split_imm", "train"]

VALIDATION_SHARE = 1 / 6  # of 300-W's training photographs

Digest = Callable[[frozenset], str]
Named = dict[str, Any]  # {"name": a key of one of the tables, further arguments}


def split_imm(
    faces: Faces, fold: int, without: Sequence[int] = (), persons: int = 32, seed: int = 0
) -> tuple[Faces, Faces]:
    """Hold one of IMM's folds out and train on persons of the others.

    Parameters
    ----------
    faces : Faces
        With persons as groups.
    fold : int
        The fold held out, 1 to 5.
    without : sequence of int
        Folds left out of the training as well.
    persons : int
        At most so many persons to train on; fewer are drawn by the seed, and of one seed's draws
        each smaller one is part of the larger.
    seed : int
        Of that draw.

    Returns
    -------
    train, val : Faces
    """
    others = [p for f in range(1, 6) if f not in (fold, *without) for p in imm_fold(f)]
    chosen = np.random.default_rng(seed).permutation(others)[:persons]
    return tuple(faces.take(np.isin(faces.groups, who)) for who in (chosen, imm_fold(fold)))


def split_imm_sets(faces: Faces, source: str, target: str, fold: int = 5) -> tuple[Faces, Faces]:
    """Train on one set in IMM's layout and hold out persons of another.

    Parameters
    ----------
    faces : Faces
        Sets that were joined.
    source, target : str
        The set to train on and the one to hold out; they may be the same.
    fold : int
        The fold held out: trained on are the source's persons of the other four, so that a net
        trained on another set sees as many pictures as one trained on this.

    Returns
    -------
    train, val : Faces
    """
    persons = np.array([group.rpartition("/")[2] for group in faces.groups])
    held_out = np.isin(persons, imm_fold(fold))
    dataset = faces.attributes["dataset"]
    return faces.take((dataset == source) & ~held_out), faces.take((dataset == target) & held_out)


def split_ibug(
    faces: Faces,
    held_out: str = "test",
    count: int | None = None,
    source: str | None = None,
    target: str | None = None,
    label_noise: float = 0.0,
    seed: int = 0,
) -> tuple[Faces, Faces]:
    """Hold the test pictures of 300-W out, or a validation set carved from its training pictures.

    Parameters
    ----------
    faces : Faces
        With "train" and "test" as `attributes["split"]` and source photographs as groups.
    held_out : {"test", "validation"}
        "test" trains on all training pictures. "validation" holds out those whose photograph a
        hash of its name draws, about a sixth, and leaves the test pictures alone.
    count : int, optional
        At most so many pictures to train on; fewer are drawn by the seed, and of one seed's draws
        each smaller one is part of the larger.
    source, target : str, optional
        Of sets that were joined: the one to train on and the one to hold out.
    label_noise : float
        Standard deviation of Gaussian noise on x and y of each training keypoint, as careless
        labelling makes it, over the inter-ocular distance. It stays the same in all epochs.
    seed : int
        Of the draw and of that noise.

    Returns
    -------
    train, val : Faces

    Raises
    ------
    ValueError
        If `held_out` is neither.
    """
    if held_out not in ("test", "validation"):
        raise ValueError(f"held_out must be 'test' or 'validation', not {held_out!r}")
    train, test = (faces.attributes["split"] == part for part in ("train", "test"))
    drawn = train & split_hash(faces.groups, VALIDATION_SHARE, "validation")
    val, train = (test, train) if held_out == "test" else (drawn, train & ~drawn)
    if source or target:
        train, val = (
            mask & (faces.attributes["dataset"] == name)
            for mask, name in ((train, source), (val, target))
        )
    random = np.random.default_rng(seed)
    chosen = faces.take(np.sort(random.permutation(np.flatnonzero(train))[:count]))
    if label_noise:
        noise = label_noise * chosen.interocular[:, None, None] * chosen.size[1]
        noise = noise / chosen.crop[:, 2, None, None]  # in crop pixels
        noise = noise * random.standard_normal(chosen.keypoints.shape)
        chosen = replace(chosen, keypoints=(chosen.keypoints + noise).astype(np.float32))
    return chosen, faces.take(val)


def adam(parameters: Iterable[torch.nn.Parameter], lr: float) -> torch.optim.Optimizer:
    """Build Adam, in its fused form, which takes a sixth off a step of the small nets."""
    return torch.optim.Adam(parameters, lr, fused=True)


def adamw(
    parameters: Iterable[torch.nn.Parameter], lr: float, weight_decay: float
) -> torch.optim.Optimizer:
    """Build AdamW, in its fused form."""
    return torch.optim.AdamW(parameters, lr, weight_decay=weight_decay, fused=True)


def resnet18(size: tuple[int, int], mirror: str | None = None, **options: Any) -> torch.nn.Module:
    """Build ``regressors.resnet18``; `mirror` as for ``mirror_averaged``."""
    net = regressors.resnet18(size, **options)
    return mirror_averaged(net, mirror, regression.mirror_unit)


def resnet18_bins(
    size: tuple[int, int], mirror: str | None = None, **options: Any
) -> torch.nn.Module:
    """Build ``regressors.resnet18_bins``; `mirror` as for ``mirror_averaged``."""
    net = regressors.resnet18_bins(size, **options)
    per_pixel = {key: value for key, value in options.items() if key == "bins_per_pixel"}
    return mirror_averaged(net, mirror, regression.mirror_bins(size, **per_pixel))


def unet(
    _size: tuple[int, int], scheme: str, mirror: bool = False, **options: Any
) -> torch.nn.Module:
    """Build a U-Net with a map for each keypoint of a scheme; options are those of ``models.UNet``.

    ``mirror`` averages evaluations with those of the mirror image.
    """
    net = models.UNet(SCHEMES[scheme].count, **options)
    return mirror_averaged(net, scheme if mirror else None)


def space_to_depth_unet(
    _size: tuple[int, int], scheme: str, mirror: bool = False, **options: Any
) -> torch.nn.Module:
    """Build ``models.space_to_depth_unet``; otherwise as ``unet``."""
    net = models.space_to_depth_unet(SCHEMES[scheme].count, **options)
    return mirror_averaged(net, scheme if mirror else None)


def mirror_averaged(
    net: torch.nn.Module, scheme: str | None, mirror: Callable | None = None
) -> torch.nn.Module:
    """Average evaluations with those of the mirror image, where a scheme is named.

    ``scheme`` has the keypoints' order in the mirror image; ``mirror`` is that of
    ``models.MirrorAveraged``.
    """
    return net if scheme is None else models.MirrorAveraged(net, SCHEMES[scheme].flip, mirror)


def augmentation(size: tuple[int, int], flip: str | None = None, **options: Any) -> Augmentation:
    """Build a random augmentation; ``flip`` names the scheme that is mirrored, if any."""
    return Augmentation(size, flip=SCHEMES[flip].flip if flip else None, **options)


SPLITS: dict[str, Callable] = {
    "imm": split_imm,
    "imm_sets": split_imm_sets,
    "ibug": split_ibug,
}
MODELS: dict[str, Callable] = {
    "nose": models.nose_net,
    "full": regressors.full_net,
    "resnet18": resnet18,
    "resnet18_bins": resnet18_bins,
    "unet": unet,
    "space_to_depth_unet": space_to_depth_unet,
}
LOSSES: dict[str, Callable] = {
    "mse": regression.mse_loss,
    "smooth_l1": regression.smooth_l1_loss,
    "bins": regression.bin_cross_entropy,
    "spatial_cross_entropy": heatmaps.spatial_cross_entropy,
    "pixel_cross_entropy": heatmaps.pixel_cross_entropy,
    "map_mse": heatmaps.map_mse,
}
DECODERS: dict[str, Callable] = {
    "unit": regression.decode_unit,
    "bins": regression.decode_bins,
    "maps": heatmaps.map_decoder,
    "maps_with_shape": heatmaps.shape_decoder,
}
OPTIMIZERS: dict[str, Callable] = {"adam": adam, "adamw": adamw}
SCHEDULES: dict[str, Callable] = {
    "step": torch.optim.lr_scheduler.StepLR,
    "cosine": torch.optim.lr_scheduler.CosineAnnealingLR,
    "one_cycle": torch.optim.lr_scheduler.OneCycleLR,
}
AUGMENTATIONS: dict[str, Callable] = {"random": augmentation}


class Reading(BaseModel):
    """Another look at the pictures held out, after the last epoch.

    ``decoder`` reads the output in place of the experiment's own, and may be one that first learns
    from the faces trained on; ``damage`` is an augmentation that changes the pictures first, the
    same way whenever it is called.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    decoder: Named | None = None
    damage: Named | None = None

    @field_validator("decoder", "damage")
    @classmethod
    def _known(cls, what: Named | None, info: Any) -> Named | None:
        return _check_name(what, {"damage": "augment"}.get(info.field_name, info.field_name))


class Experiment(BaseModel):
    """One training, described by plain data.

    ``size`` is (height, width) of the crop in pixels, ``keypoints`` the indices kept (all where
    None), ``keep`` the epochs besides the last whose predictions are kept, ``readings`` are further
    looks at what the trained net says. The other fields name
    an entry of a table in this module, with its arguments. ``precision`` is lightning-fabric's;
    where the machine has no bfloat16, "bf16-mixed" trains in float32 and the run file says so.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    dataset: str
    size: tuple[int, int]
    keypoints: tuple[int, ...] | None = None
    split: Named
    model: Named
    loss: Named = Field(default={"name": "mse"})
    decoder: Named = Field(default={"name": "unit"})
    optimizer: Named
    schedule: Named | None = None
    augment: Named | None = None
    epochs: int = Field(gt=0)
    batch_size: int = Field(gt=0)
    seed: int
    precision: str = "32-true"
    keep: tuple[int, ...] = ()
    readings: dict[str, Reading] = {}

    @field_validator("split", "model", "loss", "decoder", "optimizer", "schedule", "augment")
    @classmethod
    def _known(cls, what: Named | None, info: Any) -> Named | None:
        return _check_name(what, info.field_name)

    def vary(self, **changes: Any) -> "Experiment":
        """Return the same experiment with some fields changed, validated like any other."""
        return type(self)(**self.model_dump() | changes)

    def identity(self, faces: Faces, digest: Digest | None = None) -> dict[str, Any]:
        """Say what a training on these faces depends on: parameters, data, code; and its key."""
        return identify(self.model_dump(mode="json"), faces.digest, self.code(digest))

    def key(self, faces: Faces) -> str:
        """Return the key of this training on these faces."""
        return self.identity(faces)["key"]

    def code(self, digest: Digest | None = None) -> str:
        """Return the digest of the code that this training runs, by `digest_once` if given."""
        names = [(table, getattr(self, name)) for name, table in _TABLES.items()]
        for reading in self.readings.values():
            names += [(DECODERS, reading.decoder), (AUGMENTATIONS, reading.damage)]
        functions = [table[what["name"]] for table, what in names if what]
        own = [f for f in functions if f.__module__.startswith("facekp")]
        return (digest or digest_once())(frozenset((fit, train, evaluated, *own)))


def digest_once() -> Digest:
    """Return a function that digests the code of functions, of equal ones once.

    That takes a fifth of a second. For many trainings one such function serves, but no longer: in a
    notebook the code may change.
    """
    return cache(lambda functions: code_digest(*functions))


def identify(parameters: dict[str, Any], data: str, code: str) -> dict[str, Any]:
    """Return what makes a training the one that it is, with its key, a hash of that."""
    parts = {"parameters": parameters, "data": data, "code": code}
    text = json.dumps(parts, sort_keys=True)
    return parts | {"key": hashlib.sha256(text.encode()).hexdigest()[:16]}


_TABLES = {
    "split": SPLITS,
    "model": MODELS,
    "loss": LOSSES,
    "decoder": DECODERS,
    "optimizer": OPTIMIZERS,
    "schedule": SCHEDULES,
    "augment": AUGMENTATIONS,
}


def _check_name(what: Named | None, field: str) -> Named | None:
    """Return what was given if it is nothing or an entry of the field's table."""
    if what is not None and what.get("name") not in (table := _TABLES[field]):
        raise ValueError(f"no such name: {what.get('name')!r}; known: {', '.join(table)}")
    return what


def build(field: str, what: Named, *arguments: Any) -> Any:
    """Look a name up and call it with the arguments given and those beside the name."""
    options = {key: value for key, value in what.items() if key != "name"}
    return _TABLES[field][what["name"]](*arguments, **options)


def train(
    experiment: Experiment, faces: Faces, checkpoint: Path | None = None, report: Any = None
) -> tuple[Fitted, torch.nn.Module, tuple[Faces, Faces]]:
    """Train what an experiment describes.

    Parameters
    ----------
    experiment : Experiment
    faces : Faces
        The whole data set at the experiment's size, with all keypoints.
    checkpoint, report
        As for ``training.fit``.

    Returns
    -------
    fitted : Fitted
    model : nn.Module
        With the last weights.
    train, val : Faces
        The two sides of the split.
    """
    e = experiment
    chosen = faces if e.keypoints is None else faces.select(e.keypoints)
    train_faces, val = build("split", e.split, chosen)
    torch.manual_seed(e.seed)
    model = build("model", e.model, e.size)
    fitted = fit(
        model,
        train_faces,
        val,
        loss=build("loss", e.loss, e.size),
        decode=build("decoder", e.decoder, e.size),
        optimizer=lambda parameters: build("optimizer", e.optimizer, parameters),
        scheduler=e.schedule and (lambda optimizer: build("schedule", e.schedule, optimizer)),
        augment=e.augment and build("augment", e.augment, e.size),
        epochs=e.epochs,
        batch_size=e.batch_size,
        seed=e.seed,
        precision=e.precision,
        checkpoint=checkpoint,
        keep={*e.keep, e.epochs},
        report=report,
    )
    return fitted, model, (train_faces, val)
