"""What the files of a ceremony have in common: strict, bounded, nothing secret in them."""

from typing import Annotated, ClassVar, NoReturn, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from chain.errors import GenesisError
from p2p import URL_BYTES_MAX, BadAddressError, check_url

FILE_BYTES_MAX = 1024 * 1024  # of any of them; 256 members take about 200 KiB
NAME_LENGTH_MAX = 64
MEMBERS_MAX = 256
ASSETS_MAX = 32
VERSION = 1


class CeremonyError(GenesisError):
    """A file of a ceremony that can not be used, with the member whose it is where it is one's."""


class Form(BaseModel):
    """A part of a file, or a whole one."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True, strict=True)

    def text(self) -> str:
        """Return what is written to disk."""
        return self.model_dump_json(indent=1) + "\n"


_Form = TypeVar("_Form", bound=Form)


def refuse(what: str) -> NoReturn:
    """Raise CeremonyError."""
    raise CeremonyError(what)


def read_form(form: type[_Form], data: bytes) -> _Form:
    """Return what the JSON of a file says, or raise CeremonyError that names the first fault."""
    if len(data) > FILE_BYTES_MAX:
        refuse(f"{len(data)} bytes, at most {FILE_BYTES_MAX} are allowed")
    try:
        return form.model_validate_json(data)
    except ValidationError as error:
        faults = error.errors(include_url=False)
        # Another of the ceremony's files was meant: that explains all the other faults.
        first = next((one for one in faults if one["loc"] == ("kind",)), faults[0])
        place = ".".join(str(part) for part in first["loc"]) or "file"
        text = f"{place}: {first['msg']}, found {repr(first['input'])[:60]}"
        raise CeremonyError(text) from error


def _check_plain(text: str) -> str:
    # What is read aloud and compared must show all that it holds: no controls, no hidden marks.
    if not text.isprintable() or text != text.strip():
        fault = "has characters that nobody sees, or spaces around it"
        raise ValueError(fault)
    return text


def _check_url(url: str) -> str:
    if not url:
        return url
    try:
        plain = check_url(url)
    except BadAddressError as error:
        fault = f"no address of a node, such as wss://shop.example/p2p: {error}"
        raise ValueError(fault) from error
    if url != plain:  # one node has one address
        fault = f"write it as {plain}"
        raise ValueError(fault)
    return url


Hex32 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Hex64 = Annotated[str, Field(pattern=r"^[0-9a-f]{128}$")]
Version = Annotated[int, Field(ge=VERSION, le=VERSION)]
PlainName = Annotated[
    str, Field(min_length=1, max_length=NAME_LENGTH_MAX), AfterValidator(_check_plain)
]
NodeUrl = Annotated[str, Field(max_length=URL_BYTES_MAX), AfterValidator(_check_url)]
