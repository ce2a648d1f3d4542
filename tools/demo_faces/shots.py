"""What the two sets consist of: all that decides one picture, drawn from its seed."""

from dataclasses import dataclass, replace

import numpy as np

from . import faults, keypoints
from .camera import Camera
from .expressions import FREE, expression
from .look import Look, choose, sample_clothes, session_look, snapshot_look
from .person import Person, sample_person
from .splits import IMM_VIEWS, Picture

IMM_SIZE = (480, 360)  # width, height in pixels; the originals are 640 x 480
IBUG_SIZE = (320, 320)
ADULT_FACE = 0.135  # metres from brows to chin
SCHEMES = {"imm": "imm58", "ibug300w": "ibug68"}
EXPRESSIONS = {  # of the 300-W-like set
    "neutral": 0.24,
    "smile": 0.14,
    "toothy smile": 0.18,
    "laugh": 0.08,
    "surprise": 0.04,
    "angry": 0.04,
    "sad": 0.04,
    "talk": 0.08,
    "shout": 0.02,
    "grimace": 0.03,
    "disgust": 0.02,
    "pucker": 0.02,
    "puff": 0.01,
    "pressed lips": 0.02,
    "tongue": 0.005,
    "eyes shut": 0.02,
    "wry": 0.03,
}


@dataclass(frozen=True)
class Shot:
    """All that decides one picture.

    actions: facial actions; head: yaw, pitch, roll of the head relative to the body, degrees;
    body_yaw: degrees; camera: its target is set from the posed face; fit: whether the camera
    keeps small and large faces the same size.
    """

    picture: Picture
    person: Person
    expression: str
    actions: dict[str, float]
    head: tuple[float, float, float]
    body_yaw: float
    look: Look
    camera: Camera
    fit: bool
    faults: faults.Faults

    @property
    def scheme(self) -> str:
        """The keypoint scheme's name in keypoints.json."""
        return SCHEMES[self.picture.dataset]

    @property
    def file(self) -> str:
        """The picture's path in its set."""
        p = self.picture
        return (
            f"{p.stem}{self.person.sex}.jpg"
            if p.dataset == "imm"
            else f"demo/{p.split}set/{p.stem}.jpg"
        )

    def aimed(self, vertices: np.ndarray) -> Camera:
        """Return the camera aimed at a posed face, vertices (V, 3) metres."""
        face = keypoints.first_points("frame68", vertices)
        low, high = face.min(0), face.max(0)
        scale = (high[2] - low[2]) / ADULT_FACE if self.fit else 1.0
        return replace(self.camera, target=(low + high) / 2, extent=self.camera.extent * scale)


def shot(picture: Picture, samples: int) -> Shot:
    """Draw the shot of a picture; samples: rays a pixel."""
    return imm_shot(picture, samples) if picture.dataset == "imm" else ibug_shot(picture, samples)


def imm_shot(picture: Picture, samples: int) -> Shot:
    """Draw a view of an IMM session: same clothes and camera for the six views of a person."""
    person = sample_person(picture.person_key, children=False)
    session = np.random.default_rng([20, *picture.person_key])
    clothes, extent = sample_clothes(session), float(session.uniform(0.33, 0.40))
    rng = np.random.default_rng([21, *picture.key])
    name = {
        "smile": "smile" if rng.random() < 0.5 else "toothy smile",
        "free": str(rng.choice(FREE)),
    }.get(IMM_VIEWS[picture.view], "neutral")
    turned = {"right": -30.0, "left": 30.0}.get(IMM_VIEWS[picture.view], 0.0)
    yaw, body = turned + float(rng.normal(0, 2.5)), 0.35 * turned
    camera = Camera(
        np.zeros(3),
        1.5,
        extent,
        *IMM_SIZE,
        shift=(float(rng.normal(0, 0.02)), float(rng.normal(0.01, 0.015))),
    )
    return Shot(
        picture,
        person,
        name,
        expression(name, rng),
        (yaw - body, float(rng.normal(0, 2.5)), float(rng.normal(0, 2.0))),
        body,
        session_look(picture.view, clothes, rng, samples),
        camera,
        False,
        faults.video_faults(person.melanin, session),
    )


def ibug_shot(picture: Picture, samples: int) -> Shot:
    """Draw a crop of the 300-W-like set: any person, pose, place, light and camera."""
    person = sample_person(picture.person_key)
    rng = np.random.default_rng([22, *picture.key])
    name = choose(rng, EXPRESSIONS)
    far = rng.random() < 0.15
    yaw = float(rng.uniform(-45, 45) if far else np.clip(rng.normal(0, 14), -45, 45))
    pitch = float(np.clip(rng.normal(-1, 8), -22, 20))
    roll = float(np.clip(rng.normal(0, 9), -28, 28))
    body = float(np.clip(0.45 * yaw + rng.normal(0, 10), -35, 35))
    camera = Camera(
        np.zeros(3),
        float(rng.uniform(0.7, 2.5)),
        float(rng.uniform(0.27, 0.36)),
        *IBUG_SIZE,
        lift=float(rng.normal(2, 6)),
        tilt=float(rng.normal(0, 4)),
        shift=(float(rng.normal(0, 0.03)), float(rng.normal(0.02, 0.03))),
    )
    look = snapshot_look(person, rng, samples)
    return Shot(
        picture,
        person,
        name,
        expression(name, rng),
        (yaw - body, pitch, roll),
        body,
        look,
        camera,
        True,
        faults.snapshot_faults(person.melanin, rng),
    )


def attributes(shot: Shot) -> dict:
    """Return what the data card counts: plain values by name."""
    p, look = shot.person, shot.look
    yaw, pitch, roll = shot.head
    race = {k: round(p.phenotype[k], 2) for k in ("african", "asian", "caucasian")}
    return {
        "split": shot.picture.split,
        "person": shot.picture.person,
        "view": shot.picture.view,
        "sex": p.sex,
        "years": round(p.years),
        "melanin": round(p.melanin, 2),
        "head_shape": p.head_shape,
        **race,
        "hair_style": p.hair_style,
        "hair_melanin": round(p.hair_melanin, 2),
        "grey": round(p.grey, 2),
        "beard": p.beard,
        "expression": shot.expression,
        "yaw": round(yaw + shot.body_yaw, 1),
        "pitch": round(pitch, 1),
        "roll": round(roll, 1),
        "glasses": look.glasses,
        "hat": look.hat,
        "occluder": look.occluder,
        "light": look.light,
        "background": look.background,
        "blur": round(shot.faults.blur, 2),
        "motion": round(shot.faults.motion[0], 1),
        "shrink": round(shot.faults.shrink, 2),
        "noise": round(shot.faults.noise, 1),
        "quality": shot.faults.quality,
    }
