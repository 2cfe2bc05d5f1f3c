package org.attune.adapter.formula;

import org.attune.error.ConfigException;
import org.attune.tensor.Tensor;

import java.util.List;

/// BOFT with one butterfly factor: the input's features are rotated in blocks and the output's
/// scaled, `W' = diag(s) W blockdiag(R)ᵀ`, with `R` as in [Rotation], [Liu et al. 2023, Eq.
/// 2](https://arxiv.org/abs/2311.06243).
///
/// @param blocks `boft_block_num`: how many blocks; 0: by their size
/// @param blockSize `boft_block_size`: rows of a block; 0: by their number
record ScaledRotation(int blocks, int blockSize) implements WeightFormula {
    private static final double DEVIATION = 0.1; // of random values, PEFT's choice

    @Override
    public List<Part> parts(long out, long in) {
        long size = in == ANY ? ANY : size(in);
        long count = in == ANY ? ANY : in / size;
        return List.of(
                new Part("boft_R", Start.ZEROS, Start.normal(0, DEVIATION), 1, count, size, size),
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

    @Override
    public List<String> suffixes() {
        return parts(ANY, ANY).stream().map(Part::suffix).toList();
    }

    @Override
    public Tensor delta(Base base, List<Tensor> values) {
        Tensor w = base.weight().get(); // (out, in)
        long size = size(w.size(1));
        Tensor given = values.getFirst().reshape(w.size(1) / size, size, size);
        Tensor skew = given.sub(given.transpose(1, 2)).mul(0.5);
        return Rotation.rotated(w, Rotation.cayley(skew)).mul(values.getLast()).sub(w);
    }

    @Override
    public boolean readsWeight() {
        return true;
    }
}
