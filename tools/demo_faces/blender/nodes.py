"""A thin builder of node materials."""

import bpy

from ..colours import Colour


class Shader:
    """Node materials: nodes by type, links by socket names."""

    def __init__(self, name: str, tree=None) -> None:
        self.material = None
        if tree is None:
            self.material = bpy.data.materials.new(name)
            self.material.use_nodes = True
            tree = self.material.node_tree
            tree.nodes.clear()
        self.tree = tree

    def node(self, kind: str, inputs: dict | None = None, **settings):
        """Add a node; an input is a value or another node's output socket."""
        node = self.tree.nodes.new("ShaderNode" + kind)
        for key, value in settings.items():
            setattr(node, key, value)
        for key, value in (inputs or {}).items():
            self.plug(node.inputs[key], value)
        return node

    def plug(self, socket, value) -> None:
        """Set a socket to a value, or link it."""
        if isinstance(value, bpy.types.NodeSocket):
            self.tree.links.new(value, socket)
        elif isinstance(value, tuple) and len(value) == 3 and socket.type == "RGBA":
            socket.default_value = (*value, 1)
        else:
            socket.default_value = value

    def math(self, operation: str, a, b=0.0, clamp: bool = False):
        """Return a op b."""
        return self.node("Math", {0: a, 1: b}, operation=operation, use_clamp=clamp).outputs[0]

    def mix(self, factor, a, b):
        """Return colour a where factor is 0, b where it is 1."""
        return self.node("MixRGB", {"Fac": factor, "Color1": a, "Color2": b}).outputs[0]

    def noise(self, vector, scale: float, detail: float = 2.0, roughness: float = 0.5):
        """Return Perlin noise in about [0, 1]."""
        return self.node(
            "TexNoise", {"Vector": vector, "Scale": scale, "Detail": detail, "Roughness": roughness}
        ).outputs[0]

    def ramp(self, value, low: float, high: float):
        """Return a smooth 0..1 ramp between low and high."""
        node = self.node(
            "MapRange", {0: value, 1: low, 2: high, 3: 0.0, 4: 1.0}, interpolation_type="SMOOTHSTEP"
        )
        return node.outputs[0]

    def attribute(self, name: str, output: str = "Fac"):
        """Return a vertex attribute."""
        return self.node("Attribute", attribute_name=name).outputs[output]

    def bump(self, height, strength: float, distance: float):
        """Return a normal; distance: metres."""
        return self.node(
            "Bump", {"Height": height, "Strength": strength, "Distance": distance}
        ).outputs[0]

    def principled(self, colour, **inputs):
        """Return a principled BSDF's output; underscores in names stand for blanks."""
        named = {k.replace("_", " "): v for k, v in inputs.items()}
        return self.node("BsdfPrincipled", {"Base Color": colour, **named}).outputs[0]

    def finish(self, surface):
        """Make a shader the material's surface; return the material."""
        output = self.node("OutputMaterial")
        self.tree.links.new(surface, output.inputs["Surface"])
        return self.material


def plain(name: str, colour: Colour, roughness: float = 0.6, **inputs):
    """Return a material of one colour."""
    shader = Shader(name)
    return shader.finish(shader.principled(colour, Roughness=roughness, **inputs))


def knitted(name: str, colour: Colour, grain: float, depth: float):
    """Return coarse cloth; grain: a metre's number of stitches, depth: metres."""
    s = Shader(name)
    stitches = s.noise(s.node("TexCoord").outputs["Object"], grain, 2)
    return s.finish(s.principled(colour, Roughness=0.95, Normal=s.bump(stitches, 1.0, depth)))
