package org.attune.adapter.formula;

import org.attune.tensor.Tensor;

import java.util.List;

/// LoHa: `Δ = s (A₁ B₁) ⊙ (A₂ B₂)`, [Hyeon-Woo et al. 2021,
/// Prop. 1](https://arxiv.org/abs/2108.06098).
///
/// @param rank columns of `A₁` and `A₂`
/// @param scaling `s`
record HadamardProduct(int rank, double scaling) implements WeightFormula {
    @Override
    public List<Part> parts(long out, long in) {
        return List.of(
                new Part("hada_w1_a", Start.KAIMING, out, rank),
                new Part("hada_w1_b", Start.KAIMING, rank, in),
                new Part("hada_w2_a", Start.KAIMING, out, rank),
                new Part("hada_w2_b", Start.ZEROS, rank, in));
    }

    @Override
    public List<String> suffixes() {
        return parts(ANY, ANY).stream().map(Part::suffix).toList();
    }

    @Override
    public Tensor delta(Base base, List<Tensor> values) {
        Tensor first = values.get(0).mm(values.get(1)); // (out, in)
        Tensor second = values.get(2).mm(values.get(3)); // (out, in)
        return first.mul(second).mul(scaling);
    }

    @Override
    public boolean readsWeight() {
        return false;
    }
}
