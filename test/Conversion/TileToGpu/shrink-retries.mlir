// The loop of further attempts goes through 64 of 128 rows, and through 16 of
// the 64 keys of a tile, at a time; the first attempt stays what it is.

// RUN: attn-gen --sq=512 --dqk=128 --dtype=bf16 --q-heads=1 --mask=causal \
// RUN:   | attn-opt --attn-to-online=target=sm_80 \
// RUN:   --attn-shrink-retries -o %t.mlir
// RUN: FileCheck %s < %t.mlir

// CHECK: attn.contract {{.*}} !attn.tile<q 128, d 128, bf16> -> !attn.tile<q 128, kv 64, f32>
// CHECK: attn.store_tile {{.*}} !attn.tile<q 128, dv 128, f32>
// CHECK: scf.for %[[ROW:[a-z0-9_]+]] = %c0{{.*}} to %c128{{.*}} step %c64
// CHECK: %[[FIRST:[a-z0-9_]+]] = arith.addi %{{.*}}, %[[ROW]]
// CHECK: attn.load_tile %{{.*}}[%[[FIRST]]] {{.*}} -> !attn.tile<q 64, d 128, bf16>
// One body, which masks, goes through all tiles.
// CHECK: scf.while
// CHECK: scf.for %[[TILE:[a-z0-9_]+]] = %{{.*}} to %{{.*}} step %c1
// CHECK-NEXT: %[[KEYS:[a-z0-9_]+]] = arith.muli %[[TILE]]
// CHECK: scf.for %[[KEY:[a-z0-9_]+]] = %c0{{.*}} to %c64{{.*}} step %c16
// CHECK: %[[AT:[a-z0-9_]+]] = arith.addi %[[KEYS]], %[[KEY]]
// CHECK: attn.load_tile %{{.*}}[%[[AT]]] {{.*}} -> !attn.tile<kv 16, d 128, bf16>
// Masks see the coordinates of the large tile.
// CHECK: attn.map
// CHECK-NEXT: ^bb0(%{{.*}}: f32, %[[I:[a-z0-9_]+]]: index, %[[J:[a-z0-9_]+]]: index):
// CHECK-DAG: arith.addi %[[I]], %[[ROW]]
// CHECK-DAG: arith.addi %[[J]], %[[KEY]]
// CHECK: attn.contract {{.*}} guard({{.*}} !attn.tile<q 64, kv 16, bf16> -> !attn.tile<q 64, dv 128, f32>
// CHECK-NOT: attn.contract
// The loop over the steps is not unrolled.
// CHECK: } {loop_annotation = #loop_annotation{{.*}}}
// CHECK: attn.store_tile {{.*}} keep_finite({{.*}} !attn.tile<q 64, dv 128, f32>

// Transposed tiles are divided where the accumulators are large.
// RUN: attn-gen --sq=512 --dqk=128 --dtype=bf16 --q-heads=1 --mask=causal \
// RUN:   | attn-opt --attn-to-online=target=gfx942 \
// RUN:   --attn-shrink-retries | FileCheck %s --check-prefix=LARGE
// LARGE: scf.while
// LARGE: scf.for %{{.*}} = %c0{{.*}} to %c64{{.*}} step %c32
// LARGE: attn.contract {{.*}} guard({{.*}} !attn.tile<q 256, kv 32, bf16> -> !attn.tile<q 256, dv 128, f32>

// RUN: attn-gen --sq=512 --dqk=64 --dtype=bf16 --q-heads=1 --mask=causal \
// RUN:   | attn-opt --attn-to-online=target=gfx942 \
// RUN:   --attn-shrink-retries | FileCheck %s --check-prefix=SMALL
// SMALL: scf.while
// SMALL: attn.contract {{.*}} guard({{.*}} !attn.tile<q 256, kv 64, bf16> -> !attn.tile<q 256, dv 64, f32>

// A loop over one tile of keys is no loop: the keys stay together.
// RUN: attn-gen --sq=512 --skv=64 --dqk=64 --dtype=bf16 --q-heads=1 \
// RUN:   | attn-opt --attn-to-online=target=sm_80 \
// RUN:   --attn-shrink-retries | FileCheck %s --check-prefix=ONE
// ONE: scf.while
// ONE: attn.contract {{.*}} guard({{.*}} !attn.tile<q 64, kv 64, bf16>
