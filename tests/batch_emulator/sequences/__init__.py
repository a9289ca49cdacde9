"""Random sequences of requests, events and faults against the rules, each replayable by its seed.

``python -m tests.batch_emulator.sequences SEED`` plays one of them and tells what happened.
"""
