"""The network in PyTorch. One `forward` serves clips and streams: past frames go in and come out with the state."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from movinet_edge.training.architecture import (
    HEAD_WIDTH,
    HIDDEN_WIDTH,
    LAYERS,
    STEM_WIDTH,
    Layer,
    same_padding,
)
from movinet_edge.training.folding import NORM_EPSILON
from movinet_edge.training.poses import JOINT_KINDS, POSE_VALUES

# TensorFlow's MoViNet has 0.01, for runs of many more steps than ours.
_NORM_MOMENTUM = 0.05
_DROPOUT = 0.2
_POSE_WIDTH = 256
_JOINTS_FROM = ("block1_layer2", "block3_layer3")
"""The last layers that see the picture in squares of 8 and of 16 px: the first know where, the second what it is."""
_JOINTS_WIDTH = 128
_JOINT_CELLS = 2
"""Into how many cells along each side a square of 8 px is divided to say where a joint is."""


@dataclass(slots=True)
class ClipState:
    """What a network remembers between two parts of a clip: all frames so far, for some clips at a time.

    Attributes:
        past: for each layer float32 `[clips, past frames, height × width, channels]`; None where it does not look back.
        features: of all frames of the head so far, float32 `[clips, frames, 480]`.
    """

    past: dict[str, Tensor | None] = field(default_factory=dict)
    features: Tensor | None = None


class Lesson(NamedTuple):
    """What the network says of clips in training.

    Attributes:
        logits: float32 `[clips, frames, classes]`, as `Movinet.forward` gives them.
        poses: `[clips, frames, POSE_VALUES]`, see `poses.pose_targets`.
        joints: `[clips, frames, JOINT_KINDS, cells, cells]`, unbounded: where joints of each kind may be.
    """

    logits: Tensor
    poses: Tensor
    joints: Tensor


class Movinet(nn.Module):
    """MoViNet-A0-Stream without squeeze-and-excitation."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.stem = _Convolution(3, STEM_WIDTH, kernel_px=3, stride=2)
        self.layers = nn.ModuleDict({layer.name: _Bottleneck(layer) for layer in LAYERS})
        self.head = _Convolution(LAYERS[-1].width_out, HEAD_WIDTH)
        self.hidden = nn.Linear(HEAD_WIDTH, HIDDEN_WIDTH)
        self.dropout = nn.Dropout(_DROPOUT)
        self.classes = nn.Linear(HIDDEN_WIDTH, classes)
        self.pose = nn.Sequential(nn.Linear(HEAD_WIDTH, _POSE_WIDTH), nn.ReLU(), nn.Linear(_POSE_WIDTH, POSE_VALUES))
        self.joints = nn.Sequential(
            nn.Conv2d(sum(layer.width_out for layer in LAYERS if layer.name in _JOINTS_FROM), _JOINTS_WIDTH, 1),
            nn.ReLU(),
            nn.Conv2d(_JOINTS_WIDTH, JOINT_KINDS * _JOINT_CELLS**2, 1),
            nn.PixelShuffle(_JOINT_CELLS),
        )
        self.apply(_initialise)

    def forward(self, clips: Tensor, *, window: int | None = None, state: ClipState | None = None) -> Tensor:
        """Logits after each frame.

        Args:
            clips: float32 `[clips, frames, 3, height, width]`, RGB in [0, 1].
            window: how many frames up to this one the head averages; None takes all.
            state: carried from an earlier part of the same clips; changed in place.

        Returns:
            float32 `[clips, frames, classes]`, unbounded.
        """
        state = ClipState() if state is None else state
        frames = clips.shape[1]
        features = self._features(clips, state)
        if state.features is not None:
            features = torch.cat([state.features, features], 1)
        state.features = features.detach()
        return self._logits(_average_of_last(features, window)[:, -frames:])

    def learn(self, clips: Tensor, window: int | None = None, hips: Tensor | None = None) -> Lesson:
        """What the network says of each frame, for training; the logits are those of `forward`.

        Args:
            clips: as for `forward`.
            window: as for `forward`.
            hips: of the person whose pose is asked, float32 `[clips, frames, 2]`, across and down as shares of a side;
                the middle of the picture where NaN, and without any.
        """
        count, frames = clips.shape[:2]
        seen, (fine, coarse) = self._seen(clips, ClipState())
        features = seen.float().mean((2, 3)).unflatten(0, (count, frames))
        places = seen.new_full((count, frames, 2), 0.5) if hips is None else hips.nan_to_num(0.5)
        there = functional.grid_sample(
            seen.float(),
            2 * places.float().flatten(0, 1)[:, None, None] - 1,
            padding_mode="border",
            align_corners=False,
        )
        return Lesson(
            self._logits(_average_of_last(features, window)),
            self.pose(there[:, :, 0, 0].unflatten(0, (count, frames))),
            self.joints(torch.cat([fine, functional.interpolate(coarse, fine.shape[-2:])], 1)).unflatten(
                0, (count, frames)
            ),
        )

    def _features(self, clips: Tensor, state: ClipState) -> Tensor:
        """Of each frame by itself: float32 `[clips, frames, 480]`."""
        return self._seen(clips, state)[0].float().mean((2, 3)).unflatten(0, clips.shape[:2])

    def _seen(self, clips: Tensor, state: ClipState) -> tuple[Tensor, list[Tensor]]:
        """What the head and what the layers in `_JOINTS_FROM` make of each place: `[clips × frames, C, H, W]`."""
        x = self.stem(clips.flatten(0, 1).contiguous(memory_format=torch.channels_last))
        parts = []
        for name, layer in self.layers.items():
            x, state.past[name] = layer(x, clips.shape[1], state.past.get(name))
            if name in _JOINTS_FROM:
                parts.append(x)
        return self.head(x), parts

    def _logits(self, pooled: Tensor) -> Tensor:
        return self.classes(self.dropout(functional.relu6(self.hidden(pooled))))

    def hold_start(self) -> None:
        """Leave the stem and the first block as they are; to be called after each `train()`.

        It saves their backward pass, a quarter to a third of a step at 112 pixels.
        """
        for part in (self.stem, self.layers["block0_layer0"]):
            part.eval().requires_grad_(requires_grad=False)

    def places(self) -> dict[str, nn.Module]:
        """The parts whose results the exported graph has too, by the names that it gives them."""
        parts: dict[str, nn.Module] = {"stem": self.stem, "head": self.head}
        for name, layer in self.layers.items():
            parts |= {f"{name}.{part}": module for part, module in layer.named_children()} | {name: layer}
        return parts | {"hidden": self.hidden, "classes": self.classes}


def as_clips(pictures: NDArray[np.uint8], device: torch.device | str = "cpu") -> Tensor:
    """Pictures uint8 `[clips, frames, height, width, 3]`, RGB, as the network takes them, where it computes."""
    return torch.from_numpy(pictures).to(device).permute(0, 1, 4, 2, 3).float() / 255


def _average_of_last(features: Tensor, window: int | None) -> Tensor:
    sums = features.cumsum(1)
    frames = features.shape[1]
    counts = torch.arange(1, frames + 1, device=features.device)
    if window is not None and window < frames:
        sums = torch.cat([sums[:, :window], sums[:, window:] - sums[:, :-window]], 1)
        counts = counts.clamp(max=window)
    return sums / counts[:, None]


class _Convolution(nn.Module):
    """A convolution in space as TensorFlow pads it, normalised; ReLU6 unless told otherwise."""

    def __init__(
        self,
        width_in: int,
        width_out: int,
        *,
        kernel_px: int = 1,
        stride: int = 1,
        groups: int = 1,
        linear: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_px, self.stride, self.linear = kernel_px, stride, linear
        self.convolution = nn.Conv2d(width_in, width_out, kernel_px, stride, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(width_out, NORM_EPSILON, _NORM_MOMENTUM)

    def forward(self, x: Tensor) -> Tensor:
        down, across = (same_padding(length, self.kernel_px, self.stride) for length in x.shape[-2:])
        convolution = self.convolution
        padding = (down[0], across[0])
        if down[0] != down[1] or across[0] != across[1]:
            x, padding = functional.pad(x, (*across, *down)), (0, 0)
        if convolution.groups > 1 and (self.stride > 1 or self.kernel_px > 3):
            # On a CPU the backward pass of these in bfloat16 takes five to ten times that in float32.
            with torch.autocast(x.device.type, enabled=False):
                x = functional.conv2d(x.float(), convolution.weight, None, self.stride, padding, 1, convolution.groups)
        else:
            x = functional.conv2d(x, convolution.weight, None, self.stride, padding, 1, convolution.groups)
        x = self.norm(x)
        return x if self.linear else functional.relu6(x, inplace=True)


class _Memory(nn.Module):
    """A convolution of each channel over this frame and those before it, normalised, ReLU6."""

    def __init__(self, width: int, frames: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(width, width, (frames, 1), groups=width, bias=False)
        self.norm = nn.BatchNorm2d(width, NORM_EPSILON, _NORM_MOMENTUM)
        self.past_frames = frames - 1

    def forward(self, x: Tensor, frames: int, past: Tensor | None) -> tuple[Tensor, Tensor]:
        """`x` is `[clips × frames, channels, height, width]`; `past` as in `ClipState`."""
        _, channels, height, width = x.shape
        rows = x.permute(0, 2, 3, 1).reshape(-1, frames, height * width, channels)
        if past is None:
            past = rows.new_zeros(rows.shape[0], self.past_frames, height * width, channels)
        rows = torch.cat([past.to(rows.dtype), rows], 1)
        kept = rows[:, -self.past_frames :].detach()
        y = functional.relu6(self.norm(self.convolution(rows.permute(0, 3, 1, 2))), inplace=True)
        return y.permute(0, 2, 3, 1).reshape(-1, height, width, channels).permute(0, 3, 1, 2), kept


class _Bottleneck(nn.Module):
    """One layer; see `architecture.Layer`."""

    def __init__(self, layer: Layer) -> None:
        super().__init__()
        width = layer.expanded
        self.expand = _Convolution(layer.width_in, width)
        self.space = _Convolution(width, width, kernel_px=layer.kernel_px, stride=layer.stride, groups=width)
        self.time = _Memory(width, layer.frames) if layer.frames > 1 else None
        self.project = _Convolution(width, layer.width_out, linear=True)
        self.shortcut = None if layer.keeps_shape else _Convolution(layer.width_in, layer.width_out, linear=True)
        self.stride = layer.stride

    def forward(self, x: Tensor, frames: int, past: Tensor | None) -> tuple[Tensor, Tensor | None]:
        kept = None
        y = self.space(self.expand(x))
        if self.time is not None:
            y, kept = self.time(y, frames, past)
        shortcut = x
        if self.stride > 1:
            shortcut = _halve(shortcut)
        if self.shortcut is not None:
            shortcut = self.shortcut(shortcut)
        return self.project(y) + shortcut, kept


def _halve(x: Tensor) -> Tensor:
    """The mean of 3 × 3 pixels at every second one, over those inside the picture, as TensorFlow's SAME does."""
    odd = x.shape[-1] % 2
    return functional.avg_pool2d(x, 3, 2, padding=odd, ceil_mode=not odd, count_include_pad=False)


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out")
    elif isinstance(module, _Bottleneck) and module.shortcut is None:
        nn.init.zeros_(module.project.norm.weight)  # a layer begins as its shortcut, as ReZero lets it
