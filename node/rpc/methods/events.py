"""Methods of the event stream: subscribe, acknowledge, leave; and ask without a connection."""

import asyncio
from typing import Annotated, Protocol, cast

from pydantic import Field
from typing_extensions import TypedDict

from chain.errors import LimitError, UnknownIdError
from node.config_sections import RpcConfig
from node.rpc.door.event_filter import EventWish, compile_filter
from node.rpc.door.stream import (
    Subscription,
    event_json,
    find_start,
    format_place,
    next_id,
    parse_place,
)
from node.rpc.errors import InvalidParamsError, MethodDisabledError, NotFoundError
from node.rpc.forms.shapes import EventJson
from node.rpc.params import Limit, Text
from node.rpc.registry import Call, Connection, rpc_method

WINDOW_DEFAULT = 100
EVERYTHING = EventWish()

From = Annotated[
    Text, Field(description="an event's id to go on after, or `latest`, or `earliest`")
]
SubscriptionId = Annotated[Text, Field(description="what `events_subscribe` answered as `sub`")]


class EventConnection(Connection, Protocol):
    """A connection that events can be sent to, with its limits."""

    config: RpcConfig


class SubscribedJson(TypedDict):
    """A subscription: the lowest id its first event can have, and how far the chain is."""

    sub: str
    next_id: str
    latest_id: str


class AcknowledgedJson(TypedDict):
    """How many events were sent and are not acknowledged."""

    sub: str
    unacked: int


class UnsubscribedJson(TypedDict):
    """The subscription that is over, and how far it had seen everything."""

    sub: str
    latest_id: str


class EventPageJson(TypedDict):
    """Events, oldest first.

    `next` is the `after` that goes on, null where the head is reached; everything wanted up to
    `scanned_to` has been told.
    """

    items: list[EventJson]
    next: str | None
    scanned_to: str


@rpc_method(websocket_only=True, errors=(InvalidParamsError, UnknownIdError, LimitError))
def events_subscribe(
    call: Call,
    *,
    filter: EventWish = EVERYTHING,  # noqa: A002 - the name on the wire
    from_: From = "latest",
    window: Annotated[int, Field(ge=1)] = WINDOW_DEFAULT,
) -> SubscribedJson:
    """Send every event that fits from now on, or from an id on, in order and without gaps.

    Events come as notifications `events_next` with `{sub, events, latest_id}`; everything that fits
    up to `latest_id` has then been sent, so a client that comes back goes on with `from` set to the
    last id it dealt with. At most `window` events are sent ahead of `events_ack`; the node then
    waits and drops nothing. A message without events is a sign of life, every 15 seconds.
    """
    node, connection = call.node, _connection(call)
    limits = connection.config
    if window > limits.window_max:
        raise InvalidParamsError("window", f"must be at most {limits.window_max}, found {window}")
    held = len(connection.subscriptions)
    if held >= limits.subscriptions_max:
        what = "the number of subscriptions of this connection"
        raise LimitError(what, maximum=limits.subscriptions_max, found=held + 1)
    wanted = compile_filter(node, filter)
    place = find_start(node, from_, "from")
    name = node.feed.name_subscription()
    connection.subscriptions[name] = Subscription(
        name, wanted, place, window, answering=asyncio.current_task()
    )
    return SubscribedJson(
        sub=name, next_id=next_id(node, place), latest_id=format_place(node.feed.latest)
    )


@rpc_method(websocket_only=True, errors=(InvalidParamsError, NotFoundError))
def events_ack(call: Call, *, sub: SubscriptionId, id: Text) -> AcknowledgedJson:  # noqa: A002
    """Tell that all events of a subscription up to an id were dealt with.

    That makes room for as many more.
    """
    subscription = _find(call, sub)
    place = parse_place(id, "id")
    if place > subscription.place:
        fault = f"nothing after {format_place(subscription.place)} was sent yet"
        raise InvalidParamsError("id", fault)
    return AcknowledgedJson(sub=sub, unacked=subscription.acknowledge(place))


@rpc_method(websocket_only=True, errors=(NotFoundError,))
def events_unsubscribe(call: Call, *, sub: SubscriptionId) -> UnsubscribedJson:
    """End a subscription."""
    subscription = _find(call, sub)
    del _connection(call).subscriptions[sub]
    return UnsubscribedJson(sub=sub, latest_id=format_place(subscription.place))


@rpc_method(errors=(InvalidParamsError, UnknownIdError))
def events_query(
    call: Call,
    *,
    filter: EventWish = EVERYTHING,  # noqa: A002 - the name on the wire
    after: From = "earliest",
    limit: Limit = 50,
) -> EventPageJson:
    """List events that fit, oldest first, after an id.

    One call looks through a bounded part of the chain, so it can answer few events, or none, with
    a `next` to go on after.
    """
    node = call.node
    wanted = compile_filter(node, filter)
    reading = node.feed.read(wanted, find_start(node, after, "after"), limit)
    place = format_place(reading.place)
    return EventPageJson(
        items=[event_json(node, one) for one in reading.events],
        next=None if reading.is_whole else place,
        scanned_to=place,
    )


def _connection(call: Call) -> EventConnection:
    if call.connection is None:
        text = "subscriptions need a WebSocket connection; over HTTP there is events_query"
        raise MethodDisabledError(text)
    return cast("EventConnection", call.connection)


def _find(call: Call, name: str) -> Subscription:
    found: Subscription | None = _connection(call).subscriptions.get(name)
    if found is None:
        what = f"subscription {name[:40]!r} of this connection"
        raise NotFoundError(what)
    return found
