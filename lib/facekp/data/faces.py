"""Faces: pictures and keypoints of a data set as arrays, ready to be moved to a device."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np

from facekp.coords import image_from_crop
from facekp.schemes import Scheme

__all__ = ["Faces", "join"]


@dataclass(frozen=True)
class Faces:
    """N face crops with K keypoints each.

    Attributes
    ----------
    images : numpy.ndarray
        Shape (N, C, H, W), uint8, grey (C = 1) or RGB (C = 3).
    keypoints : numpy.ndarray
        Shape (N, K, 2), float32, (x, y) in pixels of the crop. A keypoint outside the crop keeps
        its true place there.
    visible : numpy.ndarray
        Shape (N, K), bool. None of the published label files tells what is hidden, so loaders
        set all of it; leaving the crop does not clear it.
    ids : numpy.ndarray
        Shape (N,), str, a distinct name for each face.
    groups : numpy.ndarray
        Shape (N,), str: person (IMM) or source photograph (300-W). A split never divides one.
    scheme : Scheme
        What the K keypoints mean.
    interocular : numpy.ndarray
        Shape (N,), float32, outer eye corner to outer eye corner in pixels of the original
        picture; kept when keypoints are selected.
    crop : numpy.ndarray
        Shape (N, 4), float32, [left, top, width, height] of the crop at pixel edges, in pixels
        of the original picture.
    attributes : dict of str to numpy.ndarray
        Shape (N,) each, what else is known: "view" and "renumbered" (IMM), "subset" and
        "split" (300-W), "dataset" (of sets that were joined).

    Raises
    ------
    ValueError
        The arrays' lengths or the number of keypoints do not agree.
    """

    images: np.ndarray
    keypoints: np.ndarray
    visible: np.ndarray
    ids: np.ndarray
    groups: np.ndarray
    scheme: Scheme
    interocular: np.ndarray
    crop: np.ndarray
    attributes: dict[str, np.ndarray]

    def __post_init__(self):
        count = len(self.images)
        shapes = {
            "keypoints": (count, self.scheme.count, 2),
            "visible": (count, self.scheme.count),
            "ids": (count,),
            "groups": (count,),
            "interocular": (count,),
            "crop": (count, 4),
        }
        found = {name: getattr(self, name).shape for name in shapes}
        shapes |= dict.fromkeys(self.attributes, (count,))
        found |= {name: values.shape for name, values in self.attributes.items()}
        for name, shape in shapes.items():
            if found[name] != shape:
                raise ValueError(f"Faces.{name} has shape {found[name]}, {shape} is due")

    def __len__(self) -> int:
        return len(self.images)

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) of the crops."""
        return self.images.shape[2:]

    @cached_property
    def digest(self) -> str:
        """Hash of what a training sees and its errors are measured with: all but attributes.

        Hexadecimal SHA-256 over dtypes, shapes and values.
        """
        sha = hashlib.sha256()
        numbers = (self.images, self.keypoints, self.visible, self.interocular, self.crop)
        for array in numbers:
            sha.update(f"{array.dtype.str}{array.shape}".encode())
            sha.update(np.ascontiguousarray(array))
        for names in (self.ids, self.groups):
            sha.update("\0".join(names.tolist()).encode() + b"\0\0")
        return sha.hexdigest()

    def take(self, index) -> "Faces":
        """Return some of the faces.

        Parameters
        ----------
        index : array_like
            Indices, in the order wanted, or a mask of shape (N,).

        Returns
        -------
        Faces
            Of the same scheme.
        """
        index = np.asarray(index)
        if index.size == 0:
            index = index.astype(np.intp)
        arrays = {
            field.name: getattr(self, field.name)[index]
            for field in fields(self)
            if field.name not in ("scheme", "attributes")
        }
        attributes = {name: values[index] for name, values in self.attributes.items()}
        return replace(self, **arrays, attributes=attributes)

    def select(self, indices: Iterable[int]) -> "Faces":
        """Return all faces with some of the keypoints, in the order given.

        Parameters
        ----------
        indices : iterable of int
            Distinct keypoint indices of the scheme.

        Raises
        ------
        ValueError
            As `Scheme.select`.
        """
        indices = list(indices)
        return replace(
            self,
            keypoints=self.keypoints[:, indices],
            visible=self.visible[:, indices],
            scheme=self.scheme.select(indices),
        )

    def to_img(self, points_crop):
        """Map points from pixels of the crops to pixels of the original pictures.

        Parameters
        ----------
        points_crop : numpy.ndarray or torch.Tensor
            Shape (N, K, 2), floating; K may be any number.

        Returns
        -------
        numpy.ndarray or torch.Tensor
            Shape (N, K, 2), type of `points_crop`.
        """
        return image_from_crop(points_crop, self.crop, self.size)

    def keypoints_img(self) -> np.ndarray:
        """Return the keypoints in pixels of the original pictures: (N, K, 2), float32."""
        return self.to_img(self.keypoints)


def join(sets: Mapping[str, Faces]) -> Faces:
    """Put data sets of one scheme and size behind each other.

    Parameters
    ----------
    sets : mapping of str to Faces
        By name. Their ids and groups get that name in front, so that those of two sets differ.

    Returns
    -------
    Faces
        With the attributes that all have, and `attributes["dataset"]`, the name.

    Raises
    ------
    ValueError
        There is no set, or their schemes, sizes or channels differ.
    """
    kinds = {(faces.scheme.name, faces.images.shape[1:]) for faces in sets.values()}
    if len(kinds) != 1:
        raise ValueError(f"only sets of one scheme and size can be joined, not {sorted(kinds)}")
    parts = [_renamed(faces, name) for name, faces in sets.items()]
    common = set.intersection(*(set(part.attributes) for part in parts))
    arrays = {
        field.name: np.concatenate([getattr(part, field.name) for part in parts])
        for field in fields(Faces)
        if field.name not in ("scheme", "attributes")
    }
    attributes = {
        name: np.concatenate([part.attributes[name] for part in parts]) for name in sorted(common)
    }
    return Faces(**arrays, scheme=parts[0].scheme, attributes=attributes)


def _renamed(faces: Faces, name: str) -> Faces:
    ids, groups = (
        np.array([f"{name}/{old}" for old in names]) for names in (faces.ids, faces.groups)
    )
    dataset = np.full(len(faces), name)
    return replace(
        faces, ids=ids, groups=groups, attributes=faces.attributes | {"dataset": dataset}
    )
