"""dlib's ensemble of regression trees, the classical standard that nets are held against.

Here: its predictor trained on and applied to ``Faces``. Not here: where its numbers go
(``experiments``).
"""

from pathlib import Path

import dlib
import numpy as np

from facekp.data import Faces

__all__ = ["fit_trees", "predict_trees"]


def fit_trees(
    faces: Faces,
    path: Path,
    box_scale: float,
    oversampling: int = 10,
    cascade_depth: int = 12,
    tree_depth: int = 4,
    nu: float = 0.1,
    seed: int = 0,
) -> None:
    """Train dlib's shape predictor and write it to a file.

    Parameters
    ----------
    faces : Faces
        Square grey crops that the boxes' own sides lie within, so that what is around a box is
        seen, too. Keypoints are rounded to whole pixels, since the trainer takes no others: crops
        ought to be large.
    path : Path
        Of the predictor; written whole or not at all.
    box_scale : float
        Side of a crop over that of its box.
    oversampling : int
        Starting shapes a picture.
    cascade_depth, tree_depth, nu : int, int, float
        Regressors one after the other, depth of their trees, share by which each corrects.
    seed : int
        One thread trains, since the result would depend on their number.

    References
    ----------
    V. Kazemi, J. Sullivan: One Millisecond Face Alignment with an Ensemble of Regression Trees,
    CVPR 2014.
    """
    options = dlib.shape_predictor_training_options()
    options.oversampling_amount = oversampling
    options.cascade_depth = cascade_depth
    options.tree_depth = tree_depth
    options.nu = nu
    options.random_seed = f"{seed}"
    options.num_threads = 1
    options.be_verbose = False
    box = _box(faces, box_scale)
    labels = [
        [dlib.full_object_detection(box, [dlib.point(*map(int, p)) for p in points.round()])]
        for points in faces.keypoints
    ]
    predictor = dlib.train_shape_predictor(list(_pictures(faces)), labels, options)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".part")
    predictor.save(str(temporary))
    temporary.replace(path)


def predict_trees(faces: Faces, path: Path, box_scale: float) -> np.ndarray:
    """Apply a predictor to faces.

    Parameters
    ----------
    faces, box_scale
        As for ``fit_trees``.
    path : Path
        What it wrote.

    Returns
    -------
    ndarray, (N, K, 2), float32
        Keypoints in crop pixels; whole ones, as dlib gives them.
    """
    predictor, box = dlib.shape_predictor(str(path)), _box(faces, box_scale)
    shapes = [predictor(picture, box) for picture in _pictures(faces)]
    return np.float32([[(point.x, point.y) for point in shape.parts()] for shape in shapes])


def _pictures(faces: Faces) -> np.ndarray:
    """Return grey pictures (N, H, W), uint8."""
    return np.ascontiguousarray(faces.images[:, 0])


def _box(faces: Faces, box_scale: float) -> dlib.rectangle:
    """Return the box in the middle of each square crop, in whole crop pixels."""
    side = faces.size[0] / box_scale
    first = round((faces.size[0] - side) / 2)
    return dlib.rectangle(first, first, first + round(side) - 1, first + round(side) - 1)
