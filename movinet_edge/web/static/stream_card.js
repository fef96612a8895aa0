// One stream: its picture, its actions with their thresholds, the last five minutes, and its switch.

import { get, post } from "./api.js";
import { draw, seriesColour } from "./chart.js";
import { element, setText } from "./dom.js";
import { ActionRow } from "./action_row.js";
import * as words from "./words.js";

const HISTORY_S = 300;

export class StreamCard {
  constructor(name, { mayControl, onTrouble }) {
    this.name = name;
    this.mayControl = mayControl;
    this.onTrouble = onTrouble;
    this.rows = new Map();
    this.points = [];
    this.actions = [];
    this.aheadS = 0; // the daemon's clock, of this device's: a Raspberry Pi has none that goes on without power
    this.build();
    this.loadHistory();
  }

  build() {
    this.chip = element("span", { class: "chip" }, "…");
    this.switch = element(
      "button",
      { class: "switch", type: "button", role: "switch", "aria-checked": "false", "aria-label": `Stream ${this.name}`, onclick: () => this.toggle() },
      element("span"),
    );
    this.canvas = element("canvas", { role: "img", "aria-label": `Live picture of ${this.name}` });
    this.emptyText = element("p", {}, "Waiting for a picture…");
    this.cameraLink = element("a", { class: "button", href: `/camera#${this.name}`, hidden: true }, "Use this device as camera");
    this.empty = element("div", { class: "empty" }, this.emptyText, this.cameraLink);
    this.badges = element("ol", { class: "badges", "aria-label": "Actions that go on" });
    this.words = element("div", { class: "words" });
    this.list = element("ul", { class: "actions" });
    this.seen = element("p", { class: "small" });
    this.chart = element("canvas", { role: "img", "aria-label": `Scores of ${this.name} in the last five minutes` });
    this.element = element(
      "article",
      { class: "card stream", "aria-label": `Stream ${this.name}` },
      element("header", {}, element("h2", {}, this.name), this.chip, this.mayControl ? this.switch : null),
      element("div", { class: "picture" }, this.canvas, this.empty, this.badges),
      this.words,
      element("div", {}, this.list, this.seen),
      element(
        "figure",
        { class: "line" },
        this.chart,
        element("figcaption", {}, element("span", {}, "5 minutes ago"), element("span", {}, "now")),
      ),
    );
  }

  async loadHistory() {
    try {
      const history = await get(`/api/streams/${encodeURIComponent(this.name)}/history`);
      this.actions = history.actions;
      const newer = this.points.filter(([at]) => at > (history.points.at(-1)?.[0] ?? 0));
      this.points = [...history.points, ...newer];
      this.drawSoon();
    } catch (error) {
      if (error.status !== 401) this.onTrouble(error);
    }
  }

  status(stream, isCamera) {
    this.isOn = stream.state !== "disabled";
    const [text, kind] = words.state(stream, isCamera);
    setText(this.chip, text);
    this.chip.className = `chip ${kind}`;
    this.switch.setAttribute("aria-checked", String(this.isOn));
    this.cameraLink.hidden = !(isCamera && this.isOn && this.mayControl);
    if (stream.state !== "live") {
      this.empty.hidden = false;
      setText(this.emptyText, this.isOn ? words.sentence(text) : "Switched off");
    }
    this.isLive = stream.state === "live";
    this.tell(words.health(stream, isCamera), stream.advice);
    this.showActions(stream.actions);
  }

  tell(text, advice) {
    const wanted = JSON.stringify([text, advice]);
    if (this.told === wanted) return;
    this.told = wanted;
    this.words.replaceChildren(
      ...(text ? [element("p", {}, text)] : []),
      ...advice.map((line) => element("p", { class: "advice" }, words.sentence(line))),
    );
  }

  showActions(actions) {
    for (const [name, row] of this.rows) {
      if (!actions.some((action) => action.name === name)) {
        row.element.remove();
        this.rows.delete(name);
      }
    }
    for (const action of actions) {
      if (!this.rows.has(action.name)) {
        const row = new ActionRow(this.name, action.name, seriesColour(this.rows.size), this);
        this.rows.set(action.name, row);
        this.list.append(row.element);
      }
      this.rows.get(action.name).status(action);
    }
    this.showBadges(actions.filter((action) => action.active).map((action) => action.name));
  }

  showBadges(active) {
    const text = active.join("\n");
    if (this.badgeText === text) return;
    this.badgeText = text;
    this.badges.replaceChildren(...active.map((name) => element("li", {}, name)));
  }

  scores({ at, actions, active, top }) {
    const names = Object.keys(actions);
    // A stream that watches every label has no rows while nothing goes on.
    setText(this.seen, this.rows.size ? "" : `Sees ${top.slice(0, 3).map(([label, value]) => `${label} ${words.score(value)}`).join(", ")}`);
    if (names.length && names.join() !== this.actions.join()) [this.actions, this.points] = [names, []];
    this.aheadS = at - Date.now() / 1000;
    this.points.push([at, ...this.actions.map((name) => actions[name] ?? 0)]);
    while (this.points.length && this.points[0][0] < at - HISTORY_S) this.points.shift();
    for (const [name, row] of this.rows) row.score(actions[name] ?? 0, active.includes(name));
    this.showBadges(active);
    this.drawSoon();
  }

  async picture(blob) {
    if (!this.isLive) return;
    let image;
    try {
      image = await createImageBitmap(blob);
    } catch {
      return; // cut off on the way
    }
    if (this.canvas.width !== image.width) this.canvas.width = image.width;
    if (this.canvas.height !== image.height) this.canvas.height = image.height;
    this.canvas.getContext("2d").drawImage(image, 0, 0);
    image.close();
    this.empty.hidden = true;
    this.hasPicture = true;
  }

  drawSoon() {
    if (this.drawing) return;
    this.drawing = requestAnimationFrame(() => {
      this.drawing = null;
      const to = Date.now() / 1000 + this.aheadS;
      const lines = this.actions.map((name, index) => ({
        colour: this.rows.get(name)?.colour ?? seriesColour(index),
        points: this.points.map((point) => [point[0], point[index + 1]]),
      }));
      draw(this.chart, { from: to - HISTORY_S, to, lines });
    });
  }

  async toggle() {
    this.switch.disabled = true;
    try {
      await post(`/api/streams/${encodeURIComponent(this.name)}/enabled`, { on: !this.isOn });
    } catch (error) {
      this.onTrouble(error);
    }
    this.switch.disabled = false;
    this.switch.focus();
  }

  // How wide the picture is on the screen, in its pixels.
  get width() {
    return Math.min(1280, Math.round(this.canvas.clientWidth * Math.min(devicePixelRatio || 1, 1.5)));
  }
}
