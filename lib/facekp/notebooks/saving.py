"""What JupyterLab does after a save, as `make lab` tells it."""

import subprocess
from pathlib import Path

__all__ = ["renew_in_index"]


def renew_in_index(model: dict, os_path: str, **_: object) -> None:
    """Tell git that a notebook has not changed when only its outputs have.

    git takes a file of another size for modified and does not ask the filter that strips outputs.
    An update of the index with unchanged content stages nothing and makes it know the new size.

    Parameters
    ----------
    model
        What was saved, as Jupyter's contents manager describes it.
    os_path
        Where.
    """
    path = Path(os_path)
    if model["type"] != "notebook":
        return
    git = ["git", "-C", str(path.parent)]
    if not subprocess.run([*git, "diff", "--quiet", "--", path.name]).returncode:
        subprocess.run([*git, "update-index", "--", path.name], stderr=subprocess.DEVNULL)
