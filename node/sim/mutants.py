"""Mutants of the protocol: one line of it made wrong, to see that something notices."""

from node.sim.mutation import Change, Death, Mutant

_RECORDING = "consensus.recording"
_ENGINE, _ROUNDS, _HEIGHT = "consensus.engine", "consensus.rounds", "consensus.height"

_ALL = (
    Mutant(
        "send_before_sync",
        "votes leave before they are on the disk",
        Death("trace one_alone", "A5"),
        (Change(_ENGINE, "is_waiting = self._token > self._persisted", "is_waiting = False"),),
    ),
    Mutant(
        "commit_before_sync",
        "a decision is stored before the own vote in it is on the disk",
        Death("trace one_alone", "A5"),
        (Change(_ENGINE, "isinstance(effect, Send | CommitBlock)", "isinstance(effect, Send)"),),
    ),
    Mutant(
        "no_record",
        "nothing is written before votes leave",
        Death("trace one_alone", "A5"),
        (Change(_ENGINE, "        if self.machine.is_dirty:\n", "        if False:\n"),),
    ),
    Mutant(
        "record_without_votes",
        "the record has the lock but not the votes",
        Death("trace one_alone", "A5"),
        (Change(_RECORDING, "        signed=tuple(signed),", "        signed=(),"),),
    ),
    Mutant(
        "record_without_lock",
        "the record has the votes but not the lock",
        Death("trace lock_survives_a_restart", "A4"),
        (
            Change(_RECORDING, "locked_value=machine.locked_value,", "locked_value=None,"),
            Change(_RECORDING, "locked_round=machine.locked_round,", "locked_round=-1,"),
        ),
    ),
    Mutant(
        "record_without_polka",
        "the record has no polka for the locked and valid block",
        Death("trace lone_polka_survives_a_restart", "liveness"),
        (
            Change(
                _RECORDING,
                "        polkas=tuple([machine.polkas[one] for one in rounds]),",
                "        polkas=(),",
            ),
        ),
    ),
    Mutant(
        "record_without_body",
        "the record refers to blocks that are not in it",
        Death("trace locked_and_restarted", "liveness"),
        (
            Change(
                _RECORDING,
                "if value in machine.bodies and value not in written:",
                "if value in machine.bodies and machine.height < 0:",
            ),
        ),
    ),
    Mutant(
        "quorum_of_2f_plus_1",
        "a quorum is 2f+1 for every n",
        Death("trace six_split_in_threes", "A1"),
        (
            Change(
                "chain.validators",
                "else 2 * count // 3 + 1",
                "else 2 * ((count - 1) // 3) + 1",
            ),
        ),
    ),
    Mutant(
        "no_resend",
        "nothing is said twice",
        Death("trace split_in_halves", "liveness"),
        (
            Change(
                _ENGINE,
                "            for message in told_again(machine):\n"
                "                self._send(message)\n",
                "            pass\n",
            ),
            Change(
                _ENGINE,
                "            for message in answer_to(machine, status):\n"
                "                self._send(message, sender)\n",
                "            pass\n",
            ),
        ),
    ),
    Mutant(
        "no_round_change_help",
        "nobody is told why a round was entered, and nobody skips",
        Death("trace rounds_apart_after_a_restart", "liveness"),
        (
            Change(
                _ROUNDS,
                "            self.out.append(Send(self.round_certificate))",
                "            pass",
            ),
            Change(_ROUNDS, "            or self._skip()\n", ""),
            Change(
                "consensus.gossip",
                "        again.append(core.round_certificate)",
                "        pass",
            ),
            Change(
                "consensus.gossip",
                "        lacking.append(core.round_certificate)",
                "        pass",
            ),
        ),
    ),
    Mutant(
        "valid_block_not_proposed",
        "a proposer forgets the block that a polka is known of",
        Death("trace lone_polka_survives_a_restart", "liveness"),
        (
            Change(
                _ROUNDS,
                "        if self.valid_value is not None:\n            return self._sign",
                "        if self.now_wall < 0:\n            return self._sign",
            ),
        ),
    ),
    Mutant(
        "lock_never_set",
        "a precommit sets no lock",
        Death("search", "A4"),
        (
            Change(
                _ROUNDS,
                "self.locked_value, self.locked_round = value[0], self.round",
                "pass",
            ),
        ),
    ),
    Mutant(
        "lock_ignored_on_fresh",
        "a fresh proposal is prevoted in spite of a lock",
        Death("search", "A4"),
        (
            Change(
                _ROUNDS,
                '        if self.locked_value is not None:\n            return f"locked on',
                '        if self.now_wall < 0:\n            return f"locked on',
            ),
        ),
    ),
    Mutant(
        "unlock_on_nil_polka",
        "a polka for nil releases the lock",
        Death("search", "A4"),
        (
            Change(
                _ROUNDS,
                "        if self.book.quorum_value(self.round, PREVOTE) != NIL:\n"
                "            return False\n",
                "        if self.book.quorum_value(self.round, PREVOTE) != NIL:\n"
                "            return False\n"
                "        self.locked_value, self.locked_round = None, -1\n",
            ),
        ),
    ),
    Mutant(
        "any_reproposal",
        "a re-proposal with a polka older than the lock is prevoted",
        Death("search", "A4"),
        (
            Change(
                _ROUNDS,
                "if self.locked_round > valid_round and self.locked_value != value:",
                "if self.now_wall < 0:",
            ),
        ),
    ),
    Mutant(
        "no_polka_check",
        "a proposal's valid round is believed without its polka",
        Death("search", "A2b"),
        (
            Change(
                _ROUNDS,
                "            if not self.book.has_polka(valid_round, value):\n"
                "                return False\n",
                "",
            ),
            Change(
                "consensus.admission",
                "    if (vote.valid_round >= 0) != (polka is not None):",
                "    if (vote.valid_round >= 0) < (polka is not None):",
            ),
        ),
    ),
    Mutant(
        "first_vote_only",
        "only the first vote of a voter counts, so an equivocator can hide a quorum",
        Death("trace liar_says_nil_first", "rounds"),
        (Change("consensus.votes", "VALUES_PER_VOTER_MAX = 2", "VALUES_PER_VOTER_MAX = 1"),),
    ),
    Mutant(
        "no_polka_gossip",
        "polkas are neither passed on nor learnt",
        Death("trace lone_polka_is_passed_on", "rounds"),
        (
            Change(_ROUNDS, "            or self._learn_polka()\n", ""),
            Change(
                _ROUNDS,
                "            self.out.append(Send(self.polkas[self.locked_round]))",
                "            pass",
            ),
            Change(
                "consensus.gossip",
                "        lacking.append(core.polkas[core.valid_round])",
                "        pass",
            ),
            Change(
                "consensus.gossip",
                "    again += [core.polkas[one] for one in held]\n",
                "",
            ),
        ),
    ),
    Mutant(
        "valid_round_not_named",
        "a prevote for a re-proposal does not name its polka's round",
        Death("search", "A4"),
        (
            Change(
                _ROUNDS,
                "            self.cast(PREVOTE, value, valid_round)",
                "            self.cast(PREVOTE, value, -1)",
            ),
        ),
    ),
    Mutant(
        "block_unchecked",
        "a block that does not execute is voted for",
        Death("trace bad_block_is_refused", "A3"),
        (
            Change(_ROUNDS, "fault = self.verdicts[value] or self.trouble", "fault = self.trouble"),
            Change(
                _HEIGHT,
                "return value in self.verdicts and self.verdicts[value] is None",
                "return value in self.verdicts",
            ),
        ),
    ),
    Mutant(
        "skip_after_one",
        "a single voter of a later round takes everybody there",
        Death("trace liar_runs_ahead", "liveness"),
        (
            Change(
                _ROUNDS,
                "        need = self.validators.skip_threshold\n",
                "        need = 1\n",
            ),
        ),
    ),
    Mutant(
        "future_time",
        "a block from the far future is prevoted",
        Death("trace clock_far_ahead", "A6"),
        (Change("consensus.timeouts", "CLOCK_AHEAD_MS = 2_000", "CLOCK_AHEAD_MS = 7_200_000"),),
    ),
    Mutant(
        "short_polka",
        "a polka of fewer than a quorum is believed",
        Death("search", "A2b"),
        (
            Change(
                "consensus.certificates",
                "if len(keys) != validators.quorum or len(polka.signatures) != len(keys):",
                "if not keys or len(polka.signatures) != len(keys):",
            ),
            Change(
                "consensus.votes",
                "        return pairs\n",
                "        tally = self._rounds[votes[0].round, PREVOTE]\n"
                "        if tally.quorum_value is None:\n"
                "            tally.quorum_value = value_of(votes[0])\n"
                "            self._note_quorum(votes[0])\n"
                "        return pairs\n",
            ),
        ),
    ),
    Mutant(
        "short_segment",
        "blocks with a certificate of fewer than a quorum are applied",
        Death("trace forged_blocks_for_a_straggler", "A1"),
        (
            Change(
                "consensus.admission",
                "if len(keys) < validators.quorum or len(keys) != len(commit.signatures):",
                "if len(keys) != len(commit.signatures):",
            ),
        ),
    ),
    Mutant(
        "no_guard",
        "a lost vote log makes no observer",
        Death("trace wiped_alone_with_its_vote", "A2"),
        (
            Change(
                "consensus.rejoin",
                "self.mode = Mode.LISTENING if damage is None else Mode.OBSERVER",
                "self.mode = Mode.LISTENING",
            ),
            Change("consensus.rejoin", "            if not is_known:\n", "            if False:\n"),
        ),
    ),
    Mutant(
        "rejoin_at_once",
        "after a lost log votes are signed from the next height on",
        Death("trace decided_alone_and_wiped", "A2"),
        (Change("consensus.rejoin", "HEIGHTS_KEPT_SILENT = 3", "HEIGHTS_KEPT_SILENT = 0"),),
    ),
    Mutant(
        "trust_not_kept",
        "that a log was begun after a loss is forgotten at the next restart",
        Death("trace wiped_alone_and_restarted", "A2"),
        (
            Change(
                "consensus.record",
                "    if header.distrust is not None and not is_past:\n"
                "        return Recovered(damage=header.distrust)\n",
                "",
            ),
        ),
    ),
    Mutant(
        "no_demotion",
        "proposers rotate whether they are there or not",
        Death("trace one_crashed_costs_one_round", "rounds"),
        (
            Change(
                "chain.proposers",
                "return is_absent or height < entry.demoted_until or entry.tombstoned",
                "return False",
            ),
        ),
    ),
    Mutant(
        "no_evidence",
        "votes that exclude each other are not reported",
        Death("trace liar_says_nil_first", "evidence"),
        (
            Change(
                _HEIGHT,
                "        if self.pool.add(evidence):\n",
                "        if not evidence.votes and self.pool.add(evidence):\n",
            ),
        ),
    ),
    Mutant(
        "unbounded_votes",
        "a voter may fill the memory with values",
        Death("trace flood_of_votes", "A9"),
        (
            Change("consensus.votes", "VALUES_PER_VOTER_MAX = 2", "VALUES_PER_VOTER_MAX = 10**9"),
            Change("consensus.votes", "ROUNDS_AHEAD_MAX = 2", "ROUNDS_AHEAD_MAX = 10**9"),
        ),
    ),
)
MUTANTS = {mutant.name: mutant for mutant in _ALL}
