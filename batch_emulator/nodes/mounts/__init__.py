"""Containers of blobs as folders on a node.

On Azure, blobfuse makes a container look like a folder. Here it is a folder, brought in step with the
container at certain moments:

- when the node starts, before its start task: everything is downloaded,
- before each task: what was changed in the container since then is downloaded, what was deleted there is
  deleted here,
- after each task, before its end is told: what was written or deleted here is uploaded or deleted there.

What was changed on both sides stays as it is here and is uploaded: who writes last, wins.
"""
