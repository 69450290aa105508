"""What can be wrong with a key file, a passphrase or the words of a recovery phrase."""

from chain.errors import WashError


class KeyFileError(WashError):
    """A key that can not be made, opened or kept as asked."""

    code = 1020


class UnknownKeyError(KeyFileError):
    """A name without a key file; `near` holds names much like it."""

    def __init__(self, name: str, *, folder: str, near: tuple[str, ...]) -> None:
        fix = f"did you mean {' or '.join(near)}?" if near else "`key list` shows what is there"
        super().__init__(f"no key {name!r} in {folder}; {fix}")
        self.name, self.near = name, near


class KeyExistsError(KeyFileError):
    """A name that is taken; a key is never written over."""

    def __init__(self, name: str, *, path: str) -> None:
        super().__init__(f"key {name!r} exists already ({path}); take another name")
        self.name = name


class WrongPassphraseError(KeyFileError):
    """A passphrase that does not open the file."""


class BadKeyFileError(KeyFileError):
    """Bytes that are no key file."""


class OpenToOthersError(KeyFileError):
    """A key file or its folder that other users of the machine can read or change."""

    def __init__(self, path: str, *, found: int, wanted: int) -> None:
        super().__init__(
            f"{path} is open to other users (mode {found:04o}); run: chmod {wanted:o} {path}"
        )
        self.found, self.wanted = found, wanted


class PhraseError(KeyFileError):
    """Words that are no recovery phrase."""


class UnknownWordError(PhraseError):
    """A word that no list has. `position` counts from 1; `near` holds what may be meant."""

    def __init__(self, word: str, *, position: int, near: tuple[str, ...]) -> None:
        fix = f"; perhaps {' or '.join(near)}" if near else ""
        super().__init__(f"word {position} is unknown: {word!r}{fix}")
        self.word, self.position, self.near = word, position, near
