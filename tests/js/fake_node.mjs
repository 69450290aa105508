// A node of which every answer is scripted: `fetch` and `WebSocket` as the client needs them.

export const lost = () => { throw new TypeError("connection refused"); };
export const fail = (code, name, data = {}) => ({ error: { code, message: `no: ${name}`, data: { name, ...data } } });
export const status = (number, body = "", headers = {}) => ({ response: new Response(body, { status: number, headers }) });

/**
 * Answers calls by `script`, a function of each method's parameters; what it gives is the result,
 * unless it is { error } or { response }. `asked` keeps the calls.
 */
export function fakeFetch(script) {
  const asked = [];
  const answer = ({ id, method, params }) => {
    asked.push({ method, params });
    const given = script[method](params, asked.filter((one) => one.method === method).length);
    return given?.error || given?.response ? { jsonrpc: "2.0", id, ...given } : { jsonrpc: "2.0", id, result: given };
  };
  const fetch = async (url, init) => {
    if (init.signal.aborted) throw new DOMException("aborted", "AbortError");
    const stop = new Promise((_, reject) => {
      init.signal.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")));
    });
    stop.catch(() => {});
    const path = url.slice(url.indexOf("/", 8));
    if (path.startsWith("/events")) return script.lines(new URL(url).searchParams, init);
    const request = JSON.parse(init.body);
    const answers = Array.isArray(request) ? request.map(answer) : answer(request);
    return Promise.race([answers.response ?? Response.json(answers), stop]);
  };
  return { fetch, asked };
}

/** A WebSocket class whose other side is `serve(line)`: line.hear(fn), line.say(json), line.drop(). */
export function fakeSocket(serve) {
  return class {
    #hear = [];
    isOpen = false;
    constructor(url) {
      this.url = url;
      queueMicrotask(() => {
        const line = {
          url,
          hear: (listener) => { this.#hear.push(listener); },
          say: (message) => queueMicrotask(() => this.isOpen && this.onmessage?.({ data: JSON.stringify(message) })),
          drop: () => queueMicrotask(() => { this.isOpen = false; this.onclose?.(); }),
        };
        if (serve(line) === false) {
          this.onerror?.();
          return;
        }
        this.isOpen = true;
        this.onopen?.();
      });
    }

    send(text) {
      if (!this.isOpen) throw new Error("not open");
      for (const listener of this.#hear) listener(JSON.parse(text));
    }

    close() {
      this.isOpen = false;
    }
  };
}
