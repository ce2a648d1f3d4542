"""Formulas as MathML at build time: the pages need no script and no font from elsewhere."""

import re

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

LOGGER = logging.getLogger(__name__)
# Environments that latex2mathml knows by another name, or would number by itself.
KNOWN_AS = {"align": "align*", "aligned": "split", "gathered": "matrix"}


def _mathml(node, display):
    latex = node.astext()
    for environment, known in KNOWN_AS.items():
        latex = latex.replace(f"{{{environment}}}", f"{{{known}}}")
    try:
        result = convert(latex, display=display)
    except Exception as error:
        LOGGER.warning("formula is not understood (%s): %s", error, latex, location=node)
        return ""
    if unknown := re.search(r"\\[a-zA-Z]+", result):
        LOGGER.warning("formula with unknown command %s: %s", unknown[0], latex, location=node)
    return result


def visit_inline(translator, node):
    translator.body.append(_mathml(node, "inline"))
    raise nodes.SkipNode


def visit_block(translator, node):
    translator.body.append(translator.starttag(node, "div", CLASS="math"))
    if node["number"]:
        number = get_node_equation_number(translator, node)
        translator.body.append(f'<span class="eqno">({number})')
        translator.add_permalink_ref(node, "Link to this equation")
        translator.body.append("</span>")
    translator.body.append(_mathml(node, "block") + "</div>\n")
    raise nodes.SkipNode


def setup(app):
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
