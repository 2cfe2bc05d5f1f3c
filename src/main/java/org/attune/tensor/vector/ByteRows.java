package org.attune.tensor.vector;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// Rows of whole numbers of 8 bits with a size a row: a number is `code · size / 127`.
///
/// @param codes `(out, in)`
/// @param sizes float32 `(out)`, the largest size of a row's numbers
/// @param in columns
/// @param vectors whether there are vectors to decode with
public record ByteRows(MemorySegment codes, MemorySegment sizes, int in, boolean vectors)
        implements CodedRows {
    /// Codes go from its negative to it.
    public static final int LARGEST = 127;

    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT;
    static final float SHARE = 1f / LARGEST;
    private static final int AT_ONCE = 1 << 10;

    @Override
    public int step() {
        return 1;
    }

    @Override
    public void decode(int row, int column, int count, Target to) {
        float size = sizes.getAtIndex(FLOAT, row);
        long from = (long) row * in + column;
        int done = 0;
        if (vectors) {
            done = count / LevelLoops.BYTES * LevelLoops.BYTES;
            LevelLoops.bytes(codes.address() + from, done, size, SHARE, to.half(), to.address());
        }
        var numbers = new float[Math.min(AT_ONCE, count - done)];
        while (done < count) {
            int some = Math.min(numbers.length, count - done);
            for (int i = 0; i < some; i++) {
                numbers[i] = codes.get(ValueLayout.JAVA_BYTE, from + done + i) * size * SHARE;
            }
            to.skip(done).put(numbers, some);
            done += some;
        }
    }

    /// Codes of rows, [Dettmers et al. 2022](https://arxiv.org/abs/2208.07339), Sec. 2.1, as
    /// bitsandbytes has them.
    ///
    /// @param numbers float32 `(rows, in)`
    /// @param codes written, `(rows, in)`
    /// @param sizes written, float32 `(rows)`
    public static void encode(
            MemorySegment numbers, int in, MemorySegment codes, MemorySegment sizes, int threads) {
        int rows = Math.toIntExact(codes.byteSize() / in);
        KernelThreads.rows(
                threads,
                rows,
                Math.max(1, CHUNK / in),
                (_, row) -> {
                    long first = (long) row * in;
                    float size = 0;
                    for (long at = first; at < first + in; at++) {
                        size = Math.max(size, Math.abs(numbers.getAtIndex(FLOAT, at)));
                    }
                    float factor =
                            size == 0 ? 0 : 1 / size * LARGEST; // rounded as bitsandbytes does
                    for (long at = first; at < first + in; at++) {
                        double code = Math.rint(numbers.getAtIndex(FLOAT, at) * factor);
                        codes.set(ValueLayout.JAVA_BYTE, at, (byte) code);
                    }
                    sizes.setAtIndex(FLOAT, row, size);
                });
    }
}
