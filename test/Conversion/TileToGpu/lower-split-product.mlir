// f32 operands of an instruction of 16-bit ones: six products of bf16 parts.

// RUN: attn-gen --sq=512 --dqk=64 --q-heads=1 --memref > %t.mlir
// RUN: attn-opt %t.mlir --attn-to-tile=target=sm_80 \
// RUN:   --convert-attn-tile-to-gpu | FileCheck %s
// RUN: attn-gen --sq=512 --dqk=64 --q-heads=1 --dtype=f16 --kv-dtype=bf16 \
// RUN:   --memref > %t.mixed.mlir
// RUN: attn-opt %t.mixed.mlir --attn-to-tile=target=sm_80 \
// RUN:   --convert-attn-tile-to-gpu | FileCheck %s

// CHECK-DAG: %[[SCALE:.*]] = arith.constant 0x4B800000 : f32
// CHECK-DAG: %[[UNSCALE:.*]] = arith.constant {{3.55271368E-15|0x27800000}} : f32

// The block splits the keys once: three parts of each four, below each other.
// CHECK: scf.for
// CHECK: gpu.barrier
// CHECK: llvm.load %{{.*}} {alignment = 16 : i64} : !llvm.ptr<3> -> vector<4xf32>
// CHECK: arith.mulf %{{.*}}, %[[SCALE]]
// CHECK: arith.subf
// CHECK: arith.subf
// CHECK-COUNT-3: llvm.store %{{.*}} {alignment = 8 : i64} : vector<2xi32>, !llvm.ptr<3>
// CHECK: gpu.barrier

// A warp splits its rows of the query tile.
// CHECK: llvm.load %{{.*}} {alignment = 8 : i64} : !llvm.ptr<3> -> vector<2xf32>
// CHECK: attn.load_matrices {{.*}} : vector<2xbf16>
// Small products first, in a sum of their own: for each of four tiles of keys
// the product of the first part with the third.
// CHECK: %[[SMALL:.*]]:4 = attn.mma m16n8k16 %[[A:[a-z0-9_]+]],
// CHECK-COUNT-19: attn.mma m16n8k16
// CHECK: %[[LARGE:.*]]:4 = attn.mma m16n8k16 %[[A]],
// A score beyond f32 is NaN.
// CHECK: %[[SUM:.*]] = arith.addf
// CHECK-NEXT: %[[NONE:.*]] = arith.subf %[[SUM]], %[[SUM]]
// CHECK-NEXT: math.fma %[[SUM]], %[[UNSCALE]], %[[NONE]]

// Sums over the keys of a tile begin at 0, and are added to the accumulator.
// CHECK: gpu.barrier
// CHECK: llvm.store {{.*}} vector<2xi32>, !llvm.ptr<3>
// CHECK: gpu.barrier
// CHECK: attn.load_matrices {{.*}} transposed
// CHECK: attn.mma
// CHECK: %[[SUM:.*]] = arith.addf
// CHECK-NEXT: math.fma %[[SUM]], %[[UNSCALE]], %{{.*}}

// Further attempts multiply f32.
// CHECK: scf.while
// CHECK-NOT: attn.mma
// CHECK: math.fma
// CHECK-NOT: attn.mma
