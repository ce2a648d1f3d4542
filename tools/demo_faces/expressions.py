"""Expressions as facial actions: ARKit's 52 names, values mostly in [0, 1] as anny takes them."""

import numpy as np

# Each action's range in an expression; a name without side means both sides of the face.
RANGES: dict[str, dict[str, tuple[float, float]]] = {
    "neutral": {},
    "smile": {
        "mouthSmile": (0.55, 0.95),
        "cheekSquint": (0.3, 0.7),
        "eyeSquint": (0.1, 0.5),
        "mouthDimple": (0.0, 0.4),
    },
    "toothy smile": {
        "mouthSmile": (0.65, 1.0),
        "cheekSquint": (0.4, 0.8),
        "eyeSquint": (0.2, 0.6),
        "mouthUpperUp": (0.35, 0.75),
        "mouthLowerDown": (0.15, 0.45),
        "jawOpen": (0.0, 0.10),
        "mouthStretch": (0.0, 0.3),
    },
    "laugh": {
        "mouthSmile": (0.7, 1.0),
        "cheekSquint": (0.5, 1.0),
        "mouthUpperUp": (0.4, 0.8),
        "mouthLowerDown": (0.2, 0.5),
        "eyeSquint": (0.3, 0.8),
        "jawOpen": (0.15, 0.45),
    },
    "surprise": {
        "browInnerUp": (0.7, 1.1),
        "browOuterUp": (0.6, 1.1),
        "eyeWide": (0.5, 1.0),
        "jawOpen": (0.35, 0.8),
        "mouthFunnel": (0.0, 0.4),
    },
    "angry": {
        "browDown": (0.8, 1.2),
        "noseSneer": (0.4, 1.0),
        "mouthFrown": (0.4, 0.9),
        "mouthPress": (0.0, 0.6),
        "eyeSquint": (0.3, 0.7),
        "jawForward": (0.0, 0.4),
    },
    "sad": {"browInnerUp": (0.7, 1.1), "mouthShrugLower": (0.3, 0.8), "mouthFrown": (0.6, 1.0)},
    "talk": {
        "jawOpen": (0.06, 0.32),
        "mouthFunnel": (0.0, 0.4),
        "mouthLowerDown": (0.0, 0.4),
        "mouthUpperUp": (0.0, 0.4),
    },
    "shout": {
        "jawOpen": (0.6, 1.0),
        "mouthUpperUp": (0.3, 0.7),
        "mouthLowerDown": (0.3, 0.7),
        "browDown": (0.0, 0.8),
        "eyeSquint": (0.2, 0.7),
    },
    "grimace": {
        "mouthStretch": (0.6, 1.1),
        "mouthUpperUp": (0.4, 0.9),
        "mouthLowerDown": (0.5, 1.0),
        "eyeSquint": (0.5, 1.0),
        "browDown": (0.2, 1.0),
        "noseSneer": (0.3, 0.9),
    },
    "disgust": {
        "noseSneer": (0.8, 1.2),
        "mouthUpperUp": (0.5, 1.0),
        "browDown": (0.5, 1.0),
        "eyeSquint": (0.4, 0.9),
        "mouthFrown": (0.2, 0.6),
    },
    "pucker": {"mouthPucker": (0.7, 1.1), "browInnerUp": (0.0, 0.6), "mouthFunnel": (0.0, 0.3)},
    "puff": {"cheekPuff": (0.7, 1.2), "mouthPress": (0.2, 0.5), "browInnerUp": (0.0, 0.6)},
    "pressed lips": {
        "mouthRollLower": (0.4, 0.9),
        "mouthRollUpper": (0.4, 0.9),
        "mouthPress": (0.3, 0.8),
        "browDown": (0.0, 0.6),
    },
    "tongue": {
        "tongueOut": (0.7, 1.0),
        "jawOpen": (0.3, 0.5),
        "eyeSquint": (0.0, 0.6),
        "mouthLowerDown": (0.2, 0.5),
    },
    "eyes shut": {"eyeBlink": (0.85, 1.0), "mouthSmile": (0.0, 0.5)},
    "wry": {},  # one-sided: see `expression`
}
FREE = (
    "surprise",
    "angry",
    "shout",
    "grimace",
    "disgust",
    "pucker",
    "puff",
    "wry",
    "laugh",
    "pressed lips",
    "sad",
)  # what IMM's view 6 draws from: all far from neutral
WRY = {
    "mouthSmile": (0.7, 1.0),
    "mouth": (0.3, 0.8),
    "browOuterUp": (0.2, 1.0),
    "eyeSquint": (0.2, 0.9),
    "cheekSquint": (0.2, 0.8),
}
SIDELESS = (
    "browInnerUp",
    "cheekPuff",
    "jaw",
    "mouthClose",
    "mouthFunnel",
    "mouthPucker",
    "mouthRoll",
    "mouthShrug",
    "tongueOut",
)
BROW_AT_REST = 0.28  # browOuterUp of every face: arches the brows as those of 300-W are
UNEVEN = 0.08  # standard deviation of the difference between the two sides


def expression(name: str, rng: np.random.Generator) -> dict[str, float]:
    """Draw the facial actions of a named expression, a little uneven between the sides.

    Raises
    ------
    ValueError
        If the name is not one of `RANGES`.
    """
    if name not in RANGES:
        raise ValueError(f"unknown expression {name!r}: one of {', '.join(RANGES)}")
    actions: dict[str, float] = {}
    for action, (low, high) in RANGES[name].items():
        value = rng.uniform(low, high)
        for side in [""] if action.startswith(SIDELESS) else ["Left", "Right"]:
            actions[action + side] = max(0.0, float(value + (rng.normal(0, UNEVEN) if side else 0)))
    if name == "wry":
        side = "Left" if rng.random() < 0.5 else "Right"
        actions |= {k + side: float(rng.uniform(*v)) for k, v in WRY.items()}
    lid = rng.uniform(0.0, 0.08)  # lids hang a little, each person's and moment's own bit
    for side in ("Left", "Right"):
        actions["browOuterUp" + side] = actions.get("browOuterUp" + side, 0.0) + BROW_AT_REST
        actions.setdefault("eyeBlink" + side, float(lid + abs(rng.normal(0, 0.02))))
    return actions


def gaze_actions(yaw: float, pitch: float) -> dict[str, float]:
    """Return the lid actions that go with a gaze, degrees: + to the subject's left, + up."""
    right, left = max(0.0, -yaw) / 30, max(0.0, yaw) / 30
    up, down = max(0.0, pitch) / 30, max(0.0, -pitch) / 30
    return {
        "eyeLookOutLeft": left,
        "eyeLookInRight": left,
        "eyeLookOutRight": right,
        "eyeLookInLeft": right,
        "eyeLookUpLeft": up,
        "eyeLookUpRight": up,
        "eyeLookDownLeft": down,
        "eyeLookDownRight": down,
    }
