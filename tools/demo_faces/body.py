"""The body mesh: the only module that talks to `anny`.

Space: metres, the subject's frame of the MakeHuman base mesh: +x is the subject's left (to the
right in a frontal picture), -y is where the face looks, +z is up. What belongs here: a person,
an expression and a pose to the 19,158 vertices of that mesh, and the mesh's fixed connectivity.
"""

import contextlib
import functools
import gzip
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .geometry import rotation, unit
from .person import Person

VERTICES = 19158
SKIN_VERTICES = 13380  # the first ones; the rest are eyes, teeth, tongue and helpers
EYES = {"left": slice(14598, 14670), "right": slice(14670, 14742)}
NECK_BONES = ("neck01", "neck02", "neck03", "head")


@functools.lru_cache(maxsize=1)
def model():
    """Return the anny model with MakeHuman's topology (a minute at a machine's first call)."""
    with contextlib.redirect_stdout(io.StringIO()):  # warp prints its devices
        import anny

        return anny.Anny(
            rig="makehuman",
            topology="makehuman",
            local_changes="default",
            facial_actions="all",
            phenotypes="all",
        )


@functools.lru_cache(maxsize=1)
def template() -> np.ndarray:
    """Return (V, 3): the mesh before any shape is applied, as anny holds it."""
    return model().template_vertices.numpy().copy()


def assets() -> Path:
    """Return the folder of anny's CC0 assets (MPFB2: base.obj, targets, textures)."""
    import anny

    return Path(anny.__file__).parent / "data" / "mpfb2"


@functools.cache
def target(name: str) -> np.ndarray:
    """Return (V, 3) metres: a MakeHuman shape target that anny does not offer itself.

    name: folder and file, 'head/head-oval'. The files hold decimetres, y up, z forward.
    """
    out = np.zeros((VERTICES, 3))
    with gzip.open(assets() / "targets" / f"{name}.target.gz", "rt") as file:
        for line in file:
            fields = line.split()
            if len(fields) == 4 and fields[0].isdigit():
                x, y, z = map(float, fields[1:])
                out[int(fields[0])] = x, -z, y
    return 0.1 * out


def mesh_vertices(
    person: Person,
    actions: dict[str, float] | None = None,
    head: tuple[float, float, float] = (0, 0, 0),
    body_yaw: float = 0.0,
) -> np.ndarray:
    """Return (V, 3) vertices, metres.

    actions: facial actions (see `expressions`); head: yaw, pitch, roll relative to the body,
    degrees, spread over the neck's bones; body_yaw turns the whole person.
    """
    share = rotation(*(angle / len(NECK_BONES) for angle in head))
    vertices = posed(person, dict.fromkeys(NECK_BONES, share), actions)
    return vertices @ rotation(body_yaw, 0, 0).T


def posed(
    person: Person, bones: dict[str, np.ndarray], actions: dict[str, float] | None = None
) -> np.ndarray:
    """Return (V, 3) vertices with bones turned by (3, 3) rotations."""
    out = _forward(person.phenotype, person.local, person.targets, bones, actions)
    return out["vertices"][0].numpy()


def bone_places(phenotype: dict[str, float]) -> dict[str, np.ndarray]:
    """Return {bone: (3,) metres}: where the bones of the unposed body begin."""
    places = _forward(phenotype, {}, {}, {}, None)["bone_poses"][0, :, :3, 3].numpy()
    return dict(zip(model().bone_labels, places, strict=True))


def _forward(phenotype: dict, local: dict, targets: dict, bones: dict, actions: dict | None):
    import torch

    body = model()
    pose = torch.eye(4, dtype=body.dtype)[None, None].repeat(1, body.bone_count, 1, 1)
    for bone, turn in bones.items():
        pose[0, body.bone_labels.index(bone), :3, :3] = torch.tensor(turn)
    shape = template() + sum(w * target(name) for name, w in targets.items())
    body.template_vertices.copy_(torch.tensor(shape))
    return body(
        pose_parameters=pose,
        phenotype_kwargs=phenotype,
        local_changes_kwargs=local or None,
        facial_actions=actions or None,
    )


@functools.lru_cache(maxsize=1)
def rest_vertices() -> np.ndarray:
    """Return (V, 3): the reference head (all phenotypes at 0.5), the frame of all face regions."""
    middle = dict.fromkeys(model().phenotype_labels, 0.5)
    return _forward(middle, {}, {}, {}, None)["vertices"][0].numpy()


# ---------------------------------------------------------------- topology


@dataclass(frozen=True)
class Topology:
    """Fixed connectivity of the MakeHuman base mesh (base.obj).

    faces: quads; groups: the group of each face; uv: (V, 2), one a vertex (at seams the last
    one wins); face_uv: the UVs of each face's corners.
    """

    faces: list[list[int]]
    groups: list[str]
    uv: np.ndarray
    face_uv: list[list[tuple[float, float]]]

    def faces_of(self, group: str) -> list[list[int]]:
        """Return the faces of the groups whose names start so."""
        return [f for f, g in zip(self.faces, self.groups, strict=True) if g.startswith(group)]


@functools.lru_cache(maxsize=1)
def topology() -> Topology:
    """Read base.obj (CC0) once."""
    faces, groups, face_uv, coords, group = [], [], [], [], ""
    uv = np.zeros((VERTICES, 2))
    for line in (assets() / "3dobjs" / "base.obj").read_text().splitlines():
        word, *rest = line.split() or [""]
        if word == "vt":
            coords.append((float(rest[0]), float(rest[1])))
        elif word == "g":
            group = rest[0]
        elif word == "f":
            pairs = [tuple(int(i) - 1 for i in token.split("/")[:2]) for token in rest]
            faces.append([p[0] for p in pairs])
            face_uv.append([coords[p[1]] for p in pairs])
            groups.append(group)
            for vertex, coord in pairs:
                uv[vertex] = coords[coord]
    return Topology(faces, groups, uv, face_uv)


def mask_texture(name: str) -> Path:
    """Return the file of a CC0 mask: 'lips', 'ears', 'eyelids', 'inside-mouth', 'face'."""
    return assets() / "textures" / f"mpfb_{name}.jpg"


@functools.cache
def uv_mask(name: str) -> np.ndarray:
    """Return (V,) values in [0, 1] of a mask texture at each vertex."""
    from PIL import Image

    image = np.asarray(Image.open(mask_texture(name)).convert("L")) / 255.0
    height, width = image.shape
    uv = topology().uv
    x = np.clip((uv[:, 0] * width).astype(int), 0, width - 1)
    y = np.clip(((1 - uv[:, 1]) * height).astype(int), 0, height - 1)
    return image[y, x]


@functools.lru_cache(maxsize=1)
def head_triangles() -> np.ndarray:
    """Return (T, 3) vertex indices of the skin of head and neck."""
    z = rest_vertices()[:, 2]
    quads = np.array([f for f in topology().faces_of("body") if z[f].min() > 0.5])
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])


def vertex_normals(vertices: np.ndarray) -> np.ndarray:
    """Return (V, 3) unit normals of the head's skin (zero elsewhere)."""
    triangles = head_triangles()
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    face = np.cross(b - a, c - a)
    out = np.zeros_like(vertices)
    for k in range(3):
        np.add.at(out, triangles[:, k], face)
    return unit(out)
