// f32 operands of an instruction of 16-bit ones: six products of bf16 parts.

// RUN: attn-gen --sq=512 --dqk=64 --q-heads=1 --memref > %t.mlir
// RUN: attn-opt %t.mlir --attn-to-tile=target=sm_80 \
// RUN:   --convert-attn-tile-to-gpu --cse | FileCheck %s
// RUN: attn-gen --sq=512 --dqk=64 --q-heads=1 --dtype=f16 --kv-dtype=bf16 \
// RUN:   --memref > %t.mixed.mlir
// RUN: attn-opt %t.mixed.mlir --attn-to-tile=target=sm_80 \
// RUN:   --convert-attn-tile-to-gpu --cse | FileCheck %s

// The block splits the keys once: three parts of each four, below each other.
// CHECK: %[[ZERO:.*]] = arith.constant 0.000000e+00 : f32
// CHECK: gpu.barrier
// CHECK: scf.for
// CHECK: gpu.barrier
// CHECK: llvm.load %{{.*}} {alignment = 16 : i64} : !llvm.ptr<3> -> vector<4xf32>
// CHECK: %[[SCALE:.*]] = arith.constant 0x4B800000 : f32
// CHECK: %[[X:.*]] = arith.mulf %{{.*}}, %[[SCALE]]
// CHECK: arith.constant -65536 : i32
// CHECK: %[[FIRST:.*]] = arith.bitcast %{{.*}} : i32 to f32
// CHECK-NEXT: %[[REST:.*]] = arith.subf %[[X]], %[[FIRST]]
// CHECK: arith.subf %[[REST]],
// CHECK-COUNT-3: llvm.store %{{.*}} {alignment = 8 : i64} : vector<2xi32>, !llvm.ptr<3>
// CHECK: gpu.barrier

// A warp splits its rows of the query tile.
// CHECK: llvm.load %{{.*}} {alignment = 8 : i64} : !llvm.ptr<3> -> vector<2xf32>
// CHECK-COUNT-6: attn.load_matrices
// Small products first, in a sum of their own, for four tiles of keys by turns.
// CHECK: %[[SMALL:.*]]:4 = attn.mma m16n8k16 %[[A:[a-z0-9_]+]], {{.*}} + %[[ZERO]], %[[ZERO]], %[[ZERO]], %[[ZERO]] :
// CHECK-COUNT-3: attn.mma m16n8k16 %[[A]], {{.*}} + %[[ZERO]],
// CHECK: attn.mma {{.*}} + %[[SMALL]]#0, %[[SMALL]]#1, %[[SMALL]]#2, %[[SMALL]]#3
// CHECK-COUNT-15: attn.mma
// CHECK-COUNT-4: attn.mma m16n8k16 %[[A]], {{.*}} + %[[ZERO]],
// CHECK-NOT: attn.mma
// CHECK: attn.load_matrices
// The sum of large products begins again after 32 terms.
// CHECK-COUNT-16: attn.mma {{.*}} + %[[ZERO]],
// CHECK-NOT: attn.mma {{.*}} + %[[ZERO]],
// A score beyond f32 is NaN, and takes the scale out.
// CHECK: %[[UNSCALE:.*]] = arith.constant 3.55271368E-15 : f32
// CHECK-NEXT: %[[SUM:.*]] = arith.addf
// CHECK-NEXT: %[[NONE:.*]] = arith.subf %[[SUM]], %[[SUM]]
// CHECK-NEXT: math.fma %[[SUM]], %[[UNSCALE]], %[[NONE]]

// Sums over the keys of a tile begin at 0, and are added to the accumulator.
// CHECK: gpu.barrier
// CHECK: llvm.store {{.*}} vector<2xi32>, !llvm.ptr<3>
// CHECK: gpu.barrier
// CHECK-COUNT-6: attn.load_matrices {{.*}} transposed
// CHECK: attn.mma {{.*}} + %[[ZERO]],
// CHECK: math.fma %{{.*}}, %[[UNSCALE]], %{{.*}}

// Further attempts multiply f32.
// CHECK: scf.while
// CHECK-NOT: attn.mma
// CHECK: math.fma
// CHECK-NOT: attn.mma
