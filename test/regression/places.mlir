// Where an attention op may stand: anywhere in a function of the module that is
// lowered, and nowhere else.
// RUN: attn-opt %s --attn-to-llvm=target=x86-64-v4 --split-input-file \
// RUN:   --verify-diagnostics -o /dev/null

!t = memref<1x8x2x16xf32>
gpu.module @device {
  func.func @f(%q: !t, %o: !t) {
    // expected-error@+1 {{is in function @f of a nested 'gpu.module'; expected a function of the module that is lowered}}
    attn.attention ins(%q, %q, %q : !t, !t, !t) scale(1.0) outs(%o : !t)
    return
  }
}

// -----

!t = memref<1x8x2x16xf32>
gpu.module @device {
  gpu.func @f(%q: !t, %o: !t) kernel {
    // expected-error@+1 {{is outside of a func.func}}
    attn.attention ins(%q, %q, %q : !t, !t, !t) scale(1.0) outs(%o : !t)
    gpu.return
  }
}

// -----

// Both modules have a function of this name; its kernel must not be mistaken.
!t = memref<1x8x2x16xf32>
module @inner {
  func.func @f(%q: !t, %o: !t) {
    // expected-error@+1 {{is in function @f of a nested 'builtin.module'}}
    attn.attention ins(%q, %q, %q : !t, !t, !t) scale(1.0) outs(%o : !t)
    return
  }
}
func.func @f(%q: !t, %o: !t) {
  attn.attention ins(%q, %q, %q : !t, !t, !t) scale(1.0) outs(%o : !t)
  return
}

// -----

!t = memref<1x8x2x16xf32>
%q = memref.alloc() : !t
%o = memref.alloc() : !t
// expected-error@+1 {{is outside of a func.func}}
attn.attention ins(%q, %q, %q : !t, !t, !t) scale(1.0) outs(%o : !t)

// -----

!t = memref<1x8x2x16xf32>
llvm.func @f() {
  %q = memref.alloc() : !t
  %o = memref.alloc() : !t
  // expected-error@+1 {{is outside of a func.func}}
  attn.attention ins(%q, %q, %q : !t, !t, !t) scale(1.0) outs(%o : !t)
  llvm.return
}

// -----

// Two ops, in loops, in conditions, in a region of several blocks.
!t = memref<1x8x2x16xf32>
func.func @inside(%q: !t, %o: !t, %p: !t, %n: index, %flag: i1) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %n step %c1 {
    attn.attention ins(%q, %q, %q : !t, !t, !t) scale(1.0) outs(%o : !t)
  }
  affine.for %i = 0 to 4 {
    attn.attention ins(%q, %q, %q : !t, !t, !t) scale(1.0) outs(%o : !t)
  }
  scf.if %flag {
    attn.attention ins(%q, %q, %q : !t, !t, !t) scale(1.0) outs(%o : !t)
  }
  scf.execute_region {
    attn.attention ins(%o, %q, %q : !t, !t, !t) scale(1.0) outs(%p : !t)
    cf.br ^bb1
  ^bb1:
    scf.yield
  }
  return
}

// -----

// A tensor that a loop carries through attention.
!t = tensor<1x8x2x16xf32>
func.func @carried(%q: !t, %o: !t, %n: index) -> (!t, !t) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%a = %o) -> !t {
    %x = attn.attention ins(%a, %q, %q : !t, !t, !t)
        scale(1.0) outs(%o : !t) -> !t
    scf.yield %x : !t
  }
  return %r, %q : !t, !t
}

// -----

// Functions that call each other, and one that calls itself.
!t = tensor<1x8x2x16xf32>
func.func @callee(%q: !t, %o: !t, %again: i1) -> !t {
  %x = attn.attention ins(%q, %q, %q : !t, !t, !t) scale(1.0) outs(%o : !t) -> !t
  %r = scf.if %again -> !t {
    %false = arith.constant false
    %y = func.call @callee(%x, %o, %false) : (!t, !t, i1) -> !t
    scf.yield %y : !t
  } else {
    scf.yield %x : !t
  }
  return %r : !t
}
func.func @caller(%q: !t, %o: !t) -> !t {
  %true = arith.constant true
  %r = call @callee(%q, %o, %true) : (!t, !t, i1) -> !t
  return %r : !t
}
