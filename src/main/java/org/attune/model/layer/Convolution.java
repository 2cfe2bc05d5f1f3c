package org.attune.model.layer;

import org.attune.tensor.DType;
import org.attune.tensor.Tensor;

import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;

/// A convolution of each feature over the last tokens, the present one included:
/// ```
/// y_t = b + Σ_j w_j x_(t - J + 1 + j),     j = 0 … J - 1
/// ```
/// `N` rows, `C` features, `J` taps. What is before a sequence counts as zero.
///
/// @param parts weights of all features, or of some after the others, `(C, 1, J)` each
/// @param bias `(C)`
record Convolution(List<Weight> parts, Optional<Weight> bias) {
    List<Weight> weights() {
        return Stream.concat(parts.stream(), bias.stream()).toList();
    }

    /// The weights, float32 `(J, C)`.
    Tensor byTap(Function<Weight, Tensor> values) {
        Tensor[] all = new Tensor[parts.size()];
        for (int i = 0; i < all.length; i++) {
            all[i] = values.apply(parts.get(i)).to(DType.FLOAT32).select(1, 0);
        }
        return (all.length == 1 ? all[0] : Tensor.cat(0, all)).t();
    }

    private int taps() {
        return Math.toIntExact(parts.getFirst().base().size(2));
    }

    /// @param x `(N, C)`
    /// @return float32 `(N, C)`: sums of products in half precision would be rounded each
    Tensor apply(Tensor x, Expression expression, Succession rows) {
        Tensor taps = byTap(expression::value); // (J, C)
        int last = taps() - 1;
        Tensor context = rows.withContext(x); // (N + …, C)
        Tensor sum = x.to(DType.FLOAT32).mul(taps.select(0, last)); // (N, C)
        for (int back = 1; back <= last; back++) {
            Tensor earlier = context.indexSelect(0, rows.before(back)); // (N, C)
            sum = sum.add(earlier.to(DType.FLOAT32).mul(taps.select(0, last - back)));
        }
        rows.keepContext(context);
        Tensor all = sum;
        return bias.map(b -> all.add(expression.value(b).to(DType.FLOAT32))).orElse(all);
    }

    /// Bytes that [#apply] makes of a row with autograd, at most.
    ///
    /// @param number bytes of one in the compute dtype
    long expressionBytes(long number) {
        long features = parts.stream().mapToLong(w -> w.base().size(0)).sum();
        return features * (number + taps() * (number + 3L * Float.BYTES));
    }
}
