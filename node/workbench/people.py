"""Who and what a world has: people by name, assets by symbol; both come to be when first named."""

from dataclasses import dataclass, field

from chain import ledger
from chain.crypto import hash_bytes
from chain.errors import MalformedBytesError, UnknownIdError
from chain.ids import decode_id
from chain.ledger import Asset, Policy
from chain.roles import Role, set_role
from chain.state import State
from chain.transaction import asset_id
from node.rpc.forms.abi_forms import id_text
from node.workbench.failures import WorkbenchError
from node.workbench.memory import Memory

_DECIMALS = 2
OPERATOR, ISSUER = "operator", "issuer"


def account_id(name: str) -> bytes:
    """Return the account of a name: the same in every world."""
    return hash_bytes("workbench", name.encode())


@dataclass(slots=True)
class People:
    """The accounts and assets of a world. Everybody has `funds` of each asset that is money."""

    memory: Memory
    funds: int
    names: dict[bytes, str] = field(default_factory=dict)
    assets: dict[str, bytes] = field(default_factory=dict)
    money: set[str] = field(default_factory=set)

    def account(self, name: str) -> bytes:
        """Return the account of a name or of an id acct1..., ctr1...; new ones are made."""
        prefix = name.rpartition("1")[0]
        if prefix in {"acct", "ctr"}:
            try:
                return decode_id(name, prefix)
            except MalformedBytesError as error:
                raise WorkbenchError(str(error)) from error
        account = account_id(name)
        if account not in self.names:
            self.names[account] = name
            self._welcome(account, name)
        return account

    def _welcome(self, account: bytes, name: str) -> None:
        state = State(self.memory)
        set_role(state, account, Role.MEMBER, held=True)
        if name == OPERATOR:
            set_role(state, account, Role.OPERATOR, held=True)
        if self.funds and name != ISSUER:
            issuer = account_id(ISSUER)
            for symbol in sorted(self.money):
                ledger.mint(state, issuer, self.assets[symbol], account, self.funds)
        self.memory.apply(state.changes())

    def give_role(self, name: str, role: str, *, held: bool = True) -> None:
        """Give somebody a role such as "arbiter", or take it."""
        if role.upper() not in Role.__members__:
            text = f"no role {role!r}; there are {', '.join(Role.__members__).lower()}"
            raise WorkbenchError(text)
        account, state = self.account(name), State(self.memory)
        set_role(state, account, Role[role.upper()], held=held)
        self.memory.apply(state.changes())

    def asset(self, symbol: str, *, issuer: bytes | None = None) -> bytes:
        """Return the asset of a symbol, made now if there is none.

        One without an `issuer` is money: everybody has some. Others are only what the issuer makes.
        """
        if symbol in self.assets:
            return self.assets[symbol]
        maker = self.account(ISSUER)
        made, state = asset_id(maker, symbol), State(self.memory)
        record = Asset(issuer or maker, symbol, _DECIMALS, Policy.OPEN, ())
        ledger.put_asset(state, made, record)
        self.assets[symbol] = made
        if issuer is None:
            self.money.add(symbol)
            if self.funds:
                for account in self.names:
                    if account != maker:
                        ledger.mint(state, maker, made, account, self.funds)
        self.memory.apply(state.changes())
        return made

    def find_asset(self, symbol: str | None) -> bytes:
        """Return the asset of a symbol, or the only one; raises WorkbenchError."""
        if symbol is None and len(self.assets) == 1:
            return next(iter(self.assets.values()))
        if symbol not in self.assets:
            known = ", ".join(self.assets) or "none"
            text = f"which asset? {symbol!r} is none of this world's: {known}"
            raise WorkbenchError(text)
        return self.assets[symbol]

    def give(self, name: str, amount: int, symbol: str | None) -> None:
        """Make money for somebody; raises WorkbenchError for assets that a contract issues."""
        asset, account, state = self.find_asset(symbol), self.account(name), State(self.memory)
        record = ledger.read_asset(state, asset)
        ledger.mint(state, record.issuer, asset, account, amount)
        self.memory.apply(state.changes())

    def symbol_of(self, asset: bytes) -> str:
        """Return what an asset is called."""
        try:
            return ledger.read_asset(State(self.memory), asset).symbol
        except UnknownIdError:
            return id_text("ast", asset)
