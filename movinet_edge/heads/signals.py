"""What a head looks at besides the head pool: the model's logits, as they can be had back from its scores."""

import numpy as np
from numpy.typing import NDArray

# The smallest normal float32: a score below it comes of a logit 87 under the best one, and which one tells nothing.
_LEAST = np.finfo(np.float32).tiny


def centred_logits(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """The logits less their mean. A softmax keeps them but for a constant, and the mean takes that away.

    Args:
        scores: float32 `[classes]`, softmax, in [0, 1].

    Returns:
        float32 `[classes]`, mean 0; a new array.
    """
    logits = np.maximum(scores, _LEAST)
    np.log(logits, out=logits)
    logits -= logits.mean()
    return logits
