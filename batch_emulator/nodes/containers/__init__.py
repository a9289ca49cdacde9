"""Container tasks: a container engine of this machine, and what a task's container is made of."""
