"""One table from the codes of failed tasks and pools to words.

Codes of tasks: Azure Batch: *Job and task error checking*; of pools: *Azure Batch pool resizing failure*.
"""

from __future__ import annotations

from airflow_batch_provider.client.requests.meaning import Layer, Meaning

_STORAGE_ACCESS = (
    "Check that the storage account of the Airflow connection is the right one, that its key or the identity "
    "may read it, and that the nodes' network may reach it. A SAS lives as long as the job may run."
)
_NODE_DISK = "Take a VM size with more local disk, fewer task slots per node, or a shorter retention."

TASK_FAILURES: dict[str, Meaning] = {
    "FailureExitCode": Meaning(
        Layer.COMMAND,
        "the command ended with an exit code other than 0",
        "The program itself reported an error; what it wrote last, if anything, says which.",
        "Read the output below.",
    ),
    "TaskEnded": Meaning(
        Layer.WALL_CLOCK,
        "the task was ended before its command had finished",
        "Its max_wall_clock was reached, the job was ended (by a failed task, its own max_wall_clock or a "
        "user), or the node was removed with its tasks ended.",
        "If it ran for as long as max_wall_clock allows, raise that; otherwise look at what ended the job.",
    ),
    "BlobNotFound": Meaning(
        Layer.RESOURCE_FILE,
        "a blob that the task reads does not exist",
        "The name is misspelled, the blob was not written yet, it was deleted meanwhile, or it is in another "
        "storage account.",
        "Compare the inputs of the task with what is in the container; details name the file. If it was "
        "deleted after an Airflow task had listed it, clear that task with all that follows: a retry of this "
        "one works on the same list.",
    ),
    "BlobAccessDenied": Meaning(
        Layer.RESOURCE_FILE,
        "a blob that the task reads may not be read by the node",
        "The SAS has ended, the identity has no role on the storage account, or its firewall is in between.",
        _STORAGE_ACCESS,
    ),
    "BlobDownloadTimedOut": Meaning(
        Layer.RESOURCE_FILE,
        "downloading an input took too long",
        "The network between node and storage is slow or throttled, or the blob is very large.",
        "Try again; keep storage in the pool's region, and read large blobs by mount or from the command.",
    ),
    "BlobDownloadMiscError": Meaning(
        Layer.RESOURCE_FILE,
        "downloading an input failed",
        "Storage was not reachable or was throttled; a URL that is no blob may have refused as well.",
        "Try again; if it stays, open the input's URL from a node of the pool.",
    ),
    "ResourceContainerNotFound": Meaning(
        Layer.RESOURCE_FILE,
        "a container that the task reads from does not exist",
        "The container's name is misspelled, or it is in another storage account.",
        "Create the container or correct the reference in inputs.",
    ),
    "ResourceContainerAccessDenied": Meaning(
        Layer.RESOURCE_FILE,
        "a container that the task reads from refuses the node",
        "The SAS lacks list or read, has ended, or the identity has no role on the container.",
        _STORAGE_ACCESS,
    ),
    "ResourceContainerListMiscError": Meaning(
        Layer.RESOURCE_FILE,
        "a container that the task reads from could not be listed",
        "Often the managed identity named in the connection is not assigned to the pool.",
        "Assign the identity to the pool, or leave it out of the connection so that SAS are used.",
    ),
    "ResourceDirectoryCreateFailed": Meaning(
        Layer.RESOURCE_FILE,
        "a directory for the inputs could not be made on the node",
        "The node's disk is full or broken, or two inputs claim the same path.",
        "Check the paths of inputs for one that is another's directory; try again on another node.",
    ),
    "ResourceFileCreateFailed": Meaning(
        Layer.RESOURCE_FILE,
        "an input file could not be made on the node",
        "The node's disk is full or broken, or the path has characters its file system refuses.",
        "Check the paths of inputs; " + _NODE_DISK,
    ),
    "ResourceFileWriteFailed": Meaning(
        Layer.RESOURCE_FILE,
        "an input file could not be written on the node",
        "The node's disk is full or broken.",
        _NODE_DISK,
    ),
    "CommandProgramNotFound": Meaning(
        Layer.COMMAND,
        "the program of the command does not exist on the node",
        "It is not installed there, or the command needs a shell: Batch runs none, so pipes, variables and "
        "built-in commands are not understood.",
        "Give the program's full path, install it by an application package, start task or image, or write "
        "shell('...').",
        final=True,
    ),
    "CommandLaunchFailed": Meaning(
        Layer.COMMAND,
        "the command could not be started",
        "The file is not executable or made for another processor or system, or its interpreter is missing.",
        "Check the file's mode and kind; scripts are started as ['python3', 'script.py'].",
        final=True,
    ),
    "ApplicationPackageError": Meaning(
        Layer.NODE_START,
        "an application package could not be put on the node",
        "The application or version does not exist or is not active, or no default version is set.",
        "Look at the account's applications; name the version, as packages=['ffmpeg==7.1'].",
        final=True,
    ),
    # No document names this code; the local Azure Batch gives it.
    "UserAccountNotFound": Meaning(
        Layer.SUBMIT,
        "the user that the task is to run as does not exist on the node",
        "The pool has no user account of this name.",
        "Name one of the pool's users in user=, give user=AutoUser(...), or add it to the pool's users.",
        final=True,
    ),
    "ContainerPoolNotSupported": Meaning(
        Layer.IMAGE_PULL,
        "the task asks for a container on a pool without container support",
        "The pool has no container configuration, or its image no container runtime.",
        "Use a pool with a container image and runtime.",
        final=True,
    ),
    "ContainerInvalidImage": Meaning(
        Layer.IMAGE_PULL,
        "the container image could not be had",
        "The image's name or tag is wrong, or the registry refused the pool.",
        "Pull the image by the same name from elsewhere; check the pool's registry credentials.",
        final=True,
    ),
    "ContainerLaunchFailed": Meaning(
        Layer.IMAGE_PULL,
        "the container could not be started",
        "Its run options are wrong, its entry point is missing, or the node's container runtime failed.",
        "Try the image with the same options on another machine.",
    ),
    "FileUploadContainerNotFound": Meaning(
        Layer.UPLOAD,
        "the container for the task's outputs does not exist",
        "It was never created, or was deleted while the job ran.",
        "Create the container, or correct the destination in outputs.",
    ),
    "FileUploadAccessDenied": Meaning(
        Layer.UPLOAD,
        "storage refused the task's outputs",
        "The identity has no role by which it may write, the connection's SAS does not allow it or has "
        "ended, or the account's firewall is in between.",
        "Give the nodes' identity the role Storage Blob Data Contributor, or the connection the account's "
        "key or a SAS that may create and write; then clear the Airflow task. It is not retried: the command "
        "would run again, and its outputs be lost again.",
        final=True,
    ),
    "FileUploadMiscError": Meaning(
        Layer.UPLOAD,
        "the task's outputs could not be uploaded",
        "Storage was not reachable or throttled, the node's disk was full, or the pool does not have the "
        "identity by which the outputs are written.",
        "Read what the service says, and fileuploaderr.txt of the task; give the pool the identity if that "
        "lacks, else try again.",
    ),
    "FileUploadTimedOut": Meaning(
        Layer.UPLOAD,
        "uploading the task's outputs took too long",
        "The outputs are very large or the network is slow.",
        "Keep storage in the pool's region; write fewer or smaller files.",
    ),
    "DiskFull": Meaning(
        Layer.PLATFORM,
        "the node's disk is full",
        "Inputs, outputs and retained directories of earlier tasks fill it.",
        _NODE_DISK,
    ),
    "MaxInternalRetryCountReached": Meaning(
        Layer.PREEMPTION,
        "the service gave up after starting the task anew too often",
        "The nodes it ran on were lost again and again: spot capacity taken back, or the task takes its "
        "node down (memory).",
        "Run it on dedicated nodes or on a larger VM size, and let long commands keep their own progress.",
    ),
    "TaskSchedulingConstraintFailed": Meaning(
        Layer.SUBMIT,
        "the task can never be placed on a node of the pool",
        "It asks for more slots, nodes or inter-node communication than the pool has.",
        "Lower required_slots or raise the pool's task slots per node.",
        final=True,
    ),
    "JobPreparationTaskFailed": Meaning(
        Layer.NODE_START,
        "the job's preparation command failed on the node",
        "The command ends with an error there.",
        "Read its output in the node's directory jobpreparation; then correct preparation.",
    ),
    "Unknown": Meaning(
        Layer.PLATFORM,
        "the service failed the task without saying why",
        "A fault of the service or of the node.",
        "Try again; if it stays, give Azure support the job and task id.",
    ),
}

_UNKNOWN_TASK_CODE = Meaning(
    Layer.PLATFORM,
    "the service failed the task",
    "The code is not one that is documented.",
    "Read the service's message and the task's output.",
)


def not_found(program: str) -> Meaning:
    """What exit code 127 of a shell means.

    Parameters:
        program: what was not found.
    """
    return Meaning(
        Layer.COMMAND,
        "the command did not find a program (exit code 127)",
        f"{program} is not where the command runs: on the node, or in the image of its container.",
        "Give the program's full path, or install it by an application package, start task or image.",
    )


NOT_FOUND = not_found("A program that it names, or a library of that,")

_TOLD: tuple[tuple[str, tuple[str, ...], Meaning], ...] = (
    (
        "CommandLaunchFailed",
        ("Argument list too long",),
        Meaning(
            Layer.COMMAND,
            "the command could not be started",
            "The command line and the environment variables are too long: on Linux each of them may have "
            "128 KiB, and all together 2 MiB most often.",
            "Hand over what is long in a file: inputs={'values.json': blob(...)}.",
            final=True,
        ),
    ),
    (
        "Resource",
        ("Is a directory", "Not a directory", "File exists"),
        Meaning(
            Layer.RESOURCE_FILE,
            "an input file could not be written on the node",
            "Its path is another input's as well: what is a file for one is a folder for the other.",
            "Give each of the inputs a path of its own.",
            final=True,
        ),
    ),
)
"""Beginning of a code, what the service tells with it -> what it means then."""

SIGNALS: dict[int, Meaning] = {
    4: Meaning(
        Layer.COMMAND,
        "the command was ended by SIGILL",
        "The program or a library is built for a processor with instructions that the node's does not have.",
        "Take a build for a common processor, or the VM size that it was built on.",
    ),
    6: Meaning(
        Layer.COMMAND,
        "the command gave itself up (SIGABRT)",
        "An assertion of the program failed, an exception was not caught, or it got no memory.",
        "Look for its last words in the output below; run it with the same input elsewhere.",
    ),
    7: Meaning(
        Layer.COMMAND,
        "the command was ended by SIGBUS",
        "A file that the program has mapped to memory is shorter than it thinks, or the disk or the shared "
        "memory (/dev/shm, 64 MB in a container) is full.",
        "Compare its inputs with what it expects; give a container more by --shm-size.",
    ),
    8: Meaning(
        Layer.COMMAND,
        "the command was ended by SIGFPE",
        "The program divided a whole number by zero.",
        "Run it with the same input elsewhere, by a debugger.",
    ),
    9: Meaning(
        Layer.COMMAND,
        "the command was killed (SIGKILL)",
        "Most often the node, or the container by its own limit, ran out of memory; the program cannot write "
        "a last word then.",
        "Give it more memory: a larger VM size, fewer task slots per node, more required_slots, or --memory "
        "of the container; or let it need less.",
    ),
    11: Meaning(
        Layer.COMMAND,
        "the command crashed (SIGSEGV)",
        "A fault of the program or of one of its native libraries, which may not fit the node's system; or "
        "its stack is full.",
        "Run it with the same input on the pool's image; compare the versions of its libraries.",
    ),
    15: Meaning(
        Layer.COMMAND,
        "the command was told to end (SIGTERM)",
        "A program on the node ended it, such as timeout or the script that started it; or the node "
        "went down.",
        "Look for who ends it: in the command itself, and in the events of the node.",
    ),
}
"""By their numbers on Linux. A task's exit code tells of them by 128 and the number, as a shell does, or by
the number below 0, as Python does."""


def task_failure(code: str | None, exit_code: int | None = None, told: str = "") -> Meaning:
    """What a task's ``failureInfo.code`` means.

    Parameters:
        code: the code.
        exit_code: of the task's command, if it has one.
        told: what the service tells with the code.
    """
    for beginning, texts, meaning in _TOLD:
        if (code or "").startswith(beginning) and any(text in told for text in texts):
            return meaning
    if code == "FailureExitCode" and (signal := _signal(exit_code)) in SIGNALS:
        return SIGNALS[signal]
    if code == "FailureExitCode" and exit_code == 127:
        return NOT_FOUND
    return TASK_FAILURES.get(code or "", _UNKNOWN_TASK_CODE)


def _signal(exit_code: int | None) -> int:
    """The signal that a command was ended by, as far as its exit code tells; 0: by none."""
    if exit_code is None:
        return 0
    return exit_code - 128 if exit_code > 128 else max(0, -exit_code)
