"""From files to arrays: readers of label files and pictures, Faces, cache, loaders, splits.

Everything broken in a data set is a `DataError` that names file and line. Fetching and verifying
archives belongs to `facekp.manifest`, augmentation of batches to a module of its own.
"""

from .asf import Shape, read_asf
from .dlib_xml import LabelledBox, read_dlib_xml
from .errors import DataError, Place
from .faces import Faces, join
from .ibug import load_ibug
from .imm import load_imm
from .pictures import read_image
from .pts import read_pts
from .splits import TUNING_FOLD, VAL_FOLD, imm_fold, split_hash

__all__ = [
    "LOADERS",
    "TUNING_FOLD",
    "VAL_FOLD",
    "DataError",
    "Faces",
    "LabelledBox",
    "Place",
    "Shape",
    "imm_fold",
    "join",
    "load_ibug",
    "load_imm",
    "read_asf",
    "read_dlib_xml",
    "read_image",
    "read_pts",
    "split_hash",
]

LOADERS = {"imm": load_imm, "ibug300w": load_ibug}
