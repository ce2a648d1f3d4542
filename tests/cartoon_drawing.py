"""The drawing of cartoon faces: one head on a plain backdrop, to a small noisy picture."""

import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageFilter

from cartoon_head import Head

OVERSAMPLING = 4


class Canvas:
    """A picture drawn at several times its size; takes pixels of the final picture."""

    def __init__(self, size: tuple[int, int], backdrop: str):
        self.image = Image.new("RGB", [s * OVERSAMPLING for s in size[::-1]], backdrop)
        self.pen = ImageDraw.Draw(self.image)

    def fill(self, points, colour: str) -> None:
        self.pen.polygon(self._fine(points), fill=colour)

    def line(self, points, colour: str, width: float) -> None:
        width = max(1, round(width * OVERSAMPLING))
        self.pen.line(self._fine(points), fill=colour, width=width, joint="curve")

    def disc(self, centre, radius: float, colour: str) -> None:
        angle = np.linspace(0, 2 * np.pi, 33)
        circle = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
        self.fill(np.asarray(centre) + radius * circle, colour)

    def finish(self, size, light: float, rng: np.random.Generator) -> Image.Image:
        image = self.image.filter(ImageFilter.GaussianBlur(OVERSAMPLING / 2))
        pixels = np.asarray(image.resize(size[::-1], Image.Resampling.BOX)).astype(float)
        gain = 1 + light * np.linspace(-1, 1, size[1])[None, :, None]
        noisy = pixels * gain + rng.normal(0, 3, pixels.shape)
        return Image.fromarray(noisy.clip(0, 255).round().astype(np.uint8))

    def _fine(self, points):
        fine = (np.asarray(points) + 0.5) * OVERSAMPLING - 0.5
        return [tuple(point) for point in fine]


def draw_face(head: Head, size, backdrop: str, rng: np.random.Generator) -> Image.Image:
    """Return the picture of a head on a plain backdrop; `size` is (H, W)."""
    canvas, person, unit = Canvas(size, backdrop), head.person, head.pose.scale
    _draw_body(canvas, head)
    round_ = np.linspace(0, 360, 73)
    for side in (-1, 1):
        canvas.disc(
            head.place(side * 0.98 + 0.12 * np.sin(head.pose.yaw), 0.05), 0.16 * unit, person.skin
        )
    canvas.fill(head.outline(round_), person.skin)
    fringe = head.project(np.linspace(0.95, -0.95, 15), -0.68 * person.height)
    canvas.fill([*head.outline(np.linspace(-150, -30, 25)[::-1]), *fringe], person.hair)
    _draw_features(canvas, head)
    return canvas.finish(size, head.pose.light, rng)


def darker(colour: str) -> str:
    """Return a colour in the shade, so that a chin stands out from the neck."""
    return "#{:02x}{:02x}{:02x}".format(*(round(0.75 * v) for v in ImageColor.getrgb(colour)))


def _draw_body(canvas: Canvas, head: Head) -> None:
    person = head.person
    angle = np.radians(np.linspace(150, 390, 41))
    crown = head.place(1.12 * np.cos(angle), 1.15 * person.height * np.sin(angle) - 0.05)
    ends = head.place([1.15, -1.15], [1.5 if person.long_hair else 0.1] * 2)
    canvas.fill([*crown, *ends], person.hair)
    neck = head.place([-0.5, 0.5, 0.5, -0.5], [0.5, 0.5, 2.2, 2.2])
    canvas.fill(neck, darker(person.skin))
    bust = head.place([-2.2, -0.6, 0.6, 2.2, 3, -3], [2.3, 1.7, 1.7, 2.3, 8, 8])
    canvas.fill(bust, person.clothes)


def _draw_features(canvas: Canvas, head: Head) -> None:
    unit, t, shade = head.pose.scale, np.linspace(0, 1, 17), darker(head.person.skin)
    for side in (-1, 1):
        upper, lower = head.lid(side, t, upper=True), head.lid(side, t[::-1], upper=False)
        canvas.fill([*upper, *lower], "#f8f8f4")
        canvas.disc((upper[8] + lower[8]) / 2, 0.075 * unit, "#2b1d14")
        canvas.line(upper, "#3a2a22", 0.03 * unit)
        canvas.line(lower, "#3a2a22", 0.015 * unit)
        canvas.line(head.brow(side, t), head.person.hair, 0.09 * unit)
        wing = head.nose(side * np.array([0.5, 0.6, 1, 1, 0.5]), [0, 0.6, 0.8, 1, 1.03])
        canvas.line(wing, shade, 0.035 * unit)
        canvas.disc(head.nose(side * 0.45, 0.98), 0.05 * unit, "#4a2a20")
    canvas.line(head.nose([-0.5, 0, 0.5], [1.03, 1.08, 1.03]), shade, 0.05 * unit)
    canvas.disc(head.nose(0, 0.85), 0.06 * unit, "#fff4ea")
    lips = {
        inner: [*head.lip(t, upper=True, inner=inner), *head.lip(t[::-1], upper=False, inner=inner)]
        for inner in (False, True)
    }
    canvas.fill(lips[False], "#b2524e")
    canvas.fill(lips[True], "#3b1414")
    canvas.line(head.lip(t, upper=True, inner=True), "#5a2020", 0.03 * unit)
