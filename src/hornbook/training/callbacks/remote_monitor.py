"""Send the logs of each epoch to a web server."""

import json
import urllib.error
import urllib.parse
import urllib.request
import warnings

from hornbook.training.callback import Callback

TIMEOUT = 10  # seconds


class RemoteMonitor(Callback):
    """POST the logs of each epoch to a server; a failed request gives a warning.

    Args:
        root: address of the server.
        path: path of the request.
        field: name of the form field that holds them as JSON.
        headers: extra HTTP headers.
        send_as_json: whether to send plain JSON instead of a form.

    Example:
        >>> keras.callbacks.RemoteMonitor(root="http://localhost:9000").root
        'http://localhost:9000'
    """

    only_first = True

    def __init__(
        self,
        root: str = "http://localhost:9000",
        path: str = "/publish/epoch/end/",
        field: str = "data",
        headers: dict[str, str] | None = None,
        send_as_json: bool = False,
    ):
        self.root = root
        self.path = path
        self.field = field
        self.headers = headers
        self.send_as_json = send_as_json

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Send the logs of the epoch."""
        text = json.dumps({"epoch": epoch, **(logs or {})})
        if self.send_as_json:
            kind, body = "application/json", text
        else:
            kind, body = (
                "application/x-www-form-urlencoded",
                urllib.parse.urlencode({self.field: text}),
            )
        request = urllib.request.Request(
            self.root + self.path,
            data=body.encode(),
            headers={"Content-Type": kind, **(self.headers or {})},
        )
        try:
            urllib.request.urlopen(request, timeout=TIMEOUT).close()
        except urllib.error.HTTPError as error:
            error.close()
            warnings.warn(f"RemoteMonitor: {request.full_url}: {error}", stacklevel=2)
        except OSError as error:
            warnings.warn(f"RemoteMonitor: {request.full_url}: {error}", stacklevel=2)
