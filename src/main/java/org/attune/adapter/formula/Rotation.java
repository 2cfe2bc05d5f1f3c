package org.attune.adapter.formula;

import org.attune.tensor.Device;
import org.attune.tensor.Tensor;

import java.util.List;

/// OFT: the input's features are rotated in blocks, `W' = W blockdiag(R)ᵀ` with
/// `R = (I − Q)(I + Q)⁻¹` of skew-symmetric matrices `Q`, [Qiu et al. 2023, Eq. 3 and
/// §3.2](https://arxiv.org/abs/2306.07280).
///
/// @param blocks `r`: how many blocks; 0: by their size
/// @param blockSize `oft_block_size`: rows of a block; 0: by their number
/// @param shared `block_share`: whether all blocks are one matrix
/// @param terms `num_cayley_neumann_terms`: how many terms of the series `I + 2Q + 2Q² + … + Qᵗ⁻¹`
///     replace the inverse, [Qiu et al. 2025](https://arxiv.org/abs/2506.19847); 0: the inverse
record Rotation(int blocks, int blockSize, boolean shared, int terms) implements WeightFormula {
    private static final String NAME = "oft_R.weight";

    @Override
    public List<Part> parts(long out, long in) {
        if (in == ANY) {
            return List.of(new Part(NAME, Start.ZEROS, ANY, ANY));
        }
        long size = size(in);
        return List.of(new Part(NAME, Start.ZEROS, shared ? 1 : in / size, size * (size - 1) / 2));
    }

    /// Rows of a block: what is asked for, or the next divisor, as in PEFT.
    private long size(long in) {
        return blocks == 0 ? divisor(in, blockSize) : in / divisor(in, blocks);
    }

    private static long divisor(long in, long wanted) {
        if (wanted >= in) {
            return in;
        }
        long above = wanted;
        while (in % above != 0) {
            above++;
        }
        long below = wanted;
        while (in % below != 0) {
            below--;
        }
        return wanted - below <= above - wanted ? below : above;
    }

    @Override
    public List<String> suffixes() {
        return List.of(NAME);
    }

    @Override
    public Tensor delta(Base base, List<Tensor> values) {
        Tensor w = base.weight().get(); // (out, in)
        long in = w.size(1);
        long size = size(in);
        long count = in / size;
        Tensor rotation = rotation(values.getFirst(), size); // (count or 1, b, b)
        return rotated(w, shared ? rotation.expand(count, size, size) : rotation).sub(w);
    }

    /// `W blockdiag(R)ᵀ`.
    ///
    /// @param w `(out, in)`
    /// @param blocks `R`, `(in / b, b, b)`
    static Tensor rotated(Tensor w, Tensor blocks) {
        Tensor byBlock = w.reshape(w.size(0), blocks.size(0), blocks.size(1)).transpose(0, 1);
        Tensor rotated = byBlock.bmm(blocks.transpose(1, 2)); // (in / b, out, b)
        return rotated.transpose(0, 1).reshape(w.size(0), w.size(1));
    }

    /// Cayley's transform `(I − Q)(I + Q)⁻¹`.
    ///
    /// @param q skew-symmetric matrices, `(n, b, b)`
    static Tensor cayley(Tensor q) {
        Tensor one = identity(q.device(), q.size(0), Math.toIntExact(q.size(1)));
        return one.sub(q).bmm(one.add(q).inverse());
    }

    /// @param upper what stands above the diagonals, `(n, b (b − 1) / 2)`
    private Tensor rotation(Tensor upper, long size) {
        Tensor q = skew(upper, Math.toIntExact(size));
        return terms == 0 ? cayley(q) : series(q);
    }

    private Tensor series(Tensor q) {
        Tensor one = identity(q.device(), q.size(0), Math.toIntExact(q.size(1)));
        Tensor sum = one;
        Tensor power = q;
        for (int term = 1; term < terms; term++) {
            // The last one counts once, but where it is the first or second.
            boolean last = term == terms - 1 && terms > 3;
            sum = sum.add(last ? power : power.mul(2));
            power = power.bmm(q);
        }
        return terms == 3 ? sum.add(power) : sum;
    }

    /// Matrices with `Qᵀ = −Q`, `(n, b, b)`.
    private static Tensor skew(Tensor upper, int size) {
        long[] places = new long[size * size];
        float[] signs = new float[size * size];
        int next = 0;
        for (int row = 0; row < size; row++) {
            for (int column = row + 1; column < size; column++) {
                places[row * size + column] = next;
                places[column * size + row] = next++;
                signs[row * size + column] = 1;
                signs[column * size + row] = -1;
            }
        }
        Tensor index = Tensor.of(upper.device(), places, places.length);
        Tensor sign = Tensor.of(upper.device(), signs, 1, signs.length);
        return upper.indexSelect(1, index).mul(sign).reshape(upper.size(0), size, size);
    }

    private static Tensor identity(Device device, long count, int size) {
        float[] values = new float[size * size];
        for (int i = 0; i < size; i++) {
            values[i * size + i] = 1;
        }
        return Tensor.of(device, values, 1, size, size).expand(count, size, size);
    }

    @Override
    public boolean readsWeight() {
        return true;
    }
}
