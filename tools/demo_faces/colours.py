"""Colours of skin, hair, cloth and walls as linear RGB triples in [0, 1]."""

import numpy as np

Colour = tuple[float, float, float]


def srgb(hex_colour: str) -> Colour:
    """Return linear RGB of '#rrggbb' (IEC 61966-2-1)."""
    c = np.array([int(hex_colour[k : k + 2], 16) / 255 for k in (1, 3, 5)])
    return tuple(np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4))


SKIN = [
    srgb(c) for c in ("#f2cfbc", "#e4b699", "#cb9675", "#aa7a58", "#875b40", "#643f2c", "#4b2e20")
]
LIPS = [
    srgb(c) for c in ("#cf8b80", "#c07a6c", "#a8675a", "#8a5245", "#6b4036", "#4d2f29", "#38221e")
]
LIPSTICKS = [srgb(c) for c in ("#a3142a", "#b84a5a", "#c2607a", "#8c2a3a", "#b5533f")]
HAIR = [srgb(c) for c in ("#e6cf9f", "#c39a5b", "#8a5f35", "#54361f", "#2e1d13", "#140e0b")]
GREY_HAIR = np.array([0.48, 0.47, 0.45])
IRISES = [
    (0.10, 0.045, 0.018),
    (0.06, 0.025, 0.012),
    (0.16, 0.085, 0.03),
    (0.12, 0.22, 0.36),
    (0.20, 0.30, 0.36),
    (0.13, 0.20, 0.11),
]  # three dark, three light
CLOTHES = [
    srgb(c)
    for c in (
        "#1c1f26",
        "#2b3a55",
        "#5a5f66",
        "#7b2d2d",
        "#3f5a3c",
        "#b9b4a7",
        "#d8d5cf",
        "#4a3a2e",
        "#6b6f3a",
        "#22506b",
        "#8a4a63",
        "#a9814e",
        "#c8506a",
        "#3f7fb0",
        "#e0c060",
    )
]


def along(colours: list[Colour], t: float) -> Colour:
    """Return the colour at t in [0, 1] of a scale of colours."""
    position = np.clip(t, 0, 1) * (len(colours) - 1)
    k = min(int(position), len(colours) - 2)
    a, b = np.array(colours[k]), np.array(colours[k + 1])
    return tuple(a + (b - a) * (position - k))


def shade(colour: Colour, *factors: float) -> Colour:
    """Return a colour times one factor, or one factor a channel, at most white."""
    return tuple(np.minimum(1, np.array(colour) * factors))


def hair_colour(melanin: float, redness: float, grey: float) -> Colour:
    """Return the colour of hair; melanin 0 is blond, 1 black; redness and grey in [0, 1]."""
    colour = np.array(along(HAIR, melanin))
    red = redness * (1 - melanin)
    colour = colour * [1 + 0.35 * red, 1 - 0.25 * red, 1 - 0.5 * red]
    return tuple(colour * (1 - grey) + GREY_HAIR * grey)


def muted(rng: np.random.Generator) -> Colour:
    """Draw a colour as walls, cloth and gardens have it: mostly muted."""
    value = np.exp(rng.uniform(np.log(0.03), np.log(0.65)))
    chroma = rng.beta(1.0, 4.0) * 0.9
    hue = rng.uniform(0, 2 * np.pi) + np.array([0, 2.1, 4.2])
    return tuple(np.clip(value * (1 + chroma * np.cos(hue)), 0.005, 0.9))


def warm(colour: Colour, warmth: float) -> Colour:
    """Return a colour of light made warmer (warmth to 1) or colder (to -1)."""
    return tuple(np.array(colour) * [1 + 0.3 * warmth, 1.0, 1 - 0.35 * warmth])
