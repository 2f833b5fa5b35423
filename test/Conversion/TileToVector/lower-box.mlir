// RUN: attn-opt %s --convert-attn-tile-to-vector --canonicalize --cse \
// RUN:   --split-input-file | FileCheck %s

// A line: element by element, 0 beyond what is valid. A finite f64 beyond f32
// stays finite.
// CHECK-LABEL: func @line
// CHECK-SAME:    %[[X:[^:]*]]: memref<?xf64>, %[[I:[^:]*]]: index, %[[N:[^:]*]]: index
// CHECK-DAG:     %[[MOST:.*]] = arith.constant 3.4028234663852886E+38 : f64
// CHECK-DAG:     %[[LEAST:.*]] = arith.constant -3.4028234663852886E+38 : f64
// CHECK-DAG:     %[[C16:.*]] = arith.constant 16 : index
// CHECK:         %[[BUFFER:.*]] = memref.alloc() {{.*}} : memref<16xf32>
// CHECK:         scf.for %{{.*}} = %[[N]] to %[[C16]]
// CHECK:           memref.store %{{.*}}, %[[BUFFER]]
// CHECK:         scf.for %[[J:.*]] = %{{.*}} to %[[N]]
// CHECK:           %[[AT:.*]] = arith.addi %[[I]], %[[J]]
// CHECK:           %[[E:.*]] = memref.load %[[X]][%[[AT]]]
// CHECK:           arith.select %{{.*}}, %[[MOST]], %[[E]]
// CHECK:           %[[NARROW:.*]] = arith.select %{{.*}}, %[[LEAST]],
// CHECK:           arith.truncf %[[NARROW]] : f64 to f32
func.func @line(%x: memref<?xf64>, %i: index, %n: index, %out: memref<?xf32>)
    attributes {attn.schedule = #attn.vector_schedule<rows = 4, lanes = 8, unit = 4, pairs = false>} {
  %t = attn.load_box %x[%i] valid(%n)
      : memref<?xf64> -> !attn.tile<q 16, f32, #attn.buffer<[q]>>
  attn.store_stats %t, %out[%i] valid(%n)
      : !attn.tile<q 16, f32, #attn.buffer<[q]>>, memref<?xf32>
  return
}

// -----

// A plane: blocks are transposed in registers if the keys are contiguous. One
// element per key is a scalar of the map.
!s = !attn.tile<q 8, kv 4, f32, #attn.buffer<[kv, q]>>
!m = !attn.tile<q 8, f32, #attn.buffer<[q]>>
!k = !attn.tile<kv 4, i32, #attn.buffer<[kv]>>
// CHECK-LABEL: func @plane
// CHECK-DAG:     %[[C1:.*]] = arith.constant 1 : index
// CHECK-DAG:     %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG:     %[[C4:.*]] = arith.constant 4 : index
// CHECK-DAG:     %[[CM4:.*]] = arith.constant -4 : index
// CHECK-DAG:     %[[BIAS:.*]] = memref.alloc() {{.*}} : memref<4x8xf32>
// CHECK-DAG:     %[[IDS:.*]] = memref.alloc() {{.*}} : memref<4xi32>
// CHECK:         %{{.*}}, %{{.*}}, %{{.*}}:2, %[[STRIDES:.*]]:2 = memref.extract_strided_metadata %[[X:.*]] :
// CHECK:         %[[BLOCKS:.*]] = memref.reinterpret_cast {{.*}} to memref<?x?xf16, strided<[?, 1], offset: ?>>
// CHECK:         %[[UNIT:.*]] = arith.cmpi eq, %[[STRIDES]]#1, %[[C1]]
// CHECK:         %[[WHOLE:.*]] = arith.andi %{{.*}}, %[[CM4]]
// CHECK:         %[[ROWS:.*]] = arith.select %[[UNIT]], %[[WHOLE]], %[[C0]]
// CHECK:         scf.for %{{.*}} = %[[C0]] to %[[ROWS]] step %[[C4]]
// CHECK-COUNT-4:   vector.load %[[BLOCKS]]
// CHECK-COUNT-4:   vector.interleave
// CHECK-COUNT-4:   vector.store %{{.*}}, %[[BIAS]]
// CHECK:         scf.for
// CHECK:           memref.load %[[X]]
// CHECK:         %[[ID:.*]] = memref.load %[[IDS]]
// CHECK:         arith.sitofp %[[ID]] : i32 to f32
// CHECK:         arith.addf %{{.*}}, %{{.*}} : vector<4xf32>
func.func @plane(%x: memref<?x?xf16, strided<[?, ?], offset: ?>>,
                 %ids: memref<?xi32>, %i: index, %j: index, %n: index,
                 %m: index, %zero: f32, %out: memref<?xf32>)
    attributes {attn.schedule = #attn.vector_schedule<rows = 4, lanes = 8, unit = 4, pairs = false>} {
  %t = attn.load_box %x[%i, %j] valid(%n, %m)
      : memref<?x?xf16, strided<[?, ?], offset: ?>> -> !s
  %k = attn.load_box %ids[%j] valid(%m) : memref<?xi32> -> !k
  %s = attn.map ins(%t, %k : !s, !k) {
  ^bb0(%a: f32, %b: i32, %row: index, %key: index):
    %f = arith.sitofp %b : i32 to f32
    %sum = arith.addf %a, %f : f32
    attn.yield %sum : f32
  } -> !s
  %init = attn.fill %zero : f32 -> !m
  %sum = attn.reduce add %s into %init : !s -> !m
  attn.store_stats %sum, %out[%i] valid(%n) : !m, memref<?xf32>
  return
}

// -----

// Bits lie in bytes: scalar loads.
!s = !attn.tile<q 8, kv 4, i8, #attn.buffer<[kv, q]>>
!f = !attn.tile<q 8, kv 4, f32, #attn.buffer<[kv, q]>>
!m = !attn.tile<q 8, f32, #attn.buffer<[q]>>
// CHECK-LABEL: func @bits
// CHECK:         %[[BIT:.*]] = memref.load %{{.*}} : memref<?x?xi1>
// CHECK:         arith.extui %[[BIT]] : i1 to i8
// CHECK-NOT:     vector<4xi1>{{.*}}memref
// The rows of a tile that count 0, or all 4 keys.
// CHECK:         %[[ALL:.*]]:2 = scf.for %{{.*}} = %{{.*}} to %{{.*}} step %{{.*}} iter_args(%[[NONE:.*]] = %{{.*}}, %[[EVERY:.*]] = %{{.*}}) -> (i1, i1) {
// CHECK:           %[[COUNT:.*]] = memref.load
// CHECK:           arith.cmpf oeq, %[[COUNT]], %{{.*}}
// CHECK:           arith.andi %[[NONE]],
// CHECK:           arith.cmpf oeq, %[[COUNT]], %{{.*}}
// CHECK:           arith.andi %[[EVERY]],
// CHECK:         %[[SOME:.*]] = arith.select %[[ALL]]#1, %{{.*}}, %{{.*}} : i8
// CHECK:         arith.select %[[ALL]]#0, %{{.*}}, %[[SOME]] : i8
func.func @bits(%x: memref<?x?xi1>, %i: index, %n: index, %zero: f32,
                %one: f32, %out: memref<?xi8>)
    attributes {attn.schedule = #attn.vector_schedule<rows = 4, lanes = 8, unit = 4, pairs = false>} {
  %t = attn.load_box %x[%i, %i] valid(%n, %n) : memref<?x?xi1> -> !s
  %s = attn.map ins(%t : !s) {
  ^bb0(%a: i8, %row: index, %key: index):
    %none = arith.constant 0 : i8
    %shown = arith.cmpi ne, %a, %none : i8
    %f = arith.select %shown, %one, %zero : f32
    attn.yield %f : f32
  } -> !f
  %init = attn.fill %zero : f32 -> !m
  %counts = attn.reduce add %s into %init : !f -> !m
  %kind = attn.tile_kind %counts valid(%n) keys(4) : !m
  memref.store %kind, %out[%i] : memref<?xi8>
  return
}
