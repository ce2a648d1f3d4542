"""What a run file and a results file hold."""

import math
from typing import Any, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, model_validator

__all__ = ["Dataset", "Evaluated", "Metric", "Run", "Section", "metric"]

Keypoints = list[list[FiniteFloat]]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Metric(_Strict):
    """One number: value, 95 % interval, N, unit, and how close a re-run must come.

    ``low`` and ``high`` are absent where nothing was sampled. ``n`` counts pictures.
    ``tolerance`` is five standard deviations of the difference between two means over as many
    seeds, since a re-run with other rounding differs at most as other seeds do.
    """

    value: FiniteFloat
    low: FiniteFloat | None = None
    high: FiniteFloat | None = None
    n: int = Field(gt=0)
    unit: str
    tolerance: FiniteFloat = Field(ge=0)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if (self.low is None) != (self.high is None):
            raise ValueError("an interval has both ends or none")
        if self.low is not None and not self.low <= self.value <= self.high:
            raise ValueError(f"value {self.value} lies outside its interval")
        return self


def metric(interval: tuple, n: int, unit: str, by_seed: Any, scale: float = 1.0) -> Metric:
    """Build a metric from an estimate, its interval and its values by seed.

    Parameters
    ----------
    interval : (float,) or (float, float, float)
        Value, or value, low, high.
    n : int
        Pictures behind it.
    unit : str
        Such as "%" or "px".
    by_seed : array_like, (S,)
        The same number for each seed alone; one value for what no seed touches.
    scale : float
        Factor on all of them, such as 100 for per cent.
    """
    value, *bounds = (float(scale * x) for x in interval)
    by_seed = scale * np.atleast_1d(np.asarray(by_seed, float))
    spread = by_seed.std(ddof=1) * math.sqrt(2 / len(by_seed)) if len(by_seed) > 1 else 0.0
    tolerance = max(5 * spread, 1e-4 * abs(value))  # rounding alone moves the fifth digit
    low, high = bounds or (None, None)
    return Metric(value=value, low=low, high=high, n=n, unit=unit, tolerance=tolerance)


class Evaluated(_Strict):
    """Validation at one epoch.

    ``nme`` is a fraction a picture, ``groups`` the same over the keypoints of each group alone,
    ``mae`` the mean of ``|Δx|`` and ``|Δy|`` a picture in pixels of the original picture,
    ``offset`` is ``metrics.offset`` in the same pixels, ``by_keypoint`` the mean NME over the
    pictures for each keypoint. ``keypoints``, in crop pixels, are those of all pictures of a small
    set, of the best and the worst of a large one. ``pull`` is ``metrics.pull`` to the crop's
    centre, a picture.
    """

    nme: list[FiniteFloat]
    groups: dict[str, list[FiniteFloat]] = {}
    mae: list[FiniteFloat] = []
    offset: list[tuple[FiniteFloat, FiniteFloat]] = []
    by_keypoint: list[FiniteFloat] = []
    keypoints: dict[str, Keypoints]
    pull: list[FiniteFloat] = []


class Layer(_Strict):
    """A layer's channels, and how many of them answered to no validation picture."""

    channels: int = Field(gt=0)
    dead: int = Field(ge=0)


class Run(_Strict):
    """One training: what it was made from, its curves and what it predicts.

    ``key`` is the hash of ``parameters``, ``data`` and ``code``. ``ids`` are the validation
    pictures, in the order of each ``nme``; ``evaluations`` are by epoch. ``layers``, by the name
    of their convolution, were counted after the last epoch where the validation set was small;
    ``readings`` are the experiment's, after the last epoch too. ``formerly`` names the keys and
    codes that it had before the code was changed without computing anything else.
    """

    schema_: Literal[1] = Field(1, alias="schema")
    key: str
    parameters: dict[str, Any]
    data: str
    code: str
    history: dict[str, list[FiniteFloat]]
    best_epoch: int
    ids: list[str]
    evaluations: dict[int, Evaluated]
    layers: dict[str, Layer] = {}
    readings: dict[str, Evaluated] = {}
    provenance: dict[str, Any]
    formerly: list[dict[Literal["key", "code"], str]] = []

    @model_validator(mode="after")
    def _whole(self) -> Self:
        lengths = {len(curve) for curve in self.history.values()}
        due = self.parameters.get("epochs")
        if lengths != {due}:
            raise ValueError(f"curves of {sorted(lengths)} epochs, {due} due")
        errors = [
            part
            for e in (*self.evaluations.values(), *self.readings.values())
            for part in (e.nme, *e.groups.values(), *filter(len, (e.mae, e.offset, e.pull)))
        ]
        if any(len(part) != len(self.ids) for part in errors):
            raise ValueError("each evaluation needs one error a picture")
        return self


class Dataset(_Strict):
    """The data behind a results file: name, digest of the arrays, N of each split, split rule."""

    name: str
    digest: str
    n: dict[str, int]
    split: str


class Method(_Strict):
    """What was trained for some numbers.

    ``runs`` are keys of trainings, ``weights`` the trainable parameters of a net (none for what is
    no net), ``seconds`` the mean time of one training.
    """

    runs: list[str]
    weights: int | None
    seconds: float


class Section(_Strict):
    """A results file: the numbers of one notebook.

    ``curves`` maps a name to one value an epoch, ``groups`` a grouping to error by group, and
    ``runs`` lists the keys of the trainings behind it all; ``methods`` names, by the first two
    parts of a metric's name, those whose errors it sums up. ``choices`` maps a metric's name, up to
    its first dot, to what validation chose for it, such as a learning rate: of near equals,
    another machine's rounding may choose the other.
    """

    schema_: Literal[1] = Field(1, alias="schema")
    section: str
    profile: str
    dataset: Dataset
    parameters: dict[str, Any]
    choices: dict[str, Any] = {}
    seeds: list[int]
    metrics: dict[str, Metric]
    curves: dict[str, list[FiniteFloat]]
    groups: dict[str, dict[str, Metric]]
    runs: list[str]
    methods: dict[str, Method] = {}
    provenance: dict[str, Any]
