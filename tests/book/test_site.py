"""The built demo book, opened from the file system in a browser without a network."""

import json
import os
import re
import shutil
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from bs4 import BeautifulSoup
from playwright.sync_api import sync_playwright

pytestmark = pytest.mark.slow

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NO_BROWSER = (
    "no Chromium: install it (Debian: chromium) or run .venv/bin/playwright install chromium"
)
SCREENS = [(1400, "light"), (1400, "dark"), (390, "light"), (390, "dark")]
MADE_BY_SPHINX = {"genindex.html", "search.html"}


@pytest.fixture(scope="module")  # its event loop would be in the way of other tests
def browser():
    with sync_playwright() as playwright:
        names = ("chromium", "chromium-browser", "google-chrome")
        installed = [shutil.which(name) for name in names] + [playwright.chromium.executable_path]
        found = [path for path in installed if path and Path(path).exists()]
        if not found and os.environ.get("CI") == "true":
            pytest.fail(NO_BROWSER)
        if not found:
            pytest.skip(NO_BROWSER)
        browser = playwright.chromium.launch(executable_path=found[0], args=FLAGS)
        yield browser
        browser.close()


class Visit:
    """A page opened in a context of its own, and what went wrong on it."""

    def __init__(self, browser, width=1400, scheme="light"):
        self.problems = []
        self.context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
        )
        self.context.route(re.compile(r"^(?!file:|data:|blob:)"), self._refuse)
        self.page = self.context.new_page()
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.problems.append(f"script: {error}"))
        self.page.on("requestfailed", lambda request: self.problems.append(f"no {request.url}"))

    def open(self, path, query=""):
        self.page.goto(path.as_uri() + query, wait_until="load")
        return self.page

    def _refuse(self, route):
        self.problems.append(f"asks the network for {route.request.url}")
        route.abort()

    def _hear(self, message):
        if message.type == "error":
            self.problems.append(f"console: {message.text}")


@pytest.fixture
def visit(browser):
    opened = []

    def start(**options):
        opened.append(Visit(browser, **options))
        return opened[-1]

    yield start
    for one in opened:
        one.context.close()


@pytest.fixture(scope="module")
def pages(site):
    """Every page: path -> parsed HTML."""
    paths = [*site.glob("*.html"), *site.glob("notebooks/*.html")]
    found = {path: BeautifulSoup(path.read_text(), "html.parser") for path in paths}
    assert site / "index.html" in found
    return found


@pytest.fixture(scope="module")
def notebook_pages(site, pages):
    found = sorted(path for path in pages if path.parent == site / "notebooks")
    assert found
    return found


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
def test_pages_open_cleanly_fit_the_screen_and_stand_out(pages, visit, width, scheme):
    faint = (Path(__file__).parent / "contrast.js").read_text()
    problems = {}
    for path in pages:
        one = visit(width=width, scheme=scheme)
        page = one.open(path)
        assert page.evaluate("document.documentElement.dataset.theme") == scheme
        over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if over > 0:
            one.problems.append(f"{over} px too wide")
        blank = "[...document.images].filter(i => !i.naturalWidth).map(i => i.src)"
        page.evaluate("document.querySelectorAll('img').forEach(i => i.loading = 'eager')")
        one.problems += [f"blank picture {src}" for src in page.evaluate(blank)]
        one.problems += [f"faint: {text}" for text in page.evaluate(faint)]
        one.problems += barriers(page)
        if one.problems:
            problems[path.name] = one.problems
        one.context.close()
    assert not problems


def barriers(page):
    """Return what axe-core finds serious or critical for readers who hear or key a page."""
    # Without `preload` it does not fetch the style sheets, which a browser forbids to a file; its
    # contrast takes three times as long as all else together, and contrast.js measures that.
    options = {"resultTypes": ["violations"], "preload": False}
    options["rules"] = {"color-contrast": {"enabled": False}}
    found = Axe().run(page, options=options).response["violations"]
    return [
        f"{rule['id']}: {rule['nodes'][0]['html'][:120]} ({len(rule['nodes'])} places)"
        for rule in found
        if rule["impact"] in ("serious", "critical")
    ]


CUT_OFF = """[...document.querySelectorAll('.bd-article pre, .bd-article table, .bd-article img')]
    .filter(e => e.scrollWidth > e.clientWidth + 1 ||
        e.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
    .map(e => e.outerHTML.slice(0, 120))"""


def test_on_paper_nothing_is_cut_off(notebook_pages, visit):
    paper = round((210 - 2 * 16) / 25.4 * 96)  # A4 less its margins, in CSS pixels
    problems = {}
    for path in notebook_pages:
        page = visit(width=paper).open(path)
        assert page.evaluate(CUT_OFF), "on a screen this narrow, code scrolls"
        page.emulate_media(media="print")
        problems[path.name] = page.evaluate(CUT_OFF)
    assert not any(problems.values()), problems


def test_a_barrier_is_noticed(visit, tmp_path):
    path = tmp_path / "page.html"
    path.write_text("<html lang=en><title>x</title><main><img src='data:,'></main>")
    assert [rule.split(":")[0] for rule in barriers(visit().open(path))] == ["image-alt"]


def test_a_request_to_the_network_is_noticed(visit, tmp_path):
    path = tmp_path / "page.html"
    path.write_text("<title>x</title><img src='http://localhost:9/x.png' alt=''>")
    one = visit()
    one.open(path)
    assert any("asks the network" in problem for problem in one.problems)


def test_each_page_has_a_title_and_one_main_heading(pages):
    for path, page in pages.items():
        assert page.title.get_text(strip=True), path
        if path.name not in MADE_BY_SPHINX:
            assert len(page.select("article h1")) == 1, path


def test_internal_links_and_files_exist(site, pages):
    broken = []
    for path, page in pages.items():
        for tag, attribute in (("a", "href"), ("link", "href"), ("img", "src"), ("script", "src")):
            for element in page.find_all(tag, attrs={attribute: True}):
                if problem := _broken(element[attribute], path, site, pages):
                    broken.append(f"{path.name}: {element[attribute]}: {problem}")
    assert not broken


def _broken(address, path, site, pages):
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        return None  # only a reader's click follows it
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not target.is_relative_to(site.resolve()) or not target.exists():
        return "no such file"
    anchor = unquote(parts.fragment)
    if anchor and target in pages and not pages[target].find(id=anchor):
        return "no such place"
    return None


def test_pictures_have_captions_and_tell_what_they_show(pages):
    for path, page in pages.items():
        for picture in page.select("article img"):
            place = f"{path.name}: {picture['src']}"
            assert len(picture.get("alt", "")) >= 20, place
            assert not picture["alt"].startswith("<"), place
            caption = picture.find_parent("figure").find("figcaption")
            assert len(caption.get_text(strip=True)) > 20, place


def test_tables_of_notebooks_have_captions_and_headings(pages, notebook_pages):
    for path in notebook_pages:
        for table in pages[path].select("div.cell_output table"):
            assert table.find("caption"), path
            assert all(heading.get("scope") for heading in table.select("th")), path


def test_no_page_is_over_three_megabytes(pages):
    for path, page in pages.items():
        files = {element["src"] for element in page.select("article img[src]")}
        size = path.stat().st_size + sum((path.parent / name).stat().st_size for name in files)
        assert size < 3e6, path


def test_a_heading_sorts_its_table(site, visit):
    one = visit()
    page = one.open(site / "results.html")
    heading = page.locator("table.sortable th").filter(has_text="weights")
    column = heading.evaluate("th => th.cellIndex")
    for direction, order in (("ascending", sorted), ("descending", lambda v: sorted(v)[::-1])):
        heading.locator("button").press("Enter")
        assert heading.get_attribute("aria-sort") == direction
        cells = page.locator(f"table.sortable td:nth-child({column + 1})").all_inner_texts()
        numbers = [int(text.replace(",", "")) for text in cells if text.strip()]
        assert len(numbers) > 2
        assert numbers == order(numbers)
        assert not any(text.strip() for text in cells[len(numbers) :])
    assert not one.problems


def test_code_leads_to_the_library(pages, notebook_pages):
    for path in notebook_pages:
        links = {a["href"] for a in pages[path].select("p.library a[href*='api.html#facekp']")}
        assert len(links) > 3, path


@pytest.mark.parametrize("term", ["pixel centre", "papermill", "Stegmann"])
def test_search_finds_a_term(site, visit, term):
    one = visit()
    page = one.open(site / "search.html", f"?q={term}")
    page.wait_for_selector("#search-results ul.search li a", timeout=10_000)
    assert not one.problems


def test_notebook_pages_offer_their_files_and_command(site, pages, notebook_pages):
    for path in notebook_pages:
        links = pages[path].select("#run-this-page a.download")
        files = [(path.parent / unquote(link["href"])).resolve() for link in links]
        executed, source = (json.loads(file.read_text()) for file in files)
        code = [cell for cell in executed["cells"] if cell["cell_type"] == "code"]
        assert any(cell["outputs"] for cell in code)
        assert not any(cell.get("outputs") for cell in source["cells"])
        command = f"make run NB={path.stem} PROFILE=demo"
        assert command in pages[path].select_one("#run-this-page").get_text()


def test_a_host_lets_readers_download_the_notebook(browser, site, notebook_pages, tmp_path):
    handler = partial(SimpleHTTPRequestHandler, directory=site)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        page = browser.new_page()
        place = notebook_pages[0].relative_to(site)
        page.goto(f"http://127.0.0.1:{server.server_port}/{place}")
        with page.expect_download() as download:
            page.locator("#run-this-page a.download").first.click()
        download.value.save_as(tmp_path / "notebook.ipynb")
        page.close()
        server.shutdown()
    assert json.loads((tmp_path / "notebook.ipynb").read_text())["nbformat"] == 4


def test_demo_numbers_are_labelled(pages):
    for path, page in pages.items():
        assert "Demo build" in page.get_text(), path
        assert "with the demo profile" in page.select_one("footer.bd-footer-content").get_text(), (
            path
        )
