"""The page behind a server on the loopback interface, which answers requests and calls nobody."""

import errno
import socket
from collections.abc import Callable

import flask
import waitress
from dash import Dash

from flexae_tf.errors import UserError
from flexae_tf.explore import page, views
from flexae_tf.explore.sources import Source

HOST = "127.0.0.1"
_THREADS = 8
# Of a request: an upload of `uploads.MOST_BYTES` in base64 and what comes with it.
MOST_REQUEST_BYTES = 16 << 20
_HEADERS = {
    # A browser refuses to load or to send anything elsewhere, whatever the page's scripts would.
    "Content-Security-Policy": "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def make_app(source: Source) -> Dash:
    """The Dash application of a source; pictures and codes are /picture.png and /codes.npy too."""
    app = Dash(
        "flexae_tf.explore",
        title=source.title,
        update_title=None,
        assets_folder=str(page.ASSETS),
        suppress_callback_exceptions=True,  # most controls appear with the first address
    )
    page.build(app, source)
    server = app.server
    server.config["MAX_CONTENT_LENGTH"] = MOST_REQUEST_BYTES

    @server.before_request
    def refuse_other_hosts() -> flask.Response | None:
        # Another site's name that leads here would let its scripts read the page.
        name = flask.request.host.rsplit(":", 1)[0]
        return None if name in (HOST, "localhost") else flask.Response("not this host\n", 403)

    @server.after_request
    def add_headers(response: flask.Response) -> flask.Response:
        response.headers.update(_HEADERS)
        return response

    def download(name: str, kind: str, content: Callable[[views.Answer], bytes]) -> flask.Response:
        try:
            answer = views.answer(views.parse(flask.request.query_string.decode()), source)
        except UserError as error:
            return flask.Response(f"{error}\n", 400, mimetype="text/plain")
        response = flask.Response(content(answer), mimetype=kind)
        response.headers["Content-Disposition"] = f"attachment; filename={name}"
        return response

    @server.route("/picture.png")
    def picture() -> flask.Response:
        return download("picture.png", "image/png", views.Answer.png)

    @server.route("/codes.npy")
    def codes() -> flask.Response:
        return download("codes.npy", "application/octet-stream", views.Answer.npy)

    return app


def serve(source: Source, port: int) -> None:
    """Serves the page until it is interrupted.

    Args:
      source: what it shows.
      port: 0 for a free one.

    Raises:
      UserError: the port is taken.
    """
    app = make_app(source)
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
    except OSError as error:
        taken = error.errno in (errno.EADDRINUSE, errno.EACCES)
        hint = "choose another --port, or 0 for a free one" if taken else error.strerror
        raise UserError(f"cannot listen on {HOST}:{port}: {hint}") from error
    print(f"http://{HOST}:{listening.getsockname()[1]}/ (Ctrl-C ends it)", flush=True)
    waitress.serve(app.server, sockets=[listening], threads=_THREADS, ident=None)
