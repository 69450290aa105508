"""Whom a node asks for blocks, and whom it asks when that one is gone."""

from consensus import GetBlocks, Send
from consensus.sync import CatchUp

LIAR, OTHER, THIRD = b"a" * 32, b"b" * 32, b"c" * 32


def asked(effects: object) -> list[bytes | None]:
    assert isinstance(effects, list)
    return [
        one.to for one in effects if isinstance(one, Send) and isinstance(one.message, GetBlocks)
    ]


def test_when_the_one_that_was_asked_is_gone_another_is_asked_at_once() -> None:
    catch_up = CatchUp()
    first = asked(catch_up.note(LIAR, 1_000_000, 1, 0))
    catch_up.note(OTHER, 9, 1, 0)

    assert (first, asked(catch_up.drop(LIAR, 1, 5))) == ([LIAR], [OTHER])
    assert catch_up.heights == [9]


def test_when_another_is_gone_the_answer_is_waited_for() -> None:
    catch_up = CatchUp()
    first = asked(catch_up.note(OTHER, 9, 1, 0))
    catch_up.note(LIAR, 1_000_000, 1, 0)

    assert (first, asked(catch_up.drop(LIAR, 1, 5))) == ([OTHER], [])
    assert asked(catch_up.on_height(2, 6)) == [OTHER]


def test_who_did_not_answer_is_not_asked_again_while_there_are_others() -> None:
    catch_up = CatchUp()
    first = asked(catch_up.note(LIAR, 1_000_000, 1, 0))
    alone = asked(catch_up.on_timer(1, 3_000))
    catch_up.note(OTHER, 9, 1, 0)

    assert (first, alone, asked(catch_up.on_timer(1, 6_000))) == ([LIAR], [LIAR], [OTHER])


def test_room_of_those_who_are_gone_is_for_others() -> None:
    catch_up = CatchUp()
    for number in range(1_000):
        catch_up.note(number.to_bytes(32, "big"), 1, 1, 0)
        catch_up.drop(number.to_bytes(32, "big"), 1, 0)

    assert asked(catch_up.note(THIRD, 9, 1, 0)) == [THIRD]
