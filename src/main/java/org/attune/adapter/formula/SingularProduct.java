package org.attune.adapter.formula;

import org.attune.tensor.Tensor;

import java.util.List;

/// AdaLoRA: `Δ = s B diag(E) A`, the shape of a singular value decomposition, [Zhang et al. 2023,
/// Eq. 3](https://arxiv.org/abs/2303.10512).
///
/// @param rank length of `E`
/// @param scaling `s`
record SingularProduct(int rank, double scaling) implements WeightFormula {
    @Override
    public List<Part> parts(long out, long in) {
        return List.of(
                new Part("lora_A", Start.KAIMING, rank, in),
                new Part("lora_B", Start.KAIMING, out, rank),
                new Part("lora_E", Start.ZEROS, rank, 1));
    }

    @Override
    public List<String> suffixes() {
        return parts(ANY, ANY).stream().map(Part::suffix).toList();
    }

    @Override
    public Tensor delta(Base base, List<Tensor> values) {
        Tensor scaled = values.get(0).mul(values.get(2)); // (r, in)
        return values.get(1).mm(scaled).mul(scaling);
    }

    @Override
    public boolean readsWeight() {
        return false;
    }
}
