package org.attune.adapter.formula;

import org.attune.tensor.Tensor;

import java.util.List;

/// VeRA: `Δ = diag(b) B diag(d) A`, where only `b` and `d` are trained, [Kopiczko et al. 2023, Eq.
/// 2](https://arxiv.org/abs/2310.11454). `A` and `B` are random and as large as the largest module
/// needs; each module reads their first columns and rows.
///
/// @param rank rows of `A`
/// @param start what all of `d` begins with, `d_initial`
/// @param seed of `A` and `B`, `projection_prng_key`
/// @param saved whether files hold `A` and `B`, `save_projection`
record SharedProduct(int rank, double start, long seed, boolean saved) implements WeightFormula {
    private static final double GAIN = Math.sqrt(2); // PyTorch's for ReLU

    @Override
    public List<Part> parts(long out, long in) {
        return List.of(
                new Part("vera_lambda_b", Start.ZEROS, Start.ONES, out),
                new Part("vera_lambda_d", Start.normal(start, 0), Start.normal(0, 1), rank));
    }

    @Override
    public List<String> suffixes() {
        return parts(ANY, ANY).stream().map(Part::suffix).toList();
    }

    @Override
    public List<Part> shared(long out, long in) {
        int a = Math.toIntExact(rank * in);
        int b = Math.toIntExact(out * rank);
        Start first = (_, _) -> new TorchGenerator(seed).uniform(a, bound(in));
        Start second =
                (_, _) -> {
                    var random = new TorchGenerator(seed);
                    random.skip(a); // one generator makes A, then B
                    return random.uniform(b, bound(rank));
                };
        return List.of(
                new Part("base_model.vera_A", first, rank, in),
                new Part("base_model.vera_B", second, out, rank));
    }

    @Override
    public boolean savesShared() {
        return saved;
    }

    /// PyTorch's `kaiming_uniform_`.
    private static double bound(long columns) {
        return Math.sqrt(3) * (GAIN / Math.sqrt(columns));
    }

    @Override
    public Tensor delta(Base base, List<Tensor> values) {
        Tensor a = base.shared().get(0).narrow(1, 0, base.in()); // (r, in)
        Tensor b = base.shared().get(1).narrow(0, 0, base.out()); // (out, r)
        Tensor left = b.mul(values.get(0).reshape(base.out(), 1));
        return left.mm(a.mul(values.get(1).reshape(rank, 1)));
    }

    @Override
    public boolean readsWeight() {
        return false;
    }
}
