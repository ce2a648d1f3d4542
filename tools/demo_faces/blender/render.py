"""One picture with Blender Cycles."""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np

from .. import body
from ..camera import Camera
from ..expressions import gaze_actions
from ..geometry import rigid
from ..look import Look
from ..regions import skull
from ..shots import Shot
from ..visibility import Geometry
from .clothes import add_shirt
from .face_parts import add_eyes, add_hair, add_mouth
from .glasses import add_glasses
from .hats import EDGE, add_hat
from .lights import add_light
from .occluders import add_occluder
from .scene import add_object, opaque_triangles, place, quiet
from .skin import add_skin


@dataclass(frozen=True)
class Rendered:
    """A picture and what is needed to label it.

    light: (H, W, 4) linear RGB with premultiplied alpha, None where only labels are wanted;
    vertices, normals: (V, 3) metres, on the surface rendered; camera; roll: of the head in the
    picture, degrees clockwise; geometry: what can hide a keypoint.
    """

    light: np.ndarray | None
    vertices: np.ndarray
    normals: np.ndarray
    camera: Camera
    roll: float
    geometry: Geometry


def render(shot: Shot, *, light: bool = True) -> Rendered:
    """Build the scene of a shot, render it if its light is wanted, keep what its labels need."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    person, look = shot.person, shot.look
    actions = {**shot.actions, **gaze_actions(*look.gaze)}
    posed = body.mesh_vertices(person, actions, shot.head, shot.body_yaw)
    axes = rigid(body.mesh_vertices(person)[skull()], posed[skull()])[0]
    surface = add_skin(person, posed)
    add_eyes(person, posed, look.gaze, axes)
    add_mouth(posed, axes)
    hair = add_hair(person, surface, axes, EDGE.get(look.hat))
    add_shirt(posed, look)
    if look.glasses != "none":
        add_glasses(surface, look.glasses, person.seed, axes)
    if look.hat != "none":
        add_hat(surface, axes, look.hat, person.seed)
    if look.occluder != "none":
        add_occluder(person, surface, axes, look, shot.picture.key)
    camera = shot.aimed(surface)
    geometry = Geometry(opaque_triangles(), hair.points, hair.radius)
    if light:
        add_light(look, camera.target)
        add_camera(camera)
        set_cycles(camera, look, int(np.random.default_rng(shot.picture.key).integers(2**31)))
    right, up = camera.axes[:2] @ axes[:, 2]
    return Rendered(
        rendered_light() if light else None,
        surface,
        body.vertex_normals(surface),
        camera,
        float(np.degrees(np.arctan2(right, up))),
        geometry,
    )


def add_camera(camera: Camera) -> None:
    """Add Blender's own camera that sees what `camera` projects."""
    data = bpy.data.cameras.new("camera")
    data.sensor_fit, data.sensor_width = "HORIZONTAL", 36.0
    data.lens = 36.0 * camera.focal / camera.width
    data.shift_x, data.shift_y = -camera.shift[0], camera.shift[1]
    data.clip_start = 0.05
    obj = add_object("camera", data)
    place(obj, camera.axes.T, camera.position)
    bpy.context.scene.camera = obj


def set_cycles(camera: Camera, look: Look, seed: int) -> None:
    """Set the renderer: few rays, denoised; one thread, since there is a process a core."""
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    render, cycles = scene.render, scene.cycles
    render.resolution_x, render.resolution_y = camera.width, camera.height
    render.resolution_percentage = 100
    render.film_transparent = look.background != "hdri"
    render.threads_mode, render.threads = "FIXED", 1
    cycles.device, cycles.samples, cycles.seed = "CPU", look.samples, seed
    cycles.use_adaptive_sampling, cycles.adaptive_threshold = True, 0.03
    cycles.use_denoising, cycles.denoiser = True, "OPENIMAGEDENOISE"
    cycles.denoising_quality, cycles.use_light_tree = "BALANCED", False
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces = 4, 1, 2
    cycles.transmission_bounces, cycles.transparent_max_bounces = 3, 6
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.sample_clamp_indirect = 4.0
    scene.cycles_curves.shape = "RIBBONS"
    render.image_settings.file_format = "OPEN_EXR"
    render.image_settings.color_mode, render.image_settings.color_depth = "RGBA", "16"


def rendered_light() -> np.ndarray:
    """Render; return (H, W, 4) linear light, premultiplied alpha, the first row on top."""
    path = Path(tempfile.gettempdir()) / f"demo-faces-{os.getpid()}.exr"
    bpy.context.scene.render.filepath = str(path)
    with quiet():
        bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(str(path))
    image.colorspace_settings.name = "Non-Color"
    values = np.empty(len(image.pixels), np.float32)
    image.pixels.foreach_get(values)
    path.unlink()
    return values.reshape(image.size[1], image.size[0], 4)[::-1].astype(float)
