// The socket by which everything arrives while the page is open; it comes back by itself.

const PAUSES_MS = [500, 1000, 2000, 4000, 8000];

export class Live {
  // `on` holds a function for each kind of message, `picture(stream, jpeg)`, and `connection(isOpen)`.
  constructor(on) {
    this.on = on;
    this.failures = 0;
    this.watched = "{}";
    // A page that nobody sees must not cost anything.
    document.addEventListener("visibilitychange", () => this.sendWatched());
    addEventListener("online", () => this.socket === null && this.connect());
    this.connect();
  }

  connect() {
    clearTimeout(this.timer);
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}/api/live`);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    socket.onopen = () => {
      this.failures = 0;
      this.on.connection(true);
      this.sendWatched();
    };
    socket.onmessage = (message) => this.take(message.data);
    socket.onclose = () => {
      this.socket = null;
      this.on.connection(false);
      const pause = PAUSES_MS[Math.min(this.failures++, PAUSES_MS.length - 1)];
      this.timer = setTimeout(() => this.connect(), pause);
    };
  }

  take(data) {
    if (typeof data === "string") {
      const message = JSON.parse(data);
      this.on[message.type]?.(message);
      return;
    }
    const length = new Uint8Array(data, 0, 1)[0];
    const stream = new TextDecoder().decode(new Uint8Array(data, 1, length));
    this.on.picture(stream, new Blob([new Uint8Array(data, 1 + length)], { type: "image/jpeg" }));
  }

  // Which streams are seen, with the width of their pictures in pixels.
  watch(widths) {
    const text = JSON.stringify(widths);
    if (text === this.watched) return;
    this.watched = text;
    this.sendWatched();
  }

  sendWatched() {
    if (this.socket?.readyState !== WebSocket.OPEN) return;
    this.socket.send(`{"watch": ${document.hidden ? "{}" : this.watched}}`);
  }
}
