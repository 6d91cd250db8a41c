"""A headless Chromium for tests, driven over two pipes by its DevTools protocol: nothing to install beside it."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--disable-default-apps", "--disable-extensions",
    "--disable-dev-shm-usage", "--mute-audio", "--hide-scrollbars", "--remote-debugging-pipe",
)  # fmt: skip
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
WAIT = 30.0
CODES = {"Enter": 13, "Escape": 27, "Backspace": 8, "Delete": 46, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39,
         "ArrowDown": 40, "Tab": 9, "Home": 36, "End": 35}  # fmt: skip


def chromium() -> str | None:
    """Where a Chromium is, if there is one."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Browser:
    """One Chromium with a profile of its own; `page` opens a tab."""

    def __init__(self, program: str, profile: Path) -> None:
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        low = [os.dup(fd) if fd < 5 else fd for fd in (theirs_in, theirs_out)]
        self._pid = os.posix_spawn(
            program,
            [program, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            dict(os.environ),
            file_actions=[
                (os.POSIX_SPAWN_DUP2, low[0], 3),
                (os.POSIX_SPAWN_DUP2, low[1], 4),
                (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
            ],
            setpgroup=0,
        )
        for fd in {theirs_in, theirs_out, *low}:
            os.close(fd)
        self._number, self._rest = 0, b""
        self.events: list[dict[str, Any]] = []

    def send(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """What the browser answers to a command; events that come before the answer are kept."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            got = self._read(WAIT)
            if got is None:
                raise TimeoutError(f"no answer to {method}")
            if got.get("id") == self._number:
                assert "error" not in got, (method, got["error"])
                result: dict[str, Any] = got["result"]
                return result

    def _read(self, seconds: float) -> dict[str, Any] | None:
        end = time.monotonic() + seconds
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._in], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                return None
            got = os.read(self._in, 1 << 20)
            if not got:
                raise EOFError("the browser is gone")
            self._rest += got
        line, _, self._rest = self._rest.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        if "method" in message:
            self.events.append(message)
        return message

    def drain(self, seconds: float = 0.2) -> None:
        """Take in events for a while."""
        while self._read(seconds) is not None:
            pass

    def page(self, beside: Page | None = None) -> Page:
        """A new tab of somebody who was never here, or of the one whose tab is given."""
        context = beside.context if beside else self.send("Target.createBrowserContext")["browserContextId"]
        given = {"url": "about:blank", "newWindow": True, "width": 1280, "height": 900, "browserContextId": context}
        target = self.send("Target.createTarget", **given)["targetId"]
        return Page(self, self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"], context)

    def close(self) -> None:
        """End the browser and what it started."""
        try:
            self.send("Browser.close")
        except (AssertionError, TimeoutError, OSError, EOFError):
            os.killpg(self._pid, signal.SIGKILL)
        finally:
            os.close(self._out)
            os.close(self._in)
            os.waitpid(self._pid, 0)


class Page:
    """A tab: open a file, press keys, ask JavaScript."""

    def __init__(self, browser: Browser, session: str, context: str) -> None:
        self.browser, self.session, self.context = browser, session, context
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self.browser.send(method, self.session, **parameters)

    def open(self, path: Path) -> None:
        """Go to a file and wait until it is there with its fonts."""
        self.send("Page.navigate", url=path.resolve().as_uri())
        self.until("document.readyState === 'complete' && document.fonts.status === 'loaded'")

    def reload(self) -> None:
        self.ask("window.old = true")
        self.send("Page.reload")
        self.until("!window.old && document.readyState === 'complete'")

    def ask(self, expression: str) -> Any:
        """The value of a JavaScript expression."""
        got = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in got, got["exceptionDetails"]
        return got["result"].get("value")

    def until(self, expression: str) -> None:
        """Wait until an expression is true."""

        def true() -> bool:
            try:
                return bool(self.ask(expression))
            except AssertionError as error:  # the old page went while it was asked
                if "navigated" not in str(error):
                    raise
                return False

        wait_for(true, expression)

    def press(self, *keys: str) -> None:
        """Press keys one after another: names such as "Enter", or signs, also "key:code" as in "ع:KeyU".

        "Shift+" may stand before a name.
        """
        for one in keys:
            held = 8 if one.startswith("Shift+") else 0
            key, _, code = one.removeprefix("Shift+").partition(":")
            named: dict[str, Any] = {"key": key, "code": code or key, "modifiers": held}
            if key in CODES:
                named["windowsVirtualKeyCode"] = CODES[key]
                text = {"text": "\r"} if key == "Enter" else {}
            else:
                text = {"text": key}
            self.send("Input.dispatchKeyEvent", type="keyDown", **named, **text)
            self.send("Input.dispatchKeyEvent", type="keyUp", **named)

    def write(self, text: str) -> None:
        """Put text where the cursor is."""
        self.send("Input.insertText", text=text)

    def look(self, width: int, scheme: str = "light") -> None:
        """From now on, a screen of that width, and the reader's wish for light or dark."""
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.send("Emulation.setDeviceMetricsOverride", **size)
        self.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def screenshot(self, path: Path, *, whole: bool = False) -> None:
        """What is on the screen; `whole`, the page from top to bottom."""
        shot = self.send("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(shot["data"]))

    def pdf(self, path: Path) -> None:
        """The page on paper."""
        made = self.send("Page.printToPDF", printBackground=True, preferCSSPageSize=True)
        path.write_bytes(base64.b64decode(made["data"]))

    def events(self, method: str) -> list[dict[str, Any]]:
        """The parameters of the events of that name, of this tab, so far."""
        self.browser.drain()
        return [
            event["params"]
            for event in self.browser.events
            if event["method"] == method and event.get("sessionId") == self.session
        ]


def wait_for(true: Callable[[], bool], what: str) -> None:
    """Wait until something is so."""
    end = time.monotonic() + WAIT
    while not true():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.05)
