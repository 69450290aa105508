"""The file of one key: its form, and reading and writing it so that nobody else can.

A file names the account beside the public key, since an account keeps its id when its key changes.
The secret is sealed with a passphrase or, for starts without a person, written plainly; both are
for the owner's eyes only.
"""

import os
import secrets
import stat
import unicodedata
from pathlib import Path
from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from chain.crypto import (
    SALT_BYTES,
    SEAL_NONCE_BYTES,
    SEAL_TAG_BYTES,
    PassphraseCost,
    open_secret,
    public_key,
    seal_secret,
)
from chain.errors import MalformedBytesError
from chain.ids import decode_id, encode_id
from node.files import put_whole
from node.keys.errors import BadKeyFileError, KeyFileError, OpenToOthersError, WrongPassphraseError

FILE_BYTES_MAX = 16_384
PASSPHRASE_BYTES_MAX = 1_024
SEED_BYTES = 32
ACCOUNT_PREFIX = "acct"
# About 0.3 s on a desk computer and under 1 s on a small shop's; every guess costs the same.
COST = PassphraseCost(passes=3, memory_bytes=256 * 1024 * 1024)
# What a file may ask for: more would let a planted file take all memory, or minutes.
_PASSES_MAX = 8
_MEMORY_BYTES_MAX = 1024 * 1024 * 1024
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
# Windows has no such modes: there the rights of the user's own folders keep others out.
_HAS_MODES = os.name == "posix"


def _hex(length: int) -> str:
    return rf"^[0-9a-f]{{{2 * length}}}$"


class _Part(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", frozen=True, strict=True, hide_input_in_errors=True
    )


class Sealed(_Part):
    """A secret sealed with a passphrase."""

    kind: Literal["argon2id"]
    passes: Annotated[int, Field(ge=1, le=_PASSES_MAX)]
    memory_bytes: Annotated[int, Field(ge=8_192, le=_MEMORY_BYTES_MAX)]
    salt: Annotated[str, Field(pattern=_hex(SALT_BYTES))]
    nonce: Annotated[str, Field(pattern=_hex(SEAL_NONCE_BYTES))]
    sealed: Annotated[str, Field(pattern=_hex(SEED_BYTES + SEAL_TAG_BYTES))]


class Plain(_Part):
    """A secret without a passphrase: whoever reads the file has the key."""

    kind: Literal["none"]
    seed: Annotated[str, Field(pattern=_hex(SEED_BYTES))]


Protection: TypeAlias = Annotated[Sealed | Plain, Field(discriminator="kind")]


class KeyFile(_Part):
    """What a key file says. Build it with `make_key_file`, `parse_key_file` or `read_key_file`."""

    version: Annotated[int, Field(ge=1, le=1)]
    account: str
    public_key: Annotated[str, Field(pattern=_hex(32))]
    protection: Protection

    def text(self) -> str:
        """Return what is written to disk."""
        return self.model_dump_json(indent=1) + "\n"


def passphrase_bytes(passphrase: str) -> bytes:
    """Return a passphrase as bytes, the same from every keyboard (NFC, as in RFC 8265)."""
    try:
        data = unicodedata.normalize("NFC", passphrase).encode()
    except UnicodeEncodeError as error:
        text = "a passphrase has characters that are no text"
        raise WrongPassphraseError(text) from error
    if not data or len(data) > PASSPHRASE_BYTES_MAX:
        text = f"a passphrase has 1 to {PASSPHRASE_BYTES_MAX} bytes, this one has {len(data)}"
        raise WrongPassphraseError(text)
    return data


def make_key_file(
    seed: bytes, account: bytes, passphrase: str | None, cost: PassphraseCost = COST
) -> KeyFile:
    """Return the file of a key; without a passphrase its secret is written plainly."""
    assert len(seed) == SEED_BYTES, len(seed)
    protection: Sealed | Plain
    if passphrase is None:
        protection = Plain(kind="none", seed=seed.hex())
    else:
        salt, nonce = secrets.token_bytes(SALT_BYTES), secrets.token_bytes(SEAL_NONCE_BYTES)
        phrase = passphrase_bytes(passphrase)
        try:
            sealed = seal_secret(seed, phrase, salt=salt, nonce=nonce, cost=cost)
        except MemoryError as error:
            raise KeyFileError(str(error)) from error
        protection = Sealed(
            kind="argon2id",
            passes=cost.passes,
            memory_bytes=cost.memory_bytes,
            salt=salt.hex(),
            nonce=nonce.hex(),
            sealed=sealed.hex(),
        )
    return KeyFile(
        version=1,
        account=encode_id(ACCOUNT_PREFIX, account),
        public_key=public_key(seed).hex(),
        protection=protection,
    )


def open_key_file(file: KeyFile, passphrase: str | None, name: str) -> bytes:
    """Return the secret in a file; `name` is what a refusal calls it."""
    protection = file.protection
    if isinstance(protection, Plain):
        seed = bytes.fromhex(protection.seed)
    else:
        seed = _open_sealed(protection, passphrase, name)
    if public_key(seed).hex() != file.public_key:
        text = f"{name}: the secret is not that of the public key; restore the key from its words"
        raise BadKeyFileError(text)
    return seed


def _open_sealed(protection: Sealed, passphrase: str | None, name: str) -> bytes:
    if passphrase is None:
        text = f"{name} is sealed; give its passphrase"
        raise WrongPassphraseError(text)
    try:
        seed = open_secret(
            bytes.fromhex(protection.sealed),
            passphrase_bytes(passphrase),
            salt=bytes.fromhex(protection.salt),
            nonce=bytes.fromhex(protection.nonce),
            cost=PassphraseCost(protection.passes, protection.memory_bytes),
        )
    except MemoryError as error:
        raise KeyFileError(str(error)) from error
    if seed is None:
        text = f"wrong passphrase for {name} (or the file was changed)"
        raise WrongPassphraseError(text)
    return seed


def parse_key_file(data: bytes, source: str) -> KeyFile:
    """Return what a key file says; raises BadKeyFileError. `source` is what a refusal calls it."""
    if len(data) > FILE_BYTES_MAX:
        text = f"{source}: larger than {FILE_BYTES_MAX} bytes; is it a key file?"
        raise BadKeyFileError(text)
    try:
        file = KeyFile.model_validate_json(data)
        decode_id(file.account, ACCOUNT_PREFIX)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        name = ".".join(str(part) for part in fault["loc"])
        text = f"{source} is no key file: {name or 'it'}: {fault['msg']}"
        raise BadKeyFileError(text) from error
    except MalformedBytesError as error:
        text = f"{source} is no key file: account: {error}"
        raise BadKeyFileError(text) from error
    return file


def read_key_file(path: Path, *, is_backup: bool = False) -> KeyFile:
    """Return the key in a file that only its owner can read.

    A sealed backup may lie anywhere: a memory stick knows no owners.
    """
    try:
        # Not waiting for a writer: a pipe in a key's place must not hang the node.
        with open(path, "rb", opener=_open_at_once) as handle:
            status = os.fstat(handle.fileno())
            if not stat.S_ISREG(status.st_mode):
                text = f"{path} is no file"
                raise BadKeyFileError(text)
            file = parse_key_file(handle.read(FILE_BYTES_MAX + 1), str(path))
    except (OSError, ValueError) as error:  # ValueError: a path with a zero byte
        text = f"{path}: {getattr(error, 'strerror', None) or error}"
        raise KeyFileError(text) from error
    if not is_backup or isinstance(file.protection, Plain):
        check_mode(path, status.st_mode, wanted=0o600)
    return file


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def check_mode(path: Path, mode: int, *, wanted: int) -> None:
    """Refuse what other users of the machine can read, list or change."""
    if _HAS_MODES and mode & _OTHERS:
        raise OpenToOthersError(str(path), found=stat.S_IMODE(mode), wanted=wanted)


def write_key_file(path: Path, file: KeyFile, *, replace: bool = False) -> None:
    """Write a file whole or not at all, for its owner only, and wait for the disk.

    Raises FileExistsError if the path is taken and `replace` is not asked for.
    """
    put_whole(path, file.text(), replace=replace, is_private=True)
