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

from facekp.results import Store

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
        name, run = Path(self.env.docname).name, executed["metadata"]["papermill"]
        results = _results(self.config, name)
        for cell in self.document.findall(_is_code_cell):
            number = _source_number(executed["cells"], cell["cell_index"])
            text = (
                f"Code cell {number} of {name}.ipynb, executed on {run['start_time'][:10]} with "
                f"the {results.profile} profile on data {results.dataset.name} "
                f"(digest {results.dataset.digest[:10]}) by {commit(results.provenance)}; "
                "<a href='#run-this-page'>its parameters</a>."
            )
            for figure in cell.findall(nodes.figure):
                self.add(figure, text)

    def add(self, figure, text):
        legend = next(iter(figure.findall(nodes.legend)), None)
        if legend is None:
            legend = nodes.legend()
            figure += legend
        legend += nodes.raw("", origin(text), format="html")


def origin(text):
    """Return the fold-out below a figure that says where it comes from, as HTML."""
    return f"<details class='origin'><summary>how this was made</summary>{text}</details>"


def _is_code_cell(node):
    return isinstance(node, nodes.container) and node.get("nb_element") == "cell_code"


def _source_number(cells, index):
    """Count code cells as the source has them: papermill has put one in, for the parameters."""
    return sum(
        cell["cell_type"] == "code"
        and "injected-parameters" not in cell["metadata"].get("tags", [])
        for cell in cells[: index + 1]
    )


def _results(config, name):
    return Store(Path(config.facekp_root), config.facekp_profile).load(name[3:])


def commit(made):
    """Say in words which state of the repository made something."""
    known = f"commit {made['commit'][:10]}" if made["commit"] else "a tree outside git"
    return known if made["clean"] or not made["commit"] else f"{known} with changes"


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
    made = commit(_results(app.config, name).provenance)
    took = f". This run took {run['duration']:.0f} s, by {made}. The command for it:"
    files += nodes.Text(took)
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
