// One test per constraint of attn.attention on its other operands, masks and
// blocks, named after it; suffixes tell further ways to break the same one.
// RUN: attn-opt %s --split-input-file --verify-diagnostics

func.func @attention_c12(%q: tensor<2x8x4x64xf32>,
                         %k: tensor<2x16x2x64xf32>,
                         %bias: tensor<4x8x16xf32>) {
  // expected-error @+1 {{op bias is 'tensor<4x8x16xf32>'; expected float [B or 1, Hq or 1, Sq or 1, Skv or 1] with B = 2, Hq = 4, Sq = 8, Skv = 16 (C12)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0) bias(%bias : tensor<4x8x16xf32>)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func @attention_c12_size(%q: tensor<2x8x4x64xf32>,
                              %k: tensor<2x16x2x64xf32>,
                              %bias: tensor<2x2x8x16xf32>) {
  // expected-error @+1 {{op bias is 'tensor<2x2x8x16xf32>'; expected float [B or 1, Hq or 1, Sq or 1, Skv or 1] with B = 2, Hq = 4, Sq = 8, Skv = 16 (C12)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0) bias(%bias : tensor<2x2x8x16xf32>)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func @attention_c12_elements(%q: tensor<2x8x4x64xf32>,
                                  %k: tensor<2x16x2x64xf32>,
                                  %bias: tensor<2x4x8x16xi1>) {
  // expected-error @+1 {{op bias is 'tensor<2x4x8x16xi1>'; expected float [B or 1, Hq or 1, Sq or 1, Skv or 1] with B = 2, Hq = 4, Sq = 8, Skv = 16 (C12)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0) bias(%bias : tensor<2x4x8x16xi1>)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func @attention_c13(%q: tensor<2x8x4x64xf32>,
                         %k: tensor<2x16x2x64xf32>, %sinks: tensor<2xf32>) {
  // expected-error @+1 {{op sinks is 'tensor<2xf32>'; expected f32 [Hq] with Hq = 4 (C13)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0) sinks(%sinks : tensor<2xf32>)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func @attention_c13_elements(%q: tensor<2x8x4x64xf32>,
                                  %k: tensor<2x16x2x64xf32>,
                                  %sinks: tensor<4xbf16>) {
  // expected-error @+1 {{op sinks is 'tensor<4xbf16>'; expected f32 [Hq] with Hq = 4 (C13)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0) sinks(%sinks : tensor<4xbf16>)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func @attention_c13_slopes(%q: tensor<2x8x4x64xf32>,
                                %k: tensor<2x16x2x64xf32>,
                                %slopes: tensor<4x2xf32>) {
  // expected-error @+1 {{op alibi_slopes is 'tensor<4x2xf32>'; expected f32 [Hq] or [B, Hq] with Hq = 4, B = 2 (C13)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0) alibi_slopes(%slopes : tensor<4x2xf32>)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func @attention_c14(%q: tensor<2x8x4x64xf32>,
                         %k: tensor<2x16x2x64xf32>, %lens: tensor<2xi64>) {
  // expected-error @+1 {{op kv_lens is 'tensor<2xi64>'; expected i32 [B] with B = 2 (C14)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0) kv_lens(%lens : tensor<2xi64>)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

// q's batch is dynamic, but k's is not.
func.func @attention_c14_q(%q: tensor<?x8x4x64xf32>,
                           %k: tensor<2x16x2x64xf32>, %lens: tensor<3xi32>) {
  // expected-error @+1 {{op q_lens is 'tensor<3xi32>'; expected i32 [B] with B = 2 (C14)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<?x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0) q_lens(%lens : tensor<3xi32>)
      outs(%q : tensor<?x8x4x64xf32>) -> tensor<?x8x4x64xf32>
  return
}

// -----

func.func @attention_c15(%q: tensor<2x8x4x64xf32>,
                         %k: tensor<2x16x2x64xf32>, %p: tensor<2x16xi64>) {
  // expected-error @+1 {{op q_positions is 'tensor<2x16xi64>'; expected i64 [B, Sq] with B = 2, Sq = 8 (C15)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0) q_positions(%p : tensor<2x16xi64>)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func @attention_c15_packed(%q: tensor<100x4x64xf32>,
                                %k: tensor<200x2x64xf32>,
                                %cu: tensor<4xi32>, %p: tensor<3x40xi64>) {
  // expected-error @+1 {{op q_positions is 'tensor<3x40xi64>'; expected i64 [total_q] with total_q = 100 (C15)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<100x4x64xf32>, tensor<200x2x64xf32>,
          tensor<200x2x64xf32>)
      layout(thd) scale(1.0) q_positions(%p : tensor<3x40xi64>)
      cu_seqlens_q(%cu : tensor<4xi32>) cu_seqlens_kv(%cu : tensor<4xi32>)
      outs(%q : tensor<100x4x64xf32>) -> tensor<100x4x64xf32>
  return
}

// -----

func.func @attention_c15_offset(%q: tensor<2x8x4x64xf32>,
                                %k: tensor<2x16x2x64xf32>,
                                %offset: tensor<2xi32>) {
  // expected-error @+1 {{op dynamic_q_offset is 'tensor<2xi32>'; expected i64 [B] with B = 2 (C15)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0) dynamic_q_offset(%offset : tensor<2xi32>)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func @attention_c15_offset_per_head(%q: tensor<2x8x4x64xf32>,
                                         %k: tensor<2x16x2x64xf32>,
                                         %offset: tensor<4xi64>) {
  // expected-error @+1 {{op dynamic_q_offset is 'tensor<4xi64>'; expected i64 [B] with B = 2 (C15)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0) dynamic_q_offset(%offset : tensor<4xi64>)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func @attention_c16(%q: tensor<100x4x64xf32>,
                         %k: tensor<200x2x64xf32>, %cu: tensor<4xi32>) {
  // expected-error @+1 {{op q has layout thd and cu_seqlens_q is absent; expected cu_seqlens_q with packed q and only there (C16)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<100x4x64xf32>, tensor<200x2x64xf32>,
          tensor<200x2x64xf32>)
      layout(thd) scale(1.0) cu_seqlens_kv(%cu : tensor<4xi32>)
      outs(%q : tensor<100x4x64xf32>) -> tensor<100x4x64xf32>
  return
}

// -----

func.func @attention_c16_kv(%q: tensor<2x8x4x64xf32>,
                            %k: tensor<2x16x2x64xf32>, %cu: tensor<3xi32>) {
  // expected-error @+1 {{op k has layout bshd and cu_seqlens_kv is given; expected cu_seqlens_kv with packed k and v and only there (C16)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0) cu_seqlens_kv(%cu : tensor<3xi32>)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func @attention_c16_out(%q: tensor<2x8x4x64xf32>,
                             %k: tensor<2x16x2x64xf32>,
                             %out: tensor<16x4x64xf32>) {
  // expected-error @+1 {{op q has layout bshd and out has layout thd; expected both or neither to be packed (C16)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      layout(q = bshd, k = bshd, v = bshd, out = thd) scale(1.0)
      outs(%out : tensor<16x4x64xf32>) -> tensor<16x4x64xf32>
  return
}

// -----

func.func @attention_c16_v(%q: tensor<2x8x4x64xf32>,
                           %k: tensor<2x16x2x64xf32>,
                           %v: tensor<2x64x32xf32>) {
  // expected-error @+1 {{op k has layout bshd and v has layout hdt; expected both or neither to be packed (C16)}}
  %0 = attn.attention
      ins(%q, %k, %v : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x64x32xf32>)
      layout(q = bshd, k = bshd, v = hdt, out = bshd) scale(1.0)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func @attention_c16_lengths(%q: tensor<100x4x64xf32>,
                                 %k: tensor<200x2x64xf32>,
                                 %cu: tensor<4xi32>, %ckv: tensor<5xi32>) {
  // expected-error @+1 {{op cu_seqlens_kv is 'tensor<5xi32>'; expected i32 [B + 1] with B + 1 = 4 (C16)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<100x4x64xf32>, tensor<200x2x64xf32>,
          tensor<200x2x64xf32>)
      layout(thd) scale(1.0) cu_seqlens_q(%cu : tensor<4xi32>)
      cu_seqlens_kv(%ckv : tensor<5xi32>)
      outs(%q : tensor<100x4x64xf32>) -> tensor<100x4x64xf32>
  return
}

// -----

func.func @attention_c16_elements(%q: tensor<100x4x64xf32>,
                                  %k: tensor<200x2x64xf32>,
                                  %cu: tensor<4xi64>, %ckv: tensor<4xi32>) {
  // expected-error @+1 {{op cu_seqlens_q is 'tensor<4xi64>'; expected i32 [B + 1] with B + 1 = 4 (C16)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<100x4x64xf32>, tensor<200x2x64xf32>,
          tensor<200x2x64xf32>)
      layout(thd) scale(1.0) cu_seqlens_q(%cu : tensor<4xi64>)
      cu_seqlens_kv(%ckv : tensor<4xi32>)
      outs(%q : tensor<100x4x64xf32>) -> tensor<100x4x64xf32>
  return
}

// -----

func.func @attention_c16_rank(%q: tensor<100x4x64xf32>,
                              %k: tensor<200x2x64xf32>, %cu: tensor<i32>,
                              %ckv: tensor<4xi32>) {
  // expected-error @+1 {{op cu_seqlens_q is 'tensor<i32>'; expected i32 [B + 1] with B + 1 = 4 (C16)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<100x4x64xf32>, tensor<200x2x64xf32>,
          tensor<200x2x64xf32>)
      layout(thd) scale(1.0) cu_seqlens_q(%cu : tensor<i32>)
      cu_seqlens_kv(%ckv : tensor<4xi32>)
      outs(%q : tensor<100x4x64xf32>) -> tensor<100x4x64xf32>
  return
}

// -----

func.func @attention_c16_empty(%q: tensor<100x4x64xf32>,
                               %k: tensor<200x2x64xf32>, %cu: tensor<0xi32>) {
  // expected-error @+1 {{op cu_seqlens_q is 'tensor<0xi32>'; expected i32 [B + 1], at least one element (C16)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<100x4x64xf32>, tensor<200x2x64xf32>,
          tensor<200x2x64xf32>)
      layout(thd) scale(1.0) cu_seqlens_q(%cu : tensor<0xi32>)
      cu_seqlens_kv(%cu : tensor<0xi32>)
      outs(%q : tensor<100x4x64xf32>) -> tensor<100x4x64xf32>
  return
}

// -----

func.func @attention_c16_q_lens(%q: tensor<100x4x64xf32>,
                                %k: tensor<200x2x64xf32>,
                                %cu: tensor<4xi32>, %lens: tensor<3xi32>) {
  // expected-error @+1 {{op has q_lens and q is packed; expected cu_seqlens_q alone (C16)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<100x4x64xf32>, tensor<200x2x64xf32>,
          tensor<200x2x64xf32>)
      layout(thd) scale(1.0) q_lens(%lens : tensor<3xi32>)
      cu_seqlens_q(%cu : tensor<4xi32>) cu_seqlens_kv(%cu : tensor<4xi32>)
      outs(%q : tensor<100x4x64xf32>) -> tensor<100x4x64xf32>
  return
}

// -----

func.func @attention_c16_kv_lens(%q: tensor<100x4x64xf32>,
                                 %k: tensor<200x2x64xf32>,
                                 %cu: tensor<4xi32>, %lens: tensor<3xi32>) {
  // expected-error @+1 {{op has kv_lens and k is packed; expected cu_seqlens_kv alone (C16)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<100x4x64xf32>, tensor<200x2x64xf32>,
          tensor<200x2x64xf32>)
      layout(thd) scale(1.0) kv_lens(%lens : tensor<3xi32>)
      cu_seqlens_q(%cu : tensor<4xi32>) cu_seqlens_kv(%cu : tensor<4xi32>)
      outs(%q : tensor<100x4x64xf32>) -> tensor<100x4x64xf32>
  return
}

// -----

func.func @attention_c17(%q: tensor<2x8x4x64xf32>,
                         %k: tensor<50x16x2x64xf32>, %lens: tensor<2xi32>) {
  // expected-error @+1 {{op k has layout paged and block_table is absent; expected block_table with paged k and v and only there (C17)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<50x16x2x64xf32>,
          tensor<50x16x2x64xf32>)
      layout(q = bshd, k = paged, v = paged, out = bshd) scale(1.0)
      kv_lens(%lens : tensor<2xi32>)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func @attention_c17_not_paged(%q: tensor<2x8x4x64xf32>,
                                   %k: tensor<2x16x2x64xf32>,
                                   %table: tensor<2x7xi32>) {
  // expected-error @+1 {{op k has layout bshd and block_table is given; expected block_table with paged k and v and only there (C17)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0) block_table(%table : tensor<2x7xi32>)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func @attention_c17_v(%q: tensor<2x8x4x64xf32>,
                           %k: tensor<50x16x2x64xf32>) {
  // expected-error @+1 {{op k has layout paged and v has layout bshd; expected both or neither to be paged (C17)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<50x16x2x64xf32>,
          tensor<50x16x2x64xf32>)
      layout(q = bshd, k = paged, v = bshd, out = bshd) scale(1.0)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func @attention_c17_q(%q: tensor<2x8x4x64xf32>,
                           %k: tensor<2x16x2x64xf32>) {
  // expected-error @+1 {{op q has layout paged; expected only k and v to be paged (C17)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      layout(paged) scale(1.0)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func @attention_c17_table(%q: tensor<2x8x4x64xf32>,
                               %k: tensor<50x16x2x64xf32>,
                               %lens: tensor<2xi32>, %table: tensor<3x7xi32>) {
  // expected-error @+1 {{op block_table is 'tensor<3x7xi32>'; expected i32 [B, max_pages] with B = 2 (C17)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<50x16x2x64xf32>,
          tensor<50x16x2x64xf32>)
      layout(q = bshd, k = paged, v = paged, out = bshd) scale(1.0)
      kv_lens(%lens : tensor<2xi32>)
      block_table(%table : tensor<3x7xi32>)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func @attention_c17_no_lens(%q: tensor<2x8x4x64xf32>,
                                 %k: tensor<50x16x2x64xf32>,
                                 %table: tensor<2x7xi32>) {
  // expected-error @+1 {{op has block_table and no kv_lens; expected both (C17)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<50x16x2x64xf32>,
          tensor<50x16x2x64xf32>)
      layout(q = bshd, k = paged, v = paged, out = bshd) scale(1.0)
      block_table(%table : tensor<2x7xi32>)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func @attention_c18(%q: tensor<2x8x4x64xf32>,
                         %k: tensor<2x16x2x64xf32>, %n: tensor<2xi32>) {
  // expected-error @+1 {{op mask #attn.prefix<slot 1> names slot 1 and there are 1 mask operands; expected a slot below 1 (C18)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0) mask(#attn.prefix<slot 1>)
      mask_operands(%n : tensor<2xi32>)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func @attention_c18_not_a_mask(%q: tensor<2x8x4x64xf32>,
                                    %k: tensor<2x16x2x64xf32>) {
  // expected-error @+1 {{op mask is 3 : i64; expected a mask of the attn dialect (C18)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0) mask(3 : i64)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func @attention_c18_unnamed(%q: tensor<2x8x4x64xf32>,
                                 %k: tensor<2x16x2x64xf32>,
                                 %n: tensor<2xi32>) {
  // expected-error @+1 {{op mask_operands #0 is named by no slot of the mask; expected a slot (C18)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0) mask(#attn.causal)
      mask_operands(%n : tensor<2xi32>)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func @attention_c18_no_mask(%q: tensor<2x8x4x64xf32>,
                                 %k: tensor<2x16x2x64xf32>,
                                 %n: tensor<2xi32>) {
  // expected-error @+1 {{op mask_operands #0 is named by no slot of the mask; expected a slot (C18)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0) mask_operands(%n : tensor<2xi32>)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func @attention_c18_prefix(%q: tensor<2x8x4x64xf32>,
                                %k: tensor<2x16x2x64xf32>, %n: tensor<2xi64>) {
  // expected-error @+1 {{op mask_operands #0 is 'tensor<2xi64>'; expected i32 [B] with B = 2 (C18)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0) mask(#attn.prefix<slot 0>)
      mask_operands(%n : tensor<2xi64>)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func @attention_c18_segments(%q: tensor<2x8x4x64xf32>,
                                  %k: tensor<2x16x2x64xf32>,
                                  %s: tensor<2x8xi32>) {
  // expected-error @+1 {{op mask_operands #1 is 'tensor<2x8xi32>'; expected i32 [B, Skv] with B = 2, Skv = 16 (C18)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0) mask(#attn.not<#attn.segments<q = 0, kv = 1>>)
      mask_operands(%s, %s : tensor<2x8xi32>, tensor<2x8xi32>)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func @attention_c18_packed_segments(%q: tensor<100x4x64xf32>,
                                         %k: tensor<200x2x64xf32>,
                                         %a: tensor<3x40xi32>,
                                         %b: tensor<200xi32>,
                                         %cu: tensor<4xi32>) {
  // expected-error @+1 {{op mask_operands #0 is 'tensor<3x40xi32>'; expected i32 [total_q] with total_q = 100 (C18)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<100x4x64xf32>, tensor<200x2x64xf32>,
          tensor<200x2x64xf32>)
      layout(thd) scale(1.0) mask(#attn.segments<q = 0, kv = 1>)
      mask_operands(%a, %b : tensor<3x40xi32>, tensor<200xi32>)
      cu_seqlens_q(%cu : tensor<4xi32>) cu_seqlens_kv(%cu : tensor<4xi32>)
      outs(%q : tensor<100x4x64xf32>) -> tensor<100x4x64xf32>
  return
}

// -----

func.func @attention_c18_dense(%q: tensor<2x8x4x64xf32>,
                               %k: tensor<2x16x2x64xf32>,
                               %m: tensor<2x4x8x16xi8>) {
  // expected-error @+1 {{op mask_operands #0 is 'tensor<2x4x8x16xi8>'; expected i1 [B or 1, Hq or 1, Sq or 1, Skv or 1] with B = 2, Hq = 4, Sq = 8, Skv = 16 (C18)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0) mask(#attn.or<[#attn.causal, #attn.dense<0>]>)
      mask_operands(%m : tensor<2x4x8x16xi8>)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func @attention_c18_custom(%q: tensor<2x8x4x64xf32>,
                                %k: tensor<2x16x2x64xf32>) {
  // expected-error @+1 {{op mask #attn.custom<@f, [0]> names slot 0 and there are 0 mask operands; expected a slot below 0 (C18)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0) mask(#attn.custom<@f, [0]>)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func @attention_c19(%q: tensor<2x8x4x64xf32>, %k: tensor<2x16x2x64xf32>) {
  // expected-error @+1 {{op per_head has 2 masks and q has 4 heads; expected one mask per query head (C19)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0) mask(#attn.per_head<[#attn.causal, #attn.chunked<4>]>)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func @attention_c19_nested(%q: tensor<2x8x1x64xf32>,
                                %k: tensor<2x16x1x64xf32>) {
  // expected-error @+1 {{op per_head has #attn.per_head<[#attn.causal]> inside; expected no nesting (C19)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x1x64xf32>, tensor<2x16x1x64xf32>,
          tensor<2x16x1x64xf32>)
      scale(1.0)
      mask(#attn.per_head<[#attn.not<#attn.per_head<[#attn.causal]>>]>)
      outs(%q : tensor<2x8x1x64xf32>) -> tensor<2x8x1x64xf32>
  return
}

// -----

func.func @attention_c20(%q: tensor<2x8x4x64xf32>,
                         %k: tensor<2x16x2x64xf32>, %c: f32) {
  // expected-error @+1 {{op has score_operands and no score_mod; expected both or neither (C20)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0) score_operands(%c : f32)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func @attention_c20_unknown(%q: tensor<2x8x4x64xf32>,
                                 %k: tensor<2x16x2x64xf32>) {
  // expected-error @+1 {{op names @mod; expected a func.func in scope (C20)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0) score_mod(@mod)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func private @mod(%s: f32, %i: index, %j: index) -> f32 {
  return %s : f32
}

func.func @attention_c20_arguments(%q: tensor<2x8x4x64xf32>,
                                   %k: tensor<2x16x2x64xf32>) {
  // expected-error @+1 {{op function @mod has type '(f32, index, index) -> f32'; expected '(f32, index, index, index, index) -> f32' with captures of scalar, tensor or memref type (C20)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0) score_mod(@mod)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func private @mod(%s: f32, %b: index, %h: index, %i: index,
                       %j: index) -> index {
  return %j : index
}

func.func @attention_c20_result(%q: tensor<2x8x4x64xf32>,
                                %k: tensor<2x16x2x64xf32>) {
  // expected-error @+1 {{op function @mod has type '(f32, index, index, index, index) -> index'; expected '(f32, index, index, index, index) -> f32' with captures of scalar, tensor or memref type (C20)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0) score_mod(@mod)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func private @mod(%s: f32, %b: index, %h: index, %i: index,
                       %j: index, %c: f64) -> f32 {
  return %s : f32
}

func.func @attention_c20_capture(%q: tensor<2x8x4x64xf32>,
                                 %k: tensor<2x16x2x64xf32>, %c: f32) {
  // expected-error @+1 {{op function @mod has type '(f32, index, index, index, index, f64) -> f32'; expected '(f32, index, index, index, index, f32) -> f32' with captures of scalar, tensor or memref type (C20)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0) score_mod(@mod) score_operands(%c : f32)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func private @mod(%s: f32, %b: index, %h: index, %i: index,
                       %j: index, %c: vector<4xf32>) -> f32 {
  return %s : f32
}

func.func @attention_c20_vector_capture(%q: tensor<2x8x4x64xf32>,
                                        %k: tensor<2x16x2x64xf32>,
                                        %c: vector<4xf32>) {
  // expected-error @+1 {{op function @mod has type '(f32, index, index, index, index, vector<4xf32>) -> f32'; expected '(f32, index, index, index, index, vector<4xf32>) -> f32' with captures of scalar, tensor or memref type (C20)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0) score_mod(@mod)
      score_operands(%c : vector<4xf32>)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func private @mod(%s: f32, %b: index, %h: index, %i: index,
                       %j: index, %c: memref<5xf32>) -> f32 {
  return %s : f32
}

func.func @attention_c20_memref_capture(%q: memref<2x8x4x64xf32>,
                                        %k: memref<2x16x2x64xf32>,
                                        %c: memref<4xf32>) {
  // expected-error @+1 {{op function @mod has type '(f32, index, index, index, index, memref<5xf32>) -> f32'; expected '(f32, index, index, index, index, memref<4xf32>) -> f32' with captures of scalar, tensor or memref type (C20)}}
  attn.attention
      ins(%q, %k, %k : memref<2x8x4x64xf32>, memref<2x16x2x64xf32>,
          memref<2x16x2x64xf32>)
      scale(1.0) score_mod(@mod)
      score_operands(%c : memref<4xf32>)
      outs(%q : memref<2x8x4x64xf32>)
  return
}

// -----

func.func private @mod(%s: f32, %b: index, %h: index, %i: index,
                       %j: index, %c: tensor<4x?xf32>) -> f32 {
  %x = tensor.extract %c[%h, %j] : tensor<4x?xf32>
  return %x : f32
}

func.func @attention_c20_empty_capture(%q: tensor<2x8x4x64xf32>,
                                       %k: tensor<2x16x2x64xf32>,
                                       %c: tensor<4x0xf32>) {
  // expected-error @+1 {{op function @mod captures 'tensor<4x0xf32>'; expected no dim of 0 (C20)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0) score_mod(@mod)
      score_operands(%c : tensor<4x0xf32>)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// Nothing is read where there is no key.
func.func @empty_capture_and_no_key(%q: tensor<2x8x4x64xf32>,
                                    %k: tensor<2x0x2x64xf32>,
                                    %c: tensor<4x0xf32>) {
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x0x2x64xf32>,
          tensor<2x0x2x64xf32>)
      scale(1.0) score_mod(@mod)
      score_operands(%c : tensor<4x0xf32>)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func private @visible(%b: index, %h: index, %i: index, %j: index,
                           %n: tensor<2xi32>) -> index {
  return %j : index
}

func.func @attention_c20_mask_result(%q: tensor<2x8x4x64xf32>,
                                     %k: tensor<2x16x2x64xf32>,
                                     %n: tensor<2xi32>) {
  // expected-error @+1 {{op function @visible has type '(index, index, index, index, tensor<2xi32>) -> index'; expected '(index, index, index, index, tensor<2xi32>) -> i1' with captures of scalar, tensor or memref type (C20)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0) mask(#attn.or<[#attn.causal, #attn.custom<@visible, [0]>]>)
      mask_operands(%n : tensor<2xi32>)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func private @mod(f32, index, index, index, index) -> f32

func.func @attention_c20_declaration(%q: tensor<2x8x4x64xf32>,
                                     %k: tensor<2x16x2x64xf32>) {
  // expected-error @+1 {{op function @mod has 0 blocks; expected a body of one block (C20)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0) score_mod(@mod)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func private @mod(%s: f32, %b: index, %h: index, %i: index,
                       %j: index) -> f32 {
  cf.br ^bb1
^bb1:
  return %s : f32
}

func.func @attention_c20_blocks(%q: tensor<2x8x4x64xf32>,
                                %k: tensor<2x16x2x64xf32>) {
  // expected-error @+1 {{op function @mod has 2 blocks; expected a body of one block (C20)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0) score_mod(@mod)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func private @other(%s: f32) -> f32 {
  return %s : f32
}

func.func private @mod(%s: f32, %b: index, %h: index, %i: index,
                       %j: index) -> f32 {
  // expected-note @+1 {{the op is here}}
  %r = call @other(%s) : (f32) -> f32
  return %r : f32
}

func.func @attention_c20_op(%q: tensor<2x8x4x64xf32>,
                            %k: tensor<2x16x2x64xf32>) {
  // expected-error @+1 {{op function @mod contains 'func.call'; expected an op of the list in docs/functions.md (C20)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0) score_mod(@mod)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func private @mod(%s: f32, %b: index, %h: index, %i: index,
                       %j: index, %c: memref<4xf32>) -> f32 {
  // expected-note @+1 {{the op is here}}
  memref.store %s, %c[%h] : memref<4xf32>
  return %s : f32
}

func.func @attention_c20_store(%q: memref<2x8x4x64xf32>,
                               %k: memref<2x16x2x64xf32>, %c: memref<4xf32>) {
  // expected-error @+1 {{op function @mod contains 'memref.store'; expected an op of the list in docs/functions.md (C20)}}
  attn.attention
      ins(%q, %k, %k : memref<2x8x4x64xf32>, memref<2x16x2x64xf32>,
          memref<2x16x2x64xf32>)
      scale(1.0) score_mod(@mod)
      score_operands(%c : memref<4xf32>)
      outs(%q : memref<2x8x4x64xf32>)
  return
}

// -----

func.func private @mod(%s: f32, %b: index, %h: index, %i: index,
                       %j: index) -> f32 {
  // expected-note @+1 {{the op is here}}
  %r = arith.remf %s, %s : f32
  return %r : f32
}

func.func @attention_c20_library_call(%q: tensor<2x8x4x64xf32>,
                                      %k: tensor<2x16x2x64xf32>) {
  // expected-error @+1 {{op function @mod contains 'arith.remf'; expected an op of the list in docs/functions.md (C20)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0) score_mod(@mod)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func private @visible(%b: index, %h: index, %i: index,
                           %j: index) -> i1 {
  %r = func.call @visible(%b, %h, %i, %j) // expected-note {{the op is here}}
      : (index, index, index, index) -> i1
  return %r : i1
}

func.func @attention_c20_recursion(%q: tensor<2x8x4x64xf32>,
                                   %k: tensor<2x16x2x64xf32>) {
  // expected-error @+1 {{op function @visible contains 'func.call'; expected an op of the list in docs/functions.md (C20)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0) mask(#attn.custom<@visible>)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func private @mod(%s: f32, %b: index, %h: index, %i: index,
                       %j: index) -> f32 {
  %wide = arith.extf %s : f32 to f64
  // expected-note @+1 {{the op is here}}
  %sum = arith.addf %wide, %wide : f64
  %r = arith.truncf %sum : f64 to f32
  return %r : f32
}

func.func @attention_c20_type(%q: tensor<2x8x4x64xf32>,
                              %k: tensor<2x16x2x64xf32>) {
  // expected-error @+1 {{op function @mod contains 'arith.addf' on f64; expected index, i1, i8, i16, i32, i64 or f32, and f16, bf16 or f64 in loads and conversions alone (C20)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0) score_mod(@mod)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func private @mod(%s: f32, %b: index, %h: index, %i: index,
                       %j: index, %c: tensor<4xf8E5M2>) -> f32 {
  // expected-note @+1 {{the op is here}}
  %x = tensor.extract %c[%h] : tensor<4xf8E5M2>
  %r = arith.extf %x : f8E5M2 to f32
  return %r : f32
}

func.func @attention_c20_load(%q: tensor<2x8x4x64xf32>,
                              %k: tensor<2x16x2x64xf32>, %c: tensor<4xf8E5M2>) {
  // expected-error @+1 {{op function @mod contains 'tensor.extract' on f8E5M2; expected index, i1, i8, i16, i32, i64 or f32, and f16, bf16 or f64 in loads and conversions alone (C20)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0) score_mod(@mod) score_operands(%c : tensor<4xf8E5M2>)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func @attention_c21(%q: tensor<2x8x4x64xf32>,
                         %k: tensor<2x16x2x64xf32>, %d: tensor<2x2xf32>) {
  // expected-error @+1 {{op has k_descale and k has element type 'f32'; expected fp8 (C21)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0) k_descale(%d : tensor<2x2xf32>)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func @attention_c21_shape(%q: tensor<2x8x4x64xbf16>,
                               %k: tensor<2x16x2x64xf8E4M3FN>,
                               %d: tensor<2x4xf32>) {
  // expected-error @+1 {{op v_descale is 'tensor<2x4xf32>'; expected f32 [B or 1, Hkv or 1] with B = 2, Hkv = 2 (C21)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xbf16>, tensor<2x16x2x64xf8E4M3FN>,
          tensor<2x16x2x64xf8E4M3FN>)
      scale(1.0) v_descale(%d : tensor<2x4xf32>)
      outs(%q : tensor<2x8x4x64xbf16>) -> tensor<2x8x4x64xbf16>
  return
}

// -----

func.func @attention_c21_q(%q: tensor<2x8x4x64xbf16>,
                           %k: tensor<2x16x2x64xf8E4M3FN>,
                           %d: tensor<1x1xf32>) {
  // expected-error @+1 {{op has q_descale and q has element type 'bf16'; expected fp8 (C21)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xbf16>, tensor<2x16x2x64xf8E4M3FN>,
          tensor<2x16x2x64xf8E4M3FN>)
      scale(1.0) q_descale(%d : tensor<1x1xf32>)
      outs(%q : tensor<2x8x4x64xbf16>) -> tensor<2x8x4x64xbf16>
  return
}

// -----

func.func @attention_c22(%q: tensor<2x8x4x64xf32>, %k: tensor<2x16x2x64xf32>) {
  // expected-error @+1 {{op block_kv_compute is 48 and block_kv is 64; expected block_kv to be a multiple of block_kv_compute (C22)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0) block_kv(64) block_kv_compute(48)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func @attention_c22_num_splits(%q: tensor<2x8x4x64xf32>,
                                    %k: tensor<2x16x2x64xf32>) {
  // expected-error @+1 {{op num_splits is 0; expected at least 1 (C22)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0) num_splits(0)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func @attention_c22_split_size(%q: tensor<2x8x4x64xf32>,
                                    %k: tensor<2x16x2x64xf32>) {
  // expected-error @+1 {{op split_size is 0; expected at least 1 (C22)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0) split_size(0)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func @attention_c22_block_q(%q: tensor<2x8x4x64xf32>,
                                 %k: tensor<2x16x2x64xf32>) {
  // expected-error @+1 {{op block_q is 0; expected at least 1 (C22)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0) block_q(0)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func @attention_c22_block_kv(%q: tensor<2x8x4x64xf32>,
                                  %k: tensor<2x16x2x64xf32>) {
  // expected-error @+1 {{op block_kv is 0; expected at least 1 (C22)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0) block_kv(0)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func @attention_c22_block_kv_compute(%q: tensor<2x8x4x64xf32>,
                                          %k: tensor<2x16x2x64xf32>) {
  // expected-error @+1 {{op block_kv_compute is 0; expected at least 1 (C22)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0) block_kv_compute(0)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}

// -----

func.func @attention_c22_splits(%q: tensor<2x8x4x64xf32>,
                                %k: tensor<2x16x2x64xf32>) {
  // expected-error @+1 {{op has both of num_splits and split_size; expected at most one (C22)}}
  %0 = attn.attention
      ins(%q, %k, %k : tensor<2x8x4x64xf32>, tensor<2x16x2x64xf32>,
          tensor<2x16x2x64xf32>)
      scale(1.0) num_splits(2) split_size(8)
      outs(%q : tensor<2x8x4x64xf32>) -> tensor<2x8x4x64xf32>
  return
}
