"""The methods of the API: what each takes, gives, may refuse, and who may call it.

A method is a function with annotations and a docstring; nothing about it is written twice. The
check of its parameters, its entry in the OpenRPC document and its page in the handbook all come
from there.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Annotated, Any, ClassVar, Literal, Protocol, TypeVar, cast

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
    create_model,
)

from chain.errors import WashError
from node.live.node import Node
from node.rpc.errors import InvalidParamsError
from node.rpc.params import At

Tier = Literal["public", "shop", "admin"]
TIERS: tuple[Tier, ...] = ("public", "shop", "admin")  # each may do what those before it may
_METHOD = "rpc_method_of_this_function"
_PREFIX = "p_"  # keeps the names of parameters clear of the names that every model has
_AT = "at"  # the one field without it: which state a read asks for
_STEP_LENGTH_MAX = 64

Function = TypeVar("Function", bound=Callable[..., Any])
JsonSchema = Mapping[str, Any]


class Connection(Protocol):
    """A WebSocket connection, as far as a method needs to know it."""

    id: str
    subscriptions: dict[str, Any]

    async def send(self, message: bytes) -> None:
        """Send one JSON text; waits while the reader is slow."""


@dataclass(frozen=True, slots=True)
class Call:
    """What a method is given besides its parameters.

    `connection` is None over HTTP. `registry` is filled in by the dispatcher. `is_near`: who calls
    is on this machine, or came through a server on it that speaks HTTPS for the node.
    """

    node: Node
    tier: Tier
    connection: Connection | None = None
    registry: "Registry | None" = None
    is_near: bool = False


class Params(BaseModel):
    """Base of every method's parameters: by name, exact types, nothing unknown.

    What checks them is built when a method is asked first: for all of them it takes a while.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", strict=True, frozen=True, defer_build=True
    )


@dataclass(frozen=True, slots=True)
class Method:
    """One method: the function and everything that is published about it.

    `returns` is the type of what it answers.
    """

    name: str
    function: Callable[..., Any]
    params: type[Params]
    returns: Any
    summary: str
    description: str = ""
    tier: Tier = "public"
    read: bool = False
    dev: bool = False
    websocket_only: bool = False
    positional: bool = False
    errors: tuple[type[WashError], ...] = ()

    def arguments(self, params: Mapping[str, Any]) -> tuple[str | int | bytes, dict[str, Any]]:
        """Return (which state is asked for, checked keyword arguments).

        Raises InvalidParamsError naming the first field that is wrong.
        """
        names = self.wire_names()
        for key in params:  # before the model looks: it would make a list of all that is unknown
            if key not in names:
                known = ", ".join(names) or "nothing"
                raise InvalidParamsError(_step(key), f"is unknown; this method takes: {known}")
        try:
            checked = self.params.model_validate(params).__dict__
        except ValidationError as fault:
            raise _refusal(fault) from None
        skip = len(_PREFIX)
        values = {key[skip:]: value for key, value in checked.items() if key != _AT}
        return checked.get(_AT, "final"), values

    def result(self) -> TypeAdapter[Any]:
        """Return what describes its answers."""
        return TypeAdapter(self.returns)

    def wire_names(self) -> list[str]:
        """Return the parameters' names as callers write them, in order."""
        return [str(field.alias) for field in self.params.model_fields.values()]


class Registry:
    """All methods of a server, by name.

    Names with a dot that are not found among them are asked of `dynamic`; `dynamic_names` lists
    those it knows. Both are replaced by whoever serves such methods.
    """

    def __init__(self, methods: Iterable[Method]) -> None:
        self._methods: dict[str, Method] = {}
        for method in methods:
            assert method.name not in self._methods, f"two methods are called {method.name}"
            self._methods[method.name] = method
        self.dynamic: Callable[[str], Method | None] = _no_method
        self.dynamic_names: Callable[[], list[str]] = list

    def find(self, name: str) -> Method | None:
        """Return the method of that name, or None."""
        found = self._methods.get(name)
        if found is None and "." in name:
            found = self.dynamic(name)
        return found

    def names(self, *, dev: bool) -> list[str]:
        """Return all names in order, those of development chains only if `dev`."""
        fixed = [name for name, method in self._methods.items() if dev or not method.dev]
        return sorted(fixed) + sorted(self.dynamic_names())


def rpc_method(
    *,
    name: str | None = None,
    tier: Tier = "public",
    read: bool = False,
    errors: tuple[type[WashError], ...] = (),
    dev: bool = False,
    websocket_only: bool = False,
    positional: bool = False,
) -> Callable[[Function], Function]:
    """Make a method of a function `(call, *, parameters...)`, which stays callable as it is.

    A parameter whose name is a Python keyword is written with a trailing underscore (`from_`).
    A `read` method takes `at` besides and answers `{"at", "data"}`; it is never async, so that
    the chain can not move on while it reads.
    """

    def attach(function: Function) -> Function:
        assert not (read and inspect.iscoroutinefunction(function)), function
        signature = inspect.signature(function, eval_str=True)
        shown = name or function.__name__
        summary, description = _said(function)
        method = Method(
            name=shown,
            function=function,
            params=_params_model(shown, signature, read=read),
            returns=signature.return_annotation,
            summary=summary,
            description=description,
            tier=tier,
            read=read,
            dev=dev,
            websocket_only=websocket_only,
            positional=positional,
            errors=errors,
        )
        setattr(function, _METHOD, method)
        return function

    return attach


def dynamic_method(
    *,
    name: str,
    function: Callable[..., Any],
    params: Mapping[str, JsonSchema],
    result: JsonSchema,
    summary: str,
    description: str = "",
    required: Iterable[str] | None = None,
    read: bool = True,
    errors: tuple[type[WashError], ...] = (),
) -> Method:
    """Return a method whose parameters are known only while running, by their JSON schemas.

    `function(call, **values)` gets the JSON values as they came and checks them itself; one that
    is not `required` (default: all are) and not given is None. A contract's own parameter `at` is
    written `at_`.
    """
    needed = set(params) if required is None else set(required)
    fields: dict[str, tuple[Any, Any]] = {
        key: (
            Annotated[Any, WithJsonSchema(dict(schema))],
            Field(
                default=... if key in needed else None,
                alias=f"{key}_" if read and key == _AT else key,
            ),
        )
        for key, schema in params.items()
    }
    return Method(
        name=name,
        function=function,
        params=_model(name, fields, read=read),
        returns=Annotated[Any, WithJsonSchema(dict(result))],
        summary=summary,
        description=description,
        read=read,
        errors=errors,
    )


def method_of(function: Callable[..., Any]) -> Method:
    """Return the method that `rpc_method` made of a function."""
    return cast("Method", getattr(function, _METHOD))


def collect(*modules: ModuleType) -> Registry:
    """Return the registry of every method that the modules define; a name stands only once."""
    return Registry(
        getattr(value, _METHOD)
        for module in modules
        for value in vars(module).values()
        if hasattr(value, _METHOD) and value.__module__ == module.__name__
    )


def _no_method(_name: str) -> Method | None:
    return None


def _said(function: Callable[..., Any]) -> tuple[str, str]:
    """Return the first sentence of the docstring and the rest of it."""
    summary, _, rest = (inspect.getdoc(function) or "").partition("\n\n")
    assert summary, f"{function.__name__} says nothing about itself"
    return " ".join(summary.split()), rest.strip()


def _refusal(fault: ValidationError) -> InvalidParamsError:
    first = fault.errors(include_url=False, include_context=False, include_input=False)[0]
    field = ".".join(_step(step) for step in first["loc"])
    match first["type"]:
        case "missing":
            said = "is missing"
        case "extra_forbidden":
            said = "is unknown"
        case _:
            said = first["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return InvalidParamsError(field, said)


def _step(step: str | int) -> str:
    """Return one step of a path, short: it may be the caller's own word."""
    return str(step)[:_STEP_LENGTH_MAX]


def _params_model(name: str, signature: inspect.Signature, *, read: bool) -> type[Params]:
    fields: dict[str, tuple[Any, Any]] = {}
    for parameter in list(signature.parameters.values())[1:]:
        default = ... if parameter.default is parameter.empty else parameter.default
        alias = parameter.name.rstrip("_")
        assert not (read and alias == _AT), f"{name} is a read and gets `at` by itself"
        fields[parameter.name] = (parameter.annotation, Field(default=default, alias=alias))
    return _model(name, fields, read=read)


def _model(name: str, fields: dict[str, tuple[Any, Any]], *, read: bool) -> type[Params]:
    title = "".join(part[:1].upper() + part[1:] for part in name.replace(".", "_").split("_"))
    definitions: dict[str, Any] = {_PREFIX + key: field for key, field in fields.items()}
    if read:
        definitions[_AT] = (At, Field(default="final", alias=_AT))
    return create_model(f"{title}Params", __base__=Params, **definitions)
