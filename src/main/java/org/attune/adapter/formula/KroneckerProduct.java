package org.attune.adapter.formula;

import org.attune.tensor.Tensor;

import java.util.ArrayList;
import java.util.List;

/// LoKr: `Δ = s W₁ ⊗ W₂`, where a large factor is a product of two low-rank matrices, [Yeh et
/// al. 2023, §3](https://arxiv.org/abs/2309.14859). How sizes are split is PEFT's rule.
///
/// @param rank of factors that are products
/// @param scaling `s`
/// @param splitsFirst `decompose_both`: whether `W₁` may be a product too
/// @param factor `decompose_factor`: rows and columns of `W₁` where it divides the weight's;
///     else, or with −1, the most balanced division at or below it
record KroneckerProduct(int rank, double scaling, boolean splitsFirst, int factor)
        implements WeightFormula {
    private static final String FIRST = "lokr_w1";
    private static final String SECOND = "lokr_w2";

    @Override
    public List<Part> parts(long out, long in) {
        if (out == ANY || in == ANY) {
            return List.of();
        }
        long[] rows = split(out);
        long[] columns = split(in);
        List<Part> parts = new ArrayList<>();
        boolean product = firstIsProduct(rows[0], columns[0]);
        add(parts, FIRST, Start.ZEROS, product, rows[0], columns[0]);
        add(parts, SECOND, Start.KAIMING, isLarge(rows[1], columns[1]), rows[1], columns[1]);
        return parts;
    }

    private boolean firstIsProduct(long rows, long columns) {
        return splitsFirst && isLarge(rows, columns);
    }

    private boolean isLarge(long rows, long columns) {
        return rank < Math.max(rows, columns) / 2.0;
    }

    private void add(
            List<Part> parts, String name, Start start, boolean product, long rows, long columns) {
        if (product) {
            parts.add(new Part(name + "_a", start, rows, rank));
            parts.add(new Part(name + "_b", Start.KAIMING, rank, columns));
        } else {
            parts.add(new Part(name, start, rows, columns));
        }
    }

    /// Two factors of a size.
    private long[] split(long size) {
        if (factor > 0 && size % factor == 0) {
            return new long[] {factor, size / factor};
        }
        long most = factor == -1 ? size : factor;
        long first = 1;
        long second = size;
        while (first < second) {
            long next = first + 1;
            while (size % next != 0) {
                next++;
            }
            if (next + size / next > first + second || next > most) {
                break;
            }
            first = next;
            second = size / next;
        }
        return new long[] {Math.min(first, second), Math.max(first, second)};
    }

    @Override
    public List<String> suffixes() {
        return List.of(FIRST, FIRST + "_a", FIRST + "_b", SECOND, SECOND + "_a", SECOND + "_b");
    }

    @Override
    public Tensor delta(Base base, List<Tensor> values) {
        int ofFirst = firstIsProduct(split(base.out())[0], split(base.in())[0]) ? 2 : 1;
        Tensor first = factor(values.subList(0, ofFirst)); // (a, b)
        Tensor second = factor(values.subList(ofFirst, values.size())); // (c, d)
        long a = first.size(0);
        long b = first.size(1);
        long c = second.size(0);
        long d = second.size(1);
        return first.reshape(a, 1, b, 1)
                .mul(second.reshape(1, c, 1, d))
                .mul(scaling)
                .reshape(a * c, b * d);
    }

    private static Tensor factor(List<Tensor> parts) {
        return parts.size() == 1 ? parts.getFirst() : parts.get(0).mm(parts.get(1));
    }

    @Override
    public boolean readsWeight() {
        return false;
    }
}
