// One test per constraint of attn.merge, named after it;
// suffixes tell further ways to break the same one.
// RUN: attn-opt %s --split-input-file --verify-diagnostics

func.func @merge_c1(%o: tensor<4x1x8x16x64xbf16>, %l: tensor<4x1x8x16xf32>,
                    %out: tensor<1x8x16x64xf32>) {
  // expected-error @+1 {{'attn.merge' op part_outs is 'tensor<4x1x8x16x64xbf16>'; expected f32 [P, B, Hq, Sq, D] (C1)}}
  %0 = attn.merge ins(%o, %l : tensor<4x1x8x16x64xbf16>, tensor<4x1x8x16xf32>)
      outs(%out : tensor<1x8x16x64xf32>) -> tensor<1x8x16x64xf32>
  return
}

// -----

func.func @merge_c1_rank(%o: tensor<8x16x64xf32>, %l: tensor<4x1x8x16xf32>,
                         %out: tensor<1x8x16x64xf32>) {
  // expected-error @+1 {{op part_outs is 'tensor<8x16x64xf32>'; expected f32 [P, B, Hq, Sq, D] (C1)}}
  %0 = attn.merge ins(%o, %l : tensor<8x16x64xf32>, tensor<4x1x8x16xf32>)
      outs(%out : tensor<1x8x16x64xf32>) -> tensor<1x8x16x64xf32>
  return
}

// -----

func.func @merge_c1_lses(%o: tensor<4x1x8x16x64xf32>,
                         %l: tensor<4x1x16x8xf32>,
                         %out: tensor<1x8x16x64xf32>) {
  // expected-error @+1 {{op part_lses is 'tensor<4x1x16x8xf32>'; expected f32 [P, B, Hq, Sq] with P = 4, B = 1, Hq = 8, Sq = 16 (C1)}}
  %0 = attn.merge ins(%o, %l : tensor<4x1x8x16x64xf32>, tensor<4x1x16x8xf32>)
      outs(%out : tensor<1x8x16x64xf32>) -> tensor<1x8x16x64xf32>
  return
}

// -----

func.func @merge_c2(%o: tensor<4x1x8x16x64xf32>, %l: tensor<4x1x8x16xf32>,
                    %out: tensor<1x16x8x64xf32>) {
  // expected-error @+1 {{op out is 'tensor<1x16x8x64xf32>'; expected float [B, Hq, Sq, D] with B = 1, Hq = 8, Sq = 16, D = 64 (C2)}}
  %0 = attn.merge ins(%o, %l : tensor<4x1x8x16x64xf32>, tensor<4x1x8x16xf32>)
      outs(%out : tensor<1x16x8x64xf32>) -> tensor<1x16x8x64xf32>
  return
}

// -----

func.func @merge_c2_sizes_of_lses(%o: tensor<?x?x?x?x?xf32>,
                                  %l: tensor<4x1x8x16xf32>,
                                  %out: tensor<2x8x16x64xf32>) {
  // expected-error @+1 {{op out is 'tensor<2x8x16x64xf32>'; expected float [B, Hq, Sq, D] with B = 1, Hq = 8, Sq = 16 (C2)}}
  %0 = attn.merge ins(%o, %l : tensor<?x?x?x?x?xf32>, tensor<4x1x8x16xf32>)
      outs(%out : tensor<2x8x16x64xf32>) -> tensor<2x8x16x64xf32>
  return
}

// -----

func.func @merge_c2_elements(%o: tensor<4x1x8x16x64xf32>,
                             %l: tensor<4x1x8x16xf32>,
                             %out: tensor<1x8x16x64xf8E4M3FN>) {
  // expected-error @+1 {{op out has element type 'f8E4M3FN'; expected f32, f16 or bf16 (C2)}}
  %0 = attn.merge ins(%o, %l : tensor<4x1x8x16x64xf32>, tensor<4x1x8x16xf32>)
      outs(%out : tensor<1x8x16x64xf8E4M3FN>) -> tensor<1x8x16x64xf8E4M3FN>
  return
}

// -----

func.func @merge_c2_lse(%o: tensor<4x1x8x16x64xf32>,
                        %l: tensor<4x1x8x16xf32>,
                        %out: tensor<1x8x16x64xf32>,
                        %lse: tensor<1x8x16xf16>) {
  // expected-error @+1 {{op lse is 'tensor<1x8x16xf16>'; expected f32 [B, Hq, Sq] with B = 1, Hq = 8, Sq = 16 (C2)}}
  %0:2 = attn.merge ins(%o, %l : tensor<4x1x8x16x64xf32>, tensor<4x1x8x16xf32>)
      outs(%out, %lse : tensor<1x8x16x64xf32>, tensor<1x8x16xf16>)
      -> tensor<1x8x16x64xf32>, tensor<1x8x16xf16>
  return
}

// -----

func.func @merge_c2_inits(%o: tensor<4x1x8x16x64xf32>,
                          %l: tensor<4x1x8x16xf32>,
                          %out: tensor<1x8x16x64xf32>,
                          %lse: tensor<1x8x16xf32>) {
  // expected-error @+1 {{op has 3 inits; expected out, or out and lse (C2)}}
  %0:3 = attn.merge ins(%o, %l : tensor<4x1x8x16x64xf32>, tensor<4x1x8x16xf32>)
      outs(%out, %lse, %lse : tensor<1x8x16x64xf32>, tensor<1x8x16xf32>,
           tensor<1x8x16xf32>)
      -> tensor<1x8x16x64xf32>, tensor<1x8x16xf32>, tensor<1x8x16xf32>
  return
}

// -----

func.func @merge_c3(%o: tensor<4x1x8x16x64xf32>, %l: tensor<4x1x8x16xf32>,
                    %out: tensor<1x8x16x64xf32>, %sinks: tensor<8x1xf32>) {
  // expected-error @+1 {{op sinks is 'tensor<8x1xf32>'; expected f32 [Hq] with Hq = 8 (C3)}}
  %0 = attn.merge ins(%o, %l : tensor<4x1x8x16x64xf32>, tensor<4x1x8x16xf32>)
      sinks(%sinks : tensor<8x1xf32>)
      outs(%out : tensor<1x8x16x64xf32>) -> tensor<1x8x16x64xf32>
  return
}

// -----

func.func @merge_c4(%o: tensor<4x1x8x16x64xf32>, %l: memref<4x1x8x16xf32>,
                    %out: tensor<1x8x16x64xf32>) {
  // expected-error @+1 {{op part_lses is 'memref<4x1x8x16xf32>' and part_outs is 'tensor<4x1x8x16x64xf32>'; expected all to be tensors or all to be memrefs (C4)}}
  %0 = attn.merge ins(%o, %l : tensor<4x1x8x16x64xf32>, memref<4x1x8x16xf32>)
      outs(%out : tensor<1x8x16x64xf32>) -> tensor<1x8x16x64xf32>
  return
}

// -----

func.func @merge_c4_sinks(%o: tensor<4x1x8x16x64xf32>,
                          %l: tensor<4x1x8x16xf32>,
                          %out: tensor<1x8x16x64xf32>, %sinks: memref<8xf32>) {
  // expected-error @+1 {{op sinks is 'memref<8xf32>' and part_outs is 'tensor<4x1x8x16x64xf32>'; expected all to be tensors or all to be memrefs (C4)}}
  %0 = attn.merge ins(%o, %l : tensor<4x1x8x16x64xf32>, tensor<4x1x8x16xf32>)
      sinks(%sinks : memref<8xf32>)
      outs(%out : tensor<1x8x16x64xf32>) -> tensor<1x8x16x64xf32>
  return
}

// -----

func.func @merge_c4_init(%o: tensor<4x1x8x16x64xf32>,
                         %l: tensor<4x1x8x16xf32>,
                         %out: memref<1x8x16x64xf32>) {
  // expected-error @+1 {{op an init is 'memref<1x8x16x64xf32>' and part_outs is 'tensor<4x1x8x16x64xf32>'; expected all to be tensors or all to be memrefs (C4)}}
  attn.merge ins(%o, %l : tensor<4x1x8x16x64xf32>, tensor<4x1x8x16xf32>)
      outs(%out : memref<1x8x16x64xf32>)
  return
}

// -----

func.func @merge_c4_no_result(%o: tensor<4x1x8x16x64xf32>,
                              %l: tensor<4x1x8x16xf32>,
                              %out: tensor<1x8x16x64xf32>) {
  // expected-error @+1 {{op has results (); expected the types of the tensor inits, ('tensor<1x8x16x64xf32>') (C4)}}
  attn.merge ins(%o, %l : tensor<4x1x8x16x64xf32>, tensor<4x1x8x16xf32>)
      outs(%out : tensor<1x8x16x64xf32>)
  return
}

// -----

func.func @merge_c5(%o: tensor<4x2x8x16x64xf32>, %l: tensor<4x2x8x16xf32>,
                    %lens: tensor<3xi32>, %out: tensor<2x8x16x64xf32>) {
  // expected-error @+1 {{op q_lens is 'tensor<3xi32>'; expected i32 [B] with B = 2 (C5)}}
  %0 = attn.merge ins(%o, %l : tensor<4x2x8x16x64xf32>, tensor<4x2x8x16xf32>)
      q_lens(%lens : tensor<3xi32>)
      outs(%out : tensor<2x8x16x64xf32>) -> tensor<2x8x16x64xf32>
  return
}
