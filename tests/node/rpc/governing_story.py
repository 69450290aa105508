"""A part of the examples: proposals and votes, validators, the nodes that one knows."""

from chain.types import DAY_MS
from node.config_sections import P2pConfig
from node.demo.accounts import signer_of
from node.net.network import Network
from tests.node.rpc.story import Json, Teller, acct

UNKNOWN = "00" * 32
UNKNOWN_CHAIN = bytes(32)


async def about_governance(teller: Teller) -> None:
    """Let the operators vote, and the owner of a validator look after it."""
    await teller.show("validator_list", "who proposes next, and who was seen")
    role = {"account": acct("sparkle"), "role": "operator"}
    await teller.do("operator", {"type": "propose", "change": {"type": "grant_role", **role}})
    change = {"type": "set_param", "name": "sponsor_daily_max", "value": 3_000}
    wish = {"account": acct("operator"), "change": change}
    await teller.refuse("gov_propose_build", "by a customer", {**wish, "account": acct("bob")})
    await teller.show("gov_operators", "who decides")
    built = await teller.show("gov_propose_build", "another quota", wish)
    made = await teller.ask("tx_assemble", teller.sign("operator", built))
    await teller.ask("tx_submit", {"tx": made["tx"]})
    teller.make_block()
    (proposal,) = [one["id"] for one in built["creates"]]
    await teller.show("gov_proposals", "what waits for votes")
    vote = {"account": acct("sparkle"), "proposal": proposal}
    built = await teller.show("gov_vote_build", "the vote that decides it", vote)
    made = await teller.ask("tx_assemble", teller.sign("sparkle", built))
    await teller.ask("tx_submit", {"tx": made["tx"]})
    teller.make_block()
    other: Json = {"account": acct("sparkle"), "proposal": UNKNOWN, "against": True}
    await teller.refuse("gov_vote_build", "against one that never was", other)
    await teller.show("gov_proposal", "one that was decided", {"proposal": proposal})
    await teller.refuse("gov_vote_build", "for one that is decided", vote)
    leaving = {"type": "propose", "change": {"type": "revoke_role", **role}}
    await teller.do("operator", leaving)
    (waiting,) = (await teller.ask("gov_proposals"))["items"]
    await teller.do("sparkle", {"type": "vote", "proposal": waiting["proposal"]})
    rule = {"type": "set_feature", "name": "night-prices", "height": 100_000}
    await teller.do("operator", {"type": "propose", "change": rule})
    await teller.show("gov_expect", "when a height comes", {"height": 100_000})
    await teller.show("gov_features", "rules to come")
    back = {"type": "set_feature", "name": "night-prices", "height": 0}
    await teller.do("operator", {"type": "propose", "change": back})
    await teller.show("admin_validator_status", "does it take part", tier="admin")
    pause = {"reason": "a new disk"}
    await teller.show("admin_validator_pause", "while the disk is changed", pause, tier="admin")
    await teller.show("admin_validator_resume", "it goes on", tier="admin")
    await teller.show("admin_validator_ready", "before it is voted in", tier="admin")


async def about_peers(teller: Teller) -> None:
    """Show whom a node knows, and how others are let in and kept out."""
    await teller.show("node_peers", "one that is alone")
    node = teller.node
    settings = P2pConfig(peers=("wss://gateway.example/p2p",))
    node.network = Network(settings, signer_of("validator"), UNKNOWN_CHAIN, node.clock, None)
    await teller.show("admin_peer_book", "whom it knows", tier="admin")
    other: Json = {"url": "wss://second.example/p2p"}
    await teller.show("admin_peer_add", "a second gateway", other, tier="admin")
    liar: Json = {"key": UNKNOWN, "duration_ms": DAY_MS}
    await teller.show("admin_peer_ban", "for a day", liar, tier="admin")
    await teller.show("admin_peer_pardon", "it was a mistake", {"key": UNKNOWN}, tier="admin")
    node.network = None
