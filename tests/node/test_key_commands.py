"""`washnode key`: what is asked, printed and refused; a rotation on a real chain."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from chain.accounts import read_account
from chain.crypto import COST_MIN, Signer
from chain.ids import decode_id
from node.client import Final, Refused
from node.commands.key import key, rotate_key
from node.commands.passphrase import take_passphrase
from node.keys.errors import KeyFileError
from node.keys.phrase import write_phrase
from node.keys.store import KeyStore, Rotation
from node.rpc.forms.actions import IdsOnly, read_actions
from tests.make import TestChain, account, signer

SEED = bytes(range(32))
WORD = "five wet dogs"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(KeyStore.__init__, "__defaults__", (COST_MIN,))
    return tmp_path


def run(folder: Path, *words: str, passphrase: str | None = WORD, typed: str = "") -> Result:
    env = {"WASH_DATA": str(folder), "WASH_PASSPHRASE": passphrase}
    return CliRunner().invoke(key, words, env=env, input=typed)


def stored(folder: Path) -> KeyStore:
    return KeyStore(folder / "keys", COST_MIN)


def test_a_new_key_is_shown_listed_and_opens(folder: Path) -> None:
    made = run(folder, "new", "till")

    info = stored(folder).show("till")
    listed, shown = run(folder, "list"), run(folder, "show", "till")
    assert made.stderr == f"Next: washnode key backup till --data {folder}\n"
    assert (
        made.stdout
        == shown.stdout
        == (
            f"name        till\naccount     {info.account_text}\n"
            f"public key  {info.public_key.hex()}\npassphrase  yes\n"
        )
    )
    assert listed.stdout.split() == ["till", info.account_text]
    assert stored(folder).unlock("till", WORD).public_key == info.public_key


def test_without_keys_the_list_tells_what_is_next(folder: Path) -> None:
    result = run(folder, "list")

    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "No keys yet.\nNext: washnode key new NAME\n"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_printed_words_bring_the_key_back(folder: Path, language: str) -> None:
    stored(folder).add("till", SEED, WORD)
    words = folder / "words.txt"

    printed = run(folder, "backup", "till", "--lang", language)
    words.write_text(printed.stdout, encoding="utf-8")
    result = run(folder, "restore", "again", "--words-file", str(words))

    assert printed.exit_code == result.exit_code == 0
    assert stored(folder).export("again", WORD) == SEED


def test_a_key_that_is_not_its_accounts_first_comes_back_with_the_account(folder: Path) -> None:
    owner = stored(folder).add("other", bytes(32), None)
    words = folder / "words.txt"
    words.write_text(" ".join(write_phrase(SEED)))

    result = run(
        folder, "restore", "till", "--words-file", str(words), "--account", owner.account_text
    )

    assert result.exit_code == 0
    assert stored(folder).show("till").account == owner.account


def test_a_sealed_copy_brings_the_key_back(folder: Path) -> None:
    stored(folder).add("till", SEED, None)
    copy = folder / "stick.json"

    written = run(folder, "backup", "till", "--out", str(copy))
    result = run(folder, "restore", "again", "--file", str(copy))

    assert (written.exit_code, written.stdout, result.exit_code) == (0, "", 0)
    assert stored(folder).export("again", WORD) == SEED


def test_a_passphrase_is_changed_with_files_alone(folder: Path) -> None:
    stored(folder).add("till", SEED, WORD)
    old, new = folder / "old", folder / "new"
    old.write_bytes(b"five wet dogs\r\n")
    new.write_bytes("\ufeff六只干猫在屋顶上\n".encode())

    result = run(
        folder, "passphrase", "till", "--passphrase-file", str(old),
        "--new-passphrase-file", str(new), passphrase=None,
    )  # fmt: skip

    assert result.exit_code == 0
    assert stored(folder).export("till", "六只干猫在屋顶上") == SEED


def test_a_plain_key_is_made_without_asking_and_says_so(folder: Path) -> None:
    result = run(folder, "new", "till", "--no-passphrase", passphrase=None)

    assert result.stdout.endswith("passphrase  NONE: keep the file safe\n")
    assert not stored(folder).show("till").is_sealed


@pytest.mark.parametrize(
    ("words", "exit_code", "told"),
    [
        (("new", "till"), 4, "key 'till' exists already"),
        (("new", "Till"), 4, "a key's name has 1 to 32 of a-z"),
        (("show", "tiil"), 4, "did you mean till?"),
        (("backup", "till"), 4, "wrong passphrase for key 'till'"),
        (("restore", "again"), 2, "nobody is there to type the words"),
        (("restore", "again", "--words-file", "none.txt"), 4, "No such file"),
        (("restore", "again", "--file", "none.json"), 4, "No such file"),
        (("restore", "again", "--file", "x", "--no-passphrase"), 2, "--file goes with"),
        (("new", "b", "--no-passphrase", "--passphrase-file", "x"), 2, "not both"),
        (("new", "b", "--passphrase-file", "none.txt"), 4, "No such file"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(
    folder: Path, words: tuple[str, ...], exit_code: int, told: str
) -> None:
    stored(folder).add("till", SEED, WORD)

    result = run(folder, *words, passphrase="the wrong one")

    assert (result.exit_code, result.stdout) == (exit_code, "")
    assert told in result.stderr.splitlines()[-1]
    assert [info.name for info in stored(folder).list()] == ["till"]


def test_a_mistyped_word_is_told_before_a_passphrase_is_asked(folder: Path) -> None:
    words = folder / "words.txt"
    words.write_text(" ".join(["abandom", *write_phrase(SEED)[1:]]))

    result = run(folder, "restore", "till", "--words-file", str(words), passphrase=None)

    assert result.exit_code == 4
    assert result.stderr.startswith("washnode: word 1 is unknown: 'abandom'; perhaps abandon")


def test_without_a_person_or_a_file_a_passphrase_is_not_waited_for(folder: Path) -> None:
    result = run(folder, "new", "till", passphrase=None)

    assert result.exit_code == 2
    assert "give --passphrase-file FILE, WASH_PASSPHRASE_FILE or WASH_PASSPHRASE" in result.stderr


def test_a_file_goes_before_the_environment_and_that_before_a_person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    file.write_text("from the file\n")
    monkeypatch.setattr("click.prompt", lambda *_args, **_named: "from a person")

    def take(path: Path | None, environment: dict[str, str]) -> str:
        return take_passphrase(path, environment, prompt="Passphrase", is_terminal=True)

    taken = [
        take(file, {"WASH_PASSPHRASE": "from the environment"}),
        take(None, {"WASH_PASSPHRASE": "from it", "WASH_PASSPHRASE_FILE": str(file)}),
        take(None, {"WASH_PASSPHRASE_FILE": str(file)}),
        take(None, {}),
    ]

    assert taken == ["from the file", "from it", "from the file", "from a person"]


def test_a_passphrase_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"\xff")

    with pytest.raises(KeyFileError, match="not UTF-8 text"):
        take_passphrase(file, {}, prompt="Passphrase", is_terminal=False)


# ------------------------------------------------------------------------------------- rotation


@dataclasses.dataclass
class Client:
    """The client's two calls, on a chain in this process; `is_lost` ends a call unheard."""

    chain: TestChain
    signer: Signer
    is_lost: bool = False
    no: Exception | None = None  # raised by a trial run if `is_tried`, else when sent
    is_tried: bool = False

    def account(self, account: str) -> Mapping[str, Any]:
        keys = read_account(self.chain.state(), decode_id(account, "acct")).keys
        return {"keys": [{"key": entry.key.hex()} for entry in keys]}

    def simulate(self, actions: Sequence[Mapping[str, Any]]) -> object:
        if self.no is not None and self.is_tried:
            raise self.no
        return actions

    def send(self, actions: Sequence[Mapping[str, Any]]) -> object:
        if self.no is not None:
            raise self.no
        made = read_actions(list(actions), IdsOnly())
        receipt = self.chain.do("alice", *made, by=self.signer)
        assert receipt.ok
        if self.is_lost:
            raise ConnectionError
        return receipt


@pytest.fixture
def store(tmp_path: Path) -> KeyStore:
    store = KeyStore(tmp_path / "keys", COST_MIN)
    store.add("alice", signer_seed(), WORD)
    return store


def signer_seed() -> bytes:
    """Return the seed of alice's first key."""
    return signer("alice")._secret[:32]


def test_a_rotation_leaves_the_account_with_the_new_key_alone(
    chain: TestChain, store: KeyStore
) -> None:
    facts = rotate_key(store, "alice", WORD, lambda rotation: Client(chain, rotation.old))

    keys = [entry.key for entry in read_account(chain.state(), account("alice")).keys]
    info = store.show("alice")
    assert keys == [info.public_key] == [bytes.fromhex(facts["public_key"])]
    assert (info.account, info.public_key != info.account) == (account("alice"), True)
    assert facts["old_file"] == str(store.folder / "alice.old-1.json")


def test_a_rotation_whose_answer_was_lost_is_finished_by_running_it_again(
    chain: TestChain, store: KeyStore
) -> None:
    with pytest.raises(ConnectionError):
        rotate_key(store, "alice", WORD, lambda one: Client(chain, one.old, is_lost=True))
    between = store.show("alice").public_key
    height = chain.head.height

    facts = rotate_key(store, "alice", WORD, lambda one: Client(chain, one.old))

    keys = [entry.key.hex() for entry in read_account(chain.state(), account("alice")).keys]
    assert (between, chain.head.height) == (account("alice"), height)
    assert keys == [facts["public_key"]]


def test_a_key_that_its_account_does_not_have_is_not_rotated(
    chain: TestChain, store: KeyStore
) -> None:
    store.add("till", SEED, None, account=account("bob"))

    def connect(rotation: Rotation) -> Client:
        return Client(chain, rotation.old)

    with pytest.raises(KeyFileError, match="'till' is no key of acct1"):
        rotate_key(store, "till", None, connect)

    assert store.unlock("till", None).public_key == Signer(SEED).public_key


NO = Refused("this account may not do this")
IN_A_BLOCK = Refused(
    "failed", final=Final("00" * 32, 1, 1, ok=False, code=1, name="NO", receipt={})
)


@pytest.mark.parametrize(
    ("no", "is_tried", "is_pending"),
    [(NO, True, False), (IN_A_BLOCK, False, False), (NO, False, True)],
)
def test_a_new_key_is_dropped_only_where_no_chain_can_have_it(
    chain: TestChain, store: KeyStore, no: Refused, *, is_tried: bool, is_pending: bool
) -> None:
    before = store.show("alice")

    with pytest.raises(Refused):
        rotate_key(
            store, "alice", WORD, lambda one: Client(chain, one.old, no=no, is_tried=is_tried)
        )

    assert (store.folder / "alice.new.json").exists() is is_pending
    assert store.show("alice") == before


def test_the_key_of_an_earlier_run_is_kept_whatever_is_refused_now(
    chain: TestChain, store: KeyStore
) -> None:
    with pytest.raises(Refused):
        rotate_key(store, "alice", WORD, lambda one: Client(chain, one.old, no=NO))
    pending = (store.folder / "alice.new.json").read_bytes()

    with pytest.raises(Refused):
        rotate_key(store, "alice", WORD, lambda one: Client(chain, one.old, no=NO, is_tried=True))

    assert (store.folder / "alice.new.json").read_bytes() == pending


def test_a_rotation_without_a_node_leaves_nothing_behind(folder: Path) -> None:
    stored(folder).add("till", SEED, None)

    done = run(folder, "rotate", "till", "--rpc", "127.0.0.1:1")

    assert done.exit_code == 5
    assert sorted(path.name for path in (folder / "keys").iterdir()) == ["till.json"]
