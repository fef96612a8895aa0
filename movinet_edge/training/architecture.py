"""The shape of our network: MoViNet-A0-Stream as in the official int8 files, in numbers alone.

Causal 2+1-D convolutions, ReLU6, no squeeze-and-excitation, one pool over time in the head. Widths, kernels and strides
are those of table A0 in arXiv:2103.11511 with widths rounded to multiples of 8, and agree with the shapes in the
official file.
"""

from collections.abc import Iterator
from dataclasses import dataclass

STEM_WIDTH = 8
HEAD_WIDTH = 480
"""Channels of the pool over time, which is the clip's embedding."""
HIDDEN_WIDTH = 2048
"""Channels between the pool and the classes."""
IMAGE_SIZE_PX = 172
"""Side of the square input of A0."""
RELU6_TOP = 6.0


@dataclass(frozen=True, slots=True)
class Layer:
    """One inverted bottleneck: expand, convolve each channel in space and then in time, project, add the input.

    Attributes:
        name: as the official files name its states.
        width_in, expanded, width_out: channels at the three places.
        frames: length of the convolution over time; 1 is none.
        kernel_px: side of the convolution in space.
        stride: of the convolution in space.
    """

    name: str
    width_in: int
    expanded: int
    width_out: int
    frames: int
    kernel_px: int
    stride: int

    @property
    def past_frames(self) -> int:
        """Frames that the convolution over time keeps from earlier calls."""
        return self.frames - 1

    @property
    def keeps_shape(self) -> bool:
        """True where the input is added as it is; else it is pooled and projected first."""
        return self.stride == 1 and self.width_in == self.width_out

    @property
    def state(self) -> str:
        """Name of the state that holds the past frames."""
        return f"state_{self.name}_stream_buffer"


# Per block: width, and (expanded width, frames, kernel) of each layer; the first one of a block has the stride.
_BLOCKS: tuple[tuple[int, int, tuple[tuple[int, int, int], ...]], ...] = (
    (8, 2, ((24, 1, 5),)),
    (32, 2, ((80, 3, 3), (80, 3, 3), (80, 3, 3))),
    (56, 2, ((184, 5, 3), (112, 3, 3), (184, 3, 3))),
    (56, 1, ((184, 5, 3), (184, 3, 3), (184, 3, 3), (184, 3, 3))),
    (104, 2, ((384, 5, 3), (280, 1, 5), (280, 1, 5), (344, 1, 5))),
)


def layers() -> Iterator[Layer]:
    """All layers between the stem and the head, first to last."""
    width = STEM_WIDTH
    for block, (block_width, block_stride, shapes) in enumerate(_BLOCKS):
        for number, (expanded, frames, kernel_px) in enumerate(shapes):
            stride = block_stride if number == 0 else 1
            yield Layer(f"block{block}_layer{number}", width, expanded, block_width, frames, kernel_px, stride)
            width = block_width


LAYERS: tuple[Layer, ...] = tuple(layers())


def same_padding(length: int, kernel: int, stride: int) -> tuple[int, int]:
    """Zeros before and after a row of `length` so that the result has ⌈length / stride⌉ values, as TensorFlow pads."""
    outputs = -(-length // stride)
    total = max((outputs - 1) * stride + kernel - length, 0)
    return total // 2, total - total // 2
