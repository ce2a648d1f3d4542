"""What each page of a notebook gets: numbered tables, where a figure comes from, how to run it.

Refuses what a reader would miss: a figure without caption, a picture without alternative text.
"""

import json
import re
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms import SphinxTransform
from sphinx.util import logging

LOGGER = logging.getLogger(__name__)
SHORTEST_ALT = 20  # letters; "loss curve" says what kind of picture it is, not what it shows


class CaptionedTables(SphinxTransform):
    """A captioned output that holds a data frame becomes a numbered table."""

    default_priority = 300  # before Sphinx collects labels and numbers

    def apply(self):
        for figure in list(self.document.findall(nodes.figure)):
            frames = [raw for raw in figure.findall(nodes.raw) if "<table" in raw.astext()]
            captions = [node for node in figure.children if isinstance(node, nodes.caption)]
            if frames and captions:
                figure.replace_self(self.table(figure, frames[0].astext(), captions[0]))

    def table(self, figure, html, caption):
        inner = re.search(r"<table[^>]*>(.*)</table>", html, re.DOTALL)[1]
        # A screen reader has to know of each heading whether it heads a column or a row.
        head, body = re.match(r"(.*?</thead>)?(.*)", inner, re.DOTALL).groups(default="")
        inner = head.replace("<th", '<th scope="col"').replace('<th scope="col"ead', "<thead")
        inner += body.replace("<th", '<th scope="row"')
        table = nodes.table("", nodes.title("", "", *caption.children), ids=figure["ids"])
        table["names"] = figure["names"]
        table["classes"] = ["dataframe"]
        table += nodes.raw("", inner, format="html")
        table.source, table.line = figure.source, figure.line
        for name in figure["ids"]:
            self.document.ids[name] = table
        return table


class Origins(SphinxTransform):
    """Each figure of a notebook says which cell and run made it."""

    default_priority = 310

    def apply(self):
        executed = _executed(self.env, self.env.docname)
        if not executed:
            return
        for cell in self.document.findall(_is_code_cell):
            for figure in cell.findall(nodes.figure):
                self.add(figure, cell, executed["metadata"]["papermill"])

    def add(self, figure, cell, run):
        name = Path(self.env.docname).name
        text = (
            f"<details class='origin'><summary>how this was made</summary>Cell "
            f"{cell['cell_index'] + 1} of {name}.ipynb, executed on {run['start_time'][:10]} with "
            f"the {self.config.facekp_profile} profile by commit {self.config.facekp_commit}; "
            f"<a href='#run-this-page'>its parameters</a>.</details>"
        )
        legend = next(iter(figure.findall(nodes.legend)), None)
        if legend is None:
            legend = nodes.legend()
            figure += legend
        legend += nodes.raw("", text, format="html")


def _is_code_cell(node):
    return isinstance(node, nodes.container) and node.get("nb_element") == "cell_code"


def _executed(env, docname):
    """Return the notebook behind a page, or nothing for a page of prose."""
    path = Path(env.doc2path(docname))
    if path.suffix != ".ipynb":
        return None
    return json.loads(path.read_text(encoding="utf-8"))


def add_run_box(app, doctree):
    """Close a notebook's page with its files, the command that runs it, and its parameters."""
    docname = app.env.docname
    executed = _executed(app.env, docname)
    if not executed:
        return
    name, profile = Path(docname).name, app.config.facekp_profile
    run = executed["metadata"]["papermill"]
    box = nodes.section(ids=["run-this-page"], names=["run this page yourself"])
    box += nodes.title("", "Run this page yourself")
    files = nodes.paragraph("", "Download the notebook ")
    files += _download("as executed", f"/notebooks/{name}.ipynb", docname)
    files += nodes.Text(" or ")
    files += _download("without outputs", f"/sources/{name}.ipynb", docname)
    files += nodes.Text(". This run took ")
    files += nodes.Text(f"{run['duration']:.0f} s. The command for it:")
    command = f"make run NB={name} PROFILE={profile}"
    box += [files, nodes.literal_block(command, command, language="bash")]
    box += _parameters(run["parameters"])
    next(iter(doctree.findall(nodes.section))).append(box)


def _download(text, target, docname):
    link = addnodes.download_reference(text, "", reftarget=target, refdoc=docname)
    link += nodes.inline(text, text)
    return link


def _parameters(parameters):
    """Fold the parameters of the run away, one a line."""
    rows = "\n".join(f"{name}: {json.dumps(value)}" for name, value in parameters.items())
    block = nodes.literal_block(rows, rows, language="yaml")
    opening = nodes.raw("", "<details><summary>Parameters of this run</summary>", format="html")
    return [opening, block, nodes.raw("", "</details>", format="html")]


def check_pictures(app, doctree, docname):
    """Warn, which fails the build, of what a reader would miss."""
    for image in doctree.findall(nodes.image):
        alt = image.get("alt", "")
        if len(alt) < SHORTEST_ALT or alt.startswith("<"):
            LOGGER.warning(
                "picture without an alternative text that says what it shows: %r",
                alt or image["uri"],
                location=image,
            )
        figure = image
        while figure is not None and not isinstance(figure, nodes.figure):
            figure = figure.parent
        if figure is None or not any(isinstance(n, nodes.caption) for n in figure.children):
            LOGGER.warning("picture without a caption: %r", alt or image["uri"], location=image)


def setup(app):
    app.add_transform(CaptionedTables)
    app.add_transform(Origins)
    app.connect("doctree-read", add_run_box, priority=10)
    app.connect("doctree-resolved", check_pictures)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
