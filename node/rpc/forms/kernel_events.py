"""The chain's own events as if a contract called `chain` declared them."""

from chain.executed import KERNEL_INDEXED
from chain.receipt import KernelEvent
from contracts.vm.container import Kind
from node.abi import AbiEvent, AbiType, ContractAbi, Single

CHAIN = "chain"
_KEY_BYTES_MAX = 256
_ADDRESS = Single(Kind.ADDR)
_HASH = Single(Kind.HASH)
_ASSET = Single(Kind.HASH, 0, ("id", "ast"))
_AMOUNT = Single(Kind.UINT)
_TIME = Single(Kind.UINT, 0, ("time", "ms"))
_KEY = Single(Kind.BYTES, _KEY_BYTES_MAX)
_FIELDS: dict[KernelEvent, dict[str, AbiType]] = {
    KernelEvent.TRANSFERRED: {
        "asset": _ASSET, "from": _ADDRESS, "to": _ADDRESS, "amount": _AMOUNT,
    },
    KernelEvent.ASSET_ISSUED: {"asset": _ASSET, "issuer": _ADDRESS},
    KernelEvent.MINTED: {"asset": _ASSET, "to": _ADDRESS, "amount": _AMOUNT},
    KernelEvent.BURNED: {"asset": _ASSET, "from": _ADDRESS, "amount": _AMOUNT},
    KernelEvent.DEPLOYED: {"contract": _ADDRESS, "code_id": _HASH, "by": _ADDRESS},
    KernelEvent.POT_FALLBACK: {
        "contract": _ADDRESS, "pot": _KEY, "to": _ADDRESS, "asset": _ASSET, "amount": _AMOUNT,
    },
    KernelEvent.TIMER_FAILED: {
        "contract": _ADDRESS, "timer": _KEY, "trap": Single(Kind.U8), "error": Single(Kind.U16),
        "will_retry": Single(Kind.BOOL),
    },
    KernelEvent.KEYS_CHANGED: {"account": _ADDRESS},
    KernelEvent.RECOVERY_CHANGED: {"account": _ADDRESS},
    KernelEvent.PROPOSED: {"proposal": _HASH, "operator": _ADDRESS},
    KernelEvent.DECIDED: {"proposal": _HASH},
    KernelEvent.ADMITTED: {"account": _ADDRESS, "by": _ADDRESS},
    KernelEvent.REJECTED: {"proposal": _HASH},
    KernelEvent.ISSUER_CHANGED: {"asset": _ASSET, "contract": _ADDRESS},
    KernelEvent.UPGRADE_PLANNED: {"contract": _ADDRESS, "code_id": _HASH, "at_ms": _TIME},
    KernelEvent.UPGRADE_WITHDRAWN: {"contract": _ADDRESS, "code_id": _HASH},
    KernelEvent.UPGRADED: {"contract": _ADDRESS, "code_id": _HASH},
    KernelEvent.UPGRADE_DROPPED: {
        "contract": _ADDRESS, "code_id": _HASH, "error": Single(Kind.U16),
    },
}  # fmt: skip

KERNEL_ABI = ContractAbi(
    name=CHAIN,
    doc="What the chain itself tells.",
    assets=(),
    links=(),
    enums={},
    functions={},
    init=None,
    events=tuple(
        AbiEvent(one.name.lower(), tuple(_FIELDS[one].items()), KERNEL_INDEXED[one])
        for one in KernelEvent
    ),
    errors=(),
    pots=(),
)
