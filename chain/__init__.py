"""The ledger: values, bytes, blocks, state and rules.

Pure, but for `chain.store`, which nothing here imports. Other packages import the modules by name;
what begins with an underscore is a module's own. From below to above:

    errors, codec, crypto, types                      values and their one encoding
    merkle, tree_record, tree                         commitments
    state, params, roles, nonces, ledger, accounts,
    timers, pots, governance, validators              the state, by subject
    transaction, receipt, block, executed             what is signed, proven, stored
    vote, proposers, evidence, recovery               what agreement leaves on the chain
    rules, genesis                                    what must hold; where it begins
    store                                             the disk
"""
