// RUN: attn-opt %s --attn-select-cpu-config=target=x86-64-v3 | FileCheck %s
// RUN: attn-opt %s --attn-select-cpu-config=target=x86-64-v3 \
// RUN:   --attn-select-cpu-config=target=x86-64-v4 | FileCheck %s
// RUN: attn-opt %s --attn-select-cpu-config | FileCheck %s --check-prefix=NATIVE
// RUN: not attn-opt %s --attn-select-cpu-config=target=pdp11 2>&1 \
// RUN:   | FileCheck %s --check-prefix=UNKNOWN
// RUN: not attn-opt %s --attn-to-llvm=target=x86-64-v4-BF16 2>&1 \
// RUN:   | FileCheck %s --check-prefix=CASE
// What each target chooses: config-*.mlir.

// UNKNOWN: error: unknown target 'pdp11'; expected native, x86-64-v3, x86-64-v4, x86-64-v4-bf16, aarch64
// CASE: error: unknown target 'x86-64-v4-BF16'; expected native, x86-64-v3, x86-64-v4, x86-64-v4-bf16, aarch64

// A config that is there already stays: choosing twice is choosing once.
// CHECK-LABEL: func @chosen
// CHECK:         config(#attn.config<block_q = 64, {{.*}} unit = 8,
// NATIVE-LABEL: func @chosen
// NATIVE:         config(#attn.config<block_q = {{[0-9]+}}, {{.*}} schedule = #attn.vector_schedule<
func.func @chosen(%q: memref<1x128x4x64xf32>, %out: memref<1x128x4x64xf32>) {
  attn.attention
      ins(%q, %q, %q : memref<1x128x4x64xf32>, memref<1x128x4x64xf32>,
          memref<1x128x4x64xf32>)
      scale(1.0) outs(%out : memref<1x128x4x64xf32>)
  return
}

// CHECK-LABEL: func @given
// CHECK:         config(#attn.config<block_q = 8, block_kv = 16, block_kv_compute = 4, schedule = #attn.vector_schedule<rows = 1, lanes = 4, unit = 2, pairs = false>>)
func.func @given(%q: tensor<1x128x4x64xf32>) -> tensor<1x128x4x64xf32> {
  %out = attn.attention
      ins(%q, %q, %q : tensor<1x128x4x64xf32>, tensor<1x128x4x64xf32>,
          tensor<1x128x4x64xf32>)
      scale(1.0) config(#attn.config<block_q = 8, block_kv = 16, block_kv_compute = 4, schedule = #attn.vector_schedule<rows = 1, lanes = 4, unit = 2, pairs = false>>)
      outs(%q : tensor<1x128x4x64xf32>) -> tensor<1x128x4x64xf32>
  return %out : tensor<1x128x4x64xf32>
}

// Masks that cut tiles along their diagonal take fewer keys, masks with upright
// edges do not.
// CHECK-LABEL: func @masked
// CHECK:         mask(#attn.and<[#attn.chunked<512>, #attn.not<#attn.sliding_window<8, 0>>]>)
// CHECK-SAME:    block_kv = 64, block_kv_compute = 64
// CHECK:         mask(#attn.chunked<512>)
// CHECK-SAME:    block_kv = 128, block_kv_compute = 128
func.func @masked(%q: memref<1x1024x4x64xf32>, %out: memref<1x1024x4x64xf32>) {
  attn.attention
      ins(%q, %q, %q : memref<1x1024x4x64xf32>, memref<1x1024x4x64xf32>,
          memref<1x1024x4x64xf32>)
      scale(1.0)
      mask(#attn.and<[#attn.chunked<512>, #attn.not<#attn.sliding_window<8, 0>>]>)
      outs(%out : memref<1x1024x4x64xf32>)
  attn.attention
      ins(%q, %q, %q : memref<1x1024x4x64xf32>, memref<1x1024x4x64xf32>,
          memref<1x1024x4x64xf32>)
      scale(1.0) mask(#attn.chunked<512>) outs(%out : memref<1x1024x4x64xf32>)
  return
}
