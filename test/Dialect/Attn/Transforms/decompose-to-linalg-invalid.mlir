// RUN: attn-opt %s --attn-decompose-to-linalg --split-input-file --verify-diagnostics

func.func @attention_on_memrefs(%x: memref<1x8x4x16xf32>) {
  // expected-error@+1 {{works on memrefs; expected tensors, which is what its linalg form is made of}}
  attn.attention ins(%x, %x, %x : memref<1x8x4x16xf32>, memref<1x8x4x16xf32>,
      memref<1x8x4x16xf32>) scale(1.0) outs(%x : memref<1x8x4x16xf32>)
  return
}

// -----

func.func @merge_of_memrefs(%o: memref<3x1x4x8x16xf32>, %l: memref<3x1x4x8xf32>,
                            %out: memref<1x4x8x16xf32>) {
  // expected-error@+1 {{works on memrefs; expected tensors}}
  attn.merge ins(%o, %l : memref<3x1x4x8x16xf32>, memref<3x1x4x8xf32>)
      outs(%out : memref<1x4x8x16xf32>)
  return
}
