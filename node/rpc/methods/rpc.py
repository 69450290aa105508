"""What the API says about itself: its methods, its version, its errors."""

from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from chain.errors import Retry
from node.rpc.error_texts import CATALOGUE
from node.rpc.openrpc.document import API_VERSION, make_document
from node.rpc.params import Lang
from node.rpc.registry import Call, rpc_method


class VersionJson(TypedDict):
    """Versions of what is spoken and of what speaks."""

    api: Annotated[str, Field(description="Version of the API.")]
    node: Annotated[str, Field(description="Version of the node's program.")]


class ErrorTextJson(TypedDict):
    """One entry of the catalogue of errors."""

    code: int
    name: str
    text: Annotated[str, Field(description="What it means, in the language asked for.")]
    retry: Annotated[Retry, Field(description="Whether trying again can help, and with what.")]


@rpc_method(name="rpc.discover")
def rpc_discover(call: Call) -> dict[str, Any]:
    """Return the OpenRPC document of everything that this node serves.

    Methods of development chains are in it only if this is one; the views of registered contracts
    are in it under the contract's name (`booking.preview_cancel`).
    """
    assert call.registry is not None, "the dispatcher fills it in"
    return make_document(call.registry, dev=call.node.is_dev, version=call.node.version)


@rpc_method()
def rpc_version(call: Call) -> VersionJson:
    """Return the versions of the API and of the node."""
    return {"api": API_VERSION, "node": call.node.version}


@rpc_method()
def rpc_errors(call: Call, *, lang: Lang = "en") -> list[ErrorTextJson]:  # noqa: ARG001
    """Return every error code with its name, its meaning and whether trying again can help.

    `never`: not with this content. `same`: send the same bytes once more. `later`: the same bytes,
    when things have changed. `rebuild`: make and sign a new transaction.
    """
    return [
        {
            "code": code,
            "name": text.name,
            "text": text.zh if lang == "zh" else text.en,
            "retry": text.retry,
        }
        for code, text in sorted(CATALOGUE.items())
    ]
