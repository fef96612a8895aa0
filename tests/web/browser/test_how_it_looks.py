"""Pictures of every view for a person to look at, and what axe-core says of them."""

import pytest
from chromium import DESKTOP, PHONE
from page import CONTROL

SIZES = {"desktop": DESKTOP, "phone": PHONE}

RUN_AXE = """
const done = arguments[arguments.length - 1];
axe.run(document, {resultTypes: ["violations"]}).then((result) => done(result.violations), (e) => done([String(e)]));
"""


@pytest.fixture
def look(chromium, screenshots, axe):
    """A browser, where its pictures go, and the script that judges."""
    return lambda url, **options: (chromium(url, **options), screenshots, axe)


def look_at(browser, view):
    """Wait until there is something to see."""
    browser.open(f"/#{view}")
    browser.until(lambda: browser.text("#connection") == "Live" and browser.text(f"#view-{view}"))
    if view == "events":
        browser.until(lambda: browser.all(".event"))
        browser.run("document.querySelector('.event:last-child').open = true")
        browser.until(lambda: browser.text(".event[open] .more"))
    if view == "streams":
        browser.until(lambda: browser.run("return !document.querySelector('.picture .empty[hidden]') === false"))


def serious_faults(browser, axe):
    browser.run(axe)
    faults = browser.driver.execute_async_script(RUN_AXE)
    return [
        f"{fault['id']}: {fault['help']}: {[node['html'] for node in fault['nodes']][:3]}"
        for fault in faults
        if fault["impact"] in ("serious", "critical", "moderate")
    ]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("mode", ["light", "dark"])
def test_every_view(open_daemon, locked_daemon, look, size, mode):
    browser, screenshots, axe = look(open_daemon.url, size_px=SIZES[size])
    browser.dark(mode == "dark")
    kind, faults = f"{size}-{mode}", {}
    for view in ("streams", "events", "health"):
        look_at(browser, view)
        browser.screenshot(screenshots / f"{kind}-{view}.png")
        faults[view] = serious_faults(browser, axe)
    browser.open("/camera")
    browser.one("#start")
    browser.screenshot(screenshots / f"{kind}-camera-off.png")
    faults["camera"] = serious_faults(browser, axe)
    browser.url = locked_daemon.url
    browser.open("/login").one("#password").send_keys(CONTROL[:4])
    browser.screenshot(screenshots / f"{kind}-login.png")
    faults["login"] = serious_faults(browser, axe)
    assert not any(faults.values()), faults
