// RUN: attn-opt %s --attn-expand-float8 --canonicalize | FileCheck %s
// RUN: attn-opt %s --attn-expand-float8 --canonicalize | FileCheck %s --check-prefix=NONE
// That the results are exact: test/unit/ExpandFloat8Test.cpp.

// NONE-NOT: arith.extf {{.*}}f8

// Bits of f16 with another bias, and the one magnitude that is NaN.
// CHECK-LABEL: func @e4m3fn
// CHECK-SAME:    %[[X:.*]]: vector<16xf8E4M3FN>
// CHECK-DAG:     %[[SHIFT:.*]] = arith.constant dense<7> : vector<16xi16>
// CHECK-DAG:     %[[KEPT:.*]] = arith.constant dense<-16512> : vector<16xi16>
// CHECK-DAG:     %[[POWER:.*]] = arith.constant dense<2.560000e+02> : vector<16xf32>
// CHECK-DAG:     %[[ONES:.*]] = arith.constant dense<127> : vector<16xi8>
// CHECK-DAG:     %[[NAN:.*]] = arith.constant dense<0x7FC00000> : vector<16xf32>
// CHECK:         %[[BYTES:.*]] = arith.bitcast %[[X]] : vector<16xf8E4M3FN> to vector<16xi8>
// CHECK:         %[[WIDE:.*]] = arith.extsi %[[BYTES]] : vector<16xi8> to vector<16xi16>
// CHECK:         %[[MOVED:.*]] = arith.shli %[[WIDE]], %[[SHIFT]]
// CHECK:         %[[BITS:.*]] = arith.andi %[[MOVED]], %[[KEPT]]
// CHECK:         %[[HALF:.*]] = arith.bitcast %[[BITS]] : vector<16xi16> to vector<16xf16>
// CHECK:         %[[SINGLE:.*]] = arith.extf %[[HALF]] : vector<16xf16> to vector<16xf32>
// CHECK:         %[[VALUE:.*]] = arith.mulf %[[SINGLE]], %[[POWER]]
// CHECK:         %[[MAGNITUDE:.*]] = arith.andi %[[BYTES]], %[[ONES]]
// CHECK:         %[[ISNAN:.*]] = arith.cmpi eq, %[[MAGNITUDE]], %[[ONES]]
// CHECK:         %[[Y:.*]] = arith.select %[[ISNAN]], %[[NAN]], %[[VALUE]]
// CHECK:         return %[[Y]]
func.func @e4m3fn(%x: vector<16xf8E4M3FN>) -> vector<16xf32> {
  %y = arith.extf %x : vector<16xf8E4M3FN> to vector<16xf32>
  return %y : vector<16xf32>
}

// The upper half of an f16.
// CHECK-LABEL: func @e5m2
// CHECK:         arith.constant 8 : i16
// CHECK:         arith.extsi {{.*}} : i8 to i16
// CHECK:         arith.shli
// CHECK:         %[[Y:.*]] = arith.extf {{.*}} : f16 to f32
// CHECK-NEXT:    return %[[Y]]
func.func @e5m2(%x: f8E5M2) -> f32 {
  %y = arith.extf %x : f8E5M2 to f32
  return %y : f32
}

// CHECK-LABEL: func @e4m3fnuz
// CHECK-DAG:     %[[NEGATIVE_ZERO:.*]] = arith.constant dense<-128> : vector<8xi8>
// CHECK-DAG:     arith.constant dense<1.280000e+02> : vector<8xf32>
// CHECK:         arith.cmpi eq, %{{.*}}, %[[NEGATIVE_ZERO]]
func.func @e4m3fnuz(%x: vector<8xf8E4M3FNUZ>) -> vector<8xf32> {
  %y = arith.extf %x : vector<8xf8E4M3FNUZ> to vector<8xf32>
  return %y : vector<8xf32>
}

// Its largest exponent is infinity in f16: through f32.
// CHECK-LABEL: func @e5m2fnuz
// CHECK-DAG:     arith.constant dense<21> : vector<8xi32>
// CHECK-DAG:     arith.constant dense<2.59614843E+33> : vector<8xf32>
// CHECK-NOT:     f16
// CHECK:         arith.mulf
func.func @e5m2fnuz(%x: vector<8xf8E5M2FNUZ>) -> vector<8xf32> {
  %y = arith.extf %x : vector<8xf8E5M2FNUZ> to vector<8xf32>
  return %y : vector<8xf32>
}

// The upper half of an f32 holds it exactly.
// CHECK-LABEL: func @to_bf16
// CHECK:         %[[BITS:.*]] = arith.bitcast %{{.*}} : f32 to i32
// CHECK:         %[[UPPER:.*]] = arith.shrui %[[BITS]], %c16_i32
// CHECK:         %[[HALF:.*]] = arith.trunci %[[UPPER]] : i32 to i16
// CHECK:         arith.bitcast %[[HALF]] : i16 to bf16
func.func @to_bf16(%x: f8E4M3FN) -> bf16 {
  %y = arith.extf %x : f8E4M3FN to bf16
  return %y : bf16
}

// The multiplication is one of f16.
// CHECK-LABEL: func @to_f16
// CHECK-DAG:     %[[POWER:.*]] = arith.constant dense<2.560000e+02> : vector<8xf16>
// CHECK-NOT:     f32
// CHECK:         arith.mulf %{{.*}}, %[[POWER]] : vector<8xf16>
// CHECK-NOT:     f32
// CHECK:         return
func.func @to_f16(%x: vector<8xf8E4M3FN>) -> vector<8xf16> {
  %y = arith.extf %x : vector<8xf8E4M3FN> to vector<8xf16>
  return %y : vector<8xf16>
}

// CHECK-LABEL: func @e5m2fnuz_to_f16
// CHECK:         arith.truncf {{.*}} : f32 to f16
func.func @e5m2fnuz_to_f16(%x: f8E5M2FNUZ) -> f16 {
  %y = arith.extf %x : f8E5M2FNUZ to f16
  return %y : f16
}

// Other extensions stay.
// CHECK-LABEL: func @half
// CHECK-NEXT:    arith.extf {{.*}} : f16 to f32
func.func @half(%x: f16) -> f32 {
  %y = arith.extf %x : f16 to f32
  return %y : f32
}
