"""Keys on disk: what is sealed opens with its passphrase alone, and nothing is ever lost."""

import json
import os
import stat
from pathlib import Path

import pytest

from chain.crypto import COST_MIN, Signer, public_key, verify_signature
from chain.ids import encode_id
from node.keys.errors import (
    KeyExistsError,
    KeyFileError,
    OpenToOthersError,
    UnknownKeyError,
    WrongPassphraseError,
)
from node.keys.file import make_key_file, write_key_file
from node.keys.store import KeyInfo, KeyStore

SEED = bytes(range(32))
ACCOUNT = public_key(SEED)
WORD = "five wet dogs"
needs_modes = pytest.mark.skipif(os.name != "posix", reason="Windows keeps rights elsewhere")


@pytest.fixture
def store(tmp_path: Path) -> KeyStore:
    return KeyStore(tmp_path / "keys", COST_MIN)


def refusal(store: KeyStore, name: str, passphrase: str | None = WORD) -> KeyFileError:
    with pytest.raises(KeyFileError) as caught:
        store.unlock(name, passphrase)
    return caught.value


def test_a_key_signs_after_it_was_put_away(store: KeyStore) -> None:
    info = store.create("till", WORD)

    signer = KeyStore(store.folder).unlock("till", WORD)

    assert info == KeyInfo("till", signer.public_key, signer.public_key, is_sealed=True)
    assert verify_signature(info.account, b"message", signer.sign(b"message"))


def test_the_secret_is_not_in_a_sealed_file(store: KeyStore) -> None:
    store.add("till", SEED, WORD)

    text = (store.folder / "till.json").read_text("utf-8")

    assert SEED.hex() not in text
    assert list(json.loads(text)) == ["version", "account", "public_key", "protection"]


def test_a_plain_file_says_so_and_needs_no_passphrase(store: KeyStore) -> None:
    store.add("till", SEED, None)

    text = (store.folder / "till.json").read_text("utf-8")

    assert json.loads(text)["protection"] == {"kind": "none", "seed": SEED.hex()}
    assert store.show("till") == KeyInfo("till", ACCOUNT, ACCOUNT, is_sealed=False)
    assert store.unlock("till", None).public_key == ACCOUNT


@pytest.mark.parametrize("passphrase", ["Five wet dogs", "", "\ud800", "x" * 1_025, None])
def test_a_wrong_passphrase_is_refused(store: KeyStore, passphrase: str | None) -> None:
    store.create("till", WORD)

    error = refusal(store, "till", passphrase)

    assert (type(error), error.code) == (WrongPassphraseError, 1020)


def test_an_empty_passphrase_seals_nothing(store: KeyStore) -> None:
    with pytest.raises(WrongPassphraseError, match="1 to 1024 bytes, this one has 0"):
        store.create("till", "")

    assert store.list() == ()


def test_a_key_is_never_written_over(store: KeyStore) -> None:
    store.add("till", SEED, WORD)

    with pytest.raises(KeyExistsError):
        store.create("till", WORD)

    assert store.unlock("till", WORD).public_key == ACCOUNT


def test_a_key_that_appears_meanwhile_is_not_written_over(store: KeyStore) -> None:
    store.add("till", SEED, WORD)
    path = store.folder / "till.json"

    with pytest.raises(FileExistsError):
        write_key_file(path, make_key_file(bytes(32), ACCOUNT, None))

    assert store.unlock("till", WORD).public_key == ACCOUNT
    assert [one.name for one in store.folder.iterdir()] == ["till.json"]


def test_where_files_have_no_links_a_key_is_not_written_over_either(
    store: KeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(_self: Path, _target: Path) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", no_links)
    store.add("till", SEED, WORD)

    with pytest.raises(FileExistsError):
        write_key_file(store.folder / "till.json", make_key_file(bytes(32), ACCOUNT, None))

    assert store.unlock("till", WORD).public_key == ACCOUNT


def test_an_unknown_key_is_told_with_names_like_it(store: KeyStore) -> None:
    for name in ("till", "office"):
        store.create(name, None)

    error = refusal(store, "tiil")

    assert isinstance(error, UnknownKeyError)
    assert (error.near, str(error).endswith("did you mean till?")) == (("till",), True)


@pytest.mark.parametrize(
    "name", ["", "Till", "a/b", "..", "a.new", "x" * 33, "käse", "a\0", "a\n", "-" * 400]
)
def test_a_name_that_could_be_something_else_is_refused(store: KeyStore, name: str) -> None:
    with pytest.raises(KeyFileError, match="a key's name has 1 to 32 of a-z"):
        store.create(name, WORD)

    assert not store.folder.exists()


def test_the_list_has_good_keys_and_the_faults_have_the_others(store: KeyStore) -> None:
    infos = [store.create(name, None) for name in ("b", "a")]
    (store.folder / "broken.json").write_text("{")
    (store.folder / "broken.json").chmod(0o600)
    (store.folder / "Notes.json").write_text("not a key's name")

    assert store.list() == tuple(reversed(infos))
    assert [str(fault).split(" is ")[0] for fault in store.faults()] == [
        str(store.folder / "broken.json")
    ]


def test_no_folder_is_no_keys(store: KeyStore) -> None:
    assert (store.list(), store.faults(), type(refusal(store, "till"))) == (
        (),
        (),
        UnknownKeyError,
    )


@needs_modes
def test_files_are_for_their_owner_only(store: KeyStore) -> None:
    store.create("till", WORD)
    store.change_passphrase("till", WORD, None)

    modes = [path.stat().st_mode for path in (store.folder, store.folder / "till.json")]

    assert [stat.S_IMODE(mode) for mode in modes] == [0o700, 0o600]


@needs_modes
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610])
def test_a_file_that_others_can_reach_is_refused_with_the_fix(store: KeyStore, mode: int) -> None:
    store.create("till", WORD)
    path = store.folder / "till.json"
    path.chmod(mode)

    error = refusal(store, "till")

    assert isinstance(error, OpenToOthersError)
    assert (error.found, str(error).endswith(f"run: chmod 600 {path}")) == (mode, True)


@needs_modes
def test_a_folder_that_others_can_enter_is_refused_with_the_fix(store: KeyStore) -> None:
    store.create("till", WORD)
    store.folder.chmod(0o755)

    error = refusal(store, "till")
    with pytest.raises(OpenToOthersError):
        store.create("other", WORD)

    assert str(error).endswith(f"run: chmod 700 {store.folder}")
    assert [path.name for path in store.folder.iterdir()] == ["till.json"]


@needs_modes
def test_a_pipe_or_a_folder_in_a_keys_place_is_refused_at_once(store: KeyStore) -> None:
    store.create("till", WORD)
    os.mkfifo(store.folder / "pipe.json", 0o600)
    (store.folder / "folder.json").mkdir()

    errors = [refusal(store, name) for name in ("pipe", "folder")]

    assert [str(error).rpartition(": ")[2] for error in errors] == [
        f"{store.folder / 'pipe.json'} is no file",
        "Is a directory",
    ]


def test_a_file_in_the_folders_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("")

    with pytest.raises(KeyFileError, match="is no folder"):
        KeyStore(tmp_path / "keys").create("till", None)


def test_a_machine_without_the_memory_is_told(
    store: KeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.create("till", WORD)

    def lacking(*_args: object, **_named: object) -> None:
        text = "a passphrase needs 8192 bytes of free memory to be checked"
        raise MemoryError(text)

    monkeypatch.setattr("node.keys.file.open_secret", lacking)
    monkeypatch.setattr("node.keys.file.seal_secret", lacking)

    with pytest.raises(KeyFileError, match="8192 bytes of free memory"):
        store.create("other", WORD)
    assert type(refusal(store, "till")) is KeyFileError


def test_a_passphrase_is_changed(store: KeyStore) -> None:
    store.add("till", SEED, WORD, account=public_key(bytes(32)))

    info = store.change_passphrase("till", WORD, "six dry cats")

    assert info == KeyInfo("till", public_key(bytes(32)), ACCOUNT, is_sealed=True)
    assert type(refusal(store, "till", WORD)) is WrongPassphraseError
    assert store.unlock("till", "six dry cats").public_key == ACCOUNT


@pytest.mark.parametrize("passphrase", [WORD, None])
def test_a_backup_comes_back_under_another_name(
    store: KeyStore, tmp_path: Path, passphrase: str | None
) -> None:
    info = store.add("till", SEED, passphrase, account=public_key(bytes(32)))
    path = tmp_path / "stick.json"
    store.back_up("till", WORD, path)
    path.chmod(0o755)  # a memory stick knows no owners

    restored = store.restore("spare", path, WORD)

    assert restored == KeyInfo("spare", info.account, info.public_key, is_sealed=True)
    assert store.export("spare", WORD) == SEED


def test_a_backup_is_not_written_over_and_wants_its_passphrase(
    store: KeyStore, tmp_path: Path
) -> None:
    store.create("till", WORD)
    path = tmp_path / "stick.json"
    with pytest.raises(WrongPassphraseError):
        store.back_up("till", "wrong", path)
    store.back_up("till", WORD, path)

    with pytest.raises(KeyFileError, match="exists already"):
        store.back_up("till", WORD, path)
    with pytest.raises(WrongPassphraseError):
        store.restore("spare", path, "wrong")
    with pytest.raises(KeyFileError, match="No such file"):
        store.back_up("till", WORD, tmp_path / "no" / "stick.json")

    assert [info.name for info in store.list()] == ["till"]


def test_a_rotation_keeps_the_account_and_the_old_key(store: KeyStore) -> None:
    store.add("till", SEED, WORD)
    first = store.begin_rotation("till", WORD)

    info, old = store.finish_rotation("till")
    second = store.begin_rotation("till", WORD)
    _, older = store.finish_rotation("till")

    assert info == KeyInfo("till", ACCOUNT, first.new.public_key, is_sealed=True)
    assert (first.account, first.old.public_key) == (ACCOUNT, ACCOUNT)
    assert (second.account, second.old.public_key) == (ACCOUNT, first.new.public_key)
    assert [old.name, older.name] == ["till.old-1.json", "till.old-2.json"]
    assert [one.name for one in store.list()] == ["till"]


def test_an_interrupted_rotation_goes_on_with_the_same_new_key(store: KeyStore) -> None:
    store.add("till", SEED, WORD)
    begun = store.begin_rotation("till", WORD)
    again = store.begin_rotation("till", WORD)

    with pytest.raises(KeyFileError, match="finish that first: key rotate till"):
        store.change_passphrase("till", WORD, None)

    assert begun.new.public_key == again.new.public_key
    assert store.unlock("till", WORD).public_key == ACCOUNT


def test_a_rotation_interrupted_between_its_two_files_is_finished(
    store: KeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.add("till", SEED, None)
    rotation = store.begin_rotation("till", None)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError(5, "power cut")))
        with pytest.raises(KeyFileError, match="power cut"):
            store.finish_rotation("till")

    info, old = store.finish_rotation("till")

    assert (info.public_key, old.name) == (rotation.new.public_key, "till.old-1.json")
    assert sorted(path.name for path in store.folder.iterdir()) == ["till.json", "till.old-1.json"]


def test_a_key_has_32_bytes(store: KeyStore) -> None:
    with pytest.raises(KeyFileError, match="a key has 32 bytes, these are 31"):
        store.add("till", bytes(31), None)


def test_an_account_is_shown_as_people_see_it(store: KeyStore) -> None:
    info = store.add("till", SEED, None)

    assert info.account_text == encode_id("acct", Signer(SEED).public_key)
