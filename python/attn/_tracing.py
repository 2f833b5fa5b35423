# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Python score and mask functions as functions of IR.

A function is called once with symbols in place of numbers. Operators, NumPy's
(and PyTorch's) elementwise functions, `where` and arrays indexed by the
arguments record ops; whatever needs the value of a symbol is refused with the
line that does.
"""

import linecache
import os
import sys
import types

import numpy as np

from . import _arrays
from .errors import AttnError

_PACKAGE = os.path.dirname(os.path.abspath(__file__))


def _user_line():
    """The innermost frame outside of this package, as 'file:line: text'."""
    frame = sys._getframe(1)
    while frame is not None:
        name = frame.f_code.co_filename
        inside = os.path.abspath(name).startswith(_PACKAGE + os.sep)
        library = f"{os.sep}numpy{os.sep}" in name or (
            f"{os.sep}torch{os.sep}" in name
        )
        if not inside and not library:
            text = linecache.getline(name, frame.f_lineno).strip()
            return f"{name}:{frame.f_lineno}: {text}"
        frame = frame.f_back
    return "an unknown line"


def _refuse(message):
    raise AttnError(f"{_user_line()}: {message}")


class Traced:
    """A traced function: its text in IR and the arrays it captures."""

    def __init__(self, text, captures):
        self.text = text
        self.captures = captures


class _Recorder:
    def __init__(self):
        self.lines = []
        self.count = 0
        self.captures = []

    def emit(self, op, kind):
        name = f"%{self.count}"
        self.count += 1
        self.lines.append(f"    {name} = {op}")
        return Symbol(self, name, kind)

    def capture(self, array):
        for known in self.captures:
            if known.array is array:
                return known
        captured = Capture(self, array, len(self.captures))
        self.captures.append(captured)
        return captured


_FLOAT_BINARY = {
    "add": "arith.addf",
    "sub": "arith.subf",
    "mul": "arith.mulf",
    "div": "arith.divf",
    "min": "arith.minimumf",
    "max": "arith.maximumf",
    "pow": "math.powf",
}
_INTEGER_BINARY = {
    "add": "arith.addi",
    "sub": "arith.subi",
    "mul": "arith.muli",
    "floordiv": "arith.floordivsi",
    "min": "arith.minsi",
    "max": "arith.maxsi",
    "and": "arith.andi",
    "or": "arith.ori",
    "xor": "arith.xori",
    "shl": "arith.shli",
    "shr": "arith.shrsi",
}
_COMPARE = {
    "lt": ("olt", "slt"),
    "le": ("ole", "sle"),
    "gt": ("ogt", "sgt"),
    "ge": ("oge", "sge"),
    "eq": ("oeq", "eq"),
    "ne": ("une", "ne"),
}
_MATH = {
    "exp": "math.exp",
    "exp2": "math.exp2",
    "expm1": "math.expm1",
    "log": "math.log",
    "log2": "math.log2",
    "log1p": "math.log1p",
    "sqrt": "math.sqrt",
    "rsqrt": "math.rsqrt",
    "tanh": "math.tanh",
    "sin": "math.sin",
    "cos": "math.cos",
    "floor": "math.floor",
    "ceil": "math.ceil",
}


def _binary(recorder, name, a, b):
    a, b = _lift(recorder, a), _lift(recorder, b)
    if a.kind == b.kind == "i1" and name in ("and", "or", "xor"):
        return recorder.emit(
            f"{_INTEGER_BINARY[name]} {a.name}, {b.name} : i1", "i1"
        )
    if "i1" in (a.kind, b.kind):
        _refuse(f"'{name}' of a truth value; use where")
    if a.kind == b.kind == "index":
        if name == "mod":
            # Python's remainder has the sign of the divisor.
            quotient = _binary(recorder, "floordiv", a, b)
            return a - quotient * b
        if name in _INTEGER_BINARY:
            return recorder.emit(
                f"{_INTEGER_BINARY[name]} {a.name}, {b.name} : index", "index"
            )
    if name == "floordiv":
        return _unary(recorder, "floor", _binary(recorder, "div", a, b))
    if name not in _FLOAT_BINARY:
        _refuse(f"'{name}' of numbers that are not integers")
    a, b = a.to_float(), b.to_float()
    return recorder.emit(f"{_FLOAT_BINARY[name]} {a.name}, {b.name} : f32", "f32")


def _compare(recorder, name, a, b):
    a, b = _lift(recorder, a), _lift(recorder, b)
    ordered, signed = _COMPARE[name]
    if a.kind == b.kind and a.kind in ("index", "i1"):
        if a.kind == "i1" and name not in ("eq", "ne"):
            _refuse("order of truth values")
        return recorder.emit(
            f"arith.cmpi {signed}, {a.name}, {b.name} : {a.kind}", "i1"
        )
    a, b = a.to_float(), b.to_float()
    return recorder.emit(
        f"arith.cmpf {ordered}, {a.name}, {b.name} : f32", "i1"
    )


def _unary(recorder, name, a):
    a = _lift(recorder, a)
    if name == "neg":
        zero = 0 if a.kind == "index" else -0.0
        return _binary(recorder, "sub", zero, a)
    if name == "abs":
        if a.kind == "index":
            return _where(recorder, a < 0, -a, a)
        a = a.to_float()
        return recorder.emit(f"math.absf {a.name} : f32", "f32")
    if name == "square":
        return a * a
    if name == "not":
        if a.kind != "i1":
            _refuse("'~' of a number")
        return _binary(recorder, "xor", a, True)
    a = a.to_float()
    return recorder.emit(f"{_MATH[name]} {a.name} : f32", "f32")


def _where(recorder, condition, a, b):
    condition = _lift(recorder, condition)
    if condition.kind != "i1":
        _refuse("where with a condition that is a number")
    a, b = _lift(recorder, a), _lift(recorder, b)
    if a.kind != b.kind:
        if "i1" in (a.kind, b.kind):
            _refuse("where of a number and a truth value")
        a, b = a.to_float(), b.to_float()
    return recorder.emit(
        f"arith.select {condition.name}, {a.name}, {b.name} : {a.kind}", a.kind
    )


def _lift(recorder, value):
    """A symbol for a symbol or a constant."""
    if isinstance(value, Symbol):
        return value
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, (bool, np.bool_)):
        text = "true" if value else "false"
        return recorder.emit(f"arith.constant {text}", "i1")
    if isinstance(value, (int, np.integer)):
        if not -(2**63) <= value < 2**63:
            _refuse(f"{value} has more than 64 bits")
        return recorder.emit(f"arith.constant {value} : index", "index")
    if isinstance(value, (float, np.floating)):
        number = np.float32(value)
        text = (
            f"{float(number):.9e}"
            if np.isfinite(number)
            else f"0x{number.view(np.uint32):08X}"
        )
        return recorder.emit(f"arith.constant {text} : f32", "f32")
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        return _lift(recorder, value.item())
    return _refuse(
        f"{type(value).__name__} among traced values; captured arrays are "
        "indexed by the arguments"
    )


_UFUNCS = {
    "add": "add",
    "subtract": "sub",
    "multiply": "mul",
    "divide": "div",
    "true_divide": "div",
    "floor_divide": "floordiv",
    "remainder": "mod",
    "power": "pow",
    "minimum": "min",
    "maximum": "max",
    "bitwise_and": "and",
    "bitwise_or": "or",
    "bitwise_xor": "xor",
    "logical_and": "and",
    "logical_or": "or",
    "logical_xor": "xor",
    "left_shift": "shl",
    "right_shift": "shr",
}
_UFUNC_COMPARE = {
    "less": "lt",
    "less_equal": "le",
    "greater": "gt",
    "greater_equal": "ge",
    "equal": "eq",
    "not_equal": "ne",
}
_UFUNC_UNARY = dict(
    {name: name for name in _MATH},
    negative="neg",
    neg="neg",
    absolute="abs",
    abs="abs",
    fabs="abs",
    square="square",
    invert="not",
    logical_not="not",
    bitwise_not="not",
)


def _call_function(recorder, name, arguments):
    """An elementwise function by NumPy's or PyTorch's name."""
    if name == "where" and len(arguments) == 3:
        return _where(recorder, *arguments)
    if name in _UFUNCS and len(arguments) == 2:
        return _binary(recorder, _UFUNCS[name], *arguments)
    if name in _UFUNC_COMPARE and len(arguments) == 2:
        return _compare(recorder, _UFUNC_COMPARE[name], *arguments)
    if name in _UFUNC_UNARY and len(arguments) == 1:
        return _unary(recorder, _UFUNC_UNARY[name], *arguments)
    return _refuse(f"function '{name}' cannot be traced")


class Symbol:
    """A number that is known when the kernel runs: f32, index or i1."""

    __array_priority__ = 1000

    def __init__(self, recorder, name, kind):
        self.recorder = recorder
        self.name = name
        self.kind = kind

    def to_float(self):
        if self.kind == "f32":
            return self
        if self.kind == "i1":
            _refuse("arithmetic on a truth value; use where")
        wide = self.recorder.emit(
            f"arith.index_cast {self.name} : index to i64", "i64"
        )
        return self.recorder.emit(
            f"arith.sitofp {wide.name} : i64 to f32", "f32"
        )

    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        if method != "__call__" or options:
            _refuse(f"numpy.{ufunc.__name__}.{method} with options")
        return _call_function(self.recorder, ufunc.__name__, inputs)

    def __array_function__(self, function, kinds, arguments, options):
        if options:
            _refuse(f"numpy.{function.__name__} with options")
        return _call_function(self.recorder, function.__name__, arguments)

    @classmethod
    def __torch_function__(cls, function, kinds, arguments=(), options=None):
        recorder = next(
            a.recorder for a in arguments if isinstance(a, Symbol)
        )
        if options:
            _refuse(f"torch.{function.__name__} with options")
        return _call_function(recorder, function.__name__, arguments)

    def _untraceable(self, *arguments):
        _refuse(
            "needs the value of a traced number, which only the kernel knows; "
            "use where instead of if, and & | ~ instead of and, or, not"
        )

    __bool__ = __int__ = __float__ = __index__ = _untraceable
    __iter__ = __len__ = __array__ = __getitem__ = __round__ = _untraceable

    def __neg__(self):
        return _unary(self.recorder, "neg", self)

    def __pos__(self):
        return self

    def __abs__(self):
        return _unary(self.recorder, "abs", self)

    def __invert__(self):
        return _unary(self.recorder, "not", self)

    def __pow__(self, other):
        if isinstance(other, int) and 1 <= other <= 4:
            result = self
            for _ in range(other - 1):
                result = result * self
            return result
        return _binary(self.recorder, "pow", self, other)

    __hash__ = object.__hash__


def _add_operators():
    """The binary operators of Symbol, in both orders."""
    for python, name in {
        "add": "add",
        "sub": "sub",
        "mul": "mul",
        "truediv": "div",
        "floordiv": "floordiv",
        "mod": "mod",
        "and": "and",
        "or": "or",
        "xor": "xor",
        "lshift": "shl",
        "rshift": "shr",
    }.items():

        def forward(self, other, name=name):
            return _binary(self.recorder, name, self, other)

        def backward(self, other, name=name):
            return _binary(self.recorder, name, other, self)

        setattr(Symbol, f"__{python}__", forward)
        setattr(Symbol, f"__r{python}__", backward)
    for name in _COMPARE:

        def compare(self, other, name=name):
            return _compare(self.recorder, name, self, other)

        setattr(Symbol, f"__{name}__", compare)


_add_operators()


class Capture:
    """An array that a function reads at indices it computes."""

    def __init__(self, recorder, array, number):
        seen = _arrays.view(array, "a captured array")
        if seen.dtype not in (
            "float32",
            "float16",
            "bfloat16",
            "int32",
            "int64",
            "int8",
            "bool",
        ):
            _refuse(f"a captured array of element type {seen.dtype}")
        self.recorder = recorder
        self.array = array
        self.number = number
        self.view = seen
        self.element = _arrays.ELEMENT_TYPES[seen.dtype]
        dims = "".join("?x" for _ in seen.shape)
        self.type = f"memref<{dims}{self.element}>"
        self.shape = seen.shape
        self.ndim = len(seen.shape)

    def __getitem__(self, indices):
        if not isinstance(indices, tuple):
            indices = (indices,)
        if len(indices) != self.ndim:
            _refuse(
                f"{len(indices)} indices for an array of {self.ndim} dims"
            )
        symbols = [_lift(self.recorder, index) for index in indices]
        if any(symbol.kind != "index" for symbol in symbols):
            _refuse("an index that is not an integer")
        names = ", ".join(symbol.name for symbol in symbols)
        loaded = self.recorder.emit(
            f"memref.load %c{self.number}[{names}] : {self.type}", self.element
        )
        if self.element in ("f16", "bf16"):
            return self.recorder.emit(
                f"arith.extf {loaded.name} : {self.element} to f32", "f32"
            )
        if self.element in ("i8", "i32", "i64"):
            return self.recorder.emit(
                f"arith.index_cast {loaded.name} : {self.element} to index",
                "index",
            )
        return loaded

    def _untraceable(self, *arguments, **options):
        _refuse("a captured array that is not indexed by the arguments")

    __array__ = __len__ = __iter__ = __bool__ = _untraceable
    __array_ufunc__ = __array_function__ = _untraceable
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _untraceable


def _is_array(value):
    return isinstance(value, np.ndarray) and value.ndim > 0 or (
        not isinstance(value, (np.ndarray, np.generic, Symbol, Capture))
        and hasattr(value, "__dlpack__")
        and getattr(value, "ndim", 1) > 0
    )


def _with_captures(function, recorder):
    """The function with the arrays of its closure, globals and defaults
    replaced by captures."""
    if not isinstance(function, types.FunctionType):
        return function

    def replace(value):
        return recorder.capture(value) if _is_array(value) else value

    cells = tuple(
        types.CellType(replace(cell.cell_contents))
        for cell in function.__closure__ or ()
    )
    names = set(function.__code__.co_names)
    scope = {
        name: replace(value) if name in names else value
        for name, value in function.__globals__.items()
    }
    copy = types.FunctionType(
        function.__code__,
        scope,
        function.__name__,
        tuple(replace(value) for value in function.__defaults__ or ()),
        cells,
    )
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy


def _trace(function, extra, name, parameters, result):
    if isinstance(function, Traced):
        return Traced(function.text, list(extra))
    if not callable(function):
        raise AttnError(
            f"{name}: given {function!r}, expected a function"
        )
    recorder = _Recorder()
    arguments = [
        Symbol(recorder, f"%{parameter}", kind)
        for parameter, kind in parameters
    ]
    values = [
        recorder.capture(value) if _is_array(value) else value
        for value in extra
    ]
    returned = _with_captures(function, recorder)(*arguments, *values)
    if returned is None:
        raise AttnError(f"{name}: returns nothing")
    returned = _lift(recorder, returned)
    if result == "f32":
        returned = returned.to_float()
    elif returned.kind != result:
        raise AttnError(
            f"{name}: returns a number, expected a truth value (a comparison)"
        )
    captures = recorder.captures
    signature = ", ".join(
        [f"%{parameter}: {kind}" for parameter, kind in parameters]
        + [f"%c{c.number}: {c.type}" for c in captures]
    )
    text = (
        f"func.func private @{name}({signature}) -> {result} {{\n"
        + "\n".join(recorder.lines)
        + f"\n    return {returned.name} : {result}\n}}\n"
    )
    return Traced(text, [capture.array for capture in captures])


_POSITIONS = [("b", "index"), ("h", "index"), ("q_pos", "index"), ("kv", "index")]


def trace_score(function, extra=()):
    """score_mod(s, b, h, q_pos, kv, *extra) as @score_mod."""
    return _trace(
        function, extra, "score_mod", [("s", "f32")] + _POSITIONS, "f32"
    )


def trace_mask(function, extra=()):
    """mask_mod(b, h, q_pos, kv, *extra) as @mask_mod."""
    return _trace(function, extra, "mask_mod", _POSITIONS, "i1")
