"""A server that answers every request with one small JSON text: what the library alone costs."""

import asyncio

from aiohttp import web

from node.commands.serving import run_loop

ANSWER = b'{"jsonrpc":"2.0","id":1,"result":{}}'


async def answer(request: web.Request) -> web.Response:
    """Read the request and answer."""
    await request.read()
    return web.Response(body=ANSWER, content_type="application/json")


async def main() -> None:
    """Serve on a free port, print the address, until stopped."""
    app = web.Application()
    app.router.add_post("/", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    print(f"http://127.0.0.1:{port}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    run_loop(main())
