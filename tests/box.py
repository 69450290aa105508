"""A contract for tests: boxes of money, and bells that ring at a time."""

BOX = """
from wash import *

class Box(Contract):
    \"\"\"Boxes of money, and bells that ring at a time.\"\"\"
    money: Asset
    pots: Pots[Hash, money, days(90)]
    broken: uint
    rung: uint
    clock: Time
    deadline: Time
    bells: Map[Hash, uint]
    Rang = Event(id=indexed[Hash], number=uint)

    @action(payable=money)
    def put(self, id: Hash, until: Time, fallback: Address):
        self.pots.open(id, until=until, fallback=fallback)

    @action(payable=money)
    def add(self, id: Hash):
        self.pots.add(id)

    @action(payable=money)
    def keep(self):
        self.rung += 1

    @action
    def pay(self, id: Hash, to: Address, amount: uint):
        self.pots.pay(id, to, amount)

    @action
    def move(self, id: Hash, other: Hash, amount: uint):
        self.pots.move(id, other, amount)

    @action
    def extend(self, id: Hash, until: Time):
        self.pots.extend(id, until)

    @action
    def close(self, id: Hash, to: Address):
        self.pots.close(id, to=to)

    @action
    def set_broken(self, broken: uint):
        self.broken = broken

    @action
    def plan(self, id: Hash, at: Time):
        schedule(self.ring, at=at, key=id)

    @action
    def plan_silence(self, id: Hash, at: Time):
        schedule(self.silence, at=at, key=id)

    @action
    def plan_pay(self, id: Hash, at: Time):
        schedule(self.pay_out, at=at, key=id)

    @action
    def unplan(self, id: Hash):
        cancel(self.ring, key=id)
        cancel(self.pay_out, key=id)

    @action
    def read_clock(self):
        self.clock = now()
        self.deadline = deadline_now()

    @action
    def chatter(self):
        for i in range(0, 15):
            emit(self.Rang, sha256(to_bytes(i, 4)), i)

    @timer
    def ring(self, id: Hash):
        require(self.broken == 0, "broken")
        self.rung += 1
        self.bells[id] = self.rung
        emit(self.Rang, id, self.rung)

    @timer
    def silence(self, id: Hash):
        cancel(self.ring, key=id)

    @timer
    def pay_out(self, id: Hash):
        require(self.broken == 0, "broken")
        total = self.pots.balance(id)
        self.pots.pay(id, bytes_to_address(id), total)

    @view
    def count(self) -> uint:
        return self.rung
"""
