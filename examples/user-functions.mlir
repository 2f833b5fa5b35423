// A score function with a table, and a mask function with document ids.
func.func private @relative(%s: f32, %b: index, %h: index, %q_pos: index,
                            %j: index, %table: tensor<8x33xf32>) -> f32 {
  %c16 = arith.constant 16 : index
  %distance = arith.subi %q_pos, %j : index
  %at = arith.addi %distance, %c16 : index
  %bias = tensor.extract %table[%h, %at] : tensor<8x33xf32>
  %f = arith.addf %s, %bias : f32
  return %f : f32
}

func.func private @document(%b: index, %h: index, %q_pos: index, %j: index,
                            %ids: tensor<?xi32>) -> i1 {
  %mine = tensor.extract %ids[%q_pos] : tensor<?xi32>
  %theirs = tensor.extract %ids[%j] : tensor<?xi32>
  %visible = arith.cmpi eq, %mine, %theirs : i32
  return %visible : i1
}

func.func @attention(%q: tensor<1x96x8x64xf32>, %k: tensor<1x96x2x64xf32>,
                     %v: tensor<1x96x2x64xf32>, %table: tensor<8x33xf32>,
                     %ids: tensor<96xi32>) -> tensor<1x96x8x64xf32> {
  %init = tensor.empty() : tensor<1x96x8x64xf32>
  %out = attn.attention ins(%q, %k, %v : tensor<1x96x8x64xf32>,
      tensor<1x96x2x64xf32>, tensor<1x96x2x64xf32>)
      mask(#attn.and<[#attn.causal, #attn.custom<@document, [0]>]>)
      mask_operands(%ids : tensor<96xi32>)
      scale(1.250000e-01) score_mod(@relative)
      score_operands(%table : tensor<8x33xf32>)
      outs(%init : tensor<1x96x8x64xf32>) -> tensor<1x96x8x64xf32>
  return %out : tensor<1x96x8x64xf32>
}
