package org.attune.adapter.formula;

import org.attune.tensor.Tensor;

import java.util.List;

/// AdaLoRA: `Δ = s B diag(E) A`, the shape of a singular value decomposition, [Zhang et al. 2023,
/// Eq. 3](https://arxiv.org/abs/2303.10512).
///
/// @param rank length of `E`
/// @param scaling `s`
record SingularProduct(int rank, double scaling) implements WeightFormula {
    private static final Start VECTORS = Start.normal(0, 0.02); // PEFT's choice
    private static final Start RANDOM = Start.normal(0, 1);

    @Override
    public List<Part> parts(long out, long in) {
        return List.of(
                new Part("lora_A", VECTORS, RANDOM, rank, in),
                new Part("lora_B", VECTORS, RANDOM, out, rank),
                new Part("lora_E", Start.ZEROS, RANDOM, rank, 1));
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
