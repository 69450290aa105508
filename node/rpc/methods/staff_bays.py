"""`staff_park`, `staff_bays`: which car stands in which bay, for all tablets of a shop."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from chain.errors import WashError
from contracts.vm.container import FunctionKind
from node.rpc.contract_views import find_function, find_info, run_view
from node.rpc.methods.staff import SessionText
from node.rpc.methods.staff_sending import need, staffing_of
from node.rpc.registry import Call, rpc_method
from node.staff.bays import BAYS_MAX
from node.staff.deeds import STEP
from node.staff.errors import NoSessionError, NoStaffError, NotYoursError

BookingText = Annotated[
    str, Field(pattern="^bkg1[02-9ac-hj-np-z]{58}$", description="The booking of the car.")
]
Bay = Annotated[int, Field(ge=1, le=BAYS_MAX, description="The number on the bay.")]


class ParkedJson(TypedDict):
    """A car in a bay."""

    bay: Annotated[int, Field(description="The number on the bay.")]
    booking: Annotated[str, Field(description="The booking of the car.")]


class BaysJson(TypedDict):
    """Which car was put into which bay last, by number; the booking may be over by now."""

    items: list[ParkedJson]


@rpc_method(errors=(NoSessionError, NotYoursError, NoStaffError, WashError))
def staff_park(call: Call, *, session: SessionText, booking: BookingText, bay: Bay) -> ParkedJson:
    """Note that a car of this shop stands in a bay now; whatever tablet asks, finds it there.

    A bay has one car and a car one bay. It is kept by this node and is on no chain.
    """
    staffing = staffing_of(call)
    member = staffing.session(session).member
    need(call, member, STEP, "putting a car into a bay")
    info = find_info(call.node, "booking")
    look = find_function(info, "booking", FunctionKind.VIEW)
    if run_view(call.node, info, look, {"id": booking})["shop"] != member.account:
        text = "this booking is another shop's"
        raise NotYoursError(text)
    staffing.bays.put(member.account, bay, booking)
    return {"bay": bay, "booking": booking}


@rpc_method(errors=(NoSessionError, NoStaffError))
def staff_bays(call: Call, *, session: SessionText) -> BaysJson:
    """List which car was put into which bay of this shop last."""
    staffing = staffing_of(call)
    shop = staffing.session(session).member.account
    return {"items": [{"bay": bay, "booking": car} for bay, car in staffing.bays.of(shop).items()]}
