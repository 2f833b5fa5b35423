func.func @plain(%q: tensor<1x9x2x16xf32>, %k: tensor<1x7x1x16xf32>,
                 %v: tensor<1x7x1x8xf32>) -> tensor<1x9x2x8xf32> {
  %init = tensor.empty() : tensor<1x9x2x8xf32>
  %out = attn.attention
      ins(%q, %k, %v : tensor<1x9x2x16xf32>, tensor<1x7x1x16xf32>,
          tensor<1x7x1x8xf32>)
      mask(#attn.causal) scale(0.25) block_q(8) block_kv(4)
      outs(%init : tensor<1x9x2x8xf32>) -> tensor<1x9x2x8xf32>
  return %out : tensor<1x9x2x8xf32>
}
