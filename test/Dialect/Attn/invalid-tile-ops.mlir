// One test per constraint of the tile ops, named after it; suffixes tell further
// ways to break the same one.
// RUN: attn-opt %s --split-input-file --verify-diagnostics

func.func private @kernel(%x: memref<?xf32>, %begin: index, %end: index) {
  return
}
func.func @launch_c1(%n: index, %x: memref<8xf32>) {
  // expected-error @+1 {{'attn.launch' op kernel @kernel has type '(memref<?xf32>, index, index) -> ()'; expected '(memref<8xf32>, index, index) -> ()' (C1)}}
  attn.launch @kernel over %n (%x : memref<8xf32>)
  return
}

// -----

func.func private @kernel(%begin: index, %end: index) -> index {
  return %end : index
}
func.func @launch_c1_result(%n: index) {
  // expected-error @+1 {{op kernel @kernel has type '(index, index) -> index'; expected '(index, index) -> ()' (C1)}}
  attn.launch @kernel over %n ()
  return
}

// -----

func.func @launch_c1_unknown(%n: index) {
  // expected-error @+1 {{op names @kernel; expected a func.func in scope (C1)}}
  attn.launch @kernel over %n ()
  return
}

// -----

func.func @packed_block_c1(%n: index, %starts: memref<?xi64>) {
  // expected-error@+1 {{'attn.packed_block' op cu_seqlens is 'memref<?xi64>'; expected i32 [B + 1] (C1)}}
  %0:4 = attn.packed_block %n of %starts total(%n) size(64) : memref<?xi64>
  return
}

// -----

func.func @packed_block_c1_rank(%n: index, %starts: memref<?x?xi32>) {
  // expected-error@+1 {{'attn.packed_block' op cu_seqlens is 'memref<?x?xi32>'; expected i32 [B + 1] (C1)}}
  %0:4 = attn.packed_block %n of %starts total(%n) size(64) : memref<?x?xi32>
  return
}

// -----

func.func @packed_block_c2(%n: index, %starts: memref<?xi32>) {
  // expected-error@+1 {{'attn.packed_block' op has size 0; expected at least 1 (C2)}}
  %0:4 = attn.packed_block %n of %starts total(%n) size(0) : memref<?xi32>
  return
}

// -----

func.func @view_c1(%x: memref<?x?x8x64xf32>, %i: index) {
  // expected-error @+1 {{'attn.view' op source has rank 4; expected rank 3 of layout thd (C1)}}
  %0 = attn.view %x[%i, %i] <thd>
      : memref<?x?x8x64xf32> -> !attn.view<q, d 64, f32>
  return
}

// -----

func.func @view_c1_scalar(%x: memref<f32>, %i: index) {
  // expected-error @+1 {{op source has rank 0; expected rank 4 of layout bshd (C1)}}
  %0 = attn.view %x[%i, %i] <bshd> : memref<f32> -> !attn.view<q, d 64, f32>
  return
}

// -----

func.func @view_c1_extent(%x: memref<?x?x64x8xf32>, %i: index) {
  // expected-error @+1 {{op source is 'memref<?x?x64x8xf32>' and the view is '!attn.view<q, d 64, f32>'; expected a head dim of 64 (C1)}}
  %0 = attn.view %x[%i, %i] <bshd>
      : memref<?x?x64x8xf32> -> !attn.view<q, d 64, f32>
  return
}

// -----

func.func @view_c2(%x: memref<?x?x8x64xf16>, %i: index) {
  // expected-error @+1 {{op source has element type 'f16'; expected 'f32' of the view (C2)}}
  %0 = attn.view %x[%i, %i] <bshd>
      : memref<?x?x8x64xf16> -> !attn.view<q, d 64, f32>
  return
}

// -----

func.func @view_c3(%x: memref<?x?x8x64xf32>, %i: index) {
  // expected-error @+1 {{op has layout paged and no block_table; expected one with layout paged and only there (C3)}}
  %0 = attn.view %x[%i, %i] <paged>
      : memref<?x?x8x64xf32> -> !attn.view<kv, d 64, f32>
  return
}

// -----

func.func @view_c3_not_paged(%x: memref<?x?x8x64xf32>,
                             %table: memref<?x?xi32>, %i: index) {
  // expected-error @+1 {{op has layout bshd and a block_table; expected one with layout paged and only there (C3)}}
  %0 = attn.view %x[%i, %i] <bshd> pages(%table : memref<?x?xi32>)
      : memref<?x?x8x64xf32> -> !attn.view<kv, d 64, f32>
  return
}

// -----

func.func @view_c3_table(%x: memref<?x?x8x64xf32>, %table: memref<?xi64>,
                         %i: index) {
  // expected-error @+1 {{op block_table is 'memref<?xi64>'; expected i32 [B, max_pages] (C3)}}
  %0 = attn.view %x[%i, %i] <paged> pages(%table : memref<?xi64>)
      : memref<?x?x8x64xf32> -> !attn.view<kv, d 64, f32>
  return
}

// -----

func.func @view_c4(%x: memref<?x?x8x64xf32>, %i: index) {
  // expected-error @+1 {{op has heads 0 and is '!attn.view<q, d 64, f32>'; expected at least 1, and 1 for keys (C4)}}
  %0 = attn.view %x[%i, %i] <bshd> heads(0)
      : memref<?x?x8x64xf32> -> !attn.view<q, d 64, f32>
  return
}

// -----

func.func @view_c4_keys(%x: memref<?x?x8x64xf32>, %i: index) {
  // expected-error @+1 {{op has heads 2 and is '!attn.view<kv, d 64, f32>'; expected at least 1, and 1 for keys (C4)}}
  %0 = attn.view %x[%i, %i] <bshd> heads(2)
      : memref<?x?x8x64xf32> -> !attn.view<kv, d 64, f32>
  return
}

// -----

func.func @load_tile_c1(%v: !attn.view<kv, d 64, f32>, %i: index) {
  // expected-error @+1 {{'attn.load_tile' op tile is '!attn.tile<q 16, d 64, f32>' and the view is '!attn.view<kv, d 64, f32>'; expected dims 'kv' and 'd 64' (C1)}}
  %0 = attn.load_tile %v[%i] valid(%i)
      : !attn.view<kv, d 64, f32> -> !attn.tile<q 16, d 64, f32>
  return
}

// -----

func.func @load_tile_c1_extent(%v: !attn.view<kv, d 64, f32>, %i: index) {
  // expected-error @+1 {{expected dims 'kv' and 'd 64' (C1)}}
  %0 = attn.load_tile %v[%i] valid(%i)
      : !attn.view<kv, d 64, f32> -> !attn.tile<kv 16, d 32, f32>
  return
}

// -----

func.func @load_tile_c1_rank(%v: !attn.view<kv, d 64, f32>, %i: index) {
  // expected-error @+1 {{expected dims 'kv' and 'd 64' (C1)}}
  %0 = attn.load_tile %v[%i] valid(%i)
      : !attn.view<kv, d 64, f32> -> !attn.tile<kv 16, f32>
  return
}

// -----

func.func @load_tile_c2(%v: !attn.view<kv, d 64, f32>, %i: index) {
  // expected-error @+1 {{op tile has element type 'bf16'; expected 'f32' of the view or a wider type (C2)}}
  %0 = attn.load_tile %v[%i] valid(%i)
      : !attn.view<kv, d 64, f32> -> !attn.tile<kv 16, d 64, bf16>
  return
}

// -----

// bf16 and f16 are equally wide, but neither holds the other.
func.func @load_tile_c2_same_width(%v: !attn.view<kv, d 64, f16>, %i: index) {
  // expected-error @+1 {{op tile has element type 'bf16'; expected 'f16' of the view or a wider type (C2)}}
  %0 = attn.load_tile %v[%i] valid(%i)
      : !attn.view<kv, d 64, f16> -> !attn.tile<kv 16, d 64, bf16>
  return
}

// -----

func.func @store_tile_c1(%t: !attn.tile<q 16, d 64, f32>,
                         %v: !attn.view<q, dv 64, f32>, %i: index) {
  // expected-error @+1 {{'attn.store_tile' op tile is '!attn.tile<q 16, d 64, f32>' and the view is '!attn.view<q, dv 64, f32>'; expected dims 'q' and 'dv 64' (C1)}}
  attn.store_tile %t, %v[%i] valid(%i)
      : !attn.tile<q 16, d 64, f32>, !attn.view<q, dv 64, f32>
  return
}

// -----

func.func @store_stats_c1(%t: !attn.tile<kv 16, f32>, %m: memref<?xf32>,
                          %i: index) {
  // expected-error @+1 {{'attn.store_stats' op tile is '!attn.tile<kv 16, f32>'; expected one dim, 'q' (C1)}}
  attn.store_stats %t, %m[%i] valid(%i) : !attn.tile<kv 16, f32>, memref<?xf32>
  return
}

// -----

func.func @store_stats_c1_indices(%t: !attn.tile<q 16, f32>,
                                  %m: memref<?x?xf32>, %i: index) {
  // expected-error @+1 {{op has 1 indices into 'memref<?x?xf32>'; expected one per dim, at least one (C1)}}
  attn.store_stats %t, %m[%i] valid(%i) : !attn.tile<q 16, f32>, memref<?x?xf32>
  return
}

// -----

func.func @store_stats_c1_scalar(%t: !attn.tile<q 16, f32>,
                                 %m: memref<f32>, %i: index) {
  // expected-error @+1 {{op has 0 indices into 'memref<f32>'; expected one per dim, at least one (C1)}}
  attn.store_stats %t, %m[] valid(%i) : !attn.tile<q 16, f32>, memref<f32>
  return
}

// -----

func.func @store_stats_c1_elements(%t: !attn.tile<q 16, f32>,
                                   %m: memref<?xf16>, %i: index) {
  // expected-error @+1 {{op tile has element type 'f32' and the memref has 'f16'; expected the same one (C1)}}
  attn.store_stats %t, %m[%i] valid(%i) : !attn.tile<q 16, f32>, memref<?xf16>
  return
}

// -----

func.func @store_stats_c2(%t: !attn.tile<q 16, f32>, %m: memref<?xf32>,
                          %i: index) {
  // expected-error @+1 {{op has heads 2 and 1 indices; expected at least 1, and two indices for more (C2)}}
  attn.store_stats %t, %m[%i] valid(%i) heads(2)
      : !attn.tile<q 16, f32>, memref<?xf32>
  return
}

// -----

func.func @fill_c1(%x: f32) {
  // expected-error @+1 {{'attn.fill' op value is 'f32'; expected 'f16' of the tile (C1)}}
  %0 = attn.fill %x : f32 -> !attn.tile<q 16, f16>
  return
}

// -----

func.func @contract_c1(%a: !attn.tile<kv 16, d 64, f32>,
                       %b: !attn.tile<q 16, dv 64, f32>, %n: index) {
  // expected-error @+1 {{'attn.contract' op lhs is '!attn.tile<kv 16, d 64, f32>' and rhs is '!attn.tile<q 16, dv 64, f32>'; expected exactly one dim in common (C1)}}
  %0 = attn.contract %a, %b valid(%n)
      : !attn.tile<kv 16, d 64, f32>, !attn.tile<q 16, dv 64, f32>
      -> !attn.tile<q 16, kv 16, f32>
  return
}

// -----

func.func @contract_c1_two_shared(%a: !attn.tile<kv 16, d 64, f32>,
                                  %n: index) {
  // expected-error @+1 {{expected exactly one dim in common (C1)}}
  %0 = attn.contract %a, %a valid(%n)
      : !attn.tile<kv 16, d 64, f32>, !attn.tile<kv 16, d 64, f32>
      -> !attn.tile<q 16, kv 16, f32>
  return
}

// -----

func.func @contract_c1_rank(%a: !attn.tile<kv 16, d 64, f32>,
                            %b: !attn.tile<kv 16, f32>, %n: index) {
  // expected-error @+1 {{op rhs is '!attn.tile<kv 16, f32>'; expected two dims (C1)}}
  %0 = attn.contract %a, %b valid(%n)
      : !attn.tile<kv 16, d 64, f32>, !attn.tile<kv 16, f32>
      -> !attn.tile<d 64, f32>
  return
}

// -----

func.func @contract_c1_result(%a: !attn.tile<kv 16, d 64, f32>,
                              %b: !attn.tile<q 16, d 64, f32>, %n: index) {
  // expected-error @+1 {{op the result is '!attn.tile<q 16, d 64, f32>'; expected dims 'kv' and 'q' (C1)}}
  %0 = attn.contract %a, %b valid(%n)
      : !attn.tile<kv 16, d 64, f32>, !attn.tile<q 16, d 64, f32>
      -> !attn.tile<q 16, d 64, f32>
  return
}

// -----

func.func @contract_c2(%a: !attn.tile<kv 16, d 64, f32>,
                       %b: !attn.tile<q 16, d 32, f32>, %n: index) {
  // expected-error @+1 {{op lhs is '!attn.tile<kv 16, d 64, f32>' and rhs is '!attn.tile<q 16, d 32, f32>'; expected the same extent of dim 'd' (C2)}}
  %0 = attn.contract %a, %b valid(%n)
      : !attn.tile<kv 16, d 64, f32>, !attn.tile<q 16, d 32, f32>
      -> !attn.tile<q 16, kv 16, f32>
  return
}

// -----

func.func @contract_c2_result(%a: !attn.tile<kv 16, d 64, f32>,
                              %b: !attn.tile<q 16, d 64, f32>, %n: index) {
  // expected-error @+1 {{expected the same extent of dim 'q' (C2)}}
  %0 = attn.contract %a, %b valid(%n)
      : !attn.tile<kv 16, d 64, f32>, !attn.tile<q 16, d 64, f32>
      -> !attn.tile<q 8, kv 16, f32>
  return
}

// -----

func.func @contract_c3(%a: !attn.tile<kv 16, d 64, bf16>,
                       %b: !attn.tile<q 16, d 64, bf16>, %n: index) {
  // expected-error @+1 {{op the result is '!attn.tile<q 16, kv 16, bf16>'; expected element type f32 (C3)}}
  %0 = attn.contract %a, %b valid(%n)
      : !attn.tile<kv 16, d 64, bf16>, !attn.tile<q 16, d 64, bf16>
      -> !attn.tile<q 16, kv 16, bf16>
  return
}

// -----

func.func @contract_c3_into(%a: !attn.tile<kv 16, d 64, f32>,
                            %b: !attn.tile<q 16, d 64, f32>,
                            %c: !attn.tile<kv 16, q 16, f32>, %n: index) {
  // expected-error @+1 {{op into is '!attn.tile<kv 16, q 16, f32>'; expected '!attn.tile<q 16, kv 16, f32>' of the result (C3)}}
  %0 = attn.contract %a, %b valid(%n)
      into(%c : !attn.tile<kv 16, q 16, f32>)
      : !attn.tile<kv 16, d 64, f32>, !attn.tile<q 16, d 64, f32>
      -> !attn.tile<q 16, kv 16, f32>
  return
}

// -----

func.func @contract_c4(%a: !attn.tile<kv 16, d 64, f32>,
                       %b: !attn.tile<q 16, d 64, f32>, %n: index, %x: f32) {
  // expected-error @+1 {{op has guard_scale and no guard; expected both (C4)}}
  %0 = "attn.contract"(%a, %b, %n, %x)
      <{operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 1>}>
      : (!attn.tile<kv 16, d 64, f32>, !attn.tile<q 16, d 64, f32>, index, f32)
      -> !attn.tile<q 16, kv 16, f32>
  return
}

// -----

func.func @map_c1(%a: !attn.tile<q 16, d 64, f32>) {
  // expected-error @+1 {{'attn.map' op input #0 is '!attn.tile<q 16, d 64, f32>' and the result is '!attn.tile<q 16, kv 16, f32>'; expected dims of the result (C1)}}
  %0 = attn.map ins(%a : !attn.tile<q 16, d 64, f32>) {
  ^bb0(%x: f32, %i: index, %j: index):
    attn.yield %x : f32
  } -> !attn.tile<q 16, kv 16, f32>
  return
}

// -----

func.func @map_c1_extent(%a: !attn.tile<q 8, f32>) {
  // expected-error @+1 {{expected dims of the result (C1)}}
  %0 = attn.map ins(%a : !attn.tile<q 8, f32>) {
  ^bb0(%x: f32, %i: index, %j: index):
    attn.yield %x : f32
  } -> !attn.tile<q 16, kv 16, f32>
  return
}

// -----

func.func @map_c2(%a: !attn.tile<q 16, f32>) {
  // expected-error @+1 {{op body has arguments ('f32', 'index'); expected ('f32', 'index', 'index'), the elements of the inputs and one index per dim of the result (C2)}}
  %0 = attn.map ins(%a : !attn.tile<q 16, f32>) {
  ^bb0(%x: f32, %i: index):
    attn.yield %x : f32
  } -> !attn.tile<q 16, kv 16, f32>
  return
}

// -----

func.func @map_c2_yield(%a: !attn.tile<q 16, f32>) {
  // expected-error @+1 {{op body yields 'index'; expected 'f32' of the result (C2)}}
  %0 = attn.map ins(%a : !attn.tile<q 16, f32>) {
  ^bb0(%x: f32, %i: index, %j: index):
    attn.yield %i : index
  } -> !attn.tile<q 16, kv 16, f32>
  return
}

// -----

func.func @map_c2_terminator(%a: !attn.tile<q 16, f32>) {
  // expected-error @+1 {{op body ends with 'llvm.unreachable'; expected 'attn.yield' (C2)}}
  %0 = attn.map ins(%a : !attn.tile<q 16, f32>) {
  ^bb0(%x: f32, %i: index, %j: index):
    llvm.unreachable
  } -> !attn.tile<q 16, kv 16, f32>
  return
}

// -----

func.func @map_c2_empty_yield(%a: !attn.tile<q 16, f32>) {
  %0 = attn.map ins(%a : !attn.tile<q 16, f32>) {
  ^bb0(%x: f32, %i: index, %j: index):
    // expected-error @+1 {{'attn.yield' op requires a single operand}}
    "attn.yield"() : () -> ()
  } -> !attn.tile<q 16, kv 16, f32>
  return
}

// -----

func.func @map_c2_empty_body() {
  // expected-error @+1 {{'attn.map' op expects a non-empty block}}
  %0 = "attn.map"() ({
  ^bb0(%i: index):
  }) : () -> !attn.tile<q 16, f32>
  return
}

// -----

func.func @yield_outside(%x: f32) {
  // expected-error @+1 {{'attn.yield' op expects parent op 'attn.map'}}
  attn.yield %x : f32
}

// -----

func.func @reduce_c1(%a: !attn.tile<q 16, kv 16, f32>,
                     %m: !attn.tile<d 16, f32>) {
  // expected-error @+1 {{'attn.reduce' op input is '!attn.tile<q 16, kv 16, f32>' and the result is '!attn.tile<d 16, f32>'; expected the result to lack one dim (C1)}}
  %0 = attn.reduce max %a into %m
      : !attn.tile<q 16, kv 16, f32> -> !attn.tile<d 16, f32>
  return
}

// -----

func.func @reduce_c1_same_rank(%a: !attn.tile<q 16, f32>) {
  // expected-error @+1 {{expected the result to lack one dim (C1)}}
  %0 = attn.reduce max %a into %a
      : !attn.tile<q 16, f32> -> !attn.tile<q 16, f32>
  return
}

// -----

func.func @reduce_c1_extent(%a: !attn.tile<q 16, kv 16, f32>,
                            %m: !attn.tile<q 8, f32>) {
  // expected-error @+1 {{op input is '!attn.tile<q 16, kv 16, f32>' and the result is '!attn.tile<q 8, f32>'; expected the same extent of dim 'q' (C1)}}
  %0 = attn.reduce add %a into %m
      : !attn.tile<q 16, kv 16, f32> -> !attn.tile<q 8, f32>
  return
}

// -----

func.func @reduce_c1_elements(%a: !attn.tile<q 16, kv 16, f16>,
                              %m: !attn.tile<q 16, f32>) {
  // expected-error @+1 {{op input has element type 'f16' and the result has 'f32'; expected the same one (C1)}}
  %0 = attn.reduce add %a into %m
      : !attn.tile<q 16, kv 16, f16> -> !attn.tile<q 16, f32>
  return
}

// -----

// expected-note @+2 {{prior use here}}
func.func @reduce_c1_into(%a: !attn.tile<q 16, kv 16, f32>,
                          %m: !attn.tile<kv 16, f32>) {
  // expected-error @+1 {{use of value '%m' expects different type than prior uses: '!attn.tile<q 16, f32>' vs '!attn.tile<kv 16, f32>'}}
  %0 = attn.reduce max %a into %m
      : !attn.tile<q 16, kv 16, f32> -> !attn.tile<q 16, f32>
  return
}

// -----

func.func @reduce_kind(%a: !attn.tile<q 16, kv 16, f32>,
                       %m: !attn.tile<q 16, f32>) {
  // expected-error @+1 {{expected one of [add, max] for reduction over a tile dim, got: min}}
  %0 = attn.reduce min %a into %m
      : !attn.tile<q 16, kv 16, f32> -> !attn.tile<q 16, f32>
  return
}

// -----

func.func @dot_pairs_c1(%a: vector<16xbf16>, %acc: vector<16xf32>) {
  // expected-error @+1 {{'attn.dot_pairs' op lhs is 'vector<16xbf16>' and acc is 'vector<16xf32>'; expected lhs to have twice as many elements (C1)}}
  %0 = attn.dot_pairs %a, %a, %acc : vector<16xbf16>, vector<16xf32>
  return
}

// -----

func.func @dot_pairs_c1_scalable(%a: vector<[32]xbf16>, %acc: vector<16xf32>) {
  // expected-error @+1 {{expected lhs to have twice as many elements (C1)}}
  %0 = attn.dot_pairs %a, %a, %acc : vector<[32]xbf16>, vector<16xf32>
  return
}
