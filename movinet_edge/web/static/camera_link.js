// Sends pictures at the pace that is wanted and the network allows, and comes back after every interruption.

import { openSession } from "./api.js";

const PAUSES_MS = [500, 1000, 2000, 4000, 8000];

// From the best to what a bad mobile network still carries; [width in pixels, JPEG quality].
const STEPS = [[480, 0.75], [400, 0.65], [320, 0.6], [256, 0.5], [192, 0.45]];
const MOST_UNDER_WAY = 2;
const SLOW_MS = 700, FAST_MS = 200;
const STEADY = 25;

const REPLACED = 4001, REFUSED = 4002, AWAY = 4003;

export class CameraLink {
  constructor(stream, video, on) {
    Object.assign(this, { stream, video, on, failures: 0, step: 0, steady: 0, isClosed: false });
    this.canvas = document.createElement("canvas");
    this.connect();
  }

  connect() {
    this.on.state("connecting", "warn");
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}/api/cameras/${encodeURIComponent(this.stream)}`);
    this.socket = socket;
    this.underWay = new Map();
    socket.onmessage = (message) => this.take(JSON.parse(message.data));
    socket.onclose = (event) => this.closed(event);
  }

  close() {
    this.isClosed = true;
    clearInterval(this.ticking);
    clearTimeout(this.timer);
    this.socket.close();
  }

  closed(event) {
    clearInterval(this.ticking);
    if (this.isClosed) return;
    const reasons = {
      [REPLACED]: "Another device is the camera of this stream now.",
      [REFUSED]: `The daemon does not take these pictures: ${event.reason}`,
      [AWAY]: "You were logged out.",
    };
    if (event.code in reasons) {
      this.isClosed = true;
      this.on.ended(reasons[event.code]);
      return;
    }
    this.comeBackSoon();
  }

  comeBackSoon() {
    this.on.state("reconnecting", "warn");
    this.timer = setTimeout(() => this.comeBack(), PAUSES_MS[Math.min(this.failures++, PAUSES_MS.length - 1)]);
  }

  // A daemon that was restarted has forgotten all sessions, so that a new one comes first.
  async comeBack() {
    try {
      await openSession();
    } catch (error) {
      if (this.isClosed) return;
      if (error.status !== 401) {
        this.comeBackSoon();
        return;
      }
      this.isClosed = true;
      this.on.ended("You were logged out.");
      return;
    }
    if (!this.isClosed) this.connect();
  }

  take(message) {
    if (message.type === "wanted") {
      this.failures = 0;
      this.fps = message.fps;
      this.widest = message.width_px;
      clearInterval(this.ticking);
      this.ticking = setInterval(() => this.send(), 1000 / message.fps);
    } else if (message.type === "taken") {
      this.taken(message);
    } else if (message.type === "scores") {
      this.on.scores(message);
    }
  }

  taken({ at, ready }) {
    const sent = this.underWay.get(at);
    this.underWay.delete(at);
    this.on.state(ready ? "live" : "the stream is off or begins", ready ? "good" : "warn");
    if (sent === undefined) return;
    const tookMs = performance.now() - sent.at;
    if (tookMs > SLOW_MS) this.slower();
    else if (tookMs < FAST_MS && ++this.steady >= STEADY) this.faster();
    this.on.traffic(`${sent.width}×${sent.height} px · ${Math.round(sent.bytes / 1024)} KiB a picture · ${Math.round(tookMs)} ms to the daemon`);
  }

  slower() {
    this.steady = 0;
    this.step = Math.min(this.step + 1, STEPS.length - 1);
  }

  faster() {
    this.steady = 0;
    this.step = Math.max(this.step - 1, 0);
  }

  async send() {
    if (this.isEncoding || this.socket.readyState !== WebSocket.OPEN || !this.video.videoWidth || document.hidden) return;
    if (this.underWay.size >= MOST_UNDER_WAY) {
      // What is not acknowledged in time is given up, so that a lost answer does not stop everything.
      const oldest = Math.min(...[...this.underWay.values()].map((sent) => sent.at));
      if (performance.now() - oldest > SLOW_MS) this.slower();
      if (performance.now() - oldest > 5000) this.socket.close();
      return;
    }
    this.isEncoding = true;
    const at = performance.now() / 1000;
    const [width, quality] = STEPS[this.step];
    // The video stands upright however the device is held; only its shape changes.
    const scale = Math.min(1, Math.min(width, this.widest) / Math.max(this.video.videoWidth, this.video.videoHeight));
    this.canvas.width = Math.round(this.video.videoWidth * scale);
    this.canvas.height = Math.round(this.video.videoHeight * scale);
    this.canvas.getContext("2d").drawImage(this.video, 0, 0, this.canvas.width, this.canvas.height);
    const blob = await new Promise((done) => this.canvas.toBlob(done, "image/jpeg", quality));
    this.isEncoding = false;
    if (!blob || this.socket.readyState !== WebSocket.OPEN) return;
    const time = new ArrayBuffer(8);
    new DataView(time).setFloat64(0, at, true);
    this.underWay.set(at, { at: performance.now(), bytes: blob.size, width: this.canvas.width, height: this.canvas.height });
    this.socket.send(new Blob([time, blob]));
  }
}
