"""Malformed and hostile requests for every route, drawn from the tables of operations and the contract.

Nothing here names an operation: what is added to the tables is fuzzed from then on.
"""
