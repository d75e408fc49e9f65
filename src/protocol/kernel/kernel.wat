;; The kernel: the two loops over bytes that cost most, 16 bytes at a time. ADR 41 says where it is used and what each use
;; gains, kernel.ts what is in the memory. `npm run kernel` makes kernel-code.ts of this file.
;;
;; Both take only what the JavaScript beside them takes, with the same result: unmask as in ../masking.ts, echo as in
;; echo-run.ts.
(module
  (import "twist" "memory" (memory 1))

  ;; XORs [at, end) with the masking key, in place. Returns the OR of all bytes that come of it, spread over 32 bits.
  (func (export "unmask") (param $at i32) (param $end i32) (param $key i32) (result i32)
    (local $keys v128) (local $seen v128) (local $block v128) (local $or i32) (local $byte i32)
    (local.set $keys (i32x4.splat (local.get $key)))
    (block $done
      (loop $four
        (br_if $done (i32.gt_u (i32.add (local.get $at) (i32.const 64)) (local.get $end)))
        (v128.store (local.get $at)
          (local.tee $block (v128.xor (v128.load (local.get $at)) (local.get $keys))))
        (local.set $seen (v128.or (local.get $seen) (local.get $block)))
        (v128.store offset=16 (local.get $at)
          (local.tee $block (v128.xor (v128.load offset=16 (local.get $at)) (local.get $keys))))
        (local.set $seen (v128.or (local.get $seen) (local.get $block)))
        (v128.store offset=32 (local.get $at)
          (local.tee $block (v128.xor (v128.load offset=32 (local.get $at)) (local.get $keys))))
        (local.set $seen (v128.or (local.get $seen) (local.get $block)))
        (v128.store offset=48 (local.get $at)
          (local.tee $block (v128.xor (v128.load offset=48 (local.get $at)) (local.get $keys))))
        (local.set $seen (v128.or (local.get $seen) (local.get $block)))
        (local.set $at (i32.add (local.get $at) (i32.const 64)))
        (br $four)))
    (block $done
      (loop $bytes
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (i32.store8 (local.get $at)
          (local.tee $byte
            (i32.xor (i32.load8_u (local.get $at)) (i32.and (local.get $key) (i32.const 0xff)))))
        (local.set $or (i32.or (local.get $or) (local.get $byte)))
        (local.set $key (i32.rotr (local.get $key) (i32.const 8)))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $bytes)))
    (i32.or (local.get $or)
      (i32.or
        (i32.or (i32x4.extract_lane 0 (local.get $seen)) (i32x4.extract_lane 1 (local.get $seen)))
        (i32.or (i32x4.extract_lane 2 (local.get $seen)) (i32x4.extract_lane 3 (local.get $seen))))))

  ;; A number with its bytes in the other order.
  (func $swapped (param $number i32) (result i32)
    (i32.or
      (i32.and (i32.rotl (local.get $number) (i32.const 8)) (i32.const 0x00ff00ff))
      (i32.and (i32.rotr (local.get $number) (i32.const 8)) (i32.const 0xff00ff00))))

  ;; Whether [at, end) is UTF-8 from a first byte to a last one (RFC 3629 section 4). Three tables, looked up with the
  ;; halves of each byte and of the one before it, say what is wrong with the two, one bit for each kind of mistake;
  ;; a bit that is in all three is one. Keiser and Lemire, Validating UTF-8 In Less Than One Instruction Per Byte (2020).
  (func $isUtf8 (param $at i32) (param $end i32) (result i32)
    (local $before v128) (local $block v128) (local $wrong v128) (local $one v128) (local $isLast i32)
    (loop $blocks
      (local.set $isLast
        (i32.gt_u (i32.add (local.get $at) (i32.const 16)) (local.get $end)))
      (local.set $block (v128.load (local.get $at)))
      ;; Zeros follow the text: a character that is not complete is wrong there.
      (if (local.get $isLast)
        (then
          (local.set $block
            (v128.and (local.get $block)
              (v128.load
                (i32.sub (i32.const 48) (i32.sub (local.get $end) (local.get $at))))))))
      ;; Each byte's predecessor.
      (local.set $one
        (i8x16.shuffle 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30
          (local.get $before) (local.get $block)))
      (local.set $wrong
        (v128.or (local.get $wrong)
          (v128.xor
            ;; The third byte of three and four, and the fourth of four, must be continuations.
            (v128.and
              (v128.or
                (i8x16.sub_sat_u
                  (i8x16.shuffle 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29
                    (local.get $before) (local.get $block))
                  (i8x16.splat (i32.const 0x60)))
                (i8x16.sub_sat_u
                  (i8x16.shuffle 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28
                    (local.get $before) (local.get $block))
                  (i8x16.splat (i32.const 0x70))))
              (i8x16.splat (i32.const 0x80)))
            ;; Bits: 01 too short, 02 too long, 04 overlong in three, 08 too large, 10 surrogate, 20 overlong in two,
            ;; 40 too large or overlong in four, 80 two continuations.
            (v128.and
              (v128.and
                (i8x16.swizzle
                  (v128.const i8x16
                    0x02 0x02 0x02 0x02 0x02 0x02 0x02 0x02 0x80 0x80 0x80 0x80 0x21 0x01 0x15 0x49)
                  (i8x16.shr_u (local.get $one) (i32.const 4)))
                (i8x16.swizzle
                  (v128.const i8x16
                    0xe7 0xa3 0x83 0x83 0x8b 0xcb 0xcb 0xcb 0xcb 0xcb 0xcb 0xcb 0xcb 0xdb 0xcb 0xcb)
                  (v128.and (local.get $one) (i8x16.splat (i32.const 0x0f)))))
              (i8x16.swizzle
                (v128.const i8x16
                  0x01 0x01 0x01 0x01 0x01 0x01 0x01 0x01 0xe6 0xae 0xba 0xba 0x01 0x01 0x01 0x01)
                (i8x16.shr_u (local.get $block) (i32.const 4)))))))
      (local.set $before (local.get $block))
      (local.set $at (i32.add (local.get $at) (i32.const 16)))
      (br_if $blocks (i32.eqz (local.get $isLast))))
    (i32.eqz (v128.any_true (local.get $wrong))))

  ;; Sends messages back: frames in [position, end) become frames of ours at [at, limit). Returns where the first frame
  ;; begins that is left; the end of ours, and what was sent back, are at the beginning of the memory.
  ;; It reads up to 15 bytes past `end`, and writes up to 15 past `limit`.
  (func (export "echo")
    (param $position i32) (param $end i32) (param $at i32) (param $limit i32) (param $max i32)
    (result i32)
    (local $head i32) (local $first i32) (local $length i32) (local $payload i32) (local $out i32)
    (local $stop i32) (local $to i32) (local $keys v128) (local $block v128) (local $seen v128)
    (local $textMessages i32) (local $textBytes i32) (local $binaryMessages i32) (local $binaryBytes i32)
    (block $left
      (loop $frames
        ;; The header of the smallest frame, its masking key included.
        (br_if $left
          (i32.lt_s (i32.sub (local.get $end) (local.get $position)) (i32.const 6)))
        (local.set $head (i32.load16_u (local.get $position)))
        (local.set $first (i32.and (local.get $head) (i32.const 0xff)))
        ;; FIN, no reserved bits, and the opcode of text or binary.
        (br_if $left
          (i32.gt_u (i32.sub (local.get $first) (i32.const 0x81)) (i32.const 1)))
        ;; MASK.
        (br_if $left (i32.eqz (i32.and (local.get $head) (i32.const 0x8000))))
        (local.set $length (i32.and (i32.shr_u (local.get $head) (i32.const 8)) (i32.const 0x7f)))
        (local.set $payload (i32.add (local.get $position) (i32.const 6)))
        (local.set $out (i32.add (local.get $at) (i32.const 2)))
        (if (i32.eq (local.get $length) (i32.const 126))
          (then
            (br_if $left
              (i32.lt_s (i32.sub (local.get $end) (local.get $position)) (i32.const 8)))
            (local.set $length
              (i32.or
                (i32.shl (i32.load8_u offset=2 (local.get $position)) (i32.const 8))
                (i32.load8_u offset=3 (local.get $position))))
            ;; Not the shortest form.
            (br_if $left (i32.lt_u (local.get $length) (i32.const 126)))
            (local.set $payload (i32.add (local.get $payload) (i32.const 2)))
            (local.set $out (i32.add (local.get $out) (i32.const 2))))
          (else
            (if (i32.eq (local.get $length) (i32.const 127))
              (then
                (br_if $left
                  (i32.lt_s (i32.sub (local.get $end) (local.get $position)) (i32.const 14)))
                (br_if $left (i32.load offset=2 (local.get $position)))
                (local.set $length (call $swapped (i32.load offset=6 (local.get $position))))
                (br_if $left (i32.lt_u (local.get $length) (i32.const 0x10000)))
                (local.set $payload (i32.add (local.get $payload) (i32.const 8)))
                (local.set $out (i32.add (local.get $out) (i32.const 8)))))))
        ;; Before anything is added to it.
        (br_if $left (i32.gt_u (local.get $length) (local.get $max)))
        (local.set $stop (i32.add (local.get $payload) (local.get $length)))
        (br_if $left (i32.gt_u (local.get $stop) (local.get $end)))
        (br_if $left
          (i32.gt_u (i32.add (local.get $out) (local.get $length)) (local.get $limit)))
        (local.set $keys (v128.load32_splat (i32.sub (local.get $payload) (i32.const 4))))
        (local.set $seen (v128.const i32x4 0 0 0 0))
        (local.set $to (local.get $out))
        (block $rest
          (loop $blocks
            (br_if $rest
              (i32.gt_u (i32.add (local.get $payload) (i32.const 16)) (local.get $stop)))
            (v128.store (local.get $to)
              (local.tee $block (v128.xor (v128.load (local.get $payload)) (local.get $keys))))
            (local.set $seen (v128.or (local.get $seen) (local.get $block)))
            (local.set $payload (i32.add (local.get $payload) (i32.const 16)))
            (local.set $to (i32.add (local.get $to) (i32.const 16)))
            (br $blocks)))
        (if (i32.lt_u (local.get $payload) (local.get $stop))
          (then
            (v128.store (local.get $to)
              (local.tee $block (v128.xor (v128.load (local.get $payload)) (local.get $keys))))
            ;; What is behind the payload does not count. The mask is cut out of 16 bytes FF and 16 bytes 00, at 32.
            (local.set $seen
              (v128.or (local.get $seen)
                (v128.and (local.get $block)
                  (v128.load
                    (i32.sub (i32.const 48)
                      (i32.sub (local.get $stop) (local.get $payload)))))))))
        (if (i32.eq (local.get $first) (i32.const 0x81))
          (then
            (if (i8x16.bitmask (local.get $seen))
              (then
                (br_if $left
                  (i32.eqz
                    (call $isUtf8 (local.get $out)
                      (i32.add (local.get $out) (local.get $length)))))))
            (local.set $textMessages (i32.add (local.get $textMessages) (i32.const 1)))
            (local.set $textBytes (i32.add (local.get $textBytes) (local.get $length))))
          (else
            (local.set $binaryMessages (i32.add (local.get $binaryMessages) (i32.const 1)))
            (local.set $binaryBytes (i32.add (local.get $binaryBytes) (local.get $length)))))
        (if (i32.lt_u (local.get $length) (i32.const 126))
          (then
            (i32.store16 (local.get $at)
              (i32.or (local.get $first) (i32.shl (local.get $length) (i32.const 8)))))
          (else
            (if (i32.lt_u (local.get $length) (i32.const 0x10000))
              (then
                (i32.store16 (local.get $at)
                  (i32.or (local.get $first) (i32.const 0x7e00)))
                (i32.store8 offset=2 (local.get $at)
                  (i32.shr_u (local.get $length) (i32.const 8)))
                (i32.store8 offset=3 (local.get $at) (local.get $length)))
              (else
                (i32.store16 (local.get $at)
                  (i32.or (local.get $first) (i32.const 0x7f00)))
                (i32.store offset=2 (local.get $at) (i32.const 0))
                (i32.store offset=6 (local.get $at) (call $swapped (local.get $length)))))))
        (local.set $at (i32.add (local.get $out) (local.get $length)))
        (local.set $position (local.get $stop))
        (br $frames)))
    (i32.store offset=0 (i32.const 0) (local.get $at))
    (i32.store offset=4 (i32.const 0) (local.get $textMessages))
    (i32.store offset=8 (i32.const 0) (local.get $textBytes))
    (i32.store offset=12 (i32.const 0) (local.get $binaryMessages))
    (i32.store offset=16 (i32.const 0) (local.get $binaryBytes))
    (local.get $position)))
