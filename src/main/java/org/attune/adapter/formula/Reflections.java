package org.attune.adapter.formula;

import org.attune.tensor.Tensor;

import java.util.List;

/// HRA: the input's features are mirrored at trained hyperplanes one after the other,
/// `W' = W Π (I − 2 uᵢ uᵢᵀ)`, [Yuan et al. 2024, Eq. 2](https://arxiv.org/abs/2405.17484).
///
/// @param rank `r`: how many reflections
/// @param orthogonal `apply_GS`: whether their vectors are made orthogonal by Gram and Schmidt
record Reflections(int rank, boolean orthogonal) implements WeightFormula {
    @Override
    public List<Part> parts(long out, long in) {
        return List.of(new Part("hra_u", Start.PAIRS, in, rank));
    }

    @Override
    public List<String> suffixes() {
        return List.of("hra_u");
    }

    @Override
    public Tensor delta(Base base, List<Tensor> values) {
        Tensor vectors = values.getFirst(); // (in, r)
        Tensor w = base.weight().get(); // (out, in)
        Tensor[] units = new Tensor[rank]; // (in, 1) each
        Tensor mirrored = w;
        for (int i = 0; i < rank; i++) {
            Tensor u = vectors.narrow(1, i, 1);
            for (int j = 0; orthogonal && j < i; j++) {
                u = u.sub(units[j].mul(units[j].mul(u).sum()));
            }
            units[i] = u.div(u.square().sum().sqrt());
            mirrored = mirrored.sub(mirrored.mm(units[i]).mm(units[i].t()).mul(2));
        }
        return mirrored.sub(w);
    }

    @Override
    public boolean readsWeight() {
        return true;
    }
}
