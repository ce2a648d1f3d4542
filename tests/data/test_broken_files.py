"""Thousands of damaged files: a reader returns whole, finite points or raises DataError."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from cartoon_faces import asf_text, image_xml
from facekp.data import DataError, read_asf, read_dlib_xml, read_image, read_pts

EXAMPLES = 1000
BROKEN = 700  # of them, at least; the rest is damaged where it does not matter

SHAPE = np.linspace(0.1, 0.9, 10).reshape(5, 2)
FACE = image_xml("face.png", (6, 8), SHAPE * 6, (1, 1, 4, 4))
WHOLE = {
    "asf": asf_text(SHAPE, "face.png").encode(),
    "xml": f"<?xml version='1.0'?>\n<dataset><images>\n{FACE}\n</images></dataset>\n".encode(),
    "pts": b"version: 1\nn_points: 3\n{\n1.5 2.5\n3 4\n5.25 6\n}\n",
}
READERS = {"asf": read_asf, "xml": read_dlib_xml, "pts": read_pts}

TOKENS = st.sampled_from(
    [
        *(b"nan", b"inf", b"-1e999", b"1e39", b"9" * 400, b"-0", b"1_0", b"0x1", b"", b" ", b"\n"),
        *(b"\0", b"\xff\xfe", b"\xef\xbb\xbf", "٣".encode(), "\u2028".encode(), b"\r", b"\t", b"#"),
        *(b"{", b"}", b"<", b">", b"'", b"/", b"..", b"/etc/passwd", b"../x", b"&a;", b"&#0;"),
        *(b"<!DOCTYPE d [<!ENTITY a 'b'>]>", b"<box>", b"</box>", b"<image file='x'>", b"<part/>"),
        *(b"encoding='utf-16'", b"n_points: 99999999999", b"face.png", b"x" * 5000),
    ]
)
PLACE = st.floats(0, 1)
# What is cut out, from where (as shares of the file), and what is put in its place.
DAMAGE = st.lists(
    st.tuples(PLACE, st.sampled_from([0, 1, 2, 7, 40, 10**6]), TOKENS | st.binary(max_size=9)),
    min_size=1,
    max_size=4,
)


def damaged(content: bytes, damage) -> bytes:
    for place, length, token in damage:
        start = round(place * len(content))
        content = content[:start] + token + content[start + length :]
    return content


def points_of(result) -> list[np.ndarray]:
    boxes = result if isinstance(result, list) else [result]
    return [getattr(box, "points", box) for box in boxes]


@pytest.mark.parametrize("kind", READERS)
def test_a_damaged_label_file_is_read_or_refused(tmp_path, kind):
    path = tmp_path / f"face.{kind}"
    Image.new("L", (8, 6)).save(tmp_path / "face.png")
    refused = []

    @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
    @given(DAMAGE.map(lambda d: damaged(WHOLE[kind], d)) | st.binary(max_size=200))
    def read(content):
        path.write_bytes(content)
        try:
            result = READERS[kind](path)
        except DataError as error:
            assert error.place.path == path and str(error).startswith(str(path))
            assert error.place.line is None or 1 <= error.place.line <= content.count(b"\n") + 2
            refused.append(content)
        else:
            for points in points_of(result):
                assert points.ndim == 2 and len(points) > 0 and np.isfinite(points).all()

    read()
    assert len(refused) >= BROKEN


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, on odd TIFF tags
@pytest.mark.parametrize("name", ["face.jpg", "face.png", "face.tif", "face.bmp", "face.ppm"])
def test_a_damaged_picture_is_decoded_or_refused(tmp_path, name):
    path = tmp_path / name
    noise = np.random.default_rng(0).integers(0, 256, (12, 17, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(noise).save(path, **({"exif": exif} if name.endswith(("jpg", "png")) else {}))
    whole = path.read_bytes()

    @settings(max_examples=150, suppress_health_check=list(HealthCheck))
    @given(DAMAGE)
    def read(damage):
        path.write_bytes(damaged(whole, damage))
        try:
            pixels = read_image(path, channels=3)
        except DataError as error:
            assert error.place.path == path
        else:
            assert pixels.dtype == np.uint8 and pixels.shape[0] == 3

    read()
