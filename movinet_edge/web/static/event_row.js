// One event in the list: closed a line with a small picture, open everything that is known of it.

import { get } from "./api.js";
import { draw } from "./chart.js";
import { element, facts, setText } from "./dom.js";
import { EventLabel } from "./event_label.js";
import * as words from "./words.js";

export class EventRow {
  constructor(id) {
    this.id = id;
    this.path = `/api/events/${encodeURIComponent(id)}`;
    this.thumb = element("span", { class: "thumb" }, "no picture");
    this.title = element("b");
    this.chip = element("span", { class: "chip good" }, "going on");
    this.when = element("p");
    this.peak = element("b");
    this.more = element("div", { class: "more" });
    const summary = element(
      "summary",
      {},
      this.thumb,
      element("div", { class: "what" }, this.title, this.chip, this.when),
      element("div", { class: "peak" }, this.peak, "peak"),
    );
    this.details = element("details", { class: "card event", ontoggle: () => this.details.open && this.open() }, summary, this.more);
    this.element = element("li", {}, this.details);
  }

  update(event) {
    const before = this.event;
    this.event = event;
    setText(this.title, event.action);
    this.chip.hidden = event.stopped;
    const lasted = event.stopped || event.duration_s >= 1 ? ` · ${words.duration(event.duration_s)}` : "";
    setText(this.when, `${words.time(event.started_at)} · ${event.stream}${lasted}`);
    setText(this.peak, words.score(event.peak_score));
    if (event.snapshot && (!before?.snapshot || before.stopped !== event.stopped)) this.picture();
    if (this.details.open && JSON.stringify(before) !== JSON.stringify(event)) this.open();
  }

  picture() {
    // The picture of the peak takes the place of that of the start, under the same address.
    const source = `${this.path}/snapshot?${this.event.stopped ? "stop" : "start"}`;
    const image = element("img", { class: "thumb", alt: "", loading: "lazy", src: source });
    image.addEventListener("error", () => image.replaceWith(element("span", { class: "thumb" }, "no picture")));
    this.thumb.replaceWith(image);
    this.thumb = image;
    this.source = source;
  }

  async open() {
    const event = this.event;
    const side = element("div", { class: "side" });
    side.append(facts([
      ["Started", words.dateTime(event.started_at)],
      ["Ended", event.ended_at && words.dateTime(event.ended_at)],
      ["Lasted", event.stopped && words.duration(event.duration_s)],
      ["Stream", event.stream],
      ["Peak score", words.score(event.peak_score)],
      ["Labels", event.labels.join(", ")],
      ["Ended because", event.reason && words.reason(event.reason)],
      ["Model", event.model],
    ]));
    const label = EventLabel.of(event, this.path);
    if (label) side.append(label);
    this.more.replaceChildren(this.evidence(event), side);
    try {
      const curve = await get(`${this.path}/curve`);
      if (curve.points.length > 1) side.prepend(this.curve(curve));
    } catch (error) {
      if (error.status !== 404) throw error;
    }
  }

  evidence(event) {
    if (event.clip) {
      const still = event.snapshot ? element("img", { src: this.source, alt: `${event.action} on ${event.stream}` }) : null;
      const film = element("video", { src: `${this.path}/clip`, poster: event.snapshot ? this.source : "", controls: true, playsInline: true, preload: "metadata", "aria-label": `Clip of ${event.action}` });
      // It is written some seconds after the stop, and deleted before its event is.
      film.addEventListener("error", () => still && film.replaceWith(still));
      return film;
    }
    if (event.snapshot) return element("img", { src: this.source, alt: `${event.action} on ${event.stream}` });
    return element("p", { class: "muted" }, "There is no picture of this event: none was kept, or it was deleted meanwhile. “evidence” in the stream’s settings says of which actions pictures are kept.");
  }

  curve(curve) {
    const canvas = element("canvas", { role: "img", "aria-label": `Scores of ${this.event.action}, from its start to its end` });
    const from = curve.points[0][0], to = curve.points.at(-1)[0];
    const marks = [{ at: curve.started, text: "start" }];
    if (curve.ended !== null) marks.push({ at: curve.ended, text: "stop" });
    requestAnimationFrame(() => draw(canvas, {
      from, to, marks, levels: curve.levels, shade: [curve.started, curve.ended ?? to],
      lines: [{ colour: "--accent", points: curve.points }],
    }));
    return element("figure", {}, canvas, element("figcaption", {}, `Score over ${words.duration(to - from)}`));
  }
}
