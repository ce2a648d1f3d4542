"""The directive `generated`: Markdown that code makes from the manifest, the claims, the results.

    ```{generated} claims
    ```

names a function of `pages`, which returns MyST Markdown; it is parsed in that place. What stands
behind the name is given to the function.
"""

import pages
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

from facekp.claims import ClaimsError
from facekp.manifest import ManifestError
from facekp.results import ResultsError


class Generated(SphinxDirective):
    """Parse what a function of `pages` returns."""

    required_arguments = 1
    optional_arguments = 1

    def run(self):
        name, *arguments = self.arguments
        if name not in pages.PAGES:
            raise self.error(f"no generated part {name!r}; there are {', '.join(pages.PAGES)}")
        try:
            text = pages.PAGES[name](self.env, *arguments)
        except (ClaimsError, ManifestError, ResultsError) as error:
            raise self.error(f"{name}: {error}") from error
        part = nodes.section()
        part.document = self.state.document
        lines = StringList(text.splitlines(), source=f"<generated {name}>")
        self.state.nested_parse(lines, 0, part, match_titles=True)
        return part.children


def setup(app):
    app.add_directive("generated", Generated)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
