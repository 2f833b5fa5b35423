// The kernel of assign-fragment-layouts.mlir: one tile of queries, a loop over
// tiles of keys with two stages.

// RUN: attn-opt %S/assign-fragment-layouts.mlir \
// RUN:   --attn-assign-fragment-layouts --attn-pipeline-copies --canonicalize \
// RUN:   | FileCheck %s --implicit-check-not=attn.load_tile

// CHECK-LABEL: func private @kernel
// CHECK:         %[[Q:.*]] = memref.alloc() : memref<1x64x40xbf16, 3>
// CHECK-NEXT:    attn.copy_tile {{.*}} to %[[Q]]
// CHECK-NOT:     attn.copy_commit
// Two buffers for each of K and V; the first tile is on its way before the
// loop, if there is one.
// CHECK:         %[[K:.*]] = memref.alloc() : memref<2x32x40xbf16, 3>
// CHECK:         %[[V:.*]] = memref.alloc() : memref<2x32x40xbf16, 3>
// CHECK:         gpu.barrier
// CHECK:         %[[SOME:.*]] = arith.cmpi sgt, %[[END:.*]], %c0
// CHECK-NEXT:    scf.if %[[SOME]] {
// CHECK:           attn.copy_tile {{.*}} to %[[K]]
// CHECK:           attn.copy_tile {{.*}} to %[[V]]
// CHECK:         }
// CHECK:         attn.copy_commit
// The number of the buffer in use is carried along.
// CHECK:         scf.for %[[J:.*]] = %c0 to %[[END]] {{.*}} iter_args({{.*}}, %[[STAGE:.*]] = %c0)
// One barrier shows what has come, and ends the last use of what is written.
// CHECK-NEXT:      attn.copy_wait 0
// CHECK-NEXT:      gpu.barrier
// CHECK-NOT:       gpu.barrier
// CHECK:           %[[NEXT:.*]] = arith.addi %[[J]], %c1
// CHECK:           %[[MORE:.*]] = arith.cmpi slt, %[[NEXT]], %[[END]]
// CHECK:           scf.if %[[MORE]] {
// CHECK:             attn.copy_tile {{.*}} to %[[K]]
// CHECK:             attn.copy_tile {{.*}} to %[[V]]
// CHECK:           }
// CHECK-NEXT:      attn.copy_commit
// CHECK:           attn.shared_tile %[[K]][%[[STAGE]]]
// CHECK:           attn.shared_tile %[[V]][%[[STAGE]]]
// CHECK-NOT:       gpu.barrier
// CHECK:           scf.yield
// CHECK-NEXT:    }
// Without an iteration nobody waited for Q, whose buffer is free from here on.
// CHECK-NEXT:    attn.copy_wait 0
// CHECK-NEXT:    gpu.barrier
// CHECK-DAG:     memref.dealloc %[[K]]
// CHECK-DAG:     memref.dealloc %[[V]]
// CHECK-DAG:     memref.dealloc %[[Q]]
// CHECK:         attn.combine_partial

// With keys known to be there a wait of the loop was for Q too.
// RUN: attn-gen --sq=512 --dqk=64 --dtype=bf16 --q-heads=1 \
// RUN:   | attn-opt --attn-to-tile=target=sm_80 | FileCheck %s --check-prefix=KNOWN
// KNOWN:     scf.for %{{.*}} = %c0{{.*}} to %c4
// KNOWN:       attn.copy_wait 0
// KNOWN-NOT: attn.copy_wait

// One buffer for each where the accumulators fill the registers: V is copied
// while K is used, and the next K while V is.
// RUN: attn-gen --sq=1024 --dqk=256 --dtype=bf16 --q-heads=1 --memref \
// RUN:   | attn-opt --attn-to-tile=target=sm_90 \
// RUN:   | FileCheck %s --check-prefix=SINGLE
// SINGLE:      attn.copy_tile {{.*}} !attn.view<q, d 256
// SINGLE:      %[[K:.*]] = memref.alloc() : memref<1x64x256xbf16, 3>
// SINGLE:      %[[V:.*]] = memref.alloc() : memref<1x64x256xbf16, 3>
// SINGLE:      attn.copy_tile {{.*}} to %[[K]]
// SINGLE-NEXT: attn.copy_commit
// SINGLE:      scf.for %{{.*}} = %c0 to %c16
// SINGLE-NEXT:   attn.copy_wait 0
// SINGLE-NEXT:   gpu.barrier
// SINGLE:        attn.copy_tile {{.*}} to %[[V]]
// SINGLE-NEXT:   attn.copy_commit
// SINGLE-NEXT:   attn.shared_tile %[[K]][%c0]
// SINGLE:        attn.copy_wait 0
// SINGLE-NEXT:   gpu.barrier
// SINGLE:        scf.if
// SINGLE:          attn.copy_tile {{.*}} to %[[K]]
// SINGLE:        attn.copy_commit
// SINGLE-NEXT:   attn.shared_tile %[[V]][%c0]
// SINGLE:        scf.yield
