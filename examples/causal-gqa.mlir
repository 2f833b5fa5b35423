// Causal attention of one sequence of 1024 tokens, f32, head dim 64. Eight query
// heads share two heads of keys and values: query head h reads KV head h / 4.
//
//   ./run demo
//   attn-runner examples/causal-gqa.mlir --random --check --bench

func.func @attention(%q: tensor<1x1024x8x64xf32>, %k: tensor<1x1024x2x64xf32>,
                     %v: tensor<1x1024x2x64xf32>) -> tensor<1x1024x8x64xf32> {
  %init = tensor.empty() : tensor<1x1024x8x64xf32>
  // 0.125 = 1 / sqrt(64)
  %out = attn.attention ins(%q, %k, %v : tensor<1x1024x8x64xf32>,
      tensor<1x1024x2x64xf32>, tensor<1x1024x2x64xf32>)
      mask(#attn.causal) scale(1.250000e-01)
      outs(%init : tensor<1x1024x8x64xf32>) -> tensor<1x1024x8x64xf32>
  return %out : tensor<1x1024x8x64xf32>
}
