"""Chromium without a screen, driven by Selenium."""

import base64
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

PATIENCE_S = 30.0

DESKTOP, PHONE = (1440, 900), (390, 844)

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--lang=en-GB",
)

# An answer that refuses is what some tests ask for; the browser notes each.
_EXPECTED = ("status of 401", "status of 403", "status of 404", "WebSocket connection", "ERR_CONNECTION_REFUSED")


class Chromium:
    """One browser with a profile of its own, on one page."""

    def __init__(
        self, url: str, profile: Path, *, size_px: tuple[int, int] = DESKTOP, flags: Sequence[str] = ()
    ) -> None:
        options = webdriver.ChromeOptions()
        for flag in (*_FLAGS, *flags, f"--user-data-dir={profile}", f"--window-size={size_px[0]},{size_px[1]}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
        self.url, self.size_px = url, size_px
        if size_px == PHONE:
            phone = {"width": size_px[0], "height": size_px[1], "deviceScaleFactor": 2, "mobile": True}
            self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)

    def open(self, path: str) -> "Chromium":
        """Go to a page, or within one."""
        self.driver.get(self.url + path)
        return self

    def dark(self, dark: bool) -> None:
        """As a device in dark mode, or not."""
        feature = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})

    def all(self, selector: str) -> list[WebElement]:
        """Every element that a CSS selector finds."""
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector: str) -> WebElement:
        """The first that is seen; waits for it."""
        return self.until(lambda: next((found for found in self.all(selector) if found.is_displayed()), None))

    def text(self, selector: str) -> str:
        """What stands there; nothing where there is none."""
        found = self.all(selector)
        return found[0].text if found else ""

    def run(self, script: str, *arguments: Any) -> Any:
        """The result of a script."""
        return self.driver.execute_script(script, *arguments)

    def until(self, condition: Callable[[], Any]) -> Any:
        """Wait until it holds; what it gives."""
        from selenium.common.exceptions import StaleElementReferenceException

        give_up_s = time.monotonic() + PATIENCE_S
        while True:
            try:
                found = condition()
            except StaleElementReferenceException:  # the page has just replaced it
                found = None
            if found:
                return found
            assert time.monotonic() < give_up_s, self.text("body")[:2000]
            time.sleep(0.05)

    def screenshot(self, path: Path, *, most_px: int = 2600) -> None:
        """A picture of the whole page, or of its beginning."""
        height = min(most_px, self.run("return document.documentElement.scrollHeight"))
        clip = {"x": 0, "y": 0, "width": self.size_px[0], "height": height, "scale": 1}
        whole = {"captureBeyondViewport": True, "clip": clip}
        path.write_bytes(base64.b64decode(self.driver.execute_cdp_cmd("Page.captureScreenshot", whole)["data"]))

    def complaints(self) -> list[str]:
        """What the console says that was not to be expected: faults of scripts, and what the policy forbids."""
        lines = [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]
        return [line for line in lines if not any(part in line for part in _EXPECTED)]

    def quit(self) -> None:
        """End it."""
        self.driver.quit()
