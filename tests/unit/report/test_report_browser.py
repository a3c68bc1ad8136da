"""The report in a real browser: hostile strings stay strings, and nothing is asked of any network."""

import json
import shutil
import subprocess

import pytest
from examples import EVENTS, PLAN, held, hostile

from gameday.report.html import html
from gameday.report.page import page

CHROMIUM = shutil.which("chromium")
QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-extensions", "--disable-sync", "--no-first-run", "--no-default-browser-check",
)  # fmt: skip

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed: apt-get install chromium"),
]


@pytest.fixture
def opened(tmp_path):
    """Open a page and hand back what it came to: its DOM after scripts had their chance, and the network log's URLs."""

    def open_page(text):
        file, log = tmp_path / "index.html", tmp_path / "net.json"
        file.write_text(text, encoding="utf-8")
        command = [CHROMIUM, *QUIET, f"--user-data-dir={tmp_path / 'profile'}", f"--log-net-log={log}", "--dump-dom"]
        seen = subprocess.run([*command, file.as_uri()], capture_output=True, text=True, timeout=120, check=True)
        return seen.stdout, log.read_text(encoding="utf-8", errors="replace")

    return open_page


def test_hostile_strings_do_not_run(opened):
    dom, _ = opened(html(page(*hostile())))
    title = dom[dom.index("<title>") : dom.index("</title>")]
    assert title.startswith("<title>BROKEN · &lt;script&gt;")
    assert "<script" not in dom
    assert "<img" not in dom


def test_the_test_itself_would_notice_a_script_that_runs(opened):
    dom, _ = opened("<!doctype html><title>calm</title><script>document.title='owned'</script>")
    assert "<title>owned</title>" in dom


@pytest.mark.parametrize("told", [(PLAN, held(), EVENTS), hostile()], ids=["held", "hostile"])
def test_a_page_asks_for_nothing(opened, told):
    _, log = opened(html(page(*told)))
    assert not [url for url in _urls(json.loads(log)) if "leak.invalid" in url or "favicon" in url]


def test_the_test_itself_would_notice_a_request(opened):
    _, log = opened("<!doctype html><title>leaky</title><img src='http://leak.invalid/x'>")
    assert "http://leak.invalid/x" in set(_urls(json.loads(log)))


def _urls(log):
    for entry in log["events"]:
        url = entry.get("params", {}).get("url")
        if isinstance(url, str):
            yield url
