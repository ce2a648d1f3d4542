"""Pictures from files: decoding to 8-bit grey or colour, and cutting boxes out of them.

Augmentation of batches on the device is not done here.
"""

import math
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from .errors import DataError, Place

__all__ = ["cut_box", "open_picture", "picture_size", "read_image"]

FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "PPM")  # not those that Pillow hands to other programs
MAX_PIXELS = 50_000_000  # the largest published 300-W pictures have about 15 million
MODES = {1: "L", 3: "RGB"}
QUARTER_TURNS = (5, 6, 7, 8)  # EXIF orientations that swap width and height
ORIENTATION = 0x0112  # the EXIF tag


def read_image(path: str | Path, channels: int = 1) -> np.ndarray:
    """Decode a picture.

    The picture is turned as its EXIF orientation says; labels are taken to refer to the turned
    picture. Grey is ITU-R BT.601 luma, 0.299 R + 0.587 G + 0.114 B, as Pillow's mode L has it.
    16-bit samples are scaled to 8 bits. Transparency is dropped.

    Parameters
    ----------
    path : str or pathlib.Path
        A JPEG, PNG, BMP, TIFF or PPM file.
    channels : {1, 3}
        Grey or RGB.

    Returns
    -------
    numpy.ndarray
        Shape (channels, H, W), uint8.

    Raises
    ------
    DataError
        The file is missing, truncated, of another format, or larger than 50 million pixels.
    """
    path = Path(path)
    return _planes(open_picture(path, channels, Place(path)))


def picture_size(path: Path, place: Place) -> tuple[int, int]:
    """Return (H, W) of a picture after its EXIF turn, from the file's header alone.

    Parameters
    ----------
    path : pathlib.Path
        The picture.
    place : Place
        Where the picture is named, for the error message.

    Raises
    ------
    DataError
        The picture cannot be opened or is larger than 50 million pixels.
    """
    return _with_picture(path, place, _turned_size)


def open_picture(path: Path, channels: int, place: Place) -> Image.Image:
    """Decode a picture to Pillow's 8-bit grey or RGB; see `read_image`.

    Parameters
    ----------
    path : pathlib.Path
        The picture.
    channels : {1, 3}
        Grey or RGB.
    place : Place
        Where the picture is named, for the error message.

    Raises
    ------
    DataError
        As `read_image`.
    ValueError
        `channels` is neither 1 nor 3.
    """
    if channels not in MODES:
        raise ValueError(f"channels must be 1 (grey) or 3 (RGB), not {channels!r}")
    return _with_picture(path, place, lambda image: _decode(image, MODES[channels]))


def cut_box(image: Image.Image, box: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resample the part of a picture that lies in a box.

    Pillow's triangle filter widens with the reduction, so nothing aliases. Outside the picture
    its edge pixels are repeated. A pixel lands where `coords.crop_from_image` maps its centre.

    Parameters
    ----------
    image : PIL.Image.Image
        Mode L or RGB.
    box : numpy.ndarray
        Shape (4,), [left, top, width, height] at pixel edges, in pixels of the picture.
    size : tuple of int
        (H, W) of the result.

    Returns
    -------
    numpy.ndarray
        Shape (C, H, W), uint8.
    """
    starts, ends, indices = [], [], []
    for axis in (0, 1):  # x, y; Pillow measures edges from the first pixel's outer edge
        start, extent = box[axis] + 0.5, box[axis + 2]
        margin = math.ceil(extent / size[1 - axis]) + 1  # the filter reaches beyond the box
        first = math.floor(start) - margin
        last = math.ceil(start + extent) + margin
        indices.append(np.clip(np.arange(first, last), 0, image.size[axis] - 1))
        starts.append(start - first)
        ends.append(start - first + extent)
    patch = np.asarray(image)[np.ix_(indices[1], indices[0])]
    resampled = Image.fromarray(patch).resize(
        size[::-1], Image.Resampling.BILINEAR, box=(*starts, *ends)
    )
    return _planes(resampled)


def _with_picture(path: Path, place: Place, use):
    """Open a picture's header, check its size, and return `use(image)`."""
    try:
        with Image.open(path, formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise ValueError(f"{image.width}×{image.height} pixels are too many")
            return use(image)
    except Exception as error:
        # Pillow's decoders raise errors of a dozen types on broken files; all mean the same here.
        problem = f"picture {path.name} cannot be read ({error}); restore it"
        raise DataError(place, problem) from error


def _turned_size(image: Image.Image) -> tuple[int, int]:
    turned = image.getexif().get(ORIENTATION) in QUARTER_TURNS
    return (image.width, image.height) if turned else (image.height, image.width)


def _decode(image: Image.Image, mode: str) -> Image.Image:
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):  # 16-bit grey; older Pillows open it as 32-bit
        samples = np.asarray(image).astype(np.int64)
        if samples.min() < 0 or samples.max() > 65535:
            raise ValueError("more than 16 bits a sample")
        image = Image.fromarray(((samples + 128) // 257).astype(np.uint8))
    if image.mode == "F":
        raise ValueError("floating-point samples")
    return image if image.mode == mode else image.convert("RGB").convert(mode)


def _planes(image: Image.Image) -> np.ndarray:
    """Return the pixels as (C, H, W)."""
    pixels = np.asarray(image)  # (H, W) or (H, W, C)
    return np.atleast_3d(pixels).transpose(2, 0, 1).copy()
