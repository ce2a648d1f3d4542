"""Light on a face: studio lamps, a side spot, sun and sky, or a CC0 light map of Blender's."""

from pathlib import Path

import bpy
import numpy as np

from ..colours import warm
from ..look import HDRIS, Look
from .nodes import Shader
from .scene import add_area

AMBIENT = {"studio": 0.45, "side spot": 0.10, "spot": 0.18, "sky": 0.38}


def light_maps() -> Path:
    """Return the folder of Blender's light maps (CC0, see license.txt there)."""
    return Path(bpy.utils.system_resource("DATAFILES")) / "studiolights" / "world"


def add_light(look: Look, face: np.ndarray) -> None:
    """Light the scene around a face at (3,) metres."""
    world = bpy.data.worlds.new("world")
    bpy.context.scene.world = world
    world.use_nodes = True
    world.node_tree.nodes.clear()
    s = Shader("", tree=world.node_tree)
    white = warm((1.0, 0.98, 0.95), look.warmth)
    mapped = look.light in HDRIS
    colour = light_map(s, look, white) if mapped else tuple(0.8 * np.array(white))
    background = s.node(
        "Background", {"Color": colour, "Strength": 1.0 if mapped else AMBIENT[look.light]}
    )
    s.tree.links.new(background.outputs[0], s.node("OutputWorld").inputs["Surface"])
    a = np.radians(look.light_turn)
    aside = np.array([np.sin(a), -np.cos(a), 0])
    if look.light == "studio":
        for side, power in ((-1, 3.0), (1, 2.0)):
            add_area(face + np.array([0.7 * side, -1.1, 0.5]), face, 0.6, power, white)
    elif look.light in ("spot", "side spot"):
        add_area(face + 1.3 * aside + [0, 0, 0.3], face, 0.15, 22.0, white)
        add_area(face + np.array([0.0, -1.2, 0.6]), face, 0.6, 1.6, white)
    elif look.light == "sky":
        add_area(face + 1.5 * aside + [0, 0, 1.1], face, look.lamp_size, 12.0, white)
        add_area(face - 1.2 * aside + [0, -0.8, 0.2], face, 1.0, 2.0, white)


def light_map(s: Shader, look: Look, white: tuple[float, float, float]):
    """Return the colour of a turned light map, tinted half way."""
    image = bpy.data.images.load(str(light_maps() / f"{look.light}.exr"))
    turned = s.node(
        "Mapping",
        {
            "Vector": s.node("TexCoord").outputs["Generated"],
            "Rotation": (0, 0, float(np.radians(look.light_turn))),
        },
    )
    colour = s.node("TexEnvironment", {"Vector": turned.outputs[0]}, image=image).outputs[0]
    return s.node(
        "MixRGB", {"Fac": 0.5, "Color1": colour, "Color2": (*white, 1)}, blend_type="MULTIPLY"
    ).outputs[0]
