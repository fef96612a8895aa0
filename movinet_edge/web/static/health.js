// The figures of `movinet-edge status`, with their units.

import { byId, element, facts } from "./dom.js";
import * as words from "./words.js";

export class HealthView {
  show(status, cameras) {
    const isWell = ({ name, state, reason }) => ["live", "disabled"].includes(state) || (state === "ended" ? !reason : cameras.includes(name));
    const well = status.streams.filter(isWell).length;
    const pending = status.sinks.reduce((sum, sink) => sum + sink.pending, 0);
    byId("tiles").replaceChildren(
      tile("streams are well", `${well} of ${status.streams.length}`, well < status.streams.length),
      tile("events wait for a sink", words.number(pending), false),
      tile("events lost", words.number(status.lost_events), status.lost_events > 0),
      tile("running", words.duration((Date.now() - new Date(status.started_at)) / 1000), false),
      tile("version", status.version, false),
    );
    byId("stream-health").replaceChildren(...status.streams.map((stream) => this.stream(stream, cameras.includes(stream.name))));
    this.sinks(status.sinks);
  }

  stream(stream, isCamera) {
    const h = stream.health, source = h.source;
    const [state, kind] = words.state(stream, isCamera);
    const rate = (value) => value !== null ? `${words.number(value, 1)} frames/s` : null;
    const dropped = Object.entries(h.dropped).filter(([, count]) => count > 0);
    return element(
      "article",
      { class: "card" },
      element("header", {}, element("h3", {}, stream.name), element("span", { class: `chip ${kind}` }, state)),
      facts([
        ["Since", words.moment(stream.since)],
        ["Reason", stream.reason && words.sentence(stream.reason)],
        ["Video", source && [source.codec, source.width_px && `${source.width_px}×${source.height_px}`].filter(Boolean).join(" ")],
        ["Arriving", rate(h.fps_in)],
        ["Scored", rate(h.fps_scored)],
        ["Wanted", h.fps_wanted === null ? "every frame" : rate(h.fps_wanted)],
        ["Newest frame", h.frame_age_s !== null ? `${words.duration(h.frame_age_s)} ago` : null],
        ["Model time, median", h.inference_p50_ms !== null ? `${words.number(h.inference_p50_ms, 1)} ms` : null],
        ["Model time, 95th percentile", h.inference_p95_ms !== null ? `${words.number(h.inference_p95_ms, 1)} ms` : null],
        ["Reading the source", h.source_cpu !== null ? `${words.number(100 * h.source_cpu, 1)} % of a core` : null],
        ["Frames read", words.number(h.read)],
        ["Frames scored", words.number(h.scored)],
        ["Frames dropped", dropped.map(([why, count]) => `${words.number(count)} (${why})`).join(", ") || "0"],
        ["Gaps", words.number(h.gaps)],
        ["Reconnects", words.number(h.reconnects)],
        ["Readers that hang", h.hanging ? words.number(h.hanging) : null],
      ]),
      ...stream.advice.map((line) => element("p", { class: "advice" }, words.sentence(line))),
    );
  }

  sinks(sinks) {
    const head = ["Sink", "State", "Waiting", "Delivered", "Refused", "Dropped", "Last error"];
    const numbers = [2, 3, 4, 5];
    const cell = (tag, text, index) => element(tag, { class: numbers.includes(index) ? "number" : index === 6 ? "why" : "" }, text);
    const rows = sinks.map((sink) => {
      const figures = [sink.pending, sink.delivered, sink.rejected, sink.dropped].map((value) => words.number(value));
      return element("tr", {}, ...[sink.name, sink.state, ...figures, sink.last_error ?? ""].map((text, index) => cell("td", text, index)));
    });
    const none = element("tr", {}, element("td", { colSpan: 7 }, "There is none: events are only kept in the outbox."));
    byId("sink-health").replaceChildren(
      element("thead", {}, element("tr", {}, ...head.map((text, index) => cell("th", text, index)))),
      element("tbody", {}, ...(rows.length ? rows : [none])),
    );
  }
}

function tile(text, value, isBad) {
  return element("div", { class: isBad ? "card tile bad" : "card tile" }, element("b", {}, value), element("span", {}, text));
}
