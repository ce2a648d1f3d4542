"""The one training loop: fit, evaluate, checkpoint, resume.

It is told the model, the loss, the decoder and the optimiser and knows no method by name. What
goes into an experiment is said in ``experiments``; where its numbers go, in ``results``.
"""

from facekp.training.fitting import fit
from facekp.training.loop import Fitted, TrainingError
from facekp.training.memory import keep_freed_memory
from facekp.training.pictures import Evaluation, Pictures, evaluate
from facekp.training.precision import usable_precision

__all__ = [
    "Evaluation",
    "Fitted",
    "Pictures",
    "TrainingError",
    "evaluate",
    "fit",
    "keep_freed_memory",
    "usable_precision",
]
