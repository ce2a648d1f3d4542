"""Which picture shows whom: numbers, names and the split into training and test.

A person is named by a seed sequence of (set, seed, person); each crop of the ibug300w set shows
another person, so no person can stand on both sides of its split.
"""

from dataclasses import dataclass

IMM_VIEWS = {1: "neutral", 2: "smile", 3: "right", 4: "left", 5: "spot", 6: "free"}
TEST_PERSONS = 1_000_000  # numbers of the test split's persons start here


@dataclass(frozen=True)
class Picture:
    """One picture to make.

    dataset: 'imm' or 'ibug300w'; person: the person's number; view: IMM's 1 to 6, else 0;
    split: 'all', 'train' or 'test'; number: counts from 1 within the split.
    """

    dataset: str
    seed: int
    person: int
    view: int
    split: str
    number: int

    @property
    def key(self) -> tuple[int, ...]:
        """The seed of everything in this picture."""
        return (*self.person_key, self.view)

    @property
    def person_key(self) -> tuple[int, ...]:
        """The seed of the person: common to the views of one person, unlike for any two persons."""
        return ({"imm": 0, "ibug300w": 1}[self.dataset], self.seed, self.person)

    @property
    def stem(self) -> str:
        """The name under which the picture's record is kept while the set is made."""
        return (
            f"{self.person:02d}-{self.view}"
            if self.dataset == "imm"
            else f"{self.split}{self.number:04d}"
        )


def imm_pictures(seed: int, persons: int) -> list[Picture]:
    """Return the pictures of the IMM-like set: persons x 6 views."""
    return [
        Picture("imm", seed, person, view, "all", 6 * (person - 1) + view)
        for person in range(1, persons + 1)
        for view in IMM_VIEWS
    ]


def ibug_pictures(seed: int, train: int, test: int) -> list[Picture]:
    """Return the crops of the 300-W-like set; more of one split leaves the others as they were."""
    return [
        Picture("ibug300w", seed, k + first, 0, split, k)
        for split, first, count in (("train", 0, train), ("test", TEST_PERSONS, test))
        for k in range(1, count + 1)
    ]
