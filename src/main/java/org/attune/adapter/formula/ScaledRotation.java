package org.attune.adapter.formula;

import org.attune.error.ConfigException;
import org.attune.tensor.Tensor;

import java.util.List;

/// BOFT: the input's features are rotated in blocks and the output's scaled,
/// `W' = diag(s) W M₀ᵀ M₁ᵀ …`, with `Mᵢ = Pᵢ blockdiag(Rᵢ) Pᵢᵀ` and `Rᵢ` as in [Rotation], [Liu et
/// al. 2023, Eq. 2](https://arxiv.org/abs/2311.06243). `P₀` moves nothing. The others are those of
/// PEFT: of each group of `2ⁱ` blocks, cut in halves, the even halves come before the odd ones.
///
/// @param blocks `boft_block_num`: how many blocks; 0: by their size
/// @param blockSize `boft_block_size`: rows of a block; 0: by their number
/// @param factors `boft_n_butterfly_factor`: how many `Mᵢ`
record ScaledRotation(int blocks, int blockSize, int factors) implements WeightFormula {
    private static final double DEVIATION = 0.1; // of random values, PEFT's choice

    @Override
    public List<Part> parts(long out, long in) {
        long size = in == ANY ? ANY : size(in);
        long count = in == ANY ? ANY : in / size;
        if (in != ANY) {
            requireGroups(in, count, size);
        }
        var normal = Start.normal(0, DEVIATION);
        return List.of(
                new Part("boft_R", Start.ZEROS, normal, factors, count, size, size),
                new Part("boft_s", Start.ONES, Start.normal(1, DEVIATION), out, 1));
    }

    private long size(long in) {
        boolean bySize = blocks == 0;
        int divisor = bySize ? blockSize : blocks;
        if (in % divisor != 0) {
            throw new ConfigException(
                    "%s is %d; accepted: divisors of the %d input features of each module"
                            .formatted(bySize ? "boft_block_size" : "boft_block_num", divisor, in));
        }
        return bySize ? blockSize : in / blocks;
    }

    private void requireGroups(long in, long count, long size) {
        boolean fits = factors <= Long.SIZE - 2 && count % (1L << factors - 1) == 0;
        if (factors > 1 && !(fits && size % 2 == 0)) {
            throw new ConfigException(
                    ("boft_n_butterfly_factor is %d with %d blocks of %d of the %d input features;"
                         + " accepted: 1, or a number n where 2ⁿ⁻¹ divides the number of blocks and"
                         + " blocks have an even size")
                            .formatted(factors, count, size, in));
        }
    }

    @Override
    public List<String> suffixes() {
        return parts(ANY, ANY).stream().map(Part::suffix).toList();
    }

    @Override
    public Tensor delta(Base base, List<Tensor> values) {
        Tensor w = base.weight().get(); // (out, in)
        long in = w.size(1);
        long size = size(in);
        Tensor given = values.getFirst().reshape(factors * (in / size), size, size);
        Tensor skew = given.sub(given.transpose(1, 2)).mul(0.5);
        Tensor rotations = Rotation.cayley(skew); // (factors · in / b, b, b)
        Tensor rotated = w;
        for (int i = 0; i < factors; i++) {
            Tensor own = rotations.narrow(0, i * (in / size), in / size); // (in / b, b, b)
            rotated = i == 0 ? Rotation.rotated(w, own) : between(rotated, own, i, size);
        }
        return rotated.mul(values.getLast()).sub(w);
    }

    /// `W Pᵢ blockdiag(R)ᵀ Pᵢᵀ`.
    private static Tensor between(Tensor w, Tensor blocks, int factor, long size) {
        int[] order = order(Math.toIntExact(w.size(1)), factor, Math.toIntExact(size));
        int[] back = new int[order.length];
        for (int i = 0; i < order.length; i++) {
            back[order[i]] = i;
        }
        Tensor permuted = w.indexSelect(1, Tensor.ofInts(w.device(), back, back.length));
        Tensor rotated = Rotation.rotated(permuted, blocks);
        return rotated.indexSelect(1, Tensor.ofInts(w.device(), order, order.length));
    }

    /// Where the one of each row of `Pᵢ` stands.
    private static int[] order(int in, int factor, int size) {
        int half = size / 2;
        int halves = 2 << factor; // in a group
        int group = halves * half;
        int[] order = new int[in];
        for (int row = 0; row < in; row++) {
            int place = row % group / half;
            int from = place < halves / 2 ? 2 * place : 2 * place - halves + 1;
            order[row] = row / group * group + from * half + row % half;
        }
        return order;
    }

    @Override
    public boolean readsWeight() {
        return true;
    }
}
