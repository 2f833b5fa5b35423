// The steps from the online stage to the code of one thread, on a causal
// problem: two loops over keys, without and with mask code, as the last tile of
// keys is not whole.

// RUN: attn-gen --sq=512 --skv=500 --dqk=64 --dtype=bf16 --q-heads=1 --mask=causal \
// RUN:   > %t.mlir
// RUN: attn-opt %t.mlir --attn-to-tile=target=sm_80 \
// RUN:   | FileCheck %s --check-prefix=TILE
// RUN: attn-opt %t.mlir --attn-to-llvm=target=sm_80 \
// RUN:   | FileCheck %s --check-prefix=LLVM

// Q, K and V lie in shared memory; the copy of Q is of the group of the first keys.
// TILE: %[[Q:.*]] = memref.alloc() : memref<1x128x64xbf16, 3>
// TILE: attn.copy_tile %{{.*}} to %[[Q]]
// TILE-NOT: attn.copy_commit
// Row sums stay partial until the loops are done.
// TILE: attn.fill {{.*}} -> !attn.tile<q 128, f32, #attn.fragment<[q 2 by 8, q 2 by 16], [q 4 by 0, q 8 by 1], [q 4 by 32], partial>>
// TILE: memref.alloc() : memref<2x96x64xbf16, 3>
// TILE: memref.alloc() : memref<2x96x64xbf16, 3>
// The first tile, of the first loop that has one.
// TILE: gpu.barrier
// TILE: scf.if
// TILE: attn.copy_commit
// The tiles that need no mask.
// TILE: scf.for
// TILE-NEXT: attn.copy_wait 0
// TILE-NEXT: gpu.barrier
// TILE: scf.if
// TILE: attn.copy_tile
// TILE: attn.copy_tile
// TILE: } else {
// TILE: attn.copy_commit
// TILE: attn.shared_tile
// TILE: attn.contract {{.*}} -> !attn.tile<q 128, kv 96, f32, #attn.fragment<[kv 2 by 1, q 2 by 8, kv 12 by 8, q 2 by 16], [kv 4 by 2, q 8 by 1], [q 4 by 32]>>
// The maxima lag behind the scores.
// TILE: %[[EXCEEDS:.*]] = attn.any_above
// TILE: scf.if %[[EXCEEDS]]
// TILE: attn.reduce max
// TILE-NOT: guard
// TILE: attn.contract {{.*}} into(
// TILE: scf.yield
// The others begin where the first ones end: nothing is waited for between.
// TILE-NEXT: }
// TILE-NOT: attn.copy_
// TILE: scf.for
// TILE-NEXT: attn.copy_wait 0
// TILE: scf.yield
// TILE: memref.dealloc
// TILE: memref.dealloc
// TILE: attn.combine_partial
// The rare further attempts.
// TILE: scf.while
// TILE: guard

// LLVM: gpu.module @attn_gpu
// LLVM: llvm.func @attention_attention_0(
// LLVM-SAME: attn.block_size = 128 : i64, attn.kernel_index = 0 : i64, attn.shared_bytes = {{[0-9]+}} : i64, nvvm.kernel, nvvm.reqntid = array<i32: 128, 1, 1>
// LLVM: nvvm.cp.async.shared.global
// LLVM: nvvm.ldmatrix
// LLVM: nvvm.mma.sync
// A warp follows the maxima of its rows where one is exceeded by much.
// LLVM: nvvm.vote.sync any
// Weights are rounded two at a time and stay in registers.
// LLVM: llvm.fptrunc %{{.*}} : vector<2xf32> to vector<2xbf16>
// LLVM: nvvm.ldmatrix {{.*}}layout = #nvvm.mma_layout<col>
// LLVM: nvvm.mma.sync
// LLVM: llvm.call @attn_launch_kernel(
