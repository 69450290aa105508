"""The operators' pages: traffic lights with what to do, votes, and codes that let shops in."""

import pytest

from tests.pages.browsing import COUNTER
from tests.pages.conftest import Come
from tests.pages.test_first_visit import LANGS
from tests.pages.town import Town

LIGHTS = {
    "validators", "signing", "blocks", "peers", "lag", "disk", "clock", "proposals", "features",
    "reserves", "prepaid",
}  # fmt: skip


@pytest.mark.parametrize("lang", LANGS)
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
    assert colours["reserves"] == "amber"  # the demo's issuer never stated what it has
    told = town.read("money_issuers")
    assert f"¥{told['owed']['amount'] / 100:,.2f}" in await one.text("[data-light=reserves]")
    await one.shoot("ops")
