"""Reader of dlib's XML, in which 300-W's pictures, face boxes and keypoints are published."""

from dataclasses import dataclass
from pathlib import Path
from xml.sax import SAXException, SAXParseException
from xml.sax.handler import ContentHandler

import numpy as np
from defusedxml import DefusedXmlException
from defusedxml.sax import parseString

from .errors import DataError, Place, check_reach, number, picture_path, whole
from .pictures import picture_size

__all__ = ["LabelledBox", "read_dlib_xml"]

# The only elements with a meaning here, and the element that each must stand in.
PARENTS = {"image": "images", "box": "image", "part": "box"}


@dataclass(frozen=True)
class LabelledBox:
    """One face of one picture.

    Attributes
    ----------
    name : str
        The picture as the label file calls it, relative to that file's folder.
    picture : pathlib.Path
        The picture's file.
    place : Place
        Where the label file names the picture.
    number : int
        1 for a picture's first face, 2 for the second, …
    box : numpy.ndarray
        Shape (4,), float64, [left, top, width, height] at pixel edges, in pixels of the picture.
    leaves : bool
        Whether the box reaches beyond its picture.
    points : numpy.ndarray
        Shape (K, 2), float32, (x, y) in pixels of the picture.
    """

    name: str
    picture: Path
    place: Place
    number: int
    box: np.ndarray
    leaves: bool
    points: np.ndarray


def read_dlib_xml(path: str | Path) -> list[LabelledBox]:
    """Read a label file in dlib's XML.

    Coordinates are 0-based integers or decimals, an integer being a pixel's centre. dlib's
    rectangles hold whole pixels, so a box begins half a pixel before its `left` and `top`. It
    may leave its picture by no more than the picture's size on each side, and must overlap it.
    A picture may hold several boxes. The parts of a box are named 0 to K - 1, in any order.

    Parameters
    ----------
    path : str or pathlib.Path
        The label file; pictures lie in its folder or below.

    Returns
    -------
    list of LabelledBox
        Every box, in the file's order. Coordinates are those of the picture as turned by its
        EXIF orientation.

    Raises
    ------
    DataError
        A broken or truncated file, entities or a document type, a picture that is missing,
        outside the folder, unreadable or without boxes, a box of no size, without parts or
        outside its picture, wrong part names, numbers that are not finite. Names file and line.
    """
    path = Path(path)
    handler = _Handler(path)
    try:
        parseString(path.read_bytes(), handler, forbid_dtd=True)
    except DataError:
        raise
    except DefusedXmlException as error:
        problem = f"document types and entities are not taken ({type(error).__name__})"
        raise DataError(handler.place(), problem) from error
    except SAXParseException as error:
        place = Place(path, error.getLineNumber())
        raise DataError(place, f"is not XML ({error.getMessage()}); restore the file") from error
    except (OSError, SAXException, ValueError, LookupError) as error:
        raise DataError(handler.place(), f"cannot be read ({error}); restore the file") from error
    if not handler.boxes:
        raise DataError(Place(path), "holds no pictures; restore the file")
    return handler.boxes


class _Handler(ContentHandler):
    """Gathers the boxes while the parser walks through the file."""

    def __init__(self, path: Path):
        super().__init__()
        self.path = path
        self.boxes: list[LabelledBox] = []
        self.pictures: set[Path] = set()
        self.open: list[str] = []  # names of the elements around the current place

    def place(self) -> Place:
        return Place(self.path, self._locator.getLineNumber() if self._locator else None)

    def startElement(self, name, attrs):
        parent = PARENTS.get(name)
        if parent and self.open[-1:] != [parent]:
            raise DataError(self.place(), f"<{name}> must stand in <{parent}>")
        self.open.append(name)
        if parent:
            getattr(self, f"_start_{name}")(attrs)

    def endElement(self, name):
        self.open.pop()
        if name == "box":
            self._end_box()
        elif name == "image" and not self.faces_of_picture:
            raise DataError(self.picture_place, "picture without a box; take it out")

    def _start_image(self, attrs):
        self.picture_place = self.place()
        self.name = self._attribute(attrs, "file")
        self.picture = picture_path(self.path.parent, self.name, self.picture_place)
        if self.picture in self.pictures:
            raise DataError(self.picture_place, f"picture {self.name!r} for the second time")
        self.pictures.add(self.picture)
        self.size = picture_size(self.picture, self.picture_place)
        self.faces_of_picture = 0

    def _start_box(self, attrs):
        self.box_place = self.place()
        values = [self._number(attrs, key) for key in ("left", "top", "width", "height")]
        self.box = np.array(values) - [0.5, 0.5, 0, 0]
        self.parts: dict[int, tuple[list[float], Place]] = {}
        low, high = self.box[:2], self.box[:2] + self.box[2:]
        extent = np.array(self.size[::-1])
        if (self.box[2:] <= 0).any():
            raise DataError(self.box_place, "box without width or height; correct it")
        if (high <= -0.5).any() or (low >= extent - 0.5).any():
            raise DataError(self.box_place, "box lies wholly outside its picture; correct it")
        check_reach(np.array([low, high]), [self.box_place] * 2, self.size)
        self.leaves = bool((low < -0.5).any() or (high > extent - 0.5).any())

    def _start_part(self, attrs):
        place = self.place()
        index = whole(self._attribute(attrs, "name"), place)
        if index in self.parts:
            raise DataError(place, f"part {index} for the second time in this box")
        self.parts[index] = ([self._number(attrs, key) for key in ("x", "y")], place)

    def _end_box(self):
        if not self.parts or set(self.parts) != set(range(len(self.parts))):
            raise DataError(
                self.box_place,
                f"box with {len(self.parts)} parts, which must be named 0 to K - 1, all there",
            )
        points, places = zip(*(self.parts[k] for k in range(len(self.parts))), strict=True)
        points = np.array(points)  # (K, 2)
        check_reach(points, list(places), self.size)
        self.faces_of_picture += 1
        self.boxes.append(
            LabelledBox(
                name=self.name,
                picture=self.picture,
                place=self.picture_place,
                number=self.faces_of_picture,
                box=self.box,
                leaves=self.leaves,
                points=points.astype(np.float32),
            )
        )

    def _attribute(self, attrs, key: str) -> str:
        if key not in attrs:
            raise DataError(self.place(), f"<{self.open[-1]}> lacks {key!r}")
        return attrs[key]

    def _number(self, attrs, key: str) -> float:
        return number(self._attribute(attrs, key), self.place())
