"""What a shop said when it was set up, and how far it has come: `shop.json` beside its keys.

Until the shop is in, the file holds its join code; afterwards nothing in it is secret.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from chain.errors import WashError
from node.files import put_whole
from node.joining.code import TEXT_LENGTH_MAX
from node.joining.records import NAME_LENGTH_MAX

PLAN_NAME = "shop.json"
SHOP_KEY, NODE_KEY = "shop", "node"
_FILE_BYTES_MAX = 65_536
_Minutes = Annotated[int, Field(ge=0, le=1_440)]


class PlanError(WashError):
    """A `shop.json` that can not be used."""

    code = 1000


class FirstService(BaseModel):
    """What the shop offers from its first minute on; price in minor units."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    name: Annotated[str, Field(min_length=1, max_length=NAME_LENGTH_MAX)]
    price: Annotated[int, Field(ge=1, le=2**53 - 1)]
    minutes: Annotated[int, Field(ge=5, le=1_440)]


class ShopPlan(BaseModel):
    """A shop on its way into a network. Hours are minutes after local midnight."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    name: Annotated[str, Field(min_length=1, max_length=NAME_LENGTH_MAX)]
    service: FirstService | None  # None: a shop that came back, and has its prices
    zone: Annotated[str, Field(max_length=40)] = ""  # IANA name
    opens: _Minutes = 8 * 60
    closes: _Minutes = 20 * 60
    bays: Annotated[int, Field(ge=1, le=64)] = 1
    port: Annotated[int, Field(ge=0, le=65_535)] = 8787
    unlock: Literal["keyring", "file"] = "file"
    code: Annotated[str, Field(max_length=TEXT_LENGTH_MAX)] = ""
    admitted_at: Annotated[int | None, Field(ge=0)] = None  # height
    peers: Annotated[list[Annotated[str, Field(max_length=255)]], Field(max_length=64)] = []
    trading: bool = False


def read_plan(folder: Path) -> ShopPlan | None:
    """Return the plan in a data folder, or None if no shop was set up there."""
    path = folder / PLAN_NAME
    try:
        with path.open("rb") as file:
            return ShopPlan.model_validate_json(file.read(_FILE_BYTES_MAX))
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise PlanError(f"{path} can not be read: {error}") from error


def write_plan(folder: Path, plan: ShopPlan) -> None:
    """Write a plan over the one that is there."""
    text = plan.model_dump_json(indent=1) + "\n"
    put_whole(folder / PLAN_NAME, text, replace=True, is_private=True)
