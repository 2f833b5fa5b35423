// One test per constraint of attn.attention on q, k, v, out, lse and scalars,
// named after it; suffixes tell further ways to break the same one.
// RUN: attn-opt %s --split-input-file --verify-diagnostics

func.func @attention_c1(%q: tensor<2x8x4x64xf32>, %k: tensor<16x2x64xf32>) {
  // expected-error @+1 {{op k has rank 3; expected rank 4 of layout bshd (C1)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<16x2x64xf32>,
          tensor<16x2x64xf32>)
      scale(1.0)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func @attention_c1_out(%q: tensor<2x8x4x64xf32>,
                            %k: tensor<2x16x2x64xf32>,
                            %out: tensor<8x4x64xf32>) {
  // expected-error @+1 {{op out has rank 3; expected rank 4 of layout bshd (C1)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0)
      outs(%out : tensor<8x4x64xf32>) -> tensor<8x4x64xf32>
  return
}

// -----

func.func @attention_c1_packed(%q: tensor<2x8x4x64xf32>,
                               %k: tensor<2x16x2x64xf32>) {
  // expected-error @+1 {{op q has rank 4; expected rank 3 of layout thd (C1)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      layout(thd) scale(1.0)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func @attention_c1_scalar(%q: tensor<f32>, %k: tensor<2x16x2x64xf32>) {
  // expected-error @+1 {{op q has rank 0; expected rank 4 of layout bshd (C1)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<f32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0)
      outs(%q : tensor<f32>) -> tensor<f32>
  return
}

// -----

func.func @attention_c2(%q: tensor<2x8x4x64xf64>, %k: tensor<2x16x2x64xf32>) {
  // expected-error @+1 {{op q has element type 'f64'; expected f32, f16, bf16, f8E4M3FN, f8E5M2, f8E4M3FNUZ or f8E5M2FNUZ (C2)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf64>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0)
      outs(%q : tensor<2x8x4x64xf64>) -> tensor<2x8x4x64xf64>
  return
}

// -----

func.func @attention_c2_integer(%q: tensor<2x8x4x64xf32>,
                                %k: tensor<2x16x2x64xi8>) {
  // expected-error @+1 {{op k has element type 'i8'; expected f32, f16, bf16, f8E4M3FN, f8E5M2, f8E4M3FNUZ or f8E5M2FNUZ (C2)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xi8>,
          tensor<2x16x2x64xi8>)
      scale(1.0)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func @attention_c2_v_differs(%q: tensor<2x8x4x64xf32>,
                                  %k: tensor<2x16x2x64xf16>,
                                  %v: tensor<2x16x2x64xbf16>) {
  // expected-error @+1 {{op v has element type 'bf16' and k has 'f16'; expected the same one (C2)}}
  %0 = attn.attention
      ins(%q, %k, %v : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf16>,
          tensor<2x16x2x64xbf16>)
      scale(1.0)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func @attention_c2_q_narrower(%q: tensor<2x8x4x64xf16>,
                                   %k: tensor<2x16x2x64xf32>) {
  // expected-error @+1 {{op q has element type 'f16' and k has 'f32'; expected q's to be at least as wide (C2)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf16>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0)
      outs(%q : tensor<2x8x4x64xf16>) -> tensor<2x8x4x64xf16>
  return
}

// -----

func.func @attention_c3(%q: tensor<2x8x4x64xf32>,
                        %k: tensor<2x16x2x64xf32>,
                        %out: tensor<2x8x4x64xf8E4M3FN>) {
  // expected-error @+1 {{op out has element type 'f8E4M3FN'; expected f32, f16 or bf16 (C3)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0)
      outs(%out : tensor<2x8x4x64xf8E4M3FN>) -> tensor<2x8x4x64xf8E4M3FN>
  return
}

// -----

func.func @attention_c3_lse(%q: tensor<2x8x4x64xf32>,
                            %k: tensor<2x16x2x64xf32>,
                            %lse: tensor<2x4x8xf16>) {
  // expected-error @+1 {{op lse has element type 'f16'; expected f32 (C3)}}
  %0:2 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0)
      outs(%q, %lse : tensor<2x8x4x64xf32>, tensor<2x4x8xf16>)
      -> tensor<2x8x4x64xf32>, tensor<2x4x8xf16>
  return
}

// -----

func.func @attention_c4(%q: tensor<2x8x4x64xf32>,
                        %k: tensor<2x16x2x32xf32>, %v: tensor<2x16x2x64xf32>) {
  // expected-error @+1 {{op k has head dim 32 and q has 64; expected the same (C4)}}
  %0 = attn.attention
      ins(%q, %k, %v : tensor<2x8x4x64xf32>, tensor<2x16x2x32xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func @attention_c4_out(%q: tensor<2x8x4x64xf32>,
                            %k: tensor<2x16x2x64xf32>,
                            %out: tensor<2x8x4x32xf32>) {
  // expected-error @+1 {{op out has head dim 32 and v has 64; expected the same (C4)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0)
      outs(%out : tensor<2x8x4x32xf32>) -> tensor<2x8x4x32xf32>
  return
}

// -----

func.func @attention_c4_dynamic(%q: tensor<2x8x4x?xf32>,
                                %k: tensor<2x16x2x64xf32>) {
  // expected-error @+1 {{op q has a dynamic head dim, 'tensor<2x8x4x?xf32>'; expected a static one (C4)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x?xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0)
      outs(%q : tensor<2x8x4x?xf32>) -> tensor<2x8x4x?xf32>
  return
}

// -----

func.func @attention_c4_zero(%q: tensor<2x8x4x64xf32>,
                             %k: tensor<2x16x2x64xf32>,
                             %v: tensor<2x16x2x0xf32>,
                             %out: tensor<2x8x4x0xf32>) {
  // expected-error @+1 {{op v has head dim 0; expected at least 1 (C4)}}
  %0 = attn.attention
      ins(%q, %k, %v : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x0xf32>)
      scale(1.0)
      outs(%out : tensor<2x8x4x0xf32>) -> tensor<2x8x4x0xf32>
  return
}

// -----

func.func @attention_c5(%q: tensor<2x8x4x64xf32>,
                        %k: tensor<2x16x2x64xf32>, %v: tensor<2x16x1x64xf32>) {
  // expected-error @+1 {{op v has number of heads 1 and k has 2; expected the same (C5)}}
  %0 = attn.attention
      ins(%q, %k, %v : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x1x64xf32>)
      scale(1.0)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func @attention_c5_length(%q: tensor<2x8x4x64xf32>,
                               %k: tensor<2x16x2x64xf32>,
                               %v: tensor<2x15x2x64xf32>) {
  // expected-error @+1 {{op v has sequence length 15 and k has 16; expected the same (C5)}}
  %0 = attn.attention
      ins(%q, %k, %v : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x15x2x64xf32>)
      scale(1.0)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func @attention_c5_batch(%q: tensor<2x8x4x64xf32>,
                              %k: tensor<2x16x2x64xf32>,
                              %v: tensor<1x16x2x64xf32>) {
  // expected-error @+1 {{op v has batch 1 and k has 2; expected the same (C5)}}
  %0 = attn.attention
      ins(%q, %k, %v : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<1x16x2x64xf32>)
      scale(1.0)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func @attention_c5_out_heads(%q: tensor<2x8x4x64xf32>,
                                  %k: tensor<2x16x2x64xf32>,
                                  %out: tensor<2x8x2x64xf32>) {
  // expected-error @+1 {{op out has number of heads 2 and q has 4; expected the same (C5)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0)
      outs(%out : tensor<2x8x2x64xf32>) -> tensor<2x8x2x64xf32>
  return
}

// -----

func.func @attention_c5_out_length(%q: tensor<2x8x4x64xf32>,
                                   %k: tensor<2x16x2x64xf32>,
                                   %out: tensor<2x9x4x64xf32>) {
  // expected-error @+1 {{op out has sequence length 9 and q has 8; expected the same (C5)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0)
      outs(%out : tensor<2x9x4x64xf32>) -> tensor<2x9x4x64xf32>
  return
}

// -----

func.func @attention_c5_out_batch(%q: tensor<2x8x4x64xf32>,
                                  %k: tensor<2x16x2x64xf32>,
                                  %out: tensor<3x8x4x64xf32>) {
  // expected-error @+1 {{op out has batch 3 and q has 2; expected the same (C5)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0)
      outs(%out : tensor<3x8x4x64xf32>) -> tensor<3x8x4x64xf32>
  return
}

// -----

func.func @attention_c5_q_batch(%q: tensor<2x8x4x64xf32>,
                                %k: tensor<3x16x2x64xf32>) {
  // expected-error @+1 {{op k has batch 3 and q has 2; expected the same (C5)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<3x16x2x64xf32>,
          tensor<3x16x2x64xf32>)
      scale(1.0)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func @attention_c5_pages(%q: tensor<2x8x4x64xf32>,
                              %k: tensor<50x16x2x64xf32>,
                              %v: tensor<50x8x2x64xf32>,
                              %lens: tensor<2xi32>, %table: tensor<2x7xi32>) {
  // expected-error @+1 {{op v has page size 8 and k has 16; expected the same (C5)}}
  %0 = attn.attention
      ins(%q, %k, %v : tensor<2x8x4x64xf32>, tensor<50x16x2x64xf32>,
          tensor<50x8x2x64xf32>)
      layout(q = bshd, k = paged, v = paged, out = bshd) scale(1.0)
      kv_lens(%lens : tensor<2xi32>)
      block_table(%table : tensor<2x7xi32>)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

// Sizes are compared by meaning, not by position.
func.func @attention_c5_layouts(%q: tensor<2x8x4x64xf32>,
                                %k: tensor<2x16x2x64xf32>) {
  // expected-error @+1 {{op out has number of heads 8 and q has 4; expected the same (C5)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      layout(q = bshd, k = bshd, v = bshd, out = bhsd) scale(1.0)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func @attention_c6(%q: tensor<2x8x8x64xf32>, %k: tensor<2x16x3x64xf32>) {
  // expected-error @+1 {{'attn.attention' op k has 3 heads and q has 8; expected the number of q heads to be a multiple of the number of k heads (C6)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x8x64xf32>, tensor<2x16x3x64xf32>,
          tensor<2x16x3x64xf32>)
      scale(1.0)
      outs(%q : tensor<2x8x8x64xf32>) -> tensor<2x8x8x64xf32>
  return
}

// -----

func.func @attention_c6_no_heads(%q: tensor<2x8x0x64xf32>,
                                 %k: tensor<2x16x2x64xf32>) {
  // expected-error @+1 {{op q has 0 heads; expected at least 1 (C6)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x0x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0)
      outs(%q : tensor<2x8x0x64xf32>) -> tensor<2x8x0x64xf32>
  return
}

// -----

func.func @attention_c6_no_kv_heads(%q: tensor<2x8x4x64xf32>,
                                    %k: tensor<2x16x0x64xf32>) {
  // expected-error @+1 {{op k has 0 heads; expected at least 1 (C6)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x0x64xf32>,
          tensor<2x16x0x64xf32>)
      scale(1.0)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func @attention_c7(%q: tensor<2x8x4x64xf32>, %k: memref<2x16x2x64xf32>) {
  // expected-error @+1 {{op k is 'memref<2x16x2x64xf32>' and q is 'tensor<2x8x4x64xf32>'; expected all to be tensors or all to be memrefs (C7)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, memref<2x16x2x64xf32>,
          memref<2x16x2x64xf32>)
      scale(1.0)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func @attention_c7_operand(%q: memref<2x8x4x64xf32>,
                                %k: memref<2x16x2x64xf32>,
                                %lens: tensor<2xi32>) {
  // expected-error @+1 {{op kv_lens is 'tensor<2xi32>' and q is 'memref<2x8x4x64xf32>'; expected all to be tensors or all to be memrefs (C7)}}
  attn.attention
      ins(%q, %k, %k : memref<2x8x4x64xf32>, memref<2x16x2x64xf32>,
          memref<2x16x2x64xf32>)
      scale(1.0) kv_lens(%lens : tensor<2xi32>)
      outs(%q : memref<2x8x4x64xf32>)
  return
}

// -----

func.func @attention_c7_capture(%q: tensor<2x8x4x64xf32>,
                                %k: tensor<2x16x2x64xf32>, %c: f32,
                                %capture: memref<4xf32>) {
  // expected-error @+1 {{op score_operands #1 is 'memref<4xf32>' and q is 'tensor<2x8x4x64xf32>'; expected all to be tensors or all to be memrefs (C7)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0) score_mod(@mod)
      score_operands(%c, %capture : f32, memref<4xf32>)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func @attention_c7_out(%q: tensor<2x8x4x64xf32>,
                            %k: tensor<2x16x2x64xf32>,
                            %out: memref<2x8x4x64xf32>) {
  // expected-error @+1 {{op outs #0 is 'memref<2x8x4x64xf32>' and q is 'tensor<2x8x4x64xf32>'; expected all to be tensors or all to be memrefs (C7)}}
  attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0)
      outs(%out : memref<2x8x4x64xf32>)
  return
}

// -----

func.func @attention_c7_no_result(%q: tensor<2x8x4x64xf32>,
                                  %k: tensor<2x16x2x64xf32>) {
  // expected-error @+1 {{op has results (); expected the types of the tensor inits, ('tensor<2x8x4x64xf32>') (C7)}}
  attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0)
      outs(%q : tensor<2x8x4x64xf32>)
  return
}

// -----

func.func @attention_c7_result_type(%q: tensor<2x8x4x64xf32>,
                                    %k: tensor<2x16x2x64xf32>) {
  // expected-error @+1 {{op has results ('tensor<2x8x4x?xf32>'); expected the types of the tensor inits, ('tensor<2x8x4x64xf32>') (C7)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x?xf32>
  return
}

// -----

func.func @attention_c7_memref_result(%q: memref<2x8x4x64xf32>,
                                      %k: memref<2x16x2x64xf32>) {
  // expected-error @+1 {{op has results ('tensor<2x8x4x64xf32>'); expected the types of the tensor inits, () (C7)}}
  %0 = attn.attention
      ins(%q, %k, %k : memref<2x8x4x64xf32>, memref<2x16x2x64xf32>,
          memref<2x16x2x64xf32>)
      scale(1.0)
      outs(%q : memref<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func @attention_c8(%q: memref<2x8x4x64xf32>, %lse: memref<2x4x8xf32>) {
  // expected-error @+1 {{op has 3 inits; expected out, or out and lse (C8)}}
  attn.attention
      ins(%q, %q, %q : memref<2x8x4x64xf32>, memref<2x8x4x64xf32>,
          memref<2x8x4x64xf32>)
      scale(1.0)
      outs(%q, %lse, %lse : memref<2x8x4x64xf32>, memref<2x4x8xf32>,
           memref<2x4x8xf32>)
  return
}

// -----

func.func @attention_c8_no_init(%q: memref<2x8x4x64xf32>) {
  // expected-error @+1 {{op has 0 inits; expected out, or out and lse (C8)}}
  "attn.attention"(%q, %q, %q) <{
    operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                     0, 0, 0, 0, 0, 0, 0>,
    scale = 1.0 : f32}>
      : (memref<2x8x4x64xf32>, memref<2x8x4x64xf32>, memref<2x8x4x64xf32>)
      -> ()
  return
}

// -----

func.func @attention_c8_lse_order(%q: tensor<2x8x4x64xf32>,
                                  %k: tensor<2x16x2x64xf32>,
                                  %lse: tensor<2x8x4xf32>) {
  // expected-error @+1 {{op lse is 'tensor<2x8x4xf32>'; expected f32 [B, Hq, Sq] with B = 2, Hq = 4, Sq = 8 (C8)}}
  %0:2 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0)
      outs(%q, %lse : tensor<2x8x4x64xf32>, tensor<2x8x4xf32>)
      -> tensor<2x8x4x64xf32>, tensor<2x8x4xf32>
  return
}

// -----

func.func @attention_c8_lse_packed(%q: tensor<100x4x64xf32>,
                                   %k: tensor<200x2x64xf32>,
                                   %lse: tensor<100x4xf32>,
                                   %cu: tensor<4xi32>) {
  // expected-error @+1 {{op lse is 'tensor<100x4xf32>'; expected f32 [Hq, total_q] with Hq = 4, total_q = 100 (C8)}}
  %0:2 = attn.attention
      ins(%q, %k, %k : tensor<100x4x64xf32>, tensor<200x2x64xf32>,
          tensor<200x2x64xf32>)
      layout(thd) scale(1.0) cu_seqlens_q(%cu : tensor<4xi32>)
      cu_seqlens_kv(%cu : tensor<4xi32>)
      outs(%q, %lse : tensor<100x4x64xf32>, tensor<100x4xf32>)
      -> tensor<100x4x64xf32>, tensor<100x4xf32>
  return
}

// -----

func.func @attention_c9(%q: tensor<2x8x4x64xf32>, %k: tensor<2x16x2x64xf32>) {
  // expected-error @+1 {{op has neither of scale and dynamic_scale; expected exactly one (C9)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      mask(#attn.causal)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func @attention_c9_both(%q: tensor<2x8x4x64xf32>,
                             %k: tensor<2x16x2x64xf32>, %scale: f32) {
  // expected-error @+1 {{op has both of scale and dynamic_scale; expected exactly one (C9)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0) dynamic_scale(%scale)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func @attention_c9_nan(%q: tensor<2x8x4x64xf32>,
                            %k: tensor<2x16x2x64xf32>) {
  // expected-error @+1 {{op scale is 0x7FC00000 : f32; expected a finite number (C9)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(0x7FC00000)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func @attention_c9_infinite(%q: tensor<2x8x4x64xf32>,
                                 %k: tensor<2x16x2x64xf32>) {
  // expected-error @+1 {{op scale is 0x7F800000 : f32; expected a finite number (C9)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(0x7F800000)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func @attention_c10(%q: tensor<2x8x4x64xf32>,
                         %k: tensor<2x16x2x64xf32>, %cap: f32) {
  // expected-error @+1 {{op has both of softcap and dynamic_softcap; expected at most one (C10)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0) softcap(50.0) dynamic_softcap(%cap)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func @attention_c10_negative(%q: tensor<2x8x4x64xf32>,
                                  %k: tensor<2x16x2x64xf32>) {
  // expected-error @+1 {{op softcap is -5.000000e+01 : f32; expected a finite number >= 0 (C10)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0) softcap(-50.0)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func @attention_c10_infinite(%q: tensor<2x8x4x64xf32>,
                                  %k: tensor<2x16x2x64xf32>) {
  // expected-error @+1 {{op softcap is 0x7F800000 : f32; expected a finite number >= 0 (C10)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0) softcap(0x7F800000)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func @attention_c11(%q: tensor<2x8x4x64xf32>,
                         %k: tensor<2x16x2x64xf32>, %offset: i64) {
  // expected-error @+1 {{op has 2 of q_offset, dynamic_q_offset and q_positions; expected at most one (C11)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0) q_offset(3) dynamic_q_offset(%offset : i64)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func @attention_c11_positions(%q: tensor<2x8x4x64xf32>,
                                   %k: tensor<2x16x2x64xf32>,
                                   %p: tensor<2x8xi64>) {
  // expected-error @+1 {{op has 2 of q_offset, dynamic_q_offset and q_positions; expected at most one (C11)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0) q_offset(0) q_positions(%p : tensor<2x8xi64>)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func @attention_c23(%q: memref<2x8x4x64xf32>,
                         %k: memref<2x16x2x64xf32, strided<[4096, 256, 128, 2]>>) {
  // expected-error @+1 {{op k has stride 2 along the innermost dim of layout bshd; expected 1 (C23)}}
  attn.attention
      ins(%q, %k, %k : memref<2x8x4x64xf32>,
          memref<2x16x2x64xf32, strided<[4096, 256, 128, 2]>>,
          memref<2x16x2x64xf32, strided<[4096, 256, 128, 2]>>)
      scale(1.0)
      outs(%q : memref<2x8x4x64xf32>)
  return
}

// -----

#tiled = affine_map<(b, s, h, d) -> (b, s, h, d floordiv 8)>
func.func @attention_c23_not_strided(%q: memref<2x8x4x64xf32, #tiled>,
                                     %k: memref<2x16x2x64xf32>,
                                     %out: memref<2x8x4x64xf32>) {
  // expected-error @+1 {{expected a strided layout (C23)}}
  attn.attention
      ins(%q, %k, %k : memref<2x8x4x64xf32, #tiled>,
          memref<2x16x2x64xf32>, memref<2x16x2x64xf32>)
      scale(1.0)
      outs(%out : memref<2x8x4x64xf32>)
  return
}
