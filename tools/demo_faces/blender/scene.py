"""Objects of a scene: meshes, strands, lamps in place; and back: what can hide a keypoint."""

import contextlib
import os

import bpy
import mathutils
import numpy as np

from ..geometry import unit
from ..strands import Strands

SEE_THROUGH = "see_through"  # custom property of objects that hide nothing


@contextlib.contextmanager
def quiet():
    """Silence Blender's messages on the standard output."""
    keep, sink = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, 1)
    try:
        yield
    finally:
        os.dup2(keep, 1)
        os.close(keep)
        os.close(sink)


def add_object(name: str, data, material=None):
    """Add an object to the scene."""
    obj = bpy.data.objects.new(name, data)
    bpy.context.scene.collection.objects.link(obj)
    if material is not None:
        data.materials.append(material)
    return obj


def place(obj, axes: np.ndarray, location: np.ndarray) -> None:
    """Put an object: axes (3, 3) columns x, y, z in the world; location in metres."""
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = axes, location
    obj.matrix_world = mathutils.Matrix(matrix.tolist())


def add_mesh(
    name: str,
    vertices: np.ndarray,
    faces: list,
    material,
    *,
    smooth: bool = True,
    subdivide: int = 0,
    thickness: float = 0.0,
    see_through: bool = False,
):
    """Add a mesh.

    vertices: (V, 3) metres; faces: of vertex indices; thickness: metres that it grows outwards.
    """
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(vertices.tolist(), [], faces)
    if smooth:
        mesh.shade_smooth()
    obj = add_object(name, mesh, material)
    obj[SEE_THROUGH] = see_through
    if thickness:
        modifier = obj.modifiers.new("thick", "SOLIDIFY")
        modifier.thickness, modifier.offset = thickness, 1.0
    if subdivide:
        modifier = obj.modifiers.new("subdivision", "SUBSURF")
        modifier.levels = modifier.render_levels = subdivide
    return obj


def add_attribute(mesh, name: str, values: np.ndarray) -> None:
    """Store a per-vertex float (V,) or vector (V, 3) for the shaders."""
    vector = values.ndim == 2
    layer = mesh.attributes.new(name, "FLOAT_VECTOR" if vector else "FLOAT", "POINT")
    layer.data.foreach_set("vector" if vector else "value", values.astype(np.float32).ravel())


def add_strands(name: str, strands: Strands, material) -> None:
    """Add hair curves that taper to the tip."""
    count, steps, _ = strands.points.shape
    curves = bpy.data.hair_curves.new(name)
    curves.add_curves([steps] * count)
    curves.attributes["position"].data.foreach_set(
        "vector", strands.points.astype(np.float32).ravel()
    )
    taper = np.tile(np.linspace(1, 0.35, steps), count) * strands.radius
    radius = curves.attributes.get("radius") or curves.attributes.new("radius", "FLOAT", "POINT")
    radius.data.foreach_set("value", taper.astype(np.float32))
    add_object(name, curves, material)


def add_area(location, target, size: float, power: float, colour) -> None:
    """Add a square lamp that points at a target; metres, watts, linear RGB."""
    lamp = bpy.data.lights.new("area", "AREA")
    lamp.size, lamp.energy, lamp.color = size, power, colour
    z = unit(np.asarray(location, float) - target)
    x = unit(np.cross([0, 0, 1.0], z))
    place(add_object("area", lamp), np.stack([x, np.cross(z, x), z], 1), location)


def surface_of(obj) -> np.ndarray:
    """Return (V, 3) vertices of an object after its modifiers, metres."""
    mesh = obj.evaluated_get(bpy.context.evaluated_depsgraph_get()).to_mesh()
    out = np.empty(len(mesh.vertices) * 3, np.float32)
    mesh.vertices.foreach_get("co", out)
    return out.reshape(-1, 3).astype(float)


def opaque_triangles() -> np.ndarray:
    """Return (T, 3, 3) metres: the triangles of all meshes that one cannot see through."""
    graph = bpy.context.evaluated_depsgraph_get()
    found = []
    for obj in bpy.context.scene.objects:
        if obj.type != "MESH" or obj.get(SEE_THROUGH, False):
            continue
        mesh = obj.evaluated_get(graph).to_mesh()
        mesh.calc_loop_triangles()
        vertices = np.empty(len(mesh.vertices) * 3, np.float32)
        mesh.vertices.foreach_get("co", vertices)
        corners = np.empty(len(mesh.loop_triangles) * 3, np.int32)
        mesh.loop_triangles.foreach_get("vertices", corners)
        world = np.array(obj.matrix_world)
        found.append(
            (vertices.reshape(-1, 3) @ world[:3, :3].T + world[:3, 3])[corners.reshape(-1, 3)]
        )
    return np.concatenate(found)
