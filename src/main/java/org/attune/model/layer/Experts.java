package org.attune.model.layer;

import org.attune.tensor.DType;
import org.attune.tensor.Tensor;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/// Feed-forward parts of which a router chooses some for each token, [Shazeer et al. 2017, Eq. 1–5
/// without noise](https://arxiv.org/abs/1701.06538):
/// ```
/// y = Σ_e w_e E_e(x),     w = the k largest of softmax(R x)
/// ```
/// Rows are grouped by expert, so that an expert's product is one product. `N` rows, `k` experts of
/// each.
///
/// @param router `(E, D)`
/// @param experts `E` of them
/// @param shared what every token takes too
/// @param chosen `k`
/// @param renormalised whether a token's weights are divided by their sum
public record Experts(
        FusedLinear router,
        List<FeedForward.Gated> experts,
        Optional<Shared> shared,
        int chosen,
        boolean renormalised)
        implements FeedForward {
    /// An expert of all tokens, `σ(g x) E(x)`.
    ///
    /// @param gate `g`, `(1, D)`
    public record Shared(FeedForward.Gated expert, FusedLinear gate) {}

    @Override
    public Tensor apply(Tensor x, Products products) {
        Tensor p = products.of(router, x).to(DType.FLOAT32).softmax(1); // (N, E)
        Routing routing = Routing.of(p, chosen);
        Tensor w = p.gather(1, routing.experts(x)); // (N, k)
        Tensor weights = renormalised ? w.div(w.sum(1, true)) : w;
        Tensor rows = x.indexSelect(0, routing.tokens(x)); // (N k, D), by expert
        List<Tensor> parts = new ArrayList<>();
        int from = 0;
        for (int e = 0; e < experts.size(); e++) {
            int count = routing.counts()[e];
            if (count > 0) {
                parts.add(experts.get(e).apply(rows.narrow(0, from, count), products));
            }
            from += count;
        }
        Tensor put = Tensor.cat(0, parts.toArray(Tensor[]::new)).indexSelect(0, routing.places(x));
        Tensor y =
                put.reshape(x.size(0), chosen, x.size(1)) // (N, k, D)
                        .mul(weights.to(x.dtype()).unsqueeze(2))
                        .sum(1, false);
        return shared.map(s -> y.add(sharedPart(s, x, products))).orElse(y);
    }

    private static Tensor sharedPart(Shared s, Tensor x, Products products) {
        Tensor share = products.of(s.gate(), x).sigmoid(); // (N, 1)
        return s.expert().apply(x, products).mul(share);
    }

    @Override
    public long expressionBytes(long number) {
        long width = router.in();
        long one = experts.getFirst().expressionBytes(number) + 4 * number * width;
        long all = shared.map(s -> s.expert().expressionBytes(number)).orElse(0L);
        return chosen * one + all + (2 * Float.BYTES + number) * router.out() + number * width;
    }

    @Override
    public List<FusedLinear> linears() {
        List<FusedLinear> all = new ArrayList<>(List.of(router));
        experts.forEach(e -> all.addAll(e.linears()));
        shared.ifPresent(
                s -> {
                    all.addAll(s.expert().linears());
                    all.add(s.gate());
                });
        return all;
    }

    /// Which rows go to which experts.
    ///
    /// @param chosen experts of each token, the likeliest first, `N k`
    /// @param order which of these comes where, by expert, then by token
    /// @param counts how many each expert gets
    private record Routing(int k, int[] chosen, int[] order, int[] counts) {
        /// @param p probabilities, float32 `(N, E)`
        static Routing of(Tensor p, int k) {
            int experts = Math.toIntExact(p.size(1));
            float[] values = p.detach().toFloats();
            int[] chosen = new int[values.length / experts * k];
            int[] counts = new int[experts];
            for (int token = 0; token < values.length / experts; token++) {
                for (int i = 0; i < k; i++) {
                    int best = likeliest(values, token * experts, experts);
                    chosen[token * k + i] = best;
                    values[token * experts + best] = Float.NEGATIVE_INFINITY;
                    counts[best]++;
                }
            }
            int[] next = new int[experts];
            for (int e = 1; e < experts; e++) {
                next[e] = next[e - 1] + counts[e - 1];
            }
            int[] order = new int[chosen.length];
            for (int i = 0; i < chosen.length; i++) {
                order[i] = next[chosen[i]]++;
            }
            return new Routing(k, chosen, order, counts);
        }

        /// The first of the largest; probabilities that aren't numbers choose the first.
        private static int likeliest(float[] values, int from, int experts) {
            int best = 0;
            for (int e = 1; e < experts; e++) {
                if (values[from + e] > values[from + best]) {
                    best = e;
                }
            }
            return best;
        }

        /// `(N, k)`.
        Tensor experts(Tensor like) {
            return index(like, chosen).reshape(chosen.length / k, k);
        }

        /// Tokens by expert, `(N k)`.
        Tensor tokens(Tensor like) {
            int[] tokens = new int[order.length];
            for (int i = 0; i < order.length; i++) {
                tokens[order[i]] = i / k;
            }
            return index(like, tokens);
        }

        /// Where each token's rows went, `(N k)`.
        Tensor places(Tensor like) {
            return index(like, order);
        }

        private static Tensor index(Tensor like, int[] numbers) {
            return Tensor.of(
                    like.device(), Arrays.stream(numbers).asLongStream().toArray(), numbers.length);
        }
    }
}
