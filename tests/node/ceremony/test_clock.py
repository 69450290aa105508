"""A chain that members begin goes by the clocks of their machines, whatever a file says."""

import json

from node.ceremony.draft import parse_draft
from node.ceremony.gathering import collect, parse_collected
from node.ceremony.signing import finalize, parse_final, sign_genesis
from tests.make import signer
from tests.node.ceremony.test_ceremony import DRAFT, changed, entries, refusal


def test_what_members_sign_never_has_a_clock_that_is_driven() -> None:
    found = collect(DRAFT, entries())
    files = finalize(found, [sign_genesis(found, signer(name)) for name in ("ann", "ben", "cat")])
    text = "clock: Extra inputs are not permitted, found 'driven'"
    driven = {**json.loads(DRAFT.text()), "clock": "driven"}

    assert refusal(lambda: parse_draft(changed(DRAFT, clock="driven"))) == text
    assert refusal(lambda: parse_collected(changed(found, draft=driven))) == f"draft.{text}"
    assert refusal(lambda: parse_final(changed(files, draft=driven))) == f"draft.{text}"
    assert refusal(lambda: parse_final(changed(files, clock="driven"))) == text
    assert files.genesis().clock == "wall"
