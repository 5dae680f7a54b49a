"""The page as a browser shows it: nothing leaves it, everything can be read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from selenium.webdriver import Chrome

    from wxengage.report.reader import Lang

MEASURE = (Path(__file__).parent / "measure.js").read_text(encoding="utf-8")
PHONE, TABLET, DESK = (360, 800), (820, 1100), (1280, 900)


def open_page(
    browser: Chrome, path: Path, size: tuple[int, int], *, dark: bool = False
) -> None:
    """Open a file at a size, as tall as it is, so that all of it is in view."""
    width, height = size
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    _resize(browser, width, height)
    browser.get(path.as_uri())
    browser.execute_script(
        "document.querySelectorAll('details').forEach((one) => { one.open = true; })"
    )
    tall = browser.execute_script("return document.documentElement.scrollHeight")
    _resize(browser, width, tall)


def _resize(browser: Chrome, width: int, height: int) -> None:
    screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)


def measured(browser: Chrome) -> dict[str, Any]:
    """Return what ``measure.js`` finds."""
    found: dict[str, Any] = browser.execute_script(MEASURE)
    return found


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, TABLET, DESK], ids=["phone", "tablet", "desk"])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_everything_can_be_read(
    browser: Chrome,
    pages: Callable[[Lang], Path],
    lang: Lang,
    size: tuple[int, int],
    dark: bool,
) -> None:
    """No sideways scroll, contrast of 4.5 and more, no text over another."""
    open_page(browser, pages(lang), size, dark=dark)

    found = measured(browser)

    assert 300 < found["count"]
    assert 0 >= found["scroll"]
    assert [] == found["weak"]
    assert [] == found["overlapping"]
    assert [] == found["cut"]


def test_no_request_leaves_the_page(
    browser: Chrome, pages: Callable[[Lang], Path]
) -> None:
    """The file itself is all that is ever asked for, and the console is silent."""
    page = pages("zh")
    browser.get_log("performance")  # type: ignore[no-untyped-call]
    browser.get_log("browser")  # type: ignore[no-untyped-call]

    open_page(browser, page, DESK)

    lines = browser.get_log("performance")  # type: ignore[no-untyped-call]
    events = [json.loads(line["message"])["message"] for line in lines]
    asked = {
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    }
    assert {page.as_uri()} == asked
    assert [] == measured(browser)["resources"]
    assert [] == browser.get_log("browser")  # type: ignore[no-untyped-call]


def test_the_page_forbids_what_it_does_not_need(
    browser: Chrome, pages: Callable[[Lang], Path]
) -> None:
    """Its policy stops even a script or a picture that somebody slips in."""
    open_page(browser, pages("en"), DESK)

    ran = browser.execute_script(
        """
        window.ran = 0;
        document.body.insertAdjacentHTML("beforeend", '<img src=x onerror="ran = 1">');
        const script = document.createElement("script");
        script.textContent = "window.ran = 2";
        document.body.append(script);
        return new Promise((done) => setTimeout(() => done(window.ran), 300));
        """
    )

    assert 0 == ran


def test_the_ruler_finds_what_is_wrong(browser: Chrome, tmp_path: Path) -> None:
    """Pale words, words over words and a page too wide are all found."""
    page = tmp_path / "bad.html"
    page.write_text(
        "<!doctype html><body style='margin:0'>"
        "<p style='color:#999;background:#fff'>pale words</p>"
        "<p style='position:absolute;top:190px;left:0'>first words</p>"
        "<p style='position:absolute;top:192px;left:9px'>second words</p>"
        "<svg width=300 height=40><rect width=300 height=40 fill='#333'/>"
        "<text x=5 y=25 fill='#444'>dark on dark</text></svg>"
        "<p style='white-space:nowrap'>" + "wide " * 200,
        encoding="utf-8",
    )

    open_page(browser, page, PHONE)

    found = measured(browser)
    assert ["pale words", "dark on dark"] == [one[6:] for one in found["weak"]]
    assert ["first words / second words"] == found["overlapping"]
    assert 0 < found["scroll"]
    assert 1 == len(found["cut"])
