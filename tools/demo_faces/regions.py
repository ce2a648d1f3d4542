"""Regions of the head's skin: where hair, beard, blush, lines and shadows are.

They are set on the reference head, in its metres; the same vertices carry them on every other.
"""

import functools

import numpy as np

from .body import rest_vertices, uv_mask
from .geometry import smoothstep


def _coordinates() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    p = rest_vertices()
    return np.abs(p[:, 0]), p[:, 1], p[:, 2]


def scalp() -> np.ndarray:
    """Return where the head's hair grows: above a hairline that dips before the ears."""
    _, y, z = _coordinates()
    line = np.interp(
        y,
        [-0.205, -0.17, -0.15, -0.132, -0.118, -0.10, -0.075, -0.03],
        [0.728, 0.724, 0.712, 0.672, 0.655, 0.665, 0.640, 0.590],
    )
    return smoothstep(z - line, -0.003, 0.007) * (uv_mask("ears") < 0.3)


def receding() -> np.ndarray:
    """Return the scalp less forehead and temples."""
    x, y, z = _coordinates()
    bare = np.maximum(
        smoothstep(-y, 0.135, 0.150) * smoothstep(z, 0.69, 0.70),
        smoothstep(-np.hypot(x, y + 0.11), -0.050, -0.035) * (z > 0.72),
    )
    return scalp() * (1 - bare)


def bald() -> np.ndarray:
    """Return the wreath of hair that is left around a bald head."""
    _, _, z = _coordinates()
    return scalp() * (1 - smoothstep(z, 0.700, 0.715))


def beard() -> np.ndarray:
    """Return chin, jaw, sideburns and moustache."""
    x, y, z = _coordinates()
    chin = smoothstep(-np.hypot(x / 0.9, z - 0.555), -0.050, -0.030)
    jaw = smoothstep(0.612 + 0.35 * np.clip(-0.150 - y, -0.05, 0) - z, -0.006, 0.006)
    sideburn = smoothstep(x, 0.0585, 0.0635) * (z < 0.672) * (y > -0.150)
    whole = np.maximum.reduce([chin, jaw * smoothstep(x, 0.020, 0.034), sideburn, moustache()])
    front = (y < -0.112) & (uv_mask("ears") < 0.3) & (uv_mask("lips") < 0.15)
    return whole * smoothstep(z, 0.528, 0.542) * front


def moustache() -> np.ndarray:
    """Return the skin between nose and mouth, and around the mouth's corners."""
    x, y, z = _coordinates()
    band = smoothstep(z, 0.6085, 0.6115) * smoothstep(-z, -0.6195, -0.6165)
    corner = smoothstep(-np.hypot(x - 0.026, z - 0.600), -0.010, -0.006)
    return np.maximum(band * smoothstep(-x, -0.028, -0.022), corner) * (y < -0.17)


def goatee() -> np.ndarray:
    """Return moustache and the chin's front."""
    x, y, z = _coordinates()
    chin = smoothstep(-np.hypot(x, (z - 0.562) * 0.9), -0.030, -0.022)
    return np.maximum(chin * (z > 0.53), moustache()) * (uv_mask("lips") < 0.15) * (y < -0.15)


def cheeks() -> np.ndarray:
    """Return where cheeks redden."""
    x, y, z = _coordinates()
    return smoothstep(-np.hypot(x - 0.042, z - 0.630), -0.032, -0.008) * (y < -0.13)


def nose() -> np.ndarray:
    """Return the nose's tip and wings."""
    x, y, z = _coordinates()
    return smoothstep(-np.hypot(x, (z - 0.628) * 0.8), -0.026, -0.010) * (y < -0.195)


def under_eye() -> np.ndarray:
    """Return the skin below the eyes, where shadows are."""
    x, y, z = _coordinates()
    return smoothstep(-np.hypot((x - 0.030) * 0.55, z - 0.650), -0.012, -0.005) * (y < -0.17)


def eyelids() -> np.ndarray:
    """Return the skin around the eyes: the lids and a little more."""
    x, y, z = _coordinates()
    return smoothstep(-np.hypot((x - 0.032) * 0.62, z - 0.672), -0.016, -0.008) * (y < -0.155)


def forehead() -> np.ndarray:
    """Return where a forehead wrinkles."""
    _, y, z = _coordinates()
    return smoothstep(z, 0.685, 0.700) * smoothstep(-z, -0.735, -0.715) * (y < -0.15)


def crows_feet() -> np.ndarray:
    """Return the skin beside the eyes' outer corners."""
    x, y, z = _coordinates()
    return smoothstep(-np.hypot(x - 0.058, z - 0.664), -0.016, -0.006) * (y < -0.13)


def hat_line(y: np.ndarray, height: float) -> np.ndarray:
    """Return z above which a hat covers the reference head; lower towards the back.

    height: z of its edge over the forehead, metres.
    """
    return height - 0.25 * np.clip(y + 0.17, 0, 0.2)


REGIONS = {
    f.__name__: f
    for f in (
        scalp,
        receding,
        bald,
        beard,
        moustache,
        goatee,
        cheeks,
        nose,
        under_eye,
        eyelids,
        forehead,
        crows_feet,
    )
}


@functools.cache
def region(name: str) -> np.ndarray:
    """Return (V,) weights in [0, 1] of a region of `REGIONS`."""
    return REGIONS[name]()


@functools.lru_cache(maxsize=1)
def skull() -> np.ndarray:
    """Return the vertices of the scalp: they move rigidly with the head."""
    return np.where(region("scalp") > 0.5)[0]
