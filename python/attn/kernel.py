# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Kernels to keep: compiled for a problem, saved and loaded."""

from __future__ import annotations

import json
from typing import Any

from . import _arrays, masks
from ._attention import DEFAULTS, PLAIN, make_key
from ._build import Builder
from ._device import find_place, find_target
from ._plan import Plan
from ._tracing import Traced, trace_mask, trace_score
from .compiler import compile_text, emit_text, load_binary
from .errors import AttnError

_MASKS = {
    "causal": masks.Causal,
    "sliding_window": masks.SlidingWindow,
    "chunked": masks.Chunked,
    "prefix": masks.Prefix,
}


def _mask_to_json(mask):
    if mask is None:
        return None
    if isinstance(mask, masks.Nary):
        return [mask.kind] + [_mask_to_json(m) for m in mask.masks]
    if isinstance(mask, masks.Not):
        return ["not", _mask_to_json(mask.mask)]
    if isinstance(mask, masks.PrefixLengths):
        return ["prefix_lengths"]
    name = next(n for n, kind in _MASKS.items() if isinstance(mask, kind))
    return [name] + list(vars(mask).values())


def _mask_from_json(value):
    if value is None:
        return None
    name, *rest = value
    if name in ("and", "or", "per_head"):
        return masks.Nary(name, tuple(_mask_from_json(m) for m in rest))
    if name == "not":
        return masks.Not(_mask_from_json(rest[0]))
    if name == "prefix_lengths":
        return masks.PrefixLengths(None)
    return _MASKS[name](*rest)


#: Values that a kernel's calls have unless they give others.
_DEFAULTS_OF_CALLS = PLAIN + ("scale", "softcap")


class _Note:
    """What a kernel file says of the call it was compiled for."""

    def __init__(self, call, builder=None):
        self.fixed = {name: call[name] for name in _DEFAULTS_OF_CALLS}
        if call["out_dtype"] is not None:
            self.fixed["out_dtype"] = str(builder.out_dtype)
        self.mask = call["mask"]
        self.bottom_right = (
            isinstance(call["q_offset"], str) and call["q_offset"]
        ) or 0
        functions = {}
        if call["score_mod"] is not None:
            functions["score_mod"] = trace_score(
                call["score_mod"], call["mod_args"]
            ).text
        if call["mask_mod"] is not None:
            functions["mask_mod"] = trace_mask(
                call["mask_mod"], call["mod_args"]
            ).text
        self.functions = functions

    def to_text(self, module):
        return json.dumps(
            {
                "fixed": self.fixed,
                "mask": _mask_to_json(self.mask),
                "q_offset": self.bottom_right,
                "functions": self.functions,
                "module": module,
            },
            # NumPy's numbers.
            default=float,
        )


def _escape(text):
    """A string attribute of MLIR."""
    return "".join(
        f"\\{ord(c):02X}" if c in '"\\' or ord(c) < 32 else c for c in text
    )


class Kernel:
    """Machine code for one attention problem; made by attn.compile and
    attn.load.

    kernel(q, k, v, **arguments) takes what attn.attention takes. What shapes
    the code is fixed: another mask, dtype, number of heads or head dim is
    refused. Batch, lengths, offsets and strides are free.
    """

    def __init__(self, text, binary, defaults):
        self._text = text
        self._binary = binary
        self._defaults = defaults
        self._plans = {}

    @property
    def target(self) -> str:
        """The target it was compiled for."""
        return self._defaults["target"]

    @property
    def manifest(self) -> dict:
        """What the machine code takes, as include/attn-c/Kernel.h says."""
        return self._binary.manifest

    def __call__(self, q: Any, k: Any, v: Any, **arguments: Any) -> Any:
        """Runs; see attn.attention."""
        call = dict(self._defaults, q=q, k=k, v=v)
        for name, value in arguments.items():
            if name not in call:
                raise AttnError(f"{name}: no such argument")
            call[name] = value
        key = make_key(call)
        plan = self._plans.get(key)
        if plan is None:
            plan = Plan(call, binary=self._binary)
            if plan.text != self._text:
                raise AttnError(
                    "the call is another problem than the kernel was "
                    f"compiled for: {_difference(self._text, plan.text)}"
                )
            self._plans[key] = plan
        return plan.run(call)

    def ir(self, stage: str = "tile") -> Any:
        """What the compiler makes of the problem: stage is attn, configured,
        online, tile, llvm, llvm-ir, asm (text) or object (bytes)."""
        return emit_text(self._text, self.target, stage)

    def save(self, path: Any) -> None:
        """Writes machine code and manifest to one file, for attn.load and
        attnKernelLoad. Such a kernel runs where neither LLVM nor MLIR is."""
        self._binary.save(path)


def _difference(expected, given):
    """The first line in which two problems differ."""
    for a, b in zip(expected.splitlines(), given.splitlines()):
        if a != b:
            return f"compiled for '{a.strip()}', given '{b.strip()}'"
    return "one has more to it"


def compile(q: Any, k: Any, v: Any, **arguments: Any) -> Kernel:
    """Compiles attn.attention for arrays that look like q, k, v and the other
    arguments, all as attn.attention takes them, without running it."""
    call = dict(DEFAULTS, q=q, k=k, v=v)
    for name, value in arguments.items():
        if name not in call:
            raise AttnError(f"{name}: no such argument")
        call[name] = value
    place = find_place(call)
    with _arrays.on_device(place):
        builder = Builder(call).build()
        call["target"] = find_target(call, place)
        note = _Note(call, builder)
    wrapped = _with_note(builder.text, note.to_text(builder.text))
    binary = compile_text(wrapped, call["target"], call["device"])
    defaults = dict(call, q=None, k=None, v=None, out=None)
    return Kernel(builder.text, binary, _without_arrays(defaults))


def _with_note(module, note):
    """The module with a note on its function, which the manifest keeps."""
    return module.replace(
        ") {\n  attn.attention",
        f') attributes {{attn.note = "{_escape(note)}"}} {{\n'
        "  attn.attention",
        1,
    )


def _without_arrays(call):
    """A call's arguments without the arrays, which every call gives anew."""
    functions = ("score_mod", "mask_mod", "mod_args")
    keep = _DEFAULTS_OF_CALLS + functions + ("mask", "device")
    return {
        name: value if name in keep else DEFAULTS[name]
        for name, value in call.items()
    } | {
        "q_offset": call["q_offset"]
        if isinstance(call["q_offset"], str)
        else 0
    }


def load(path: Any) -> Kernel:
    """A kernel that Kernel.save wrote. Refuses damaged files, and code that
    this machine cannot run. Functions that the kernel was compiled with are in
    it; arrays they capture are given again as mod_args."""
    binary = load_binary(path)
    if "note" not in binary.manifest:
        raise AttnError(f"{path}: was not saved from Python")
    note = json.loads(binary.manifest["note"])
    defaults = dict(DEFAULTS, **note["fixed"])
    defaults["mask"] = _mask_from_json(note["mask"])
    defaults["q_offset"] = note["q_offset"]
    for name, text in note["functions"].items():
        # Arrays that it captures come as mod_args.
        defaults[name] = Traced(text, [])
    return Kernel(note["module"], binary, defaults)
