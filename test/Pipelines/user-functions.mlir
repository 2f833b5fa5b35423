// Every op that a user function may contain, on captures of every type, through
// the pipeline to machine code that calls no library, and right.

// RUN: attn-runner %s --random --check | FileCheck %s
// RUN: attn-runner %s --random --check --target=x86-64-v3 | FileCheck %s
// RUN: attn-opt %s --attn-to-llvm --verify-each | FileCheck %s --check-prefix=LLVM

// CHECK: check: ok

// The functions went where they were named.
// LLVM-NOT: @{{integers|floats|visible}}

func.func private @floats(%s: f32, %b: index, %h: index, %q_pos: index,
    %j: index, %i8s: tensor<?xi8>, %i32s: tensor<?x3xi32>,
    %i64s: tensor<?xi64>, %i1s: tensor<?xi1>, %indices: tensor<5xindex>,
    %f16s: tensor<?xf16>, %bf16s: tensor<?xbf16>, %f64s: tensor<?xf64>,
    %f32s: tensor<?xf32>, %rank0: tensor<f32>, %scalar: i32) -> f32 {
  // Loads that differ between rows, between keys, and in neither.
  %c1 = arith.constant 1 : index
  %c5 = arith.constant 5 : index
  %negative = arith.subi %j, %c5 : index
  %x8 = tensor.extract %i8s[%q_pos] : tensor<?xi8>
  %n8 = tensor.extract %i8s[%negative] : tensor<?xi8>
  %x16 = arith.extui %n8 : i8 to i16
  %x32 = tensor.extract %i32s[%q_pos, %j] : tensor<?x3xi32>
  %x64 = tensor.extract %i64s[%q_pos] : tensor<?xi64>
  %x1 = tensor.extract %i1s[%q_pos] : tensor<?xi1>
  %xindex = tensor.extract %indices[%q_pos] : tensor<5xindex>
  %xf16 = tensor.extract %f16s[%q_pos] : tensor<?xf16>
  %xbf16 = tensor.extract %bf16s[%q_pos] : tensor<?xbf16>
  %xf64 = tensor.extract %f64s[%q_pos] : tensor<?xf64>
  %xf32 = tensor.extract %f32s[%q_pos] : tensor<?xf32>
  %x0 = tensor.extract %rank0[] : tensor<f32>
  %e8 = arith.extsi %x8 : i8 to i32
  %e16 = arith.extui %x16 : i16 to i32
  %t64 = arith.trunci %x64 : i64 to i32
  %e1 = arith.extui %x1 : i1 to i32
  %cindex = arith.index_cast %xindex : index to i32
  %uindex = arith.index_castui %q_pos : index to i32
  %cj = arith.index_cast %j : index to i32
  %seed0 = arith.addi %e8, %cj : i32
  %seed1 = arith.muli %x32, %uindex : i32
  %v0 = arith.addi %seed0, %seed1 : i32
  %v1 = arith.subi %v0, %seed1 : i32
  %v2 = arith.muli %v0, %v1 : i32
  %v3 = arith.divsi %v0, %v2 : i32
  %v4 = arith.divui %v3, %v2 : i32
  %v5 = arith.ceildivsi %v3, %v2 : i32
  %v6 = arith.ceildivui %v3, %v2 : i32
  %v7 = arith.floordivsi %v6, %v2 : i32
  %v8 = arith.remsi %v6, %v2 : i32
  %v9 = arith.remui %v6, %v2 : i32
  %v10 = arith.andi %v9, %v2 : i32
  %v11 = arith.ori %v9, %v10 : i32
  %v12 = arith.xori %v9, %v11 : i32
  %v13 = arith.minsi %v12, %v11 : i32
  %v14 = arith.maxsi %v12, %v13 : i32
  %v15 = arith.minui %v12, %v14 : i32
  %v16 = arith.maxui %v15, %v14 : i32
  %ki32 = arith.constant 3 : i32
  %sli32 = arith.shli %v15, %ki32 : i32
  %sri32 = arith.shrsi %sli32, %ki32 : i32
  %sui32 = arith.shrui %v16, %ki32 : i32
  %abi32 = math.absi %sri32 : i32
  %resi32 = arith.xori %abi32, %sui32 : i32
  %final_i32 = arith.addi %resi32, %scalar : i32
  %ai64 = arith.extsi %seed0 : i32 to i64
  %bi64 = arith.extsi %seed1 : i32 to i64
  %v17 = arith.addi %ai64, %bi64 : i64
  %v18 = arith.subi %ai64, %v17 : i64
  %v19 = arith.muli %v18, %v17 : i64
  %v20 = arith.divsi %v18, %v19 : i64
  %v21 = arith.divui %v18, %v19 : i64
  %v22 = arith.ceildivsi %v21, %v19 : i64
  %v23 = arith.ceildivui %v21, %v19 : i64
  %v24 = arith.floordivsi %v21, %v19 : i64
  %v25 = arith.remsi %v24, %v19 : i64
  %v26 = arith.remui %v24, %v19 : i64
  %v27 = arith.andi %v24, %v19 : i64
  %v28 = arith.ori %v27, %v19 : i64
  %v29 = arith.xori %v27, %v28 : i64
  %v30 = arith.minsi %v27, %v29 : i64
  %v31 = arith.maxsi %v30, %v29 : i64
  %v32 = arith.minui %v30, %v31 : i64
  %v33 = arith.maxui %v30, %v32 : i64
  %ki64 = arith.constant 3 : i64
  %sli64 = arith.shli %v33, %ki64 : i64
  %sri64 = arith.shrsi %sli64, %ki64 : i64
  %sui64 = arith.shrui %v32, %ki64 : i64
  %abi64 = math.absi %sri64 : i64
  %resi64 = arith.xori %abi64, %sui64 : i64
  %final_i64 = arith.trunci %resi64 : i64 to i32
  %aindex = arith.index_cast %seed0 : i32 to index
  %bindex = arith.index_cast %seed1 : i32 to index
  %v34 = arith.addi %aindex, %bindex : index
  %v35 = arith.subi %aindex, %v34 : index
  %v36 = arith.muli %aindex, %v35 : index
  %v37 = arith.divsi %v36, %v35 : index
  %v38 = arith.divui %v36, %v35 : index
  %v39 = arith.ceildivsi %v36, %v35 : index
  %v40 = arith.ceildivui %v39, %v35 : index
  %v41 = arith.floordivsi %v39, %v35 : index
  %v42 = arith.remsi %v39, %v35 : index
  %v43 = arith.remui %v42, %v35 : index
  %v44 = arith.andi %v42, %v35 : index
  %v45 = arith.ori %v42, %v44 : index
  %v46 = arith.xori %v45, %v44 : index
  %v47 = arith.minsi %v45, %v46 : index
  %v48 = arith.maxsi %v45, %v47 : index
  %v49 = arith.minui %v48, %v47 : index
  %v50 = arith.maxui %v48, %v49 : index
  %kindex = arith.constant 3 : index
  %slindex = arith.shli %v48, %kindex : index
  %srindex = arith.shrsi %slindex, %kindex : index
  %suindex = arith.shrui %v50, %kindex : index
  %resindex = arith.xori %srindex, %suindex : index
  %final_index = arith.index_cast %resindex : index to i32
  %sum1 = arith.addi %final_i32, %final_i64 : i32
  %sum2 = arith.xori %sum1, %final_index : i32
  %sum3 = arith.addi %sum2, %t64 : i32
  %sum4 = arith.addi %sum3, %e1 : i32
  %sum5 = arith.addi %sum4, %cindex : i32
  %sum6 = arith.addi %sum5, %e16 : i32
  %byte = arith.constant 63 : i32
  %small = arith.andi %sum6, %byte : i32
  %fint = arith.sitofp %small : i32 to f32
  %fuint = arith.uitofp %x16 : i16 to f32
  // Floats.
  %w16 = arith.extf %xf16 : f16 to f32
  %wb16 = arith.extf %xbf16 : bf16 to f32
  %n64 = arith.truncf %xf64 : f64 to f32
  %narrow = arith.truncf %xf32 : f32 to bf16
  %wide = arith.extf %narrow : bf16 to f32
  %half = arith.truncf %s : f32 to f16
  %whole = arith.extf %half : f16 to f32
  %g0 = arith.addf %w16, %wb16 : f32
  %g1 = arith.subf %g0, %n64 : f32
  %g2 = arith.mulf %g1, %wide : f32
  %two = arith.constant 2.0 : f32
  %g3 = arith.divf %g2, %two : f32
  %g4 = arith.negf %g3 : f32
  %g5 = arith.minimumf %g4, %two : f32
  %minus = arith.negf %two : f32
  %g6 = arith.maximumf %g5, %minus : f32
  %g7 = arith.minnumf %g6, %two : f32
  %x = arith.maxnumf %g7, %minus : f32
  %abs = math.absf %x : f32
  %tenth = arith.constant 0.1 : f32
  %positive = arith.addf %abs, %tenth : f32
  %quarter = arith.constant 0.25 : f32
  %steps = arith.mulf %fint, %quarter : f32
  %m0 = math.floor %steps : f32
  %acc0 = arith.addf %steps, %m0 : f32
  %m1 = math.ceil %steps : f32
  %acc1 = arith.addf %acc0, %m1 : f32
  %m2 = math.trunc %steps : f32
  %acc2 = arith.addf %acc1, %m2 : f32
  %m3 = math.round %steps : f32
  %acc3 = arith.addf %acc2, %m3 : f32
  %m4 = math.roundeven %steps : f32
  %acc4 = arith.addf %acc3, %m4 : f32
  %m5 = math.exp %x : f32
  %acc5 = arith.addf %acc4, %m5 : f32
  %m6 = math.exp2 %x : f32
  %acc6 = arith.addf %acc5, %m6 : f32
  %m7 = math.expm1 %x : f32
  %acc7 = arith.addf %acc6, %m7 : f32
  %m8 = math.tanh %x : f32
  %acc8 = arith.addf %acc7, %m8 : f32
  %m9 = math.erf %x : f32
  %acc9 = arith.addf %acc8, %m9 : f32
  %m10 = math.sin %x : f32
  %acc10 = arith.addf %acc9, %m10 : f32
  %m11 = math.cos %x : f32
  %acc11 = arith.addf %acc10, %m11 : f32
  %m12 = math.absf %x : f32
  %acc12 = arith.addf %acc11, %m12 : f32
  %m13 = math.log %positive : f32
  %acc13 = arith.addf %acc12, %m13 : f32
  %m14 = math.log2 %positive : f32
  %acc14 = arith.addf %acc13, %m14 : f32
  %m15 = math.log1p %positive : f32
  %acc15 = arith.addf %acc14, %m15 : f32
  %m16 = math.sqrt %positive : f32
  %acc16 = arith.addf %acc15, %m16 : f32
  %m17 = math.rsqrt %positive : f32
  %acc17 = arith.addf %acc16, %m17 : f32
  %sign = math.copysign %tenth, %whole : f32
  %fused = math.fma %sign, %x, %acc17 : f32
  %bits = arith.bitcast %fint : f32 to i32
  %big = arith.cmpi ugt, %bits, %byte : i32
  %toint = arith.fptosi %steps : f32 to i32
  %touint = arith.fptoui %steps : f32 to i64
  %back = arith.sitofp %toint : i32 to f32
  %uback = arith.uitofp %touint : i64 to f32
  %less = arith.cmpf olt, %back, %uback : f32
  %either = arith.ori %big, %less : i1
  %chosen = arith.select %either, %fused, %x0 : f32
  %term = arith.mulf %chosen, %tenth : f32
  %scaled = arith.mulf %fuint, %tenth : f32
  %sum = arith.addf %term, %scaled : f32
  %f = arith.addf %s, %sum : f32
  return %f : f32
}

func.func private @visible(%b: index, %h: index, %q_pos: index, %j: index,
    %table: tensor<?x?xi32>, %flags: tensor<3xi1>) -> i1 {
  %mine = tensor.extract %table[%b, %q_pos] : tensor<?x?xi32>
  %theirs = tensor.extract %table[%b, %j] : tensor<?x?xi32>
  %more = arith.cmpi sge, %mine, %theirs : i32
  %flag = tensor.extract %flags[%h] : tensor<3xi1>
  %r = arith.xori %more, %flag : i1
  return %r : i1
}

func.func @attention(%q: tensor<1x70x3x16xf32>, %k: tensor<1x150x1x16xf32>,
    %v: tensor<1x150x1x16xf32>, %i8s: tensor<40xi8>,
    %i32s: tensor<4x3xi32>, %i64s: tensor<90xi64>, %i1s: tensor<64xi1>,
    %indices: tensor<5xindex>, %f16s: tensor<70xf16>, %bf16s: tensor<70xbf16>,
    %f64s: tensor<70xf64>, %f32s: tensor<70xf32>, %rank0: tensor<f32>,
    %scalar: i32, %table: tensor<2x100xi32>, %flags: tensor<3xi1>)
    -> (tensor<1x70x3x16xf32>, tensor<1x3x70xf32>) {
  %init = tensor.empty() : tensor<1x70x3x16xf32>
  %init_lse = tensor.empty() : tensor<1x3x70xf32>
  %out, %lse = attn.attention
      ins(%q, %k, %v : tensor<1x70x3x16xf32>, tensor<1x150x1x16xf32>,
          tensor<1x150x1x16xf32>)
      mask(#attn.or<[#attn.custom<@visible, [0, 1]>, #attn.prefix<3>]>)
      mask_operands(%table, %flags : tensor<2x100xi32>, tensor<3xi1>)
      scale(0.25) score_mod(@floats)
      score_operands(%i8s, %i32s, %i64s, %i1s, %indices, %f16s, %bf16s,
          %f64s, %f32s, %rank0, %scalar : tensor<40xi8>,
          tensor<4x3xi32>, tensor<90xi64>, tensor<64xi1>, tensor<5xindex>,
          tensor<70xf16>, tensor<70xbf16>, tensor<70xf64>, tensor<70xf32>,
          tensor<f32>, i32)
      outs(%init, %init_lse : tensor<1x70x3x16xf32>, tensor<1x3x70xf32>)
      -> tensor<1x70x3x16xf32>, tensor<1x3x70xf32>
  return %out, %lse : tensor<1x70x3x16xf32>, tensor<1x3x70xf32>
}
