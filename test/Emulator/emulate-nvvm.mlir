// REQUIRES: x86_64
// UNSUPPORTED: sanitizer
// RUN: attn-emulate %s --arg=zeros:64xi32 --arg=i32:3 --out=0:%t.npy --time \
// RUN:   --all-schedules | FileCheck %s --check-prefix=TIME
// RUN: %python -c "d=open('%t.npy','rb').read()[-256:]; print(*d[::4])" \
// RUN:   | FileCheck %s
// RUN: attn-emulate %s --mutate=list | FileCheck %s --check-prefix=LIST
// RUN: not attn-emulate %s --arg=zeros:64xi32 --arg=i32:3 --mutate=0 2>&1 \
// RUN:   | FileCheck %s --check-prefix=MUTANT
// RUN: not attn-emulate %s --arg=zeros:63xi32 --arg=i32:3 2>&1 \
// RUN:   | FileCheck %s --check-prefix=BOUNDS
// RUN: not attn-emulate %s --arg=zeros:64xi32 2>&1 \
// RUN:   | FileCheck %s --check-prefix=FEW
// RUN: not attn-emulate %s --arg=five 2>&1 | FileCheck %s --check-prefix=BAD
// RUN: not attn-emulate %s --mutate=1 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: not attn-emulate %s --arg=zeros:64xi32 --arg=i32:3 --block=32 2>&1 \
// RUN:   | FileCheck %s --check-prefix=BLOCK
// RUN: attn-emulate --operations | FileCheck %s --check-prefix=OPERATIONS

// Each thread writes its number to shared memory, and reads from the other end.

// TIME: compile {{.*}} ms, run {{.*}} ms, {{.*}} switches, {{.*}} operations
// CHECK: 189 186 183 {{.*}} 6 3 0
// LIST: 0 reverse: delete llvm.nvvm.barrier.cta.sync.aligned.all before load i32 #0
// LIST-NOT: {{^}}1
// MUTANT: attn-emulate: error: read of uninitialised shared memory
// MUTANT-NEXT: in kernel reverse, block (0, 0, 0), thread {{.*}}, at a load of i32
// BOUNDS: error: global memory accessed out of bounds: 4 bytes at offset 252
// FEW: error: kernel reverse: 8 bytes of arguments; it takes 12
// BAD: error: --arg: expected FILE.npy, zeros:, i32:, i64: or f32:, not 'five'
// NONE: error: --mutate: expected list or a number below 1, not '1'
// BLOCK: error: kernel reverse: a block of 32 x 1 x 1 threads; the kernel requires 64 x 1 x 1
// OPERATIONS: llvm.amdgcn.mfma.f32.32x32x8bf16.1k
// OPERATIONS: llvm.nvvm.mma.m16n8k16.row.col.bf16
// OPERATIONS: ptx:wgmma.mma_async.sync.aligned

gpu.module @kernels {
  llvm.mlir.global internal @words() {addr_space = 3 : i32} : !llvm.array<64 x i32>
  llvm.func @reverse(%out: !llvm.ptr<1>, %factor: i32) attributes {
      nvvm.kernel, nvvm.reqntid = array<i32: 64>} {
    %words = llvm.mlir.addressof @words : !llvm.ptr<3>
    %c63 = llvm.mlir.constant(63 : i32) : i32
    %tid = nvvm.read.ptx.sreg.tid.x : i32
    %mine = llvm.getelementptr %words[%tid] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
    %value = llvm.mul %tid, %factor : i32
    llvm.store %value, %mine : i32, !llvm.ptr<3>
    nvvm.barrier
    %other = llvm.sub %c63, %tid : i32
    %theirs = llvm.getelementptr %words[%other] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
    %word = llvm.load %theirs : !llvm.ptr<3> -> i32
    %to = llvm.getelementptr %out[%tid] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
    llvm.store %word, %to : i32, !llvm.ptr<1>
    llvm.return
  }
}
