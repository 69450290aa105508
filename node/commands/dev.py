"""`washnode dev`: a development chain with a world in it, and the tools to play with it."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from node.commands.common import group
from node.commands.dev_net import net
from node.commands.output import (
    EXIT_USAGE,
    CommandError,
    confirm,
    fail,
    finish,
    print_facts,
    print_text,
    show_money,
    talk,
)
from node.commands.words import lang, t
from node.files import move_over

if TYPE_CHECKING:
    from node.live.node import Node

SCENARIO_DEFAULT = "default"
# What belongs to the chain; keys, tokens and whatever else lies there stays.
_CHAIN_PARTS = ("chain", "chain.new", "chain.old", "snapshots", "abis", "votes.log", "genesis.json")


@group(invoke_without_command=True)
@click.option("--port", type=click.IntRange(0, 65_535), help="Port; 8787, 0 takes a free one.")
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Where the chain lives; default: a folder of yours.",
)
@click.option("--fresh", is_flag=True, help="Throw the old chain away first.")
@click.option("--seed", metavar="NAME", help="Bookings to begin with: default or busy-saturday.")
@click.option("--no-seed", is_flag=True, help="Begin without bookings.")
@click.pass_context
def dev(
    context: click.Context,
    *,
    port: int | None,
    data: Path | None,
    fresh: bool,
    seed: str | None,
    no_seed: bool,
) -> None:
    """Run a development chain: two shops, ten people with known keys, a clock that obeys.

    Everything on it is for play. The commands below work on the chain that runs: start it in one
    window, use them in another.
    """
    if context.invoked_subcommand is not None:
        return
    if seed is not None and no_seed:
        fail(t("give --seed or --no-seed, not both"), EXIT_USAGE)
    from node.commands.connect import dev_folder

    folder = data or dev_folder()
    _prepare(folder, fresh=fresh)
    _serve(folder, port, None if no_seed else seed, is_seeded=not no_seed)


def _prepare(folder: Path, *, fresh: bool) -> None:
    """Make the folder, without its old chain if that is wished."""
    from node.commands.connect import find_running
    from node.storage.folder import held

    running = find_running(folder)
    if running is not None:
        fix = t("stop it: washnode stop --data {folder}", folder=folder)
        fail(t("a node runs there already: {url}", url=running.url), fix=fix)
    parts = [folder / name for name in _CHAIN_PARTS if (folder / name).exists()]
    left = [*folder.glob("chain.*"), *folder.glob("votes.log.*")]  # by repairs
    parts += [part for part in left if part not in parts and part.name != "chain.lock"]
    if fresh and parts:
        _check_throwaway(folder)
        confirm(t("Throw away the chain in {folder}?", folder=folder))
        with held(folder / "chain"):  # a node that starts, or a repair, is not seen above
            for part in parts:
                if part.is_dir():
                    shutil.rmtree(part)
                else:
                    part.unlink()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def _check_throwaway(folder: Path) -> None:
    """Refuse to throw away what is no development chain: there may be money on it."""
    try:
        genesis = json.loads((folder / "genesis.json").read_text("utf-8"))
        is_dev = genesis["params"]["dev"] == 1
    except (OSError, ValueError, KeyError, TypeError):
        is_dev = False
    if not is_dev:
        seen = t("{folder} holds no development chain; nothing there is thrown away", folder=folder)
        raise CommandError(seen, EXIT_USAGE, fix=t("take another --data DIR"))


def _serve(folder: Path, port: int | None, seed: str | None, *, is_seeded: bool) -> None:
    import os

    from node.commands.connect import dev_folder
    from node.commands.serving import ready_facts, run_loop, serve_node
    from node.config import load_config
    from node.demo.tools import tools_of
    from node.logs import set_up_logs

    told = None if "WASH_LOG_LEVEL" in os.environ else "warning"
    flags = {"data_dir": str(folder), "rpc.port": port, "log_level": told}
    settings = {name: value for name, value in os.environ.items() if name != "WASH_DATA_DIR"}
    config = load_config(environment=settings, flags=flags)
    set_up_logs(config.log_level, data=config.data_dir)

    async def main() -> None:
        node = _build(config)
        try:
            seeded = await _furnish(node, seed, is_seeded=is_seeded)
        except BaseException:
            node.close()
            raise

        def tell(url: str) -> None:
            facts = {**ready_facts(node, url), **_world_facts(seeded)}
            # Nothing needs to be said where the other commands look by themselves.
            is_usual = folder == dev_folder() and not talk().data
            where = "" if is_usual else f" --rpc {url}"
            following = f"washnode dev tick 1d{where}"
            finish(facts, lambda: _show_world(facts, where), next_command=following)

        # Steps of scenarios that lie ahead are taken when their time comes, also without a journey.
        await serve_node(node, config, tell, (tools_of(node).run,))

    run_loop(main())


def _build(config: Any) -> "Node":
    from node.app import build_node
    from node.demo.accounts import signer_of
    from node.demo.genesis import demo_genesis
    from node.live.travel import catch_up

    genesis = demo_genesis()
    path = config.data_dir / "genesis.json"
    text = genesis.model_dump_json(indent=2) + "\n"
    if not path.exists():
        fresh = path.with_suffix(".new")
        fresh.write_text(text, encoding="utf-8")
        move_over(fresh, path)  # a stop in between leaves none, not half a one
    elif path.read_text("utf-8") != text:
        seen = t("{folder} holds another chain", folder=config.data_dir)
        raise CommandError(seen, fix=t("take another --data DIR"))
    node = build_node(config, genesis, signer_of("validator"), sponsor=signer_of("sparkle"))
    catch_up(node)  # where an earlier journey ended
    return node


async def _furnish(node: "Node", seed: str | None, *, is_seeded: bool) -> Sequence[Any]:
    """Set the demo's world up; a new chain gets its first bookings. Returns those."""
    from node.demo.staff import enlist
    from node.demo.tools import tools_of
    from node.demo.world import build_world, has_world

    is_new = not has_world(node.driver)
    build_world(node.driver)
    if node.folder is not None:
        enlist(node, node.folder)
    if not is_seeded or not (is_new or seed is not None):
        return ()
    return (await tools_of(node).seed(seed or SCENARIO_DEFAULT)).visits


def _world_facts(visits: Sequence[Any]) -> dict[str, Any]:
    """Return who and what is on the chain."""
    from chain.ids import encode_id
    from node.demo.accounts import ACCOUNTS, FUNDS_EACH, seed_of
    from node.demo.catalogue import SHOPS

    money = {"amount": FUNDS_EACH, "currency": "CNY"}
    accounts = [
        {
            "name": one.name,
            "account": encode_id("acct", one.account),
            "seed": seed_of(one.name).hex(),
            "about": {"en": one.en, "zh": one.zh},
            "funds": money,
        }
        for one in ACCOUNTS
    ]
    shops = [
        {
            "account": shop.account,
            "name": shop.name,
            "services": [
                {
                    "number": one.number,
                    "name": one.name,
                    "price": {"amount": one.price, "currency": "CNY"},
                    "policy": one.policy,
                }
                for one in shop.services
            ],
        }
        for shop in SHOPS
    ]
    bookings = [
        {
            "booking": encode_id("bkg", booking),
            "customer": visit.customer,
            "shop": visit.shop,
            "start": visit.start_ms,
            "fate": visit.fate,
        }
        for visit, booking in visits
        if booking is not None
    ]
    return {"accounts": accounts, "shops": shops, "bookings": bookings}


def _show_world(facts: dict[str, Any], where: str) -> None:
    print_text(t("A development chain: {url}", url=facts["url"]))
    print_text(f"{t('Data')}: {facts['data']}")
    print_text("")
    print_text(t("People (a name works wherever an account is wanted) and their keys:"))
    for one in facts["accounts"]:
        print_text(f"  {one['name']:<10} {one['about'][lang()]}")
        print_text(f"  {'':<10} {one['account']}")
        print_text(f"  {'':<10} {t('key')} {one['seed']}")
    print_text("")
    for shop in facts["shops"]:
        print_text(t("Shop {account}: {name}", account=shop["account"], name=shop["name"]))
        for one in shop["services"]:
            price = show_money(one["price"])
            print_text(f"  {one['number']}  {price:>14}  {one['policy']:<7} {one['name']}")
    print_text("")
    late = [one for one in facts["bookings"] if one["fate"] in {"missed", "waiting"}]
    if late:
        print_text(t("To see a refund: let a day pass, then read what the chain did by itself:"))
        print_text(f"  washnode dev tick 2d{where}")
        tail = "washnode events tail --type 'booking.*' --after earliest --no-follow"
        print_text(f"  {tail}{where}")
        print_text("")
    print_text(t("Ctrl-C stops it; the chain is kept."))


# Tools ------------------------------------------------------------------------------------------

_TIMEOUT_S = 300.0  # years may have to pass
_METHOD_DISABLED = -32_007


def _ask(method: str, **params: Any) -> dict[str, Any]:
    from node.commands.connect import session

    with session(timeout_s=_TIMEOUT_S) as talk_to:
        answer: dict[str, Any] = _ask_dev(talk_to, method, params)
    return answer


def _ask_dev(talk_to: Any, method: str, params: dict[str, Any]) -> Any:
    from node.client import WashRpcError

    try:
        return talk_to.ask(method, **params)
    except WashRpcError as error:
        if error.code != _METHOD_DISABLED:
            raise
        path = click.get_current_context().command_path
        seen = t("{command} works on development chains only", command=path)
        raise CommandError(
            seen, fix=t("start one: washnode dev"), code=error.code, name=error.name
        ) from error


@dev.command(node=True)
@click.argument("duration")
def tick(*, duration: str) -> None:
    """Let time pass: 2h, 1d12h, 90m. Whatever falls due on the way happens."""
    from node.commands.values import need_duration

    duration_ms = need_duration(duration)
    journey = _ask("dev_increaseTime", duration_ms=duration_ms)
    following = "washnode events tail --after earliest --no-follow"
    finish(journey, lambda: _show_journey(journey), next_command=following)


def _show_journey(journey: dict[str, Any]) -> None:
    from node.commands.events import show_time

    text = t(
        "It is {time} now: {blocks} blocks, {timers} deadlines, {events} events.",
        time=show_time(journey["to"]),
        blocks=journey["blocks"],
        timers=journey["timers_fired"],
        events=journey["events"],
    )
    print_text(text)
    if not journey["arrived"]:
        print_text(t("There was too much to do for one journey: run it again to go on."))


@dev.command(node=True)
@click.argument("account")
@click.argument("amount")
@click.option("--asset", help="Symbol or id; default: the chain's money.")
def faucet(*, account: str, amount: str, asset: str | None) -> None:
    """Give an account money that did not exist before: faucet alice 12.34."""
    from node.commands.connect import session
    from node.commands.values import need_money

    with session(timeout_s=_TIMEOUT_S) as talk_to:
        decimals = 2 if asset is None else talk_to.decimals(asset)
        params = {
            "account": talk_to.need_account(account),
            "amount": need_money(amount, decimals),
        }
        if asset is not None:
            params["asset"] = asset
        answer = _ask_dev(talk_to, "dev_faucet", params)
    shown = {**answer, "balance": show_money(answer["balance"])}
    following = f"washnode tx explain {answer['tx_id']}"
    finish(answer, lambda: print_facts(shown), next_command=following)


@dev.command(node=True)
@click.argument("count", type=click.IntRange(1, 1_000), default=1)
def mine(*, count: int) -> None:
    """Make COUNT blocks now, also empty ones."""
    finish(_ask("dev_mine", count=count))


@dev.command("seed", node=True)
@click.argument("scenario", default=SCENARIO_DEFAULT)
def seed_command(*, scenario: str) -> None:
    """Make bookings to play with: default, busy-saturday or empty."""
    answer = _ask("dev_seed", scenario=scenario)

    def show() -> None:
        for one in answer["bookings"]:
            print_text(f"{one['booking']}  {one['customer']:<8} {one['shop']:<8} {one['fate']}")
        print_text(str(answer["note"]))

    finish(answer, show, next_command="washnode dev tick 1d")


@dev.command(node=True)
def snapshot() -> None:
    """Keep the whole chain as it is now, to come back to."""
    answer = _ask("dev_snapshot")
    finish(answer, next_command=f"washnode dev revert {answer['snapshot']}")


@dev.command(node=True)
@click.argument("snapshot_id", metavar="ID")
def revert(*, snapshot_id: str) -> None:
    """Go back to a snapshot, the clock included."""
    finish(_ask("dev_revert", snapshot=snapshot_id))


@dev.command(node=True)
@click.argument("duration")
def halt(*, duration: str) -> None:
    """Let the chain stand still for a while, as after a power cut: 30m."""
    from node.commands.values import need_duration

    answer = _ask("dev_halt", duration_ms=need_duration(duration))
    finish(answer, lambda: _show_halt(answer), next_command="washnode status")


def _show_halt(answer: dict[str, Any]) -> None:
    from node.commands.events import show_time

    timers = answer["timers_fired"]
    text = t(
        "It stood still from {begin} to {end}; then {timers} deadlines.",
        begin=show_time(answer["from"]),
        end=show_time(answer["to"]),
        timers=timers,
    )
    print_text(text)
    if answer["halt"]:
        over = show_time(answer["halt"]["over"])
        print_text(t("Deadlines that fell due meanwhile wait until {time}.", time=over))


dev.add_command(net)
