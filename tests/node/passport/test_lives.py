"""Random lives of a vehicle: the passport shows what was done, whatever was done in what order."""

import tempfile
from pathlib import Path
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from node.passport.form import read_passport, write_passport
from node.passport.report import Verdict
from node.passport.verify import verify_passport
from tests.node.passport.garage import Garage

Steps = list[tuple[str, int]]
steps = st.lists(
    st.tuples(st.sampled_from(["wash", "wash", "rotate"]), st.integers(0, 3)), max_size=7
)


@settings(max_examples=8, deadline=None)
@given(steps, st.sets(st.integers(1, 6)), st.randoms(use_true_random=False))
def test_every_life_has_a_passport_that_is_good_and_can_not_be_shortened(
    life: Steps, back: set[int], random: Random
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        garage = Garage(Path(folder))
        garage.register()
        entered, place = [], 0
        for what, count in life:
            if what == "rotate":
                garage.rotate(place)
                place = 0
            else:
                entered.append(garage.wash(materials=count).hex())
                garage.attach(bytes.fromhex(entered[-1]), place)
                place += 1
        data, anchor = garage.file(back=tuple(back)), garage.anchor()
        garage.chain.close()

    report = verify_passport(data, anchor)

    records = report.facts["records"]
    assert report.verdict is Verdict.GOOD
    assert [one["record"] for one in records] == entered
    assert [one["number"] in back for one in records] == [one["content"] is None for one in records]
    whole = read_passport(data)
    assert write_passport(whole) == data
    changed = bytearray(data)
    changed[random.randrange(len(data))] ^= 1 << random.randrange(8)
    assert verify_passport(bytes(changed), anchor).verdict is Verdict.BAD
