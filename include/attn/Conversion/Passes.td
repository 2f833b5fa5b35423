//===- Passes.td - Target-neutral lowerings -------------*- tablegen -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_CONVERSION_PASSES_TD
#define ATTN_CONVERSION_PASSES_TD

include "mlir/Pass/PassBase.td"

def AssignBufferLayoutsPass
    : Pass<"attn-assign-buffer-layouts", "::mlir::func::FuncOp"> {
  let summary = "Choose where each tile of a vector kernel lies";
  let description = [{
    In: a kernel of the online stage. Out: the same ops; every tile type has a
    layout. Query rows become the innermost, contiguous dim of every tile that
    has them, so that they lie along the vector lanes: S^T = K Q^T and
    O^T = V^T P^T, and no softmax step combines lanes. Keys are read in place
    where no conversion is needed.

    In a kernel whose schedule is `by_row`, each query row lies along the lanes
    instead, and keys and values whose rows are contiguous are read in place.
  }];
  let dependentDialects = ["::attn::AttnDialect"];
}

def ConvertTileToVectorPass
    : Pass<"convert-attn-tile-to-vector", "::mlir::ModuleOp"> {
  let summary = "Lower tile ops to loops over vectors in scratch buffers";
  let description = [{
    In: kernels whose tiles have buffer layouts. Out: loops of scf, vector,
    arith, math and memref. A tile is a scratch buffer, allocated once per call
    of the kernel; loop-carried tiles are updated in place. Matrix products
    become calls of private functions that keep `rows` x `lanes` accumulators of
    the kernel's `#attn.vector_schedule` in registers. Adjacent elementwise ops
    and reductions over the same dims share one loop nest.
  }];
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::func::FuncDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"
  ];
}

def ExpandCopiesPass : Pass<"attn-expand-copies"> {
  let summary = "Replace memref.copy between strided memrefs by loops";
  let description = [{
    Bufferization of ops around an attention op makes such copies, for example
    when keys are inserted into a cache. Upstream lowers them to a call of its
    runtime library, which Attn does not ship. Copies of contiguous memrefs
    stay: they become memcpy.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect"];
}

def ExpandFloat8Pass : Pass<"attn-expand-float8"> {
  let summary = "Replace the extension of 8-bit floats by bit operations";
  let description = [{
    arith.extf of f8E4M3FN, f8E5M2, f8E4M3FNUZ and f8E5M2FNUZ, on scalars and
    vectors, becomes integer operations, an extension of f16 where that helps,
    and a multiplication by a power of two. The result is exact for all 256
    bytes: subnormal numbers, infinities and NaN included.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def ExpandMathPass : Pass<"attn-expand-math"> {
  let summary = "Replace math functions by polynomials on vectors and scalars";
  let description = [{
    The functions below become arithmetic: no routine of a math library is
    called. exp2 is exact where softmax needs it: 2^0 is 1, 2^-inf is 0; results
    of exp2, exp and powf below 2^-125.5 are 0. NaN stays NaN (but 1^NaN and
    NaN^0 are 1), and logarithms take denormal numbers as they are.

    | function | error |
    |---|---|
    | exp2, exp | 2.25, 3 units in the last place |
    | log2, log, log1p | 2, 2, 3 units in the last place |
    | tanh, expm1 | 5 units in the last place |
    | erf | 3e-7 |
    | sin, cos | 1.5e-7 up to 2^40, a number in [-1, 1] beyond |
    | powf | 2.25 units in the last place, special cases as C's pow |
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
    "::mlir::vector::VectorDialect"
  ];
}

def ConvertLaunchToLLVMPass
    : Pass<"convert-attn-launch-to-llvm", "::mlir::ModuleOp"> {
  let summary = "Lower attn.launch to a call of attn_parallel_for";
  let description = [{
    The arguments of the kernel are packed into a struct on the stack of the
    caller; a trampoline unpacks them and calls the kernel on its range:

    ```
    void attn_parallel_for(int64_t count,
                           void (*body)(void *context, int64_t begin,
                                        int64_t end),
                           void *context);
    ```
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect",
                           "::mlir::func::FuncDialect"];
}

def OutlineGpuKernelsPass
    : Pass<"attn-outline-gpu-kernels", "::mlir::ModuleOp"> {
  let summary = "Move the kernels that attn.launch names into a gpu.module";
  let description = [{
    In: functions with `attn.launch`, and the kernels that they name, whose body
    is the code of one thread. Out: a `gpu.module @attn_gpu` with an `llvm.func`
    for each kernel, in the order of the launches (`attn.kernel_index`), and
    `attn.launch_kernel` in place of every launch. Block w plays the work items
    [w, w + 1).

    All parameters of a kernel are slots of 8 bytes; see `attn.launch_kernel`.
    Inside, its memrefs are casts of LLVM descriptors made of them, in memory
    space 1, the global memory of the device.
  }];
  let dependentDialects = [
    "::mlir::LLVM::LLVMDialect", "::mlir::arith::ArithDialect",
    "::mlir::gpu::GPUDialect", "::mlir::memref::MemRefDialect"
  ];
}

#endif // ATTN_CONVERSION_PASSES_TD
