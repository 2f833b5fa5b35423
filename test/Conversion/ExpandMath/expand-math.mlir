// RUN: attn-opt %s --attn-expand-math --canonicalize | FileCheck %s
// RUN: attn-opt %s --attn-expand-math --canonicalize | FileCheck %s --check-prefix=NONE
// How exact the result is: test/unit/ExpandMathTest.cpp.

// Two clamps that keep NaN, the rounding by a magic number, five steps of
// Horner's rule, and a power of two made of its exponent field.
// CHECK-LABEL: func @exp2_vector
// CHECK-SAME:    %[[X:.*]]: vector<16xf32>
// CHECK-DAG:     %[[LOW:.*]] = arith.constant dense<-1.260000e+02> : vector<16xf32>
// CHECK-DAG:     %[[HIGH:.*]] = arith.constant dense<1.280000e+02> : vector<16xf32>
// CHECK-DAG:     %[[MAGIC:.*]] = arith.constant dense<0x4B40007E> : vector<16xf32>
// CHECK-DAG:     %[[TWO:.*]] = arith.constant dense<2.000000e+00> : vector<16xf32>
// CHECK-DAG:     %[[BITS:.*]] = arith.constant dense<23> : vector<16xi32>
// CHECK:         %[[BELOW:.*]] = arith.cmpf olt, %[[X]], %[[LOW]]
// CHECK:         %[[X1:.*]] = arith.select %[[BELOW]], %[[LOW]], %[[X]]
// CHECK:         %[[ABOVE:.*]] = arith.cmpf ogt, %[[X1]], %[[HIGH]]
// CHECK:         %[[X2:.*]] = arith.select %[[ABOVE]], %[[HIGH]], %[[X1]]
// CHECK:         %[[SHIFTED:.*]] = arith.addf %[[X2]], %[[MAGIC]]
// CHECK:         %[[N:.*]] = arith.subf %[[SHIFTED]], %[[MAGIC]]
// CHECK:         %[[F:.*]] = arith.subf %[[X2]], %[[N]]
// CHECK-COUNT-4: math.fma %{{.*}}, %[[F]], %{{.*}}
// CHECK:         %[[P:.*]] = math.fma %{{.*}}, %[[F]], %[[TWO]]
// CHECK:         %[[WORD:.*]] = arith.bitcast %[[SHIFTED]] : vector<16xf32> to vector<16xi32>
// CHECK:         %[[FIELD:.*]] = arith.shli %[[WORD]], %[[BITS]]
// CHECK:         %[[POWER:.*]] = arith.bitcast %[[FIELD]] : vector<16xi32> to vector<16xf32>
// CHECK:         %[[Y:.*]] = arith.mulf %[[P]], %[[POWER]]
// CHECK:         return %[[Y]]
func.func @exp2_vector(%x: vector<16xf32>) -> vector<16xf32> {
  %y = math.exp2 %x : vector<16xf32>
  return %y : vector<16xf32>
}

// What is not positive needs no upper limit.
// CHECK-LABEL: func @exp2_not_positive
// CHECK-SAME:    %[[X:.*]]: vector<16xf32>
// CHECK:         %[[BELOW:.*]] = arith.cmpf olt, %[[X]], %[[LOW:.*]] :
// CHECK:         %[[X1:.*]] = arith.select %[[BELOW]], %[[LOW]], %[[X]]
// CHECK-NOT:     arith.cmpf
// CHECK:         arith.addf %[[X1]], %{{.*}}
// CHECK-NOT:     arith.cmpf
// CHECK:         return
func.func @exp2_not_positive(%x: vector<16xf32>) -> vector<16xf32> {
  %y = math.exp2 %x {attn.not_positive} : vector<16xf32>
  return %y : vector<16xf32>
}

// CHECK-LABEL: func @exp2_scalar
// CHECK-NOT:     vector
// CHECK:         arith.shli {{.*}} : i32
// CHECK-NOT:     vector
// CHECK:         return
func.func @exp2_scalar(%x: f32) -> f32 {
  %y = math.exp2 %x : f32
  return %y : f32
}

// NaN is put back where upstream's approximation clamps it away.
// CHECK-LABEL: func @tanh
// CHECK-SAME:    %[[X:.*]]: vector<8xf32>
// CHECK:         %[[NAN:.*]] = arith.cmpf uno, %[[X]], %[[X]]
// CHECK:         %[[Y:.*]] = arith.select %[[NAN]], %[[X]], %{{.*}}
// CHECK:         return %[[Y]]
func.func @tanh(%x: vector<8xf32>) -> vector<8xf32> {
  %y = math.tanh %x : vector<8xf32>
  return %y : vector<8xf32>
}

// CHECK-LABEL: func @log2
// CHECK:         math.fma
func.func @log2(%x: f32) -> f32 {
  %y = math.log2 %x : f32
  return %y : f32
}

// Both ways of rounding the argument: to a power of two, to a quarter turn.

// CHECK-LABEL: func @exp
// CHECK:         math.fma
func.func @exp(%x: vector<16xf32>) -> vector<16xf32> {
  %y = math.exp %x : vector<16xf32>
  return %y : vector<16xf32>
}

// CHECK-LABEL: func @angles
// CHECK-COUNT-2: math.roundeven %{{.*}} : f64
func.func @angles(%x: f32) -> (f32, f32) {
  %y = math.sin %x : f32
  %z = math.cos %x : f32
  return %y, %z : f32, f32
}

// The logarithm is that of a double.
// CHECK-LABEL: func @power
// CHECK-SAME:    %[[X:.*]]: vector<8xf32>, %[[Y:.*]]: vector<8xf32>
// CHECK:         arith.extf %[[X]] : vector<8xf32> to vector<8xf64>
// CHECK-COUNT-7: math.fma %{{.*}} : vector<8xf64>
// CHECK:         arith.extf %[[Y]] : vector<8xf32> to vector<8xf64>
// CHECK:         math.roundeven %{{.*}} : vector<8xf64>
// CHECK:         math.copysign %{{.*}}, %[[X]]
// CHECK-NOT:     math.powf
// CHECK:         return
func.func @power(%x: vector<8xf32>, %y: vector<8xf32>) -> vector<8xf32> {
  %z = math.powf %x, %y : vector<8xf32>
  return %z : vector<8xf32>
}

// CHECK-LABEL: func @upstream
// CHECK-NOT:     math.{{exp|log|erf}}
// CHECK:         return
func.func @upstream(%x: f32) -> (f32, f32, f32, f32) {
  %log = math.log %x : f32
  %log1p = math.log1p %x : f32
  %expm1 = math.expm1 %x : f32
  %erf = math.erf %x : f32
  return %log, %log1p, %expm1, %erf : f32, f32, f32, f32
}

// NONE-NOT:    {{math.(exp|exp2|expm1|log|log1p|log2|tanh|erf|sin|cos)}} {{.*}}f32
// NONE-LABEL:  func @other

// Other types and other functions are left alone.
// CHECK-LABEL: func @other
// CHECK:         math.exp2 %{{.*}} : f64
// CHECK:         math.asin %{{.*}} : f32
func.func @other(%x: f64, %z: f32) -> (f64, f32) {
  %y = math.exp2 %x : f64
  %w = math.asin %z : f32
  return %y, %w : f64, f32
}
