"""What a run file keeps of predictions."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from facekp import metrics
from facekp.data import Faces

__all__ = ["KEEP_ALL", "evaluated"]

KEEP_ALL = 250  # pictures; of larger sets only the ends of the ranking keep their keypoints
KEEP_ENDS = 8


def evaluated(val: Faces, keypoints: np.ndarray) -> dict[str, Any]:
    """Measure predictions, (N, K, 2) in crop pixels, and choose those worth keeping."""
    predicted, truth = val.to_img(keypoints), val.keypoints_img()

    def error(members: Sequence[int]) -> np.ndarray:
        parts = (array[:, members] for array in (predicted, truth))
        return metrics.nme(*parts, val.interocular, val.visible[:, members])

    count = val.scheme.count
    everywhere = error(range(count))
    kept = np.arange(len(val))
    if len(val) > KEEP_ALL:
        kept = np.argsort(everywhere)[[*range(KEEP_ENDS), *range(-KEEP_ENDS, 0)]]
    points = zip(val.ids[kept].tolist(), keypoints[kept].round(4).tolist(), strict=True)
    found = {"nme": everywhere.tolist(), "keypoints": dict(points)}
    if count > 1:
        found["mae"] = metrics.absolute_error(predicted, truth, val.visible).tolist()
        found["offset"] = metrics.offset(predicted, truth, val.visible).tolist()
        groups = val.scheme.groups.items()
        found["groups"] = {name: error(members).tolist() for name, members in groups}
        found["by_keypoint"] = [float(error([k]).mean()) for k in range(count)]
    return found
