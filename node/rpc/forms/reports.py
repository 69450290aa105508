"""The JSON forms of reports."""

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

Figures = Annotated[
    dict[str, int],
    Field(description="By name, as docs/reports.md explains them; those that are 0 are left out."),
]


class PlaceJson(TypedDict):
    """The newest block that is in a report."""

    height: int
    hash: str
    time: int


class DayJson(TypedDict):
    """One service on one day; service 0: what belongs to no service, as the sale of cards."""

    date: str
    service: int
    service_name: str
    customers: Annotated[int | None, Field(description="How many; null for 1 to 4.")]
    figures: Figures


class ServiceFiguresJson(TypedDict):
    """One service in the whole period."""

    service: int
    service_name: str
    customers: Annotated[int | None, Field(description="How many; null for 1 to 4.")]
    figures: Figures


class ReportJson(TypedDict):
    """A shop's figures of some days. Amounts are in minor units of `currency`."""

    at: PlaceJson
    shop: str
    name: str
    zone: str
    first: str
    last: str
    from_ms: int
    until_ms: int
    is_over: Annotated[bool, Field(description="Whether the last day is over on the chain.")]
    currency: str | None
    opening: Annotated[
        dict[str, int] | None,
        Field(description="What was open before; null where older events are not kept here."),
    ]
    closing: dict[str, int] | None
    customers: Annotated[int | None, Field(description="How many; null for 1 to 4.")]
    figures: Figures
    services: list[ServiceFiguresJson]
    days: list[DayJson]


class ShopComplianceJson(TypedDict):
    """What one shop holds for customers, and whether the authorities want to know of it."""

    shop: str
    name: str
    status: str
    collected: Annotated[int | None, Field(description="All that was ever paid for cards.")]
    liability: Annotated[int, Field(description="Owed to holders of open cards.")]
    held: Annotated[int, Field(description="Of it, on hold for them.")]
    cover_bp: Annotated[int, Field(description="On hold, in basis points of what is owed.")]
    cards: Annotated[int, Field(description="Open cards.")]
    claims: Annotated[int, Field(description="Owed to former holders and not covered.")]
    bookings_held: int | None
    is_whole: Annotated[bool, Field(description="Whether all events are kept here.")]
    agrees: Annotated[
        bool | None, Field(description="Whether the events give what the contract itself says.")
    ]
    large: Annotated[
        list[str],
        Field(description="`money` above 100,000.00, `cards` above 100: to be filed."),
    ]


class ReserveJson(TypedDict):
    """An issuer of money: what it owes, and what it last stated to have."""

    issuer: str
    liability: int
    attested: int | None
    attested_at: int | None
    covered: bool | None


class ComplianceJson(TypedDict):
    """Prepaid money by shop, and the reserves behind the money itself."""

    at: PlaceJson
    currency: str | None
    shops: list[ShopComplianceJson]
    reserves: list[ReserveJson]


class ColumnJson(TypedDict):
    """A column of an export."""

    name: str
    kind: Literal["text", "integer"]
    text: str
    zh: str


class ExportJson(TypedDict):
    """A part of a table: rows, or with `csv` and `jsonl` the text of a file."""

    at: PlaceJson
    columns: list[ColumnJson]
    rows: list[list[str | int | None]] | None
    text: str | None
    next_cursor: str | None
