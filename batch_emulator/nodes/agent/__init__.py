"""The process that starts, reaps and kills task processes for the emulator.

It is separate because starting processes from a large, busy program is slow, and because it outlives the
emulator's sudden end just long enough to leave no task process behind. Standard library only: it starts in
a few hundredths of a second.
"""
