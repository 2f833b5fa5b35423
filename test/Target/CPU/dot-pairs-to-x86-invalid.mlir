// RUN: attn-opt %s --convert-attn-dot-pairs-to-x86 --split-input-file --verify-diagnostics

// What the instruction does not do is refused.
func.func @f16(%a: vector<32xf16>, %b: vector<32xf16>, %acc: vector<16xf32>)
    -> vector<16xf32> {
  // expected-error@+1 {{unsupported on cpu: 'vector<32xf16>'; expected bf16, 32 elements or a multiple}}
  %r = attn.dot_pairs %a, %b, %acc : vector<32xf16>, vector<16xf32>
  return %r : vector<16xf32>
}

// -----

func.func @narrow(%a: vector<16xbf16>, %b: vector<16xbf16>, %acc: vector<8xf32>)
    -> vector<8xf32> {
  // expected-error@+1 {{unsupported on cpu: 'vector<16xbf16>'; expected bf16, 32 elements or a multiple}}
  %r = attn.dot_pairs %a, %b, %acc : vector<16xbf16>, vector<8xf32>
  return %r : vector<8xf32>
}
