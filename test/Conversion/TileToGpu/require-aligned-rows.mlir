// The first attempt runs if rows begin at multiples of 16 bytes; otherwise the
// loop of further attempts begins with attempt 0, and moves elements.

// RUN: attn-gen --sq=512 --dqk=64 --dtype=bf16 --q-heads=1 \
// RUN:   | attn-opt --attn-to-online=target=sm_80 \
// RUN:   --attn-shrink-retries \
// RUN:   --attn-require-aligned-rows | FileCheck %s

// CHECK-COUNT-4: attn.rows_aligned
// CHECK: %[[AGAIN:[a-z0-9_]+]] = scf.if %[[ALIGNED:[a-z0-9_]+]] -> (i1) {
// CHECK: attn.load_tile {{.*}} aligned
// CHECK: attn.load_tile {{.*}} aligned
// CHECK: attn.store_tile {{.*}} aligned
// CHECK: } else {
// CHECK: scf.yield %{{true|false}}
// CHECK: %[[FIRST:[a-z0-9_]+]] = arith.select %[[ALIGNED]], %c1{{.*}}, %c0
// CHECK: scf.if %[[AGAIN]]
// CHECK: scf.while (%{{.*}} = %[[FIRST]])
// CHECK-NOT: aligned

// Rows of 20 elements are no whole chunks: nothing is asked.
// RUN: attn-gen --sq=512 --dqk=20 --dtype=bf16 --q-heads=1 \
// RUN:   | attn-opt --attn-to-online=target=sm_80 \
// RUN:   --attn-shrink-retries \
// RUN:   --attn-require-aligned-rows \
// RUN:   | FileCheck %s --check-prefix=ODD
// ODD-NOT: aligned
