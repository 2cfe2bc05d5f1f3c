package org.attune.files.gguf;

import org.attune.tensor.DType;
import org.attune.tensor.vector.BlockRows;

import java.util.Arrays;
import java.util.Optional;

/// Element types of GGUF tensors. Values of a block share one or more scales.
public enum GgufType {
    F32(0, 1, 4, DType.FLOAT32),
    F16(1, 1, 2, DType.FLOAT16),
    Q4_0(2, 32, 18, SimpleBlocks::q4Centred, SimpleEncoders::q4Centred),
    Q4_1(3, 32, 20, SimpleBlocks::q4Offset, SimpleEncoders::q4Offset),
    Q5_0(6, 32, 22, SimpleBlocks::q5Centred, SimpleEncoders::q5Centred),
    Q5_1(7, 32, 24, SimpleBlocks::q5Offset, SimpleEncoders::q5Offset),
    Q8_0(8, 32, 34, SimpleBlocks::q8, SimpleEncoders::q8),
    Q8_1(9, 32, 36),
    Q2_K(10, 256, 84, SuperBlocks::q2),
    Q3_K(11, 256, 110, SuperBlocks::q3),
    Q4_K(12, 256, 144, SuperBlocks::q4, SuperEncoders::q4),
    Q5_K(13, 256, 176, SuperBlocks::q5, SuperEncoders::q5),
    Q6_K(14, 256, 210, SuperBlocks::q6, SuperEncoders::q6),
    Q8_K(15, 256, 292),
    IQ2_XXS(16, 256, 66),
    IQ2_XS(17, 256, 74),
    IQ3_XXS(18, 256, 98),
    IQ1_S(19, 256, 50),
    IQ4_NL(20, 32, 18, TableBlocks::iq4),
    IQ3_S(21, 256, 110),
    IQ2_S(22, 256, 82),
    IQ4_XS(23, 256, 136, TableBlocks::iq4Super),
    I8(24, 1, 1, DType.INT8),
    I16(25, 1, 2, DType.INT16),
    I32(26, 1, 4, DType.INT32),
    I64(27, 1, 8, DType.INT64),
    F64(28, 1, 8, DType.FLOAT64),
    IQ1_M(29, 256, 56),
    BF16(30, 1, 2, DType.BFLOAT16),
    TQ1_0(34, 256, 54, TableBlocks::ternary1),
    TQ2_0(35, 256, 66, TableBlocks::ternary2),
    MXFP4(39, 32, 17, TableBlocks::mxfp4, SimpleEncoders::mxfp4),
    NVFP4(40, 64, 36, TableBlocks::nvfp4);

    /// Turns float32 values into blocks.
    @FunctionalInterface
    interface BlockEncoder {
        /// @param source  `blocks × block()` values
        /// @param weights how much the squared error of each counts, or null: alike. Only types
        ///     whose scales are searched read them
        /// @param target  receives the blocks, one after the other
        /// @param blocks  how many
        void encode(float[] source, float[] weights, byte[] target, int blocks);
    }

    private final int number;
    private final int block;
    private final int blockBytes;
    private final DType dtype;
    private final BlockRows.Decoder decoder;
    private final BlockEncoder encoder;

    /// A type whose elements are read as they are.
    GgufType(int number, int block, int blockBytes, DType dtype) {
        this(number, block, blockBytes, dtype, null, null);
    }

    /// A quantised type.
    GgufType(int number, int block, int blockBytes, BlockRows.Decoder decoder) {
        this(number, block, blockBytes, DType.FLOAT32, decoder, null);
    }

    /// A quantised type that is written too.
    GgufType(
            int number,
            int block,
            int blockBytes,
            BlockRows.Decoder decoder,
            BlockEncoder encoder) {
        this(number, block, blockBytes, DType.FLOAT32, decoder, encoder);
    }

    /// A type that is known but can't be read.
    GgufType(int number, int block, int blockBytes) {
        this(number, block, blockBytes, DType.FLOAT32, null, null);
    }

    GgufType(
            int number,
            int block,
            int blockBytes,
            DType dtype,
            BlockRows.Decoder decoder,
            BlockEncoder encoder) {
        this.number = number;
        this.block = block;
        this.blockBytes = blockBytes;
        this.dtype = dtype;
        this.decoder = decoder;
        this.encoder = encoder;
    }

    /// Values in a block.
    public int block() {
        return block;
    }

    /// Bytes of a block.
    public int blockBytes() {
        return blockBytes;
    }

    /// Type of the values that a reader gives: the type itself, or float32 for quantised types.
    public DType dtype() {
        return dtype;
    }

    /// Whether values come in blocks that share scales.
    public boolean isQuantised() {
        return block > 1;
    }

    /// Whether Attune can read tensors of this type.
    public boolean isSupported() {
        return !isQuantised() || decoder != null;
    }

    /// Turns blocks into float32 values.
    public BlockRows.Decoder decoder() {
        return decoder;
    }

    BlockEncoder encoder() {
        return encoder;
    }

    int number() {
        return number;
    }

    /// Bytes of `count` values.
    public long bytes(long count) {
        return count / block * blockBytes;
    }

    static Optional<GgufType> ofNumber(int number) {
        return Arrays.stream(values()).filter(t -> t.number == number).findFirst();
    }
}
