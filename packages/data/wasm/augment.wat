;; The inner loops of augmentation on RGB bytes, with Pillow's arithmetic. `node wasm/build.ts` writes src/augment/augment-wasm.ts from this file.
;;
;; Colours change in place. Reads and writes may go up to 16 bytes past the picture; the host leaves that room, and fills it with zeros where
;; lumas are summed up.
(module
  (memory (export "memory") 16)

  ;; Mirrors rows of `rowBytes`.
  (func (export "flip") (param $source i32) (param $target i32) (param $rowBytes i32) (param $end i32)
    (local $rowEnd i32)
    (loop $nextRow
      (local.set $rowEnd (i32.add (local.get $source) (local.get $rowBytes)))
      (local.set $target (i32.add (local.get $target) (local.get $rowBytes)))
      (loop $nextPixel
        (local.set $target (i32.sub (local.get $target) (i32.const 3)))
        (i32.store16 (local.get $target) (i32.load16_u (local.get $source)))
        (i32.store8 offset=2 (local.get $target) (i32.load8_u offset=2 (local.get $source)))
        (br_if $nextPixel
          (i32.lt_u (local.tee $source (i32.add (local.get $source) (i32.const 3))) (local.get $rowEnd))))
      (local.set $target (i32.add (local.get $target) (local.get $rowBytes)))
      (br_if $nextRow (i32.lt_u (local.get $source) (local.get $end)))))

  ;; Turns [size, size, 3] about its centre, bilinear in float64; black where the source has no pixel.
  ;; Places stand as [x, y] in two float64 lanes. Masks (0x80 gives zero) and other constants are set before the loops, because V8 builds a
  ;; constant again in every turn; the relaxed swizzle is one instruction, and says the same for these masks.
  (func (export "rotate")
    (param $source i32) (param $target i32) (param $size i32) (param $cos f64) (param $sin f64)
    (local $x i32) (local $y i32) (local $last i32) (local $rowBytes i32) (local $dy f64)
    (local $turn v128) (local $rowPart v128) (local $sides v128) (local $half v128) (local $middle v128) (local $center f64)
    (local $place v128) (local $corner v128) (local $fx v128) (local $fy v128)
    (local $left i32) (local $right i32) (local $top i32) (local $bottom i32)
    (local $lefts v128) (local $rights v128) (local $red v128) (local $green v128) (local $blue v128) (local $upper v128)
    (local $reds v128) (local $greens v128) (local $blues v128) (local $integers v128) (local $firstTwo v128) (local $third v128)
    ;; The same channel of an upper and a lower pixel in two int32 lanes.
    (local.set $reds (v128.const i8x16 0 0x80 0x80 0x80 4 0x80 0x80 0x80 0x80 0x80 0x80 0x80 0x80 0x80 0x80 0x80))
    (local.set $greens (v128.const i8x16 1 0x80 0x80 0x80 5 0x80 0x80 0x80 0x80 0x80 0x80 0x80 0x80 0x80 0x80 0x80))
    (local.set $blues (v128.const i8x16 2 0x80 0x80 0x80 6 0x80 0x80 0x80 0x80 0x80 0x80 0x80 0x80 0x80 0x80 0x80))
    ;; The lowest bytes of both lanes, and of the first lane as third byte.
    (local.set $firstTwo
      (v128.const i8x16 0 8 0x80 0x80 0x80 0x80 0x80 0x80 0x80 0x80 0x80 0x80 0x80 0x80 0x80 0x80))
    (local.set $third
      (v128.const i8x16 0x80 0x80 0 0x80 0x80 0x80 0x80 0x80 0x80 0x80 0x80 0x80 0x80 0x80 0x80 0x80))
    ;; 1.5 · 2^52: an integer that is added to it stands in the lowest bits.
    (local.set $integers (f64x2.splat (f64.const 6755399441055744)))
    (local.set $turn (f64x2.replace_lane 1 (f64x2.splat (local.get $cos)) (local.get $sin)))
    (local.set $sides (f64x2.splat (f64.convert_i32_s (local.get $size))))
    (local.set $center (f64.mul (f64.convert_i32_s (local.get $size)) (f64.const 0.5)))
    (local.set $half (f64x2.splat (f64.const 0.5)))
    (local.set $middle (f64x2.splat (local.get $center)))
    (local.set $last (i32.sub (local.get $size) (i32.const 1)))
    (local.set $rowBytes (i32.mul (local.get $size) (i32.const 3)))
    (loop $nextRow
      (local.set $dy (f64.sub (f64.add (f64.convert_i32_s (local.get $y)) (f64.const 0.5)) (local.get $center)))
      (local.set $rowPart (f64x2.replace_lane 1
        (f64x2.splat (f64.neg (f64.mul (local.get $sin) (local.get $dy)))) (f64.mul (local.get $cos) (local.get $dy))))
      (local.set $x (i32.const 0))
      (loop $nextPixel
        ;; [cos · dx − sin · dy, sin · dx + cos · dy] + size / 2
        (local.set $place (f64x2.add (local.get $middle) (f64x2.add (local.get $rowPart) (f64x2.mul (local.get $turn)
          (f64x2.splat
            (f64.sub (f64.add (f64.convert_i32_s (local.get $x)) (f64.const 0.5)) (local.get $center)))))))
        (if (i64x2.all_true (v128.and
              (f64x2.ge (local.get $place) (v128.const i64x2 0 0)) (f64x2.lt (local.get $place) (local.get $sides))))
          (then
            (local.set $place (f64x2.sub (local.get $place) (local.get $half)))
            (local.set $corner (f64x2.floor (local.get $place)))
            (local.set $place (f64x2.sub (local.get $place) (local.get $corner)))
            (local.set $fx (i8x16.shuffle 0 1 2 3 4 5 6 7 0 1 2 3 4 5 6 7 (local.get $place) (local.get $place)))
            (local.set $fy
              (i8x16.shuffle 8 9 10 11 12 13 14 15 8 9 10 11 12 13 14 15 (local.get $place) (local.get $place)))
            (local.set $corner (f64x2.add (local.get $corner) (local.get $integers)))
            (local.set $left (i32x4.extract_lane 0 (local.get $corner)))
            (local.set $top (i32x4.extract_lane 2 (local.get $corner)))
            ;; A neighbour beyond the edge is the pixel itself.
            (local.set $right (i32.mul (i32.const 3) (i32.add (local.get $left)
              (i32.lt_s (local.get $left) (local.get $last)))))
            (local.set $bottom (i32.add (local.get $source) (i32.mul (local.get $rowBytes) (i32.add (local.get $top)
              (i32.lt_s (local.get $top) (local.get $last))))))
            (local.set $left (i32.mul (i32.const 3) (i32.add (local.get $left)
              (i32.lt_s (local.get $left) (i32.const 0)))))
            (local.set $top (i32.add (local.get $source) (i32.mul (local.get $rowBytes) (i32.add (local.get $top)
              (i32.lt_s (local.get $top) (i32.const 0))))))
            (local.set $lefts (v128.load32_lane 1 (i32.add (local.get $bottom) (local.get $left))
              (v128.load32_zero (i32.add (local.get $top) (local.get $left)))))
            (local.set $rights (v128.load32_lane 1 (i32.add (local.get $bottom) (local.get $right))
              (v128.load32_zero (i32.add (local.get $top) (local.get $right)))))
            ;; left + (right − left) · fx for the upper and the lower pixel of each channel
            (local.set $red (f64x2.convert_low_i32x4_s (i8x16.relaxed_swizzle (local.get $lefts) (local.get $reds))))
            (local.set $red (f64x2.add (local.get $red) (f64x2.mul (local.get $fx) (f64x2.sub
              (f64x2.convert_low_i32x4_s (i8x16.relaxed_swizzle (local.get $rights) (local.get $reds)))
              (local.get $red)))))
            (local.set $green
              (f64x2.convert_low_i32x4_s (i8x16.relaxed_swizzle (local.get $lefts) (local.get $greens))))
            (local.set $green (f64x2.add (local.get $green) (f64x2.mul (local.get $fx) (f64x2.sub
              (f64x2.convert_low_i32x4_s (i8x16.relaxed_swizzle (local.get $rights) (local.get $greens)))
              (local.get $green)))))
            (local.set $blue (f64x2.convert_low_i32x4_s (i8x16.relaxed_swizzle (local.get $lefts) (local.get $blues))))
            (local.set $blue (f64x2.add (local.get $blue) (f64x2.mul (local.get $fx) (f64x2.sub
              (f64x2.convert_low_i32x4_s (i8x16.relaxed_swizzle (local.get $rights) (local.get $blues)))
              (local.get $blue)))))
            ;; upper + (lower − upper) · fy, its fraction cut off as Pillow does: red and green side by side, then blue
            (local.set $upper
              (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 (local.get $red) (local.get $green)))
            (local.set $red (f64x2.add (local.get $integers) (f64x2.floor (f64x2.add (local.get $upper)
              (f64x2.mul (local.get $fy) (f64x2.sub
                (i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31 (local.get $red) (local.get $green))
                (local.get $upper)))))))
            (local.set $blue (f64x2.add (local.get $integers) (f64x2.floor (f64x2.add (local.get $blue)
              (f64x2.mul (local.get $fy) (f64x2.sub
                (i8x16.shuffle 8 9 10 11 12 13 14 15 8 9 10 11 12 13 14 15 (local.get $blue) (local.get $blue))
                (local.get $blue)))))))
            ;; The fourth byte written is overwritten by the next pixel.
            (v128.store32_lane 0 (local.get $target) (v128.or
              (i8x16.relaxed_swizzle (local.get $red) (local.get $firstTwo))
              (i8x16.relaxed_swizzle (local.get $blue) (local.get $third)))))
          (else (i32.store (local.get $target) (i32.const 0))))
        (local.set $target (i32.add (local.get $target) (i32.const 3)))
        (br_if $nextPixel
          (i32.lt_s (local.tee $x (i32.add (local.get $x) (i32.const 1))) (local.get $size))))
      (br_if $nextRow
        (i32.lt_s (local.tee $y (i32.add (local.get $y) (i32.const 1))) (local.get $size)))))

  ;; The sum of all lumas. Pillow's luma is (19595 r + 38470 g + 7471 b + 0x8000) >> 16; four at a time in int32 lanes.
  (func (export "sumLuma") (param $pixel i32) (param $end i32) (result i32)
    (local $bytes v128) (local $sum v128) (local $reds v128) (local $greens v128) (local $blues v128)
    (local $redShare v128) (local $greenShare v128) (local $blueShare v128) (local $round v128)
    (local.set $reds (v128.const i8x16 0 0x80 0x80 0x80 3 0x80 0x80 0x80 6 0x80 0x80 0x80 9 0x80 0x80 0x80))
    (local.set $greens (v128.const i8x16 1 0x80 0x80 0x80 4 0x80 0x80 0x80 7 0x80 0x80 0x80 10 0x80 0x80 0x80))
    (local.set $blues (v128.const i8x16 2 0x80 0x80 0x80 5 0x80 0x80 0x80 8 0x80 0x80 0x80 11 0x80 0x80 0x80))
    (local.set $redShare (i32x4.splat (i32.const 19595)))
    (local.set $greenShare (i32x4.splat (i32.const 38470)))
    (local.set $blueShare (i32x4.splat (i32.const 7471)))
    (local.set $round (i32x4.splat (i32.const 0x8000)))
    (loop $next
      (local.set $bytes (v128.load (local.get $pixel)))
      (local.set $sum (i32x4.add (local.get $sum) (i32x4.shr_u
        (i32x4.add
          (i32x4.add
            (i32x4.mul (i8x16.relaxed_swizzle (local.get $bytes) (local.get $reds)) (local.get $redShare))
            (i32x4.mul (i8x16.relaxed_swizzle (local.get $bytes) (local.get $greens)) (local.get $greenShare)))
          (i32x4.add
            (i32x4.mul (i8x16.relaxed_swizzle (local.get $bytes) (local.get $blues)) (local.get $blueShare))
            (local.get $round)))
        (i32.const 16))))
      (br_if $next
        (i32.lt_u (local.tee $pixel (i32.add (local.get $pixel) (i32.const 12))) (local.get $end))))
    (i32.add
      (i32.add (i32x4.extract_lane 0 (local.get $sum)) (i32x4.extract_lane 1 (local.get $sum)))
      (i32.add (i32x4.extract_lane 2 (local.get $sum)) (i32x4.extract_lane 3 (local.get $sum)))))

  ;; from + factor · (to − from) in float32, cut to int32; a byte once it is narrowed. Relaxed cutting is one instruction, and says the same
  ;; for numbers of this size.
  (func $blend (param $from v128) (param $to v128) (param $factor v128) (result v128)
    (i32x4.relaxed_trunc_f32x4_s (f32x4.add (local.get $from) (f32x4.mul (local.get $factor)
      (f32x4.sub (f32x4.convert_i32x4_s (local.get $to)) (local.get $from))))))

  ;; Blends all bytes with one value.
  (func (export "blendWithValue") (param $byte i32) (param $end i32) (param $value f32) (param $by f32)
    (local $bytes v128) (local $low v128) (local $high v128) (local $from v128) (local $factor v128)
    (local.set $from (f32x4.splat (local.get $value)))
    (local.set $factor (f32x4.splat (local.get $by)))
    (loop $next
      (local.set $bytes (v128.load (local.get $byte)))
      (local.set $low (i16x8.extend_low_i8x16_u (local.get $bytes)))
      (local.set $high (i16x8.extend_high_i8x16_u (local.get $bytes)))
      (v128.store (local.get $byte) (i8x16.narrow_i16x8_u
        (i16x8.narrow_i32x4_s
          (call $blend (local.get $from) (i32x4.extend_low_i16x8_u (local.get $low)) (local.get $factor))
          (call $blend (local.get $from) (i32x4.extend_high_i16x8_u (local.get $low)) (local.get $factor)))
        (i16x8.narrow_i32x4_s
          (call $blend (local.get $from) (i32x4.extend_low_i16x8_u (local.get $high)) (local.get $factor))
          (call $blend (local.get $from) (i32x4.extend_high_i16x8_u (local.get $high)) (local.get $factor)))))
      (br_if $next
        (i32.lt_u (local.tee $byte (i32.add (local.get $byte) (i32.const 16))) (local.get $end)))))

  ;; Blends every pixel with its own luma, four pixels at a time.
  (func (export "blendWithLuma") (param $pixel i32) (param $end i32) (param $by f32)
    (local $bytes v128) (local $red v128) (local $green v128) (local $blue v128) (local $from v128) (local $factor v128)
    (local $reds v128) (local $greens v128) (local $blues v128) (local $pixels v128)
    (local $redShare v128) (local $greenShare v128) (local $blueShare v128) (local $round v128)
    (local.set $reds (v128.const i8x16 0 0x80 0x80 0x80 3 0x80 0x80 0x80 6 0x80 0x80 0x80 9 0x80 0x80 0x80))
    (local.set $greens (v128.const i8x16 1 0x80 0x80 0x80 4 0x80 0x80 0x80 7 0x80 0x80 0x80 10 0x80 0x80 0x80))
    (local.set $blues (v128.const i8x16 2 0x80 0x80 0x80 5 0x80 0x80 0x80 8 0x80 0x80 0x80 11 0x80 0x80 0x80))
    ;; r0…r3 g0…g3 b0…b3 → four pixels.
    (local.set $pixels (v128.const i8x16 0 4 8 1 5 9 2 6 10 3 7 11 0x80 0x80 0x80 0x80))
    (local.set $redShare (i32x4.splat (i32.const 19595)))
    (local.set $greenShare (i32x4.splat (i32.const 38470)))
    (local.set $blueShare (i32x4.splat (i32.const 7471)))
    (local.set $round (i32x4.splat (i32.const 0x8000)))
    (local.set $factor (f32x4.splat (local.get $by)))
    (loop $next
      (local.set $bytes (v128.load (local.get $pixel)))
      (local.set $red (i8x16.relaxed_swizzle (local.get $bytes) (local.get $reds)))
      (local.set $green (i8x16.relaxed_swizzle (local.get $bytes) (local.get $greens)))
      (local.set $blue (i8x16.relaxed_swizzle (local.get $bytes) (local.get $blues)))
      (local.set $from (f32x4.convert_i32x4_s (i32x4.shr_u
        (i32x4.add
          (i32x4.add
            (i32x4.mul (local.get $red) (local.get $redShare)) (i32x4.mul (local.get $green) (local.get $greenShare)))
          (i32x4.add (i32x4.mul (local.get $blue) (local.get $blueShare)) (local.get $round)))
        (i32.const 16))))
      (local.set $blue (call $blend (local.get $from) (local.get $blue) (local.get $factor)))
      (local.set $red (i8x16.relaxed_swizzle
        (i8x16.narrow_i16x8_u
          (i16x8.narrow_i32x4_s
            (call $blend (local.get $from) (local.get $red) (local.get $factor))
            (call $blend (local.get $from) (local.get $green) (local.get $factor)))
          (i16x8.narrow_i32x4_s (local.get $blue) (local.get $blue)))
        (local.get $pixels)))
      ;; Twelve bytes and no more: the next load would wait for a store that reaches into it.
      (v128.store64_lane 0 (local.get $pixel) (local.get $red))
      (v128.store32_lane offset=8 2 (local.get $pixel) (local.get $red))
      (br_if $next
        (i32.lt_u (local.tee $pixel (i32.add (local.get $pixel) (i32.const 12))) (local.get $end))))))
