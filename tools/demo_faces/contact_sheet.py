"""Contact sheets: many pictures side by side, with keypoints where wanted."""

from pathlib import Path

from PIL import Image, ImageDraw

from .readers import Labelled

SEEN, HIDDEN, BOX = (60, 255, 60), (255, 60, 60), (255, 230, 0)


def tile(labelled: Labelled, overlay: bool, scale: float) -> Image.Image:
    """Return one picture; with overlay, keypoints (hidden ones red) and box are drawn."""
    image = Image.open(labelled.path).convert("RGB")
    image = image.resize(
        (round(image.width * scale), round(image.height * scale)), Image.Resampling.LANCZOS
    )
    if not overlay:
        return image
    draw = ImageDraw.Draw(image)
    for k, (x, y) in enumerate((labelled.points + 0.5) * scale):
        seen = labelled.visible is None or labelled.visible[k]
        draw.ellipse([x - 1.2, y - 1.2, x + 1.2, y + 1.2], fill=SEEN if seen else HIDDEN)
    if labelled.box is not None:
        left, top, width, height = (v * scale for v in labelled.box)
        draw.rectangle([left, top, left + width, top + height], outline=BOX)
    return image


def contact_sheet(
    pictures: list[Labelled], path: Path, *, columns: int, overlay: bool, scale: float = 1.0
) -> None:
    """Write pictures side by side, row by row.

    columns: pictures a row; scale: factor on the pictures' size.
    """
    tiles = [tile(picture, overlay, scale) for picture in pictures]
    width = max(t.width for t in tiles)
    height = max(t.height for t in tiles)
    sheet = Image.new("RGB", (columns * width, -(-len(tiles) // columns) * height))
    for k, image in enumerate(tiles):
        sheet.paste(image, (k % columns * width, k // columns * height))
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path)
