// RUN: attn-opt %s --split-input-file --attn-convert-to-online --canonicalize \
// RUN:   --cse --mlir-print-local-scope | FileCheck %s
// RUN: attn-opt %s --split-input-file --attn-convert-to-online=count-tiles \
// RUN:   --canonicalize --cse --mlir-print-local-scope \
// RUN:   | FileCheck %s --check-prefix=TILES

// Without a mask and with sizes that the blocks divide, there is one body and
// it masks nothing.
#config = #attn.config<block_q = 32, block_kv = 64, block_kv_compute = 64, schedule = #attn.vector_schedule<rows = 4, lanes = 16, unit = 8, pairs = false>>
// CHECK-LABEL: func.func private @unmasked_attention_0
// CHECK-SAME:    (%[[Q:.*]]: memref<1x128x4x16xf32>, %[[K:.*]]: memref<1x256x2x16xf32>, %[[V:.*]]: memref<1x256x2x8xf32>, %[[OUT:.*]]: memref<1x128x4x8xf32>, %[[BEGIN:.*]]: index, %[[END:.*]]: index)
// CHECK-SAME:    attributes {attn.schedule = #attn.vector_schedule<rows = 4, lanes = 16, unit = 8, pairs = false>}
// CHECK-DAG:     %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG:     %[[C1:.*]] = arith.constant 1 : index
// CHECK-DAG:     %[[C2:.*]] = arith.constant 2 : index
// CHECK-DAG:     %[[C4:.*]] = arith.constant 4 : index
// CHECK-DAG:     %[[C32:.*]] = arith.constant 32 : index
// CHECK-DAG:     %[[C64:.*]] = arith.constant 64 : index
// CHECK-DAG:     %[[NONE:.*]] = arith.constant 0xFF800000 : f32
// CHECK-DAG:     %[[ZERO:.*]] = arith.constant 0.000000e+00 : f32
// CHECK-DAG:     %[[ONE:.*]] = arith.constant 1.000000e+00 : f32
// CHECK-DAG:     %[[TINY:.*]] = arith.constant 2.32830644E-10 : f32
// A quarter of log2 e: a plain scale is the unit in which the softmax counts.
// CHECK-DAG:     %[[UNIT:.*]] = arith.constant 0.360673755 : f32
// CHECK:         scf.for %[[W:.*]] = %[[BEGIN]] to %[[END]] step %[[C1]] {
// CHECK-NEXT:      %[[B:.*]], %[[H:.*]], %[[BLOCK:.*]] = attn.work_item %[[W]] of(%[[C1]], %[[C4]], %[[C4]]) longest_first
// CHECK:           %[[ROW:.*]] = arith.muli %[[BLOCK]], %[[C32]]
// Two query heads share a KV head.
// CHECK:           %[[G:.*]] = arith.divui %[[H]], %[[C2]]
// CHECK:           %[[KVIEW:.*]] = attn.view %[[K]][%[[B]], %[[G]]] <bshd> : {{.*}} -> !attn.view<kv, d 16, f32>
// CHECK:           %[[VVIEW:.*]] = attn.view %[[V]][%[[B]], %[[G]]] <bshd> : {{.*}} -> !attn.view<kv, dv 8, f32>
// CHECK:           %[[QVIEW:.*]] = attn.view %[[Q]][%[[B]], %[[H]]] <bshd> : {{.*}} -> !attn.view<q, d 16, f32>
// CHECK:           %[[QT:.*]] = attn.load_tile %[[QVIEW]][%[[ROW]]]
// Attempts: plain, guarded, guarded with small weights.
// CHECK:           scf.while (%[[ATTEMPT:.*]] = %[[C0]]) : (index) -> index {
// CHECK:           %[[GUARD:.*]] = arith.cmpi ne, %[[ATTEMPT]], %[[C0]]
// CHECK:           %[[LAST:.*]] = arith.cmpi eq, %[[ATTEMPT]], %[[C2]]
// CHECK:           %[[SMALL:.*]] = arith.select %[[LAST]], %[[TINY]], %[[ONE]]
// CHECK:           %[[ACC0:.*]] = attn.fill %[[ZERO]] : f32 -> !attn.tile<q 32, dv 8, f32>
// CHECK:           %[[MAX0:.*]] = attn.fill %[[NONE]] : f32 -> !attn.tile<q 32, f32>
// CHECK:           %[[SUM0:.*]] = attn.fill %[[ZERO]] : f32 -> !attn.tile<q 32, f32>
// CHECK:           %[[STATE:.*]]:3 = scf.for %[[TILE:.*]] = %[[C0]] to %[[C4]] step %[[C1]] iter_args(%[[ACC:.*]] = %[[ACC0]], %[[MAX:.*]] = %[[MAX0]], %[[SUM:.*]] = %[[SUM0]])
// CHECK:             %[[KEY:.*]] = arith.muli %[[TILE]], %[[C64]]
// CHECK:             %[[KT:.*]] = attn.load_tile %[[KVIEW]][%[[KEY]]] valid(%[[C64]])
// CHECK:             %[[VT:.*]] = attn.load_tile %[[VVIEW]][%[[KEY]]] valid(%[[C64]])
// CHECK:             %[[S:.*]] = attn.contract %[[KT]], %[[QT]] valid(%[[C64]])
// CHECK-NOT:         arith.cmpi
// CHECK:             %[[NEWMAX:.*]] = attn.reduce max %[[S]] into %[[MAX]]
// While a row has seen no key, 0 stands for its maximum.
// CHECK:             %[[SAFE:.*]] = attn.map ins(%[[NEWMAX]]
// CHECK:               %[[EMPTY:.*]] = arith.cmpf oeq, %[[X:.*]], %[[NONE]]
// CHECK:               arith.select %[[EMPTY]], %[[ZERO]], %[[X]]
// CHECK:             %[[RESCALE:.*]] = attn.map ins(%[[MAX]], %[[SAFE]]
// CHECK:               %[[LESS:.*]] = arith.subf
// CHECK:               %[[BASE2:.*]] = arith.mulf %[[LESS]], %[[UNIT]]
// CHECK:               math.exp2 %[[BASE2]] {attn.not_positive}
// CHECK:             %[[SCALED:.*]] = attn.map ins(%[[SUM]], %[[RESCALE]]
// CHECK:             %[[SCALEDACC:.*]] = attn.map ins(%[[ACC]], %[[RESCALE]]
// CHECK:             %[[P:.*]] = attn.map ins(%[[S]], %[[SAFE]]
// CHECK:               math.exp2
// CHECK:             %[[NEWSUM:.*]] = attn.reduce add %[[P]] into %[[SCALED]]
// CHECK:             %[[NEWACC:.*]] = attn.contract %[[VT]], %[[P]] valid(%[[C64]]) into(%[[SCALEDACC]] : {{.*}}) guard(%[[GUARD]] scale %[[SMALL]])
// CHECK:             scf.yield %[[NEWACC]], %[[NEWMAX]], %[[NEWSUM]]
// CHECK-NOT:       attn.contract
// CHECK:           %[[OK:.*]] = attn.all_finite %[[STATE]]#0
// CHECK-NOT:       attn.store_stats
// CHECK:           %[[DIVISOR:.*]] = attn.map ins(%[[STATE]]#2
// CHECK:             arith.mulf %{{.*}}, %[[SMALL]]
// CHECK:           attn.map ins(%[[STATE]]#0, %[[DIVISOR]]
// CHECK:             arith.divf
// CHECK:           attn.store_tile %{{.*}}, %{{.*}}[%[[ROW]]] valid(%{{.*}}) keep_finite(%[[GUARD]])
// CHECK:           %[[OVERFLOWS:.*]] = arith.xori %[[OK]]
// CHECK:           %[[MORE:.*]] = arith.cmpi ne, %[[ATTEMPT]], %[[C2]]
// CHECK:           %[[AGAIN:.*]] = arith.andi %[[OVERFLOWS]], %[[MORE]]
// CHECK:           scf.condition(%[[AGAIN]]) %[[ATTEMPT]]
// CHECK:           arith.addi %{{.*}}, %[[C1]]
// CHECK-LABEL: func.func @unmasked(
// CHECK-SAME:    %[[Q:.*]]: memref<1x128x4x16xf32>, %[[K:.*]]: memref<1x256x2x16xf32>, %[[V:.*]]: memref<1x256x2x8xf32>, %[[OUT:.*]]: memref<1x128x4x8xf32>)
// CHECK:         %[[COUNT:.*]] = arith.constant 16 : index
// CHECK-NEXT:    attn.launch @unmasked_attention_0 over %[[COUNT]](%[[Q]], %[[K]], %[[V]], %[[OUT]] :
// CHECK-NEXT:    return
// TILES:       memref.global @attn_tile_counts : memref<2xi64> = dense<0>
// TILES-LABEL: func.func private @unmasked_attention_0
// TILES-DAG:     %[[FULL:.*]] = arith.constant 1 : index
// TILES-DAG:     %[[ONE:.*]] = arith.constant 1 : i64
// TILES:         %[[COUNTS:.*]] = memref.get_global @attn_tile_counts
// TILES:         memref.atomic_rmw addi %[[ONE]], %[[COUNTS]][%[[FULL]]]
// TILES-NOT:     memref.atomic_rmw
// TILES-LABEL: func.func @unmasked(
func.func @unmasked(
    %q: memref<1x128x4x16xf32>, %k: memref<1x256x2x16xf32>,
    %v: memref<1x256x2x8xf32>, %out: memref<1x128x4x8xf32>) {
  attn.attention
      ins(%q, %k, %v : memref<1x128x4x16xf32>, memref<1x256x2x16xf32>,
          memref<1x256x2x8xf32>)
      scale(0.25) config(#config) outs(%out : memref<1x128x4x8xf32>)
  return
}

// -----

// Keys that the blocks do not divide: full tiles, then one that masks.
#config = #attn.config<block_q = 32, block_kv = 64, block_kv_compute = 64, schedule = #attn.vector_schedule<rows = 4, lanes = 16, unit = 8, pairs = false>>
// CHECK-LABEL: func.func private @ragged_attention_0
// CHECK-DAG:     %[[C100:.*]] = arith.constant 100 : index
// CHECK-DAG:     %[[C64:.*]] = arith.constant 64 : index
// CHECK-DAG:     %[[C36:.*]] = arith.constant 36 : index
// CHECK:         attn.contract %{{.*}} valid(%[[C64]])
// CHECK:         attn.contract %{{.*}} valid(%[[C64]])
// CHECK:         attn.contract %{{.*}} valid(%[[VALID:[^)]*]])
// CHECK:         arith.cmpi slt, %{{.*}}, %[[C100]]
// CHECK:         attn.contract %{{.*}} valid(%[[VALID]])
// CHECK-NOT:     attn.contract
// CHECK:         attn.store_tile
func.func @ragged(
    %q: memref<1x128x4x16xf32>, %k: memref<1x100x2x16xf32>,
    %out: memref<1x128x4x16xf32>) {
  attn.attention
      ins(%q, %k, %k : memref<1x128x4x16xf32>, memref<1x100x2x16xf32>,
          memref<1x100x2x16xf32>)
      scale(0.25) config(#config) outs(%out : memref<1x128x4x16xf32>)
  return
}

// -----

// Causal: unmasked tiles below the diagonal, masked ones on it. K and V may be
// one buffer, which the kernel then has once.
#config = #attn.config<block_q = 32, block_kv = 64, block_kv_compute = 64, schedule = #attn.vector_schedule<rows = 4, lanes = 16, unit = 8, pairs = false>>
// CHECK-LABEL: func.func private @causal_attention_0(%{{[^,]*}}: memref<1x256x4x16xf32>, %{{[^,]*}}: memref<1x256x2x16xf32>, %{{[^,]*}}: memref<1x256x4x16xf32>, %{{[^,]*}}: index, %{{[^,]*}}: index)
// CHECK-DAG:     %[[C0:.*]] = arith.constant 0 : index
// CHECK:         %[[STATE:.*]]:3 = scf.for %{{.*}} = %[[C0]] to %[[DIAGONAL:.*]] step
// CHECK-NOT:       arith.cmpi
// CHECK:           scf.yield
// CHECK:         %[[LAST:.*]]:3 = scf.for %{{.*}} = %[[DIAGONAL]] to %{{.*}} step {{.*}} iter_args(%{{.*}} = %[[STATE]]#0, %{{.*}} = %[[STATE]]#1, %{{.*}} = %[[STATE]]#2)
// CHECK:           %[[S:.*]] = attn.contract
// CHECK:           attn.map ins(%[[S]]
// CHECK:             %[[VISIBLE:.*]] = arith.cmpi sle
// CHECK:             arith.select
// CHECK:           scf.yield
// CHECK-NOT:     attn.contract
// CHECK:         attn.map ins(%[[LAST]]#2
// TILES-LABEL: func.func private @causal_attention_0
// TILES-DAG:     %[[MASKED:.*]] = arith.constant 0 : index
// TILES-DAG:     %[[FULL:.*]] = arith.constant 1 : index
// TILES:         memref.atomic_rmw addi {{.*}}[%[[FULL]]]
// TILES:         memref.atomic_rmw addi {{.*}}[%[[MASKED]]]
// TILES-NOT:     memref.atomic_rmw
// TILES:         return
func.func @causal(
    %q: memref<1x256x4x16xf32>, %k: memref<1x256x2x16xf32>,
    %out: memref<1x256x4x16xf32>) {
  attn.attention
      ins(%q, %k, %k : memref<1x256x4x16xf32>, memref<1x256x2x16xf32>,
          memref<1x256x2x16xf32>)
      mask(#attn.causal) scale(0.25) config(#config)
      outs(%out : memref<1x256x4x16xf32>)
  return
}

// -----

// A mask of many ranges still has two bodies: a loop over its ranges feeds
// each.
#config = #attn.config<block_q = 32, block_kv = 64, block_kv_compute = 64, schedule = #attn.vector_schedule<rows = 4, lanes = 16, unit = 8, pairs = false>>
// CHECK-LABEL: func.func private @ranges_attention_0
// CHECK:         scf.for {{.*}} iter_args
// CHECK:           arith.select
// CHECK:           scf.for {{.*}} iter_args
// CHECK-COUNT-2:     attn.contract
// CHECK-NOT:         attn.contract
// CHECK:         scf.for {{.*}} iter_args
// CHECK:           scf.for {{.*}} iter_args
// CHECK-COUNT-2:     attn.contract
// CHECK-NOT:         attn.contract
// CHECK:         attn.store_tile
func.func @ranges(
    %q: memref<1x1024x4x16xf32>, %out: memref<1x1024x4x16xf32>) {
  attn.attention
      ins(%q, %q, %q : memref<1x1024x4x16xf32>, memref<1x1024x4x16xf32>,
          memref<1x1024x4x16xf32>)
      mask(#attn.or<[#attn.sliding_window<200, 100>, #attn.prefix<300>]>)
      scale(0.25) config(#config) outs(%out : memref<1x1024x4x16xf32>)
  return
}

// -----

// Tiles wider than a step of the softmax: a loop over the steps.
#config = #attn.config<block_q = 32, block_kv = 128, block_kv_compute = 32, schedule = #attn.vector_schedule<rows = 4, lanes = 16, unit = 8, pairs = false>>
// CHECK-LABEL: func.func private @steps_attention_0
// CHECK-DAG:     %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG:     %[[C32:.*]] = arith.constant 32 : index
// CHECK-DAG:     %[[C128:.*]] = arith.constant 128 : index
// CHECK:         scf.for %[[TILE:.*]] = %[[C0]] to %{{.*}} iter_args
// CHECK:           %[[FIRST:.*]] = arith.muli %[[TILE]], %[[C128]]
// CHECK:           scf.for %[[STEP:.*]] = %[[C0]] to %[[C128]] step %[[C32]] iter_args
// CHECK:             %[[KEY:.*]] = arith.addi %[[FIRST]], %[[STEP]]
// CHECK:             attn.load_tile %{{.*}}[%[[KEY]]] valid(%[[C32]]) : !attn.view<kv, d 16, f32> -> !attn.tile<kv 32, d 16, f32>
// A tile is counted once, whatever its number of steps.
// TILES-LABEL: func.func private @steps_attention_0
// TILES:         scf.for {{.*}} iter_args
// TILES:           memref.atomic_rmw
// TILES:           scf.for {{.*}} iter_args
// TILES-NOT:     memref.atomic_rmw
// TILES:         return
func.func @steps(%q: memref<1x256x4x16xf32>, %out: memref<1x256x4x16xf32>) {
  attn.attention
      ins(%q, %q, %q : memref<1x256x4x16xf32>, memref<1x256x4x16xf32>,
          memref<1x256x4x16xf32>)
      scale(0.25) config(#config) outs(%out : memref<1x256x4x16xf32>)
  return
}

// -----

// Heads of equal masks form a class; the class of the head selects ranges and
// visibility.
#config = #attn.config<block_q = 32, block_kv = 64, block_kv_compute = 64, schedule = #attn.vector_schedule<rows = 4, lanes = 16, unit = 8, pairs = false>>
// CHECK-LABEL: func.func private @classes_attention_0
// CHECK:         %[[TABLE:.*]] = arith.constant dense<[0, 1, 0, 1]> : vector<4xi64>
// CHECK:         attn.work_item
// CHECK:         %[[CLASS64:.*]] = vector.extract %[[TABLE]][%{{.*}}] : i64 from vector<4xi64>
// CHECK:         %[[CLASS:.*]] = arith.index_cast %[[CLASS64]] : i64 to index
// CHECK-DAG:     %[[FIRST:.*]] = arith.cmpi eq, %[[CLASS]], %{{.*}} : index
// CHECK-DAG:     arith.select %[[FIRST]]
// CHECK-COUNT-4: attn.contract
// CHECK-NOT:     attn.contract
// CHECK:         attn.store_tile
func.func @classes(%q: memref<1x256x4x16xf32>, %out: memref<1x256x4x16xf32>) {
  attn.attention
      ins(%q, %q, %q : memref<1x256x4x16xf32>, memref<1x256x4x16xf32>,
          memref<1x256x4x16xf32>)
      mask(#attn.per_head<[#attn.causal, #attn.sliding_window<63, 0>,
                           #attn.causal, #attn.sliding_window<63, 0>]>)
      scale(0.25) config(#config) outs(%out : memref<1x256x4x16xf32>)
  return
}

// -----

// Masks that are equal for all heads need no class.
#config = #attn.config<block_q = 32, block_kv = 64, block_kv_compute = 64, schedule = #attn.vector_schedule<rows = 4, lanes = 16, unit = 8, pairs = false>>
// CHECK-LABEL: func.func private @one_class_attention_0
// CHECK-NOT:     vector.extract
// CHECK:         return
func.func @one_class(%q: memref<1x256x2x16xf32>, %out: memref<1x256x2x16xf32>) {
  attn.attention
      ins(%q, %q, %q : memref<1x256x2x16xf32>, memref<1x256x2x16xf32>,
          memref<1x256x2x16xf32>)
      mask(#attn.per_head<[#attn.causal, #attn.causal]>)
      scale(0.25) config(#config) outs(%out : memref<1x256x2x16xf32>)
  return
}

// -----

// A sink is the last thing that each row sees: it may raise the maximum, made
// natural, and its weight is added to the sum. With lse comes a second store,
// before that of out.
#config = #attn.config<block_q = 32, block_kv = 64, block_kv_compute = 64, schedule = #attn.vector_schedule<rows = 4, lanes = 16, unit = 8, pairs = false>>
// CHECK-LABEL: func.func private @sinks_attention_0
// CHECK-SAME:    %[[SINKS:[^:]*]]: memref<4xf32>, %{{[^:]*}}: memref<1x256x4x16xf32>, %[[LSE:[^:]*]]: memref<1x4x256xf32>
// CHECK-DAG:     %[[LN2:.*]] = arith.constant 0.693147182 : f32
// CHECK-DAG:     %[[SCALE:.*]] = arith.constant 2.500000e-01 : f32
// CHECK-DAG:     %[[NONE:.*]] = arith.constant 0xFF800000 : f32
// CHECK-DAG:     %[[ZERO:.*]] = arith.constant 0.000000e+00 : f32
// CHECK:         %[[B:.*]], %[[H:.*]], %{{.*}} = attn.work_item
// CHECK:         %[[SINK:.*]] = memref.load %[[SINKS]][%[[H]]]
// CHECK:         %[[STATE:.*]]:3 = scf.for {{.*}} iter_args
// Whether the attempt is enough, the sums over keys tell.
// CHECK:         attn.all_finite %[[STATE]]#0
// CHECK:         %[[NATURAL:.*]] = attn.map ins(%[[STATE]]#1 :
// CHECK:           arith.mulf %{{.*}}, %[[SCALE]]
// CHECK:         %[[MAX:.*]] = attn.map ins(%[[NATURAL]] :
// CHECK:           arith.maxnumf %{{.*}}, %[[SINK]]
// CHECK:         %[[RESCALE:.*]] = attn.map ins(%[[NATURAL]], %{{.*}} :
// CHECK:           math.exp2
// CHECK:         %[[KEYS:.*]] = attn.map ins(%[[STATE]]#2, %[[RESCALE]] :
// CHECK:         attn.map ins(%[[STATE]]#0, %[[RESCALE]] :
// CHECK:         %[[ALL:.*]] = attn.fill %[[SINK]] : f32 -> !attn.tile<q 32, f32>
// CHECK:         %[[WEIGHT:.*]] = attn.map ins(%[[ALL]], %{{.*}} :
// CHECK:           math.exp2 %{{.*}} {attn.not_positive}
// CHECK:         %[[SUM:.*]] = attn.map ins(%[[KEYS]], %[[WEIGHT]] :
// CHECK:           arith.addf
// CHECK:         %[[L:.*]] = attn.map ins(%[[MAX]], %[[SUM]] :
// CHECK:           %[[INSIDE:.*]] = arith.cmpi slt
// CHECK:           %[[SEEN:.*]] = arith.cmpf une, %[[X:.*]], %[[ZERO]]
// CHECK:           %[[HAS:.*]] = arith.andi %[[INSIDE]], %[[SEEN]]
// CHECK:           %[[LOG2:.*]] = math.log2 %[[X]]
// CHECK:           %[[LOG:.*]] = arith.mulf %[[LOG2]], %[[LN2]]
// CHECK:           %[[LSUM:.*]] = arith.addf %{{.*}}, %[[LOG]]
// CHECK:           arith.select %[[HAS]], %[[LSUM]], %[[NONE]]
// CHECK:         attn.store_stats %[[L]], %[[LSE]][%[[B]], %[[H]], %{{.*}}]
// CHECK:         attn.store_tile
// CHECK-LABEL: func.func @sinks(
func.func @sinks(%q: memref<1x256x4x16xf32>, %sinks: memref<4xf32>,
                 %out: memref<1x256x4x16xf32>, %lse: memref<1x4x256xf32>) {
  attn.attention
      ins(%q, %q, %q : memref<1x256x4x16xf32>, memref<1x256x4x16xf32>,
          memref<1x256x4x16xf32>)
      scale(0.25) sinks(%sinks : memref<4xf32>) config(#config)
      outs(%out, %lse : memref<1x256x4x16xf32>, memref<1x4x256xf32>)
  return
}

// -----

// A result wider than the weights shows which bits they lose: they lose them before
// they are summed too, 16 of f32's for bf16, and lse has a sum of its own.
#config = #attn.config<block_q = 32, block_kv = 64, block_kv_compute = 64, schedule = #attn.vector_schedule<rows = 4, lanes = 16, unit = 8, pairs = true>>
// CHECK-LABEL: func.func private @wide_out_attention_0
// CHECK-DAG:     %[[KEPT:.*]] = arith.constant -65536 : i32
// Weights are relative to a little less than the maximum, so that cutting off
// rounds: to ln(1 + 2^-9), in units of the scale.
// CHECK-DAG:     %[[LESS:.*]] = arith.constant 0.00780488
// CHECK:         %[[STATE:.*]]:4 = scf.for {{.*}} iter_args(%{{.*}}, %{{.*}}, %[[OLD:.*]] = %{{.*}}, %[[OLDEXACT:.*]] = %{{[^)]*}})
// CHECK:           %[[SCALED:.*]] = attn.map ins(%[[OLD]], %{{.*}} :
// CHECK:           %[[SCALEDEXACT:.*]] = attn.map ins(%[[OLDEXACT]], %{{.*}} :
// CHECK:           %[[EXACT:.*]] = attn.reduce add %[[P:.*]] into %[[SCALEDEXACT]]
// CHECK:           %[[SHORT:.*]] = attn.map ins(%[[P]] :
// CHECK:           ^bb0(%[[W:.*]]: f32,
// CHECK:             %[[BITS:.*]] = arith.bitcast %[[W]] : f32 to i32
// CHECK:             %[[CUT:.*]] = arith.andi %[[BITS]], %[[KEPT]]
// CHECK:             arith.bitcast %[[CUT]] : i32 to f32
// CHECK:           %[[SUM:.*]] = attn.reduce add %[[SHORT]] into %[[SCALED]]
// CHECK:           %[[ROUNDED:.*]] = attn.map ins(%[[SHORT]] :
// CHECK:             arith.truncf %{{.*}} {attn.shortened} : f32 to bf16
// CHECK:           attn.contract %{{.*}}, %[[ROUNDED]]
// CHECK:           scf.yield %{{.*}}, %{{.*}}, %[[SUM]], %[[EXACT]]
// CHECK:         %[[REFERENCE:.*]] = attn.map ins(%[[STATE]]#1 :
// CHECK:           arith.subf %{{.*}}, %[[LESS]]
// CHECK:         attn.map ins(%[[REFERENCE]], %[[STATE]]#3 :
// CHECK:           math.log2
// CHECK-LABEL: func.func @wide_out(
func.func @wide_out(%q: memref<1x256x4x16xbf16>, %out: memref<1x256x4x16xf32>,
                    %lse: memref<1x4x256xf32>) {
  attn.attention
      ins(%q, %q, %q : memref<1x256x4x16xbf16>, memref<1x256x4x16xbf16>,
          memref<1x256x4x16xbf16>)
      scale(0.25) config(#config)
      outs(%out, %lse : memref<1x256x4x16xf32>, memref<1x4x256xf32>)
  return
}

// -----

// One sum is enough without lse, or where the type of the result is that of the
// weights.
#config = #attn.config<block_q = 32, block_kv = 64, block_kv_compute = 64, schedule = #attn.vector_schedule<rows = 4, lanes = 16, unit = 8, pairs = true>>
// CHECK-LABEL: func.func private @wide_out_alone_attention_0
// CHECK:         :3 = scf.for
// CHECK-LABEL: func.func @wide_out_alone(
func.func @wide_out_alone(%q: memref<1x256x4x16xbf16>,
                          %out: memref<1x256x4x16xf32>) {
  attn.attention
      ins(%q, %q, %q : memref<1x256x4x16xbf16>, memref<1x256x4x16xbf16>,
          memref<1x256x4x16xbf16>)
      scale(0.25) config(#config) outs(%out : memref<1x256x4x16xf32>)
  return
}

// -----

#config = #attn.config<block_q = 32, block_kv = 64, block_kv_compute = 64, schedule = #attn.vector_schedule<rows = 4, lanes = 16, unit = 8, pairs = true>>
// CHECK-LABEL: func.func private @narrow_out_attention_0
// CHECK-NOT:     arith.bitcast
// CHECK:         :3 = scf.for
// CHECK-LABEL: func.func @narrow_out(
func.func @narrow_out(%q: memref<1x256x4x16xbf16>,
                      %out: memref<1x256x4x16xbf16>,
                      %lse: memref<1x4x256xf32>) {
  attn.attention
      ins(%q, %q, %q : memref<1x256x4x16xbf16>, memref<1x256x4x16xbf16>,
          memref<1x256x4x16xbf16>)
      scale(0.25) config(#config)
      outs(%out, %lse : memref<1x256x4x16xbf16>, memref<1x4x256xf32>)
  return
}

// -----

// Lengths, offset and the operands of masks are read once per work item, at its
// batch; the number of work items comes from run-time sizes.
#config = #attn.config<block_q = 32, block_kv = 64, block_kv_compute = 64, schedule = #attn.vector_schedule<rows = 4, lanes = 16, unit = 8, pairs = false>>
// CHECK-LABEL: func.func private @lengths_attention_0
// CHECK-SAME:    %[[Q:[^:]*]]: memref<?x?x4x16xf32>, %[[QLENS:[^:]*]]: memref<?xi32>, %[[KVLENS:[^:]*]]: memref<?xi32>, %[[OFFSET:[^:]*]]: memref<?xi64>, %[[PREFIX:[^:]*]]: memref<?xi32>, %{{[^:]*}}: memref<?x?x4x16xf32>, %{{[^:]*}}: index, %{{[^:]*}}: index)
// CHECK:         %[[B:.*]], %{{.*}}, %{{.*}} = attn.work_item
// CHECK-DAG:     memref.load %[[QLENS]][%[[B]]]
// CHECK-DAG:     %[[KVLEN32:.*]] = memref.load %[[KVLENS]][%[[B]]]
// CHECK-DAG:     %[[KVLEN:.*]] = arith.index_cast %[[KVLEN32]] : i32 to index
// CHECK-DAG:     memref.load %[[OFFSET]][%[[B]]]
// CHECK-DAG:     memref.load %[[PREFIX]][%[[B]]]
// CHECK:         scf.for {{.*}} iter_args
// CHECK:         scf.for {{.*}} iter_args
// CHECK:           %[[LEFT:.*]] = arith.subi %[[KVLEN]], %{{.*}}
// CHECK:           %[[VALID:.*]] = arith.minsi %[[LEFT]], %{{.*}}
// CHECK:           %[[CLAMPED:.*]] = arith.maxsi %[[VALID]], %{{.*}}
// CHECK:           attn.load_tile {{.*}} valid(%[[CLAMPED]])
// CHECK:           arith.cmpi slt, %{{.*}}, %[[KVLEN]]
// CHECK-LABEL: func.func @lengths(
// CHECK-SAME:    %[[Q:[^:]*]]: memref<?x?x4x16xf32>
// CHECK-DAG:     %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG:     %[[C1:.*]] = arith.constant 1 : index
// CHECK-DAG:     %[[BATCHES:.*]] = memref.dim %[[Q]], %[[C0]]
// CHECK-DAG:     %[[ROWS:.*]] = memref.dim %[[Q]], %[[C1]]
// CHECK-DAG:     %[[BLOCKS:.*]] = affine.apply affine_map<()[s0] -> (s0 ceildiv 32)>()[%[[ROWS]]]
// CHECK-DAG:     %[[PAIRS:.*]] = arith.muli %[[BATCHES]], %{{.*}}
// CHECK-DAG:     %[[COUNT:.*]] = arith.muli %[[PAIRS]], %[[BLOCKS]]
// CHECK:         attn.launch @lengths_attention_0 over %[[COUNT]](
func.func @lengths(
    %q: memref<?x?x4x16xf32>, %q_lens: memref<?xi32>, %kv_lens: memref<?xi32>,
    %offset: memref<?xi64>, %prefix: memref<?xi32>,
    %out: memref<?x?x4x16xf32>) {
  attn.attention
      ins(%q, %q, %q : memref<?x?x4x16xf32>, memref<?x?x4x16xf32>,
          memref<?x?x4x16xf32>)
      mask(#attn.or<[#attn.causal, #attn.prefix<slot 0>]>)
      mask_operands(%prefix : memref<?xi32>) scale(0.25)
      dynamic_q_offset(%offset : memref<?xi64>)
      q_lens(%q_lens : memref<?xi32>) kv_lens(%kv_lens : memref<?xi32>)
      config(#config) outs(%out : memref<?x?x4x16xf32>)
  return
}

// -----

// Scale, softcap and offset as scalars of the caller.
#config = #attn.config<block_q = 32, block_kv = 64, block_kv_compute = 64, schedule = #attn.vector_schedule<rows = 4, lanes = 16, unit = 8, pairs = false>>
// CHECK-LABEL: func.func private @scalars_attention_0
// CHECK-SAME:    %[[OFFSET:[^:]*]]: i64, %[[SCALE:[^:]*]]: f32, %[[SOFTCAP:[^:]*]]: f32,
// CHECK:         arith.index_cast %[[OFFSET]] : i64 to index
// CHECK:         %[[X:.*]] = arith.mulf %{{.*}}, %[[SCALE]]
// A softcap of 0 caps nothing.
// CHECK:         %[[RATIO:.*]] = arith.divf %[[X]], %[[SOFTCAP]]
// CHECK:         %[[TANH:.*]] = math.tanh %[[RATIO]]
// CHECK:         %[[CAPPED:.*]] = arith.mulf %[[TANH]], %[[SOFTCAP]]
// CHECK:         %[[CAPS:.*]] = arith.cmpf ogt, %[[SOFTCAP]], %{{.*}}
// CHECK:         arith.select %[[CAPS]], %[[CAPPED]], %[[X]]
func.func @scalars(%q: memref<1x64x4x16xf32>, %offset: i64, %scale: f32,
                   %softcap: f32, %out: memref<1x64x4x16xf32>) {
  attn.attention
      ins(%q, %q, %q : memref<1x64x4x16xf32>, memref<1x64x4x16xf32>,
          memref<1x64x4x16xf32>)
      mask(#attn.causal) dynamic_scale(%scale) dynamic_softcap(%softcap)
      dynamic_q_offset(%offset : i64)
      config(#config) outs(%out : memref<1x64x4x16xf32>)
  return
}

// -----

// A constant softcap: one factor before tanh (scale / softcap), one after.
#config = #attn.config<block_q = 32, block_kv = 64, block_kv_compute = 64, schedule = #attn.vector_schedule<rows = 4, lanes = 16, unit = 8, pairs = false>>
// CHECK-LABEL: func.func private @softcap_attention_0
// CHECK-DAG:     %[[AFTER:.*]] = arith.constant 2.000000e+00 : f32
// CHECK-DAG:     %[[BEFORE:.*]] = arith.constant 1.500000e-01 : f32
// CHECK:         attn.contract
// CHECK:         %[[X:.*]] = arith.mulf %{{.*}}, %[[BEFORE]]
// CHECK:         %[[TANH:.*]] = math.tanh %[[X]]
// CHECK:         arith.mulf %[[TANH]], %[[AFTER]]
// CHECK:         attn.reduce max
func.func @softcap(%q: memref<1x64x4x16xf32>, %out: memref<1x64x4x16xf32>) {
  attn.attention
      ins(%q, %q, %q : memref<1x64x4x16xf32>, memref<1x64x4x16xf32>,
          memref<1x64x4x16xf32>)
      scale(0.3) softcap(2.0) config(#config)
      outs(%out : memref<1x64x4x16xf32>)
  return
}

// -----

// Lse is natural: it counts the maximum times the unit.
#config = #attn.config<block_q = 32, block_kv = 64, block_kv_compute = 64, schedule = #attn.vector_schedule<rows = 4, lanes = 16, unit = 8, pairs = false>>
// CHECK-LABEL: func.func private @unit_of_lse_attention_0
// CHECK-DAG:     %[[SCALE:.*]] = arith.constant 3.000000e-01 : f32
// CHECK:         %[[DOT:.*]] = attn.contract
// CHECK-NEXT:    attn.reduce max %[[DOT]]
// CHECK:         attn.all_finite
// CHECK:         attn.map ins(%[[MAX:[^ ]*]], %[[SUM:[^ ]*]] :
// CHECK:           math.log2
// CHECK:           %[[NATURAL:.*]] = arith.mulf %{{.*}}, %[[SCALE]]
// CHECK:           arith.addf {{.*}}%[[NATURAL]]
// CHECK:         attn.store_stats
func.func @unit_of_lse(%q: memref<1x64x4x16xf32>, %out: memref<1x64x4x16xf32>,
                       %lse: memref<1x4x64xf32>) {
  attn.attention
      ins(%q, %q, %q : memref<1x64x4x16xf32>, memref<1x64x4x16xf32>,
          memref<1x64x4x16xf32>)
      scale(0.3) config(#config)
      outs(%out, %lse : memref<1x64x4x16xf32>, memref<1x4x64xf32>)
  return
}

// -----

// A negative scale would turn the order of scores: it multiplies the products,
// and a full tile needs a map for it.
#config = #attn.config<block_q = 32, block_kv = 64, block_kv_compute = 64, schedule = #attn.vector_schedule<rows = 4, lanes = 16, unit = 8, pairs = false>>
// CHECK-LABEL: func.func private @negative_scale_attention_0
// CHECK-DAG:     %[[SCALE:.*]] = arith.constant -3.000000e-01 : f32
// CHECK:         %[[DOT:.*]] = attn.contract
// CHECK:         %[[S:.*]] = attn.map ins(%[[DOT]]
// CHECK:           arith.mulf %{{.*}}, %[[SCALE]]
// CHECK:         attn.reduce max %[[S]]
func.func @negative_scale(%q: memref<1x64x4x16xf32>,
                          %out: memref<1x64x4x16xf32>) {
  attn.attention
      ins(%q, %q, %q : memref<1x64x4x16xf32>, memref<1x64x4x16xf32>,
          memref<1x64x4x16xf32>)
      scale(-0.3) config(#config) outs(%out : memref<1x64x4x16xf32>)
  return
}

// -----

// So does one so small that differences of products may overflow.
#config = #attn.config<block_q = 32, block_kv = 64, block_kv_compute = 64, schedule = #attn.vector_schedule<rows = 4, lanes = 16, unit = 8, pairs = false>>
// CHECK-LABEL: func.func private @small_scale_attention_0
// CHECK-DAG:     %[[LOG2E:.*]] = arith.constant 1.44269502 : f32
// CHECK-DAG:     %[[SCALE:.*]] = arith.constant 9.99999968E-21 : f32
// CHECK:         attn.contract
// CHECK:           arith.mulf %{{.*}}, %[[SCALE]]
func.func @small_scale(%q: memref<1x64x4x16xf32>,
                       %out: memref<1x64x4x16xf32>) {
  attn.attention
      ins(%q, %q, %q : memref<1x64x4x16xf32>, memref<1x64x4x16xf32>,
          memref<1x64x4x16xf32>)
      scale(1.0e-20) config(#config) outs(%out : memref<1x64x4x16xf32>)
  return
}

// -----

// So does one beside a sink, whose logit is natural.
#config = #attn.config<block_q = 32, block_kv = 64, block_kv_compute = 64, schedule = #attn.vector_schedule<rows = 4, lanes = 16, unit = 8, pairs = false>>
// CHECK-LABEL: func.func private @scale_and_sink_attention_0
// CHECK-DAG:     %[[LOG2E:.*]] = arith.constant 1.44269502 : f32
// CHECK-DAG:     %[[SCALE:.*]] = arith.constant 3.000000e-01 : f32
// CHECK:         attn.contract
// CHECK:           arith.mulf %{{.*}}, %[[SCALE]]
func.func @scale_and_sink(%q: memref<1x64x4x16xf32>, %sinks: memref<4xf32>,
                          %out: memref<1x64x4x16xf32>) {
  attn.attention
      ins(%q, %q, %q : memref<1x64x4x16xf32>, memref<1x64x4x16xf32>,
          memref<1x64x4x16xf32>)
      scale(0.3) sinks(%sinks : memref<4xf32>) config(#config)
      outs(%out : memref<1x64x4x16xf32>)
  return
}

// -----

// ALiBi in natural units, after the softcap; the slope is read once per work
// item, here per batch and head. A full tile needs the map too.
#config = #attn.config<block_q = 32, block_kv = 64, block_kv_compute = 64, schedule = #attn.vector_schedule<rows = 4, lanes = 16, unit = 8, pairs = false>>
// CHECK-LABEL: func.func private @alibi_attention_0
// CHECK-SAME:    %[[SLOPES:[^:]*]]: memref<1x4xf32>
// CHECK:         %[[B:.*]], %[[H:.*]], %{{.*}} = attn.work_item
// CHECK:         %[[SLOPE:.*]] = memref.load %[[SLOPES]][%[[B]], %[[H]]]
// CHECK:         attn.map
// CHECK:           %[[CAPPED:.*]] = arith.mulf %{{.*}}, %{{.*}} : f32
// CHECK:           %[[DISTANCE:.*]] = arith.subi
// CHECK:           %[[INTEGER:.*]] = arith.index_cast %[[DISTANCE]] : index to i64
// CHECK:           %[[FLOAT:.*]] = arith.sitofp %[[INTEGER]] {attn.distance} : i64 to f32
// CHECK:           %[[MAGNITUDE:.*]] = math.absf %[[FLOAT]]
// CHECK:           %[[PENALTY:.*]] = arith.mulf %[[SLOPE]], %[[MAGNITUDE]]
// CHECK:           %[[S:.*]] = arith.subf %{{.*}}, %[[PENALTY]]
// CHECK:           attn.yield %[[S]]
// CHECK:         attn.reduce max
func.func @alibi(%q: memref<1x64x4x16xf32>, %slopes: memref<1x4xf32>,
                 %out: memref<1x64x4x16xf32>) {
  attn.attention
      ins(%q, %q, %q : memref<1x64x4x16xf32>, memref<1x64x4x16xf32>,
          memref<1x64x4x16xf32>)
      scale(0.3) softcap(2.0) alibi_slopes(%slopes : memref<1x4xf32>)
      config(#config) outs(%out : memref<1x64x4x16xf32>)
  return
}

// -----

// Products of pairs: operands keep 16 bits; weights are rounded after they were
// summed.
#config = #attn.config<block_q = 32, block_kv = 64, block_kv_compute = 64, schedule = #attn.vector_schedule<rows = 4, lanes = 32, unit = 16, pairs = true>>
// CHECK-LABEL: func.func private @pairs_attention_0
// CHECK:         %[[Q:.*]] = attn.load_tile {{.*}} -> !attn.tile<q 32, d 16, bf16>
// CHECK:         %[[S:.*]] = attn.contract %{{.*}}, %[[Q]] {{.*}} -> !attn.tile<q 32, kv 64, f32>
// CHECK:         %[[P:.*]] = attn.map
// CHECK:           math.exp2
// CHECK:         -> !attn.tile<q 32, kv 64, f32>
// CHECK:         attn.reduce add %[[P:[^ ]*]] into
// CHECK:         %[[ROUNDED:.*]] = attn.map ins(%[[P]]
// CHECK:           arith.truncf
// CHECK:         -> !attn.tile<q 32, kv 64, bf16>
// CHECK:         attn.contract %{{.*}}, %[[ROUNDED]]
func.func @pairs(%q: memref<1x64x4x16xbf16>, %out: memref<1x64x4x16xbf16>) {
  attn.attention
      ins(%q, %q, %q : memref<1x64x4x16xbf16>, memref<1x64x4x16xbf16>,
          memref<1x64x4x16xbf16>)
      scale(0.25) config(#config) outs(%out : memref<1x64x4x16xbf16>)
  return
}

// -----

// Two ops of one function are two kernels; a name that is taken is not reused.
#config = #attn.config<block_q = 32, block_kv = 64, block_kv_compute = 64, schedule = #attn.vector_schedule<rows = 4, lanes = 16, unit = 8, pairs = false>>
// CHECK:       func.func private @two_attention_0()
// CHECK:       func.func private @[[FIRST:two_attention_[1-9].*]](%
// CHECK:       func.func private @[[SECOND:two_attention_[1-9].*]](%
// CHECK:       func.func @two(
// CHECK:         scf.for
// CHECK:           attn.launch @[[FIRST]] over
// CHECK:         attn.launch @[[SECOND]] over
// TILES-LABEL: func.func @pairs(
// TILES:       memref.global @attn_tile_counts
// TILES-NOT:   memref.global
// TILES-LABEL: func.func @two(
func.func private @two_attention_0()
func.func @two(%q: memref<1x64x4x16xf32>, %out: memref<1x64x4x16xf32>,
               %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %n step %c1 {
    attn.attention
        ins(%q, %q, %q : memref<1x64x4x16xf32>, memref<1x64x4x16xf32>,
            memref<1x64x4x16xf32>)
        scale(0.25) config(#config) outs(%out : memref<1x64x4x16xf32>)
  }
  attn.attention
      ins(%q, %q, %q : memref<1x64x4x16xf32>, memref<1x64x4x16xf32>,
          memref<1x64x4x16xf32>)
      scale(0.5) config(#config) outs(%out : memref<1x64x4x16xf32>)
  return
}

// -----

// Without an op, or with one that has folded away, the counts stay 0.
// TILES:       memref.global @attn_tile_counts
// TILES-LABEL: func.func @nothing
// CHECK-LABEL: func.func @nothing
func.func @nothing() {
  return
}

// -----

// Tiles of fp8 operands are converted when they are loaded. The factors of the
// batch and KV head, or of all where a dim is 1, multiply the scale and the
// output.
#config = #attn.config<block_q = 32, block_kv = 64, block_kv_compute = 64, schedule = #attn.vector_schedule<rows = 4, lanes = 16, unit = 8, pairs = false>>
// CHECK-LABEL: func.func private @descales_attention_0
// CHECK-SAME:    %[[QD:[a-z0-9]+]]: memref<2x2xf32>, %[[KD:[a-z0-9]+]]: memref<?x2xf32>, %[[VD:[a-z0-9]+]]: memref<1x1xf32>, %{{.*}}: memref<2x128x4x16xbf16>
// CHECK-DAG:     %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG:     %[[C1:.*]] = arith.constant 1 : index
// CHECK-DAG:     %[[FACTOR:.*]] = arith.constant 2.500000e-01 : f32
// CHECK:         %[[B:.*]], %[[H:.*]], %{{.*}} = attn.work_item
// CHECK:         %[[G:.*]] = arith.divui %[[H]]
// CHECK:         %[[QB:.*]] = arith.minsi %[[B]], %[[C1]]
// CHECK:         %[[QG:.*]] = arith.minsi %[[G]], %[[C1]]
// CHECK:         %[[QF:.*]] = memref.load %[[QD]][%[[QB]], %[[QG]]]
// CHECK:         %[[SIZE:.*]] = memref.dim %[[KD]], %[[C0]]
// CHECK:         %[[LAST:.*]] = arith.subi %[[SIZE]], %[[C1]]
// CHECK:         %[[KB:.*]] = arith.minsi %[[B]], %[[LAST]]
// CHECK:         %[[KF:.*]] = memref.load %[[KD]][%[[KB]], %[[QG]]]
// CHECK:         %[[QK:.*]] = arith.mulf %[[QF]], %[[KF]]
// CHECK:         %[[VB:.*]] = arith.minsi %[[B]], %[[C0]]
// CHECK:         %[[VG:.*]] = arith.minsi %[[G]], %[[C0]]
// CHECK:         %[[VF:.*]] = memref.load %[[VD]][%[[VB]], %[[VG]]]
// CHECK:         %[[SCALE:.*]] = arith.mulf %[[QK]], %[[FACTOR]]
// CHECK:         attn.load_tile {{.*}} : !attn.view<q, d 16, f8E5M2> -> !attn.tile<q 32, d 16, f32>
// CHECK:         attn.load_tile {{.*}} : !attn.view<kv, d 16, f8E4M3FN> -> !attn.tile<kv 64, d 16, f32>
// CHECK:         attn.load_tile {{.*}} : !attn.view<kv, dv 16, f8E4M3FN> -> !attn.tile<kv 64, dv 16, f32>
// CHECK:         attn.contract
// CHECK:         arith.mulf %{{.*}}, %[[SCALE]]
// CHECK:         %[[QUOTIENT:.*]] = arith.divf
// CHECK:         arith.mulf %[[QUOTIENT]], %[[VF]]
func.func @descales(%q: memref<2x128x4x16xf8E5M2>, %k: memref<2x256x2x16xf8E4M3FN>,
                    %v: memref<2x256x2x16xf8E4M3FN>, %qd: memref<2x2xf32>,
                    %kd: memref<?x2xf32>, %vd: memref<1x1xf32>,
                    %out: memref<2x128x4x16xbf16>) {
  attn.attention ins(%q, %k, %v : memref<2x128x4x16xf8E5M2>,
      memref<2x256x2x16xf8E4M3FN>, memref<2x256x2x16xf8E4M3FN>)
      scale(0.25) q_descale(%qd : memref<2x2xf32>)
      k_descale(%kd : memref<?x2xf32>) v_descale(%vd : memref<1x1xf32>)
      config(#config)
      outs(%out : memref<2x128x4x16xbf16>)
  return
}
