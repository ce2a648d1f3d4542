"""Painted backgrounds: walls, streets, shelves and leaves, out of focus as behind a portrait."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from . import colours

BACKDROP = (0.075, 0.175, 0.165)  # linear RGB of the plain cloth behind IMM's persons


def paint(kind: str, seed: int, size: tuple[int, int]) -> np.ndarray:
    """Return linear RGB (H, W, 3) of a background.

    kind: 'backdrop', 'plain', 'gradient', 'scene' or 'foliage'; size: (H, W) pixels.

    Raises
    ------
    ValueError
        If the kind is not known.
    """
    painters = {
        "backdrop": backdrop,
        "plain": plain,
        "gradient": gradient,
        "scene": scene,
        "foliage": foliage,
    }
    if kind not in painters:
        raise ValueError(f"unknown background {kind!r}: one of {', '.join(painters)}")
    return painters[kind](np.random.default_rng([13, seed]), size)


def backdrop(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Return one cloth, hardly uneven."""
    light = 1 + 0.10 * (smooth_noise(rng, size, 2) - 0.5)
    return light[..., None] * np.array(BACKDROP)


def plain(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Return a wall of one colour, unevenly lit."""
    light = 0.75 + 0.5 * smooth_noise(rng, size, 2)
    return light[..., None] * np.array(colours.muted(rng))


def gradient(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Return two colours that flow into one another."""
    a, b = np.array(colours.muted(rng)), np.array(colours.muted(rng))
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[0 : 1 : size[0] * 1j, 0 : 1 : size[1] * 1j]
    t = (
        np.cos(angle) * (x - 0.5)
        + np.sin(angle) * (y - 0.5)
        + 0.8 * (smooth_noise(rng, size, 3) - 0.5)
    )
    t = 1 / (1 + np.exp(-t * rng.uniform(3, 14)))
    return a + (b - a) * t[..., None]


def scene(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Return a room or street: upright and level shapes, windows, lamps, people far off."""
    canvas = Image.fromarray(to_bytes(gradient(rng, size)))
    draw = ImageDraw.Draw(canvas)
    height, width = size
    for _ in range(int(rng.integers(6, 30))):
        x, y = rng.uniform(-0.2, 1.0, 2) * [width, height]
        w, h = np.exp(rng.uniform(np.log(0.03), np.log(0.7), 2)) * [width, height]
        fill = tuple(int(v) for v in to_bytes(np.array(colours.muted(rng))))
        kind = rng.random()
        if kind < 0.6:
            draw.rectangle([x, y, x + w, y + h], fill=fill)
        elif kind < 0.8:
            draw.ellipse([x, y, x + 0.6 * w, y + 0.6 * w], fill=fill)
        else:
            step = int(rng.integers(6, 30))
            for k in range(0, int(w), step):
                draw.rectangle([x + k, y, x + k + step // 2, y + h], fill=fill)
    canvas = canvas.rotate(
        float(rng.normal(0, 4)),
        Image.Resampling.BILINEAR,
        expand=False,
        fillcolor=tuple(int(v) for v in to_bytes(np.array(colours.muted(rng)))),
    )
    return defocused(canvas, rng)


def foliage(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Return leaves or stone: noise of many scales in few colours, with spots of light."""
    fine = sum(smooth_noise(rng, size, 2**k) / 1.5**k for k in range(2, 7))
    t = np.clip((fine - fine.mean()) / fine.std() / 3 + 0.5, 0, 1)[..., None]
    green = np.array([0.5, 1.0, 0.35]) if rng.random() < 0.6 else np.ones(3)
    dark, light = (np.array(colours.muted(rng)) * green for _ in range(2))
    picture = dark * 0.6 + (light + 0.05 - dark * 0.6) * t
    spots = (smooth_noise(rng, size, 20) > 0.80)[..., None] * rng.uniform(0, 1.0)
    return defocused(Image.fromarray(to_bytes(picture + spots)), rng)


def defocused(canvas: Image.Image, rng: np.random.Generator) -> np.ndarray:
    """Return a painting out of focus, from hardly to wholly; linear RGB (H, W, 3)."""
    radius = float(np.exp(rng.uniform(np.log(0.6), np.log(12))))
    values = np.asarray(canvas.filter(ImageFilter.GaussianBlur(radius)), float) / 255
    return values**2.2


def to_bytes(linear: np.ndarray) -> np.ndarray:
    """Return uint8 of linear light, for painting on (gamma 2.2)."""
    return (np.clip(linear, 0, 1) ** (1 / 2.2) * 255).astype(np.uint8)


def smooth_noise(rng: np.random.Generator, size: tuple[int, int], cells: int) -> np.ndarray:
    """Return (H, W) noise in [0, 1] with about `cells` blobs across."""
    small = Image.fromarray((rng.random((cells + 1, cells + 1)) * 255).astype(np.uint8))
    return np.asarray(small.resize(size[::-1], Image.Resampling.BICUBIC), float) / 255
