"""Headless Chromium for tests of pages, skipped with a reason where there is none.

Needs requirements-slow.txt and a Chromium (Debian's package `chromium`, or CHROMIUM=PATH).
"""

import contextlib
import os
import shutil

import pytest

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextlib.contextmanager
def pages():
    """Yields a function width -> page, whose `complaints` lists errors and requests elsewhere."""
    api = pytest.importorskip("playwright.sync_api", reason="needs requirements-slow.txt")
    if CHROMIUM is None:
        pytest.skip("there is no Chromium: install it, or name it in CHROMIUM")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))

        def page(width, height=900):
            opened = browser.new_page(viewport={"width": width, "height": height})
            opened.complaints = []
            opened.on("console", lambda m: _note(opened, m.type in ("error", "warning"), m.text))
            opened.on("pageerror", lambda error: _note(opened, True, str(error)))
            opened.on("request", lambda r: _note(opened, not _is_local(r.url), r.url))
            return opened

        yield page
        browser.close()


def _note(page, is_complaint, text):
    if is_complaint:
        page.complaints.append(text)


def _is_local(url):
    return url.startswith(("http://127.0.0.1:", "data:", "blob:", "file:"))


def fits(page):
    """Whether a page is no wider than its window."""
    return page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
