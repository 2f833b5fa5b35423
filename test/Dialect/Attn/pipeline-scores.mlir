// RUN: attn-opt %s --attn-pipeline-scores --split-input-file | FileCheck %s

!q = !attn.tile<q 64, d 64, bf16>
!k = !attn.tile<kv 32, d 64, bf16>
!v = !attn.tile<kv 32, dv 64, bf16>
!s = !attn.tile<q 64, kv 32, f32>
!p = !attn.tile<q 64, kv 32, bf16>
!o = !attn.tile<q 64, dv 64, f32>

// The product of the first keys comes before the loop, if there are any; the
// body multiplies the keys of the next iteration, or once more its own.

// CHECK-LABEL: func @pipelined
// CHECK-SAME: %[[K:[a-z0-9]+]]: !attn.view<kv, d 64, bf16>
// CHECK-SAME: %[[BEGIN:[a-z0-9]+]]: index, %[[END:[a-z0-9]+]]: index
// CHECK: %[[RUNS:.*]] = arith.cmpi slt, %[[BEGIN]], %[[END]]
// CHECK: %[[ROW0:.*]] = arith.muli %[[BEGIN]], %{{.*}}
// CHECK: %[[FIRST:.*]] = scf.if %[[RUNS]]
// CHECK: %[[K0:.*]] = attn.load_tile %[[K]][%[[ROW0]]]
// CHECK: %[[S0:.*]] = attn.contract %[[K0]]
// CHECK: scf.yield %[[S0]]
// CHECK: else
// CHECK: attn.fill
// CHECK: scf.for %[[I:.*]] = %[[BEGIN]] to %[[END]] step %{{.*}} iter_args(%[[ACC:.*]] = %{{.*}}, %[[S:.*]] = %[[FIRST]])
// CHECK: %[[LAST:.*]] = arith.subi %[[END]], %{{.*}}
// CHECK: %[[NEXT:.*]] = arith.addi %[[I]], %{{.*}}
// CHECK: %[[IS_LAST:.*]] = arith.cmpi eq, %[[I]], %[[LAST]]
// CHECK: %[[LATER:.*]] = arith.select %[[IS_LAST]], %[[LAST]], %[[NEXT]]
// CHECK: %[[ROW1:.*]] = arith.muli %[[LATER]], %{{.*}}
// CHECK: %[[K1:.*]] = attn.load_tile %[[K]][%[[ROW1]]]
// CHECK: %[[S1:.*]] = attn.contract %[[K1]]
// CHECK: %[[ROW:.*]] = arith.muli %[[I]]
// CHECK-NOT: attn.load_tile %[[K]]
// CHECK: attn.load_tile %{{.*}}[%[[ROW]]]{{.*}}dv 64
// CHECK: attn.map ins(%[[S]]
// CHECK: %[[O:.*]] = attn.contract
// CHECK: scf.yield %[[O]], %[[S1]]
func.func @pipelined(%k: !attn.view<kv, d 64, bf16>, %begin: index, %end: index,
                     %v: !attn.view<kv, dv 64, bf16>, %q: !q, %init: !o) -> !o {
  %c1 = arith.constant 1 : index
  %c32 = arith.constant 32 : index
  %r = scf.for %i = %begin to %end step %c1 iter_args(%acc = %init) -> (!o) {
    %row = arith.muli %i, %c32 : index
    %kt = attn.load_tile %k[%row] valid(%c32) : !attn.view<kv, d 64, bf16> -> !k
    %vt = attn.load_tile %v[%row] valid(%c32)
        : !attn.view<kv, dv 64, bf16> -> !v
    %s = attn.contract %kt, %q valid(%c32) : !k, !q -> !s
    %p = attn.map ins(%s : !s) {
    ^bb0(%x: f32, %a: index, %b: index):
      %e = arith.truncf %x : f32 to bf16
      attn.yield %e : bf16
    } -> !p
    %o = attn.contract %vt, %p valid(%c32) into(%acc : !o) : !v, !p -> !o
    scf.yield %o : !o
  }
  return %r : !o
}

// Where the last iteration may be less than a step before the end, the next one
// is compared with the end.

// CHECK-LABEL: func @uneven
// CHECK-SAME: %[[END:[a-z0-9]+]]: index, %{{[a-z0-9]+}}: !attn.view<kv, dv 64
// CHECK: scf.for %[[I:.*]] = %{{.*}} to %[[END]]
// CHECK: %[[NEXT:.*]] = arith.addi %[[I]], %{{.*}}
// CHECK: %[[EXISTS:.*]] = arith.cmpi slt, %[[NEXT]], %[[END]]
// CHECK: %[[LATER:.*]] = arith.muli %[[NEXT]], %{{.*}}
// CHECK: %[[NOW:.*]] = arith.muli %[[I]], %{{.*}}
// CHECK: arith.select %[[EXISTS]], %[[LATER]], %[[NOW]]
func.func @uneven(%k: !attn.view<kv, d 64, bf16>, %begin: index, %end: index,
                  %v: !attn.view<kv, dv 64, bf16>, %q: !q, %init: !o) -> !o {
  %c3 = arith.constant 3 : index
  %c32 = arith.constant 32 : index
  %r = scf.for %i = %begin to %end step %c3 iter_args(%acc = %init) -> (!o) {
    %row = arith.muli %i, %c32 : index
    %kt = attn.load_tile %k[%row] valid(%c32) : !attn.view<kv, d 64, bf16> -> !k
    %vt = attn.load_tile %v[%row] valid(%c32)
        : !attn.view<kv, dv 64, bf16> -> !v
    %s = attn.contract %kt, %q valid(%c32) : !k, !q -> !s
    %p = attn.map ins(%s : !s) {
    ^bb0(%x: f32, %a: index, %b: index):
      %e = arith.truncf %x : f32 to bf16
      attn.yield %e : bf16
    } -> !p
    %o = attn.contract %vt, %p valid(%c32) into(%acc : !o) : !v, !p -> !o
    scf.yield %o : !o
  }
  return %r : !o
}

// Guarded products are those of rare second attempts.

// CHECK-LABEL: func @guarded
// CHECK: iter_args(%{{[^,]*}}) -> (!attn.tile<q 64, dv 64, f32>)
func.func @guarded(%k: !attn.view<kv, d 64, bf16>,
                   %v: !attn.view<kv, dv 64, bf16>, %q: !q, %init: !o,
                   %guard: i1) -> !o {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c32 = arith.constant 32 : index
  %r = scf.for %i = %c0 to %c32 step %c1 iter_args(%acc = %init) -> (!o) {
    %row = arith.muli %i, %c32 : index
    %kt = attn.load_tile %k[%row] valid(%c32) : !attn.view<kv, d 64, bf16> -> !k
    %vt = attn.load_tile %v[%row] valid(%c32)
        : !attn.view<kv, dv 64, bf16> -> !v
    %s = attn.contract %kt, %q valid(%c32) : !k, !q -> !s
    %p = attn.map ins(%s : !s) {
    ^bb0(%x: f32, %a: index, %b: index):
      %e = arith.truncf %x : f32 to bf16
      attn.yield %e : bf16
    } -> !p
    %o = attn.contract %vt, %p valid(%c32) into(%acc : !o) guard(%guard)
        : !v, !p -> !o
    scf.yield %o : !o
  }
  return %r : !o
}

// A loop that only says how often, like that of a tile table, has one product.

// CHECK-LABEL: func @times
// CHECK: iter_args(%{{[^,]*}}) -> (!attn.tile<q 64, kv 32, f32>)
func.func @times(%k: !attn.view<kv, d 64, bf16>, %row: index, %times: index,
                 %q: !q, %init: !s) -> !s {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c32 = arith.constant 32 : index
  %r = scf.for %i = %c0 to %times step %c1 iter_args(%acc = %init) -> (!s) {
    %kt = attn.load_tile %k[%row] valid(%c32) : !attn.view<kv, d 64, bf16> -> !k
    %s = attn.contract %kt, %q valid(%c32) : !k, !q -> !s
    scf.yield %s : !s
  }
  return %r : !s
}

// Loops that follow each other are one sequence of tiles: the first one ends
// with the product that the second one begins with. Whether maxima must follow
// is known an iteration ahead too, and products that are scaled at once are
// scaled when the carried ones have been used.

!m = !attn.tile<q 64, f32>

// CHECK-LABEL: func @chained
// CHECK: scf.if
// CHECK: %[[YES:.*]] = arith.constant true
// CHECK: %[[A:.*]]:3 = scf.for {{.*}} iter_args({{.*}}, %[[T:.*]] = %[[YES]])
// CHECK: scf.if %[[T]]
// CHECK: attn.load_tile
// CHECK: attn.contract
// CHECK: attn.fence_schedule
// CHECK: %[[X:.*]] = attn.map
// CHECK: %[[LATER:.*]] = attn.any_above %[[X]]
// CHECK: scf.yield %{{.*}}, %[[X]], %[[LATER]]
// CHECK: scf.for {{.*}} iter_args({{.*}} = %[[A]]#0, %{{.*}} = %[[A]]#1, %{{.*}} = %[[A]]#2)
func.func @chained(%k: !attn.view<kv, d 64, bf16>, %b: index, %c: index,
                   %e: index, %q: !q, %init: !m) -> !m {
  %c1 = arith.constant 1 : index
  %c32 = arith.constant 32 : index
  %half = arith.constant 0.5 : f32
  %8 = arith.constant 8.0 : f32
  %r = scf.for %i = %b to %c step %c1 iter_args(%m = %init) -> (!m) {
    %row = arith.muli %i, %c32 : index
    %kt = attn.load_tile %k[%row] valid(%c32) : !attn.view<kv, d 64, bf16> -> !k
    %s = attn.contract %kt, %q valid(%c32) : !k, !q -> !s
    %x = attn.map ins(%s : !s) {
    ^bb0(%f: f32, %a: index, %d: index):
      %g = arith.mulf %f, %half : f32
      attn.yield %g : f32
    } -> !s
    %l = attn.map ins(%m : !m) {
    ^bb0(%f: f32, %a: index):
      %g = arith.addf %f, %8 : f32
      attn.yield %g : f32
    } -> !m
    %t = attn.any_above %x, %l : !s, !m
    %n = scf.if %t -> (!m) {
      %w = attn.reduce max %x into %m : !s -> !m
      scf.yield %w : !m
    } else {
      scf.yield %m : !m
    }
    scf.yield %n : !m
  }
  %u = scf.for %i = %c to %e step %c1 iter_args(%m = %r) -> (!m) {
    %row = arith.muli %i, %c32 : index
    %kt = attn.load_tile %k[%row] valid(%c32) : !attn.view<kv, d 64, bf16> -> !k
    %s = attn.contract %kt, %q valid(%c32) : !k, !q -> !s
    %x = attn.map ins(%s : !s) {
    ^bb0(%f: f32, %a: index, %d: index):
      %g = arith.mulf %f, %half : f32
      attn.yield %g : f32
    } -> !s
    %l = attn.map ins(%m : !m) {
    ^bb0(%f: f32, %a: index):
      %g = arith.addf %f, %8 : f32
      attn.yield %g : f32
    } -> !m
    %t = attn.any_above %x, %l : !s, !m
    %n = scf.if %t -> (!m) {
      %w = attn.reduce max %x into %m : !s -> !m
      scf.yield %w : !m
    } else {
      scf.yield %m : !m
    }
    scf.yield %n : !m
  }
  return %u : !m
}

// Elements that are hidden are no larger: the carried product tells enough.

// CHECK-LABEL: func @hidden
// CHECK: scf.for {{.*}} iter_args({{.*}}, %[[T:.*]] = %{{.*}})
// CHECK: scf.if %[[T]]
// CHECK: %[[X:.*]] = attn.contract
// CHECK: attn.any_above %[[X]]
func.func @hidden(%k: !attn.view<kv, d 64, bf16>, %e: index, %q: !q,
                   %init: !m) -> !m {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c32 = arith.constant 32 : index
  %none = arith.constant 0xFF800000 : f32
  %8 = arith.constant 8.0 : f32
  %r = scf.for %i = %c0 to %e step %c1 iter_args(%m = %init) -> (!m) {
    %row = arith.muli %i, %c32 : index
    %kt = attn.load_tile %k[%row] valid(%c32) : !attn.view<kv, d 64, bf16> -> !k
    %s = attn.contract %kt, %q valid(%c32) : !k, !q -> !s
    %x = attn.map ins(%s : !s) {
    ^bb0(%f: f32, %a: index, %d: index):
      %keep = arith.cmpi sle, %d, %a : index
      %h = arith.select %keep, %f, %none : f32
      attn.yield %h : f32
    } -> !s
    %l = attn.map ins(%m : !m) {
    ^bb0(%f: f32, %a: index):
      %g = arith.addf %f, %8 : f32
      attn.yield %g : f32
    } -> !m
    %t = attn.any_above %x, %l : !s, !m
    %n = scf.if %t -> (!m) {
      %w = attn.reduce max %x into %m : !s -> !m
      scf.yield %w : !m
    } else {
      scf.yield %m : !m
    }
    scf.yield %n : !m
  }
  return %r : !m
}

// Elements that something is added to may be larger than the product.

// CHECK-LABEL: func @moved
// CHECK: scf.for {{.*}} iter_args(%{{[^,]*}}, %[[S:[^,]*]] = %{{[^,]*}})
// CHECK: attn.contract
// CHECK: %[[X:.*]] = attn.map ins(%[[S]]
// CHECK: %[[T:.*]] = attn.any_above %[[X]]
// CHECK: scf.if %[[T]]
func.func @moved(%k: !attn.view<kv, d 64, bf16>, %e: index, %q: !q,
                   %init: !m) -> !m {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c32 = arith.constant 32 : index
  %none = arith.constant 0xFF800000 : f32
  %8 = arith.constant 8.0 : f32
  %r = scf.for %i = %c0 to %e step %c1 iter_args(%m = %init) -> (!m) {
    %row = arith.muli %i, %c32 : index
    %kt = attn.load_tile %k[%row] valid(%c32) : !attn.view<kv, d 64, bf16> -> !k
    %s = attn.contract %kt, %q valid(%c32) : !k, !q -> !s
    %x = attn.map ins(%s : !s) {
    ^bb0(%f: f32, %a: index, %d: index):
      %n = arith.index_cast %d : index to i32
      %g = arith.sitofp %n : i32 to f32
      %h = arith.addf %f, %g : f32
      attn.yield %h : f32
    } -> !s
    %l = attn.map ins(%m : !m) {
    ^bb0(%f: f32, %a: index):
      %g = arith.addf %f, %8 : f32
      attn.yield %g : f32
    } -> !m
    %t = attn.any_above %x, %l : !s, !m
    %n = scf.if %t -> (!m) {
      %w = attn.reduce max %x into %m : !s -> !m
      scf.yield %w : !m
    } else {
      scf.yield %m : !m
    }
    scf.yield %n : !m
  }
  return %r : !m
}

// Loops of which one begins where the other ends, and ends behind its begin,
// are one range: the next iteration alone says what comes. On which side of the
// first loop's end the last keys are is asked apart from it.

// CHECK-LABEL: func @one_range
// CHECK-SAME: %{{[a-z0-9]+}}: index, %{{[a-z0-9]+}}: index, %[[LAST_KEYS:[a-z0-9]+]]: index, %[[REST:[a-z0-9]+]]: index
// CHECK: %[[MIDDLE:.*]] = arith.maxsi
// CHECK: %[[END:.*]] = arith.maxsi %{{.*}}, %[[MIDDLE]]
// CHECK: scf.for %[[I:.*]] = %{{.*}} to %[[MIDDLE]]
// CHECK: %[[LAST:.*]] = arith.subi %[[END]], %{{.*}}
// CHECK: %[[NEXT:.*]] = arith.addi %[[I]], %{{.*}}
// CHECK: %[[IS_LAST:.*]] = arith.cmpi eq, %[[I]], %[[LAST]]
// CHECK: %[[LATER:.*]] = arith.select %[[IS_LAST]], %[[LAST]], %[[NEXT]]
// CHECK: %[[HAS_REST:.*]] = arith.cmpi eq, %[[LATER]], %[[LAST_KEYS]]
// CHECK: %[[BEFORE:.*]] = arith.cmpi slt, %[[LAST_KEYS]], %[[MIDDLE]]
// CHECK: %[[ONE:.*]] = arith.select %[[BEFORE]], %[[ALL:.*]], %[[REST]]
// CHECK: %[[VALID:.*]] = arith.select %[[HAS_REST]], %[[ONE]], %[[ALL]]
// CHECK: attn.load_tile %{{.*}}[%{{.*}}] valid(%[[VALID]])
func.func @one_range(%k: !attn.view<kv, d 64, bf16>, %f: index, %e: index,
                     %last: index, %rest: index, %q: !q, %init: !m) -> !m {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c32 = arith.constant 32 : index
  %middle = arith.maxsi %f, %c0 : index
  %end = arith.maxsi %e, %middle : index
  %r = scf.for %i = %c0 to %middle step %c1 iter_args(%m = %init) -> (!m) {
    %row = arith.muli %i, %c32 : index
    %kt = attn.load_tile %k[%row] valid(%c32) : !attn.view<kv, d 64, bf16> -> !k
    %s = attn.contract %kt, %q valid(%c32) : !k, !q -> !s
    %n = attn.reduce max %s into %m : !s -> !m
    scf.yield %n : !m
  }
  %u = scf.for %i = %middle to %end step %c1 iter_args(%m = %r) -> (!m) {
    %row = arith.muli %i, %c32 : index
    %is_last = arith.cmpi eq, %i, %last : index
    %valid = arith.select %is_last, %rest, %c32 : index
    %kt = attn.load_tile %k[%row] valid(%valid)
        : !attn.view<kv, d 64, bf16> -> !k
    %s = attn.contract %kt, %q valid(%valid) : !k, !q -> !s
    %n = attn.reduce max %s into %m : !s -> !m
    scf.yield %n : !m
  }
  return %u : !m
}
