// RUN: attn-opt %s --attn-select-cpu-config --split-input-file \
// RUN:   --verify-diagnostics
// Every row of lib/Target/CPU/Support.cpp.

func.func @bias(%q: memref<2x64x4x32xf32>, %k: memref<2x64x2x32xf32>,
    %out: memref<2x64x4x32xf32>,
    %bias: memref<2x4x64x64xf32>) {
  // expected-error@+1 {{unsupported on cpu: bias}}
  attn.attention
      ins(%q, %k, %k : memref<2x64x4x32xf32>, memref<2x64x2x32xf32>,
          memref<2x64x2x32xf32>)
      scale(1.0)
      bias(%bias : memref<2x4x64x64xf32>)
      outs(%out : memref<2x64x4x32xf32>)
  return
}

// -----

func.func @q_positions(%q: memref<2x64x4x32xf32>, %k: memref<2x64x2x32xf32>,
    %out: memref<2x64x4x32xf32>,
    %positions: memref<2x64xi64>) {
  // expected-error@+1 {{unsupported on cpu: q_positions}}
  attn.attention
      ins(%q, %k, %k : memref<2x64x4x32xf32>, memref<2x64x2x32xf32>,
          memref<2x64x2x32xf32>)
      scale(1.0)
      q_positions(%positions : memref<2x64xi64>)
      outs(%out : memref<2x64x4x32xf32>)
  return
}

// -----

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

func.func @segments(%q: memref<2x64x4x32xf32>, %k: memref<2x64x2x32xf32>,
    %out: memref<2x64x4x32xf32>,
    %ids: memref<2x64xi32>) {
  // expected-error@+1 {{unsupported on cpu: segments masks}}
  attn.attention
      ins(%q, %k, %k : memref<2x64x4x32xf32>, memref<2x64x2x32xf32>,
          memref<2x64x2x32xf32>)
      scale(1.0)
      mask(#attn.and<[#attn.causal, #attn.segments<q = 0, kv = 1>]>) mask_operands(%ids, %ids : memref<2x64xi32>, memref<2x64xi32>)
      outs(%out : memref<2x64x4x32xf32>)
  return
}

// -----

func.func @dense(%q: memref<2x64x4x32xf32>, %k: memref<2x64x2x32xf32>,
    %out: memref<2x64x4x32xf32>,
    %dense: memref<2x4x64x64xi1>) {
  // expected-error@+1 {{unsupported on cpu: dense masks}}
  attn.attention
      ins(%q, %k, %k : memref<2x64x4x32xf32>, memref<2x64x2x32xf32>,
          memref<2x64x2x32xf32>)
      scale(1.0)
      mask(#attn.not<#attn.dense<0>>) mask_operands(%dense : memref<2x4x64x64xi1>)
      outs(%out : memref<2x64x4x32xf32>)
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

