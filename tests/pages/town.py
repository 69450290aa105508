"""A development chain in a process of its own, and its people, for tests of pages."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from node.client import Wash
from node.demo.accounts import seed_of

ROOT = Path(__file__).parents[2]
START_S_MAX = 50
MINUTE_MS = 60_000
BAYS = 99
LAN_HOST = "shop.test"  # the browser is told where that is


class Town:
    """A node with the demo's two shops; time moves only forward."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._log = (folder / "log.txt").open("wb")
        port = _free_port()
        command = [sys.executable, "-m", "node", "dev", "--data", str(folder), "--port", str(port)]
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "WASH_PAGES_URL": f"http://127.0.0.1:{port}",
            "WASH_RPC_ALLOWED_HOSTS": f"localhost,127.0.0.1,{LAN_HOST}",
        }
        self.lan_url = f"http://{LAN_HOST}:{port}"  # a plain address of the shop's own network
        self._process = subprocess.Popen(
            [*command, "--no-seed"], cwd=ROOT, env=environment, stdout=self._log, stderr=self._log
        )
        self.url = self._wait()
        self.shops: dict[str, str] = {
            one["name"].split()[0].lower(): one["shop"] for one in self._list()
        }
        self._clients: dict[str, Wash] = {}
        self._build_bays()

    @property
    def sparkle(self) -> str:
        """The account of the shop that accepts at once."""
        return self.shops["sparkle"]

    @property
    def harbour(self) -> str:
        """The account of the shop that looks at requests first."""
        return self.shops["harbour"]

    def _wait(self) -> str:
        deadline = time.monotonic() + START_S_MAX
        while time.monotonic() < deadline:
            try:
                found = json.loads((self._folder / "node.json").read_text("utf-8"))
                return str(found["url"])
            except (OSError, ValueError):
                assert self._process.poll() is None, (self._folder / "log.txt").read_text("utf-8")
                time.sleep(0.1)
        raise AssertionError("the node did not start")

    def _list(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.rpc("shop_list")["data"]["items"]
        return found

    def _build_bays(self) -> None:
        """Give the first shop room for everybody: tests share it, and time goes by its own pace."""
        now = self.read("shops.shop", shop=self.sparkle)
        kept = ("auto_accept", "accept_quotes", "day_start", "day_bays")
        settings = {name: now[name] for name in kept}
        self.do("sparkle", "shops.set_settings", **settings, quarter_bays=BAYS)

    def close(self) -> None:
        """Stop the node."""
        for client in self._clients.values():
            client.close()
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def rpc(self, method: str, *, token: str = "", **params: Any) -> Any:
        """Return the result of a method."""
        answer = self.answer(method, token=token, **params)
        assert "error" not in answer, answer
        return answer["result"]

    def answer(self, method: str, *, token: str = "", **params: Any) -> Any:
        """Return what the node answers, also if it refuses."""
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        request = urllib.request.Request(
            f"{self.url}/rpc", json.dumps(message).encode(), {"Content-Type": "application/json"}
        )
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.load(response)

    @property
    def folder(self) -> Path:
        """Where the node keeps its data."""
        return self._folder

    def rpc_as(self, token: str, method: str, **params: Any) -> Any:
        """Return the result of a method that needs a token."""
        return self.rpc(method, token=token, **params)

    def read(self, view: str, **params: Any) -> Any:
        """Return what a view of a contract gives."""
        return self.rpc(view, **params)["data"]

    def do(self, name: str, function: str, /, funds: int = 0, **arguments: Any) -> Any:
        """Let somebody of the demo call a contract: `do("sparkle", "booking.ready", id=id)`."""
        if name not in self._clients:
            self._clients[name] = Wash(self.url, key=seed_of(name))
        return self._clients[name].call(function, arguments, funds=funds)

    def act(self, name: str, action: dict[str, Any]) -> Any:
        """Let somebody of the demo do something that is no call: propose, vote, admit."""
        if name not in self._clients:
            self._clients[name] = Wash(self.url, key=seed_of(name))
        return self._clients[name].send([action])

    def command(self, *words: str, **environment: str) -> Any:
        """Return what a command on the node's machine printed as JSON."""
        line = [sys.executable, "-m", "node", *words, "--data", str(self._folder), "--json"]
        surroundings = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
        done = subprocess.run(line, cwd=ROOT, env=surroundings, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return json.loads(done.stdout)

    def travel(self, to_ms: int) -> None:
        """Let time pass until then."""
        if to_ms > self.now_ms():
            self.rpc("dev_setTime", time=to_ms)
            standing = self.read("shops.standing", shop=self.sparkle)
            assert standing["sells"], (
                f"other tests need the shop, which is {standing['status']} now"
            )

    def now_ms(self) -> int:
        """Return the node's time."""
        return int(self.rpc("node_health")["time_ms"])

    def get(self, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body of a page, without a browser."""
        return self._fetch(urllib.request.Request(f"{self.url}{path}", headers=headers))

    def post(self, path: str, form: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
        """Return the same of what a form posts."""
        return self._fetch(
            urllib.request.Request(f"{self.url}{path}", form.encode(), headers=headers)
        )

    def _fetch(self, request: urllib.request.Request) -> tuple[int, dict[str, str], bytes]:
        opener = urllib.request.build_opener(_NoRedirect)
        try:
            with opener.open(request, timeout=30) as response:
                return response.status, dict(response.headers), response.read()
        except urllib.error.HTTPError as error:
            return error.code, dict(error.headers), error.read()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_arguments: Any) -> None:
        """Follow nothing."""
