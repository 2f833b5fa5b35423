// RUN: attn-opt %s --convert-attn-dot-pairs-to-x86 | FileCheck %s

// CHECK-LABEL: func @one_register
// CHECK-SAME:    %[[A:.*]]: vector<32xbf16>, %[[B:.*]]: vector<32xbf16>, %[[ACC:.*]]: vector<16xf32>
// CHECK-NOT:     attn.dot_pairs
// CHECK:         x86vector.avx512.dot {{.*}} : vector<32xbf16> -> vector<16xf32>
// CHECK-NOT:     x86vector
// CHECK:         return
func.func @one_register(%a: vector<32xbf16>, %b: vector<32xbf16>,
                        %acc: vector<16xf32>) -> vector<16xf32> {
  %r = attn.dot_pairs %a, %b, %acc : vector<32xbf16>, vector<16xf32>
  return %r : vector<16xf32>
}

// Wide vectors go register by register, pairs beside their lanes.
// CHECK-LABEL: func @two_registers
// CHECK-SAME:    %[[A:.*]]: vector<64xbf16>, %[[B:.*]]: vector<64xbf16>, %[[ACC:.*]]: vector<32xf32>
// CHECK-NOT:     attn.dot_pairs
// CHECK-DAG:     %[[ACC0:.*]] = vector.extract_strided_slice %[[ACC]] {offsets = [0], sizes = [16], strides = [1]}
// CHECK-DAG:     %[[A0:.*]] = vector.extract_strided_slice %[[A]] {offsets = [0], sizes = [32], strides = [1]}
// CHECK-DAG:     %[[B0:.*]] = vector.extract_strided_slice %[[B]] {offsets = [0], sizes = [32], strides = [1]}
// CHECK:         %[[R0:.*]] = x86vector.avx512.dot %[[ACC0]], %[[A0]], %[[B0]]
// CHECK:         %[[HALF:.*]] = vector.insert_strided_slice %[[R0]], %{{.*}} {offsets = [0], strides = [1]}
// CHECK-DAG:     %[[ACC1:.*]] = vector.extract_strided_slice %[[ACC]] {offsets = [16], sizes = [16], strides = [1]}
// CHECK-DAG:     %[[A1:.*]] = vector.extract_strided_slice %[[A]] {offsets = [32], sizes = [32], strides = [1]}
// CHECK-DAG:     %[[B1:.*]] = vector.extract_strided_slice %[[B]] {offsets = [32], sizes = [32], strides = [1]}
// CHECK:         %[[R1:.*]] = x86vector.avx512.dot %[[ACC1]], %[[A1]], %[[B1]]
// CHECK:         %[[ALL:.*]] = vector.insert_strided_slice %[[R1]], %[[HALF]] {offsets = [16], strides = [1]}
// CHECK:         return %[[ALL]]
func.func @two_registers(%a: vector<64xbf16>, %b: vector<64xbf16>,
                         %acc: vector<32xf32>) -> vector<32xf32> {
  %r = attn.dot_pairs %a, %b, %acc : vector<64xbf16>, vector<32xf32>
  return %r : vector<32xf32>
}
