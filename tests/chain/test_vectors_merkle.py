"""Merkle roots and proofs against the vectors of Certificate Transparency and of Fuel."""

import base64
import json
from pathlib import Path
from typing import Any

from chain import merkle

VECTORS = Path(__file__).parents[1] / "vectors" / "merkle"


def read_lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (VECTORS / name).read_text("utf-8").splitlines()]


def from_base64(texts: list[str] | None) -> list[bytes]:
    return [base64.b64decode(text) for text in texts or []]


def verify_case(case: dict[str, Any]) -> bool:
    """Give our verdict on one proof of the Certificate Transparency suite."""
    path = from_base64(case["proof"])
    if case["kind"] == "inclusion":
        leaf, root = from_base64([case["leafHash"], case["root"]])
        return merkle.verify_inclusion(leaf, case["leafIdx"], case["treeSize"], path, root)
    root_a, root_b = from_base64([case["root1"], case["root2"]])
    return merkle.verify_consistency(case["size1"], case["size2"], root_a, root_b, path)


def test_roots_of_the_usual_eight_leaves() -> None:
    vectors: dict[str, Any] = json.loads((VECTORS / "rfc6962_roots.json").read_bytes())
    leaves = [bytes.fromhex(text) for text in vectors["leaf_inputs_hex"]]

    roots = [merkle.root(leaves[: case["size"]]).hex() for case in vectors["roots"]]

    assert roots == [case["root"] for case in vectors["roots"]]


def test_every_proof_of_certificate_transparency_gets_its_verdict() -> None:
    cases = [
        case
        for case in read_lines("rfc6962_proofs.jsonl")
        if case["kind"] in {"inclusion", "consistency"}
    ]

    verdicts = [(case["name"], verify_case(case)) for case in cases]

    assert verdicts == [(case["name"], not case["wantErr"]) for case in cases]


def test_every_binary_proof_of_fuel_gets_its_verdict() -> None:
    cases = read_lines("fuel_binary_proofs.jsonl")
    proofs = [[bytes.fromhex(item["value"]) for item in case["proof_set"]] for case in cases]

    verdicts = [
        merkle.verify_inclusion(
            proof[0],
            case["proof_index"],
            case["num_leaves"],
            proof[1:],
            bytes.fromhex(case["root"]["value"]),
        )
        for case, proof in zip(cases, proofs, strict=True)
    ]

    assert verdicts == [case["expected_verification"] for case in cases]
