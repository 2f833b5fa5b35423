// RUN: attn-opt %s --attn-select-cpu-config --split-input-file \
// RUN:   --verify-diagnostics
// What lib/Target/CPU/Support.cpp refuses.

func.func @dynamic_heads(%q: memref<2x64x?x32xf32>, %k: memref<2x64x?x32xf32>,
    %out: memref<2x64x?x32xf32>) {
  // expected-error@+1 {{unsupported on cpu: per_head masks of a dynamic number of heads}}
  attn.attention
      ins(%q, %k, %k : memref<2x64x?x32xf32>, memref<2x64x?x32xf32>,
          memref<2x64x?x32xf32>)
      scale(1.0)
      mask(#attn.and<[#attn.causal, #attn.per_head<[#attn.causal, #attn.prefix<3>]>]>)
      outs(%out : memref<2x64x?x32xf32>)
  return
}
