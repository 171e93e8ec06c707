;; The two inner loops of Pillow's 8-bit resampling, 128 bits wide. `node wasm/build.ts` writes src/resample-wasm.ts from this file.
;;
;; Weights are int32 with 22 fractional bits and stand in groups of four: the host fills the last group up with zeros.
;; Reads may go up to 16 bytes past the input and writes up to 16 bytes past the output; the host leaves that room.
(module
  (memory (export "memory") 16)

  ;; One row of RGB pixels → `size` RGB pixels, for `rows` rows.
  ;; A table entry: byte offset of its first pixel, bytes of its weights (a multiple of 16), weights.
  (func (export "resampleRows")
    (param $source i32) (param $target i32) (param $rows i32) (param $rowBytes i32)
    (param $table i32) (param $tableEnd i32) (param $entryBytes i32)
    (local $entry i32) (local $pixel i32) (local $weight i32) (local $weightEnd i32)
    (local $bytes v128) (local $even v128) (local $odd v128)
    (local $pixel0 v128) (local $pixel1 v128) (local $pixel2 v128) (local $pixel3 v128) (local $lowBytes v128)
    ;; Masks that spread r, g, b of one pixel over three int32 lanes (0x80 gives zero). They are set before the loops
    ;; because V8 builds a constant again in every turn: inside, they doubled the time.
    (local.set $pixel0
      (v128.const i8x16 0 0x80 0x80 0x80 1 0x80 0x80 0x80 2 0x80 0x80 0x80 0x80 0x80 0x80 0x80))
    (local.set $pixel1
      (v128.const i8x16 3 0x80 0x80 0x80 4 0x80 0x80 0x80 5 0x80 0x80 0x80 0x80 0x80 0x80 0x80))
    (local.set $pixel2
      (v128.const i8x16 6 0x80 0x80 0x80 7 0x80 0x80 0x80 8 0x80 0x80 0x80 0x80 0x80 0x80 0x80))
    (local.set $pixel3
      (v128.const i8x16 9 0x80 0x80 0x80 10 0x80 0x80 0x80 11 0x80 0x80 0x80 0x80 0x80 0x80 0x80))
    (local.set $lowBytes
      (v128.const i8x16 0 4 8 0x80 0x80 0x80 0x80 0x80 0x80 0x80 0x80 0x80 0x80 0x80 0x80 0x80))
    (loop $nextRow
      (local.set $entry (local.get $table))
      (loop $nextPixel
        (local.set $pixel (i32.add (local.get $source) (i32.load (local.get $entry))))
        (local.set $weight (i32.add (local.get $entry) (i32.const 8)))
        (local.set $weightEnd (i32.add (local.get $weight) (i32.load offset=4 (local.get $entry))))
        ;; Half of the last bit kept, so that cutting the fraction off rounds.
        (local.set $even (v128.const i32x4 0x200000 0x200000 0x200000 0x200000))
        (local.set $odd (v128.const i32x4 0 0 0 0))
        (loop $nextTaps
          (local.set $bytes (v128.load (local.get $pixel)))
          (local.set $even (i32x4.add (local.get $even) (i32x4.mul
            (i8x16.swizzle (local.get $bytes) (local.get $pixel0))
            (v128.load32_splat (local.get $weight)))))
          (local.set $odd (i32x4.add (local.get $odd) (i32x4.mul
            (i8x16.swizzle (local.get $bytes) (local.get $pixel1))
            (v128.load32_splat offset=4 (local.get $weight)))))
          (local.set $even (i32x4.add (local.get $even) (i32x4.mul
            (i8x16.swizzle (local.get $bytes) (local.get $pixel2))
            (v128.load32_splat offset=8 (local.get $weight)))))
          (local.set $odd (i32x4.add (local.get $odd) (i32x4.mul
            (i8x16.swizzle (local.get $bytes) (local.get $pixel3))
            (v128.load32_splat offset=12 (local.get $weight)))))
          (local.set $pixel (i32.add (local.get $pixel) (i32.const 12)))
          (br_if $nextTaps
            (i32.lt_u (local.tee $weight (i32.add (local.get $weight) (i32.const 16))) (local.get $weightEnd))))
        (local.set $even (i32x4.shr_u (i32x4.add (local.get $even) (local.get $odd)) (i32.const 22)))
        ;; Gathers the low byte of each lane; the fourth byte written is overwritten by the next pixel.
        (v128.store32_lane 0 (local.get $target) (i8x16.swizzle (local.get $even) (local.get $lowBytes)))
        (local.set $target (i32.add (local.get $target) (i32.const 3)))
        (br_if $nextPixel
          (i32.lt_u (local.tee $entry (i32.add (local.get $entry) (local.get $entryBytes))) (local.get $tableEnd))))
      (local.set $source (i32.add (local.get $source) (local.get $rowBytes)))
      (br_if $nextRow (local.tee $rows (i32.sub (local.get $rows) (i32.const 1))))))

  ;; Several rows of bytes → one row, the weighted sum of them. `rowBytes` is rounded up to 16 by working past the end.
  (func (export "blendRows")
    (param $source i32) (param $target i32) (param $rowBytes i32) (param $weights i32) (param $weightsEnd i32)
    (local $end i32) (local $row i32) (local $weight i32)
    (local $quarter0 v128) (local $quarter1 v128) (local $quarter2 v128) (local $quarter3 v128)
    (local $bytes v128) (local $w v128) (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (local.set $end (i32.add (local.get $target) (local.get $rowBytes)))
    (local.set $quarter0
      (v128.const i8x16 0 0x80 0x80 0x80 1 0x80 0x80 0x80 2 0x80 0x80 0x80 3 0x80 0x80 0x80))
    (local.set $quarter1
      (v128.const i8x16 4 0x80 0x80 0x80 5 0x80 0x80 0x80 6 0x80 0x80 0x80 7 0x80 0x80 0x80))
    (local.set $quarter2
      (v128.const i8x16 8 0x80 0x80 0x80 9 0x80 0x80 0x80 10 0x80 0x80 0x80 11 0x80 0x80 0x80))
    (local.set $quarter3
      (v128.const i8x16 12 0x80 0x80 0x80 13 0x80 0x80 0x80 14 0x80 0x80 0x80 15 0x80 0x80 0x80))
    (loop $nextBlock
      (local.set $row (local.get $source))
      (local.set $weight (local.get $weights))
      (local.set $a (v128.const i32x4 0x200000 0x200000 0x200000 0x200000))
      (local.set $b (local.get $a))
      (local.set $c (local.get $a))
      (local.set $d (local.get $a))
      (loop $nextTap
        (local.set $bytes (v128.load (local.get $row)))
        (local.set $w (v128.load32_splat (local.get $weight)))
        (local.set $a (i32x4.add (local.get $a) (i32x4.mul (local.get $w) (i8x16.swizzle (local.get $bytes) (local.get $quarter0)))))
        (local.set $b (i32x4.add (local.get $b) (i32x4.mul (local.get $w) (i8x16.swizzle (local.get $bytes) (local.get $quarter1)))))
        (local.set $c (i32x4.add (local.get $c) (i32x4.mul (local.get $w) (i8x16.swizzle (local.get $bytes) (local.get $quarter2)))))
        (local.set $d (i32x4.add (local.get $d) (i32x4.mul (local.get $w) (i8x16.swizzle (local.get $bytes) (local.get $quarter3)))))
        (local.set $row (i32.add (local.get $row) (local.get $rowBytes)))
        (br_if $nextTap
          (i32.lt_u (local.tee $weight (i32.add (local.get $weight) (i32.const 4))) (local.get $weightsEnd))))
      (v128.store (local.get $target) (i8x16.narrow_i16x8_u
        (i16x8.narrow_i32x4_u (i32x4.shr_u (local.get $a) (i32.const 22)) (i32x4.shr_u (local.get $b) (i32.const 22)))
        (i16x8.narrow_i32x4_u (i32x4.shr_u (local.get $c) (i32.const 22)) (i32x4.shr_u (local.get $d) (i32.const 22)))))
      (local.set $source (i32.add (local.get $source) (i32.const 16)))
      (br_if $nextBlock
        (i32.lt_u (local.tee $target (i32.add (local.get $target) (i32.const 16))) (local.get $end))))))
