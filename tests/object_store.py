"""An emulator of Google Cloud Storage in a process of its own, for tests of gs:// paths.

    with emulated_bucket() as environment: ...    # the bucket is gs://bucket

It is gcp-storage-emulator, completed by what TensorStore's transactions rest on: the generation of
an object in answers, and conditions on it in requests (ifGenerationMatch, ifGenerationNotMatch);
by reading the last bytes of an object; and by moving one, which gcsfs tries for long otherwise.
"""

import contextlib
import http.server
import os
import subprocess
import sys
import threading
from http import HTTPStatus
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@contextlib.contextmanager
def emulated_bucket():
    """Serves an empty bucket; yields the environment variables that lead clients to it."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    command = [sys.executable, "-m", "tests.object_store"]
    server = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True
    )
    try:
        address = f"http://127.0.0.1:{int(server.stdout.readline())}"
        yield {
            "STORAGE_EMULATOR_HOST": address,  # gcsfs and google-cloud-storage
            "TENSORSTORE_GCS_HTTP_URL": address,
            # Otherwise gcsfs asks Google, which cannot be reached, for the kind of each bucket.
            "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false",
        }
    finally:
        server.communicate()  # closes its standard input, at which it ends


def with_generations(handler, lock):
    """A handler of the emulator that honours conditions on the generation of its object."""

    def handle(request, response, storage, *args, **kwargs):
        with lock:
            found = _generation(request, storage)
            wanted, unwanted = (
                request.query.get(name, [None])[0]
                for name in ("ifGenerationMatch", "ifGenerationNotMatch")
            )
            if wanted is not None and wanted != found:
                response.status = HTTPStatus.PRECONDITION_FAILED
            elif unwanted == found != "0":
                response.status = HTTPStatus.NOT_MODIFIED
            else:
                response["x-goog-generation"] = found
                _make_range_absolute(request, storage)
                handler(request, response, storage, *args, **kwargs)

    return handle


def _make_range_absolute(request, storage) -> None:
    """Turns "the last n bytes", which the emulator ignores, into "from byte m on"."""
    headers = request._request_handler.headers
    if headers.get("Range", "").startswith("bytes=-"):
        file = storage.get_file(request.params["bucket_name"], request.params["object_id"])
        start = max(0, len(file) - int(headers["Range"].removeprefix("bytes=-")))
        headers.replace_header("Range", f"bytes={start}-")


def move_object(request, response, storage, *args, **kwargs):
    from gcp_storage_emulator.handlers import objects

    request.params["dest_bucket_name"] = request.params["bucket_name"]
    objects.copy(request, response, storage)
    if response.status == HTTPStatus.OK:
        objects.delete(request, response, storage)


def _generation(request, storage) -> str:
    """Generation of the object that the request is about; "0" if it does not exist."""
    from gcp_storage_emulator.exceptions import NotFound

    name = request.params.get("object_id") or request.query.get("name", [None])[0]
    if request.query.get("uploadType") == ["multipart"]:
        name = name or request.data["meta"]["name"]
    try:
        return storage.get_file_obj(request.params["bucket_name"], name)["generation"]
    except (KeyError, NotFound):
        return "0"


def serve() -> None:
    """Prints the port, and serves until standard input is closed."""
    from gcp_storage_emulator import server

    # A client that connects and says nothing must not keep the others waiting.
    http.server.HTTPServer = http.server.ThreadingHTTPServer
    lock = threading.Lock()
    objects = r"^/storage/v1/b/(?P<bucket_name>[-.\w]+)/o/"
    move = objects + r"(?P<object_id>.*[^/]+)/moveTo/o/(?P<dest_object_id>.*[^/]+)$"
    handlers = ((move, {"POST": move_object}), *server.HANDLERS)
    server.HANDLERS = tuple(
        (path, {method: with_generations(handler, lock) for method, handler in methods.items()})
        for path, methods in handlers
    )
    emulator = server.create_server("127.0.0.1", 0, in_memory=True, default_bucket="bucket")
    emulator.start()
    print(emulator._api._httpd.server_port, flush=True)
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    serve()
