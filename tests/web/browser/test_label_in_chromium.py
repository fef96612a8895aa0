"""What an event really was, said on the page, as a person says it."""

from page import CONTROL, VIEW
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

FORM = ".event[open] form[aria-label='What was it really?']"


def open_an_event(browser):
    browser.open("/#events")
    row = browser.until(lambda: next((row for row in browser.all(".event") if "going on" not in row.text), None))
    row.find_element(By.TAG_NAME, "summary").click()
    browser.until(lambda: "Ended because" in browser.text(".event[open]"))


def log_in(browser, password):
    browser.open("/login")
    browser.one("input[type=password]").send_keys(password, Keys.ENTER)
    browser.until(lambda: browser.all("#cards"))


def test_an_event_is_labelled(locked_daemon, chromium):
    browser = chromium(locked_daemon.url)
    log_in(browser, CONTROL)
    open_an_event(browser)
    browser.until(lambda: "What was it really?" in browser.text(FORM))
    browser.one(f"{FORM} button").click()
    browser.until(lambda: "Kept as reddening" in browser.text(FORM))
    browser.one(f"{FORM} input").send_keys("a sunset", Keys.ENTER)
    browser.until(lambda: "Kept as a sunset. There is no clip" in browser.text(FORM))
    assert '"action":"a sunset"' in (locked_daemon.folder / "state" / "examples" / "labels.jsonl").read_text()


def test_who_may_only_look_is_not_asked(locked_daemon, chromium):
    browser = chromium(locked_daemon.url)
    log_in(browser, VIEW)
    open_an_event(browser)
    assert not browser.all(FORM)
