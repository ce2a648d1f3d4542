"""Eyes, teeth, tongue and all hair of a face."""

import bpy
import numpy as np

from .. import body, colours, facial_hair, hair
from ..geometry import compact, rotation
from ..person import Person
from ..strands import Strands
from .nodes import Shader, plain
from .scene import add_attribute, add_mesh, add_strands, place


def add_eyes(
    person: Person, posed: np.ndarray, gaze: tuple[float, float], axes: np.ndarray
) -> None:
    """Add two eyeballs that look along the head's front turned by the gaze (degrees).

    axes: (3, 3) columns: the head's left, back, up.
    """
    material = eye_material(person.iris)
    turn = axes @ rotation(gaze[0], gaze[1], 0)
    for which in body.EYES.values():
        ball = posed[which]
        centre = (ball.min(0) + ball.max(0)) / 2
        radius = float(np.median(np.linalg.norm(ball - centre, axis=1)))
        bpy.ops.mesh.primitive_uv_sphere_add(segments=48, ring_count=32, radius=radius)
        eye = bpy.context.object
        eye.data.shade_smooth()
        eye.data.materials.append(material)
        place(eye, turn, centre)


def eye_material(colour: colours.Colour):
    """Return sclera, iris and pupil by the angle from the eye's own -y axis, under a wet coat."""
    s = Shader("eye")
    local = s.node("TexCoord").outputs["Object"]
    x, _, z = s.node(
        "SeparateXYZ",
        {"Vector": s.node("VectorMath", {0: local}, operation="NORMALIZE").outputs[0]},
    ).outputs
    radius = s.math("SQRT", s.math("ADD", s.math("POWER", x, 2.0), s.math("POWER", z, 2.0)))
    white = s.mix(s.ramp(radius, 0.45, 1.0), (0.36, 0.33, 0.315), (0.22, 0.13, 0.12))
    # The upper lid's shadow, which the few light bounces leave too weak.
    white = s.mix(s.math("MULTIPLY", s.ramp(z, 0.15, 0.6), 0.6), white, (0.09, 0.07, 0.065))
    iris = s.mix(
        s.ramp(s.noise(local, 700, 0), 0.35, 0.65),
        colours.shade(colour, 0.55),
        colours.shade(colour, 1.5),
    )
    iris = s.mix(s.ramp(radius, 0.30, 0.375), iris, colours.shade(colour, 0.2))
    seen = s.mix(s.ramp(radius, 0.365, 0.40), iris, white)
    seen = s.mix(s.ramp(radius, 0.155, 0.135), seen, (0.003, 0.003, 0.003))
    return s.finish(
        s.principled(
            seen,
            Roughness=0.3,
            Coat_Weight=0.6,
            Coat_Roughness=0.03,
            Coat_IOR=1.38,
            Specular_IOR_Level=0.1,
        )
    )


def add_mouth(posed: np.ndarray, axes: np.ndarray) -> None:
    """Add teeth and tongue, the teeth drawn in a little lest they pierce thin lips."""
    rest = body.rest_vertices()
    material = tooth_material()
    for name in ("helper-upper-teeth", "helper-lower-teeth"):
        vertices, faces, used = compact(posed, body.topology().faces_of(name))
        middle = vertices.mean(0)
        lower = -0.004 if name == "helper-upper-teeth" else 0.0
        local = (vertices - middle) @ axes * [0.86, 0.95, 1.0] + [0, 0.0015, lower]
        obj = add_mesh(name, local @ axes.T + middle, faces, material, subdivide=1)
        add_attribute(obj.data, "rest", rest[used])
    vertices, faces, _ = compact(posed, body.topology().faces_of("helper-tongue"))
    add_mesh("tongue", vertices, faces, plain("tongue", (0.35, 0.10, 0.09), 0.4), subdivide=1)


def tooth_material():
    """Return white with dark gaps between the teeth, by the reference head's x."""
    s = Shader("teeth")
    x = s.node("SeparateXYZ", {"Vector": s.attribute("rest", "Vector")}).outputs[0]
    gap = s.math(
        "ABSOLUTE", s.math("SUBTRACT", s.math("FRACT", s.math("MULTIPLY", x, 1 / 0.0075)), 0.5)
    )
    colour = s.mix(s.ramp(gap, 0.06, 0.0), (0.68, 0.62, 0.53), (0.16, 0.10, 0.08))
    return s.finish(
        s.principled(colour, Roughness=0.22, Subsurface_Weight=0.05, Subsurface_Scale=0.003)
    )


def hair_material(name: str, colour: colours.Colour, roughness: float = 0.35):
    """Return a diffuse body with a hair's highlight (half the cost of Principled Hair)."""
    s = Shader(name)
    varied = s.node(
        "HueSaturation",
        {
            "Color": (*colour, 1),
            "Value": s.math(
                "ADD", 0.68, s.math("MULTIPLY", s.node("HairInfo").outputs["Random"], 0.64)
            ),
        },
    ).outputs[0]
    shine = s.node(
        "BsdfHair",
        {
            "Color": s.mix(0.5, varied, (0.35, 0.33, 0.3)),
            "RoughnessU": roughness,
            "RoughnessV": 0.6,
        },
        component="Reflection",
    ).outputs[0]
    dull = s.node("BsdfDiffuse", {"Color": varied}).outputs[0]
    return s.finish(s.node("MixShader", {0: 0.13, 1: dull, 2: shine}).outputs[0])


def add_hair(person: Person, surface: np.ndarray, axes: np.ndarray, hat: float | None) -> Strands:
    """Add the head's hair, brows, lashes and beard; return the head's hair.

    surface: (V, 3) the posed face; hat: height of a hat's edge, see `hair.head_hair`.
    """
    head = hair.head_hair(person, surface, axes, hat)
    add_strands("hair", head, hair_material("hair", person.hair))
    facial = hair_material(
        "facial hair", colours.shade(person.hair, 0.75 if person.grey < 0.5 else 0.9), 0.5
    )
    lash = hair_material("lashes", (0.01, 0.008, 0.007), 0.5)
    for side in ("left", "right"):
        add_strands("brow", facial_hair.brow_hair(person, surface, side), facial)
        add_strands("lashes", facial_hair.lashes(person, surface, axes, side), lash)
    beard = facial_hair.beard_hair(person, surface, axes)
    if beard is not None:
        add_strands("beard", beard, facial)
    return head
