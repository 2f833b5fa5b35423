// Names that generated code wants and the user has.
// RUN: attn-opt %s --attn-to-llvm="target=x86-64-v4 count-tiles" \
// RUN:   --split-input-file --verify-diagnostics -o - | FileCheck %s

// Functions of ours take other names.
// CHECK-DAG: llvm.func @f_attention(i32) -> i32
// CHECK-DAG: llvm.mlir.global private @f_attention_0
// CHECK-DAG: llvm.func @f_attention_1_body(f32)
// CHECK-DAG: llvm.func @f_attention_1_product_0(f32)
!t = memref<1x8x2x16xf32>
func.func private @f_attention(i32) -> i32
memref.global "private" @f_attention_0 : memref<2xf32> = dense<0.0>
func.func private @f_attention_1_body(f32)
func.func private @f_attention_1_product_0(f32)
func.func @f(%q: !t, %o: !t) {
  attn.attention ins(%q, %q, %q : !t, !t, !t) scale(1.0) outs(%o : !t)
  return
}

// -----

!t = memref<1x8x2x16xf32>
// expected-error@+1 {{has the name @attn_parallel_for, by which generated code calls a C function}}
func.func private @attn_parallel_for(i32)
func.func @f(%q: !t, %o: !t) {
  attn.attention ins(%q, %q, %q : !t, !t, !t) scale(1.0) outs(%o : !t)
  return
}

// -----

!t = memref<1x8x2x16xf32>
// expected-error@+1 {{has the name @attn_parallel_for, by which}}
llvm.func @attn_parallel_for(f32)
func.func @f(%q: !t, %o: !t) {
  attn.attention ins(%q, %q, %q : !t, !t, !t) scale(1.0) outs(%o : !t)
  return
}

// -----

!t = memref<1x8x2x16xf32>
// expected-error@+1 {{has the name @attn_parallel_for, by which}}
module @attn_parallel_for {}
func.func @f(%q: !t, %o: !t) {
  attn.attention ins(%q, %q, %q : !t, !t, !t) scale(1.0) outs(%o : !t)
  return
}

// -----

!t = memref<1x8x2x16xf32>
// expected-error@+1 {{has the name @malloc, by which generated code calls a C function; expected another name, or a declaration of type '!llvm.func<ptr (i64)>'}}
llvm.func @malloc(f32)
func.func @f(%q: !t, %o: !t) {
  attn.attention ins(%q, %q, %q : !t, !t, !t) scale(1.0) outs(%o : !t)
  return
}

// -----

!t = memref<1x8x2x16xf32>
// expected-error@+1 {{has the name @free, by which}}
memref.global "private" @free : memref<4xf32>
func.func @f(%q: !t, %o: !t) {
  attn.attention ins(%q, %q, %q : !t, !t, !t) scale(1.0) outs(%o : !t)
  return
}

// -----

!t = memref<1x8x2x16xf32>
// expected-error@+1 {{has the name of the tile counters, @attn_tile_counts; expected a memref.global of type 'memref<2xi64>' or no such symbol}}
memref.global "private" @attn_tile_counts : memref<4xf32> = dense<0.0>
func.func @f(%q: !t, %o: !t) {
  attn.attention ins(%q, %q, %q : !t, !t, !t) scale(1.0) outs(%o : !t)
  return
}

// -----

// The right declarations are used.
// CHECK-LABEL: @declared
!t = memref<1x8x2x16xf32>
llvm.func @malloc(i64) -> !llvm.ptr
llvm.func @attn_parallel_for(i64, !llvm.ptr, !llvm.ptr)
memref.global @attn_tile_counts : memref<2xi64> = dense<0>
func.func @declared(%q: !t, %o: !t) {
  attn.attention ins(%q, %q, %q : !t, !t, !t) scale(1.0) outs(%o : !t)
  return
}
