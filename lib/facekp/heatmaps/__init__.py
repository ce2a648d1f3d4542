"""Keypoints as maps: how they are written into maps, read from them, and what a wrong map costs.

A map of h × w cells that a net makes from a crop of H × W pixels has stride s = H / h, and
x_hm = (x_crop + 0.5) / s - 0.5 (``coords.resize_points``): an integer coordinate is a cell's
centre, as it is a pixel's. With stride 4::

    crop   |-0-|-1-|-2-|-3-|-4-|-5-|-6-|-7-|
    map    |-------0-------|-------1-------|

``encode`` has the targets, ``decode`` the ways back, ``prior`` the one that knows the shapes of
faces, ``losses`` what stands between a net's output and a target. A keypoint as two numbers is
``regression``'s, nets are ``models``'.
"""

from facekp.heatmaps.decode import (
    MapDecoder,
    decode_argmax,
    decode_softmax,
    decode_weighted,
    map_decoder,
    map_entropy,
)
from facekp.heatmaps.encode import encode_disc, encode_gaussian
from facekp.heatmaps.losses import map_mse, pixel_cross_entropy, spatial_cross_entropy
from facekp.heatmaps.prior import ShapeDecoder, map_moments, shape_decoder
from facekp.heatmaps.refine import decode_dark, decode_local

__all__ = [
    "MapDecoder",
    "ShapeDecoder",
    "decode_argmax",
    "decode_dark",
    "decode_local",
    "decode_softmax",
    "decode_weighted",
    "encode_disc",
    "encode_gaussian",
    "map_decoder",
    "map_entropy",
    "map_moments",
    "map_mse",
    "pixel_cross_entropy",
    "shape_decoder",
    "spatial_cross_entropy",
]
