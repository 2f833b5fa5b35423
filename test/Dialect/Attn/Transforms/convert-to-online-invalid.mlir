// RUN: attn-opt %s --attn-convert-to-online --split-input-file \
// RUN:   --allow-unregistered-dialect --verify-diagnostics

func.func @tensors(%q: tensor<1x64x2x32xf32>) -> tensor<1x64x2x32xf32> {
  // expected-error@+1 {{'attn.attention' op is on tensors; expected memrefs (bufferize first)}}
  %o = attn.attention
      ins(%q, %q, %q : tensor<1x64x2x32xf32>, tensor<1x64x2x32xf32>,
          tensor<1x64x2x32xf32>)
      scale(1.0) outs(%q : tensor<1x64x2x32xf32>) -> tensor<1x64x2x32xf32>
  return %o : tensor<1x64x2x32xf32>
}

// -----

func.func @no_config(%q: memref<1x64x2x32xf32>, %o: memref<1x64x2x32xf32>) {
  // expected-error@+1 {{'attn.attention' op has no config; run the target's select-config pass first}}
  attn.attention
      ins(%q, %q, %q : memref<1x64x2x32xf32>, memref<1x64x2x32xf32>,
          memref<1x64x2x32xf32>)
      scale(1.0) outs(%o : memref<1x64x2x32xf32>)
  return
}

// -----

"test.function"() ({
  %q = memref.alloc() : memref<1x64x2x32xf32>
  // expected-error@+1 {{'attn.attention' op is outside of a func.func; expected one around it}}
  attn.attention
      ins(%q, %q, %q : memref<1x64x2x32xf32>, memref<1x64x2x32xf32>,
          memref<1x64x2x32xf32>)
      scale(1.0)
      config(#attn.config<block_q = 64, block_kv = 64, block_kv_compute = 64, schedule = #attn.vector_schedule<rows = 4, lanes = 16, unit = 8, pairs = false>>)
      outs(%q : memref<1x64x2x32xf32>)
  "test.end"() : () -> ()
}) : () -> ()

// -----

func.func @ids_of_several_heads(%q: memref<1x64x4x32xf32>, %k: memref<1x64x1x32xf32>,
    %ids: memref<1x64xi32>, %o: memref<1x64x4x32xf32>) {
  // expected-error@+1 {{'attn.attention' op has no online-softmax kernel yet with elements per row or head in tiles of several heads}}
  attn.attention
      ins(%q, %k, %k : memref<1x64x4x32xf32>, memref<1x64x1x32xf32>,
          memref<1x64x1x32xf32>)
      mask(#attn.segments<q = 0, kv = 1>)
      mask_operands(%ids, %ids : memref<1x64xi32>, memref<1x64xi32>)
      scale(1.0)
      config(#attn.config<block_q = 64, block_kv = 64, block_kv_compute = 64, schedule = #attn.vector_schedule<rows = 4, lanes = 16, unit = 8, pairs = false>, heads = 4>)
      outs(%o : memref<1x64x4x32xf32>)
  return
}
