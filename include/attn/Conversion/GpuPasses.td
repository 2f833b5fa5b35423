//===- GpuPasses.td - From tiles to the code of a thread ---*- tablegen -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_CONVERSION_GPUPASSES_TD
#define ATTN_CONVERSION_GPUPASSES_TD

include "mlir/Pass/PassBase.td"

def LaunchFillsPass : Pass<"attn-launch-fills", "::mlir::ModuleOp"> {
  let summary = "Fill the arrays of a device by kernels";
  let description = [{
    In: functions that run on the host. Out: every `linalg.fill` of a memref in
    a function's own block, which attention without a visible key becomes, is
    the launch of a kernel: a block of threads for each row.
  }];
  let dependentDialects = [
    "::attn::AttnDialect", "::mlir::arith::ArithDialect",
    "::mlir::func::FuncDialect", "::mlir::gpu::GPUDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect"
  ];
}

def ShrinkRetriesPass : Pass<"attn-shrink-retries", "::mlir::func::FuncOp"> {
  let summary = "Make further attempts at a work item work on small tiles";
  let description = [{
    In: a kernel of the online stage with an `#attn.block_schedule`. Out: the
    `scf.while` of the attempts after the first stands in a loop over the fewest
    rows that the block's warps can share, and goes through the keys of a tile
    in the smallest steps of the matrix instruction, but transposed tiles of
    less than 128 columns as a whole. What is rare then takes few registers and
    little code, whose loops stay loops.

    ```mlir
    scf.for %row = %c0 to %c128 step %c64 {
      scf.while (%attempt = %c1) ... {
        scf.for %tile ... {
          scf.for %key = %c0 to %c128 step %c16 ...
    ```
  }];
  let dependentDialects = [
    "::attn::AttnDialect", "::mlir::arith::ArithDialect",
    "::mlir::LLVM::LLVMDialect", "::mlir::scf::SCFDialect"
  ];
}

def RequireAlignedRowsPass
    : Pass<"attn-require-aligned-rows", "::mlir::func::FuncOp"> {
  let summary = "Make the first attempt move rows in chunks of 16 bytes only";
  let description = [{
    In: a kernel of the online stage with an `#attn.block_schedule`. Out: the
    first attempt runs if all rows that it could move in chunks begin at
    multiples of 16 bytes, and its loads and stores say `aligned`; otherwise the
    loop of further attempts begins with attempt 0.

    ```mlir
    %aligned = attn.rows_aligned %view : !attn.view<kv, d 64, bf16>
    %again = scf.if %aligned -> (i1) {
      attn.load_tile %view[%row] valid(%n) aligned ...
    } else {
      scf.yield %true
    }
    scf.if %again {
      %first = arith.select %aligned, %c1, %c0
      scf.while (%attempt = %first) ...
    ```
  }];
  let dependentDialects = [
    "::attn::AttnDialect", "::mlir::arith::ArithDialect",
    "::mlir::scf::SCFDialect"
  ];
}

def RecomputeScalarsPass
    : Pass<"attn-recompute-scalars", "::mlir::func::FuncOp"> {
  let summary = "Compute scalars again behind the loops over keys";
  let description = [{
    In: a kernel of the online stage with an `#attn.block_schedule`. Out: what
    follows the loops over keys of the first attempt, and the region of further
    attempts, use no scalar of the work item from in front of the loops; each
    begins with an `attn.opaque` of the work item's number and computes them
    from there.
  }];
  let dependentDialects = ["::attn::AttnDialect"];
}

def AssignFragmentLayoutsPass
    : Pass<"attn-assign-fragment-layouts", "::mlir::func::FuncOp"> {
  let summary = "Choose where each tile of a block's kernel lies";
  let description = [{
    In: a kernel of the online stage with an `#attn.block_schedule`. Out: the
    same ops; every tile type has a layout. What `attn.load_tile` loads lies in
    shared memory, free of bank conflicts; everything else in registers, as the
    result of the schedule's matrix instruction does.
  }];
  let dependentDialects = ["::attn::AttnDialect"];
}

def PipelineCopiesPass : Pass<"attn-pipeline-copies", "::mlir::func::FuncOp"> {
  let summary = "Make loads of tiles asynchronous copies to shared memory";
  let description = [{
    In: a kernel whose loaded tiles have shared layouts. Out: every
    `attn.load_tile` is an `attn.copy_tile` to a buffer and an
    `attn.shared_tile` of it, with the waits and barriers between them. In a
    loop over keys the copies run `stages` - 1 iterations ahead; there is one
    barrier per iteration, or, where accumulators take 128 registers, one in
    front of each product. Schedules that fetch get `attn.fetch_tile` early and
    `attn.put_tile` late instead. Loads in an `scf.while`, the rare further
    attempts, are waited for one by one.
  }];
  let dependentDialects = [
    "::attn::AttnDialect", "::mlir::arith::ArithDialect",
    "::mlir::gpu::GPUDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect"
  ];
}

def ConvertTileToGpuPass
    : Pass<"convert-attn-tile-to-gpu", "::mlir::ModuleOp"> {
  let summary = "Lower tile ops to the code of one thread of a block";
  let description = [{
    In: kernels whose tiles have fragment or shared layouts. Out: the code of
    one thread on scalars, with attributes `attn.block_size` and
    `attn.shared_bytes`. A fragment becomes the values of the thread's
    registers; a product becomes matrix instructions where there are some for
    its operands or, in f32, for parts of them, and a loop of multiplications
    otherwise.
  }];
  let dependentDialects = [
    "::attn::AttnDialect", "::mlir::arith::ArithDialect",
    "::mlir::gpu::GPUDialect", "::mlir::LLVM::LLVMDialect",
    "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"
  ];
}

def DropBarriersPass : Pass<"attn-drop-barriers", "::mlir::ModuleOp"> {
  let summary = "Remove barriers that separate no accesses";
  let description = [{
    In: kernels of a `gpu.module`, the code of one thread, whose only work item
    the block has. Out: every `gpu.barrier` has an access since the last barrier
    and one up to the next that may touch the same memory, shared or an array
    that the kernel writes, and one of the two writes.

    ```mlir
    llvm.store %x, %shared : f32, !llvm.ptr<3>
    gpu.barrier // stays
    gpu.barrier // goes
    %y = llvm.load %shared : !llvm.ptr<3> -> f32
    ```
  }];
}

def ConvertLaunchKernelToLLVMPass
    : Pass<"convert-attn-launch-kernel-to-llvm", "::mlir::ModuleOp"> {
  let summary = "Lower attn.launch_kernel to a call of the runtime";
  let description = [{
    The slots lie in an array on the stack of the function that launches:

    ```
    void attn_launch_kernel(int64_t kernel, int64_t count,
                            const int64_t *slots, int64_t slotCount);
    ```

    The function runs on the host and its arrays are on the device: one that
    reads or writes an element is refused.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::LLVM::LLVMDialect"];
}

#endif // ATTN_CONVERSION_GPUPASSES_TD
