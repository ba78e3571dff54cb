"""The page of `log export` in a real browser: read, searched, enlarged, compared, printed, and attacked."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from plcli.exchange import Exchange, Target
from plcli.media import Json, MediaRef
from plcli.mediastore import MediaStore
from plcli.records import ExpectationRecord, Record, ResponseRecord
from plcli.render.page import page
from plcli.response import Failure, ImagePart, ReasoningPart, TextPart, ToolCallPart, Usage
from plcli.traffic import exchange_records
from tests.support.pictures import SVG, png

pytestmark = pytest.mark.storm

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
REQUIRED = bool(os.environ.get("PLCLI_REQUIRE_CHROMIUM"))
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

ATTACK = "</script></style><script>window.hit = 1</script><img src=https://example.invalid/x onerror='window.hit = 1'>"


def a_record(number: int, *, wire: Json, model: str = "m-1", **fields: Any) -> Record:
    exchange = Exchange("k", Target("chat.completions.create", model), wire, {"ok": 1}, False, (), "t", 100, 200)
    given = {"provider": "openai", "api": "chat", "model": model, "exchanges": exchange_records([exchange]), **fields}
    return Record(id=f"r-{number}", time="2026-11-26T07:00:00Z", command="run", plcli="0.1.0", **given)


def asking(text: str, **more: Json) -> Json:
    return {"messages": [{"role": "system", "content": "Be terse."}, {"role": "user", "content": text}], **more}


def records(store: MediaStore) -> list[Record]:
    """Two runs that differ, one with pictures, one that shows the first of these again, a blocked and a hostile one."""
    sizeless = SVG.replace(b'width="8" height="8">', b'viewBox="0 0 8 8">', 1)
    red, blue, svg = (store.put(data, "image/png") for data in (png(64, 48), png(48, 64, (20, 40, 200), 120), sizeless))
    pictures = [
        ImagePart(media=red, mime="image/png", width=64, height=48, revised_prompt="a red field",
                  requested={"quality": "high"}, served={"quality": "low"}),
        ImagePart(media=blue, mime="image/png", width=48, height=64),
        ImagePart(media=svg, mime="image/svg+xml"),
        ImagePart(faults=["not fetched"], url="https://files.example.com/" + "x" * 300),
    ]  # fmt: skip
    again = [{"type": "image_url", "image_url": {"url": MediaRef(red, "image/png", "data-url")}}]
    call = ToolCallPart(id="c", name="get_weather", arguments={"city": "Paris"})
    thought, long = ReasoningPart(text="Hm."), TextPart(text="word" * 400)
    held = [ExpectationRecord(path="expect[0]", passed=True), ExpectationRecord(path="expect[1]", passed=False)]
    return [
        a_record(1, wire=asking("Weather?", temperature=0), usage=Usage(input_tokens=3, output_tokens=4), tags=["mine"],
                 response=ResponseRecord(state="ok", parts=[thought, TextPart(text="It rains here.")])),
        a_record(2, wire=asking("Weather?", temperature=1), model="m-2", expectations=held,
                 response=ResponseRecord(state="tool_calls", parts=[TextPart(text="It snows here."), call])),
        a_record(3, wire=asking("Draw."), response=ResponseRecord(state="ok", missing=1, parts=pictures)),
        a_record(4, wire={"messages": [{"role": "user", "content": again}]},
                 response=ResponseRecord(state="incomplete", parts=[long], finish_reason="length")),
        a_record(5, wire=asking("no"), response=ResponseRecord(state="blocked"),
                 error=Failure(kind="safety", message="stopped by the safety system", hint="ask otherwise")),
        a_record(6, wire=asking(ATTACK, odd=ATTACK), model=ATTACK, tags=[ATTACK], variables={ATTACK: ATTACK},
                 response=ResponseRecord(state="ok", parts=[TextPart(text=ATTACK), ImagePart(revised_prompt=ATTACK)])),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium as it is on this machine, with a profile of its own."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        assert not REQUIRED, "playwright is not installed: pip install --group browser"
        pytest.skip("playwright is not installed")
    if CHROMIUM is None:
        assert not REQUIRED, "there is no Chromium"
        pytest.skip("there is no Chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS, chromium_sandbox=False)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with all kinds of runs."""
    folder = tmp_path_factory.mktemp("page")
    store = MediaStore(folder / "media")
    path = folder / "page.html"
    path.write_text("".join(page(records(store), store, title="Runs")), encoding="utf-8")
    return path


Shown = Callable[..., Any]


@pytest.fixture
def shown(browser: Any, file: Path) -> Iterator[Shown]:
    """Opens the page; at the end nothing has left it, and the browser has had nothing to say."""
    contexts: list[Any] = []
    said: list[str] = []

    def open_page(width: int = 1440, **options: Any) -> Any:
        context = browser.new_context(viewport={"width": width, "height": 900}, reduced_motion="reduce", **options)
        contexts.append(context)
        opened = context.new_page()
        opened.on("console", lambda message: said.append(message.text))
        opened.on("pageerror", lambda error: said.append(str(error)))
        opened.on(
            "request", lambda request: said.append(request.url) if request.url[:5] not in ("data:", "file:") else 0
        )
        opened.goto(file.as_uri())
        return opened

    yield open_page
    for context in contexts:
        context.close()
    assert said == []


def visible(opened: Any) -> list[str]:
    """The runs that can be seen."""
    return [card.get_attribute("data-tail") for card in opened.locator(".card:visible").all()]


def test_search_and_chips_narrow_the_runs(shown: Shown) -> None:
    opened = shown()
    assert visible(opened) == ["1", "2", "3", "4", "5", "6"]
    opened.keyboard.press("/")
    opened.keyboard.type("SNOWS weather")
    assert visible(opened) == ["2"]
    assert opened.get_by_role("status").inner_text() == "1 of 6 runs"
    assert opened.locator(".index li:visible").count() == 1
    assert opened.evaluate("CSS.highlights.get('found').size") > 0
    opened.keyboard.press("Enter")
    assert opened.locator(".card.current").get_attribute("data-tail") == "2"
    assert opened.evaluate("document.activeElement.id") == "run-r-2"
    opened.keyboard.press("/")
    opened.keyboard.press("Escape")
    assert len(visible(opened)) == 6
    chip = opened.get_by_role("button", name="blocked 1")
    chip.click()
    assert visible(opened) == ["5"]
    assert chip.get_attribute("aria-pressed") == "true"
    opened.get_by_role("button", name="incomplete 1").click()
    assert visible(opened) == ["4", "5"]
    chip.click()
    opened.get_by_role("searchbox").fill("nothing has these words")
    assert visible(opened) == []


def test_pictures_are_large_on_click_and_by_key(shown: Shown) -> None:
    opened = shown()
    viewer = opened.locator("#viewer")
    opened.get_by_role("img", name="a red field").first.click()
    assert viewer.locator(".place").inner_text() == "1 of 4"
    assert viewer.locator("figcaption").inner_text() == "a red field"
    box = viewer.locator("img").bounding_box()
    assert box["width"] > 1000
    opened.keyboard.press("ArrowRight")
    assert viewer.locator(".place").inner_text() == "2 of 4"
    for _ in range(2):
        opened.keyboard.press("ArrowLeft")
    assert viewer.locator(".place").inner_text() == "4 of 4"
    assert viewer.locator("img").evaluate("image => image.naturalWidth") == 64
    opened.keyboard.press("Escape")
    assert not viewer.is_visible()
    assert opened.evaluate("document.activeElement.className") == "zoom"
    opened.get_by_role("img", name="a red field").first.click()
    viewer.get_by_role("button", name="close").click()
    assert not viewer.is_visible()


def test_keys_move_open_and_explain(shown: Shown) -> None:
    opened = shown()
    current = opened.locator(".card.current")
    for key, tail in (("j", "1"), ("j", "2"), ("j", "3"), ("k", "2"), ("k", "1"), ("k", "1")):
        opened.keyboard.press(key)
        assert current.get_attribute("data-tail") == tail
        assert current.evaluate("card => card === document.activeElement")
    assert not opened.get_by_text("Hm.").is_visible()
    opened.keyboard.press("Enter")
    assert opened.get_by_text("Hm.").is_visible()
    opened.keyboard.press("o")
    assert not opened.get_by_text("Hm.").is_visible()
    for key in "jjo":
        opened.keyboard.press(key)
    assert opened.locator("#viewer").is_visible()
    opened.keyboard.press("Escape")
    opened.keyboard.press("?")
    assert opened.get_by_role("dialog", name="Keys").is_visible()
    opened.keyboard.press("j")
    opened.keyboard.press("Escape")
    assert current.get_attribute("data-tail") == "3"


def test_two_runs_side_by_side_have_room_for_their_names_in_a_narrow_window(shown: Shown) -> None:
    opened = shown(390)
    for number in (1, 2):
        opened.locator(f"#run-r-{number} .mark").click()
    for number in (1, 2):
        card = opened.locator(f"#run-r-{number}")
        assert card.locator("h2").bounding_box()["width"] > 0.8 * card.bounding_box()["width"]


def test_two_runs_stand_side_by_side(shown: Shown) -> None:
    opened = shown()
    for key in "jcjc":
        opened.keyboard.press(key)
    assert visible(opened) == ["1", "2"]
    left, right = (opened.locator(f"#run-r-{number}") for number in (1, 2))
    for part in (".asked", ".answered", ".facts"):
        one, two = (card.locator(f"> {part}").bounding_box() for card in (left, right))
        assert one["y"] == two["y"]
        assert one["x"] + one["width"] < two["x"]
    differing = left.locator(".facts .differs").evaluate_all("rows => rows.map(row => row.dataset.name)")
    assert differing == ["setting params.temperature", "fact tags"]
    words = opened.evaluate("[...CSS.highlights.get('changed')].map(range => range.toString())")
    assert words == ["rains", "snows"]
    opened.keyboard.press("Escape")
    assert len(visible(opened)) == 6
    assert opened.locator(".differs[data-name]").count() == 0
    for number in (3, 5, 6):
        opened.locator(f"#run-r-{number}").get_by_label("compare").check()
        if number == 5:
            opened.get_by_role("button", name="back to all runs").click()
            opened.locator("#run-r-3").get_by_label("compare").check()
    assert visible(opened) == ["3", "6"]


def test_the_policy_of_the_page_stops_what_gets_in(browser: Any, file: Path) -> None:
    opened = browser.new_page()
    sent: list[str] = []
    failed: set[str] = set()
    opened.on("requestfinished", lambda request: sent.append(request.url))
    opened.on("requestfailed", lambda request: failed.add(request.failure))
    opened.goto(file.as_uri())
    assert opened.evaluate("window.hit") is None
    stopped = opened.evaluate(
        """async () => {
            const stopped = [];
            document.addEventListener("securitypolicyviolation", (event) => stopped.push(event.effectiveDirective));
            document.body.insertAdjacentHTML("beforeend", `<p style="color: red" onclick="window.hit = 1">x</p>
                <img src="https://example.invalid/a"><iframe src="https://example.invalid/b"></iframe>
                <link rel="stylesheet" href="https://example.invalid/c">`);
            document.body.lastElementChild.parentElement.querySelector("p[onclick]").click();
            const script = document.createElement("script");
            script.textContent = "window.hit = 1";
            document.body.append(script);
            await fetch("https://example.invalid/d").catch(() => 0);
            await new Promise((done) => setTimeout(done, 200));
            return [...new Set(stopped)].sort();
        }"""
    )
    assert stopped == [
        "connect-src", "frame-src", "img-src", "script-src-attr", "script-src-elem", "style-src-attr", "style-src-elem"
    ]  # fmt: skip
    assert opened.evaluate("window.hit") is None
    assert [url for url in sent if not url.startswith(("file:", "data:"))] == []
    assert failed == {"csp"}
    opened.close()


CONTRAST = """() => {
    const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
    const light = ([r, g, b]) => [r, g, b].map((value) => value / 255)
        .map((value) => value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
        .reduce((sum, value, at) => sum + value * [0.2126, 0.7152, 0.0722][at], 0);
    const ground = (element) => {
        const colour = channels(getComputedStyle(element).backgroundColor);
        return (colour[3] ?? 1) > 0 || !element.parentElement ? colour : ground(element.parentElement);
    };
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const weak = new Set();
    for (let node; (node = walker.nextNode()); ) {
        const element = node.parentElement;
        if (!node.data.trim() || !element.checkVisibility({ visibilityProperty: true })) continue;
        const [one, two] = [light(channels(getComputedStyle(element).color)), light(ground(element))];
        const ratio = (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
        if (ratio < 4.5) weak.add(`${element.tagName}.${element.className}: ${ratio.toFixed(2)}`);
    }
    return [...weak];
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read_in_light_and_dark(shown: Shown, scheme: str) -> None:
    opened = shown(color_scheme=scheme)
    ground = opened.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    assert (sum(ground) > 400) is (scheme == "light")
    opened.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
    assert opened.evaluate(CONTRAST) == []
    opened.get_by_role("button", name="blocked 1").click()
    opened.get_by_role("button", name="blocked 1").click()
    for key in "jcjc":
        opened.keyboard.press(key)
    assert opened.evaluate(CONTRAST) == []
    opened.keyboard.press("?")
    assert opened.evaluate(CONTRAST) == []


@pytest.mark.parametrize("width", [360, 820, 1440])
def test_nothing_stands_out_of_the_window(shown: Shown, width: int) -> None:
    opened = shown(width)

    def overflow() -> Any:
        return opened.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")

    assert overflow() == 0
    opened.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
    assert overflow() == 0
    for card in opened.locator(".card").all():
        assert card.evaluate("card => card.scrollWidth <= card.clientWidth"), card.get_attribute("id")
    for picture in opened.locator(".zoom img").all():
        box = picture.bounding_box()
        assert min(box["width"], box["height"]) >= 48
    for number in (3, 4):
        opened.locator(f"#run-r-{number}").get_by_label("compare").check()
    assert opened.locator("main.pair").count() == 1
    assert overflow() == 0


def test_paper_has_no_controls_and_holds_everything(shown: Shown) -> None:
    opened = shown(color_scheme="dark")
    opened.emulate_media(media="print")
    assert opened.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    for selector in (".tools", ".mark", ".pairbar", "dialog"):
        assert opened.locator(f"{selector}:visible").count() == 0
    assert opened.locator(".reasoning .words").first.is_visible()
    assert opened.evaluate(CONTRAST) == []
    data = opened.pdf(format="A4")
    assert data.startswith(b"%PDF-")
    assert data.count(b"/Type /Page\n") >= 2


def test_without_scripts_all_can_be_read(shown: Shown) -> None:
    opened = shown(java_script_enabled=False)
    assert visible(opened) == ["1", "2", "3", "4", "5", "6"]
    for selector in (".tools", ".mark", ".pairbar", "dialog"):
        assert opened.locator(f"{selector}:visible").count() == 0
    picture = opened.get_by_role("img", name="a red field")
    again = opened.get_by_role("link", name="the same picture as above")
    again.click()
    assert picture.first.is_visible()
    assert opened.url.partition("#")[2].startswith("media-")


def test_the_page_has_landmarks_and_names(shown: Shown) -> None:
    opened = shown()
    for role in ("main", "search", "navigation", "complementary", "contentinfo"):
        assert opened.get_by_role(role).count() == 1, role
    assert opened.get_by_role("article").count() == 6
    nameless = (
        "things => things.filter((one) => !(one.textContent.trim() || one.ariaLabel || one.labels?.length)).length"
    )
    assert opened.locator("button, input").evaluate_all(nameless) == 0
    assert opened.locator("img:not([alt])").count() == 0
    opened.keyboard.press("Tab")
    assert opened.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
