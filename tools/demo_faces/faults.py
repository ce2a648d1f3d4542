"""From light to a picture: exposure, tone, blur, noise and small sensors, as cameras make them.

Pictures are (H, W, 3) float arrays; linear ones hold light, the others sRGB in [0, 1].
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

LUMA = np.array([0.2126, 0.7152, 0.0722])  # ITU-R BT.709
SHOULDER = 0.55  # linear light above which highlights are rolled off
BRIGHTNESS = (0.24, 0.72)  # range of a face's mean, sRGB


@dataclass(frozen=True)
class Faults:
    """What a camera does to a picture.

    brightness: wanted mean of the face, sRGB in [0, 1]; gamma: tone; contrast: about mid-grey;
    saturation: 0 is grey; balance: gains of R, G, B; blur: sigma, pixels; motion: (length in
    pixels, degrees); shrink: factor to which it was scaled down and up again; noise: sigma in
    8-bit steps at mid-grey; vignette: darkening at the corners; quality: of JPEG.
    """

    brightness: float
    gamma: float = 1.0
    contrast: float = 1.0
    saturation: float = 1.0
    balance: tuple[float, float, float] = (1.0, 1.0, 1.0)
    blur: float = 0.0
    motion: tuple[float, float] = (0.0, 0.0)
    shrink: float = 1.0
    noise: float = 0.0
    vignette: float = 0.0
    quality: int = 85


def face_brightness(melanin: float, rng: np.random.Generator, spread: float) -> float:
    """Draw the brightness (sRGB) at which a camera leaves a face: darker skin less so."""
    middle = 0.60 - 0.28 * melanin
    return float(np.clip(middle + rng.normal(0, spread), *BRIGHTNESS))


def video_faults(melanin: float, rng: np.random.Generator) -> Faults:
    """Draw the faults of one steady video camera, as IMM's."""
    return Faults(face_brightness(melanin, rng, 0.02), blur=0.45, noise=2.2, quality=85)


def snapshot_faults(melanin: float, rng: np.random.Generator) -> Faults:
    """Draw the faults of any camera: most pictures good, some blurred, noisy or small."""
    moved = rng.random() < 0.08
    return Faults(
        face_brightness(melanin, rng, 0.08),
        gamma=float(np.exp(rng.normal(0, 0.10))),
        contrast=float(rng.uniform(0.92, 1.2)),
        saturation=0.0 if rng.random() < 0.05 else float(rng.uniform(0.75, 1.25)),
        balance=tuple(float(v) for v in np.clip(rng.normal(1, 0.03, 3), 0.9, 1.1)),
        blur=float(rng.uniform(0.2, 1.0)) if rng.random() < 0.45 else 0.0,
        motion=(float(rng.uniform(2, 5)), float(rng.uniform(0, 180))) if moved else (0.0, 0.0),
        shrink=float(rng.uniform(0.35, 0.8)) if rng.random() < 0.2 else 1.0,
        noise=float(min(8.0, rng.gamma(1.2, 1.3))),
        vignette=float(rng.uniform(0.1, 0.4)) if rng.random() < 0.25 else 0.0,
        quality=int(rng.integers(62, 90)),
    )


def develop(
    light: np.ndarray,
    behind: np.ndarray,
    points: np.ndarray,
    faults: Faults,
    rng: np.random.Generator,
) -> Image.Image:
    """Turn light into an 8-bit image with a camera's faults.

    light: (H, W, 4) linear RGB with premultiplied alpha, exposed for the face; behind: (H, W, 3)
    linear RGB of the background, as bright as it shall be; points: (K, 2) pixels, the keypoints
    that frame the face.
    """
    face = hull_mask(points, light.shape[:2])
    gain = exposure(light[face, :3], faults.brightness)
    light = smooth_edges(light)
    linear = gain * light[..., :3] + behind * (1 - light[..., 3:])
    values = tone_curve(linear * np.array(faults.balance)) ** faults.gamma
    values = (values - 0.5) * faults.contrast + 0.5
    grey = values @ LUMA
    values = grey[..., None] + (values - grey[..., None]) * faults.saturation
    values *= 1 - faults.vignette * corner_distance(values.shape[:2])[..., None] ** 2
    image = Image.fromarray((np.clip(values, 0, 1) * 255).round().astype(np.uint8))
    return Image.fromarray(with_noise(np.asarray(blurred(image, faults), float), faults.noise, rng))


def smooth_edges(light: np.ndarray) -> np.ndarray:
    """Return light (H, W, 4) without the grain that few rays leave where hair covers in part.

    The denoiser smooths colour but not alpha. Both are blurred alike (sigma 1.15 pixels) where the
    cover is partial, so that no seam appears; where all is covered nothing changes.
    """
    smooth = light
    for _ in range(2):
        padded = np.pad(smooth, ((1, 1), (1, 1), (0, 0)), "edge")
        rows = padded[:-2] + padded[1:-1] + padded[2:]
        smooth = (rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]) / 9
    cover = np.clip(smooth[..., 3:], 0, 1)
    return light + np.clip(40 * cover * (1 - cover), 0, 1) * (smooth - light)


def hull_mask(points: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return (H, W) bool: inside the convex hull of points (K, 2); size: (H, W).

    Raises
    ------
    ValueError
        If the hull covers no pixel: the face is outside the picture.
    """
    mask = Image.new("1", (size[1], size[0]))
    ImageDraw.Draw(mask).polygon([tuple(p) for p in convex_hull(points)], fill=1)
    inside = np.asarray(mask)
    if not inside.any():
        raise ValueError("the face lies outside the picture: look at its camera")
    return inside


def convex_hull(points: np.ndarray) -> np.ndarray:
    """Return the corners of the convex hull of points (K, 2) (Andrew's monotone chain)."""
    ordered = sorted(map(tuple, points))

    def chain(sequence) -> list:
        out: list = []
        for p in sequence:
            while len(out) > 1 and (out[-1][0] - out[-2][0]) * (p[1] - out[-2][1]) <= (
                out[-1][1] - out[-2][1]
            ) * (p[0] - out[-2][0]):
                out.pop()
            out.append(p)
        return out[:-1]

    return np.array(chain(ordered) + chain(reversed(ordered)))


def exposure(light: np.ndarray, wanted: float) -> float:
    """Return the gain that brings a face's light (N, 3) to a brightness (sRGB) of `wanted`.

    What is measured is the 60th percentile of its luminance: dark lenses, a beard, a shadow or
    a lamp's reflection must not set a face's exposure. The curve is inverted by bisection.
    """
    measured = max(1e-6, float(np.percentile(light @ LUMA, 60)))
    low, high = 0.0, 4.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if tone_curve(np.array(middle)) < wanted else (low, middle)
    return low / measured


def tone_curve(linear: np.ndarray) -> np.ndarray:
    """Return sRGB values (IEC 61966-2-1) of linear light whose highlights are rolled off."""
    over = np.maximum(linear - SHOULDER, 0)
    rolled = np.minimum(linear, SHOULDER) + (1 - SHOULDER) * (1 - np.exp(-over / (1 - SHOULDER)))
    return np.where(
        rolled <= 0.0031308, 12.92 * rolled, 1.055 * np.maximum(rolled, 1e-6) ** (1 / 2.4) - 0.055
    )


def corner_distance(size: tuple[int, int]) -> np.ndarray:
    """Return (H, W) distances from the picture's middle, 1 at the corners."""
    y, x = (np.linspace(-1, 1, n) for n in size)
    return np.hypot(x[None], y[:, None]) / np.sqrt(2)


def blurred(image: Image.Image, faults: Faults) -> Image.Image:
    """Return the image out of focus, shaken, or seen by a small sensor."""
    if faults.blur:
        image = image.filter(ImageFilter.GaussianBlur(faults.blur))
    length, degrees = faults.motion
    if length:
        a = np.radians(degrees)
        steps = np.linspace(-length / 2, length / 2, 9)
        layers = [
            np.asarray(
                image.transform(
                    image.size,
                    Image.Transform.AFFINE,
                    (1, 0, s * np.cos(a), 0, 1, s * np.sin(a)),
                    Image.Resampling.BILINEAR,
                ),
                float,
            )
            for s in steps
        ]
        image = Image.fromarray(np.mean(layers, 0).round().astype(np.uint8))
    if faults.shrink < 1:
        small = [max(8, round(side * faults.shrink)) for side in image.size]
        # Not BOX: Pillow gives a box whole pixels only, which moves edges by up to half a pixel.
        image = image.resize(small, Image.Resampling.BILINEAR).resize(
            image.size, Image.Resampling.BICUBIC
        )
    return image


def with_noise(values: np.ndarray, sigma: float, rng: np.random.Generator) -> np.ndarray:
    """Return uint8 (H, W, 3) with grain, mostly common to the channels, strongest in the dark."""
    strength = sigma * (1.3 - 0.6 * values.mean(2, keepdims=True) / 255)
    grain = rng.normal(0, 1, (*values.shape[:2], 1)) + 0.4 * rng.normal(0, 1, values.shape)
    return np.clip(values + strength * grain, 0, 255).round().astype(np.uint8)
