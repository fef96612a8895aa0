"""The page as a person uses it: sees a stream and its events, moves a threshold, logs in and out."""

import av
import pytest
from chromium import PHONE
from clips import write_clip
from page import CONFIG, CONTROL, VIEW, PageDaemon
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

CARD = "article[aria-label='Stream hall']"
SLIDER = f"{CARD} input[aria-label='Score at which reddening starts']"

# Whether something else than one flat colour was drawn.
IS_DRAWN = """
const canvas = document.querySelector(arguments[0]);
if (!canvas) return false;
const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
return pixels.some((value, index) => index % 4 === 3 && value > 0);
"""


def test_a_live_stream_is_seen(open_daemon, chromium):
    browser = chromium(open_daemon.url).open("/")
    browser.until(lambda: browser.text(f"{CARD} .chip") == "live")
    browser.until(lambda: not browser.one(f"{CARD} .picture").find_element(By.CLASS_NAME, "empty").is_displayed())
    assert browser.run(
        "const c = document.querySelector(arguments[0]); return [c.width, c.height]", f"{CARD} canvas"
    ) == [160, 90]
    scores = set()
    browser.until(lambda: scores.add(browser.text(f"{CARD} .score")) or len(scores) > 1)
    browser.until(lambda: browser.run(IS_DRAWN, f"{CARD} .line canvas"))
    browser.until(lambda: "frames/s scored" in browser.text(f"{CARD} .words"))
    assert browser.text("article[aria-label='Stream yard'] .chip") == "switched off"
    assert browser.text("article[aria-label='Stream phone'] .chip") == "waiting for a phone"


def test_nothing_is_sent_to_a_page_that_nobody_sees(open_daemon, chromium):
    browser = chromium(open_daemon.url).open("/")
    browser.until(lambda: not browser.one(f"{CARD} .picture").find_element(By.CLASS_NAME, "empty").is_displayed())
    browser.open("/#health")
    count = "return performance.getEntriesByType('mark').length"
    browser.run(
        "const draw = CanvasRenderingContext2D.prototype.drawImage;"
        "CanvasRenderingContext2D.prototype.drawImage = function (...a) { performance.mark('p'); draw.apply(this, a); }"
    )
    browser.until(lambda: browser.text("#stream-health"))
    before = browser.run(count)
    scored = browser.text("#stream-health")
    browser.until(lambda: browser.text("#stream-health") != scored)
    assert browser.run(count) <= before + 1


def test_an_event_arrives_and_can_be_looked_into(open_daemon, chromium):
    browser = chromium(open_daemon.url).open("/")
    browser.until(lambda: "reddening" in browser.text("#latest"))
    browser.until(lambda: "going on" in browser.text("#latest"))
    browser.open("/#events")
    row = browser.until(lambda: next((row for row in browser.all(".event") if "going on" not in row.text), None))
    assert "hall" in row.text
    row.find_element(By.TAG_NAME, "summary").click()
    browser.until(lambda: "Ended because" in browser.text(".event[open]"))
    picture = browser.one(".event[open] .more img")
    browser.until(lambda: browser.run("return arguments[0].naturalWidth", picture) == 64)
    browser.until(lambda: browser.run(IS_DRAWN, ".event[open] .more canvas"))


def test_the_clip_of_an_event_plays(tmp_path, web_toy, web_clip, chromium):
    text = CONFIG.replace("snapshot: {{width: 64}}", "evidence: clip").replace("2500ms", "1s, post_roll: 1s")
    with av.open(str(web_clip)) as video:
        frames = [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]
    clip = write_clip(
        tmp_path / "red.mp4", size_px=(160, 90), frames=len(frames), fps=10, paint=lambda i, *_: frames[i]
    )
    daemon = PageDaemon(tmp_path, text=text, toy=web_toy, clip=clip).start()
    try:
        browser = chromium(daemon.url).open("/#events")
        browser.until(lambda: list(tmp_path.glob("state/evidence/*/hall/*.mp4")))
        row = browser.all(".event")[-1]
        row.find_element(By.TAG_NAME, "summary").click()
        film = browser.one(".event[open] video")
        browser.run("arguments[0].muted = true; arguments[0].play()", film)
        browser.until(lambda: browser.run("return arguments[0].currentTime", film) > 0.5)
    finally:
        daemon.stop()


def test_events_are_filtered_by_what_is_chosen(open_daemon, chromium):
    browser = chromium(open_daemon.url).open("/#events")
    browser.until(lambda: "event" in browser.text("#event-count") and not browser.text("#event-count").startswith("No"))
    browser.one("#day-before").click()
    browser.until(lambda: browser.text("#event-count").startswith("No events"))
    browser.one("#day-today").click()
    browser.until(lambda: browser.all(".event"))
    browser.until(lambda: len(browser.all("#by-stream option")) == 4)
    browser.one("#by-stream").send_keys("yard")
    browser.until(lambda: not browser.all(".event"))


def test_a_threshold_is_moved_by_keyboard_and_kept_over_a_restart(start, chromium, free_port):
    daemon = start(port=free_port)
    browser = chromium(daemon.url).open("/")
    browser.until(lambda: "starts at 0.60" in browser.text(f"{CARD} .limits"))
    browser.one(SLIDER).send_keys(Keys.ARROW_RIGHT * 5)
    browser.until(lambda: "starts at 0.65, stops under 0.43" in browser.text(f"{CARD} .limits"))
    # Somebody else's page hears of it too.
    other = chromium(daemon.url).open("/")
    other.until(lambda: "starts at 0.65" in other.text(f"{CARD} .limits"))
    daemon.stop()
    browser.until(lambda: browser.text("#connection") == "Reconnecting…")
    daemon.start()
    for page in (browser, other):
        page.until(lambda page=page: page.text("#connection") == "Live")
        page.until(lambda page=page: "starts at 0.65, stops under 0.43" in page.text(f"{CARD} .limits"))
    # The page has a new session, so that it may still command.
    browser.one(SLIDER).send_keys(Keys.ARROW_LEFT * 5)
    other.until(lambda: "starts at 0.60" in other.text(f"{CARD} .limits"))


def test_a_stream_is_switched_by_keyboard(start, chromium):
    browser = chromium(start().url).open("/")
    switch = f"{CARD} [role=switch]"
    browser.until(lambda: browser.one(switch).get_attribute("aria-checked") == "true")
    browser.one(switch).send_keys(Keys.SPACE)
    browser.until(lambda: browser.text(f"{CARD} .chip") == "switched off")
    assert browser.one(switch).get_attribute("aria-checked") == "false"
    assert browser.driver.switch_to.active_element == browser.one(switch)
    browser.one(switch).send_keys(Keys.SPACE)
    browser.until(lambda: browser.text(f"{CARD} .chip") == "live")


def test_logging_in_and_out(locked_daemon, chromium):
    browser = chromium(locked_daemon.url).open("/")
    browser.until(lambda: browser.driver.current_url.endswith("/login"))
    browser.one("#password").send_keys("not the password", Keys.ENTER)
    browser.until(lambda: "not the password" in browser.text("#wrong"))
    browser.one("#password").send_keys(CONTROL, Keys.ENTER)
    browser.until(lambda: browser.text(f"{CARD} .chip") == "live")
    browser.one("#logout").click()
    browser.until(lambda: browser.driver.current_url.endswith("/login"))
    browser.open("/")
    browser.until(lambda: browser.driver.current_url.endswith("/login"))
    assert browser.driver.get_cookies() == []


def test_who_may_look_only_is_not_offered_more(locked_daemon, chromium):
    browser = chromium(locked_daemon.url).open("/login")
    browser.one("#password").send_keys(VIEW, Keys.ENTER)
    browser.until(lambda: browser.text(f"{CARD} .chip") == "live")
    assert not browser.all("input[type=range][aria-label^='Score']")
    assert not browser.all("[role=switch]")
    assert not browser.all("#camera-link:not([hidden])")
    browser.open("/camera")
    browser.until(lambda: browser.driver.current_url.endswith("/login#camera"))


def test_the_first_key_leads_past_the_navigation(open_daemon, chromium):
    browser = chromium(open_daemon.url).open("/")
    browser.one(CARD)
    browser.one("body").send_keys(Keys.TAB)
    assert browser.driver.switch_to.active_element.text == "To the content"


@pytest.mark.parametrize("view", ["streams", "events", "health"])
def test_nothing_is_wider_than_a_phone(open_daemon, chromium, view):
    browser = chromium(open_daemon.url, size_px=PHONE).open(f"/#{view}")
    browser.until(lambda: browser.text(f"#view-{view}"))
    browser.until(lambda: browser.all(".event") or view != "events")
    assert browser.run("return document.documentElement.scrollWidth") <= PHONE[0]
