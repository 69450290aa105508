"""Starts without a person: a secret in the keyring or in a file opens the sealed keys."""

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends import fail
from keyring.errors import KeyringLocked

from node.commands.run import find_config, unlock_keys
from node.keys.errors import KeyFileError, OpenToOthersError, WrongPassphraseError
from node.keys.store import KeyStore
from node.keys.unattended import (
    FILE_NAME,
    MissingSecretError,
    NoKeyringError,
    find_secret,
    has_keyring,
    keep_secret,
    windows_rights,
)


class FakeKeyring(KeyringBackend):
    """A keyring in memory; it can be locked, or forget at once."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kept: dict[tuple[str, str], str] = {}
        self.is_locked = self.is_forgetful = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.is_locked:
            raise KeyringLocked("nobody is signed in")
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.is_locked:
            raise KeyringLocked("nobody is signed in")
        if not self.is_forgetful:
            self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


@pytest.fixture
def ring() -> Iterator[FakeKeyring]:
    before, fake = keyring.get_keyring(), FakeKeyring()
    keyring.set_keyring(fake)
    yield fake
    keyring.set_keyring(before)


def test_a_secret_stays_the_same_in_the_keyring(ring: FakeKeyring, tmp_path: Path) -> None:
    made, again = (keep_secret("keyring", tmp_path) for _ in range(2))

    assert made == again == find_secret("keyring", tmp_path)
    assert ring.kept == {("washnode", str(tmp_path)): made}
    assert list(tmp_path.iterdir()) == []


def test_each_data_folder_has_a_secret_of_its_own(ring: FakeKeyring, tmp_path: Path) -> None:
    folders = tmp_path / "a", tmp_path / "b"

    assert len({keep_secret("keyring", one) for one in folders}) == len(ring.kept) == 2


def test_a_secret_file_is_for_the_nodes_user_only(tmp_path: Path) -> None:
    made, again = (keep_secret("file", tmp_path) for _ in range(2))

    assert made == again == find_secret("file", tmp_path)
    assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600


def test_a_secret_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    keep_secret("file", tmp_path)
    (tmp_path / FILE_NAME).chmod(0o640)

    with pytest.raises(OpenToOthersError):
        find_secret("file", tmp_path)


def test_a_keyring_that_is_closed_says_what_to_do(ring: FakeKeyring, tmp_path: Path) -> None:
    ring.is_locked = True

    for ask in (find_secret, keep_secret):
        with pytest.raises(NoKeyringError, match="sign in at the desktop"):
            ask("keyring", tmp_path)


def test_a_keyring_that_forgets_is_noticed_before_a_key_is_sealed(
    ring: FakeKeyring, tmp_path: Path
) -> None:
    ring.is_forgetful = True

    with pytest.raises(MissingSecretError):
        keep_secret("keyring", tmp_path)


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe"])
def test_a_secret_that_is_not_there_is_told(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        path = tmp_path / FILE_NAME
        path.write_bytes(content)
        path.chmod(0o600)

    with pytest.raises(KeyFileError):
        find_secret("file", tmp_path)


def test_a_machine_without_a_keyring_is_known(ring: FakeKeyring) -> None:
    assert has_keyring()
    keyring.set_keyring(fail.Keyring())  # type: ignore[no-untyped-call]
    assert not has_keyring()
    assert ring.kept == {}


def test_without_the_library_it_is_told_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)

    with pytest.raises(NoKeyringError, match=r"pip install 'washnode\[keyring\]'"):
        find_secret("keyring", tmp_path)


def test_on_windows_a_file_keeps_the_rights_of_one_user() -> None:
    words = windows_rights(Path("unlock.secret"), "shop")

    assert words == ["icacls", "unlock.secret", "/inheritance:r", "/grant:r", "shop:(R,W,D)"]


@pytest.mark.parametrize("way", ["keyring", "file"])
def test_a_node_opens_its_sealed_keys_by_itself(
    ring: FakeKeyring, tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("WASH_PASSPHRASE", "WASH_PASSPHRASE_FILE"):
        monkeypatch.delenv(name, raising=False)
    secret = keep_secret("keyring" if way == "keyring" else "file", tmp_path)
    store = KeyStore(tmp_path / "keys")
    made = [store.create(name, secret) for name in ("node", "shop")]
    settings = f'[keys]\nvalidator = "node"\nsponsor = "shop"\nunlock = "{way}"\n'
    (tmp_path / "config.toml").write_text(settings, encoding="utf-8")
    (tmp_path / "genesis.json").write_text("{}", encoding="utf-8")

    signer, sponsor, admitter = unlock_keys(find_config(None, tmp_path, {}), None)

    assert [signer.public_key, sponsor.public_key] == [one.public_key for one in made]
    assert admitter is None
    assert ring.kept == ({("washnode", str(tmp_path)): secret} if way == "keyring" else {})


def test_a_passphrase_that_is_given_wins_over_the_secret(tmp_path: Path) -> None:
    keep_secret("file", tmp_path)
    KeyStore(tmp_path / "keys").create("node", "correct horse")
    settings = '[keys]\nvalidator = "node"\nunlock = "file"\n'
    (tmp_path / "config.toml").write_text(settings, encoding="utf-8")
    (tmp_path / "genesis.json").write_text("{}", encoding="utf-8")
    file = tmp_path / "passphrase"
    file.write_text("correct horse\n", encoding="utf-8")
    config = find_config(None, tmp_path, {})

    signer, _, _ = unlock_keys(config, file)
    with pytest.raises(WrongPassphraseError):
        unlock_keys(config, None)

    assert signer.public_key == KeyStore(tmp_path / "keys").show("node").public_key
    assert os.path.lexists(tmp_path / FILE_NAME)
