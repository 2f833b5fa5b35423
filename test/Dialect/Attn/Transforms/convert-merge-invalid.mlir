// RUN: attn-opt %s --attn-convert-merge --split-input-file --verify-diagnostics

func.func @tensors(%o: tensor<4x1x8x16x64xf32>, %l: tensor<4x1x8x16xf32>,
                   %out: tensor<1x8x16x64xf32>) -> tensor<1x8x16x64xf32> {
  // expected-error @+1 {{'attn.merge' op is on tensors; expected memrefs (bufferize first)}}
  %0 = attn.merge ins(%o, %l : tensor<4x1x8x16x64xf32>, tensor<4x1x8x16xf32>)
      outs(%out : tensor<1x8x16x64xf32>) -> tensor<1x8x16x64xf32>
  return %0 : tensor<1x8x16x64xf32>
}

// -----

func.func @overlap(%o: memref<1x1x1x1x1xf32>, %l: memref<1x1x1x1xf32>) {
  // expected-error @+1 {{op writes to an operand that it also reads or writes otherwise; expected outs that overlap no operand}}
  attn.merge ins(%o, %l : memref<1x1x1x1x1xf32>, memref<1x1x1x1xf32>)
      outs(%l : memref<1x1x1x1xf32>)
  return
}

// -----

module {
  module {
    func.func @nested(%o: memref<4x1x8x16x64xf32>, %l: memref<4x1x8x16xf32>,
                      %out: memref<1x8x16x64xf32>) {
      // expected-error @+1 {{op is outside of the functions of the module that is lowered; expected one of them around it}}
      attn.merge ins(%o, %l : memref<4x1x8x16x64xf32>, memref<4x1x8x16xf32>)
          outs(%out : memref<1x8x16x64xf32>)
      return
    }
  }
}
