"""Every page of the built book in a browser: nothing is asked from outside, everything is drawn, search finds both languages."""

import json
import os
import shutil
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import quote, urlsplit

import pytest
import yaml

webdriver = pytest.importorskip("selenium.webdriver")
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.support.ui import WebDriverWait  # noqa: E402

ROOT = Path(__file__).parents[1]
HTML = ROOT / "_build" / "html"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
SWITCHES = "headless no-sandbox disable-gpu disable-quic no-first-run disable-background-networking disable-component-update disable-sync"
INSIDE = ("data", "blob", "chrome")
PHONE = 390  # CSS pixels
PATIENCE = 120  # seconds until a condition counts as never met
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
PAGES = [TOC["root"], *(chapter["file"] for part in TOC["parts"] for chapter in part["chapters"])]
NOTEBOOKS = [page for page in PAGES if page.startswith("notebooks/")]
DRAWN = """
const done = arguments[arguments.length - 1];
const ready = window.MathJax && MathJax.startup ? MathJax.startup.promise : Promise.resolve();
ready.then(() => Promise.all([...document.images].map((image) => image.decode().catch(() => null)))).then(() => done(true));
"""


MODE = "return document.documentElement.dataset.mode"


def has_exercises(page: str) -> bool:
    """Whether a notebook is a chapter."""
    return "## Exercises" in (ROOT / f"{page}.ipynb").read_text(encoding="utf-8")


def missing(reason: str) -> None:
    """Skip, or fail where the browser tests have to run."""
    if os.environ.get("TOKREC_BROWSER_REQUIRED"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def site():
    """Address of the built book, served from this machine."""
    if not (HTML / "index.html").exists():
        missing("the book is not built: run make book")

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=HTML))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """A headless Chromium with an empty profile that logs requests and console messages."""
    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    driver = os.environ.get("CHROMEDRIVER") or shutil.which(
        "chromedriver", path=os.pathsep.join([os.environ["PATH"], os.environ.get("CHROMEWEBDRIVER", "")])
    )
    if not program or not driver:
        missing("no Chromium with chromedriver: apt install chromium chromium-driver, or set CHROMIUM and CHROMEDRIVER to the two programs")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for switch in SWITCHES.split():
        options.add_argument(f"--{switch}")
    options.add_argument(f"--user-data-dir={tmp_path_factory.mktemp('profile')}")
    options.add_argument("--window-size=1400,1000")
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    chrome = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    chrome.set_script_timeout(PATIENCE)
    yield chrome
    chrome.quit()


def width_on_a_phone(browser):
    """How wide the open page is on a screen of a phone's width, what scrolls in its own box left out."""
    screen = {"width": PHONE, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    width = browser.execute_script("return document.scrollingElement.scrollWidth")
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    return width


def open_page(browser, site, page):
    """Open a page, wait until it is drawn, and return the addresses that it asked for."""
    browser.get_log("performance")
    browser.get_log("browser")
    browser.get(f"{site}/{page}")
    browser.execute_async_script(DRAWN)
    events = (json.loads(entry["message"])["message"] for entry in browser.get_log("performance"))
    return [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]


def count(browser, selector):
    return len(browser.find_elements(By.CSS_SELECTOR, selector))


def wait_until(browser, condition):
    """What the condition returns once it holds; a page may take its time on a busy machine."""
    return WebDriverWait(browser, PATIENCE).until(lambda _: condition())


@pytest.mark.parametrize("page", [*(f"{page}.html" for page in PAGES), "search.html", "genindex.html"])
def test_page_is_complete_and_asks_for_nothing_outside(browser, site, page):
    requests = open_page(browser, site, page)
    assert requests
    assert [url for url in requests if urlsplit(url).scheme not in INSIDE and not url.startswith(site)] == []
    assert [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []
    images = browser.execute_script("return [...document.images].map((image) => [image.src, image.naturalWidth, image.alt])")
    assert [source for source, width, _ in images if not width] == []
    assert [source for source, _, alt in images if not alt.strip() or alt.endswith((".png", ".svg"))] == []
    assert count(browser, ".math") == count(browser, ".math mjx-container")
    assert count(browser, "mjx-merror, [data-mjx-error]") == 0
    assert width_on_a_phone(browser) <= PHONE, "the page scrolls sideways"


def test_start_page_leads_to_the_introduction(browser, site):
    browser.get(f"{site}/index.html")
    wait_until(browser, lambda: browser.current_url == f"{site}/{TOC['root']}.html")


def test_some_page_has_formulas(browser, site):
    assert any("mjx-container" in (open_page(browser, site, f"{page}.html"), browser.page_source)[1] for page in NOTEBOOKS)


@pytest.mark.parametrize("page", NOTEBOOKS)
def test_notebook_can_be_launched_and_copied(browser, site, page):
    open_page(browser, site, f"{page}.html")
    assert count(browser, f"a[href^='https://colab.research.google.com/'][href$='{page}.ipynb']") >= 1
    assert count(browser, f"a[href^='https://mybinder.org/'][href$='{page}.ipynb']") >= 1
    assert count(browser, ".cell_input") > 0
    wait_until(browser, lambda: count(browser, "button.copybtn") >= count(browser, ".cell_input"))


@pytest.mark.parametrize("page", [page for page in NOTEBOOKS if has_exercises(page)])
def test_solutions_are_hidden_and_open(browser, site, page):
    open_page(browser, site, f"{page}.html")
    solutions = browser.find_elements(By.CSS_SELECTOR, "#exercises details.hide")
    assert len(solutions) >= 4
    assert not any(solution.get_attribute("open") for solution in solutions)
    solutions[0].find_element(By.TAG_NAME, "summary").click()
    wait_until(browser, solutions[0].find_element(By.CSS_SELECTOR, ".cell_input").is_displayed)


@pytest.mark.parametrize("page", [page for page in NOTEBOOKS if has_exercises(page)])
def test_everything_is_open_on_paper(browser, site, page):
    open_page(browser, site, f"{page}.html")
    folded = count(browser, ".bd-article details:not([open])")
    browser.execute_script("window.dispatchEvent(new Event('beforeprint'))")
    assert folded >= 4 and count(browser, ".bd-article details:not([open])") == 0
    browser.execute_script("window.dispatchEvent(new Event('afterprint'))")
    assert count(browser, ".bd-article details:not([open])") == folded


def test_chinese_is_marked_as_chinese(browser, site):
    open_page(browser, site, "book/glossary.html")
    assert count(browser, ".bd-article span[lang='zh']") >= 50 and count(browser, "span[lang='zh'] span[lang='zh']") == 0
    assert browser.execute_script("return document.documentElement.lang") == "en"


def test_dark_mode_changes_the_background(browser, site):
    open_page(browser, site, f"{TOC['root']}.html")
    background = {}
    for _ in range(3):
        before = browser.execute_script(MODE)
        browser.execute_script("document.querySelector('.theme-switch-button').click()")
        wait_until(browser, lambda before=before: browser.execute_script(MODE) != before)
        wait_until(browser, lambda: not browser.execute_script("return document.getAnimations().length"))
        background[browser.execute_script(MODE)] = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert set(background) == {"auto", "light", "dark"} and background["light"] != background["dark"]


@pytest.mark.parametrize("query", ["分词", "推荐", "推荐 系统", "推荐系统", "詞元", "推薦系統", "cosine", "cosine similarity"])
def test_search_finds(browser, site, query):
    open_page(browser, site, f"search.html?q={quote(query)}")
    wait_until(browser, lambda: count(browser, "#search-results ul.search li a[href*='notebooks/']"))


def test_search_finds_nothing_for_nonsense(browser, site):
    open_page(browser, site, f"search.html?q={quote('龘齾龗 qqzzxx')}")
    wait_until(browser, lambda: "did not match" in browser.find_element(By.ID, "search-results").text)
