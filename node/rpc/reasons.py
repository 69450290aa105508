"""What the standard contracts' refusals mean: their names, the shared code, two languages."""

# ruff: noqa: RUF001 - Chinese has its own commas

from dataclasses import dataclass
from functools import cache

from node import catalog


@dataclass(frozen=True, slots=True)
class Reason:
    """What is told when a contract refuses with a well-known name."""

    code: int
    en: str
    zh: str


_PLAIN = 3000
_ROLE = 3602
_LATE = 3005
_CONSENT = 3501

REASONS: dict[str, Reason] = {
    "slot_taken": Reason(3001, "this time is taken; choose another", "该时段已被预约，请另选时间"),
    "not_open": Reason(3002, "the shop has not opened", "门店尚未开门营业"),
    "too_early": Reason(3003, "it is too early for this", "时间未到，暂不能操作"),
    "wrong_state": Reason(3004, "this does not fit the present state", "当前状态不允许此操作"),
    "known_shop": Reason(3004, "this shop is registered already", "该门店已登记"),
    "too_late": Reason(_LATE, "it is too late for this", "已超过允许的时间"),
    "price_changed": Reason(3007, "the price has changed; look again", "价格已变更，请重新确认"),
    "no_staff": Reason(3102, "no such member of staff", "没有这名员工"),
    "shop_closed": Reason(3601, "the shop does not take business now", "该门店目前不接受业务"),
    "no_shop": Reason(_ROLE, "this account is not a registered shop", "该账户不是已登记的门店"),
    "not_shop": Reason(_ROLE, "only the shop may do this", "只有门店可以执行此操作"),
    "not_customer": Reason(_ROLE, "only the customer may do this", "只有顾客本人可以执行此操作"),
    "not_operator": Reason(_ROLE, "only an operator may do this", "只有运营方可以执行此操作"),
    "not_admitter": Reason(_ROLE, "only an admitter may do this", "没有准入权限"),
    "not_arbiter": Reason(_ROLE, "only an arbiter may do this", "只有仲裁人可以执行此操作"),
    "shop_must_sign": Reason(_ROLE, "the shop has to sign as well", "需要门店共同签名"),
    "no_more_reschedules": Reason(_PLAIN, "it can not be moved again", "改期次数已用完"),
    "not_offered": Reason(_PLAIN, "the shop does not offer this", "门店不提供该项服务"),
    "price_not_positive": Reason(_PLAIN, "a price must be above zero", "价格必须大于零"),
    "wrong_hold": Reason(
        _PLAIN, "the money paid is not what the rules hold back", "支付金额与规则要求的预付金额不符"
    ),
    "wrong_amount": Reason(_PLAIN, "the amount does not fit", "金额不符"),
    "wrong_length": Reason(_PLAIN, "the time is not as long as the service", "时长与服务不符"),
    "wrong_cell": Reason(_PLAIN, "the bay counts time in other steps", "工位的时间单位不符"),
    "too_long": Reason(_PLAIN, "the time is longer than a bay allows", "占用时间过长"),
    "bad_time": Reason(_PLAIN, "the times do not fit", "时间有误"),
    "bad_cell": Reason(_PLAIN, "no such step of time", "时间单位无效"),
    "bad_policy": Reason(_PLAIN, "the rules contradict themselves", "规则内容有误"),
    "bad_tiers": Reason(_PLAIN, "the tiers of the rules are out of order", "规则的分级有误"),
    "bad_fee": Reason(_PLAIN, "a fee above the whole", "费用比例有误"),
    "bad_claim": Reason(_PLAIN, "a claim is between nothing and all", "索赔比例有误"),
    "bad_ruling": Reason(_PLAIN, "a ruling gives no more than was claimed", "裁决超出索赔范围"),
    "bad_status": Reason(_PLAIN, "no such status", "状态无效"),
    "bad_day_start": Reason(_PLAIN, "a day begins within a day", "营业日起始时间有误"),
    "bad_hours": Reason(_PLAIN, "the opening hours do not fit", "营业时间有误"),
    "bad_staff": Reason(_PLAIN, "the duty or its end does not fit", "员工职责或期限有误"),
    "bad_service": Reason(_PLAIN, "the service does not fit", "服务项目有误"),
    "no_consent": Reason(_CONSENT, "the owner has not agreed; ask first", "未获得本人同意"),
    "purpose": Reason(3502, "the owner has agreed to another purpose", "超出授权用途"),
    "gone": Reason(3503, "these details were erased, or never there", "该内容已删除或不存在"),
}


@cache
def reasons() -> dict[str, Reason]:
    """Return all reasons: those above, and what else stands beside the standard contracts."""
    told = dict(REASONS)
    for contract in catalog.SHIPPED:
        for name, text in catalog.words(contract)["errors"].items():
            told.setdefault(name, Reason(_PLAIN, text["en"], text["zh"]))
    return told
