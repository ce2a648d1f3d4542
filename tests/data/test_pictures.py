import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from facekp.coords import crop_from_image, whole_box
from facekp.data import DataError, Place, pictures, read_image
from facekp.data.pictures import cut_box, open_picture, picture_size

RED, GREEN, BLUE, DARK = (255, 0, 0), (0, 255, 0), (0, 0, 255), (30, 60, 90)
COLOURS = np.array([[RED, GREEN, BLUE], [DARK, DARK, RED]], dtype=np.uint8)  # (2, 3, 3)
# ITU-R BT.601: 0.299 · 255 = 76.2, 0.587 · 255 = 149.7, 0.114 · 255 = 29.1,
# 0.299 · 30 + 0.587 · 60 + 0.114 · 90 = 54.5, which Pillow's 16-bit weights round to 54 or 55.
GREY = np.array([[76, 150, 29], [54, 54, 76]])


def save(folder, image, name="a.png", **options):
    path = folder / name
    image.save(path, **options)
    return path


def test_grey_weights_are_those_of_bt601(tmp_path):
    grey = read_image(save(tmp_path, Image.fromarray(COLOURS)))
    assert grey.shape == (1, 2, 3) and grey.dtype == np.uint8
    assert np.abs(grey[0].astype(int) - GREY).max() <= 1
    assert grey[0, 0].tolist() == [76, 150, 29]


def test_colour_is_kept(tmp_path):
    colour = read_image(save(tmp_path, Image.fromarray(COLOURS)), channels=3)
    np.testing.assert_array_equal(colour, COLOURS.transpose(2, 0, 1))


@pytest.mark.parametrize("mode", ["RGBA", "P"])
def test_other_modes_of_colour_equal_rgb(tmp_path, mode):
    image = Image.fromarray(COLOURS)
    image = image.convert("RGBA") if mode == "RGBA" else image.quantize(5)
    assert image.mode == mode
    np.testing.assert_array_equal(
        read_image(save(tmp_path, image), channels=3), COLOURS.transpose(2, 0, 1)
    )


def test_transparency_is_dropped(tmp_path):
    image = Image.fromarray(COLOURS)
    image.putalpha(Image.fromarray(np.array([[0, 128, 255], [255, 0, 7]], dtype=np.uint8)))
    np.testing.assert_array_equal(
        read_image(save(tmp_path, image), channels=3), COLOURS.transpose(2, 0, 1)
    )


@pytest.mark.parametrize("mode", ["L", "LA", "1"])
def test_grey_pictures(tmp_path, mode):
    values = np.array([[0, 255, 0], [255, 255, 0]], dtype=np.uint8)
    path = save(tmp_path, Image.fromarray(values).convert(mode))
    np.testing.assert_array_equal(read_image(path)[0], values)
    np.testing.assert_array_equal(read_image(path, channels=3), [values] * 3)


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.pgm"])
def test_16_bits_are_scaled_not_clipped(tmp_path, name):
    values = np.array([[0, 257, 25700], [32896, 65406, 65535]], dtype=np.uint16)
    path = save(tmp_path, Image.fromarray(values), name)
    # 65535 / 255 = 257; 65406 is 254.498 of it.
    np.testing.assert_array_equal(read_image(path)[0], [[0, 1, 100], [128, 254, 255]])


@pytest.mark.parametrize(
    ("orientation", "turned"),
    [
        (1, [[1, 2, 3], [4, 5, 6]]),
        (3, [[6, 5, 4], [3, 2, 1]]),  # upside down
        (6, [[4, 1], [5, 2], [6, 3]]),  # to be turned clockwise
        (8, [[3, 6], [2, 5], [1, 4]]),  # to be turned anticlockwise
    ],
)
def test_exif_orientation_is_applied(tmp_path, orientation, turned):
    exif = Image.Exif()
    exif[0x0112] = orientation
    for dtype, factor in ((np.uint8, 1), (np.uint16, 257)):
        stored = np.array([[1, 2, 3], [4, 5, 6]], dtype=dtype) * dtype(factor)
        path = save(tmp_path, Image.fromarray(stored), exif=exif)
        np.testing.assert_array_equal(read_image(path)[0], turned)
        assert picture_size(path, Place(path)) == np.shape(turned)


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_that_claims(width, height):
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(9)))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no picture",
        png_that_claims(9000, 9000),
        png_that_claims(100_000, 100_000),
        png_that_claims(2**31 - 1, 2**31 - 1),
        png_that_claims(50, 60),
    ],
)
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_bombs_and_what_is_no_picture_are_refused(tmp_path, content):
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"labels.xml:7: picture a.png cannot be read"):
        open_picture(path, 1, Place(tmp_path / "labels.xml", 7))


def test_the_limit_of_pixels_is_its_own(tmp_path, monkeypatch):
    path = save(tmp_path, Image.fromarray(COLOURS))
    monkeypatch.setattr(pictures, "MAX_PIXELS", 6)
    assert read_image(path).shape == (1, 2, 3)
    monkeypatch.setattr(pictures, "MAX_PIXELS", 5)
    with pytest.raises(DataError, match="3×2 pixels are too many"):
        read_image(path)


def test_other_formats_and_floats_are_refused(tmp_path):
    image = Image.fromarray(COLOURS)
    for path in (
        save(tmp_path, image, "a.gif"),
        save(tmp_path, image, "a.eps"),
        save(tmp_path, image.convert("F"), "a.tif"),
        tmp_path / "none.png",
        tmp_path,
    ):
        with pytest.raises(DataError, match=str(path)):
            read_image(path)


@pytest.mark.parametrize("name", ["a.jpg", "a.png"])
def test_a_truncated_picture_is_refused_wherever_it_ends(tmp_path, name):
    noise = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    path = save(tmp_path, Image.fromarray(noise), name)
    whole = path.read_bytes()
    for length in range(0, len(whole) - 100, 97):
        path.write_bytes(whole[:length])
        with pytest.raises(DataError, match="cannot be read"):
            read_image(path)


def test_two_channels_are_refused(tmp_path):
    with pytest.raises(ValueError, match="channels"):
        read_image(save(tmp_path, Image.fromarray(COLOURS)), channels=2)


def marked(size, centre, half):
    """A dark picture with a bright square of (2 half + 1)² pixels about a pixel (x, y)."""
    pixels = np.zeros(size, dtype=np.uint8)
    x, y = centre
    pixels[y - half : y + half + 1, x - half : x + half + 1] = 255
    return Image.fromarray(pixels)


def centre_of_mass(plane):
    rows, columns = np.indices(plane.shape)
    return np.array([(columns * plane).sum(), (rows * plane).sum()]) / plane.sum(dtype=float)


@pytest.mark.parametrize(
    ("centre", "half", "box", "size"),
    [
        ((400, 250), 12, whole_box((480, 640)), (60, 80)),  # IMM, an eighth
        ((211, 333), 3, whole_box((480, 640)), (180, 240)),  # IMM, three eighths
        ((300, 200), 8, [190.5, 120.5, 230, 230], (128, 128)),  # a crop, reduced
        ((300, 200), 0, [285.5, 180.5, 40, 30], (90, 160)),  # a crop, enlarged, not square
        ((300, 200), 0, [290.3, 190.8, 17.5, 17.5], (64, 64)),  # between pixels
        ((30, 20), 8, [-60.2, -50.7, 150, 150], (96, 96)),  # leaves at the left and the top
        ((610, 460), 8, [520.5, 380.5, 200, 200], (96, 96)),  # leaves at the right and below
    ],
)
def test_a_marked_pixel_lands_where_keypoints_are_mapped(centre, half, box, size):
    plane = cut_box(marked((480, 640), centre, half), np.array(box), size)[0]
    expected = crop_from_image(np.array([[centre]], dtype=float), [box], size)[0, 0]
    np.testing.assert_allclose(centre_of_mass(plane), expected, atol=0.05)


def test_reducing_does_not_alias():
    board = Image.fromarray((np.indices((96, 128)).sum(axis=0) % 2 * 255).astype(np.uint8))
    plane = cut_box(board, whole_box((96, 128)), (12, 16))[0]
    assert np.abs(plane[1:-1, 1:-1] - 127.5).max() <= 0.5
    # The first cell sees its edge pixel repeated: off by at most that pixel's share, squared.
    assert np.abs(plane - 127.5).max() <= 4


def test_an_unchanged_box_leaves_the_picture_unchanged():
    colours = Image.fromarray(COLOURS)
    np.testing.assert_array_equal(
        cut_box(colours, whole_box((2, 3)), (2, 3)), COLOURS.transpose(2, 0, 1)
    )


def test_the_edge_is_repeated_outside_the_picture():
    pixels = np.array([[10, 20, 30], [40, 50, 60]], dtype=np.uint8)
    plane = cut_box(Image.fromarray(pixels), np.array([-2.5, -1.5, 7, 5]), (5, 7))[0]
    np.testing.assert_array_equal(plane, np.pad(pixels, ((1, 2), (2, 2)), mode="edge"))
