// RUN: attn-opt %s --attn-to-online=target=x86-64-v3 \
// RUN:   --attn-peel-first-attempt --cse | FileCheck %s
// RUN: attn-opt %s --attn-to-online=target=x86-64-v3 \
// RUN:   --attn-peel-first-attempt --cse --attn-pipeline-scores \
// RUN:   | FileCheck %s --check-prefix=PIPELINED

// The first attempt has plain products and stores; the others stay a loop.

// CHECK-LABEL: func private @attention_attention_0
// CHECK-NOT: guard
// CHECK-NOT: keep_finite
// CHECK: attn.contract {{.*}} into(
// CHECK: %[[FINITE:.*]] = attn.all_finite
// CHECK-NOT: keep_finite
// CHECK: attn.store_tile
// CHECK-NOT: keep_finite
// CHECK: scf.if
// CHECK: scf.while (%[[ATTEMPT:.*]] = %c1
// CHECK: attn.contract {{.*}} guard(
// CHECK: attn.store_tile {{.*}} keep_finite(

// The full and the partial loop of the first attempt carry scores, those of the
// others do not.

// PIPELINED: scf.if
// PIPELINED: iter_args(%{{[^,]*}}, %{{[^,]*}}, %{{[^,]*}}, %{{[^,]*}})
// PIPELINED: iter_args(%{{[^,]*}}, %{{[^,]*}}, %{{[^,]*}}, %{{[^,]*}})
// PIPELINED: scf.while
// PIPELINED: iter_args(%{{[^,]*}}, %{{[^,]*}}, %{{[^,]*}})
// PIPELINED: iter_args(%{{[^,]*}}, %{{[^,]*}}, %{{[^,]*}})

!t = tensor<1x256x2x64xbf16>
func.func @attention(%q: !t, %k: !t, %v: !t, %init: !t) -> !t {
  %out = attn.attention ins(%q, %k, %v : !t, !t, !t) mask(#attn.causal)
      scale(1.250000e-01) outs(%init : !t) -> !t
  return %out : !t
}
