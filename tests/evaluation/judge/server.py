"""A judge on this machine: an HTTP server that replies as a test tells it to."""

import contextlib
import http.server
import json
import re
import threading


def completion(text, *, input_tokens=100, output_tokens=10, finish_reason="stop", **message):
    """A chat completion, as (status, headers, body). `message`: more fields of it."""
    said = {"role": "assistant", "content": text, **message}
    body = {
        "model": "judge-2026",
        "choices": [{"message": said, "finish_reason": finish_reason}],
        "usage": {"prompt_tokens": input_tokens, "completion_tokens": output_tokens},
    }
    return 200, {}, json.dumps(body)


def answers_of(body):
    """The texts shown as answers A and B."""
    question = body["messages"][-1]["content"]
    code = re.search(r"^\[Answer A (\w+)\]$", question, re.MULTILINE)[1]
    frames = {x: (f"[Answer {x} {code}]\n", f"\n[End of answer {x} {code}]") for x in "AB"}
    return [question.split(begin)[1].split(end)[0] for begin, end in frames.values()]


def fair(number, body):
    """Prefers the answer that begins with the later letter; of equal ones, the first."""
    first, second = answers_of(body)
    return completion(f"Comparison: one is better.\nPreferred: {'B' if second > first else 'A'}")


class JudgeServer:
    """`reply(number, body)` gives (status, headers, body) for each request, counted from 0."""

    def __init__(self, reply):
        self.reply, self.bodies, self.keys = reply, [], []
        self._lock = threading.Lock()
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with owner._lock:
                    number = len(owner.bodies)
                    owner.bodies.append(body)
                    owner.keys.append(self.headers["Authorization"])
                status, headers, text = owner.reply(number, body)
                with contextlib.suppress(ConnectionError):
                    self.send_response(status)
                    for name, value in headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(text.encode())))
                    self.end_headers()
                    self.wfile.write(text.encode())

            def log_message(self, *args):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    @property
    def asked(self):
        return len(self.bodies)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exc_info):
        self._server.shutdown()
        self._server.server_close()
