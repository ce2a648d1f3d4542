"""What is not the person: light, background, clothes, accessories, what stands before the face."""

from dataclasses import dataclass

import numpy as np

from . import colours
from .person import Person

# Blender's light maps whose origin its licence file states; 'studio' and 'night' are "probably".
HDRIS = ("city", "courtyard", "forest", "interior", "sunrise", "sunset")
LIGHTS = {**dict.fromkeys(HDRIS, 0.09), "studio": 0.12, "sky": 0.24, "spot": 0.10}
BACKGROUNDS = {"scene": 0.5, "gradient": 0.15, "plain": 0.1, "foliage": 0.25}
HATS = {"none": 0.93, "beanie": 0.025, "cap": 0.03, "brim": 0.015}
OCCLUDERS = {
    "none": 0.90,
    "hand over mouth": 0.012,
    "hand on cheek": 0.018,
    "fist at chin": 0.015,
    "hand over eye": 0.008,
    "phone": 0.015,
    "microphone": 0.012,
    "cup": 0.010,
    "scarf": 0.010,
}


@dataclass(frozen=True)
class Look:
    """A picture's circumstances.

    light: one of `LIGHTS`; light_turn: degrees, + to the subject's left; warmth: -1 blue to 1
    orange; lamp_size: metres, small gives hard shadows; background: one of `BACKGROUNDS` or
    'hdri'; background_seed: what it shows; clothes: linear RGB; pattern: 'plain', 'stripes',
    'noise'; neckline: metres higher than usual; glasses: 'none', 'thin', 'thick', 'sun';
    gaze: degrees, + to the subject's left and + up; samples: rays a pixel.
    """

    light: str
    light_turn: float
    warmth: float
    lamp_size: float
    background: str
    background_seed: int
    clothes: colours.Colour
    pattern: str
    collar: bool
    neckline: float
    glasses: str
    hat: str
    occluder: str
    gaze: tuple[float, float]
    samples: int


def choose(rng: np.random.Generator, shares: dict[str, float]) -> str:
    """Draw a name by shares that need not sum to one."""
    p = np.array(list(shares.values()))
    return str(rng.choice(list(shares), p=p / p.sum()))


def sample_clothes(rng: np.random.Generator) -> dict:
    """Draw the fields of `Look` that dress a person."""
    return {
        "clothes": colours.CLOTHES[rng.integers(len(colours.CLOTHES))],
        "pattern": choose(rng, {"plain": 0.70, "stripes": 0.18, "noise": 0.12}),
        "collar": bool(rng.random() < 0.35),
        "neckline": float(rng.uniform(-0.02, 0.022)),
    }


def session_look(view: int, clothes: dict, rng: np.random.Generator, samples: int) -> Look:
    """Return the look of an IMM view: studio light, in view 5 a spot at the subject's left."""
    spot = view == 5
    return Look(
        light="side spot" if spot else "studio",
        light_turn=78.0 if spot else 0.0,
        warmth=0.05,
        lamp_size=0.3,
        background="backdrop",
        background_seed=0,
        glasses="none",
        hat="none",
        occluder="none",
        gaze=(float(rng.normal(0, 2)), float(rng.normal(0, 2))),
        samples=samples,
        **clothes,
    )


def snapshot_look(person: Person, rng: np.random.Generator, samples: int) -> Look:
    """Draw the look of a crop of the 300-W-like set."""
    light = choose(rng, LIGHTS)
    hdri = light in HDRIS
    glasses = (
        {"none": 0.95, "thin": 0.02, "thick": 0.02, "sun": 0.01}
        if person.child
        else {"none": 0.77, "thin": 0.09, "thick": 0.09, "sun": 0.05}
    )
    return Look(
        light=light,
        light_turn=float(rng.uniform(0, 360) if hdri else rng.uniform(-80, 80)),
        warmth=float(rng.normal(0, 0.2)),
        lamp_size=float(rng.choice([0.08, 0.4, 1.2])),
        background="hdri" if hdri and rng.random() < 0.6 else choose(rng, BACKGROUNDS),
        background_seed=int(rng.integers(1 << 30)),
        glasses=choose(rng, glasses),
        hat=choose(rng, HATS),
        occluder=choose(rng, OCCLUDERS),
        gaze=(float(rng.normal(0, 9)), float(rng.normal(-1, 5))),
        samples=samples,
        **sample_clothes(rng),
    )
