package org.attune.model.layer;

import org.attune.model.config.ExpertsConfig.RouterConfig;
import org.attune.model.layer.FeedForward.Products;
import org.attune.tensor.DType;
import org.attune.tensor.Tensor;
import org.attune.tensor.vector.TokenStack;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/// Chooses experts for each row and weighs them, in float32. The choice has no gradient: it goes
/// through the weights. `N` rows, `E` experts, `k` chosen of each.
///
/// @param projection to logits, `(E, D)`
/// @param correction is added to scores when experts are chosen, `E` float32 numbers
/// @param config how it chooses
/// @param chosen `k`
/// @param factors of its input and of the weights, if there are such
record Router(
        FusedLinear projection,
        Optional<Weight> correction,
        RouterConfig config,
        int chosen,
        Optional<Factors> factors) {
    /// Learned factors, with which the router reads `s · norm(x) / √D`.
    ///
    /// @param norm without a weight
    /// @param input `s`, `(D)`
    /// @param experts what the weight of each expert is multiplied by, `(E)`
    record Factors(BareNorm norm, Weight input, Weight experts) {
        List<Weight> weights() {
            return List.of(input, experts);
        }
    }

    /// A router without factors.
    Router(FusedLinear projection, Optional<Weight> correction, RouterConfig config, int chosen) {
        this(projection, correction, config, chosen, Optional.empty());
    }

    /// Chooses with the factors, if there are such.
    ///
    /// @param x `(N, D)`
    Routed route(Tensor x, Expression e) {
        if (factors.isEmpty()) {
            return route(x, (Products) e);
        }
        Factors f = factors.get();
        Tensor read =
                f.norm()
                        .apply(x, e::value)
                        .mul(e.value(f.input()))
                        .mul(1 / Math.sqrt(x.size(1))); // (N, D)
        Routed routed = route(read, (Products) e);
        Tensor own =
                e.value(f.experts())
                        .to(DType.FLOAT32)
                        .indexSelect(0, routed.rows().experts(x).reshape(-1))
                        .reshape(routed.weights().shape()); // (N, k)
        return new Routed(routed.logits(), routed.rows(), routed.weights().mul(own));
    }

    /// What is chosen.
    ///
    /// @param logits float32 `(N, E)`
    /// @param rows which go where
    /// @param weights of the chosen, float32 `(N, k)`
    record Routed(Tensor logits, ExpertRows rows, Tensor weights) {}

    /// @param x `(N, D)`
    Routed route(Tensor x, Products products) {
        Tensor logits = products.of(projection, x).to(DType.FLOAT32); // (N, E)
        return switch (config.scores()) {
            case RouterConfig.Scores.Softmax _ -> {
                Tensor p = logits.softmax(1);
                yield weighed(logits, p, p);
            }
            // Sigmoids near 1 are equal, logits aren't.
            case RouterConfig.Scores.Sigmoid _ -> {
                Tensor s = logits.sigmoid();
                yield weighed(logits, s, correction.isPresent() ? s : logits);
            }
            case RouterConfig.Scores.SparseMixer(double jitter) -> mixed(logits, jitter);
        };
    }

    /// @param scores weigh
    /// @param choice say which are best
    private Routed weighed(Tensor logits, Tensor scores, Tensor choice) {
        float[] values = choice.detach().toFloats();
        int experts = projection.out();
        float[] added = correction.map(c -> c.base().toFloats()).orElse(new float[0]);
        ExpertRows rows = ExpertRows.of(chosen(values, added), chosen, experts);
        Tensor s = scores.gather(1, rows.experts(scores)); // (N, k)
        RouterConfig.Weights w = config.weights();
        Tensor weights = w.renormalised() ? s.div(sum(s, w)) : s;
        return new Routed(logits, rows, w.scale() == 1 ? weights : weights.mul(w.scale()));
    }

    /// What [#route] does with a row of logits, for a router without factors that is no sparse
    /// mixer.
    TokenStack.Choice choice() {
        float[] added = correction.map(c -> c.base().toFloats()).orElse(new float[0]);
        boolean sigmoid = config.scores() instanceof RouterConfig.Scores.Sigmoid;
        return (logits, best, weights) -> {
            float[] scores = sigmoid ? sigmoids(logits) : shares(logits);
            float[] values = (sigmoid && added.length == 0 ? logits : scores).clone();
            System.arraycopy(chosen(values, added), 0, best, 0, chosen);
            weigh(scores, best, weights);
        };
    }

    private static float[] sigmoids(float[] logits) {
        float[] s = new float[logits.length];
        for (int e = 0; e < s.length; e++) {
            s[e] = (float) (1 / (1 + Math.exp(-logits[e])));
        }
        return s;
    }

    /// Their softmax.
    private static float[] shares(float[] logits) {
        float most = logits[likeliest(logits, 0, logits.length)];
        float[] p = new float[logits.length];
        float sum = 0;
        for (int e = 0; e < p.length; e++) {
            p[e] = (float) Math.exp(logits[e] - most);
            sum += p[e];
        }
        for (int e = 0; e < p.length; e++) {
            p[e] /= sum;
        }
        return p;
    }

    /// @param weights written
    private void weigh(float[] scores, int[] best, float[] weights) {
        RouterConfig.Weights w = config.weights();
        float sum = 0;
        for (int e : best) {
            sum += scores[e];
        }
        sum += (float) w.added();
        float over = w.renormalised() ? Math.max(sum, (float) w.floor()) : 1;
        for (int i = 0; i < chosen; i++) {
            weights[i] = scores[best[i]] / over * (float) w.scale();
        }
    }

    private static Tensor sum(Tensor s, RouterConfig.Weights w) {
        Tensor sum = s.sum(1, true); // (N, 1)
        if (w.added() > 0) {
            sum = sum.add(w.added());
        }
        // max(sum, floor), exact where the sum is larger
        return w.floor() > 0 ? sum.add(sum.neg().add(w.floor()).relu()) : sum;
    }

    /// The best experts of each row.
    ///
    /// @param values changed
    /// @param added to each row, or empty
    private int[] chosen(float[] values, float[] added) {
        int experts = projection.out();
        addRows(values, added);
        if (config.groups() > 1) {
            keepBestGroups(values, experts);
        }
        return best(values, experts);
    }

    private static void addRows(float[] values, float[] row) {
        for (int i = 0; row.length > 0 && i < values.length; i++) {
            values[i] += row[i % row.length];
        }
    }

    /// Leaves −∞ in all but each row's best groups. A group is as good as its best two experts.
    private void keepBestGroups(float[] values, int experts) {
        int size = experts / config.groups();
        float[] sums = new float[config.groups()];
        for (int row = 0; row < values.length; row += experts) {
            for (int g = 0; g < sums.length; g++) {
                float[] group = Arrays.copyOfRange(values, row + g * size, row + (g + 1) * size);
                Arrays.sort(group);
                sums[g] = group[size - 1] + group[size - 2];
            }
            boolean[] kept = new boolean[sums.length];
            for (int i = 0; i < config.chosenGroups(); i++) {
                int best = likeliest(sums, 0, sums.length);
                kept[best] = true;
                sums[best] = Float.NEGATIVE_INFINITY;
            }
            for (int e = 0; e < experts; e++) {
                if (!kept[e / size]) {
                    values[row + e] = Float.NEGATIVE_INFINITY;
                }
            }
        }
    }

    /// @param values changed
    private int[] best(float[] values, int experts) {
        int[] best = new int[values.length / experts * chosen];
        for (int i = 0; i < best.length; i++) {
            int row = i / chosen * experts;
            best[i] = likeliest(values, row, experts);
            values[row + best[i]] = Float.NEGATIVE_INFINITY;
        }
        return best;
    }

    /// The first of the largest; what isn't a number is never larger.
    static int likeliest(float[] values, int from, int count) {
        int best = 0;
        for (int e = 1; e < count; e++) {
            if (values[from + e] > values[from + best]) {
                best = e;
            }
        }
        return best;
    }

    /// Each choice weighs by a softmax over those that are near it.
    private Routed mixed(Tensor logits, double jitter) {
        float[] s = logits.detach().toFloats();
        int experts = projection.out();
        int tokens = s.length / experts;
        int[] best = new int[tokens * chosen];
        float[] open = s.clone();
        Tensor[] weights = new Tensor[chosen];
        for (int i = 0; i < chosen; i++) {
            float[] mask = new float[s.length];
            long[] index = new long[tokens];
            for (int token = 0; token < tokens; token++) {
                int row = token * experts;
                int e = likeliest(open, row, experts);
                best[token * chosen + i] = e;
                index[token] = e;
                float most = s[row + e];
                for (int other = row; other < row + experts; other++) {
                    float factor = Math.max(Math.abs(s[other]), most);
                    boolean far = (most - s[other]) / factor > 2 * jitter;
                    if (far || open[other] == Float.NEGATIVE_INFINITY) {
                        mask[other] = Float.NEGATIVE_INFINITY;
                    }
                }
                open[row + e] = Float.NEGATIVE_INFINITY;
            }
            Tensor near = logits.add(Tensor.of(logits.device(), mask, tokens, experts));
            weights[i] = near.softmax(1).gather(1, Tensor.of(logits.device(), index, tokens, 1));
        }
        Tensor all = chosen == 1 ? weights[0] : Tensor.cat(1, weights); // (N, k)
        return new Routed(logits, ExpertRows.of(best, chosen, experts), all);
    }
}
