// What follows the loops over keys computes its scalars from the hidden number
// of the work item, and so does the region of further attempts.

// RUN: attn-gen --sq=512 --dqk=64 --dtype=bf16 --q-heads=1 \
// RUN:   | attn-opt --attn-to-tile=target=sm_80 | FileCheck %s

// CHECK: scf.for %[[ITEM:.*]] = %arg4 to %arg5
// CHECK: attn.work_item %[[ITEM]]
// CHECK: attn.contract
// CHECK: scf.yield
// CHECK: %[[LATER:.*]] = attn.opaque %[[ITEM]]
// CHECK: attn.work_item %[[LATER]]
// CHECK: %[[OUT:.*]] = attn.view
// CHECK: attn.store_tile {{.*}} %[[OUT]]
// CHECK: %[[RETRY:.*]] = attn.opaque %[[ITEM]]
// CHECK: attn.work_item %[[RETRY]]
// CHECK: scf.while
