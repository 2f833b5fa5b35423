// RUN: attn-opt %s --transform-interpreter --canonicalize --cse \
// RUN:   --mlir-print-local-scope --split-input-file --verify-diagnostics | FileCheck %s

// Batch, KV heads with the query heads of their groups, and rows; out and lse
// come from one op. Positions of the rows stay what they were.
// CHECK-LABEL: func @tensors
// CHECK-SAME:    %[[Q:[a-z0-9]+]]: tensor<2x64x8x32xf32>, %[[K:[a-z0-9]+]]: tensor<2x128x2x32xf32>, %[[V:[a-z0-9]+]]: tensor<2x2x128x16xf32>
// CHECK:         scf.forall (%[[B:.*]], %[[G:.*]], %[[R:.*]]) in (2, 2, 4) shared_outs(%[[OUT:.*]] = %{{.*}}, %[[LSE:.*]] = %{{.*}})
// CHECK-DAG:       %[[ROW:.*]] = affine.apply affine_map<(d0) -> (d0 * 16)>(%[[R]])
// CHECK-DAG:       %[[HEAD:.*]] = affine.apply affine_map<(d0) -> (d0 * 4)>(%[[G]])
// CHECK-DAG:       %[[QT:.*]] = tensor.extract_slice %[[Q]][%[[B]], %[[ROW]], %[[HEAD]], 0] [1, 16, 4, 32]
// CHECK-DAG:       %[[KT:.*]] = tensor.extract_slice %[[K]][%[[B]], 0, %[[G]], 0] [1, 128, 1, 32]
// CHECK-DAG:       %[[VT:.*]] = tensor.extract_slice %[[V]][%[[B]], %[[G]], 0, 0] [1, 1, 128, 16]
// CHECK-DAG:       %[[OUTT:.*]] = tensor.extract_slice %[[OUT]][%[[B]], %[[ROW]], %[[HEAD]], 0] [1, 16, 4, 16]
// CHECK-DAG:       %[[LSET:.*]] = tensor.extract_slice %[[LSE]][%[[B]], %[[HEAD]], %[[ROW]]] [1, 4, 16]
// CHECK-DAG:       %[[OFFSET:.*]] = arith.index_cast %[[ROW]] : index to i64
// CHECK:           %[[T:.*]]:2 = attn.attention ins(%[[QT]], %[[KT]], %[[VT]] :
// CHECK-SAME:        mask(#attn.causal) scale(5.000000e-01) dynamic_q_offset(%[[OFFSET]] : i64)
// CHECK-SAME:        outs(%[[OUTT]], %[[LSET]] :
// CHECK-DAG:         tensor.parallel_insert_slice %[[T]]#0 into %[[OUT]][%[[B]], %[[ROW]], %[[HEAD]], 0] [1, 16, 4, 16]
// CHECK-DAG:         tensor.parallel_insert_slice %[[T]]#1 into %[[LSE]][%[[B]], %[[HEAD]], %[[ROW]]] [1, 4, 16]
func.func @tensors(%q: tensor<2x64x8x32xf32>, %k: tensor<2x128x2x32xf32>,
                   %v: tensor<2x2x128x16xf32>, %init: tensor<2x64x8x16xf32>,
                   %lse: tensor<2x8x64xf32>)
    -> (tensor<2x64x8x16xf32>, tensor<2x8x64xf32>) {
  %0:2 = attn.attention ins(%q, %k, %v : tensor<2x64x8x32xf32>,
      tensor<2x128x2x32xf32>, tensor<2x2x128x16xf32>)
      layout(q = bshd, k = bshd, v = bhsd, out = bshd)
      mask(#attn.causal) scale(0.5)
      outs(%init, %lse : tensor<2x64x8x16xf32>, tensor<2x8x64xf32>)
      -> tensor<2x64x8x16xf32>, tensor<2x8x64xf32>
  return %0#0, %0#1 : tensor<2x64x8x16xf32>, tensor<2x8x64xf32>
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op) {
    %op = transform.structured.match ops{["attn.attention"]} in %root
        : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_forall %op
        tile_sizes [1, 1, 16]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// Every operand that has a batch, head or row dim is sliced; dims of 1 are
// broadcast, and leaves of a mask that see different parts of an operand get
// their own.
// CHECK-LABEL: func @operands
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<2x64x8x32xf32>, %[[BIAS:[a-z0-9]+]]: tensor<1x8x64x64xf32>, %[[SINKS:[a-z0-9]+]]: tensor<8xf32>, %[[SLOPES:[a-z0-9]+]]: tensor<2x8xf32>, %[[LENS:[a-z0-9]+]]: tensor<2xi32>, %[[OFFSETS:[a-z0-9]+]]: tensor<2xi64>, %[[SEG:[a-z0-9]+]]: tensor<2x64xi32>, %[[DENSE:[a-z0-9]+]]: tensor<2x1x1x64xi1>
// CHECK:         scf.forall (%[[B:.*]], %[[G:.*]], %[[R:.*]]) in (2, 4, 4)
// CHECK-DAG:       %[[ROW:.*]] = affine.apply affine_map<(d0) -> (d0 * 16)>(%[[R]])
// CHECK-DAG:       %[[HEAD:.*]] = affine.apply affine_map<(d0) -> (d0 * 2)>(%[[G]])
// CHECK-DAG:       %[[BIAST:.*]] = tensor.extract_slice %[[BIAS]][0, %[[HEAD]], %[[ROW]], 0] [1, 2, 16, 64]
// CHECK-DAG:       %[[SINKST:.*]] = tensor.extract_slice %[[SINKS]][%[[HEAD]]] [2]
// CHECK-DAG:       %[[SLOPEST:.*]] = tensor.extract_slice %[[SLOPES]][%[[B]], %[[HEAD]]] [1, 2]
// CHECK-DAG:       %[[KVLEN:.*]] = tensor.extract_slice %[[LENS]][%[[B]]] [1]
// CHECK-DAG:       %[[OFFSET:.*]] = tensor.extract_slice %[[OFFSETS]][%[[B]]] [1]
// CHECK-DAG:       %[[ROW32:.*]] = arith.index_cast %[[ROW]] : index to i32
// CHECK:           %[[QLEN:.*]] = linalg.generic {{.*}} ins(%[[KVLEN]] :
// CHECK:             %[[LEFT:.*]] = arith.subi %{{.*}}, %[[ROW32]] : i32
// CHECK:             %[[MAX:.*]] = arith.maxsi %[[LEFT]], %{{.*}} : i32
// CHECK:             %[[MIN:.*]] = arith.minsi %[[MAX]], %{{.*}} : i32
// CHECK:             linalg.yield %[[MIN]]
// CHECK-DAG:       %[[KVSEG:.*]] = tensor.extract_slice %[[SEG]][%[[B]], 0] [1, 64]
// CHECK-DAG:       %[[QSEG:.*]] = tensor.extract_slice %[[SEG]][%[[B]], %[[ROW]]] [1, 16]
// CHECK-DAG:       %[[DENSET:.*]] = tensor.extract_slice %[[DENSE]][%[[B]], 0, 0, 0] [1, 1, 1, 64]
// CHECK-DAG:       %[[ROW64:.*]] = arith.index_cast %[[ROW]] : index to i64
// CHECK:           %[[SHIFTED:.*]] = linalg.generic {{.*}} ins(%[[OFFSET]] :
// CHECK:             arith.addi %{{.*}}, %[[ROW64]] : i64
// CHECK:           attn.attention
// CHECK-SAME:        mask(#attn.and<[#attn.prefix<slot 0>, #attn.segments<q = 1, kv = 2>, #attn.dense<3>]>)
// CHECK-SAME:        mask_operands(%[[KVLEN]], %[[QSEG]], %[[KVSEG]], %[[DENSET]] :
// CHECK-SAME:        dynamic_q_offset(%[[SHIFTED]] : tensor<1xi64>)
// CHECK-SAME:        q_lens(%[[QLEN]] : tensor<1xi32>)
// CHECK-SAME:        kv_lens(%[[KVLEN]] : tensor<1xi32>)
// CHECK-SAME:        bias(%[[BIAST]] : tensor<1x2x16x64xf32>)
// CHECK-SAME:        sinks(%[[SINKST]] : tensor<2xf32>)
// CHECK-SAME:        alibi_slopes(%[[SLOPEST]] : tensor<1x2xf32>)
func.func @operands(%x: tensor<2x64x8x32xf32>, %bias: tensor<1x8x64x64xf32>,
                    %sinks: tensor<8xf32>, %slopes: tensor<2x8xf32>,
                    %lens: tensor<2xi32>, %offsets: tensor<2xi64>,
                    %seg: tensor<2x64xi32>, %dense: tensor<2x1x1x64xi1>,
                    %k: tensor<2x64x4x32xf32>)
    -> tensor<2x64x8x32xf32> {
  %0 = attn.attention ins(%x, %k, %k : tensor<2x64x8x32xf32>,
      tensor<2x64x4x32xf32>, tensor<2x64x4x32xf32>)
      mask(#attn.and<[#attn.prefix<slot 0>, #attn.segments<q = 1, kv = 1>,
                      #attn.dense<2>]>)
      mask_operands(%lens, %seg, %dense : tensor<2xi32>, tensor<2x64xi32>,
          tensor<2x1x1x64xi1>)
      dynamic_q_offset(%offsets : tensor<2xi64>)
      q_lens(%lens : tensor<2xi32>) kv_lens(%lens : tensor<2xi32>)
      bias(%bias : tensor<1x8x64x64xf32>) sinks(%sinks : tensor<8xf32>)
      alibi_slopes(%slopes : tensor<2x8xf32>) scale(0.5)
      outs(%x : tensor<2x64x8x32xf32>) -> tensor<2x64x8x32xf32>
  return %0 : tensor<2x64x8x32xf32>
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op) {
    %op = transform.structured.match ops{["attn.attention"]} in %root
        : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_forall %op
        tile_sizes [1, 1, 16]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// Dynamic sizes: the number of query heads per KV head is computed, and a bias
// dim that may turn out to be 1 is broadcast then. A constant offset moves on.
// CHECK-LABEL: func @dynamic
// CHECK-SAME:    %[[Q:[a-z0-9]+]]: tensor<?x?x?x32xf32>, %[[K:[a-z0-9]+]]: tensor<?x?x?x32xf32>, %[[BIAS:[a-z0-9]+]]: tensor<?x1x1x?xf32>
// CHECK-DAG:     %[[C2:.*]] = arith.constant 2 : index
// CHECK-DAG:     %[[HKV:.*]] = tensor.dim %[[K]], %[[C2]]
// CHECK:         scf.forall (%[[B:.*]], %[[G:.*]], %[[R:.*]]) in
// CHECK:           %[[HQ:.*]] = tensor.dim %[[Q]], %[[C2]]
// CHECK:           %[[GROUP:.*]] = arith.divui %[[HQ]], %[[HKV]]
// CHECK:           %[[HEAD:.*]] = arith.muli %[[G]], %[[GROUP]]
// CHECK:           tensor.extract_slice %[[Q]][%[[B]], %[[ROW:.*]], %[[HEAD]], 0] [1, %{{.*}}, %[[GROUP]], 32]
// CHECK:           %[[ONE:.*]] = arith.cmpi eq, %{{.*}}, %{{.*}} : index
// CHECK:           %[[FROM:.*]] = arith.select %[[ONE]], %{{.*}}, %[[B]] : index
// CHECK:           tensor.extract_slice %[[BIAS]][%[[FROM]], 0, 0, 0]
// CHECK:           %[[ROW64:.*]] = arith.index_cast %[[ROW]] : index to i64
// CHECK:           %[[OFFSET:.*]] = arith.addi %[[ROW64]], %{{.*}} : i64
// CHECK:           attn.attention
// CHECK-SAME:        dynamic_q_offset(%[[OFFSET]] : i64)
func.func @dynamic(%q: tensor<?x?x?x32xf32>, %k: tensor<?x?x?x32xf32>,
                   %bias: tensor<?x1x1x?xf32>) -> tensor<?x?x?x32xf32> {
  %0 = attn.attention ins(%q, %k, %k : tensor<?x?x?x32xf32>,
      tensor<?x?x?x32xf32>, tensor<?x?x?x32xf32>)
      mask(#attn.causal) scale(0.5) q_offset(100)
      bias(%bias : tensor<?x1x1x?xf32>)
      outs(%q : tensor<?x?x?x32xf32>) -> tensor<?x?x?x32xf32>
  return %0 : tensor<?x?x?x32xf32>
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op) {
    %op = transform.structured.match ops{["attn.attention"]} in %root
        : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_forall %op
        tile_sizes [1, 1, 16]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// Memrefs: views of them, and nothing allocated.
// CHECK-LABEL: func @memrefs
// CHECK-SAME:    %[[Q:[a-z0-9]+]]: memref<2x64x8x32xf32>, %{{.*}}, %[[OUT:[a-z0-9]+]]: memref<2x64x8x32xf32>)
// CHECK-NOT:     memref.alloc
// CHECK:         scf.for %[[R:.*]] =
// CHECK-DAG:       %[[QT:.*]] = memref.subview %[[Q]][0, %[[R]], 0, 0] [2, 16, 8, 32]
// CHECK-DAG:       %[[OUTT:.*]] = memref.subview %[[OUT]][0, %[[R]], 0, 0] [2, 16, 8, 32]
// CHECK:           attn.attention ins(%[[QT]],
// CHECK-SAME:        dynamic_q_offset(
// CHECK-SAME:        outs(%[[OUTT]] :
func.func @memrefs(%q: memref<2x64x8x32xf32>, %k: memref<2x64x2x32xf32>,
                   %out: memref<2x64x8x32xf32>) {
  attn.attention ins(%q, %k, %k : memref<2x64x8x32xf32>,
      memref<2x64x2x32xf32>, memref<2x64x2x32xf32>)
      mask(#attn.causal) scale(0.5) outs(%out : memref<2x64x8x32xf32>)
  return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op) {
    %op = transform.structured.match ops{["attn.attention"]} in %root
        : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op
        tile_sizes [0, 0, 16]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// Descale factors go with their batch and KV head, but for dims of 1.
// CHECK-LABEL: func @descales
// CHECK-SAME:    %[[QD:[a-z0-9]+]]: tensor<2x2xf32>, %[[KD:[a-z0-9]+]]: tensor<1x2xf32>, %[[VD:[a-z0-9]+]]: tensor<1x1xf32>, %{{[a-z0-9]+}}: tensor<2x64x8x32xbf16>
// CHECK:         scf.forall (%[[B:.*]], %[[G:.*]]) in (2, 2)
// CHECK-DAG:       %[[QF:.*]] = tensor.extract_slice %[[QD]][%[[B]], %[[G]]] [1, 1]
// CHECK-DAG:       %[[KF:.*]] = tensor.extract_slice %[[KD]][0, %[[G]]] [1, 1]
// CHECK:           attn.attention
// CHECK-SAME:        q_descale(%[[QF]] : tensor<1x1xf32>) k_descale(%[[KF]] : tensor<1x1xf32>) v_descale(%[[VD]] : tensor<1x1xf32>)
func.func @descales(%q: tensor<2x64x8x32xf8E4M3FN>,
                    %k: tensor<2x64x2x32xf8E4M3FN>, %qd: tensor<2x2xf32>,
                    %kd: tensor<1x2xf32>, %vd: tensor<1x1xf32>,
                    %init: tensor<2x64x8x32xbf16>) -> tensor<2x64x8x32xbf16> {
  %0 = attn.attention ins(%q, %k, %k : tensor<2x64x8x32xf8E4M3FN>,
      tensor<2x64x2x32xf8E4M3FN>, tensor<2x64x2x32xf8E4M3FN>) scale(0.5)
      q_descale(%qd : tensor<2x2xf32>) k_descale(%kd : tensor<1x2xf32>)
      v_descale(%vd : tensor<1x1xf32>)
      outs(%init : tensor<2x64x8x32xbf16>) -> tensor<2x64x8x32xbf16>
  return %0 : tensor<2x64x8x32xbf16>
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op) {
    %op = transform.structured.match ops{["attn.attention"]} in %root
        : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_forall %op
        tile_sizes [1, 1, 0]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// Packed sequences: heads are tiled, batch and rows are left alone. Pages are
// shared by all batches.
// CHECK-LABEL: func @packed_over_pages
// CHECK-SAME:    %[[Q:[a-z0-9]+]]: tensor<100x8x32xf32>, %[[K:[a-z0-9]+]]: tensor<50x16x2x32xf32>, %[[CU:[a-z0-9]+]]: tensor<4xi32>, %[[LENS:[a-z0-9]+]]: tensor<3xi32>, %[[TABLE:[a-z0-9]+]]: tensor<3x7xi32>
// CHECK:         scf.forall (%[[G:.*]]) in (2) shared_outs(%[[OUT:.*]] = %{{.*}}, %[[LSE:.*]] = %{{.*}})
// CHECK-DAG:       tensor.extract_slice %[[Q]][0, %[[HEAD:.*]], 0] [100, 4, 32]
// CHECK-DAG:       tensor.extract_slice %[[K]][0, 0, %[[G]], 0] [50, 16, 1, 32]
// CHECK:           attn.attention
// CHECK-NOT:       q_offset
// CHECK-SAME:        kv_lens(%[[LENS]] : tensor<3xi32>)
// CHECK-SAME:        cu_seqlens_q(%[[CU]] : tensor<4xi32>)
// CHECK-SAME:        block_table(%[[TABLE]] : tensor<3x7xi32>)
// CHECK-DAG:         tensor.parallel_insert_slice %{{.*}} into %[[OUT]][0, %[[HEAD]], 0] [100, 4, 32]
// CHECK-DAG:         tensor.parallel_insert_slice %{{.*}} into %[[LSE]][%[[HEAD]], 0] [4, 100]
func.func @packed_over_pages(
    %q: tensor<100x8x32xf32>, %k: tensor<50x16x2x32xf32>, %cu: tensor<4xi32>,
    %lens: tensor<3xi32>, %table: tensor<3x7xi32>, %lse: tensor<8x100xf32>)
    -> (tensor<100x8x32xf32>, tensor<8x100xf32>) {
  %0:2 = attn.attention ins(%q, %k, %k : tensor<100x8x32xf32>,
      tensor<50x16x2x32xf32>, tensor<50x16x2x32xf32>)
      layout(q = thd, k = paged, v = paged, out = thd) mask(#attn.causal)
      cu_seqlens_q(%cu : tensor<4xi32>) kv_lens(%lens : tensor<3xi32>)
      block_table(%table : tensor<3x7xi32>) scale(0.5)
      outs(%q, %lse : tensor<100x8x32xf32>, tensor<8x100xf32>)
      -> tensor<100x8x32xf32>, tensor<8x100xf32>
  return %0#0, %0#1 : tensor<100x8x32xf32>, tensor<8x100xf32>
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op) {
    %op = transform.structured.match ops{["attn.attention"]} in %root
        : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_forall %op
        tile_sizes [0, 1, 0]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// Paged keys under a padded query: the block table is sliced, the pages are not.
// CHECK-LABEL: func @pages
// CHECK-SAME:    %[[Q:[a-z0-9]+]]: tensor<3x1x2x32xf32>, %[[K:[a-z0-9]+]]: tensor<50x16x2x32xf32>, %[[LENS:[a-z0-9]+]]: tensor<3xi32>, %[[TABLE:[a-z0-9]+]]: tensor<3x7xi32>
// CHECK:         scf.forall (%[[B:.*]]) in (3)
// CHECK-DAG:       %[[LEN:.*]] = tensor.extract_slice %[[LENS]][%[[B]]] [1]
// CHECK-DAG:       %[[ENTRIES:.*]] = tensor.extract_slice %[[TABLE]][%[[B]], 0] [1, 7]
// CHECK:           attn.attention ins(%{{.*}}, %[[K]], %[[K]] :
// CHECK-SAME:        kv_lens(%[[LEN]] : tensor<1xi32>)
// CHECK-SAME:        block_table(%[[ENTRIES]] : tensor<1x7xi32>)
func.func @pages(%q: tensor<3x1x2x32xf32>, %k: tensor<50x16x2x32xf32>,
                 %lens: tensor<3xi32>, %table: tensor<3x7xi32>)
    -> tensor<3x1x2x32xf32> {
  %0 = attn.attention ins(%q, %k, %k : tensor<3x1x2x32xf32>,
      tensor<50x16x2x32xf32>, tensor<50x16x2x32xf32>)
      layout(q = bshd, k = paged, v = paged, out = bshd)
      kv_lens(%lens : tensor<3xi32>) block_table(%table : tensor<3x7xi32>)
      scale(0.5) outs(%q : tensor<3x1x2x32xf32>) -> tensor<3x1x2x32xf32>
  return %0 : tensor<3x1x2x32xf32>
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op) {
    %op = transform.structured.match ops{["attn.attention"]} in %root
        : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_forall %op
        tile_sizes [1, 0, 0]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// Functions see q_pos, which the offset keeps: rows may be tiled.
// CHECK-LABEL: func @rows_of_functions
// CHECK:         scf.forall
// CHECK:           attn.attention
// CHECK-SAME:        mask(#attn.custom<@see>)
// CHECK-SAME:        dynamic_q_offset(
// CHECK-SAME:        score_mod(@mod)
func.func private @mod(%s: f32, %b: index, %h: index, %i: index,
                       %j: index) -> f32 {
  return %s : f32
}
func.func private @see(%b: index, %h: index, %i: index, %j: index) -> i1 {
  %r = arith.cmpi sle, %j, %i : index
  return %r : i1
}
func.func @rows_of_functions(%x: tensor<2x64x8x32xf32>)
    -> tensor<2x64x8x32xf32> {
  %0 = attn.attention ins(%x, %x, %x : tensor<2x64x8x32xf32>,
      tensor<2x64x8x32xf32>, tensor<2x64x8x32xf32>)
      mask(#attn.custom<@see>) score_mod(@mod) scale(0.5)
      outs(%x : tensor<2x64x8x32xf32>) -> tensor<2x64x8x32xf32>
  return %0 : tensor<2x64x8x32xf32>
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op) {
    %op = transform.structured.match ops{["attn.attention"]} in %root
        : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_forall %op
        tile_sizes [0, 0, 16]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// A tiled consumer pulls the op into its loops.
// CHECK-LABEL: func @fuse_into_consumer
// CHECK-SAME:    %[[Q:[a-z0-9]+]]: tensor<2x64x4x32xf32>, %[[K:[a-z0-9]+]]: tensor<2x64x2x32xf32>
// CHECK:         scf.for %[[B:.*]] = %{{.*}} to %{{.*}} step
// CHECK:           scf.for %[[R:.*]] = %{{.*}} to %{{.*}} step
// CHECK-DAG:         %[[QT:.*]] = tensor.extract_slice %[[Q]][%[[B]], %[[R]], 0, 0] [1, 8, 4, 32]
// CHECK-DAG:         %[[KT:.*]] = tensor.extract_slice %[[K]][%[[B]], 0, 0, 0] [1, 64, 2, 32]
// CHECK:             %[[T:.*]] = attn.attention ins(%[[QT]], %[[KT]], %[[KT]] :
// CHECK-SAME:          mask(#attn.causal) scale(5.000000e-01) dynamic_q_offset(
// CHECK:             linalg.exp ins(%[[T]] :
func.func @fuse_into_consumer(%q: tensor<2x64x4x32xf32>,
                              %k: tensor<2x64x2x32xf32>,
                              %init: tensor<2x64x4x32xf32>)
    -> tensor<2x64x4x32xf32> {
  %0 = attn.attention ins(%q, %k, %k : tensor<2x64x4x32xf32>,
      tensor<2x64x2x32xf32>, tensor<2x64x2x32xf32>)
      mask(#attn.causal) scale(0.5)
      outs(%init : tensor<2x64x4x32xf32>) -> tensor<2x64x4x32xf32>
  %1 = linalg.exp ins(%0 : tensor<2x64x4x32xf32>)
      outs(%init : tensor<2x64x4x32xf32>) -> tensor<2x64x4x32xf32>
  return %1 : tensor<2x64x4x32xf32>
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op) {
    %op = transform.structured.match ops{["linalg.exp"]} in %root
        : (!transform.any_op) -> !transform.any_op
    %tiled, %loops:2 = transform.structured.fuse %op tile_sizes [1, 8, 0, 0]
        : (!transform.any_op)
        -> (!transform.any_op, !transform.any_op, !transform.any_op)
    transform.yield
  }
}
