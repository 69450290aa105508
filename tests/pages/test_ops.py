"""The operators' pages: traffic lights with what to do, votes, and codes that let shops in."""

import json

import pytest

from chain.ids import encode_id
from node import catalog
from node.demo.staff import PRACTICE_PIN
from node.joining.code import parse_code
from node.pages.lights import of_money
from tests.node.joining.gate import Newcomer
from tests.pages.browsing import COUNTER, Visitor
from tests.pages.conftest import Come
from tests.pages.test_first_visit import IN_ENGLISH
from tests.pages.town import Town

LIGHTS = {
    "validators", "signing", "blocks", "peers", "lag", "disk", "clock", "proposals", "features",
    "reserves", "prepaid",
}  # fmt: skip


@pytest.mark.parametrize("lang", IN_ENGLISH)
async def test_lights_tell_how_the_network_is_without_scripts_too(
    visitor: Come, town: Town, lang: str
) -> None:
    one = await visitor(lang, COUNTER, has_script=False)
    await one.open("/ops")

    shown = await one.page.locator("[data-light]").all()
    colours = {
        await light.get_attribute("data-light"): await light.get_attribute("data-colour")
        for light in shown
    }
    assert set(colours) == LIGHTS
    assert {colours[name] for name in ("validators", "signing", "lag")} == {"green"}
    issuers, now = town.rpc("money_issuers")["data"], town.rpc("node_health")["time_ms"]
    assert colours["reserves"] == of_money(issuers, now).colour
    told = town.read("money_issuers")
    assert f"¥{told['owed']['amount'] / 100:,.2f}" in await one.text("[data-light=reserves]")
    await one.shoot("ops")


async def enter(visitor: Come, to: str = "/ops/votes", lang: str = "en") -> Visitor:
    """Return the demo's operator, logged in and at a page."""
    one = await visitor(lang, COUNTER)
    await one.open(f"/ops/login?to={to}")
    await one.page.fill("#name", "operator")
    await one.page.fill("#pin", PRACTICE_PIN)
    await one.page.keyboard.press("Enter")
    await one.page.wait_for_selector("form[action='/ops/logout']")
    await one.page.wait_for_load_state("networkidle")
    return one


@pytest.mark.parametrize("lang", IN_ENGLISH)
async def test_a_change_is_said_in_a_sentence_before_it_is_proposed(
    visitor: Come, town: Town, lang: str
) -> None:
    value = 2_600 + (lang == "zh")
    one = await enter(visitor, lang=lang)
    await one.check()
    await one.press("summary >> nth=1")
    await one.page.select_option("#p-name", "sponsor_daily_max")
    await one.page.fill("#p-value", str(value))
    await one.press("details[open] button")
    await one.page.wait_for_selector("#sentence")
    sentence = await one.text("#sentence")
    await one.check()
    before = town.read("chain_getParams")["values"]["sponsor_daily_max"]
    await one.press("#yes")
    await one.page.wait_for_selector(".notice.good[role=status]")
    await one.shoot("ops-votes")

    told = {"en": f'set the network\'s "sponsor_daily_max" to {value}', "zh": f"设为 {value}"}
    assert told[lang] in sentence
    assert before != value
    assert town.read("chain_getParams")["values"]["sponsor_daily_max"] == value


async def test_what_waits_shows_who_is_missing_and_is_voted_for_or_against(
    visitor: Come, town: Town
) -> None:
    second = town.sparkle
    role = {"type": "grant_role", "account": second, "role": "operator"}
    town.act("operator", {"type": "propose", "change": role})
    rule = {"type": "set_param", "name": "sponsor_daily_max", "value": 2_700}
    town.act("sparkle", {"type": "propose", "change": rule})
    one = await enter(visitor)
    waiting = await one.text(".proposal")
    await one.press(".proposal form:has([value=vote]) button")
    await one.page.wait_for_selector("#yes")
    asked = await one.text("main")
    await one.press("#yes")
    await one.page.wait_for_selector(".notice.good[role=status]")
    decided = town.read("chain_getParams")["values"]["sponsor_daily_max"]
    back = {"type": "revoke_role", "account": second, "role": "operator"}
    town.act("operator", {"type": "propose", "change": back})
    await one.open("/ops/votes")
    await one.press(".proposal form:has([value=oppose]) button")
    await one.press("#yes")
    await one.page.wait_for_selector(".notice.good[role=status]")
    await one.open("/ops")
    closed = await one.page.get_attribute("[data-light=proposals]", "data-colour")
    town.act("operator", {"type": "propose", "change": back})
    (left,) = town.read("gov_proposals")["items"]
    town.act("sparkle", {"type": "vote", "proposal": left["proposal"]})

    assert "1 of 2 votes · 1 missing" in waiting
    assert "With your vote it has 2 of 2: it is decided" in asked
    assert decided == 2_700
    assert closed == "green"
    assert town.read("gov_operators")["votes_needed"] == 1


async def test_what_the_chain_would_refuse_is_told_before_anything_is_sent(
    visitor: Come, town: Town
) -> None:
    one = await enter(visitor)
    height = town.rpc("chain_head")["header"]["height"]
    await one.press("summary >> nth=3")
    await one.page.fill("#k-key", "ab" * 32)
    await one.press("details[open] button")

    told = await one.text("[role=alert]")
    assert "This was not done" in told
    assert "no validator" in told
    assert town.rpc("chain_head")["header"]["height"] == height


async def test_a_code_is_made_shown_once_and_taken_back(visitor: Come, town: Town) -> None:
    one = await enter(visitor, "/ops/admit")
    await one.check()
    await one.page.fill("#shop-name", "Crystal 水晶洗车")
    await one.page.fill("#note", "Ms Li, by phone")
    await one.press("#make")
    await one.page.wait_for_selector("#code")
    await one.check()
    await one.shoot("ops-code")
    code = parse_code(await one.text("#code"))
    drawn = await one.page.locator(".join-qr svg").count()
    await one.open("/ops/admit")
    listed = await one.text(f"[data-code='{code.number.hex()}']")
    await one.shoot("ops-admit")
    await one.press(f"[data-code='{code.number.hex()}'] button")
    await one.page.wait_for_load_state("networkidle")

    assert drawn == 1
    assert code.is_of(bytes.fromhex(town.rpc("node_info")["chain_id"]))
    assert "Crystal 水晶洗车" in listed
    assert "open" in listed
    assert "taken back" in await one.text(f"[data-code='{code.number.hex()}']")
    assert code.text() not in await one.page.content()


async def test_operators_act_where_nobody_listens_and_by_their_own_pages_only(
    visitor: Come, town: Town
) -> None:
    one = await visitor()
    one.url = town.lan_url
    await one.open("/ops/login")
    on_lan = await one.text()
    form = "name=operator&pin=135790"
    refused = [
        town.post("/ops/login", form, Origin=origin)[0]
        for origin in ("", town.lan_url, "https://evil.example")
    ]
    own = town.post("/ops/login", form, Origin=town.url)
    cookie = own[1]["Set-Cookie"]
    token = cookie.partition(";")[0]
    vote = "kind=set_param&name=sponsor_daily_max&value=9&step=do"
    without_number = town.post("/ops/votes", vote, Origin=town.url, Cookie=token)
    nobody = town.post("/ops/votes", vote, Origin=town.url)

    assert await one.page.locator("#pin").count() == 0
    assert "https://" in on_lan
    assert refused == [403, 403, 403]
    assert own[0] == 303
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert without_number[0] == 403
    assert (nobody[0], nobody[1]["Location"]) == (303, "/ops/login?to=%2Fops%2Fvotes")


def test_behind_a_server_that_speaks_https_operators_log_in_and_the_cookie_stays_there(
    town: Town,
) -> None:
    host = town.lan_url.removeprefix("http://")  # as a name of the network, brought on by a proxy
    shown = town.get("/ops/login", Host=host, **{"X-Forwarded-Proto": "https"})
    form = f"name=operator&pin={PRACTICE_PIN}"
    found = town.post("/ops/login", form, Host=host, Origin=f"https://{host}")

    assert b'name="pin"' in shown[2]
    assert found[0] == 303
    assert "Secure" in found[1]["Set-Cookie"]


async def test_codes_are_for_who_is_logged_in(town: Town) -> None:
    found = town.get("/ops/admit")

    assert (found[0], found[1]["Location"]) == (303, "/ops/login?to=%2Fops%2Fadmit")


def test_a_login_that_the_command_made_acts_for_its_account(town: Town) -> None:
    made = town.command("login", "add", "Olga 奥尔加", "--from", "operator", WASH_PIN="48291673")
    begun = town.rpc("operator_login", name="Olga 奥尔加", pin="48291673")
    change = {"type": "set_param", "name": "sponsor_daily_max", "value": 2_500}
    actions = [{"type": "propose", "change": change}]
    sent = town.rpc("operator_send", session=begun["session"], actions=actions)
    town.command("login", "remove", made["id"], "--from", "operator")

    keys = town.read("account_get", account=begun["account"])["keys"]
    assert begun["key"] == made["key"]
    assert sent["status"] == "final"
    assert made["key"] not in [one["key"] for one in keys]


async def test_what_a_code_let_in_is_taken_back_where_the_chain_knows_codes(
    visitor: Come, town: Town
) -> None:
    code = catalog.container_bytes("admissions").hex()
    deployed = town.act("operator", {"type": "deploy", "code": code, "arguments": [1]})
    contract = deployed.event("chain.deployed")["contract"]
    install = {"type": "install_contract", "name": "admissions", "contract": contract}
    town.act("operator", {"type": "propose", "change": install})
    token = json.loads((town.folder / "tokens.json").read_text("utf-8"))["admin"]
    made = town.rpc("admin_join_code", token=token, gateways=[town.url])
    shop = let_in(town, made["code"])
    one = await enter(visitor, "/ops/admit")
    await one.press(f"[data-code='{made['number']}'] button")
    await one.page.wait_for_selector("#sentence")
    sentence = await one.text("#sentence")
    await one.check()
    await one.press("#yes")
    await one.page.wait_for_selector(f"[data-code='{made['number']}'] .badge.plain")

    other = town.command("admit", "new", "--gateway", town.url)
    back = town.command("admit", "revoke", other["number"], "--from", "operator")

    assert back["state"] == "revoked"
    assert "Take back a code" in sentence
    assert town.read("shops.standing", shop=shop)["status"] == "FROZEN"
    assert town.read("account_get", account=shop)["roles"] == []


def let_in(town: Town, code: str) -> str:
    """Let a shop in with a code, as its computer does; returns its account."""
    newcomer, chain_id = Newcomer("Crystal"), bytes.fromhex(town.rpc("node_info")["chain_id"])
    request = newcomer.request(chain_id, parse_code(code))
    shop = encode_id("acct", request.account)
    town.rpc(
        "join_redeem", code=code, account=shop, node_key=request.node_key.hex(),
        name=request.name, signature=request.signature.hex(),
        node_signature=request.node_signature.hex(),
    )  # fmt: skip
    return shop
