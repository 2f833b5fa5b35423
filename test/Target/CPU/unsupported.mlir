// RUN: attn-opt %s --attn-select-cpu-config --split-input-file \
// RUN:   --verify-diagnostics
// Every row of lib/Target/CPU/Support.cpp.

func.func private @halve(%s: f32, %b: index, %h: index, %i: index, %j: index)
    -> f32 {
  %half = arith.constant 0.5 : f32
  %r = arith.mulf %s, %half : f32
  return %r : f32
}
func.func @score_mod(%q: memref<2x64x4x32xf32>, %k: memref<2x64x2x32xf32>,
    %out: memref<2x64x4x32xf32>) {
  // expected-error@+1 {{unsupported on cpu: score_mod}}
  attn.attention
      ins(%q, %k, %k : memref<2x64x4x32xf32>, memref<2x64x2x32xf32>,
          memref<2x64x2x32xf32>)
      scale(1.0)
      score_mod(@halve)
      outs(%out : memref<2x64x4x32xf32>)
  return
}

// -----

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

// -----

func.func private @tree(%b: index, %h: index, %i: index, %j: index) -> i1 {
  %r = arith.cmpi ule, %j, %i : index
  return %r : i1
}
func.func @custom(%q: memref<2x64x4x32xf32>, %k: memref<2x64x2x32xf32>,
    %out: memref<2x64x4x32xf32>) {
  // expected-error@+1 {{unsupported on cpu: custom masks}}
  attn.attention
      ins(%q, %k, %k : memref<2x64x4x32xf32>, memref<2x64x2x32xf32>,
          memref<2x64x2x32xf32>)
      scale(1.0)
      mask(#attn.custom<@tree>)
      outs(%out : memref<2x64x4x32xf32>)
  return
}

