"""The rules of the service with simulated nodes on a virtual clock: weeks of a big pool in seconds.

    simulation = Simulation(Behaviour(boot=Uniform(30, 90), run=LogNormal(60, 0.5)), seed=1)
    simulation.create_pool({...})
    simulation.create_job({...})
    simulation.add_tasks("job", [...])
    result = simulation.run_until_done()

The same seed and the same calls give the same result, to the microsecond.
"""

from __future__ import annotations

from batch_emulator.simulation.behaviour import Behaviour, BehaviourError, Work, parse_behaviour
from batch_emulator.simulation.chance import Constant, Exponential, LogNormal, Span, Uniform
from batch_emulator.simulation.result import Moment, SimulationResult
from batch_emulator.simulation.simulation import Simulation

__all__ = [
    "Behaviour",
    "BehaviourError",
    "Constant",
    "Exponential",
    "LogNormal",
    "Moment",
    "Simulation",
    "SimulationResult",
    "Span",
    "Uniform",
    "Work",
    "parse_behaviour",
]
