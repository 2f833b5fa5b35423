// Dot products that AVX-512 does not have.
// RUN: attn-opt %s --convert-attn-dot-pairs-to-x86 --split-input-file \
// RUN:   --verify-diagnostics -o /dev/null

func.func @half(%a: vector<32xf16>, %c: vector<16xf32>) -> vector<16xf32> {
  // expected-error@+1 {{unsupported on cpu: 'vector<32xf16>'; expected bf16, 32 elements or a multiple}}
  %r = attn.dot_pairs %a, %a, %c : vector<32xf16>, vector<16xf32>
  return %r : vector<16xf32>
}

// -----

func.func @short(%a: vector<6xbf16>, %c: vector<3xf32>) -> vector<3xf32> {
  // expected-error@+1 {{unsupported on cpu: 'vector<6xbf16>'}}
  %r = attn.dot_pairs %a, %a, %c : vector<6xbf16>, vector<3xf32>
  return %r : vector<3xf32>
}

// -----

func.func @scalable(%a: vector<[32]xbf16>, %c: vector<[16]xf32>)
    -> vector<[16]xf32> {
  // expected-error@+1 {{unsupported on cpu: 'vector<[32]xbf16>'}}
  %r = attn.dot_pairs %a, %a, %c : vector<[32]xbf16>, vector<[16]xf32>
  return %r : vector<[16]xf32>
}
