"""Split rules: IMM's folds of persons, and a stable hash for carving groups out of a set."""

import hashlib

import numpy as np

__all__ = ["TUNING_FOLD", "VAL_FOLD", "imm_fold", "split_hash"]

PERSONS_A_FOLD = 8
TUNING_FOLD = 4  # persons 25-32: all that is tuned is chosen on them
VAL_FOLD = 5  # persons 33-40: held out from training in `val` numbers


def imm_fold(fold: int) -> tuple[str, ...]:
    """Return the eight persons of one of IMM's five folds.

    Parameters
    ----------
    fold : int
        1 (persons 1-8) to 5 (persons 33-40).

    Returns
    -------
    tuple of str
        Persons as in `Faces.groups`.

    Raises
    ------
    ValueError
        There is no such fold.

    Examples
    --------
    >>> imm_fold(5)
    ('33', '34', '35', '36', '37', '38', '39', '40')
    """
    if fold not in range(1, 6):
        raise ValueError(f"IMM has folds 1 to 5, not {fold!r}")
    first = PERSONS_A_FOLD * (fold - 1) + 1
    return tuple(f"{person:02d}" for person in range(first, first + PERSONS_A_FOLD))


def split_hash(groups: np.ndarray, share: float, salt: str) -> np.ndarray:
    """Draw whole groups by a hash of their names.

    The draw of a group depends on its name and `salt` alone: not on the other groups, their
    order, the machine or the version of any library.

    Parameters
    ----------
    groups : numpy.ndarray
        Shape (N,), str.
    share : float
        Expected share of the groups that are drawn, 0 to 1.
    salt : str
        Another salt is another, independent draw.

    Returns
    -------
    numpy.ndarray
        Shape (N,), bool: True where the group is drawn.
    """
    names, members = np.unique(groups, return_inverse=True)
    digests = [hashlib.sha256(f"{salt}:{name}".encode()).digest()[:8] for name in names]
    draws = np.array([int.from_bytes(digest, "big") / 2**64 for digest in digests])
    return (draws < share)[members]
