"""What ought to happen in the lives of bookings and cards, and how points are given."""

from chain.types import DAY_MS, HOUR_MS, MINUTE_MS

PROGRAM = (  # of points: as the rules in loyalty.wash begin
    True, 100, 500, 2 * DAY_MS, 12, 500, 1_500, 4_000, 500, 1_000, 1_500, "one", "two", "three",
)  # fmt: skip
# What ought to happen with a thing, and how long after the step before it.
SOON = {
    "bkg": ("cancel_booking", "reschedule", "cancel_by_shop", "accept", "decline", "offer_slot"),
    "crd": ("offer_transfer", "ask_refund", "offer_slot", "extend_card"),
    "use": ("withdraw_use", "start_use"),
}
PLANS: dict[str, tuple[tuple[int, tuple[str, ...]], ...]] = {
    "bkg": (
        (-10 * MINUTE_MS, ("check_in", "arrived")),
        (5 * MINUTE_MS, ("start_service", "check_in")),
        (MINUTE_MS, ("start",)),
        (MINUTE_MS, ("step", "material", "ask_extra")),
        (MINUTE_MS, ("approve_extra", "pay", "use_voucher", "photo")),
        (MINUTE_MS, ("step", "material", "extra", "photo")),
        (20 * MINUTE_MS, ("ready", "finish")),
        (MINUTE_MS, ("finish",)),
        (MINUTE_MS, ("pay", "attach")),
        (HOUR_MS, ("confirm", "confirm", "claim_redo")),
        (HOUR_MS, ("answer_claim", "review", "post_review", "attach")),
        (3 * HOUR_MS, ("rule", "withdraw_claim", "review", "post_review")),
    ),
    "use": (
        (5 * MINUTE_MS, ("start_use",)),
        (MINUTE_MS, ("start",)),
        (MINUTE_MS, ("step", "material")),
        (20 * MINUTE_MS, ("finish_use",)),
        (MINUTE_MS, ("finish",)),
        (MINUTE_MS, ("attach", "correct")),
        (HOUR_MS, ("confirm_use", "confirm_use", "claim_redo")),
        (HOUR_MS, ("answer_claim", "review", "post_review")),
        (3 * HOUR_MS, ("rule_use", "review", "post_review")),
    ),
}
