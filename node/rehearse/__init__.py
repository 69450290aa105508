"""Runs a shop's own booking history through real contracts and adds up the money.

`rows` reads the history, `policies` the sets of rules; both refuse bad input with
`errors.InputError`.
"""
