"""Processes of the local stack: started, watched and, whatever happens, ended.

The stack's process (the supervisor) keeps a pipe to a guardian process, which is the parent of all
components. If the supervisor dies, also by `kill -9`, the pipe closes and the guardian ends everything below
it. A run file names what is running, so that a start after the guardian itself was killed can clean up.
"""
