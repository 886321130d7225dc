#!/usr/bin/env python3
"""Opens the pages of report, explain and train --dashboard in Chromium and says what is amiss.

    scripts/check-pages.py PAGE… [--screenshots FOLDER] [--chromium /usr/bin/chromium]

PAGE is a file or an address. Each is opened 390, 800 and 1440 px wide, light and dark; the narrow one is a phone with a touch screen.
It must log no error, ask nothing of the network (an address: of its own server only; its page is held as it was opened), fit the width, pass axe's rules of WCAG 2.2 A
and AA with everything unfolded, draw lines and words that stand out (3:1 and 4.5:1), and open within a second (the fastest of the six;
files of at most 3 MB). Every plot must be reached by Tab; arrows, Page Up, Page Down, Home and End must move its reading, Escape must
end it, and a tap must show a value. Tables must sort by Enter, Space and click, and say so (aria-sort).

Needs playwright, axe-playwright-python and Chromium; the program itself needs none of them. Exit code 1: one line for each finding.
"""
import argparse
import os
import sys

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Error, sync_playwright

WIDTHS, SCHEMES = (390, 800, 1440), ("light", "dark")
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], "resultTypes": ["violations", "incomplete"]}
MOST_BYTES, MOST_SECONDS = 3_000_000, 1.0

# Two frames: what a key asked for is drawn in the first.
FRAME = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done())))"

# What is read at a plot or at a row of the timeline.
READING = """stage => {
  const holder = stage.closest("figure, .rank");
  return { at: holder.querySelector(".at").textContent, now: Number(stage.getAttribute("aria-valuenow")),
    text: stage.getAttribute("aria-valuetext"), isRead: stage.querySelector(".cursor, hr") !== null };
}"""

# Contrast of words and lines in drawings, which axe does not look at, against the page.
DRAWN = """() => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
  const luminance = color => {
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map(part => part / 255)
      .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = luminance(getComputedStyle(document.body).backgroundColor), found = new Set();
  const demand = (element, name, color, least) => {
    const one = luminance(color), ratio = (Math.max(one, ground) + 0.05) / (Math.min(one, ground) + 0.05);
    if (ratio < least) found.add(`${name} ${color} has a contrast of ${ratio.toFixed(2)}, expected ${least}`);
  };
  for (const one of document.querySelectorAll("svg text")) demand(one, "svg text", getComputedStyle(one).fill, 4.5);
  for (const one of document.querySelectorAll("path.mean, path.mark, path.bar, path.axis, path.whisker, circle")) {
    const style = getComputedStyle(one), line = style.stroke === "none" ? style.fill : style.stroke;
    demand(one, `${one.tagName}.${one.getAttribute("class")}`, line, 3);
  }
  return [...found];
}"""

# Whether the rows of a table stand in the order of one of its columns.
IN_ORDER = """([table, column, isUp]) => {
  const keys = [...table.tBodies[0].rows].map(row => row.cells[column].dataset.sort).filter(key => key !== "");
  return keys.slice(1).every((key, index) => {
    const [a, b] = isUp ? [keys[index], key] : [key, keys[index]];
    return isNaN(a) || isNaN(b) ? a.localeCompare(b) <= 0 : Number(a) <= Number(b);
  });
}"""


class Check:
    """One page at one width in one colour scheme."""

    def __init__(self, page, name, report):
        self.page, self.name, self.report = page, name, report

    def find(self, text):
        self.report(f"{self.name}: {text}")

    def reading(self, stage):
        self.page.evaluate(FRAME)
        return stage.evaluate(READING)

    def layout(self):
        overflow = self.page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if overflow > 0:
            self.find(f"the page is {overflow} px wider than the screen")
        for text in self.page.evaluate(DRAWN):
            self.find(text)

    def rules(self):
        self.page.evaluate("() => document.querySelectorAll('details').forEach(one => { one.open = true; })")
        results = Axe().run(self.page, options=RULES).response
        for rule in results["violations"]:
            nodes = rule["nodes"]
            summary = " ".join(nodes[0]["failureSummary"].split())
            self.find(f"axe {rule['id']}: {len(nodes)} elements, first {nodes[0]['target'][0]}: {summary}")
        return {rule["id"]: len(rule["nodes"]) for rule in results["incomplete"]}

    def keyboard(self):
        stages = self.page.query_selector_all("[role=slider]")
        self.page.evaluate("() => { document.activeElement.blur(); window.checkedStages = new Set(); }")
        places = self.page.evaluate("() => document.querySelectorAll('a, button, input, summary, [tabindex]').length")
        for _ in range(places + 2):
            self.page.keyboard.press("Tab")
            self.page.evaluate("() => window.checkedStages.add(document.activeElement)")
        for stage in stages:
            label = stage.get_attribute("aria-label")
            if not stage.evaluate("stage => window.checkedStages.has(stage)"):
                self.find(f"Tab does not reach '{label}'")
                continue
            self.keys(stage, label)

    def keys(self, stage, label):
        stage.focus()
        resting = self.reading(stage)
        values = {}
        for key in ("Home", "ArrowRight", "PageUp", "ArrowLeft", "PageDown", "End"):
            self.page.keyboard.press(key)
            values[key] = self.reading(stage)
            if not values[key]["isRead"]:
                self.find(f"{key} shows no value in '{label}'")
        first, last = values["Home"]["now"], values["End"]["now"]
        order = [values[key]["now"] for key in ("Home", "ArrowRight", "PageUp")]
        if last > first and not (order[0] < order[1] <= order[2] and order[0] <= values["PageDown"]["now"] <= order[2] <= last):
            self.find(f"keys do not move the reading of '{label}' as they should: { {key: one['now'] for key, one in values.items()} }")
        if last < first or (last > first and values["Home"]["text"] == values["End"]["text"]):
            self.find(f"Home and End read the same of '{label}'")
        self.page.keyboard.press("Escape")
        ended = self.reading(stage)
        if ended != resting:
            self.find(f"Escape does not end the reading of '{label}': {ended}, before it {resting}")

    def touch(self):
        for stage in self.page.query_selector_all("[role=slider]"):
            label = stage.get_attribute("aria-label")
            stage.scroll_into_view_if_needed()
            box = stage.bounding_box()
            self.page.touchscreen.tap(box["x"] + 0.4 * box["width"], box["y"] + 0.5 * box["height"])
            reading = self.reading(stage)
            if not reading["isRead"]:
                self.find(f"a tap shows no value in '{label}'")
            self.page.touchscreen.tap(box["x"] + 2, max(1, box["y"] - 30))
            if self.reading(stage)["isRead"]:
                self.find(f"a tap beside '{label}' does not end its reading")

    def tables(self):
        for table in self.page.query_selector_all("table.sortable"):
            for column, head in enumerate(table.query_selector_all("thead th")):
                button = head.query_selector("button")
                for way in ("Enter", "Space", "click"):
                    before = head.get_attribute("aria-sort")
                    if way == "click":
                        button.click()
                    else:
                        button.press(way)
                    now = head.get_attribute("aria-sort")
                    in_order = now != before and self.page.evaluate(IN_ORDER, [table, column, now == "ascending"])
                    if not in_order:
                        self.find(f"{way} on '{button.inner_text()}' does not sort the table (aria-sort {before}, then {now})")


def hold(page, address):
    """Makes a page of a run that goes on stay as it was opened: what is looked at would be put in anew meanwhile. Its events go on."""
    kept = []

    def answer(route):
        if not kept:
            kept.append(route.fetch())
        route.fulfill(response=kept[0])

    page.route(lambda url: url == address, answer)


def judge(browser, target, screenshots, report):
    """All widths and schemes of one page; returns what is worth knowing of it in a line."""
    is_file = os.path.exists(target)
    address = "file://" + os.path.abspath(target) if is_file else target
    origin = None if is_file else "/".join(target.split("/")[:3])
    short = os.path.basename(target) if is_file else origin
    seconds, unjudged = [], {}
    if is_file and os.path.getsize(target) > MOST_BYTES:
        report(f"{short}: {os.path.getsize(target)} bytes, expected at most {MOST_BYTES}")
    for width in WIDTHS:
        for scheme in SCHEMES:
            is_phone = width == min(WIDTHS)
            context = browser.new_context(
                viewport={"width": width, "height": 844 if is_phone else 900}, color_scheme=scheme, has_touch=is_phone,
                is_mobile=is_phone, device_scale_factor=2 if is_phone else 1, reduced_motion="reduce")
            page = context.new_page()
            check = Check(page, f"{short} {width} px {scheme}", report)
            page.on("console", lambda message, check=check:
                    check.find(f"console: {message.text}") if message.type in ("error", "warning") else None)
            page.on("pageerror", lambda error, check=check: check.find(f"script: {error}"))

            def asked(request, check=check):
                url = request.url
                if url != address and not url.startswith("data:") and not (origin and url.startswith(origin + "/")):
                    check.find(f"asks the network for {url}")

            page.on("request", asked)
            if not is_file:
                hold(page, address)
            try:
                page.goto(address, wait_until="load")
            except Error as error:
                report(f"{short}: cannot be opened ({error.message.splitlines()[0]})")
                return f"{short}: not checked"
            page.evaluate(FRAME)
            seconds.append(page.evaluate("() => performance.now()") / 1000)
            if screenshots:
                page.screenshot(path=f"{screenshots}/{os.path.splitext(short.split('/')[-1])[0]}-{width}-{scheme}.png", full_page=True)
            check.layout()
            for rule, count in check.rules().items():
                unjudged[rule] = max(count, unjudged.get(rule, 0))
            # What fingers and keys do is the same in either light.
            if scheme == "light":
                if is_phone:
                    check.touch()
                else:
                    check.keyboard()
                check.tables()
            context.close()
    if min(seconds) > MOST_SECONDS:
        report(f"{short}: opens in {min(seconds):.2f} s, expected at most {MOST_SECONDS}")
    left = ", ".join(f"{rule} {count}" for rule, count in sorted(unjudged.items())) or "nothing"
    return f"{short}: open after {min(seconds):.2f} to {max(seconds):.2f} s; axe left to people: {left}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="+", metavar="PAGE")
    parser.add_argument("--screenshots", metavar="FOLDER")
    parser.add_argument("--chromium", default="/usr/bin/chromium", metavar="PATH")
    options = parser.parse_args()
    if options.screenshots:
        os.makedirs(options.screenshots, exist_ok=True)
    findings = []

    def report(text):
        findings.append(text)
        print(text, flush=True)

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=options.chromium, args=["--no-sandbox"])
        for target in options.pages:
            print(judge(browser, target, options.screenshots, report), flush=True)
        browser.close()
    if findings:
        sys.exit(1)


if __name__ == "__main__":
    main()
