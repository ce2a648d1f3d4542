"""What Chromium makes of built pages: the book as one document, and a picture of a page."""

import shutil
import sys
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import sync_playwright

__all__ = ["print_pdf", "take_picture"]

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def opened(page, **options):
    """Open a page of the site with every picture loaded."""
    with sync_playwright() as playwright:
        names = [shutil.which(name) for name in BROWSERS]
        found = next(filter(None, names), playwright.chromium.executable_path)
        if not Path(found).exists():
            sys.exit(
                "no Chromium: install it (Debian: chromium) or run "
                ".venv/bin/playwright install chromium"
            )
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        view = browser.new_page(color_scheme="light", **options)
        view.goto(page.as_uri(), wait_until="load")
        view.evaluate("document.querySelectorAll('img').forEach(i => i.loading = 'eager')")
        view.wait_for_function("[...document.images].every(i => i.complete)")
        yield view
        browser.close()


def print_pdf(page, target):
    """Print a page of the site as A4 with page numbers; whole or not at all."""
    temporary = target.with_suffix(".part")
    with opened(page) as view:
        view.pdf(
            path=temporary,
            format="A4",
            print_background=True,
            display_header_footer=True,
            header_template="<span></span>",
            footer_template=(
                "<div style='width:100%;text-align:center;font-size:8px'>"
                "<span class='pageNumber'></span> / <span class='totalPages'></span></div>"
            ),
            margin={"top": "18mm", "bottom": "18mm", "left": "16mm", "right": "16mm"},
            outline=True,
            tagged=True,
        )
    temporary.replace(target)


def take_picture(page, name, target, width, height):
    """Save what a window of that many pixels shows of a page about a named figure, as a PNG."""
    with opened(page, viewport={"width": width, "height": height}) as view:
        view.locator(f"#{name}").evaluate("e => e.scrollIntoView({block: 'center'})")
        view.screenshot(path=target)


if __name__ == "__main__":
    take_picture(Path(sys.argv[1]).resolve(), sys.argv[2], Path(sys.argv[3]), 1200, 750)
