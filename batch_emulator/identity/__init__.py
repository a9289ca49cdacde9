"""Managed identity on nodes: what stands in for the instance metadata service.

On Azure a task asks ``http://169.254.169.254/metadata/identity/oauth2/token``. A process that is not a
virtual machine's host cannot listen there, so tasks of pools with identities find the two variables that
Azure's identity libraries look for first, ``IDENTITY_ENDPOINT`` and ``IDENTITY_HEADER``, and the emulator
answers at its own address.
"""
