package org.attune.files.gguf;

import java.util.Arrays;

/// Quantises to GGUF's "K" blocks, the reverse of [SuperBlocks]. Scales and offsets are searched so
/// that the sum of weighted squared errors is small: several starts for each sub-block, each
/// improved by least squares, then whole numbers beside the rounded ones.
final class SuperEncoders {
    private static final int SIZE = 256;

    /// Starts of a sub-block's scale, as tenths of a code more than its range has.
    private static final int STARTS = 15;

    private SuperEncoders() {}

    static void q4(float[] source, float[] weights, byte[] target, int blocks) {
        var block = new Offset(15);
        for (int b = 0, at = 0; b < blocks; b++, at += 144) {
            block.encode(source, weights, SIZE * b, target, at);
            for (int i = 0; i < SIZE / 2; i++) {
                int first = i / 32 * 64 + i % 32;
                target[at + 16 + i] = (byte) (block.codes[first] | block.codes[first + 32] << 4);
            }
        }
    }

    static void q5(float[] source, float[] weights, byte[] target, int blocks) {
        var block = new Offset(31);
        for (int b = 0, at = 0; b < blocks; b++, at += 176) {
            block.encode(source, weights, SIZE * b, target, at);
            Arrays.fill(target, at + 16, at + 48, (byte) 0);
            for (int i = 0; i < SIZE / 2; i++) {
                int pair = i / 32;
                int low = block.codes[64 * pair + i % 32];
                int high = block.codes[64 * pair + 32 + i % 32];
                target[at + 48 + i] = (byte) (low & 15 | (high & 15) << 4);
                int bits = (low >> 4) << 2 * pair | (high >> 4) << 2 * pair + 1;
                target[at + 16 + i % 32] |= (byte) bits;
            }
        }
    }

    static void q6(float[] source, float[] weights, byte[] target, int blocks) {
        var block = new Centred();
        for (int b = 0, at = 0; b < blocks; b++, at += 210) {
            block.encode(source, weights, SIZE * b, target, at);
            for (int half = 0; half < 2; half++) {
                for (int i = 0; i < 32; i++) {
                    int first = 128 * half + i;
                    int a = block.codes[first] + 32;
                    int b2 = block.codes[first + 32] + 32;
                    int c = block.codes[first + 64] + 32;
                    int d = block.codes[first + 96] + 32;
                    target[at + 64 * half + i] = (byte) (a & 15 | (c & 15) << 4);
                    target[at + 64 * half + 32 + i] = (byte) (b2 & 15 | (d & 15) << 4);
                    target[at + 128 + 32 * half + i] =
                            (byte) (a >> 4 | b2 >> 4 << 2 | c >> 4 << 4 | d >> 4 << 6);
                }
            }
        }
    }

    private static float rounded(float value) {
        return Float.float16ToFloat(Float.floatToFloat16(value));
    }

    private static float weight(float[] weights, int at) {
        return weights == null ? 1 : weights[at];
    }

    /// Sub-blocks of 32 values `d s q − dmin o`, with six bits for `s` and `o`.
    private static final class Offset {
        private static final int SUB = 32;
        private static final int SUBS = SIZE / SUB;
        private static final int MOST = 63;

        private final int most;
        private final int[] codes = new int[SIZE];
        private final float[] scales = new float[SUBS];
        private final float[] offsets = new float[SUBS];
        private final int[] wholeScales = new int[SUBS];
        private final int[] wholeOffsets = new int[SUBS];
        private float[] source;
        private float[] weights;

        /// @param most largest code
        Offset(int most) {
            this.most = most;
        }

        void encode(float[] source, float[] weights, int from, byte[] target, int at) {
            this.source = source;
            this.weights = weights;
            float largestScale = 0;
            float largestOffset = 0;
            for (int sub = 0; sub < SUBS; sub++) {
                search(sub, from + SUB * sub);
                largestScale = Math.max(largestScale, scales[sub]);
                largestOffset = Math.max(largestOffset, offsets[sub]);
            }
            float d = rounded(largestScale / MOST);
            float dmin = rounded(largestOffset / MOST);
            for (int sub = 0; sub < SUBS; sub++) {
                settle(sub, from + SUB * sub, d, dmin);
            }
            SimpleEncoders.half(target, at, d);
            SimpleEncoders.half(target, at + 2, dmin);
            for (int j = 0; j < 4; j++) {
                int laterScale = wholeScales[j + 4];
                int laterOffset = wholeOffsets[j + 4];
                target[at + 4 + j] = (byte) (wholeScales[j] | laterScale >> 4 << 6);
                target[at + 8 + j] = (byte) (wholeOffsets[j] | laterOffset >> 4 << 6);
                target[at + 12 + j] = (byte) (laterScale & 15 | (laterOffset & 15) << 4);
            }
        }

        /// The best scale and offset that aren't rounded.
        private void search(int sub, int from) {
            float least = 0;
            float largest = source[from];
            for (int i = 0; i < SUB; i++) {
                least = Math.min(least, source[from + i]);
                largest = Math.max(largest, source[from + i]);
            }
            scales[sub] = 0;
            offsets[sub] = -least;
            if (!(largest > least)) {
                return;
            }
            double best = Double.POSITIVE_INFINITY;
            for (int start = 0; start <= STARTS; start++) {
                float scale = (largest - least) / (most + 0.1f * (start - STARTS / 2));
                float offset = -least;
                for (int round = 0; round < 2; round++) {
                    double error = error(from, scale, offset);
                    if (error < best) {
                        best = error;
                        scales[sub] = scale;
                        offsets[sub] = offset;
                    }
                    double det = sumW * sumQQ - sumQ * sumQ;
                    if (!(det > 0)) {
                        break;
                    }
                    scale = (float) ((sumW * sumXQ - sumX * sumQ) / det);
                    offset = (float) -((sumQQ * sumX - sumQ * sumXQ) / det);
                    if (offset < 0) {
                        offset = 0;
                        scale = (float) (sumXQ / sumQQ);
                    }
                    if (!(scale > 0)) {
                        break;
                    }
                }
                double last = error(from, scale, offset);
                if (scale > 0 && last < best) {
                    best = last;
                    scales[sub] = scale;
                    offsets[sub] = offset;
                }
            }
        }

        // Sums of weights and of their products with numbers and codes, of the last #error.
        private double sumW;
        private double sumX;
        private double sumQ;
        private double sumQQ;
        private double sumXQ;

        private double error(int from, float scale, float offset) {
            double error = 0;
            sumW = sumX = sumQ = sumQQ = sumXQ = 0;
            float inverse = scale == 0 ? 0 : 1 / scale;
            for (int i = from; i < from + SUB; i++) {
                float x = source[i];
                float w = weight(weights, i);
                int q = code(x, inverse, offset);
                float difference = scale * q - offset - x;
                error += w * difference * difference;
                sumW += w;
                sumX += w * x;
                sumQ += w * q;
                sumQQ += w * q * q;
                sumXQ += w * x * q;
            }
            return error;
        }

        private int code(float x, float inverse, float offset) {
            return Math.clamp((int) Math.floor((x + offset) * inverse + 0.5f), 0, most);
        }

        /// Whole numbers for scale and offset, and the codes of these.
        private void settle(int sub, int from, float d, float dmin) {
            int scale = d == 0 ? 0 : Math.clamp(Math.round(scales[sub] / d), 0, MOST);
            int offset = dmin == 0 ? 0 : Math.clamp(Math.round(offsets[sub] / dmin), 0, MOST);
            double best = Double.POSITIVE_INFINITY;
            for (int s = Math.max(0, scale - 1); s <= Math.min(MOST, scale + 1); s++) {
                for (int o = Math.max(0, offset - 2); o <= Math.min(MOST, offset + 2); o++) {
                    double error = error(from, d * s, dmin * o);
                    if (error < best) {
                        best = error;
                        wholeScales[sub] = s;
                        wholeOffsets[sub] = o;
                    }
                }
            }
            float used = d * wholeScales[sub];
            float below = dmin * wholeOffsets[sub];
            float inverse = used == 0 ? 0 : 1 / used;
            for (int i = 0; i < SUB; i++) {
                codes[from % SIZE + i] = code(source[from + i], inverse, below);
            }
        }
    }

    /// Sub-blocks of 16 values `d s q` with codes of −32 to 31 and eight bits for `s`.
    private static final class Centred {
        private static final int SUB = 16;
        private static final int SUBS = SIZE / SUB;
        private static final int LEAST = -32;

        private final int[] codes = new int[SIZE];
        private final float[] scales = new float[SUBS];
        private float[] source;
        private float[] weights;
        private double sumQQ;
        private double sumXQ;

        void encode(float[] source, float[] weights, int from, byte[] target, int at) {
            this.source = source;
            this.weights = weights;
            float largest = 0;
            for (int sub = 0; sub < SUBS; sub++) {
                scales[sub] = search(from + SUB * sub);
                if (Math.abs(scales[sub]) > Math.abs(largest)) {
                    largest = scales[sub];
                }
            }
            float d = rounded(largest / -128);
            SimpleEncoders.half(target, at + 208, d);
            for (int sub = 0; sub < SUBS; sub++) {
                target[at + 192 + sub] = (byte) settle(scales[sub], from + SUB * sub, d);
            }
        }

        private float search(int from) {
            float furthest = 0;
            for (int i = from; i < from + SUB; i++) {
                if (Math.abs(source[i]) > Math.abs(furthest)) {
                    furthest = source[i];
                }
            }
            if (furthest == 0) {
                return 0;
            }
            float chosen = 0;
            double best = Double.POSITIVE_INFINITY;
            for (int start = -9; start <= 9; start++) {
                float scale = furthest / (LEAST + 0.1f * start);
                for (int round = 0; round < 2; round++) {
                    double error = error(from, scale);
                    if (error < best) {
                        best = error;
                        chosen = scale;
                    }
                    if (!(sumQQ > 0)) {
                        break;
                    }
                    scale = (float) (sumXQ / sumQQ);
                }
            }
            return chosen;
        }

        private double error(int from, float scale) {
            double error = 0;
            sumQQ = sumXQ = 0;
            float inverse = scale == 0 ? 0 : 1 / scale;
            for (int i = from; i < from + SUB; i++) {
                float x = source[i];
                float w = weight(weights, i);
                int q = code(x, inverse);
                float difference = scale * q - x;
                error += w * difference * difference;
                sumQQ += w * q * q;
                sumXQ += w * x * q;
            }
            return error;
        }

        private static int code(float x, float inverse) {
            return Math.clamp((int) Math.floor(x * inverse + 0.5f), LEAST, -LEAST - 1);
        }

        private int settle(float scale, int from, float d) {
            int near = d == 0 ? 0 : Math.clamp(Math.round(scale / d), -128, 127);
            int whole = near;
            double best = Double.POSITIVE_INFINITY;
            for (int s = Math.max(-128, near - 1); s <= Math.min(127, near + 1); s++) {
                double error = error(from, d * s);
                if (error < best) {
                    best = error;
                    whole = s;
                }
            }
            float used = d * whole;
            float inverse = used == 0 ? 0 : 1 / used;
            for (int i = 0; i < SUB; i++) {
                codes[from % SIZE + i] = code(source[from + i], inverse);
            }
            return whole;
        }
    }
}
