"""Serves a chain of `bench.rpc_chain`; prints its address: `python -m bench.rpc_server FOLDER`."""

import sys
from pathlib import Path

from bench.rpc_chain import read_genesis
from node.app import build_node, serve
from node.commands.serving import run_loop
from node.config import load_config
from node.rehearse.wallets import signer_of


def main() -> None:
    """Serve until stopped."""
    folder = Path(sys.argv[1])
    flags = {"data_dir": str(folder), "rpc.port": 0, "rpc.requests_per_second": 0}
    config = load_config(flags=flags)
    node = build_node(config, read_genesis(folder), signer_of("validator", 0))
    run_loop(serve(node, config, lambda url: print(url, flush=True)))


if __name__ == "__main__":
    main()
