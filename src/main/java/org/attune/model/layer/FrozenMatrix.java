package org.attune.model.layer;

import org.attune.files.FewBits;
import org.attune.tensor.BlockwiseCodes;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.tensor.VectorKernels;
import org.attune.tensor.vector.BlockwiseKernel;
import org.attune.tensor.vector.ByteRows;
import org.attune.tensor.vector.CodedRows;
import org.attune.tensor.vector.LevelRows;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// The frozen weights of a linear layer as they are kept in memory. Products decode rows from them;
/// nothing else has the numbers.
///
/// @param out rows
/// @param rows decode them
/// @param memory that they are decoded from
record FrozenMatrix(int out, CodedRows rows, List<Tensor> memory) {
    /// Numbers of a block of 4 bits, bitsandbytes' default.
    private static final int BLOCK = 64;

    /// Numbers that are brought to few bits at once, whole blocks of sizes.
    private static final long AT_ONCE = 1 << 22;

    FrozenMatrix {
        memory = List.copyOf(memory);
    }

    /// Bytes in memory.
    long bytes() {
        return memory.stream().mapToLong(t -> t.size() * t.dtype().bytes()).sum();
    }

    /// Decodes the same columns of neighbouring rows.
    ///
    /// @param to written at the beginning of some of its rows
    /// @param place the first of these
    void decode(int row, int count, int column, int columns, Tensor to, int place) {
        long stride = to.size(1) * to.dtype().bytes();
        rows.decode(
                row,
                count,
                column,
                columns,
                to.memory().asSlice(place * stride),
                stride,
                to.dtype() == DType.BFLOAT16,
                Engine.threads());
    }

    private static Tensor bytes(TensorScope owner, long count) {
        return owner.adopt(Tensor.empty(Device.cpu(), DType.UINT8, count));
    }

    private static Tensor floats(TensorScope owner, long count) {
        return owner.adopt(Tensor.empty(Device.cpu(), DType.FLOAT32, count));
    }

    /// Numbers as a file holds them.
    static FrozenMatrix stored(TensorScope owner, FewBits bits, int out) {
        List<Tensor> memory = new ArrayList<>();
        bits.bytes().forEach(count -> memory.add(bytes(owner, count)));
        CodedRows rows = bits.read().apply(memory.stream().map(Tensor::memory).toList());
        return new FrozenMatrix(out, rows, memory);
    }

    /// Numbers as products have them.
    ///
    /// @param numbers `(out, in)`
    static FrozenMatrix dense(TensorScope owner, Tensor numbers, DType dtype) {
        Tensor own = owner.adopt(numbers.to(dtype).contiguous().copy());
        var rows = new CodedRows.Plain(own.memory(), Math.toIntExact(numbers.size(1)));
        return new FrozenMatrix(Math.toIntExact(numbers.size(0)), rows, List.of(own));
    }

    /// Numbers brought to few bits.
    ///
    /// @param numbers `(out, in)`
    static FrozenMatrix of(TensorScope owner, Tensor numbers, Storage storage) {
        return storage == Storage.INT8 ? bytes(owner, numbers) : levels(owner, numbers, storage);
    }

    private static FrozenMatrix bytes(TensorScope owner, Tensor numbers) {
        int out = Math.toIntExact(numbers.size(0));
        int in = Math.toIntExact(numbers.size(1));
        Tensor codes = bytes(owner, (long) out * in);
        Tensor sizes = floats(owner, out);
        int some = Math.toIntExact(Math.max(1, AT_ONCE / in));
        for (int row = 0; row < out; row += some) {
            int count = Math.min(some, out - row);
            try (var _ = TensorScope.open("quantise")) {
                // bitsandbytes starts from float16 too
                Tensor half = numbers.narrow(0, row, count).to(DType.FLOAT16);
                Tensor part = half.to(DType.FLOAT32).contiguous();
                MemorySegment own = codes.memory().asSlice((long) row * in, (long) count * in);
                MemorySegment size = sizes.memory().asSlice(4L * row, 4L * count);
                ByteRows.encode(part.memory(), in, own, size, Engine.threads());
            }
        }
        var rows = new ByteRows(codes.memory(), sizes.memory(), in, VectorKernels.isAvailable());
        return new FrozenMatrix(out, rows, List.of(codes, sizes));
    }

    private static FrozenMatrix levels(TensorScope owner, Tensor numbers, Storage storage) {
        LevelRows.Levels levels = storage.levels().orElseThrow();
        long count = numbers.size();
        Tensor codes = bytes(owner, count / 2);
        long blocks = (count + BLOCK - 1) / BLOCK;
        List<Tensor> memory = new ArrayList<>(List.of(codes));
        try (var _ = TensorScope.open("quantise")) {
            Tensor sizes = Tensor.empty(Device.cpu(), DType.FLOAT32, blocks);
            Tensor flat = numbers.contiguous().reshape(count);
            for (long at = 0; at < count; at += AT_ONCE) {
                long some = Math.min(AT_ONCE, count - at);
                try (var _ = TensorScope.open("quantise")) {
                    Tensor part = flat.narrow(0, at, some).to(DType.FLOAT32).contiguous();
                    long first = at / BLOCK;
                    long own = (some + BLOCK - 1) / BLOCK;
                    levels.encode(
                            part.memory(),
                            BLOCK,
                            codes.memory().asSlice(at / 2, some / 2),
                            sizes.memory().asSlice(4 * first, 4 * own),
                            Engine.threads());
                }
            }
            Optional<LevelRows.Nested> nested =
                    storage.isDouble()
                            ? Optional.of(nested(owner, sizes, memory))
                            : Optional.empty();
            if (nested.isEmpty()) {
                memory.add(owner.adopt(sizes));
            }
            var rows =
                    new LevelRows(
                            codes.memory(),
                            memory.get(1).memory(),
                            nested,
                            levels,
                            Math.toIntExact(numbers.size(1)),
                            BLOCK,
                            VectorKernels.isAvailable());
            return new FrozenMatrix(Math.toIntExact(numbers.size(0)), rows, memory);
        }
    }

    /// Sizes of blocks as bytes: what they are above or below their mean.
    private static LevelRows.Nested nested(TensorScope owner, Tensor sizes, List<Tensor> memory) {
        Tensor mean = sizes.mean();
        Tensor codes = bytes(owner, sizes.size());
        long blocks = (sizes.size() + BlockwiseCodes.BLOCK - 1) / BlockwiseCodes.BLOCK;
        Tensor outer = floats(owner, blocks);
        BlockwiseCodes.encode(sizes.sub(mean), true, codes, outer);
        memory.add(codes);
        memory.add(outer);
        return new LevelRows.Nested(
                MemorySegment.ofArray(BlockwiseKernel.SIGNED.levels()),
                outer.memory(),
                BlockwiseCodes.BLOCK,
                (float) mean.item());
    }
}
