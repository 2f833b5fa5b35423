func.func @helper(%x: tensor<1x4x1x4xf32>) -> tensor<1x4x1x4xf32> {
  %0 = attn.attention
      ins(%x, %x, %x : tensor<1x4x1x4xf32>, tensor<1x4x1x4xf32>,
          tensor<1x4x1x4xf32>)
      scale(1.0) outs(%x : tensor<1x4x1x4xf32>) -> tensor<1x4x1x4xf32>
  return %0 : tensor<1x4x1x4xf32>
}
func.func @loop(%x: tensor<1x4x1x4xf32>, %n: index, %flag: i1)
    -> tensor<1x4x1x4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%a = %x)
      -> tensor<1x4x1x4xf32> {
    %y = attn.attention
        ins(%a, %x, %a : tensor<1x4x1x4xf32>, tensor<1x4x1x4xf32>,
            tensor<1x4x1x4xf32>)
        scale(1.0) outs(%x : tensor<1x4x1x4xf32>) -> tensor<1x4x1x4xf32>
    %z = scf.if %flag -> tensor<1x4x1x4xf32> {
      %w = func.call @helper(%y) : (tensor<1x4x1x4xf32>) -> tensor<1x4x1x4xf32>
      scf.yield %w : tensor<1x4x1x4xf32>
    } else {
      scf.yield %y : tensor<1x4x1x4xf32>
    }
    scf.yield %z : tensor<1x4x1x4xf32>
  }
  return %r : tensor<1x4x1x4xf32>
}
