"""What opens a node's keys is changed there and back, and no stop in between costs a key."""

import shutil
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keyring
import pytest
from click.testing import CliRunner, Result

from chain.crypto import COST_MIN
from node.cli import main
from node.commands import service
from node.commands.run import find_config, unlock_keys
from node.joining.plan import ShopPlan, write_plan
from node.keys import resealing
from node.keys.errors import KeyFileError, WrongPassphraseError
from node.keys.resealing import Opener, reseal, settle, with_unlock
from node.keys.store import KeyStore
from node.keys.unattended import FILE_NAME, keep_secret
from node.service_files import Machine
from tests.node.test_unattended import FakeKeyring

WORD = "five wet dogs"
SETTINGS = """\
# Settings of this node.
[rpc]
port = 0

[keys]
validator = "node"  # other nodes know it
sponsor = "shop"
"""


@pytest.fixture
def ring() -> Iterator[FakeKeyring]:
    before, fake = keyring.get_keyring(), FakeKeyring()
    keyring.set_keyring(fake)
    yield fake
    keyring.set_keyring(before)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A node whose keys open by a passphrase, in a machine without a service."""
    monkeypatch.setattr(KeyStore.__init__, "__defaults__", (COST_MIN,))
    machine = Machine("linux", tmp_path / "home", "li")
    monkeypatch.setattr(service, "machine_here", lambda: machine)
    for name in ("WASH_PASSPHRASE", "WASH_PASSPHRASE_FILE"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    (folder / "config.toml").write_text(SETTINGS, encoding="utf-8")
    (folder / "genesis.json").write_text("{}", encoding="utf-8")
    (tmp_path / "word").write_text(WORD, encoding="utf-8")
    store = KeyStore(folder / "keys")
    for name in ("node", "shop"):
        store.create(name, WORD)
    store.create("own", "of a person alone")
    return folder


def run(data: Path, *words: str, lang: str = "en") -> Result:
    given = [*words, "--data", str(data), "--lang", lang]
    return CliRunner().invoke(main, ["key", "unlock", *given], env={"WASH_DATA": None})


def turn(data: Path, way: str) -> Result:
    """Turn to a way by command, with the passphrase where one is needed."""
    flag = "--new-passphrase-file" if way == "ask" else "--passphrase-file"
    return run(data, way, flag, str(data.parent / "word"))


def public_keys(data: Path) -> list[bytes]:
    return [KeyStore(data / "keys").show(name).public_key for name in ("node", "shop")]


def starts(data: Path, file: Path | None = None) -> bool:
    """Tell whether a start opens the keys, with a passphrase file or without anybody."""
    try:
        signer, sponsor, _ = unlock_keys(find_config(None, data, {}), file)
    except WrongPassphraseError:
        return False
    return [signer.public_key, sponsor.public_key] == public_keys(data)


@pytest.mark.parametrize("way", ["file", "keyring"])
def test_a_node_starts_by_itself_and_goes_back_to_a_person(
    data: Path, ring: FakeKeyring, way: str
) -> None:
    before = public_keys(data)
    there = turn(data, way)
    kept = (data / FILE_NAME).exists(), len(ring.kept)
    starts_alone = starts(data)
    back = turn(data, "ask")

    assert (there.exit_code, back.exit_code) == (0, 0), (there.output, back.output)
    assert (starts_alone, starts(data, data.parent / "word")) == (True, True)
    assert kept == ((True, 0) if way == "file" else (False, 1))
    assert ((data / FILE_NAME).exists(), ring.kept) == (False, {})
    assert public_keys(data) == before
    own = KeyStore(data / "keys").unlock("own", "of a person alone")
    assert own.public_key == KeyStore(data / "keys").show("own").public_key


def test_from_a_file_to_the_keyring_all_that_the_file_opened_goes_along(
    data: Path, ring: FakeKeyring
) -> None:
    turn(data, "file")
    KeyStore(data / "keys").create("till", keep_secret("file", data))

    done = run(data, "keyring")
    (secret,) = ring.kept.values()

    assert done.exit_code == 0, done.output
    assert "Sealed anew: node, shop, till" in done.stdout
    assert (starts(data), (data / FILE_NAME).exists()) == (True, False)
    till = KeyStore(data / "keys").unlock("till", secret)
    assert till.public_key == KeyStore(data / "keys").show("till").public_key


def test_it_tells_what_it_costs_and_what_to_do_next(data: Path) -> None:
    there, back = turn(data, "file"), turn(data, "ask")
    chinese = turn(data, "file"), run(data, lang="zh")

    assert "the node starts with the computer, and whoever can read all files" in there.stderr
    assert "Next: washnode service install" in there.stderr
    assert "starts only while somebody is there to type it" in back.stderr
    assert "Next: washnode backup create TARGET" in back.stderr
    assert (chinese[1].exit_code, "电脑开机节点即启动" in chinese[1].stderr) == (0, True)


def test_keys_that_had_no_passphrase_are_sealed(data: Path) -> None:
    store = KeyStore(data / "keys")
    for name in ("node", "shop"):
        store.change_passphrase(name, WORD, None)

    done = run(data, "file")

    assert done.exit_code == 0, done.output
    assert [store.show(name).is_sealed for name in ("node", "shop")] == [True, True]
    assert starts(data)


def test_a_wrong_passphrase_changes_nothing(data: Path) -> None:
    before = files(data)
    (data.parent / "wrong").write_text("six wet dogs", encoding="utf-8")

    done = run(data, "file", "--passphrase-file", str(data.parent / "wrong"))

    assert (done.exit_code, files(data)) == (4, before)
    assert "wrong passphrase" in done.stderr


def test_a_service_that_could_not_start_any_more_is_told_before(
    data: Path, ring: FakeKeyring
) -> None:
    turn(data, "file")
    unit = data.parent / "home/.config/systemd/user/washnode.service"
    unit.parent.mkdir(parents=True)
    unit.write_text(f"WorkingDirectory={data}\n", encoding="utf-8")

    refused, allowed = turn(data, "ask"), run(data, "keyring")

    assert refused.exit_code == 4
    assert refused.stderr.splitlines()[-1].endswith(
        "take the service away first: washnode service remove"
    )
    assert (allowed.exit_code, len(ring.kept)) == (0, 1)


def test_a_shop_on_its_way_in_and_settings_of_the_environment_are_left_alone(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_plan(data, ShopPlan(name="Crystal", service=None))
    on_its_way = run(data, "file")
    write_plan(data, ShopPlan(name="Crystal", service=None, trading=True))
    monkeypatch.setenv("WASH_KEYS_UNLOCK", "ask")
    said_elsewhere = run(data, "file")

    assert (on_its_way.exit_code, said_elsewhere.exit_code) == (2, 2)
    assert "first: washnode join" in on_its_way.stderr
    assert "WASH_KEYS_UNLOCK says what opens the keys" in said_elsewhere.stderr


def test_a_rotation_in_between_is_finished_first(data: Path) -> None:
    KeyStore(data / "keys").begin_rotation("shop", WORD)

    with pytest.raises(KeyFileError, match="washnode key rotate shop"):
        reseal(data, {"node": WORD, "shop": WORD}, None, Opener("file", "new"), COST_MIN)


# Power cuts ------------------------------------------------------------------------------------


class PowerCutError(BaseException):
    """Nothing after it runs."""


STEPS = ("write_key_file", "put_whole", "move_over", "sync_folder")


def cut_after(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Let the power fail before the step after so many; nothing is done from then on."""
    left = [count]

    def ending(step: Callable[..., Any]) -> Callable[..., Any]:
        def do(*args: Any, **kwargs: Any) -> Any:
            if left[0] == 0:
                raise PowerCutError
            left[0] -= 1
            return step(*args, **kwargs)

        return do

    for name in STEPS:
        monkeypatch.setattr(resealing, name, ending(getattr(resealing, name)))
    is_gone = lambda *_args, **_kwargs: None if left[0] == 0 else shutil.rmtree(*_args, **_kwargs)  # noqa: E731
    monkeypatch.setattr(resealing, "shutil", type("shutil", (), {"rmtree": staticmethod(is_gone)}))


def test_wherever_the_power_fails_the_node_starts_and_the_change_can_be_made(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret, word, outcomes = keep_secret("file", data), data.parent / "word", []
    needed = dict.fromkeys(("node", "shop"), WORD)
    for count in range(40):
        copy = tmp_path / f"after-{count}"
        shutil.copytree(data, copy)
        with monkeypatch.context() as patch:
            cut_after(patch, count)
            try:
                reseal(copy, needed, None, Opener("file", secret), COST_MIN)
            except PowerCutError:
                is_cut = True
            else:
                is_cut = False
        way = find_config(None, copy, {}).keys.unlock  # what a start reads first
        good = starts(copy, word if way == "ask" else None)
        again = way == "file" or turn(copy, "file").exit_code == 0
        outcomes.append((is_cut, way, good, again, starts(copy), leftovers(copy)))
        if not is_cut:
            break

    ways = [way for _, way, *_ in outcomes]
    assert [one[2:] for one in outcomes] == [(True, True, True, [])] * len(outcomes)
    assert ways == sorted(ways)  # first as before, from one moment on as it shall be
    assert (set(ways), outcomes[-1][0]) == ({"ask", "file"}, False)


def leftovers(data: Path) -> list[str]:
    return [path.name for path in (data / "keys").iterdir() if path.suffix != ".json"]


def files(data: Path) -> dict[str, bytes]:
    found = (path for path in data.rglob("*") if path.is_file() and path.name != FILE_NAME)
    return {str(path.relative_to(data)): path.read_bytes() for path in found}


def test_nothing_to_settle_touches_nothing(data: Path) -> None:
    before = files(data)

    assert (settle(data), settle(data / "nowhere"), files(data)) == (False, False, before)


# Settings --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "",
        SETTINGS,
        '[keys]\nvalidator = "node"',
        '[keys]\nunlock = "ask"  # a person\nsponsor = "shop"\n\n[p2p]\nlisten = true\n',
        '# [keys]\n[p2p]\nlisten = true\n[keys]\n  unlock="keyring"\n',
    ],
)
def test_only_one_line_of_the_settings_changes(text: str) -> None:
    changed = with_unlock(text, "file")

    expected = tomllib.loads(text)
    expected.setdefault("keys", {})["unlock"] = "file"
    assert tomllib.loads(changed) == expected
    kept = [line for line in text.splitlines() if line.strip() and "unlock" not in line]
    assert [line for line in changed.splitlines() if line in kept] == kept


def test_settings_in_another_form_are_for_a_person() -> None:
    with pytest.raises(KeyFileError, match='write unlock = "file" under'):
        with_unlock('keys = { validator = "node" }\n', "file")


def test_a_new_settings_file_is_for_its_user_only(data: Path) -> None:
    (data / "config.toml").unlink()
    reseal(data, {"node": WORD}, None, Opener("file", "secret"), COST_MIN)

    assert tomllib.loads((data / "config.toml").read_text("utf-8")) == {"keys": {"unlock": "file"}}
    assert (data / "config.toml").stat().st_mode & 0o077 == 0
