"""Every view of every standard contract, read in both ways."""

import json
from pathlib import Path
from typing import Any

from node import catalog
from tests.node.rpc.fuzzing import Target, open_target, request


def answer(target: Target, method: str, params: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(target.send(request(method, params)) or b"")
    found: dict[str, Any] = told["result"] if "result" in told else told["error"]
    return found


def test_contract_read_answers_as_the_method_of_the_view_does(tmp_path: Path) -> None:
    with open_target(tmp_path) as target:
        both = []
        for contract in catalog.STANDARD:
            for view in catalog.abi(contract)["views"]:
                method = f"{contract}.{view['name']}"
                shown = target.methods[method]["examples"][0]["params"]
                params = {one["name"]: one["value"] for one in shown}
                # A method reads `at` as the head or a height, so a view's own is called `at_`.
                args = {name.removesuffix("_"): value for name, value in params.items()}
                asked = {"contract": contract, "view": view["name"], "args": args}
                read = answer(target, "contract_read", asked)
                both.append((answer(target, method, params), read))

    assert len(both) > 80
    assert [one for one in both if one[0] != one[1]] == []
    assert sum("data" in one and "at" in one for one, _other in both) > 50
