# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Arrays of callers as pointers, shapes and strides, without copying."""

import contextlib
import ctypes
import threading

import numpy as np

from .errors import AttnError, UnsupportedError

FLOAT_TYPES = {
    "float32": "f32",
    "float16": "f16",
    "bfloat16": "bf16",
    "float8_e4m3fn": "f8E4M3FN",
    "float8_e5m2": "f8E5M2",
    "float8_e4m3fnuz": "f8E4M3FNUZ",
    "float8_e5m2fnuz": "f8E5M2FNUZ",
}
ELEMENT_TYPES = dict(
    FLOAT_TYPES, float64="f64", bool="i1", int8="i8", int32="i32", int64="i64"
)


class View:
    """An array in memory: `strides` count elements, `dtype` is a name of
    NumPy's or ml_dtypes', `owner` keeps the memory alive."""

    __slots__ = ("pointer", "shape", "strides", "dtype", "owner", "kind")

    def __init__(self, pointer, shape, strides, dtype, owner, kind):
        self.pointer = pointer
        self.shape = tuple(shape)
        self.strides = tuple(strides)
        self.dtype = dtype
        self.owner = owner
        self.kind = kind


class _Device(ctypes.Structure):
    _fields_ = [("type", ctypes.c_int32), ("id", ctypes.c_int32)]


class _DLTensor(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("device", _Device),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    ]


# (DLDataTypeCode, bits) of DLPack 1.1.
_DLPACK_TYPES = {
    (0, 8): "int8",
    (0, 32): "int32",
    (0, 64): "int64",
    (2, 16): "float16",
    (2, 32): "float32",
    (2, 64): "float64",
    (4, 16): "bfloat16",
    (6, 8): "bool",
    (10, 8): "float8_e4m3fn",
    (11, 8): "float8_e4m3fnuz",
    (12, 8): "float8_e5m2",
    (13, 8): "float8_e5m2fnuz",
}

_get_capsule_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_get_capsule_pointer.restype = ctypes.c_void_p
_get_capsule_pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]

# Devices as DLPack numbers them: (kind, which one).
CPU = (1, 0)
CUDA, HIP = 2, 10


class _Place(threading.local):
    """Where the arrays of the call that this thread prepares or makes are."""

    device = CPU


_place = _Place()


@contextlib.contextmanager
def on_device(device):
    """Arrays are on `device` in what this encloses."""
    outer, _place.device = _place.device, device
    try:
        yield
    finally:
        _place.device = outer


def is_on_host():
    return _place.device == CPU


def get_device(array):
    """Where an array is; nothing else is asked of it."""
    if is_torch(array):
        if array.device.type == "cpu":
            return CPU
        import torch

        kind = HIP if torch.version.hip else CUDA
        if array.device.type != "cuda":
            kind = array.device.type
        return (kind, array.device.index)
    if not isinstance(array, np.ndarray) and hasattr(array, "__dlpack_device__"):
        kind, number = array.__dlpack_device__()
        return CPU if kind == CPU[0] else (int(kind), int(number))
    return CPU


def _check_device(array, name):
    device, expected = get_device(array), _place.device
    if device == expected:
        return
    if device == CPU:
        raise AttnError(
            f"{name}: is in host memory; q is on device {expected[1]}"
        )
    shown = getattr(array, "device", None) or f"DLPack device {device}"
    if expected == CPU:
        raise UnsupportedError(
            f"{name}: is on device {shown}; the target runs on the CPU"
        )
    raise AttnError(f"{name}: is on device {shown}, q on device {expected[1]}")


# The first field of an array object, behind what every object begins with, is
# the pointer to its data. Reading it there takes a fifth of the time that
# __array_interface__ takes, and a call has four arrays.
_HEADER = object.__basicsize__
_pointer_at = ctypes.c_void_p.from_address


def address(array):
    """Where the data of a NumPy array is."""
    return _pointer_at(id(array) + _HEADER).value


def _address_by_interface(array):
    return array.__array_interface__["data"][0]


_probe = np.zeros(2, np.int8)[1:]
if address(_probe) != _address_by_interface(_probe):
    address = _address_by_interface


def view_numpy(array, name):
    _check_device(array, name)
    item = array.itemsize
    if any(stride % item for stride in array.strides):
        raise AttnError(
            f"{name}: strides {array.strides} are no multiples of the "
            f"{item}-byte elements"
        )
    return View(
        address(array),
        array.shape,
        [stride // item for stride in array.strides],
        array.dtype.name,
        array,
        "numpy",
    )


def view_torch(tensor, name):
    if tensor.requires_grad:
        raise UnsupportedError(
            f"{name}: requires grad, and there is no backward pass yet; give "
            f"{name}.detach()"
        )
    _check_device(tensor, name)
    return View(
        tensor.data_ptr(),
        tensor.shape,
        tensor.stride(),
        str(tensor.dtype).removeprefix("torch."),
        tensor,
        "torch",
    )


def view_dlpack(array, name):
    _check_device(array, name)
    try:
        # On a GPU, ready for the default stream, which calls then use.
        is_cuda = _place.device[0] == CUDA
        capsule = array.__dlpack__(stream=1) if is_cuda else array.__dlpack__()
    except Exception as error:
        raise AttnError(f"{name}: gives no DLPack capsule: {error}") from error
    tensor = _DLTensor.from_address(_get_capsule_pointer(capsule, b"dltensor"))
    dtype = _DLPACK_TYPES.get((tensor.code, tensor.bits))
    if dtype is None or tensor.lanes != 1:
        dtype = f"DLPack type ({tensor.code}, {tensor.bits}, {tensor.lanes})"
    shape = tensor.shape[: tensor.ndim]
    if tensor.strides:
        strides = tensor.strides[: tensor.ndim]
    else:
        strides = contiguous_strides(shape)
    return View(
        (tensor.data or 0) + tensor.byte_offset,
        shape,
        strides,
        dtype,
        (array, capsule),
        "dlpack",
    )


def is_torch(array):
    return type(array).__module__ == "torch" or (
        type(array).__module__.startswith("torch.nn")
    )


def view(array, name):
    """Any array that a call may be given."""
    if isinstance(array, np.ndarray):
        return view_numpy(array, name)
    if is_torch(array):
        return view_torch(array, name)
    if hasattr(array, "__dlpack__"):
        return view_dlpack(array, name)
    raise AttnError(
        f"{name}: given {type(array).__name__}, expected a NumPy array or "
        "one that speaks DLPack"
    )


def to_numpy(array, name):
    """A small operand (lengths, tables, slopes) as a NumPy array."""
    if not is_on_host():
        raise UnsupportedError(
            f"{name}: is read on the host here, and is on a device; give "
            "q_offset as an array"
        )
    if isinstance(array, (list, tuple, int, float, bool)):
        return np.asarray(array)
    if isinstance(array, (np.ndarray, np.generic)):
        return np.asarray(array)
    seen = view(array, name)
    return numpy_from_view(seen, name)


def numpy_dtype(name):
    """The NumPy type of this name; bfloat16 and fp8 need ml_dtypes."""
    try:
        return np.dtype(name)
    except TypeError:
        pass
    try:
        import ml_dtypes
    except ImportError as error:
        raise AttnError(
            f"element type {name}: install ml_dtypes for NumPy arrays of it"
        ) from error
    return np.dtype(getattr(ml_dtypes, name))


def numpy_from_view(seen, name):
    """A NumPy array on the same memory."""
    if seen.dtype not in ELEMENT_TYPES:
        raise AttnError(f"{name}: element type {seen.dtype} is not supported")
    dtype = numpy_dtype(seen.dtype)
    extent = 1 + sum(
        (size - 1) * stride for size, stride in zip(seen.shape, seen.strides)
    )
    if 0 in seen.shape:
        return np.empty(seen.shape, dtype)
    buffer = (ctypes.c_char * (extent * dtype.itemsize)).from_address(
        seen.pointer
    )
    flat = np.frombuffer(buffer, dtype=dtype)
    strides = [stride * dtype.itemsize for stride in seen.strides]
    result = np.lib.stride_tricks.as_strided(flat, seen.shape, strides)
    # as_strided keeps `flat`, which keeps `buffer`, which keeps its owner.
    buffer._owner = seen.owner
    return result


def contiguous_strides(shape):
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= size
    return tuple(reversed(strides))


def allocate(shape, dtype, like):
    """A new array: a tensor where `like` views one, else NumPy's."""
    if like.kind == "torch":
        import torch

        return torch.empty(
            shape, dtype=getattr(torch, dtype), device=like.owner.device
        )
    if not is_on_host():
        raise AttnError(
            "out: results on a device are made for PyTorch tensors only; give "
            "an array, and no return_lse"
        )
    return np.empty(shape, numpy_dtype(dtype))


def as_callers_kind(array, like):
    """A result as the kind of array that the view `like` came from."""
    if like.kind != "dlpack":
        return array
    namespace = getattr(like.owner[0], "__array_namespace__", None)
    return namespace().asarray(array) if namespace else array
