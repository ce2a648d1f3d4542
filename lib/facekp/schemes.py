"""Keypoint schemes: what each index means, and how a mirror image re-orders them.

IMM-58 is read from the paths in IMM's own label files, iBUG-68 from 300-W (Sagonas et al., 300
Faces in-the-Wild Challenge, 2013). Left and right are the subject's. Reading label files and
moving keypoints is not done here.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

__all__ = ["IBUG68", "IMM58", "SCHEMES", "Scheme", "interocular"]


@dataclass(frozen=True)
class Scheme:
    """The meaning of K keypoints.

    Attributes
    ----------
    name : str
        Short name, as in the data manifest.
    count : int
        K, the number of keypoints.
    groups : dict of str to tuple of int
        Keypoint indices by part of the face; each index is in one group.
    flip : tuple of int or None
        The mirror image of a face has its keypoint k where the mirrored keypoint `flip[k]` lies.
        None for a selection that holds one of a left-right pair without the other.
    eye_corners : tuple of int or None
        Outer corners of the right and of the left eye; None where a selection lacks one.
    nose_tip : int or None
        The keypoint that stands for the nose tip; None where a selection lacks it.
    outline : tuple of tuple of int
        Lines that draw a face; a closed one ends where it begins. A selection keeps those of
        which it has all keypoints.
    """

    name: str
    count: int
    groups: dict[str, tuple[int, ...]] = field(hash=False)
    flip: tuple[int, ...] | None
    eye_corners: tuple[int, int] | None
    nose_tip: int | None
    outline: tuple[tuple[int, ...], ...] = ()

    def select(self, indices: Iterable[int]) -> "Scheme":
        """Return the scheme of some of the keypoints, re-numbered in the order given.

        Parameters
        ----------
        indices : iterable of int
            Distinct keypoint indices, each from 0 to `count` - 1.

        Returns
        -------
        Scheme
            Named `<name>[<indices>]`; groups without a keypoint are left out.

        Raises
        ------
        ValueError
            No index, an index twice, or one that the scheme does not have.

        Examples
        --------
        >>> IMM58.select([52]).groups
        {'nose': (0,)}
        """
        chosen = [int(k) for k in indices]
        if not chosen or len(set(chosen)) < len(chosen) or not set(chosen) <= {*range(self.count)}:
            raise ValueError(
                f"{self.name} has keypoints 0 to {self.count - 1}: select distinct ones, "
                f"not {chosen}"
            )
        new = {old: k for k, old in enumerate(chosen)}
        groups = {
            name: tuple(new[k] for k in members if k in new)
            for name, members in self.groups.items()
        }
        return Scheme(
            name=f"{self.name}[{','.join(map(str, chosen))}]",
            count=len(chosen),
            groups={name: members for name, members in groups.items() if members},
            flip=_renumber([self.flip[k] for k in chosen] if self.flip else None, new),
            eye_corners=_renumber(self.eye_corners, new),
            nose_tip=new.get(self.nose_tip),
            outline=tuple(
                renumbered for line in self.outline if (renumbered := _renumber(line, new))
            ),
        )


def interocular(keypoints: np.ndarray, scheme: Scheme) -> np.ndarray:
    """Measure the distance between the outer eye corners, the normaliser of 300-W's NME.

    Parameters
    ----------
    keypoints : numpy.ndarray
        Shape (N, K, 2), in any pixels.
    scheme : Scheme
        Its `eye_corners` say which two keypoints are meant.

    Returns
    -------
    numpy.ndarray
        Shape (N,), in the pixels and the dtype of `keypoints`.

    Raises
    ------
    ValueError
        The scheme is a selection without both eye corners.
    """
    if scheme.eye_corners is None:
        raise ValueError(f"{scheme.name} has no eye corners: measure before selecting keypoints")
    right, left = scheme.eye_corners
    return np.linalg.norm(keypoints[:, right] - keypoints[:, left], axis=-1)


def _renumber(indices, new):
    """Return the new numbers of old `indices`, or None where one was not kept."""
    if indices is None or any(k not in new for k in indices):
        return None
    return tuple(new[k] for k in indices)


def _span(first: int, last: int) -> tuple[int, ...]:
    """Return the indices from `first` to `last`, both included, upwards or downwards."""
    step = 1 if last >= first else -1
    return tuple(range(first, last + step, step))


IMM58 = Scheme(
    name="imm58",
    count=58,
    groups={
        "jaw": _span(0, 12),  # right ear to left ear, chin at 6
        "left_eye": _span(13, 20),  # outer corner 13, upper lid, inner corner 17, lower lid
        "right_eye": _span(21, 28),  # outer corner 21, upper lid, inner corner 25, lower lid
        "left_brow": _span(29, 33),  # inner end to outer end
        "right_brow": _span(34, 38),  # inner end to outer end
        "mouth": _span(39, 46),  # right corner, upper lip, left corner 43, lower lip
        "nose": _span(47, 57),  # down the right side, middle of the base 52, up the left side
    },
    flip=(
        *_span(12, 0),
        *_span(21, 28),
        *_span(13, 20),
        *_span(34, 38),
        *_span(29, 33),
        *_span(43, 39),
        *_span(46, 44),
        *_span(57, 47),
    ),
    eye_corners=(21, 13),
    # IMM marks no point on the ridge of the nose. The middle of its base is the nearest to the
    # tip, and the one that the course's reports on this data set call the nose tip.
    nose_tip=52,
    outline=(
        _span(0, 12),
        (*_span(13, 20), 13),
        (*_span(21, 28), 21),
        _span(29, 33),
        _span(34, 38),
        (*_span(39, 46), 39),
        _span(47, 57),
    ),
)

IBUG68 = Scheme(
    name="ibug68",
    count=68,
    groups={
        "jaw": _span(0, 16),  # right ear to left ear, chin at 8
        "right_brow": _span(17, 21),  # outer end to inner end
        "left_brow": _span(22, 26),  # inner end to outer end
        "nose": _span(27, 35),  # bridge down to the tip 30, then the base from right to left
        "right_eye": _span(36, 41),  # outer corner 36, upper lid, inner corner 39, lower lid
        "left_eye": _span(42, 47),  # inner corner 42, upper lid, outer corner 45, lower lid
        "mouth": _span(48, 67),  # outer lip from the right corner 48, inner lip from 60
    },
    flip=(
        *_span(16, 0),
        *_span(26, 17),
        *_span(27, 30),
        *_span(35, 31),
        *(45, 44, 43, 42, 47, 46),
        *(39, 38, 37, 36, 41, 40),
        *_span(54, 48),
        *_span(59, 55),
        *_span(64, 60),
        *_span(67, 65),
    ),
    eye_corners=(36, 45),
    nose_tip=30,
    outline=(
        _span(0, 16),
        _span(17, 21),
        _span(22, 26),
        _span(27, 30),
        _span(31, 35),
        (*_span(36, 41), 36),
        (*_span(42, 47), 42),
        (*_span(48, 59), 48),
        (*_span(60, 67), 60),
    ),
)

SCHEMES = {scheme.name: scheme for scheme in (IMM58, IBUG68)}
