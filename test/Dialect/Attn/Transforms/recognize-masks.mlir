// RUN: split-file %s %t
// RUN: %python %t/expand.py < %t/functions.txt > %t/functions.mlir
// RUN: attn-opt %t/functions.mlir --attn-recognize-masks --verify-each \
// RUN:   | FileCheck %t/functions.txt
// RUN: attn-opt %t/captures.mlir --attn-recognize-masks --split-input-file \
// RUN:   | FileCheck %t/captures.mlir

// Functions that are masks of the algebra, and functions that nearly are. Each
// line of functions.txt has a name, options of the op and the function's body,
// whose result is %r. A check says which mask the op has afterwards; where the
// function stays it is custom.

//--- expand.py
import sys

HEAD = """
func.func private @{name}(%b: index, %h: index, %q: index, %j: index) -> i1 {{
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c16 = arith.constant 16 : index
  %minus = arith.constant -1 : index
  %huge = arith.constant 4611686018427387904 : index
  %true = arith.constant true
  {body}
  return %r : i1
}}
func.func @use_{name}(%x: memref<1x500x1x8xf32>, %at: i64) {{
  attn.attention ins(%x, %x, %x : memref<1x500x1x8xf32>,
      memref<1x500x1x8xf32>, memref<1x500x1x8xf32>)
      mask(#attn.custom<@{name}>) scale(1.0) {options}
      outs(%x : memref<1x500x1x8xf32>)
  return
}}"""
for line in sys.stdin:
    if line.startswith("="):
        name, options, body = (part.strip() for part in line[1:].split("|"))
        body = body.replace("; ", "\n  ")
        print(HEAD.format(name=name, options=options, body=body))

//--- functions.txt
Positions may be negative, unless the offset is known.

CHECK-LABEL: @use_causal
CHECK: mask(#attn.causal)
= causal | dynamic_q_offset(%at : i64) | %r = arith.cmpi sle, %j, %q : index

CHECK-LABEL: @use_causal_swapped
CHECK: mask(#attn.causal)
= causal_swapped | dynamic_q_offset(%at : i64) | %r = arith.cmpi sge, %q, %j : index

CHECK-LABEL: @use_causal_minus
CHECK: mask(#attn.causal)
= causal_minus | dynamic_q_offset(%at : i64) | %d = arith.subi %q, %j : index; %r = arith.cmpi sge, %d, %c0 : index

CHECK-LABEL: @use_causal_not
CHECK: mask(#attn.causal)
= causal_not | dynamic_q_offset(%at : i64) | %n = arith.cmpi sgt, %j, %q : index; %r = arith.xori %n, %true : i1

CHECK-LABEL: @use_causal_i64
CHECK: mask(#attn.causal)
= causal_i64 | dynamic_q_offset(%at : i64) | %i = arith.index_cast %q : index to i64; %k = arith.index_cast %j : index to i64; %r = arith.cmpi sle, %k, %i : i64

CHECK-LABEL: @use_before
CHECK: mask(#attn.not<#attn.sliding_window<0, unbounded>>)
= before | dynamic_q_offset(%at : i64) | %r = arith.cmpi slt, %j, %q : index

CHECK-LABEL: @use_ahead
CHECK: mask(#attn.sliding_window<unbounded, 16>)
= ahead | dynamic_q_offset(%at : i64) | %e = arith.addi %q, %c16 : index; %r = arith.cmpi sle, %j, %e : index

CHECK-LABEL: @use_window
CHECK: mask(#attn.sliding_window<15, 0>)
= window | dynamic_q_offset(%at : i64) | %d = arith.subi %q, %j : index; %s = arith.cmpi slt, %d, %c16 : index; %c = arith.cmpi sle, %j, %q : index; %r = arith.andi %s, %c : i1

CHECK-LABEL: @use_window_unsigned
CHECK: mask(#attn.sliding_window<15, 0>)
= window_unsigned | dynamic_q_offset(%at : i64) | %d = arith.subi %q, %j : index; %r = arith.cmpi ult, %d, %c16 : index

CHECK-LABEL: @use_diagonal
CHECK: mask(#attn.sliding_window<0, 0>)
= diagonal | dynamic_q_offset(%at : i64) | %r = arith.cmpi eq, %j, %q : index

CHECK-LABEL: @use_prefix
CHECK: mask(#attn.prefix<16>)
= prefix | dynamic_q_offset(%at : i64) | %r = arith.cmpi ult, %j, %c16 : index

CHECK-LABEL: @use_suffix
CHECK: mask(#attn.not<#attn.prefix<16>>)
= suffix | dynamic_q_offset(%at : i64) | %r = arith.cmpi sge, %j, %c16 : index

CHECK-LABEL: @use_prefix_causal
CHECK: mask(#attn.or<[#attn.{{causal|prefix<16>}}, #attn.{{causal|prefix<16>}}]>)
= prefix_causal | dynamic_q_offset(%at : i64) | %p = arith.cmpi slt, %j, %c16 : index; %c = arith.cmpi sle, %j, %q : index; %r = arith.select %p, %true, %c : i1

CHECK-LABEL: @use_chunked
CHECK: mask(#attn.chunked<16>)
= chunked | dynamic_q_offset(%at : i64) | %m = arith.floordivsi %q, %c16 : index; %n = arith.floordivsi %j, %c16 : index; %r = arith.cmpi eq, %m, %n : index

CHECK-LABEL: @use_chunked_shift
CHECK: mask(#attn.chunked<4>)
= chunked_shift | dynamic_q_offset(%at : i64) | %m = arith.shrsi %q, %c2 : index; %n = arith.shrui %j, %c2 : index; %r = arith.cmpi eq, %m, %n : index

CHECK-LABEL: @use_chunks_before
CHECK: mask(#attn.or<[#attn.{{causal|chunked<16>}}, #attn.{{causal|chunked<16>}}]>)
= chunks_before | dynamic_q_offset(%at : i64) | %m = arith.floordivsi %q, %c16 : index; %n = arith.floordivsi %j, %c16 : index; %r = arith.cmpi sle, %n, %m : index

CHECK-LABEL: @use_chunked_known
CHECK: mask(#attn.chunked<16>)
= chunked_known | q_offset(3) | %m = arith.divui %q, %c16 : index; %n = arith.divsi %j, %c16 : index; %r = arith.cmpi eq, %m, %n : index

CHECK-LABEL: @use_all
CHECK-NOT: mask(
= all | | %r = arith.cmpi sge, %j, %c0 : index

Nearly: a quotient that rounds toward 0, positions that may be negative.

CHECK-LABEL: @use_rounds_to_zero
CHECK: mask(#attn.custom<@rounds_to_zero>)
= rounds_to_zero | dynamic_q_offset(%at : i64) | %m = arith.divsi %q, %c16 : index; %n = arith.divsi %j, %c16 : index; %r = arith.cmpi eq, %m, %n : index

CHECK-LABEL: @use_unsigned
CHECK: mask(#attn.custom<@unsigned>)
= unsigned | q_offset(-3) | %r = arith.cmpi ule, %j, %q : index

CHECK-LABEL: @use_unsigned_known
CHECK: mask(#attn.causal)
= unsigned_known | | %r = arith.cmpi ule, %j, %q : index

CHECK-LABEL: @use_narrow
CHECK: mask(#attn.custom<@narrow>)
= narrow | | %i = arith.index_cast %q : index to i32; %k = arith.index_cast %j : index to i32; %r = arith.cmpi sle, %k, %i : i32

CHECK-LABEL: @use_wraps
CHECK: mask(#attn.custom<@wraps>)
= wraps | | %e = arith.addi %q, %huge : index; %r = arith.cmpi sle, %j, %e : index

CHECK-LABEL: @use_sum
CHECK: mask(#attn.custom<@sum>)
= sum | | %e = arith.addi %q, %j : index; %r = arith.cmpi sle, %e, %c16 : index

CHECK-LABEL: @use_rows
CHECK: mask(#attn.custom<@rows>)
= rows | | %r = arith.cmpi sle, %q, %c16 : index

CHECK-LABEL: @use_twice
CHECK: mask(#attn.custom<@twice>)
= twice | | %e = arith.addi %j, %j : index; %r = arith.cmpi sle, %e, %q : index

CHECK-LABEL: @use_dilated
CHECK: mask(#attn.custom<@dilated>)
= dilated | | %d = arith.subi %q, %j : index; %m = arith.remsi %d, %c2 : index; %r = arith.cmpi eq, %m, %c0 : index

CHECK-LABEL: @use_chunks_differ
CHECK: mask(#attn.custom<@chunks_differ>)
= chunks_differ | | %m = arith.floordivsi %q, %c16 : index; %n = arith.floordivsi %j, %c2 : index; %r = arith.cmpi eq, %m, %n : index

CHECK-LABEL: @use_heads
CHECK: mask(#attn.custom<@heads>)
= heads | | %r = arith.cmpi sle, %j, %h : index

//--- captures.mlir
// A length per batch is a prefix; the function, used nowhere else, is gone, and
// so is the capture that the mask does not need.

func.func private @prefix(%b: index, %h: index, %q: index, %j: index,
                          %unused: memref<5xf32>, %n: memref<3xi32>) -> i1 {
  %i32 = memref.load %n[%b] : memref<3xi32>
  %length = arith.index_cast %i32 : i32 to index
  %r = arith.cmpi slt, %j, %length : index
  return %r : i1
}

// CHECK-NOT:   @prefix
// CHECK-LABEL: func @lengths
// CHECK-SAME:    %[[LENGTHS:[^:]*]]: memref<3xi32>
// CHECK:         mask(#attn.and<[#attn.{{.*}}prefix<slot 0>
// CHECK-SAME:    mask_operands(%[[LENGTHS]] : memref<3xi32>)
func.func @lengths(%x: memref<3x50x1x8xf32>, %f: memref<5xf32>,
                   %n: memref<3xi32>) {
  attn.attention ins(%x, %x, %x : memref<3x50x1x8xf32>, memref<3x50x1x8xf32>,
      memref<3x50x1x8xf32>)
      mask(#attn.and<[#attn.causal, #attn.custom<@prefix, [0, 1]>]>)
      mask_operands(%f, %n : memref<5xf32>, memref<3xi32>) scale(1.0)
      outs(%x : memref<3x50x1x8xf32>)
  return
}

// -----

// A table of another size is no length per batch: it clamps. Public functions
// stay.

// CHECK-LABEL: func @table
func.func @table(%b: index, %h: index, %q: index, %j: index,
                 %n: memref<?xi32>) -> i1 {
  %i32 = memref.load %n[%b] : memref<?xi32>
  %length = arith.index_cast %i32 : i32 to index
  %r = arith.cmpi slt, %j, %length : index
  return %r : i1
}

// CHECK-LABEL: func @public
// CHECK-LABEL: func @use
// CHECK:         mask(#attn.and<[#attn.c{{.*}}#attn.c
// CHECK-SAME:    mask_operands(%{{.*}} : memref<2xi32>)
func.func @public(%b: index, %h: index, %q: index, %j: index) -> i1 {
  %r = arith.cmpi sle, %j, %q : index
  return %r : i1
}
func.func @use(%x: memref<3x50x1x8xf32>, %n: memref<2xi32>) {
  attn.attention ins(%x, %x, %x : memref<3x50x1x8xf32>, memref<3x50x1x8xf32>,
      memref<3x50x1x8xf32>)
      mask(#attn.and<[#attn.custom<@public>, #attn.custom<@table, [0]>]>)
      mask_operands(%n : memref<2xi32>) scale(1.0)
      outs(%x : memref<3x50x1x8xf32>)
  return
}
