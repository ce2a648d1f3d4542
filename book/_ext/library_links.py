"""Below the code of a notebook: links to what it uses of the library there for the first time."""

import ast

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.nodes import make_refnode

LIBRARY = "facekp"


class LibraryLinks(SphinxPostTransform):
    """Each documented function and class is linked from the first cell of a page that names it."""

    default_priority = 320

    def run(self):
        imported, seen = {}, set()
        documented = self.env.domaindata["py"]["objects"]
        for cell in list(self.document.findall(_is_code_input)):
            [code] = cell.findall(nodes.literal_block)
            try:
                tree = ast.parse(code.astext())
            except SyntaxError:  # such as a magic of IPython
                continue
            new = dict.fromkeys(used(tree, imported))
            new = [name for name in new if name in documented and name not in seen]
            seen.update(new)
            if new:
                cell += self.links(new, documented)

    def links(self, names, documented):
        line = nodes.paragraph("", "Library: ", classes=["library"])
        for number, name in enumerate(names):
            line += nodes.Text(", " if number else "")
            found, label = documented[name], name.removeprefix(f"{LIBRARY}.")
            builder, here = self.app.builder, self.env.docname
            target = (builder, here, found.docname, found.node_id, nodes.literal("", label))
            line += make_refnode(*target)
        return line


def used(tree, imported):
    """Yield the names of the library that code uses; `imported` grows with its imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == LIBRARY:
            for name in node.names:
                imported[name.asname or name.name] = f"{node.module}.{name.name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            module, name = imported.get(node.value.id), node.attr
        elif isinstance(node, ast.Name) and node.id in imported:
            module, _, name = imported[node.id].rpartition(".")
        else:
            continue
        if module:
            yield f"{module}.{name}"


def _is_code_input(node):
    return isinstance(node, nodes.container) and "cell_input" in node.get("classes", [])


def setup(app):
    app.add_post_transform(LibraryLinks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
