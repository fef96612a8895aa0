// Figures and states as a person says them: numbers with units, times in the viewer's own zone.

const TIME = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const DATE_TIME = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

export const score = (value) => value.toFixed(2);
export const time = (moment) => TIME.format(new Date(moment));
export const moment = (at) => MOMENT.format(new Date(at));
export const dateTime = (moment) => DATE_TIME.format(new Date(moment));

export function number(value, digits = 0) {
  return value.toLocaleString(undefined, { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

export function duration(seconds) {
  if (seconds < 10) return `${number(seconds, 1)} s`;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86400)} days`;
}

const REASONS = {
  below: "the score fell",
  max_duration: "it reached its longest duration",
  source_lost: "the source was lost",
  gap: "the stream was interrupted",
  disabled: "the stream was switched off",
  shutdown: "the daemon stopped",
};
export const reason = (name) => REASONS[name] ?? name;

// What the chip over a stream says, with its colour.
export function state(stream, isCamera) {
  if (isCamera && stream.state !== "live" && stream.state !== "disabled") return ["waiting for a phone", ""];
  const kinds = {
    live: "good", connecting: "warn", stalled: "bad", "backing off": "bad", disabled: "",
    ended: stream.reason ? "bad" : "",
  };
  const words = { "backing off": "not reachable", disabled: "switched off" };
  return [words[stream.state] ?? stream.state, kinds[stream.state] ?? ""];
}

// The stream's health in a sentence.
export function health(stream, isCamera) {
  const figures = stream.health;
  if (stream.state !== "live") {
    if (isCamera && stream.state !== "disabled") return "Open “Use as camera” on a phone or a laptop.";
    return stream.reason ? sentence(stream.reason) : "";
  }
  const parts = [];
  if (figures.fps_scored !== null) {
    const wanted = figures.fps_wanted === null ? "" : ` of ${number(figures.fps_wanted)}`;
    parts.push(`${number(figures.fps_scored, 1)}${wanted} frames/s scored`);
  }
  if (figures.inference_p50_ms !== null) parts.push(`${number(figures.inference_p50_ms, 1)} ms each`);
  if (figures.frame_age_s > 1) parts.push(`newest frame ${duration(figures.frame_age_s)} old`);
  return parts.join(" · ");
}

export const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);
